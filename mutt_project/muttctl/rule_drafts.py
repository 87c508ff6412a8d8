"""Drafts of rules: what is to be tried before it is saved, from a file or from options."""

from collections.abc import Mapping
from typing import Any, BinaryIO

import click

from mutt_project.muttctl.client import Client, JsonObject
from mutt_project.muttctl.errors import ApiRefusedError
from mutt_project.muttctl.located import FaultyFileError, Located
from mutt_project.muttctl.parameters import name_of
from mutt_project.muttctl.rule_fields import given_fields
from mutt_project.muttctl.rule_files import read_draft

draft_option = click.option(
    "--draft",
    type=click.File("rb"),
    metavar="FILE",
    help="JSON or YAML with a rule's fields; with the id of a rule it stands in for that one.",
)


def draft_from(file: BinaryIO | None, options: Mapping[str, Any] | None = None) -> Located | None:
    """The draft, if there is one, and where its fields stand. Raises FaultyFileError."""
    if file is not None:
        return read_draft(file.read(), name_of(file))
    return Located("", [given_fields(dict(options))]) if options else None


def post_with(client: Client, path: str, content: Mapping[str, Any], draft: Located | None) -> JsonObject:
    """Send something with a draft; what is wrong with the draft of a file is said at its line."""
    if draft is not None:
        content = {**content, "draft": draft.entries[0]}
    try:
        return client.post(path, content)
    except ApiRefusedError as refusal:
        wrong = [(pointer, words) for pointer, words in refusal.errors if f"{pointer}/".startswith("/draft/")]
        if draft is None or not draft.name or not wrong or len(wrong) < len(refusal.errors):
            raise
        raise FaultyFileError(draft, [draft.fault(pointer, words) for pointer, words in wrong]) from None
