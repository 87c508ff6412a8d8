"""Connections that are cut at a deadline for the whole HTTP exchange, and made to permitted addresses only.

The timeouts of sockets start anew with each byte that dribbles in; so they do not bound the exchange.
"""

import contextlib
import socket
import threading
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
