"""A process that dies at any step of any stage, right before or right after it has told a store something."""

import json
import os
import subprocess
import sys
from collections import Counter, defaultdict
from urllib.parse import urlsplit

import pytest
from django.db import connection

from audit.connections import redis_client
from audit.ids import batch_of
from audit.journal import PREFIX, journal
from audit.ledger import read_ledger
from audit.models import DeadLetter, Record
from ops.local.stack import ROOT
from rules.models import Rule, RuleSetVersion
from tests.faults.conftest import MANY
from tests.unit.forwarder.moogsoft_double import OK, MoogsoftDouble, Reply, Request, serve

DIED = 9


def refuses(request: Request) -> bool:
    return any("refused" in event["description"] for event in request.body)


def answer(request: Request) -> Reply:
    return (400, {}, b"no") if refuses(request) else OK


def run(double: MoogsoftDouble, first: int, stride: int) -> list[int]:
    """How each of the processes ended."""
    address = urlsplit(os.environ["DATABASE_URL"])
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "mutt_project.settings.production",
        "DATABASE_URL": address._replace(path=f"/{connection.settings_dict['NAME']}").geturl(),
        "MOOGSOFT_URL": double.url,
        "MOOGSOFT_ALLOW_HTTP": "true",
        "MOOGSOFT_ALLOWED_NETWORKS": "127.0.0.0/8",
        "MOOGSOFT_API_KEY": "key",
        "MOOGSOFT_CONNECT_TIMEOUT_S": "0.2",
        "MOOGSOFT_READ_TIMEOUT_S": "0.5",
        "MOOGSOFT_RATE": "100000/second",
        "MUTT_SECRET_KEY": "for-this-test-only-" * 3,
        "MUTT_LEASE_S": "1.5",
        "MUTT_GRACE_S": "0.2",
    }
    command = [sys.executable, "-m", "tests.faults.crash_points", str(first), str(stride)]
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr[-3000:]
    codes: list[int] = json.loads(ended.stdout)["codes"]
    assert codes[-1] == 0, ended.stderr[-3000:]
    return codes


@pytest.mark.usefixtures("redis_server")
@pytest.mark.django_db(transaction=True)
def test_a_process_that_dies_at_any_step_loses_nothing_and_records_nothing_twice(seed: int):
    stride = 1 if MANY else 6
    RuleSetVersion.objects.get_or_create(pk=1)
    Rule.objects.create(name="Down", match_string="down", prod_handling="Page_only", dev_handling="Ignore")
    Rule.objects.create(name="Noise", match_string="noise", prod_handling="Ignore", dev_handling="Ignore")
    with serve() as double:
        double.answer = answer
        codes = run(double, 1 + seed % stride, stride)
    deaths, batches = codes.count(DIED), len(codes)
    assert codes == [DIED] * deaths + [0]  # the last one came through
    assert deaths * stride > 150

    outcomes = defaultdict(list)
    for event, outcome in Record.objects.order_by("event_id").values_list("event_id", "outcome"):
        outcomes[batch_of(event)].append(outcome)
    assert list(outcomes.values()) == [["delivered", "dead", "unmatched", "ignored"]] * batches
    assert DeadLetter.objects.values("event_id").distinct().count() == DeadLetter.objects.count() == batches

    taken = Counter(
        event["tags"]["event_id"] for request in double.requests if not refuses(request) for event in request.body
    )
    assert len(taken) == batches
    doubles = sum(taken.values()) - batches
    print(f"{deaths} steps to die at; {doubles} alerts were sent twice")
    assert doubles <= 15 / stride + 1  # died after Moogsoft had taken it and before that was noted

    books = read_ledger(journal())
    assert (books.balanced, books.accepted, books.pending) == (True, 4 * batches, 0)
    left = {key.decode().removeprefix(PREFIX).partition(":")[0] for key in redis_client().scan_iter(f"{PREFIX}*")}
    assert left & {"batch", "sent", "dead", "halved", "behind", "open", "parked", "unrecorded"} == set()
