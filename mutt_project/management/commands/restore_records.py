"""`manage.py restore_records`: an archived month back into the database, without Redis, workers or the API."""

import os
import time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError
from django.utils import timezone

from audit import retaining
from audit.archive_files import MANIFEST, ArchiveError, read_manifest
from audit.models import Archive
from audit.partitions import Month
from audit.restoring import NoArchiveError, RefusedError, begin_restore

_PAUSE_S = 0.2


class Command(BaseCommand):
    help = "Restore a month from its archive, which is checked first; it stays for MUTT_RESTORED_DAYS."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("archive", help="A month such as 2025-01, a folder of an archive, or its manifest.json.")
        parser.add_argument("--reason", required=True, help="Why; it is kept with the archive.")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 - Django's signature
        try:
            month, folder = _named(options["archive"])
            by = f"user {os.getuid()} by restore_records"
            archive = _on_its_way(month, folder) or begin_restore(month, timezone.now(), by, options["reason"], folder)
        except (ArchiveError, NoArchiveError, RefusedError) as error:
            raise CommandError(str(error)) from error
        shown = -1
        while archive.state == Archive.State.RESTORING and not archive.problem:
            before = archive.updated_at
            try:
                retaining.work(timezone.now(), month)
            except OperationalError as error:
                self.stderr.write(f"{month} waits: {str(error).partition(chr(10))[0]}")
            archive.refresh_from_db()
            if archive.updated_at == before:
                time.sleep(_PAUSE_S)  # a worker is at it
            if int(archive.progress * 10) > shown:
                shown = int(archive.progress * 10)
                self.stdout.write(f"{archive.month}: {archive.progress:.0%}")
        if archive.problem:
            raise CommandError(archive.problem)
        self.stdout.write(
            f"restored {archive.records:,} records, {archive.attempts:,} attempts and {archive.dead_letters:,} dead "
            f"letters of {archive.month}; kept until {archive.keep_until:%Y-%m-%d}"
        )


def _on_its_way(month: Month, folder: Path | None) -> Archive | None:
    """A restore from there that somebody has begun, and that whoever began it may have been too dead to end."""
    begun = Archive.objects.filter(month=str(month), state=Archive.State.RESTORING, problem="").first()
    return begun if begun and (folder is None or str(folder) == begun.path) else None


def _named(text: str) -> tuple[Month, Path | None]:
    """The month that is meant, and the folder where one is named. Raises ArchiveError."""
    try:
        return Month.parse(text), None
    except ValueError:
        path = Path(text).resolve()
    folder = path.parent if path.name == MANIFEST else path
    return Month.parse(str(read_manifest(folder)["month"])), folder
