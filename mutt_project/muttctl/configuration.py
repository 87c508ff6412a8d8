"""Where MUTT is and with which key: from the environment, or from what `make run` left behind."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from mutt_project.muttctl.errors import ConfigurationError
from mutt_project.this_machine import is_here

RUN_FILE = Path("var/run.json")
_YES = {"1", "true", "yes", "on"}


@dataclass(frozen=True)
class Configuration:
    """Without `ca_file` the system's authorities are trusted."""

    url: str
    api_key: str = field(repr=False)
    ca_file: str | None = None


def read_configuration(environ: Mapping[str, str], run_file: Path = RUN_FILE) -> Configuration:
    """Both values from one place only, so that a key never goes to an address it was not given for."""
    url = environ.get("MUTT_URL", "").strip()
    api_key = environ.get("MUTT_API_KEY", "").strip()
    origin = "MUTT_URL and MUTT_API_KEY"
    if not url and not api_key and run_file.exists():
        url, api_key = _read_run_file(run_file)
        origin = str(run_file)
    if not url or not api_key:
        missing = " and ".join(name for name, value in (("MUTT_URL", url), ("MUTT_API_KEY", api_key)) if not value)
        raise ConfigurationError(
            f"{missing} not set. Set both, MUTT_URL to an address like https://mutt.example.com,\n"
            f"or set neither and run muttctl where `make run` has written {RUN_FILE}."
        )
    _check_key(api_key, origin)
    address = _checked_url(url, origin)
    if environ.get("MUTT_ALLOW_HTTP", "").strip().lower() not in _YES:
        _check_privacy(address, origin)
    return Configuration(address, api_key, environ.get("MUTT_CA_FILE", "").strip() or None)


def _read_run_file(run_file: Path) -> tuple[str, str]:
    try:
        content = json.loads(run_file.read_bytes())
        return str(content["web"]).strip(), str(content["api_key"]).strip()
    except OSError as error:
        raise ConfigurationError(
            f"{run_file} cannot be read: {error.strerror}. Set MUTT_URL and MUTT_API_KEY instead."
        ) from None
    except (ValueError, KeyError, TypeError):
        raise ConfigurationError(
            f'{run_file} is not as `make run` writes it (JSON with "web" and "api_key").\n'
            "Start `make run` again, or set MUTT_URL and MUTT_API_KEY."
        ) from None


def _checked_url(url: str, origin: str) -> str:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    # The URL is not repeated: it may hold a password, which is one of the reasons to refuse it.
    if not usable or "@" in parts.netloc or parts.query or parts.fragment:
        raise ConfigurationError(
            f"The address in {origin} is not usable: it must be like https://mutt.example.com,\n"
            "without user name, password, query or fragment."
        )
    return url.rstrip("/")


def _check_privacy(url: str, origin: str) -> None:
    """Without TLS whoever is in between can read the key."""
    parts = urlsplit(url)
    if parts.scheme == "http" and not is_here(parts.hostname or ""):
        raise ConfigurationError(
            f"The address in {origin} begins with http://, so the API key could be read on its way.\n"
            "Use https://, or set MUTT_ALLOW_HTTP=true if nobody else is on that way."
        )


def _check_key(api_key: str, origin: str) -> None:
    # http.client would refuse such a header too, but with the key in the text of its error.
    if not (api_key.isascii() and api_key.isprintable()):
        raise ConfigurationError(f"The API key in {origin} holds characters that no key has; copy it again.")
