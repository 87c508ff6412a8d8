"""The webhook: is there room, who is calling, how much is it, what is in it; then 202, or why not.

Behind the door goes on `receiving.py`; the way of a batch is in `pipeline.py`.
"""

import hashlib
import logging

import orjson
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from opentelemetry.context import Context
from opentelemetry.trace import SpanKind
from redis.exceptions import RedisError
from structlog.contextvars import bind_contextvars

from audit.following import context_of, correlation_id, span_of, traceparent
from audit.tuning.present import tuned
from ingest import receiving
from ingest.addresses import address_of
from ingest.admission import EVERYBODY, gate, rates
from ingest.answers import ACCEPTED, REJECTED, REPEATED, Why
from ingest.authentication import HEADER, Caller, Found, KeysUnavailableError, look_for_caller, rate_of
from ingest.body import BodyRefused, body_of
from ingest.metrics import REQUESTS_REFUSED
from ingest.models import Scope
from ingest.parsing import BodyError, TooManyError
from ingest.problems import Problem
from ingest.reading import SOURCES
from ingest.receiving import IdempotencyKey, KeyReused, Receipt, Sender
from ingest.signatures import TOLERANCE_S, SignatureError, verify
from ingest.traffic import traffic
from ingest.traffic_flushing import ensure_flushing

logger = logging.getLogger(__name__)

RETRY_AFTER_S = 5
LONGEST_KEY = 255
SIGNED_WINDOW_S = 2 * TOLERANCE_S  # as long as a signature can be valid
NO_SUCH_SOURCE = "unknown"


class Refused(Exception):  # noqa: N818 - it carries an answer, not a fault of ours
    """The request as a whole is refused with this problem. `api_key` is a name, for operators only."""

    def __init__(self, why: Why, problem: Problem, api_key: str = "") -> None:
        super().__init__(problem.title)
        self.why = why
        self.problem = problem
        self.api_key = api_key


@csrf_exempt
def webhook(request: HttpRequest, source: str | None = None, token: str | None = None) -> HttpResponse:
    """Take events: one, an array, NDJSON, or what the source sends."""
    if token is not None:  # whatever is logged of this request later must not hold it
        request.path = request.path_info = f"/webhook/{source}/***"
    outcome: Receipt | Refused | None = None  # what nobody has foreseen, and Django answers 500
    with span_of("webhook", SpanKind.SERVER, _sent_along(request)) as span:
        try:
            outcome = _receipt(request, source, token)
            response = _answer(outcome)
            span.set_attributes({"mutt.batch_ids": [str(outcome.batch)], "mutt.events": outcome.accepted})
        except Refused as refusal:
            outcome = refusal
            response = refusal.problem.response()
            if refusal.why is Why.METHOD:
                response["Allow"] = "POST"
        finally:
            _count(request, source, outcome)
        span.set_attribute("http.response.status_code", response.status_code)
    return response


def _sent_along(request: HttpRequest) -> Context | None:
    """The sender's own trace, if it has one and MUTT has to do with traces at all."""
    return context_of(request.META.get("HTTP_TRACEPARENT", "")) if settings.MUTT_TRACING else None


def _count(request: HttpRequest, source: str | None, outcome: Receipt | Refused | None) -> None:
    """Add the request to the traffic; `traffic_flushing.py` stores it."""
    ensure_flushing()
    place = receiving.PLAIN if source is None else source if source in SOURCES else NO_SUCH_SOURCE
    if isinstance(outcome, Receipt):
        traffic.count(place, _counted(outcome))
        return
    why, api_key = (outcome.why, outcome.api_key) if outcome else (Why.FAILED, "")
    REQUESTS_REFUSED.labels(why.value).inc()
    events = int(why is Why.BODY_UNREADABLE)  # as the ledger counts it
    traffic.count_refused(place, why, api_key, address_of(request), events)


