"""`manage.py unlock_login NAME`: forget failed logins."""

import logging
from argparse import ArgumentParser
from ipaddress import ip_address
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from redis.exceptions import RedisError

from audit.changes import Kind, Noted, note_changes
from audit.connections import redis_client
from ingest.addresses import network_of
from mutt_project.login.slowing import subject_of
from mutt_project.login.unlocking import EVERYBODY, unlock
from mutt_project.management.examples import Formatter

logger = logging.getLogger(__name__)

EXAMPLES = """
examples:
  manage.py unlock_login ada             whoever has failed as ada, from wherever
  manage.py unlock_login 192.0.2.7       whoever has failed from there, and its calls without a key
  manage.py unlock_login 2001:db8::7     the same for the /64 that it is in
  manage.py unlock_login --all

Exit code 1: nobody is called like that, or Redis is away.
"""


class Command(BaseCommand):
    help = "Forget the failed logins of a user name or an address, so that they may try again at once."

    def create_parser(self, *args: Any, **options: Any) -> Any:
        return super().create_parser(*args, epilog=EXAMPLES, formatter_class=Formatter, **options)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("subject", nargs="?", default="", metavar="NAME|ADDRESS", help="whom to let in again")
        parser.add_argument("--all", action="store_true", help="everybody from everywhere")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 - Django's signature
        subject, everybody = options["subject"], options["all"]
        if bool(subject) == everybody:
            raise CommandError("Name one user or address, or say --all.")
        try:
            redis_client().ping()
        except RedisError as error:
            raise CommandError(
                f"Redis is away ({type(error).__name__}). Meanwhile each web process counts for itself: restart them."
            ) from error
        logger.warning("login unlocked by hand: %s", "everybody" if everybody else subject)
        unlock(EVERYBODY if everybody else _counted(subject))
        note_changes([Noted(Kind.USER, "", "login_unlocked", "everybody" if everybody else subject)])
        self.stdout.write(f"{'Everybody' if everybody else subject} may log in again.")


def _counted(subject: str) -> str:
    try:
        return network_of(str(ip_address(subject)))
    except ValueError:
        pass
    if not get_user_model().objects.filter(username=subject).exists():
        raise CommandError(f"There is no user “{subject}”, and it is no address.")
    return subject_of(subject)
