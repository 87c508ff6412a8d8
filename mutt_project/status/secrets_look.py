"""Whether the secrets can be read, and how the keeper of this machine's secrets gets on with Vault."""

import time
from collections.abc import Iterable
from datetime import UTC, datetime

from django.conf import settings

from mutt_project.secrets.folder import Folder
from mutt_project.secrets.shared import Standing, standing
from mutt_project.status.check import Check, failed, ok, warning

_NAME = "secrets"
_SLACK_S = 30
_NOBODY = "Is there a web server or a worker on this machine whose log says why?"


def secret_checks() -> Iterable[Check]:
    """One check; what is wrong costs nothing yet, but a machine that starts anew would have no secrets."""
    vault = settings.MUTT_VAULT
    if settings.MUTT_SECRETS.trouble:
        text = f"Secrets cannot be read, the last ones are used on: {settings.MUTT_SECRETS.trouble}"
        yield failed(_NAME, text, "Put it right; they are read again within a second.")
    elif vault is None:
        yield ok(_NAME, "Secrets come from the environment and from files.")
    else:
        try:
            yield of_keeper(standing(Folder(vault.folder)), vault.check_every_s, time.time())
        except OSError as error:
            yield failed(_NAME, f"MUTT_SECRETS_DIR cannot be read: {error.strerror}.", "See docs/secrets.md.")


def of_keeper(found: Standing, check_every_s: float, now: float) -> Check:
    """What the keeper has left word of; `now` is in Unix seconds."""
    silent_s = now - found.looked_at
    if silent_s > 3 * check_every_s + _SLACK_S:
        return failed(_NAME, f"Nobody on this machine has looked into Vault for {silent_s:.0f} s.", _NOBODY)
    if found.text:
        more = f" The last secrets, version {found.version}, are used on, since {_moment(found.since)}."
        token = f" Our token is good until {_moment(found.token_ends_at)}." if found.token_ends_at > now else ""
        login = f" The next login: {_moment(found.next_login_at)}." if found.next_login_at > now else ""
        return (failed if found.refused else warning)(_NAME, f"{found.text}{more}{token}{login}", found.mend)
    return ok(_NAME, f"Secrets come from Vault: version {found.version}, read {now - found.read_at:.0f} s ago.")


def _moment(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC"
