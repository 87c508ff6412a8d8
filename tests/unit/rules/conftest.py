"""What the tests of rules share."""

import pytest

from rules.models import RuleSetVersion
from tests.unit.ingest.fixtures import redis_away

__all__ = ["redis_away"]


@pytest.fixture
def committed_rules(transactional_db) -> None:
    """Tables whose changes other connections see; tests of this kind leave them empty, so the version comes back."""
    RuleSetVersion.objects.get_or_create(pk=1)
