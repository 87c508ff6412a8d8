"""Placeholders are no secrets."""

import pytest

from mutt_project.secrets.weakness import weakness


@pytest.mark.parametrize(
    "value",
    [
        "changeme",
        "Change-Me",
        "change_me_123",
        "<your key>",
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "django-insecure-8kd92#ks0z7d5l9q3w1n4v6b2m",
        "password",
        "redis://:changeme@127.0.0.1/0",
        "postgresql://mutt:change%2Dme@127.0.0.1/mutt",
    ],
)
def test_what_cannot_be_secret_is_told(value):
    assert weakness(value)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "redis://127.0.0.1/0",
        "postgresql://password@127.0.0.1/changeme",
        "s3-kd92Fks0z7d5l",
        "http://[",
        "secretary",
    ],
)
def test_what_may_be_secret_or_holds_none_is_let_be(value):
    assert weakness(value) == ""
