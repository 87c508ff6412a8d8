"""One table of all changes, which the database fills and guards itself."""

from django.db import migrations, models

from audit.change_triggers import links_noted, noted

# Who is at work, and why, stands in the transaction: pghistory puts it there, and only MUTT does that. Whoever comes
# with psql is known by the role.
CONTEXT = """
CREATE FUNCTION audit_context(name text) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
    known text := current_setting('pghistory.context_metadata', true);
BEGIN
    IF coalesce(known, '') = '' THEN
        RETURN '';
    END IF;
    RETURN coalesce(known::jsonb ->> name, '');
END $$;

CREATE FUNCTION audit_who() RETURNS text LANGUAGE sql STABLE AS $$
    SELECT coalesce(nullif(audit_context('author'), ''), session_user::text)
$$;

CREATE FUNCTION audit_via() RETURNS text LANGUAGE sql STABLE AS $$
    SELECT coalesce(nullif(audit_context('via'), ''), 'database')
$$;

CREATE FUNCTION audit_address() RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN audit_context('via') = '' THEN coalesce(host(inet_client_addr()), '')
                ELSE audit_context('address') END
$$;
"""

TABLE = """
CREATE TABLE audit_change (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    who text NOT NULL DEFAULT audit_who(),
    via text NOT NULL DEFAULT audit_via(),
    address text NOT NULL DEFAULT audit_address(),
    correlation_id text NOT NULL DEFAULT audit_context('correlation_id'),
    reason text NOT NULL DEFAULT audit_context('reason'),
    kind text NOT NULL,
    object_id text NOT NULL,
    name text NOT NULL DEFAULT '',
    what text NOT NULL,
    old jsonb NOT NULL DEFAULT '{}',
    new jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX change_object ON audit_change (kind, object_id, id DESC);
CREATE INDEX change_kind ON audit_change (kind, id DESC);
CREATE INDEX change_who ON audit_change (who, id DESC);
CREATE INDEX change_name ON audit_change (upper(name) text_pattern_ops);
CREATE INDEX change_correlation ON audit_change (correlation_id, id DESC) WHERE correlation_id <> '';
CREATE INDEX change_at ON audit_change (at);

CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: what is written there stays', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER audit_change_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_change
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
ALTER TABLE audit_change ENABLE ALWAYS TRIGGER audit_change_stays;  -- session_replication_role does not get past it
"""

