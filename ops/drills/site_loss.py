"""The whole site is gone at one blow; another machine has the backups, the archived WAL and the secrets."""

import os
import shutil
import signal
import time
from collections.abc import Collection
from contextlib import suppress
from typing import ClassVar

from ops.drills.reconciling import Account
from ops.drills.report import Figures
from ops.drills.sandbox import SHORT, wait_until
from ops.drills.scenario import Scenario
from ops.local import postgresql, redis
from ops.local.stack import Stack

_UNSHIPPED_S = 5  # of WAL that has not left the site yet
_NOT_RESTORED_S = 2


class SiteLoss(Scenario):
    """Alerts wait, of before the backup and after it, and are delivered at last; that WAL had not been archived."""

    name: ClassVar[str] = "site_loss"
    title: ClassVar[str] = "Loss of the whole site"
    in_one_line: ClassVar[str] = "All machines are gone; a new one is set up from backup, archived WAL and secrets"
    _new: Stack | None = None
    _shipped: frozenset[str] = frozenset()

    def run(self) -> Figures:
        try:
            return super().run()
        finally:
            if self._new is not None:
                self._new.stop()

    def prepare(self) -> None:
        self.sandbox.send_parked()
        self.back_up()

    def in_flight(self) -> None:
        self.sandbox.send_parked()
        time.sleep(_UNSHIPPED_S)
        self._ship_wal()
        self.sandbox.moogsoft("ok")  # what waited is delivered, and the new site cannot know
        time.sleep(_UNSHIPPED_S)

    def _ship_wal(self) -> None:
        """What is recorded by now is in WAL that has left the site, as with every archive_timeout."""
        self._shipped = frozenset(self.sandbox.outcomes())
        ((segment,),) = self.sandbox.query("SELECT pg_walfile_name(pg_switch_wal())")
        wait_until((self.sandbox.wal_archive / segment).exists, "the WAL is archived")

    def break_it(self) -> None:
        old = self.sandbox.stack
        self._kill_everything(old)
        self.broken_at = time.time()
        self._new = self._new_machine(old)
        shutil.rmtree(old.folder)
        self.sandbox.stack = self._new
        self.sandbox.sender.web = self._new.web  # the senders' name for MUTT leads to the new machine now
        time.sleep(_NOT_RESTORED_S)

    def _kill_everything(self, stack: Stack) -> None:
        """No good-bye: a PostgreSQL that is told to end archives its last WAL."""
        supervisord = int(stack.supervisor.call("getPID"))
        pids = stack.supervisor.pids().values()
        os.kill(supervisord, signal.SIGSTOP)  # it would start them again
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        os.kill(supervisord, signal.SIGKILL)
        wait_until(lambda: not stack.supervisor.alive, "supervisord is gone")

    def _new_machine(self, old: Stack) -> Stack:
        """A machine with everything installed and configured, the secrets in place, no data, and nothing started."""
        folder = self.sandbox.base / "new"
        folder.mkdir(mode=0o700)
        shutil.copy2(old.folder / "secrets.json", folder)
        shutil.copy2(old.folder / "moogsoft-stub.ids", folder)  # Moogsoft is elsewhere, and well
        stack = Stack(folder, given={}, extra={**SHORT, **self.settings}, say=self.say)
        redis.prepare(folder / "redis", stack.secrets["redis"], stack.ports.redis)
        (folder / "postgresql").mkdir(mode=0o700)
        if user := postgresql.system_user():
            shutil.chown(folder / "postgresql", user)
            folder.chmod(0o711)
        (folder / "metrics").mkdir()
        stack.supervisor.launch()
        stack.supervisor.start("moogsoft-stub")
        return stack

    def may_be_lost(self) -> Collection[str]:
        accepted = {one.id for one in self.sandbox.sender.accepted if one.at <= self.broken_at}
        return accepted - self._shipped

    def also_wrong(self, account: Account) -> list[str]:
        self.more["booked as lost in the ledger; lost without a trace"] = (
            f"{account.ledger['lost']:,}; {len(account.unrecorded) - account.ledger['lost']:,} events"
        )
        self.more["time since the last WAL had left the site, at the accident"] = f"{_UNSHIPPED_S} s"
        return []
