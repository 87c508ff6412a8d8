"""What a command of manage.py changes is noted as that of whoever is logged in to the machine."""

import getpass
from contextlib import ExitStack, suppress
from pathlib import Path

from audit.changes import noted_as

_NOT_NOTED = {"migrate", "muttctl"}  # the first has SQL that pghistory garbles, the second no database

for_this_process = ExitStack()


def note_commands(arguments: list[str]) -> None:
    """Begin, for the whole process, if it is one of manage.py."""
    program, command = Path(arguments[0]).name, (arguments[1:2] or [""])[0]
    if program == "manage.py" and command not in _NOT_NOTED:
        for_this_process.enter_context(noted_as(f"{_system_user()} by manage.py {command}"[:200], "command"))


def _system_user() -> str:
    with suppress(OSError, KeyError):
        return getpass.getuser()
    return "somebody"
