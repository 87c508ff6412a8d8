"""From the webhook through real workers to the stub Moogsoft."""

import json
import socket
import subprocess
import sys
from uuid import UUID

import pytest
import urllib3

from ops.local.stack import ROOT
from tests.mutt import Mutt, event, eventually

pytestmark = pytest.mark.stack

DOWN = "%LINK-3-UPDOWN: Interface Gi0/7, changed state to down"


def test_an_event_that_a_rule_pages_for_reaches_moogsoft_and_can_be_followed(mutt: Mutt):
    (identifier,) = mutt.send(event(hostname="edge-1", message=DOWN, severity="err"))
    story = mutt.outcome(identifier, "delivered")
    assert UUID(identifier).version == 7
    assert (story["rule_name"], story["handling"], story["environment"]) == (
        "Interface down",
        "Page_and_ticket",
        "prod",
    )
    assert [step["stage"] for step in story["steps"]] == ["received", "validated", "decided", "attempt", "outcome"]
    alert = next(sent for sent in mutt.moogsoft_events() if sent["tags"]["event_id"] == identifier)
    assert alert["source"] == "edge-1"
    assert alert["severity"] == "major"
    assert alert["check"] == "Interface down"
    assert alert["deduplication_key"] == story["deduplication_key"] != "edge-1"


def test_the_same_problem_has_the_same_deduplication_key_and_another_port_another(mutt: Mutt):
    same, again, other = mutt.send(
        event(hostname="edge-2", message=DOWN),
        event(hostname="EDGE-2", message=DOWN),
        event(hostname="edge-2", message=DOWN.replace("Gi0/7", "Gi0/8")),
    )
    keys = [mutt.outcome(identifier, "delivered")["deduplication_key"] for identifier in (same, again, other)]
    assert keys[0] == keys[1] != keys[2]


def test_a_development_host_gets_the_development_handling(mutt: Mutt):
    ignored, ticket = mutt.send(
        event(hostname="LAB-switch-01", message="CPU high: 99 %"), event(hostname="lab-switch-01", message=DOWN)
    )
    assert mutt.outcome(ignored, "ignored")["environment"] == "dev"
    assert mutt.outcome(ticket, "delivered")["handling"] == "Ticket_only"


def test_a_trap_is_matched_by_its_oid_up_to_a_dot(mutt: Mutt):
    below, beside = mutt.send(
        event(message="trap", trap_oid=".1.3.6.1.4.1.9.9.43.2.0.1"),
        event(message="trap", trap_oid="1.3.6.1.4.1.9.9.430.1"),
    )
    assert mutt.outcome(below, "delivered")["rule_name"] == "Cisco configuration traps"
    assert mutt.outcome(beside, "unmatched")["rule_id"] is None


def test_a_rule_made_over_the_api_decides_within_two_seconds_and_raises_the_version(mutt: Mutt):
    (before,) = mutt.send(event(message="flux capacitor misaligned"))
    first = mutt.outcome(before, "unmatched")
    rule = mutt.api(
        "rules",
        "POST",
        {
            "name": "Flux",
            "match_string": "FLUX capacitor",
            "prod_handling": "Ticket_only",
            "dev_handling": "Ignore",
            "team_assignment": "LAB",
        },
    )

    def decided() -> bool:
        (identifier,) = mutt.send(event(message="flux capacitor misaligned"))
        story = mutt.outcome(identifier, "unmatched", "delivered")
        return story["rule_id"] == rule["id"] and story["rule_set_version"] > first["rule_set_version"]

    eventually(decided, patience_s=10)
    mutt.api(f"rules/{rule['id']}", "DELETE")


def test_the_hundredth_unmatched_event_of_its_kind_is_the_one_meta_alert(mutt: Mutt):
    kind = [event(hostname="door-controller-07", message=f"valve {number} sticks") for number in range(250)]
    ends = [mutt.outcome(identifier, "unmatched", "delivered") for identifier in mutt.send(*kind)]
    delivered = [story for story in ends if story["outcome"] == "delivered"]
    assert [ends.index(story) for story in delivered] == [99]
    assert (delivered[0]["team"], delivered[0]["rule_id"]) == ("FACILITIES", None)
    alert = next(sent for sent in mutt.moogsoft_events() if sent["tags"]["event_id"] == delivered[0]["id"])
    assert alert["check"] == "unmatched events"
    assert "100 events like this one" in alert["description"]


