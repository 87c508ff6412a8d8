"""What the doctor found: one thing that was looked at, how it is, and what to do about it."""

from collections.abc import Iterable
from dataclasses import dataclass

from mutt_project.muttctl.client import JsonObject

OK, WARNING, FAILED, SKIPPED = "ok", "warning", "failed", "skipped"


@dataclass(frozen=True)
class Finding:
    """`state` is one of the words above; `seconds` is when a hop of the canary was reached."""

    name: str
    state: str
    text: str
    mend: str = ""
    seconds: float | None = None

    def as_json(self) -> JsonObject:
        seconds = None if self.seconds is None else round(self.seconds, 3)
        return {"name": self.name, "state": self.state, "text": self.text, "mend": self.mend, "seconds": seconds}


def first_failed(findings: Iterable[Finding]) -> Finding | None:
    return next((finding for finding in findings if finding.state == FAILED), None)


def checks_of(status: JsonObject) -> list[Finding]:
    """The checks of MUTT's status as findings; what is no check is left out."""
    checks = status.get("checks")
    return [
        Finding(str(one.get("name")), str(one.get("state")), str(one.get("text")), str(one.get("mend") or ""))
        for one in (checks if isinstance(checks, list) else [])
        if isinstance(one, dict)
    ]
