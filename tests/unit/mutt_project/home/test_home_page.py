"""The home page: what stands on it, for whom, and what is left of it while a store is away."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.urls import reverse

from audit.connections import redis_client
from audit.ids import event_id, new_batch_id, received_at
from audit.journal import TOTALS, journal
from audit.models import DeadLetter, Record
from audit.outcomes import Outcome, Stage
from audit.record import write_records
from audit.tasks import check_ledger
from audit.workers import say_alive
from forwarder.breaker import Wish, breaker
from ingest.admission import gate
from ingest.answers import Why
from ingest.traffic import Traffic
from ingest.traffic_store import add
from mutt_project.home import gathering
from mutt_project.roles import ensure_roles
from rules.models import Rule
from tests.unit.audit.batches import claim, opened, row, rows

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_server", "fresh_rule_set")]

HOME = reverse("admin:index")


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch):
    """What is dear to find out is kept for a while, beyond a test, and beyond those before it."""
    for name in ("_kinds", "_standings", "_status"):
        monkeypatch.setattr(f"{gathering.__name__}.{name}._kept_s", 0)
        monkeypatch.setattr(f"{gathering.__name__}.{name}._until", float("-inf"))


def person(role: str = "") -> Client:
    user = User.objects.create_user("ada", password="a long password", is_staff=True, is_superuser=not role)
    if role:
        ensure_roles()
        user.groups.add(Group.objects.get(name=role))
    client = Client()
    client.force_login(user)
    return client


def shown(client: Client, **headers: str) -> str:
    answer = client.get(HOME, headers=headers)
    assert answer.status_code == 200
    return answer.content.decode()


def recorded(events: int, outcome: Outcome = Outcome.UNMATCHED, **fields: Any) -> None:
    batch = new_batch_id(datetime.now(UTC))
    redis_client().hincrby(TOTALS, "accepted", events)
    write_records(
        [
            row(event_id(batch, place), outcome, **{"outcome_at": received_at(batch) + timedelta(seconds=2), **fields})
            for place in range(events)
        ]
    )


def test_an_empty_mutt_has_a_home_page():
    page = shown(person())
    assert "The ledger" in page
    assert "Balanced" in page
    assert "none open" in page
    assert "None waits." in page
    assert "Every event that is on record was matched." in page


def test_the_numbers_are_there():
    recorded(7, Outcome.DELIVERED)
    recorded(3, Outcome.UNMATCHED, message="fan 3 of the chassis failed badly")
    opened(journal(), 4)
    DeadLetter.objects.create(
        event_id=new_batch_id(datetime.now(UTC)), stage="moog", reason="http_400", payload={}, attempts=1,
        created_at=datetime.now(UTC),
    )  # fmt: skip
    context = person().get(HOME).context
    assert (context["ledger"]["delivered"], context["ledger"]["pending"], context["ledger"]["balanced"]) == (7, 4, True)
    assert context["waiting"]["oldest_s"] is not None
    assert context["dead"] == {"reasons": [("moog", "http_400", 1)], "count": 1, "more": False}
    assert context["latency"]["events"] == 7
    assert 1 <= context["latency"]["p50"] <= 2.5
    assert context["flow"]["delivered"] > 0
    assert "7 delivered" in context["charts"]["ended"].summary
    assert context["kinds"].top[0].count == 3


def test_a_kind_that_no_rule_matches_leads_to_the_form_of_a_rule_for_it():
    recorded(2, message="fan 3 of the chassis failed badly")
    client = person()
    (kind,) = client.get(HOME).context["kinds"].top
    page = shown(client)
    address = page.split('class="button" href="')[1].split('"')[0].replace("&amp;", "&")
    form = client.get(address)
    assert form.context["adminform"].form.initial["match_string"] == "of the chassis failed badly"
    assert str(kind.message) in form.content.decode()
    assert Rule.objects.count() == 0


def test_who_may_make_no_rules_is_not_offered_to():
    recorded(2, message="fan 3 of the chassis failed badly")
    page = shown(person("MUTT viewer"))
    assert "fan 3 of the chassis failed badly" in page
    assert "Make a rule of it" not in page


def test_who_may_not_look_at_records_sees_none_of_it():
    Group.objects.create(name="nobody")
    user = User.objects.create_user("bob", password="a long password", is_staff=True)
    client = Client()
    client.force_login(user)
    page = shown(client)
    assert "The ledger" not in page
    assert "What became of" not in page
    assert client.get(HOME, headers={"X-Fragment": "1"}).status_code == 403


def test_a_stranger_is_sent_to_the_login():
    assert Client().get(HOME).status_code == 302
    assert Client().get(HOME, headers={"X-Fragment": "1"}).status_code == 302


def test_the_fragment_is_the_part_that_changes():
    fragment = shown(person(), **{"X-Fragment": "1"})
    assert "The ledger" in fragment
    assert "<html" not in fragment


def test_what_is_wrong_is_named_with_its_cause_the_worst_first():
    counted = Traffic()
    counted.count_refused("syslog", Why.REVOKED_KEY, "rsyslog-core", "10.1.2.3")
    add(counted.take())
    breaker().want(Wish.OPEN, "an upgrade", "grace", 3600)
    say_alive("worker-1@host", ["pipeline", "maintenance", "dlq"], datetime.now(UTC), 0)
    texts = [one.text for one in person().get(HOME).context["problems"]]
    failed = "\n".join(texts[:2])
    assert "No worker for the queue “forward” lives" in failed
    assert "The breaker is forced open by grace" in failed
    assert any("revoked_key" in text and "“rsyslog-core” from 10.1.2.3" in text for text in texts[2:])


def test_a_ledger_that_does_not_balance_names_the_batches():
    books = journal()
    for _ in range(3):
        batch = opened(books, 2, datetime.now(UTC) - timedelta(minutes=3))
        held = claim(books, batch, Stage.VALIDATE)
        write_records(rows(held, Outcome.UNMATCHED, Outcome.UNMATCHED))
        held.finish()
    context = person().get(HOME).context
    assert context["ledger"]["balanced"]
    Record.objects.filter(pk=event_id(batch, 0)).delete()
    check_ledger.run()
    page = shown(person_again())
    assert "1 event unexplained" in page
    assert str(batch) in page


def person_again() -> Client:
    client = Client()
    client.force_login(User.objects.get(username="ada"))
    return client


def test_without_redis_the_rest_is_shown(redis_away):
    page = shown(person())
    assert "Redis is away" in page
    assert "None waits." in page  # of the dead letters, which are in PostgreSQL


def test_a_costly_look_is_kept_for_a_while(monkeypatch):
    now, looks = [0.0], count(1)
    kept = gathering.Kept(lambda: next(looks), 30, lambda: now[0])
    assert [kept(), kept()] == [1, 1]
    now[0] = 31
    assert kept() == 2


def test_a_rule_that_cannot_be_used_is_named():
    bad = Rule.objects.create(
        name="Came past all checks", match_string="x", prod_handling="Ignore", dev_handling="Ignore"
    )
    with connection.cursor() as cursor:
        cursor.execute("UPDATE rules_rule SET match_type = 'regex', match_string = '(x' WHERE id = %s", [bad.pk])
    assert f"{bad.pk} “Came past all checks” (" in shown(person())


def test_a_full_journal_is_named_with_its_mark(settings):
    settings.MUTT_OPEN_BATCHES_HIGH, settings.MUTT_OPEN_BATCHES_LOW = 2, 1
    for _ in range(3):
        opened(journal(), 1)
    gate.cache_clear()
    page = shown(person())
    gate.cache_clear()
    assert "It is full: 3 open batches (closes at 2, opens at 1)" in page
