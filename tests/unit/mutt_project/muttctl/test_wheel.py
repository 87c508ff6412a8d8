"""What is installed by `pip install .`: muttctl with what it asks for, and without Django."""

import subprocess
import sys
import venv
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from mutt_project import __version__

ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a virtual environment that holds the wheel, and the distributions that it asks for."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder))
    (wheel,) = folder.glob("*.whl")
    home = folder / "venv"
    venv.create(home)
    pip = (sys.executable, "-m", "pip", "--python", str(home / "bin" / "python"))
    run(*pip, "install", "--no-index", "--no-deps", "--disable-pip-version-check", str(wheel))
    (packages,) = home.glob("lib/python*/site-packages")
    (metadata,) = packages.glob("muttctl-*.dist-info/METADATA")
    asked = [
        line.removeprefix("Requires-Dist: ") for line in metadata.read_text().splitlines() if "Requires-Dist" in line
    ]
    for part in set(parts(asked)):
        (packages / part.name).symlink_to(part)
    return home / "bin"


def parts(asked: list[str], seen: set[str] | None = None) -> Iterator[Path]:
    """The files and folders of what is asked for, and of what that asks for."""
    seen = set() if seen is None else seen
    for one in map(Requirement, asked):
        if one.name in seen or (one.marker and not one.marker.evaluate({"extra": ""})):
            continue
        seen.add(one.name)
        found = distribution(one.name)
        assert one.specifier.contains(found.version), f"{one} is not what is locked: {found.version}"
        tops = {file.parts[0] for file in found.files or [] if file.parts[0] not in {"..", "__pycache__"}}
        yield from {Path(str(found.locate_file(top))) for top in tops}
        yield from parts(found.requires or [], seen)


def run(*words: str, cwd: Path = ROOT) -> str:
    done = subprocess.run(words, cwd=cwd, env={}, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, (words, done.stdout, done.stderr)
    return done.stdout


def test_the_wheel_has_all_that_muttctl_imports_and_no_django(machine: Path, tmp_path: Path) -> None:
    program = (
        "import importlib, pkgutil, sys, mutt_project.muttctl as room\n"
        "for module in pkgutil.walk_packages(room.__path__, f'{room.__name__}.'):\n"
        "    if not module.name.endswith('__main__'):\n"
        "        importlib.import_module(module.name)\n"
        "print(sorted({name.split('.')[0] for name in sys.modules} & {'django', 'celery', 'redis'}))\n"
    )
    assert run(str(machine / "python"), "-c", program, cwd=tmp_path) == "[]\n"


def test_what_is_installed_runs(machine: Path, tmp_path: Path) -> None:
    assert run(str(machine / "muttctl"), "--help", cwd=tmp_path).startswith("Usage: muttctl ")
    assert run(str(machine / "muttctl"), "--version", cwd=tmp_path) == f"muttctl {__version__}\n"
