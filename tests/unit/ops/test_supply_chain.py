"""What is installed is pinned by hash, and nothing that comes from outside is ever run as code."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import caches

from mutt_project.celery import app
from mutt_project.shared_cache import PlainValues
from ops.local.stack import ROOT

OURS = ("mutt_project", "ingest", "forwarder", "rules", "audit", "ops", "manage.py")
UNPACK_CODE = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "marshal", "shelve", "dbm"}
RUN_TEXT = {"eval", "exec", "compile", "__import__", "os.system", "os.popen", "yaml.load", "subprocess.getoutput"}


def faults_of(source: str) -> Iterator[str]:
    """What a module does that could run what it was sent."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names if one.name.partition(".")[0] in UNPACK_CODE)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in UNPACK_CODE:
            yield str(node.module)
        elif isinstance(node, ast.Call):
            if ast.unparse(node.func) in RUN_TEXT:
                yield ast.unparse(node.func)
            if any(one.arg == "shell" and ast.unparse(one.value) != "False" for one in node.keywords):
                yield "shell"


def sources() -> Iterator[Path]:
    for name in OURS:
        path = ROOT / name
        yield from [path] if path.is_file() else path.rglob("*.py")


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import pickle", ["pickle"]),
        ("from marshal import loads", ["marshal"]),
        ("import shelve as s", ["shelve"]),
        ("yaml.load(text)", ["yaml.load"]),
        ("eval(text)", ["eval"]),
        ("subprocess.run(text, shell=True)", ["shell"]),
        ("re.compile(text); subprocess.run([text], shell=False)", []),
    ],
)
def test_what_could_run_what_was_sent_is_found(source: str, found: list[str]):
    assert list(faults_of(source)) == found


def test_nothing_of_ours_could_run_what_was_sent():
    paths = list(sources())
    assert len(paths) > 200
    assert [(path, fault) for path in paths for fault in faults_of(path.read_text())] == []


def test_every_requirement_is_pinned_and_hashed():
    for path in (ROOT / "requirements").glob("*.txt"):
        text = re.sub(r" \\\n\s+", " ", path.read_text())
        lines = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
        assert len(lines) >= (1 if path.name == "kubectl.txt" else 5)
        pinned = r"[\w.-]+(\[[\w,-]+\])?==\S+( ; [^-]+?)?( --hash=sha256:[0-9a-f]{64})+"
        assert [line[:80] for line in lines if not re.fullmatch(pinned, line.split("  #")[0].strip())] == []


def test_every_exception_from_bandit_has_a_reason():
    lines = [line for path in sources() for line in path.read_text().splitlines() if re.search(r"# nosec\b", line)]
    assert len(lines) > 10
    with_reason = r"(# noqa: \S+ - \S.*# nosec B\d+|# nosec B\d+ # \S.+)$"
    assert [line for line in lines if not re.search(with_reason, line)] == []


def test_messages_of_celery_and_sessions_of_django_are_json():
    assert set(app.conf.accept_content) == {"json"}
    assert (app.conf.task_serializer, app.conf.result_serializer) == ("json", "json")
    assert settings.SESSION_SERIALIZER == "django.contrib.sessions.serializers.JSONSerializer"


def test_caches_that_others_can_write_to_unpickle_nothing():
    assert {one["BACKEND"] for one in settings.CACHES.values()} == {"mutt_project.shared_cache.SharedCache"}
    cache: Any = caches["default"]
    assert type(cache._cache._serializer) is PlainValues  # noqa: SLF001 - Django tells nobody


def test_every_test_that_the_page_on_security_names_is_there():
    named = re.findall(r"`(tests/[\w/.]+)`", (ROOT / "SECURITY.md").read_text())
    assert len(named) > 15
    assert [name for name in named if not (ROOT / name).exists()] == []
