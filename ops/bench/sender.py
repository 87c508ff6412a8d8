"""Sends a corpus over connections that stay open: as fast as answers come, or at a rate whatever the answers do.

At a rate, a latency counts from the moment at which the request was to be sent: a server that stops for a second is
late for all requests of this second, not for one.
"""

import asyncio
import os
import time
from collections import Counter, deque
from pathlib import Path

import click
import orjson

from ops.bench.http import Messages
from ops.bench.latencies import percentiles


class Run:
    """What is still to be sent, and what came of the rest."""

    def __init__(self, head: bytes, bodies: list[bytes]) -> None:
        self.head = head
        self.bodies = deque(bodies)
        self.left = len(bodies)
        self.due: deque[float] | None = None  # when requests are to be sent that no connection was free for
        self.free: deque[Connection] = deque()
        self.latencies: list[float] = []
        self.statuses: Counter[int] = Counter()
        self.broken = 0
        self.done = asyncio.Event()
        self.begin = self.end = 0.0

    def answered(self, status: int | None, asked: float) -> None:
        """Note an answer, or that none came."""
        self.end = time.time()
        if status is None:
            self.broken += 1
        else:
            self.statuses[status] += 1
            self.latencies.append((self.end - asked) * 1000)
        self.left -= 1
        if self.left == 0:
            self.done.set()

    def next_of(self, connection: "Connection") -> None:
        """Give this connection its next request, or let it wait."""
        if self.due is None:
            if self.bodies:
                connection.send(self.bodies.popleft(), time.time())
        elif self.due:
            connection.send(self.bodies.popleft(), self.due.popleft())
        else:
            self.free.append(connection)


class Connection(asyncio.Protocol):
    """Has one request under way at most."""

    def __init__(self, run: Run) -> None:
        self._run, self._messages = run, Messages()
        self._transport: asyncio.Transport | None = None
        self._asked: float | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            self._transport = transport

    def send(self, body: bytes, asked: float) -> None:
        self._asked = asked
        if self._transport is not None:
            self._transport.write(b"%s%d\r\n\r\n%s" % (self._run.head, len(body), body))

    def data_received(self, data: bytes) -> None:
        for head, _ in self._messages.feed(data):
            if self._asked is not None:
                self._run.answered(int(head[9:12]), self._asked)
            self._asked = None
            self._run.next_of(self)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if self._asked is not None:
            self._run.answered(None, self._asked)
        if self._run.left:
            self._again = asyncio.ensure_future(connect(self._run, self._transport))


async def connect(run: Run, former: asyncio.Transport | None = None, port: int = 0) -> None:
    """Open a connection, in place of a former one, and give it something to do."""
    where = former.get_extra_info("peername")[:2] if former else ("127.0.0.1", port)
    _, connection = await asyncio.get_running_loop().create_connection(lambda: Connection(run), *where)
    run.next_of(connection)


async def send(run: Run, port: int, connections: int, rate: float | None) -> None:
    """Send all."""
    if rate:
        run.due = deque()
    run.begin = time.time()
    await asyncio.gather(*(connect(run, port=port) for _ in range(connections)))
    if rate and run.due is not None:
        for number in range(len(run.bodies)):
            due = run.begin + number / rate
            if (early := due - time.time()) > 0:
                await asyncio.sleep(early)
            run.due.append(due)
            if run.free:
                run.next_of(run.free.popleft())
    await run.done.wait()


@click.command()
@click.option("--port", type=int, required=True)
@click.option("--corpus", type=click.Path(path_type=Path), required=True, help="A body a line.")
@click.option("--connections", default=32, show_default=True)
@click.option("--rate", type=float, help="Requests a second; without it, as fast as they are answered.")
def main(port: int, corpus: Path, connections: int, rate: float | None) -> None:
    """Send to the webhook on this port; the API key is in MUTT_API_KEY. Prints JSON."""
    head = (
        f"POST /webhook HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
        f"X-API-KEY: {os.environ['MUTT_API_KEY']}\r\nContent-Length: "
    )

    bodies = corpus.read_bytes().splitlines()

    async def sent() -> Run:
        run = Run(head.encode(), bodies)
        await send(run, port, connections, rate)
        return run

    run = asyncio.run(sent())
    refused = sum(count for status, count in run.statuses.items() if status >= 400)  # noqa: PLR2004 - what is no error
    told = {
        "begin": run.begin,
        "end": run.end,
        "requests": sum(run.statuses.values()),
        "refused": refused,
        "broken": run.broken,
        **percentiles(run.latencies),
    }
    print(orjson.dumps(told).decode())


if __name__ == "__main__":
    main()
