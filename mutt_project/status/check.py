"""One thing that was looked at, and what was found."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """`warning`: it works, and should not stay so. `failed`: events are refused, stand still or are in danger."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Check:
    """A finding: `text` says what is, `mend` what to do about it. Neither holds an address, a password or a key."""

    name: str
    state: State
    text: str
    mend: str = ""

    @property
    def is_well(self) -> bool:
        return self.state is State.OK


def ok(name: str, text: str) -> Check:
    return Check(name, State.OK, text)


def warning(name: str, text: str, mend: str) -> Check:
    return Check(name, State.WARNING, text, mend)


def failed(name: str, text: str, mend: str) -> Check:
    return Check(name, State.FAILED, text, mend)
