"""What operators see of the door: a revoked key by its name, and counts that outlive the process that counted."""

import json
import os
import signal

import pytest
import urllib3

from tests.mutt import Mutt, event, eventually

pytestmark = pytest.mark.stack


def post_with(mutt: Mutt, secret: str) -> int:
    headers = {"X-API-KEY": secret, "Content-Type": "application/json"}
    return urllib3.request("POST", f"{mutt.stack.web}/webhook", body=json.dumps([event()]), headers=headers).status


def test_a_revoked_key_is_refused_and_named_within_seconds(mutt: Mutt):
    key = mutt.api("keys", "POST", {"name": "a key that is revoked", "scopes": ["ingest"]})
    assert post_with(mutt, key["secret"]) == 202
    mutt.api(f"keys/{key['id']}", "PATCH", {"is_active": False})
    eventually(lambda: post_with(mutt, key["secret"]) == 401, 15)  # MUTT_KEY_MAX_AGE_S
    (row,) = eventually(lambda: mutt.api("refusals?since=-1h&api_key=a+key+that+is+revoked")["results"], 15)
    assert (row["why"], row["api_key"], row["address"]) == ("revoked_key", "a key that is revoked", "127.0.0.1")
    assert row["requests"] >= 1


def restart_web(mutt: Mutt) -> None:
    """As a deployment does it; whoever watches web starts it again."""
    before = mutt.stack.supervisor.pids()["web"]
    os.kill(before, signal.SIGTERM)

    def is_back() -> bool:
        try:
            return mutt.stack.supervisor.pids().get("web") not in {None, before} and mutt.ready()
        except urllib3.exceptions.HTTPError:
            return False

    eventually(is_back)


def requests_counted(mutt: Mutt) -> int:
    """All requests of 30 days, as the objective of availability counts them."""
    (found,) = (one for one in mutt.api("slo")["results"] if one["measure"] == "ingest_availability")
    return int(found["total"])


def test_a_web_server_that_is_told_to_end_takes_no_count_along(mutt: Mutt):
    restart_web(mutt)
    before = requests_counted(mutt)
    for _ in range(7):
        mutt.send(event())
    restart_web(mutt)
    assert requests_counted(mutt) == before + 7
    mutt.settled()


def test_the_objectives_have_something_to_say_once_events_have_come_to_their_end(mutt: Mutt):
    mutt.send(event(message="%LINK-3-UPDOWN: Interface Gi0/7, changed state to down"))
    mutt.settled()
    for found in eventually(lambda: _all_with_traffic(mutt), 15):
        assert found["budget"]["allowed"] > 0
        assert found["state"] in {"ok", "burning", "exhausted"}


def _all_with_traffic(mutt: Mutt) -> object:
    found = mutt.api("slo")["results"]
    return found if len(found) == 3 and all(one["total"] for one in found) else None
