"""Many rules, hosts and teams at once: all or nothing, with the errors beside their entries."""

import threading
import time

import pytest
from django.db import connection, transaction

from rules.changes import history_of
from rules.models import DevelopmentHost, DeviceTeam, Rule, RuleSetVersion
from tests.unit.mutt_project.calls import RULE, faults, get, send

pytestmark = pytest.mark.django_db


def named(name: str, **fields: object) -> dict[str, object]:
    return {**RULE, "name": name, **fields}


def bulk(client, path="rules", status=200, **body):
    return send(client, "POST", f"{path}/bulk", body, status)


def test_entries_are_created_changed_and_deleted_in_one_go(writer):
    old, gone = (Rule.objects.create(**named(name)) for name in ("old", "gone"))
    done = bulk(writer, entries=[named("old", priority=7), named("new", match_string="up")], delete=[gone.pk])
    assert (done["created"], done["updated"], done["deleted"], done["unchanged"]) == (1, 1, 1, 0)
    assert {rule.name: rule.priority for rule in Rule.objects.all()} == {"old": 7, "new": 100}
    assert {"action": "update", "id": old.pk, "name": "old", "fields": {"priority": [100, 7]}} in done["changes"]
    assert done["rule_set_version"] == RuleSetVersion.objects.get().version


@pytest.mark.parametrize(("path", "field"), [("rules", "description"), ("teams", "team"), ("dev-hosts", "description")])
@pytest.mark.parametrize("text", ["a\x00b", "\ud800"])
def test_what_the_database_cannot_keep_is_refused_with_its_place(writer, path, field, text):
    entry = named("odd") if path == "rules" else {"hostname": "odd"}
    problem = bulk(writer, path, 400, entries=[{**entry, field: text}])
    assert "NUL or half of a surrogate pair" in faults(problem)[f"/entries/0/{field}"]


def test_a_dry_run_says_what_would_be_done_and_does_nothing(writer):
    Rule.objects.create(**named("old"))
    version = RuleSetVersion.objects.get().version
    done = bulk(writer, entries=[named("new")], others="delete", dry_run=True)
    assert (done["dry_run"], done["created"], done["deleted"]) == (True, 1, 1)
    assert Rule.objects.get().name == "old"
    assert RuleSetVersion.objects.get().version == version


def test_what_is_not_among_the_entries_goes_where_that_is_asked_for(writer):
    for name in ("stays", "goes"):
        Rule.objects.create(**named(name))
    done = bulk(writer, entries=[{"name": "stays"}], others="delete")
    assert (done["unchanged"], done["deleted"]) == (1, 1)
    assert Rule.objects.get().name == "stays"


def test_one_wrong_entry_stops_all_and_each_fault_has_its_pointer(writer):
    Rule.objects.create(**named("twice"))
    Rule.objects.create(**named("twice"))
    problem = bulk(
        writer,
        status=400,
        entries=[
            named("good"),
            named("bad oid", trap_oid="1.3.x"),
            named("bad type", priority="high"),
            named("good"),
            named("twice"),
            named("no such", colour="red"),
            {"name": "no handling", "match_string": "x"},
            named("by id", id=10**9),
            named("text as number", match_string=13),
        ],
        delete=[10**9],
    )
    said = faults(problem)
    assert "Not an OID" in said["/entries/1/trap_oid"]
    assert said["/entries/2/priority"] == "'high' is not a whole number."
    assert "the same as entry 1" in said["/entries/3/name"]
    assert "2 entries are called “twice”" in said["/entries/4/name"]
    assert "no such field" in said["/entries/5/colour"]
    assert "/entries/6/prod_handling" in said
    assert "no entry with the id" in said["/entries/7/id"]
    assert "put it in quotes" in said["/entries/8/match_string"]
    assert "/delete/0" in said
    assert Rule.objects.count() == 2


def test_a_plan_that_is_out_of_date_is_refused(writer):
    version = bulk(writer, entries=[named("a")], dry_run=True)["rule_set_version"]
    bulk(writer, entries=[named("b")])
    problem = bulk(writer, status=409, entries=[named("a")], rule_set_version=version)
    assert "look at the plan again" in problem["detail"]
    now = bulk(writer, entries=[named("a")], dry_run=True)["rule_set_version"]
    assert bulk(writer, entries=[named("a")], rule_set_version=now)["created"] == 1


