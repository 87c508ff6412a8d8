"""`manage.py create_key NAME --scope ingest`: an API key, shown once."""

from argparse import ArgumentParser
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from ingest.models import ApiKey, Scope, SourceName
from mutt_project.management.examples import Formatter

EXAMPLES = """
examples:
  manage.py create_key rsyslog --scope ingest --source syslog
  manage.py create_key orion --scope ingest --source solarwinds --in-url
      the sender has no headers: it posts to /webhook/solarwinds/KEY
  manage.py create_key gateway --scope ingest --signed --rate-limit 100/second
      the second line is the signing secret (Standard Webhooks)
  manage.py create_key contractor --scope read --expires-in-days 30
"""


class Command(BaseCommand):
    help = (
        "Create an API key and print it, and with --signed the signing secret on a second line.\n"
        "They are shown this once: of the key only a hash is kept."
    )

    def create_parser(self, *args: Any, **options: Any) -> Any:
        return super().create_parser(*args, epilog=EXAMPLES, formatter_class=Formatter, **options)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="who will use the key")
        parser.add_argument("--scope", action="append", required=True, choices=Scope.values, help="may be repeated")
        parser.add_argument(
            "--source",
            action="append",
            default=[],
            choices=SourceName.values,
            help="the only source it may send for; may be repeated; without it: all",
        )
        parser.add_argument("--in-url", action="store_true", help="it may be in the URL; needs exactly one --source")
        parser.add_argument("--signed", action="store_true", help="its requests must be signed")
        parser.add_argument("--expires-in-days", type=float, metavar="DAYS", help="without it: never")
        parser.add_argument("--rate-limit", default="", metavar="RATE", help="such as 100/second or 6000/minute")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 - Django's signature
        name = options["name"]
        if ApiKey.objects.filter(name=name).exists():
            raise CommandError(f"There is a key named “{name}” already: choose another name, or delete that one.")
        key = ApiKey(
            name=name,
            scopes=options["scope"],
            allowed_sources=options["source"],
            in_url=options["in_url"],
            rate_limit=options["rate_limit"],
            expires_at=_moment_in(options["expires_in_days"]),
        )
        secret = key.set_new_secret()
        signing_secret = key.add_signing_secret() if options["signed"] else ""
        try:
            key.full_clean()
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        key.save()
        self.stdout.write(secret)
        if signing_secret:
            self.stdout.write(signing_secret)


def _moment_in(days: float | None) -> datetime | None:
    if days is None:
        return None
    if not days > 0:
        raise CommandError("--expires-in-days must be a number above 0.")
    try:
        return timezone.now() + timedelta(days=days)
    except OverflowError as error:
        raise CommandError("--expires-in-days is too far away.") from error
