"""One word for all that PostgreSQL and Redis hold: it is another one after any change."""

import hashlib
from functools import cache

from django.db import connection

from audit.connections import redis_client
from rules.loaded import LOADED

_TABLES = """
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1
"""


@cache
def _query() -> str:
    with connection.cursor() as cursor:
        cursor.execute(_TABLES)
        tables = [name for (name,) in cursor.fetchall()]
    assert {"rules_rule", "auth_user", "audit_record"} <= set(tables)
    each = "(SELECT md5(coalesce(string_agg({0}::text, '' ORDER BY {0}::text), '')) FROM {1} t)"
    # That a session is used is noted in it, now and then.
    return "SELECT " + " || ".join(
        each.format("t.session_key" if name == "django_session" else "t", connection.ops.quote_name(name))
        for name in tables
    )


def digest() -> str:
    with connection.cursor() as cursor:
        cursor.execute(_query())
        (rows,) = cursor.fetchone() or ("",)
    server = redis_client()
    # Whoever decides first notes which rules are loaded; limits count whoever asks.
    keys = sorted(
        key for key in server.scan_iter(count=1000) if key != LOADED.encode() and not key.startswith(b"mutt:cache")
    )
    return hashlib.sha256(rows.encode() + b"".join(key + (server.dump(key) or b"") for key in keys)).hexdigest()
