"""The webhook: authenticate, read, validate, open a batch in the journal, answer 202, and start the chain.

From here an event goes to `pipeline.py`.
"""

import logging
from typing import Any
from uuid import UUID

import orjson
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from gunicorn.http.errors import ParseException
from redis.exceptions import RedisError

from audit.ids import MAX_EVENTS_PER_BATCH, event_id, new_batch_id
from audit.journal import journal
from ingest import pipeline
from ingest.authentication import HEADER, Caller, KeysUnavailableError, caller_of
from ingest.metrics import EVENTS_RECEIVED
from ingest.models import Scope
from ingest.parsing import Body, BodyError, TooManyError, Unreadable, parse_body
from ingest.problems import Problem
from ingest.validation import EventError, faults_of

logger = logging.getLogger(__name__)

RETRY_AFTER_S = 5


class Refused(Exception):  # noqa: N818 - it carries an answer, not a fault of ours
    """The request as a whole is refused with this problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.title)
        self.problem = problem


@csrf_exempt
def webhook(request: HttpRequest) -> HttpResponse:
    """Take one event, an array of events or NDJSON."""
    if request.method != "POST":
        return Problem(405, "Method Not Allowed", "Send events by POST.").response()
    try:
        caller = _caller(request)
        body = _parsed(_body(request))
        return _accept(body, caller, _address(request))
    except Refused as refusal:
        return refusal.problem.response()


def _caller(request: HttpRequest) -> Caller:
    try:
        caller = caller_of(request)
    except KeysUnavailableError:
        raise Refused(_unavailable("API keys cannot be checked just now: PostgreSQL is away.")) from None
    if caller is None:
        detail = f"Send your API key in the header {HEADER}; this request had none, or one that is not known."
        raise Refused(Problem(401, "No valid API key", detail))
    if not caller.may(Scope.INGEST, timezone.now()):
        detail = f"The key “{caller.name}” may not send events: it has expired or lacks the scope “ingest”."
        raise Refused(Problem(403, "This API key may not send events", detail))
    return caller


def _body(request: HttpRequest) -> bytes:
    """The body, if it is no longer than allowed; a chunked one has no length to look at first."""
    limit = settings.MUTT_MAX_BODY_BYTES
    length = request.headers.get("Content-Length", "")
    too_large = Problem(413, "The body is too large", f"At most {limit:,} bytes are taken. Send smaller batches.")
    if length.isdigit() and int(length) > limit:
        raise Refused(too_large)
    try:
        chunked = not length and request.META.get("wsgi.input_terminated")
        body: bytes = request.META["wsgi.input"].read(limit + 1) if chunked else request.body
    except (OSError, ParseException) as error:  # the second is what gunicorn raises for broken chunks
        detail = (
            "The connection or the chunks ended before the whole body had come; nothing was accepted. Send it again."
        )
        raise Refused(Problem(400, "The body is incomplete", detail)) from error
    if len(body) > limit:
        raise Refused(too_large)
    return body


def _parsed(raw: bytes) -> Body:
    limit = min(settings.MUTT_MAX_EVENTS, MAX_EVENTS_PER_BATCH)
    try:
        body = parse_body(raw, limit)
    except TooManyError as error:
        raise Refused(_too_many(error.lines, limit)) from error
    except BodyError as error:
        _count(0, 1)
        raise Refused(Problem(400, "The body cannot be read", str(error))) from error
    if len(body.items) > limit:
        raise Refused(_too_many(len(body.items), limit))
    return body


def _too_many(events: int, limit: int) -> Problem:
    detail = f"It has {events:,} events; at most {limit:,} are taken. Send smaller batches."
    return Problem(413, "The batch is too large", detail)


def _accept(body: Body, caller: Caller, address: str) -> HttpResponse:
    batch = new_batch_id(timezone.now())
    faults = [_faults(item) for item in body.items]
    good = [item for item, wrong in zip(body.items, faults, strict=True) if not wrong]
    if body.lone and not good:
        _count(0, 1)
        refusal = _refusal(faults[0])
        return Problem(400, "The event is not valid", refusal["error"], tuple(refusal["errors"])).response()
    entries = [{"id": str(event_id(batch, position)), "event": event} for position, event in enumerate(good)]
    if entries:
        _open(batch, entries, caller, address)
    _count(len(good), len(faults) - len(good))
    identifiers = iter(entries)
    answer = {
        "batch": str(batch),
        "accepted": len(good),
        "rejected": len(faults) - len(good),
        "events": [_refusal(wrong) if wrong else {"id": next(identifiers)["id"]} for wrong in faults],
    }
    return HttpResponse(orjson.dumps(answer), status=202, content_type="application/json")


def _faults(item: Any) -> list[EventError]:
    return [EventError("", item.why)] if isinstance(item, Unreadable) else faults_of(item)


def _refusal(faults: list[EventError]) -> dict[str, Any]:
    return {
        "error": " ".join(str(fault) for fault in faults),
        "errors": [fault.as_json() for fault in faults],
    }


def _open(batch: UUID, entries: list[dict[str, Any]], caller: Caller, address: str) -> None:
    """Make the events durable, then start the chain. Once the journal has them, the answer is 202."""
    try:
        journal().open(batch, entries, api_key=caller.name, address=address)
    except RedisError as error:
        logger.error("batch not opened: %s", type(error).__name__)  # noqa: TRY400 - one line per refusal suffices
        raise Refused(_unavailable("The journal is away or full. Send the same again.")) from error
    pipeline.start(batch)


def _count(accepted: int, rejected: int) -> None:
    EVENTS_RECEIVED.labels("accepted").inc(accepted)
    EVENTS_RECEIVED.labels("rejected").inc(rejected)
    if rejected:
        try:
            journal().count_rejected(rejected)
        except RedisError as error:
            logger.warning("%s rejected events not counted: %s", rejected, type(error).__name__)


def _unavailable(detail: str) -> Problem:
    return Problem(503, "MUTT cannot take events just now", detail, retry_after_s=RETRY_AFTER_S)


def _address(request: HttpRequest) -> str:
    return str(request.META.get("REMOTE_ADDR") or "unknown")
