"""Changes are found, shown and taken away over the API and in admin, by those who may."""

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from audit import change_page
from audit.change_models import Change
from audit.changes import Kind, Noted, note_changes, noted_as
from rules.models import DevelopmentHost
from tests.unit.mutt_project.calls import faults, get
from tests.unit.mutt_project.test_delivery_api import person

pytestmark = pytest.mark.django_db


@pytest.fixture
def keeper(make_key: Callable[..., str]) -> Client:
    return Client(headers={"X-API-KEY": make_key("admin", name="a keeper")})


@pytest.fixture
def host() -> DevelopmentHost:
    """A host with three changes, in two requests."""
    with noted_as("ada", "admin", "new lab", "192.0.2.7", "request-1"):
        host = DevelopmentHost.objects.create(hostname="Lab-1", description="one")
    with noted_as("API key sync", "API", "=1+1", "192.0.2.8", "request-2"):
        DevelopmentHost.objects.update(description="=cmd|' /c calc'!A1")
        host.delete()
    host.pk = Change.objects.filter(kind="development_host").latest("id").object_id
    return host


def whats(client: Client, query: str) -> list[str]:
    return [one["what"] for one in get(client, f"changes?{query}")["results"]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("kind=development_host&name=lab-1", ["deleted", "changed", "added"]),
        ("kind=development_host&object={host}", ["deleted", "changed", "added"]),
        ("kind=development_host&what=changed&name=lab-1", ["changed"]),
        ("who=ada&correlation_id=request-1", ["added"]),
        ("correlation_id=request-2", ["deleted", "changed"]),
        ("name=lAB&kind=development_host", ["deleted", "changed", "added"]),
        ("name=ab-1&kind=development_host", []),
        ("kind=development_host&since=-1h&name=lab-1", ["deleted", "changed", "added"]),
        ("kind=development_host&until=-1h&name=lab-1", []),
        ("kind=rule&object={host}", []),
    ],
)
def test_changes_are_found_by_what_who_when_and_request(keeper, host, query, expected):
    assert whats(keeper, query.format(host=host.pk)) == expected


def test_a_change_says_everything(keeper, host):
    changed = get(keeper, f"changes?kind=development_host&object={host.pk}")["results"][1]
    assert get(keeper, f"changes/{changed['id']}") == changed
    del changed["id"], changed["at"]
    assert changed == {
        "who": "API key sync", "via": "API", "address": "192.0.2.8", "correlation_id": "request-2", "reason": "=1+1",
        "kind": "development_host", "object_id": str(host.pk), "name": "Lab-1", "what": "changed",
        "old": {"description": "one"}, "new": {"description": "=cmd|' /c calc'!A1"},
    }  # fmt: skip


def test_pages_go_on_while_new_changes_come(keeper, host):
    first = get(keeper, "changes?kind=development_host&limit=2&name=lab-1")
    note_changes([Noted(Kind.DEVELOPMENT_HOST, "1", "changed", "Lab-1")])
    second = get(keeper, first["next"].partition("/api/v1/")[2])
    assert [one["what"] for one in first["results"] + second["results"]] == ["deleted", "changed", "added"]


@pytest.mark.parametrize(
    ("query", "pointer"),
    [("kind=nonsense", "/kind"), ("since=yesterday", "/since"), ("who=%00", "/who")],
)
def test_a_wrong_question_is_answered_with_what_is_wrong(keeper, query, pointer):
    assert pointer in faults(get(keeper, f"changes?{query}", 400))


def test_an_unknown_change_is_not_found(keeper):
    get(keeper, "changes/999999999999999999", 404)


def test_all_that_is_found_can_be_taken_away(keeper, host):
    answer: Any = keeper.get("/api/v1/changes/export", {"form": "csv", "correlation_id": "request-2"})
    rows = list(csv.DictReader(io.StringIO(answer.getvalue().decode())))
    assert [row["what"] for row in rows] == ["deleted", "changed"]
    assert rows[0]["reason"] == "'=1+1"  # no formula, where a spreadsheet opens it
    assert json.loads(rows[1]["new"]) == {"description": "=cmd|' /c calc'!A1"}
    answer = keeper.get("/api/v1/changes/export", {"correlation_id": "request-2"})
    assert [json.loads(line)["what"] for line in answer.getvalue().splitlines()] == ["deleted", "changed"]


def test_keys_need_the_scope_admin_and_people_the_permission(reader, writer):
    for path in ("changes", "changes/1", "changes/export"):
        for client in (reader, writer, person_once("MUTT viewer"), person_once("MUTT editor")):
            assert client.get(f"/api/v1/{path}").status_code == 403
        assert Client().get(f"/api/v1/{path}").status_code == 401
    assert person_once("MUTT viewer").get("/admin/audit/change/").status_code == 403
    for role in ("MUTT operator", "MUTT admin"):
        assert person_once(role).get("/api/v1/changes").status_code == 200
        assert person_once(role).get("/admin/audit/change/").status_code == 200


_people: dict[str, Client] = {}


@pytest.fixture(autouse=True)
def _nobody_yet() -> None:
    _people.clear()


def person_once(role: str) -> Client:
    _people[role] = _people.get(role) or person(role)
    return _people[role]


def test_admin_shows_who_changed_what_and_why(host, monkeypatch):
    monkeypatch.setattr(change_page, "PAGE", 2)
    client = person("MUTT operator")
    where = f"/admin/audit/change/?kind=development_host&object={host.pk}"
    page = client.get(where).content.decode()
    assert "=cmd|&#x27; /c calc&#x27;!A1" in page
    assert "Older »" in page
    one = Change.objects.filter(kind="development_host", what="changed").latest("id")
    assert "new lab" in client.get(f"{where}&before={one.pk}").content.decode()
    detail = client.get(f"/admin/audit/change/{one.pk}/change/").content.decode()
    assert "<del>one</del>" in detail
    assert "request-2" in detail


def test_what_is_wrong_with_a_search_in_admin_stands_beside_its_field():
    page = person("MUTT operator").get("/admin/audit/change/?since=yesterday").content.decode()
    assert "is no time" in page


def test_the_page_of_a_thing_leads_to_its_changes():
    DevelopmentHost.objects.create(hostname="lab-2")
    host = DevelopmentHost.objects.get()
    path = f"/admin/rules/developmenthost/{host.pk}/change/"
    link = f"/admin/audit/change/?kind=development_host&amp;object={host.pk}"
    assert link in person("MUTT admin").get(path).content.decode()
    assert link not in person("MUTT editor").get(path).content.decode()
