"""A real Prometheus asks a running MUTT by our rules and dashboard: each planted fault is named by its own alert."""

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

import psycopg2
import pytest
import urllib3

from ops.local.ports import free_port
from ops.local.stack import ROOT, Stack
from tests.mutt import Mutt, event, eventually, running
from tests.openbao import OpenBao, Role, new_role
from tests.senders import program
from tests.unit.ops.prometheus import alerts, queries

pytestmark = pytest.mark.stack

ROOM = 30
CONFIGURATION = """
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [%(rules)s]
scrape_configs: [{job_name: mutt, static_configs: [{targets: ["127.0.0.1:%(web)s"]}]}]
"""
DOWN = "Interface Gi0/7, changed state to down"


class Prometheus:
    """What a running Prometheus answers."""

    def __init__(self, address: str) -> None:
        self._address = address

    def is_ready(self) -> bool:
        try:
            return bool(urllib3.request("GET", f"{self._address}/-/ready", retries=False, timeout=5).status == 200)
        except urllib3.exceptions.HTTPError:
            return False

    def ask(self, path: str, **parameters: str) -> Any:
        answer = urllib3.request("GET", f"{self._address}/{path}?{urlencode(parameters)}", retries=False, timeout=20)
        assert answer.status == 200, (parameters, answer.data)
        return answer.json()["data"]

    def query(self, expression: str) -> list[Any]:
        found: list[Any] = self.ask("api/v1/query", query=expression)["result"]
        return found

    def alerts(self, name: str) -> list[Any]:
        """Those of this name that fire, or will if nothing changes for their time."""
        return [alert for alert in self.ask("api/v1/alerts")["alerts"] if alert["labels"]["alertname"] == name]

    def told(self, name: str) -> list[Any]:
        """The alerts of this name, once there are any."""
        found: list[Any] = eventually(lambda: self.alerts(name))
        return found

    def names(self) -> set[str]:
        return {alert["labels"]["alertname"] for alert in self.ask("api/v1/alerts")["alerts"]}


@pytest.fixture(scope="module")
def role(bao: OpenBao, tmp_path_factory: pytest.TempPathFactory) -> Role:
    return new_role(bao, tmp_path_factory.mktemp("role"))


@pytest.fixture(scope="module")
def faulty(role: Role, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mutt]:
    """A MUTT of our own, with little room and its secrets in Vault, to plant faults in."""
    extra = {"MUTT_OPEN_BATCHES_HIGH": str(ROOM), "MOOGSOFT_BREAKER_FAILURES": "3", "MUTT_VAULT_CHECK_EVERY_S": "0.5"}

    def into_vault(stack: Stack) -> None:
        role.write(stack.own_secrets)

    with running(tmp_path_factory.mktemp("faulty"), extra, given=role.environment, prepare=into_vault) as mutt:
        yield mutt


