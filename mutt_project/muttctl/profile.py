"""`muttctl profile`: several MUTTs by name, each with its address and its key."""

import os
import sys
from pathlib import Path
from typing import Any

import click

from audit.tls import client_context
from mutt_project.muttctl.client import Client, JsonObject, profile_of_command_line
from mutt_project.muttctl.completing import complete_profiles
from mutt_project.muttctl.configuration import check_key, check_privacy, checked_url, of_profile
from mutt_project.muttctl.errors import ConfigurationError, MuttctlError
from mutt_project.muttctl.output import cell, examples, new_table, output_option, print_record, print_rows, print_table
from mutt_project.muttctl.parameters import confirm, yes_option
from mutt_project.muttctl.profile_keys import forget_key, store_key
from mutt_project.muttctl.profile_store import (
    FILE,
    KEYRING,
    NAME,
    Profile,
    Profiles,
    profiles_to_change,
    read_profiles,
)

COLUMNS = ("name", "url", "current", "key", "ca_file", "client_cert_file", "client_key_file", "allow_http")
CHECK_COLUMNS = ("profile", "url", "key", "scopes", "expires_at", "version")

existing_file = click.Path(exists=True, dir_okay=False, path_type=Path, resolve_path=True)


class NameParameter(click.ParamType[str]):
    """The name of a profile, which is the name of a file, too."""

    name = "name"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not NAME.fullmatch(value):
            self.fail(f"“{value}” is no name of a profile: letters, digits, dots, _ and -, such as prod.", param, ctx)
        return value


name_argument = click.argument("name", type=NameParameter(), shell_complete=complete_profiles)
name_or_current = click.argument("name", type=NameParameter(), required=False, shell_complete=complete_profiles)


@click.group(
    "profile",
    epilog=examples(
        "muttctl profile add prod --url https://mutt.example.com",
        "muttctl profile use prod",
        "muttctl profile check",
        "muttctl --profile prod ledger",
    ),
)
def profile() -> None:
    """Several MUTTs by name: the address of each, and its key in the keyring."""


@profile.command(
    "add",
    epilog=examples(
        "muttctl profile add prod --url https://mutt.example.com",
        "muttctl profile add lab --url https://lab.example.com --file < lab.key",
        "muttctl profile add site --url https://mutt.example.com"
        " --ca-file ca.pem --client-cert-file me.pem --client-key-file me.key",
    ),
)
@name_argument
@click.option("--url", required=True, help="The address, such as https://mutt.example.com.")
@click.option("--file", "in_file", is_flag=True, help="Keep the key in a file that only you can read, not the keyring.")
@click.option("--ca-file", type=existing_file, help="The authority of MUTT's certificate, if it is your own (PEM).")
@click.option("--client-cert-file", type=existing_file, help="The certificate to show to MUTT (PEM).")
@click.option("--client-key-file", type=existing_file, help="Its key (PEM, without a passphrase).")
@click.option("--allow-http", is_flag=True, help="Take an http:// address of another machine: the key can be read.")
@click.option("--replace", is_flag=True, help="Take the place of a profile of this name.")
@output_option
def add_profile(
    *, name: str, url: str, in_file: bool, allow_http: bool, replace: bool, form: str, **files: Path | None
) -> None:
    """Make a profile. The API key is asked for, or read from standard input.

    The first profile becomes the current one.
    """
    profiles = profiles_to_change(os.environ)
    before = profiles.by_name.get(name)
    if before and not replace:
        raise MuttctlError(f"There is a profile “{name}” already, for {before.url}: --replace takes its place.")
    address = checked_url(url.strip(), "--url")
    if not allow_http:
        check_privacy(address, "--url", "add --allow-http")
    paths = {word: str(path) if path else None for word, path in files.items()}
    _check_files(**paths)
    made = Profile(name, address, FILE if in_file else KEYRING, allow_http=allow_http, **paths)
    store_key(made, profiles.folder, _key_from_person())
    profiles.by_name[name] = made
    profiles.current = profiles.current or name
    profiles.save()
    if before:
        _forget_former_key(before, made, profiles.folder)
    print_record(_shown(made, profiles), form, COLUMNS)


@profile.command("list", epilog=examples("muttctl profile list", "muttctl profile list -o json"))
@output_option
def list_profiles(form: str) -> None:
    """List the profiles; * is the current one."""
    profiles = read_profiles(os.environ)
    rows = [_shown(profiles.by_name[name], profiles) for name in sorted(profiles.by_name)]
    print_rows(rows, form, COLUMNS, _print_list, nothing="There are no profiles: muttctl profile add --help.")


