"""The units hold by systemd's own word, start what the image starts, and hand secrets out as credentials."""

import configparser
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ops.docker.run import command
from ops.local.stack import ROOT
from tests.senders import environment, program
from tests.unit.ops.deploying import known_settings, looks_secret, role_of

FOLDER = ROOT / "ops" / "systemd"
COMMON = FOLDER / "mutt-.service.d" / "10-mutt.conf"
UNITS = sorted(FOLDER.glob("*.service"))
SYSTEMDS_OWN = ("sysinit", "basic", "shutdown", "network-online", "multi-user", "timers")
LOADED = re.compile(r"^LoadCredential=(\w+):/etc/mutt/secrets/(\w+)$", re.MULTILINE)
TOLD = re.compile(r"([A-Z_]+)=(\S+)")


def instance(unit: Path) -> str:
    return unit.name.replace("@.", "@pipeline-1.")


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root folder with the units as docs/deployment.md installs them, and what they name."""
    root = tmp_path_factory.mktemp("root")
    units = root / "etc/systemd/system"
    shutil.copytree(FOLDER, units)
    for name in SYSTEMDS_OWN:
        (units / f"{name}.target").write_text("[Unit]\nDescription=systemd's own\n")
    for path in ("opt/mutt/venv/bin/python", "bin/kill"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("#!/bin/sh\n")
        (root / path).chmod(0o755)
    return root


def analyse(machine: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    line = [str(program("systemd-analyze")), words[0], f"--root={machine}", *words[1:]]
    return subprocess.run(line, capture_output=True, text=True, check=False, env=environment())


def test_systemd_finds_nothing_wrong_with_the_units(machine: Path):
    done = analyse(machine, "verify", "mutt.target", *map(instance, UNITS))
    assert (done.returncode, done.stderr) == (0, "")


def test_a_machine_without_a_clock_has_nothing_wrong(machine: Path, tmp_path: Path):
    """On all machines but one mutt-beat.service is taken away: the target passes over what is not there."""
    shutil.copytree(machine, tmp_path / "root")
    (tmp_path / "root/etc/systemd/system/mutt-beat.service").unlink()
    others = [instance(unit) for unit in UNITS if unit.name != "mutt-beat.service"]
    done = analyse(tmp_path / "root", "verify", "mutt.target", *others)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_timer_starts_a_unit_that_there_is_at_a_time_that_systemd_reads(machine: Path):
    done = analyse(machine, "verify", "mutt-backup.timer")
    assert (done.returncode, done.stderr) == (0, "")
    assert (FOLDER / "mutt-backup.timer").with_suffix(".service") in UNITS


def test_with_vault_systemd_finds_nothing_wrong_and_no_secret_is_in_two_places(machine: Path, tmp_path: Path):
    shutil.copytree(machine, tmp_path / "root")
    units = tmp_path / "root/etc/systemd/system"
    shutil.copy(FOLDER / "vault/20-vault.conf", units / "mutt-.service.d")
    (units / "mutt-backup.service.d").mkdir()
    shutil.copy(FOLDER / "vault/30-backup.conf", units / "mutt-backup.service.d")
    done = analyse(tmp_path / "root", "verify", "mutt.target", *map(instance, UNITS))
    assert (done.returncode, done.stderr) == (0, "")
    text = (FOLDER / "vault/20-vault.conf").read_text()
    emptied = set(re.findall(r"([A-Z_]+_FILE)=(?= |$)", text, re.MULTILINE))
    told = "".join(path.read_text() for path in (COMMON, FOLDER / "mutt-flower.service"))
    assert emptied == set(re.findall(r"([A-Z_]+_FILE)=", told))
    settings = " ".join(re.findall(r"^Environment=(.+)$", text, re.MULTILINE))
    assert set(re.findall(r"([A-Z_]+)=", settings)) <= known_settings()
    assert re.search("^LoadCredential=$", text, re.MULTILINE)  # what was loaded before is not


@pytest.mark.parametrize("how", ["--pipe", "--pty"])
def test_manage_is_run_as_a_unit_that_has_what_the_others_have(tmp_path: Path, how: str):
    (tmp_path / "systemd-run").write_text('#!/bin/sh\necho "$@"\n')
    (tmp_path / "systemd-run").chmod(0o755)
    words = ["sh", str(FOLDER / "bin/mutt-manage"), "createsuperuser", "--noinput"]
    told = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    if how == "--pty":
        reader, writer = os.openpty()
        subprocess.run(words, env=told, stdin=writer, stdout=writer, check=True)
        said = os.read(reader, 4000).decode()
        os.close(reader)
        os.close(writer)
    else:
        said = subprocess.run(
            words, env=told, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True
        ).stdout
    assert said.split()[0].startswith("--unit=mutt-manage-")  # hence mutt-.service.d counts
    assert how in said.split()
    assert said.split()[-4:] == ["ops.docker.run", "manage", "createsuperuser", "--noinput"]


def test_muttctl_is_that_of_the_checkout(tmp_path: Path):
    text = (FOLDER / "bin/muttctl").read_text()
    script = tmp_path / "muttctl"
    script.write_text(text.replace("/opt/mutt/app", str(ROOT)).replace("/opt/mutt/venv/bin/python", sys.executable))
    done = subprocess.run(["sh", str(script), "--help"], cwd="/", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "muttctl doctor" in done.stdout


def test_a_unit_that_is_broken_is_found(machine: Path, tmp_path: Path):
    """Lest the test above be blind."""
    shutil.copytree(machine, tmp_path / "root")
    unit = tmp_path / "root/etc/systemd/system/mutt-beat.service"
    unit.write_text(unit.read_text().replace("/opt/mutt/venv/bin/python", "/opt/mutt/none", 1))
    assert analyse(tmp_path / "root", "verify", "mutt-beat.service").returncode != 0


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_takes_a_unit_for_well_closed(machine: Path, unit: Path):
    done = analyse(machine, "security", "--offline=true", "--threshold=20", instance(unit))
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr


def words_of(unit: Path) -> list[str]:
    found = re.findall(
        r"^ExecStart=/opt/mutt/venv/bin/python -m ops\.docker\.run (.+)$", unit.read_text(), re.MULTILINE
    )
    assert len(found) == 1
    return str(found[0]).replace("%i", "pipeline-1").split()


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_starts_a_role_of_the_image_and_is_started_again(unit: Path):
    role_of(words_of(unit))
    text = unit.read_text()
    if "Type=oneshot" not in text:
        assert re.search("^Restart=always$", text, re.MULTILINE)
        assert re.search(r"^TimeoutStopSec=\d+$", text, re.MULTILINE)


def test_an_instance_of_the_worker_serves_the_queue_that_it_is_called_by():
    (unit,) = [unit for unit in UNITS if "@" in unit.name]
    assert command(words_of(unit))[-2:] == ["--queues=pipeline", "--hostname=pipeline-1@%h"]


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_is_told_known_settings_and_reads_the_credentials_that_it_loads(unit: Path):
    text = COMMON.read_text() + unit.read_text()
    told = dict(pair for line in re.findall(r"^Environment=(.+)$", text, re.MULTILINE) for pair in TOLD.findall(line))
    assert set(told) <= known_settings()
    assert not [name for name, value in told.items() if looks_secret(name, value)]
    loaded = {name for name, file in LOADED.findall(text) if name == file}
    read = {value for name, value in told.items() if name.endswith("_FILE")} | set(words_of(unit))
    assert {value.removeprefix("%d/") for value in read if value.startswith("%d/")} == loaded


def test_the_file_of_settings_holds_known_ones_and_no_secret():
    told = dict(TOLD.findall((FOLDER / "mutt.env").read_text()))
    assert set(told) <= known_settings()
    assert not [name for name, value in told.items() if looks_secret(name, value)]


def test_the_target_wants_every_unit_but_the_one_that_prepares():
    wanted = {
        name
        for line in re.findall(r"^Wants=(.+)$", (FOLDER / "mutt.target").read_text(), re.MULTILINE)
        for name in line.split()
    }
    templates = {re.sub(r"@[^.]+", "@", name) for name in wanted}
    assert templates == {unit.name for unit in UNITS} - {"mutt-prepare.service", "mutt-backup.service"}


def test_users_and_folders_are_made_as_the_units_need_them():
    common = configparser.ConfigParser(strict=False, interpolation=None, delimiters=["="])
    common.optionxform = str  # type: ignore[assignment,method-assign] # systemd tells upper from lower case
    common.read_string(COMMON.read_text())
    user = common["Service"]["User"]
    assert re.search(rf"^u {user} ", (FOLDER / "mutt.sysusers.conf").read_text(), re.MULTILINE)
    made = dict(re.findall(r"^d (\S+) (\d{4}) ", (FOLDER / "mutt.tmpfiles.conf").read_text(), re.MULTILINE))
    assert made["/etc/mutt/secrets"] == "0700"
    assert made["/var/lib/mutt/archive"] == "0700"
