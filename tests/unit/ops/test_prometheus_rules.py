"""The alert rules: promtool takes them, and they fire when they should."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.unit.ops.prometheus import DASHBOARD, queries

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


def test_promtool_takes_the_example_of_a_configuration(promtool: str) -> None:
    result = run(promtool, "check", "config", FOLDER / "prometheus.yml")
    assert result.returncode == 0, result.stdout + result.stderr


def test_promtool_takes_every_query_of_the_dashboard(promtool: str, tmp_path: Path) -> None:
    asked = [{"record": f"query:{number}", "expr": query} for number, query in enumerate(queries())]
    assert len(asked) > 50
    (tmp_path / "queries.yml").write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": asked}]}))
    result = run(promtool, "check", "rules", tmp_path / "queries.yml")
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_dashboard_fits_together() -> None:
    board = json.loads(DASHBOARD.read_text())
    panels = board["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    rows = [panel["title"] for panel in panels if panel["type"] == "row"]
    assert len(rows) == 8
    places = [panel["gridPos"] for panel in panels]
    taken = [
        (x, y) for at in places for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])
    ]
    assert len(set(taken)) == len(taken), "panels overlap"
    assert all(x < 24 for x, _ in taken)
    (variable,) = board["templating"]["list"]
    assert variable["type"] == "datasource"
    asking = [panel for panel in panels if panel["type"] != "row"]
    assert {panel["datasource"]["uid"] for panel in asking} == {"${" + variable["name"] + "}"}


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
