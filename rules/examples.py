"""Examples that a rule carries: events that it must match, and events that it must not."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from audit.storable import storable
from rules.event import Event, oid_of, severity_of
from rules.matching import Rule, matches

KINDS = {"match": True, "no_match": False}
MOST = 100
_FIELDS = {"hostname", "message", "syslog_severity", "trap_oid"}
_SHOWN = 80


class BadExampleError(ValueError):
    """An example cannot be read; `pointer` says which, as a JSON Pointer into the examples."""

    def __init__(self, pointer: str, reason: str) -> None:
        super().__init__(reason)
        self.pointer = pointer


@dataclass(frozen=True, slots=True)
class Failure:
    """An example that a rule does not do as it should."""

    pointer: str
    reason: str


def failures_of(rule: Rule, examples: Any) -> list[Failure]:
    """What the rule does otherwise than its examples say. Raises BadExampleError."""
    return [
        Failure(
            pointer, f"It must {'' if wanted else 'not '}match {_shown(event)}, and does{'' if not wanted else ' not'}"
        )
        for pointer, event, wanted in read_examples(examples)
        if matches(rule, event) is not wanted
    ]


def read_examples(examples: Any) -> Iterator[tuple[str, Event, bool]]:
    """Each example: where it stands, the event, whether it must match. Raises BadExampleError.

    An example is a message, or an object with any of hostname, message, syslog_severity and trap_oid.
    """
    if not isinstance(examples, Mapping) or not examples.keys() <= KINDS.keys():
        raise BadExampleError("", 'Examples are an object such as {"match": ["a message"], "no_match": []}.')
    for kind, wanted in KINDS.items():
        listed = examples.get(kind, [])
        if not isinstance(listed, list) or len(listed) > MOST:
            raise BadExampleError(f"/{kind}", f"A list of at most {MOST} examples is wanted here.")
        for number, example in enumerate(listed):
            pointer = f"/{kind}/{number}"
            yield pointer, _event(pointer, example), wanted


def _event(pointer: str, example: Any) -> Event:
    texts = [example] if isinstance(example, str) else example.values() if isinstance(example, Mapping) else ()
    if any(isinstance(text, str) and storable(text) != text for text in texts):
        raise BadExampleError(pointer, "It holds NUL or half of a surrogate pair, which no event has.")
    if isinstance(example, str):
        return Event("", example)
    if not isinstance(example, Mapping) or not example or not example.keys() <= _FIELDS:
        raise BadExampleError(pointer, f"An example is a text, or an object with any of {', '.join(sorted(_FIELDS))}.")
    severity, oid = example.get("syslog_severity"), example.get("trap_oid")
    if severity is not None and severity_of(severity) is None:
        raise BadExampleError(f"{pointer}/syslog_severity", "It is none of the severities, such as Error.")
    if oid is not None and (not isinstance(oid, str) or oid_of(oid) is None):
        raise BadExampleError(f"{pointer}/trap_oid", "It is no OID such as 1.3.6.1.4.1.9.")
    for name in ("message", "hostname"):
        if not isinstance(example.get(name, ""), str):
            raise BadExampleError(f"{pointer}/{name}", "A text is wanted here.")
    return Event(
        example.get("hostname", ""), example.get("message", ""), severity_of(severity), oid_of(oid) if oid else None
    )


def _shown(event: Event) -> str:
    text = event.message if len(event.message) <= _SHOWN else f"{event.message[:_SHOWN]}…"
    more = [f"severity {event.syslog_severity}"] if event.syslog_severity else []
    more += [f"OID {event.trap_oid}"] if event.trap_oid else []
    return f"“{text}”" + (f" ({', '.join(more)})" if more else "")
