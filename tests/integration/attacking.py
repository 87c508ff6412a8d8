"""What a stranger would try: odd values at every place of every operation that the OpenAPI document names."""

import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

TEXTS = [
    "\x00",
    "\ud800",
    "'; DROP TABLE audit_record; --",
    "%_\\",
    "{{7*7}}<script>\u202egnp\x1b[31m\n",
    "",
    "A" * 3000,
    "../../etc/passwd",
    "9999-12-31T23:59:59-23:59",
    "0001-01-01T00:00:00+23:59",
    "-999999w",
    str(2**63),
    "1e400",
    "٣²",
    "(a+)+$",
]
VALUES: list[Any] = [None, 2**63, 10**400, [], ["\x00"], {"a": {"\x00": 1}}, "A" * 70_000, *TEXTS[:2], *TEXTS[-7:-5]]
BODIES = [
    b"",
    b"null",
    b"[]",
    b'"x"',
    b"{",
    b"\xff\xfe",
    b'{"reason": NaN}',
    b'{"priority": 1e999}',
    b"[" * 100_000,
    b'{"a":' * 50_000,
    b'{"name": "x", "name": "y"}',
    b"9" * 5000,
]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request."""

    method: str
    path: str
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation of the OpenAPI document."""

    method: str
    path: str
    scope: str | None
    parameters: list[dict[str, Any]]
    example: Any
    takes_body: bool

    @property
    def plain(self) -> Attempt:
        """The request as the document shows it."""
        path = self.path
        for one in self._of("path"):
            is_number = one["schema"].get("type") == "integer"
            path = path.replace(f"{{{one['name']}}}", "1" if is_number else "01a215cb-d114-7585-b942-5ec55b000001")
        return Attempt(self.method, path, _json(self.example or {}) if self.takes_body else None)

    def attempts(self) -> Iterator[Attempt]:
        plain = self.plain
        for text in TEXTS:
            for one in self._of("path"):
                if text:
                    yield Attempt(self.method, self.path.replace(f"{{{one['name']}}}", _quoted(text)), plain.body)
            for one in self._of("query"):
                yield Attempt(self.method, f"{plain.path}?{one['name']}={_quoted(text)}")
            for one in self._of("header"):
                if not set(text) & {"\r", "\n", "\x00"}:
                    sent = text.encode("utf-8", "surrogatepass").decode("latin-1")
                    yield Attempt(self.method, plain.path, plain.body, {one["name"]: sent})
        if self.takes_body:
            yield from (Attempt(self.method, plain.path, body) for body in BODIES)
            for place in _places(self.example):
                for value in VALUES:
                    yield Attempt(self.method, plain.path, _json(_with(self.example, place, value)))

    def _of(self, place: str) -> list[dict[str, Any]]:
        return [one for one in self.parameters if one["in"] == place]


