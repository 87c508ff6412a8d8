"""Options and arguments that several commands share."""

import re
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, BinaryIO, ClassVar

import click

from mutt_project.muttctl.errors import MuttctlError

LONGEST_REASON = 500
_NOT_IN_A_REASON = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


class ReasonParameter(click.ParamType[str]):
    """Why something is changed; it is kept in the history."""

    name = "text"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        reason = " ".join(value.split())
        if not reason:
            self.fail("It is blank. Say why, for those who read the history.", param, ctx)
        if len(reason) > LONGEST_REASON:
            self.fail(f"It has {len(reason)} characters; at most {LONGEST_REASON} are kept.", param, ctx)
        if _NOT_IN_A_REASON.search(reason):
            self.fail("It holds control characters, or is not UTF-8.", param, ctx)
        return reason


class TimeParameter(click.ParamType[str]):
    """An ISO 8601 time or a span back from now; the API reads it, here only its form is looked at."""

    name = "time"
    _span = re.compile(r"-[0-9]{1,6}[smhdw]")

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        text = value.strip()
        if self._span.fullmatch(text):
            return text
        try:
            datetime.fromisoformat(text)
        except ValueError:
            self.fail(
                f"{value!r} is no time. Use ISO 8601, such as 2026-11-23T08:00:00Z, "
                "or a span back from now, such as -30m, -1h or -2d.",
                param,
                ctx,
            )
        return text


class DurationParameter(click.ParamType[int]):
    """A span such as 30m, as seconds."""

    name = "duration"
    seconds: ClassVar[dict[str, int]] = {"s": 1, "m": 60, "h": 3600, "d": 86_400}

    def __init__(self, *, zero: bool = False) -> None:
        self._zero = zero

    def convert(self, value: str | int, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        if self._zero and value.strip() == "0":
            return 0
        found = re.fullmatch(r"([1-9][0-9]{0,5})([smhd])", value.strip())
        if not found:
            self.fail(f"“{value}” is no span of time: use a number with s, m, h or d, such as 30m.", param, ctx)
        return int(found[1]) * self.seconds[found[2]]


def reason_option(*, required: bool = False) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    return click.option(
        "--reason",
        metavar="TEXT",
        type=ReasonParameter(),
        required=required,
        help="Why; it is kept in the history.",
    )


def with_options(command: Callable[..., Any], options: Sequence[Callable[..., Any]]) -> Callable[..., Any]:
    """The command with these options, which its help lists in this order."""
    for option in reversed(options):
        decorated: Callable[..., Any] = option(command)
        command = decorated
    return command


def yes_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option("--yes", is_flag=True, help="Do not ask.")(command)


def confirm(question: str, *, yes: bool, file: BinaryIO | None = None) -> None:
    """Ask before something is changed; without `yes` the answer cannot be read from where the file came from."""
    if yes:
        return
    if file is not None and is_stdin(file):
        raise click.UsageError("The file comes from standard input, so nobody can be asked: add --yes.")
    try:
        agreed = click.confirm(question, err=True)
    except click.Abort:
        if sys.stdin.isatty():  # Ctrl-C
            raise
        click.echo(err=True)
        raise MuttctlError("Nobody answers on standard input, so nothing was done: add --yes.") from None
    if not agreed:
        raise click.Abort


def is_stdin(file: BinaryIO) -> bool:
    return name_of(file) == "stdin"


def name_of(file: BinaryIO) -> str:
    """The file's name as errors show it."""
    name = str(getattr(file, "name", "-"))
    return "stdin" if name in {"-", "<stdin>"} else name
