"""Several claims at once: what is done to each of them is one round trip for all.

Each batch stands for itself: one whose lease ran out is somebody else's by now, and does not keep the others back.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from audit.entry import Entry
from audit.journal import Claim, owed_by
from audit.outcomes import Stage


def renew(claims: Sequence[Claim]) -> list[Claim]:
    """Ask for another full lease for each; returns those that are still ours."""
    return _ours(claims, [claim.renewing() for claim in claims])


def advance(
    claims: Sequence[Claim], stage: Stage, contents: Mapping[UUID, Sequence[Entry]] | None = None
) -> list[Claim]:
    """Hand the batches on, with new contents if given; returns those that were still ours."""
    new = contents or {}
    return _ours(claims, [claim.advancing(stage, new.get(claim.batch)) for claim in claims])


def release(claims: Sequence[Claim]) -> None:
    """Give the batches back."""
    if claims:
        claims[0].journal.run_all([claim.releasing() for claim in claims])


def finish(claims: Sequence[Claim], *, hand_on: bool = False) -> list[tuple[UUID, int]]:
    """Close the batches for good, but for those that are ours no more; returns what `Claim.finish` does for each."""
    if not claims:
        return []
    freed: list[tuple[UUID, int]] = []
    for done, *rest in claims[0].journal.run_all([claim.finishing(hand_on=hand_on) for claim in claims]):
        freed += owed_by(rest) if done else []
    return freed


def _ours(claims: Sequence[Claim], calls: Sequence[tuple[object, ...]]) -> list[Claim]:
    if not claims:
        return []
    done = claims[0].journal.run_all(calls)
    return [claim for claim, is_ours in zip(claims, done, strict=True) if is_ours]
