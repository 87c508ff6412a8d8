"""Several claims at once: what is done to each of them is one round trip for all.

Each batch stands for itself: one whose lease ran out is somebody else's by now, and does not keep the others back.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from audit.entry import Entry
from audit.journal import Call, Claim, owed_by
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
    _done(claims, [claim.releasing() for claim in claims])


def finish(claims: Sequence[Claim], *, hand_on: bool = False) -> list[tuple[UUID, int]]:
    """Close the batches for good, but for those that are ours no more; returns what `Claim.finish` does for each."""
    answers = _done(claims, [claim.finishing(hand_on=hand_on) for claim in claims])
    return [owed for done, *rest in answers if done for owed in owed_by(rest)]


def _ours(claims: Sequence[Claim], calls: Sequence[Call]) -> list[Claim]:
    return [claim for claim, is_ours in zip(claims, _done(claims, calls), strict=True) if is_ours]


def _done(claims: Sequence[Claim], calls: Sequence[Call]) -> list[Any]:
    """The journal's answers, one for each; it is not asked where there are none."""
    return claims[0].journal.run_all(calls) if claims else []