@profile.command("show", epilog=examples("muttctl profile show", "muttctl profile show prod -o json"))
@name_or_current
@output_option
def show_profile(name: str | None, form: str) -> None:
    """Show a profile, or the current one. The key itself is never shown."""
    profiles = read_profiles(os.environ)
    print_record(_shown(_named(profiles, name), profiles), form, COLUMNS)


@profile.command("use", epilog=examples("muttctl profile use prod"))
@name_argument
def use_profile(name: str) -> None:
    """Make a profile the current one."""
    profiles = profiles_to_change(os.environ)
    profiles.current = profiles.named(name).name
    profiles.save()
    click.echo(f"muttctl speaks to {profiles.named(name).url} now, where nothing else is said.")


@profile.command("remove", epilog=examples("muttctl profile remove lab --yes"))
@name_argument
@yes_option
def remove_profile(name: str, *, yes: bool) -> None:
    """Forget a profile and its key."""
    profiles = profiles_to_change(os.environ)
    gone = profiles.named(name)
    confirm(f"Forget 1 profile, “{name}” for {gone.url}, and its key?", yes=yes)
    forget_key(gone, profiles.folder)
    del profiles.by_name[name]
    profiles.current = None if profiles.current == name else profiles.current
    profiles.save()
    click.echo(f"The profile “{name}” is forgotten.")


@profile.command("check", epilog=examples("muttctl profile check", "muttctl profile check prod -o json"))
@name_or_current
@output_option
def check_profile(name: str | None, form: str) -> None:
    """Ask the MUTT of a profile, or of the current one, whether it takes the key, and for what.

    The exit status is 3 where MUTT does not answer, and 4 where it refuses the key.
    """
    profiles = read_profiles(os.environ)
    chosen = _named(profiles, name)
    status = Client(of_profile(chosen, profiles.folder)).get("/api/v1/status")
    key, versions = status.get("key") or {}, status.get("versions") or {}
    told = {
        "profile": chosen.name,
        "url": chosen.url,
        "key": key.get("name"),
        "scopes": key.get("scopes"),
        "expires_at": key.get("expires_at"),
        "version": versions.get("mutt"),
    }
    print_record(told, form, CHECK_COLUMNS)


def _forget_former_key(before: Profile, made: Profile, folder: Path) -> None:
    """Unless the new one has taken its place. A keyring that cannot be used keeps it: that may be why it is left."""
    if before.key == made.key and (made.key == FILE or before.url == made.url):
        return
    try:
        forget_key(before, folder)
    except ConfigurationError as error:
        click.echo(f"The former key stays in the keyring. {error.message.splitlines()[0]}", err=True)


def _named(profiles: Profiles, name: str | None) -> Profile:
    wanted = name or profile_of_command_line() or os.environ.get("MUTT_PROFILE", "").strip() or profiles.current
    if not wanted:
        raise ConfigurationError("No profile is the current one: name one, or choose it by muttctl profile use.")
    return profiles.named(wanted)


def _check_files(ca_file: str | None, client_cert_file: str | None, client_key_file: str | None) -> None:
    try:
        client_context(ca_file, client_cert_file, client_key_file)
    except ValueError as error:
        raise ConfigurationError(f"A file for TLS cannot be used: {error}.") from None


def _key_from_person() -> str:
    key = click.prompt("API key", hide_input=True, err=True) if sys.stdin.isatty() else sys.stdin.readline()
    if not key.strip():
        raise ConfigurationError("There is no API key on standard input: give it as its first line.")
    check_key(key.strip(), "what was typed or read")
    return str(key.strip())


def _shown(one: Profile, profiles: Profiles) -> JsonObject:
    words: dict[str, Any] = {name: getattr(one, name) for name in COLUMNS if name != "current"}
    return {name: one.name == profiles.current if name == "current" else words[name] for name in COLUMNS}


def _print_list(rows: list[JsonObject]) -> None:
    table = new_table()
    for title in ("", "Name", "Address", "Key in"):
        table.add_column(title, overflow="fold")
    for row in rows:
        mark = "*" if row["current"] else ""
        table.add_row(cell(mark), cell(row["name"]), cell(row["url"]), cell(row["key"]))
    print_table(table)
