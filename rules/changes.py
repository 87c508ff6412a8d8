"""Who changed a rule, a host or a team, when and why; and the way back.

The database keeps the history itself: triggers (see `models.py`) write down each change, whoever makes it. What only
we know, the person and the reason, is put into the transaction by `changing`.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.db.models import Model

from audit.changes import noted_as
from rules.models import (
    DevelopmentHost,
    DevelopmentHostChange,
    DeviceTeam,
    DeviceTeamChange,
    Rule,
    RuleChange,
    RuleSetVersion,
)

_HISTORY: dict[type[Model], Any] = {
    Rule: RuleChange,
    DevelopmentHost: DevelopmentHostChange,
    DeviceTeam: DeviceTeamChange,
}
_NOT_SHOWN = {"id", "created_at", "updated_at"}


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field before and after; None before an entry was made, and after it was deleted."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one entry. `what`: added, changed, deleted; `via`: admin or API; author and reason may be empty."""

    id: int
    entry_id: int
    name: str
    what: str
    at: datetime
    author: str
    via: str
    reason: str
    fields: list[FieldChange]
    values: dict[str, Any]

    @property
    def shown_fields(self) -> list[FieldChange]:
        """The fields worth showing: what was empty and is empty is not."""
        empty: tuple[Any, ...] = (None, "", {"match": [], "no_match": []})
        return [one for one in self.fields if one.before not in empty or one.after not in empty]


@contextmanager
def changing(author: str, via: str, reason: str) -> Iterator[None]:
    """What is changed within this transaction is written down as this person's, for this reason.

    Each change raises the version of the rule set, whose row is locked by that until the end. So who changes waits for
    that row first: two who held entries of each other while they waited for it would never end.
    """
    with transaction.atomic(), noted_as(author, via, reason):
        RuleSetVersion.objects.select_for_update().filter(pk=1).first()
        yield


def etag_of(entry: Model) -> str:
    """A strong ETag (RFC 9110 §8.8.3) of everything that is stored of an entry."""
    values = [getattr(entry, field.attname) for field in entry._meta.concrete_fields]  # noqa: SLF001 - Django's documented Model._meta API
    text = json.dumps(values, cls=DjangoJSONEncoder)
    return f'"{hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=12).hexdigest()}"'


def history_of(entry: type[Model], entry_id: int) -> list[Change]:
    """All changes of one entry, the newest first."""
    rows = list(_HISTORY[entry].objects.filter(pgh_obj_id=entry_id).order_by("pgh_id"))
    return list(_changes(entry, rows))[::-1]


def _changes(entry: type[Model], rows: list[Any]) -> Iterator[Change]:
    before: dict[str, Any] = {}
    for row in rows:
        values = _values(entry, row)
        after = {} if row.pgh_label == "deleted" else values
        context = row.pgh_context or {}
        yield Change(
            id=row.pgh_id,
            entry_id=row.id,
            name=str(values.get("name") or values.get("hostname")),
            what=row.pgh_label,
            at=row.pgh_created_at,
            author=context.get("author", ""),
            via=context.get("via", ""),
            reason=context.get("reason", ""),
            fields=[
                FieldChange(name, before.get(name), after.get(name))
                for name in values
                if before.get(name) != after.get(name)
            ],
            values=values,
        )
        before = after


def _values(entry: type[Model], row: Any) -> dict[str, Any]:
    names = [field.name for field in entry._meta.concrete_fields if field.name not in _NOT_SHOWN]  # noqa: SLF001 - Django's documented Model._meta API
    return {name: getattr(row, name) for name in names}


def bring_back(entry: type[Model], change_id: int) -> Model:
    """Make an entry again what it was after this change, or before it was deleted.

    Raises the history's DoesNotExist, and ValidationError if that is not valid any more.
    """
    row = _HISTORY[entry].objects.get(pgh_id=change_id)
    with transaction.atomic():
        found = entry._default_manager.select_for_update().filter(pk=row.id).first() or entry(pk=row.id)  # noqa: SLF001 - as above
        for name, value in _values(entry, row).items():
            setattr(found, name, value)
        found.full_clean()
        found.save()
    return found
