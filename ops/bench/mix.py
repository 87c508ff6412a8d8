"""Events whose outcome is known beforehand: made from a seed for the rules of `ops.bench.rules`, in exact shares."""

import json
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from ops.bench import rules as mixed
from rules.compiled import Matcher
from rules.event import Event, Handling, Severity
from rules.matching import MatchType, Rule, RuleSet

SEED = 20261126
HOSTS = 5_000
# What the expressions of our rules ask for, and a text that has it.
_TEXTS = (
    *(
        (r"(?i)", ""),
        (r"\b", ""),
        ("^", ""),
        ("$", ""),
        (r"\[", "["),
        (r"\]", "]"),
        ("[A-Z]+", "SYS"),
        (r"\w+", "unit"),
    ),
    *((r"\d+", "7"), (r"\d", "5"), (".*", " seen as ")),
)


class Expected(StrEnum):
    """What becomes of an event."""

    FORWARDED = "forwarded"
    IGNORED = "ignored"
    UNMATCHED = "unmatched"


class Profile(StrEnum):
    """How many of a hundred events become what."""

    MIX = "mix"
    FORWARDED = "forwarded"

    @property
    def shares(self) -> dict[Expected, int]:
        """Per cent."""
        if self is Profile.FORWARDED:
            return {Expected.FORWARDED: 100}
        return {Expected.FORWARDED: 10, Expected.IGNORED: 20, Expected.UNMATCHED: 70}


@dataclass(frozen=True, slots=True)
class Corpus:
    """A file with a body a line, and what its events become."""

    path: Path
    bodies: int
    batch: int
    expected: dict[Expected, int]

    @property
    def events(self) -> int:
        return self.bodies * self.batch


class Mix:
    """So many mixed rules, and events that they decide as is wanted."""

    def __init__(self, rules: int, seed: int = SEED) -> None:
        self._chance = random.Random(seed)  # noqa: S311 - invented events need no secrecy  # nosec B311
        self.rules = [mixed.rule(self._chance, number) for number in range(1, rules + 1)]
        self._matcher = Matcher(RuleSet(1, tuple(self.rules)))
        self._ignoring = [rule for rule in self.rules if rule.prod_handling is Handling.IGNORE]
        self._forwarding = [rule for rule in self.rules if rule.prod_handling is not Handling.IGNORE]

    def rule_file(self) -> str:
        """The rules as `muttctl rules apply` takes them (JSON is YAML)."""
        return json.dumps({"rules": [_of_file(rule) for rule in self.rules]}, indent=1)

    def write(self, path: Path, profile: Profile, events: int, batch: int) -> Corpus:
        """A corpus of at least one body; its events are of now, and hardly two are alike."""
        bodies = max(events // batch, 1)
        expected = shared_out(profile.shares, bodies * batch)
        wanted = [outcome for outcome, count in expected.items() for _ in range(count)]
        self._chance.shuffle(wanted)
        made = self._events(wanted)
        with path.open("w") as file:
            for _ in range(bodies):
                events_of_body = [next(made) for _ in range(batch)]
                body: Any = events_of_body if batch > 1 else events_of_body[0]
                file.write(json.dumps(body, separators=(",", ":")) + "\n")
        return Corpus(path, bodies, batch, expected)

    def _events(self, wanted: Sequence[Expected]) -> Iterator[dict[str, Any]]:
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        for number, outcome in enumerate(wanted):
            event = self._event(outcome, number)
            yield {
                "hostname": event.hostname,
                "timestamp": now,
                "message": event.message,
                "source_type": "snmptrap" if event.trap_oid else "syslog",
                **({"syslog_severity": event.syslog_severity.value} if event.syslog_severity else {}),
                **({"trap_oid": event.trap_oid} if event.trap_oid else {}),
            }

    def _event(self, wanted: Expected, number: int) -> Event:
        while True:
            event = self._drawn(wanted, number)
            if self._decided(event) is wanted:
                return event

    def _drawn(self, wanted: Expected, number: int) -> Event:
        host = f"router-{self._chance.randrange(HOSTS):04}.example.net"
        if wanted is Expected.UNMATCHED:
            drawn = mixed.event(self._chance)
            return Event(host, drawn.message, drawn.syslog_severity, drawn.trap_oid)
        rule = self._chance.choice(self._ignoring if wanted is Expected.IGNORED else self._forwarding)
        severity = rule.syslog_severity or self._chance.choice(list(Severity))
        oid = f"{rule.trap_oid}.0.{number}" if rule.trap_oid else None
        return Event(host, _message(rule, number), severity, oid)

    def _decided(self, event: Event) -> Expected:
        handling = self._matcher.decide(event).handling
        if handling is None:
            return Expected.UNMATCHED
        return Expected.IGNORED if handling is Handling.IGNORE else Expected.FORWARDED


def shared_out(shares: dict[Expected, int], events: int) -> dict[Expected, int]:
    """Whole numbers of events in these shares (per cent); what is left over goes to the largest share."""
    counts = {outcome: events * share // 100 for outcome, share in shares.items()}
    counts[max(shares, key=lambda outcome: shares[outcome])] += events - sum(counts.values())
    return counts


def _message(rule: Rule, number: int) -> str:
    """A text that the rule should match."""
    if rule.match_string is None:
        return f"trap {number} of enterprise {rule.trap_oid}"
    if rule.match_type is MatchType.CONTAINS:
        return f"%SYS-5-NOTE: {rule.match_string} (pid {number})"
    text = rule.match_string
    for asked, has in _TEXTS:
        text = text.replace(asked, has)
    text = re.sub(r"\[7\]", f"[{number}]", text).replace(" seen as ", f" seen {number} times as ")
    return text if rule.match_string.endswith("$") else f"{text} (pid {number})"


def _of_file(rule: Rule) -> dict[str, Any]:
    return {
        "name": rule.name,
        "priority": rule.priority,
        "match_type": rule.match_type.value,
        "prod_handling": rule.prod_handling.value,
        "dev_handling": rule.dev_handling.value,
        **({"match_string": rule.match_string} if rule.match_string else {}),
        **({"trap_oid": rule.trap_oid} if rule.trap_oid else {}),
        **({"syslog_severity": rule.syslog_severity.value} if rule.syslog_severity else {}),
    }
