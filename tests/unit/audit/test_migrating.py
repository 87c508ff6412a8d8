"""Migrations, of which some work on all records there are."""

import pytest
from django.core.management.sql import emit_pre_migrate_signal
from django.db import connection

pytestmark = pytest.mark.django_db


def shown(setting: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting(%s)", [setting])
        return str(cursor.fetchone()[0])


def test_a_migration_may_take_longer_than_a_query_but_waits_for_locks_no_longer():
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 60000; SET LOCAL lock_timeout = 10000")
    emit_pre_migrate_signal(verbosity=0, interactive=False, db="default")
    assert (shown("statement_timeout"), shown("lock_timeout")) == ("0", "10s")
