"""`python -m mutt_project.run worker|beat|flower …`: as `celery -A … worker …`, and a third of the memory less.

`celery` loads all its commands, a shell and Flower with them, whichever of them it runs; and a worker then Django's
checks, for which all pages are loaded. `manage.py prepare` has made these before.
"""

import os
import sys
from importlib import import_module

import click

# The module that has the app, and the one that has the command by this name.
_PROCESSES = {
    "worker": ("mutt_project.worker", "celery.bin.worker"),
    "beat": ("mutt_project.lean", "celery.bin.beat"),
    "flower": ("mutt_project.flower", "flower.command"),
}
# Celery and structlog load these where they are installed, for terminals: here only muttctl needs them.
_FOR_TERMINALS = ("pygments", "rich")


class _Processes(click.Group):
    """Loads the one that is wanted."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:
        if cmd_name not in _PROCESSES:
            ctx.fail(f"There is no “{cmd_name}” here: say one of {', '.join(_PROCESSES)}.")
        sys.modules.update(dict.fromkeys(_FOR_TERMINALS))  # type: ignore[arg-type] # None: as if it were not installed
        os.environ.setdefault("CELERY_SKIP_CHECKS", "true")
        app, command = (import_module(name) for name in _PROCESSES[cmd_name])
        base = import_module("celery.bin.base")
        ctx.obj = base.CLIContext(app.app, no_color=False, workdir=None, quiet=True)
        found: click.Command = getattr(command, cmd_name)
        return found


@click.command(cls=_Processes)
def main() -> None:
    """Run a worker, beat or flower; what follows is as for Celery's command by that name."""


if __name__ == "__main__":
    main()
