"""Django's secret key changes while MUTT runs: what was signed before holds as long as the former key does."""

from pathlib import Path

import pytest
from django.core.signals import request_started
from django.core.signing import BadSignature, dumps, loads

from ingest.sealing import SealError, seal, unseal
from mutt_project.secrets.environment import Environment
from mutt_project.secrets.following import follow
from mutt_project.secrets.present import Secrets

OLD, NEW = "the-old-secret-key-of-django-in-tests", "the-new-secret-key-of-django-in-tests"


def write(folder: Path, key: str, fallbacks: str) -> None:
    (folder / "key").write_text(key)
    (folder / "fallbacks").write_text(fallbacks)


@pytest.mark.django_db  # the signal looks after connections, too
def test_a_request_after_the_change_takes_the_new_key_and_keeps_what_the_former_one_signed(settings, tmp_path):
    write(tmp_path, OLD, "none-yet")
    given = {
        "MUTT_SECRET_KEY_FILE": str(tmp_path / "key"),
        "MUTT_SECRET_KEY_FALLBACKS_FILE": str(tmp_path / "fallbacks"),
    }
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = OLD, ["none-yet"]
    settings.MUTT_SECRETS = Secrets(Environment(given), look_every_s=0)
    follow()
    signed, sealed = dumps("a session"), seal(b"a signing secret")

    write(tmp_path, NEW, f"{OLD},none-yet")
    request_started.send(None)
    assert settings.SECRET_KEY == NEW
    assert loads(signed) == "a session"
    assert unseal(sealed) == b"a signing secret"
    assert dumps("x") != signed

    write(tmp_path, NEW, "none-yet")
    request_started.send(None)
    with pytest.raises(BadSignature):
        loads(signed)
    with pytest.raises(SealError):
        unseal(sealed)
