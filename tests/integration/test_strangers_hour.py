"""A stranger's hour, in short: no 5xx, no data without the right, no stack trace, and no secret anywhere."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any

import pytest
import urllib3
from psycopg2 import sql
from redis import Redis

from tests.integration.attacking import BROKEN, Attempt, Operation, answer_to, operations
from tests.mutt import Mutt, running

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]

SCOPES = ("ingest", "read", "write", "admin")
# The rest is tried: not whether bad input is refused (rules of ours are beyond JSON Schema, and an empty value of a
# query means none), nor whether all good input is taken (a name may be taken, an ETag old).
NOT_TRIED = "negative_data_rejection,positive_data_acceptance"


class Attacked:
    """A MUTT of our own, since nothing of it survives, and a key for each scope."""

    def __init__(self, mutt: Mutt) -> None:
        self.mutt = mutt
        made = {scope: mutt.api("keys", "POST", {"name": f"only {scope}", "scopes": [scope]}) for scope in SCOPES}
        everything = mutt.api("keys", "POST", {"name": "everything", "scopes": list(SCOPES)})
        self.keys = {**{scope: key["secret"] for scope, key in made.items()}, "everything": everything["secret"]}
        self.document = self._http.request("GET", f"{mutt.stack.web}/api/v1/openapi.yaml?format=json").json()

    _http = urllib3.PoolManager(maxsize=8, timeout=60, retries=urllib3.Retry(3, allowed_methods=None, redirect=False))

    @property
    def operations(self) -> list[Operation]:
        return operations(self.document)

    def answer(self, attempt: Attempt, key: str | None) -> urllib3.BaseHTTPResponse:
        headers = {"Content-Type": "application/json", **attempt.headers}
        if key:
            headers["X-API-KEY"] = key
        url = self.mutt.stack.web + attempt.path
        return self._http.request(attempt.method, url, body=attempt.body, headers=headers)


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    with running(tmp_path_factory.mktemp("attacked"), {"MUTT_CANARY_EVERY_S": "0"}) as mutt:
        yield Attacked(mutt)


def test_without_the_scope_every_operation_is_refused_and_tells_nothing(attacked: Attacked):
    allowed = []
    for operation in attacked.operations:
        if operation.scope is None:
            continue
        assert operation.scope in SCOPES
        for name in (None, "mutt_made_up_by_somebody", *(scope for scope in SCOPES if scope != operation.scope)):
            answer = attacked.answer(operation.plain, attacked.keys.get(name, name) if name else None)
            wanted = 403 if name in SCOPES else 401
            told = set(answer.json()) == {"type", "title", "status", "detail"}
            if answer.status != wanted or not told:
                allowed.append((operation.method, operation.path, name, answer.status))
    assert allowed == []


def test_schemathesis_finds_nothing_at_any_operation_that_no_other_test_gives_it(attacked: Attacked):
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", f"{attacked.mutt.stack.web}/api/v1/openapi.yaml"),
        *("--checks", "all", "--exclude-checks", NOT_TRIED, "--phases", "coverage"),
        # Tried by test_schemathesis.py and test_rules_schemathesis.py.
        *("--exclude-path-regex", "^/(webhook|api/v1/(rules|dev-hosts|teams))"),
        *("--no-color", "--continue-on-failure", "--no-shrink", "--generation-database", "none"),
        *("--header", f"X-API-KEY: {attacked.keys['everything']}"),
    ]
    if "MUTT_FUZZ_SEED" in os.environ:
        command += ["--seed", os.environ["MUTT_FUZZ_SEED"]]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout + finished.stderr


def test_odd_values_at_every_place_of_every_operation_are_answered_without_5xx(attacked: Attacked):
    def tried(attempt: Attempt) -> Any:
        answer = attacked.answer(attempt, attacked.keys["everything"])
        text = answer.data.decode(errors="replace")
        if answer.status >= 500 or "Traceback" in text or attacked.keys["everything"] in text:
            return attempt.method, attempt.path[:100], (attempt.body or b"")[:100], answer.status, text[:200]
        return None

    attempts = [attempt for operation in attacked.operations for attempt in operation.attempts()]
    assert len(attempts) > 2000
    if "MUTT_FUZZ_COUNT" not in os.environ:  # make fuzz tries all
        attempts = Random(os.environ.get("MUTT_FUZZ_SEED")).sample(attempts, len(attempts) // 3)
    with ThreadPoolExecutor(8) as pool:
        assert [found for found in pool.map(tried, attempts) if found] == []


def test_what_is_no_http_or_hardly_any_is_answered_once_and_without_5xx(attacked: Attacked):
    found = []
    for sent in BROKEN:
        said = answer_to(attacked.mutt.stack.ports.web, sent)
        if said.count(b"HTTP/1.1 ") > 1 or not said.startswith(b"HTTP/1.1 ") or said[9:10] == b"5":
            found.append((sent[:200], said[:300]))
    assert found == []


def test_flower_looks_and_does_nothing_and_not_even_that_without_the_password(attacked: Attacked):
    stack = attacked.mutt.stack
    access = urllib3.make_headers(basic_auth=f"admin:{stack.secrets['admin']}")
    does = [
        "worker/shutdown/x",
        "worker/pool/grow/x",
        "task/revoke/x",
        "task/apply/ingest.prune",
        "task/async-apply/ingest.prune",
        "task/send-task/ingest.prune",
    ]
    for path in does:
        url = f"http://127.0.0.1:{stack.ports.flower}/api/{path}"
        body = json.dumps({"args": []})
        assert urllib3.request("POST", url, body=body, retries=False).status == 401
        assert urllib3.request("POST", url, body=body, headers=access, retries=False).status == 403, path


def test_afterwards_no_log_has_a_stack_trace_and_no_secret_is_anywhere(attacked: Attacked):
    stack = attacked.mutt.stack
    secrets = {**stack.secrets, **attacked.keys}
    logs = {path.name: path.read_text(errors="replace") for path in (stack.folder / "log").iterdir() if path.is_file()}
    assert [name for name, text in logs.items() if "Traceback" in text] == []
    assert '"status_code":500' not in logs["web.log"]
    told = {**logs, "Redis": _all_of_redis(stack.redis_url), **_all_of_postgresql(attacked.mutt)}
    assert len(told["ingest_apikey"]) > 100
    assert [(name, where) for name, secret in secrets.items() for where, text in told.items() if secret in text] == []
    private = ("run.json", "secrets.json")
    modes = {name: (stack.folder / name).stat().st_mode & 0o777 for name in private if (stack.folder / name).exists()}
    assert set(modes.values()) == {0o600}


def _all_of_redis(url: str) -> str:
    client = Redis.from_url(url)
    readers: dict[Any, Any] = {
        b"string": client.get,
        b"list": lambda key: client.lrange(key, 0, -1),
        b"set": client.smembers,
        b"hash": client.hgetall,
        b"zset": lambda key: client.zrange(key, 0, -1, withscores=True),
        b"stream": client.xrange,
    }
    return "\n".join(f"{key!r} {readers[client.type(key)](key)!r}" for key in client.scan_iter() if client.exists(key))


def _all_of_postgresql(mutt: Mutt) -> dict[str, str]:
    with mutt.database() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        found = {}
        for (table,) in cursor.fetchall():
            cursor.execute(sql.SQL("SELECT t::text FROM {} AS t").format(sql.Identifier(table)))
            found[table] = "\n".join(row for (row,) in cursor.fetchall())
        return found
