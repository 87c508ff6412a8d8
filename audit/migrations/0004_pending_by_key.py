from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("audit", "0003_index_by_rule")]

    operations = [
        migrations.AddIndex(
            model_name="record",
            index=models.Index(
                fields=["deduplication_key", "event_id"],
                condition=Q(outcome="pending"),
                name="record_pending_key",
            ),
        ),
    ]
