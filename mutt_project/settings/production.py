"""Production: addresses and secrets come from the environment."""

import os

import dj_database_url

from mutt_project.secrets.deciding import secrets_of
from mutt_project.settings.base import *
from mutt_project.settings.environment import boolean, comma_separated, optional, required

MUTT_SECRETS = secrets_of(os.environ)
SECRET_KEY = MUTT_SECRETS["MUTT_SECRET_KEY"]
SECRET_KEY_FALLBACKS = comma_separated(MUTT_SECRETS.get("MUTT_SECRET_KEY_FALLBACKS", ""))
DATABASES = {
    "default": {
        **dj_database_url.parse(MUTT_SECRETS["DATABASE_URL"], conn_max_age=60, conn_health_checks=True),
        "OPTIONS": {"connect_timeout": 5, "options": "-c statement_timeout=60000 -c lock_timeout=10000"},
    }
}
REDIS_URL = MUTT_SECRETS["REDIS_URL"]
CELERY_BROKER_URL = REDIS_URL
MOOGSOFT_URL = required("MOOGSOFT_URL")

ALLOWED_HOSTS = optional("MUTT_ALLOWED_HOSTS", ALLOWED_HOSTS, comma_separated)
CSRF_TRUSTED_ORIGINS: list[str] = optional("MUTT_TRUSTED_ORIGINS", [], comma_separated)

# Behind TLS these hold; `make demo` and `make run` listen on 127.0.0.1 without it and say so.
_TLS = optional("MUTT_TLS", True, boolean)
SESSION_COOKIE_SECURE = _TLS
CSRF_COOKIE_SECURE = _TLS
SECURE_HSTS_SECONDS = 31_536_000 if _TLS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = _TLS
SECURE_SSL_REDIRECT = _TLS
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)$"]  # machines ask for these behind the proxy
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")  # of MUTT_TRUSTED_PROXIES alone: forwarded.py
