"""`manage.py create_key`: what it prints is what works, and what could not be meant is refused."""

import io
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from ingest.authentication import KnownKeys
from ingest.models import ApiKey

pytestmark = pytest.mark.django_db


def create(*arguments: str) -> list[str]:
    out = io.StringIO()
    call_command("create_key", *arguments, stdout=out)
    return out.getvalue().splitlines()


def caller_with(secret: str) -> Any:
    return KnownKeys(max_age_s=0).find(secret)


def test_a_key_is_made_and_printed():
    (secret,) = create("rsyslog", "--scope", "ingest", "--scope", "read")
    caller = caller_with(secret)
    assert (caller.name, caller.scopes, caller.expires_at) == ("rsyslog", {"ingest", "read"}, None)


def test_all_that_a_key_can_be_is_said_by_options():
    secret, signing_secret = create(
        *("orion", "--scope=ingest", "--source=solarwinds", "--in-url", "--signed"),
        *("--expires-in-days=30", "--rate-limit=100/second"),
    )
    caller = caller_with(secret)
    assert (caller.allowed_sources, caller.in_url, caller.rate_limit) == ({"solarwinds"}, True, "100/second")
    assert abs(caller.expires_at - timezone.now() - timedelta(days=30)) < timedelta(minutes=1)
    assert signing_secret.startswith("whsec_")
    assert len(caller.signing_secrets) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["a"], "--scope"),
        (["a", "--scope=root"], "invalid choice"),
        (["a", "--scope=ingest", "--source=smoke"], "invalid choice"),
        (["a", "--scope=ingest", "--in-url"], "exactly one source"),
        (["a", "--scope=ingest", "--in-url", "--source=syslog", "--source=native"], "exactly one source"),
        (["a", "--scope=read", "--in-url", "--source=syslog"], "ingest alone"),
        (["a", "--scope=read", "--signed"], "ingest alone"),
        (["a", "--scope=read", "--rate-limit=fast"], "100/second"),
        (["a", "--scope=read", "--expires-in-days=0"], "above 0"),
        (["a", "--scope=read", "--expires-in-days=nan"], "above 0"),
        (["a", "--scope=read", "--expires-in-days=1e12"], "too far away"),
        (["a", "--scope=read", "--expires-in-days=soon"], "invalid float"),
        (["x" * 101, "--scope=read"], "at most 100"),
        (["", "--scope=read"], "cannot be blank"),
    ],
)
def test_what_could_not_be_meant_is_refused(arguments, said):
    with pytest.raises(CommandError, match=said):
        create(*arguments)
    assert not ApiKey.objects.exists()


def test_a_name_is_given_once():
    create("a", "--scope=read")
    with pytest.raises(CommandError, match="a key named “a” already"):
        create("a", "--scope=read")
