"""Production: addresses and secrets come from the environment."""

import dj_database_url

from mutt_project.settings.base import *
from mutt_project.settings.environment import boolean, comma_separated, optional, required

SECRET_KEY = required("MUTT_SECRET_KEY")
SECRET_KEY_FALLBACKS: list[str] = optional("MUTT_SECRET_KEY_FALLBACKS", [], comma_separated)
DATABASES = {
    "default": {
        **dj_database_url.parse(required("DATABASE_URL"), conn_max_age=60, conn_health_checks=True),
        "OPTIONS": {"connect_timeout": 5, "options": "-c statement_timeout=60000 -c lock_timeout=10000"},
    }
}
REDIS_URL = required("REDIS_URL")
CELERY_BROKER_URL = REDIS_URL
MOOGSOFT_URL = required("MOOGSOFT_URL")
MOOGSOFT_API_KEY = required("MOOGSOFT_API_KEY")

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
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
