"""Whoever runs muttctl hears once that an operation is on its way out; what is printed stays as it is."""

import pytest

from mutt_project.muttctl import deprecation
from tests.unit.mutt_project.muttctl.stub_api import Answer, Muttctl, StubApi

LEDGER = dict.fromkeys(("accepted", "delivered", "ignored", "unmatched", "suppressed", "dead", "pending"), 0)
BALANCED: dict[str, object] = {
    **LEDGER,
    "rejected": 0,
    "balanced": True,
    "imbalance": 0,
    "suspects": [],
    "looked_back_to": None,
}


@pytest.fixture(autouse=True)
def _nothing_said_yet() -> None:
    deprecation.say_once.cache_clear()


def test_a_deprecated_answer_is_told_of_once_on_stderr(api: StubApi, muttctl: Muttctl) -> None:
    headers = {"Deprecation": "@1577836800", "Sunset": "Mon, 29 Jun 2020 00:00:00 GMT"}
    api.scripted = [Answer(200, BALANCED, headers), Answer(200, BALANCED, headers), Answer(200, BALANCED)]
    first, second, plain = (muttctl("ledger", "-o", "json") for _ in range(3))
    assert first.exit_code == 0
    assert first.stderr == (
        "Warning: GET /api/v1/ledger of MUTT is deprecated since 2020-01-01, and may be gone after 2020-06-29."
        " A newer muttctl does without it.\n"
    )
    assert (second.stderr, plain.stderr) == ("", "")
    assert first.stdout == plain.stdout


@pytest.mark.parametrize("since", ["", "true", "@", "@-5", "@999999999999", "Wed, 01 Jan 2020 00:00:00 GMT"])
def test_what_is_no_datesay_onces_nothing(since: str) -> None:
    assert deprecation.warning("GET", "/api/v1/ledger", {"Deprecation": since}) == ""


def test_an_end_that_is_none_is_left_out() -> None:
    said = deprecation.warning("GET", "/a?secret=b", {"Deprecation": "@0", "Sunset": "soon"})
    assert said == "Warning: GET /a of MUTT is deprecated since 1970-01-01. A newer muttctl does without it."