def _counted(receipt: Receipt) -> list[tuple[str, int, int]]:
    """Answers with their numbers of requests and of events."""
    if receipt.again:
        return [(REPEATED, 1, 0)]
    if receipt.lone and receipt.rejected:
        return [(REJECTED, 1, 1)]
    answers = [(ACCEPTED, 1, receipt.accepted)]
    return [*answers, (REJECTED, 0, receipt.rejected)] if receipt.rejected else answers


def _receipt(request: HttpRequest, source: str | None, token: str | None) -> Receipt:
    if request.method != "POST":
        raise Refused(Why.METHOD, Problem(405, "Method Not Allowed", "Send events by POST."))
    _check_room()
    if source is not None and source not in SOURCES:
        detail = f"There is no source “{source[:40]}”. Send to /webhook, or /webhook/ and one of: {', '.join(SOURCES)}."
        raise Refused(Why.NOT_FOUND, Problem(404, "No such source", detail))
    caller = _caller(request, source, token)
    bind_contextvars(api_key=caller.name, source=source or receiving.PLAIN)
    _check_rate(caller)
    raw = _body(request, caller)
    signed = _signature(request, caller, raw)
    sender = Sender(caller.name, address_of(request), correlation_id(), traceparent())
    key = _idempotency_key(request, caller, source, raw, signed)
    if source is None and caller.allowed_sources:
        source = receiving.PLAIN  # what a key may not send is not recognised either
    try:
        return receiving.receive(raw, source, sender, content_type=request.content_type or "", key=key)
    except TooManyError as error:
        detail = f"It has {error.events:,} events; at most {tuned.MUTT_MAX_EVENTS:,} are taken. Send smaller batches."
        raise Refused(Why.TOO_LARGE, Problem(413, "The batch is too large", detail), caller.name) from error
    except BodyError as error:
        receiving.refuse_body(raw, str(error), source, sender, request.content_type or "")
        problem = Problem(400, "The body cannot be read", str(error))
        raise Refused(Why.BODY_UNREADABLE, problem, caller.name) from error
    except KeyReused as error:
        detail = "Another body was sent with this Idempotency-Key before. A repeated request must be the same."
        problem = Problem(409, "The Idempotency-Key was used before", detail)
        raise Refused(Why.BAD_IDEMPOTENCY_KEY, problem, caller.name) from error
    except RedisError as error:
        logger.error("batch not opened: %s", type(error).__name__)  # noqa: TRY400 - one line per refusal suffices
        problem = _unavailable("The journal is away or full. Send the same again.")
        raise Refused(Why.JOURNAL_AWAY, problem, caller.name) from error


def _answer(receipt: Receipt) -> HttpResponse:
    if receipt.lone and receipt.rejected:
        (result,) = receipt.results
        return Problem(400, "The event is not valid", result["error"], tuple(result["errors"])).response()
    answer = {
        "batch": str(receipt.batch),
        "accepted": receipt.accepted,
        "rejected": receipt.rejected,
        "events": receipt.results,
    }
    return HttpResponse(orjson.dumps(answer), status=202, content_type="application/json")


def _check_room() -> None:
    if gate().is_closed():
        problem = _unavailable("Too many batches are on their way already. Send the same again.")
        raise Refused(Why.FULL, problem)


def _caller(request: HttpRequest, source: str | None, token: str | None) -> Caller:
    try:
        found = look_for_caller(request, token)
    except KeysUnavailableError:
        problem = _unavailable("API keys cannot be checked just now: PostgreSQL is away.")
        raise Refused(Why.KEYS_UNAVAILABLE, problem) from None
    caller = found.caller
    if caller is None:
        raise _unknown(found)
    if not caller.may(Scope.INGEST, timezone.now()):
        detail = f"The key “{caller.name}” may not send events: it has expired or lacks the scope “ingest”."
        why = Why.EXPIRED_KEY if caller.has_expired(timezone.now()) else Why.WRONG_SCOPE
        raise Refused(why, Problem(403, "This API key may not send events", detail), caller.name)
    if not caller.may_send(source or receiving.PLAIN):
        where = ", ".join(f"/webhook/{name}" for name in sorted(caller.allowed_sources))
        detail = f"The key “{caller.name}” may send to {where} only."
        raise Refused(Why.WRONG_SOURCE, Problem(403, "This API key may not send here", detail), caller.name)
    return caller


