"""Codes of an authenticator app (TOTP, RFC 6238) and recovery codes, kept by django-otp.

A device throttles wrong codes by itself: 1, 2, 4 … seconds.
"""

import time
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django_otp import verify_token
from django_otp.models import Device
from django_otp.oath import TOTP
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from audit.logins import note_person

RECOVERY_CODES = 10
ISSUER = "MUTT"
_DIGITS = 6


def is_on() -> bool:
    return bool(settings.MUTT_TOTP != "off")


def device_of(user: Any) -> TOTPDevice | None:
    """The person's authenticator app, once it is confirmed."""
    found: TOTPDevice | None = TOTPDevice.objects.filter(user=user, confirmed=True).first()
    return found


def needs_code(user: Any) -> bool:
    return is_on() and device_of(user) is not None


def verified(user: Any, code: str) -> Device | None:
    """What has made this code: the app or, for a code that can be none of its, the list of recovery codes."""
    code = "".join(code.split()).lower()
    by_app = len(code) == _DIGITS and code.isdecimal()
    device = (TOTPDevice if by_app else StaticDevice).objects.filter(user=user, confirmed=True).first()
    return verify_token(user, device.persistent_id, code) if device else None


def address_for_app(user: Any, key: str) -> str:
    """What the QR code says; `key` in hexadecimal digits."""
    return str(TOTPDevice(user=user, name=ISSUER, key=key).config_url)


@transaction.atomic
def enrol(user: Any, key: str, code: str) -> TOTPDevice | None:
    """Keep this key in place of any other if the app shows its code; else None."""
    User.objects.select_for_update().get(pk=user.pk)  # the same form may be sent twice
    totp = TOTP(bytes.fromhex(key))
    totp.time = time.time()
    code = "".join(code.split())
    if not (code.isascii() and code.isdecimal() and totp.verify(int(code), tolerance=1)):
        return None
    _forget(user)
    note_person(user, "second_factor_set_up")
    device: TOTPDevice = TOTPDevice.objects.create(user=user, name=ISSUER, key=key, last_t=totp.t())
    return device


@transaction.atomic
def new_recovery_codes(user: Any) -> list[str]:
    """Make codes that are good once each; those before hold no longer."""
    StaticDevice.objects.filter(user=user).delete()
    note_person(user, "recovery_codes_made")
    device = StaticDevice.objects.create(user=user, name="recovery codes")
    codes = [StaticToken.random_token() for _ in range(RECOVERY_CODES)]
    StaticToken.objects.bulk_create(StaticToken(device=device, token=code) for code in codes)
    return codes


def codes_left(user: Any) -> int:
    return int(StaticToken.objects.filter(device__user=user).count())


@transaction.atomic
def remove(user: Any) -> bool:
    """Whether there was something to remove."""
    if not _forget(user):
        return False
    note_person(user, "second_factor_removed")
    return True


def _forget(user: Any) -> bool:
    apps, _ = TOTPDevice.objects.filter(user=user).delete()
    lists, _ = StaticDevice.objects.filter(user=user).delete()
    return bool(apps or lists)
