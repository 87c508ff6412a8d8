"""A destination that speaks real HTTP in a thread, and answers as the test says."""

import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from typing import Any

from forwarder.addresses import Addresses

Reply = tuple[int, dict[str, str], bytes]

OK: Reply = (200, {}, b'{"status":"ok"}')

HERE = Addresses([ip_network("127.0.0.0/8")])  # where the double is


class Misdeed(Enum):
    """What an answer may be instead of a reply."""

    HANG = "hang"
    RESET = "reset"


Behaviour = Reply | Misdeed


@dataclass
class Request:
    """One request as it came in; `connection` tells which socket it used."""

    path: str
    headers: dict[str, str]
    body: Any
    connection: tuple[str, int]


@dataclass
class MoogsoftDouble:
    """What came in, and `answer`, which decides what goes back."""

    url: str = ""
    requests: list[Request] = field(default_factory=list)
    answer: Callable[[Request], Behaviour] = lambda request: OK
    stopping: threading.Event = field(default_factory=threading.Event)

    @property
    def events(self) -> list[Any]:
        """All events of all requests."""
        return [event for request in self.requests for event in request.body]


@contextmanager
def serve(tls: ssl.SSLContext | None = None) -> Iterator[MoogsoftDouble]:
    double = MoogsoftDouble()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            request = Request(self.path, dict(self.headers), json.loads(content), self.client_address)
            double.requests.append(request)
            answer = double.answer(request)
            if answer is Misdeed.HANG:
                double.stopping.wait(10)
                self.close_connection = True
                return
            if answer is Misdeed.RESET:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
                self.close_connection = True
                return
            status, headers, body = answer
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def finish(self) -> None:
            with suppress(OSError):  # we may have closed it ourselves
                super().finish()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign] # clients hang up on purpose here
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    double.url = f"http{'s' if tls else ''}://127.0.0.1:{server.server_port}/v1/integrations/events"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield double
    finally:
        double.stopping.set()
        server.shutdown()
        server.server_close()
        thread.join()
