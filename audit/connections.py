"""The one Redis client of a process, for the journal and the counters."""

from functools import cache

from django.conf import settings
from redis import Redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from audit.redis_connecting import redis_options


@cache
def redis_client() -> "Redis":
    """A client whose calls end within about twice REDIS_TIMEOUT_S, whatever state Redis is in.

    One retry hides a connection that Redis closed while it was idle; every script of ours may run twice.
    """
    return Redis.from_url(
        settings.REDIS_URL,
        **redis_options(),
        socket_timeout=settings.REDIS_TIMEOUT_S,
        socket_connect_timeout=settings.REDIS_TIMEOUT_S,
        socket_keepalive=True,
        retry=Retry(ConstantBackoff(0.05), 1),
    )
