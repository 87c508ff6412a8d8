"""Load, faults and the check afterwards: what was answered 202, what is recorded, what Moogsoft got, what is open."""

import contextlib
import json
import os
import random
import signal
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg2
import redis
import urllib3

from audit.journal import SWEPT
from tests.mutt import Mutt, event, eventually

DOWN = "Interface Gi0/9, changed state to down"
WORKERS = ("worker-pipeline-1", "worker-pipeline-2", "worker-forward-1")


@dataclass
class Account:
    """What came of a run: numbers of events, and what must be 0."""

    accepted: int
    by_outcome: Counter[str]
    lost: list[str]
    strangers: int
    not_at_moogsoft: int
    not_delivered: int
    doubles: int
    open_batches: int

    def __str__(self) -> str:
        outcomes = ", ".join(f"{number} {word}" for word, number in sorted(self.by_outcome.items()))
        return (
            f"{self.accepted} accepted: {outcomes}; {len(self.lost)} lost, {self.doubles} doubles at Moogsoft,"
            f" {self.open_batches} batches open"
        )


@dataclass
class Load:
    """A thread that sends events, `rate` a second (0: as fast as it can), and notes each id that was answered 202.

    What is not answered 202 is sent again with the same Idempotency-Key, as a careful sender does.
    """

    mutt: Mutt
    events: int
    rate: float
    chance: random.Random
    most: int = 40
    alerts: float = 0.5
    accepted: list[str] = field(default_factory=list)
    refusals: Counter[int] = field(default_factory=Counter)
    _thread: threading.Thread | None = None

    def start(self) -> "Load":
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    @property
    def is_on(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def finish(self, patience_s: float = 600) -> None:
        assert self._thread is not None
        self._thread.join(patience_s)
        assert not self.is_on, f"still sending after {patience_s} s"

    def _run(self) -> None:
        http = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(connect=2, read=10))
        begin, sent = time.monotonic(), 0
        while sent < self.events:
            size = min(self.chance.randint(1, self.most), self.events - sent)
            self._send(http, [self._event(sent + number) for number in range(size)])
            sent += size
            if self.rate:
                time.sleep(max(0.0, begin + sent / self.rate - time.monotonic()))

    def _event(self, number: int) -> dict[str, Any]:
        is_alert = self.chance.random() < self.alerts
        return event(hostname=f"h-{number}", message=DOWN if is_alert else "nothing to see here")

    def _send(self, http: urllib3.PoolManager, events: list[dict[str, Any]]) -> None:
        headers = {
            "X-API-KEY": self.mutt.stack.secrets["api_key"],
            "Content-Type": "application/json",
            "Idempotency-Key": str(uuid.UUID(int=self.chance.getrandbits(128))),
        }
        body = json.dumps(events)
        while True:
            try:
                answer = http.request("POST", f"{self.mutt.stack.web}/webhook", body=body, headers=headers)
            except urllib3.exceptions.HTTPError:
                self.refusals[0] += 1
                time.sleep(0.1)
                continue
            if answer.status == 202:
                self.accepted += [one["id"] for one in answer.json()["events"]]
                return
            self.refusals[answer.status] += 1
            assert answer.status in (500, 502, 503, 504), (answer.status, answer.data)
            time.sleep(0.2)


