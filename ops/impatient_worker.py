"""Gunicorn's worker with threads, but no request may take for ever to arrive: a thread would be lost with it.

And who sends one request after the other keeps the thread.
"""

import contextlib
import os
import select
import socket
import threading
import time
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

ARRIVAL_S = float(os.environ.get("MUTT_ARRIVAL_S", "60"))
LINGER_MS = 5  # for the next request of a connection, where no other one waits for a thread
DRAIN_S = 5
DRAIN_MOST = int(os.environ.get("MUTT_MAX_BODY_BYTES") or 10 * 1024 * 1024) + 2 * 1024 * 1024


class ImpatientWorker(ThreadWorker):  # type: ignore[misc] # gunicorn is untyped
    """After ARRIVAL_S no more is read of a request. What is done by then, and answered later, is not disturbed."""

    def init_process(self) -> None:
        self._since: dict[Any, float] = {}
        threading.Thread(target=self._cut_off, daemon=True).start()
        super().init_process()

    def handle(self, conn: Any) -> Any:
        """Answer a request, and those that follow on the same connection at once.

        Gunicorn gives each of them to the thread that polls, and that one to another thread: a third of what a request
        costs, where a sender is quick.
        """
        kept = self._handle_one(conn)
        while kept is True and self.alive and not self._others_wait and _speaks(conn):
            kept = self._handle_one(conn)
        return kept

    @property
    def _others_wait(self) -> bool:
        return bool(self.tpool._work_queue.qsize())  # noqa: SLF001 - nothing else tells

    def _handle_one(self, conn: Any) -> Any:
        self._since[conn] = time.monotonic()
        try:
            return super().handle(conn)
        finally:
            self._since.pop(conn, None)

    def _keepalive_after(self, conn: Any, keepalive: bool) -> bool:  # noqa: FBT001 - gunicorn's signature
        """What was refused unread is read and thrown away.

        Gunicorn reads no more than 64 KiB of it, and closes. Then the connection is reset while a proxy still sends,
        and who sent the body is told 502 in place of the reason.
        """
        return keepalive and bool(conn.parser.finish_body(deadline=time.monotonic() + DRAIN_S, max_bytes=DRAIN_MOST))

    def _cut_off(self) -> None:
        while True:
            time.sleep(ARRIVAL_S / 10)
            late = time.monotonic() - ARRIVAL_S
            for conn, since in list(self._since.items()):
                if since < late:
                    with contextlib.suppress(OSError):  # it is closed by now
                        conn.sock.shutdown(socket.SHUT_RD)


def _speaks(conn: Any) -> bool:
    """Whether the next request begins within a moment."""
    if conn.parser.unreader.buf.getvalue():
        return True
    poll = select.poll()
    poll.register(conn.sock, select.POLLIN)
    return bool(poll.poll(LINGER_MS))
