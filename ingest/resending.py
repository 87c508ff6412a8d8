"""Sending refused events in again, once the sender or the schema was mended: each of them once."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from redis.exceptions import RedisError

from audit.following import correlation_id
from ingest.parsing import BodyError, TooManyError
from ingest.quarantine import told, told_errors
from ingest.quarantine_models import Quarantined
from ingest.receiving import PLAIN, Receipt, Sender, receive

MOST_AT_ONCE = 1000


class NotResent(Exception):  # noqa: N818 - it carries an answer, not a fault of ours
    """It was not sent again; the message says why."""


class AlreadyResent(NotResent):
    """It was accepted before."""

    def __init__(self, row: Quarantined) -> None:
        batch = f", in batch {row.batch_id}" if row.batch_id else ""
        super().__init__(f"It was sent again already, at {row.resent_at:%F %T} UTC by {row.resent_by}{batch}.")
        self.batch = row.batch_id


class Truncated(NotResent):
    """Only its beginning was kept."""

    def __init__(self, row: Quarantined) -> None:
        kept = len(bytes(row.body))
        super().__init__(f"Only {kept:,} of its {row.size:,} bytes were kept, so it cannot be sent again.")


class StillRefused(NotResent):
    """It is not valid now either. `reason` and `errors` are what the webhook would say."""

    def __init__(self, reason: str, error: str, errors: list[dict[str, str]]) -> None:
        super().__init__(error)
        self.reason = reason
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Resent:
    """What became of one of many. `outcome` is what was accepted, or why nothing was; None for an unknown id."""

    id: UUID
    outcome: Receipt | NotResent | RedisError | None


def resend(quarantined_id: UUID, by: str, now: datetime) -> Receipt:
    """Send a refused event again, in its sender's name. A body of several events is sent if any of them is accepted.

    Raises Quarantined.DoesNotExist, NotResent, RedisError. Whoever is killed between the two stores may send it
    twice; nobody loses it.
    """
    refused: StillRefused | None = None
    with transaction.atomic():
        row = Quarantined.objects.select_for_update().get(pk=quarantined_id)
        if row.resent_at is not None:
            raise AlreadyResent(row)
        if row.truncated:
            raise Truncated(row)
        try:
            receipt = _sent(row)
        except StillRefused as error:
            refused = error
            _note(row, error.reason, str(error), error.errors)
        else:
            row.resent_at, row.resent_by = now, by
            row.batch_id = receipt.batch if receipt.accepted else None  # a body may have nothing in it by now
            if receipt.rejected:
                reason, text, errors = _faults(receipt)
                _note(
                    row,
                    reason,
                    f"Of its {len(receipt.results)} events {receipt.rejected} are still refused: {text}",
                    errors,
                )
        row.save()
    if refused is not None:
        raise refused
    return receipt


def _sent(row: Quarantined) -> Receipt:
    source = None if row.source == PLAIN else row.source  # read by what it looks like, now as then
    sender = Sender(row.api_key, row.address, correlation_id())
    try:
        receipt = receive(bytes(row.body), source, sender, content_type=row.content_type, keep_refused=False)
    except TooManyError as error:
        raise StillRefused("body_unreadable", f"It has too many events: {error}.", []) from error
    except BodyError as error:
        raise StillRefused("body_unreadable", str(error), []) from error
    if receipt.rejected and not receipt.accepted:
        raise StillRefused(*_faults(receipt))
    return receipt


def _faults(receipt: Receipt) -> tuple[str, str, list[dict[str, str]]]:
    """The first reason; all sentences and places."""
    refused = [result for result in receipt.results if "error" in result]
    return (
        refused[0]["reason"],
        " ".join(result["error"] for result in refused),
        [error for result in refused for error in result["errors"]],
    )


def _note(row: Quarantined, reason: str, error: str, errors: list[dict[str, str]]) -> None:
    row.reason, row.error, row.errors = reason, told(error), told_errors(errors)


def resend_many(identifiers: Iterable[UUID], by: str, now: datetime) -> Iterator[Resent]:
    """Send refused events again, each by itself. Once Redis is away, the rest is not tried."""
    away: RedisError | None = None
    for identifier in dict.fromkeys(identifiers):
        if away is not None:
            yield Resent(identifier, away)
            continue
        try:
            yield Resent(identifier, resend(identifier, by, now))
        except Quarantined.DoesNotExist:
            yield Resent(identifier, None)
        except NotResent as why:
            yield Resent(identifier, why)
        except RedisError as error:
            away = error
            yield Resent(identifier, error)
