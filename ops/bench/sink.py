"""What stands for Moogsoft in a benchmark: it keeps which event came when, and costs little.

It checks the key of each request and the first event of each by the same contract as the stub (`ops.moogsoft_stub`),
which checks every event, for some ten times the price.
"""

import asyncio
import hmac
import os
import re
import signal
import time
from dataclasses import dataclass, field

import click
import orjson

from ops.bench.http import Messages
from ops.moogsoft_contract import CLOUD

INTAKE = "v1/integrations/events"
_KEY = re.compile(rb"\r\napikey: *([^\r]*)", re.IGNORECASE)
_FROM = re.compile(rb"from=(\d+)")
_REASONS = {200: b"OK", 400: b"Bad Request", 401: b"Unauthorized", 404: b"Not Found"}


@dataclass(slots=True)
class Received:
    """All that came: the id of each event, and the Unix time of its coming."""

    requests: int = 0
    invalid: int = 0
    events: list[tuple[str, float]] = field(default_factory=list)
    distinct: set[str] = field(default_factory=set)

    def take(self, body: bytes, now: float) -> bool:
        """Whether the events of a request were right and are kept."""
        self.requests += 1
        try:
            found = orjson.loads(body)
            events = found if isinstance(found, list) else [found]
            ids = [event["tags"]["event_id"] for event in events]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            ids = []
        if not ids or CLOUD.violations(events[0]):
            self.invalid += 1
            return False
        self.events += [(identity, now) for identity in ids]
        self.distinct.update(ids)
        return True

    @property
    def stats(self) -> dict[str, int]:
        return {
            "requests": self.requests,
            "invalid": self.invalid,
            "events": len(self.events),
            "distinct": len(self.distinct),
        }


class Sink(asyncio.Protocol):
    """One connection."""

    def __init__(self, key: bytes, received: Received) -> None:
        self._key, self._received, self._messages = key, received, Messages()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            self._transport = transport

    def data_received(self, data: bytes) -> None:
        if self._transport is None:
            return
        try:
            for head, body in self._messages.feed(data):
                self._transport.write(self._answer(head, body))
        except ValueError:  # chunked: nothing that we send is
            self._transport.close()

    def _answer(self, head: bytes, body: bytes) -> bytes:
        if head.startswith(b"POST /" + INTAKE.encode()):
            key = _KEY.search(head)
            if key is None or not hmac.compare_digest(key[1], self._key):
                return _response(401, {"status": "error", "message": "API Key required"})
            taken = self._received.take(body, time.time())
            return _response(200, {}) if taken else _response(400, {"error": "an event breaks the contract"})
        if head.startswith(b"GET /stats"):
            return _response(200, self._received.stats)
        if head.startswith(b"GET /received"):
            begin = _FROM.search(head)
            return _response(200, self._received.events[int(begin[1]) if begin else 0 :])
        return _response(404, {"error": "no such path"})


def _response(status: int, body: object) -> bytes:
    content = orjson.dumps(body)
    return b"HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (
        status,
        _REASONS[status],
        len(content),
        content,
    )


async def serve(port: int, key: bytes) -> None:
    """Answer until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    received = Received()
    server = await asyncio.get_running_loop().create_server(lambda: Sink(key, received), "127.0.0.1", port)
    async with server:
        await stop.wait()


@click.command()
@click.option("--port", type=int, required=True)
def main(port: int) -> None:
    """Take events; the key to expect is in STUB_API_KEY."""
    asyncio.run(serve(port, os.environb[b"STUB_API_KEY"]))


if __name__ == "__main__":
    main()
