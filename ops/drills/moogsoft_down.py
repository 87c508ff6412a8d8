"""Moogsoft is down for 24 hours: the clocks of the stores are put ahead hour by hour, with an hour's alerts each."""

import time
from dataclasses import replace
from pathlib import Path

from ops.drills import clock
from ops.drills.clock import Clock
from ops.drills.report import Figures
from ops.drills.sandbox import wait_until
from ops.drills.scenario import Scenario, Skipped
from ops.drills.traffic import FORWARDED
from ops.local.stack import Stack

_HOURS = 24
_HOUR_S = 3600
_A_SECOND = 1  # alerts
_REQUEST = 20  # alerts of one request
_WORKERS = ("worker-pipeline-1", "worker-pipeline-2", "worker-forward-1")
_PROBES = "SELECT count(DISTINCT started_at) FROM audit_attempt WHERE reason <> '' AND started_at > "


class MoogsoftDown(Scenario):
    """As many alerts as 24 hours bring at one a second; journal and breaker go by Redis' clock."""

    name = "moogsoft_down"
    title = "Moogsoft down for a day"
    in_one_line = "24 hours of outage with 86,400 alerts; the clock is put, not waited for."
    settings = {"MOOGSOFT_BREAKER_OPEN_S": "300"}  # noqa: RUF012 - as in production: the clock is put anyway

    def run(self) -> Figures:
        if clock.library() is None:
            raise Skipped("libfaketime is not here: it is in Debian's package libfaketime")
        return super().run()

    def configure(self, stack: Stack) -> None:
        self.clock = Clock(stack.folder.parent)
        words = ["/usr/bin/env", *(f"{name}={value}" for name, value in self.clock.environment.items())]
        supervisor = stack.supervisor
        supervisor.programs = [
            replace(program, command=[*words, *program.command]) if program.bare else program
            for program in supervisor.programs
        ]

    def break_it(self) -> None:
        before = self._redis_bytes()
        self.sandbox.moogsoft("503")
        wait_until(lambda: self.sandbox.api("breaker")["state"] == "open", "the breaker is open")
        opened = self._now()
        self.broken_at = time.time()
        accepted, memory = len(self.sandbox.sender.accepted), self._memory()
        for hour in range(1, _HOURS + 1):
            for _ in range(_HOUR_S * _A_SECOND // _REQUEST):
                self.sandbox.sender.send(self.sandbox.sender.events(FORWARDED, _REQUEST))
            self.clock.put(hour * _HOUR_S)
            self._wait_for_clock(opened + hour * _HOUR_S)
            self.say(f"{hour} h, {len(self.sandbox.sender.accepted) - accepted:,} events")
        wait_until(
            lambda: not self.sandbox.broker().llen("pipeline") and not self.sandbox.broker().llen("forward"),
            "all is parked",
        )
        self._measure(accepted, before, memory, opened)
        self.sandbox.moogsoft("ok")

    def _measure(self, accepted: int, before: int, memory: dict[str, int], opened: float) -> None:
        waiting = int(self.sandbox.broker().zcard("mutt:parked"))
        events = len(self.sandbox.sender.accepted) - accepted
        each = (self._redis_bytes() - before) / events
        (probes,) = self.sandbox.query(f"{_PROBES} to_timestamp({opened})")[0]
        grown = max(after - memory[name] for name, after in self._memory().items())
        probing = "requests to Moogsoft meanwhile (24 h at one in five minutes are 288; here each hour passed at once)"
        self.more |= {
            "events of the 24 hours; batches that were parked": f"{events:,}; {waiting:,}",
            f"Redis' memory for an event, {_REQUEST} to a request": f"{each:,.0f} bytes",
            probing: str(probes),
            "what a worker's memory had grown by during the outage, at most": f"{grown / 1024:.0f} MB",
        }

    def _now(self) -> float:
        """By Redis' clock, which the journal and the breaker go by."""
        seconds, microseconds = self.sandbox.broker().time()
        return float(seconds) + float(microseconds) / 1e6

    def _wait_for_clock(self, moment: float) -> None:
        wait_until(lambda: self._now() > moment, "the clock is seen")

    def _redis_bytes(self) -> int:
        return int(self.sandbox.broker().info("memory")["used_memory"])

    def _memory(self) -> dict[str, int]:
        """What each worker keeps in memory (resident set, kB)."""
        pids = self.sandbox.stack.supervisor.pids()
        status = {name: Path(f"/proc/{pids[name]}/status").read_text() for name in _WORKERS}
        return {name: int(text.split("VmRSS:")[1].split()[0]) for name, text in status.items()}
