"""The alert rules: promtool takes them, and they fire when they should."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "ops" / "prometheus"
RULES = sorted(FOLDER.glob("rules/*.yml"))
CASES = sorted(FOLDER.glob("tests/*_test.yml"))
_UNPACKED = ROOT / ".venv" / "senders" / "usr" / "bin"


@pytest.fixture(scope="module")
def promtool() -> str:
    found = shutil.which("promtool") or shutil.which("promtool", path=_UNPACKED)
    if found is None:
        pytest.skip("no promtool: it is in Debian's package prometheus")
    return found


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_every_file_of_rules_has_its_cases() -> None:
    assert [path.stem for path in RULES] == [path.stem.removesuffix("_test") for path in CASES] != []


@pytest.mark.parametrize("rules", RULES, ids=lambda path: path.stem)
def test_promtool_takes_the_rules(promtool: str, rules: Path) -> None:
    result = run(promtool, "check", "rules", "--lint=all", "--lint-fatal", rules)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("cases", CASES, ids=lambda path: path.stem)
def test_the_rules_fire_when_they_should_and_only_then(promtool: str, cases: Path) -> None:
    result = run(promtool, "test", "rules", cases)
    assert result.returncode == 0, result.stdout + result.stderr
