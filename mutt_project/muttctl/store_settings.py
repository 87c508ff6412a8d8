"""Where PostgreSQL and Redis are, by the settings of the server: only `muttctl dr` goes past the API."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from mutt_project.muttctl.errors import ConfigurationError

_PORTS = {"redis": 6379, "rediss": 6379, "postgresql": 5432, "postgres": 5432}
_SECRET = ("password", "sslpassword")


@dataclass(frozen=True)
class Store:
    """One server. `url` has no password in it; the query may have options of TLS."""

    url: str
    host: str
    port: int
    user: str
    is_tls: bool
    password: str = field(repr=False)


def read_store(environ: Mapping[str, str], name: str) -> Store:
    """The store of NAME_URL; a password in NAME_PASSWORD goes before one in the URL. Raises ConfigurationError."""
    url = setting(environ, f"{name}_URL")
    if not url:
        raise ConfigurationError(
            f"{name}_URL is not set. A backup reads the stores themselves: run it with the settings of the server,\n"
            "where PostgreSQL's client programs are, too: on MUTT's machine, or as the deployment's own backup job,\n"
            "whose image has them (MUTT's own has not). See docs/disaster-recovery.md."
        )
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS[parts.scheme]
        query, in_query = _split_query(parts.query)
    except (ValueError, KeyError):  # the URL is not repeated: it may hold a password
        raise ConfigurationError(f"{name}_URL is no address such as {_example(name)}.") from None
    if "sslpassword" in in_query:
        raise ConfigurationError(
            f"{name}_URL has an sslpassword, which everybody could read on the command line of PostgreSQL's programs:\n"
            "use a key without a passphrase (sslkey) that only its owner can read."
        )
    password = setting(environ, f"{name}_PASSWORD") or in_query.get("password") or unquote(parts.password or "")
    return Store(
        url=_without_password(parts._replace(query=query)),
        host=parts.hostname or "127.0.0.1",
        port=port,
        user=unquote(parts.username or ""),
        is_tls=parts.scheme == "rediss",
        password=password,
    )


def setting(environ: Mapping[str, str], name: str) -> str:
    """A setting, or the content of the file that NAME_FILE names. Raises ConfigurationError."""
    if name not in environ and (path := environ.get(f"{name}_FILE", "")):
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no text"
            raise ConfigurationError(f"{name}_FILE cannot be read: {why}.") from None
    return environ.get(name, "").strip()


def _without_password(parts: SplitResult) -> str:
    host = parts.netloc.rpartition("@")[2]
    user = f"{parts.username}@" if parts.username else ""
    return urlunsplit(parts._replace(netloc=user + host))


def _split_query(query: str) -> tuple[str, dict[str, str]]:
    """All of it but what is secret, as it stands; and that."""
    shown, secret = [], {}
    for part in query.split("&"):
        name, _, value = part.partition("=")
        if unquote(name) in _SECRET:
            secret[unquote(name)] = unquote(value)
        else:
            shown.append(part)
    return "&".join(shown), secret


def _example(name: str) -> str:
    return "postgresql://mutt@db:5432/mutt" if name == "DATABASE" else "redis://redis:6379/0"
