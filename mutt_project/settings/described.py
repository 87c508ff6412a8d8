"""What each environment variable means; docs/settings.md is made of this, and a test knows one that is missing here.

Defaults and bounds of what `settings/base.py` reads come from there, all about what can be changed at run time from
`audit/tuning/tunables.py`; what stands here beside them is what neither says.
"""

from dataclasses import dataclass

FIRST = "0.1.0"


@dataclass(frozen=True, slots=True)
class Variable:
    """One or more variables that mean one thing. `default` and `takes` are given where the code does not tell them."""

    names: str
    meaning: str = ""
    default: str = ""
    takes: str = ""
    unit: str = ""
    since: str = FIRST


V = Variable
REQUIRED = "required"

DESCRIBED: dict[str, tuple[Variable, ...]] = {
    "The web server": (
        V("MUTT_BIND", "where the web server listens", "`127.0.0.1:8000`", "address and port"),
        V("MUTT_WEB_PROCESSES", "processes of the web server", "`2`", "1 or more"),
        V("MUTT_WEB_THREADS", "threads of each", "`16`", "1 or more"),
        V("MUTT_ALLOWED_HOSTS", "names that MUTT answers to", "`127.0.0.1,localhost,[::1]`", "names"),
        V(
            "MUTT_TRUSTED_ORIGINS",
            "origins of admin behind a proxy, e.g. `https://mutt.example.net`",
            "none",
            "origins",
        ),
        V(
            "MUTT_TRUSTED_PROXIES",
            "addresses or networks of proxies, e.g. `10.0.0.7,10.1.0.0/16`: only their `X-Forwarded-For` and `-Proto` "
            "are believed; required with `MUTT_TLS=true` ([login.md](login.md))",
        ),
        V(
            "MUTT_TLS",
            "behind TLS: secure cookies whose names begin with `__Host-`, HSTS, redirect; `make run` sets it to "
            "`false`",
            "`true`",
            "true or false",
        ),
        V(
            "MUTT_HSTS_PRELOAD",
            "says in `Strict-Transport-Security` that the whole domain may go on the lists that browsers come with; "
            "for a domain whose every host speaks TLS",
            "`false`",
            "true or false",
        ),
        V(
            "MUTT_STATIC_ROOT",
            "where `collectstatic` puts files; without it they are served from the packages",
            takes="a folder",
        ),
        V(
            "MUTT_ARRIVAL_S",
            "how long a request may take to arrive, header and body; then no more of it is read",
            "`60`",
            unit="seconds",
        ),
        V(
            "MALLOC_MMAP_THRESHOLD_",
            "from how many bytes on a block of memory goes back to the system once it is free; by its own choice glibc "
            "raises the limit, and a web process holds on to what large bodies took (measured over 40,000 broken "
            "bodies, both web processes together: 356 MiB with two heaps, `MALLOC_ARENA_MAX=2`; 259 MiB with this, "
            "no slower)",
            "glibc's own; `make run` sets it to `131072`",
            unit="bytes",
        ),
    ),
    "People and logins": (
        V("MUTT_LOGIN_RATE"),
        V("MUTT_ANONYMOUS_RATES"),
        V("MUTT_SESSION_IDLE_S", "a session ends after so long without a request", unit="seconds"),
        V("MUTT_SESSION_MAX_S", "and after so long in any case", unit="seconds"),
        V("MUTT_TOTP", "a second factor: `off`, `optional` or `required`"),
        V(
            "MUTT_OIDC_ISSUER",
            "an OpenID Connect provider to log in by; with it `MUTT_OIDC_CLIENT_ID` and `MUTT_OIDC_ROLES` are required",
        ),
        V("MUTT_OIDC_CLIENT_ID", "what MUTT is called there"),
        V("MUTT_OIDC_CLIENT_SECRET", "the secret that belongs to it", "none", "a secret"),
        V(
            "MUTT_OIDC_ROLES",
            "roles of the provider's groups, e.g. `network-team=editor,noc=viewer` (or operator, admin)",
        ),
        V("MUTT_OIDC_NAME", "what the link on the login page calls the provider"),
        V("MUTT_OIDC_GROUPS_CLAIM", "where the provider tells the groups"),
        V("MUTT_OIDC_USERNAME_CLAIM", "where it tells the name of a new person"),
        V("MUTT_OIDC_SCOPES", "what it is asked for"),
        V("MUTT_OIDC_ALGORITHM", "how it signs"),
    ),
    "What comes in": (
        V("MUTT_MAX_BODY_BYTES", "largest request to the webhook", unit="bytes"),
        V("MUTT_MAX_EVENTS"),
        V("MUTT_KEY_RATE"),
        V("MUTT_GLOBAL_RATE"),
        V("MUTT_OPEN_BATCHES_HIGH"),
        V("MUTT_OPEN_BATCHES_LOW", default="four fifths of `MUTT_OPEN_BATCHES_HIGH` as it is at present"),
        V("MUTT_REDIS_MEMORY_HIGH"),
        V("MUTT_REDIS_MEMORY_LOW"),
        V("MUTT_GATE_EVERY_S", "how often each web process asks whether the door is to be closed", unit="seconds"),
        V(
            "MUTT_IDEMPOTENCY_WINDOW_S",
            "how long an `Idempotency-Key` and its answer are remembered (some 300 bytes each)",
            unit="seconds",
        ),
        V(
            "MUTT_SAME_BODY_WINDOWS",
            "sources for which the same body of the same key within so many seconds is the same request, "
            "e.g. `solarwinds=60`",
        ),
        V("MUTT_ASSUMED_TIME_ZONE", "what times without a zone are in, e.g. `Europe/Berlin`"),
        V(
            "MUTT_OID_NAMES",
            "a file with names of OIDs, as `snmptranslate -Tz -m ALL` prints them, for traps that come by name",
            takes="a file",
        ),
        V("MUTT_KEY_MAX_AGE_S", "how long a checked API key is taken as known", unit="seconds"),
        V("MUTT_TRAFFIC_EVERY_S", "how often each web process stores what it counted of the traffic", unit="seconds"),
        V(
            "MUTT_SLO_FILE",
            "a TOML file of objectives in place of those that come with MUTT ([slo.md](slo.md))",
            takes="a file",
        ),
    ),
    "Refused events": (
        V(
            "MUTT_QUARANTINE_MAX_BYTES",
            "of each refused event so many bytes are kept; a cut one cannot be sent again",
            unit="bytes",
        ),
        V(
            "MUTT_QUARANTINE_INBOX",
            "most refused events that wait in Redis while PostgreSQL is away (each `MUTT_QUARANTINE_MAX_BYTES` at "
            "most); `0` keeps nothing",
            unit="events",
        ),
        V("MUTT_QUARANTINE_DAYS"),
        V("MUTT_QUARANTINE_MOST"),
    ),
    "Moogsoft": (
        V(
            "MOOGSOFT_URL",
            "where alerts are posted; `https://`, without user name, password or `#`",
            REQUIRED,
            "an address",
        ),
        V(
            "MOOGSOFT_ALLOW_HTTP",
            "whether `http://` will do, where the key can be read on its way; `make run` sets it to `true`",
        ),
        V(
            "MOOGSOFT_ALLOWED_NETWORKS",
            "networks in which Moogsoft may be though they are loopback, link-local or reserved, "
            "e.g. `127.0.0.0/8,::1/128`; `make run` allows `127.0.0.0/8`",
        ),
        V("MOOGSOFT_CA_FILE", "whom to trust as Moogsoft", "the system's", "a file"),
        V(
            "MOOGSOFT_CLIENT_CERT_FILE, MOOGSOFT_CLIENT_KEY_FILE",
            "our certificate and its key, where Moogsoft, or what stands before it, demands one",
            takes="files",
        ),
        V(
            "MOOGSOFT_API_KEY",
            "Cloud: header `apiKey`; Onprem: `auth_token` in the body",
            REQUIRED,
            "a secret",
        ),
        V("MOOGSOFT_FLAVOUR", "`cloud` (Events API) or `onprem` (REST LAM)"),
        V("MOOGSOFT_ARRAY", "Cloud: post an array; `false` posts one bare object a request"),
        V("MOOGSOFT_KEY_FIELD", "or `dedupe_key`, for older instances"),
        V("MOOGSOFT_SERVICES_FIELD", "or `service`"),
        V("MOOGSOFT_BATCH_SIZE"),
        V("MOOGSOFT_CONNECT_TIMEOUT_S", "longest wait for a connection", unit="seconds"),
        V(
            "MOOGSOFT_READ_TIMEOUT_S",
            "longest wait for an answer; together they bound the whole exchange, however slowly it dribbles in",
            unit="seconds",
        ),
        V("MOOGSOFT_RATE"),
        V("MOOGSOFT_DRAIN_SHARE"),
        V("MOOGSOFT_DRAIN_EVERY_S", "how often each worker looks whether parked batches may go on", unit="seconds"),
        V("MOOGSOFT_BREAKER_FAILURES"),
        V("MOOGSOFT_BREAKER_WINDOW_S"),
        V("MOOGSOFT_BREAKER_OPEN_S"),
    ),
    "Workers": (
        V(
            "MUTT_LEASE_S",
            "how long a stage may hold a batch without renewing; at least twice the timeouts of Moogsoft together",
            unit="seconds",
        ),
        V("MUTT_GRACE_S", "after this long without progress an unclaimed batch is overdue", unit="seconds"),
        V("MUTT_SWEEP_EVERY_S", "how often overdue batches are looked for", unit="seconds"),
        V(
            "MUTT_GATHER_S",
            "batches that a process opens within so many seconds leave in one message, but for the first, which leaves "
            "at once; 0: each leaves by itself",
            unit="seconds",
        ),
        V(
            "MUTT_STALL_S",
            "a worker that fetches nothing for so long, though its queues are not empty, ends; whatever runs it must "
            "start it again",
            unit="seconds",
        ),
        V(
            "MUTT_VISIBILITY_TIMEOUT_S",
            "after so long Celery gives the message of a worker that does not answer to another; the same in all "
            "processes, and over twice the longest wait for a retry (60 s)",
            unit="seconds",
        ),
        V("MUTT_RULE_SET_MAX_AGE_S", "how often a worker asks whether the rules changed", unit="seconds"),
        V("MUTT_UNMATCHED_THRESHOLD"),
        V("MUTT_UNMATCHED_WINDOW_S"),
        V(
            "MUTT_CANARY_EVERY_S",
            "how often MUTT sends an event of its own to see that events come through ([health.md](health.md)); `0`: "
            "never. `make demo` sets it to `0`, since its ledger is about its samples",
            unit="seconds",
        ),
        V(
            "MUTT_CANARY_DELIVERS",
            "whether that event goes on to Moogsoft, where it is one alert that is clear",
        ),
    ),
    "What is kept, searched and replayed": (
        V("MUTT_RETENTION_DAYS"),
        V(
            "MUTT_ARCHIVE_DIR",
            "where archives are written; all workers that serve `maintenance` must see the same folder. Without it "
            "nothing is dropped",
            "none; `make run` sets it to `var/archive`",
            "a folder",
        ),
        V("MUTT_RETENTION_ARCHIVE", "`false` drops months without an archive: they are gone for good"),
        V("MUTT_RESTORED_DAYS"),
        V("MUTT_SEARCH_TIMEOUT_S"),
        V("MUTT_REPLAY_RATE"),
        V("MUTT_AUTO_REPLAY_TIMES"),
    ),
    "Secrets, PostgreSQL and Redis": (
        V(
            "MUTT_SECRET_KEY",
            "Django's secret key; it also encrypts the signing secrets of API keys",
            f"{REQUIRED}, 32 characters or more",
            "a secret",
        ),
        V(
            "MUTT_SECRET_KEY_FALLBACKS",
            "former secret keys, separated by commas: what was signed or encrypted with them still holds",
            "none",
            "secrets",
        ),
        V(
            "DATABASE_URL",
            "PostgreSQL, e.g. `postgresql://mutt:…@db:5432/mutt`; with TLS, "
            "`?sslmode=verify-full&sslrootcert=/etc/mutt/ca.pem` ([network.md](network.md))",
            REQUIRED,
            "a secret",
        ),
        V(
            "DATABASE_PASSWORD, DATABASE_PASSWORD_NEXT",
            "the present one, and the next one while it is being changed: [rotation.md](rotation.md)",
            "the password in `DATABASE_URL`",
            "secrets",
        ),
        V(
            "REDIS_URL",
            "journal, broker and counters; AOF on, `noeviction`; `rediss://` with TLS",
            REQUIRED,
            "a secret",
        ),
        V(
            "REDIS_PASSWORD, REDIS_PASSWORD_NEXT",
            "the same for Redis",
            "the password in `REDIS_URL`",
            "secrets",
        ),
        V("REDIS_CA_FILE", "whom to trust with `rediss://`", "the system's", "a file"),
        V(
            "REDIS_CLIENT_CERT_FILE, REDIS_CLIENT_KEY_FILE",
            "our certificate and its key, where Redis demands one",
            takes="files",
        ),
        V("REDIS_TIMEOUT_S", "longest wait for one answer of Redis", unit="seconds"),
        V(
            "MUTT_ADMIN_PASSWORD, MUTT_LOCAL_API_KEY",
            "what `manage.py ensure_access` gives the user `admin` and the key `local`",
            "none; `make run` makes them",
            "secrets",
        ),
        V("FLOWER_PORT", "where the image's health check asks for Flower", "`5555`", "a port"),
        V("FLOWER_BASIC_AUTH", "who may look at Flower", "none", "a secret: `name:password`"),
    ),
    "Vault": (
        V(
            "VAULT_ADDR",
            "where Vault is; without it secrets come from the environment and from files ([secrets.md](secrets.md))",
            "none",
            "an address",
        ),
        V("VAULT_CACERT", "a file of CAs to trust", "the system's CAs", "a file"),
        V("VAULT_NAMESPACE", "Vault's namespace", "none", "text"),
        V(
            "MUTT_VAULT_ROLE_ID",
            "the role to log in with (AppRole); as a file: `MUTT_VAULT_ROLE_ID_FILE`",
            f"{REQUIRED} with `VAULT_ADDR`",
            "text",
        ),
        V(
            "MUTT_VAULT_SECRET_ID, MUTT_VAULT_WRAPPED_SECRET_ID",
            "its secret-id, or the token of a wrapping that holds one; better as files: `MUTT_VAULT_SECRET_ID_FILE`, "
            "`MUTT_VAULT_WRAPPED_SECRET_ID_FILE`, which are read at each login",
            f"one is {REQUIRED} with `VAULT_ADDR`",
            "a secret",
        ),
        V("MUTT_VAULT_AUTH_MOUNT", "where AppRole is mounted", "`approle`", "a path"),
        V("MUTT_VAULT_KV_MOUNT", "where the KV store (version 2) is mounted", "`secret`", "a path"),
        V("MUTT_VAULT_PATH", "the path in it", "`mutt`", "a path"),
        V(
            "MUTT_VAULT_CHECK_EVERY_S",
            "how often a machine looks for a new version of the secrets",
            "`5`",
            "above 0",
            "seconds",
        ),
        V(
            "MUTT_SECRETS_DIR",
            "where the processes of a machine share what came from Vault: of mode 0700, our own, and in memory",
            "`$XDG_RUNTIME_DIR/mutt`, or `/run/mutt`",
            "a folder",
        ),
    ),
    "Logs, metrics and traces": (
        V("MUTT_LOG_LEVEL"),
        V("MUTT_LOG_FORMAT", "what a line looks like", "`text` on a terminal, else `json`"),
        V(
            "PROMETHEUS_MULTIPROC_DIR",
            "a folder where the processes of one machine or container share their metrics; without it `/metrics` shows "
            "one web process only ([metrics.md](metrics.md))",
            "none",
            "a folder",
        ),
        V(
            "MUTT_ALIVE_DIR",
            "a folder where workers and beat touch a file every few seconds, for whoever watches over their processes: "
            "`python -m ops.docker.health` ([deployment.md](deployment.md))",
            "none; the image sets it to `/tmp/mutt-alive`",
            "a folder",
        ),
        V(
            "MUTT_METRICS_PORT",
            "where a worker serves the metrics of its machine's processes, on machines without the web server",
            takes="a port",
        ),
        V("MUTT_METRICS_ADDRESS", "the address for that", takes="an address"),
        V(
            "MUTT_TRACING",
            "spans for OpenTelemetry; `OTEL_EXPORTER_OTLP_ENDPOINT` and the other `OTEL_*` variables say where they "
            "go, how many, and under which name (`OTEL_SERVICE_NAME`)",
        ),
    ),
    "muttctl and the relay": (
        V("MUTT_URL", "where MUTT is, for muttctl, and for the relay without `--url`", "none", "an address"),
        V(
            "MUTT_API_KEY",
            "the API key of muttctl, and of the relay without `--key-file`; it is never taken from the command line",
            "none",
            "a secret",
        ),
        V("MUTT_PROFILE", "muttctl: the profile to use, where there is no `MUTT_URL`", "the current one", "a name"),
        V("MUTT_CA_FILE", "muttctl: whom to trust", "the system's authorities", "a file"),
        V(
            "MUTT_CLIENT_CERT_FILE, MUTT_CLIENT_KEY_FILE",
            "muttctl and the relay: the certificate to show to MUTT, and its key (PEM, without a passphrase)",
            "none",
            "files",
        ),
        V(
            "MUTT_ALLOW_HTTP",
            "muttctl: `true` takes an `http://` address of another machine, where the key can be read on its way",
            "`false`",
            "true or false",
        ),
    ),
    "make demo, make run and make audit": (
        V(
            "MUTT_WEB_PORT, MUTT_FLOWER_PORT, MUTT_STUB_PORT, MUTT_POSTGRESQL_PORT, MUTT_REDIS_PORT",
            "where the servers of `make demo` and `make run` listen",
            "free ports",
            "ports",
        ),
        V("MUTT_OSV_URL", "another database of known holes for `make audit` to ask", "OSV's own", "an address"),
    ),
}
