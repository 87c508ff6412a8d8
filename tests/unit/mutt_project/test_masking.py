"""No secret reaches a log: by no message, argument, traceback, request path, handler of a library, or gunicorn."""

import contextlib
import io
import json
import logging
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path

from mutt_project.log_lines import formatter
from mutt_project.masking import MASK, MaskSecrets, mask_texts, masked
from ops.local.ports import free_port

ROOT = Path(__file__).resolve().parents[3]
TOKEN = "mutt_Zm9vYmFyLWZvb2Jhcl9mb29iYXItZm9vYmFyLWZvb2I"
SIGNING_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw+/="

logger = logging.getLogger("tests.masking")


def failing(request: HttpRequest, token: str) -> HttpResponse:
    raise LookupError(f"nobody has {token}")


urlpatterns = [path("webhook/solarwinds/<path:token>", failing)]


@pytest.fixture(params=["json", "text"])
def log(request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    """What MUTT's own handler writes, in both forms."""
    (handler,) = [one for one in logging.getLogger().handlers if any(isinstance(f, MaskSecrets) for f in one.filters)]
    assert isinstance(handler, logging.StreamHandler)
    text = io.StringIO()
    before, form = handler.setStream(text), handler.formatter
    handler.setFormatter(formatter(request.param))
    yield text
    handler.setStream(before)
    handler.setFormatter(form)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"the key {TOKEN}.", "the key ***."),
        (f"{TOKEN},{TOKEN}", "***,***"),
        (f"X-API-KEY: {TOKEN}", "X-API-KEY: ***"),
        (TOKEN.replace("_", "%5F"), "***"),
        (f"({SIGNING_SECRET})", "(***)"),
        ("POST /webhook/solarwinds/short HTTP/1.1", "POST /webhook/solarwinds/*** HTTP/1.1"),
        (f"'POST /webhook/solarwinds/{TOKEN} HTTP/9.9'", "'POST /webhook/solarwinds/*** HTTP/9.9'"),
        ('"/webhook/solarwinds/a b/c?d=e" 400', '"/webhook/solarwinds/***" 400'),
        ("/webhook/solarwinds/a b\nnext line", "/webhook/solarwinds/***\nnext line"),
        ("Bad Request: /webhook//solarwinds//other", "Bad Request: /webhook//solarwinds//***"),
        ("/WEBHOOK/x/abc", "/WEBHOOK/x/***"),
        ("Authorization: Basic b3Jpb246bXV0dF9hYmNk", "Authorization: Basic ***"),
        ("authorization: bearer abcdefghijklmnop", "authorization: bearer ***"),
        ("GET /api/v1/rules?api_key=s3cret&q=x", "GET /api/v1/rules?api_key=***&q=x"),
        ("'/x?a=b&Access_Token=s3cret' 401", "'/x?a=b&Access_Token=***' 401"),
        ("GET /x?key=s3cret HTTP/1.1", "GET /x?key=*** HTTP/1.1"),
        ("at redis://:s3cret@127.0.0.1:6379/0 now", "at redis://***@127.0.0.1:6379/0 now"),
        ("postgresql://mutt:p%40ss@db/mutt?a=b", "postgresql://***@db/mutt?a=b"),
    ],
)
def test_a_secret_is_masked_and_the_rest_stays(text, expected):
    assert masked(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "POST /webhook/solarwinds HTTP/1.1",
        "POST /webhook/solarwinds/ HTTP/1.1",
        "/webhook",
        "mutt_project.celery: mutt_events",
        "basic facts",
        "a whsec_ begins it",
        "/api/v1/refusals?why=revoked_key&since=-1h",
        "monkey=1",
    ],
)
def test_what_is_no_secret_stays(text):
    assert masked(text) == text


def _fail() -> None:
    try:
        os.environ[TOKEN]
    except KeyError as error:
        raise ValueError("/webhook/solarwinds/another secret") from error


def test_names_of_variables_are_no_keys():
    text = "Set one of MUTT_VAULT_SECRET_ID and MUTT_VAULT_WRAPPED_SECRET_ID."
    assert masked(text) == text
    assert masked("MUTT_VAULT_SECRET_ID_X7J2K9Q4") == MASK


def test_tokens_are_masked_until_twenty_others_have_come():
    mask_texts("s.a-token-of-vault", "short")
    assert masked("got s.a-token-of-vault, short") == f"got {MASK}, short"
    mask_texts(*(f"s.another-token-{number}" for number in range(20)))
    assert masked("s.another-token-0 s.a-token-of-vault") == f"{MASK} s.a-token-of-vault"


def test_messages_arguments_and_tracebacks_are_masked(log):
    logger.warning("a key: %s", TOKEN)
    logger.warning(TOKEN)
    logger.warning("by name: %(key)s", {"key": TOKEN})
    logger.warning(LookupError(TOKEN))
    logger.warning("and a stack", stack_info=True, extra={"path": f"/webhook/syslog/{TOKEN}"})
    try:
        _fail()
    except ValueError:
        logger.exception("at %s", "/webhook/solarwinds/a")
    text = log.getvalue()
    assert TOKEN not in text
    assert "another secret" not in text
    assert "a key: ***" in text
    assert "by name: ***" in text
    assert "at /webhook/solarwinds/***" in text
    assert "/webhook/solarwinds/a" not in text
    assert "KeyError: '***'" in text
    assert "ValueError: /webhook/solarwinds/***" in text


