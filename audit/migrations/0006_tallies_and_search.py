"""Tallies that the database keeps itself, so that nobody has to count records; and the indexes for search."""

from django.db import migrations, models

# A row for what one statement did to the records. All rows of a statement bear the same minute and the same, highest
# number of the journal: the ledger counts a statement as a whole or not at all.
CREATE = """
CREATE FUNCTION audit_latency(took interval) RETURNS smallint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT width_bucket(extract(epoch FROM took),
                        ARRAY[0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800]::numeric[])::smallint
$$;

CREATE FUNCTION audit_tally_inserted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audit_tally (minute, outcome, latency, journal_seq, entered, gone)
    SELECT date_trunc('minute', now()), outcome, audit_latency(outcome_at - received_at),
           (SELECT max(journal_seq) FROM after), count(*), 0
      FROM after GROUP BY outcome, audit_latency(outcome_at - received_at);
    RETURN NULL;
END $$;

-- PostgreSQL takes transition tables for small: a nested loop over many rows would be without an end.
CREATE FUNCTION audit_tally_updated() RETURNS trigger LANGUAGE plpgsql SET enable_nestloop = off AS $$
BEGIN
    INSERT INTO audit_tally (minute, outcome, latency, journal_seq, entered, gone)
    WITH moved AS (
        SELECT before.outcome AS came_from, after.outcome AS came_to, after.journal_seq AS seq,
               audit_latency(after.outcome_at - after.received_at) AS latency
          FROM before JOIN after USING (event_id) WHERE before.outcome <> after.outcome
    ), newest AS (SELECT max(seq) AS seq FROM moved)
    SELECT date_trunc('minute', now()), came_from, NULL::smallint, newest.seq, 0, count(*)
      FROM moved, newest GROUP BY came_from, newest.seq
    UNION ALL
    SELECT date_trunc('minute', now()), came_to, latency, newest.seq, count(*), 0
      FROM moved, newest GROUP BY came_to, latency, newest.seq;
    RETURN NULL;
END $$;

CREATE FUNCTION audit_tally_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audit_tally (minute, outcome, latency, journal_seq, entered, gone)
    SELECT date_trunc('minute', now()), outcome, NULL, (SELECT max(journal_seq) FROM before), 0, count(*)
      FROM before GROUP BY outcome;
    RETURN NULL;
END $$;

-- Nobody writes between the count and the triggers that go on from it.
LOCK TABLE audit_record IN SHARE ROW EXCLUSIVE MODE;
INSERT INTO audit_tally (minute, outcome, latency, journal_seq, entered, gone)
SELECT coalesce(date_trunc('hour', outcome_at), date_trunc('hour', received_at)), outcome,
       audit_latency(outcome_at - received_at), max(max(journal_seq)) OVER (), count(*), 0
  FROM audit_record GROUP BY 1, 2, 3;

CREATE TRIGGER audit_record_tally_inserted AFTER INSERT ON audit_record
    REFERENCING NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION audit_tally_inserted();
CREATE TRIGGER audit_record_tally_updated AFTER UPDATE ON audit_record
    REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION audit_tally_updated();
CREATE TRIGGER audit_record_tally_deleted AFTER DELETE ON audit_record
    REFERENCING OLD TABLE AS before FOR EACH STATEMENT EXECUTE FUNCTION audit_tally_deleted();
"""
DROP = """
DROP TRIGGER audit_record_tally_inserted ON audit_record;
DROP TRIGGER audit_record_tally_updated ON audit_record;
DROP TRIGGER audit_record_tally_deleted ON audit_record;
DROP FUNCTION audit_tally_inserted, audit_tally_updated, audit_tally_deleted, audit_latency;
"""

# Words are what stands between punctuation, so that Gi0/7 is found by gi0 as well as by 7. The cost is what it takes,
# some 20 µs: a planner that thinks it cheap walks through all records instead of using the index.
WORDS = r"""
CREATE FUNCTION audit_words(message text) RETURNS tsvector LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 3000 AS $$
BEGIN
    RETURN to_tsvector('pg_catalog.simple',
                       translate(message, '%/\:.,;-_[](){}<>=+*"''#@!?&|~^$`', '                                 '));
END $$;
CREATE INDEX record_words ON audit_record USING gin (audit_words(message));
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0005_dead_letter_states")]

    operations = [
        migrations.CreateModel(
            name="Tally",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("minute", models.DateTimeField()),
                ("outcome", models.TextField()),
                ("latency", models.SmallIntegerField(null=True)),
                ("journal_seq", models.BigIntegerField()),
                ("entered", models.BigIntegerField()),
                ("gone", models.BigIntegerField()),
            ],
            options={
                "default_permissions": (),
                "indexes": [models.Index(fields=["minute"], name="tally_minute")],
            },
        ),
        migrations.RunSQL(CREATE, DROP),
        migrations.RunSQL(WORDS, "DROP INDEX record_words; DROP FUNCTION audit_words"),
        migrations.AddIndex(
            model_name="record",
            index=models.Index(
                models.F("team"), models.OrderBy(models.F("event_id"), descending=True), name="record_team"
            ),
        ),
    ]
