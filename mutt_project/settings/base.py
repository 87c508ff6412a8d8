"""What is the same everywhere. docs/settings.md lists the environment variables and their meaning."""

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from celery.schedules import crontab
from csp.constants import NONCE, NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from kombu import Exchange, Queue

from audit.outcomes import Outcome
from audit.tuning.tunables import TUNABLES, Kind, as_text, low_mark_of
from forwarder.addresses import Network
from ingest.answers import Why
from mutt_project.log_lines import log_format
from mutt_project.secrets.vault_settings import VaultSettings
from mutt_project.settings.environment import (
    at_least_one,
    below,
    boolean,
    days,
    log_level,
    networks,
    one_of,
    optional,
    positive,
    rate,
    rates,
    roles_by_group,
    seconds_by_name,
    share,
    time_zone,
    up_to_one,
    web_address,
    zero_or_more,
)
from rules.event import Handling, Severity

BASE_DIR = Path(__file__).resolve().parents[2]

DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]"]

INSTALLED_APPS = [
    "mutt_project",  # before admin, whose templates it changes
    "django.contrib.admin.apps.SimpleAdminConfig",  # urls.py loads the pages: workers need none
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "constance",  # before audit, which has a page of its own for it
    "csp",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "django_prometheus",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "pghistory",
    "pgtrigger",
    "rest_framework",
    "ingest",
    "forwarder",
    "rules",
    "audit",
]

MIDDLEWARE = [
    "mutt_project.webhook_way.WebhookWay",  # first: requests to the webhook pass MIDDLEWARE_OF_WEBHOOK instead
    "mutt_project.correlation.CorrelationMiddleware",  # whatever is answered and logged bears the id
    "mutt_project.forwarded.ForwardedMiddleware",  # before anybody asks for scheme, host or address
    "mutt_project.deprecating.DeprecationMiddleware",
    "mutt_project.answer_headers.AnswerHeadersMiddleware",  # these four before all that may answer by itself
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "mutt_project.odd_requests.RefuseOddQueries",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "mutt_project.login.sessions.SessionEndMiddleware",
    "mutt_project.anonymous.AnonymousLimitMiddleware",
    "mutt_project.noting.ChangesMiddleware",  # after those who know whose session it is
    "mutt_project.login.duty.SecondFactorDutyMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]

# Whoever sends events has no session and sees no page; the rest is in the same order as above.
MIDDLEWARE_OF_WEBHOOK = [
    "mutt_project.correlation.CorrelationMiddleware",
    "mutt_project.forwarded.ForwardedMiddleware",
    "mutt_project.deprecating.DeprecationMiddleware",
    "mutt_project.steady_headers.SteadyHeadersMiddleware",
    "mutt_project.webhook_metrics.WebhookMetricsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
]

ROOT_URLCONF = "mutt_project.urls"
WSGI_APPLICATION = "mutt_project.wsgi.application"
APPEND_SLASH = False

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False
FORMAT_MODULE_PATH = ["mutt_project.formats"]

STATIC_URL = "static/"
STATIC_ROOT: str | None = optional("MUTT_STATIC_ROOT", None, str)
WHITENOISE_USE_FINDERS = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
CONTENT_SECURITY_POLICY: dict[str, dict[str, Any]] = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}
# Nothing of what a browser could let a page do; but copying, which Swagger UI offers.
PERMISSIONS_POLICY: dict[str, list[str]] = {
    feature: []
    for feature in (
        *("accelerometer", "autoplay", "browsing-topics", "camera", "clipboard-read", "display-capture"),
        *("encrypted-media", "fullscreen", "geolocation", "gyroscope", "hid", "idle-detection", "local-fonts"),
        *("magnetometer", "microphone", "midi", "payment", "picture-in-picture", "screen-wake-lock", "serial"),
        *("usb", "web-share", "xr-spatial-tracking"),
    )
}

SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True  # pages carry the token themselves
CSRF_FAILURE_VIEW = "mutt_project.problems.csrf_failure"

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "ingest.authentication.ApiKeyAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["ingest.authentication.HasScope"],
    "DEFAULT_RENDERER_CLASSES": [
        "rest_framework.renderers.JSONRenderer",
        "mutt_project.browsable.PlainBrowsableRenderer",
    ],
    "DEFAULT_METADATA_CLASS": "mutt_project.api_metadata.PlainMetadata",
    "DEFAULT_SCHEMA_CLASS": "mutt_project.openapi.MuttSchema",
    "EXCEPTION_HANDLER": "mutt_project.problems.api_problem",
    "ALLOWED_VERSIONS": ["v1"],  # what ?version= of the OpenAPI document may say
    "DEFAULT_THROTTLE_CLASSES": ["ingest.api.throttling.KeyThrottle"],
    "UNAUTHENTICATED_USER": None,
}

