"""Changes of API keys, replays and the quarantine go into the table of all changes."""

from django.db import migrations

from audit.change_triggers import noted

_EVENT = ("body", "error", "errors", "content_type")  # what was sent, and what was said of it


class Migration(migrations.Migration):
    dependencies = [("ingest", "0005_traffic"), ("audit", "0010_changes")]

    operations = [
        noted("ingest_apikey", "key", "name"),
        noted(
            "ingest_replay",
            "replay",
            "requested_by",
            ignored=("next_at", "cursor", "replayed", "skipped", "started_at", "ended_at"),
            events=("INSERT", "UPDATE"),
        ),
        noted(
            "ingest_quarantined",
            "quarantined",
            "source",
            ignored=_EVENT,
            events=("UPDATE",),
            condition="OLD.resent_at IS DISTINCT FROM NEW.resent_at",
            word="resent",
        ),
        # What is too old goes by itself, hundreds at once: whoever prunes says so.
        noted(
            "ingest_quarantined",
            "quarantined",
            "source",
            ignored=_EVENT,
            events=("DELETE",),
            condition="coalesce(current_setting('mutt.pruning', true), '') = ''",
        ),
    ]
