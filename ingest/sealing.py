"""Secrets that must be read again are kept encrypted: by Fernet, with keys made from Django's SECRET_KEY."""

import base64
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

_LABEL = b"mutt signing secrets v1"


class SealError(Exception):
    """What was sealed cannot be opened: the secret key is another one, or the text was changed."""


def seal(secret: bytes) -> str:
    """The secret, encrypted with the current SECRET_KEY."""
    return _seals().encrypt(secret).decode()


def unseal(sealed: str) -> bytes:
    """What `seal` was given, under SECRET_KEY or one of SECRET_KEY_FALLBACKS. Raises SealError."""
    try:
        return _seals().decrypt(sealed.encode("utf-8", "replace"))
    except InvalidToken:
        raise SealError(
            "A signing secret cannot be read: MUTT_SECRET_KEY is not the one it was kept under, and no former key is"
            " given. Make it known again, or give the API key a new signing secret."
        ) from None


def _seals() -> MultiFernet:
    return _seals_of((settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS))


@lru_cache(maxsize=4)
def _seals_of(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(_derived(key)) for key in keys])


def _derived(key: str) -> bytes:
    material = HKDF(algorithm=SHA256(), length=32, salt=None, info=_LABEL).derive(key.encode())
    return base64.urlsafe_b64encode(material)