SPECTACULAR_SETTINGS = {
    "TITLE": "MUTT",
    "DESCRIPTION": "Middleware between monitoring sources and Moogsoft. Errors are problem details (RFC 9457).",
    "VERSION": "v1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],  # the document is for anybody, also for who has a key that is none
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "ingest.openapi.add_webhook",
        "mutt_project.openapi.add_examples",
        "mutt_project.openapi.mark_deprecated",
    ],
    "COMPONENT_SPLIT_REQUEST": True,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "validatorUrl": None, "persistAuthorization": False},
    "REDOC_DIST": "SIDECAR",
    "ENUM_NAME_OVERRIDES": {
        "SeverityEnum": [(word.value, word.value) for word in Severity],
        "HandlingEnum": [(word.value, word.value) for word in Handling],
        "OutcomeEnum": [(word.value, word.value) for word in Outcome],
        "BreakerStateEnum": [(word, word) for word in ("closed", "open", "half_open")],
        "ForcedStateEnum": [(word, word) for word in ("open", "closed")],
        "WishEnum": [(word, word) for word in ("open", "closed", "automatic")],
        "DeadLetterStateEnum": [("waiting", "Waiting"), ("replayed", "Replayed"), ("discarded", "Discarded")],
        "SloStateEnum": [(word, word) for word in ("ok", "burning", "exhausted")],
        "RefusalEnum": [(word.value, word.value) for word in Why],
        "HealthStateEnum": [(word, word) for word in ("ok", "warning", "failed")],
        "SettingOriginEnum": [(word, word) for word in ("run time", "environment", "default")],
        "SettingTypeEnum": [(kind.value, kind.value) for kind in Kind],
        "DecidedOutcomeEnum": [(word, word) for word in ("forwarded", "ignored", "unmatched")],
    },
}

# Where Vault is, and how to log in there; None: secrets come from the environment.
MUTT_VAULT: VaultSettings | None = None

# The journal, the broker and the counters.
REDIS_TIMEOUT_S = optional("REDIS_TIMEOUT_S", 2.0, positive)
# With rediss:// in REDIS_URL: whom to trust in place of the system's authorities, and who we are.
REDIS_CA_FILE: str | None = optional("REDIS_CA_FILE", None, str)
REDIS_CLIENT_CERT_FILE: str | None = optional("REDIS_CLIENT_CERT_FILE", None, str)
REDIS_CLIENT_KEY_FILE: str | None = optional("REDIS_CLIENT_KEY_FILE", None, str)

# Counters of limits; they never wait for Redis for long.
CACHES = {"default": {"BACKEND": "mutt_project.shared_cache.SharedCache", "KEY_PREFIX": "mutt:cache"}}

# Whose X-Forwarded-For, -Proto and -Host are believed: addresses or networks of proxies.
MUTT_TRUSTED_PROXIES: list[IPv4Network | IPv6Network] = optional("MUTT_TRUSTED_PROXIES", [], networks)

# Attempts to log in from one address, and API requests of one address without a key or session.
MUTT_LOGIN_RATE = optional("MUTT_LOGIN_RATE", "5/minute", rate)
MUTT_ANONYMOUS_RATES = optional("MUTT_ANONYMOUS_RATES", ["50/hour", "200/day"], rates)

# A session ends after so long without a request, and after so long in any case.
MUTT_SESSION_IDLE_S = optional("MUTT_SESSION_IDLE_S", 60 * 60, at_least_one)
MUTT_SESSION_MAX_S = optional("MUTT_SESSION_MAX_S", 12 * 60 * 60, at_least_one)
SESSION_COOKIE_AGE = MUTT_SESSION_MAX_S

# A second factor: off, as people like it, or for everybody.
MUTT_TOTP = optional("MUTT_TOTP", "optional", one_of("off", "optional", "required"))

