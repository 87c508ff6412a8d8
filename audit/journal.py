"""The journal: what is in flight, in Redis. It carries the promise that a 202 is never lost.

A batch is opened before its 202 is answered and closed when all of its events are recorded as terminal. In
between, each stage claims it under a lease: a message that Celery delivers twice, or a slow worker whose
lease ran out, finds somebody else's token and does nothing. Each step is one Lua script, hence atomic.
"""

import secrets
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from itertools import islice
from math import isfinite
from typing import Any, Literal, cast
from uuid import UUID

import orjson
from django.conf import settings
from redis import Redis
from redis.exceptions import RedisError

from audit.connections import redis_client
from audit.entry import Entry
from audit.outcomes import DeadStage, Stage
from audit.scripts import run_all

PREFIX = "mutt:"
OPEN = f"{PREFIX}open"
UNRECORDED = f"{PREFIX}unrecorded"
OPENED = f"{PREFIX}opened"
TOTALS = f"{PREFIX}totals"
BATCH = f"{PREFIX}batch:"
ANSWER = f"{PREFIX}answer:"
FULL = f"{PREFIX}full"
PARKED = f"{PREFIX}parked"
BEHIND = f"{PREFIX}behind"
SWEPT = f"{PREFIX}swept"
QUEUES = ("pipeline", "forward", "dlq", "maintenance")
MOST_ABANDONED = 10
CAREFUL_AFTER = 3  # workers that did not come back
MOST_KILLS = 2  # of workers that were careful
LONGEST_DELAY_S = 60  # before something is tried again: forwarder/retry.py
MOST_BEHIND = 100  # batches that one holds up by itself; they are freed in one step
MOST_LOOKED_AT = 10_000  # batches, where somebody searches what is in flight
RATE = "rate"
IN_FRONT = 10**13  # ms: what was on its way, and had only one moment to wait, does not go behind a whole backlog


Call = tuple[Any, ...]  # of a script: its name, its keys, then its arguments


class NotClaimed(Exception):  # noqa: N818 - not an error: somebody else has done, or is doing, the work
    """The batch is closed, at another stage, or held by another worker."""


class Abandoned(Exception):  # noqa: N818 - as above
    """Too many workers died holding the batch: it is for the dead letters."""


class StaleClaim(Exception):  # noqa: N818 - as above
    """The lease ran out and somebody else took the batch over; nothing was changed."""


@dataclass(frozen=True, slots=True)
class Overdue:
    """An open batch that nobody has finished in time. `queued_at`: seconds of Redis' clock.

    `size`: bytes of its payload. `attempts`: how often its stage has taken it; `abandoned`: somebody did not come back.
    """

    batch: UUID
    stage: Stage
    queued_at: float
    events: int
    size: int
    attempts: int
    abandoned: bool


@dataclass(frozen=True, slots=True)
class JournalTotals:
    """One consistent look at the journal: counters since its start, and what has no record yet."""

    accepted: int
    rejected: int
    unrecorded: dict[UUID, int]
    open_batches: int


@dataclass(frozen=True, slots=True)
class Burial:
    """Why a whole batch was given up."""

    stage: DeadStage
    reason: str
    detail: str

    @property
    def as_bytes(self) -> bytes:
        return orjson.dumps([self.stage, self.reason, self.detail[:2000]])


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request with this key is answered, to be given again for `kept_s` seconds."""

    key: str
    content: bytes
    kept_s: int


@dataclass(frozen=True, slots=True)
class Marks:
    """Above the high marks the journal is full, until it is below the low ones. Memory: shares of maxmemory."""

    batches_high: int
    batches_low: int
    memory_high: float
    memory_low: float


@dataclass(frozen=True, slots=True)
class Pressure:
    """How full the journal is. `memory` is the share of Redis' maxmemory; 0 where it has none."""

    full: bool
    open_batches: int
    memory: float


@dataclass(frozen=True, slots=True)
class Notes:
    """What is noted of single events of a batch: Moogsoft took them, they are given up, how few may go together."""

    sent: AbstractSet[UUID]
    dead: AbstractSet[UUID]
    halved: Mapping[UUID, int]


