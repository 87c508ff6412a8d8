"""The records table, partitioned by month on its UUIDv7 key; attempts; dead letters."""

import django.contrib.postgres.fields
import django.db.models.functions.text
from django.db import migrations, models

CREATE_RECORDS = """
CREATE TABLE audit_record (
    event_id uuid NOT NULL PRIMARY KEY,
    journal_seq bigint NOT NULL,
    received_at timestamp with time zone NOT NULL,
    api_key text NOT NULL,
    address text NOT NULL,
    hostname text NOT NULL,
    event_time timestamp with time zone,
    message text NOT NULL,
    syslog_severity text NOT NULL,
    trap_oid text NOT NULL,
    source_type text NOT NULL,
    event jsonb NOT NULL,
    rule_set_version bigint,
    rule_id bigint,
    rule_name text NOT NULL,
    handling text NOT NULL,
    environment text NOT NULL,
    team text NOT NULL,
    reason text NOT NULL,
    deduplication_key text NOT NULL,
    outcome text NOT NULL,
    outcome_at timestamp with time zone
) PARTITION BY RANGE (event_id);
-- Catches what comes before its month has a partition: an insert never fails for want of one.
CREATE TABLE audit_record_default PARTITION OF audit_record DEFAULT;
"""

OUTCOMES = [(word, word) for word in ("pending", "delivered", "ignored", "unmatched", "suppressed", "dead")]


class Migration(migrations.Migration):
    initial = True
    dependencies = []

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(CREATE_RECORDS, "DROP TABLE audit_record")],
            state_operations=[
                migrations.CreateModel(
                    name="Record",
                    fields=[
                        ("event_id", models.UUIDField(primary_key=True, serialize=False)),
                        ("journal_seq", models.BigIntegerField()),
                        ("received_at", models.DateTimeField()),
                        ("api_key", models.TextField()),
                        ("address", models.TextField()),
                        ("hostname", models.TextField()),
                        ("event_time", models.DateTimeField(null=True)),
                        ("message", models.TextField()),
                        ("syslog_severity", models.TextField(blank=True, default="")),
                        ("trap_oid", models.TextField(blank=True, default="")),
                        ("source_type", models.TextField(blank=True, default="")),
                        ("event", models.JSONField(help_text="The event as it was sent.")),
                        ("rule_set_version", models.BigIntegerField(null=True)),
                        ("rule_id", models.BigIntegerField(null=True)),
                        ("rule_name", models.TextField(blank=True, default="")),
                        ("handling", models.TextField(blank=True, default="")),
                        ("environment", models.TextField(blank=True, default="")),
                        ("team", models.TextField(blank=True, default="")),
                        ("reason", models.TextField(blank=True, default="", help_text="Why, where the rule alone does not say it.")),
                        ("deduplication_key", models.TextField(blank=True, default="")),
                        ("outcome", models.TextField(choices=OUTCOMES)),
                        ("outcome_at", models.DateTimeField(null=True)),
                    ],
                    options={"ordering": ("-event_id",)},
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="record",
            index=models.Index(
                django.db.models.functions.text.Lower("hostname"),
                models.OrderBy(models.F("event_id"), descending=True),
                name="record_hostname",
            ),
        ),
        migrations.AddIndex(
            model_name="record",
            index=models.Index(
                models.F("outcome"), models.OrderBy(models.F("event_id"), descending=True), name="record_outcome"
            ),
        ),
        migrations.CreateModel(
            name="Attempt",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("batch_id", models.UUIDField()),
                ("event_ids", django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), size=None)),
                ("number", models.PositiveIntegerField(help_text="From 1, for this batch.")),
                ("started_at", models.DateTimeField()),
                ("duration_ms", models.FloatField()),
                ("status", models.PositiveSmallIntegerField(help_text="HTTP status; empty if none came.", null=True)),
                ("reason", models.TextField(blank=True, default="", help_text="Empty if Moogsoft took the events.")),
                ("excerpt", models.TextField(blank=True, default="", help_text="The beginning of the answer, or the error.")),
            ],
            options={
                "ordering": ("started_at", "id"),
                "indexes": [models.Index(fields=["batch_id"], name="attempt_batch")],
            },
        ),
        migrations.CreateModel(
            name="DeadLetter",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("event_id", models.UUIDField(unique=True)),
                ("stage", models.TextField(choices=[("alerter", "alerter"), ("moog", "moog")])),
                ("reason", models.TextField()),
                ("detail", models.TextField(blank=True, default="")),
                ("payload", models.JSONField()),
                ("attempts", models.PositiveIntegerField()),
                ("created_at", models.DateTimeField()),
            ],
            options={"ordering": ("-event_id",)},
        ),
    ]