# An OpenID Connect provider; empty: none. Its groups have roles, such as network-team=editor.
MUTT_OIDC_ISSUER = optional("MUTT_OIDC_ISSUER", "", web_address)
MUTT_OIDC_NAME = optional("MUTT_OIDC_NAME", "single sign-on", str)
MUTT_OIDC_CLIENT_ID = optional("MUTT_OIDC_CLIENT_ID", "", str)
MUTT_OIDC_SCOPES = optional("MUTT_OIDC_SCOPES", "openid profile email", str)
MUTT_OIDC_ALGORITHM = optional(
    "MUTT_OIDC_ALGORITHM", "RS256", one_of("RS256", "RS384", "RS512", "ES256", "ES384", "ES512")
)
MUTT_OIDC_USERNAME_CLAIM = optional("MUTT_OIDC_USERNAME_CLAIM", "preferred_username", str)
MUTT_OIDC_GROUPS_CLAIM = optional("MUTT_OIDC_GROUPS_CLAIM", "groups", str)
MUTT_OIDC_ROLES: dict[str, str] = optional("MUTT_OIDC_ROLES", {}, roles_by_group)
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
if MUTT_OIDC_ISSUER:
    if not (MUTT_OIDC_CLIENT_ID and MUTT_OIDC_ROLES):
        raise ImproperlyConfigured(
            "With MUTT_OIDC_ISSUER set, MUTT_OIDC_CLIENT_ID must be set as well, and MUTT_OIDC_ROLES: nobody could "
            "log in otherwise. See docs/login.md."
        )
    AUTHENTICATION_BACKENDS.append("mutt_project.login.provider_backend.ProviderBackend")

# Limits of a request to the webhook.
MUTT_MAX_BODY_BYTES = optional("MUTT_MAX_BODY_BYTES", 10 * 1024 * 1024, int)
MUTT_MAX_EVENTS = optional("MUTT_MAX_EVENTS", 10_000, int)
DATA_UPLOAD_MAX_MEMORY_SIZE = MUTT_MAX_BODY_BYTES

# Above the high marks of open batches or of Redis' memory (a share of its maxmemory) the webhook answers 503,
# until both are below the low ones.
MUTT_OPEN_BATCHES_HIGH = optional("MUTT_OPEN_BATCHES_HIGH", 500_000, int)
MUTT_OPEN_BATCHES_LOW = optional("MUTT_OPEN_BATCHES_LOW", low_mark_of(MUTT_OPEN_BATCHES_HIGH), int)
MUTT_REDIS_MEMORY_HIGH = optional("MUTT_REDIS_MEMORY_HIGH", 0.70, share)
MUTT_REDIS_MEMORY_LOW = optional("MUTT_REDIS_MEMORY_LOW", 0.60, share)
below("MUTT_OPEN_BATCHES_LOW", MUTT_OPEN_BATCHES_LOW, "MUTT_OPEN_BATCHES_HIGH", MUTT_OPEN_BATCHES_HIGH)
below("MUTT_REDIS_MEMORY_LOW", MUTT_REDIS_MEMORY_LOW, "MUTT_REDIS_MEMORY_HIGH", MUTT_REDIS_MEMORY_HIGH)
MUTT_GATE_EVERY_S = optional("MUTT_GATE_EVERY_S", 0.25, positive)

# Requests of one API key, and of all together, such as 100/second; empty: as many as come.
MUTT_KEY_RATE = optional("MUTT_KEY_RATE", "", rate)
MUTT_GLOBAL_RATE = optional("MUTT_GLOBAL_RATE", "", rate)

# How long a request's Idempotency-Key is remembered; and for which sources the same body again is the same request.
MUTT_IDEMPOTENCY_WINDOW_S = optional("MUTT_IDEMPOTENCY_WINDOW_S", 60 * 60, int)
MUTT_SAME_BODY_WINDOWS: dict[str, int] = optional("MUTT_SAME_BODY_WINDOWS", {}, seconds_by_name)

# A file with names of OIDs, for traps that come by name; see ingest/sources/oid_names.py.
MUTT_OID_NAMES: str | None = optional("MUTT_OID_NAMES", None, str)

# Batches that come within so many seconds leave in one message (0: each in its own).
MUTT_GATHER_S = optional("MUTT_GATHER_S", 0.1, up_to_one)

# What times without a zone are taken to be in.
MUTT_ASSUMED_TIME_ZONE = optional("MUTT_ASSUMED_TIME_ZONE", ZoneInfo("UTC"), time_zone)

