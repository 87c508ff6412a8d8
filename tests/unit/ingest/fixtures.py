"""Keys to call with, and stores that are away; the conftests of these tests take them over."""

from collections.abc import Callable, Iterator

import pytest
from django.db import connection, connections
from django.test import override_settings

from audit.connections import redis_client
from audit.journal import journal
from ingest.models import ApiKey, Scope


@pytest.fixture
def make_key(db: None) -> Callable[..., str]:
    """Makes a key with these scopes and fields; returns its secret."""

    def make(*scopes: str, name: str = "a sensor", **fields: object) -> str:
        made = ApiKey.create(name, [str(scope) for scope in scopes])
        ApiKey.objects.filter(pk=made.key.pk).update(**fields or {"is_active": True})
        return made.secret

    return make


@pytest.fixture
def secret(make_key: Callable[..., str]) -> str:
    """The secret of a key that may send events."""
    return make_key(Scope.INGEST)


def _forget_clients() -> None:
    redis_client.cache_clear()
    journal.cache_clear()


@pytest.fixture
def redis_away(redis_server: None) -> Iterator[None]:
    """Nothing listens where Redis should be."""
    with override_settings(REDIS_URL="redis://127.0.0.1:1/0"):
        _forget_clients()
        yield
    _forget_clients()


@pytest.fixture
def postgresql_leaves(db: None) -> Iterator[Callable[[], None]]:
    """Call it, and nothing listens any more where PostgreSQL should be."""
    ours = connections["default"]
    lost = connection.copy()
    lost.settings_dict = {**lost.settings_dict, "PORT": "1"}

    def leave() -> None:
        connections["default"] = lost

    yield leave
    connections["default"] = ours
