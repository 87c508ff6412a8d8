"""What docs/deployment.md and docs/scaling.md tell people to type fits the files that it is about.

There is no engine, no cluster and no init here: `kubectl kustomize` runs, everything else is taken apart, and what it
names must be there. The commands of containers and units are run by tests/integration/test_deployment.py.
"""

import re
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml

from audit.workers import SAYS_SO_EVERY_S
from ops.docker.health import is_well
from ops.local.stack import ROOT
from tests.kubectl import kubectl

PAGES = {name: (ROOT / "docs" / name).read_text() for name in ("deployment.md", "scaling.md")}
COMMANDS = [
    line
    for page in PAGES.values()
    for block in re.findall(r"^```bash\n(.+?)^```", page, re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
]
OVERLAY = ROOT / "ops" / "kubernetes" / "overlays" / "production"
NOT_OURS = {"/opt/mutt/venv/bin/python", "systemd-sysusers", "systemd-tmpfiles", "export"}


def of(program: str) -> list[list[str]]:
    found = [words for words in map(shlex.split, COMMANDS) if words[0] == program]
    assert found, program
    return found


def options(words: list[str], name: str) -> list[str]:
    """The values of an option, as `-f x`, `--f x` or `--f=x`."""
    apart = [words[place + 1] for place, word in enumerate(words) if word == name]
    return apart + [word.partition("=")[2] for word in words if word.startswith(f"{name}=")]


def test_every_command_is_of_a_kind_that_is_checked_here():
    checked = {"docker", "kubectl", "systemctl", "install", "python3"} | NOT_OURS
    assert {shlex.split(line)[0] for line in COMMANDS} == checked
    assert len(COMMANDS) >= 30


@pytest.mark.parametrize("words", [words for words in of("docker") if words[1] == "compose"], ids=" ".join)
def test_a_command_of_compose_names_files_profiles_and_services_that_there_are(words: list[str]):
    files = options(words, "-f")
    services: dict[str, dict[str, object]] = {}
    for name in files:
        for service, told in yaml.safe_load((ROOT / name).read_text())["services"].items():
            services[service] = services.get(service, {}) | told
    profiles = {profile for told in services.values() for profile in told.get("profiles", [])}  # type: ignore[attr-defined]
    assert set(options(words, "--profile")) <= profiles
    assert {scaled.partition("=")[0] for scaled in options(words, "--scale")} <= set(services)
    verb = next(word for word in words[2:] if word in {"up", "ps", "exec", "run"})
    if verb in {"exec", "run"}:
        assert next(word for word in words[words.index(verb) + 1 :] if not word.startswith("-")) in services


def test_the_image_is_built_from_the_recipe():
    (words,) = [words for words in of("docker") if words[1] == "build"]
    assert (ROOT / options(words, "-f")[0]).exists()
    assert (ROOT / words[-1] / ".dockerignore").exists()


@pytest.fixture(scope="module")
def built() -> list[dict[str, object]]:
    done = subprocess.run([str(kubectl()), "kustomize", str(OVERLAY)], capture_output=True, text=True, check=True)
    return list(yaml.safe_load_all(done.stdout))


def test_kustomize_builds_what_the_page_has_it_build():
    for words in of("kubectl"):
        if words[1] == "kustomize":
            done = subprocess.run([str(kubectl()), *words[1:]], cwd=ROOT, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
        for place in options(words, "-k"):
            assert (ROOT / place / "kustomization.yaml").exists()


def test_kubectl_is_told_objects_that_there_are(built: list[dict[str, object]]):
    there = {f"{found['kind']}/{found['metadata']['name']}".lower() for found in built}  # type: ignore[index]
    for words in of("kubectl"):
        named = {word for word in words if re.fullmatch(r"(deployment|service|job)/[a-z-]+", word)}
        if words[1:3] == ["delete", "job"]:
            named.add(f"job/{words[3]}")
        assert named <= there
        if words[1] not in {"kustomize", "apply"} and words[2] != "namespace":
            assert options(words, "--namespace") == ["mutt"]


def test_the_secrets_that_people_make_have_the_keys_that_pods_read(built: list[dict[str, object]]):
    made = {}
    for words in map(shlex.split, [*COMMANDS, *re.findall(r"`(kubectl create [^`]+)`", PAGES["deployment.md"])]):
        if words[1:3] == ["create", "secret"]:
            made[words[4]] = {option.partition("=")[0] for option in options(words, "--from-file")}
    wanted: dict[str, set[str]] = {}
    for text in map(str, (ROOT / "ops" / "kubernetes").rglob("*.yaml")):
        for name, items in re.findall(
            r"secretName: (\S+)\n\s+defaultMode: \d+\n\s+items:([^@]+?)(?:\n---|\Z|\n {2,6}\w)", Path(text).read_text()
        ):
            wanted.setdefault(name, set()).update(re.findall(r"key: ([a-z-]+)", items))
    assert wanted
    assert {name: keys & made[name] for name, keys in wanted.items()} == wanted
    assert "mutt-tls" in made
    assert built


def test_systemd_is_told_units_that_there_are_and_installs_files_that_there_are():
    units = {path.name for path in (ROOT / "ops" / "systemd").iterdir()}
    for words in of("systemctl"):
        for word in words[2:]:
            if word.endswith((".service", ".target")):
                assert re.sub(r"@[^.]+", "@", word) in units
    installed = set()
    for words in of("install"):
        for source in (word for word in words if word.startswith("ops/")):
            assert (ROOT / source).is_file()
            installed.add(Path(source).name)
    assert installed == {path.name for path in (ROOT / "ops" / "systemd").rglob("*") if path.is_file()}


def test_the_arguments_of_make_secrets_are_known():
    (words,) = [words for words in of("python3") if words[1].startswith("ops/")]
    done = subprocess.run([*words[:2], "--help"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert all(word in done.stdout for word in words if word.startswith("--"))


def test_the_check_of_health_is_called_as_the_page_says():
    assert f"python -m {is_well.__module__}" in PAGES["deployment.md"]
    assert SAYS_SO_EVERY_S < 10


def test_every_path_of_the_project_that_the_pages_name_is_there():
    for page in PAGES.values():
        for name in re.findall(r"`((?:ops|audit|ingest|mutt_project)/[\w./-]+)`", page):
            if not name.startswith("ops/secrets"):
                assert (ROOT / name).exists(), name
