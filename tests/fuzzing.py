"""Bodies that nobody should send, made from bodies that somebody does: cut, bent, nested, blown up, mixed.

Everything follows from a seed. Mutation keeps to what is likely to hurt: the bytes of JSON, gzip, UTF-8 and of the
sources' own formats.
"""

import gzip
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

_MARK = "still-good"
_TRAP = (
    "edge-7\nUDP: [192.0.2.77]:40000->[192.0.2.1]:162\n.1.3.6.1.2.1.1.3.0 0:1:02:03.04\n"
    ".1.3.6.1.6.3.1.1.4.1.0 .1.3.6.1.6.3.1.1.5.3\n.1.3.6.1.2.1.2.2.1.1.3 3\n"
    '.1.3.6.1.2.1.2.2.1.2.3 "Gi0/3 \\"uplink\\"\nsecond line"\n.1.3.6.1.6.3.18.1.4.0 "public"\n'
)
_EVENT = {"hostname": "edge-1", "timestamp": "2026-11-23T08:30:00.123+01:00", "message": "fan 3 failed ä", "n": 1.5}
_ALERTS = {
    "version": "4",
    "status": "firing",
    "alerts": [
        {
            "status": "firing",
            "labels": {"alertname": "Disk", "instance": "db-1:9100", "severity": "critical"},
            "annotations": {"summary": "disk is full"},
            "startsAt": "2026-11-23T08:30:00.123456789Z",
            "endsAt": "0001-01-01T00:00:00Z",
            "fingerprint": "00ff00ff00ff00ff",
        }
    ],
}
SEEDS: list[tuple[str, bytes]] = [
    ("", json.dumps(_EVENT).encode()),
    ("", json.dumps([_EVENT, {**_EVENT, "trap_oid": ".1.3.6.1.4.1.9.9.41.2.0.1", "severity": "err"}]).encode()),
    ("", b"\n".join(json.dumps({**_EVENT, "message": f"line {number}"}).encode() for number in range(4))),
    ("syslog", json.dumps({"host": "edge-2", "@timestamp": 1795000000, "msg": " up", "severity": "warning"}).encode()),
    ("syslog", b"<189>Nov 23 08:30:00 edge-3 sshd[77]: session opened\n<34>1 - ::1 app - - - text\n"),
    ("snmptrap", json.dumps([{"traphandle": _TRAP, "received_at": "2026-11-23T08:30:00Z"}]).encode()),
    ("snmptrap", _TRAP.encode()),
    (
        "snmptrap",
        json.dumps(
            {"hostname": "h", "trap_oid": "1.0.8802.1.1.2.0.0.1", "varbinds": [{"oid": "1.3", "value": "x"}]}
        ).encode(),
    ),
    ("solarwinds", b'{"NodeName": "edge-4", "AlertName": "Node "down"", "path": "C:\\temp\\x", "Severity": "Serious"}'),
    ("solarwinds", b"NodeName=edge-5&AlertMessage=Node+is+down%21&Severity=Critical&reset=true&x=${N=Alerting;M=X}"),
    ("alertmanager", json.dumps(_ALERTS).encode()),
    ("alertmanager", json.dumps({**_ALERTS, "version": "1", "orgId": 1, "state": "alerting"}).encode()),
]
_TOKENS = [
    *(
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b'"',
        b"\\",
        b"\\u0000",
        b"\\ud800",
        b"null",
        b"true",
        b"-0",
        b"1e999",
        b"NaN",
    ),
    *(
        b"\x00",
        b"\xff",
        b"\xc3\x28",
        b"\xed\xa0\x80",
        b"\xef\xbb\xbf",
        b"\r\n",
        b"\n\n",
        b"%00",
        b"&",
        b"=",
        b"${",
        b"}",
    ),
    *(b"-1", b"9" * 400, b"0x7f", b"'", b"<script>", b"../..", b"%s%n", b"\x1b[2J", b"$ref", b"__proto__", b"OID"),
]
_WORDS = [b"hostname", b"timestamp", b"message", b"alerts", b"labels", b"varbinds", b"traphandle", b"severity", b"host"]

Mutation = Callable[[random.Random, bytes], bytes]


def _cut(dice: random.Random, body: bytes) -> bytes:
    return body[: dice.randrange(len(body) + 1)]


def _drop(dice: random.Random, body: bytes) -> bytes:
    start = dice.randrange(len(body) + 1)
    return body[:start] + body[start + dice.randint(1, 40) :]


def _flip(dice: random.Random, body: bytes) -> bytes:
    bent = bytearray(body)
    for _ in range(dice.randint(1, 8)):
        if bent:
            bent[dice.randrange(len(bent))] = dice.randrange(256)
    return bytes(bent)


