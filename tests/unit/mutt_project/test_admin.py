"""Admin: every page opens, rules can be edited, and what MUTT wrote can only be read."""

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

import mutt_project.urls  # noqa: F401 - it loads admin's pages
from audit import search_page
from audit.ids import event_id, new_batch_id
from audit.models import Attempt, DeadLetter, Record
from ingest.authentication import KnownKeys
from ingest.models import ApiKey, Scope
from ingest.quarantine_models import Quarantined
from ingest.replay_models import Replay
from ingest.traffic_models import RefusedRequests
from rules.models import DevelopmentHost, DeviceTeam, Rule
from tests.unit.forwarder.records import NOW, alert

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_server")]

MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)  # noqa: SLF001
WRITTEN = [Record, Attempt, DeadLetter, RefusedRequests]
EDITABLE = [Rule, DevelopmentHost, DeviceTeam, ApiKey]


@pytest.fixture
def person() -> Client:
    User.objects.create_superuser("ada", password="a long password")
    client = Client()
    login = client.post(reverse("admin:login"), {"username": "ada", "password": "a long password"})
    assert login.status_code == 302
    return client


@pytest.fixture
def entries() -> dict[Any, Any]:
    """One entry of each model."""
    record = alert(message="<script>alert(1)</script>" + "x" * 200)
    record.save(force_insert=True)
    batch = {"batch_id": record.event_id, "event_ids": [record.event_id]}
    letter = {"stage": "moog", "reason": "refused", "payload": {}, "attempts": 1, "created_at": NOW}
    return {
        Record: record,
        Attempt: Attempt.objects.create(**batch, number=1, started_at=NOW, duration_ms=1.5, status=200),
        DeadLetter: DeadLetter.objects.create(event_id=record.event_id, **letter),
        Rule: Rule.objects.create(name="r", match_string="x", prod_handling="Ignore", dev_handling="Ignore"),
        DevelopmentHost: DevelopmentHost.objects.create(hostname="lab-1"),
        DeviceTeam: DeviceTeam.objects.create(hostname="core-1", team="CORE"),
        ApiKey: ApiKey.create("sensor", ["ingest"]).key,
        RefusedRequests: RefusedRequests.objects.create(
            hour=NOW, why="revoked_key", api_key="old", address="192.0.2.7", requests=3, last_at=NOW
        ),
        User: User.objects.create(username="grace"),
    }


def page(model: Any, name: str, *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=args)  # noqa: SLF001


def rule_form(**fields: Any) -> dict[str, Any]:
    handling = {"prod_handling": "Ignore", "dev_handling": "Ignore", "team_assignment": "NETO", "change_reason": "why"}
    return {"name": "n", "match_type": "contains", "match_string": "x", "priority": 5, **handling, **fields}


def test_all_models_are_there():
    assert {*WRITTEN, *EDITABLE, User} <= set(MODELS)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_each_list_opens_empty_or_not_and_can_be_searched(person, model, request):
    assert person.get(page(model, "changelist")).status_code == 200
    request.getfixturevalue("entries")
    assert person.get(page(model, "changelist")).status_code == 200
    assert person.get(page(model, "changelist"), {"q": "edge-1"}).status_code == 200


@pytest.mark.parametrize("model", [*WRITTEN, *EDITABLE, User], ids=lambda model: model.__name__)
def test_each_entry_opens(person, entries, model):
    assert person.get(page(model, "change", entries[model].pk)).status_code == 200


@pytest.mark.parametrize("model", EDITABLE, ids=lambda model: model.__name__)
def test_each_form_for_a_new_entry_opens(person, model):
    assert person.get(page(model, "add")).status_code == 200


@pytest.mark.parametrize("model", WRITTEN, ids=lambda model: model.__name__)
def test_what_mutt_wrote_nobody_adds_changes_or_deletes(person, entries, model):
    entry = entries[model]
    before = model.objects.values().get()
    assert person.get(page(model, "add")).status_code == 403
    assert person.post(page(model, "add"), {}).status_code == 403
    assert person.post(page(model, "change", entry.pk), {"reason": "mine"}).status_code in {403, 405}
    assert person.post(page(model, "delete", entry.pk), {"post": "yes"}).status_code == 403
    action = {"action": "delete_selected", "_selected_action": [str(entry.pk)], "post": "yes"}
    person.post(page(model, "changelist"), action)
    assert model.objects.values().get() == before


def test_a_record_tells_its_story_and_nothing_in_it_is_taken_for_html(person, entries):
    Record.objects.update(outcome="delivered", outcome_at=NOW)
    content = person.get(page(Record, "change", entries[Record].pk)).content.decode()
    assert "It became an alert: Moogsoft took it" in content
    assert "<script>alert" not in content
    assert "&lt;script&gt;alert" in content
    assert "<script>alert" not in person.get(page(Record, "changelist")).content.decode()


def test_a_rule_is_made_by_the_form(person):
    assert person.post(page(Rule, "add"), rule_form(name="made")).status_code == 302
    assert Rule.objects.get().name == "made"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"match_type": "regex", "match_string": "a(?=b)"}, "This expression cannot be taken"),
        ({"match_string": ""}, "this rule would match nothing"),
        ({"trap_oid": "linkDown"}, "Not an OID"),
        ({"priority": 0}, "greater than or equal to 1"),
    ],
)
def test_a_rule_that_could_never_work_is_refused_in_the_form(person, wrong, said):
    answer = person.post(page(Rule, "add"), rule_form(**wrong))
    assert answer.status_code == 200
    assert said in answer.content.decode()
    assert not Rule.objects.exists()


