"""What the project itself keeps about people."""

from django.conf import settings
from django.db import models


class ProviderIdentity(models.Model):
    """Who at the OpenID Connect provider a person here is. Names and addresses change, and are given to others."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="provider_identity"
    )
    issuer = models.CharField(max_length=500)
    subject = models.CharField(max_length=255)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("issuer", "subject"), name="provider_identity_once"),)

    def __str__(self) -> str:
        return f"{self.subject} at {self.issuer}"
