"""Redis' file is damaged before its end: Redis does not load it, and it is cut off there."""

import time
from collections.abc import Collection
from pathlib import Path
from typing import ClassVar

from ops.drills.redis_data_loss import RedisDataLoss

_FSYNC_S = 1.5  # everysec: by then all that was accepted before is in the file


class RedisBrokenFile(RedisDataLoss):
    """What was accepted before the damaged place is whole."""

    name: ClassVar[str] = "redis_broken_file"
    title: ClassVar[str] = "Redis does not load its file"
    in_one_line: ClassVar[str] = "Redis' file is damaged; it is cut off before the damaged place"
    _whole: frozenset[str] = frozenset()
    _place = 0

    def prepare(self) -> None:
        """No backup is needed."""

    @property
    def _file(self) -> Path:
        (path,) = (self.sandbox.redis_data / "appendonlydir").glob("*.incr.aof")
        return path

    def in_flight(self) -> None:
        """Alerts are parked before and behind what will be the damaged place."""
        self.sandbox.send_parked()
        self._whole = frozenset(one.id for one in self.sandbox.sender.accepted)
        time.sleep(_FSYNC_S)
        self._place = self._file.stat().st_size
        super().in_flight()

    def break_it(self) -> None:
        self.broken_at = time.time()
        self.sandbox.kill("redis", for_good=True)
        with self._file.open("r+b") as file:
            file.seek(self._place)
            file.write(b"\xde\xad" * 32)
        time.sleep(1)  # what was answered 202 just before is noted by its sender

    def may_be_lost(self) -> Collection[str]:
        return set(super().may_be_lost()) - self._whole
