"""Search and export over the REST API."""

import base64
import csv
import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.db.models import BooleanField
from django.db.models.expressions import RawSQL
from django.test import Client
from django.test.utils import CaptureQueriesContext

from audit import searching
from audit.ids import batch_of, event_id, new_batch_id
from audit.models import Record
from ingest.validation import faults_of
from tests.unit.forwarder.records import alert
from tests.unit.mutt_project.calls import faults, get

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_server")]

NOW = datetime(2020, 11, 23, 12, tzinfo=UTC)
FIELDS: list[dict[str, Any]] = [
    {"hostname": "edge-1", "message": "%LINK-3-UPDOWN: Interface Gi0/7, changed state to down", "rule_id": 7},
    {"hostname": "edge-2", "message": "=cmd|'/c calc'!A1\n\"quoted\", größer", "team": "DBA", "rule_id": None},
    {"hostname": "edge-3", "message": "fan 2 failed", "team": "DBA", "rule_id": 8, "notes": ["redacted"]},
]


@pytest.fixture
def events() -> list[str]:
    """The ids of three events, the oldest first."""
    identifiers = []
    for number, fields in enumerate(FIELDS):
        identifier = event_id(new_batch_id(NOW + timedelta(minutes=number)), 0)
        alert(event_id=identifier, **fields).save(force_insert=True)
        identifiers.append(str(identifier))
    return identifiers


def exported(reader: Client, query: str, status: int = 200) -> str:
    response = reader.get(f"/api/v1/events/export?{query}")
    assert response.status_code == status
    return b"".join(response.streaming_content).decode()  # type: ignore[attr-defined] # a StreamingHttpResponse


@pytest.mark.parametrize(
    ("query", "places"),
    [
        ("rule_id=7", [0]),
        ("team=DBA", [2, 1]),
        ("text=gi0", [0]),
        ("text=interface+chang", [0]),
        ("text=quoted", [1]),
        ("text=fan+interface", []),
        ("team=DBA&text=fan", [2]),
        ("hostname=EDGE-2&team=DBA", [1]),
    ],
)
def test_events_are_found_by_rule_team_and_words(reader, events, query, places):
    found = [event["id"] for event in get(reader, f"events?{query}")["results"]]
    assert found == [events[place] for place in places]
    assert [json.loads(line)["id"] for line in exported(reader, query).splitlines()] == found


def test_events_are_found_by_their_batch_or_by_one_of_its_events(reader, events):
    batch = batch_of(Record.objects.get(pk=events[0]).event_id)
    for identifier in (batch, events[0]):
        assert [event["id"] for event in get(reader, f"events?batch={identifier}")["results"]] == events[:1]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("rule_id=seven", "rule_id"),
        ("rule_id=0", "rule_id"),
        ("rule_id=99999999999999999999", "rule_id"),
        ("batch=1", "batch"),
        ("text=---", "text"),
        (f"text={'a' * 1001}", "text"),
        ("form=xml", "form"),
    ],
)
def test_an_export_or_search_that_makes_no_sense_is_400_with_its_field(reader, query, field):
    assert f"/{field}" in faults(get(reader, f"events/export?{query}", 400))
    if field != "form":
        assert f"/{field}" in faults(get(reader, f"events?{query}", 400))


def test_a_csv_export_has_every_event_whole(reader, events):
    rows = list(csv.DictReader(io.StringIO(exported(reader, "form=csv"), newline="")))
    assert [row["id"] for row in rows] == events[::-1]
    assert [row["message"] for row in rows] == [
        "fan 2 failed",
        f"'{FIELDS[1]['message']}",  # a spreadsheet would run it
        FIELDS[0]["message"],
    ]
    assert rows[0]["notes"] == '["redacted"]'
    assert [json.loads(line)["message"] for line in exported(reader, "").splitlines()][1] == FIELDS[1]["message"]


