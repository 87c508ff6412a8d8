"""Refused events: what was said, by whom, why it was refused, and whether it was sent again."""

from django.db import models


class Quarantined(models.Model):
    """One refused event, or a whole body whose events cannot be told apart.

    The id is a UUIDv7: ids sort in the order of receipt. The body is kept in bytes, so that what is sent again is
    what was sent.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    received_at = models.DateTimeField()
    source = models.TextField()
    reason = models.TextField(help_text="The word that it is counted under.")
    error = models.TextField(help_text="What the sender was told; after another try, what it was told then.")
    errors = models.JSONField(default=list, blank=True)
    body = models.BinaryField()
    size = models.PositiveIntegerField(help_text="Bytes of the body as it came.")
    truncated = models.BooleanField(default=False, help_text="Only its beginning is kept: it cannot be sent again.")
    redacted = models.BooleanField(default=False, help_text="A secret was taken out of it.")
    content_type = models.TextField(default="", blank=True)
    api_key = models.TextField(verbose_name="API key")
    address = models.TextField()
    resent_at = models.DateTimeField(null=True, blank=True, verbose_name="sent again at")
    resent_by = models.TextField(default="", blank=True, verbose_name="sent again by")
    batch_id = models.UUIDField(null=True, blank=True, help_text="The batch that it was accepted in.")

    class Meta:
        verbose_name = "refused event"
        verbose_name_plural = "refused events (quarantine)"
        ordering = ("-id",)
        default_permissions = ("view", "delete")
        permissions = (("resend_quarantined", "Can send refused events again"),)
        indexes = (
            models.Index(models.F("source"), models.F("id").desc(), name="quarantined_source"),
            models.Index(models.F("reason"), models.F("id").desc(), name="quarantined_reason"),
        )

    def __str__(self) -> str:
        return f"{self.id} {self.source} {self.reason}"

    @property
    def text(self) -> str:
        """The body for people; bytes that are not UTF-8 are shown by their numbers."""
        return bytes(self.body).decode("utf-8", "backslashreplace")
