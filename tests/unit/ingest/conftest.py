"""What the tests of ingest share."""

from tests.unit.ingest.fixtures import make_key, postgresql_leaves, redis_away, secret

__all__ = ["make_key", "postgresql_leaves", "redis_away", "secret"]
