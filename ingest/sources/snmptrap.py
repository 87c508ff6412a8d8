"""SNMP traps: what snmptrapd hands to a traphandle, as text, and traps in fields, as JSON.

The text (man snmptrapd.conf): a line with the sender's name, one with the transport, then one for each variable, its
OID and its value; traps of SNMPv1 come in the form of v2c (RFC 3584).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any

from ingest.sources.oid_names import name_of, numeric
from ingest.sources.severities import severity_from_word
from ingest.sources.source import Context, Incoming, Item, Source, Unusable
from ingest.times import read_time
from rules.event import Severity, oid_within

_UPTIME = "1.3.6.1.2.1.1.3"
_TRAP_OID = "1.3.6.1.6.3.1.1.4.1"
_ENTERPRISE = "1.3.6.1.6.3.1.1.4.3"
_AGENT_ADDRESS = "1.3.6.1.6.3.18.1.3"
_COMMUNITY = "1.3.6.1.6.3.18.1.4"
_ABOUT_THE_TRAP = (_UPTIME, _TRAP_OID, _ENTERPRISE, _AGENT_ADDRESS, _COMMUNITY)
_GENERIC_TRAPS = "1.3.6.1.6.3.1.1.5"
_ENTERPRISE_SPECIFIC = 6

# CISCO-SYSLOG-MIB: a syslog message as a trap. Its severities are those of syslog, plus one.
_CLOG = "1.3.6.1.4.1.9.9.41.2.0.1"
_CLOG_ENTRY = "1.3.6.1.4.1.9.9.41.1.2.3.1"
_CLOG_FACILITY, _CLOG_SEVERITY, _CLOG_NAME, _CLOG_TEXT = (f"{_CLOG_ENTRY}.{column}" for column in (2, 3, 4, 5))

_LONGEST = 65_535
_MOST_VARIABLES = 500
_MOST_ARCS = 128  # RFC 2578 §3.5
_TRANSPORT = re.compile(
    r"\s*(?:UDP|TCP|DTLSUDP|TLSTCP|DTLS|TLS)(?:/IPv6|6)?: ?\[(?P<address>[^\]\s]{2,100})\]", re.IGNORECASE
)
_UNKNOWN = {"", "<unknown>", "-", "unknown"}
_NOWHERE = {"0.0.0.0", "::"}  # noqa: S104 - what agents write who do not know their address  # nosec B104
_ADVICE = "run snmptrapd with -On, as ops/snmptrapd does, or name it in the file of MUTT_OID_NAMES"


@dataclass(frozen=True, slots=True)
class _Trap:
    """A trap, from wherever. `name` is what it was called where its OID is not known."""

    hostname: str | None
    address: str | None
    trap_oid: str | None
    name: str
    variables: list[tuple[str, Any]] = field(default_factory=list)
    said: str | None = None  # a message that came with it

    def value(self, oid: str) -> str | None:
        """The value of the first variable of this object, whatever its index."""
        return next((str(value) for found, value in self.variables if oid_within(found, oid)), None)


def adapt(value: Any, context: Context) -> Sequence[Item]:
    """A trap in fields, or its text under `traphandle`."""
    if isinstance(value, str):
        return read_text(value, context)
    if not isinstance(value, dict):
        return [Unusable("not_a_trap", "A trap is an object, or the text that snmptrapd gives to a traphandle.", value)]
    text = value.get("traphandle")
    if isinstance(text, str):
        traps = list(_texts(text))
        if len(traps) == 1:
            return [_item(_from_text(traps[0]), value, context, value.get("received_at"))]
        return [Unusable("not_a_trap", _no_trap(), value, "/traphandle")]
    return [_item(_from_fields(value), value, context, _time(value))]


def read_text(text: str, context: Context) -> Sequence[Item]:
    """Traphandle texts, one after another."""
    traps = list(_texts(text))
    if not traps:
        return [Unusable("not_a_trap", _no_trap(), text[:_LONGEST])]
    return [_item(_from_text(lines), {"traphandle": "\n".join(lines) + "\n"}, context, None) for lines in traps]


def _no_trap() -> str:
    return (
        "It is not what snmptrapd gives to a traphandle: a line with the sender's name, one with the transport"
        " (UDP: [192.0.2.1]:1234->…), then an OID and its value a line."
    )


def _texts(text: str) -> Iterable[list[str]]:
    """The lines of each trap: it begins with the line before that of the transport."""
    lines = text.replace("\r\n", "\n").rstrip("\n").split("\n")
    starts = [number - 1 for number in range(1, len(lines)) if _begins(lines, number)]
    if not starts or any(line.strip() for line in lines[: starts[0]]):
        return []
    return [lines[start:end] for start, end in zip(starts, [*starts[1:], len(lines)], strict=True)]


def _begins(lines: Sequence[str], number: int) -> bool:
    """Whether this line is the transport of a trap; with -n the line before it looks like one, too."""
    following = lines[number + 1] if number + 1 < len(lines) else ""
    return bool(_TRANSPORT.match(lines[number])) and not _TRANSPORT.match(following)


def _from_text(lines: Sequence[str]) -> _Trap:
    transport = _TRANSPORT.match(lines[1])
    name = lines[0].strip()
    variables = [_variable(line) for line in _joined(lines[2:])][:_MOST_VARIABLES]
    known = [(numeric(oid) or oid, value) for oid, value in variables]
    trap = next((value for oid, value in known if oid_within(oid, _TRAP_OID)), "")
    return _Trap(
        hostname=None if name.lower() in _UNKNOWN or _TRANSPORT.match(name) else name,
        address=transport["address"] if transport else None,
        trap_oid=numeric(trap),
        name=trap,
        variables=known,
    )


def _joined(lines: Sequence[str]) -> Iterable[str]:
    """The variables' lines; a text in quotes may go on over several."""
    pending: list[str] = []
    for line in lines:
        if pending:
            pending.append(line)
            if _closes(line):
                yield "\n".join(pending)
                pending = []
        elif _opens(line):
            pending.append(line)
        elif line.strip():
            yield line
    yield from pending  # a text that nobody closed: each line for itself


