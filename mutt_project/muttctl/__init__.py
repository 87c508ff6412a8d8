"""The operators' command line tool; it speaks to MUTT's REST API only and needs no Django."""
