"""Whether PostgreSQL can be written to and has MUTT's tables; on a connection of its own, in bounded time."""

import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from typing import Any

import psycopg2
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from mutt_project.status.check import Check, failed, ok

TIMEOUT_S = 2  # libpq takes no shorter one
_BOUNDS = {"connect_timeout": TIMEOUT_S, "tcp_user_timeout": TIMEOUT_S * 1000}
_LOOK = (
    "SELECT current_setting('server_version'), current_setting('transaction_read_only') = 'on',"
    " clock_timestamp(), to_regclass('django_migrations') IS NOT NULL"
)
_APPLIED = "SELECT app, name FROM django_migrations"

# Before a session begins the error has no code, only words; they hold addresses and names, and are not repeated.
_MEND_TLS = "Mend its certificate, or the host, sslrootcert or sslcert in DATABASE_URL: docs/network.md."
_TROUBLES = (
    ("certificate verify failed", "Its certificate is not trusted, or has expired.", _MEND_TLS),
    ("does not match host name", "Its certificate is for another host.", _MEND_TLS),
    ("root certificate file", "The file of its certificate authority is not there.", _MEND_TLS),
    ("valid client certificate", "It does not accept our client certificate, or the lack of one.", _MEND_TLS),
    ("alert", "It does not accept our client certificate, or the lack of one.", _MEND_TLS),  # of TLS
    ("does not support SSL", "It does not speak TLS, which sslmode demands.", "Set ssl = on in its postgresql.conf."),
    ("no encryption", "It wants TLS.", "Add sslmode=verify-full to DATABASE_URL: docs/network.md."),
    ("password authentication failed", "It refuses the password.", "Mend DATABASE_PASSWORD or DATABASE_URL."),
    ("no password supplied", "It wants a password.", "Put it into DATABASE_PASSWORD or DATABASE_URL."),
    ("no pg_hba.conf entry", "It does not let this machine in.", "Add a line for it to pg_hba.conf."),
    ("does not exist", "The database or its user does not exist.", "Create them, or mend DATABASE_URL."),
    ("starting up", "It is starting.", "Wait."),
    ("in recovery mode", "It is recovering after a crash.", "Wait."),
    ("shutting down", "It is shutting down.", "See who stops it."),
    ("too many", "It has no connection left.", "Raise max_connections, or run fewer processes."),
    ("remaining connection slots", "It has no connection left.", "Raise max_connections, or run fewer processes."),
    ("timeout expired", "It does not answer in time.", "See whether it runs, and whether a firewall drops packets."),
)
_UNREACHABLE = ("It cannot be reached.", "See whether it runs, and whether DATABASE_URL is right.")
_READ_ONLY = "See whether it is a standby, or default_transaction_read_only is on."
_KNOWN_KEYS = "Events are taken all the same, of API keys that came shortly before; others are answered 503."


@dataclass(frozen=True, slots=True)
class PostgresqlLook:
    """What was found. `skew_s` is its clock less ours; `missing` are the migrations that were not applied."""

    check: Check
    version: str | None = None
    skew_s: float | None = None
    missing: Sequence[str] = ()


def look_at_postgresql() -> PostgresqlLook:
    """Connect anew, and ask for the tables that this version of MUTT needs."""
    try:
        with closing(connection.get_new_connection({**connection.get_connection_params(), **_BOUNDS})) as session:
            session.autocommit = True
            return _looked(session)
    except psycopg2.Error as error:
        words = str(error)
        text, mend = next(((text, mend) for part, text, mend in _TROUBLES if part in words), _UNREACHABLE)
        return PostgresqlLook(failed("postgresql", f"{text} {_KNOWN_KEYS}", mend))


def _looked(session: Any) -> PostgresqlLook:
    with session.cursor() as cursor:
        before = time.time()
        cursor.execute(_LOOK)
        version, read_only, at, has_migrations = cursor.fetchone()
        skew = at.timestamp() - (before + time.time()) / 2
        applied: set[tuple[str, str]] = set()
        if has_migrations:
            cursor.execute(_APPLIED)
            applied = set(cursor.fetchall())
    missing = [".".join(one) for one in sorted(_needed() - applied)]
    return PostgresqlLook(_judged(missing, read_only=read_only), version.partition(" ")[0], skew, missing)


def _judged(missing: Sequence[str], *, read_only: bool) -> Check:
    if read_only:
        text = "It is read-only: events are taken, and nothing becomes of them."
        return failed("postgresql", text, _READ_ONLY)
    if missing:
        more = f", and {len(missing) - 1} more" if len(missing) > 1 else ""
        text = f"Its tables are not those of this version: the migration {missing[0]} is missing{more}."
        return failed("postgresql", text, "Run manage.py prepare.")
    return ok("postgresql", "It can be written to, and has all migrations.")


@cache
def _needed() -> frozenset[tuple[str, str]]:
    """The migrations of this version, as app and name."""
    return frozenset(MigrationLoader(None).graph.nodes)