def operations(document: dict[str, Any]) -> list[Operation]:
    """All operations, the webhook's as well."""
    return [
        Operation(
            method.upper(),
            path,
            operation.get("x-required-scope"),
            operation.get("parameters", []),
            _example(operation),
            "requestBody" in operation,
        )
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def _example(operation: dict[str, Any]) -> Any:
    return operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("example")


def _quoted(text: str) -> str:
    return quote(text.encode("utf-8", "surrogatepass"), safe="")


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


def _places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield place
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _places(item, (*place, name))
    elif isinstance(value, list) and value:
        yield from _places(value[0], (*place, 0))


def _with(value: Any, place: tuple[Any, ...], new: Any) -> Any:
    """The value with another one at a place."""
    if not place:
        return new
    copied = json.loads(json.dumps(value))
    inner = copied
    for name in place[:-1]:
        inner = inner[name]
    inner[place[-1]] = new
    return copied


def bare(line: bytes, *headers: bytes, body: bytes = b"", length: bytes | None = None) -> bytes:
    """A request as bytes, with whatever is wrong with it."""
    counted = b"Content-Length: %d" % len(body) if length is None else length
    return b"\r\n".join([line, b"Host: 127.0.0.1", *headers, counted, b"Connection: close", b"", body])


def answer_to(port: int, sent: bytes) -> bytes:
    """What the server says before it closes the connection, as it does once we have said all."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        said = b""
        try:
            while piece := connection.recv(65536):
                said += piece
        except ConnectionResetError:
            pass
    return said


_FORM = b"Content-Type: application/x-www-form-urlencoded"
_JSON = b"Content-Type: application/json"
_CHUNKED = b"Transfer-Encoding: chunked"
_INNER = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
PLACES = (b"POST /webhook", b"POST /api/v1/rules", b"POST /admin/login/")
BROKEN = [
    *(
        bare(place + b" HTTP/1.1", _JSON, length=length, body=body)
        for place in PLACES
        for length, body in (
            (b"Content-Length: -1", b""),
            (b"Content-Length: 99999999999999999999", b""),
            (b"Content-Length: +2", b"{}"),
            (b"Content-Length: 2\r\nContent-Length: 3", b"{}"),
            (b"Content-Length: 100", b"{}"),
            (b"Content-Length: 5\r\nTransfer-Encoding: chunked", b"0\r\n\r\n" + _INNER),
            (_CHUNKED, b"zz\r\n{}\r\n0\r\n\r\n"),
            (_CHUNKED, b"ffffffffffffffffff\r\n{}"),
            (_CHUNKED, b"2\r\n{}zz\r\n0\r\n\r\n" + _INNER),
            (_CHUNKED, b"2\r\n{}"),
            (b"Transfer-Encoding: chunked, identity", b"0\r\n\r\n"),
        )
    ),
    *(
        bare(place + b" HTTP/1.1", header, body=b"{}")
        for place in PLACES
        for header in (
            b"Content-Type: application/json; charset=nope",
            b"Content-Type: application/json; charset=rot13",
            b"Content-Type: multipart/form-data",
            b"Content-Type: multipart/form-data; boundary=x",
            b"Content-Encoding: gzip",
            b"Content-Encoding: br",
            b"X-Correlation-ID: a\rSet-Cookie: b",
            b"X-Correlation-ID: \xff\xfe",
            b"Idempotency-Key: " + b"\xff" * 300,
            b"Cookie: sessionid=" + b"a" * 500 + b"; csrftoken=\xff",
            b"Cookie: " + b"a=b; " * 3000,
            b"Authorization: Basic \xff",
            b"Authorization: Basic " + b"Og==" * 100,
            b"Authorization: Bearer " + b"x" * 7000,
            b"Accept: \xff",
            b"Expect: nothing",
            b"X-HTTP-Method-Override: DELETE",
            b"Host: evil.example",
        )
    ),
    *(
        bare(b"GET " + path + b" HTTP/1.1")
        for path in (
            b"/static/%2e%2e/%2e%2e/etc/passwd",
            b"/static/..%2f..%2fetc/passwd",
            b"/static/%00",
            b"/%00",
            b"/%ed%a0%80",
            b"/" + b"a" * 5000,
            b"/webhook/%ff",
            b"/api/v1/rules?format=nope",
            b"/api/v1/openapi.yaml?version=%0a",
            b"/api/v1/openapi.yaml?version=a%0db",
            b"/api/v1/openapi.yaml?lang=%00",
            b"/admin/login/?next=//evil.example/%00",
            b"/admin/audit/record/?q=%00",
            b"http://evil.example/healthz",
        )
    ),
    *(
        bare(method + b" " + path + b" HTTP/1.1")
        for method in (b"OPTIONS", b"TRACE", b"PATCH", b"DELETE", b"get", b"PO\x00ST")
        for path in (b"/webhook", b"/api/v1/breaker", b"/admin/login/", b"/metrics", b"/healthz")
    ),
    *(bare(b"GET /healthz HTTP/1.1", b"Host: " + host) for host in (b"", b"[::1", b"\xff", b"localhost@evil")),
]
