"""Events against the JSON Schema, with errors that say where, what, and how to mend it.

The authority is jsonschema. Most events are good, so jsonschema-rs, which is compiled, looks first: what it takes for
good is good (a differential test holds the two together), and what it does not, the authority judges and explains.
"""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import jsonschema_rs
import orjson
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from ingest.parsing import escaped

SCHEMA = "event.v1.json"
_SHOWN = 80


@dataclass(frozen=True, slots=True)
class EventError:
    """One fault of an event. `pointer` is a JSON Pointer (RFC 6901), empty for the event; `code` is for counting."""

    pointer: str
    detail: str
    code: str

    def as_json(self) -> dict[str, str]:
        return {"pointer": self.pointer, "detail": self.detail}

    def __str__(self) -> str:
        return f"{self.pointer}: {self.detail}" if self.pointer else self.detail


_EXAMPLES = {
    "/hostname": "a name or IP address without blanks, 1 to 255 characters, e.g. core-router-01",
    "/timestamp": "an RFC 3339 time, e.g. 2026-11-23T08:30:00Z or 2026-11-23T08:30:00.123+01:00",
    "/message": "a text of at most 65,535 characters",
    "/syslog_severity": "Emergency, Alert, Critical, Error, Warning, Notice, Info, Debug,"
    " the short form of syslog (err, crit, …) or 0 to 7",
    "/trap_oid": "numbers joined by dots, e.g. 1.3.6.1.6.3.1.1.5.3",
    "/source_type": "a text of at most 100 characters, e.g. syslog",
    "/clear": "true where the problem is over, else false or absent",
    "/alert_key": "a text of 1 to 255 characters that names the problem at its source",
}


@cache
def schema() -> dict[str, Any]:
    """The schema that events are held to."""
    document: dict[str, Any] = orjson.loads(files("ingest").joinpath("schemas", SCHEMA).read_bytes())
    return document


@cache
def _validator() -> Draft202012Validator:
    Draft202012Validator.check_schema(schema())
    return Draft202012Validator(schema())


@cache
def _compiled() -> Any:
    return jsonschema_rs.validator_for(schema())


def is_valid_at_first_sight(event: Any) -> bool:
    """Whether the compiled validator takes the event. What it cannot even read is not its to judge."""
    try:
        return bool(_compiled().is_valid(event))
    except (ValueError, TypeError):
        return False


def faults_of(event: Any) -> list[EventError]:
    """Everything that is wrong with an event, in the order of its fields; empty for a valid one."""
    if is_valid_at_first_sight(event):
        return []
    if not isinstance(event, dict):
        return [EventError("", f"An event is a JSON object, not {_kind(event)}.", "not_an_object")]
    found = sorted(_validator().iter_errors(event), key=lambda error: error.json_path)
    return list(dict.fromkeys(_explained(error) for error in found))  # "" breaks two rules: one sentence mends both


def _explained(error: ValidationError) -> EventError:
    if error.validator == "required":
        required: Any = error.validator_value
        missing = next(name for name in required if f"'{name}' is a required" in error.message)
        pointer = f"/{missing}"
        return EventError(pointer, f"It is missing. Send {_EXAMPLES[pointer]}.", f"{missing}_missing")
    pointer = "".join(f"/{escaped(str(part))}" for part in error.absolute_path)
    expected = _EXAMPLES.get(pointer, error.message)
    return EventError(pointer, f"{_shown(error.instance)} is not {expected}.", f"{error.absolute_path[0]}_invalid")


def _shown(value: Any) -> str:
    text = orjson.dumps(value, default=str).decode("utf-8", "replace")
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}… ({len(text)} characters)"


def _kind(value: Any) -> str:
    names = {list: "an array", str: "a text", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")
