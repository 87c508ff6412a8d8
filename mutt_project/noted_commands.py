"""What a command of manage.py changes is noted as that of whoever is logged in to the machine."""

import getpass
from contextlib import AbstractContextManager, ExitStack, suppress
from pathlib import Path

from audit.changes import noted_as

# Migrations have SQL that pghistory garbles, muttctl has no database; `prepare` begins after its migrations.
_NOT_NOTED = {"migrate", "prepare", "muttctl"}

for_this_process = ExitStack()


def note_commands(arguments: list[str]) -> None:
    """Begin, for the whole process, if it is one of manage.py."""
    program, command = Path(arguments[0]).name, (arguments[1:2] or [""])[0]
    if program == "manage.py" and command not in _NOT_NOTED:
        for_this_process.enter_context(noted_as_command(command))


def noted_as_command(command: str) -> AbstractContextManager[None]:
    """What is changed within this is noted as done by this command of manage.py."""
    found: AbstractContextManager[None] = noted_as(f"{system_user()} by manage.py {command}"[:200], "command")
    return found


def system_user() -> str:
    """Who runs this process."""
    with suppress(OSError, KeyError):
        return getpass.getuser()
    return "somebody"
