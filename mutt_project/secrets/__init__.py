"""Where MUTT's own secrets come from, and what they are at present."""
