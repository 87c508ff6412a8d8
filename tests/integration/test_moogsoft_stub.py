"""The stub Moogsoft as a process of its own, over real HTTP."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection, RemoteDisconnected
from pathlib import Path
from typing import Any

import pytest
import urllib3
from urllib3.exceptions import ProtocolError, ReadTimeoutError

ROOT = Path(__file__).resolve().parents[2]
KEY = "a-key-that-must-not-be-logged"
CLOUD = "/v1/integrations/events"
WEBHOOK = "/events/webhook_mutt"
REMOVED = object()
NOW = int(time.time())


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "ops.moogsoft_stub", *arguments]


def environment(**extra: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name != "MOOGSOFT_API_KEY"}
    return {**kept, **extra}


class Stub:
    """A stub that runs, and a client of it."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.log = folder / "stderr"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command("--port", "0", "--host", "127.0.0.1", *arguments),
                cwd=ROOT,
                env=environment(MOOGSOFT_API_KEY=KEY, PYTHONWARNINGS="error"),
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self.process.stdout
        self.line = self.process.stdout.readline()
        self.url = self.line.rpartition(" ")[2].strip()
        self.http = urllib3.PoolManager(retries=False, timeout=30)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """End it; its exit code and all that it has written."""
        self.http.clear()
        if self.process.poll() is None:
            self.process.send_signal(number)
        output, _ = self.process.communicate(timeout=30)
        return self.process.returncode, self.line + output + self.log.read_text()

    def post(self, path: str, body: Any, **options: Any) -> urllib3.BaseHTTPResponse:
        headers = {"Content-Type": "application/json", "apiKey": KEY}
        content = body if isinstance(body, bytes) else json.dumps(body)
        return self.http.request("POST", self.url + path, **{"body": content, "headers": headers, **options})

    def get(self, path: str) -> Any:
        return self.http.request("GET", self.url + path).json()

    def control(self, **wanted: Any) -> urllib3.BaseHTTPResponse:
        return self.post("/control", wanted)

    def counted(self, act: Callable[[], Any]) -> dict[str, int]:
        """What `act` adds to the totals, without the zeros."""
        before = self.get("/stats")
        act()
        after = self.get("/stats")
        return {name: after[name] - before[name] for name in after if after[name] != before[name]}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stub]:
    stub = Stub(tmp_path_factory.mktemp("stub"))
    yield stub
    code, output = stub.stop()
    assert code == 0
    assert output == stub.line, "the stub logs nothing"


@pytest.fixture
def stub(running: Stub) -> Iterator[Stub]:
    yield running
    running.control(mode="ok")


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Stub]]:
    started = []

    def start_one(*arguments: str) -> Stub:
        started.append(Stub(tmp_path, *arguments))
        return started[-1]

    yield start_one
    for one in started:
        one.stop()


def cloud(identity: str = "", **fields: Any) -> dict[str, Any]:
    event = {
        "source": "edge-1",
        "check": "Interface down",
        "severity": "major",
        "description": "Interface Gi0/1 is down",
        "tags": {"event_id": identity or f"id-{time.perf_counter_ns()}"},
        **fields,
    }
    return {name: value for name, value in event.items() if value is not REMOVED}


def onprem(identity: str = "", **fields: Any) -> dict[str, Any]:
    texts = ("source_id", "manager", "source", "class", "agent", "agent_location", "type", "description")
    event = {
        **dict.fromkeys(texts, "text"),
        "signature": "edge-1::Interface down",
        "severity": 4,
        "agent_time": NOW,
        "external_id": identity or f"id-{time.perf_counter_ns()}",
        **fields,
    }
    return {name: value for name, value in event.items() if value is not REMOVED}


def lam(*events: Any, **extra: Any) -> dict[str, Any]:
    return {"events": list(events), "auth_token": KEY, **extra}


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_listening_line_names_the_port(stub: Stub):
    assert stub.line == f"moogsoft stub listening on {stub.url}\n"
    assert stub.url.startswith("http://127.0.0.1:")
    assert not stub.url.endswith(":0")


def test_repeated_events_are_counted_but_not_distinct(stub: Stub):
    def act() -> None:
        assert stub.post(CLOUD, [cloud("r-1"), cloud("r-2")]).status == 200
        assert stub.post(CLOUD, [cloud("r-2"), cloud("r-3")]).status == 200

    assert stub.counted(act) == {"requests": 2, "events": 4, "distinct": 3}
    assert stub.get("/events/r-2") == {"identity": "r-2", "times_received": 2}


