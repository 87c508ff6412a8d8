"""`manage.py create_key NAME --scope ingest`: an API key, shown once."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ingest.models import ApiKey, Scope


class Command(BaseCommand):
    help = "Create an API key and print it. It is shown this once: only a hash of it is kept."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="who will use the key")
        parser.add_argument("--scope", action="append", required=True, choices=Scope.values, help="may be repeated")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 - Django's signature
        name = options["name"]
        if ApiKey.objects.filter(name=name).exists():
            raise CommandError(f"There is a key named “{name}” already: choose another name, or delete that one.")
        self.stdout.write(ApiKey.create(name, options["scope"]).secret)
