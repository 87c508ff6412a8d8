"""Connections that are cut at a deadline for the whole HTTP exchange, and made to permitted addresses only.

The timeouts of sockets start anew with each byte that dribbles in; so they do not bound the exchange.
"""

import contextlib
import math
import os
import socket
import threading
import time
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from forwarder.addresses import Addresses

if TYPE_CHECKING:
    _Base = HTTPConnection
else:
    _Base = object

_watching = threading.local()


class _Watch:
    """Cuts the connection that the exchange uses when its time is over: at `ends`, by time.monotonic()."""

    def __init__(self, ends: float) -> None:
        self.ends = ends
        self.connection: Any = None
        self.is_over = False

    def cut(self) -> None:
        self.is_over = True
        sock = getattr(self.connection, "sock", None)
        if sock is not None:
            with contextlib.suppress(OSError):  # it was closed already
                socket.socket.shutdown(sock, socket.SHUT_RDWR)  # not TLS' own: the other thread is reading


class _Watcher:
    """The thread of a process that cuts what takes too long; it sleeps until the first deadline that it knows."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._watches: set[_Watch] = set()
        self._wakes_at = 0.0
        self._is_running = False

    def add(self, watch: _Watch) -> None:
        with self._changed:
            self._watches.add(watch)
            if not self._is_running:
                threading.Thread(target=self._run, name="deadlines", daemon=True).start()
                self._is_running = True
            elif watch.ends < self._wakes_at:
                self._changed.notify()

    def remove(self, watch: _Watch) -> None:
        """It will not be cut any more: its connection may be used for something else."""
        with self._changed:
            self._watches.discard(watch)

    def _run(self) -> None:
        with self._changed:
            while True:
                now = time.monotonic()
                for watch in [one for one in self._watches if one.ends <= now]:
                    self._watches.remove(watch)
                    with contextlib.suppress(Exception):  # whatever one connection has, the others have to be watched
                        watch.cut()
                self._wakes_at = min((one.ends for one in self._watches), default=math.inf)
                self._changed.wait(None if self._wakes_at == math.inf else self._wakes_at - now)


_watcher = _Watcher()


def _watch_anew() -> None:
    """A forked process has no threads, and maybe a lock that nobody will give back."""
    global _watcher  # noqa: PLW0603 - there is one for each process
    _watcher = _Watcher()


os.register_at_fork(after_in_child=_watch_anew)


class _Watched(_Base):
    """A connection under watch: one that took all the time to come about is not used."""

    def __init__(self, *args: Any, addresses: Addresses, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._addresses = addresses

    def connect(self) -> None:
        self._watch()
        super().connect()
        self._watch()

    def request(self, *args: Any, **kwargs: Any) -> None:
        self._watch()
        super().request(*args, **kwargs)

    def _new_conn(self) -> socket.socket:
        """A socket to the first permitted address that answers; the certificate is checked for the name all the same.

        Raises AddressRefusedError, and what urllib3 raises.
        """
        name = self._dns_host
        try:
            addresses = self._addresses.permitted(name, self.port)
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        trouble: Exception = NewConnectionError(self, "the name leads to no address")
        for address in addresses:
            self._watch()
            self._dns_host = address  # which is not looked up again
            try:
                return super()._new_conn()
            except (NewConnectionError, ConnectTimeoutError) as error:
                trouble = error
            finally:
                self._dns_host = name
        raise trouble

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
    """Connections to permitted addresses, which `deadline` can cut."""

    def __init__(self, addresses: Addresses, **options: Any) -> None:
        super().__init__(**options)
        # A pool hands what it does not know on to its connections.
        kinds: dict[str, Any] = {"http": _HTTPPool, "https": _HTTPSPool}
        pools: dict[str, Any] = {scheme: partial(kind, addresses=addresses) for scheme, kind in kinds.items()}
        self.pool_classes_by_scheme = pools


@contextlib.contextmanager
def deadline(seconds: float) -> Iterator[_Watch]:
    """What is read or written in this block on connections of DeadlinePools ends after so many seconds."""
    watch = _Watch(time.monotonic() + seconds)
    _watching.watch = watch
    _watcher.add(watch)
    try:
        yield watch
    finally:
        _watcher.remove(watch)
        _watching.watch = None
