"""Where Vault is: what is wrong with the settings is said before anything is asked."""

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from mutt_project.secrets.deciding import vault_of
from mutt_project.secrets.present import SourceError
from mutt_project.secrets.vault_settings import VaultSettings

VAULT = {"VAULT_ADDR": "https://vault.example.net:8200", "MUTT_VAULT_ROLE_ID": "role"}


def found(**more: str) -> VaultSettings:
    settings = vault_of({**VAULT, **more})
    assert settings
    return settings


def test_without_an_address_there_is_no_vault():
    assert vault_of({"MUTT_VAULT_ROLE_ID": "role"}) is None


def test_the_folder_is_that_of_the_user_or_of_the_machine():
    assert [
        found(**more).folder for more in ({}, {"XDG_RUNTIME_DIR": "/run/user/7"}, {"MUTT_SECRETS_DIR": "/run/x"})
    ] == [Path("/run/mutt"), Path("/run/user/7/mutt"), Path("/run/x")]


@pytest.mark.parametrize("address", ["vault:8200", "https://", "https://user:secret-of-vault@vault:8200"])
def test_an_address_of_no_use_is_refused_and_not_repeated(address):
    with pytest.raises(ImproperlyConfigured, match="VAULT_ADDR must be like https") as caught:
        vault_of({"VAULT_ADDR": address})
    assert "secret-of-vault" not in str(caught.value)


def test_secrets_do_not_travel_in_the_clear():
    with pytest.raises(ImproperlyConfigured, match="VAULT_ADDR must be an https address"):
        vault_of({"VAULT_ADDR": "http://vault.example.net:8200"})


def test_a_file_of_cas_that_is_not_there_is_told():
    with pytest.raises(ImproperlyConfigured, match="VAULT_CACERT names /nowhere, which is no file"):
        vault_of({**VAULT, "VAULT_CACERT": "/nowhere"})


@pytest.mark.parametrize("seconds", ["0", "often"])
def test_seconds_that_are_none_are_refused(seconds):
    with pytest.raises(ImproperlyConfigured, match="MUTT_VAULT_CHECK_EVERY_S cannot be used"):
        vault_of({**VAULT, "MUTT_VAULT_CHECK_EVERY_S": seconds})


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({}, "Set one of MUTT_VAULT_SECRET_ID and MUTT_VAULT_WRAPPED_SECRET_ID"),
        ({"MUTT_VAULT_SECRET_ID": "a", "MUTT_VAULT_WRAPPED_SECRET_ID": "b"}, "Set one of"),
        ({"MUTT_VAULT_ROLE_ID": ""}, "MUTT_VAULT_ROLE_ID is not set, though VAULT_ADDR is"),
        ({"MUTT_VAULT_ROLE_ID_FILE": "/x"}, "MUTT_VAULT_ROLE_ID and MUTT_VAULT_ROLE_ID_FILE are both set"),
        ({"MUTT_VAULT_SECRET_ID_FILE": "/nowhere"}, "names /nowhere, which cannot be read"),
    ],
)
def test_credentials_that_cannot_be_used_are_told(more, why):
    with pytest.raises(SourceError, match=why):
        found(**more).credentials()


def test_another_secret_id_has_another_fingerprint_which_does_not_tell_it(tmp_path):
    file = tmp_path / "secret-id"
    settings = found(MUTT_VAULT_SECRET_ID_FILE=str(file))
    file.write_text("the-first")
    first = settings.credentials().fingerprint
    file.write_text("the-second")
    assert settings.credentials().fingerprint != first
    file.write_text("the-first")
    assert settings.credentials().fingerprint == first
    elsewhere = found(MUTT_VAULT_SECRET_ID_FILE=str(file), MUTT_VAULT_AUTH_MOUNT="machines")
    assert elsewhere.credentials().fingerprint != first
    assert "the-first" not in first
