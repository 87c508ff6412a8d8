"""API keys: who may call MUTT, and for what."""

import hashlib
import secrets
from dataclasses import dataclass

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

PREFIX_LENGTH = 8


class Scope(models.TextChoices):
    """What a key allows; none of them includes another."""

    INGEST = "ingest", "ingest: send events"
    READ = "read", "read: look at events, rules and the ledger"
    WRITE = "write", "write: change rules, hosts and teams"


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made: `secret` is shown once and cannot be found out afterwards."""

    secret: str
    key: "ApiKey"


class ApiKey(models.Model):
    """A key of 256 random bits, of which only a SHA-256 hash is kept."""

    name = models.CharField(max_length=100, unique=True, help_text="Who uses it; shown with every event.")
    prefix = models.CharField(max_length=PREFIX_LENGTH, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    scopes = ArrayField(models.CharField(max_length=20, choices=Scope.choices))
    is_active = models.BooleanField(default=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = "API key"
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    @classmethod
    def create(cls, name: str, scopes: list[str]) -> NewKey:
        """Make and save a key."""
        key = cls(name=name, scopes=scopes)
        secret = key.set_new_secret()
        key.save()
        return NewKey(secret, key)

    def set_new_secret(self) -> str:
        """Give the key a new secret, without saving; returns the secret, which is kept nowhere."""
        secret = f"mutt_{secrets.token_urlsafe(32)}"
        self.set_secret(secret)
        return secret

    def set_secret(self, secret: str) -> None:
        """Take a secret that was made elsewhere, without saving; it must be random."""
        self.prefix, self.digest = secret[:PREFIX_LENGTH], digest_of(secret)


def digest_of(secret: str) -> str:
    """What is stored of a key: SHA-256 suffices for 256 random bits."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
