"""API keys over `muttctl keys`, in MUTT's own API: a secret is shown once, or goes into a file of its owner."""

import json
import stat
from pathlib import Path

import pytest
from click.testing import Result
from django.utils import timezone

from ingest.models import ApiKey, digest_of
from tests.unit.mutt_project.conftest import fresh_rule_set, make_key
from tests.unit.mutt_project.muttctl.against_mutt import Run, run

__all__ = ["fresh_rule_set", "make_key", "run"]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fresh_rule_set", "redis_server")]
NEW = ("keys", "create", "rsyslog", "--scope", "ingest")


def fails(result: Result, exit_code: int, words: str) -> None:
    assert (result.exit_code, words in result.stderr) == (exit_code, True), result.stderr


def test_a_new_key_is_alone_on_standard_output(run: Run) -> None:
    result = run(*NEW, "--source", "syslog", "--rate-limit", "100/second", "--expires-in", "90d")
    assert result.exit_code == 0
    made = ApiKey.objects.get(name="rsyslog")
    assert digest_of(result.stdout.strip()) == made.digest
    assert (made.scopes, made.allowed_sources, made.rate_limit) == (["ingest"], ["syslog"], "100/second")
    assert made.expires_at is not None
    assert (made.expires_at - timezone.now()).days in {89, 90}
    assert "shown this once" in result.stderr
    assert result.stdout.strip() not in result.stderr


def test_secrets_go_into_new_files_that_their_owner_alone_can_read(run: Run, tmp_path: Path) -> None:
    files = ("--secret-file", "gateway.key", "--signing-secret-file", "gateway.signing")
    result = run("keys", "create", "gateway", "--scope", "ingest", "--signed", *files, "-o", "json")
    made = ApiKey.objects.get(name="gateway")
    told = json.loads(result.stdout)
    assert (told["name"], "secret" in told, "signing_secret" in told) == ("gateway", False, False)
    for name in ("gateway.key", "gateway.signing"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    assert digest_of((tmp_path / "gateway.key").read_text().strip()) == made.digest
    assert (tmp_path / "gateway.signing").read_text().startswith("whsec_")


def test_no_key_is_made_where_its_file_is_there_already(run: Run, tmp_path: Path) -> None:
    (tmp_path / "there.key").write_text("another")
    fails(run(*NEW, "--secret-file", "there.key"), 1, "is there already, and is not overwritten")
    fails(run(*NEW, "--secret-file", "away/new.key"), 1, "cannot be written: No such file or directory")
    assert not ApiKey.objects.filter(name="rsyslog").exists()
    assert (tmp_path / "there.key").read_text() == "another"


def test_no_file_is_left_where_no_key_was_made(run: Run, tmp_path: Path) -> None:
    assert run(*NEW).exit_code == 0
    fails(run(*NEW, "--secret-file", "new.key"), 4, "name")
    assert not (tmp_path / "new.key").exists()


def test_a_key_is_given_a_new_secret_and_the_former_one_is_taken_for_a_while(run: Run) -> None:
    first = run(*NEW).stdout.strip()
    second = run("keys", "rotate", "rsyslog", "--grace", "2h", "--reason", "CHG-1").stdout.strip()
    made = ApiKey.objects.get(name="rsyslog")
    assert (made.digest, made.former_digest) == (digest_of(second), digest_of(first))
    fails(run("keys", "rotate", "rsyslog"), 4, "The secret before this one is still taken")
    assert run("keys", "rotate", "rsyslog", "--grace", "0", stdin="n\n").exit_code == 1
    assert run("keys", "rotate", "rsyslog", "--grace", "0", "--yes").exit_code == 0
    made.refresh_from_db()
    assert made.former_digest == ""


def test_a_key_from_its_revocation_to_its_end(run: Run) -> None:
    run(*NEW)
    assert run("keys", "revoke", "rsyslog", stdin="n\n").exit_code == 1
    assert run("keys", "revoke", "rsyslog", "--yes").exit_code == 0
    assert "revoked" in run("keys", "list").stdout
    number = str(ApiKey.objects.get(name="rsyslog").pk)
    assert "is active:            no" in run("keys", "show", number).stdout
    assert run("keys", "enable", number).exit_code == 0
    assert run("keys", "update", "rsyslog", "--scope", "read", "--name", "reader").exit_code == 0
    assert ApiKey.objects.get(name="reader").scopes == ["read"]
    fails(run("keys", "show", "rsyslog"), 4, "There is no key “rsyslog”")
    assert run("keys", "delete", "reader", "--yes").stdout.endswith("is deleted.\n")
    assert not ApiKey.objects.filter(name="reader").exists()


def test_limits_of_a_key_are_taken_back(run: Run) -> None:
    run(*NEW, "--source", "syslog", "--rate-limit", "100/second", "--expires-in", "90d")
    assert run("keys", "update", "rsyslog", "--expires-in", "none").exit_code == 0
    made = ApiKey.objects.get(name="rsyslog")
    assert (made.expires_at, made.rate_limit, made.allowed_sources) == (None, "100/second", ["syslog"])
    assert run("keys", "update", "rsyslog", "--rate-limit", "none", "--source", "none").exit_code == 0
    made.refresh_from_db()
    assert (made.rate_limit, made.allowed_sources) == ("", [])
    fails(run("keys", "update", "rsyslog", "--source", "none", "--source", "syslog"), 2, "leave the other --source out")
    fails(run(*NEW, "--expires-in", "none"), 2, "is no span of time")


def test_signing_secrets_come_and_go(run: Run, tmp_path: Path) -> None:
    run(*NEW)
    assert run("keys", "rotate-signing", "rsyslog").stdout.startswith("whsec_")
    assert run("keys", "rotate-signing", "rsyslog", "--signing-secret-file", "new").stdout == ""
    assert json.loads(run("keys", "drop-signing", "rsyslog", "--yes", "-o", "json").stdout)["signing_secret_count"] == 1
    fails(run("keys", "drop-signing", "rsyslog", "--yes"), 4, "no older signing secret")


def test_what_was_not_said_is_asked_for(run: Run) -> None:
    fails(run("keys", "create", "x"), 2, "--scope")
    fails(run("keys", "update", "x"), 2, "Say what is to change")
    fails(run(*NEW, "--signing-secret-file", "x"), 2, "--signed")
    fails(run(*NEW, "--expires-in", "soon"), 2, "is no span of time")
