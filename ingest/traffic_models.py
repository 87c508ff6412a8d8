"""What came to the door by minute, and the requests that were refused. `traffic_store.py` writes these tables."""

from django.db import models


class TrafficMinute(models.Model):
    """Requests and events of one minute by source and answer; after two days, of the hour that begins then.

    `answer` is accepted, repeated, rejected, or why requests were refused as a whole. `events` are those that were
    taken (accepted) or not (all others, where they could be told apart).
    """

    pk = models.CompositePrimaryKey("minute", "source", "answer")
    minute = models.DateTimeField()
    source = models.TextField()
    answer = models.TextField()
    requests = models.BigIntegerField()
    events = models.BigIntegerField()

    class Meta:
        db_table = "ingest_traffic"
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.minute:%F %R} {self.source} {self.answer}: {self.requests}"


class RefusedRequests(models.Model):
    """Requests of one hour that were refused as a whole for the same reason, with the same key, from one address."""

    hour = models.DateTimeField(help_text="When the hour begins.")
    why = models.TextField()
    api_key = models.TextField(default="", blank=True, verbose_name="API key", help_text="Its name, where it is known.")
    address = models.TextField()
    requests = models.BigIntegerField()
    last_at = models.DateTimeField(verbose_name="last at")

    class Meta:
        db_table = "ingest_refusal"
        verbose_name_plural = "refused requests"
        ordering = ("-hour", "-last_at", "-id")
        default_permissions = ("view",)
        constraints = (models.UniqueConstraint(fields=("hour", "why", "api_key", "address"), name="refusal_of_hour"),)

    def __str__(self) -> str:
        return f"{self.hour:%F %R} {self.why} {self.api_key or self.address}: {self.requests}"
