"""A TCP proxy of the tests: it passes bytes on, or cuts, refuses and swallows them, as it is told."""

import contextlib
import socket
import threading
from collections.abc import Iterator


class Proxy:
    """Stands between MUTT and a server. `cut_after` bytes to the server, the next connection is reset."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._server = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port: int = self._server.getsockname()[1]
        self.refuses = False
        self.swallows = False
        self.cut_after: int | None = None
        self.cuts = 0
        self._lock = threading.Lock()
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._server.close()
        self.reset_all()

    def reset_all(self) -> None:
        """Cut every connection that there is."""
        with self._lock:
            pairs, self._pairs = self._pairs, set()
        for pair in pairs:
            self._cut(pair)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            if self.refuses:
                _reset(client)
                continue
            try:
                server = socket.create_connection(("127.0.0.1", self._to), timeout=5)
            except OSError:
                _reset(client)
                continue
            server.settimeout(None)
            pair = (client, server)
            with self._lock:
                self._pairs.add(pair)
            threading.Thread(target=self._pump, args=(client, server, pair), daemon=True).start()
            threading.Thread(target=self._pump, args=(server, client, pair), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, pair: tuple[socket.socket, socket.socket]) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(65_536):
                if self.swallows:
                    continue
                if source is pair[0] and self._is_cut(len(piece)):
                    break
                sink.sendall(piece)
        with self._lock:
            self._pairs.discard(pair)
        self._cut(pair)

    def _is_cut(self, size: int) -> bool:
        with self._lock:
            if self.cut_after is None:
                return False
            self.cut_after -= size
            if self.cut_after > 0:
                return False
            self.cut_after = None
            self.cuts += 1
            return True

    def _cut(self, pair: tuple[socket.socket, socket.socket]) -> None:
        for end in pair:
            _reset(end)


def _reset(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()


@contextlib.contextmanager
def proxy(port: int) -> Iterator[Proxy]:
    """A proxy to this port of 127.0.0.1."""
    between = Proxy(port)
    try:
        yield between
    finally:
        between.close()
