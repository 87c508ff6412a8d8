"""How to connect to Redis: with the present password, or the next one, and over TLS where REDIS_URL says rediss."""

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.conf import settings
from redis import Connection, SSLConnection
from redis.credentials import UsernamePasswordCredentialProvider
from redis.exceptions import AuthenticationError

from audit.passwords import passwords_of

if TYPE_CHECKING:
    _Base = Connection
else:
    _Base = object


class _PresentPassword(_Base):
    """Takes the password that is present when it connects; while it is being changed, the next one is as good.

    Without REDIS_PASSWORD the one in REDIS_URL is taken.
    """

    def connect_check_health(self, check_health: bool = True, retry_socket_connect: bool = True) -> None:  # noqa: FBT001, FBT002 - redis-py's signature
        passwords = passwords_of("REDIS")
        for password in passwords:
            self.credential_provider = UsernamePasswordCredentialProvider(self.username or None, password)
            try:
                super().connect_check_health(check_health, retry_socket_connect)
            except AuthenticationError:
                if password == passwords[-1]:
                    raise
            else:
                return
        super().connect_check_health(check_health, retry_socket_connect)


class PlainConnection(_PresentPassword, Connection):
    pass


class TlsConnection(_PresentPassword, SSLConnection):
    pass


def connection_class() -> type[Connection]:
    """The kind of connection that REDIS_URL asks for."""
    return TlsConnection if _is_tls() else PlainConnection


def tls_options() -> dict[str, Any]:
    """redis-py's options for TLS; none for a URL without it. The server must be who REDIS_URL says."""
    if not _is_tls():
        return {}
    return {
        "ssl_cert_reqs": "required",
        "ssl_check_hostname": True,
        "ssl_ca_certs": settings.REDIS_CA_FILE,
        "ssl_certfile": settings.REDIS_CLIENT_CERT_FILE,
        "ssl_keyfile": settings.REDIS_CLIENT_KEY_FILE,
    }


def redis_options() -> dict[str, Any]:
    """What `Redis.from_url(settings.REDIS_URL, …)` needs besides."""
    return {"connection_class": connection_class(), **tls_options()}


def _is_tls() -> bool:
    return urlsplit(settings.REDIS_URL).scheme == "rediss"
