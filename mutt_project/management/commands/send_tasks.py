"""`manage.py send_tasks`: what beat does by the clock, for whoever has another clock, such as CronJobs."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from audit.workers import beat_ticks
from mutt_project.celery import app
from mutt_project.management.examples import Formatter

_MAY_BE_OFF = {"ingest.send_canary"}  # MUTT_CANARY_EVERY_S=0: not sent, and no mistake of who asks for it


def scheduled() -> dict[str, dict[str, Any]]:
    """The options of each task that beat would send, by its name."""
    schedule: dict[str, dict[str, Any]] = settings.CELERY_BEAT_SCHEDULE
    return {str(entry["task"]): entry.get("options", {}) for entry in schedule.values()}


class Command(BaseCommand):
    help = "Send tasks of beat's schedule to their queues, once, where beat does not run. Workers do them."

    def create_parser(self, *args: Any, **options: Any) -> Any:
        examples = "examples:\n  manage.py send_tasks audit.check_ledger audit.fold_tallies"
        return super().create_parser(*args, **options, formatter_class=Formatter, epilog=examples)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("names", nargs="+", metavar="NAME", help="a task of docs/health.md that beat sends")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 - Django's signature
        known = scheduled()
        if unknown := [name for name in options["names"] if name not in known and name not in _MAY_BE_OFF]:
            raise CommandError(f"Beat sends no “{unknown[0]}”. It sends: {', '.join(sorted(known))}.")
        names = [name for name in options["names"] if name in known]
        try:
            for name in names:
                app.send_task(name, retry=False, **known[name])
            beat_ticks()  # the alert that nobody sends them any more goes by this
        except (OperationalError, RedisError) as error:
            raise CommandError(f"Redis does not take the tasks: {type(error).__name__}. Is it there?") from None
        self.stdout.write(f"sent: {', '.join(names) or 'nothing, all of it is switched off'}")
