"""What was noticed about an event, and whether it says that a problem is over."""

import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]

    operations = [
        migrations.AddField(
            "record",
            "notes",
            django.contrib.postgres.fields.ArrayField(
                base_field=models.TextField(),
                blank=True,
                db_default=[],
                default=list,
                help_text="What was noticed while it was brought into canonical form.",
                size=None,
            ),
        ),
        migrations.AddField(
            "record",
            "clears",
            models.BooleanField(db_default=False, default=False, help_text="Its sender says that the problem is over."),
        ),
    ]
