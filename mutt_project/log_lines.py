"""How a log line looks: one JSON object for machines, or a text for people. Whatever is in it is masked."""

import logging
import sys
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import orjson
import structlog
from opentelemetry import trace
from structlog.stdlib import ExtraAdder, ProcessorFormatter
from structlog.typing import EventDict, Processor

from mutt_project.masking import masked
from mutt_project.settings.environment import one_of, optional

LONGEST_REPR = 500
_DEEPEST = 6
_NOT_SHOWN = ("_record", "_from_structlog")
_FIRST = ("timestamp", "level", "logger", "message")


class Briefly(logging.Filter):
    """Takes the traceback off what Django says of hostile requests: whoever sends them shall not fill the log."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.startswith("django.security."):
            record.exc_info, record.levelno, record.levelname = None, logging.WARNING, "WARNING"
        return True


def log_format() -> str:
    """`json` or `text`, as MUTT_LOG_FORMAT says; without it, text on a terminal alone."""
    return optional("MUTT_LOG_FORMAT", "text" if sys.stderr.isatty() else "json", one_of("json", "text"))


def formatter(form: str) -> ProcessorFormatter:
    """What makes lines of the standard library's log records."""
    renderer: Processor = _as_json
    if form == "text":
        renderer = structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    return ProcessorFormatter(
        foreign_pre_chain=[ExtraAdder()],
        processors=[
            structlog.contextvars.merge_contextvars,
            _without_request,
            structlog.processors.format_exc_info,
            _all_masked,
            _described,
            ProcessorFormatter.remove_processors_meta,
            renderer,
        ],
    )


def _without_request(_logger: Any, _name: str, fields: EventDict) -> EventDict:
    """Django adds its whole request, headers and all."""
    fields.pop("request", None)
    return fields


def _described(_logger: Any, _name: str, fields: EventDict) -> EventDict:
    """Add when, how bad and by whom, and which trace the line belongs to."""
    record = fields["_record"]
    fields["timestamp"] = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
    fields["level"] = record.levelname.lower()
    fields["logger"] = record.name
    span = trace.get_current_span().get_span_context()
    if span.is_valid:
        fields["trace_id"], fields["span_id"] = f"{span.trace_id:032x}", f"{span.span_id:016x}"
    return fields


def _all_masked(_logger: Any, _name: str, fields: EventDict) -> EventDict:
    """Mask every field; their names are ours."""
    return {name: value if name in _NOT_SHOWN else _masked(value, 0) for name, value in fields.items()}


def _masked(value: Any, depth: int) -> Any:
    """The value with every text in it masked, however deep; what is no JSON becomes its masked text."""
    if isinstance(value, str):
        return masked(value)
    if value is None or isinstance(value, bool | int | float | UUID | date):
        return value
    if isinstance(value, dict) and depth < _DEEPEST:
        return {masked(str(name)): _masked(item, depth + 1) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset) and depth < _DEEPEST:
        return [_masked(item, depth + 1) for item in value]
    return masked(_text_of(value))[:LONGEST_REPR]


def _text_of(value: object) -> str:
    try:
        return repr(value)
    except Exception as error:  # noqa: BLE001 - a value that cannot be shown must not break the code that logs it
        return f"(no text: {type(error).__name__}) {type(value).__name__}"


def _as_json(_logger: Any, _name: str, fields: EventDict) -> str:
    fields["message"] = fields.pop("event")
    ordered = {name: fields.pop(name) for name in _FIRST} | dict(fields)
    try:
        return orjson.dumps(ordered).decode()
    except orjson.JSONEncodeError:  # a lone surrogate, a whole number beyond 64 bits
        return orjson.dumps({name: _safe(value) for name, value in ordered.items()}).decode()


def _safe(value: Any) -> str:
    return str(value).encode("utf-8", "backslashreplace").decode()
