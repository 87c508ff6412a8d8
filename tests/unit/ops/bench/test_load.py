"""The senders of a benchmark send each body once, keep to their rate, and count what came of it."""

import asyncio
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ops.bench import load
from ops.bench.http import Messages
from ops.bench.latencies import percentiles
from ops.bench.mix import Corpus
from ops.local.ports import free_port

WRK = """Running 60m test @ http://127.0.0.1:1/webhook
  1 threads and 32 connections
begin 1795700845.997314
end 1795700846.102767
sent 5000
^C  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   662.53us    0.87ms  12.07ms   98.02%
requests 4998
refused 50
broken 1
p50 0.426
p95 0.733
p99 2.412
"""


def test_what_wrk_says_is_read():
    sent = load.read_wrk(WRK.splitlines(keepends=True))
    assert (sent.requests, sent.accepted, sent.refused, sent.broken) == (4998, 4948, 50, 2)
    assert (sent.p50, sent.p99, round(sent.end - sent.begin, 3)) == (0.426, 2.412, 0.105)


def test_a_wrk_that_could_not_connect_is_quoted():
    with pytest.raises(load.LoadError, match="unable to connect"):
        load.read_wrk(["unable to connect to 127.0.0.1:1 Connection refused\n"])


def test_percentiles_are_values_that_were_measured():
    assert percentiles([*range(1, 101)]) == {"p50": 50, "p95": 95, "p99": 99}
    assert percentiles([7.0]) == {"p50": 7, "p95": 7, "p99": 7}


def test_messages_come_whole_however_they_are_cut():
    wire = b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\n{}GET /stats HTTP/1.1\r\nHost: a\r\n\r\n"
    for size in (1, 3, len(wire)):
        messages, found = Messages(), list[tuple[bytes, bytes]]()
        for start in range(0, len(wire), size):
            found += messages.feed(wire[start : start + size])
        assert found == [
            (b"HTTP/1.1 202 Accepted\r\nContent-Length: 2", b"{}"),
            (b"GET /stats HTTP/1.1\r\nHost: a", b""),
        ]


def test_a_message_that_does_not_say_its_length_is_refused():
    with pytest.raises(ValueError, match="Content-Length"):
        list(Messages().feed(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"))


class Door(asyncio.Protocol):
    """Takes requests, refuses each tenth, and may be slow with one."""

    def __init__(self, bodies: list[bytes], slow: float) -> None:
        self._bodies, self._slow, self._messages = bodies, slow, Messages()

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        for head, body in self._messages.feed(data):
            assert b"X-API-KEY: a key" in head
            self._bodies.append(body)
            if len(self._bodies) == 1 and self._slow:
                time.sleep(self._slow)
            status = b"503 Service Unavailable" if len(self._bodies) % 10 == 0 else b"202 Accepted"
            self.transport.write(b"HTTP/1.1 %s\r\nContent-Length: 2\r\n\r\n{}" % status)


@contextmanager
def door(bodies: list[bytes], slow: float = 0) -> Iterator[int]:
    """The port of a door in a thread."""
    port, loop, stop = free_port(), asyncio.new_event_loop(), asyncio.Event()
    doors: list[Door] = []

    def made() -> Door:
        doors.append(Door(bodies, slow))
        return doors[-1]

    server = loop.run_until_complete(loop.create_server(made, "127.0.0.1", port))

    async def serve() -> None:
        await stop.wait()
        server.close()
        for one in doors:
            one.transport.abort()
        await asyncio.sleep(0.01)  # what is aborted is closed by the loop's next rounds

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        yield port
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    path = tmp_path / "corpus"
    path.write_text("".join(f'{{"number":{number}}}\n' for number in range(200)))
    return Corpus(path, 200, 1, {})


@pytest.mark.parametrize("by", ["wrk", "sender"])
def test_each_body_is_sent_once_and_refusals_are_counted(corpus: Corpus, by: str, monkeypatch: pytest.MonkeyPatch):
    if by == "wrk" and not shutil.which("wrk"):
        pytest.skip("wrk is not installed")
    if by == "sender":
        monkeypatch.setattr(shutil, "which", lambda _: None)
    bodies: list[bytes] = []
    with door(bodies) as port:
        sent = load.send(corpus, port, "a key")
    assert sorted(bodies) == sorted(corpus.path.read_bytes().splitlines())
    assert (sent.requests, sent.refused, sent.broken, sent.accepted) == (200, 20, 0, 180)
    assert 0 < sent.p50 <= sent.p95 <= sent.p99
    assert sent.begin < sent.end


def test_a_paced_sender_keeps_to_its_rate(corpus: Corpus):
    with door([]) as port:
        sent = load.send(corpus, port, "a key", rate=400)
    assert sent.end - sent.begin >= 199 / 400  # never faster


def test_a_server_that_stops_is_late_for_all_that_was_due_meanwhile(corpus: Corpus):
    """Not for one request: the sender goes on counting while it cannot send (coordinated omission)."""
    with door([], slow=0.5) as port:
        sent = load.send(corpus, port, "a key", rate=200)
    assert sent.p50 > 10  # ms: half of them were due while it stood still
