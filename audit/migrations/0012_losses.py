"""What was booked as lost after a disaster: a term of the ledger."""

from django.db import migrations, models

from audit.change_triggers import noted


class Migration(migrations.Migration):
    dependencies = [("audit", "0011_settings")]

    operations = [
        migrations.CreateModel(
            name="Loss",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("events", models.BigIntegerField()),
                ("reason", models.TextField()),
                ("booked_by", models.TextField()),
                ("booked_at", models.DateTimeField()),
            ],
            options={"ordering": ("-id",), "default_permissions": ("view",)},
        ),
        noted("audit_loss", "loss", "reason"),
    ]
