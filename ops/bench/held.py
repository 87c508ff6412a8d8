"""What waits: the memory that open events take in Redis, and a backlog that drains."""

import time
from dataclasses import dataclass, field

import redis

from ops.bench import measuring
from ops.bench.mix import Profile
from ops.bench.running import Bench, Unaccounted

_LOOK_EVERY_S = 1.0
_ALIKE = 4
_PATIENCE_LOOKS = 300
_STANDING_LOOKS = 120
_STARTED = 0.98  # of the backlog: below that the workers have begun


def open_bytes(bench: Bench, events: int, batch: int) -> float:
    """Redis' memory for an event that waits for Moogsoft. Raises Unaccounted."""
    corpus = bench.write(Profile.FORWARDED, events, batch)
    taken: list[float] = []
    with redis.Redis.from_url(bench.stack.redis_url) as server:
        before = server.info("memory")["used_memory"]

        def look() -> None:
            _until_parked(bench)
            taken.append((server.info("memory")["used_memory"] - before) / corpus.events)
            close()

        def close() -> None:
            bench.ask("breaker", "PUT", {"state": "automatic", "reason": "measured"})

        bench.ask("breaker", "PUT", {"state": "open", "reason": "to measure", "for_s": 3600})
        try:
            bench.run(corpus, once_accepted=look)
        finally:
            close()
    return taken[0]


def _until_parked(bench: Bench) -> None:
    """Until as many batches wait as did at the last looks. How many that are is MUTT's to say: it gathers requests."""
    counts: list[int] = []
    while len(counts) < _ALIKE or len({*counts[-_ALIKE:]}) > 1 or not counts[-1]:
        if len(counts) > _PATIENCE_LOOKS:
            raise Unaccounted("the breaker was opened, and no batch waits for it")
        state = bench.ask("breaker")
        counts.append(state["parked_batches"] + state["waiting_for_order"])
        time.sleep(_LOOK_EVERY_S)


@dataclass(slots=True)
class Draining:
    """Looks at a backlog: seconds, events that are pending, MB of the workers."""

    looks: list[tuple[float, int, float]] = field(default_factory=list)

    def add(self, at_s: float, pending: int, memory_mb: float) -> None:
        self.looks.append((at_s, pending, memory_mb))

    @property
    def stands_still(self) -> bool:
        """Whether nothing has moved for long; the accounts of the run will say what is missing."""
        last = self.looks[-_STANDING_LOOKS:]
        return len(last) == _STANDING_LOOKS and last[0][1] == last[-1][1]

    @property
    def per_s(self) -> float:
        """Events a second, from the first look that found the workers at work."""
        most = self.looks[0][1]
        begun = next((look for look in self.looks if look[1] < most * _STARTED), self.looks[0])
        return (begun[1] - self.looks[-1][1]) / max(self.looks[-1][0] - begun[0], 1e-9)

    @property
    def growth(self) -> float:
        """The most that the workers took, as a multiple of what they took when they were warm."""
        most = self.looks[0][1]
        warm = [memory for _, pending, memory in self.looks if pending < most * _STARTED]
        return max(warm) / warm[0]


def drain(bench: Bench, events: int) -> Draining:
    """Let a backlog of batches of 100 grow while no worker runs, then start them. Raises Unaccounted."""
    supervisor, draining = bench.stack.supervisor, Draining()
    workers = [name for name in supervisor.pids() if name.startswith("worker")]
    corpus = bench.write(Profile.MIX, events, 100)
    for name in workers:
        supervisor.call("stopProcess", name)

    def look() -> None:
        begin = time.monotonic()
        supervisor.start(*workers)
        pending = corpus.events
        while pending and not draining.stands_still:
            pending = bench.ask("ledger")["pending"]
            memory = measuring.memory_by_kind({name: pid for name, pid in supervisor.pids().items() if name in workers})
            draining.add(time.monotonic() - begin, pending, sum(pss for pss, _ in memory.values()))
            time.sleep(_LOOK_EVERY_S if pending else 0)

    try:
        bench.run(corpus, once_accepted=look)
    finally:
        supervisor.start(*(name for name in workers if name not in bench.pids()))
    return draining
