"""The image's recipe is sound, and what it would hold is enough to run. There is no container engine here."""

import os
import re
import shutil
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import yaml

from ops.docker.health import is_well
from ops.docker.run import command
from ops.local.stack import ROOT
from tests.mutt import eventually

RECIPE = (ROOT / "ops" / "docker" / "Dockerfile").read_text()
INSTRUCTIONS = re.findall(r"^([A-Z]+) (.+?)$", re.sub(r"\s*\\\n\s*", " ", RECIPE), re.MULTILINE)
LAST_STAGE = INSTRUCTIONS[max(number for number, (name, _) in enumerate(INSTRUCTIONS) if name == "FROM") :]


def given(name: str, instructions: list[tuple[str, str]] = LAST_STAGE) -> list[str]:
    return [rest for word, rest in instructions if word == name]


@pytest.mark.parametrize("name", ["Dockerfile", "backup.Dockerfile"])
def test_hadolint_finds_nothing(name: str):
    linter = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([linter, ROOT / "ops/docker" / name], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_image_runs_without_root_with_hashed_wheels_and_no_secret_in_a_layer():
    (user,) = given("USER")
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", user)
    assert given("STOPSIGNAL") == ["SIGTERM"]
    assert given("HEALTHCHECK")
    assert all("--require-hashes" in step and "--only-binary :all:" in step for step in pip_installs())
    assert not re.search(r"apt-get|gcc|build-essential|curl |ADD ", RECIPE)
    told = " ".join([*given("ENV", INSTRUCTIONS), *given("ARG", INSTRUCTIONS)])
    assert not re.search(r"PASSWORD|SECRET|TOKEN|API_KEY|DATABASE_URL|REDIS_URL", told)


def test_the_image_for_backups_is_the_servers_own_release_with_mutt_in_it():
    """The client programs are of the version of the server, which compose and the overlay `small` start."""
    recipe = (ROOT / "ops" / "docker" / "backup.Dockerfile").read_text()
    server = yaml.safe_load((ROOT / "ops" / "compose.yaml").read_text())["services"]["postgresql"]["image"]
    assert f"FROM {server}-bookworm" in recipe
    assert "bookworm AS build" in RECIPE  # what is copied was built on the same release of Debian
    (user,) = re.findall(r"^USER (.+)$", recipe, re.MULTILINE)
    assert [user] == given("USER")
    assert all(program in recipe for program in ("pg_basebackup", "pg_verifybackup", "psql", "muttctl"))


def pip_installs() -> list[str]:
    found = [step for step in given("RUN", INSTRUCTIONS) if " install " in step]
    assert found
    return found


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the image: what COPY takes from a context that .dockerignore has thinned out."""
    folder = tmp_path_factory.mktemp("image")
    wanted = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    context = {
        path
        for pattern in wanted
        for found in ROOT.glob(pattern)
        for path in ([found] if found.is_file() else found.rglob("*"))
    }
    for copied in given("COPY", INSTRUCTIONS[: -len(LAST_STAGE)]):
        source, target = copied.split()
        for path in context:
            if path.is_file() and path.is_relative_to(ROOT / source) and "__pycache__" not in path.parts:
                to = folder / target / path.relative_to(ROOT / source) if path != ROOT / source else folder / target
                to = to / path.name if target == "./" else to
                to.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, to)
    return folder


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """What a person would give the container: the least."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONDONTWRITEBYTECODE": "1",
        "DJANGO_SETTINGS_MODULE": "mutt_project.settings.production",
        "PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "metrics"),
        "MUTT_SECRET_KEY": "made up for this test, and long enough",
        "MOOGSOFT_API_KEY": "made-up",
        "MOOGSOFT_URL": "https://moogsoft.example/events",
        "DATABASE_URL": "postgresql://mutt:made-up@127.0.0.1:1/mutt",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "FLOWER_BASIC_AUTH": "admin:made-up",
        "MUTT_TRUSTED_PROXIES": "192.0.2.7",
    }


@pytest.mark.parametrize(
    "arguments",
    [
        *(["web", "--check-config"], ["worker", "--help"], ["beat", "--help"], ["flower", "--help"]),
        *(["manage", "check"], ["muttctl", "--help"], ["backup", "--help"]),
    ],
)
def test_every_role_can_be_run_with_what_is_in_the_image(app: Path, environment: dict[str, str], arguments: list[str]):
    done = run(app, environment, arguments)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "lacking", "why"),
    [
        (["web", "--check-config"], "MUTT_TRUSTED_PROXIES", "would be redirected for ever"),
        (["flower", "--help"], "FLOWER_BASIC_AUTH", "Flower starts with a password alone"),
    ],
)
def test_what_would_be_open_or_of_no_use_does_not_start(app: Path, environment, arguments, lacking, why):
    done = run(app, {name: value for name, value in environment.items() if name != lacking}, arguments)
    assert done.returncode != 0
    assert why in done.stdout + done.stderr


