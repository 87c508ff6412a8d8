"""Django's PostgreSQL, with a password that can change while MUTT runs."""
