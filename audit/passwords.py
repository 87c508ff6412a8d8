"""Passwords that change while MUTT runs: the present one, and the next one while it is being changed."""

from django.conf import settings


def passwords_of(store: str) -> list[str]:
    """What may be the password of REDIS or DATABASE just now, the likelier first; empty: what its URL says."""
    found = (settings.MUTT_SECRETS.get(name, "") for name in (f"{store}_PASSWORD", f"{store}_PASSWORD_NEXT"))
    return [password for password in found if password]
