"""Real rsyslog, syslog-ng and snmptrapd send to a running MUTT, as configured in ops/; all of it arrives, each once."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import urllib3

from ops.local.ports import free_port
from ops.local.supervisor import end_with_parent
from tests import senders
from tests.mutt import Mutt, eventually

pytestmark = pytest.mark.stack

OPS = senders.ROOT / "ops"
RELAY = OPS / "relay" / "mutt_relay.py"
SECRET_COMMUNITY = "fence-post-41"


class Running:
    """One program in the foreground, its words in a log; it ends with us."""

    def __init__(self, command: list[str], log: Path, environment: dict[str, str], ready: Callable[[], bool]) -> None:
        with log.open("ab") as file:
            self.process = subprocess.Popen(
                command, env=environment, stdout=file, stderr=file, preexec_fn=end_with_parent, start_new_session=True
            )
        eventually(lambda: ready() or self._died(log), 20)

    def _died(self, log: Path) -> bool:
        assert self.process.poll() is None, log.read_text()
        return False

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        self.process.send_signal(how)
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@pytest.fixture
def key_file(mutt: Mutt, tmp_path: Path) -> Path:
    file = tmp_path / "relay.key"
    file.write_text(mutt.stack.secrets["api_key"] + "\n")
    return file


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    return tmp_path / "spool"


def filled(text: str, mutt: Mutt, key_file: Path, spool: Path) -> str:
    """A configuration of ops/ with this machine's addresses, key and folders."""
    places = {
        "https://mutt.example.net": mutt.stack.web,
        "/etc/mutt/relay.key": str(key_file),
        "/var/spool/mutt/rsyslog": str(spool),
        "/var/spool/mutt/traps": str(spool),
        "/usr/local/lib/mutt/mutt_relay.py": str(RELAY),
        "/usr/local/lib/mutt/mutt-traphandle": str(OPS / "snmptrapd" / "mutt-traphandle"),
        "X-API-KEY: the key": f"X-API-KEY: {mutt.stack.secrets['api_key']}",
        "execute public": f"execute {SECRET_COMMUNITY}",
    }
    for place, ours in places.items():
        text = text.replace(place, ours)
    return text


