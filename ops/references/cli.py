"""docs/reference/cli.md, from the commands themselves."""

import re
import textwrap
from collections.abc import Iterator

import click

from ops.references.markdown import block, plain, table

_HEAD = """# muttctl

Written from the commands themselves by `make format`; `muttctl COMMAND --help` tells the same.
"""
_EXAMPLES = "Examples:"


def cli_page(root: click.Group, name: str) -> str:
    """Every command with its usage, options and examples; first what holds for all."""
    context = click.Context(root, info_name=name)
    parts = [_HEAD.rstrip(), *_of_root(context)]
    for _, noun in _commands(context):
        parts.extend(_of_command(noun, 2))
        for _, verb in _commands(noun):
            parts.extend(_of_command(verb, 3))
    return "\n\n".join(parts) + "\n"


def _commands(context: click.Context) -> Iterator[tuple[str, click.Context]]:
    """The commands of a group, by name; none of a command that is no group."""
    group = context.command
    if isinstance(group, click.Group):
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            if command and not command.hidden:
                yield name, click.Context(command, parent=context, info_name=name)


def _of_root(context: click.Context) -> Iterator[str]:
    """The table of nouns, and what the end of the help says: where MUTT is, the exit status."""
    rows = [
        [f"[{noun.command_path}](#{noun.command_path.replace(' ', '-')})", plain(noun.command.get_short_help_str(200))]
        for _, noun in _commands(context)
    ]
    yield table(["command", "what it does"], rows)
    for title, text in _paragraphs(context.command.epilog or ""):
        if title and title != _EXAMPLES:
            yield f"## {title.rstrip(':')}"
            yield block("text", text)


def _of_command(context: click.Context, level: int) -> Iterator[str]:
    command = context.command
    yield f"{'#' * level} {context.command_path}"
    pieces = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    yield block("text", pieces)
    for title, text in _paragraphs(command.help or ""):
        yield block("text", f"{title}\n{text}") if title else plain(text)
    options = [
        record
        for parameter in command.get_params(context)
        if (record := parameter.get_help_record(context)) is not None
    ]
    rows = [[f"`{names}`", plain(meaning)] for names, meaning in options if "--help" not in names]
    if rows:
        yield table(["option", "meaning"], rows)
    for title, text in _paragraphs(command.epilog or ""):
        if title == _EXAMPLES:
            yield block("sh", text)
        else:
            yield block("text", f"{title}\n{text}") if title else plain(text)


def _paragraphs(text: str) -> Iterator[tuple[str, str]]:
    """Each with its first line apart where click may not wrap it: after a backspace."""
    for paragraph in re.split(r"\n\s*\n", textwrap.dedent(text).strip()):
        if paragraph.startswith("\b"):
            title, _, rest = paragraph.removeprefix("\b").strip("\n").partition("\n")
            yield title.strip(), textwrap.dedent(rest)
        elif paragraph.strip():
            yield "", paragraph