@pytest.mark.parametrize("path", ["/", WEBHOOK])
def test_onprem_events_are_counted_by_their_external_id(stub: Stub, path: str):
    body = lam(onprem(f"o-1{path}"), onprem(f"o-2{path}"), onprem(f"o-2{path}"))
    assert stub.counted(lambda: stub.post(path, body)) == {"requests": 1, "events": 3, "distinct": 2}
    assert stub.get(f"/events/o-2{path}")["times_received"] == 2


def test_a_bare_object_is_one_event(stub: Stub):
    assert stub.counted(lambda: stub.post(CLOUD, cloud("bare"))) == {"requests": 1, "events": 1, "distinct": 1}


@pytest.mark.parametrize(
    ("path", "body", "identity"),
    [
        (CLOUD, cloud(tags=REMOVED, deduplication_key="key 1/2"), "key%201/2"),
        (CLOUD, cloud(tags={}, services=["net"], **{"class": "trap"}), "edge-1::net::Interface%20down::trap"),
        ("/", lam(onprem(external_id=REMOVED, signature="a::b")), "a::b"),
    ],
)
def test_an_event_without_an_id_is_known_by_what_moogsoft_folds_it_by(stub: Stub, path: str, body: Any, identity: str):
    assert stub.post(path, body).status == 200
    assert stub.get(f"/events/{identity}")["times_received"] == 1


def test_an_identity_never_seen_is_not_found(stub: Stub):
    answer = stub.http.request("GET", f"{stub.url}/events/nobody")
    assert (answer.status, answer.json()) == (404, {"identity": "nobody", "times_received": 0})


def test_the_last_events_come_newest_first(stub: Stub):
    sent = [cloud(f"order-{number}") for number in range(1100)]
    assert stub.post(CLOUD, sent).status == 200
    assert stub.get("/events?limit=2") == [sent[-1], sent[-2]]
    assert len(stub.get("/events")) == 100
    assert stub.get("/events?limit=5000") == sent[:-1001:-1]
    assert stub.http.request("GET", f"{stub.url}/events?limit=-1").status == 400


@pytest.mark.parametrize(
    "fields",
    [
        {"severity": "CRITICAL"},
        {"severity": 0},
        {"severity": 5},
        {"source": "s" * 32_500, "description": "ü" * 32_500},
        {"time": NOW},
        {"time": NOW * 1000},
        {"services": ["a", "b"], "alias": "", "utc_offset": "UTC", "manager": "MUTT", "manager_id": "1"},
        {"class": "trap", "namespace": "n", "type": "t", "deduplication_key": "d"},
        {"tags": {"labels": ["a"], "rule_id": 3, "on": True}},
        {"location": {"city": "Bern", "rack": "7", "geo_coordinates": {"lat": 46.9, "long": 7}}},
    ],
)
def test_the_cloud_contract_takes(stub: Stub, fields: dict[str, Any]):
    answer = stub.post(CLOUD, [cloud(**fields)])
    assert answer.status == 200, answer.data


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"source": REMOVED}, "source is missing"),
        ({"check": REMOVED}, "check is missing"),
        ({"severity": REMOVED}, "severity is missing"),
        ({"description": REMOVED}, "description is missing"),
        ({"check": ""}, "check must be text that is not empty"),
        ({"source": 7}, "source must be text that is not empty"),
        ({"source": "s" * 32_501}, "source is longer than 32500 characters"),
        ({"description": "d" * 32_501}, "description is longer than 32500 characters"),
        ({"severity": "emergency"}, "severity must be one of"),
        ({"severity": 6}, "severity must be one of"),
        ({"severity": True}, "severity must be one of"),
        ({"severity": None}, "severity must be one of"),
        ({"deduplication_key": 5}, "deduplication_key must be text"),
        ({"class": None}, "class must be text"),
        ({"time": str(NOW)}, "time must be an integer"),
        ({"time": float(NOW)}, "time must be an integer"),
        ({"time": 0}, "time must be an integer"),
        ({"time": NOW * 1_000_000}, "time must be an integer"),
        ({"services": "network"}, "services must be a list of texts"),
        ({"services": [1]}, "services must be a list of texts"),
        ({"tags": []}, "tags must be an object"),
        ({"tags": {"deep": {}}}, "tags must be flat, and 'deep' is not"),
        ({"tags": {"names": ["a"]}}, "tags must be flat, and 'names' is not"),
        ({"tags": {"labels": [["a"]]}}, "tags must be flat, and 'labels' is not"),
        ({"location": "Bern"}, "location must be an object"),
        ({"location": {"planet": "Earth"}}, "location has no place for 'planet'"),
        ({"location": {"city": 3}}, "location has no place for 'city'"),
        ({"location": {"geo_coordinates": {"alt": 1}}}, "location has no place for 'alt'"),
        ({"dedupe_key": "k"}, "'dedupe_key' is not a field of an event"),
    ],
)
def test_the_cloud_contract_refuses_the_whole_request(stub: Stub, fields: dict[str, Any], message: str):
    answers = []
    events = [cloud(), cloud(**fields), cloud()]
    assert stub.counted(lambda: answers.append(stub.post(CLOUD, events))) == {"requests": 1, "invalid": 1}
    assert answers[0].status == 400
    body = answers[0].json()
    assert body["http_status_code"] == 400
    (told,) = body["messages"]
    assert set(told) == {"code", "severity", "message"}
    assert told["severity"] == "ERROR"
    assert told["message"].startswith(f"event 1: {message}")


