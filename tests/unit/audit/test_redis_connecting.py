"""Connections to Redis while its password is being changed."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError
from redis.retry import Retry

from audit.connections import redis_client
from audit.redis_connecting import redis_options

OLD, NEW = "the-old-password-of-redis", "the-new-password-of-redis"


@pytest.fixture
def user(redis_server, settings) -> Iterator[str]:
    """A user of the real server whose passwords the test changes, in REDIS_URL."""
    there: Any = redis_client()
    there.execute_command("ACL", "SETUSER", "rotating", "on", "~*", "&*", "+@all", f">{OLD}")
    address = urlsplit(settings.REDIS_URL)
    settings.REDIS_URL = f"redis://rotating@{address.hostname}:{address.port}/0"
    yield "rotating"
    there.execute_command("ACL", "DELUSER", "rotating")


def connected(settings, **passwords: str) -> bool:
    settings.MUTT_SECRETS = passwords
    with Redis.from_url(settings.REDIS_URL, **redis_options(), retry=Retry(NoBackoff(), 0)) as client:
        return bool(client.ping())


def test_the_present_password_is_taken(user, settings):
    assert connected(settings, REDIS_PASSWORD=OLD)


def test_while_it_is_changed_either_password_will_do(user, settings):
    assert connected(settings, REDIS_PASSWORD=NEW, REDIS_PASSWORD_NEXT=OLD)
    assert connected(settings, REDIS_PASSWORD=OLD, REDIS_PASSWORD_NEXT=NEW)


def test_a_wrong_password_is_refused(user, settings):
    with pytest.raises(AuthenticationError):
        connected(settings, REDIS_PASSWORD=NEW)
    with pytest.raises(AuthenticationError):
        connected(settings, REDIS_PASSWORD=NEW, REDIS_PASSWORD_NEXT="another")


def test_a_present_password_goes_before_that_of_the_url(user, settings):
    settings.REDIS_URL = settings.REDIS_URL.replace("rotating@", "rotating:wrong@")
    assert connected(settings, REDIS_PASSWORD=OLD)
    with pytest.raises(AuthenticationError):
        connected(settings)
