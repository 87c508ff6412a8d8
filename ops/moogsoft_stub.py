"""A stand-in for Moogsoft: a real HTTP server that checks what it is sent, counts, and misbehaves when told to.

`POST /v1/integrations/events` is Cloud's Events API; `POST /` and `POST /events/webhook_NAME` are Onprem's REST LAM.
`GET /stats`, `GET /events`, `GET /events/IDENTITY` and `POST /control` are for whoever tests.
"""

import asyncio
import hmac
import os
import signal
import socket
import struct
import sys
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

import click
import orjson
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from ops.moogsoft_contract import cloud_violations, onprem_violations

MODES = ("ok", "500", "503", "429", "401", "400", "hang", "reset", "garbage")
_KEPT = 1000


class Control:
    """How the event paths answer, and until when."""

    def __init__(self) -> None:
        self.set("ok", None, None)

    def set(self, mode: str, for_s: float | None, times: int | None) -> None:
        self._mode, self._times = mode, times
        self._until = None if for_s is None else time.monotonic() + for_s
        self.changed = asyncio.Event()

    def take(self) -> str:
        """The mode for the next request."""
        if self._mode != "ok" and self.over():
            self.set("ok", None, None)
        if self._mode != "ok" and self._times is not None:
            self._times -= 1
        return self._mode

    def over(self) -> bool:
        return (self._until is not None and time.monotonic() >= self._until) or self._times == 0

    async def end(self, mode_changed: asyncio.Event) -> None:
        """Wait until the current mode is over."""
        wait = None if self._until is None else max(0.0, self._until - time.monotonic())
        try:
            await asyncio.wait_for(mode_changed.wait(), wait)
        except TimeoutError:
            return


@dataclass
class Counts:
    """What was received. With a file, identities and totals survive a restart."""

    file: TextIO | None = None
    requests: int = 0
    events: int = 0
    invalid: int = 0
    identities: Counter[str] = field(default_factory=Counter)
    last: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=_KEPT))

    @classmethod
    def kept_in(cls, path: Path | None) -> "Counts":
        """Counts that go on from what a file holds: one identity a line for each event received."""
        if path is None:
            return cls()
        counts = cls()
        if path.exists():
            counts.identities.update(path.read_text(encoding="utf-8").split("\n")[:-1])
        counts.events = counts.requests = sum(counts.identities.values())
        counts.file = path.open("a", encoding="utf-8")
        return counts

    def store(self, received: list[tuple[str, dict[str, Any]]]) -> None:
        for identity, event in received:
            self.identities[identity] += 1
            self.last.append(event)
        self.events += len(received)
        if self.file is not None:
            self.file.write("".join(f"{identity}\n" for identity, _ in received))
            self.file.flush()

    def as_json(self) -> dict[str, int]:
        return {
            "requests": self.requests,
            "events": self.events,
            "distinct": len(self.identities),
            "invalid": self.invalid,
        }


class Handler(RequestHandler):
    """What all pages share."""

    def initialize(self, counts: Counts, control: Control, key: str) -> None:
        self.counts, self.control, self.key = counts, control, key

    def answer(self, status: int, body: Any) -> None:
        self.set_status(status)
        self.set_header("Content-Type", "application/json")
        self.finish(orjson.dumps(body))

    def refuse(self, status: int, *messages: str) -> None:
        found = [{"code": status, "severity": "ERROR", "message": message} for message in messages]
        self.answer(status, {"http_status_code": status, "messages": found})


class EventsHandler(Handler):
    """One of the two inbound interfaces."""

    async def post(self, *_: str) -> None:
        self.counts.requests += 1
        mode = self.control.take()
        if mode == "hang":
            await self.control.end(self.control.changed)
            self.close()
        elif mode == "reset":
            self.reset()
        elif mode.isdigit():
            if mode in ("429", "503"):
                self.set_header("Retry-After", "1")
            self.refuse(int(mode), f"the stub was told to answer {mode}")
        else:
            self.receive(garbage=mode == "garbage")

    def receive(self, *, garbage: bool) -> None:
        """Check a request whole; store all of its events or none."""
        try:
            body = self.body()
        except ValueError as error:
            self.counts.invalid += 1
            self.refuse(400, f"the body cannot be read: {error}")
            return
        if not self.authorised(body):
            self.answer(401, {"status": "error", "message": "API Key required"})
            return
        events = self.events_of(body)
        violations = [(number, self.violations(event)) for number, event in enumerate(events)]
        bad = [f"event {number}: {', '.join(wrong)}" for number, wrong in violations if wrong]
        if bad:
            self.counts.invalid += len(bad)
            self.refuse(400, *bad)
            return
        self.counts.store([(self.identity(event), event) for event in events])
        if garbage:
            self.finish(b"\x00<not json")
        else:
            self.answer(200, {"status": "ok", "received": len(events)})

    def body(self) -> Any:
        if not self.request.headers.get("Content-Type", "").startswith("application/json"):
            raise ValueError("the Content-Type is not application/json")
        return orjson.loads(self.request.body)

    def authorised(self, body: Any) -> bool:
        raise NotImplementedError

    def events_of(self, body: Any) -> list[Any]:
        raise NotImplementedError

    def violations(self, event: Any) -> list[str]:
        raise NotImplementedError

    def identity(self, event: dict[str, Any]) -> str:
        raise NotImplementedError

    def same(self, key: object) -> bool:
        return isinstance(key, str) and hmac.compare_digest(key.encode(), self.key.encode())

    def close(self) -> None:
        stream: Any = getattr(self.request.connection, "stream", None)
        if stream is not None:
            stream.close()

    def reset(self) -> None:
        """End the connection by RST: linger on, for 0 seconds."""
        stream: Any = getattr(self.request.connection, "stream", None)
        if stream is not None and stream.socket is not None:
            stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            stream.close()


