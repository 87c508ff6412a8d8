"""What an adapter is: a function from what a source sends to events in MUTT's words."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from audit.notes import Note


@dataclass(frozen=True, slots=True)
class Context:
    """What an adapter may know beside the body. `zone` is assumed for times that name none."""

    now: datetime
    zone: tzinfo
    address: str


@dataclass(frozen=True, slots=True)
class Incoming:
    """One event: `event` is to be held to the schema, `original` is what was sent."""

    event: Any
    original: Any
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class Unusable:
    """Something that cannot become an event. `code` is a word for counting, `why` tells people how to mend it."""

    code: str
    why: str
    original: Any
    pointer: str = ""


Item = Incoming | Unusable


@dataclass(frozen=True, slots=True)
class Source:
    """One kind of sender. `adapt` takes one JSON value of a body and gives its events.

    `read_text` takes a body that is no JSON; None if this source always sends JSON.
    """

    name: str
    adapt: Callable[[Any, Context], Sequence[Item]]
    read_text: Callable[[str, Context], Sequence[Item]] | None = None
