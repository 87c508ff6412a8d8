"""The pages of docs/reference are what the code says, and have all of it."""

import re

import click
import pytest

from mutt_project.muttctl.main import cli
from ops.references.__main__ import pages
from ops.references.markdown import plain, table
from tests.unit.mutt_project.test_openapi import DOCUMENT


@pytest.mark.parametrize("path", pages(), ids=lambda path: path.name)
def test_a_reference_is_up_to_date(path):
    assert path.read_text(encoding="utf-8") == pages()[path], "make format writes it anew"


def test_every_command_has_its_heading():
    (page,) = [text for path, text in pages().items() if path.name == "cli.md"]
    nouns = {f"muttctl {name}" for name, command in cli.commands.items() if not command.hidden}
    verbs = {
        f"muttctl {noun} {verb}"
        for noun, group in cli.commands.items()
        if isinstance(group, click.Group)
        for verb, command in group.commands.items()
        if not command.hidden
    }
    assert set(re.findall(r"^##+ (muttctl .+)$", page, re.MULTILINE)) == nouns | verbs


def test_every_operation_is_there_once():
    (page,) = [text for path, text in pages().items() if path.name == "api.md"]
    shown = re.findall(r"^`([A-Z]+ /\S*)`", page, re.MULTILINE)
    assert sorted(shown) == sorted(
        f"{method.upper()} {path}" for path, operations in DOCUMENT["paths"].items() for method in operations
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a *word* in `*code*`", r"a \*word\* in `*code*`"),
        ("MUTT_URL, _this_ [0<=x<=9]", r"MUTT_URL, \_this\_ \[0<=x<=9]"),
        ("over\n  two lines <b>", r"over two lines \<b>"),
    ],
)
def test_words_of_help_are_no_markup(text, shown):
    assert plain(text) == shown


def test_a_bar_in_a_table_is_no_end_of_a_cell():
    assert table(["a"], [["x|y"]]) == "| a |\n| --- |\n| x\\|y |"