def run(app: Path, environment: dict[str, str], arguments: list[str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "ops.docker.run", *arguments],
        cwd=app,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_image_has_neither_tests_nor_the_programs_for_one_machine(app: Path):
    assert {path.name for path in (app / "ops").iterdir()} == {
        "__init__.py",
        "gunicorn_conf.py",
        "impatient_worker.py",
        "docker",
    }
    assert not (app / "tests").exists()


def test_a_role_that_there_is_not_does_not_start():
    with pytest.raises(SystemExit, match="say one of web, worker"):
        command(["webb"])


def test_the_commands_muttctl_is_that_of_the_image(app: Path):
    copied = next(rest for rest in given("COPY") if rest.endswith("/muttctl"))
    assert copied == "--chmod=0755 ops/docker/muttctl /usr/local/bin/muttctl"
    environment = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "PYTHONPATH": str(app)}
    words = ["sh", f"{ROOT}/ops/docker/muttctl", "--help"]
    done = subprocess.run(words, cwd="/", env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "muttctl doctor" in done.stdout


def test_a_role_notes_which_one_it_is_for_the_check_of_health(app: Path, environment: dict[str, str], tmp_path: Path):
    told = {**environment, "MUTT_ALIVE_DIR": str(tmp_path / "alive")}
    assert run(app, told, ["worker", "--help"]).returncode == 0
    assert (tmp_path / "alive" / "role").read_text() == "worker"
    assert not is_well(told)


@pytest.mark.parametrize("role", ["worker", "beat"])
def test_a_worker_or_beat_that_waits_for_redis_says_again_and_again_that_it_lives(
    app: Path, environment: dict[str, str], tmp_path: Path, role: str
):
    told = {**environment, "MUTT_ALIVE_DIR": str(tmp_path / "alive")}
    words = [sys.executable, "-m", "ops.docker.run", role]
    more = [f"--schedule={tmp_path}/schedule.json"] if role == "beat" else []
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen([*words, *more], cwd=app, env=told, stdout=log, stderr=log)
    try:
        for _ in range(2):
            eventually(lambda: is_well(told))
            (tmp_path / "alive" / role).unlink()
        eventually(lambda: re.search("Connection|has no broker", (tmp_path / "log").read_text()))
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("role", ["worker", "beat"])
def test_a_worker_or_beat_is_well_for_a_minute_after_it_said_so(tmp_path: Path, role: str):
    told = {"MUTT_ALIVE_DIR": str(tmp_path)}
    (tmp_path / "role").write_text(role)
    assert not is_well(told)
    (tmp_path / role).touch()
    touched = (tmp_path / role).stat().st_mtime
    assert is_well(told, lambda: touched + 59)
    assert not is_well(told, lambda: touched + 61)


@pytest.mark.parametrize("arguments", [["manage", "--help"], ["muttctl", "--help"], ["backup", "--help"]])
def test_a_command_that_is_run_in_a_container_leaves_the_check_of_its_health_alone(
    app: Path, environment: dict[str, str], tmp_path: Path, arguments: list[str]
):
    (tmp_path / "role").write_text("worker")
    assert run(app, {**environment, "MUTT_ALIVE_DIR": str(tmp_path)}, arguments).returncode == 0
    assert (tmp_path / "role").read_text() == "worker"


def test_a_backup_without_a_key_says_so(app: Path, environment: dict[str, str], tmp_path: Path):
    done = run(app, environment, ["backup", str(tmp_path), "--key-file", str(tmp_path / "none")])
    assert (done.returncode, "The API key cannot be read" in done.stderr) == (1, True)
    assert "Traceback" not in done.stderr


def test_the_check_of_health_asks_by_a_name_that_the_server_answers_to():
    hosts = []

    class Server(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            hosts.append(self.headers["Host"])
            self.send_response(200 if self.path == "/healthz" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """A test's output is no place for it."""

    with HTTPServer(("127.0.0.1", 0), Server) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        bound = f"0.0.0.0:{server.server_port}"
        assert is_well({"MUTT_ALLOWED_HOSTS": "mutt.example.net,localhost", "MUTT_BIND": bound})
        server.shutdown()
    assert hosts == ["mutt.example.net"]
    assert not is_well({"MUTT_BIND": "127.0.0.1:1"})
