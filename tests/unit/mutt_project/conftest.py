"""What the tests of mutt_project share, some of it with those of ingest."""

from collections.abc import Callable

import pytest
from django.test import Client

from rules import tasks
from rules.ruleset import CurrentRuleSet
from tests.unit.ingest.fixtures import make_key, postgresql_leaves, redis_away, secret

__all__ = ["make_key", "postgresql_leaves", "redis_away", "secret"]


@pytest.fixture
def reader(make_key: Callable[..., str]) -> Client:
    return Client(headers={"X-API-KEY": make_key("read", name="a reader")})


@pytest.fixture
def writer(make_key: Callable[..., str]) -> Client:
    return Client(headers={"X-API-KEY": make_key("read", "write", name="a writer")})


@pytest.fixture
def fresh_rule_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """No memory of rules: a test's end takes rules and version back, and the next test uses the same version again."""
    monkeypatch.setattr(tasks, "current_rule_set", CurrentRuleSet(max_age_s=0))
