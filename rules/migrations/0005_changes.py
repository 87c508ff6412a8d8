"""Changes of rules, hosts and teams go into the table of all changes, too; what their history has so far is copied."""

from django.db import migrations

from audit.change_triggers import noted

TABLES = {"rules_rule": ("rule", "name"), "rules_developmenthost": ("development_host", "hostname"), "rules_deviceteam": ("team", "hostname")}

# The same as the triggers make of the rows themselves: only the fields that were changed.
_COPY = """
SELECT history.at, history.who, history.via, history.address, history.reason, '{kind}', history.object_id, history.name,
       history.what, coalesce(changed.old, '{{}}'), coalesce(changed.new, '{{}}'), history.pgh_id
  FROM (SELECT pgh_id, pgh_created_at AS at, coalesce(pgh_context ->> 'author', '') AS who,
               coalesce(pgh_context ->> 'via', '') AS via, '' AS address,
               coalesce(pgh_context ->> 'reason', '') AS reason, id::text AS object_id, {name} AS name,
               pgh_label AS what, CASE WHEN pgh_label <> 'deleted' THEN to_jsonb(known) END AS after,
               CASE WHEN pgh_label <> 'added' THEN lag(to_jsonb(known)) OVER (PARTITION BY id ORDER BY pgh_id) END AS before
          FROM {table}change AS known) AS history,
       LATERAL (
           SELECT jsonb_object_agg(key, b.value) FILTER (WHERE b.value IS NOT NULL) AS old,
                  jsonb_object_agg(key, a.value) FILTER (WHERE a.value IS NOT NULL) AS new
             FROM jsonb_each(history.before) AS b FULL JOIN jsonb_each(history.after) AS a USING (key)
            WHERE b.value IS DISTINCT FROM a.value
                  AND NOT (coalesce(b.value, 'null') IN ('null', '""', '[]', '{{}}')
                           AND coalesce(a.value, 'null') IN ('null', '""', '[]', '{{}}'))
                  AND key NOT LIKE 'pgh\\_%'
                  AND key NOT IN ('id', 'created_at', 'updated_at', 'change_number')
       ) AS changed
"""
COPY = (
    "INSERT INTO audit_change (at, who, via, address, reason, kind, object_id, name, what, old, new)"  # nosec B608 # names of our own
    " SELECT at, who, via, address, reason, kind, object_id, name, what, old, new FROM ("
    + " UNION ALL ".join(_COPY.format(table=table, kind=kind, name=name) for table, (kind, name) in TABLES.items())
    + ") AS copied (at, who, via, address, reason, kind, object_id, name, what, old, new, pgh_id) ORDER BY at, pgh_id"
)


class Migration(migrations.Migration):
    dependencies = [("rules", "0004_past_rule_sets"), ("audit", "0010_changes")]

    operations = [
        migrations.RunSQL("LOCK TABLE rules_rule, rules_developmenthost, rules_deviceteam IN SHARE ROW EXCLUSIVE MODE", migrations.RunSQL.noop),
        migrations.RunSQL(COPY, migrations.RunSQL.noop),
        *(noted(table, kind, name) for table, (kind, name) in TABLES.items()),
    ]
