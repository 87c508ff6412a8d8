"""What was sent, field by field, and what it became: a plain function over a record."""

from dataclasses import dataclass
from typing import Any, Protocol

from audit.notes import Note

_SENT_AS = {
    "hostname": ("hostname",),
    "message": ("message",),
    "event_time": ("timestamp",),
    "syslog_severity": ("syslog_severity", "severity"),
    "trap_oid": ("trap_oid",),
    "source_type": ("source_type",),
    "clears": ("clear",),
}


class NormalisedLike(Protocol):
    """The fields of a record that were brought into canonical form."""

    event: Any
    notes: list[str]


@dataclass(frozen=True, slots=True)
class Field:
    """One field: as it was sent (None: not under a name of MUTT's own), and as it was decided by."""

    field: str
    sent: Any
    became: Any

    @property
    def changed(self) -> bool:
        return self.sent is not None and str(self.sent) != str(self.became)


@dataclass(frozen=True, slots=True)
class Noticed:
    """What was noticed about it: the code that is kept, and the sentence."""

    note: str
    text: str


@dataclass(frozen=True, slots=True)
class Normalised:
    """`is_native`: it was sent in MUTT's own words; otherwise an adapter has read the fields out of it."""

    is_native: bool
    fields: list[Field]
    notes: list[Noticed]


def normalised(record: NormalisedLike) -> Normalised:
    """What became of each field that has a value, and what was noticed."""
    sent = record.event if isinstance(record.event, dict) else {}
    is_native = "hostname" in sent and "message" in sent
    fields = []
    for name, names in _SENT_AS.items():
        value = getattr(record, name)
        became = value.isoformat() if hasattr(value, "isoformat") else value or None
        was = next((sent[one] for one in names if sent.get(one) is not None), None) if is_native else None
        if became is not None or was is not None:
            fields.append(Field(name, was, became))
    return Normalised(is_native, fields, [Noticed(note, _sentence(note)) for note in record.notes])


def _sentence(note: str) -> str:
    return Note(note).sentence if note in set(Note) else f"Noted: {note}."