def kill_relay_of(daemon: int) -> bool:
    """Kill -9 the helper that a daemon has started; False if it has none just now."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(stat.read_text().rsplit(")", 1)[1].split()[1]) != daemon:
                continue
            if b"mutt_relay" in (stat.parent / "cmdline").read_bytes():  # a dead one has no command line
                os.kill(int(stat.parent.name), signal.SIGKILL)
                return True
    return False


@contextlib.contextmanager
def web_down(mutt: Mutt) -> Iterator[None]:
    mutt.stack.supervisor.call("stopProcess", "web")
    try:
        yield
    finally:
        mutt.stack.supervisor.call("startProcess", "web", False)
        eventually(lambda: _is_up(mutt))


def _is_up(mutt: Mutt) -> bool:
    try:
        return mutt.ready()
    except Exception:  # noqa: BLE001 - refused, reset, timed out: not yet
        return False


def events_of(mutt: Mutt, hostname: str) -> list[dict[str, Any]]:
    """All events of a host."""
    found, path = [], f"events?hostname={hostname}&limit=1000"
    while path:
        page = mutt.api(path)
        found += page["results"]
        path = page["next"].split("/api/v1/", 1)[1] if page["next"] else ""
    return found


def arrived(mutt: Mutt, hostname: str, expected: list[str], patience_s: float = 60) -> list[dict[str, Any]]:
    """The events of a host, once as many are there as were sent; each message must be there exactly once."""
    eventually(lambda: len(events_of(mutt, hostname)) >= len(expected), patience_s)
    time.sleep(2)  # for what would come twice
    events = events_of(mutt, hostname)
    assert Counter(event["message"] for event in events) == Counter(expected)
    return events


def accepts(port: int) -> Callable[[], bool]:
    def look() -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
        return False

    return look


class Lines:
    """Syslog lines over one TCP connection; what was sent is remembered by its message."""

    def __init__(self, port: int, host: str) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.host = host
        self.sent: list[str] = []

    def send(self, count: int, extra: str = "") -> None:
        for _ in range(count):
            message = f"line {len(self.sent)} {uuid.uuid4().hex}{extra}"
            text = f"<131>1 2026-11-23T08:30:00.5+01:00 {self.host} app 77 - - {message}\n"
            self.socket.sendall(text.encode())
            self.sent.append(message)

    def send_raw(self, raw: bytes, message: str) -> None:
        now = datetime.now(UTC).isoformat()
        self.socket.sendall(f"<131>1 {now} {self.host} app - - - ".encode() + raw + b"\n")
        self.sent.append(message)


@pytest.fixture
def lines_to() -> Iterator[Callable[..., Lines]]:
    """Makes connections, and closes them afterwards."""
    made: list[Lines] = []

    def make(port: int, host: str, kind: type[Lines] = Lines) -> Lines:
        made.append(kind(port, host))
        return made[-1]

    yield make
    for lines in made:
        lines.socket.close()


@pytest.fixture
def rsyslog(mutt: Mutt, key_file: Path, spool: Path, tmp_path: Path) -> Iterator[tuple[Running, int, Path]]:
    port, work = free_port(), tmp_path / "work"
    work.mkdir()
    configuration = tmp_path / "rsyslog.conf"
    configuration.write_text(
        f'global(workDirectory="{work}" maxMessageSize="64k")\nmodule(load="imtcp")\n'
        f'input(type="imtcp" address="127.0.0.1" port="{port}")\n'
        + filled((OPS / "rsyslog" / "30-mutt-omprog.conf").read_text(), mutt, key_file, spool)
    )
    command = [str(senders.program("rsyslogd")), "-n", "-f", str(configuration), "-i", str(tmp_path / "rsyslog.pid")]
    modules = senders.modules("usr/lib/*/rsyslog")
    command += ["-M", str(modules)] if modules else []
    running = Running(command, tmp_path / "rsyslog.log", senders.environment(), accepts(port))
    yield running, port, tmp_path / "rsyslog.log"
    running.stop()


def test_rsyslog_through_the_relay_killed_and_restarted_and_the_webhook_down_between(
    mutt: Mutt, rsyslog, spool: Path, lines_to
):
    daemon, port, _ = rsyslog
    lines = lines_to(port, f"rsyslog-{uuid.uuid4().hex[:8]}")
    for number in range(5):
        lines.send(60)
        time.sleep(0.05 * number)
        eventually(lambda: kill_relay_of(daemon.process.pid))
    with web_down(mutt):
        lines.send(200)
        eventually(lambda: kill_relay_of(daemon.process.pid))
        lines.send(50)
        time.sleep(2)
    lines.send(50)
    events = arrived(mutt, lines.host, lines.sent)
    assert {event["syslog_severity"] for event in events} == {"Error"}
    assert {event["event_time"] for event in events} == {"2026-11-23T07:30:00.500000Z"}
    eventually(lambda: not list(spool.glob("*.batch")))
    command = [sys.executable, str(RELAY), "status", "--spool", str(spool), "-o", "json"]
    status = subprocess.run(command, capture_output=True, check=True)
    assert json.loads(status.stdout)["batches"] == 0


def test_rsyslog_sends_odd_bytes_long_lines_and_a_burst(mutt: Mutt, rsyslog, lines_to):
    _, port, _ = rsyslog
    lines = lines_to(port, f"rsyslog-{uuid.uuid4().hex[:8]}")
    lines.send_raw("Tür".encode("latin-1"), "T\ufffdr")
    lines.send_raw(b'quotes " and \\ and \ttab', 'quotes " and \\ and #011tab')
    lines.send(1, " " + "x" * 20_000)
    lines.send(1500)
    events = arrived(mutt, lines.host, lines.sent)
    (odd,) = [event for event in events if event["message"] == "T\ufffdr"]
    assert odd["notes"] == ["invalid_utf8"]


@pytest.fixture
def syslog_ng(mutt: Mutt, key_file: Path, spool: Path, tmp_path: Path) -> Iterator[tuple[Callable[..., Running], int]]:
    port = free_port()
    spool.mkdir()
    configuration = tmp_path / "syslog-ng.conf"
    text = (
        "@version: 3.35\noptions { keep-hostname(yes); use-dns(no); };\n"
        f"source s_tests {{ syslog(ip(127.0.0.1) port({port}) transport(tcp)); }};\n"
        + filled((OPS / "syslog-ng" / "mutt.conf").read_text(), mutt, key_file, spool).replace(
            "disk-buf-size(1073741824)", f'disk-buf-size(1073741824) dir("{spool}")'
        )
        + "log { source(s_tests); destination(d_mutt); };\n"
    )
    command = [str(senders.program("syslog-ng")), "-F", "--no-caps", "-f", str(configuration)]
    command += ["-R", str(tmp_path / "persist"), "-p", str(tmp_path / "pid"), "-c", str(tmp_path / "control")]
    modules = senders.modules("usr/lib/syslog-ng/*")
    command += [f"--module-path={modules}"] if modules else []
    started: list[Running] = []

    def start(web: str = mutt.stack.web) -> Running:
        configuration.write_text(text.replace(mutt.stack.web, web))
        started.append(Running(command, tmp_path / "syslog-ng.log", senders.environment(), accepts(port)))
        return started[-1]

    yield start, port
    for running in started:
        if running.process.poll() is None:
            running.stop()


class Framed(Lines):
    """RFC 6587 octet counting, which syslog-ng's syslog() source wants."""

    def send(self, count: int, extra: str = "") -> None:
        for _ in range(count):
            message = f"line {len(self.sent)} {uuid.uuid4().hex}{extra}"
            text = f"<131>1 2026-11-23T08:30:00.5+01:00 {self.host} app 77 - - {message}".encode()
            self.socket.sendall(b"%d %b" % (len(text), text))
            self.sent.append(message)