class Faults:
    """A stack under load and under fault."""

    def __init__(self, mutt: Mutt, seed: int) -> None:
        self.mutt = mutt
        self.chance = random.Random(seed)
        self.drained()
        self.before = self._outcomes()
        self.before_at_moogsoft = self.at_moogsoft()

    def load(self, events: int, rate: float = 0, **fields: Any) -> Load:
        return Load(self.mutt, events, rate, random.Random(self.chance.random()), **fields).start()

    def pid(self, name: str) -> int | None:
        return self.mutt.stack.supervisor.pids().get(name)

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> bool:
        """Signal one of our processes; False if it does not run just now."""
        pid = self.pid(name)
        if pid is None:
            return False
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return False
        return True

    def broker(self) -> "redis.Redis":
        return redis.Redis.from_url(self.mutt.stack.redis_url, socket_timeout=5)

    @contextlib.contextmanager
    def stopped(self, name: str) -> Iterator[None]:
        """One of the stack's processes is away for a while."""
        self.mutt.stack.supervisor.call("stopProcess", name)
        try:
            yield
        finally:
            self.mutt.stack.supervisor.call("startProcess", name, False)

    @contextlib.contextmanager
    def sweepers_held_off(self) -> Iterator[None]:
        """All sweepers think that somebody has just swept, and nobody has: the promise without what keeps it."""
        ended = threading.Event()
        broker = self.broker()

        def hold_off() -> None:
            while not ended.wait(0.1):
                broker.set(SWEPT, time.time())

        thread = threading.Thread(target=hold_off, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    @contextlib.contextmanager
    def publishing_refused(self) -> Iterator[None]:
        """Redis refuses every message to a queue; the journal it takes."""
        broker = self.broker()
        broker.execute_command("ACL", "SETUSER", "default", "-lpush")
        try:
            yield
        finally:
            broker.execute_command("ACL", "SETUSER", "default", "+lpush")

    def drained(self, patience_s: float = 180) -> Any:
        """The ledger once nothing is pending and no batch is open; it must balance at every look that succeeds.

        Whoever is killed between the last record and the close of its batch leaves that to a sweeper.
        """

        def look() -> Any:
            try:
                ledger = self.mutt.settled_if_possible()
                return None if self._open_batches() else ledger
            except (urllib3.exceptions.HTTPError, redis.RedisError):  # on their way back
                return None

        return eventually(look, patience_s)

    def account(self, load: Load) -> Account:
        """Compare what was answered 202 with what is recorded and what Moogsoft got."""
        outcomes, at_moogsoft = self._outcomes(), self.at_moogsoft()
        ours = set(load.accepted)
        new = {event: outcome for event, outcome in outcomes.items() if event not in self.before}
        received = at_moogsoft - self.before_at_moogsoft
        delivered = {event for event, outcome in new.items() if outcome == "delivered"}
        return Account(
            accepted=len(ours),
            by_outcome=Counter(new[one] for one in ours if one in new),
            lost=sorted(one for one in ours if new.get(one, "pending") == "pending"),
            strangers=len(new.keys() - ours),
            not_at_moogsoft=len(delivered - set(received)),
            not_delivered=len(set(received) - delivered),
            doubles=sum(number - 1 for number in received.values() if number > 1),
            open_batches=self._open_batches(),
        )

    def _open_batches(self) -> int:
        return int(self.broker().zcard("mutt:open"))

    def at_moogsoft(self) -> Counter[str]:
        """How often the stub took each event, from the file it keeps."""
        path = self.mutt.stack.folder / "moogsoft-stub.ids"
        if not path.exists():
            return Counter()
        with path.open() as file:
            lines = (json.loads(line) for line in file if line.startswith('"'))
            return Counter(line for line in lines)

    def _outcomes(self) -> dict[str, str]:
        connection = psycopg2.connect(self.mutt.stack.database_url)
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT event_id::text, outcome FROM audit_record")
                return dict(cursor.fetchall())
        finally:
            connection.close()


def hold(account: Account, load: Load, *, dead: int = 0, doubles: int = 0) -> None:
    """What must hold after every fault."""
    print(account)
    assert len(load.accepted) == account.accepted == load.events, account
    assert account.lost == [], account
    assert account.strangers == 0, account
    assert (account.not_at_moogsoft, account.not_delivered) == (0, 0), account
    assert account.by_outcome["dead"] == dead, account
    assert account.doubles <= doubles, account
    assert account.open_batches == 0, account


def every(seconds: float, until: Callable[[], bool]) -> Iterator[None]:
    """Ticks until something is true."""
    while not until():
        yield
        time.sleep(seconds)
