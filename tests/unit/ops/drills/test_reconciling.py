"""The account of a drill: what is lost beyond what the page says cannot hide."""

from ops.drills.reconciling import Account, complaints, weigh
from ops.drills.traffic import Accepted

BALANCED = {"balanced": True}
ACCEPTED = [Accepted("a", 1.0), Accepted("b", 2.0), Accepted("c", 3.0)]
OUTCOMES = {"a": "delivered", "b": "ignored", "c": "dead"}


def account(outcomes: dict[str, str], told: dict[str, int] | None = None, ledger: object = None) -> Account:
    return weigh(ACCEPTED, outcomes, {"a": 1} if told is None else told, ledger or BALANCED)  # type: ignore[arg-type]


def test_where_all_is_accounted_for_nothing_is_complained_about():
    found = account(OUTCOMES)
    assert (found.accepted, found.unrecorded, found.told_again) == (3, [], 0)
    assert complaints(found, ()) == []


def test_what_has_no_record_or_is_pending_for_ever_is_lost():
    found = account({"a": "delivered", "b": "pending"})
    assert found.unrecorded == ["b", "c"]
    assert complaints(found, ["b", "c"]) == []
    assert complaints(found, ["c"]) == ["1 events are lost beyond what the page says, such as b"]


def test_a_record_of_what_nobody_accepted_is_found():
    assert complaints(account({**OUTCOMES, "d": "ignored"}), ()) == [
        "1 records are of events that nobody was answered 202 for"
    ]


def test_a_delivery_that_never_was_is_found_and_one_too_many_is_counted():
    assert complaints(account(OUTCOMES, {}), ()) == ["1 events are recorded as delivered, and Moogsoft never got them"]
    assert account(OUTCOMES, {"a": 3}).told_again == 2


def test_a_ledger_that_does_not_balance_is_found():
    (complaint,) = complaints(account(OUTCOMES, ledger={"balanced": False}), ())
    assert complaint.startswith("the ledger does not balance")
