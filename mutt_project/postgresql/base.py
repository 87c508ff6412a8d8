"""Connects with the present password; while it is being changed, the next one is as good.

Without DATABASE_PASSWORD the one in DATABASE_URL is taken. Open connections live on, whatever the password is.
"""

import time
from typing import Any

from django.db.backends.postgresql import base
from django.utils.asyncio import async_unsafe
from psycopg2 import OperationalError

from audit.passwords import passwords_of

_ANSWERS_WITHIN_S = 2.0


class DatabaseWrapper(base.DatabaseWrapper):
    @async_unsafe
    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Raises psycopg2's OperationalError, that of the present password."""
        passwords = passwords_of("DATABASE")
        if not passwords:
            return super().get_new_connection(conn_params)
        began = time.monotonic()
        try:
            return super().get_new_connection({**conn_params, "password": passwords[0]})
        except OperationalError:
            # Why, the server says in its own language only: the next one is tried, unless no server answered in time.
            if len(passwords) == 1 or time.monotonic() - began > _ANSWERS_WITHIN_S:
                raise
            try:
                return super().get_new_connection({**conn_params, "password": passwords[1]})
            except OperationalError:
                pass
            raise
