"""The disks are full: PostgreSQL's, that of the logs, and then Redis'."""

import contextlib
import shutil
import time
from collections.abc import Mapping
from pathlib import Path

import psycopg2

from ops.drills.report import Figures
from ops.drills.sandbox import wait_until
from ops.drills.scenario import Scenario, Skipped
from ops.drills.small_disks import NotAllowed, SmallDisks, fill

_MEGABYTES = {"postgresql": 400, "log": 8, "redis": 64}
_HELD_S = 20


class DiskFull(Scenario):
    """Each of three small disks gets a file that takes all that is left."""

    name = "disk_full"
    title = "Disk full"
    in_one_line = "Not a byte is left for PostgreSQL, the logs and Redis, one after the other."

    base: Path | None = None

    def run(self) -> Figures:
        try:
            self.disks = SmallDisks()
        except NotAllowed as why:
            raise Skipped(
                f"{why}. Run it as root outside of a container, or where user namespaces are allowed"
            ) from None
        self.fillers: list[Path] = []
        try:
            return super().run()
        finally:
            self.disks.unmount()
            if self.base is not None and not self.keep:
                shutil.rmtree(self.base, ignore_errors=True)

    def given(self, base: Path) -> Mapping[str, str]:
        self.base = base
        for name, megabytes in _MEGABYTES.items():
            self.disks.mount(base / "var" / name, megabytes)
        return {}

    def in_flight(self) -> None:
        self.sandbox.send_parked()
        self.sandbox.moogsoft("ok")

    def break_it(self) -> None:
        accepted = len(self.sandbox.sender.accepted)
        self._fill("postgresql")
        self._want_more_wal()
        self._fill("log")
        time.sleep(_HELD_S)
        self.more["events accepted while PostgreSQL's disk was full"] = str(
            len(self.sandbox.sender.accepted) - accepted
        )
        refused = self.sandbox.sender.refusals[503]
        self._fill("redis")
        wait_until(lambda: self.sandbox.sender.refusals[503] > refused, "the door is closed")
        self.broken_at = time.time()
        time.sleep(_HELD_S / 2)

    def _fill(self, name: str) -> None:
        self.say(f"filling the disk of {name}")
        self.fillers.append(fill(self.sandbox.stack.folder / name))

    def _want_more_wal(self) -> None:
        """Have PostgreSQL need a new file for its WAL: that ends it, other than a table that cannot grow."""
        for _ in range(3):
            with contextlib.suppress(psycopg2.Error):
                self.sandbox.query("SELECT pg_logical_emit_message(false, 'drill', repeat('x', 1000)), pg_switch_wal()")

    def environment(self) -> dict[str, str]:
        return {
            "MUTT_LOGS": str(self.sandbox.stack.folder / "log"),
            "TOO_MUCH": " ".join(map(str, self.fillers)),
        }
