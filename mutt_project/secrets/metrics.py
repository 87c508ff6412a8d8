"""What Prometheus is told about the secrets, by the process that keeps them."""

from prometheus_client import Counter, Gauge

READ_AT = Gauge(
    "mutt_secrets_read_timestamp_seconds",
    "When this machine's secrets were last read from Vault, in Unix time; 0: never, or there is no Vault.",
    multiprocess_mode="livemax",
)
LOGIN_FAILURES = Counter("mutt_vault_login_failures_total", "Logins that Vault has refused.")
