"""Redis' disk is gone, with alerts parked and events on their way that nobody has recorded yet."""

import shutil
import time
from collections.abc import Collection
from typing import ClassVar

from ops.drills.sandbox import wait_until
from ops.drills.scenario import Scenario

_UNRECORDED_S = 2  # for so long nothing is recorded before the accident


class RedisDataLoss(Scenario):
    """The backup is older than all that is in flight."""

    name: ClassVar[str] = "redis_data_loss"
    title: ClassVar[str] = "Redis data loss"
    in_one_line: ClassVar[str] = "Redis' data folder is gone; it is restored from the last backup"

    def prepare(self) -> None:
        self.back_up()

    def in_flight(self) -> None:
        """Alerts that wait for Moogsoft are recorded; what comes in the last seconds is not."""
        self.sandbox.send_parked()
        self.sandbox.stop("worker-pipeline-1", "worker-pipeline-2")
        time.sleep(_UNRECORDED_S)

    def break_it(self) -> None:
        self.broken_at = time.time()
        self.sandbox.kill("redis", for_good=True)  # its disk is gone: it cannot come back by itself
        for name in ("appendonlydir", "dump.rdb"):
            shutil.rmtree(self.sandbox.redis_data / name, ignore_errors=True)
        time.sleep(1)  # what was answered 202 just before is noted by its sender

    def may_be_lost(self) -> Collection[str]:
        recorded = self.sandbox.outcomes()
        known = {one for ids in self.sandbox.known.values() for one in ids}
        lost = {one.id for one in self.sandbox.sender.accepted} - recorded.keys() - known
        self.more["accepted before the accident and not recorded yet"] = f"{len(lost):,} events"
        self.more["alerts that only PostgreSQL knew of, and that were delivered"] = f"{len(self._owed(recorded)):,}"
        return lost

    def before_checks(self) -> None:
        self.sandbox.moogsoft("ok")
        wait_until(lambda: self.sandbox.api("ledger")["pending"] == 0, "what was parked is delivered")

    @staticmethod
    def _owed(recorded: dict[str, str]) -> list[str]:
        return [one for one, outcome in recorded.items() if outcome == "pending"]
