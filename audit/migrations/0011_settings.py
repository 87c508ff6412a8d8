"""Who may look at settings and change them at run time; what is changed is noted by a trigger on constance's table."""

from django.db import migrations, models

# constance wraps each value in JSON of its own, and calls the column of the name `key`, as secrets are called.
TRIGGER = """
CREATE FUNCTION audit_setting(id integer, name text, value text) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT jsonb_build_object('id', id, 'name', name, 'value', value::jsonb -> '__value__')
$$;

CREATE FUNCTION audit_note_setting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM audit_note('setting', '{name}', '{name}', '',
                       CASE WHEN TG_OP <> 'INSERT' THEN audit_setting(OLD.id, OLD.key, OLD.value) END,
                       CASE WHEN TG_OP <> 'DELETE' THEN audit_setting(NEW.id, NEW.key, NEW.value) END);
    RETURN NULL;
END $$;

CREATE FUNCTION audit_note_settings_truncated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM audit_note('setting', '{name}', '{name}', '', audit_setting(id, key, value), NULL) FROM constance_constance;
    RETURN NULL;
END $$;

CREATE TRIGGER constance_constance_noted AFTER INSERT OR UPDATE OR DELETE ON constance_constance
    FOR EACH ROW EXECUTE FUNCTION audit_note_setting();
CREATE TRIGGER constance_constance_noted_truncated BEFORE TRUNCATE ON constance_constance
    FOR EACH STATEMENT EXECUTE FUNCTION audit_note_settings_truncated();
"""
BACK = """
DROP TRIGGER constance_constance_noted_truncated ON constance_constance;
DROP TRIGGER constance_constance_noted ON constance_constance;
DROP FUNCTION audit_note_settings_truncated, audit_note_setting, audit_setting;
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0010_changes"), ("constance", "0003_drop_pickle")]

    operations = [
        migrations.CreateModel(
            name="Setting",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ],
            options={
                "verbose_name": "setting",
                "verbose_name_plural": "settings at run time",
                "managed": False,
                "default_permissions": ("view", "change"),
            },
        ),
        migrations.RunSQL(TRIGGER, BACK),
    ]
