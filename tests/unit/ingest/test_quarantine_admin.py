"""The quarantine in admin: to look at, to send again, to delete, and nothing else."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from audit.journal import journal
from ingest import quarantine_admin
from ingest.quarantine_models import Quarantined
from tests.unit.ingest.test_quarantine import NOW, kept
from tests.unit.ingest.test_webhook import BAD, GOOD

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_server")]

LIST = "admin:ingest_quarantined_changelist"
EVIL = b'{"message": "<script>alert(1)</script>"}'


@pytest.fixture
def ada() -> Client:
    User.objects.create_superuser("ada")
    return logged_in("ada")


def logged_in(name: str) -> Client:
    client = Client()
    client.force_login(User.objects.get(username=name))
    return client


def colleague(*permissions: str) -> Client:
    person = User.objects.create_user("grace", is_staff=True)
    person.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return logged_in("grace")


def text_of(answer: Any) -> str:
    assert answer.status_code == 200
    return str(answer.content.decode())


def listed(client: Client, **query: str) -> list[Quarantined]:
    answer = client.get(reverse(LIST), query)
    assert answer.status_code == 200
    return list(answer.context["cl"].result_list)


def page_of(row: Quarantined, name: str = "change") -> str:
    return reverse(f"admin:ingest_quarantined_{name}", args=[row.pk])


def act(client: Client, action: str, *rows: Quarantined, **more: str) -> list[str]:
    """Choose rows and an action; returns what the page says then."""
    form = {"action": action, "_selected_action": [str(row.pk) for row in rows], **more}
    answer = client.post(reverse(LIST), form, follow=True)
    assert answer.status_code == 200
    return [str(message) for message in answer.context["messages"]]


def test_the_list_says_what_was_refused_and_why(ada):
    kept(source="syslog", reason="hostname_missing", error="/hostname: It is missing." + "x" * 200, api_key="rsyslog")
    text = text_of(ada.get(reverse(LIST)))
    for words in ("syslog", "hostname_missing", "/hostname: It is missing.xxx", "rsyslog", "(quarantine)", "…"):
        assert words in text
    assert "x" * 100 not in text


def test_the_list_reads_no_bodies(ada, django_assert_max_num_queries):
    kept()
    with django_assert_max_num_queries(20) as asked:
        listed(ada)
    assert not [query["sql"] for query in asked if '"body"' in query["sql"]]


def test_the_newest_row_comes_first(ada):
    rows = [kept(at=NOW + timedelta(seconds=second)) for second in range(3)]
    assert listed(ada) == rows[::-1]


def test_rows_are_found_by_the_filters(ada):
    first = kept(source="syslog", reason="a", resent_at=NOW)
    second = kept(source="snmptrap", reason="b")
    assert listed(ada, source="syslog") == [first]
    assert listed(ada, reason="b") == [second]
    assert listed(ada, resent="yes") == [first]
    assert listed(ada, resent="no") == [second]


def test_rows_are_found_by_key_address_error_and_what_was_sent(ada):
    first = kept({"message": "über the core-router"}, api_key="rsyslog", address="10.1.1.1", error="It is missing.")
    second = kept({"message": "edge"}, api_key="snmptrapd", address="10.2.2.2", error="It is a number.")
    assert listed(ada, q="SYSLOG") == [first]
    assert listed(ada, q="10.2.") == [second]
    assert listed(ada, q="number") == [second]
    assert listed(ada, q="über the core") == [first]
    assert set(listed(ada, q="e")) == {first, second}
    assert listed(ada, q="nothing of the kind") == []


def test_one_row_shows_what_was_sent_and_nothing_in_it_is_taken_for_html(ada):
    row = kept(EVIL + b"\xff", error="<b>no</b>", errors=[{"pointer": "/<i>", "detail": "<u>"}])
    text = text_of(ada.get(page_of(row)))
    assert "<pre>{&quot;message&quot;: &quot;&lt;script&gt;alert(1)&lt;/script&gt;&quot;}\\xff</pre>" in text
    for html in ("<script>alert", "<b>no", "/<i>", "<u>"):
        assert html not in text
    assert "<b>no" not in text_of(ada.get(reverse(LIST)))


def test_nobody_adds_or_changes_a_row(ada):
    row = kept()
    assert ada.get(reverse("admin:ingest_quarantined_add")).status_code == 403
    assert ada.post(page_of(row), {"error": "mine"}).status_code == 403
    assert Quarantined.objects.get().error == "e"


def test_what_is_valid_by_now_is_sent_again_and_the_rest_says_why_not(ada):
    good, bad, done = kept(GOOD), kept(BAD), kept(GOOD, resent_at=NOW, resent_by="bob")
    said = act(ada, "send_again", good, bad, done)
    assert said[:2] == ["Sent again and accepted: 1.", "Not accepted: 2."]
    assert any(line.startswith(f"{bad.id}: /hostname: ") for line in said)
    assert any(line.startswith(f"{done.id}: It was sent again already") for line in said)
    good.refresh_from_db()
    assert (good.resent_by, journal().totals().accepted) == ("ada", 1)


def test_many_failures_are_told_in_bounds(ada, redis_away):
    rows = [kept(GOOD, at=NOW + timedelta(seconds=number)) for number in range(12)]
    said = act(ada, "send_again", *rows)
    assert said[0] == "Not accepted: 12."
    assert said[1] == f"{rows[0].id}: Redis is away: it was not sent again."
    assert said[-1] == "… and 2 more."
    assert len(said) == 12


def test_more_than_are_sent_again_at_once_are_left_for_the_next_time(ada, monkeypatch):
    monkeypatch.setattr(quarantine_admin, "MOST_AT_ONCE", 2)
    rows = [kept(GOOD, at=NOW + timedelta(seconds=number)) for number in range(3)]
    said = act(ada, "send_again", *rows)
    assert said == ["Sent again and accepted: 2.", "Only the oldest 2 were tried. Choose the rest again."]
    assert [row.resent_at is None for row in Quarantined.objects.order_by("id")] == [False, False, True]


def test_rows_are_deleted_by_who_may(ada):
    first, second = kept(), kept()
    assert ada.post(page_of(first, "delete"), {"post": "yes"}).status_code == 302
    act(ada, "delete_selected", second, post="yes")
    assert not Quarantined.objects.exists()


def test_who_may_only_look_may_do_nothing_else(ada):
    row = kept(GOOD)
    client = colleague("view_quarantined")
    text = text_of(client.get(reverse(LIST)))
    assert "send_again" not in text
    assert "delete_selected" not in text
    act(client, "send_again", row)
    act(client, "delete_selected", row, post="yes")
    assert client.post(page_of(row, "delete"), {"post": "yes"}).status_code == 403
    row.refresh_from_db()
    assert row.resent_at is None


def test_who_may_send_again_is_offered_that_and_no_more():
    row = kept(GOOD)
    client = colleague("view_quarantined", "resend_quarantined")
    assert "delete_selected" not in text_of(client.get(reverse(LIST)))
    assert act(client, "send_again", row) == ["Sent again and accepted: 1."]


def test_the_pages_need_neither_inline_styles_nor_scripts_of_ours(ada):
    row = kept(EVIL)
    for address in (reverse(LIST), page_of(row)):
        answer = ada.get(address)
        assert "style-src 'self'" in answer["Content-Security-Policy"]
        assert " style=" not in text_of(answer)
        assert "/ingest/quarantine.css" in text_of(answer)
    sheet = ada.get("/static/ingest/quarantine.css")
    assert b"pre-wrap" in sheet.getvalue()
    sheet.close()
