"""`muttctl keys`: who may call MUTT, and for what."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from mutt_project.muttctl.client import PAGE_SIZE, Client, JsonObject, connect
from mutt_project.muttctl.completing import complete_keys
from mutt_project.muttctl.errors import ApiRefusedError
from mutt_project.muttctl.key_output import COLUMNS, print_key, print_keys, print_secrets
from mutt_project.muttctl.output import examples, output_option, print_rows, printable
from mutt_project.muttctl.parameters import DurationParameter, confirm, reason_option, with_options, yes_option
from mutt_project.muttctl.secret_files import secret_files

PATH = "/api/v1/keys"
SCOPES = ("ingest", "read", "write", "admin")
SOURCES = ("native", "syslog", "snmptrap", "solarwinds", "alertmanager")
NOT_FOUND = 404
HOUR_S = 3600

key_argument = click.argument("key", metavar="KEY", shell_complete=complete_keys)
secret_option = click.option(
    "--secret-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the secret into this new file that only you can read, and do not show it.",
)
signing_option = click.option(
    "--signing-secret-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The same for the signing secret.",
)
NONE = "none"
_TAKEN_BACK: tuple[tuple[str, str, Any], ...] = (
    ("allowed_sources", "allowed_sources", []),
    ("rate_limit", "rate_limit", ""),
    ("expires_in", "expires_at", None),
)


class ExpiryParameter(DurationParameter):
    """A span of time, or “none”: it never ends."""

    def convert(self, value: str | int, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return NONE if value == NONE else super().convert(value, param, ctx)


_FIELDS: tuple[Callable[..., Any], ...] = (
    click.option(
        "--scope", "scopes", type=click.Choice(SCOPES), multiple=True, help="What it may do; may be repeated."
    ),
    click.option(
        "--source",
        "allowed_sources",
        type=click.Choice(SOURCES),
        multiple=True,
        help="The only source it may send for; may be repeated.  [default: all]",
    ),
    click.option("--rate-limit", metavar="RATE", help="Most requests, such as 100/second or 6000/minute."),
    click.option(
        "--expires-in", metavar="SPAN", type=DurationParameter(), help="Such as 12h or 90d.  [default: never]"
    ),
)


_CHANGED_FIELDS: tuple[Callable[..., Any], ...] = (
    _FIELDS[0],
    click.option(
        "--source",
        "allowed_sources",
        type=click.Choice([*SOURCES, NONE]),
        multiple=True,
        help="The only source it may send for; may be repeated; none: for all.",
    ),
    click.option("--rate-limit", metavar="RATE", help="Such as 100/second; none: that of all keys."),
    click.option("--expires-in", metavar="SPAN", type=ExpiryParameter(), help="Such as 12h or 90d; none: never."),
)


def field_options(command: Callable[..., Any]) -> Callable[..., Any]:
    return with_options(command, _FIELDS)


def changed_field_options(command: Callable[..., Any]) -> Callable[..., Any]:
    return with_options(command, _CHANGED_FIELDS)


@click.group(
    "keys",
    epilog=examples(
        "muttctl keys list",
        "muttctl keys create rsyslog --scope ingest --source syslog",
        'muttctl keys rotate rsyslog --grace 24h --reason "CHG-1234"',
        'muttctl keys revoke rsyslog --yes --reason "It was in a mail"',
    ),
)
def keys() -> None:
    """Who may call MUTT, and for what. A key that manages keys has the scope admin.

    KEY is the name of a key, or its number.
    """


@keys.command("list", epilog=examples("muttctl keys list", "muttctl keys list -o csv"))
@output_option
def list_keys(form: str) -> None:
    """List the API keys, without their secrets."""
    found = sorted(_all(connect()), key=lambda key: str(key.get("name")).casefold())
    print_rows(found, form, COLUMNS, print_keys, nothing="There are no keys.")


@keys.command("show", epilog=examples("muttctl keys show rsyslog", "muttctl keys show rsyslog -o json"))
@key_argument
@output_option
def show_key(key: str, form: str) -> None:
    """Show one key, without its secrets."""
    print_key(_found(connect(), key), form)


@keys.command(
    "create",
    epilog=examples(
        "muttctl keys create rsyslog --scope ingest --source syslog",
        "muttctl keys create grafana --scope read --expires-in 90d > grafana.key",
        "muttctl keys create gateway --scope ingest --signed"
        " --secret-file gateway.key --signing-secret-file gateway.signing",
    ),
)
@click.argument("name")
@field_options
@click.option("--in-url", is_flag=True, help="It may be in the URL; needs exactly one --source.")
@click.option("--signed", is_flag=True, help="Its requests must be signed.")
@secret_option
@signing_option
@reason_option()
@output_option
def create_key(
    *, name: str, signed: bool, reason: str | None, form: str, secret_file: Path | None, **options: Any
) -> None:
    """Make a key, and show its secret this once; of the key only a hash is kept.

    The secret is alone on standard output, and the signing secret on a second line; -o json has
    them among the fields. A key gives only scopes that the key you call with has itself.
    """
    signing_secret_file = options.pop("signing_secret_file")
    if not options["scopes"]:
        raise click.UsageError("Say with --scope what it may do; it may be repeated.")
    if signing_secret_file and not signed:
        raise click.UsageError("--signing-secret-file is for a key that is --signed.")
    client = connect()
    asked = {"name": name, "in_url": options.pop("in_url"), "signed": signed, **_given(options)}
    with secret_files({"secret": secret_file, "signing_secret": signing_secret_file}) as files:
        print_secrets(client.post(PATH, asked, reason=reason), files, form)


@keys.command(
    "update",
    epilog=examples(
        "muttctl keys update rsyslog --rate-limit 100/second",
        'muttctl keys update grafana --expires-in 30d --reason "CHG-1234"',
        'muttctl keys update grafana --expires-in none --reason "CHG-1234 is over"',
    ),
)
@key_argument
@click.option("--name", metavar="TEXT", help="Call it so from now on.")
@changed_field_options
@reason_option()
@output_option
def update_key(key: str, reason: str | None, form: str, **options: Any) -> None:
    """Change what is given of a key; all else stays. The secret stays, too.

    “none” takes a limit back: --expires-in, --rate-limit, --source.
    """
    if NONE in options["allowed_sources"] and len(options["allowed_sources"]) > 1:
        raise click.UsageError("--source none is for all sources: leave the other --source out.")
    asked = _given({name: value for name, value in options.items() if value not in (NONE, (NONE,))})
    asked |= {field: empty for option, field, empty in _TAKEN_BACK if options[option] in (NONE, (NONE,))}
    if not asked:
        raise click.UsageError("Say what is to change, such as --rate-limit 100/second.")
    _change(key, asked, reason, form)


@keys.command(
    "rotate",
    epilog=examples(
        'muttctl keys rotate rsyslog --reason "CHG-1234" > rsyslog.key',
        "muttctl keys rotate rsyslog --grace 0 --yes --secret-file new.key",
    ),
)
@key_argument
@click.option(
    "--grace",
    metavar="SPAN",
    type=DurationParameter(zero=True),
    default="24h",
    show_default=True,
    help="The present secret is taken for so long; 0: not a moment.",
)
@yes_option
@secret_option
@reason_option()
@output_option
def rotate_key(*, key: str, grace: int, yes: bool, secret_file: Path | None, reason: str | None, form: str) -> None:
    """Give a key a new secret, and show it this once. All else stays.

    Only --grace 0 is asked about: who uses the present secret is shut out at once.
    """
    client = connect()
    found = _found(client, key)
    if not grace:
        confirm(f"Shut out whoever uses the present secret of 1 key, {_named(found)}?", yes=yes)
    with secret_files({"secret": secret_file}) as files:
        path = f"{PATH}/{found.get('id')}/rotate-secret"
        print_secrets(found | client.post(path, {"grace_hours": grace / HOUR_S}, reason=reason), files, form)


@keys.command(
    "rotate-signing", epilog=examples("muttctl keys rotate-signing gateway --signing-secret-file new.signing")
)
@key_argument
@signing_option
@reason_option()
@output_option
def rotate_signing(key: str, signing_secret_file: Path | None, reason: str | None, form: str) -> None:
    """Give a key a new signing secret, and show it this once; the one before is still taken.

    With its first one, requests must be signed from then on.
    """
    client = connect()
    found = _found(client, key)
    with secret_files({"signing_secret": signing_secret_file}) as files:
        answer = client.post(f"{PATH}/{found.get('id')}/rotate-signing-secret", {}, reason=reason)
        print_secrets(found | answer, files, form)


@keys.command("drop-signing", epilog=examples("muttctl keys drop-signing gateway --yes"))
@key_argument
@yes_option
@reason_option()
@output_option
def drop_signing(key: str, *, yes: bool, reason: str | None, form: str) -> None:
    """Drop the signing secret before the newest: what is signed with it is refused."""
    client = connect()
    found = _found(client, key)
    confirm(f"Drop 1 signing secret, the former one of {_named(found)}?", yes=yes)
    print_key(client.post(f"{PATH}/{found.get('id')}/drop-old-signing-secret", {}, reason=reason), form)


@keys.command("revoke", epilog=examples('muttctl keys revoke rsyslog --yes --reason "It was in a mail"'))
@key_argument
@yes_option
@reason_option()
@output_option
def revoke_key(key: str, *, yes: bool, reason: str | None, form: str) -> None:
    """Let a key be refused from now on; it is kept, and muttctl keys enable takes that back."""
    _change(key, {"is_active": False}, reason, form, question="Revoke 1 key, {}?", yes=yes)


@keys.command("enable", epilog=examples('muttctl keys enable rsyslog --reason "It was another one"'))
@key_argument
@reason_option()
@output_option
def enable_key(key: str, reason: str | None, form: str) -> None:
    """Take back that a key was revoked."""
    _change(key, {"is_active": True}, reason, form)


@keys.command("delete", epilog=examples('muttctl keys delete rsyslog --yes --reason "CHG-1234"'))
@key_argument
@yes_option
@reason_option()
@output_option
def delete_key(key: str, *, yes: bool, reason: str | None, form: str) -> None:
    """Delete a key for good; what it did stays on record under its name."""
    client = connect()
    found = _found(client, key)
    confirm(f"Delete 1 key, {_named(found)}, for good?", yes=yes)
    client.delete(f"{PATH}/{found.get('id')}", reason=reason)
    print_key(found, form, f"The key {_named(found)} is deleted.")


def _change(
    key: str, fields: JsonObject, reason: str | None, form: str, *, question: str = "", yes: bool = True
) -> None:
    client = connect()
    found = _found(client, key)
    confirm(question.format(_named(found)), yes=yes)
    print_key(client.patch(f"{PATH}/{found.get('id')}", fields, reason=reason), form)


def _all(client: Client) -> list[JsonObject]:
    return list(client.pages(PATH, {"limit": PAGE_SIZE}))


def _found(client: Client, key: str) -> JsonObject:
    """The key of this name, or else of this number."""
    for one in _all(client):
        if one.get("name") == key:
            return one
    if key.isdecimal():
        with suppress(ApiRefusedError):
            return client.get(f"{PATH}/{key}")
    message = f"There is no key “{printable(key)}”; muttctl keys list shows all."
    raise ApiRefusedError(message, NOT_FOUND, message)


def _given(options: dict[str, Any]) -> JsonObject:
    """The fields that were given, as the API takes them."""
    span = options.pop("expires_in", None)
    given = {name: list(value) if isinstance(value, tuple) else value for name, value in options.items() if value}
    return given | ({} if span is None else {"expires_at": (datetime.now(UTC) + timedelta(seconds=span)).isoformat()})


def _named(key: JsonObject) -> str:
    return f"“{printable(key.get('name'))}” ({printable(key.get('prefix'))}…)"
