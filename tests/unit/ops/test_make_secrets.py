"""The secrets for compose are made once, where nobody else can reach them."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from mutt_project.secrets.weakness import weakness
from ops.local.stack import ROOT

SCRIPT = ROOT / "ops" / "docker" / "make_secrets.py"


def make(folder: Path, *arguments: str, told: str = "") -> "subprocess.CompletedProcess[str]":
    words = [sys.executable, str(SCRIPT), "--folder", str(folder), *arguments]
    return subprocess.run(words, input=told, capture_output=True, text=True, check=False)


@pytest.fixture
def made(tmp_path: Path) -> Path:
    folder = tmp_path / "secrets"
    done = make(folder, "--host", "mutt.example.net", "--moogsoft-key", "stdin", told="the-key-of-moogsoft\n")
    assert done.returncode == 0, done.stderr
    for path in folder.iterdir():
        assert path.read_text().strip() not in done.stdout + done.stderr
    return folder


def test_every_secret_of_compose_is_made_strong_and_in_a_folder_of_our_own(made: Path):
    wanted = yaml.safe_load((ROOT / "ops" / "compose.yaml").read_text())["secrets"]
    assert {path.name for path in made.iterdir()} == set(wanted)
    assert all(spec["file"].endswith(f"/{name}") for name, spec in wanted.items())
    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    for path in made.iterdir():
        assert weakness(path.read_text().strip()) == ""
        assert stat.S_IMODE(path.stat().st_mode) == 0o444
    assert (made / "moogsoft_api_key").read_text() == "the-key-of-moogsoft"
    assert (made / "redis_password").read_text() in (made / "redis_auth").read_text()


def test_what_is_there_stays_as_it_is(made: Path):
    before = {path.name: (path.read_text(), path.stat().st_mtime_ns) for path in made.iterdir()}
    (made / "api_key").unlink()
    done = make(made, "--moogsoft-key", "stdin", told="another-key\n")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["made", str(made / "api_key")]
    after = {path.name: (path.read_text(), path.stat().st_mtime_ns) for path in made.iterdir()}
    assert {name for name in before if before[name] != after[name]} == {"api_key"}


def test_the_certificate_is_for_the_host_that_was_named(made: Path):
    words = ["openssl", "x509", "-noout", "-ext", "subjectAltName", "-in", str(made / "tls_certificate")]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert "DNS:mutt.example.net" in done.stdout


@pytest.mark.parametrize(
    ("prepare", "told", "why"),
    [
        (lambda folder: folder.chmod(0o755), "key\n", "can be reached by others: chmod 700"),
        (lambda folder: None, "", "Moogsoft's API key is missing"),
        (lambda folder: (folder / "tls_key").touch(), "key\n", "one is missing"),
    ],
)
def test_what_is_wrong_is_said_with_how_to_mend_it(tmp_path: Path, prepare, told: str, why: str):
    folder = tmp_path / "secrets"
    folder.mkdir(mode=0o700)
    os.chmod(folder, 0o700)  # noqa: PTH101 - whatever the umask is
    prepare(folder)
    done = make(folder, "--moogsoft-key", "stdin", told=told)
    assert done.returncode == 1
    assert why in done.stderr
    assert "Traceback" not in done.stderr
