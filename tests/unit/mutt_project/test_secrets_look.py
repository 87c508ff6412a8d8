"""The status tells how the keeper of the secrets gets on."""

from dataclasses import replace

import pytest

from mutt_project.secrets.folder import Folder
from mutt_project.secrets.present import Fixed, Secrets, SourceError
from mutt_project.secrets.shared import Standing
from mutt_project.secrets.vault_settings import VaultSettings
from mutt_project.status.secrets_look import of_keeper, secret_checks

NOW = 1_000_000.0
WELL = Standing(looked_at=NOW - 3, read_at=NOW - 3, version=7, token_ends_at=NOW + 600)
AWAY = replace(WELL, text="Vault cannot be reached.", mend="Start it.", since=NOW - 90, read_at=NOW - 95)


@pytest.mark.parametrize(
    ("found", "state", "says"),
    [
        (WELL, "ok", "version 7, read 3 s ago"),
        (
            AWAY,
            "warning",
            "Vault cannot be reached. The last secrets, version 7, are used on, since 1970-01-12 13:45:10",
        ),
        (AWAY, "warning", "Our token is good until 1970-01-12 13:56:40 UTC."),
        (replace(AWAY, refused=True, next_login_at=NOW + 60), "failed", "The next login: 1970-01-12 13:47:40 UTC."),
        (replace(WELL, looked_at=NOW - 200), "failed", "Nobody on this machine has looked into Vault for 200 s"),
    ],
)
def test_what_the_keeper_says_is_told(found, state, says):
    check = of_keeper(found, 5, NOW)
    assert (check.state, bool(check.mend)) == (state, state != "ok")
    assert says in check.text


def test_without_vault_secrets_are_well_as_long_as_they_can_be_read(settings):
    (check,) = secret_checks()
    assert check.is_well

    class Away(Fixed):
        away = False

        def read(self):
            if self.away:
                raise SourceError("REDIS_PASSWORD_FILE names /x, which cannot be read.")
            return super().read()

    source = Away({})
    settings.MUTT_SECRETS = Secrets(source, look_every_s=0)
    source.away = True
    settings.MUTT_SECRETS.refresh()
    (check,) = secret_checks()
    assert (check.state, "REDIS_PASSWORD_FILE names /x" in check.text) == ("failed", True)


def test_a_machine_whose_secrets_nobody_keeps_is_told(settings, tmp_path):
    settings.MUTT_VAULT = VaultSettings("https://vault:8200", tmp_path, {})
    (check,) = secret_checks()
    assert check.text.startswith("Nobody on this machine has looked into Vault")
    Folder(tmp_path).write("standing.json", {"of": "another MUTT"})
    (check,) = secret_checks()
    assert not check.is_well
