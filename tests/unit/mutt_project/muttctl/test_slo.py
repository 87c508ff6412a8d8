"""`muttctl slo` against a stub of the API."""

import json
from typing import Any

from tests.unit.mutt_project.muttctl.stub_api import Answer, Muttctl, StubApi


def objective(name: str, state: str | None, **fields: Any) -> dict[str, Any]:
    burn = {"short_window": "", "short_rate": None, "threshold": 1.0}
    return {
        "name": name,
        "measure": name,
        "target": 0.999,
        "within_s": None,
        "window_days": 30,
        "good": 999_600,
        "total": 1_000_000,
        "ratio": 0.9996,
        "budget": {"allowed": 1000.0, "spent": 400, "remaining": 0.6},
        "burn": [
            {**burn, "window": "1h", "rate": 20.0, "burning": state == "burning"},
            {**burn, "window": "6h", "rate": 0.0, "burning": False},
            {**burn, "window": "3d", "rate": None, "burning": False},
        ],
        "state": state,
        **fields,
    }


NOTHING = objective("delivery_success", None, good=0, total=0, ratio=None, budget=None)


def found(*objectives: dict[str, Any]) -> Answer:
    return Answer(200, {"at": "2026-11-23T08:30:00Z", "results": list(objectives)})


def test_the_table_shows_what_is_left_and_how_fast_it_burns(api: StubApi, muttctl: Muttctl) -> None:
    api.scripted = [found(objective("ingest_availability", "burning"), NOTHING)]
    result = muttctl("slo")
    assert result.exit_code == 0
    lines = [line.split() for line in result.stdout.splitlines()]
    assert ["ingest_availability", "99.9", "%", "99.96", "%", "60", "%", "20.0!", "0.0", "-", "burning"] in lines
    assert ["delivery_success", "99.9", "%", "-", "-", "20.0", "0.0", "-", "-"] in lines


def test_json_and_csv(api: StubApi, muttctl: Muttctl) -> None:
    answer = found(objective("ingest_availability", "ok"), NOTHING)
    api.scripted = [answer, answer]
    assert json.loads(muttctl("slo", "-o", "json").stdout) == answer.content
    header, first, second = muttctl("slo", "-o", "csv").stdout.splitlines()
    assert header.endswith("good,total,ratio,allowed,spent,remaining,burn_1h,burn_6h,burn_3d,state")
    assert first.endswith("999600,1000000,0.9996,1000.0,400,0.6,20.0,0.0,,ok")
    assert second.endswith("0,0,,,,,20.0,0.0,,")


def test_a_check_fails_where_a_budget_burns_or_is_exhausted_and_only_then(api: StubApi, muttctl: Muttctl) -> None:
    for state, status in ((None, 0), ("ok", 0), ("burning", 1), ("exhausted", 1)):
        api.scripted = [found(objective("a", "ok"), objective("b", state))] * 2
        assert muttctl("slo").exit_code == 0
        result = muttctl("slo", "--check")
        assert result.exit_code == status
        assert ("Burning or exhausted: b." in result.stderr) is bool(status)
