"""What the rules of Prometheus, the dashboard and the docs say, for the tests that hold them against each other."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[3]
RULES = sorted((ROOT / "ops" / "prometheus" / "rules").glob("*.yml"))
DASHBOARD = ROOT / "ops" / "grafana" / "mutt.json"
_NAME = re.compile(r"(?<![\w:\"'])(?:mutt|django)[_:][a-z0-9_:]+")
_TEXT = re.compile(r"\"[^\"]*\"|'[^']*'")


def rules() -> list[dict[str, Any]]:
    """All recording and alert rules."""
    return [rule for path in RULES for group in yaml.safe_load(path.read_text())["groups"] for rule in group["rules"]]


def alerts() -> list[dict[str, Any]]:
    return [rule for rule in rules() if "alert" in rule]


def queries() -> list[str]:
    """Every query of the dashboard, the variable aside, which no query has."""
    board = json.loads(DASHBOARD.read_text())
    found = [target["expr"] for panel in board["panels"] for target in panel.get("targets", [])]
    return found + [note["expr"] for note in board["annotations"]["list"]]


def names(query: str) -> set[str]:
    """The names of MUTT's and Django's metrics that a query asks for."""
    return set(_NAME.findall(_TEXT.sub("", query)))


def without_ending(name: str) -> str:
    """A histogram's name from that of one of its series."""
    return re.sub(r"_(bucket|sum|count)$", "", name)


def asked_for() -> Iterator[tuple[str, str]]:
    """Each name that is asked for, and by whom."""
    for rule in rules():
        texts = [rule["expr"], *re.findall(r"query \"(.+?)\"", rule.get("annotations", {}).get("description", ""))]
        yield from ((name, str(rule.get("alert") or rule.get("record"))) for text in texts for name in names(text))
    yield from ((name, query) for query in queries() for name in names(query))
