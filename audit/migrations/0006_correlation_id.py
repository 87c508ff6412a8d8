"""The correlation id of the request that an event came with. Only the catalogue changes: no row is written."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("audit", "0005_dead_letter_states")]

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
    ]
