"""A log line is one JSON object, or a text for people; fields of any kind are in it, and no secret is."""

import io
import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from structlog.contextvars import bind_contextvars, clear_contextvars

from mutt_project.log_lines import LONGEST_REPR, Briefly, formatter
from mutt_project.masking import MaskSecrets

ROOT = Path(__file__).resolve().parents[3]
TOKEN = "mutt_Zm9vYmFyLWZvb2Jhcl9mb29iYXItZm9vYmFyLWZvb2I"
BATCH = UUID("0198c0de-0000-7000-8000-000000000000")

logger = logging.getLogger("tests.log_lines")


class Lines:
    def __init__(self) -> None:
        self.stream = io.StringIO()
        self.handler = logging.StreamHandler(self.stream)
        self.handler.addFilter(MaskSecrets())
        self.handler.setFormatter(formatter("json"))

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    def only(self) -> dict[str, Any]:
        (line,) = self.text.splitlines()
        found: dict[str, Any] = json.loads(line)
        return found


@pytest.fixture
def lines() -> Iterator[Lines]:
    made = Lines()
    logger.addHandler(made.handler)
    logger.propagate = False
    clear_contextvars()
    yield made
    clear_contextvars()
    logger.removeHandler(made.handler)
    logger.propagate = True


def test_a_line_says_when_how_bad_by_whom_what_and_about_which_request(lines):
    bind_contextvars(correlation_id="abc", batch_id=str(BATCH))
    before = datetime.now(UTC).replace(microsecond=0)
    logger.warning("%s things", 3, extra={"events": 3})
    line = lines.only()
    assert list(line)[:4] == ["timestamp", "level", "logger", "message"]
    assert before <= datetime.fromisoformat(line.pop("timestamp")) <= datetime.now(UTC)
    assert line == {
        "level": "warning", "logger": "tests.log_lines", "message": "3 things", "events": 3,
        "correlation_id": "abc", "batch_id": str(BATCH),
    }  # fmt: skip


def test_fields_of_the_line_itself_come_before_those_of_its_request(lines):
    bind_contextvars(batch_id="of the request")
    logger.warning("m", extra={"batch_id": BATCH})
    assert lines.only()["batch_id"] == str(BATCH)


def test_an_exception_is_a_field_of_the_same_line(lines):
    try:
        os.environ[TOKEN]
    except KeyError:
        logger.exception("it failed")
    line = lines.only()
    assert line["message"] == "it failed"
    assert line["exception"].startswith("Traceback (most recent call last):\n")
    assert line["exception"].endswith("KeyError: '***'")


class _Telling:
    def __repr__(self) -> str:
        return f"<{TOKEN}>" + "x" * 10_000


class _Broken:
    def __repr__(self) -> str:
        raise ZeroDivisionError(TOKEN)


@pytest.mark.parametrize(
    ("name", "level", "traced"),
    [("django.security.DisallowedHost", "WARNING", False), ("django.request", "ERROR", True)],
)
def test_what_a_hostile_request_brings_about_is_a_warning_without_a_traceback(name, level, traced):
    error = ValueError("Invalid HTTP_HOST header")
    record = logging.LogRecord(name, logging.ERROR, "", 0, "Invalid", None, (ValueError, error, None))
    assert Briefly().filter(record)
    assert (record.levelname, record.exc_info is not None) == (level, traced)


def test_secrets_are_masked_in_fields_however_deep_and_in_their_names(lines):
    deep = {"list": [{"key": f"is {TOKEN}"}, (TOKEN,), {TOKEN}], TOKEN: 1}
    logger.warning("m", extra={"deep": deep, "telling": _Telling(), "broken": _Broken()})
    assert TOKEN not in lines.text
    line = lines.only()
    assert line["deep"] == {"list": [{"key": "is ***"}, ["***"], ["***"]], "***": 1}
    assert line["telling"].startswith("<***>")
    assert len(line["telling"]) == LONGEST_REPR
    assert line["broken"] == "(no text: ZeroDivisionError) _Broken"


def test_secrets_in_what_is_bound_to_the_request_are_masked(lines):
    bind_contextvars(correlation_id=TOKEN, correlation_ids=["a", TOKEN])
    logger.warning("m")
    assert (lines.only()["correlation_id"], lines.only()["correlation_ids"]) == ("***", ["a", "***"])


def test_what_json_cannot_hold_is_told_as_text_and_the_line_stays_one(lines):
    logger.warning("half \ud800 of a pair\nand more", extra={"big": 2**80, "circle": []})
    line = lines.only()
    assert line["message"] == "half \\ud800 of a pair\nand more"
    assert line["big"] == str(2**80)


def test_what_contains_itself_is_cut_off(lines):
    circle: list[Any] = []
    circle.append(circle)
    logger.warning("m", extra={"circle": circle})
    assert lines.only()["message"] == "m"


def test_the_text_for_people_has_the_fields_behind_the_message(lines):
    lines.handler.setFormatter(formatter("text"))
    bind_contextvars(correlation_id="abc")
    logger.warning("it happened", extra={"events": 3})
    assert "it happened" in lines.text
    assert "correlation_id=abc events=3" in lines.text


def _first_line(**variables: str) -> str:
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "mutt_project.settings.checks", **variables}
    code = "import django, logging; django.setup(); logging.getLogger('a').warning('the message')"
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], cwd=ROOT, env=environment, capture_output=True, check=False
    )
    return ended.stderr.decode()


def test_without_a_terminal_lines_are_json_unless_text_is_wanted():
    assert json.loads(_first_line())["message"] == "the message"
    assert "[warning  ] the message" in _first_line(MUTT_LOG_FORMAT="text")


def test_a_form_that_there_is_not_is_refused():
    assert "MUTT_LOG_FORMAT cannot be used: “xml” is none of json, text" in _first_line(MUTT_LOG_FORMAT="xml")


OWN = """
from mutt_project.masking import masked
print(masked("a MOOGSOFTKEY-1234 b REDISPASS-1234 c DBPASS@1234-x DBPASS%401234-x"))
print(masked("d DJANGOKEY-1234 e FLOWERPASS-12 f short"))
"""


def test_what_the_process_itself_was_told_is_masked_wherever_it_stands():
    environment = {
        **os.environ,
        "MOOGSOFT_API_KEY": "MOOGSOFTKEY-1234",
        "REDIS_URL": "redis://:REDISPASS-1234@r:1/0",
        "DATABASE_URL": "postgresql://u:DBPASS%401234-x@d/m",
        "MUTT_SECRET_KEY": "DJANGOKEY-1234",
        "FLOWER_BASIC_AUTH": "admin:FLOWERPASS-12",
        "MUTT_ADMIN_PASSWORD": "short",
    }
    ended = subprocess.run([sys.executable, "-c", OWN], cwd=ROOT, env=environment, capture_output=True, check=True)
    assert ended.stdout.decode() == "a *** b *** c *** ***\nd *** e *** f short\n"
