"""Who logged in, out, or tried to: noted among the changes, as Django's signals tell it. They are Django's only way."""

from typing import Any

from django.contrib.auth import get_user_model

from audit.changes import Kind, Noted, asked_by, note_changes


def note_login(user: Any, **_: Any) -> None:
    _note(user, "logged_in")


def note_logout(user: Any, **_: Any) -> None:
    if user is not None:
        _note(user, "logged_out")


def note_failed_login(credentials: dict[str, Any], **_: Any) -> None:
    """What stands where a name should may be a password: only names that there are, are written down."""
    given = str(credentials.get("username", ""))
    known = "\0" not in given and get_user_model().objects.filter(username=given).values_list("pk", flat=True).first()
    note_changes([Noted(Kind.USER, str(known or ""), "login_failed", given if known else "(no such user)")])


def note_person(user: Any, what: str) -> None:
    """Note what was done to somebody's way in; who did it is what the transaction says."""
    note_changes([Noted(Kind.USER, str(user.pk), what, user.get_username())])


def _note(user: Any, what: str) -> None:
    with asked_by(user.get_username(), ""):
        note_person(user, what)
