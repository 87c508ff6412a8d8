"""The quarantine over the REST API: who may what, what is found, and what sending again answers."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from audit.journal import journal
from ingest.models import Scope
from ingest.quarantine_models import Quarantined
from tests.unit.ingest.test_quarantine import NOW, kept
from tests.unit.ingest.test_webhook import BAD, GOOD
from tests.unit.mutt_project.calls import faults, get, send

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_server")]

UNKNOWN = "01980000-0000-7000-8000-000000000001"


@pytest.fixture
def reader(make_key: Callable[..., str]) -> Client:
    return Client(headers={"X-API-KEY": make_key(Scope.READ, name="a reader")})


@pytest.fixture
def writer(make_key: Callable[..., str]) -> Client:
    return Client(headers={"X-API-KEY": make_key(Scope.READ, Scope.WRITE, name="a writer")})


def colleague(*permissions: str) -> Client:
    """A member of staff with these permissions and no others."""
    person = User.objects.create_user("grace", is_staff=True)
    person.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(person)
    return client


def found(client: Client, query: str = "") -> list[str]:
    return [row["id"] for row in get(client, f"quarantine{query}")["results"]]


def ids(*rows: Quarantined) -> list[str]:
    return [str(row.id) for row in rows]


def test_the_newest_come_first_in_pages_that_new_ones_do_not_disturb(reader):
    rows = [kept(at=NOW + timedelta(seconds=place)) for place in range(5)]
    first = get(reader, "quarantine?limit=2")
    kept(at=NOW + timedelta(hours=1))
    second = get(reader, first["next"].partition("/api/v1/")[2])
    assert [row["id"] for row in first["results"] + second["results"]] == ids(*rows[:0:-1])


def test_one_of_the_list_says_everything_but_its_body(reader):
    row = kept(b"\xff", source="syslog", reason="not_json", error="No.", errors=[{"pointer": "", "detail": "No."}])
    (one,) = get(reader, "quarantine")["results"]
    assert one == {
        "id": str(row.id), "received_at": NOW.isoformat().replace("+00:00", "Z"), "source": "syslog",
        "reason": "not_json",
        "error": "No.", "errors": [{"pointer": "", "detail": "No."}], "size": 1, "truncated": False,
        "redacted": False, "content_type": "application/json", "api_key": "a sensor", "address": "10.0.0.9",
        "resent_at": None, "resent_by": None, "batch": None,
    }  # fmt: skip
    assert get(reader, f"quarantine/{row.id}") == {**one, "body": "\\xff"}


def test_a_list_reads_no_bodies(reader, django_assert_num_queries):
    kept()
    found(reader)
    with django_assert_num_queries(1) as asked:
        found(reader)
    assert '"body"' not in asked[0]["sql"]


def test_rows_are_found_by_source_reason_time_and_whether_they_were_sent_again(reader):
    hour_before = (NOW - timedelta(hours=1)).isoformat().replace("+00:00", "Z")
    old = kept(at=NOW - timedelta(days=1), source="syslog", reason="not_json")
    new = kept(at=NOW, source="syslog", reason="too_deep", resent_at=NOW)
    trap = kept(at=NOW, source="snmptrap", reason="not_json", resent_at=NOW + timedelta(seconds=1))
    assert set(found(reader, "?source=syslog")) == set(ids(old, new))
    assert set(found(reader, "?reason=not_json")) == set(ids(old, trap))
    assert found(reader, "?source=syslog&reason=not_json") == ids(old)
    assert set(found(reader, "?resend=true")) == set(ids(new, trap))
    assert found(reader, "?resend=false") == ids(old)
    assert set(found(reader, f"?since={hour_before}")) == set(ids(new, trap))
    assert found(reader, f"?until={hour_before}") == ids(old)
    assert found(reader, "?source=sys") == []
    recent = kept(at=datetime.now(UTC))
    assert found(reader, "?since=-1h&until=2100-01-01")[0] == str(recent.id)


@pytest.mark.parametrize(
    ("query", "field"),
    [("since=yesterday", "since"), ("until=-5x", "until"), ("resend=perhaps", "resend"), ("source=a%00b", "source"),
     ("reason=" + "a" * 101, "reason")],
)  # fmt: skip
def test_a_search_that_makes_no_sense_is_400_with_its_field(reader, query, field):
    assert f"/{field}" in faults(get(reader, f"quarantine?{query}", 400))


@pytest.mark.parametrize("odd", [UNKNOWN, "-" * 36, "x", "5"])
def test_what_is_no_id_of_a_refused_event_is_404(writer, odd):
    get(writer, f"quarantine/{odd}", 404)
    send(writer, "DELETE", f"quarantine/{odd}", None, 404)
    send(writer, "POST", f"quarantine/{odd}/resend", None, 404)


def test_the_summary_counts_by_source_and_reason_since_a_moment(reader):
    now = datetime.now(UTC)
    kept(at=now - timedelta(hours=25), source="syslog")
    for hours in (3, 2, 1):
        kept(at=now - timedelta(hours=hours), source="syslog", reason="a", resent_at=now if hours == 3 else None)
    kept(at=now, source="snmptrap", reason="a")
    kept(at=now, source="syslog", reason="b")
    summary = get(reader, "quarantine/summary")
    rows = [(row["source"], row["reason"], row["count"], row["resent"]) for row in summary["results"]]
    assert rows == [("syslog", "a", 3, 1), ("snmptrap", "a", 1, 0), ("syslog", "b", 1, 0)]
    assert summary["count"] == 5
    assert datetime.fromisoformat(summary["results"][0]["last_seen"]) == now - timedelta(hours=1)
    assert get(reader, "quarantine/summary?since=-90m")["count"] == 3
    assert get(reader, "quarantine/summary?since=-30h")["count"] == 6
    assert "/since" in faults(get(reader, "quarantine/summary?since=then", 400))


def test_what_is_valid_by_now_is_sent_again(writer):
    row = kept(GOOD)
    answer = send(writer, "POST", f"quarantine/{row.id}/resend", None, 202)
    row.refresh_from_db()
    assert answer == {
        "id": str(row.id), "status": 202, "batch": str(row.batch_id), "accepted": 1, "rejected": 0, "detail": "",
    }  # fmt: skip
    assert row.resent_by == "key a writer"
    assert journal().look(UUID(answer["batch"])) is not None
    assert get(writer, f"quarantine/{row.id}")["batch"] == answer["batch"]


def test_what_was_sent_again_is_409_with_its_batch(writer):
    row = kept(GOOD)
    batch = send(writer, "POST", f"quarantine/{row.id}/resend", None, 202)["batch"]
    problem = send(writer, "POST", f"quarantine/{row.id}/resend", None, 409)
    assert batch in problem["detail"]
    assert "key a writer" in problem["detail"]


def test_what_is_kept_in_part_is_409(writer):
    row = kept(b"{", truncated=True, size=99_999)
    assert "99,999 bytes" in send(writer, "POST", f"quarantine/{row.id}/resend", None, 409)["detail"]


def test_what_is_not_valid_yet_is_422_with_what_is_wrong_now(writer):
    row = kept({**BAD, "message": 5}, error="something else")
    problem = send(writer, "POST", f"quarantine/{row.id}/resend", None, 422)
    assert (problem["status"], problem["title"]) == (422, "Unprocessable Entity")
    assert set(faults(problem)) == {"/hostname", "/message"}
    assert "two words" in faults(problem)["/hostname"]
    one = get(writer, f"quarantine/{row.id}")
    assert (one["resent_at"], {error["pointer"] for error in one["errors"]}) == (None, {"/hostname", "/message"})


def test_a_body_that_cannot_be_read_yet_is_422_too(writer):
    row = kept(b"neither\nnor")
    problem = send(writer, "POST", f"quarantine/{row.id}/resend", None, 422)
    assert "neither JSON nor NDJSON" in problem["detail"]


def test_many_are_sent_again_with_an_answer_for_each(writer):
    good, bad, done = kept(GOOD), kept(BAD), kept(GOOD, resent_at=NOW, resent_by="ada")
    wanted = [str(good.id), str(bad.id), UNKNOWN, str(done.id), str(good.id)]
    answer = send(writer, "POST", "quarantine/resend", {"ids": wanted}, 202)
    assert answer["resent"] == 1
    assert [one["id"] for one in answer["results"]] == wanted[:4]
    assert [one["status"] for one in answer["results"]] == [202, 422, 404, 409]
    assert [
        said for one, said in zip(answer["results"], ["", "two words", UNKNOWN, "by ada"], strict=True)
        if said in one["detail"]
    ] == ["", "two words", UNKNOWN, "by ada"]  # fmt: skip
    assert journal().totals().accepted == 1


@pytest.mark.parametrize(
    "body", [{}, {"ids": []}, {"ids": ["x"]}, {"ids": [UNKNOWN] * 1001}, {"ids": UNKNOWN}, [], None]
)
def test_a_request_for_many_that_makes_no_sense_is_400(writer, body):
    send(writer, "POST", "quarantine/resend", body, 400)


def test_while_redis_is_away_it_is_503_and_nothing_changes(writer, redis_away):
    row = kept(GOOD)
    send(writer, "POST", f"quarantine/{row.id}/resend", None, 503)
    answer = send(writer, "POST", "quarantine/resend", {"ids": [str(row.id), UNKNOWN]}, 202)
    assert [one["status"] for one in answer["results"]] == [503, 503]
    assert Quarantined.objects.get().resent_at is None


def test_one_is_deleted_and_no_other(writer):
    gone, stays = kept(), kept()
    send(writer, "DELETE", f"quarantine/{gone.id}", None, 204)
    assert list(Quarantined.objects.all()) == [stays]


def test_a_key_that_may_only_look_may_neither_send_again_nor_delete(reader):
    row = kept(GOOD)
    send(reader, "POST", f"quarantine/{row.id}/resend", None, 403)
    send(reader, "POST", "quarantine/resend", {"ids": [str(row.id)]}, 403)
    send(reader, "DELETE", f"quarantine/{row.id}", None, 403)
    row.refresh_from_db()
    assert row.resent_at is None


@pytest.mark.parametrize("path", ["quarantine", "quarantine/summary", f"quarantine/{UNKNOWN}"])
def test_a_key_that_may_only_send_events_may_not_look_and_nobody_without_a_key(make_key, path):
    get(Client(headers={"X-API-KEY": make_key(Scope.INGEST, Scope.WRITE)}), path, 403)
    get(Client(), path, 401)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_nobody_writes_refused_events(writer, method):
    row = kept()
    send(writer, method, "quarantine" if method == "POST" else f"quarantine/{row.id}", {}, 405)


@pytest.mark.parametrize(
    ("permission", "statuses"),
    [("view_quarantined", (200, 403, 403)), ("resend_quarantined", (403, 202, 403)),
     ("delete_quarantined", (403, 403, 204))],
)  # fmt: skip
def test_people_may_what_their_permissions_say(permission, statuses):
    row = kept(GOOD)
    client = colleague(permission)
    path = f"/api/v1/quarantine/{row.id}"
    answers: list[Any] = [client.get(path), client.post(f"{path}/resend"), client.delete(path)]
    assert tuple(answer.status_code for answer in answers) == statuses
    if permission == "resend_quarantined":
        row.refresh_from_db()
        assert row.resent_by == "grace"
