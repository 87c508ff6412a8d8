"""Faults are planted in a running MUTT, and `muttctl doctor` names the right cause as the first."""

import contextlib
import json
import os
import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import redis
from click.testing import CliRunner

from mutt_project.muttctl.main import cli
from tests.mutt import Mutt, eventually

pytestmark = pytest.mark.stack

LOOK_S = 0.5  # each process of the web server looks at the journal four times a second


@pytest.fixture(autouse=True)
def settled(mutt: Mutt) -> Iterator[None]:
    mutt.settled()
    yield
    eventually(mutt.settled_if_possible)


def doctor(mutt: Mutt, *arguments: str, key: str | None = None) -> Any:
    """What the doctor found; it exits with 1 exactly where something failed."""
    environment = {"MUTT_URL": mutt.stack.web, "MUTT_API_KEY": key or mutt.stack.secrets["api_key"]}
    result = CliRunner().invoke(cli, ["doctor", "-o", "json", *arguments], env=environment)
    assert environment["MUTT_API_KEY"] not in result.output
    found = json.loads(result.stdout)
    assert result.exit_code == (0 if found["ok"] else 1), result.output
    found["by_name"] = {check["name"]: check for check in found["checks"]}
    return found


def first(found: Any) -> tuple[str, str]:
    """The first thing that failed, and what was said of it."""
    assert found["first_failed"], found
    return found["first_failed"], found["by_name"][found["first_failed"]]["text"]


def until_nobody_works(mutt: Mutt, queue: str) -> None:
    """Workers say that they live every few seconds; who has not for a while is taken for gone."""
    deadline = time.monotonic() + 60
    while any(one["workers"] for one in mutt.api("status")["queues"] if one["name"] == queue):
        assert time.monotonic() < deadline
        time.sleep(0.5)


@contextlib.contextmanager
def frozen(mutt: Mutt, *names: str) -> Iterator[None]:
    """Workers that are there, and do nothing."""
    pids = [mutt.stack.supervisor.pids()[name] for name in names]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        until_nobody_works(mutt, "forward" if "worker-forward-1" in names else "pipeline")
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


@contextlib.contextmanager
def stopped(mutt: Mutt, name: str) -> Iterator[None]:
    mutt.stack.supervisor.call("stopProcess", name)
    try:
        yield
    finally:
        mutt.stack.supervisor.start(name)
        eventually(mutt.settled_if_possible)


def statement(mutt: Mutt, text: str, *values: object) -> Any:
    with contextlib.closing(psycopg2.connect(mutt.stack.database_url)) as session, session, session.cursor() as cursor:
        cursor.execute(text, values)
        return cursor.fetchone()


def make_key(mutt: Mutt, **fields: Any) -> Any:
    return mutt.api("keys", "POST", {"name": f"doctor {datetime.now(UTC).timestamp()}", **fields})


def test_where_all_is_well_the_canary_reaches_moogsoft_as_one_alert_that_is_clear(mutt: Mutt):
    before = mutt.ledger()
    found = doctor(mutt)
    assert found["ok"], found
    hops = [found["by_name"][hop] for hop in ("accepted", "validated", "decided", "delivered")]
    assert [hop["state"] for hop in hops] == ["ok"] * 4
    assert sorted(hop["seconds"] for hop in hops) == [hop["seconds"] for hop in hops]
    event = hops[0]["text"].split()[2]
    sent = next(one for one in mutt.moogsoft_events() if one["tags"]["event_id"] == event)
    assert (sent["severity"], sent["deduplication_key"], sent["source"]) == ("clear", "mutt:canary", "mutt-canary")
    assert "It is a canary" in mutt.event(event)["steps"][2]["text"]
    after = mutt.settled()
    assert {term: after[term] - before[term] for term in ("accepted", "delivered", "unmatched")} == {
        "accepted": 1,
        "delivered": 1,
        "unmatched": 0,
    }
    for queue in ("pipeline", "forward", "dlq", "maintenance"):
        assert found["by_name"][f"queue_{queue}"]["state"] == "ok"


def test_a_canary_that_is_not_to_be_delivered_ends_suppressed(mutt: Mutt):
    before = mutt.ledger()
    found = doctor(mutt, "--no-delivery")
    assert (found["ok"], "delivered" in found["by_name"]) == (True, False)
    after = mutt.settled()
    assert after["suppressed"] - before["suppressed"] == 1


def test_a_revoked_key_is_named(mutt: Mutt, tmp_path: Path):
    made = make_key(mutt, scopes=["read", "ingest"])
    mutt.api(f"keys/{made['id']}", "PATCH", {"is_active": False})
    name, text = first(doctor(mutt, key=made["secret"]))
    assert (name, text.partition(":")[0]) == ("key", "The key from MUTT_API_KEY is not accepted")
    assert "revoked or unknown" in text