def test_syslog_ng_with_the_webhook_down_and_a_restart_between(mutt: Mutt, syslog_ng, lines_to):
    start, port = syslog_ng
    host = f"syslog-ng-{uuid.uuid4().hex[:8]}"
    running = start()
    lines = lines_to(port, host, Framed)
    lines.send(300)
    with web_down(mutt):
        lines.send(200)
        time.sleep(2)
        lines.socket.close()
        running.stop()
        start()
        again = lines_to(port, host, Framed)
        again.sent = lines.sent
        again.send(100)
        time.sleep(1)
    again.send(100)
    events = arrived(mutt, host, lines.sent)
    assert {(event["syslog_severity"], event["event_time"]) for event in events} == {
        ("Error", "2026-11-23T07:30:00.500000Z")
    }


@pytest.fixture
def failing_proxy(mutt: Mutt) -> Iterator[str]:
    """The URL of a proxy that answers 504 to the first requests, more often than syslog-ng tries by default."""
    refusals = iter(range(6))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body, headers = self.rfile.read(int(self.headers["Content-Length"])), dict(self.headers.items())
            status = 504
            if next(refusals, None) is None:
                status = urllib3.request("POST", mutt.stack.web + self.path, body=body, headers=headers).status
            self.send_response(status)
            self.end_headers()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()
    assert next(refusals, None) is None  # all of them were answered


def test_syslog_ng_behind_a_proxy_that_answers_504_for_a_while(mutt: Mutt, syslog_ng, failing_proxy: str, lines_to):
    start, port = syslog_ng
    start(failing_proxy)
    lines = lines_to(port, f"syslog-ng-{uuid.uuid4().hex[:8]}", Framed)
    lines.send(50)
    arrived(mutt, lines.host, lines.sent)


