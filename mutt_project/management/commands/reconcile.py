"""`manage.py reconcile`: after Redis or PostgreSQL was put back to an earlier moment, bring them together again."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error
from django.utils import timezone
from redis.exceptions import RedisError

from audit import after_restore
from audit.journal import journal
from mutt_project.management.examples import Formatter
from mutt_project.noted_commands import system_user
from rules.version import raise_version


class Command(BaseCommand):
    help = (
        "Bring journal and records together again after Redis or PostgreSQL was put back to an earlier moment. Without"
        " --yes it only says what it would do. It can be run at any time, and again; where all is well it does nothing."
    )

    def create_parser(self, *args: Any, **options: Any) -> Any:
        examples = (
            "examples:\n  manage.py reconcile\n"
            '  manage.py reconcile --yes --reason "CHG-1234: Redis was restored from the backup of the night"'
        )
        return super().create_parser(*args, **options, formatter_class=Formatter, epilog=examples)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--yes", action="store_true", help="do it, and book as lost what no store knows")
        parser.add_argument("--reason", default="", help="why; it is kept with what is booked as lost")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 - Django's signature
        if options["yes"] and not options["reason"].strip():
            raise CommandError("Say why: --reason. It is kept with what is booked as lost.")
        try:
            if options["yes"]:
                self._mend(options["reason"].strip())
            else:
                self._tell(after_restore.look(journal()))
        except (RedisError, Error) as error:
            first = str(error).partition("\n")[0]
            raise CommandError(f"Redis and PostgreSQL must both be there: {first}") from error

    def _mend(self, reason: str) -> None:
        version = raise_version()
        found = after_restore.mend(journal())
        lost = after_restore.book(journal(), reason, system_user(), timezone.now())
        self._tell(found)
        if version:
            self.stdout.write(f"rule set: its version is {version} now, above all that were ever loaded")
        if lost > 0:
            self.stdout.write(f"booked as lost: {lost} events")
        elif lost < 0:
            self.stdout.write(f"found again: {-lost} events that were booked as lost")

    def _tell(self, found: after_restore.Findings) -> None:
        if found.all_is_well:
            self.stdout.write("journal and records agree: nothing to do")
            return
        for events, what in (
            (found.forgotten, "events were accepted that Redis did not count any more"),
            (found.owed, "events are owed to Moogsoft and were in no journal: they are parked, and go out again"),
            (found.undecided, "events on their way have lost their records: they are decided anew"),
        ):
            if events:
                self.stdout.write(f"{events} {what}")
        if found.imbalance > 0:
            self.stdout.write(f"{found.imbalance} accepted events have no record and are in no journal: lost")
        elif found.imbalance < 0:
            self.stdout.write(f"{-found.imbalance} records are of events that Redis never counted")
