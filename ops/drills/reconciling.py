"""Whether every event that was answered 202 has exactly one fate, by the records, the ledger and Moogsoft."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ops.drills.sandbox import Sandbox
from ops.drills.traffic import Accepted


@dataclass(frozen=True, slots=True)
class Account:
    """What came of a drill's events; lists are of event ids.

    `unrecorded` are those that were accepted and have no record, or are pending for ever. `told_again` are how many
    times more than once Moogsoft was told. `not_told` have a record that says delivered, and Moogsoft never got them.
    """

    accepted: int
    by_outcome: Counter[str]
    unrecorded: list[str]
    strangers: list[str]
    not_told: list[str]
    told_again: int
    ledger: Mapping[str, Any]


def reconcile(sandbox: Sandbox) -> Account:
    """Compare all accounts, once nothing moves any more."""
    ledger = sandbox.settled()
    return weigh(sandbox.sender.accepted, sandbox.outcomes(), sandbox.at_moogsoft(), ledger)


def weigh(
    accepted: Iterable[Accepted], outcomes: Mapping[str, str], told: Mapping[str, int], ledger: Mapping[str, Any]
) -> Account:
    """The decision, without any server."""
    ours = {one.id for one in accepted}
    return Account(
        accepted=len(ours),
        by_outcome=Counter(outcomes[one] for one in ours if one in outcomes),
        unrecorded=sorted(one for one in ours if outcomes.get(one, "pending") == "pending"),
        strangers=sorted(outcomes.keys() - ours),
        not_told=sorted(one for one, outcome in outcomes.items() if outcome == "delivered" and one not in told),
        told_again=sum(times - 1 for times in told.values()),
        ledger=ledger,
    )


def complaints(account: Account, may_be_lost: Collection[str]) -> list[str]:
    """What is wrong, given the events that the page says are lost; nothing where all is as it says."""
    beyond = sorted(set(account.unrecorded) - set(may_be_lost))
    found = []
    if beyond:
        found.append(f"{len(beyond)} events are lost beyond what the page says, such as {beyond[0]}")
    if account.strangers:
        found.append(f"{len(account.strangers)} records are of events that nobody was answered 202 for")
    if account.not_told:
        found.append(f"{len(account.not_told)} events are recorded as delivered, and Moogsoft never got them")
    if not account.ledger.get("balanced"):
        found.append(f"the ledger does not balance: {dict(account.ledger)}")
    return found
