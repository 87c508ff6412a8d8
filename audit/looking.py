"""One event's story, gathered from where it is kept."""

from audit.ids import batch_of
from audit.journal import journal
from audit.models import Attempt, Record
from audit.outcomes import Outcome
from audit.story import Step, story


def story_of(record: Record) -> list[Step]:
    """The steps of a recorded event. Raises RedisError if it is pending and Redis is away."""
    batch = batch_of(record.event_id)
    pending = record.outcome == Outcome.PENDING
    place = journal().stage_of(batch) if pending else None
    parked = journal().parked_for(batch) if pending else None
    return story(record, Attempt.objects.filter(batch_id=batch), place[0] if place else None, parked)


def times_sent(record: Record) -> int:
    """How often an event was in a request to Moogsoft."""
    return Attempt.objects.filter(batch_id=batch_of(record.event_id), event_ids__contains=[record.event_id]).count()
