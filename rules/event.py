"""The event as rules see it, and the vocabulary of its fields: severities, OIDs, host names."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from ipaddress import IPv6Address


class NotAnEventError(ValueError):
    """What was given would not be accepted as an event; `faults` are pairs of a JSON Pointer and a sentence."""

    def __init__(self, faults: list[tuple[str, str]]) -> None:
        super().__init__(" ".join(f"{pointer}: {detail}" if pointer else detail for pointer, detail in faults))
        self.faults = faults


class Severity(StrEnum):
    """The severities of RFC 5424 §6.2.1, in order of their numbers 0-7, by the names MUTT uses."""

    EMERGENCY = "Emergency"
    ALERT = "Alert"
    CRITICAL = "Critical"
    ERROR = "Error"
    WARNING = "Warning"
    NOTICE = "Notice"
    INFO = "Info"
    DEBUG = "Debug"


_SEVERITIES = list(Severity)

# The keywords of syslog(3), which rsyslog and syslog-ng emit, beside the names.
SEVERITY_SPELLINGS: dict[str, Severity] = {
    **{severity.value.lower(): severity for severity in _SEVERITIES},
    **{str(number): severity for number, severity in enumerate(_SEVERITIES)},
    "emerg": Severity.EMERGENCY,
    "panic": Severity.EMERGENCY,
    "crit": Severity.CRITICAL,
    "err": Severity.ERROR,
    "warn": Severity.WARNING,
    "informational": Severity.INFO,
}
_USUAL_SPELLINGS = {**SEVERITY_SPELLINGS, **{severity.value: severity for severity in _SEVERITIES}}


class Environment(StrEnum):
    PROD = "prod"
    DEV = "dev"


class Handling(StrEnum):
    """What is to be done with an event that a rule has won."""

    PAGE_AND_TICKET = "Page_and_ticket"
    PAGE_ONLY = "Page_only"
    TICKET_ONLY = "Ticket_only"
    IGNORE = "Ignore"


@dataclass(frozen=True)
class Event:
    """One event in canonical form. `event_time` is the sender's clock, in UTC; the time of receipt if it told none.

    `clears`: it says that the problem is over. `alert_key`: what its sender calls the problem, in both events.
    """

    hostname: str
    message: str
    syslog_severity: Severity | None = None
    trap_oid: str | None = None
    source_type: str = ""
    event_time: datetime | None = None
    clears: bool = False
    alert_key: str | None = None

    @cached_property
    def folded_message(self) -> str:
        """The message for comparison in any case."""
        return self.message.casefold()


def severity_of(value: object) -> Severity | None:
    """The severity that a name, keyword or number 0-7 stands for, in any case; None for anything else."""
    if isinstance(value, str):
        return _USUAL_SPELLINGS.get(value) or SEVERITY_SPELLINGS.get(value.strip().lower())
    if isinstance(value, float) and value.is_integer():  # JSON knows one kind of number: 3.0 is 3
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return SEVERITY_SPELLINGS.get(str(value))


# X.660 §7.6: arcs have no leading zeros; the first is 0, 1 or 2.
_OID = re.compile(r"[0-2](?:\.(?:0|[1-9][0-9]*))*", re.ASCII)


def oid_of(text: str) -> str | None:
    """A dotted OID without a leading dot; `iso.` stands for 1 (net-snmp). None if it is no OID."""
    bare = text.strip().removeprefix(".")
    if bare.startswith("iso."):
        bare = "1." + bare.removeprefix("iso.")
    return bare if _OID.fullmatch(bare) else None


def oid_within(oid: str, prefix: str) -> bool:
    """Whether `oid` is `prefix` or below it; arcs are compared whole, so …4.1.9 does not hold …4.1.94."""
    return oid == prefix or oid.startswith(prefix + ".")


_IPV6 = re.compile(r"\[?([0-9a-f.]*:[0-9a-f:.]*(?:%[\w.-]*\w)?)\]?", re.ASCII | re.IGNORECASE)
_DOTS_AT_END = re.compile(r"[.\s]+\Z")


def hostname_of(text: str) -> str:
    """A host name without blanks and dots at its end; an IP address in its canonical form (RFC 5952)."""
    name = text.strip()
    if name.endswith("."):
        name = _DOTS_AT_END.sub("", name) or name
    like_ipv6 = _IPV6.fullmatch(name) if ":" in name else None
    if like_ipv6:
        try:
            address = IPv6Address(like_ipv6[1])
        except ValueError:
            return name
        return str(address.ipv4_mapped or address)
    return name


def host_key(hostname: str) -> str:
    """What two spellings of one host have in common: lists of hosts are looked up by it."""
    return hostname_of(hostname).casefold()
