"""The database raises the version of the rule set itself: no way of changing a rule can forget it."""

from django.db import migrations

TABLES = ("rules_rule", "rules_developmenthost", "rules_deviceteam")

CREATE = """
INSERT INTO rules_rulesetversion (id, version, changed_at) VALUES (1, 1, now());

CREATE FUNCTION rules_raise_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO rules_rulesetversion AS known (id, version, changed_at) VALUES (1, 1, now())
        ON CONFLICT (id) DO UPDATE SET version = known.version + 1, changed_at = now();
    RETURN NULL;
END $$;
""" + "\n".join(
    f"CREATE TRIGGER {table}_raise_version AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table}"
    " FOR EACH STATEMENT EXECUTE FUNCTION rules_raise_version();"
    for table in TABLES
)  # nosec B608 # names of our own

DROP = (
    "\n".join(f"DROP TRIGGER {table}_raise_version ON {table};" for table in TABLES)
    + "DROP FUNCTION rules_raise_version(); DELETE FROM rules_rulesetversion;"  # nosec B608 # names of our own
)


class Migration(migrations.Migration):
    dependencies = [("rules", "0001_initial")]
    operations = [migrations.RunSQL(CREATE, DROP)]
