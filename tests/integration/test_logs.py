"""The logs of a running MUTT: one event can be followed through all processes, and no secret is anywhere."""

import base64
import json
import socket
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import urllib3
from redis import Redis

from tests.mutt import Mutt, event, eventually

pytestmark = pytest.mark.stack

OURS = ("web", "worker", "beat", "flower")
# It says them past all logging, as a worker is told to end; other tests have done so before.
CELERYS_LAST_WORDS = {"", "worker: Warm shutdown (MainProcess)", "worker: Cold shutdown (MainProcess)"}


def written(mutt: Mutt) -> dict[str, str]:
    """What each of MUTT's own processes has logged."""
    paths = sorted((mutt.stack.folder / "log").glob("*.log"))
    return {path.stem: path.read_text(errors="replace") for path in paths if path.name.startswith(OURS)}


def lines(mutt: Mutt) -> list[dict[str, Any]]:
    return [
        {**json.loads(line), "process": process}
        for process, text in written(mutt).items()
        for line in text.splitlines()
        if line not in CELERYS_LAST_WORDS
    ]


def test_every_line_of_every_process_is_one_json_object(mutt: Mutt):
    mutt.send(event())
    found = lines(mutt)
    assert {line["process"].partition("-")[0] for line in found} == set(OURS)
    for line in found:
        assert {"timestamp", "level", "logger", "message"} <= line.keys()


def test_one_event_is_found_in_the_lines_of_web_worker_and_forwarder_by_its_correlation_id(mutt: Mutt):
    name = f"ticket {uuid.uuid4()}"
    body = event(message="Interface Gi0/1, changed state to down", hostname=f"host-{uuid.uuid4().hex[:8]}")
    headers = {"X-API-KEY": mutt.stack.secrets["api_key"], "X-Correlation-ID": name}
    answer = urllib3.request("POST", f"{mutt.stack.web}/webhook", json=body, headers=headers)
    assert (answer.status, answer.headers["X-Correlation-ID"]) == (202, name)
    told = answer.json()
    assert mutt.outcome(told["events"][0]["id"], "delivered")["correlation_id"] == name

    def complete() -> list[dict[str, Any]]:
        found = [line for line in lines(mutt) if line.get("correlation_id") == name]
        return found if "delivered" in {line["message"] for line in found} else []

    found = {line["message"]: line for line in eventually(complete)}
    assert set(found) >= {"batch accepted", "batch decided", "delivered"}
    assert {line["batch_id"] for line in found.values()} == {told["batch"]}
    web, decided, delivered = found["batch accepted"], found["batch decided"], found["delivered"]
    assert (web["process"], web["events"]) == ("web", 1)
    assert (decided["task"], decided["outcomes"]) == ("rules.match_batch", {"pending": 1})
    assert decided["process"].startswith("worker-pipeline")
    assert (delivered["process"], delivered["task"]) == ("worker-forward-1", "forwarder.forward_batch")
    assert (delivered["status"], delivered["events"]) == (200, 1)
    assert delivered["after_s"] > 0


@contextmanager
def listening(url: str) -> Iterator[list[str]]:
    """All that anybody tells Redis meanwhile: messages, batches, events of tasks."""
    heard: list[str] = []
    client = Redis.from_url(url)
    with client.monitor() as monitor:

        def listen() -> None:
            for command in monitor.listen():
                heard.append(str(command["command"]))
                if "enough" in heard[-1]:
                    return

        ear = threading.Thread(target=listen, daemon=True)
        ear.start()
        yield heard
        Redis.from_url(url).echo("enough")
        ear.join(30)


def _raw(mutt: Mutt, text: str) -> None:
    """Send what is no HTTP, as a broken client might."""
    with socket.create_connection(("127.0.0.1", mutt.stack.ports.web), timeout=10) as connection:
        connection.sendall(text.encode())
        while connection.recv(4096):
            pass


def _plant(mutt: Mutt, secret: str) -> None:
    """Bring a secret to every place of a request where one could be by right or by mistake."""
    basic = base64.b64encode(f"orion:{secret}".encode()).decode()
    headers: list[dict[str, str]] = [
        {"X-API-KEY": secret},
        {"Authorization": f"Bearer {secret}"},
        {"Authorization": f"Basic {basic}"},
        {"X-API-KEY": mutt.stack.secrets["api_key"], "X-Correlation-ID": secret},
        {"X-API-KEY": mutt.stack.secrets["api_key"], "Idempotency-Key": secret, "traceparent": secret},
        {"X-API-KEY": f"{secret}\u00e9"},
    ]
    paths = [
        "/webhook",
        "/webhook/solarwinds",
        f"/webhook/solarwinds/{quote(secret)}",
        f"/webhook/nowhere/{quote(secret)}",
    ]
    for given, path in product(headers, paths):
        for body in (event(), {"hostname": "no message"}):
            urllib3.request("POST", f"{mutt.stack.web}{path}", json=body, headers=given)
    urllib3.request("GET", f"{mutt.stack.web}/api/v1/events", headers={"X-API-KEY": secret})
    _raw(mutt, f"POST /webhook/solarwinds/{quote(secret)} HTTP/9.9\r\n\r\n")
    _raw(mutt, f"GET / HTTP/1.1\r\nHost: h\r\nX-API-KEY {secret}\r\n\r\n")


def test_no_secret_is_in_any_log_message_of_redis_or_page_of_flower(mutt: Mutt):
    community = f"community-{uuid.uuid4().hex}"
    fields = {"scopes": ["ingest"], "allowed_sources": ["solarwinds"], "in_url": True}
    in_url = mutt.api("keys", "POST", {"name": f"in url {uuid.uuid4()}", **fields})["secret"]
    made = {"name": f"signs {uuid.uuid4()}", "scopes": ["ingest"], "signed": True}
    signing = mutt.api("keys", "POST", made)
    kept = {
        name: mutt.stack.secrets[name] for name in ("django", "postgresql", "redis", "moogsoft", "admin", "api_key")
    }
    planted = {**kept, "in_url": in_url, "signing key": signing["secret"], "signing": signing["signing_secret"]}
    with listening(mutt.stack.redis_url) as heard:
        for secret in planted.values():
            _plant(mutt, secret)
        trap = event(message=f"TRAP2, SNMP v2c, community {community}", community=community)
        for source, body in product(("", "snmptrap"), (trap, {"message": trap["message"], "community": community})):
            mutt.post(json.dumps(body), source=source)
        last = mutt.send(event(message="Interface Gi0/2, changed state to down"))
        mutt.outcome(last[0], "delivered")
        mutt.settled()
        pages = _flower(mutt, last)
    planted["community"] = community
    said = {"Redis": "\n".join(heard), **pages, **_all_logs(mutt)}
    assert len(heard) > 100
    assert [(name, where) for name, secret in planted.items() for where, text in said.items() if secret in text] == []


def _flower(mutt: Mutt, _last: list[str]) -> dict[str, str]:
    access = urllib3.make_headers(basic_auth=f"admin:{mutt.stack.secrets['admin']}")
    url = f"http://127.0.0.1:{mutt.stack.ports.flower}"
    paths = ["/api/workers?refresh=1", "/api/tasks?limit=1000", "/workers", "/broker"]
    found = {}
    for path in paths:
        answer = urllib3.request("GET", url + path, headers=access)
        found[f"Flower {path}"] = answer.data.decode()
    return found


def _all_logs(mutt: Mutt) -> dict[str, str]:
    """Also those of the servers and of supervisord."""
    files = [path for path in Path(mutt.stack.folder / "log").iterdir() if path.is_file()]
    return {path.name: path.read_text(errors="replace") for path in files}