@pytest.mark.parametrize(
    "fields",
    [
        {"signature": "ü" * 383, "severity": 0},
        {"agent_time": str(NOW), "first_occurred": NOW},
        {"external_id": REMOVED, "custom_info": {"deep": {"is": ["fine"]}}},
    ],
)
def test_the_onprem_contract_takes(stub: Stub, fields: dict[str, Any]):
    answer = stub.post("/", lam(onprem(**fields)))
    assert answer.status == 200, answer.data


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"signature": REMOVED}, "signature is missing"),
        ({"agent_location": REMOVED}, "agent_location is missing"),
        ({"agent_time": REMOVED}, "agent_time is missing"),
        ({"signature": "ü" * 384}, "signature is longer than 767 bytes"),
        ({"signature": ""}, "signature must be text that is not empty"),
        ({"source_id": 12}, "source_id must be text that is not empty"),
        ({"severity": "major"}, "severity must be an integer 0 to 5"),
        ({"severity": -1}, "severity must be an integer 0 to 5"),
        ({"agent_time": NOW * 1000}, "agent_time must be seconds since 1970"),
        ({"agent_time": "yesterday"}, "agent_time must be seconds since 1970"),
        ({"first_occurred": 1.5}, "first_occurred must be seconds since 1970"),
        ({"external_id": 9}, "external_id must be text"),
        ({"custom_info": "x"}, "custom_info must be an object"),
        ({"check": "x"}, "'check' is not a field of an event"),
    ],
)
def test_the_onprem_contract_refuses_the_whole_request(stub: Stub, fields: dict[str, Any], message: str):
    answers = []
    body = lam(onprem(), onprem(**fields))
    assert stub.counted(lambda: answers.append(stub.post(WEBHOOK, body))) == {"requests": 1, "invalid": 1}
    (told,) = answers[0].json()["messages"]
    assert answers[0].status == 400
    assert told["message"].startswith(f"event 1: {message}")


def test_every_bad_event_is_named_and_counted_once(stub: Stub):
    answers = []
    events = [cloud(source="", check=""), cloud(), 7]
    assert stub.counted(lambda: answers.append(stub.post(CLOUD, events))) == {"requests": 1, "invalid": 2}
    told = [message["message"].partition(" must")[0] for message in answers[0].json()["messages"]]
    assert told == ["event 0: source", "event 0: check", "event 2: it is not an object"]


@pytest.mark.parametrize(
    ("path", "body", "content_type"),
    [
        (CLOUD, b"{", "application/json"),
        (CLOUD, b"\xff", "application/json"),
        (CLOUD, b"[]", "application/json"),
        (CLOUD, json.dumps([cloud()]).encode(), "text/plain"),
        ("/", b"[]", "application/json"),
        ("/", b"no", "application/json"),
        ("/", json.dumps(lam()).encode(), "application/json"),
        ("/", json.dumps(lam(onprem())).encode(), "application/x-www-form-urlencoded"),
    ],
)
def test_an_unreadable_body_is_one_invalid(stub: Stub, path: str, body: bytes, content_type: str):
    answers = []
    headers = {"Content-Type": content_type, "apiKey": KEY}
    counted = stub.counted(lambda: answers.append(stub.post(path, body, headers=headers)))
    assert counted == {"requests": 1, "invalid": 1}
    assert answers[0].status == answers[0].json()["http_status_code"] == 400


