"""A benchmark says of every event where it is, or fails."""

from dataclasses import replace
from pathlib import Path

import pytest

from ops.bench.accounting import Account
from ops.bench.load import Sent
from ops.bench.mix import Corpus, Profile, shared_out

SENT = Sent(begin=0, end=1, requests=10, refused=0, broken=0, p50=1, p95=2, p99=3)
CORPUS = Corpus(Path("corpus"), 10, 10, shared_out(Profile.MIX.shares, 100))
LEDGER = {
    "accepted": 100,
    "delivered": 10,
    "ignored": 20,
    "unmatched": 70,
    "suppressed": 0,
    "dead": 0,
    "pending": 0,
}
GOOD = Account(CORPUS, SENT, LEDGER, distinct=10, came=10, invalid=0, strangers=0)


def test_what_adds_up_has_no_faults():
    assert GOOD.faults() == []


@pytest.mark.parametrize(
    ("account", "said"),
    [
        (replace(GOOD, distinct=9), "9 came to the sink"),
        (replace(GOOD, distinct=11), "11 came to the sink"),
        (replace(GOOD, came=11), "1 events came to the sink more than once"),
        (replace(GOOD, strangers=2), "2 events are delivered by the records or by the sink alone"),
        (replace(GOOD, invalid=1), "broke Moogsoft's contract"),
        (replace(GOOD, ledger={**LEDGER, "accepted": 99}), "the ledger says 99"),
        (replace(GOOD, ledger={**LEDGER, "unmatched": 69}), "99 have an outcome"),
        (replace(GOOD, ledger={**LEDGER, "unmatched": 69, "pending": 1}), "1 events are still pending"),
        (replace(GOOD, ledger={**LEDGER, "unmatched": 69, "ignored": 21}), "20 events were to be ignored, and 21 are"),
        (replace(GOOD, ledger={**LEDGER, "delivered": 9, "dead": 1}, distinct=9), "10 events were to be delivered"),
        (replace(GOOD, sent=replace(SENT, refused=1)), "1 requests were refused"),
    ],
)
def test_what_does_not_add_up_is_said(account: Account, said: str):
    assert any(said in fault for fault in account.faults()), account.faults()


def test_of_a_request_without_an_answer_nobody_knows_whether_it_was_taken():
    sent = replace(SENT, requests=9, broken=1)
    for accepted in (90, 100):
        ledger = {**LEDGER, "accepted": accepted, "unmatched": accepted - 30}
        assert Account(CORPUS, sent, ledger, 10, 10, 0, 0).faults() == [
            "0 requests were refused and 1 got no answer, of 10",
        ]
