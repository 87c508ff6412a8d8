"""Production: addresses come from the environment, and secrets from there or from Vault."""

import os

from forwarder.addresses import Addresses
from mutt_project.secrets.deciding import secrets_of, vault_of
from mutt_project.secrets.following import secret_keys_of
from mutt_project.settings.base import *
from mutt_project.settings.databases import database_of
from mutt_project.settings.environment import boolean, comma_separated, optional, required
from mutt_project.settings.outbound import check_certificates, moogsoft_url

MUTT_VAULT = vault_of(os.environ)
MUTT_SECRETS = secrets_of(os.environ, MUTT_VAULT)
SECRET_KEY, SECRET_KEY_FALLBACKS = secret_keys_of(MUTT_SECRETS)
DATABASES = {"default": database_of(MUTT_SECRETS["DATABASE_URL"])}
REDIS_URL = MUTT_SECRETS["REDIS_URL"]
CELERY_BROKER_URL = REDIS_URL
MOOGSOFT_URL = moogsoft_url(
    required("MOOGSOFT_URL"), allow_http=MOOGSOFT_ALLOW_HTTP, addresses=Addresses(MOOGSOFT_ALLOWED_NETWORKS)
)
check_certificates("MOOGSOFT", MOOGSOFT_CA_FILE, MOOGSOFT_CLIENT_CERT_FILE, MOOGSOFT_CLIENT_KEY_FILE)
check_certificates("REDIS", REDIS_CA_FILE, REDIS_CLIENT_CERT_FILE, REDIS_CLIENT_KEY_FILE)

ALLOWED_HOSTS = optional("MUTT_ALLOWED_HOSTS", ALLOWED_HOSTS, comma_separated)
CSRF_TRUSTED_ORIGINS: list[str] = optional("MUTT_TRUSTED_ORIGINS", [], comma_separated)

# Behind TLS these hold; `make demo` and `make run` listen on 127.0.0.1 without it and say so.
_TLS = optional("MUTT_TLS", True, boolean)
SESSION_COOKIE_SECURE = _TLS
CSRF_COOKIE_SECURE = _TLS
if _TLS:
    # So no other host of the domain can set them.
    SESSION_COOKIE_NAME = "__Host-sessionid"
    CSRF_COOKIE_NAME = "__Host-csrftoken"
    CONTENT_SECURITY_POLICY["DIRECTIVES"]["upgrade-insecure-requests"] = True
SECURE_HSTS_SECONDS = 31_536_000 if _TLS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = _TLS
SECURE_HSTS_PRELOAD = optional("MUTT_HSTS_PRELOAD", False, boolean)
SILENCED_SYSTEM_CHECKS = [] if SECURE_HSTS_PRELOAD else ["security.W021"]  # the list is for whole domains only
SECURE_SSL_REDIRECT = _TLS
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)$"]  # machines ask for these behind the proxy
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")  # of MUTT_TRUSTED_PROXIES alone: forwarded.py