@pytest.fixture
def snmptrapd(mutt: Mutt, key_file: Path, spool: Path, tmp_path: Path) -> Iterator[tuple[int, Path]]:
    port, log = free_port(), tmp_path / "snmptrapd.log"
    (spool / "incoming").mkdir(parents=True)
    configuration = tmp_path / "snmptrapd.conf"
    configuration.write_text(filled((OPS / "snmptrapd" / "snmptrapd.conf").read_text(), mutt, key_file, spool))
    environment = {**senders.environment(), "SNMP_PERSISTENT_DIR": str(tmp_path / "persist"), "MIBS": ""}
    command = [str(senders.program("snmptrapd")), "-f", "-On", "-Lf", str(log), "-C", "-c", str(configuration)]
    command += [f"udp:127.0.0.1:{port}", f"udp6:[::1]:{port}"]
    running = Running(command, tmp_path / "snmptrapd.out", environment, lambda: "NET-SNMP" in _text(log))
    yield port, log
    running.stop()


def _text(path: Path) -> str:
    return path.read_text(errors="replace") if path.exists() else ""


def relay(spool: Path, mutt: Mutt, key_file: Path, log: Path) -> Running:
    command = [str(RELAY), "traps", "--url", mutt.stack.web, "--key-file", str(key_file), "--spool", str(spool)]
    return Running(command, log, dict(os.environ), lambda: True)


def snmp(program: str, version: str, address: str, *arguments: str, community: str = SECRET_COMMUNITY) -> None:
    command = [str(senders.program(program)), "-v", version, "-c", community, "-m", "", address, *arguments]
    environment = {**senders.environment(), "SNMP_PERSISTENT_DIR": "/tmp", "MIBS": ""}
    finished = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=30)
    assert finished.returncode == 0, finished.stderr


def test_snmptrapd_with_its_handler_the_relay_killed_between_and_no_community_anywhere(
    mutt: Mutt, snmptrapd, spool: Path, key_file: Path, tmp_path: Path
):
    port, log = snmptrapd
    description, link_down, v4, v6 = (
        "1.3.6.1.2.1.2.2.1.2.3",
        "1.3.6.1.6.3.1.1.5.3",
        f"127.0.0.1:{port}",
        f"udp6:[::1]:{port}",
    )
    tokens = [uuid.uuid4().hex for _ in range(40)]
    sending = relay(spool, mutt, key_file, tmp_path / "relay.log")
    for number, token in enumerate(tokens):
        varbind = [description, "s", f'{token} "quoted"\nsecond line' if number % 5 == 4 else token]
        if number == 15:
            sending.stop(signal.SIGKILL)
        if number == 25:
            sending = relay(spool, mutt, key_file, tmp_path / "relay.log")
        match number % 4:
            case 0:
                snmp("snmptrap", "2c", v4, "", link_down, *varbind)
            case 1:
                snmp("snmpinform", "2c", v6, "", "1.0.8802.1.1.2.0.0.1", *varbind)
            case 2:
                snmp("snmptrap", "1", v4, "1.3.6.1.4.1.99999", "192.0.2.77", "6", "17", "4711", *varbind)
            case 3:
                snmp("snmptrap", "1", v6, "1.3.6.1.4.1.99999", "192.0.2.77", "3", "0", "4711", *varbind)
    expected = {"1.3.6.1.6.3.1.1.5.3", "1.0.8802.1.1.2.0.0.1", "1.3.6.1.4.1.99999.0.17", "1.3.6.1.6.3.1.1.5.4"}

    def ours() -> list[dict[str, Any]]:
        hosts = ("192.0.2.77", "localhost", "127.0.0.1", "::1", "ip6-localhost")
        return [
            event for host in hosts for event in events_of(mutt, host) if any(t in event["message"] for t in tokens)
        ]

    eventually(lambda: len(ours()) >= len(tokens), 60)
    time.sleep(2)
    events = ours()
    sending.stop()
    assert Counter(next(token for token in tokens if token in event["message"]) for event in events) == Counter(tokens)
    assert {event["trap_oid"] for event in events} == expected
    assert {event["hostname"] for event in events if event["trap_oid"] == "1.3.6.1.4.1.99999.0.17"} == {"192.0.2.77"}
    assert all(event["source_type"] == "snmptrap" for event in events)
    stories = json.dumps([mutt.event(event["id"]) for event in events])
    assert SECRET_COMMUNITY not in stories + _text(log) + _text(tmp_path / "relay.log")
    assert all(SECRET_COMMUNITY.encode() not in path.read_bytes() for path in spool.rglob("*") if path.is_file())
    for path in (mutt.stack.folder / "log").glob("*.log"):
        assert SECRET_COMMUNITY not in _text(path)


