"""What can go wrong, each with the exit status that `muttctl --help` promises."""

from collections.abc import Sequence

import click


class MuttctlError(click.ClickException):
    """Something that was asked for failed; the message is for the operator, one or two lines."""

    exit_code = 1


class ConfigurationError(MuttctlError):
    """Where MUTT is, or the API key, is not known."""

    exit_code = 2


class ApiUnreachableError(MuttctlError):
    """No answer, a 5xx, or an answer that is not MUTT's."""

    exit_code = 3


class ApiRefusedError(MuttctlError):
    """A 4xx; `reason` is what the API said, without any frame around it; `errors` are pairs of pointer and words."""

    exit_code = 4

    def __init__(self, message: str, status: int, reason: str, errors: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.errors = errors