def test_a_content_type_may_carry_a_charset_and_header_names_are_case_blind(stub: Stub):
    headers = {"content-type": "Application/JSON; charset=utf-8", "APIKEY": KEY}
    assert stub.post(CLOUD, [cloud()], headers=headers).status == 200


@pytest.mark.parametrize("key", [None, "", "wrong", KEY + "x", "clé"])
def test_without_the_right_key_nothing_is_taken(stub: Stub, key: str | None):
    answers = []
    headers = {"Content-Type": "application/json"} | ({} if key is None else {"apiKey": key})
    token = {} if key is None else {"auth_token": key}

    def act() -> None:
        answers.append(stub.post(CLOUD, [cloud()], headers=headers))
        answers.append(stub.post("/", {"events": [onprem()], **token}))

    assert stub.counted(act) == {"requests": 2}
    for answer in answers:
        assert answer.status == 401
        assert answer.json() == {"status": "error", "message": "API Key required"}


@pytest.mark.parametrize("path", [CLOUD, "/"])
@pytest.mark.parametrize("mode", ["500", "503", "429", "401", "400", "302"])
def test_a_status_mode_answers_it_and_stores_nothing(stub: Stub, mode: str, path: str):
    answers = []
    body = [cloud()] if path == CLOUD else lam(onprem())
    assert stub.control(mode=mode).json() == {"mode": mode, "for_s": None}
    assert stub.counted(lambda: answers.append(stub.post(path, body, redirect=False))) == {"requests": 1}
    assert answers[0].status == int(mode)
    assert answers[0].headers.get("Retry-After") == ("1" if mode in ("429", "503") else None)
    stub.control(mode="ok")
    assert stub.post(path, body).status == 200


def test_a_reset_stores_nothing(stub: Stub):
    def act() -> None:
        with pytest.raises(ProtocolError) as raised:
            stub.post(CLOUD, [cloud()])
        assert type(raised.value.args[1]) is ConnectionResetError  # a plain close raises a class below it

    stub.control(mode="reset", times=1)
    assert stub.counted(act) == {"requests": 1}


def test_garbage_is_answered_after_the_events_are_stored(stub: Stub):
    stub.control(mode="garbage", times=1)
    answers = []
    counted = stub.counted(lambda: answers.append(stub.post(CLOUD, [cloud()])))
    assert counted == {"requests": 1, "events": 1, "distinct": 1}
    assert answers[0].status == 200
    with pytest.raises(ValueError, match=r"codec|Expecting"):
        answers[0].json()


def test_a_hang_closes_the_connection_when_the_mode_ends(stub: Stub):
    def act() -> None:
        with pytest.raises(ProtocolError) as raised:
            stub.post(CLOUD, [cloud()])
        assert isinstance(raised.value.args[1], RemoteDisconnected)

    began = time.monotonic()
    stub.control(mode="hang", for_s=0.4)
    assert stub.counted(act) == {"requests": 1}
    assert time.monotonic() - began > 0.4
    assert stub.post(CLOUD, [cloud()]).status == 200


def test_a_hang_outlives_a_client_that_gives_up(stub: Stub):
    stub.control(mode="hang", times=1)
    with pytest.raises(ReadTimeoutError):
        stub.post(CLOUD, [cloud()], timeout=0.2)
    assert stub.post(CLOUD, [cloud()]).status == 200


def test_a_silent_one_stores_the_events_and_answers_nothing(stub: Stub):
    def act() -> None:
        with pytest.raises(ReadTimeoutError):
            stub.post(CLOUD, [cloud()], timeout=0.2)

    stub.control(mode="silent", times=1)
    assert stub.counted(act) == {"requests": 1, "events": 1, "distinct": 1}


def test_a_dribble_gives_a_byte_now_and_then_and_stores_nothing(stub: Stub):
    with socket.create_connection(("127.0.0.1", int(stub.url.rpartition(":")[2]))) as connection:
        connection.settimeout(5)
        stub.control(mode="dribble", times=1)
        connection.sendall(f"POST {CLOUD} HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n".encode())
        assert connection.recv(100) == b"H"
        assert connection.recv(100) == b"T"
        stub.control(mode="ok")
        assert connection.recv(100) == b""


def test_a_mode_ends_after_its_time(stub: Stub):
    began = time.monotonic()
    stub.control(mode="500", for_s=0.5)
    assert stub.post(CLOUD, [cloud()]).status == 500
    eventually(lambda: stub.post(CLOUD, [cloud()]).status == 200)
    assert time.monotonic() - began > 0.5


