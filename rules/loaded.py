"""The rule set that was loaded last, by whichever process, for everybody to know: what is in it, what is not, why."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

import orjson
from redis.exceptions import RedisError

from audit.connections import redis_client
from rules.matching import LeftOut

LOADED = "mutt:rules:loaded"
MOST_NAMED = 100


@dataclass(frozen=True, slots=True)
class Loaded:
    """`rules` are in use; `left_out` names the first of those `left_out_count` that are not."""

    version: int
    rules: int
    left_out_count: int
    left_out: tuple[LeftOut, ...]


def tell_loaded(version: int, rules: int, left_out: Sequence[LeftOut]) -> None:
    """Tell what was loaded. Where Redis is away nobody is told, and the next look tells again."""
    told = {
        "version": version,
        "rules": rules,
        "left_out_count": len(left_out),
        "left_out": [asdict(one) for one in left_out[:MOST_NAMED]],
    }
    with suppress(RedisError):
        redis_client().set(LOADED, orjson.dumps(told))


def loaded_rule_set() -> Loaded | None:
    """What was told last; None if nothing was. Raises RedisError."""
    told: Any = redis_client().get(LOADED)
    if told is None:
        return None
    found = orjson.loads(told)
    return Loaded(**{**found, "left_out": tuple(LeftOut(**one) for one in found["left_out"])})