class CloudHandler(EventsHandler):
    """The Events API: an array, or one bare object; the key is in a header."""

    def authorised(self, body: Any) -> bool:  # noqa: ARG002 - the other interface needs it
        return self.same(self.request.headers.get("apiKey", ""))

    def events_of(self, body: Any) -> list[Any]:
        return body if isinstance(body, list) else [body]

    def violations(self, event: Any) -> list[str]:
        return cloud_violations(event)

    def identity(self, event: dict[str, Any]) -> str:
        found = event.get("tags", {}).get("event_id") or event.get("deduplication_key") or event["check"]
        return str(found).replace("\n", " ")


class OnpremHandler(EventsHandler):
    """The REST LAM: an object with `events`; the key is beside them."""

    def authorised(self, body: Any) -> bool:
        return isinstance(body, dict) and self.same(body.get("auth_token"))

    def events_of(self, body: Any) -> list[Any]:
        events = body.get("events")
        return events if isinstance(events, list) else [events]

    def violations(self, event: Any) -> list[str]:
        return onprem_violations(event)

    def identity(self, event: dict[str, Any]) -> str:
        return str(event.get("external_id") or event["signature"]).replace("\n", " ")


class StatsHandler(Handler):
    def get(self) -> None:
        self.answer(200, self.counts.as_json())


class ListHandler(Handler):
    def get(self) -> None:
        limit = self.get_query_argument("limit", "100")
        if not limit.isdigit():
            self.refuse(400, "limit is no number")
            return
        self.answer(200, list(reversed(self.counts.last))[: int(limit)])


class IdentityHandler(Handler):
    def get(self, identity: str) -> None:
        times = self.counts.identities.get(identity, 0)
        self.answer(200 if times else 404, {"identity": identity, "times_received": times})


class ControlHandler(Handler):
    def post(self) -> None:
        try:
            wanted = orjson.loads(self.request.body)
        except ValueError:
            wanted = None
        found = wanted if isinstance(wanted, dict) else {}
        mode, for_s, times = found.get("mode"), found.get("for_s"), found.get("times")
        if mode not in MODES or not isinstance(for_s, int | float | None) or not isinstance(times, int | None):
            self.refuse(400, f'send {{"mode": one of {", ".join(MODES)}, "for_s": seconds, "times": requests}}')
            return
        self.control.changed.set()
        self.control.set(mode, for_s, times)
        self.answer(200, {"mode": mode, "for_s": for_s})


def application(counts: Counts, control: Control, key: str) -> Application:
    shared = {"counts": counts, "control": control, "key": key}
    return Application(
        [
            (r"/v1/integrations/events", CloudHandler, shared),
            (r"/(events/webhook_\w+)?", OnpremHandler, shared),
            (r"/stats", StatsHandler, shared),
            (r"/control", ControlHandler, shared),
            (r"/events", ListHandler, shared),
            (r"/events/([^/]+)", IdentityHandler, shared),
        ],
        log_function=lambda _handler: None,
    )


async def serve(host: str, port: int, state: Path | None, key: str) -> None:
    """Serve until SIGTERM or SIGINT."""
    server = HTTPServer(application(Counts.kept_in(state), Control(), key), max_body_size=100 * 1024 * 1024)
    sockets = bind_sockets(port, host)
    server.add_sockets(sockets)
    print(f"moogsoft stub listening on http://{host}:{sockets[0].getsockname()[1]}", flush=True)
    ended = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, ended.set)
    await ended.wait()
    server.stop()


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=0, show_default=True, help="0 takes a free one and says which.")
@click.option("--state", type=click.Path(path_type=Path), help="A file that keeps the counts over a restart.")
def main(host: str, port: int, state: Path | None) -> None:
    """Run the stub. The API key that it asks for is taken from MOOGSOFT_API_KEY."""
    key = os.environ.get("MOOGSOFT_API_KEY", "")
    if not key:
        print("moogsoft stub: set MOOGSOFT_API_KEY to the key that clients must send", file=sys.stderr)
        sys.exit(2)
    asyncio.run(serve(host, port, state, key))


if __name__ == "__main__":
    main()