def test_examples_that_fail_stop_the_change(writer):
    wrong = {"match": ["link up"], "no_match": ["link down"]}
    problem = bulk(writer, status=400, entries=[named("a", examples=wrong)])
    assert "/match/0" in faults(problem)["/entries/0/examples"]
    assert "/no_match/0" in faults(problem)["/entries/0/examples"]
    right = {"match": ["link down", {"message": "DOWN"}], "no_match": ["link up"]}
    assert bulk(writer, entries=[named("a", examples=right)])["created"] == 1


def test_rules_that_could_never_win_are_warned_of(writer):
    done = bulk(
        writer,
        entries=[
            named("narrow", match_string="link down", priority=500),
            named("wide", match_string="down", priority=10),
            named("other", match_string="up", priority=500),
        ],
    )
    (warning,) = done["warnings"]
    assert warning["pointer"] == "/entries/0"
    assert "“wide” (priority 10)" in warning["detail"]


@pytest.mark.parametrize(
    ("path", "field", "model"), [("dev-hosts", "description", DevelopmentHost), ("teams", "team", DeviceTeam)]
)
def test_thousands_of_hosts_are_set_at_once_and_known_ones_are_changed(writer, path, field, model):
    entries = [{"hostname": f"host-{number}", field: "FIELD"} for number in range(3000)]
    assert bulk(writer, path, entries=entries)["created"] == 3000
    assert bulk(writer, path, entries=entries)["unchanged"] == 3000
    done = bulk(writer, path, entries=[{"hostname": "HOST-7.", field: "CORE"}], delete=["host-8"])
    assert (done["updated"], done["deleted"]) == (1, 1)
    assert model.objects.count() == 2999


def test_wrong_hosts_are_refused_beside_their_entries(writer):
    entries = [
        {"hostname": "a", "team": "T"},
        {"hostname": "", "team": "T"},
        {"hostname": "A.", "team": ""},
        "x",
        {"team": "T"},
    ]
    problem = bulk(writer, "teams", status=400, entries=entries[:3])
    assert set(faults(problem)) == {"/entries/1/hostname", "/entries/2/team"}
    assert bulk(writer, "teams", status=400, entries=entries[3:4])
    assert set(faults(bulk(writer, "teams", status=400, entries=entries[4:]))) == {"/entries/0/hostname"}
    assert not DeviceTeam.objects.exists()


def test_bulk_changes_are_in_the_history_with_author_and_reason(writer):
    answer = writer.post(
        "/api/v1/rules/bulk",
        {"entries": [named("a")]},
        content_type="application/json",
        headers={"X-Change-Reason": "Störung".encode().decode("latin-1")},
    )
    assert answer.status_code == 200
    (change,) = history_of(Rule, Rule.objects.get().pk)
    assert (change.what, change.author, change.via, change.reason) == ("added", "API key a writer", "API", "Störung")


def test_a_key_that_may_only_read_changes_nothing(reader):
    bulk(reader, status=403, entries=[named("a")])
    assert get(reader, "rules")["results"] == []


@pytest.mark.django_db(transaction=True)
def test_who_changes_a_rule_waits_for_whoever_changes_several_and_neither_is_broken_off(writer):
    RuleSetVersion.objects.get_or_create(pk=1)  # tests of this kind leave all tables empty
    mine, yours = (Rule.objects.create(**named(name)) for name in ("mine", "yours"))
    answers = []

    def delete() -> None:
        try:
            answers.append(writer.delete(f"/api/v1/rules/{yours.pk}").status_code)
        finally:
            connection.close()

    other = threading.Thread(target=delete)
    with transaction.atomic():
        Rule.objects.filter(pk=mine.pk).update(priority=7)
        other.start()
        time.sleep(0.5)  # so long it has been waiting for us, with a rule of its own in its hands or without
        Rule.objects.filter(pk=yours.pk).update(priority=7)
    other.join()
    assert answers == [204]
    assert list(Rule.objects.values_list("name", "priority")) == [("mine", 7)]
