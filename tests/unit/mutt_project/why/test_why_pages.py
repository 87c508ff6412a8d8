"""Admin's page of one event, and the one that asks why something is no alert."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from audit.ids import batch_of, event_id, new_batch_id
from audit.journal import journal
from audit.models import Attempt, DeadLetter
from rules.models import Rule
from tests.unit.forwarder.records import NOW, alert
from tests.unit.mutt_project.calls import RULE

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_server")]

EVIL = "<script>alert(1)</script>"


def person(*permissions: str, superuser: bool = False) -> Client:
    user = User.objects.create(username="ada", is_staff=True, is_superuser=superuser)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def ada() -> Client:
    return person(superuser=True)


def page(client: Client, name: str, *args: Any, status: int = 200, **query: str) -> str:
    answer = client.get(reverse(name, args=args), query)
    assert answer.status_code == status
    return answer.content.decode()


def test_the_page_of_an_event_tells_it_from_its_receipt_to_its_end(ada):
    rule = Rule.objects.create(**RULE)
    fields = {"event": {"message": EVIL}, "message": f"{EVIL} down", "notes": ["redacted"], "source": "syslog"}
    record = alert(outcome="dead", outcome_at=NOW, reason="refused", rule_id=rule.pk, **fields)
    record.save(force_insert=True)
    batch = {"batch_id": batch_of(record.pk), "event_ids": [record.pk]}
    Attempt.objects.create(
        **batch, number=1, started_at=NOW, duration_ms=1.5, status=400, reason="refused", excerpt=EVIL
    )
    letter = {"stage": "moog", "reason": "refused", "payload": {}, "attempts": 1, "created_at": NOW}
    dead = DeadLetter.objects.create(event_id=record.pk, **letter)
    shown = page(ada, "admin:audit_record_change", record.pk)
    for words in (
        "With API key “sensor” from 127.0.0.1",
        "for the source syslog",
        "A secret in it",
        reverse("admin:rules_rule_change", args=[rule.pk]),
        f"{reverse('rule-explain')}?event={record.pk}",
        reverse("admin:audit_deadletter_change", args=[dead.pk]),
        "refused, HTTP 400",
        "Given up",
        "The original body",
    ):
        assert words in shown, words
    assert EVIL not in shown
    assert "&lt;script&gt;alert" in shown
    assert " style=" not in shown.partition('<div class="mutt-page')[2].partition("</main>")[0]


def test_an_event_that_has_no_record_yet_has_its_page_too(ada):
    batch = new_batch_id(datetime.now(UTC))
    entry = {"id": str(event_id(batch, 0)), "event": {"hostname": "edge-7", "message": "just now"}}
    journal().open(batch, [entry], api_key="sensor", address="192.0.2.9")
    shown = page(ada, "why", event_id(batch, 0))
    assert "edge-7" in shown
    assert "waits for a worker to normalise it" in shown


def test_an_event_that_nobody_knows_is_404_and_leads_on(ada):
    unknown = uuid4()
    shown = page(ada, "why", unknown, status=404)
    assert f"There is no event {unknown}" in shown
    assert f"{reverse('why-not')}?q={unknown}" in shown


@pytest.mark.usefixtures("redis_away")
def test_while_redis_is_away_what_has_ended_is_told_and_of_the_rest_it_is_said(ada):
    ended = alert(outcome="delivered", outcome_at=NOW)
    ended.save(force_insert=True)
    assert "It became an alert" in page(ada, "why", ended.pk)
    waits = alert(outcome="pending")
    waits.save(force_insert=True)
    assert "Redis is away" in page(ada, "why", waits.pk)
    assert "Redis is away" in page(ada, "why-not", q="edge-1")


def test_why_not_is_asked_from_home_and_from_the_list_and_answers_with_links(ada):
    assert f'action="{reverse("why-not")}"' in page(ada, "admin:index")
    assert reverse("why-not") in page(ada, "admin:audit_record_changelist")
    assert "Tell me" in page(ada, "why-not")
    record = alert(outcome="delivered", outcome_at=NOW, message=EVIL)
    record.event_id = event_id(new_batch_id(datetime.now(UTC)), 0)
    record.save(force_insert=True)
    shown = page(ada, "why-not", q="edge-1")
    assert reverse("why", args=[record.pk]) in shown
    assert "Delivered" in shown
    assert EVIL not in shown


def test_an_id_that_is_pasted_leads_straight_to_the_event(ada):
    record = alert(outcome="delivered", outcome_at=NOW)
    record.save(force_insert=True)
    answer = ada.get(reverse("why-not"), {"q": f" {str(record.pk).upper()} "})
    assert (answer.status_code, answer["Location"]) == (302, reverse("why", args=[record.pk]))


def test_what_never_arrived_says_what_to_look_at_next(ada):
    shown = page(ada, "why-not", q="<b>nobody</b>")
    assert "Never arrived" in shown
    assert "What to look at next" in shown
    assert "curl -sS" in shown
    assert "<b>nobody" not in shown


def test_a_question_that_is_too_long_is_said_to_be(ada):
    assert "no more than 1000" in page(ada, "why-not", q="x" * 1001)


def test_whoever_may_not_see_records_sees_neither_page():
    nobody = person("view_rule")
    page(nobody, "why", uuid4(), status=403)
    page(nobody, "why-not", status=403)
    assert "why_not_q" not in page(nobody, "admin:index")


def test_whoever_may_see_records_alone_sees_an_event_and_not_what_was_refused():
    viewer = person("view_record")
    page(viewer, "why", uuid4(), status=404)
    page(viewer, "why-not", status=403)
