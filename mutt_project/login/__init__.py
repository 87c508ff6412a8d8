"""How people get in, and who is kept out: docs/login.md."""
