"""How Django reaches PostgreSQL, from a URL."""

from typing import Any

import dj_database_url

_LIMITS = "-c statement_timeout=60000 -c lock_timeout=10000"


def database_of(url: str) -> dict[str, Any]:
    """Django's settings of a database. What the URL says of TLS (sslmode, sslrootcert, …) holds, as libpq takes it."""
    found: dict[str, Any] = {
        **dj_database_url.parse(url, engine="mutt_project.postgresql", conn_max_age=60, conn_health_checks=True)
    }
    said = found.get("OPTIONS", {})
    options = f"{_LIMITS} {said.get('options', '')}".strip()
    return {**found, "OPTIONS": {"connect_timeout": 5, **said, "options": options}}
