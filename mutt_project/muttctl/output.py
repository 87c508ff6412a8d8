"""How results are shown: tables for people, JSON and CSV for programs."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

REASON_LENGTH = 300
LONGEST_EXAMPLE = 74  # of 80, without the indentation and the sign that it goes on below
# A word, or an option with its value; quotes hold together.
_PARTS = re.compile(r"""(?:--?[\w-]+ (?!-[^0-9]|[<>|]))?(?:"[^"]*"|'[^']*'|[^\s"'])+""")
# An event's text is a stranger's: an escape sequence in it must not reach the terminal.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_UNSAFE_IN_CSV = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_UNSAFE_IN_JSON = re.compile(r"[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

output_option = click.option(
    "-o",
    "--output",
    "form",
    type=click.Choice(["table", "json", "csv"]),
    default="table",
    show_default=True,
    help="How to print the result.",
)


def examples(*commands: str) -> str:
    """The end of a command's help: the commands as they are typed, not wrapped by click."""
    lines = "\n".join(f"  {line}" for command in commands for line in _wrapped(command))
    return f"\b\nExamples:\n{lines}"


def _wrapped(command: str) -> Iterator[str]:
    """The command in lines that a terminal of 80 columns has room for, as a shell takes them."""
    line = ""
    for part in _PARTS.findall(command):
        if line and len(line) + 1 + len(part) > LONGEST_EXAMPLE:
            yield f"{line} \\"
            line = "   "
        line = f"{line} {part}" if line else part
    yield line


def printable(value: object) -> str:
    """The text without what a terminal would obey; nothing for None."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return _CONTROL.sub(lambda found: "  " if found[0] == "\t" else f"\\x{ord(found[0]):02x}", str(value))


def one_line(text: str, length: int = REASON_LENGTH) -> str:
    """Foreign text for an error message: on one line, of bounded length."""
    line = printable(" ".join(text.split()))
    return line if len(line) <= length else line[: length - 1] + "…"


def cell(*lines: object) -> Text:
    """A table cell of one or more lines; square brackets in it are text and not markup."""
    return Text("\n".join(printable(line) for line in lines))


def cut_cell(*lines: object) -> Text:
    """A table cell whose lines end in … where there is no room for them."""
    text = cell(*lines)
    text.no_wrap, text.overflow = True, "ellipsis"
    return text


def short_time(value: object) -> str:
    """An ISO time as `11-23 08:52:35` in UTC; what is no time stays as it is."""
    try:
        return datetime.fromisoformat(str(value)).astimezone(UTC).strftime("%m-%d %H:%M:%S")
    except (ValueError, OverflowError):
        return printable(value)


def new_table() -> Table:
    return Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")


def extra_width() -> int:
    """Columns which the screen has beyond the 80 that every table fits in."""
    return max(Console().width - 80, 0)


def print_table(table: Table | Text, *, err: bool = False) -> None:
    Console(stderr=err, highlight=False, markup=False, emoji=False).print(table)


def print_fields(fields: Iterable[tuple[str, object]], *, err: bool = False) -> None:
    """One `name: value` a line, the values under each other; long ones go on below themselves."""
    grid = Table.grid(padding=(0, 1))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in fields:
        shown = value if isinstance(value, Text) else cell("-" if value in (None, "") else value)
        grid.add_row(Text(f"{name}:", style="bold"), shown)
    print_table(grid, err=err)


def print_json(value: object) -> None:
    text = json.dumps(value, indent=2, ensure_ascii=False)
    click.echo(_UNSAFE_IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", text))


def print_csv(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_csv_value(row.get(column)) for column in columns] for row in rows)
    click.echo(text.getvalue(), nl=False)


def print_record(
    record: Mapping[str, Any], form: str, columns: Sequence[str], as_table: Callable[[], None] | None = None
) -> None:
    """One thing in this form; as a table, its columns are lines unless `as_table` prints it in another way."""
    if form == "json":
        print_json(record)
    elif form == "csv":
        print_csv([record], columns)
    elif as_table:
        as_table()
    else:
        print_fields((name.replace("_", " "), _in_words(record.get(name))) for name in columns)


def print_rows(
    rows: list[dict[str, Any]],
    form: str,
    columns: Sequence[str],
    as_table: Callable[[list[dict[str, Any]]], None],
    *,
    nothing: str,
    as_json: object = None,
) -> None:
    """The rows in this form; `nothing` is said instead of an empty table. `as_json` stands for the rows in JSON."""
    if form == "json":
        print_json(rows if as_json is None else as_json)
    elif form == "csv":
        print_csv(rows, columns)
    elif rows:
        as_table(rows)
    else:
        click.echo(nothing, err=True)


def print_found(
    found: Iterable[dict[str, Any]],
    limit: int,
    form: str,
    columns: Sequence[str],
    as_table: Callable[[list[dict[str, Any]]], None],
    *,
    noun: str,
) -> None:
    """At most `limit` of what was found, in this form; says so where nothing was found, and where there is more."""
    rows = list(islice(found, limit + 1))
    print_rows(rows[:limit], form, columns, as_table, nothing=f"No {noun} found.")
    if len(rows) > limit:
        click.echo(f"The first {limit} {noun} are shown; --limit shows more.", err=True)


def _in_words(value: object) -> object:
    return ", ".join(map(str, value)) if isinstance(value, list) else value


def _csv_value(value: object) -> object:
    if isinstance(value, bool | list | dict):
        return json.dumps(value)
    if isinstance(value, str):
        return _UNSAFE_IN_CSV.sub(lambda found: f"\\x{ord(found[0]):02x}", value)
    return value
