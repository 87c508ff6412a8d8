"""Secrets at rest: sealed by the secret key, readable after it changed as long as the former one is known."""

import pytest
from cryptography.fernet import Fernet
from django.test import override_settings

from ingest.sealing import SealError, seal, unseal


def test_what_is_sealed_can_be_read_and_cannot_be_seen():
    sealed = seal(b"\0 a secret")
    assert unseal(sealed) == b"\0 a secret"
    assert "secret" not in sealed
    assert seal(b"\0 a secret") != sealed


def test_what_was_sealed_under_a_former_key_can_be_read_while_that_key_is_known():
    with override_settings(SECRET_KEY="former"):
        sealed = seal(b"a secret")
    with override_settings(SECRET_KEY="present", SECRET_KEY_FALLBACKS=["other", "former"]):
        assert unseal(sealed) == b"a secret"
        new = seal(b"a secret")
    with override_settings(SECRET_KEY="present"):
        assert unseal(new) == b"a secret"
        with pytest.raises(SealError, match="MUTT_SECRET_KEY is not the one"):
            unseal(sealed)


@pytest.mark.parametrize("text", ["", "nonsense", "ä", "\ud800", Fernet(Fernet.generate_key()).encrypt(b"x").decode()])
def test_what_was_not_sealed_here_cannot_be_read(text):
    with pytest.raises(SealError):
        unseal(text)


def test_a_sealed_text_that_was_changed_cannot_be_read():
    sealed = seal(b"a secret")
    with pytest.raises(SealError):
        unseal(sealed[:-5] + ("A" if sealed[-5] != "A" else "B") + sealed[-4:])
