"""`manage.py muttctl …`: the same tool as `python -m mutt_project.muttctl`."""

from typing import Any

from django.core.management.base import BaseCommand

from mutt_project.muttctl.main import cli


class Command(BaseCommand):
    help = "The operators' command line tool; try `manage.py muttctl --help`."
    requires_system_checks = ()

    def run_from_argv(self, argv: list[str]) -> None:
        """Leave all arguments to click."""
        cli.main(args=argv[2:], prog_name="muttctl")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 - for call_command
        cli.main(args=[str(argument) for argument in args], prog_name="muttctl", standalone_mode=False)