def test_a_key_that_may_not_read_or_not_send_is_told(mutt: Mutt):
    sender, reader = make_key(mutt, scopes=["ingest"]), make_key(mutt, scopes=["read"])
    name, text = first(doctor(mutt, key=sender["secret"]))
    assert (name, "lacks the scope “read”" in text) == ("key", True)
    found = doctor(mutt, key=reader["secret"])
    assert found["by_name"]["canary"]["state"] == "warning"
    assert "accepted" not in found["by_name"]


def test_a_bad_rule_is_named(mutt: Mutt):
    rule = mutt.api(
        "rules",
        "POST",
        {
            "name": "Came past all checks",
            "match_type": "regex",
            "match_string": "never seen",
            "prod_handling": "Ignore",
            "dev_handling": "Ignore",
        },
    )
    statement(mutt, "UPDATE rules_rule SET match_string = '(never' WHERE id = %s RETURNING id", rule["id"])
    try:
        name, text = first(doctor(mutt))
        assert name == "rules"
        assert f"{rule['id']} “Came past all checks” (" in text
    finally:
        mutt.api(f"rules/{rule['id']}", "DELETE")


def test_stopped_workers_are_named_with_their_queue_and_the_hop_that_is_broken(mutt: Mutt):
    with frozen(mutt, "worker-forward-1"):
        found = doctor(mutt)
    assert "the queue “forward”" in first(found)[1]
    hop = found["by_name"]["delivered"]
    assert (found["by_name"]["decided"]["state"], hop["state"]) == ("ok", "failed")
    assert "the queue “forward”" in hop["text"]
    with frozen(mutt, "worker-pipeline-1", "worker-pipeline-2"):
        found = doctor(mutt, "--timeout", "1")
    assert "the queue “pipeline”" in first(found)[1]
    assert [found["by_name"][hop]["state"] for hop in ("accepted", "validated", "decided")] == [
        "ok",
        "failed",
        "skipped",
    ]
    assert "the queue “pipeline”" in found["by_name"]["validated"]["text"]


def test_a_full_journal_is_named_with_its_mark(mutt: Mutt):
    broker: Any = redis.Redis.from_url(mutt.stack.redis_url)
    before = broker.config_get("maxmemory")["maxmemory"]
    broker.config_set("maxmemory", int(broker.info("memory")["used_memory"] / 0.8))
    try:
        time.sleep(LOOK_S)
        eventually(lambda: not mutt.ready())
        found = doctor(mutt)
    finally:
        broker.config_set("maxmemory", before)
        time.sleep(LOOK_S)
        eventually(mutt.ready)
    name, text = first(found)
    assert (name, "the journal: It is full: Redis uses" in text) == ("ready", True)
    assert "closes at 70 %" in text
    assert "It is full" in found["by_name"]["accepted"]["text"]


def test_moogsoft_that_refuses_the_key_is_named(mutt: Mutt):
    mutt.misbehave("401")
    try:
        found = doctor(mutt)
    finally:
        mutt.misbehave("ok")
        mutt.api("breaker/resume", "POST", {"reason": "a test"})
    name, text = first(found)
    assert (name, "Moogsoft refuses the key" in text) == ("delivered", True)


def test_a_breaker_that_somebody_forced_open_is_named(mutt: Mutt):
    mutt.api("breaker", "PUT", {"state": "open", "reason": "an upgrade of Moogsoft", "for_s": 600})
    try:
        found = doctor(mutt)
    finally:
        mutt.api("breaker", "PUT", {"state": "automatic", "reason": "a test"})
    name, text = first(found)
    assert name == "breaker"
    assert text.endswith("an upgrade of Moogsoft.")
    assert "forced open" in found["by_name"]["delivered"]["text"]


def test_a_stopped_redis_is_named(mutt: Mutt):
    with stopped(mutt, "redis"):
        found = doctor(mutt)
    name, text = first(found)
    assert (name, "Redis: It cannot be reached." in text) == ("ready", True)
    assert found["by_name"]["accepted"]["text"].startswith("Not accepted: It cannot be reached.")


def test_a_stopped_postgresql_is_named_though_events_are_accepted(mutt: Mutt):
    with stopped(mutt, "postgresql"):
        found = doctor(mutt, "--timeout", "3")
    name, text = first(found)
    assert (name, text.startswith("It accepts events, but not all is well. PostgreSQL:")) == ("ready", True)


def test_a_web_that_is_not_there_is_named(mutt: Mutt):
    result = CliRunner().invoke(cli, ["doctor"], env={"MUTT_URL": "http://127.0.0.1:1", "MUTT_API_KEY": "none"})
    assert result.exit_code == 1
    assert "Connection refused" in result.stdout
    assert "The first thing that is wrong: reachable." in result.stdout