def _opens(line: str) -> bool:
    """Whether a text begins in this line and does not end in it."""
    _, _, value = line.partition(" ")
    value = value.lstrip().removeprefix("= ").removeprefix("STRING: ").lstrip()
    return value.startswith('"') and not (len(value) > 1 and _closes(value[1:]))


def _closes(line: str) -> bool:
    line = line.rstrip()
    backslashes = len(line[:-1]) - len(line[:-1].rstrip("\\"))
    return line.endswith('"') and backslashes % 2 == 0


def _variable(line: str) -> tuple[str, str]:
    oid, _, value = line.strip().partition(" ")
    value = value.strip()
    value = value.removeprefix("= ")  # -OQ
    return oid.removesuffix("=").strip(), _unquoted(value)


def _unquoted(value: str) -> str:
    if len(value) > 1 and value[0] == value[-1] == '"':
        return value[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    return value


_VALUE_NAMES = ("value", "val", "v")
_OID_NAMES = ("oid", "name", "id", "key")


def _from_fields(fields: Mapping[str, Any]) -> _Trap:
    variables = list(_fields_of(fields.get("varbinds", fields.get("variables"))))[:_MOST_VARIABLES]
    known = [(numeric(oid) or oid, value) for oid, value in variables]
    name = _first(fields, "trap_name", "trapname", "name", "trap_oid", "snmptrapoid", "snmpTrapOID", "trapOid", "oid")
    found = next((str(value) for oid, value in known if oid_within(oid, _TRAP_OID)), "")
    texts = [text for text in (fields.get("trap_oid"), name, found) if isinstance(text, str)]
    transport = _TRANSPORT.match(str(fields.get("transport", ""))[:200])
    hostname = _first(fields, "hostname", "host", "agent", "device")
    address = _first(fields, "source_ip", "address", "ip", "source", "peer", "agent_address", "agent_addr")
    return _Trap(
        hostname=None if hostname.lower() in _UNKNOWN or _TRANSPORT.match(hostname) else hostname,
        address=(transport["address"] if transport else address) or None,
        trap_oid=next(filter(None, map(numeric, texts)), None) or _of_v1(fields),
        name=name or found,
        variables=known,
        said=fields["message"] if isinstance(fields.get("message"), str) else None,
    )


def _first(fields: Mapping[str, Any], *names: str) -> str:
    return next((text.strip() for text in map(fields.get, names) if isinstance(text, str) and text.strip()), "")


def _fields_of(variables: Any) -> Iterable[tuple[str, Any]]:
    if isinstance(variables, dict):
        yield from ((str(name), _plain(value)) for name, value in variables.items())
    for variable in variables if isinstance(variables, list) else ():
        if isinstance(variable, dict):
            oid = next((variable[name] for name in _OID_NAMES if isinstance(variable.get(name), str)), None)
            if oid is None and len(variable) == 1:
                yield from ((name, _plain(value)) for name, value in variable.items())
            elif oid is not None:
                yield oid, _plain(next((variable[name] for name in _VALUE_NAMES if name in variable), ""))
        elif isinstance(variable, list) and len(variable) > 1 and isinstance(variable[0], str):
            yield variable[0], _plain(variable[-1])


def _plain(value: Any) -> Any:
    if isinstance(value, dict):  # {"type": "OctetString", "value": "x"}
        value = next((value[name] for name in _VALUE_NAMES if name in value), str(value))
    return value if isinstance(value, str | int | float | bool) else str(value)


def _of_v1(fields: Mapping[str, Any]) -> str | None:
    """The OID of a trap of SNMPv1, by RFC 3584 §3.1."""
    generic = _number(_any(fields, "generic", "generic_trap", "genericTrap"))
    specific = _number(_any(fields, "specific", "specific_trap", "specificTrap"))
    enterprise = numeric(_first(fields, "enterprise", "enterprise_oid", "enterpriseOid"))
    if generic is not None and 0 <= generic < _ENTERPRISE_SPECIFIC:
        return f"{_GENERIC_TRAPS}.{generic + 1}"
    if enterprise and specific is not None and specific >= 0:
        return f"{enterprise}.0.{specific}"
    return None


def _any(fields: Mapping[str, Any], *names: str) -> Any:
    return next((fields[name] for name in names if name in fields), None)


def _number(value: Any) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 32:
        return value
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 11 else None  # noqa: PLR2004 - 32 bits


def _time(fields: Mapping[str, Any]) -> Any:
    return _any(fields, "received_at", "timestamp", "time", "@timestamp")


def _item(trap: _Trap, original: Any, context: Context, received_at: Any) -> Item:
    if trap.trap_oid is None:
        return _without_oid(trap, original)
    hostname = _hostname(trap)
    if hostname is None:
        return Unusable("hostname_missing", "Neither a name nor an address tells where the trap came from.", original)
    moment, notes = (None, ()) if received_at is None else read_time(received_at, context.now, context.zone)
    event = {
        "hostname": hostname,
        "timestamp": (moment or context.now).isoformat(),
        "message": _message(trap),
        "trap_oid": trap.trap_oid,
        "source_type": "snmptrap",
    }
    severity = _clog_severity(trap) if trap.trap_oid == _CLOG else None
    if severity:
        event["syslog_severity"] = severity.value
    return Incoming(event, original, notes)


def _without_oid(trap: _Trap, original: Any) -> Unusable:
    if trap.name:
        why = f"The trap's name “{trap.name[:100]}” cannot be turned into an OID here: {_ADVICE}."
        return Unusable("trap_name_unresolved", why, original)
    why = f"It does not say which trap it is: there is no trap_oid, and no variable {_TRAP_OID}.0 (snmpTrapOID)."
    return Unusable("trap_oid_missing", why, original, "/trap_oid")


def _hostname(trap: _Trap) -> str | None:
    """The agent's own address where a proxy has passed the trap on; else the sender's name, else its address."""
    agent = trap.value(_AGENT_ADDRESS)
    if agent and _is_elsewhere(agent, trap.address):
        return agent
    return trap.hostname or trap.address or agent


def _is_elsewhere(agent: str, sender: str | None) -> bool:
    try:
        address = ip_address(agent)
    except ValueError:
        return False
    return agent not in _NOWHERE and not address.is_loopback and agent != sender


def _message(trap: _Trap) -> str:
    if trap.said:
        return trap.said[:_LONGEST]
    if trap.trap_oid == _CLOG and trap.value(_CLOG_TEXT):
        severity = _clog_severity(trap)
        number = list(Severity).index(severity) if severity else "?"
        text = f"%{trap.value(_CLOG_FACILITY)}-{number}-{trap.value(_CLOG_NAME)}: {trap.value(_CLOG_TEXT)}"
        return text[:_LONGEST]
    name = name_of(trap.trap_oid or "") or (trap.name if "::" in trap.name else "")
    title = f"{name} ({trap.trap_oid})" if name else f"trap {trap.trap_oid}"
    values = ", ".join(
        f"{_short(found)}={' '.join(str(value).split())}"
        for found, value in trap.variables
        if not any(oid_within(found, about) for about in _ABOUT_THE_TRAP)
    )
    return (f"{title}: {values}" if values else title)[:_LONGEST]


def _short(found: str) -> str:
    """A variable as people know it: IF-MIB's by name, others by their numbers."""
    base = found if found.count(".") <= _MOST_ARCS else ""
    while "." in base:
        name = name_of(base)
        if name:
            return name + found[len(base) :]
        base = base.rpartition(".")[0]
    return found


def _clog_severity(trap: _Trap) -> Severity | None:
    said = trap.value(_CLOG_SEVERITY)
    if said is None:
        return None
    number = _number(said.strip())
    if number is not None:
        return list(Severity)[number - 1] if 1 <= number <= len(Severity) else None
    return severity_from_word(re.sub(r"\(\d+\)$", "", said.strip()))


SNMPTRAP = Source("snmptrap", adapt, read_text)
