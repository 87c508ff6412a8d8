"""A real HTTP server that stands for Moogsoft, Cloud and Onprem, in the demo, tests and benchmarks."""

import asyncio
import contextlib
import os
import re
import signal
import socket
import struct
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

import click
import orjson
import tornado.httpserver
import tornado.web
from tornado.iostream import StreamClosedError
from tornado.netutil import bind_sockets

from ops.moogsoft_contract import CLOUD, ONPREM, Product, Refused, json_of

MODES = ("ok", "500", "503", "429", "401", "400", "302", "hang", "reset", "garbage", "silent", "dribble")
TAKES = ("ok", "garbage", "silent")  # the modes in which events are stored, whatever is answered
MAX_RECENT = 1000  # events kept for GET /events
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER on, 0 s: close() sends RST
_GARBAGE = b"\x00\xff this is not JSON"


class Store:
    """What was received: totals, how often each identity came, the last events.

    The file has one JSON value a line: a string is the identity of one event, an object has the other totals.
    """

    def __init__(self, file: Path | None) -> None:
        self.requests = self.invalid = self.events = 0
        self.times_received: Counter[str] = Counter()
        self.recent: deque[Any] = deque(maxlen=MAX_RECENT)
        self._file = self._reopen(file) if file else None

    def add(self, received: Sequence[tuple[str, Any]] = (), invalid: int = 0) -> None:
        """Count one request with its events, each beside its identity."""
        self.requests += 1
        self.invalid += invalid
        self.events += len(received)
        self.times_received.update(identity for identity, _ in received)
        self.recent.extend(event for _, event in received)
        if self._file is not None:
            totals = {"requests": self.requests, "invalid": self.invalid}
            lines = (orjson.dumps(line) + b"\n" for line in (*(identity for identity, _ in received), totals))
            self._file.write(b"".join(lines))
            self._file.flush()

    def _reopen(self, path: Path) -> BinaryIO:
        with path.open("a+b") as file:
            file.seek(0)
            size = 0
            for line in file:
                if not line.endswith(b"\n"):
                    break  # its writer was killed before it answered
                size += len(line)
                self._recall(orjson.loads(line))
            file.truncate(size)
        return path.open("ab")

    def _recall(self, known: Any) -> None:
        match known:
            case str(identity):
                self.times_received[identity] += 1
                self.events += 1
            case {"requests": int(requests), "invalid": int(invalid)}:
                self.requests, self.invalid = requests, invalid
            case _:
                raise ValueError("this is not a state file of the stub")


class Behaviour:
    """How the event paths answer now: `ok`, or another mode for some time or some requests."""

    def __init__(self) -> None:
        self._mode = "ok"
        self._times: int | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._held: set[asyncio.Future[None]] = set()

    def change(self, mode: str, for_s: float | None = None, times: int | None = None) -> None:
        """Take a new mode and let go of the requests that are held."""
        if self._timer is not None:
            self._timer.cancel()
        loop = asyncio.get_running_loop()
        self._timer = None if for_s is None else loop.call_later(for_s, self.change, "ok")
        self._mode, self._times = mode, times
        for held in self._held:
            release(held)

    def take(self) -> str:
        """The mode for one more request."""
        mode = self._mode
        if self._times is not None:
            self._times -= 1
            if self._times == 0:
                self._mode, self._times = "ok", None
        return mode

    def hold(self) -> asyncio.Future[None]:
        """Something to wait for: the end of the mode."""
        held: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._held.add(held)
        held.add_done_callback(self._held.discard)
        return held


@dataclass(frozen=True, slots=True)
class Stub:
    """What all handlers share."""

    key: Callable[[], bytes]  # the one that is taken now
    store: Store
    behaviour: Behaviour = field(default_factory=Behaviour)


class Handler(tornado.web.RequestHandler):
    """A handler that answers JSON."""

    def initialize(self, stub: Stub) -> None:
        self.stub = stub

    def answer(self, body: Any, status: int = 200) -> None:
        """Finish with this body."""
        self.set_status(status)
        self.set_header("Content-Type", "application/json")
        self.finish(orjson.dumps(body))


class Intake(Handler):
    """A path that takes events."""

    product: ClassVar[Product]
    held: asyncio.Future[None] | None = None

    async def post(self) -> None:
        mode = self.stub.behaviour.take()
        if mode not in TAKES:
            self.stub.store.add()
            await self._misbehave(mode)
            return
        try:
            events = self.product.events_of(self.request.headers, self.request.body, self.stub.key())
        except Refused as refusal:
            self.stub.store.add(invalid=refusal.invalid)
            self.answer(refusal.body, refusal.status)
            return
        self.stub.store.add([(self.product.identity(event), event) for event in events])
        if mode == "garbage":
            self.finish(_GARBAGE)
        elif mode == "silent":
            await self._hang()
        else:
            self.answer({"received": len(events)})

    def on_connection_close(self) -> None:
        release(self.held)

    async def _misbehave(self, mode: str) -> None:
        if mode == "hang":
            await self._hang()
        elif mode == "dribble":
            await self._dribble()
        elif mode == "reset":
            stream = self.detach()
            if not stream.closed():
                stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
                stream.close()
        else:
            if mode in ("429", "503"):
                self.set_header("Retry-After", "1")
            if mode == "302":
                self.set_header("Location", self.request.uri or "/")
            self.answer(Refused(int(mode), "told_to", "POST /control asked for this").body, int(mode))

    async def _hang(self) -> None:
        """Answer nothing until the mode ends, then hang up."""
        self.held = self.stub.behaviour.hold()
        await self.held
        self.detach().close()

    async def _dribble(self) -> None:
        """Answer a byte a second, and never come to an end before the mode does."""
        self.held = self.stub.behaviour.hold()
        stream = self.detach()
        with contextlib.suppress(StreamClosedError):
            for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + bytes(1000):
                await stream.write(bytes([byte]))
                if (await asyncio.wait([self.held], timeout=1))[0]:
                    break
        stream.close()


