"""Where the address and the key come from, and what is said when they do not."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from mutt_project.muttctl.configuration import read_configuration
from mutt_project.muttctl.errors import ConfigurationError
from tests.unit.mutt_project.muttctl.stub_api import API_KEY, Muttctl, StubApi

ROOT = Path(__file__).resolve().parents[4]
LEDGER = {"accepted": 0, "balanced": True}


def write_run_file(folder: Path, content: object) -> Path:
    run_file = folder / "var" / "run.json"
    run_file.parent.mkdir()
    run_file.write_text(content if isinstance(content, str) else json.dumps(content))
    return run_file


def test_the_environment_goes_before_the_run_file(tmp_path: Path) -> None:
    run_file = write_run_file(tmp_path, {"web": "http://other", "api_key": "other"})
    found = read_configuration({"MUTT_URL": "https://mutt.example.com/", "MUTT_API_KEY": "k"}, run_file)
    assert (found.url, found.api_key) == ("https://mutt.example.com", "k")


def test_the_key_is_not_in_the_representation() -> None:
    assert API_KEY not in repr(read_configuration({"MUTT_URL": "https://h", "MUTT_API_KEY": API_KEY}))


def test_run_file_is_used_where_the_environment_is_silent(api: StubApi, muttctl: Muttctl, tmp_path: Path) -> None:
    api.ledger = LEDGER
    write_run_file(tmp_path, {"web": api.url, "api_key": API_KEY})
    assert muttctl("ledger", MUTT_URL=None, MUTT_API_KEY="").exit_code == 0


@pytest.mark.parametrize("present", ["MUTT_URL", "MUTT_API_KEY"])
def test_a_key_is_never_paired_with_an_address_from_elsewhere(tmp_path: Path, present: str) -> None:
    run_file = write_run_file(tmp_path, {"web": "http://h", "api_key": "k"})
    with pytest.raises(ConfigurationError, match="not set"):
        read_configuration({present: "http://other"}, run_file)


def test_missing_configuration_says_how_to_mend_it(muttctl: Muttctl) -> None:
    result = muttctl("ledger", MUTT_URL=None, MUTT_API_KEY=None)
    assert result.exit_code == 2
    assert "MUTT_URL and MUTT_API_KEY not set" in result.stderr
    assert "make run" in result.stderr
    assert len(result.stderr.splitlines()) <= 2


@pytest.mark.parametrize("content", ["{", "[]", '{"web": "http://h"}', "\x00"])
def test_an_unusable_run_file_is_named(tmp_path: Path, content: str) -> None:
    with pytest.raises(ConfigurationError, match="is not as `make run` writes it"):
        read_configuration({}, write_run_file(tmp_path, content))


@pytest.mark.parametrize(
    "url",
    [
        "mutt.example.com",
        "ftp://h",
        "http://",
        "http://h:99999",
        "http://[::1",
        "http://h/?a=b",
        "http://h#x",
    ],
)
def test_an_unusable_address_is_refused(muttctl: Muttctl, url: str) -> None:
    result = muttctl("ledger", MUTT_URL=url)
    assert result.exit_code == 2
    assert "https://mutt.example.com" in result.stderr


def test_a_password_in_the_address_is_refused_and_not_repeated(muttctl: Muttctl) -> None:
    result = muttctl("ledger", MUTT_URL="http://user:hunter2@h")
    assert result.exit_code == 2
    assert "hunter2" not in result.output


def test_a_key_with_a_line_break_is_refused_and_not_repeated(muttctl: Muttctl) -> None:
    result = muttctl("ledger", MUTT_API_KEY="secret\nInjected: header")
    assert result.exit_code == 2
    assert "secret" not in result.output


def test_no_option_takes_a_key(muttctl: Muttctl) -> None:
    assert muttctl("--api-key", "x", "ledger").exit_code == 2
    assert "--api-key" not in muttctl("--help").output


def test_muttctl_needs_no_django() -> None:
    program = (
        "import sys; import mutt_project.muttctl.main;"
        "sys.exit(any(name.split('.')[0] in {'django', 'celery'} for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False, cwd=ROOT, timeout=30).returncode == 0


def test_it_runs_as_a_module() -> None:
    command = [sys.executable, "-m", "mutt_project.muttctl", "--help"]
    result = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, timeout=30)
    assert result.returncode == 0
    assert result.stdout.startswith("Usage: muttctl ")


@pytest.mark.parametrize("host", ["mutt.example.com", "10.0.0.1:8000", "127.0.0.1.example.com"])
def test_a_key_goes_over_plain_http_to_this_machine_only(muttctl: Muttctl, host: str) -> None:
    result = muttctl("ledger", MUTT_URL=f"http://{host}")
    assert result.exit_code == 2
    assert "MUTT_ALLOW_HTTP=true" in result.stderr


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1", "http://[::1]:1", "http://localhost:1", "https://mutt.example.com"]
)
def test_this_machine_and_https_need_no_permission(tmp_path: Path, url: str) -> None:
    assert read_configuration({"MUTT_URL": url, "MUTT_API_KEY": "k"}, tmp_path / "none").url == url


def test_plain_http_elsewhere_can_be_permitted(tmp_path: Path) -> None:
    environ = {"MUTT_URL": "http://mutt.example.com", "MUTT_API_KEY": "k", "MUTT_ALLOW_HTTP": "true"}
    assert read_configuration(environ, tmp_path / "none").url == "http://mutt.example.com"


def test_a_file_of_authorities_that_is_of_no_use_is_named(muttctl: Muttctl) -> None:
    result = muttctl("ledger", MUTT_CA_FILE="/away.pem")
    assert result.exit_code == 2
    assert "A file for TLS cannot be used: /away.pem holds no certificate" in result.stderr
    assert "MUTT_CA_FILE" in result.stderr
