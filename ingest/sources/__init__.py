"""Adapters: one file a source, each from what that source sends to events in MUTT's words."""
