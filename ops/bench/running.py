"""A MUTT of its own under load, seen from outside: HTTP, SQL, Redis and what Linux says of its processes."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg2
import urllib3

from ops.bench import load, measuring
from ops.bench.accounting import Account
from ops.bench.latencies import percentiles
from ops.bench.measuring import Cost
from ops.bench.mix import Corpus, Expected, Mix, Profile
from ops.bench.sink import INTAKE
from ops.local.ports import free_port
from ops.local.stack import ROOT, Stack
from ops.local.supervisor import end_with_parent

# Moogsoft is not to be the limit, and events that nobody sent are not to be counted.
_SETTINGS = {"MOOGSOFT_RATE": "100000/second", "MUTT_CANARY_EVERY_S": "0"}
_DELIVERED = "SELECT event_id::text FROM audit_record WHERE outcome = 'delivered' AND outcome_at >= to_timestamp(%s)"
_LOOK_EVERY_S = 0.05  # a look at the ledger costs MUTT some milliseconds, which are booked on the run
_STALLED_S = 120


class Unaccounted(Exception):  # noqa: N818 - it reads as a sentence
    """Events are missing, or there are too many; the message says which."""


@dataclass(frozen=True, slots=True)
class Result:
    """A run: until all was accepted, until all was settled, and what it cost. Latencies are in ms."""

    corpus: Corpus
    sent: load.Sent
    settled_s: float
    cost: Cost
    delivery: Mapping[str, float]

    @property
    def accepted_per_s(self) -> float:
        return self.corpus.events / (self.sent.end - self.sent.begin)

    @property
    def settled_per_s(self) -> float:
        return self.corpus.events / self.settled_s


class Bench:
    """The running MUTT, and what stands for Moogsoft."""

    def __init__(self, stack: Stack, sink: "subprocess.Popen[bytes]", sink_port: int, folder: Path) -> None:
        self.stack, self.folder = stack, folder
        self.mix = Mix(0)
        self._sink_url = f"http://127.0.0.1:{sink_port}"
        self.beside = {"sink": sink.pid}  # pids of what the stack has not started itself
        self._http = urllib3.PoolManager(retries=False, timeout=60)

    def ask(self, path: str, method: str = "GET", body: Any = None) -> Any:
        """The JSON of an answer of MUTT."""
        headers = {"X-API-KEY": self.stack.secrets["api_key"], "Content-Type": "application/json"}
        content = None if body is None else json.dumps(body)
        answer = self._http.request(method, f"{self.stack.web}/api/v1/{path}", body=content, headers=headers)
        if answer.status >= 400:  # noqa: PLR2004 - an error
            raise RuntimeError(f"{method} {path} was answered {answer.status}: {answer.data[:300]!r}")
        return answer.json()

    def at_sink(self, path: str) -> Any:
        return self._http.request("GET", f"{self._sink_url}/{path}").json()

    def pids(self) -> dict[str, int]:
        return {**self.stack.supervisor.pids(), **self.beside}

    def take_rules(self, count: int) -> None:
        """Put so many mixed rules into force, as `muttctl rules apply` does, and wait until the workers know them."""
        self.mix = Mix(count)
        file = self.folder / "rules.yaml"
        file.write_text(self.mix.rule_file())
        command = [sys.executable, "-m", "mutt_project.muttctl", "rules", "apply", str(file)]
        done = subprocess.run(  # nosec B603 # no input of a user is in it
            [*command, "--yes", "--reason", "a benchmark"],
            env={**os.environ, "MUTT_URL": self.stack.web, "MUTT_API_KEY": self.stack.secrets["api_key"]},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"the rules were not taken: {done.stdout[-300:]}{done.stderr[-500:]}")
        time.sleep(3)  # MUTT_RULE_SET_MAX_AGE_S, and what compiling takes

    def write(self, profile: Profile, events: int, batch: int) -> Corpus:
        """A corpus for `run`, in the place of the last one."""
        return self.mix.write(self.folder / "corpus", profile, events, batch)

    def run(
        self, corpus: Corpus, rate: float | None = None, once_accepted: Callable[[], object] = lambda: None
    ) -> Result:
        """Send a corpus, at so many requests a second or as fast as they are taken, and wait until all is settled.

        Raises Unaccounted.
        """
        ledger, stats = self.ask("ledger"), self.at_sink("stats")
        before = measuring.read(self.pids(), self.stack)
        sent = load.send(corpus, self.stack.ports.web, self.stack.secrets["api_key"], rate)
        once_accepted()
        self._wait_for_sink(stats["distinct"] + corpus.expected.get(Expected.FORWARDED, 0))
        now = self._settled()
        settled_s = time.time() - sent.begin
        after = measuring.read(self.pids(), self.stack)
        came = self.at_sink("stats")
        difference = {term: now[term] - ledger[term] for term in now if isinstance(now[term], int)}
        received = self.at_sink(f"received?from={stats['events']}")
        account = Account(
            corpus=corpus,
            sent=sent,
            ledger=difference,
            distinct=came["distinct"] - stats["distinct"],
            came=came["events"] - stats["events"],
            invalid=came["invalid"] - stats["invalid"],
            strangers=len({identity for identity, _ in received} ^ self._delivered_since(sent.begin)),
        )
        if faults := account.faults():
            raise Unaccounted("; ".join(faults))
        cost = Cost.between(before, after, corpus.events).beside(sender=sent.cpu_s / corpus.events * 1e6)
        return Result(corpus, sent, settled_s, cost, _delivery_ms(received))

    def _delivered_since(self, begin: float) -> set[str]:
        """The events that PostgreSQL knows to be delivered since this Unix time."""
        connection = psycopg2.connect(self.stack.database_url)
        try:
            with connection.cursor() as cursor:
                cursor.execute(_DELIVERED, [begin])
                return {identity for (identity,) in cursor.fetchall()}
        finally:
            connection.close()

    def _wait_for_sink(self, wanted: int) -> None:
        """Until so many different events have come. Raises Unaccounted where nothing comes any more."""
        came, since = -1, time.monotonic()
        while (distinct := self.at_sink("stats")["distinct"]) < wanted:
            if distinct != came:
                came, since = distinct, time.monotonic()
            if time.monotonic() - since > _STALLED_S:
                raise Unaccounted(f"{wanted - distinct} events did not come to the sink: {self.ask('ledger')}")
            time.sleep(_LOOK_EVERY_S)

    def _settled(self) -> Any:
        """The ledger once nothing is pending, or nothing moves any more: the accounts will say what is missing."""
        pending, since = -1, time.monotonic()
        while (ledger := self.ask("ledger"))["pending"] and time.monotonic() - since < _STALLED_S:
            if ledger["pending"] != pending:
                pending, since = ledger["pending"], time.monotonic()
            time.sleep(_LOOK_EVERY_S)
        return ledger


def _delivery_ms(received: Sequence[tuple[str, float]]) -> dict[str, float]:
    """From receipt, which the ids tell to the millisecond, to the coming to the sink."""
    return percentiles([at * 1000 - (UUID(identity).int >> 80) for identity, at in received])


@contextmanager
def running(
    folder: Path, given: Mapping[str, str] | None = None, extra: Mapping[str, str] | None = None
) -> Iterator[Bench]:
    """A whole MUTT with its servers in a folder, and the sink in Moogsoft's place."""
    port = free_port()
    told = {**_SETTINGS, "MOOGSOFT_URL": f"http://127.0.0.1:{port}/{INTAKE}", **(extra or {})}
    stack = Stack(folder / "var", given=given or {}, extra=told, say=lambda _: None)
    sink = subprocess.Popen(  # nosec B603 # no input of a user is in it
        [sys.executable, "-m", "ops.bench.sink", "--port", str(port)],
        cwd=ROOT,
        env={**os.environ, "STUB_API_KEY": stack.secrets["moogsoft"]},
        preexec_fn=end_with_parent,  # noqa: PLW1509 - no threads
    )
    try:
        stack.start()
        yield Bench(stack, sink, port, folder)
    finally:
        stack.stop()
        sink.terminate()
        sink.wait()