# A stage holds a batch for LEASE at most, unless it renews: longer than any POST to Moogsoft may take.
# An open batch that nobody holds is overdue after GRACE.
MUTT_LEASE_S = optional("MUTT_LEASE_S", 30.0, positive)
MUTT_GRACE_S = optional("MUTT_GRACE_S", 15.0, positive)
MUTT_SWEEP_EVERY_S = optional("MUTT_SWEEP_EVERY_S", 5.0, positive)
MUTT_STALL_S = optional("MUTT_STALL_S", 30.0, positive)

MUTT_RULE_SET_MAX_AGE_S = optional("MUTT_RULE_SET_MAX_AGE_S", 1.0, positive)
MUTT_KEY_MAX_AGE_S = optional("MUTT_KEY_MAX_AGE_S", 10.0, positive)
MUTT_UNMATCHED_THRESHOLD = optional("MUTT_UNMATCHED_THRESHOLD", 100, int)
MUTT_UNMATCHED_WINDOW_S = optional("MUTT_UNMATCHED_WINDOW_S", 24 * 60 * 60, int)

# How often each web process stores what it counted of the traffic.
MUTT_TRAFFIC_EVERY_S = optional("MUTT_TRAFFIC_EVERY_S", 5.0, positive)

# A file of objectives in place of mutt_project/slo/objectives.toml; docs/slo.md has its form.
MUTT_SLO_FILE: str | None = optional("MUTT_SLO_FILE", None, str)

# How long a search over records may take.
MUTT_SEARCH_TIMEOUT_S = optional("MUTT_SEARCH_TIMEOUT_S", 20.0, positive)

# How often MUTT sends an event of its own, to see that events come through (0: never), and whether on to Moogsoft.
MUTT_CANARY_EVERY_S = optional("MUTT_CANARY_EVERY_S", 60.0, zero_or_more)
MUTT_CANARY_DELIVERS = optional("MUTT_CANARY_DELIVERS", False, boolean)

# What was refused is kept: the first so many bytes of each event, so many on their way to PostgreSQL, and there so
# many days, and so many of each source.
MUTT_QUARANTINE_MAX_BYTES = optional("MUTT_QUARANTINE_MAX_BYTES", 16 * 1024, int)
MUTT_QUARANTINE_INBOX = optional("MUTT_QUARANTINE_INBOX", 10_000, int)
MUTT_QUARANTINE_DAYS = optional("MUTT_QUARANTINE_DAYS", 14.0, positive)
MUTT_QUARANTINE_MOST = optional("MUTT_QUARANTINE_MOST", 10_000, int)

# Where a worker serves its metrics, on machines without the web server; empty: nowhere.
MUTT_METRICS_PORT: int | None = optional("MUTT_METRICS_PORT", None, int)
MUTT_METRICS_ADDRESS = optional("MUTT_METRICS_ADDRESS", "127.0.0.1", str)

# The destination. Cloud: Events API with the key in the header `apiKey`. Onprem: REST LAM, the key in the body.
MOOGSOFT_FLAVOUR = optional("MOOGSOFT_FLAVOUR", "cloud", one_of("cloud", "onprem"))
MOOGSOFT_ARRAY = optional("MOOGSOFT_ARRAY", True, boolean)
MOOGSOFT_KEY_FIELD = optional("MOOGSOFT_KEY_FIELD", "deduplication_key", one_of("deduplication_key", "dedupe_key"))
MOOGSOFT_SERVICES_FIELD = optional("MOOGSOFT_SERVICES_FIELD", "services", one_of("services", "service"))
MOOGSOFT_BATCH_SIZE = optional("MOOGSOFT_BATCH_SIZE", 100, at_least_one)
MOOGSOFT_CONNECT_TIMEOUT_S = optional("MOOGSOFT_CONNECT_TIMEOUT_S", 3.0, positive)
MOOGSOFT_READ_TIMEOUT_S = optional("MOOGSOFT_READ_TIMEOUT_S", 10.0, positive)

# Where it may be, whom to trust in place of the system's authorities, and who we are.
MOOGSOFT_ALLOW_HTTP = optional("MOOGSOFT_ALLOW_HTTP", False, boolean)
MOOGSOFT_ALLOWED_NETWORKS: list[Network] = optional("MOOGSOFT_ALLOWED_NETWORKS", [], networks)
MOOGSOFT_CA_FILE: str | None = optional("MOOGSOFT_CA_FILE", None, str)
MOOGSOFT_CLIENT_CERT_FILE: str | None = optional("MOOGSOFT_CLIENT_CERT_FILE", None, str)
MOOGSOFT_CLIENT_KEY_FILE: str | None = optional("MOOGSOFT_CLIENT_KEY_FILE", None, str)

