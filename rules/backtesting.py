"""What a change of one rule would have changed about the events of the past, found out slice by slice."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from audit.canary import CANARY
from audit.ids import first_id_at, received_at
from audit.models import Record
from rules.backtest_models import Backtest
from rules.compiled import Matcher
from rules.drafting import Drafted
from rules.event import Event, Handling, severity_of
from rules.matching import Decision
from rules.models import Rule
from rules.ruleset import current_rule_set

SLICE_S = 0.5  # a worker is busy no longer with one slice: batches wait behind it
PAGE = 1_000
MOST_EXAMPLES = 5
KEPT = timedelta(days=7)
_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a decision comes to; two events with the same two of these have changed in the same way."""

    outcome: str
    handling: str | None
    rule: str | None
    rule_id: int | None
    team: str

    @classmethod
    def of(cls, decision: Decision) -> "Outcome":
        rule = decision.rule
        outcome = "unmatched" if rule is None else "ignored" if decision.handling is Handling.IGNORE else "forwarded"
        return cls(outcome, decision.handling, rule.name if rule else None, rule.id if rule else None, decision.team)

    def as_json(self) -> dict[str, Any]:
        return {"outcome": self.outcome, "handling": self.handling, "rule": self.rule, "team": self.team}


def start(draft: Rule, by: str, now: datetime, *, most_events: int | None, since: datetime | None) -> Backtest:
    """Begin a backtest over the last `most_events` events, or all since then, and do its first slice at once."""
    delete_old(now)
    names = [field.name for field in Rule._meta.concrete_fields if field.name not in {"created_at", "updated_at"}]  # noqa: SLF001 - Django's documented Model._meta API
    backtest = Backtest.objects.create(
        requested_by=by,
        draft={name: getattr(draft, name) for name in names},
        most_events=most_events,
        since=since,
        started_at=now,
        updated_at=now,
    )
    do_slice(backtest.pk, now)
    backtest.refresh_from_db()
    return backtest


def delete_old(now: datetime) -> int:
    """Delete the backtests that nobody asks for any more; returns how many."""
    deleted, _ = Backtest.objects.filter(started_at__lt=now - KEPT).delete()
    return deleted


def unfinished(before: datetime) -> list[UUID]:
    """The backtests on which nobody has worked since then."""
    waiting = Backtest.objects.filter(status=Backtest.Status.RUNNING, updated_at__lt=before)
    return list(waiting.values_list("pk", flat=True))


def do_slice(backtest_id: UUID, now: datetime) -> bool:
    """Examine events for about SLICE_S seconds; returns whether there is more to do.

    Two workers never work on the same one: the second finds the row locked and leaves it.
    """
    with transaction.atomic():
        waiting = Backtest.objects.select_for_update(skip_locked=True)
        backtest = waiting.filter(pk=backtest_id, status=Backtest.Status.RUNNING).first()
        if backtest is None:
            return False
        matcher = current_rule_set.get()
        if backtest.rule_set_version != matcher.version:
            _begin_anew(backtest, matcher)
        try:
            drafted = _drafted(backtest, matcher)
        except ValueError as error:
            backtest.status, backtest.problem = Backtest.Status.FAILED, str(error)
        else:
            _examine_for(SLICE_S, backtest, drafted)
        backtest.updated_at = now
        backtest.save()
        return backtest.status == Backtest.Status.RUNNING


def _begin_anew(backtest: Backtest, matcher: Matcher) -> None:
    """Rules that changed meanwhile would make half of the figures wrong."""
    backtest.rule_set_version = matcher.version
    backtest.examined, backtest.changed, backtest.progress = 0, 0, 0.0
    backtest.cursor, backtest.transitions = None, []


def _drafted(backtest: Backtest, matcher: Matcher) -> Drafted:
    draft = Rule(**backtest.draft)
    return Drafted(matcher, draft.as_matched(), is_active=draft.is_active)


def _examine_for(seconds: float, backtest: Backtest, drafted: Drafted) -> None:
    tally = _Tally(backtest.transitions)
    end = time.monotonic() + seconds
    while True:
        page = list(_next_page(backtest))
        changed = [tally.add(record, drafted) for record in page]
        backtest.examined += len(page)
        backtest.changed += sum(changed)
        if page:
            backtest.cursor = page[-1]["event_id"]
        if len(page) < PAGE:
            backtest.status, backtest.progress = Backtest.Status.DONE, 1.0
            break
        backtest.progress = _progress(backtest)
        if time.monotonic() >= end:
            break
    backtest.transitions = tally.as_json()


def _next_page(backtest: Backtest) -> Iterable[Any]:
    records = Record.objects.order_by("-event_id").exclude(reason=CANARY)  # no rule decides a canary
    size = PAGE
    if backtest.cursor:
        records = records.filter(event_id__lt=backtest.cursor)
    if backtest.since:
        records = records.filter(event_id__gte=first_id_at(backtest.since))
    if backtest.most_events is not None:
        size = min(PAGE, backtest.most_events - backtest.examined)
    return records.values("event_id", "hostname", "message", "syslog_severity", "trap_oid")[: max(size, 0)]


def _progress(backtest: Backtest) -> float:
    if backtest.most_events:
        return backtest.examined / backtest.most_events
    if backtest.since and backtest.cursor:
        whole = (backtest.started_at - backtest.since).total_seconds()
        done = (backtest.started_at - received_at(backtest.cursor)).total_seconds()
        return min(max(done / whole, 0.0), 0.999) if whole > 0 else 0.999
    return 0.0


class _Tally:
    """Counts of changes by from and to, the most frequent first, each with a few examples."""

    def __init__(self, known: list[dict[str, Any]]) -> None:
        self._by_key = {one["key"]: one for one in known}

    def add(self, record: dict[str, Any], drafted: Drafted) -> bool:
        """Whether the draft changes what becomes of this event."""
        event = Event(
            hostname=record["hostname"],
            message=record["message"],
            syslog_severity=severity_of(record["syslog_severity"]),
            trap_oid=record["trap_oid"] or None,
        )
        before, after = Outcome.of(drafted.matcher.decide(event)), Outcome.of(drafted.decide(event))
        if before == after:
            return False
        key = f"{before}\n{after}"
        fresh = {"key": key, "from": before.as_json(), "to": after.as_json(), "count": 0, "examples": []}
        found = self._by_key.setdefault(key, fresh)
        found["count"] += 1
        if len(found["examples"]) < MOST_EXAMPLES:
            identifier = record["event_id"]
            example = {"id": str(identifier), "received_at": received_at(identifier).isoformat()}
            found["examples"].append({**example, "hostname": event.hostname, "message": event.message[:_SHOWN]})
        return True

    def as_json(self) -> list[dict[str, Any]]:
        return sorted(self._by_key.values(), key=lambda one: -one["count"])