def _insert(dice: random.Random, body: bytes) -> bytes:
    start = dice.randrange(len(body) + 1)
    return body[:start] + dice.choice(_TOKENS) * dice.randint(1, 3) + body[start:]


def _double(dice: random.Random, body: bytes) -> bytes:
    start = dice.randrange(len(body) + 1)
    piece = body[start : start + dice.randint(1, 200)]
    return body[:start] + piece * dice.randint(2, 9) + body[start:]


def _rename(dice: random.Random, body: bytes) -> bytes:
    return body.replace(dice.choice(_WORDS), dice.choice(_WORDS))


def _retype(dice: random.Random, body: bytes) -> bytes:
    """Another type for some value of a JSON body."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return _flip(dice, body)
    odd: list[object] = [None, True, -1, 2**63, 1.5, "", "x", [], {}, [[]], {"a": {}}, [None], "0001-01-01T00:00:00Z"]
    parts = [value]
    for part in parts:
        children = part.values() if isinstance(part, dict) else part if isinstance(part, list) else []
        parts += [child for child in children if isinstance(child, dict | list)]
    holder = dice.choice(parts)
    if isinstance(holder, dict) and holder:
        holder[dice.choice(list(holder))] = dice.choice(odd)
    elif isinstance(holder, list) and holder:
        holder[dice.randrange(len(holder))] = dice.choice(odd)
    return json.dumps(value).encode()


def _nest(dice: random.Random, body: bytes) -> bytes:
    levels = dice.choice([3, 31, 32, 33, 300, 1100, 20_000])
    opening, closing = dice.choice([(b"[", b"]"), (b'{"a":', b"}"), (b'[{"a":', b"}]")])
    return opening * levels + dice.choice([body, b"1", b""]) + closing * dice.choice([levels, levels, levels - 1])


def _blow_up(dice: random.Random, body: bytes) -> bytes:
    filler = dice.choice([b"x", b'"', b"\\", b"a,", b"\xff", b"1.", b"[", b"\n", b"&", b"=1&", b"%41", "ß".encode()])
    start = dice.randrange(len(body) + 1)
    return body[:start] + filler * dice.choice([70_000, 70_000, 300_000]) + body[start:]


def _noise(dice: random.Random, _: bytes) -> bytes:
    return dice.randbytes(dice.randrange(300))


_MUTATIONS: list[tuple[Mutation, int]] = [
    *((_cut, 3), (_drop, 3), (_flip, 4), (_insert, 5), (_double, 2), (_rename, 2), (_retype, 6)),
    *((_nest, 1), (_blow_up, 1), (_noise, 1)),
]


@dataclass(frozen=True)
class Payload:
    """One request. `good` are the tokens of the events in it which must be accepted, whatever stands beside them."""

    source: str
    body: bytes
    good: tuple[str, ...] = ()
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def path(self) -> str:
        return f"/webhook/{self.source}" if self.source else "/webhook"


def mutated(dice: random.Random, body: bytes) -> bytes:
    mutations, weights = zip(*_MUTATIONS, strict=True)
    for mutation in dice.choices(mutations, weights, k=dice.choice([1, 1, 2, 3])):
        body = mutation(dice, body)
    return body


def good_event(token: str) -> dict[str, str]:
    return {"hostname": "good-host", "timestamp": "2026-11-23T08:30:00Z", "message": f"{_MARK} {token}"}


def payloads(seed: int, count: int) -> Iterator[Payload]:
    """So many requests, about one in eight of them with good events among bad ones."""
    dice = random.Random(seed)
    for number in range(count):
        source, body = dice.choice(SEEDS)
        kind = dice.randrange(16)
        if kind == 0:
            yield Payload("", json.dumps(good_event(f"{seed}-{number}")).encode(), (f"{seed}-{number}",))
        elif kind == 1:
            yield _among_bad_lines(dice, body, f"{seed}-{number}")
        elif kind == 2:
            packed = gzip.compress(mutated(dice, body))
            packed = packed if dice.random() < 0.5 else _flip(dice, packed)
            yield Payload(source, packed, headers={"Content-Encoding": "gzip"})
        else:
            where = source if dice.random() < 0.8 else dice.choice([other for other, _ in SEEDS])
            yield Payload(where, mutated(dice, body))


def _among_bad_lines(dice: random.Random, body: bytes, token: str) -> Payload:
    lines = [mutated(dice, body).replace(b"\n", b" ")[:5000] for _ in range(dice.randint(1, 4))]
    # A first line that is not blank and begins like an array makes one of the whole body.
    first = 0 if b"".join(lines).lstrip(b"\xef\xbb\xbf \t\r").startswith(b"[") else dice.randrange(len(lines) + 1)
    lines.insert(first, json.dumps(good_event(token)).encode())
    return Payload("", b"\n".join(lines), (token,))