def test_a_transient_failure_of_moogsoft_is_retried_until_it_is_over(mutt: Mutt):
    mutt.misbehave("503", for_s=3)
    (identifier,) = mutt.send(event(hostname="edge-3", message=DOWN))
    story = mutt.outcome(identifier, "delivered")
    attempts = [step["text"] for step in story["steps"] if step["stage"] == "attempt"]
    assert len(attempts) > 1
    assert "server_error" in attempts[0]


def test_a_key_that_moogsoft_refuses_pauses_delivery_until_somebody_resumes_it(mutt: Mutt):
    mutt.misbehave("401")
    identifiers = mutt.send(event(hostname="edge-401", message=DOWN))
    eventually(lambda: mutt.api("breaker")["paused"])
    mutt.misbehave("ok")
    identifiers += mutt.send(event(hostname="edge-401-b", message=DOWN))
    eventually(lambda: mutt.api("breaker")["parked_batches"] == 2)
    requests = mutt.stats()["requests"]
    shown = mutt.api("breaker/resume", "POST", {"reason": "the key was mended"})
    assert shown["paused"] is None
    for identifier in identifiers:
        assert mutt.outcome(identifier, "delivered")["outcome"] == "delivered"
    assert mutt.stats()["requests"] - requests <= 2


@pytest.mark.parametrize("mode", ["hang", "reset", "429"])
def test_an_alert_survives_each_way_of_moogsoft_to_fail(mutt: Mutt, mode: str):
    mutt.misbehave(mode, for_s=2)
    (identifier,) = mutt.send(event(hostname=f"edge-{mode}", message=DOWN))
    assert mutt.outcome(identifier, "delivered")["outcome"] == "delivered"


def test_moogsoft_answering_nonsense_with_200_counts_as_delivered(mutt: Mutt):
    mutt.misbehave("garbage", for_s=5)
    (identifier,) = mutt.send(event(hostname="edge-4", message=DOWN))
    assert mutt.outcome(identifier, "delivered")
    mutt.misbehave("ok")


def test_what_moogsoft_counted_is_what_the_ledger_calls_delivered(mutt: Mutt):
    mutt.send(*(event(hostname=f"edge-{number}", message=DOWN) for number in range(300)))
    ledger = mutt.settled()
    assert mutt.stats()["distinct"] == ledger["delivered"]
    assert mutt.stats()["invalid"] == 0


def test_bad_neighbours_do_not_stop_a_batch(mutt: Mutt):
    before = mutt.settled()
    body = [event(), {"hostname": "x"}, event(hostname="two words"), event(message=DOWN), "not an event"]
    answer = mutt.post(json.dumps(body))
    assert answer.status == 202
    results = answer.json()["events"]
    assert ["id" in result for result in results] == [True, False, False, True, False]
    after = mutt.settled()
    assert (after["accepted"] - before["accepted"], after["rejected"] - before["rejected"]) == (2, 3)


@pytest.mark.parametrize("rest", [b"ZZ\r\nhello", b"10\r\nhel"])
def test_broken_chunks_are_answered_400(mutt: Mutt, rest: bytes):
    head = f"POST /webhook HTTP/1.1\r\nHost: 127.0.0.1\r\nX-API-KEY: {mutt.stack.secrets['api_key']}\r\n"
    with socket.create_connection(("127.0.0.1", mutt.stack.ports.web), timeout=10) as connection:
        connection.sendall(head.encode() + b"Transfer-Encoding: chunked\r\n\r\n" + rest)
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(100).startswith(b"HTTP/1.1 400")


def test_a_chunked_body_is_taken(mutt: Mutt):
    pieces = (json.dumps(event()).encode()[start:][:40] for start in range(0, 400, 40))
    headers = {"X-API-KEY": mutt.stack.secrets["api_key"]}
    url = f"{mutt.stack.web}/webhook"
    answer = urllib3.request("POST", url, body=(piece for piece in pieces if piece), headers=headers, timeout=10)
    assert answer.status == 202


def test_no_secret_is_in_what_workers_tell_of_their_configuration(mutt: Mutt):
    environment = {**mutt.stack.environment}
    finished = subprocess.run(
        [sys.executable, "-m", "celery", "-A", "mutt_project.worker", "inspect", "conf", "-j"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "worker_prefetch_multiplier" in finished.stdout
    assert [name for name, secret in mutt.stack.secrets.items() if secret in finished.stdout] == []
