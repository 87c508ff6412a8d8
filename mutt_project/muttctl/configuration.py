"""Where MUTT is and with which key: from the environment, a profile, or what `make run` left behind."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from mutt_project.muttctl.errors import ConfigurationError
from mutt_project.muttctl.profile_keys import key_of
from mutt_project.muttctl.profile_store import Profile, read_profiles
from mutt_project.this_machine import is_here

RUN_FILE = Path("var/run.json")
FILES = ("MUTT_CA_FILE", "MUTT_CLIENT_CERT_FILE", "MUTT_CLIENT_KEY_FILE")
_YES = {"1", "true", "yes", "on"}


@dataclass(frozen=True)
class Configuration:
    """Where MUTT is. Without `ca_file` the system's authorities are trusted; the last two say where it is from."""

    url: str
    api_key: str = field(repr=False)
    ca_file: str | None = None
    client_cert_file: str | None = None
    client_key_file: str | None = None
    url_from: str = "MUTT_URL"
    key_from: str = "MUTT_API_KEY"


def read_configuration(
    environ: Mapping[str, str], run_file: Path = RUN_FILE, profile: str | None = None
) -> Configuration:
    """All from one place, so that a key never goes to an address it was not given for.

    That is the environment; or else `profile`, the profile MUTT_PROFILE, the current profile, or the run file.
    """
    url = environ.get("MUTT_URL", "").strip()
    api_key = environ.get("MUTT_API_KEY", "").strip()
    if profile and (url or api_key):
        raise ConfigurationError(
            f"--profile {profile} is given while the environment sets MUTT_URL or MUTT_API_KEY, which would count.\n"
            "Unset them (unset MUTT_URL MUTT_API_KEY), or leave --profile out."
        )
    if not url and not api_key:
        profiles = read_profiles(environ)
        if name := profile or environ.get("MUTT_PROFILE", "").strip() or profiles.current:
            return of_profile(profiles.named(name), profiles.folder)
    origin = "MUTT_URL and MUTT_API_KEY"
    names = {}
    if not url and not api_key and run_file.exists():
        url, api_key = _read_run_file(run_file)
        origin = str(run_file)
        names = {"url_from": f"the address in {run_file}", "key_from": f"the key in {run_file}"}
    if not url or not api_key:
        missing = " and ".join(name for name, value in (("MUTT_URL", url), ("MUTT_API_KEY", api_key)) if not value)
        raise ConfigurationError(
            f"{missing} not set. Set both, MUTT_URL to an address like https://mutt.example.com;\n"
            f"or make a profile (muttctl profile add --help), or run muttctl where `make run` has written {RUN_FILE}."
        )
    check_key(api_key, origin)
    address = checked_url(url, origin)
    if environ.get("MUTT_ALLOW_HTTP", "").strip().lower() not in _YES:
        check_privacy(address, origin, "set MUTT_ALLOW_HTTP=true")
    ca_file, cert_file, key_file = (environ.get(name, "").strip() or None for name in FILES)
    return Configuration(address, api_key, ca_file, cert_file, key_file, **names)


def of_profile(profile: Profile, folder: Path) -> Configuration:
    """What a profile says, and its key. The file may have been written by hand, so it is looked at again."""
    origin = f"the profile “{profile.name}”"
    address = checked_url(profile.url, origin)
    if not profile.allow_http:
        check_privacy(address, origin, "add the profile with --allow-http")
    api_key = key_of(profile, folder)
    check_key(api_key, origin)
    return Configuration(
        address,
        api_key,
        profile.ca_file,
        profile.client_cert_file,
        profile.client_key_file,
        url_from=f"the address of {origin}",
        key_from=f"the key of {origin}",
    )


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


def checked_url(url: str, origin: str) -> str:
    """The address without a slash at its end. Raises ConfigurationError for what can be no address of a MUTT."""
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


def check_privacy(url: str, origin: str, permit: str) -> None:
    """Without TLS whoever is in between can read the key."""
    parts = urlsplit(url)
    if parts.scheme == "http" and not is_here(parts.hostname or ""):
        raise ConfigurationError(
            f"The address in {origin} begins with http://, so the API key could be read on its way.\n"
            f"Use https://, or {permit} if nobody else is on that way."
        )


def check_key(api_key: str, origin: str) -> None:
    """Raises ConfigurationError for what can be no key."""
    # http.client would refuse such a header too, but with the key in the text of its error.
    if not (api_key.isascii() and api_key.isprintable()):
        raise ConfigurationError(f"The API key in {origin} holds characters that no key has; copy it again.")