def _unknown(found: Found) -> Refused:
    """The same answer whether there is no such key or one that was revoked: strangers learn nothing about keys."""
    detail = (
        f"Send your API key in the header {HEADER}, or as Bearer token, or as the password of basic authentication;"
        " this request had none, or one that is not known."
    )
    return Refused(found.why or Why.UNKNOWN_KEY, Problem(401, "No valid API key", detail), found.name)


def _check_rate(caller: Caller) -> None:
    rate = rate_of(caller)
    wait_s = rates().wait_s(f"key:{caller.name}", rate)
    if wait_s:
        detail = f"The key “{caller.name}” may send {rate} requests."
        problem = Problem(429, "Too many requests with this API key", detail, retry_after_s=wait_s)
        raise Refused(Why.KEY_RATE, problem, caller.name)
    if rates().wait_s(EVERYBODY, tuned.MUTT_GLOBAL_RATE):
        problem = _unavailable("More requests come in than MUTT is set up for. Send the same again.")
        raise Refused(Why.GLOBAL_RATE, problem, caller.name)


_WHY_OF_BODY = {413: Why.TOO_LARGE, 415: Why.UNKNOWN_ENCODING}


def _body(request: HttpRequest, caller: Caller) -> bytes:
    try:
        return body_of(request, settings.MUTT_MAX_BODY_BYTES)
    except BodyRefused as refusal:
        why = _WHY_OF_BODY.get(refusal.status, Why.BODY_INCOMPLETE)
        raise Refused(why, Problem(refusal.status, refusal.title, refusal.detail), caller.name) from refusal


def _signature(request: HttpRequest, caller: Caller, raw: bytes) -> str | None:
    """The id that a signed request bears; None where the key needs no signature."""
    if not caller.signing_secrets:
        return None
    try:
        return verify(caller.signing_secrets, request.headers, raw, timezone.now())
    except SignatureError as error:
        raise Refused(Why.BAD_SIGNATURE, Problem(401, "The signature is not valid", str(error)), caller.name) from error


def _idempotency_key(
    request: HttpRequest, caller: Caller, source: str | None, raw: bytes, signed: str | None
) -> IdempotencyKey | None:
    """What the sender calls this request; for sources that are set up so, the body itself."""
    text = request.META.get("HTTP_IDEMPOTENCY_KEY", "").strip()
    if len(text) > LONGEST_KEY:
        detail = f"The Idempotency-Key is longer than {LONGEST_KEY} characters."
        raise Refused(Why.BAD_IDEMPOTENCY_KEY, Problem(400, "The Idempotency-Key is too long", detail), caller.name)
    window_s = settings.MUTT_IDEMPOTENCY_WINDOW_S
    if signed is not None:  # what was signed once is taken once, whoever sends it again
        return IdempotencyKey.of(f"{caller.key_id}", f"signed {signed}", raw, max(window_s, SIGNED_WINDOW_S))
    if text:
        return IdempotencyKey.of(f"{caller.key_id}", f"key {text}", raw, window_s)
    body_window_s = settings.MUTT_SAME_BODY_WINDOWS.get(source or receiving.PLAIN)
    if body_window_s:
        digest = hashlib.sha256(raw).hexdigest()
        return IdempotencyKey.of(f"{caller.key_id}", f"body {source} {digest}", raw, body_window_s)
    return None


def _unavailable(detail: str) -> Problem:
    return Problem(503, "MUTT cannot take events just now", detail, retry_after_s=RETRY_AFTER_S)
