"""Who changes what, from where and why: put into the transaction, so that the database can note it with the change.

Triggers (`change_triggers.py`) note what happens to rows, whoever does it. What is no row of ours, such as the breaker,
is noted by `note_changes`.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import orjson
import pghistory
from django.db import connection
from psycopg2.sql import Composable

MAX_REASON_LENGTH = 500
MUTT_ITSELF = "MUTT"


class Kind(StrEnum):
    """What can be changed. The words stand in the triggers, too."""

    ARCHIVE = "archive"
    BREAKER = "breaker"
    DEAD_LETTER = "dead_letter"
    DEVELOPMENT_HOST = "development_host"
    GROUP = "group"
    KEY = "key"
    LOSS = "loss"
    QUARANTINED = "quarantined"
    REPLAY = "replay"
    RULE = "rule"
    SETTING = "setting"
    TEAM = "team"
    USER = "user"


# The tables whose rows the triggers note, by model. A test holds that no model is left out.
KINDS = {
    "audit.archive": Kind.ARCHIVE,
    "audit.deadletter": Kind.DEAD_LETTER,
    "audit.loss": Kind.LOSS,
    "auth.group": Kind.GROUP,
    "auth.user": Kind.USER,
    "constance.constance": Kind.SETTING,
    "ingest.apikey": Kind.KEY,
    "ingest.quarantined": Kind.QUARANTINED,
    "ingest.replay": Kind.REPLAY,
    "rules.developmenthost": Kind.DEVELOPMENT_HOST,
    "rules.deviceteam": Kind.TEAM,
    "rules.rule": Kind.RULE,
}


@dataclass(frozen=True, slots=True)
class Noted:
    """A change that is no change of a row: of what, what, and the values before and after. Never a secret."""

    kind: Kind
    object_id: str
    what: str
    name: str = ""
    old: Mapping[str, Any] = field(default_factory=dict)
    new: Mapping[str, Any] = field(default_factory=dict)


def noted_as(who: str, via: str, reason: str = "", address: str = "", correlation_id: str = "") -> Any:
    """What is changed within this is noted as this one's. Within another such block, what is given here counts."""
    given = {"author": who, "via": via, "reason": reason[:MAX_REASON_LENGTH]}
    known = {"address": address, "correlation_id": correlation_id}
    return _as_of(given | {name: value for name, value in known.items() if value})


def asked_by(who: str, reason: str) -> Any:
    """The same; from where and how is what a block around this says."""
    return _as_of({"author": who} | ({"reason": reason[:MAX_REASON_LENGTH]} if reason else {}))


@contextmanager
def _as_of(known: dict[str, str]) -> Iterator[None]:
    with connection.execute_wrapper(_as_text), pghistory.context(**known):
        yield


def _as_text(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:  # noqa: FBT001 - Django's signature
    """Pghistory puts the context in front of statements, and takes text only."""
    if isinstance(sql, Composable):
        sql = sql.as_string(context["cursor"].connection)
    return execute(sql, params, many, context)


def found_to_be(who: str) -> None:
    """The request at hand is this one's: keys are known only after it has begun."""
    pghistory.context(author=who)


def note_changes(changes: Sequence[Noted]) -> None:
    """Note them, in the transaction at hand; who, from where and why is what it says."""
    if not changes:
        return
    values = [(one.kind.value, one.object_id, one.name, one.what, _json(one.old), _json(one.new)) for one in changes]
    rows = ", ".join(["(%s, %s, %s, %s, %s, %s)"] * len(values))
    insert = f"INSERT INTO audit_change (kind, object_id, name, what, old, new) VALUES {rows}"  # noqa: S608 - constants, with parameters  # nosec B608
    with connection.cursor() as cursor:
        cursor.execute(insert, [value for one in values for value in one])


def _json(values: Mapping[str, Any]) -> str:
    return orjson.dumps(values).decode()
