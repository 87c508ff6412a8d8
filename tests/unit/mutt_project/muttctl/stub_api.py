"""A small real HTTP server that answers as MUTT's API does, and remembers what it was asked."""

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, Protocol
from urllib.parse import parse_qs, urlsplit

from click.testing import Result

from tests.unit.mutt_project.muttctl.stub_lists import RULE_DEFAULTS, StubList

API_KEY = "muttkey-never-to-be-shown-7f3a"


class Muttctl(Protocol):
    """The fixture of that name."""

    def __call__(self, *arguments: str, stdin: bytes | None = None, **environ: str | None) -> Result: ...


@dataclass
class Asked:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass
class Answer:
    status: int
    content: object = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class StubApi:
    """Answers in `scripted` are given first, one a request; after them it behaves."""

    url: str = ""
    page_size: int = 2
    max_body: int = 1_000_000
    ledger: dict[str, Any] = field(default_factory=dict)
    rule_list: StubList = field(default_factory=lambda: StubList("name", RULE_DEFAULTS))
    hosts: StubList = field(default_factory=lambda: StubList("hostname", {"description": ""}))
    teams: StubList = field(default_factory=lambda: StubList("hostname"))
    explanation: dict[str, Any] = field(default_factory=dict)
    why_not: dict[str, Any] = field(default_factory=dict)
    backtests: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    next_host: str = ""
    scripted: list[Answer] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)

    @property
    def rules(self) -> list[dict[str, Any]]:
        return self.rule_list.entries

    @rules.setter
    def rules(self, rules: list[dict[str, Any]]) -> None:
        self.rule_list.entries = rules

    def sent(self) -> list[dict[str, Any]]:
        """The JSON of all requests that change something, or ask with a body."""
        return [json.loads(asked.body) for asked in self.asked if asked.body]

    def batches(self) -> list[list[str]]:
        return [asked.body.decode().split("\n") for asked in self.asked if asked.path == "/webhook"]

    def received(self) -> list[dict[str, Any]]:
        return [json.loads(line) for batch in self.batches() for line in batch]

    def answer(self, asked: Asked) -> Answer:
        if asked.headers.get("X-API-KEY") != API_KEY:
            return problem(401, "Unauthorized", "The API key is not known.")
        if self.scripted:
            return self.scripted.pop(0)
        if asked.method == "POST" and asked.path == "/webhook":
            return self._webhook(asked)
        answers = (self._rules_tried(asked), self._listed(asked), self._shown(asked))
        return next(filter(None, answers), problem(404, "Not Found", "There is no such thing here."))

    def _rules_tried(self, asked: Asked) -> Answer | None:
        if asked.path == "/api/v1/rules/test":
            return Answer(200, self.explanation)
        if asked.path.startswith("/api/v1/rules/backtests"):
            return Answer(202 if asked.method == "POST" else 200, self.backtests.pop(0))
        return None

    def _listed(self, asked: Asked) -> Answer | None:
        if asked.path == "/api/v1/events":
            return self._page(asked, self.events)
        for name, listed in (("rules", self.rule_list), ("dev-hosts", self.hosts), ("teams", self.teams)):
            if asked.path.startswith(f"/api/v1/{name}"):
                return self._in_list(asked, listed, asked.path.removeprefix(f"/api/v1/{name}").removeprefix("/"))
        return None

    def _shown(self, asked: Asked) -> Answer | None:
        objects = {f"/api/v1/events/{event['id']}": event for event in self.events}
        objects["/api/v1/ledger"] = self.ledger
        objects["/api/v1/events/why-not"] = self.why_not
        return Answer(200, objects[asked.path]) if asked.path in objects else None

    def _in_list(self, asked: Asked, listed: StubList, place: str) -> Answer:
        sent = json.loads(asked.body) if asked.body else {}
        if place == "bulk":
            status, content = listed.bulk(sent)
            return Answer(status, content)
        if not place and asked.method == "GET":
            return self._page(asked, listed.entries)
        if not place:
            return Answer(201, listed.create(sent))
        entry = listed.found(place)
        if entry is None:
            return problem(404, "Not Found", "There is no such thing here.")
        if asked.method == "DELETE":
            listed.entries.remove(entry)
            return Answer(204)
        entry.update(sent)
        return Answer(200, entry)

    def _page(self, asked: Asked, items: list[dict[str, Any]]) -> Answer:
        start = int(asked.query.get("cursor", "0"))
        end = start + min(self.page_size, int(asked.query.get("limit", "100")))
        link = f"{self.next_host or self.url}{asked.path}?cursor={end}" if end < len(items) else None
        return Answer(200, {"next": link, "previous": None, "results": items[start:end]})

    def _webhook(self, asked: Asked) -> Answer:
        if len(asked.body) > self.max_body:
            return problem(413, "Content Too Large", "The body is too large.")
        results = [_judge(number, line) for number, line in enumerate(asked.body.split(b"\n"))]
        rejected = sum("error" in result for result in results)
        if len(results) == 1 and rejected:
            return problem(400, "Invalid event", "See errors.", [results[0]["error"]])
        content = {"batch": "b", "accepted": len(results) - rejected, "rejected": rejected, "events": results}
        return Answer(202, content)


def problem(status: int, title: str, detail: str, errors: object = None) -> Answer:
    content = {"title": title, "status": status, "detail": detail}
    return Answer(status, content | ({"errors": errors} if errors else {}))


def _judge(number: int, line: bytes) -> dict[str, Any]:
    try:
        event = json.loads(line)
    except ValueError:
        return {"error": {"pointer": "", "detail": "not valid JSON"}}
    missing = [name for name in ("hostname", "timestamp", "message") if name not in event]
    if missing:
        return {"error": {"pointer": f"/{missing[0]}", "detail": "is missing"}}
    return {"id": f"id-{number}"}


@contextmanager
def serve(tls: ssl.SSLContext | None = None) -> Iterator[StubApi]:
    api = StubApi()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm: ClassVar[bool] = True

        def do_GET(self) -> None:
            self._serve("GET")

        def do_POST(self) -> None:
            self._serve("POST")

        def do_PATCH(self) -> None:
            self._serve("PATCH")

        def do_DELETE(self) -> None:
            self._serve("DELETE")

        def _serve(self, method: str) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            asked = Asked(method, parts.path, query, dict(self.headers), body)
            api.asked.append(asked)
            answer = api.answer(asked)
            content = answer.content
            if not isinstance(content, bytes):
                content = b"" if content is None else json.dumps(content).encode()
            self.send_response(answer.status)
            kind = "application/json" if answer.status < 400 else "application/problem+json"
            headers = {"Content-Type": kind, "Content-Length": str(len(content))}
            for name, value in (headers | answer.headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign] # clients hang up on purpose here
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    api.url = f"http{'s' if tls else ''}://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield api
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