def test_events_can_be_exported_as_the_webhook_takes_them(reader, events):
    first, second, third = [json.loads(line) for line in exported(reader, "form=events").splitlines()][::-1]
    assert [event["sent_before_as"] for event in (first, second, third)] == events
    assert not any(faults_of(event) for event in (first, second, third))
    assert (first["hostname"], first["message"]) == ("edge-1", FIELDS[0]["message"])
    assert "alert_key" not in second


@pytest.mark.parametrize(
    ("rule_id", "key", "original", "told"),
    [
        (7, "mutt:7:edge-1:door 7", "a raw line", "door 7"),
        (None, "", {"alert_key": "door 7"}, "door 7"),
        (None, "", "a raw line", None),
    ],
)
def test_what_is_exported_to_be_sent_again_keeps_the_object_of_its_alert(reader, rule_id, key, original, told):
    """By the key, where a rule has won; by what was sent, where none has."""
    alert(hostname="Edge-1", rule_id=rule_id, deduplication_key=key, event=original).save(force_insert=True)
    assert json.loads(exported(reader, "form=events")).get("alert_key") == told


LATEST = "ffffffff-ffff-ffff-ffff-ffffffffffff"


@pytest.mark.parametrize(
    "query", ["text=fan&until=0001-01-01", f"text=fan&cursor={base64.b64encode(f'p={LATEST}'.encode()).decode()}"]
)
def test_a_time_or_cursor_beyond_all_events_is_no_error(reader, events, query):
    expected = [] if "until" in query else [events[2]]
    assert [event["id"] for event in get(reader, f"events?{query}")["results"]] == expected


def test_a_page_after_an_id_beyond_all_events_is_a_page(events):
    user = User.objects.create_superuser("ada", password="a long password")
    client = Client()
    client.force_login(user)
    answer = client.get("/admin/audit/record/", {"text": "fan", "before": LATEST})
    assert (answer.status_code, "edge-3" in answer.content.decode()) == (200, True)


def test_an_export_of_nothing_has_the_names_of_the_columns_only(reader):
    assert exported(reader, "hostname=nobody") == ""
    (line,) = exported(reader, "hostname=nobody&form=csv").splitlines()
    assert line.startswith("id,batch,received_at,")


def test_an_export_of_many_is_read_a_page_at_a_time(reader, events, monkeypatch):
    monkeypatch.setattr(searching, "_PAGE", 2)
    with CaptureQueriesContext(connection) as queries:
        found = [json.loads(line)["id"] for line in exported(reader, "").splitlines()]
    assert found == events[::-1]
    assert sum("LIMIT 2" in query["sql"] for query in queries) == 2


@pytest.mark.parametrize("path", ["events", "events/export"])
def test_a_search_that_takes_too_long_is_400_and_says_what_to_do(reader, events, settings, monkeypatch, path):
    slow = RawSQL("pg_sleep(5) IS NOT NULL", [], output_field=BooleanField())
    monkeypatch.setattr(searching, "_says", lambda _: slow)
    settings.MUTT_SEARCH_TIMEOUT_S = 0.1
    assert "Narrow it" in str(get(reader, f"{path}?text=x", 400))


def test_a_key_that_may_only_send_events_may_not_export(make_key):
    sender = Client(headers={"X-API-KEY": make_key("ingest")})
    assert sender.get("/api/v1/events/export").status_code == 403


@pytest.mark.parametrize(
    "path", ["events/export", "events", "events/why-not?q=edge-1", "refusals", "ledger", "slo", "status"]
)
def test_a_person_without_the_right_to_look_sees_nothing(events, path):
    user = User.objects.create_user("bob", password="a long password", is_staff=True)
    person = Client()
    person.force_login(user)
    assert person.get(f"/api/v1/{path}").status_code == 403


def test_a_person_who_may_look_at_records_alone_is_told_nothing_of_refused_events(events):
    user = User.objects.create_user("bob", password="a long password", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_record"))
    person = Client()
    person.force_login(user)
    assert person.get("/api/v1/events/export").status_code == 200
    assert person.get("/api/v1/events/why-not?q=edge-1").status_code == 403
