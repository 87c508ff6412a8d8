"""How API keys are shown, and the one time that their secrets are."""

import click

from mutt_project.muttctl.client import JsonObject
from mutt_project.muttctl.output import (
    cell,
    new_table,
    print_csv,
    print_fields,
    print_json,
    print_record,
    print_table,
    short_time,
)
from mutt_project.muttctl.secret_files import SecretFiles

COLUMNS = (
    *("id", "name", "prefix", "scopes", "allowed_sources", "in_url", "rate_limit", "is_active", "expires_at"),
    *("former_until", "signing_secret_count", "last_used_at", "created_at"),
)
SECRETS = ("secret", "signing_secret")


def print_keys(found: list[JsonObject]) -> None:
    table = new_table()
    table.add_column("ID", justify="right", no_wrap=True)
    table.add_column("Name", overflow="fold")
    table.add_column("May", overflow="fold")
    table.add_column("State", no_wrap=True)
    table.add_column("Last used", no_wrap=True)
    for key in found:
        sources = key.get("allowed_sources") or []
        table.add_row(
            cell(key.get("id")),
            cell(key.get("name"), f"{key.get('prefix')}…"),
            cell(", ".join(key.get("scopes") or []), *([f"only {', '.join(sources)}"] if sources else [])),
            cell("active" if key.get("is_active") else "revoked", *_until(key)),
            cell(short_time(key["last_used_at"]) if key.get("last_used_at") else "never"),
        )
    print_table(table)


def print_key(key: JsonObject, form: str, sentence: str = "") -> None:
    """All its fields, or as a table the sentence, if there is one."""
    print_record(key, form, COLUMNS, (lambda: click.echo(sentence)) if sentence else None)


def print_secrets(key: JsonObject, files: SecretFiles, form: str) -> None:
    """A key whose secrets were made: each goes into its file, or is shown."""
    secrets = {name: str(key[name]) for name in SECRETS if key.get(name)}
    files.write(secrets)
    shown = {name: secret for name, secret in secrets.items() if name not in files.files}
    told = {name: value for name, value in key.items() if name not in SECRETS}
    if form == "json":
        print_json(told | shown)
    elif form == "csv":
        print_csv([told | shown], (*COLUMNS, *shown))
    else:
        print_fields(((name.replace("_", " "), _in_words(told.get(name))) for name in COLUMNS), err=True)
        for secret in shown.values():
            click.echo(secret)
    for name, path in files.files.items():
        click.echo(f"The {name.replace('_', ' ')} is in {path}.", err=True)
    if shown:
        click.echo("The secret is shown this once.", err=True)


def _in_words(value: object) -> object:
    return ", ".join(map(str, value)) if isinstance(value, list) else value


def _until(key: JsonObject) -> list[str]:
    return [f"until {str(key['expires_at'])[:10]}"] if key.get("expires_at") else []
