"""Secrets from a real OpenBao: logins are few, what is wrong is said, and MUTT goes on with the last good ones."""

import json
import logging
import os
import re
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from mutt_project.masking import masked
from mutt_project.secrets.deciding import keeper_of, secrets_of, vault_of
from mutt_project.secrets.keeper import Keeper
from mutt_project.secrets.keeping import keep
from mutt_project.secrets.present import SourceError
from mutt_project.secrets.shared import Standing, standing
from mutt_project.secrets.vault import shared_by
from mutt_project.secrets.vault_client import Refused, VaultClient
from mutt_project.secrets.vault_settings import VaultSettings
from ops.local.stack import ROOT
from tests.mutt import eventually
from tests.openbao import OpenBao, Role, new_role

VALUES = {
    "MUTT_SECRET_KEY": "a-secret-key-of-more-than-thirty-two-characters",
    "MOOGSOFT_API_KEY": "the-first-key-of-moogsoft",
    "DATABASE_URL": "postgresql://mutt@127.0.0.1/mutt",
    "REDIS_PASSWORD": "the-password-of-redis",
}
OUTSIDE = {"REDIS_URL": "redis://127.0.0.1/0"}


@pytest.fixture
def role(bao: OpenBao, tmp_path: Path) -> Role:
    made = new_role(bao, tmp_path)
    made.write(VALUES)
    return made


class Clock:
    """The time, as far as it was put on."""

    ahead_s = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead_s


class Machine:
    """A machine of MUTT's, with its folder."""

    def __init__(self, role: Role, **extra: str) -> None:
        self.environment = {**role.environment, **OUTSIDE, **extra}
        if "MUTT_VAULT_WRAPPED_SECRET_ID" in extra:
            del self.environment["MUTT_VAULT_SECRET_ID_FILE"]
        self.clock = Clock()
        self.keeper = self.process()
        self.keeper.folder.ensure()

    def process(self) -> Keeper:
        """One more process, which keeps the secrets when it is given its turns."""
        keeper = keeper_of(self.settings, self.environment)
        keeper._clock = keeper._login._clock = self.clock  # noqa: SLF001 - what only time could bring about
        return keeper

    @property
    def settings(self) -> VaultSettings:
        found = vault_of(self.environment)
        assert found
        return found

    def turn(self) -> Standing:
        self.keeper.turn()
        return self.now

    @property
    def now(self) -> Standing:
        return standing(self.keeper.folder)

    def kept(self, name: str) -> Any:
        return self.keeper.folder.read(f"{name}.json")

    @property
    def token(self) -> str:
        return str(self.kept("token")["token"])

    def started(self) -> Any:
        """The secrets of a process that starts now."""
        return secrets_of(self.environment, self.settings)


@contextmanager
def kept_by(keeper: Keeper) -> Iterator[threading.Event]:
    stopping = threading.Event()
    thread = threading.Thread(target=keep, args=(keeper, stopping))
    thread.start()
    try:
        yield stopping
    finally:
        stopping.set()
        thread.join()


def test_after_a_login_the_secrets_are_there_for_us_alone_and_in_no_log(role, caplog):
    caplog.set_level(logging.DEBUG)
    logging.getLogger("urllib3").setLevel(logging.DEBUG)
    machine = Machine(role)
    secrets = machine.started()
    assert {name: secrets[name] for name in (*VALUES, *OUTSIDE)} == {**VALUES, **OUTSIDE}
    assert (machine.now.text, machine.now.version) == ("", 1)
    role.bao.root.auth.token.revoke(machine.token)
    role.secret_id_file.write_text("another-secret-id-that-is-wrong")
    machine.turn()
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    assert "/v1/auth/approle/login" in caplog.text
    for secret in (*VALUES.values(), machine.token, "another-secret-id-that-is-wrong"):
        assert secret not in caplog.text
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in machine.settings.folder.iterdir()}
    assert set(modes.values()) == {0o600}
    assert {"secrets.json", "token.json", "standing.json", "lock"} <= set(modes)
    assert role.secret_id_file.read_text() not in f"{machine.settings!r} {machine.settings.credentials()!r}"


def test_a_token_is_renewed_at_two_thirds_of_its_lease(role):
    machine = Machine(role)
    machine.turn()
    token, granted_at = machine.token, machine.kept("token")["lease"]["granted_at"]
    machine.clock.ahead_s = 3600 * 0.55
    machine.turn()
    assert machine.kept("token")["lease"]["granted_at"] == granted_at
    machine.clock.ahead_s = 3600 * 0.7
    assert machine.turn().text == ""
    assert machine.token == token
    assert machine.kept("token")["lease"]["granted_at"] > granted_at
    assert machine.now.token_ends_at > granted_at + 3600 * 1.6


def test_towards_the_end_of_all_renewals_there_is_a_new_login(role):
    role.set(token_ttl="3s", token_max_ttl="4s")
    machine = Machine(role)
    machine.turn()
    first = machine.token

    def look() -> bool:
        assert machine.turn().text == ""
        assert machine.now.token_ends_at > time.time()  # there is a good one at all times
        return machine.token != first

    eventually(look)
    assert machine.kept("token")["lease"]["lasts_s"] == 3


