"""`manage.py ensure_roles`: the groups for people who look, people who edit rules, and administrators."""

from typing import Any

from django.core.management.base import BaseCommand

from mutt_project.roles import ensure_roles


class Command(BaseCommand):
    help = "Create the roles “MUTT viewer”, “MUTT editor” and “MUTT admin”; run it after every migrate."

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 - Django's signature
        self.stdout.write(f"roles: {', '.join(ensure_roles())}")
