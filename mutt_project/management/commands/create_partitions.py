"""`manage.py create_partitions`: the records' partitions of this month and the next ones."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from audit.partitions import create_partitions


class Command(BaseCommand):
    help = "Create the partitions of the coming months; beat does the same every six hours."

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 - Django's signature
        created = create_partitions(timezone.now())
        self.stdout.write(f"created: {', '.join(created) or 'nothing, all are there'}")
