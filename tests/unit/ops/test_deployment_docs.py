"""What docs/deployment.md and docs/scaling.md tell people to type fits the files that it is about.

There is no engine, no cluster and no running systemd here. RUN is run: on folders that stand for a machine, or without
a cluster (--dry-run). TAKEN_APART is only taken apart, and what it names must be there: it says why. What is inside of
containers and units is run by tests/integration/test_deployment.py.
"""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from audit.workers import SAYS_SO_EVERY_S
from ops.docker.health import is_well
from ops.local.stack import ROOT
from tests.kubectl import kubectl
from tests.senders import environment, program

PAGES = {name: (ROOT / "docs" / name).read_text() for name in ("deployment.md", "scaling.md")}
COMMANDS = [
    line
    for page in PAGES.values()
    for block in re.findall(r"^```bash\n(.+?)^```", page, re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
]
OVERLAY = ROOT / "ops" / "kubernetes" / "overlays" / "production"
# By how a command begins: what this module runs of it, and why it runs nothing.
RUN = {
    "kubectl kustomize": "as it stands",
    "kubectl create namespace": "with --dry-run=client",
    "kubectl create secret": "with --dry-run=client, on files of a test",
    "kubectl create configmap": "the same",
    "install": "with a folder in place of the root, as are the next",
    "rm": "",
    "systemctl enable": "without --now",
    "systemd-sysusers": "by root alone, as the next",
    "systemd-tmpfiles": "",
    "python3 ops/": "--help; the whole: tests/unit/ops/test_make_secrets.py",
    "export": "by the shells of people; their names: test_what_is_exported_is_asked_for",
}
TAKEN_APART = {
    "docker": "no engine",
    "kubectl apply": "no cluster",
    "kubectl create job": "no cluster",
    "kubectl delete": "no cluster",
    "kubectl exec": "no cluster",
    "kubectl port-forward": "no cluster",
    "kubectl rollout": "no cluster",
    "kubectl wait": "no cluster",
    "systemctl daemon-reload": "no running systemd",
    "systemctl start": "no running systemd",
    "systemctl stop": "no running systemd",
    "systemctl status": "no running systemd",
    "systemctl reload": "no running systemd",
    "mutt-manage": "no running systemd; the script: tests/unit/ops/test_systemd.py, the commands: tests/e2e",
    "muttctl": "the same",
    "nginx -t": "tests/unit/ops/test_nginx.py has its own around it",
    "python3 -m venv": "makes a venv in /opt",
    "/opt/mutt/venv/bin/python -m pip": "installs into it",
}


def of(program: str) -> list[list[str]]:
    found = [words for words in map(shlex.split, COMMANDS) if words[0] == program]
    assert found, program
    return found


def options(words: list[str], name: str) -> list[str]:
    """The values of an option, as `-f x`, `--f x` or `--f=x`."""
    apart = [words[place + 1] for place, word in enumerate(words) if word == name]
    return apart + [word.partition("=")[2] for word in words if word.startswith(f"{name}=")]


def test_of_every_command_it_is_said_whether_it_is_run_or_taken_apart():
    kinds = [*RUN, *TAKEN_APART]
    of_each = {
        line: [kind for kind in kinds if re.match(rf"{re.escape(kind)}(?=\W|$|(?<=/))", line)] for line in COMMANDS
    }
    assert {line: found for line, found in of_each.items() if len(found) != 1} == {}
    assert set(kinds) == {kind for found in of_each.values() for kind in found}


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
    if verb == "up" and "--scale" not in words:
        assert {word for word in words[words.index(verb) + 1 :] if not word.startswith("-")} <= set(services)
    if verb in {"exec", "run"}:
        assert next(word for word in words[words.index(verb) + 1 :] if not word.startswith("-")) in services


def test_what_is_exported_is_asked_for():
    asked = (ROOT / "ops" / "compose.yaml").read_text()
    for words in of("export"):
        assert all(f"${{{word.partition('=')[0]}" in asked for word in words[1:])


def test_an_upgrade_of_compose_and_kubernetes_has_workers_before_web_before_the_rest():
    page = PAGES["deployment.md"]
    compose = ["run --rm prepare", "--no-deps worker-pipeline", "compose.yaml up --detach\n"]
    kubernetes = [
        "in (settings,prepare)",
        "wait job/mutt-prepare",
        "in (worker-pipeline",
        "component=web",
        "production\n",
    ]
    for steps in (compose, kubernetes):
        block = next(
            found for found in re.findall(r"^```bash\n(.+?)^```", page, re.MULTILINE | re.DOTALL) if steps[0] in found
        )
        places = [block.rindex(step) for step in steps]
        assert places == sorted(places)
    whole = yaml.safe_load((ROOT / "ops" / "compose.yaml").read_text())["services"]
    line = next(line for line in COMMANDS if "--no-deps" in line)
    assert [name for name in whole if name.startswith("worker-")] == line.split("--no-deps ")[1].split()


def test_the_images_are_built_from_the_recipes():
    built = [words for words in of("docker") if words[1] == "build"]
    recipes = {(ROOT / options(words, "-f")[0]).name for words in built}
    assert recipes == {path.name for path in (ROOT / "ops" / "docker").glob("*Dockerfile")}
    tags = {options(words, "-t")[0] for words in built}
    services = yaml.safe_load((ROOT / "ops" / "compose.yaml").read_text())["services"]
    assert tags == {services[name]["image"].partition(":-")[2].rstrip("}") for name in ("web", "backup")}
    assert (ROOT / built[0][-1] / ".dockerignore").exists()


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


CREATED = [
    words
    for words in map(shlex.split, [*COMMANDS, *re.findall(r"`(kubectl create [^`]+)`", PAGES["deployment.md"])])
    if words[:2] == ["kubectl", "create"] and words[2] != "job"  # it would ask the cluster for the CronJob
]


@pytest.mark.parametrize("words", CREATED, ids=lambda words: " ".join(words[2:5]))
def test_kubectl_makes_what_it_is_told_to_of_the_files_that_are_named(words: list[str], tmp_path: Path):
    secrets = [sys.executable, str(ROOT / "ops/docker/make_secrets.py"), "--moogsoft-key", "stdin"]
    secrets += ["--folder", str(tmp_path / "ops/secrets")]
    (tmp_path / "ops").mkdir()
    subprocess.run(secrets, input="key", text=True, capture_output=True, check=True)
    for made_by_people in ("ca.crt", "ops/secrets/backup_api_key"):
        (tmp_path / made_by_people).write_text("made up")
    line = [str(kubectl()), *words[1:], "--dry-run=client", "-o", "yaml"]
    done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    made = yaml.safe_load(done.stdout)
    assert made["metadata"]["name"] in words
    assert made["kind"] == "Namespace" or all(made["data"].values())


def secrets_in(found: object) -> Iterator[dict[str, Any]]:
    """Each place that names a Secret, wherever it stands."""
    if isinstance(found, dict):
        if "secretName" in found:
            yield found
        found = list(found.values())
    if isinstance(found, list):
        for one in found:
            yield from secrets_in(one)


def test_the_secrets_that_people_make_have_the_keys_that_pods_read(built: list[dict[str, object]]):
    made = {}
    for words in map(shlex.split, [*COMMANDS, *re.findall(r"`(kubectl create [^`]+)`", PAGES["deployment.md"])]):
        if words[1:3] == ["create", "secret"]:
            made[words[4]] = {option.partition("=")[0] for option in options(words, "--from-file")}
    wanted: dict[str, set[str]] = {}
    for path in (ROOT / "ops" / "kubernetes").rglob("*.yaml"):
        for secret in secrets_in(list(yaml.safe_load_all(path.read_text()))):
            wanted.setdefault(str(secret["secretName"]), set()).update(item["key"] for item in secret.get("items", []))
    wanted.pop("mutt-tls")  # of the ingress; its keys are Kubernetes' own
    assert wanted
    assert {name: keys & made[name] for name, keys in wanted.items()} == wanted
    assert "mutt-tls" in made
    assert built


def test_systemd_is_told_units_that_there_are_and_installs_files_that_there_are():
    units = {path.name for path in (ROOT / "ops" / "systemd").iterdir()}
    for words in of("systemctl"):
        for word in words[2:]:
            if word.endswith((".service", ".target", ".timer")) and word != "nginx.service":
                assert re.sub(r"@[^.]+", "@", Path(word).name) in units
    installed = set()
    for words in of("install"):
        for source in (word for word in words if word.startswith("ops/")):
            assert (ROOT / source).is_file()
            installed.add(Path(source).name)
    assert installed - {"mutt-site.conf"} == {p.name for p in (ROOT / "ops" / "systemd").rglob("*") if p.is_file()}


def test_what_is_installed_enabled_and_taken_away_on_a_machine_is(tmp_path: Path):
    """In the page's order, on a folder that stands for the root of the machine."""
    systemctl = program("systemctl")
    for line in COMMANDS:
        words = shlex.split(line)
        if words[0] in {"install", "rm"}:
            words = [f"{tmp_path}{word}" if word.startswith("/") else word for word in words]
        elif words[:2] == ["systemctl", "enable"]:
            words = [str(systemctl), f"--root={tmp_path}", *(word for word in words[1:] if word != "--now")]
        else:
            continue
        done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False, env=environment())
        assert done.returncode == 0, (line, done.stderr)
    units = tmp_path / "etc/systemd/system"
    assert not (units / "mutt-beat.service").exists()
    wanted = {path.relative_to(units).as_posix() for path in units.rglob("*.wants/*")}
    assert {"multi-user.target.wants/mutt.target", "timers.target.wants/mutt-backup.timer"} <= wanted
    assert "mutt.target.wants/mutt-worker@pipeline-3.service" in wanted
    assert (tmp_path / "usr/local/bin/mutt-manage").stat().st_mode & 0o111
    assert (tmp_path / "etc/nginx/conf.d/mutt.conf").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give folders away")
def test_users_and_folders_are_made_as_the_page_has_it(tmp_path: Path):
    (tmp_path / "etc").mkdir()
    for words in of("install"):
        if words[-1].endswith(".d/mutt.conf") and "nginx" not in words[-1]:
            subprocess.run([*words[:-1], f"{tmp_path}{words[-1]}"], cwd=ROOT, check=True)
    for words in [*of("systemd-sysusers"), *of("systemd-tmpfiles")]:
        line = [str(program(words[0])), f"--root={tmp_path}", *words[1:]]
        done = subprocess.run(line, capture_output=True, text=True, check=False, env=environment())
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "etc/mutt/secrets").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "var/backups/mutt").stat().st_uid == (tmp_path / "var/lib/mutt").stat().st_uid != 0


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