# A column with such a name is a secret: that it was changed is noted, what it was or is is not.
NOTING = """
CREATE FUNCTION audit_shown(field text, value jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN field ~ '(password|secret|digest|token|^key$|hash$)'
                     AND value NOT IN ('null', '""', '[]', '{}') THEN '"(not shown)"' ELSE value END
$$;

CREATE FUNCTION audit_note(kind text, named text, ignored text, word text, before jsonb, after jsonb)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    whole jsonb := coalesce(after, before);
    never text[] := ignored::text[] || '{id,created_at,updated_at,last_used_at,last_login}';
    was jsonb;
    became jsonb;
BEGIN
    SELECT jsonb_object_agg(key, audit_shown(key, b.value)) FILTER (WHERE b.value IS NOT NULL),
           jsonb_object_agg(key, audit_shown(key, a.value)) FILTER (WHERE a.value IS NOT NULL)
      INTO was, became
      FROM jsonb_each(before) AS b FULL JOIN jsonb_each(after) AS a USING (key)
     WHERE b.value IS DISTINCT FROM a.value AND key <> ALL (never)
           AND NOT (coalesce(b.value, 'null') IN ('null', '""', '[]', '{}')
                    AND coalesce(a.value, 'null') IN ('null', '""', '[]', '{}'));
    IF was IS NULL AND became IS NULL AND before IS NOT NULL AND after IS NOT NULL THEN
        RETURN;
    END IF;
    INSERT INTO audit_change (kind, object_id, name, what, old, new)
    VALUES (kind, whole ->> 'id', coalesce(whole #>> named::text[], ''),
            CASE WHEN word <> '' THEN word WHEN before IS NULL THEN 'added' WHEN after IS NULL THEN 'deleted'
                 ELSE 'changed' END,
            coalesce(was, '{}'), coalesce(became, '{}'));
END $$;

CREATE FUNCTION audit_note_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM audit_note(TG_ARGV[0], TG_ARGV[1], TG_ARGV[2], TG_ARGV[3],
                       CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END,
                       CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END);
    RETURN NULL;
END $$;

-- TRUNCATE fires no trigger for its rows: what it is about to take away is noted before.
CREATE FUNCTION audit_note_truncated() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    gone jsonb;
BEGIN
    FOR gone IN EXECUTE format('SELECT to_jsonb(t) FROM %I.%I AS t', TG_TABLE_SCHEMA, TG_TABLE_NAME) LOOP
        PERFORM audit_note(TG_ARGV[0], TG_ARGV[1], TG_ARGV[2], TG_ARGV[3], gone, NULL);
    END LOOP;
    RETURN NULL;
END $$;

CREATE FUNCTION audit_label(query text, row_before jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    label text;
BEGIN
    IF row_before IS NOT NULL THEN
        EXECUTE query INTO label USING row_before;
    END IF;
    RETURN label;
END $$;

CREATE FUNCTION audit_note_link() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    before jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
    after jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
    owner text := coalesce(after, before) ->> TG_ARGV[1];
    owner_name text;
BEGIN
    EXECUTE format('SELECT %I FROM %I WHERE id::text = $1', TG_ARGV[3], TG_ARGV[2]) INTO owner_name USING owner;
    INSERT INTO audit_change (kind, object_id, name, what, old, new)
    VALUES (TG_ARGV[0], owner, coalesce(owner_name, ''), 'changed',
            jsonb_build_object(TG_ARGV[4], audit_label(TG_ARGV[5], before)),
            jsonb_build_object(TG_ARGV[4], audit_label(TG_ARGV[5], after)));
    RETURN NULL;
END $$;
"""

GROUP = "SELECT name FROM auth_group WHERE id = ($1 ->> 'group_id')::bigint"
PERMISSION = (
    "SELECT app_label || '.' || codename FROM auth_permission"
    " JOIN django_content_type ON django_content_type.id = content_type_id"
    " WHERE auth_permission.id = ($1 ->> 'permission_id')::bigint"
)
# The pipeline lets events die and comes back to them; people discard, and psql may undo that.
DISCARDED = "OLD.state IS DISTINCT FROM NEW.state AND 'discarded' IN (OLD.state, NEW.state)"


class Migration(migrations.Migration):
    dependencies = [("audit", "0009_correlation_id"), ("auth", "0012_alter_user_first_name_max_length")]

    operations = [
        migrations.CreateModel(
            name="Change",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ],
            options={
                "db_table": "audit_change",
                "ordering": ("-id",),
                "managed": False,
                "default_permissions": ("view",),
            },
        ),
        migrations.RunSQL(CONTEXT, "DROP FUNCTION audit_who, audit_via, audit_address, audit_context;"),
        migrations.RunSQL(TABLE, "DROP TABLE audit_change; DROP FUNCTION audit_refuse;"),
        migrations.RunSQL(
            NOTING, "DROP FUNCTION audit_note_link, audit_label, audit_note_truncated, audit_note_row, audit_note, audit_shown;"
        ),
        noted("auth_user", "user", "username"),
        noted("auth_group", "group", "name"),
        links_noted("auth_user_groups", "user", ("user_id", "auth_user", "username"), "group", GROUP),
        links_noted(
            "auth_user_user_permissions", "user", ("user_id", "auth_user", "username"), "permission", PERMISSION
        ),
        links_noted("auth_group_permissions", "group", ("group_id", "auth_group", "name"), "permission", PERMISSION),
        noted(
            "audit_deadletter",
            "dead_letter",
            "payload,hostname",
            ignored=("payload", "detail"),
            events=("UPDATE",),
            condition=DISCARDED,
        ),
        noted(
            "audit_archive",
            "archive",
            "month",
            ignored=("progress", "place", "parts", "history", "outcomes", "started_at", "ended_at"),
        ),
    ]