def test_a_captured_datagram_becomes_an_event(mutt: Mutt, snmptrapd, spool: Path, key_file: Path, tmp_path: Path):
    port, _ = snmptrapd
    token = uuid.uuid4().hex[:12]
    community = SECRET_COMMUNITY.encode()
    # A v2c trap by hand (BER): sysUpTime, snmpTrapOID = coldStart, and a text.
    varbinds = (
        bytes.fromhex("300d06082b06010201010300430100"),
        bytes.fromhex("301706 0a2b060106030101040100 06092b0601060301010501".replace(" ", "")),
        _ber(0x30, _ber(0x06, bytes.fromhex("2b06010201010500")) + _ber(0x04, token.encode())),
    )
    pdu = bytes.fromhex("020101020100020100") + _ber(0x30, b"".join(varbinds))
    datagram = _ber(0x30, bytes.fromhex("020101") + _ber(0x04, community) + _ber(0xA7, pdu))
    sending = relay(spool, mutt, key_file, tmp_path / "relay.log")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(datagram, ("127.0.0.1", port))
    found = eventually(
        lambda: [
            event for host in ("localhost", "127.0.0.1") for event in events_of(mutt, host) if token in event["message"]
        ]
    )
    sending.stop()
    assert [event["trap_oid"] for event in found] == ["1.3.6.1.6.3.1.1.5.1"]


def _ber(tag: int, content: bytes) -> bytes:
    assert len(content) < 128
    return bytes([tag, len(content)]) + content


@pytest.mark.parametrize(("template", "clear"), [("trigger.json", False), ("reset.json", True)])
def test_solarwinds_template_as_orion_fills_it(mutt: Mutt, template: str, clear):
    values = {
        "${N=SwisEntity;M=Node.Caption}": "orion-edge-1",
        "${N=Alerting;M=AlertName}": "Interface down",
        "${N=Alerting;M=AlertMessage}": 'Interface "Gi0/1" on C:\\temp is down',
        "${N=Alerting;M=Severity}": "Serious",
        "${N=Alerting;M=AlertObjectID}": "4711",
        "${N=Alerting;M=AlertTriggerTime;F=DateTime}": "11/23/2026 8:30:00 AM",
    }
    body = (OPS / "solarwinds" / template).read_text()
    for variable, value in values.items():
        body = body.replace(variable, value)
    assert "${" in body  # what does not apply stays
    answer = mutt.post(body, "application/x-www-form-urlencoded", "solarwinds")
    assert answer.status == 202, answer.data
    (result,) = answer.json()["events"]
    event = eventually(lambda: _recorded(mutt, result["id"]))
    assert (event["hostname"], event["syslog_severity"], event["clears"]) == ("orion-edge-1", "Error", clear)
    assert event["message"] == 'Interface down: Interface "Gi0/1" on C:\\temp is down'
    assert "broken_json" in event["notes"]
    if not clear:
        assert event["event_time"] == "2026-11-23T08:30:00Z"


def _recorded(mutt: Mutt, identifier: str) -> dict[str, Any] | None:
    event = mutt.event(identifier)
    return event if event["outcome"] != "pending" else None
