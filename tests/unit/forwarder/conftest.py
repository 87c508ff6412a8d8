"""What the tests of forwarder share with those of ingest."""

from tests.unit.ingest.fixtures import make_key, postgresql_leaves, redis_away

__all__ = ["make_key", "postgresql_leaves", "redis_away"]
