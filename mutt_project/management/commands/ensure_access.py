"""`manage.py ensure_access`: an administrator and an API key whose secrets somebody else has made."""

from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

from ingest.models import ApiKey, Scope, digest_of


class Command(BaseCommand):
    help = (
        "Create or renew the administrator “admin” (password in MUTT_ADMIN_PASSWORD) and the API key “local”"
        " (in MUTT_LOCAL_API_KEY). For make demo and make run."
    )

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 - Django's signature
        password, secret = (
            settings.MUTT_SECRETS.get(name, "") for name in ("MUTT_ADMIN_PASSWORD", "MUTT_LOCAL_API_KEY")
        )
        if not (password and secret):
            raise CommandError("Set MUTT_ADMIN_PASSWORD and MUTT_LOCAL_API_KEY: docs/settings.md.")
        user, _ = get_user_model().objects.get_or_create(
            username="admin", defaults={"is_staff": True, "is_superuser": True}
        )
        if not user.check_password(password):
            user.set_password(password)
            user.save()
        known = ApiKey.objects.filter(digest=digest_of(secret)) or ApiKey.objects.filter(name="local")  # or renamed
        key = known.first() or ApiKey(name="local", scopes=Scope.values)
        key.set_secret(secret)
        key.save()
