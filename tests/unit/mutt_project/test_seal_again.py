"""`manage.py seal_again`: signing secrets outlive the secret key that they were sealed with."""

import io

import pytest
from django.core.management import CommandError, call_command

from ingest.models import ApiKey
from ingest.sealing import SealError, unseal

pytestmark = pytest.mark.django_db

OLD, NEW = "an-old-secret-key-of-django-in-tests", "a-new-secret-key-of-django-in-tests!"


def made_under_the_old_key(settings) -> bytes:
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = OLD, []
    ApiKey(name="orion", scopes=["ingest"]).save_as_new(signed=True)
    return unseal(ApiKey.objects.get().signing_secrets[0])


def run() -> str:
    out = io.StringIO()
    call_command("seal_again", stdout=out)
    return out.getvalue()


def test_afterwards_the_former_secret_key_is_not_needed(settings):
    secret = made_under_the_old_key(settings)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = NEW, [OLD]
    assert run() == "sealed again: the signing secrets of 1 API keys\n"
    settings.SECRET_KEY_FALLBACKS = []
    assert unseal(ApiKey.objects.get().signing_secrets[0]) == secret


def test_what_cannot_be_read_is_named_and_left_as_it_is(settings):
    made_under_the_old_key(settings)
    settings.SECRET_KEY = NEW
    with pytest.raises(CommandError, match="signing secrets of orion were sealed with a key that is not known"):
        run()
    with pytest.raises(SealError):
        unseal(ApiKey.objects.get().signing_secrets[0])