@dataclass(frozen=True, slots=True)
class Place:
    """Where an open batch stands. Times are seconds of Redis' clock.

    `queued_at` lies ahead where it is to be tried again; at `due` the sweeper takes it for lost, never while it is
    parked. `held_until`: a worker is at it, and has until then.
    """

    stage: Stage
    queued_at: float
    due: float | None
    held_until: float | None
    parked: str | None
    behind: UUID | None
    failures: int
    api_key: str
    address: str
    correlation_id: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits where: batches that are parked, or behind another one; messages in Celery's queues."""

    parked: int
    in_line: int
    queues: Mapping[str, int]

    def in_queue(self, name: str) -> int:
        return self.queues.get(name, 0)


class Journal:
    """Open, claim and close batches. Times are seconds; `grace_s` is how long an unclaimed batch may wait."""

    def __init__(self, redis: Redis, *, lease_s: float, grace_s: float) -> None:
        self._redis: Any = redis  # its types allow for both str and bytes; ours are bytes
        self._lease_s = lease_s
        self._grace_s = grace_s
        self._scripts = {name: redis.register_script(_lua(name)) for name in _SCRIPTS}

    def run(self, script: str, keys: list[str], *args: object) -> Any:
        return self._scripts[script](keys=keys, args=[cast("Any", argument) for argument in args])

    def run_all(self, calls: Sequence[Call]) -> list[Any]:
        """Run scripts one after the other in one round trip, each for itself; returns their answers."""
        return run_all(self._redis, [(self._scripts[script], keys, args) for script, keys, *args in calls])

    def open(  # noqa: PLR0913 - what a batch is kept with
        self,
        batch: UUID,
        events: Sequence[Mapping[str, object]],
        *,
        api_key: str,
        address: str,
        correlation_id: str = "",
        traceparent: str = "",
        answer: "Answer | None" = None,
    ) -> bytes | None:
        """Make a batch durable, with the answer to it if that is to be remembered.

        Returns None; or the remembered answer of an earlier request with the same key, and then nothing is opened.
        """
        keys = [BATCH + str(batch), OPEN, UNRECORDED, TOTALS, OPENED]
        args = [str(batch), orjson.dumps(events), len(events), api_key, address, self._grace_s]
        args += [correlation_id, traceparent]
        if answer:
            keys.append(ANSWER + answer.key)
            args += [answer.content, answer.kept_s]
        given: bytes | None = self.run("open", keys, *args)
        return given

    def reopen(
        self, batch: UUID, events: Sequence[Mapping[str, object]], *, seq: int, api_key: str, address: str
    ) -> bool:
        """Open a batch once more for some of its events, which were dead. False if it is still open."""
        keys = [BATCH + str(batch), OPEN, _dead(batch), _halved(batch), OPENED]
        found = (str(batch), orjson.dumps(events), len(events), seq, api_key, address)
        return bool(self.run("reopen", keys, *found, self._grace_s, secrets.token_hex(8)))

    def restore(  # noqa: PLR0913 - what a batch is kept with
        self,
        batch: UUID,
        events: Sequence[Mapping[str, object]],
        *,
        seq: int,
        api_key: str,
        address: str,
        correlation_id: str,
        decided: bool,
    ) -> bool:
        """Open a batch that the journal has lost, for those of its events that are owed. False if it is open."""
        keys = [BATCH + str(batch), OPEN, OPENED, PARKED]
        found = (str(batch), orjson.dumps(events), len(events), seq, api_key, address, correlation_id)
        return bool(self.run("restore", keys, *found, batch.int >> 80 if decided else ""))

    def restage(self, batch: UUID) -> bool:
        """Have an open batch decided anew, whose records are gone. False if it will be decided anyway."""
        keys = [BATCH + str(batch), OPEN, UNRECORDED, PARKED, BEHIND]
        return bool(self.run("restage", keys, str(batch), _behind("")))

    def decided(self) -> Iterator[list[UUID]]:
        """The open batches that should have records, some hundred at a time."""
        batches = (UUID(batch.decode()) for batch, _ in self._redis.zscan_iter(OPEN, count=500))
        while some := list(islice(batches, 500)):
            with self._redis.pipeline(transaction=False) as pipe:
                for batch in some:
                    pipe.hmget(BATCH + str(batch), "stage", "dead_stage")
                found = pipe.execute()
            past = (Stage.FORWARD.value.encode(), Stage.DLQ.value.encode())
            yield [batch for batch, (at, dead) in zip(some, found, strict=True) if at in past and not dead]

    def sizes(self, batches: Sequence[UUID]) -> dict[UUID, int]:
        """How many events those of these batches have that are open."""
        with self._redis.pipeline(transaction=False) as pipe:
            for batch in batches:
                pipe.hget(BATCH + str(batch), "events")
            found = zip(batches, pipe.execute(), strict=True)
        return {batch: int(size) for batch, size in found if size is not None}

    def raise_accepted(self, events: int) -> None:
        """Add to the number of accepted events what the journal has forgotten."""
        self._redis.hincrby(TOTALS, "accepted", events)

    def answered(self, answer: "Answer") -> bytes | None:
        """Remember an answer to a request which opens no batch; returns the one that was remembered before."""
        given: bytes | None = self._redis.set(ANSWER + answer.key, answer.content, ex=answer.kept_s, nx=True, get=True)
        return given

    def pressure(self, marks: "Marks") -> "Pressure":
        """Whether there is room for more batches. The answer is one for all who ask."""
        args = [marks.batches_high, marks.batches_low, marks.memory_high, marks.memory_low]
        full, batches, memory = self.run("pressure", [OPEN, FULL], *args)
        return Pressure(bool(full), int(batches), float(memory))

    def count_rejected(self, events: int) -> None:
        """Add to the number of events refused at the door."""
        self._redis.hincrby(TOTALS, "rejected", events)

    @contextmanager
    def claimed(self, batch: UUID, stage: Stage) -> Iterator["Claim"]:
        """Hold a batch for one stage; it is given back if the body raises. Raises NotClaimed."""
        claim = self._claim(batch, stage)
        try:
            yield claim
        except BaseException:
            claim.release()
            raise

    @contextmanager
    def claimed_together(self, batches: Sequence[UUID], stage: Stage) -> Iterator[list["Claim"]]:
        """Hold those of these batches that can be had, in the order of their receipt; if the body raises, none is held.

        What too many workers did not come back from is not among them: the sweeper sends it by itself.
        """
        calls = [self._claiming(batch, stage) for batch in sorted(set(batches))]
        try:
            answered = zip(calls, self.run_all(calls), strict=True)
            yield [
                self._claim_of(UUID(call[2]), call[4], answer) for call, answer in answered if answer[0] == b"claimed"
            ]
        except BaseException:
            with suppress(RedisError):  # then their leases run out
                self.run_all([self.releasing(call[2], call[4]) for call in calls])
            raise

    def _claiming(self, batch: UUID, stage: Stage) -> Call:
        keys = [BATCH + str(batch), OPEN, PARKED, BEHIND, _dead(batch)]
        token = secrets.token_hex(8)
        return ("claim", keys, str(batch), stage.value, token, self._lease_s, MOST_ABANDONED, _behind(""))

    def releasing(self, batch: str, token: str, delay_s: float = 0, failing: "Failing | None" = None) -> Call:
        failed = failing.as_arguments if failing else ("", "", "")
        return ("release", [BATCH + batch, OPEN], batch, token, delay_s, self._grace_s, *failed)

    def _claim(self, batch: UUID, stage: Stage) -> "Claim":
        call = self._claiming(batch, stage)
        answer = self.run(*call)
        if answer[0] == b"abandoned":
            raise Abandoned(f"more than {MOST_ABANDONED} workers did not come back from batch {batch}")
        if answer[0] != b"claimed":
            raise NotClaimed(f"batch {batch} is {answer[0].decode()}, not waiting for {stage.value}")
        return self._claim_of(batch, call[4], answer)

    def _claim_of(self, batch: UUID, token: str, answer: Sequence[Any]) -> "Claim":
        payload, events, seq, api_key, address, attempts, failures, suspicions, balance = answer[1:10]
        abandoned, killer, kills, replay, correlation_id, traceparent, dead = answer[10:]
        return Claim(
            journal=self,
            batch=batch,
            token=token,
            events=orjson.loads(payload),
            size=int(events),
            seq=int(seq),
            api_key=api_key.decode(),
            address=address.decode(),
            correlation_id=(correlation_id or b"").decode(),
            traceparent=(traceparent or b"").decode(),
            attempt=int(attempts),
            failing=Failing(int(failures or 0), int(suspicions or 0), int(balance) if balance else None),
            careful=int(abandoned or 0) >= CAREFUL_AFTER,
            killer=UUID(killer.decode()) if killer and int(kills) >= MOST_KILLS else None,
            replay=bool(replay),
            dead={UUID(bytes=raw) for raw in dead},
            lease_s=self._lease_s,
            grace_s=self._grace_s,
        )

    def bury(self, batch: UUID, burial: Burial, at: Stage, token: str = "") -> bool:
        """Send a batch that stands at this stage to the dead letters.

        False where it stands elsewhere by now, or where somebody else than the holder of `token` has it.
        """
        keys = [BATCH + str(batch), OPEN]
        detail = burial.detail[:2000]
        names = [str(batch), at.value, token]
        why = [burial.stage.value, burial.reason, detail]
        return bool(self.run("bury", keys, *names, *why, self._grace_s))

    def sweep(self, limit: int) -> list[Overdue]:
        """At most `limit` open batches that are overdue, each handed to one sweeper only."""
        latest = max(self._lease_s, LONGEST_DELAY_S + self._grace_s) + 10
        rows = self.run("sweep", [OPEN], limit, self._grace_s, BATCH, self._lease_s, latest)
        return [
            Overdue(
                batch=UUID(batch.decode()),
                stage=Stage(stage.decode()),
                queued_at=float(queued_at),
                events=int(events),
                size=int(size),
                attempts=int(attempts or 0),
                abandoned=bool(token or abandoned),
            )
            for batch, size, stage, queued_at, events, attempts, token, abandoned in rows
        ]

    def takes_turn(self, every_s: float) -> bool:
        """Whether to sweep now: nobody did so within these seconds, and nobody else is told to."""
        return bool(self.run("turn", [SWEPT], every_s))

    def reconcile(self, limit: int) -> int:
        """Have parked batches swept that nobody would release; returns how many. There should be none."""
        return int(self.run("reconcile", [OPEN, PARKED, BEHIND], BATCH, limit))

    def waiting(self) -> Waiting:
        """What waits, as of one moment."""
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.zcard(PARKED)
            pipe.hlen(BEHIND)
            for queue in QUEUES:
                pipe.llen(queue)
            parked, in_line, *depths = pipe.execute()
        return Waiting(int(parked), int(in_line), dict(zip(QUEUES, map(int, depths), strict=True)))

    def requeued(self, batches: Sequence[UUID]) -> None:
        """Note that batches are about to be queued once more."""
        self.run_all([("requeue", [BATCH + str(batch)]) for batch in batches])

    def count_error(self, batch: UUID) -> int:
        """Count an unexpected error of the stage where a batch stands; returns how many there were."""
        return int(self.run("count_error", [BATCH + str(batch)]))

    def totals(self) -> JournalTotals:
        """The counters and the unrecorded batches, as of one moment."""
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.hgetall(TOTALS)
            pipe.hgetall(UNRECORDED)
            pipe.zcard(OPEN)
            counters, unrecorded, open_batches = pipe.execute()
        return JournalTotals(
            accepted=int(counters.get(b"accepted", 0)),
            rejected=int(counters.get(b"rejected", 0)),
            unrecorded={UUID(key.decode()): int(size) for key, size in unrecorded.items()},
            open_batches=int(open_batches),
        )

    def oldest_open_age_s(self) -> float | None:
        """For how many seconds the batch has been open that has been open the longest; None where none is open."""
        while oldest := self._redis.zrange(OPENED, 0, 0, withscores=True):
            ((batch, opened_at),) = oldest
            seconds, microseconds = self._redis.time()
            if self._redis.exists(BATCH + batch.decode()):
                return max(0.0, float(seconds + microseconds / 1e6 - opened_at))
            self._redis.zrem(OPENED, batch)  # it was closed by a worker of a version that knew no such list
        return None

    def openings(self, batches: Collection[UUID]) -> dict[UUID, int]:
        """Those of these batches that are open, each with the number of accepted events when it was opened."""
        with self._redis.pipeline(transaction=False) as pipe:
            for batch in batches:
                pipe.hget(BATCH + str(batch), "seq")
            found = zip(batches, pipe.execute(), strict=True)
        return {batch: int(seq) for batch, seq in found if seq is not None}

    def stage_of(self, batch: UUID) -> tuple[Stage, float] | None:
        """The stage and the queueing time of an open batch; None for one that is closed or never was."""
        stage, queued_at = self._redis.hmget(BATCH + str(batch), ["stage", "queued_at"])
        return (Stage(stage.decode()), float(queued_at or 0)) if stage else None

    def place_of(self, batch: UUID) -> "Place | None":
        """Where an open batch stands and what for; None for one that is closed or never was."""
        names = ["stage", "queued_at", "lease_until", "parked", "failures", "api_key", "address", "correlation_id"]
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.hmget(BATCH + str(batch), names)
            pipe.zscore(OPEN, str(batch))
            pipe.hget(BEHIND, str(batch))
            (stage, queued_at, held, parked, failures, *sender), due, behind = pipe.execute()
        if not stage:
            return None
        api_key, address, correlation_id = ((text or b"").decode() for text in sender)
        return Place(
            stage=Stage(stage.decode()),
            queued_at=float(queued_at or 0),
            due=due if due and isfinite(due) else None,
            held_until=float(held) if held else None,
            parked=parked.decode() if parked else None,
            behind=UUID(behind.decode()) if parked and behind else None,
            failures=int(failures or 0),
            api_key=api_key,
            address=address,
            correlation_id=correlation_id,
        )

    def unrecorded(self, most: int) -> tuple[list[UUID], int]:
        """The newest batches without a record, of some thousand that are looked at; and how many there are in all."""
        found: list[bytes] = []
        cursor = 0
        while len(found) < MOST_LOOKED_AT:
            cursor, part = self._redis.hscan(UNRECORDED, cursor, count=1000)
            found += part
            if not cursor:
                break
        newest = sorted({UUID(key.decode()) for key in found}, reverse=True)[:most]
        return newest, int(self._redis.hlen(UNRECORDED))

    def look(self, batch: UUID) -> tuple[Stage, list[Entry]] | None:
        """An open batch's stage and events, without claiming it."""
        stage, payload = self._redis.hmget(BATCH + str(batch), ["stage", "payload"])
        return (Stage(stage.decode()), orjson.loads(payload)) if stage and payload else None

    def notes_on(self, batches: Sequence[UUID]) -> list["Notes"]:
        """What is noted of single events of these batches, one answer for each."""
        found = [Notes(set(), set(), {}) for _ in batches]
        for place, sent, dead, halved in self.run("notes", [], _sent(""), _dead(""), _halved(""), *map(str, batches)):
            events = (UUID(bytes=raw) for raw in halved[::2])
            found[place] = Notes(
                sent={UUID(bytes=raw) for raw in sent},
                dead={UUID(bytes=raw) for raw in dead},
                halved=dict(zip(events, map(int, halved[1::2]), strict=True)),
            )
        return found

    def open_among(self, batches: Collection[UUID]) -> set[UUID]:
        """Those of these batches that are open."""
        with self._redis.pipeline(transaction=False) as pipe:
            for batch in batches:
                pipe.exists(BATCH + str(batch))
            return {batch for batch, there in zip(batches, pipe.execute(), strict=True) if there}

    def open_between(self, first: UUID, end: UUID) -> int:
        """How many batches from this id to before that one are open. It looks at all that are."""
        lowest, above = str(first).encode(), str(end).encode()
        return sum(lowest <= batch < above for batch, _ in self._redis.zscan_iter(OPEN, count=1000))

    def sent(self, batch: UUID) -> set[UUID]:
        """The events that Moogsoft has taken, whether or not PostgreSQL knows it yet."""
        return {UUID(bytes=raw) for raw in self._redis.smembers(_sent(batch))}

    def mark_sent(self, taken: Mapping[UUID, Iterable[UUID]]) -> None:
        """Note which events of which open batches Moogsoft has taken, so that no redelivery sends them again."""
        keys = [key for batch in taken for key in (BATCH + str(batch), _sent(batch))]
        self.run("taken", keys, *(b"".join(event.bytes for event in events) for events in taken.values()))

    def number_posts(self, claims: Sequence["Claim"]) -> list[int]:
        """Ask for another full lease on each, to make a POST of them; returns its number for each batch, from 1.

        Raises StaleClaim.
        """
        keys = [OPEN, *(BATCH + str(claim.batch) for claim in claims)]
        holders = [text for claim in claims for text in (str(claim.batch), claim.token)]
        numbers: list[int] = self.run("posting", keys, claims[0].lease_s, *holders)
        if numbers[0] < 0:
            raise StaleClaim(f"the lease on batch {claims[-numbers[0] - 1].batch} ran out")
        return numbers

    def dead(self, batch: UUID) -> dict[UUID, Burial]:
        """The events given up one by one, and why."""
        found = self._redis.hgetall(_dead(batch))
        whys = ((raw, orjson.loads(why)) for raw, why in found.items())
        return {UUID(bytes=raw): Burial(DeadStage(stage), reason, detail) for raw, (stage, reason, detail) in whys}

    def burial(self, batch: UUID) -> Burial | None:
        """Why the whole batch was given up; None where only single events of it were."""
        fields = ["dead_stage", "dead_reason", "dead_detail"]
        stage, reason, detail = self._redis.hmget(BATCH + str(batch), fields)
        if not stage or not reason:
            return None
        return Burial(DeadStage(stage.decode()), reason.decode(), (detail or b"").decode())


