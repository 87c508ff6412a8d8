"""Sample rules, hosts, teams and events for the demo: all invented here, the same every time."""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import urllib3

SEED = 20261123

_PAGE, _PAGE_ONLY, _TICKET, _IGNORE = "Page_and_ticket", "Page_only", "Ticket_only", "Ignore"


def _rule(name: str, prod: str, dev: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, "prod_handling": prod, "dev_handling": dev, **fields}


RULES = [
    _rule(
        "Interface down",
        _PAGE,
        _TICKET,
        match_type="contains",
        match_string="changed state to down",
        priority=20,
    ),
    _rule(
        "BGP neighbour lost",
        _PAGE,
        _IGNORE,
        match_type="regex",
        match_string=r"BGP.*neighbor \S+ (Down|lost)",
        priority=10,
        team_assignment="ROUTING",
    ),
    _rule("CPU high", _TICKET, _IGNORE, match_type="contains", match_string="CPU high", priority=100),
    _rule(
        "Fan or power supply failed",
        _PAGE_ONLY,
        _TICKET,
        match_type="regex",
        match_string=r"(?i)(fan|power supply) \S+ (failed|absent)",
        priority=30,
        team_assignment="FIELD",
    ),
    _rule("Link down trap", _PAGE, _TICKET, match_type="oid_prefix", trap_oid="1.3.6.1.6.3.1.1.5.3", priority=20),
    _rule(
        "Cisco configuration traps",
        _TICKET,
        _IGNORE,
        match_type="oid_prefix",
        trap_oid="1.3.6.1.4.1.9.9.43",
        priority=200,
    ),
    _rule(
        "Login failed",
        _TICKET,
        _IGNORE,
        match_type="contains",
        match_string="authentication failure",
        priority=150,
        team_assignment="SECURITY",
    ),
    _rule(
        "Time synchronisation chatter",
        _IGNORE,
        _IGNORE,
        match_type="contains",
        match_string="ntp clock",
        priority=500,
    ),
    _rule("Debug output", _IGNORE, _IGNORE, match_type="contains", syslog_severity="Debug", priority=900),
]
DEVELOPMENT_HOSTS = [f"lab-switch-{number:02d}" for number in range(1, 6)]
TEAMS = {
    **{f"core-router-{number:02d}": "ROUTING" for number in range(1, 5)},
    "door-controller-07": "FACILITIES",
}
_HOSTS = [*TEAMS, *DEVELOPMENT_HOSTS, *(f"access-{number:03d}" for number in range(1, 41)), "2001:db8::42"]


def load_rules(web: str, api_key: str) -> int:
    """Create the samples where there is no rule at all yet; returns how many rules were created."""
    headers = {"X-API-KEY": api_key, "Content-Type": "application/json"}

    def call(method: str, path: str, body: Any = None) -> Any:
        answer = urllib3.request(
            method,
            f"{web}/api/v1/{path}",
            headers=headers,
            timeout=30,
            retries=False,
            body=None if body is None else json.dumps(body),
        )
        if answer.status >= 300:  # noqa: PLR2004 - anything but success
            raise RuntimeError(f"{method} {path} was answered {answer.status}: {answer.data.decode()}")
        return answer.json()

    if call("GET", "rules?limit=1")["results"]:
        return 0
    for rule in RULES:
        call("POST", "rules", rule)
    for host in DEVELOPMENT_HOSTS:
        call("POST", "dev-hosts", {"hostname": host, "description": "laboratory"})
    for host, team in TEAMS.items():
        call("POST", "teams", {"hostname": host, "team": team})
    return len(RULES)


@dataclass(frozen=True, slots=True)
class Request:
    """One POST to the webhook: its body and how many events a person would count in it."""

    body: bytes
    content_type: str
    events: int
    source: str = ""


