"""API keys: who may call MUTT, and for what."""

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone

from ingest import signatures
from ingest.sealing import seal

PREFIX_LENGTH = 8
GRACE = timedelta(days=1)  # in which senders can be given a new secret
MAX_SIGNING_SECRETS = 2  # the new one, and the one before until all senders have the new one

# `limits` takes more, and overlooks what follows a rate that it can read.
RATE = re.compile(r"[1-9][0-9]{0,8}/(second|minute|hour|day)")


class Scope(models.TextChoices):
    """What a key allows; none of them includes another."""

    INGEST = "ingest", "ingest: send events"
    READ = "read", "read: look at events, rules and the ledger"
    WRITE = "write", "write: change rules, hosts and teams"
    ADMIN = "admin", "admin: manage API keys"


class SourceName(models.TextChoices):
    """The sources a key can be limited to; the names are those in the path of the webhook."""

    NATIVE = "native", "native: MUTT's own events"
    SYSLOG = "syslog", "syslog: rsyslog, syslog-ng"
    SNMPTRAP = "snmptrap", "snmptrap: snmptrapd"
    SOLARWINDS = "solarwinds", "solarwinds: SolarWinds Orion"
    ALERTMANAGER = "alertmanager", "alertmanager: Alertmanager, Grafana"


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made: its secrets are shown once. `signing_secret` is empty for a key that does not sign."""

    secret: str
    key: "ApiKey"
    signing_secret: str = ""


class ApiKey(models.Model):
    """A key of 256 random bits, of which only a SHA-256 hash is kept."""

    SECRET_FIELDS = ("prefix", "digest", "former_digest", "former_until")  # what `change_secret` changes

    name = models.CharField(max_length=100, unique=True, help_text="Who uses it; shown with every event.")
    prefix = models.CharField(max_length=PREFIX_LENGTH, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    former_digest = models.CharField(max_length=64, default="", blank=True, editable=False, db_index=True)
    former_until = models.DateTimeField(
        "former secret taken until", null=True, blank=True, editable=False, help_text="While senders are changed over."
    )
    scopes = ArrayField(models.CharField(max_length=20, choices=Scope.choices))
    allowed_sources = ArrayField(
        models.CharField(max_length=20, choices=SourceName.choices),
        default=list,
        blank=True,
        help_text="The only sources it may send for; none chosen: all.",
    )
    in_url = models.BooleanField(
        "may be in the URL",
        default=False,
        help_text="For senders without headers: POST /webhook/SOURCE/KEY. Only for sending events of one source.",
    )
    rate_limit = models.CharField(
        max_length=30,
        default="",
        blank=True,
        help_text="Most requests, such as 100/second or 6000/minute; empty: as MUTT_KEY_RATE says.",
    )
    is_active = models.BooleanField(default=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    signing_secrets = ArrayField(
        models.TextField(), size=MAX_SIGNING_SECRETS, default=list, blank=True, editable=False
    )  # sealed, the newest first
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False, help_text="To about a minute.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = "API key"
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Bring lists into their usual order; refuse, beside its field, what could not be meant."""
        self.scopes = _in_order(self.scopes, Scope)
        self.allowed_sources = _in_order(self.allowed_sources, SourceName)
        faults: dict[str, Any] = {}
        only_ingest = self.scopes == [Scope.INGEST]
        if not self.scopes:
            faults["scopes"] = "Choose at least one: a key without a scope is good for nothing."
        elif self.in_url and not only_ingest:
            faults["scopes"] = "A key that may be in the URL can be read along the way: it gets the scope ingest alone."
        elif self.signing_secrets and not only_ingest:
            faults["scopes"] = (
                "Signatures are checked at the webhook only: a key that signs gets the scope ingest alone."
            )
        if self.in_url and len(self.allowed_sources) != 1:
            faults["allowed_sources"] = "A key that may be in the URL is for exactly one source: choose it."
        if self.rate_limit and not RATE.fullmatch(self.rate_limit):
            faults["rate_limit"] = "Write a number above 0, a slash, and second, minute, hour or day: 100/second."
        if faults:
            raise ValidationError(faults)

    @classmethod
    def create(cls, name: str, scopes: list[str]) -> NewKey:
        """Make and save a key."""
        return cls(name=name, scopes=scopes).save_as_new()

    def save_as_new(self, *, signed: bool = False) -> NewKey:
        """Give the key its secrets and save it."""
        secret = self.set_new_secret()
        signing_secret = self.add_signing_secret() if signed else ""
        self.save()
        return NewKey(secret, self, signing_secret)

    def set_new_secret(self) -> str:
        """Give the key a new secret, without saving; returns the secret, which is kept nowhere."""
        secret = f"mutt_{secrets.token_urlsafe(32)}"
        self.set_secret(secret)
        return secret

    def set_secret(self, secret: str) -> None:
        """Take a secret that was made elsewhere, without saving; it must be random."""
        self.prefix, self.digest = secret[:PREFIX_LENGTH], digest_of(secret)

    @property
    def former_is_taken(self) -> bool:
        """Whether senders may still use the secret before this one."""
        return self.former_until is not None and self.former_until > timezone.now()

    def change_secret(self, grace: timedelta) -> str:
        """Give the key a new secret beside the present one, which is taken for as long as `grace`; without saving."""
        former = self.digest
        secret = self.set_new_secret()
        self.former_digest, self.former_until = (former, timezone.now() + grace) if grace else ("", None)
        return secret

    def add_signing_secret(self) -> str:
        """Make a new signing secret beside the newest one so far, without saving; returns it."""
        secret = signatures.new_secret()
        sealed = seal(signatures.bytes_of(secret))
        self.signing_secrets = [sealed, *self.signing_secrets][:MAX_SIGNING_SECRETS]
        return secret

    def drop_old_signing_secret(self) -> None:
        """Forget the signing secret before the newest, without saving."""
        self.signing_secrets = self.signing_secrets[:1]


def digest_of(secret: str) -> str:
    """What is stored of a key: SHA-256 suffices for 256 random bits."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def _in_order(chosen: Sequence[str] | None, words: type[models.TextChoices]) -> list[str]:
    """Each word once, in the order in which they are declared; unknown ones stay, for the field to refuse."""
    given = list(dict.fromkeys(chosen or ()))
    return [str(word) for word in words.values if word in given] + [word for word in given if word not in words.values]


# Here is where Django looks for models.
from ingest.quarantine_models import Quarantined  # noqa: E402, F401
from ingest.replay_models import Replay  # noqa: E402, F401
from ingest.traffic_models import RefusedRequests, TrafficMinute  # noqa: E402, F401