@dataclass(frozen=True, slots=True)
class Failing:
    """How Moogsoft has failed a batch since it last took something of it.

    So many times; so many of them while it took others; `balance` is what the breaker said the last time.
    """

    failures: int = 0
    suspicions: int = 0
    balance: int | None = None

    @property
    def as_arguments(self) -> tuple[object, object, object]:
        return self.failures, self.suspicions, "" if self.balance is None else self.balance


@dataclass(frozen=True, slots=True)
class Claim:
    """A batch in our hands for one stage, until the lease ends.

    `attempt` counts from 1 how often this stage has taken this batch. `failing`: how Moogsoft has failed it. `seq` is
    the number of accepted events when the batch was opened. `careful`: workers did not come back from it, so each event
    is noted before it is looked at; `killer` is one that several of them were at. `replay`: its events were dead.
    `dead` are those that have been given up one by one since.
    `correlation_id` and `traceparent` are those of the request that it came with; empty where there is none.
    """

    journal: Journal
    batch: UUID
    token: str
    events: list[Entry]
    size: int
    seq: int
    api_key: str
    address: str
    attempt: int
    lease_s: float
    grace_s: float
    dead: set[UUID] = field(default_factory=set)
    failing: Failing = Failing()
    careful: bool = False
    killer: UUID | None = None
    replay: bool = False
    correlation_id: str = ""
    traceparent: str = ""

    @property
    def _keys(self) -> list[str]:
        return [BATCH + str(self.batch), OPEN]

    def advancing(self, stage: Stage, events: Sequence[Entry] | None = None) -> Call:
        payload = b"" if events is None else orjson.dumps(events)
        keys = [*self._keys, UNRECORDED]
        return ("advance", keys, str(self.batch), self.token, stage.value, self.grace_s, payload)

    def advance(self, stage: Stage, events: Sequence[Entry] | None = None) -> None:
        """Hand the batch on, with new contents if given. Raises StaleClaim."""
        self._check(self.journal.run(*self.advancing(stage, events)))

    def renewing(self) -> Call:
        return ("renew", self._keys, str(self.batch), self.token, self.lease_s)

    def renew(self) -> None:
        """Ask for another full lease. Raises StaleClaim."""
        self._check(self.journal.run(*self.renewing()))

    def suspect(self, event: UUID | None) -> None:
        """Note which event is looked at now, where that may be the worker's end. Raises StaleClaim."""
        keys = [BATCH + str(self.batch)]
        self._check(self.journal.run("suspect", keys, self.token, "" if event is None else str(event)))

    def mark_dead(self, burials: Mapping[UUID, Burial]) -> None:
        """Note events that are to become dead letters when the batch comes to an end. Raises StaleClaim."""
        self._note(_dead(self.batch), {event.bytes: burial.as_bytes for event, burial in burials.items()})
        self.dead.update(burials)

    def condemn(self, event: UUID, burial: Burial) -> None:
        """Note an event that kills workers as dead; what it did no longer counts against its batch.

        Raises StaleClaim.
        """
        keys = [BATCH + str(self.batch), _dead(self.batch)]
        self._check(self.journal.run("condemn", keys, self.token, event.bytes, burial.as_bytes, CAREFUL_AFTER))
        self.dead.add(event)

    def halve(self, events: Iterable[UUID], most: int) -> None:
        """Let requests with these events have at most so many of them, until the guilty one stands alone.

        Raises StaleClaim.
        """
        self._note(_halved(self.batch), dict.fromkeys((event.bytes for event in events), most))

    def _note(self, where: str, notes: Mapping[bytes, object]) -> None:
        flat = [part for pair in notes.items() for part in pair]
        self._check(self.journal.run("note", [BATCH + str(self.batch), where], self.token, *flat))

    def park(self, why: str, owed: int, *, behind: UUID | None = None, failing: Failing | None = None) -> None:
        """Give the batch back until Moogsoft may be asked again, or until the batch that it is `behind` is closed.

        `owed` is how many of its events are still to be sent. Nothing happens if the batch is ours no more.
        """
        keys = [*self._keys, PARKED, BEHIND]
        place = self.batch.int >> 80  # the milliseconds of its receipt
        if why == RATE:
            place -= IN_FRONT
        ahead = "" if behind is None else str(behind)
        failed = failing.as_arguments if failing else ("", "", "")
        where = (place, why, owed, BATCH, ahead, _behind(""))
        self.journal.run("park", keys, str(self.batch), self.token, *where, *failed, MOST_BEHIND)

    def releasing(self, delay_s: float = 0, failing: Failing | None = None) -> Call:
        return self.journal.releasing(str(self.batch), self.token, delay_s, failing)

    def release(self, delay_s: float = 0, failing: Failing | None = None) -> None:
        """Give the batch back, to be taken again after `delay_s`, at most LONGEST_DELAY_S.

        Nothing happens if it is ours no more.
        """
        self.journal.run(*self.releasing(delay_s, failing))

    def finishing(self, *, hand_on: bool = False) -> Call:
        own = [_sent(self.batch), _dead(self.batch), _halved(self.batch)]
        keys = [*self._keys, UNRECORDED, *own, BEHIND, _behind(str(self.batch)), PARKED, OPENED]
        return ("finish", keys, str(self.batch), self.token, self.grace_s, BATCH, int(hand_on))

    def finish(self, *, hand_on: bool = False) -> list[tuple[UUID, int]]:
        """Close the batch for good. Raises StaleClaim.

        Those that were behind it may go on: with `hand_on` they are returned, each with the number of events
        that it owes, in the order of their receipt, for the caller to queue.
        """
        done, *freed = self.journal.run(*self.finishing(hand_on=hand_on))
        self._check(done)
        return owed_by(freed)

    def _check(self, done: int) -> None:
        if not done:
            raise StaleClaim(f"the lease on batch {self.batch} ran out")


