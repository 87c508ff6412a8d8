"""PostgreSQL's files are damaged, and nobody knows for how long: it goes back to the last moment that was good."""

import os
import time
from collections.abc import Collection
from typing import ClassVar

from ops.drills.reconciling import Account
from ops.drills.sandbox import wait_until
from ops.drills.scenario import Scenario

_GARBAGE = b"\xde\xad" * 4096  # one page
_GOES_ON_S = 3


class PostgresqlCorruption(Scenario):
    """Some alerts wait at the moment that is gone back to, and are delivered after it; others wait at the accident."""

    name: ClassVar[str] = "postgresql_corruption"
    title: ClassVar[str] = "PostgreSQL corruption"
    in_one_line: ClassVar[str] = "PostgreSQL's files are damaged; it goes back to an earlier moment"
    _target = ""
    _before: frozenset[str] = frozenset()

    def prepare(self) -> None:
        self.back_up()

    def in_flight(self) -> None:
        self.sandbox.send_parked()
        self._choose_moment()
        self.sandbox.moogsoft("ok")
        wait_until(lambda: self.sandbox.broker().zcard("mutt:parked") == 0, "what waited is delivered")
        time.sleep(_GOES_ON_S)
        self.sandbox.send_parked()

    def _choose_moment(self) -> None:
        """All that is recorded by now stays."""
        self._before = frozenset(self.sandbox.outcomes())
        ((self._target,),) = self.sandbox.query("SELECT clock_timestamp()::text")

    def break_it(self) -> None:
        self.broken_at = time.time()
        self.sandbox.kill("postgresql", for_good=True)
        for path in (self.sandbox.pgdata / "base").rglob("*"):
            if path.is_file():
                with path.open("r+b") as file:
                    file.write(_GARBAGE)
        time.sleep(1)  # events are accepted while PostgreSQL is away

    def may_be_lost(self) -> Collection[str]:
        accepted = [one.id for one in self.sandbox.sender.accepted if one.at < self.broken_at]
        waiting = set(self.sandbox.known["parked"])
        return set(accepted) - self._before - waiting

    def environment(self) -> dict[str, str]:
        return {"TARGET": self._target}

    def before_checks(self) -> None:
        self.sandbox.moogsoft("ok")

    def also_wrong(self, account: Account) -> list[str]:
        self.more["booked as lost in the ledger"] = f"{account.ledger['lost']:,} events"
        if account.ledger["lost"] != len(account.unrecorded):
            return [f"the ledger says {account.ledger['lost']} lost, and {len(account.unrecorded)} are"]
        return []


class PostgresqlDiskLoss(PostgresqlCorruption):
    """The data is gone, but for the WAL; all that was committed comes back."""

    name: ClassVar[str] = "postgresql_disk_loss"
    in_one_line: ClassVar[str] = "PostgreSQL's data is gone, its WAL is not; nothing is lost"

    def _choose_moment(self) -> None:
        self._target = ""

    def break_it(self) -> None:
        self.broken_at = time.time()
        self.sandbox.kill("postgresql", for_good=True)
        for path in (self.sandbox.pgdata / "base").rglob("*"):
            if path.is_file():
                os.truncate(path, 0)
        time.sleep(1)

    def may_be_lost(self) -> Collection[str]:
        return ()
