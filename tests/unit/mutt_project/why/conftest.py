"""What the tests of why share."""

from collections.abc import Callable

import pytest
from django.db import connection


@pytest.fixture
def next_transaction() -> Callable[[], None]:
    """What is changed after the call counts as a transaction of its own: a test is one, otherwise."""

    def begin() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('mutt.change_number', '', true)")

    return begin
