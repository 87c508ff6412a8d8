"""Django's cache on the Redis that all processes share; while that is away, each process goes by its own memory.

So a limit still holds when Redis does not, though for each process by itself.
"""

import json
import logging
import time
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from redis import Redis
from redis.exceptions import RedisError

from audit.connections import redis_client

TRIED_AGAIN_AFTER_S = 5.0

logger = logging.getLogger(__name__)


class PlainValues:
    """JSON in place of Django's pickle, which would run whatever somebody has put into Redis."""

    def dumps(self, value: Any) -> Any:
        return value if type(value) is int else json.dumps(value)  # Redis can add to a bare number

    def loads(self, data: Any) -> Any:
        return json.loads(data)


class _Client(RedisCacheClient):
    def get_client(self, key: Any = None, *, write: bool = False) -> Redis:  # noqa: ARG002 - Django's signature
        return redis_client()


class _Outage:
    """Remembers for a moment which client did not get through, so that not every call waits for it."""

    def __init__(self) -> None:
        self._client: Redis | None = None
        self._until = 0.0

    def lasts(self) -> bool:
        return self._client is redis_client() and time.monotonic() < self._until

    def note(self, error: RedisError) -> None:
        self._client = redis_client()
        self._until = time.monotonic() + TRIED_AGAIN_AFTER_S
        logger.warning("limits are counted by each process for itself: %s", type(error).__name__)


_outage = _Outage()


class SharedCache(RedisCache):
    """The operations that limits are made of; each may fall back."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, {**params, "OPTIONS": {"serializer": PlainValues}})
        self._class = _Client
        self._own = LocMemCache("mutt", {"OPTIONS": {"MAX_ENTRIES": 20_000}})

    def add(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: Any = None) -> bool:
        return bool(self._either("add", key, value, timeout, version))

    def get(self, key: Any, default: Any = None, version: Any = None) -> Any:
        return self._either("get", key, default, version)

    def set(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: Any = None) -> None:
        self._either("set", key, value, timeout, version)

    def touch(self, key: Any, timeout: Any = DEFAULT_TIMEOUT, version: Any = None) -> bool:
        return bool(self._either("touch", key, timeout, version))

    def delete(self, key: Any, version: Any = None) -> bool:
        return bool(self._either("delete", key, version))

    def incr(self, key: Any, delta: int = 1, version: Any = None) -> int:
        """Raises ValueError if there is no such key."""
        return int(self._either("incr", key, delta, version))

    def clear(self) -> None:
        """Django's own would empty the journal as well."""
        raise NotImplementedError("The journal is in the same Redis.")

    def _either(self, operation: str, *args: Any) -> Any:
        if not _outage.lasts():
            try:
                return getattr(super(), operation)(*args)
            except RedisError as error:
                _outage.note(error)
        return getattr(self._own, operation)(*args)