def test_a_new_mode_forgets_the_end_of_the_last_one(stub: Stub):
    stub.control(mode="500", for_s=0.1)
    stub.control(mode="503")
    time.sleep(0.2)
    assert stub.post(CLOUD, [cloud()]).status == 503


def test_a_mode_may_be_for_the_next_requests_only(stub: Stub):
    assert stub.control(mode="429", times=2).json() == {"mode": "429", "for_s": None, "times": 2}
    assert [stub.post(CLOUD, [cloud()]).status for _ in range(4)] == [429, 429, 200, 200]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"?", "not JSON"),
        (b"[]", "must be an object"),
        (b"{}", "mode must be one of ok, 500"),
        (b'{"mode": 500}', "mode must be one of"),
        (b'{"mode": ["ok"]}', "mode must be one of"),
        (b'{"mode": "500", "for_s": 0}', "for_s must be a positive number"),
        (b'{"mode": "500", "for_s": "3"}', "for_s must be a positive number"),
        (b'{"mode": "500", "times": 0}', "times must be a positive integer"),
        (b'{"mode": "500", "times": true}', "times must be a positive integer"),
        (b'{"mode": "500", "seconds": 3}', "must be an object of mode, for_s and times"),
    ],
)
def test_a_bad_control_body_changes_nothing(stub: Stub, body: bytes, told: str):
    stub.control(mode="503")
    answer = stub.post("/control", body)
    assert answer.status == 400
    assert told in answer.json()["error"]
    assert stub.post(CLOUD, [cloud()]).status == 503


def test_totals_survive_a_restart(start: Callable[..., Stub], tmp_path: Path):
    state = tmp_path / "state"
    first = start("--state", str(state))
    first.post(CLOUD, [cloud("a"), cloud("b\nb"), cloud("a")])
    first.post("/", lam(onprem(severity=9)))
    first.control(mode="500", times=1)
    first.post(CLOUD, [cloud("c")])
    totals = {"requests": 3, "events": 3, "distinct": 2, "invalid": 1}
    assert first.get("/stats") == totals
    assert first.stop(signal.SIGKILL)[0] == -signal.SIGKILL
    second = start("--state", str(state))
    assert second.get("/stats") == totals
    second.post(CLOUD, [cloud("a"), cloud("d")])
    second.stop()
    third = start("--state", str(state))
    assert third.get("/stats") == {"requests": 4, "events": 5, "distinct": 3, "invalid": 1}
    assert third.get("/events/a")["times_received"] == 3


def test_a_line_that_was_cut_off_is_dropped(start: Callable[..., Stub], tmp_path: Path):
    state = tmp_path / "state"
    state.write_bytes(b'"a"\n{"requests":1,"invalid":0}\n"half')
    first = start("--state", str(state))
    assert first.get("/stats") == {"requests": 1, "events": 1, "distinct": 1, "invalid": 0}
    first.post(CLOUD, cloud("b"))
    assert state.read_bytes() == b'"a"\n{"requests":1,"invalid":0}\n"b"\n{"requests":2,"invalid":0}\n'


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly_though_a_request_hangs(start: Callable[..., Stub], number: signal.Signals):
    one = start()
    one.control(mode="hang")
    held = HTTPConnection(one.url.removeprefix("http://"))
    held.request("POST", CLOUD, body="[]")
    eventually(lambda: one.get("/stats")["requests"] == 1)
    began = time.monotonic()
    code, output = one.stop(number)
    held.close()
    assert (code, output) == (0, one.line)
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("key", [{}, {"MOOGSOFT_API_KEY": ""}])
def test_without_a_key_in_the_environment_it_does_not_start(key: dict[str, str]):
    ended = subprocess.run(
        command(), cwd=ROOT, env=environment(**key), capture_output=True, text=True, timeout=30, check=False
    )
    assert ended.returncode == 2
    assert "MOOGSOFT_API_KEY is not set" in ended.stderr


def test_a_file_that_is_no_state_or_a_port_in_use_is_told_in_one_line(stub: Stub, tmp_path: Path):
    foreign = tmp_path / "foreign"
    foreign.write_text("{}\n")
    for arguments in (["--state", str(foreign)], ["--port", stub.url.rpartition(":")[2]]):
        ended = subprocess.run(
            command(*arguments),
            cwd=ROOT,
            env=environment(MOOGSOFT_API_KEY=KEY),
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert ended.returncode == 1
        assert ended.stderr.startswith("Error: cannot start ")
        assert ended.stderr.count("\n") == 1
    assert foreign.read_text() == "{}\n"
