"""Thousands of broken bodies at a running MUTT: no 5xx, no error of a worker, no growth, no good event lost.

`make fuzz` sends 100,000 (MUTT_FUZZ_COUNT); MUTT_FUZZ_SEED repeats a run.
"""

import os
import random
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import pytest
import urllib3

from tests.fuzzing import Payload, payloads
from tests.mutt import Mutt

pytestmark = pytest.mark.stack

COUNT = int(os.environ.get("MUTT_FUZZ_COUNT", "3000"))
SEED = int(os.environ.get("MUTT_FUZZ_SEED", "0")) or random.SystemRandom().randrange(1, 2**32)
MOST_GROWTH = 64 * 1024 * 1024  # bytes; of all processes of a program together
RULE = {
    "name": "Still good",
    "match_type": "contains",
    "match_string": "still-good",
    "priority": 1,
    "prod_handling": "Ticket_only",
    "dev_handling": "Ticket_only",
}


@pytest.mark.timeout(3600)
def test_broken_bodies_harm_nothing_and_the_good_events_among_them_are_delivered(mutt: Mutt):
    print(f"seed {SEED}, {COUNT} payloads")
    mutt.api("rules", "POST", RULE)
    time.sleep(2.5)  # until every worker decides by it: MUTT_RULE_SET_MAX_AGE_S is 1 there
    warm_up, rest = COUNT // 3, COUNT - COUNT // 3
    logs = {path: path.stat().st_size for path in (mutt.stack.folder / "log").glob("*.log")}
    good = send_all(mutt, SEED, warm_up)
    mutt.settled(600)
    before = memory(mutt)
    good |= send_all(mutt, SEED + 1, rest)
    mutt.settled(600)
    undelivered = {
        identifier: outcome for identifier in good if (outcome := outcome_of(mutt, identifier)) != "delivered"
    }
    assert not undelivered
    growth = {name: size - before[name] for name, size in memory(mutt).items()}
    print({name: f"{before[name] // 2**20} MiB + {grown // 1024} KiB" for name, grown in growth.items()})
    assert max(growth.values()) < MOST_GROWTH, growth
    assert errors_in(logs) == []


def send_all(mutt: Mutt, seed: int, count: int) -> set[str]:
    """Send so many payloads; the ids of the good events among them."""
    http = urllib3.PoolManager(retries=False, timeout=60, maxsize=8)

    def send(payload: Payload) -> list[str]:
        headers = {"X-API-KEY": mutt.stack.secrets["api_key"], **payload.headers}
        answer = http.request("POST", mutt.stack.web + payload.path, body=payload.body, headers=headers)
        assert answer.status in {202, 400, 413}, (answer.status, payload.path, payload.body[:500])
        if not payload.good:
            return []
        assert answer.status == 202, (answer.data, payload.body[:500])
        accepted = [result["id"] for result in answer.json()["events"] if "id" in result]
        assert accepted, (answer.data, payload.body[:500])
        return [find(mutt, accepted, token) for token in payload.good]

    found: set[str] = set()
    made = payloads(seed, count)
    with ThreadPoolExecutor(8) as pool:
        while part := list(islice(made, 1000)):  # not all at once: the bodies are large
            found.update(*pool.map(send, part))
    return found


def find(mutt: Mutt, identifiers: list[str], token: str) -> str:
    """The one of these events that bears the token."""
    if len(identifiers) == 1:
        return identifiers[0]
    return next(i for i in identifiers if mutt.event(i)["message"] == f"still-good {token}")


def outcome_of(mutt: Mutt, identifier: str) -> str:
    return str(mutt.event(identifier)["outcome"])


def memory(mutt: Mutt) -> dict[str, int]:
    """Resident bytes of each of our programs, with its children."""
    children: dict[int, list[int]] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        children.setdefault(int(fields[1]), []).append(int(status.parent.name))

    def of(pid: int) -> int:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") + sum(map(of, children.get(pid, [])))

    pids = mutt.stack.supervisor.pids()
    return {name: of(pid) for name, pid in pids.items() if name.startswith(("web", "worker", "beat"))}


def errors_in(logs: dict[Path, int]) -> list[str]:
    """What our programs have logged as errors since then."""
    found = []
    for path, size in logs.items():
        if path.name.startswith(("web", "worker", "beat")):
            with path.open(errors="replace") as log:
                log.seek(size)
                bad = ('"level":"error"', '"level":"critical"', "Traceback")
                found += [line for line in log if any(sign in line for sign in bad)]
    return found
