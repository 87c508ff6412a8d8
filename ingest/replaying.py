"""Dead letters on their way again: through the whole pipeline, as the same events.

A replay opens their batch once more in the journal, with the dead events alone. match_batch revives them (their records
become pending again, and what was decided stands); until then nothing has changed, so whoever is killed in between
loses nothing. A batch that is open cannot be opened again: nothing is replayed twice at once.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from audit.changes import MUTT_ITSELF, Kind, Noted, asked_by, note_changes
from audit.entry import Entry
from audit.ids import batch_of, last_id_of
from audit.journal import journal
from audit.models import DeadLetter, Record
from audit.tuning.present import tuned
from forwarder.breaker import State, breaker
from forwarder.retry import POLICIES, Concern
from ingest import pipeline
from ingest.replay_models import Replay

SETTLED = timedelta(minutes=1)  # so long all must have been well before MUTT replays by itself
SLICE_S = 2  # how often beat has it done
_MOST_AT_ONCE = 1000
_STILL_OPEN = "Its batch is still on its way: try again when that has ended."
_NO_RECORD = "Its record is gone, so it cannot be replayed."
_NOT_WAITING = "It does not wait: it was {state} before."


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which dead letters are meant; what is None does not matter. Times are when they died."""

    ids: tuple[int, ...] | None = None
    stage: str | None = None
    reason: str | None = None
    hostname: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    replays_below: int | None = None

    @property
    def is_everything(self) -> bool:
        return all(getattr(self, field.name) is None for field in fields(self))

    def letters(self) -> QuerySet[DeadLetter]:
        """Those of them that wait, in the order of their receipt."""
        found = DeadLetter.objects.filter(state=DeadLetter.State.WAITING).order_by("event_id")
        lookups = {
            "pk__in": self.ids,
            "stage": self.stage,
            "reason": self.reason,
            "payload__hostname": self.hostname,
            "created_at__gte": self.since,
            "created_at__lt": self.until,
            "replays__lt": self.replays_below,
        }
        return found.filter(**{name: value for name, value in lookups.items() if value is not None})

    def as_json(self) -> dict[str, Any]:
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        for name in ("since", "until"):
            given[name] = given[name].isoformat() if given[name] else None
        return {name: value for name, value in given.items() if value is not None}

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> "Wanted":
        given = dict(kept)
        if "ids" in given:
            given["ids"] = tuple(given["ids"])
        for name in {"since", "until"} & given.keys():
            given[name] = datetime.fromisoformat(given[name])
        return cls(**given)


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of one dead letter; `why_not` is empty where it is on its way."""

    letter: int
    event: UUID
    why_not: str = ""


def replay_letters(letters: Sequence[DeadLetter], by: str, reason: str) -> list[Replayed]:
    """Send dead letters on their way again, those of one batch together. Raises RedisError."""
    found = Record.objects.in_bulk([letter.event_id for letter in letters])
    by_batch: dict[UUID, list[DeadLetter]] = defaultdict(list)
    results = []
    for letter in letters:
        if letter.state != DeadLetter.State.WAITING:
            results.append(Replayed(letter.pk, letter.event_id, _NOT_WAITING.format(state=letter.state)))
        elif letter.event_id not in found:
            results.append(Replayed(letter.pk, letter.event_id, _NO_RECORD))
        else:
            by_batch[batch_of(letter.event_id)].append(letter)
    for batch, together in by_batch.items():
        with transaction.atomic(), asked_by(by, reason):
            note_changes([_replayed(letter) for letter in together])
            opened = _reopen(batch, [(letter, found[letter.event_id]) for letter in together])
            transaction.set_rollback(not opened)
            if opened:
                chosen = DeadLetter.objects.filter(pk__in=[letter.pk for letter in together])
                chosen.update(settled_by=by, settled_why=reason)
        if opened:
            pipeline.start(batch, len(together))
        results += [Replayed(letter.pk, letter.event_id, "" if opened else _STILL_OPEN) for letter in together]
    return results


def _replayed(letter: DeadLetter) -> Noted:
    """The letter itself changes only when its event has gone through the rules again."""
    hostname = letter.payload.get("hostname", "") if isinstance(letter.payload, dict) else ""
    states = {"old": {"state": letter.state}, "new": {"state": DeadLetter.State.REPLAYED.value}}
    return Noted(Kind.DEAD_LETTER, str(letter.pk), "replayed", str(hostname), **states)


def _reopen(batch: UUID, pairs: Sequence[tuple[DeadLetter, Record]]) -> bool:
    _, first = pairs[0]
    entries = [_entry(letter, record) for letter, record in pairs]
    return journal().reopen(batch, entries, seq=first.journal_seq, api_key=first.api_key, address=first.address)


def _entry(letter: DeadLetter, record: Record) -> Entry:
    entry: Entry = {"id": str(record.event_id), "event": record.event}
    if letter.payload != record.event:
        entry["adapted"] = letter.payload
    if record.notes:
        entry["notes"] = list(record.notes)
    entry["api_key"], entry["address"] = record.api_key, record.address
    entry["correlation_id"] = record.correlation_id
    return entry


def discard_letters(wanted: Wanted, by: str, reason: str, now: datetime) -> int:
    """Let go of dead letters that wait; returns how many. Their records say dead, as before."""
    settled = {"settled_at": now, "settled_by": by, "settled_why": reason}
    with asked_by(by, reason):
        return wanted.letters().order_by().update(state=DeadLetter.State.DISCARDED, **settled)


def begin(wanted: Wanted, by: str, reason: str, rate: float, now: datetime) -> Replay:
    """Begin to replay many, `rate` events a second; `go_on` does it."""
    with asked_by(by, reason):
        return Replay.objects.create(
            requested_by=by,
            reason=reason,
            filter=wanted.as_json(),
            rate=rate,
            started_at=now,
            next_at=now,
            total=wanted.letters().count(),
        )


def stop(replay_id: UUID, by: str, now: datetime) -> bool:
    """Stop a replay; what is on its way goes on. False if it had ended before."""
    running = Replay.objects.filter(pk=replay_id, status=Replay.Status.RUNNING)
    with asked_by(by, ""):
        return bool(running.update(status=Replay.Status.STOPPED, ended_at=now, ended_by=by))


def go_on(now: datetime) -> int:
    """Do what is due of all replays that run; returns how many dead letters were sent on their way."""
    due = Replay.objects.filter(status=Replay.Status.RUNNING, next_at__lte=now).values_list("pk", flat=True)
    return sum(_do_slice(replay_id, now) for replay_id in list(due))


def _do_slice(replay_id: UUID, now: datetime) -> int:
    """One slice of it. Two workers never work on the same one: the second finds the row locked and leaves it."""
    with transaction.atomic():
        waiting = Replay.objects.select_for_update(skip_locked=True)
        replay = waiting.filter(pk=replay_id, status=Replay.Status.RUNNING).first()
        if replay is None:
            return 0
        letters = _next_letters(replay)
        results = replay_letters(letters, replay.requested_by, replay.reason)
        done = sum(not result.why_not for result in results)
        replay.replayed += done
        replay.skipped += len(results) - done
        replay.next_at = now + timedelta(seconds=len(results) / replay.rate)
        if letters:
            replay.cursor = letters[-1].event_id
        else:
            replay.status, replay.ended_at = Replay.Status.DONE, now
        replay.save()
    return done


def _next_letters(replay: Replay) -> list[DeadLetter]:
    """The next ones, always whole batches: a batch that is open cannot be opened for the rest of it."""
    letters = Wanted.from_json(replay.filter).letters().filter(created_at__lte=replay.started_at)
    if replay.cursor:
        letters = letters.filter(event_id__gt=replay.cursor)
    chosen = list(letters[: min(max(int(replay.rate * SLICE_S), 1), _MOST_AT_ONCE)])
    if chosen:
        last = chosen[-1].event_id
        chosen += letters.filter(event_id__gt=last, event_id__lte=last_id_of(batch_of(last)))
    return chosen


def replay_by_itself(now: datetime) -> Replay | None:
    """Begin a replay of what died of passing troubles, each letter so often as the setting allows, once all is well."""
    most = tuned.MUTT_AUTO_REPLAY_TIMES
    if most < 1 or Replay.objects.filter(status=Replay.Status.RUNNING).exists() or not _all_is_well():
        return None
    wanted = Wanted(replays_below=most, until=now - SETTLED)
    passing = wanted.letters().filter(reason__in=_passing_reasons())
    ids = tuple(passing.values_list("pk", flat=True)[: 10 * _MOST_AT_ONCE])
    if not ids:
        return None
    reason = "Moogsoft takes alerts again"
    return begin(Wanted(ids=ids), MUTT_ITSELF, reason, tuned.MUTT_REPLAY_RATE, now)


def _passing_reasons() -> Iterable[str]:
    return [reason.value for reason, policy in POLICIES.items() if policy.concern is Concern.DESTINATION]


def _all_is_well() -> bool:
    view = breaker().view()
    quiet = view.since is None or view.now - view.since > SETTLED
    taken = view.last_success_at is not None
    return view.state is State.CLOSED and not view.forced and not view.paused and not view.failures and quiet and taken
