"""Flower starts with the stack, behind a password, and shows of each task which batch it is about."""

import json
import re
from typing import Any

import pytest
import urllib3

from tests.mutt import Mutt, event, eventually

pytestmark = pytest.mark.stack

DOWN = "Interface Gi0/9, changed state to down"


def ask(mutt: Mutt, path: str, password: str | None = None) -> urllib3.BaseHTTPResponse:
    headers = urllib3.make_headers(basic_auth=f"admin:{password}") if password else {}
    address = f"http://127.0.0.1:{mutt.stack.ports.flower}{path}"
    return urllib3.request("GET", address, headers=headers, timeout=30, retries=False)


@pytest.mark.parametrize("path", ["/", "/tasks", "/workers", "/broker", "/api/tasks", "/api/workers"])
def test_nothing_is_shown_without_the_password(mutt: Mutt, path: str):
    assert ask(mutt, path).status == 401
    assert ask(mutt, path, "wrong").status == 401


def test_the_tasks_of_a_batch_are_shown_with_its_id_and_size_and_no_payload(mutt: Mutt):
    secret = "a message for nobody but Moogsoft"
    (first, *_) = mutt.send(*(event(hostname=f"flower-{number}", message=f"{secret} {DOWN}") for number in range(3)))
    shown = f"batch {mutt.outcome(first, 'delivered')['batch']}, 3 events"
    mutt.settled()

    def tasks() -> Any:
        answer = ask(mutt, "/api/tasks?limit=500", mutt.stack.secrets["admin"])
        assert answer.status == 200
        text = answer.data.decode()
        assert secret not in text
        assert not [name for name, value in mutt.stack.secrets.items() if value in text]
        ours = [task for task in json.loads(text).values() if task["args"] == shown]
        done = {task["name"] for task in ours if task["state"] == "SUCCESS"}
        return done == {"ingest.validate_batch", "rules.match_batch", "forwarder.forward_batch"}

    assert eventually(tasks)


def test_the_page_of_the_broker_shows_the_queues(mutt: Mutt):
    shown = ask(mutt, "/broker", mutt.stack.secrets["admin"]).data.decode()
    assert re.search("<td>(pipeline|forward)</td>", shown)  # of the workers that answered Flower at its start
    assert mutt.stack.secrets["redis"] not in shown