def test_a_token_that_has_reached_its_maximum_is_refused_a_renewal(role):
    role.set(token_ttl="2s", token_max_ttl="2s")
    client, credentials = VaultClient(Machine(role).settings), Machine(role).settings.credentials()
    token = client.log_in(credentials.role_id, credentials.secret_id).token

    def look() -> bool:
        try:
            client.renew(token)
        except Refused:
            return True
        return False

    eventually(look)


def test_when_no_login_is_possible_the_old_token_serves_as_long_as_it_can(role):
    machine = Machine(role)
    machine.turn()
    token = machine.token
    role.set(token_ttl="10m")  # what the next renewal gets, as towards the end
    role.secret_id_file.write_text("wrong")
    machine.clock.ahead_s = 3600 * 0.7
    assert machine.turn().text == ""
    assert machine.turn().refused
    ends_at = machine.now.token_ends_at
    machine.clock.ahead_s += 600 * 0.7
    assert machine.turn().token_ends_at > ends_at
    role.write({**VALUES, "MOOGSOFT_API_KEY": "the-second-key-of-moogsoft"})
    assert machine.turn().version == 2
    assert machine.token == token
    assert "Vault refuses the login by auth/approle (400)" in machine.now.text


def test_a_revoked_token_is_replaced_at_once(role):
    machine = Machine(role)
    machine.turn()
    token = machine.token
    role.bao.root.auth.token.revoke(token)
    role.write({**VALUES, "MOOGSOFT_API_KEY": "the-second-key-of-moogsoft"})
    assert (machine.turn().text, machine.now.version) == ("", 2)
    assert machine.token != token


def test_a_used_up_secret_id_is_told_and_a_crash_loop_does_not_lock_the_role_out(role, caplog):
    role.set(token_ttl="1h", secret_id_num_uses=1)
    role.new_secret_id()
    machine = Machine(role)
    machine.turn()
    role.bao.root.auth.token.revoke(machine.token)
    for _ in range(10):
        machine.process().turn()  # each would log in, if it did not know of the others
    assert machine.started()["MOOGSOFT_API_KEY"] == VALUES["MOOGSOFT_API_KEY"]
    assert machine.now.refused
    assert "give out a new secret-id" in machine.now.mend
    assert 60 <= machine.now.next_login_at - machine.clock() + 5 <= 80
    assert [record.levelname for record in caplog.records].count("ERROR") == 1
    role.new_secret_id()
    assert (machine.turn().text, machine.now.next_login_at) == ("", 0)


def test_a_refused_login_is_tried_again_after_a_minute(role):
    good = role.secret_id_file.read_text()
    machine = Machine(role)
    role.bao.root.auth.approle.destroy_secret_id(role.name, good)
    assert machine.turn().refused
    role.bao.root.auth.approle.create_custom_secret_id(role.name, good)
    assert machine.turn().refused
    machine.clock.ahead_s = 80
    assert machine.turn().text == ""


def test_a_sealed_vault_is_told_and_costs_no_login(role):
    machine = Machine(role)
    machine.turn()
    token = machine.token
    with role.bao.sealed():
        assert machine.turn().text == "Vault is sealed, or under maintenance (503)."
        machine.clock.ahead_s = 3600 * 0.7  # a renewal is due
        assert (machine.turn().text[:15], machine.now.refused) == ("Vault is sealed", False)
        assert machine.started()["MOOGSOFT_API_KEY"] == VALUES["MOOGSOFT_API_KEY"]
    assert machine.turn().text == ""
    assert machine.token == token


def test_while_vault_is_away_whoever_starts_has_the_last_secrets_and_without_them_an_answer(role, tmp_path):
    machine, other = Machine(role), Machine(role, MUTT_SECRETS_DIR=str(tmp_path / "other"))
    machine.turn()
    token = machine.token
    with role.bao.stopped():
        assert machine.started()["MOOGSOFT_API_KEY"] == VALUES["MOOGSOFT_API_KEY"]
        assert machine.now.text == "Vault cannot be reached."
        with pytest.raises(SourceError, match=r"There are no secrets in .+other: Vault cannot be reached"):
            shared_by(other.keeper, patience_s=0.3)
    assert machine.turn().text == ""
    assert machine.token == token
    shared_by(other.keeper)


def test_a_wrapped_secret_id_is_unwrapped_once_and_serves_later_logins(role):
    machine = Machine(role, MUTT_VAULT_WRAPPED_SECRET_ID=role.wrapped_secret_id())
    assert machine.turn().text == ""
    role.bao.root.auth.token.revoke(machine.token)
    machine.keeper = machine.process()
    assert machine.turn().text == ""


