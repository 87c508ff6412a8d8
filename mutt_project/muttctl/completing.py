"""What a shell completes: names and ids as MUTT has them now. Where it does not answer at once, nothing."""

import os
import re
from collections.abc import Callable

import click
from click.shell_completion import CompletionItem

from mutt_project.muttctl.client import Client, JsonObject
from mutt_project.muttctl.configuration import read_configuration
from mutt_project.muttctl.errors import ConfigurationError
from mutt_project.muttctl.output import one_line
from mutt_project.muttctl.patience import within
from mutt_project.muttctl.profile_store import read_profiles

PATIENCE_S = 1.5  # a person who has pressed Tab waits
MOST = 100
_HELP_LENGTH = 60

Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def complete_profiles(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    try:
        profiles = read_profiles(os.environ).by_name
    except ConfigurationError:
        return []
    return [CompletionItem(name, help=profiles[name].url) for name in sorted(profiles) if name.startswith(incomplete)]


def from_api(path: str, value: str, about: str, *, search: str = "", **query: str) -> Complete:
    """Complete with a field of what is listed there; `search` is the parameter that narrows the list down."""

    def complete(context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
        asked = {**query, **({search: incomplete} if search and incomplete else {}), "limit": MOST}
        profile = context.find_root().params.get("profile")

        def ask() -> JsonObject:
            return Client(read_configuration(os.environ, profile=profile), most_s=PATIENCE_S).get(path, asked)

        try:
            found = within(PATIENCE_S, ask)
        except (click.ClickException, TimeoutError):
            return []
        rows = found.get("results") or found.get("archives") or found.get("settings") or []
        texts = {str(row.get(value)): one_line(str(row.get(about) or ""), _HELP_LENGTH) for row in rows}
        # The shells' scripts split at blanks.
        return [
            CompletionItem(text, help=words)
            for text, words in texts.items()
            if text.startswith(incomplete) and not re.search(r"\s", text)
        ]

    return complete


complete_rules = from_api("/api/v1/rules", "id", "name")
complete_rule_teams = from_api("/api/v1/rules", "team_assignment", "")
complete_hosts = from_api("/api/v1/dev-hosts", "hostname", "description", search="search")
complete_teams = from_api("/api/v1/teams", "hostname", "team", search="search")
complete_keys = from_api("/api/v1/keys", "name", "prefix")
complete_events = from_api("/api/v1/events", "id", "message")
complete_refused = from_api("/api/v1/quarantine", "id", "error")
complete_letters = from_api("/api/v1/dead-letters", "id", "detail", state="waiting")
complete_replays = from_api("/api/v1/replays", "id", "status")
complete_settings = from_api("/api/v1/config", "name", "meaning")
complete_months = from_api("/api/v1/retention", "month", "state")


def complete_setting_pairs(context: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """NAME VALUE NAME VALUE: nobody knows the values."""
    before = context.params.get(param.name or "") or ()
    return [] if len(before) % 2 else complete_settings(context, param, incomplete)
