"""A deadline for a whole HTTP exchange: the timeouts of sockets start anew with each byte that dribbles in."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError

_watching = threading.local()


class _Watch:
    """Cuts the connection that the exchange uses when its time is over."""

    def __init__(self) -> None:
        self.connection: Any = None
        self.is_over = False

    def cut(self) -> None:
        self.is_over = True
        sock = getattr(self.connection, "sock", None)
        if sock is not None:
            with contextlib.suppress(OSError):  # it was closed already
                socket.socket.shutdown(sock, socket.SHUT_RDWR)  # not TLS' own: the other thread is reading


class _Watched:
    """A connection under watch: one that took all the time to come about is not used."""

    def connect(self) -> None:
        self._watch()
        super().connect()  # type: ignore[misc] # of the connection that this is mixed into
        self._watch()

    def request(self, *args: Any, **kwargs: Any) -> None:
        self._watch()
        super().request(*args, **kwargs)  # type: ignore[misc] # as above

    def _watch(self) -> None:
        watch: _Watch | None = getattr(_watching, "watch", None)
        if watch and watch.is_over:
            raise ConnectTimeoutError(self, "the time for the whole exchange was over")
        if watch:
            watch.connection = self


class _HTTPConnection(_Watched, HTTPConnection):
    pass


class _HTTPSConnection(_Watched, HTTPSConnection):
    pass


class _HTTPPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _HTTPConnection


class _HTTPSPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _HTTPSConnection


class DeadlinePools(urllib3.PoolManager):
    """Connections that `deadline` can cut."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}


@contextlib.contextmanager
def deadline(seconds: float) -> Iterator[_Watch]:
    """What is read or written in this block on connections of DeadlinePools ends after so many seconds."""
    watch = _Watch()
    timer = threading.Timer(seconds, watch.cut)
    timer.daemon = True
    _watching.watch = watch
    timer.start()
    try:
        yield watch
    finally:
        timer.cancel()
        _watching.watch = None
