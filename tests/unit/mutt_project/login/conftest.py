"""People who log in, and what they log in with."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

PASSWORD = "a long password"


@pytest.fixture
def ada(db: None) -> User:
    return User.objects.create_user("ada", password=PASSWORD, is_staff=True)


@pytest.fixture
def log_in(redis_server: None, db: None) -> Callable[..., Any]:
    """Log in over the API; returns the answer."""

    def post(username: str = "ada", password: str = PASSWORD, client: Client | None = None, **more: Any) -> Any:
        body = {"username": username, "password": password, **more.pop("body", {})}
        return (client or Client()).post("/api/v1/auth/login", body, content_type="application/json", **more)

    return post