def requests(now: datetime, batches: int = 30, singles: int = 150) -> Iterator[Request]:
    """Batches of 100, by turns arrays and NDJSON, with single events between; some events are malformed."""
    chance = random.Random(SEED)  # nosec B311 # no secret comes of it
    for number in range(batches):
        events = [_event(chance, now) for _ in range(100)]
        if number % 2:
            lines = [json.dumps(event).encode() for event in events]
            if number % 6 == 1:
                lines[7] = b'{"hostname": "cut-off-in-transit", "mess'
            yield Request(b"\n".join(lines) + b"\n", "application/x-ndjson", len(lines))
        else:
            yield Request(json.dumps(events).encode(), "application/json", len(events))
        for _ in range(singles // batches):
            yield Request(json.dumps(_event(chance, now)).encode(), "application/json", 1)
        yield from _from_other_sources(chance, now)


def _from_other_sources(chance: random.Random, now: datetime) -> Iterator[Request]:
    """One request each as snmptrapd's relay, SolarWinds, Alertmanager and a syslog sender without JSON make them."""
    port, host = chance.randint(1, 48), chance.choice(_HOSTS)
    trap = (
        f"{host}\nUDP: [192.0.2.{port}]:40984->[192.0.2.250]:162\n.1.3.6.1.2.1.1.3.0 0:1:19:55.37\n"
        f".1.3.6.1.6.3.1.1.4.1.0 .1.3.6.1.6.3.1.1.5.3\n.1.3.6.1.2.1.2.2.1.1.{port} {port}\n"
    )
    spooled = [{"traphandle": trap, "received_at": now.isoformat()}]
    yield Request(json.dumps(spooled).encode(), "application/json", 1, "snmptrap")
    # The quotes in the message are not escaped: so Orion fills in a template.
    reset = chance.choice(["true", "false"])
    fields = [("NodeName", host), ("AlertMessage", 'Node "D" has CPU high'), ("Severity", "Serious"), ("reset", reset)]
    orion = ", ".join(f'"{name}": "{value}"' for name, value in fields)
    yield Request(f"{{{orion}}}".encode(), "application/json", 1, "solarwinds")
    labels = {"alertname": "HostDown", "instance": f"{host}:9100", "severity": "critical"}
    firing = {"status": "firing", "labels": labels, "startsAt": now.isoformat(), "fingerprint": f"{port:016x}"}
    group = {"version": "4", "status": "firing", "alerts": [firing]}
    yield Request(json.dumps(group).encode(), "application/json", 1, "alertmanager")
    line = f"<131>{now:%b %d %H:%M:%S} {host} linkd[77]: Interface Gi0/{port}, changed state to down\n"
    yield Request(line.encode(), "text/plain", 1, "syslog")


def _event(chance: random.Random, now: datetime) -> dict[str, Any]:
    time = now - timedelta(seconds=chance.uniform(0, 600))
    event = {
        "hostname": chance.choice(_HOSTS),
        "timestamp": chance.choice([_utc, _fraction, _offset])(time),
        **chance.choices(_KINDS, weights=[weight for _, weight in _WEIGHTED])[0](chance),
    }
    return _broken(chance, event) if chance.random() < 0.02 else event  # noqa: PLR2004 - the share of malformed ones


def _utc(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def _fraction(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.%f+00:00")


def _offset(time: datetime) -> str:
    return time.astimezone(tz=None if time.tzinfo is None else UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00")


def _syslog(severity: str, message: str) -> dict[str, Any]:
    return {"message": message, "syslog_severity": severity, "source_type": "syslog"}


def _interface(chance: random.Random) -> dict[str, Any]:
    port, state = f"GigabitEthernet0/{chance.randint(1, 24)}", chance.choice(["down", "up"])
    severity = "Error" if state == "down" else "Notice"
    return _syslog(severity, f"%LINK-3-UPDOWN: Interface {port}, changed state to {state}")


def _bgp(chance: random.Random) -> dict[str, Any]:
    peer = f"192.0.2.{chance.randint(1, 30)}"
    return _syslog("Error", f"%BGP-5-ADJCHANGE: neighbor {peer} Down hold time expired")


def _cpu(chance: random.Random) -> dict[str, Any]:
    return _syslog("warning", f"CPU high: {chance.randint(81, 99)} % over five minutes")


def _hardware(chance: random.Random) -> dict[str, Any]:
    part = chance.choice(["Fan", "Power supply"])
    return _syslog("crit", f"{part} {chance.randint(1, 4)} {chance.choice(['failed', 'absent'])}")


def _login(chance: random.Random) -> dict[str, Any]:
    return _syslog("notice", f"pam: authentication failure; user=operator{chance.randint(1, 9)}")


def _time_chatter(chance: random.Random) -> dict[str, Any]:
    return _syslog("info", f"ntp clock drift corrected by {chance.randint(1, 40)} ms")


def _debugging(chance: random.Random) -> dict[str, Any]:
    return _syslog("debug", f"poll cycle {chance.randint(1000, 9999)} took {chance.randint(1, 50)} ms")


def _nobody_knows(chance: random.Random) -> dict[str, Any]:
    text = chance.choice(["DHCP pool almost used up", "licence expires soon", "route table has grown", "port flapped"])
    return _syslog(chance.choice(["Notice", "Warning", "Info"]), f"{text} ({chance.randint(1, 500)})")


def _door(chance: random.Random) -> dict[str, Any]:
    """The one that comes often enough for a meta-alert."""
    return {
        "hostname": "door-controller-07",
        **_syslog("Warning", f"badge reader retry {chance.randint(1, 9999)}"),
    }


def _link_trap(chance: random.Random) -> dict[str, Any]:
    port = chance.randint(1, 48)
    return {
        "message": f"linkDown ifIndex={port}",
        "trap_oid": chance.choice([".1.3.6.1.6.3.1.1.5.3", "1.3.6.1.6.3.1.1.5.3"]),
        "source_type": "snmptrap",
        "varbinds": [{"oid": f"1.3.6.1.2.1.2.2.1.1.{port}", "value": str(port)}],
    }


def _other_trap(chance: random.Random) -> dict[str, Any]:
    oid = chance.choice(["1.3.6.1.4.1.9.9.43.2.0.1", "1.0.8802.1.1.2.0.0.1", "1.3.6.1.4.1.94.1.11.0.5"])
    return {"message": "trap from the samples", "trap_oid": oid, "source_type": "snmptrap"}


_WEIGHTED = [
    (_interface, 16),
    (_bgp, 4),
    (_cpu, 8),
    (_hardware, 3),
    (_login, 4),
    (_time_chatter, 18),
    (_debugging, 12),
    (_nobody_knows, 17),
    (_door, 6),
    (_link_trap, 6),
    (_other_trap, 6),
]
_KINDS = [kind for kind, _ in _WEIGHTED]


def _broken(chance: random.Random, event: dict[str, Any]) -> dict[str, Any]:
    """Malformed in one of the ways that senders really get wrong."""
    kind = chance.randrange(5)
    if kind == 0:
        return {name: value for name, value in event.items() if name != "hostname"}
    wrong = [
        ("timestamp", "last Tuesday"),
        ("hostname", "two words"),
        ("syslog_severity", "catastrophic"),
        ("trap_oid", "linkDown"),
    ]
    name, value = wrong[kind - 1]
    return {**event, name: value}