def test_other_texts_of_a_record_are_masked_too():
    record = logging.makeLogRecord({"msg": "m", "request_line": f"POST /webhook/solarwinds/{TOKEN}"})
    assert MaskSecrets().filter(record)
    assert vars(record)["request_line"] == "POST /webhook/solarwinds/***"


class _Broken:
    def __str__(self) -> str:
        raise ZeroDivisionError(TOKEN)


def test_a_message_that_cannot_be_made_is_logged_as_such_and_breaks_nothing(log):
    logger.warning("one %s and %s", TOKEN)  # noqa: PLE1206 - that is the point
    logger.warning(f"{TOKEN} %d", "none")
    logger.warning("%s", _Broken())
    logger.warning(_Broken())
    text = log.getvalue()
    assert TOKEN not in text
    assert text.count("(no message: ") == 4


@pytest.mark.django_db
@pytest.mark.parametrize(
    "behind", [f"solarwinds/{TOKEN}", f"solarwinds/{TOKEN}/more", f"solarwinds/x%20{TOKEN}%20y", f"/nowhere/{TOKEN}"]
)
def test_no_token_of_a_path_reaches_the_log_when_a_request_is_refused(log, redis_server, behind):
    answer = Client().post(f"/webhook/{behind}", b"{", content_type="application/json")
    assert 400 <= answer.status_code < 500
    assert "/***" in log.getvalue()
    assert TOKEN not in log.getvalue()


@pytest.mark.urls(__name__)
def test_no_token_of_a_path_reaches_the_log_when_a_view_fails(log):
    answer = Client(raise_request_exception=False).post(f"/webhook/solarwinds/{TOKEN}")
    assert answer.status_code == 500
    assert "Internal Server Error: /webhook/solarwinds/***" in log.getvalue()
    assert "LookupError: nobody has ***" in log.getvalue()
    assert TOKEN not in log.getvalue()


UNMASKED = """
import logging, sys
from importlib import import_module
from mutt_project.masking import MaskSecrets
import_module(sys.argv[1]).app.log.setup(loglevel="INFO", redirect_stdouts=True)
loggers = [logging.getLogger(), *(logging.getLogger(name) for name in logging.root.manager.loggerDict)]
handlers = [(one.name, handler) for one in loggers for handler in one.handlers]
handlers = [pair for pair in handlers if not isinstance(pair[1], logging.NullHandler)]
assert handlers
bad = [pair for pair in handlers if not any(isinstance(f, MaskSecrets) for f in pair[1].filters)]
sys.__stdout__.write(repr(bad))
"""


@pytest.mark.parametrize("where", ["mutt_project.worker", "mutt_project.lean"])
def test_every_handler_of_a_process_of_celery_masks(where):
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "mutt_project.settings.checks"}
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", UNMASKED, where],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        check=True,
    )
    assert ended.stdout == b"[]"


APPLICATION = """
def application(environ, start_response):
    raise LookupError(environ["PATH_INFO"])
"""


def _send(port: int, request: str) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(request.encode())
        while connection.recv(4096):
            pass


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.05)
    raise TimeoutError


def test_gunicorn_writes_no_token_for_requests_that_fail_or_cannot_be_read(tmp_path):
    (tmp_path / "failing.py").write_text(APPLICATION)
    port = free_port()
    environment = {
        **os.environ,
        "MUTT_BIND": f"127.0.0.1:{port}",
        "MUTT_WEB_PROCESSES": "1",
        "PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}",
        "PROMETHEUS_MULTIPROC_DIR": str(tmp_path),
    }
    command = [sys.executable, "-m", "gunicorn", "-c", "python:ops.gunicorn_conf", "failing"]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=log, stderr=log)
        try:
            _wait_for(port)
            _send(port, f"POST /webhook/solarwinds/{TOKEN} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            _send(port, f"POST /webhook/solarwinds/{TOKEN} HTTP/9.9\r\n\r\n")
            _send(port, f"POST /webhook/solarwinds/{TOKEN} and more of it\r\n\r\n")
            _send(port, f"/webhook/solarwinds/{TOKEN}\r\n\r\n")
            _send(port, f"GET / HTTP/1.1\r\nHost: h\r\nX-API-KEY {TOKEN}\r\n\r\n")
        finally:
            process.terminate()
            process.wait(timeout=30)
    text = (tmp_path / "log").read_text()
    assert TOKEN not in text
    lines = [json.loads(line) for line in text.splitlines()]
    assert "Error handling request POST /webhook/solarwinds/***" in {line["message"] for line in lines}
    assert "LookupError: /webhook/solarwinds/***" in text
    assert "Invalid HTTP request line: '/webhook/solarwinds/***'" in text
    assert "Invalid HTTP Header: 'X-API-KEY ***'" in text
    assert text.count("Invalid request from ip=127.0.0.1") == 4
