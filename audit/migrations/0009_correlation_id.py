"""The correlation id of the request that an event came with. No row is written: those that are there have none."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("audit", "0008_source")]

    operations = [
        migrations.AddField(
            "record",
            "correlation_id",
            models.TextField(
                blank=True,
                db_default="",
                default="",
                help_text="Of the request that it came with, in logs and answers alike.",
            ),
        ),
        migrations.AddIndex(
            "record",
            models.Index(
                models.F("correlation_id"),
                models.F("event_id").desc(),
                condition=~models.Q(correlation_id=""),
                name="record_correlation",
            ),
        ),
    ]
