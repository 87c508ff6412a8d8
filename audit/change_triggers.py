"""The triggers that note changes of a table: migrations of all apps take them from here."""

from collections.abc import Sequence

from django.db import migrations


def noted(  # noqa: PLR0913 - each is a word of the trigger
    table: str,
    kind: str,
    name: str,
    *,
    ignored: Sequence[str] = (),
    events: Sequence[str] = ("INSERT", "UPDATE", "DELETE", "TRUNCATE"),
    condition: str = "",
    word: str = "",
) -> migrations.RunSQL:
    """Note what happens to the rows of a table as changes of this kind.

    `name`: the column, or the path into JSON, that names a row: `name` or `payload,hostname`. What happens to `ignored`
    columns alone is no change, and their values are never copied; secrets never are (see audit's tenth migration).
    `word`: what it is called, where that is not added, changed or deleted.
    """
    arguments = f"'{kind}', '{{{name}}}', '{{{','.join(ignored)}}}', '{word}'"
    trigger = f"{table}_noted" + (f"_{word}" if word else "")
    rows = " OR ".join(event for event in events if event != "TRUNCATE")
    when = f" WHEN ({condition})" if condition else ""
    note = f"FOR EACH ROW{when} EXECUTE FUNCTION audit_note_row({arguments})"
    create = [f"CREATE TRIGGER {trigger} AFTER {rows} ON {table} {note};"]
    drop = [f"DROP TRIGGER {trigger} ON {table};"]
    if "TRUNCATE" in events:
        create.append(
            f"CREATE TRIGGER {trigger}_truncated BEFORE TRUNCATE ON {table}"
            f" FOR EACH STATEMENT EXECUTE FUNCTION audit_note_truncated({arguments});"
        )
        drop.append(f"DROP TRIGGER {trigger}_truncated ON {table};")
    return migrations.RunSQL("\n".join(create), "\n".join(drop))


def links_noted(table: str, kind: str, owner: tuple[str, str, str], field: str, label: str) -> migrations.RunSQL:
    """Note rows of a table between two others as changes of the owner: (its column here, its table, what names it).

    `label` is a query for what the row leads to, with $1 for the row as JSON.
    """
    column, owners, naming = owner
    arguments = ", ".join(f"'{one}'" for one in (kind, column, owners, naming, field, label.replace("'", "''")))
    create = (
        f"CREATE TRIGGER {table}_noted AFTER INSERT OR UPDATE OR DELETE ON {table}"
        f" FOR EACH ROW EXECUTE FUNCTION audit_note_link({arguments});"
    )
    return migrations.RunSQL(create, f"DROP TRIGGER {table}_noted ON {table};")
