"""What the tests of compose, Kubernetes and systemd hold against each other."""

import re

from mutt_project.secrets.names import SECRETS
from ops.docker.run import ROLES
from ops.local.stack import ROOT

OTHERS = {"DJANGO_SETTINGS_MODULE", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE", "PATH"}
LATEST = re.compile(r"(^|:)latest$|^[^:@]+$")


def known_settings() -> set[str]:
    """The variables of docs/settings.md, those that name files of secrets, and Python's and Django's own."""
    rows = re.findall(r"^\| (`[^|]+) \|", (ROOT / "docs" / "settings.md").read_text(), re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`([A-Z_]+)`", row)}
    vault = {"MUTT_VAULT_ROLE_ID_FILE", "MUTT_VAULT_SECRET_ID_FILE", "MUTT_VAULT_WRAPPED_SECRET_ID_FILE"}
    return named | set(SECRETS) | {f"{name}_FILE" for name in SECRETS} | vault | OTHERS


def looks_secret(name: str, value: str) -> bool:
    """A value that should have been a reference: a password, or an address with one in it."""
    if re.search(r"://[^/@]*:[^/@]+@", value):
        return True
    return bool(value) and name in SECRETS and not name.endswith("_URL")


def role_of(words: list[str]) -> str:
    assert words, "no command"
    assert words[0] in ROLES, words
    return words[0]


def queues_of(words: list[str]) -> set[str]:
    """The queues that a worker's command names."""
    return {queue for word in words if word.startswith("--queues=") for queue in word[9:].split(",")}
