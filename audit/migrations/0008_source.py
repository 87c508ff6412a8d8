"""Which source the address of the request had named."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("audit", "0007_archives")]

    operations = [
        migrations.AddField(
            "record",
            "source",
            models.TextField(blank=True, db_default="", default="", help_text="As the webhook's path named it."),
        ),
    ]
