"""docs/settings.md is what the code says, of every variable that the code reads."""

import re
from collections.abc import Iterator

import pytest

from audit.tuning.tunables import TUNABLES
from mutt_project.settings import described, reference
from mutt_project.settings.described import DESCRIBED, Variable
from ops.local.stack import ROOT

CODE = ("audit", "forwarder", "ingest", "rules", "mutt_project", "ops")
_NAME = re.compile(r'"((?:MUTT|MOOGSOFT|REDIS|DATABASE|VAULT|FLOWER|PROMETHEUS|MALLOC)_[A-Z0-9_]+)"')
NOT_OURS = {"MOOGSOFT_STUB_KEY_FILE"}  # of the stub, which stands for Moogsoft in tests


def read_by_the_code() -> Iterator[str]:
    for folder in CODE:
        for path in (ROOT / folder).rglob("*.py"):
            if (
                path.name not in {"described.py", "tunables.py"} and "drills" not in path.parts
            ):  # what they tell sandboxes
                yield from _NAME.findall(path.read_text(encoding="utf-8"))


def told() -> list[str]:
    return [name for variables in DESCRIBED.values() for one in variables for name in one.names.split(", ")]


def test_every_variable_has_one_line_and_every_line_a_variable():
    ports = {f"MUTT_{name}_PORT" for name in ("WEB", "FLOWER", "STUB", "POSTGRESQL", "REDIS")}  # one pattern for all
    assert sorted(told()) == sorted({*read_by_the_code(), *ports} - NOT_OURS)


def test_what_can_be_changed_at_run_time_is_described_once():
    ours = [one for variables in DESCRIBED.values() for one in variables if one.names in TUNABLES]
    assert sorted(one.names for one in ours) == sorted(TUNABLES)
    assert not any(one.meaning for one in ours)
    assert all(one.meaning for variables in DESCRIBED.values() for one in variables if one not in ours)


def test_the_page_is_what_the_code_says():
    assert reference.main(["--check"]) == ""


def test_a_variable_without_a_line_is_named(monkeypatch: pytest.MonkeyPatch):
    left = {topic: rest for topic, rest in DESCRIBED.items() if topic != "Refused events"}
    monkeypatch.setattr(reference, "DESCRIBED", left)
    assert "MUTT_QUARANTINE_DAYS" in reference.main([])


def test_a_page_that_is_out_of_date_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(described.DESCRIBED, "New", (Variable("MUTT_NEW", "new", "none", "text", since="9.9.9"),))
    assert "make format" in reference.main(["--check"])
    assert "| `MUTT_NEW` | none | text |  | new (since 9.9.9) |" in reference.page()