if MUTT_LEASE_S < 2 * (MOOGSOFT_CONNECT_TIMEOUT_S + MOOGSOFT_READ_TIMEOUT_S):
    raise ImproperlyConfigured(
        "MUTT_LEASE_S must be at least twice MOOGSOFT_CONNECT_TIMEOUT_S and MOOGSOFT_READ_TIMEOUT_S together: a batch "
        "would be taken from a worker that waits for Moogsoft. Make the lease longer or the timeouts shorter."
    )

# How much it is asked: all workers together send at most so many requests; after an outage the parked batches get
# this share of them, the rest is for what comes in.
MOOGSOFT_RATE = optional("MOOGSOFT_RATE", "50/second", rate)
MOOGSOFT_DRAIN_SHARE = optional("MOOGSOFT_DRAIN_SHARE", 0.8, share)
MOOGSOFT_DRAIN_EVERY_S = optional("MOOGSOFT_DRAIN_EVERY_S", 0.25, positive)

# The breaker opens at so many failures within the window, and lets one request through when its time is over.
MOOGSOFT_BREAKER_FAILURES = optional("MOOGSOFT_BREAKER_FAILURES", 10, at_least_one)
MOOGSOFT_BREAKER_WINDOW_S = optional("MOOGSOFT_BREAKER_WINDOW_S", 60.0, positive)
MOOGSOFT_BREAKER_OPEN_S = optional("MOOGSOFT_BREAKER_OPEN_S", 300.0, positive)

# Dead letters: how many events a second a replay sends on their way, and how often MUTT replays by itself what died
# of passing troubles (0: never).
MUTT_REPLAY_RATE = optional("MUTT_REPLAY_RATE", 100.0, positive)
MUTT_AUTO_REPLAY_TIMES = optional("MUTT_AUTO_REPLAY_TIMES", 0, int)

# Records of a month are archived and dropped so many days after its end (0: never); without a folder for archives
# nothing is dropped, unless somebody says that archives are not wanted. A restored month stays for so many days.
MUTT_RETENTION_DAYS = optional("MUTT_RETENTION_DAYS", 400, days)
MUTT_ARCHIVE_DIR: str | None = optional("MUTT_ARCHIVE_DIR", None, str)
MUTT_RETENTION_ARCHIVE = optional("MUTT_RETENTION_ARCHIVE", True, boolean)
MUTT_RESTORED_DAYS = optional("MUTT_RESTORED_DAYS", 30, at_least_one)

