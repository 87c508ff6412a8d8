"""Flower's own client for its page of the broker, which would know neither the present password nor TLS."""

from typing import TYPE_CHECKING, Any

from django.conf import settings
from flower import views
from flower.utils import broker
from redis.asyncio import Connection, Redis, SSLConnection
from redis.credentials import UsernamePasswordCredentialProvider
from redis.exceptions import AuthenticationError

from audit.passwords import passwords_of
from audit.redis_connecting import tls_options

_TIMES = ("socket_connect_timeout", "socket_timeout", "retry")

if TYPE_CHECKING:
    _Base = Connection
else:
    _Base = object


class _PresentPassword(_Base):
    """What audit/redis_connecting.py does, for asyncio."""

    async def connect_check_health(self, check_health: bool = True, retry_socket_connect: bool = True) -> None:  # noqa: FBT001, FBT002 - redis-py's signature
        passwords = passwords_of("REDIS")
        for password in passwords:
            self.credential_provider = UsernamePasswordCredentialProvider(self.username or None, password)
            try:
                await super().connect_check_health(check_health, retry_socket_connect)
            except AuthenticationError:
                if password == passwords[-1]:
                    raise
            else:
                return
        await super().connect_check_health(check_health, retry_socket_connect)


class _PlainConnection(_PresentPassword, Connection):
    pass


class _TlsConnection(_PresentPassword, SSLConnection):
    pass


class _Broker(broker.Redis):  # type: ignore[misc] # Flower has no types
    def __init__(self, _: str, **kwargs: Any) -> None:
        super().__init__(settings.REDIS_URL, **kwargs)  # the other one begins with the name of our transport

    def _get_redis_client(self) -> Redis:
        tls = tls_options()
        connection_class: Any = _TlsConnection if tls else _PlainConnection
        times = {name: value for name, value in self._get_redis_client_args().items() if name in _TIMES}
        return Redis.from_url(settings.REDIS_URL, connection_class=connection_class, **tls, **times)


def teach_flower() -> None:
    """Have Flower's page of the broker use it."""
    views.Broker = _Broker