class CloudIntake(Intake):
    """POST /v1/integrations/events: the Events API."""

    product = CLOUD


class OnpremIntake(Intake):
    """POST / and /events/webhook_<name>: a REST LAM."""

    product = ONPREM


class Stats(Handler):
    """GET /stats: totals since the state file was begun."""

    def get(self) -> None:
        store = self.stub.store
        totals = {"requests": store.requests, "events": store.events, "invalid": store.invalid}
        self.answer({**totals, "distinct": len(store.times_received)})


class RecentEvents(Handler):
    """GET /events?limit=N: the last events since the start, the newest first."""

    def get(self) -> None:
        limit = self.get_query_argument("limit", "100")
        if re.fullmatch("[0-9]{1,9}", limit):
            self.answer(list(self.stub.store.recent)[::-1][: int(limit)])
        else:
            self.answer({"error": "limit must be a number"}, 400)


class OneEvent(Handler):
    """GET /events/<identity>: how often this event came."""

    def get(self, identity: str) -> None:
        times = self.stub.store.times_received.get(identity, 0)
        self.answer({"identity": identity, "times_received": times}, 200 if times else 404)


class Control(Handler):
    """POST /control: how the event paths answer from now on."""

    def post(self) -> None:
        try:
            mode, for_s, times = _control(self.request.body)
        except Refused as refusal:
            self.answer({"error": refusal.messages[0]}, refusal.status)
            return
        self.stub.behaviour.change(mode, for_s, times)
        self.answer({"mode": mode, "for_s": for_s, **({} if times is None else {"times": times})})


def release(held: asyncio.Future[None] | None) -> None:
    """Let go of a held request, once."""
    if held is not None and not held.done():
        held.set_result(None)


def _control(body: bytes) -> tuple[str, float | None, int | None]:
    wanted = json_of(body)
    if not isinstance(wanted, dict) or wanted.keys() - {"mode", "for_s", "times"}:
        raise Refused(400, "control", "the body must be an object of mode, for_s and times")
    mode, for_s, times = wanted.get("mode"), wanted.get("for_s"), wanted.get("times")
    if mode not in MODES:
        raise Refused(400, "control", f"mode must be one of {', '.join(MODES)}")
    if for_s is not None and (type(for_s) not in (int, float) or for_s <= 0):
        raise Refused(400, "control", "for_s must be a positive number of seconds, or null")
    if times is not None and (type(times) is not int or times <= 0):
        raise Refused(400, "control", "times must be a positive integer, or null")
    return mode, for_s, times


def application(stub: Stub) -> tornado.web.Application:
    """All paths of the stub."""
    shared = {"stub": stub}
    return tornado.web.Application(
        [
            (r"/v1/integrations/events", CloudIntake, shared),
            (r"/(?:events/webhook_[^/]+)?", OnpremIntake, shared),
            (r"/stats", Stats, shared),
            (r"/events", RecentEvents, shared),
            (r"/events/(.+)", OneEvent, shared),
            (r"/control", Control, shared),
        ],
        log_function=lambda _: None,  # an access log would cost more than the answer
    )


async def serve(stub: Stub, sockets: list[socket.socket]) -> None:
    """Answer requests until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    server = tornado.httpserver.HTTPServer(application(stub))
    server.add_sockets(sockets)
    host, port = sockets[0].getsockname()[:2]
    print(f"moogsoft stub listening on http://{host}:{port}", flush=True)
    await stop.wait()
    server.stop()
    await server.close_all_connections()


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="0: any free port.")
@click.option("--state", type=click.Path(dir_okay=False, path_type=Path), help="File to remember totals in.")
def main(host: str, port: int, state: Path | None) -> None:
    """Stand for Moogsoft; the API key to expect is in STUB_API_KEY, or else in MOOGSOFT_API_KEY.

    Or in the file that MOOGSOFT_STUB_KEY_FILE names, where it can be changed while this runs.
    """
    key = os.environb.get(b"STUB_API_KEY") or os.environb.get(b"MOOGSOFT_API_KEY")
    file = os.environ.get("MOOGSOFT_STUB_KEY_FILE")
    if not key and not file:
        raise click.UsageError("The environment variable MOOGSOFT_API_KEY is not set.")
    try:
        stub = Stub(Path(file).read_bytes if file else lambda: key or b"", Store(state))
        sockets = bind_sockets(port, host, backlog=1024)
    except (OSError, ValueError) as error:
        raise click.ClickException(f"cannot start at {host}:{port} with state {state}: {error}") from error
    asyncio.run(serve(stub, sockets))


if __name__ == "__main__":
    main()
