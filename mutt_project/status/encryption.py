"""Whether what goes to the stores can be read or changed on its way there."""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from mutt_project.status.check import Check, warning
from mutt_project.this_machine import is_here

_SURE = "verify-full"


def readable_stores(redis_url: str, database: Mapping[str, Any]) -> Iterable[Check]:
    """One check of each store on another machine whose connection is not sure to be private.

    `database` is what Django knows of it.
    """
    redis = urlsplit(redis_url)
    if redis.scheme != "rediss" and not _is_here(redis.hostname or ""):
        text = "Redis is on another machine, without TLS: events and its password can be read on their way."
        yield warning("setting_redis_tls", text, "Use rediss:// in REDIS_URL: docs/network.md.")
    hosts = str(database.get("HOST", "")).split(",")
    mode = str(database.get("OPTIONS", {}).get("sslmode", "prefer"))
    if mode != _SURE and not all(map(_is_here, hosts)):
        text = f"PostgreSQL is on another machine, and sslmode is {mode}: somebody else may answer in its place."
        yield warning("setting_postgresql_tls", text, f"Add sslmode={_SURE} to DATABASE_URL: docs/network.md.")


def _is_here(host: str) -> bool:
    """Whether it is this machine; nothing, or a path, is a socket of its own."""
    return not host or host.startswith("/") or is_here(host)
