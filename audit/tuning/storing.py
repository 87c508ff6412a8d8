"""Changing settings at run time: written to PostgreSQL, noted there by a trigger, and published in Redis.

Who changes and who publishes hold the same lock, so that what is published last is what was written last. A change
is published before it is committed: where Redis is away, nothing is changed, and somebody is told.
"""

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from constance.codecs import dumps, loads
from constance.models import Constance
from django.db import Error, connection, transaction
from django.db.models import Max

from audit.change_models import Change
from audit.changes import Kind
from audit.connections import redis_client
from audit.tuning.present import PUBLISHED, Snapshot, default_of, present, readable, usable
from audit.tuning.tunables import TUNABLES, Tunable, faults_between

logger = logging.getLogger(__name__)

_LOCK = 7_300_011
TURN = f"{PUBLISHED}:published"


class InvalidError(ValueError):
    """Nothing was changed; `faults` say why, by the name of the setting."""

    def __init__(self, faults: Mapping[str, str]) -> None:
        super().__init__(" ".join(f"{name}: {fault}" for name, fault in faults.items()))
        self.faults = dict(faults)


class ChangedSinceError(Exception):
    """Somebody has changed settings since; nothing was changed."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What becomes of one setting; `risk` is what may come of it, empty where no guard is loosened.

    Where what was set before could not be used, `before` has it all the same.
    """

    name: str
    before: Any
    after: Any
    risk: str


@dataclass(frozen=True, slots=True)
class Standing:
    """One setting as it stands. `origin`: run time, environment or default; `by`, `at` and `why` of the last change.

    `stored` is what was set at run time, also where it is ignored because it cannot be used; None: nothing was.
    """

    tunable: Tunable
    value: Any
    default: Any
    origin: str
    stored: Any = None
    by: str = ""
    at: datetime | None = None
    why: str = ""


def change(wanted: Mapping[str, object], *, expected: int | None = None, dry_run: bool = False) -> list[Difference]:
    """Set these, or take them back to their defaults (None). Returns what is changed by that.

    `expected`: only if this is still the version. Raises InvalidError, ChangedSinceError, RedisError, Error.
    """
    asked = _read(wanted)
    with transaction.atomic(), _alone():
        stored = _stored()
        if expected is not None and expected != current_version():
            raise ChangedSinceError
        before = _holding(usable(stored))
        left = readable({name: value for name, value in stored.items() if name not in asked})
        after = _holding(left | {name: value for name, value in asked.items() if value is not None})
        if faults := faults_between(after, asked):
            raise InvalidError(faults)
        fit = readable(stored)
        changed = [name for name, value in asked.items() if fit.get(name, stored.get(name)) != value]
        if changed and not dry_run:
            _write({name: asked[name] for name in changed})
            _publish()
    return [
        Difference(name, stored.get(name, before[name]), after[name], TUNABLES[name].risk_of(before[name], after[name]))
        for name in changed
    ]


def _read(wanted: Mapping[str, object]) -> dict[str, Any]:
    found, faults = {}, {}
    for name, given in wanted.items():
        if name not in TUNABLES:
            faults[name] = "It is no setting that can be changed at run time: docs/settings.md marks those that can."
            continue
        try:
            found[name] = None if given is None else TUNABLES[name].read(given)
        except ValueError as error:
            faults[name] = str(error)
    if faults:
        raise InvalidError(faults)
    return found


@contextmanager
def _alone() -> Iterator[None]:
    """Until the end of the transaction nobody else changes or publishes."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
    yield


def _write(changed: Mapping[str, Any]) -> None:
    for name, value in changed.items():
        if value is None:
            Constance.objects.filter(key=name).delete()
        else:
            Constance.objects.update_or_create(key=name, defaults={"value": dumps(value)})


def _stored() -> dict[str, Any]:
    """What was set, as it stands in the table."""
    rows = Constance.objects.filter(key__in=TUNABLES).exclude(value=None).values_list("key", "value")
    return {key: _loaded(value) for key, value in rows}


def _loaded(value: str) -> Any:
    try:
        return loads(value)
    except (ValueError, TypeError, KeyError):
        return value  # psql may have written anything


def _holding(values: Mapping[str, Any]) -> dict[str, Any]:
    """Every setting, where these were set at run time."""
    return {name: values.get(name, default_of(name, values)) for name in TUNABLES}


def current_version() -> int:
    """The number of the last change of a setting, as `muttctl audit changes` shows it."""
    return Change.objects.filter(kind=Kind.SETTING).aggregate(last=Max("id"))["last"] or 0


def _publish() -> None:
    content = Snapshot(current_version(), readable(_stored())).as_json()
    if redis_client().get(PUBLISHED) != content:
        redis_client().set(PUBLISHED, content)
    present.take(content)


def publish_if_due(every_s: float) -> None:
    """Publish what PostgreSQL has, unless somebody did a moment ago: Redis may have lost it, psql have changed it."""
    if not redis_client().set(TURN, 1, nx=True, px=int(every_s * 900)):
        return
    try:
        with transaction.atomic(), _alone():
            _publish()
    except Error as error:
        logger.debug("settings are not published: %s", type(error).__name__)
    finally:
        connection.close()  # it is a thread's own, and needed for a moment only


def standing() -> tuple[int, list[Standing]]:
    """The version, and every setting as PostgreSQL has it. Raises Error."""
    with transaction.atomic():
        stored, as_of = _stored(), current_version()
    holding, last = usable(stored), _last_changes()
    return as_of, [_stands(one, holding, stored.get(name), last.get(name)) for name, one in TUNABLES.items()]


def _last_changes() -> dict[str, Change]:
    noted = Change.objects.filter(kind=Kind.SETTING, name__in=TUNABLES).order_by("name", "-id").distinct("name")
    return {one.name: one for one in noted}


def _stands(tunable: Tunable, values: Mapping[str, Any], stored: Any, last: Change | None) -> Standing:
    default = default_of(tunable.name, values)
    origin = "run time" if tunable.name in values else "environment" if os.environ.get(tunable.name) else "default"
    value = values.get(tunable.name, default)
    if last is None:
        return Standing(tunable, value, default, origin, stored)
    return Standing(tunable, value, default, origin, stored, by=last.who, at=last.at, why=last.reason)
