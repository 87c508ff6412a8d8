"""`manage.py seal_again`: encrypt signing secrets with the present secret key, so that the former one can go."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from ingest.models import ApiKey
from ingest.sealing import SealError, seal, unseal


class Command(BaseCommand):
    help = (
        "Encrypt the signing secrets of all API keys with the present MUTT_SECRET_KEY. Afterwards none of them needs a"
        " former key of MUTT_SECRET_KEY_FALLBACKS. It may run at any time,"
        " and again. Exit code 1: some could not be read."
    )

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 - Django's signature
        done, unreadable = 0, []
        for pk, name in ApiKey.objects.exclude(signing_secrets=[]).values_list("pk", "name").order_by("name"):
            try:
                done += _seal_again(pk)
            except SealError:
                unreadable.append(name)
        self.stdout.write(f"sealed again: the signing secrets of {done} API keys")
        if unreadable:
            raise CommandError(
                f"The signing secrets of {', '.join(unreadable)} were sealed with a key that is not known any more:"
                " put it into MUTT_SECRET_KEY_FALLBACKS, or give these API keys new signing secrets."
            )


@transaction.atomic
def _seal_again(pk: int) -> int:
    """Raises SealError."""
    key = ApiKey.objects.select_for_update().filter(pk=pk).first()
    if key is None:
        return 0
    key.signing_secrets = [seal(unseal(sealed)) for sealed in key.signing_secrets]
    key.save(update_fields=["signing_secrets"])
    return 1