def test_a_host_is_listed_once_only(person, entries):
    form = {"hostname": "LAB-1.", "description": "", "change_reason": "why"}
    answer = person.post(page(DevelopmentHost, "add"), form)
    assert "is in this list already" in answer.content.decode()
    assert DevelopmentHost.objects.count() == 1


def test_a_new_key_shows_its_secret_once_and_works(person):
    answer = person.post(page(ApiKey, "add"), {"name": "new", "scopes": ["ingest"], "is_active": "on"}, follow=True)
    (message,) = [str(message) for message in answer.context["messages"] if "copy it now" in str(message)]
    secret = message.split()[3]
    caller = KnownKeys(max_age_s=0).find(secret)
    assert caller is not None
    assert caller.scopes == {Scope.INGEST}
    assert secret not in person.get(page(ApiKey, "change", ApiKey.objects.get().pk)).content.decode()


def test_changing_a_key_keeps_its_secret(person):
    made = ApiKey.create("sensor", ["ingest"])
    form = {"name": "renamed", "scopes": ["ingest", "read"], "is_active": "on"}
    assert person.post(page(ApiKey, "change", made.key.pk), form).status_code == 302
    caller = KnownKeys(max_age_s=0).find(made.secret)
    assert caller is not None
    assert (caller.name, caller.scopes) == ("renamed", frozenset({"ingest", "read"}))


def test_a_stranger_is_sent_to_the_login():
    for model in MODELS:
        answer = Client().get(page(model, "changelist"))
        assert (answer.status_code, answer["Location"].partition("?")[0]) == (302, reverse("admin:login"))


def test_the_front_door_leads_to_admin(person):
    answer = person.get("/", follow=True)
    assert answer.status_code == 200
    assert "MUTT" in answer.content.decode()
    assert "script-src 'self'" in answer["Content-Security-Policy"]


def test_a_person_uses_the_api_by_their_django_permissions(person):
    assert person.get("/api/v1/rules").status_code == 200
    User.objects.create_user("bob", password="b", is_staff=True)
    bob = Client()
    bob.force_login(User.objects.get(username="bob"))
    assert bob.get("/api/v1/rules").status_code == 403


@pytest.mark.parametrize("model", [*WRITTEN, Replay, Quarantined], ids=lambda model: model.__name__)
def test_a_list_of_what_mutt_wrote_counts_nothing(person, entries, model):
    with CaptureQueriesContext(connection) as queries:
        assert person.get(page(model, "changelist")).status_code == 200
    assert [query["sql"] for query in queries if "COUNT(" in query["sql"].upper()] == []


def test_a_list_goes_on_page_by_page_to_its_end(person):
    batch = new_batch_id(NOW)
    attempts = [
        Attempt(batch_id=batch, event_ids=[batch], number=number, started_at=NOW, duration_ms=1, status=500 + number)
        for number in range(250)
    ]
    Attempt.objects.bulk_create(attempts)
    lists = [person.get(page(Attempt, "changelist"), {"p": number}).context["cl"] for number in (1, 2, 3)]
    assert [len(one.result_list) for one in lists] == [100, 100, 50]
    assert [one.paginator.num_pages for one in lists] == [2, 3, 3]
    assert len(person.get(page(Attempt, "changelist"), {"p": "x"}).context["cl"].result_list) == 100


def searched(person: Client, **query: Any) -> Any:
    answer = person.get(page(Record, "changelist"), query)
    assert answer.status_code == 200
    return answer


def test_records_are_searched_in_admin_as_over_the_api(person, entries):
    other = alert(
        event_id=event_id(new_batch_id(NOW), 7), hostname="edge-9", message="fan failed", team="DBA", rule_id=9
    )
    other.save(force_insert=True)
    for query in ({"hostname": "EDGE-9"}, {"text": "fan fai"}, {"team": "DBA"}, {"rule_id": "9"}, {"batch": other.pk}):
        assert searched(person, **query).context["records"] == [other]
    assert searched(person, hostname="nobody").context["records"] == []
    assert "No event is like that." in searched(person, hostname="nobody").content.decode()
    assert "&lt;script&gt;alert(1)" in searched(person).content.decode()


@pytest.mark.parametrize(
    ("field", "value"),
    [("text", "---"), ("since", "yesterday"), ("batch", "7"), ("rule_id", "x"), ("outcome", "lost")],
)
def test_what_is_wrong_with_a_search_stands_beside_its_field(person, field, value):
    answer = searched(person, **{field: value})
    assert field in answer.context["form"].errors
    assert "records" not in answer.context


def test_a_search_in_admin_goes_on_to_older_records(person, monkeypatch):
    monkeypatch.setattr(search_page, "PAGE", 2)
    batch = new_batch_id(NOW)
    for number in range(5):
        alert(event_id=event_id(batch, number), hostname="edge-9").save(force_insert=True)
    seen, older = [], None
    for _ in range(3):
        context = searched(person, hostname="edge-9", **({"before": older} if older else {})).context
        seen += [record.event_id for record in context["records"]]
        older = context["older"]
    assert seen == [event_id(batch, number) for number in range(5)][::-1]
    assert older is None