# Celery. docs/adr/0003 argues these.
CELERY_TASK_QUEUES = [
    Queue(name, Exchange(name), routing_key=name) for name in ("pipeline", "forward", "dlq", "maintenance")
]
CELERY_BROKER_TRANSPORT = "mutt_project.broker:Transport"
CELERY_TASK_DEFAULT_QUEUE = "pipeline"
CELERY_TASK_ROUTES = {
    "ingest.validate_batch": {"queue": "pipeline"},
    "ingest.validate_together": {"queue": "pipeline"},
    "rules.match_batch": {"queue": "pipeline"},
    "rules.match_together": {"queue": "pipeline"},
    "forwarder.forward_batch": {"queue": "forward"},
    "forwarder.forward_together": {"queue": "forward"},
    "audit.store_dead_letters": {"queue": "dlq"},
    "audit.create_partitions": {"queue": "maintenance"},
    "audit.check_ledger": {"queue": "maintenance"},
    "audit.fold_tallies": {"queue": "maintenance"},
    "audit.retain": {"queue": "maintenance"},
    "audit.work_on_archives": {"queue": "maintenance"},
    "audit.resume_archives": {"queue": "maintenance"},
    "ingest.prune": {"queue": "maintenance"},
    "ingest.sweep_open_batches": {"queue": "maintenance"},
    "ingest.send_canary": {"queue": "maintenance"},
    "ingest.store_quarantine": {"queue": "maintenance"},
    "ingest.go_on_with_replays": {"queue": "maintenance"},
    "ingest.fold_traffic": {"queue": "maintenance"},
    "rules.run_backtest": {"queue": "maintenance"},
    "rules.resume_backtests": {"queue": "maintenance"},
    "rules.check_rule_set": {"queue": "maintenance"},
}
CELERY_TASK_CREATE_MISSING_QUEUES = False
CELERY_TASK_SERIALIZER = "json"
CELERY_RESULT_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_STORE_ERRORS_EVEN_IF_IGNORED = False
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_ACKS_ON_FAILURE_OR_TIMEOUT = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_WORKER_SEND_TASK_EVENTS = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 30
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_CHANNEL_ERROR_RETRY = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": optional("MUTT_VISIBILITY_TIMEOUT_S", 300, at_least_one),
    "unacked_restore_interval": 5,
    "unacked_restore_limit": 500,
    "socket_timeout": 10,
    "socket_connect_timeout": 5,
    "socket_keepalive": True,
    "health_check_interval": 10,
    "retry_on_timeout": False,
}
CELERY_BEAT_SCHEDULER = "mutt_project.beat:JsonScheduler"
CELERY_BEAT_SCHEDULE = {
    "sweep open batches": {
        "task": "ingest.sweep_open_batches",
        "schedule": MUTT_SWEEP_EVERY_S,
        "options": {"expires": 60},
    },
    "store the quarantine": {
        "task": "ingest.store_quarantine",
        "schedule": 10.0,
        "options": {"expires": 60},
    },
    "go on with replays": {"task": "ingest.go_on_with_replays", "schedule": 2.0, "options": {"expires": 10}},
    "look at the rules": {"task": "rules.check_rule_set", "schedule": 15.0, "options": {"expires": 15}},
    "resume backtests": {"task": "rules.resume_backtests", "schedule": 15.0, "options": {"expires": 15}},
    "fold traffic": {"task": "ingest.fold_traffic", "schedule": 60 * 60.0, "options": {"expires": 60 * 60}},
    "check the ledger": {"task": "audit.check_ledger", "schedule": 30.0, "options": {"expires": 30}},
    "fold tallies": {"task": "audit.fold_tallies", "schedule": 60.0, "options": {"expires": 60}},
    "create partitions": {"task": "audit.create_partitions", "schedule": 6 * 60 * 60.0},
    "retain": {"task": "audit.retain", "schedule": crontab(hour="2", minute="15"), "options": {"expires": 3600}},
    "resume archives": {"task": "audit.resume_archives", "schedule": 15.0, "options": {"expires": 15}},
    "prune": {"task": "ingest.prune", "schedule": crontab(hour="3", minute="15"), "options": {"expires": 3600}},
}
if MUTT_CANARY_EVERY_S:
    CELERY_BEAT_SCHEDULE["send a canary"] = {
        "task": "ingest.send_canary",
        "schedule": MUTT_CANARY_EVERY_S,
        "options": {"expires": MUTT_CANARY_EVERY_S},
    }

# Spans for OpenTelemetry, from the webhook to Moogsoft; the OTEL_* variables say where they go.
MUTT_TRACING = optional("MUTT_TRACING", False, boolean)

# From which level on lines are written.
MUTT_LOG_LEVEL = optional("MUTT_LOG_LEVEL", "INFO", log_level)

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {
        "mask": {"()": "mutt_project.masking.MaskSecrets"},
        "briefly": {"()": "mutt_project.log_lines.Briefly"},
    },
    "formatters": {
        "line": {"()": "mutt_project.log_lines.formatter", "form": log_format()},
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["briefly", "mask"]}},
    "root": {"handlers": ["stderr"], "level": MUTT_LOG_LEVEL},
    "loggers": {
        "celery.app.trace": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
        "urllib3": {"level": "ERROR"},  # its warnings hold the URL; what went wrong is in the attempt
        # Django (with the loggers below it) and Celery would give these handlers of their own, which mask nothing.
        "django": {"handlers": []},
        "celery.task": {"handlers": ["stderr"], "propagate": False},
        "multiprocessing": {"handlers": ["stderr"], "propagate": False},
    },
}

# What can be changed while MUTT runs (docs/adr has why); what is set here is the default. Ask audit.tuning.present.
CONSTANCE_BACKEND = "audit.tuning.backend.TuningBackend"
CONSTANCE_CONFIG = {name: (as_text(globals()[name]), tunable.meaning, str) for name, tunable in TUNABLES.items()}
