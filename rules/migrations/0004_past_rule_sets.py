"""Which change belongs to which version: so that every rule set that ever decided can be had again.

Each row of the history gets the number of its transaction, and the trigger that raises the version writes down which
version that transaction made. The numbers come from a sequence: transaction ids of PostgreSQL do not survive a restore.
"""

from django.db import migrations, models

TABLES = ("rules_rule", "rules_developmenthost", "rules_deviceteam")
HISTORY = {f"{table}change": table for table in TABLES}
_KEPT = {
    "rules_rule": (
        "description, dev_handling, examples, id, is_active, match_string, match_type, name, notes, priority,"
        " prod_handling, syslog_severity, team_assignment, trap_oid, created_at, updated_at"
    ),
    "rules_developmenthost": "hostname, description, id",
    "rules_deviceteam": "hostname, team, id",
}

NUMBERS = """
LOCK TABLE rules_rule, rules_developmenthost, rules_deviceteam IN SHARE ROW EXCLUSIVE MODE;  -- no change is under way
CREATE SEQUENCE rules_change_number_seq;

CREATE FUNCTION rules_change_number() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    known text := current_setting('mutt.change_number', true);
BEGIN
    IF coalesce(known, '') = '' THEN  -- the setting ends with the transaction, and with a savepoint that is rolled back
        known := set_config('mutt.change_number', nextval('rules_change_number_seq')::text, true);
    END IF;
    RETURN known::bigint;
END $$;
""" + "\n".join(
    # A constant first: what is there already comes before every change that has a number, and no row is written anew.
    f"ALTER TABLE {history} ADD COLUMN change_number bigint NOT NULL DEFAULT 0;"
    f"ALTER TABLE {history} ALTER COLUMN change_number SET DEFAULT rules_change_number();"
    for history in HISTORY
)

LOGGED = """
INSERT INTO rules_rulesetchange (number, version, changed_at)
    SELECT 0, version, changed_at FROM rules_rulesetversion WHERE id = 1;

CREATE OR REPLACE FUNCTION rules_raise_version() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    raised bigint;
BEGIN
    INSERT INTO rules_rulesetversion AS known (id, version, changed_at) VALUES (1, 1, now())
        ON CONFLICT (id) DO UPDATE SET version = known.version + 1, changed_at = now()
        RETURNING version INTO raised;
    -- Of the versions that one transaction makes, others see only the last.
    INSERT INTO rules_rulesetchange (number, version, changed_at) VALUES (rules_change_number(), raised, now())
        ON CONFLICT (number) DO UPDATE SET version = EXCLUDED.version;
    RETURN NULL;
END $$;
"""

# TRUNCATE fires no trigger for its rows: what it is about to take away is written down before.
TRUNCATED = "\n".join(
    f"""
CREATE FUNCTION {table}_keep_truncated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO {history} ({_KEPT[table]}, pgh_label, pgh_created_at, pgh_obj_id)
        SELECT {_KEPT[table]}, 'deleted', now(), id FROM {table};
    RETURN NULL;
END $$;
CREATE TRIGGER {table}_keep_truncated BEFORE TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION {table}_keep_truncated();
"""  # noqa: S608 - names of our own  # nosec B608
    for history, table in HISTORY.items()
)

UNLOGGED = """
CREATE OR REPLACE FUNCTION rules_raise_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO rules_rulesetversion AS known (id, version, changed_at) VALUES (1, 1, now())
        ON CONFLICT (id) DO UPDATE SET version = known.version + 1, changed_at = now();
    RETURN NULL;
END $$;
""" + "\n".join(f"DROP TRIGGER {table}_keep_truncated ON {table}; DROP FUNCTION {table}_keep_truncated();" for table in TABLES)  # nosec B608 # names of our own

UNNUMBERED = (
    "\n".join(f"ALTER TABLE {history} DROP COLUMN change_number;" for history in HISTORY)
    + "DROP FUNCTION rules_change_number(); DROP SEQUENCE rules_change_number_seq;"
)


class Migration(migrations.Migration):
    dependencies = [("rules", "0003_history_notes_and_examples")]
    operations = [
        migrations.RunSQL(NUMBERS, UNNUMBERED),
        migrations.CreateModel(
            name="RuleSetChange",
            fields=[
                ("number", models.BigIntegerField(primary_key=True, serialize=False)),
                ("version", models.BigIntegerField(db_index=True)),
                ("changed_at", models.DateTimeField()),
            ],
        ),
        migrations.RunSQL(LOGGED + TRUNCATED, UNLOGGED),
    ]
