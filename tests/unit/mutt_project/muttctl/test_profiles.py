"""Several MUTTs by name: where their keys are kept, and that none goes to an address it was not kept for."""

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from click.testing import Result
from keyring.backend import KeyringBackend
from keyring.backends.fail import Keyring as NoKeyring

from mutt_project.muttctl import profile_keys
from tests.certificates import Certificates
from tests.keyrings import FILE_NAMED_BY, BrokenKeyring, FileKeyring, HangingKeyring, LockedKeyring
from tests.unit.mutt_project.muttctl.stub_api import API_KEY, Answer, Muttctl, StubApi, problem, serve

LEDGER = {"accepted": 0, "balanced": True}
KEY = f"{API_KEY}\n".encode()


@pytest.fixture(autouse=True)
def ring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The file of a keyring that works."""
    before = keyring.get_keyring()
    monkeypatch.setenv(FILE_NAMED_BY, str(tmp_path / "keyring.json"))
    keyring.set_keyring(FileKeyring())
    yield tmp_path / "keyring.json"
    keyring.set_keyring(before)


def add(muttctl: Muttctl, api: StubApi, *more: str, name: str = "prod") -> None:
    result = muttctl("profile", "add", name, "--url", api.url, *more, stdin=KEY)
    assert result.exit_code == 0, result.output


def alone(muttctl: Muttctl, *arguments: str, **environ: str | None) -> Result:
    """Where the environment names no MUTT."""
    return muttctl(*arguments, stdin=None, MUTT_URL=None, MUTT_API_KEY=None, **environ)


def profiles_of(folder: Path) -> Path:
    return folder / "config" / "mutt" / "profiles.json"


def key_file_of(folder: Path) -> Path:
    return folder / "config" / "mutt" / "keys" / "prod.json"


@pytest.mark.parametrize("place", [[], ["--file"]])
def test_a_profile_is_used_where_nothing_else_is_said(api: StubApi, muttctl: Muttctl, place: list[str]) -> None:
    api.ledger = LEDGER
    assert alone(muttctl, "ledger").exit_code == 2
    add(muttctl, api, *place)
    assert alone(muttctl, "ledger").exit_code == 0
    assert json.loads(muttctl("profile", "show", "-o", "json").stdout)["current"] is True


def test_the_key_is_in_the_keyring_and_in_no_file_of_muttctl(
    api: StubApi, muttctl: Muttctl, tmp_path: Path, ring: Path
) -> None:
    add(muttctl, api)
    assert json.loads(ring.read_text()) == {f"muttctl {api.url}\nprod": API_KEY}
    assert API_KEY not in profiles_of(tmp_path).read_text()
    assert [path for path in (tmp_path / "config").rglob("*") if path.is_file()] == [profiles_of(tmp_path)]


def test_files_are_for_their_owner_alone(api: StubApi, muttctl: Muttctl, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        add(muttctl, api, "--file")
    finally:
        os.umask(before)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (profiles_of(tmp_path), key_file_of(tmp_path))}
    assert modes == {0o600}
    assert stat.S_IMODE(profiles_of(tmp_path).parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_key_that_others_can_read_is_not_used(api: StubApi, muttctl: Muttctl, tmp_path: Path, mode: int) -> None:
    add(muttctl, api, "--file")
    key_file_of(tmp_path).chmod(mode)
    result = alone(muttctl, "ledger")
    assert (result.exit_code, api.asked) == (2, [])
    assert "others can read the key in it. Mend it: chmod 600 " in result.stderr


def test_profiles_that_others_can_change_are_not_used(api: StubApi, muttctl: Muttctl, tmp_path: Path) -> None:
    add(muttctl, api)
    profiles_of(tmp_path).chmod(0o622)
    result = alone(muttctl, "ledger")
    assert result.exit_code == 2
    assert "others can change it. Mend it: chmod go-w " in result.stderr


@pytest.mark.parametrize("place", [[], ["--file"]])
def test_a_key_never_goes_to_an_address_it_was_not_kept_for(
    api: StubApi, muttctl: Muttctl, tmp_path: Path, place: list[str]
) -> None:
    add(muttctl, api, *place)
    with serve() as other:
        text = profiles_of(tmp_path).read_text()
        profiles_of(tmp_path).write_text(text.replace(api.url, other.url))
        result = alone(muttctl, "ledger")
        assert (result.exit_code, other.asked) == (2, [])
        assert "No API key is kept for the profile “prod” and " in result.stderr


def test_the_environment_goes_before_the_current_profile(api: StubApi, muttctl: Muttctl) -> None:
    api.ledger = LEDGER
    with serve() as other:
        add(muttctl, other)
        assert muttctl("ledger").exit_code == 0
        assert muttctl("ledger", MUTT_PROFILE="prod").exit_code == 0
        assert (len(api.asked), other.asked) == (2, [])


def test_a_profile_that_is_named_goes_before_the_current_one_and_the_run_file(
    api: StubApi, muttctl: Muttctl, tmp_path: Path
) -> None:
    api.ledger = LEDGER
    (tmp_path / "var").mkdir()
    with serve() as current, serve() as local:
        (tmp_path / "var" / "run.json").write_text(json.dumps({"web": local.url, "api_key": API_KEY}))
        add(muttctl, current, name="first")
        add(muttctl, api)
        for arguments, environ in ((["--profile", "prod"], {}), ([], {"MUTT_PROFILE": "prod"})):
            assert alone(muttctl, *arguments, "ledger", **environ).exit_code == 0
        assert (len(api.asked), current.asked, local.asked) == (2, [], [])
        alone(muttctl, "ledger")
        assert (len(current.asked), local.asked) == (1, [])


def test_a_profile_beside_an_address_of_the_environment_is_refused(api: StubApi, muttctl: Muttctl) -> None:
    add(muttctl, api)
    result = muttctl("--profile", "prod", "ledger")
    assert (result.exit_code, api.asked) == (2, [])
    assert "unset MUTT_URL MUTT_API_KEY" in result.stderr


def test_profiles_are_listed_chosen_and_removed(api: StubApi, muttctl: Muttctl, ring: Path) -> None:
    add(muttctl, api)
    add(muttctl, api, name="lab")
    listed = json.loads(muttctl("profile", "list", "-o", "json").stdout)
    assert [(one["name"], one["current"]) for one in listed] == [("lab", False), ("prod", True)]
    assert muttctl("profile", "use", "lab").exit_code == 0
    assert "* lab" in " ".join(muttctl("profile", "list").stdout.split())
    assert muttctl("profile", "remove", "lab", stdin=b"n\n").exit_code == 1
    assert muttctl("profile", "remove", "lab", "--yes").exit_code == 0
    assert list(json.loads(ring.read_text())) == [f"muttctl {api.url}\nprod"]
    assert "No profile is the current one" in muttctl("profile", "show").stderr
    result = muttctl("profile", "use", "lab")
    assert result.exit_code == 2
    assert "There is no profile “lab”; there are: prod." in result.stderr


def test_a_profile_is_replaced_only_when_that_is_said(api: StubApi, muttctl: Muttctl, ring: Path) -> None:
    add(muttctl, api)
    result = muttctl("profile", "add", "prod", "--url", "https://mutt.example.com", stdin=KEY)
    assert result.exit_code == 1
    assert "--replace takes its place" in result.stderr
    with serve() as other:
        add(muttctl, other, "--replace")
        assert list(json.loads(ring.read_text())) == [f"muttctl {other.url}\nprod"]
        add(muttctl, other, "--replace", "--file")
        assert json.loads(ring.read_text()) == {}


def test_a_profile_is_checked(api: StubApi, muttctl: Muttctl) -> None:
    add(muttctl, api)
    key = {"name": "ada", "scopes": ["read", "write"], "expires_at": None}
    api.scripted = [Answer(200, {"key": key, "versions": {"mutt": "0.1.0"}})]
    assert json.loads(muttctl("profile", "check", "-o", "json").stdout) == {
        "profile": "prod",
        "url": api.url,
        "key": "ada",
        "scopes": ["read", "write"],
        "expires_at": None,
        "version": "0.1.0",
    }
    api.scripted = [problem(401, "Unauthorized", "The API key is not known.")]
    assert muttctl("profile", "check", "prod").exit_code == 4


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["prod", "--url", "http://mutt.example.com"], "--allow-http"),
        (["prod", "--url", "https://user:hunter2@mutt.example.com"], "without user name"),
        (["../prod", "--url", "https://mutt.example.com"], "is no name of a profile"),
    ],
)
def test_what_can_be_no_profile_is_refused(muttctl: Muttctl, arguments: list[str], words: str) -> None:
    result = muttctl("profile", "add", *arguments, stdin=KEY)
    assert result.exit_code == 2
    assert words in result.stderr
    assert "hunter2" not in result.output


@pytest.mark.parametrize("key", [b"", b"\n", "schlüssel\n".encode()])
def test_what_can_be_no_key_is_refused(muttctl: Muttctl, key: bytes) -> None:
    result = muttctl("profile", "add", "prod", "--url", "https://mutt.example.com", stdin=key)
    assert result.exit_code == 2
    assert "key" in result.stderr


@pytest.mark.parametrize(
    ("backend", "words"),
    [
        (NoKeyring(), "there is none on this machine"),
        (LockedKeyring(), "Failed to unlock the collection"),
        (HangingKeyring(), "it did not answer within"),
    ],
)
def test_a_keyring_that_cannot_be_used_says_how_to_mend_it(
    muttctl: Muttctl, api: StubApi, monkeypatch: pytest.MonkeyPatch, backend: KeyringBackend, words: str
) -> None:
    monkeypatch.setattr(profile_keys, "PATIENCE_S", 0.2)
    add(muttctl, api)
    keyring.set_keyring(backend)
    adding = ("profile", "add", "prod", "--url", api.url, "--replace")
    for result in (alone(muttctl, "ledger"), muttctl(*adding, stdin=KEY)):
        assert (result.exit_code, api.asked) == (2, [])
        assert words in result.stderr
        assert f"muttctl profile add prod --url {api.url} --file --replace" in result.stderr
    add(muttctl, api, "--file", "--replace")
    api.ledger = LEDGER
    assert alone(muttctl, "ledger").exit_code == 0


def test_what_only_a_keyrings_library_raises_is_told(muttctl: Muttctl, api: StubApi) -> None:
    add(muttctl, api)
    keyring.set_keyring(BrokenKeyring())
    assert "ConnectionRefusedError: [Errno 111] no bus" in alone(muttctl, "ledger").stderr


@pytest.mark.parametrize("content", ["{", "[]", '{"profiles": {"prod": {}}}', '{"profiles": []}'])
def test_a_file_of_profiles_that_is_of_no_use_is_named(muttctl: Muttctl, tmp_path: Path, content: str) -> None:
    profiles_of(tmp_path).parent.mkdir(parents=True)
    profiles_of(tmp_path).write_text(content)
    result = alone(muttctl, "ledger")
    assert result.exit_code == 2
    assert "is not as muttctl writes it" in result.stderr


def test_a_profile_has_its_own_certificates(muttctl: Muttctl, tmp_path: Path) -> None:
    made = Certificates(tmp_path)
    ours = ("--client-cert-file", str(made.client.cert), "--client-key-file", str(made.client.key))
    with serve(made.right.server_context(client_ca=made.ca)) as there:
        there.ledger = LEDGER
        add(muttctl, there, "--ca-file", str(made.ca), *ours)
        assert alone(muttctl, "ledger").exit_code == 0
        result = muttctl("profile", "add", "x", "--url", there.url, "--client-key-file", str(made.ca), stdin=KEY)
        assert result.exit_code == 2
        assert "is a key without its certificate" in result.stderr


def test_away_or_refused_is_said_with_the_name_of_the_profile(muttctl: Muttctl, api: StubApi) -> None:
    result = muttctl("profile", "add", "prod", "--url", api.url, stdin=b"another-key\n")
    assert result.exit_code == 0
    assert "Check the key of the profile “prod”" in alone(muttctl, "ledger").stderr
    with serve() as gone:
        add(muttctl, gone, name="gone")
    result = alone(muttctl, "--profile", "gone", "ledger")
    assert result.exit_code == 3
    assert "is the address of the profile “gone” right?" in result.stderr


def test_the_root_option_names_the_profile_that_is_shown_and_checked(api: StubApi, muttctl: Muttctl) -> None:
    for name in ("prod", "lab", "site"):
        add(muttctl, api, name=name)
    shown = muttctl("--profile", "lab", "profile", "show", "-o", "json", MUTT_PROFILE="site")
    assert json.loads(shown.stdout)["name"] == "lab"
    assert json.loads(muttctl("profile", "show", "-o", "json", MUTT_PROFILE="site").stdout)["name"] == "site"
    api.scripted = [Answer(200, {})]
    checked = muttctl("--profile", "lab", "profile", "check", "-o", "json", MUTT_PROFILE="site")
    assert json.loads(checked.stdout)["profile"] == "lab"
    assert json.loads(muttctl("--profile", "lab", "profile", "show", "site", "-o", "json").stdout)["name"] == "site"