def test_a_wrapped_secret_id_that_somebody_else_has_used_or_replaced_is_an_alarm(role, caplog):
    wrapped = role.wrapped_secret_id()
    role.bao.root.sys.unwrap(token=wrapped)
    machine = Machine(role, MUTT_VAULT_WRAPPED_SECRET_ID=wrapped)
    with pytest.raises(ImproperlyConfigured, match=r"somebody else has unwrapped it \(400\).+take it for stolen"):
        machine.started()
    forged = role.bao.root.sys.wrap({"secret_id": "of-somebody-else"}, ttl=60)["wrap_info"]["token"]
    machine = Machine(role, MUTT_VAULT_WRAPPED_SECRET_ID=forged)
    assert machine.turn().text.startswith("MUTT_VAULT_WRAPPED_SECRET_ID was wrapped by 'sys/wrapping/wrap'")
    assert wrapped not in caplog.text
    assert "MUTT_VAULT_WRAPPED_SECRET_ID is of no use" in masked(caplog.text)


def test_a_new_version_reaches_who_reads_and_a_bad_one_does_not(role):
    machine = Machine(role)
    secrets = machine.started()
    secrets._look_every_s = 0  # noqa: SLF001 - else a second
    with kept_by(machine.keeper):
        role.write({**VALUES, "MOOGSOFT_API_KEY": "the-second-key-of-moogsoft", "UNKNOWN": "x"})
        eventually(lambda: secrets["MOOGSOFT_API_KEY"] == "the-second-key-of-moogsoft")
        role.write({**VALUES, "MOOGSOFT_API_KEY": "changeme", "REDIS_URL": "redis://127.0.0.1/1"})
        eventually(lambda: machine.now.text)
        assert "REDIS_URL is in Vault and in the environment" in machine.now.text
        role.write({**VALUES, "MOOGSOFT_API_KEY": "changeme"})
        eventually(lambda: "Version 4 of the secrets in Vault is not used" in machine.now.text)
        assert "MOOGSOFT_API_KEY is a placeholder" in machine.now.text
        assert secrets["MOOGSOFT_API_KEY"] == "the-second-key-of-moogsoft"
        role.write(VALUES)
        eventually(lambda: secrets["MOOGSOFT_API_KEY"] == VALUES["MOOGSOFT_API_KEY"])
        eventually(lambda: not machine.now.text)


def test_what_a_process_puts_into_its_own_environment_later_was_not_given_there(role):
    machine = Machine(role)
    role.write({**VALUES, "FLOWER_BASIC_AUTH": "admin:a-password-of-flower"})
    machine.environment["FLOWER_BASIC_AUTH"] = "admin:a-password-of-flower"  # as Flower's process does
    assert machine.turn().text == ""


def test_what_the_policy_does_not_allow_is_told_and_costs_one_login(role):
    role.allow("list")
    machine = Machine(role)
    assert machine.turn().refused
    token = machine.token
    assert f"Vault does not give secret/data/{role.name} to our token (403)" in machine.turn().text
    assert machine.token == token
    role.allow("read")
    assert machine.turn().text == ""


KEEP = """
import os, threading
from mutt_project.secrets.deciding import keeper_of, vault_of
from mutt_project.secrets.keeping import keep
keep(keeper_of(vault_of(os.environ), os.environ), threading.Event())
"""


@contextmanager
def keeping_process(machine: Machine) -> Iterator["subprocess.Popen[bytes]"]:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **machine.environment}
    process = subprocess.Popen([sys.executable, "-c", KEEP], env=environment)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_when_the_keeper_is_killed_another_process_takes_its_place_without_a_login(role):
    role.set(token_ttl="1h", secret_id_num_uses=1)
    role.new_secret_id()
    machine = Machine(role)
    with keeping_process(machine) as first:
        eventually(lambda: machine.now.version == 1)
        token = machine.token
        with keeping_process(machine):
            first.kill()
            first.wait()
            since = machine.now.looked_at
            eventually(lambda: machine.now.looked_at > since + 0.3)
    assert (machine.token, machine.now.text) == (token, "")


def test_the_commands_of_the_page_on_secrets_set_vault_up_so_that_mutt_gets_in(bao, tmp_path):
    page = (ROOT / "docs" / "secrets.md").read_text()
    commands = re.findall(r"^```bash\n(.+?)^```", page, re.MULTILINE | re.DOTALL)
    assert len(commands) == 2
    bao.root.sys.create_namespace("docs")
    (tmp_path / "secrets.json").write_text(json.dumps(VALUES))
    environment = {**bao.environment, "BAO_NAMESPACE": "docs"}
    done = subprocess.run(
        ["bash", "-e", "-c", "".join(commands)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    given = {
        **OUTSIDE,
        "VAULT_ADDR": bao.url,
        "VAULT_NAMESPACE": "docs",
        "MUTT_VAULT_ROLE_ID_FILE": str(tmp_path / "role-id"),
        "MUTT_VAULT_WRAPPED_SECRET_ID_FILE": str(tmp_path / "wrapped-secret-id"),
        "MUTT_SECRETS_DIR": str(tmp_path / "run"),
    }
    assert secrets_of(given, vault_of(given))["REDIS_PASSWORD"] == VALUES["REDIS_PASSWORD"]
