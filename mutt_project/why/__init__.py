"""What became of one event and why, joined from all apps; and why what was looked for is no alert."""
