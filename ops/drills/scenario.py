"""What all drills have in common: break with known events in flight, mend by the page, weigh what is left."""

import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import ClassVar

from ops.drills.page import Page
from ops.drills.reconciling import Account, complaints, reconcile
from ops.drills.report import Figures
from ops.drills.sandbox import Sandbox, sandbox
from ops.drills.steps import Step, run_steps
from ops.drills.traffic import Traffic
from ops.local.stack import Stack

STEPS, CHECKS = "Steps", "How to see that it worked"
Say = Callable[[str], None]


class Skipped(RuntimeError):  # noqa: N818 - it reads as a sentence
    """The machine does not allow the drill; the message says what is missing."""


class Scenario:
    """One drill; a subclass says what is broken. `title` is its chapter in the page."""

    name: ClassVar[str]
    title: ClassVar[str]
    settings: ClassVar[dict[str, str]] = {}
    in_one_line: ClassVar[str] = ""

    def __init__(self, page: Page, say: Say = print, *, keep: bool = False) -> None:
        self.page, self.say, self.keep = page, say, keep
        self.chapter = page.chapter(self.title)
        self.sandbox: Sandbox  # while it runs
        self.broken_at = 0.0
        self.more: dict[str, str] = {}

    def given(self, base: Path) -> Mapping[str, str]:  # noqa: ARG002 - for those that put something there
        """Settings and addresses from outside the sandbox, whose folder is `base`."""
        return {}

    def configure(self, stack: Stack) -> None:
        """Change the sandbox before anything of it starts."""

    def prepare(self) -> None:
        """What must have been done in better days: backups."""

    def back_up(self) -> None:
        """Make a backup as the page says. Raises StepFailed."""
        self.run_blocks(self.page.chapter("Backups").blocks(STEPS))

    def in_flight(self) -> None:
        """Bring about what shall be under way at the accident; traffic runs by then."""

    def break_it(self) -> None:
        """The accident."""
        raise NotImplementedError

    def before_checks(self) -> None:
        """What the drill itself must put right once the page's steps are done, such as the stub Moogsoft."""

    def may_be_lost(self) -> Collection[str]:
        """The ids of the events that the page says are lost; it is asked right after the accident."""
        return ()

    def also_wrong(self, _account: Account) -> list[str]:
        """What else the page says and is not so."""
        return []

    def environment(self) -> dict[str, str]:
        """More variables that the page's steps need."""
        return {}

    def run(self) -> Figures:
        """The whole drill. Raises StepFailed, TimeoutError, NotStarted, Skipped."""
        self.say("starting a MUTT to break")
        with sandbox(
            self.settings, given=self.given, prepare=self.configure, say=self.say, keep=self.keep
        ) as self.sandbox:
            self.say("sending events of every fate")
            self.sandbox.send_known()
            self.say("preparing: what must have been done before")
            self.prepare()
            traffic = self.sandbox.traffic()
            try:
                return self._break_and_mend(traffic)
            finally:
                traffic.stop()

    def _break_and_mend(self, traffic: Traffic) -> Figures:
        self.say("traffic flows; bringing events into flight")
        self.in_flight()
        self.say("breaking")
        self.break_it()
        self.broken_at = self.broken_at or time.time()
        allowed = set(self.may_be_lost())
        begun = time.time()
        self.steps(STEPS)
        accepting = traffic.first_after(begun) - begun
        self.before_checks()
        traffic.stop()
        self.say("waiting until every event has its outcome")
        settling = time.time()
        self.sandbox.settled()
        self.say(f"  took {time.time() - settling:.1f} s")
        self.steps(CHECKS)
        ended = time.time()
        self.say("reconciling")
        return self._weigh(allowed, accepting, ended - begun)

    def steps(self, part: str) -> list[Step]:
        """Run a part of the chapter. Raises StepFailed."""
        return self.run_blocks(self.chapter.blocks(part))

    def run_blocks(self, blocks: list[str]) -> list[Step]:
        """Run blocks of the page. Raises StepFailed."""
        environment = {**self.sandbox.environment, **self.environment()}
        steps = run_steps(blocks, environment, lambda _, commands: self.say(f"$ {Step(commands, 0).shown}"))
        self.say(f"  took {', '.join(f'{step.seconds:.1f}' for step in steps)} s")
        return steps

    def _weigh(self, allowed: set[str], accepting: float | None, rto: float) -> Figures:
        account = reconcile(self.sandbox)
        lost = set(account.unrecorded)
        ages = [self.broken_at - one.at for one in self.sandbox.sender.accepted if one.id in lost]
        return Figures(
            name=self.name,
            rpo_s=max(0.0, *ages) if ages else 0.0,
            rpo_events=len(lost),
            accepting_s=accepting,
            rto_s=rto,
            accepted=account.accepted,
            recovered=account.accepted - len(lost),
            lost=len(lost),
            may_be_lost=len(allowed),
            told_again=account.told_again,
            wrong=[*complaints(account, allowed), *self.also_wrong(account)],
            more=self.more,
        )
