"""The home page of admin: what happens now, and what is wrong, at a glance."""