@pytest.fixture(scope="module")
def prometheus(faulty: Mutt, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    binary, folder, port = str(program("prometheus")), tmp_path_factory.mktemp("prometheus"), free_port()
    rules = f"{ROOT}/ops/prometheus/rules/*.yml"
    (folder / "prometheus.yml").write_text(CONFIGURATION % {"rules": rules, "web": faulty.stack.ports.web})
    command = [binary, f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([*command, f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=log)
        asked = Prometheus(f"http://127.0.0.1:{port}")
        try:
            eventually(lambda: asked.is_ready() and asked.query('up{job="mutt"} == 1'))
            yield asked
        finally:
            process.terminate()
            process.wait(timeout=30)


@contextmanager
def without(mutt: Mutt, *names: str) -> Iterator[None]:
    """These programs of the stack are stopped, as an operator would by mistake."""
    for name in names:
        mutt.stack.supervisor.call("stopProcess", name)
    try:
        yield
    finally:
        mutt.stack.supervisor.start(*names)


def test_while_all_is_well_nothing_is_told(faulty: Mutt, prometheus: Prometheus):
    faulty.send(event(message=DOWN), event())
    faulty.settled()
    eventually(lambda: prometheus.query("mutt_rule_set_rules > 0"))
    eventually(lambda: prometheus.names() == set())
    eventually(lambda: {rule["health"] for rule in loaded_rules(prometheus)} == {"ok"})
    assert {rule["name"] for rule in loaded_rules(prometheus)} >= {alert["alert"] for alert in alerts()}


def loaded_rules(prometheus: Prometheus) -> list[Any]:
    return [rule for group in prometheus.ask("api/v1/rules")["groups"] for rule in group["rules"]]


@pytest.mark.parametrize("query", queries())
def test_prometheus_answers_each_query_of_the_dashboard(prometheus: Prometheus, query: str):
    prometheus.query(query.replace("$__rate_interval", "1m"))


def test_a_stopped_worker_is_named(faulty: Mutt, prometheus: Prometheus):
    with without(faulty, "worker-forward-1"):
        eventually(lambda: prometheus.query('mutt_workers{queue="forward"} == 0'))
        eventually(lambda: len(prometheus.alerts("MuttNoWorker")) == 2)
        found = {alert["labels"]["queue"]: alert["annotations"] for alert in prometheus.alerts("MuttNoWorker")}
        assert found.keys() == {"forward", "dlq"}
        assert re.search(r"worker-forward-1@\S+ \(stopped\)", found["forward"]["description"])
        assert "worker-pipeline" not in found["forward"]["description"]
    eventually(lambda: prometheus.alerts("MuttNoWorker") == [])


def test_beat_that_does_not_run_is_seen(faulty: Mutt, prometheus: Prometheus):
    since = "time() - mutt_beat_last_tick_timestamp_seconds"
    eventually(lambda: prometheus.query(f"{since} < 10"))
    with without(faulty, "beat"):
        eventually(lambda: prometheus.query(f"{since} > 12"))
    eventually(lambda: prometheus.query(f"{since} < 10"))


def test_a_rule_that_cannot_be_used_is_told_of(faulty: Mutt, prometheus: Prometheus):
    rule = {"match_string": "bgp.*down", "match_type": "regex", "priority": 900, "prod_handling": "Ignore"}
    made = faulty.api("rules", "POST", {**rule, "dev_handling": "Ignore", "team": "NETO"})
    with psycopg2.connect(faulty.stack.database_url) as database, database.cursor() as cursor:
        cursor.execute("UPDATE rules_rule SET match_string = 'bgp(' WHERE id = %s", [made["id"]])
    (alert,) = prometheus.told("MuttRuleLeftOut")
    assert alert["annotations"]["summary"].startswith("1 active rules")
    assert prometheus.alerts("MuttRuleSetReloadFails") == []
    faulty.api(f"rules/{made['id']}", "DELETE")
    eventually(lambda: prometheus.alerts("MuttRuleLeftOut") == [])


def test_a_key_that_moogsoft_refuses_is_not_taken_for_an_outage(faulty: Mutt, prometheus: Prometheus):
    faulty.misbehave("401")
    faulty.send(event(message=DOWN))
    prometheus.told("MuttMoogsoftKeyRefused")
    assert prometheus.alerts("MuttBreakerOpen") == []
    faulty.misbehave("ok")
    faulty.api("breaker/resume", "POST", {"reason": "a test"})
    faulty.settled()
    eventually(lambda: prometheus.alerts("MuttMoogsoftKeyRefused") == [])


def test_an_outage_of_moogsoft_opens_the_breaker(faulty: Mutt, prometheus: Prometheus):
    faulty.misbehave("503")
    for number in range(5):
        faulty.send(event(hostname=f"h{number}", message=DOWN))
    (alert,) = prometheus.told("MuttBreakerOpen")
    assert re.search(r"Alerts wait \(\d+ batches\)", alert["annotations"]["description"])
    assert prometheus.alerts("MuttMoogsoftKeyRefused") == []
    faulty.misbehave("ok")
    faulty.api("breaker", "PUT", {"state": "closed", "reason": "a test", "for_s": 60})
    faulty.settled()
    faulty.api("breaker", "PUT", {"state": "automatic", "reason": "a test"})
    eventually(lambda: prometheus.alerts("MuttBreakerOpen") == [])


def test_postgresql_that_is_away_is_told_and_not_its_consequences(faulty: Mutt, prometheus: Prometheus):
    with without(faulty, "postgresql"):
        prometheus.told("MuttPostgresqlAway")
        faulty.send(event())
        eventually(lambda: prometheus.query("sum(increase(mutt_rule_set_reload_failures_total[1m])) > 0"))
        assert prometheus.alerts("MuttRuleSetReloadFails") == []
        assert prometheus.alerts("MuttRedisAway") == []
    eventually(faulty.settled_if_possible)
    eventually(lambda: prometheus.alerts("MuttPostgresqlAway") == [])


def test_a_full_journal_is_told_with_what_fills_it(faulty: Mutt, prometheus: Prometheus):
    with without(faulty, "worker-pipeline-1", "worker-pipeline-2"):
        # The door looks at the journal four times a second: a quick machine posts many events in between.
        eventually(lambda: faulty.post(json.dumps([event()])).status == 503)
        (alert,) = prometheus.told("MuttDoorClosed")
        assert re.search(rf"Open batches: \d+ of {ROOM};", alert["annotations"]["description"])
        assert {alert["labels"]["queue"] for alert in prometheus.told("MuttNoWorker")} == {"pipeline", "maintenance"}
    faulty.settled()


def secrets_check(mutt: Mutt) -> str:
    return str(next(check for check in mutt.api("status")["checks"] if check["name"] == "secrets")["text"])


def test_while_vault_is_away_events_go_on_and_the_status_says_so(faulty: Mutt, role: Role):
    own = faulty.stack.own_secrets
    assert not own.keys() & faulty.stack.supervisor.environment.keys()
    flower = f"http://127.0.0.1:{faulty.stack.ports.flower}/"
    assert urllib3.request("GET", flower, retries=False).status == 401  # its password is in Vault, too
    assert "Secrets come from Vault: version 1" in secrets_check(faulty)
    with role.bao.stopped():
        eventually(lambda: "Vault cannot be reached. The last secrets, version 1" in secrets_check(faulty))
        with without(faulty, "worker-forward-1"):  # it is started again, and has the last secrets
            (identifier,) = faulty.send(event(message=DOWN))
        assert faulty.outcome(identifier, "delivered")
    eventually(lambda: "Secrets come from Vault: version 1" in secrets_check(faulty))
    role.write({**own, "FLOWER_BASIC_AUTH": "admin:another-password-of-flower"})
    eventually(lambda: "Secrets come from Vault: version 2" in secrets_check(faulty))
    told = "".join(path.read_text() for path in (faulty.stack.folder / "log").iterdir())
    assert not [value for value in own.values() if value in told]
