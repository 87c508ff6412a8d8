"""`manage.py prepare`: all that PostgreSQL must have before MUTT starts, also after an upgrade."""

from argparse import ArgumentParser
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand

from mutt_project.management.examples import Formatter
from mutt_project.noted_commands import noted_as_command


class Command(BaseCommand):
    help = "Migrate the database, make the tables of the coming months, and the roles. It can be run again at any time."

    def create_parser(self, *args: Any, **options: Any) -> Any:
        examples = "examples:\n  manage.py prepare\n  manage.py prepare --with-access"
        return super().create_parser(*args, **options, formatter_class=Formatter, epilog=examples)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--with-access", action="store_true", help="also what manage.py ensure_access makes, as make run does"
        )

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 - Django's signature
        call_command("migrate", interactive=False, verbosity=options["verbosity"])
        with noted_as_command("prepare"):
            for name in ("create_partitions", "ensure_roles", *(["ensure_access"] if options["with_access"] else [])):
                call_command(name)
