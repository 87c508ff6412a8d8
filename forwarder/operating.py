"""What people do with the breaker. It is noted among the changes first: nobody forces it without that."""

from typing import Any

from django.db import transaction

from audit.changes import Kind, Noted, asked_by, note_changes
from forwarder.breaker import View, Wish, breaker


def force(wish: Wish, reason: str, by: str, for_s: float) -> None:
    """Force it open or closed for so many seconds, or leave it to the failures again. Raises RedisError."""
    before = _forced(breaker().view())
    after: dict[str, Any] = {"forced": None} if wish is Wish.AUTOMATIC else {"forced": wish.value, "for_s": for_s}
    what = "automatic" if wish is Wish.AUTOMATIC else f"forced_{wish}"
    with transaction.atomic(), asked_by(by, reason):
        note_changes([_noted(what, before, after)])
        breaker().want(wish, reason, by, for_s)


def resume(reason: str, by: str) -> bool:
    """Send again after a pause. Returns whether there was one. Raises RedisError."""
    with transaction.atomic(), asked_by(by, reason):
        note_changes([_noted("resumed", {"paused": True}, {"paused": False})])
        was_paused = breaker().resume(reason, by)
        transaction.set_rollback(not was_paused)
    return was_paused


def _forced(view: View) -> dict[str, Any]:
    if view.forced is None:
        return {"forced": None}
    return {"forced": view.forced.state, "until": view.forced.until.isoformat()}


def _noted(what: str, before: dict[str, Any], after: dict[str, Any]) -> Noted:
    return Noted(Kind.BREAKER, "moogsoft", what, "Moogsoft", before, after)
