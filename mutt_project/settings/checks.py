"""For tools that import the code and talk to nobody: mypy, makemigrations --check, the OpenAPI document."""

from mutt_project.secrets.present import Fixed, Secrets
from mutt_project.settings.base import *

SECRET_KEY = "for tools that talk to nobody"  # noqa: S105 - it signs nothing
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": "none", "HOST": "127.0.0.1", "PORT": "1"}}
REDIS_URL = "redis://127.0.0.1:1/0"
CELERY_BROKER_URL = REDIS_URL
MOOGSOFT_URL = "http://127.0.0.1:1/"
MUTT_SECRETS = Secrets(Fixed({"MUTT_SECRET_KEY": SECRET_KEY, "MOOGSOFT_API_KEY": ""}))
