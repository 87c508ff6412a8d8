"""Requests that no honest client sends: neither answer nor log has a trace, a version, a secret or an echo."""

import contextlib
import socket
import time
from urllib.parse import urlsplit

import pytest

from tests.mutt import Mutt, eventually

pytestmark = pytest.mark.stack

SECRET = "a-key-of-another-door-77"
LINES = {
    "no HTTP at all": "\x16\x03\x01 hello",
    "no version": f"GET /api/v1/rules?api_key={SECRET}",
    "a method that is none": f"G@T /api/v1/rules?api_key={SECRET} HTTP/1.1\r\nHost: 127.0.0.1",
    "a version that is none": f"GET /api/v1/rules?api_key={SECRET} HTTP/9.9\r\nHost: 127.0.0.1",
    "two lengths": f"POST /webhook?token={SECRET} HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2",
    "another host": f"GET /admin/?key={SECRET} HTTP/1.1\r\nHost: evil.example",
    "a host that is none": f"GET /admin/?key={SECRET} HTTP/1.1\r\nHost: a b@c",
    "a trace": f"TRACE /admin/ HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Secret: {SECRET}",
    "a trace of the webhook": f"TRACE /webhook HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Secret: {SECRET}",
}


def answer_to(mutt: Mutt, lines: str) -> str:
    address = urlsplit(mutt.stack.web)
    with socket.create_connection((address.hostname, address.port or 80), timeout=10) as connection:
        connection.sendall(f"{lines}\r\nConnection: close\r\n\r\n".encode())
        return b"".join(iter(lambda: connection.recv(65536), b"")).decode()


@pytest.mark.parametrize("name", LINES)
def test_an_odd_request_is_answered_plainly(mutt: Mutt, name: str):
    answer = answer_to(mutt, LINES[name])
    status = int(answer.split()[1])
    assert 300 <= status < 500
    assert "Traceback" not in answer
    assert SECRET not in answer or name == "no version"  # gunicorn quotes the line to its sender, and to nobody else
    assert "gunicorn/" not in answer


def test_what_such_requests_held_is_not_in_the_log(mutt: Mutt):
    log = mutt.stack.folder / "log" / "web.log"
    answer_to(mutt, LINES["a version that is none"])
    eventually(lambda: "HTTP/9.9" in log.read_text() or "Invalid HTTP Version" in log.read_text())
    for lines in LINES.values():
        answer_to(mutt, lines)
    assert SECRET not in log.read_text()


REQUEST = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


def open_connection(mutt: Mutt) -> socket.socket:
    address = urlsplit(mutt.stack.web)
    return socket.create_connection((address.hostname, address.port or 80), timeout=10)


def ask(connection: socket.socket, requests: bytes, answers: int = 1) -> int:
    """How many answers came of requests on a connection that is kept."""
    connection.sendall(requests)
    got = b""
    while got.count(b"HTTP/1.1 200") < answers:
        piece = connection.recv(65536)
        if not piece:
            break
        got += piece
    return got.count(b"HTTP/1.1 200")


def test_requests_that_follow_on_one_connection_are_all_answered_at_once_or_after_a_while(mutt: Mutt):
    with open_connection(mutt) as connection:
        for pause_s in (0, 0, 0.2, 0, 0.2):  # longer than a thread waits for the next one
            time.sleep(pause_s)
            assert ask(connection, REQUEST) == 1
        assert ask(connection, REQUEST * 3, answers=3) == 3


def test_many_kept_connections_hold_no_thread(mutt: Mutt):
    """There are more of them than threads, in all web processes together."""
    with contextlib.ExitStack() as stack:
        kept = [stack.enter_context(open_connection(mutt)) for _ in range(100)]
        for _ in range(2):
            assert [ask(connection, REQUEST) for connection in kept] == [1] * 100
        with open_connection(mutt) as another:
            assert ask(another, REQUEST) == 1
