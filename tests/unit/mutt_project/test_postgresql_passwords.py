"""New connections to PostgreSQL while its password is being changed. The real server asks for passwords."""

import pytest
from django.db import connection
from psycopg2 import OperationalError

OLD, NEW = "the-old-password-of-postgresql", "the-new-password-of-postgresql"


def connected(settings, **passwords: str) -> str:
    settings.MUTT_SECRETS = passwords
    parameters = {**connection.get_connection_params(), "user": "rotating"}
    opened = connection.get_new_connection(parameters)
    try:
        return str(opened.info.user)
    finally:
        opened.close()


@pytest.mark.django_db(transaction=True)
def test_either_password_will_do_while_it_is_changed_and_a_wrong_one_never(settings):
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE ROLE rotating LOGIN PASSWORD '{OLD}'")
    try:
        assert connected(settings, DATABASE_PASSWORD=OLD) == "rotating"
        assert connected(settings, DATABASE_PASSWORD=NEW, DATABASE_PASSWORD_NEXT=OLD) == "rotating"
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER ROLE rotating PASSWORD '{NEW}'")
        assert connected(settings, DATABASE_PASSWORD=OLD, DATABASE_PASSWORD_NEXT=NEW) == "rotating"
        with pytest.raises(OperationalError, match="password authentication failed"):
            connected(settings, DATABASE_PASSWORD=OLD)
        with pytest.raises(OperationalError, match="password authentication failed"):
            connected(settings, DATABASE_PASSWORD=OLD, DATABASE_PASSWORD_NEXT="another")
        with pytest.raises(OperationalError, match="password authentication failed"):
            connected(settings)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP ROLE rotating")