def owed_by(freed: Sequence[bytes]) -> list[tuple[UUID, int]]:
    """The batches of an answer, each with the number of events that it owes, in the order of their receipt."""
    return sorted((UUID(batch.decode()), int(owed)) for batch, owed in zip(freed[::2], freed[1::2], strict=True))


_SCRIPTS = (
    *("open", "reopen", "claim", "suspect", "renew", "posting", "advance", "release", "park", "finish", "bury"),
    *("taken", "note", "notes", "condemn"),
    *("turn", "sweep", "reconcile", "requeue", "count_error", "pressure"),
    *("restore", "restage"),
)


def _lua(name: str) -> str:
    return files("audit").joinpath("lua", f"{name}.lua").read_text(encoding="utf-8")


def _sent(batch: UUID | Literal[""]) -> str:
    return f"{PREFIX}sent:{batch}"


def _dead(batch: UUID | Literal[""]) -> str:
    return f"{PREFIX}dead:{batch}"


def _halved(batch: UUID | Literal[""]) -> str:
    return f"{PREFIX}halved:{batch}"


def _behind(batch: str) -> str:
    """The set of the batches that wait for this one."""
    return f"{PREFIX}behind:{batch}"


@cache
def journal() -> Journal:
    """The journal of this process, by the settings."""
    return Journal(redis_client(), lease_s=settings.MUTT_LEASE_S, grace_s=settings.MUTT_GRACE_S)
