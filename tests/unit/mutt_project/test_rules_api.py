"""The REST API of rules, development hosts and teams: what is taken, and what is refused beside its field."""

import json

import pytest

from rules.changes import history_of
from rules.models import DevelopmentHost, DeviceTeam, Rule
from rules.ruleset import CurrentRuleSet
from tests.unit.mutt_project.calls import RULE, faults, get, send

pytestmark = pytest.mark.django_db


def test_a_rule_is_made_changed_and_deleted(writer):
    rule = send(writer, "POST", "rules", RULE, 201)
    defaults = {
        "match_type": "contains",
        "priority": 100,
        "team_assignment": "NETO",
        "is_active": True,
        "trap_oid": None,
    }
    assert (RULE | defaults).items() <= rule.items()
    assert send(writer, "PATCH", f"rules/{rule['id']}", {"priority": 5}, 200)["priority"] == 5
    changed = send(writer, "PUT", f"rules/{rule['id']}", {**RULE, "name": "Renamed", "trap_oid": ".1.3.6"}, 200)
    assert (changed["name"], changed["trap_oid"]) == ("Renamed", "1.3.6")
    assert get(writer, f"rules/{rule['id']}")["name"] == "Renamed"
    send(writer, "DELETE", f"rules/{rule['id']}", None, 204)
    get(writer, f"rules/{rule['id']}", 404)


@pytest.mark.parametrize(
    ("wrong", "field", "said"),
    [
        ({"match_string": None}, "match_string", "this rule would match nothing"),
        ({"match_string": "  "}, "match_string", ""),
        ({"match_type": "regex", "match_string": "a(?=b)"}, "match_string", "This expression cannot be taken"),
        ({"match_type": "regex", "match_string": None}, "match_string", "needs an expression"),
        ({"match_type": "oid_prefix"}, "trap_oid", "needs the OID"),
        ({"trap_oid": "linkDown"}, "trap_oid", "Not an OID"),
        ({"match_type": "glob"}, "match_type", "not a valid choice"),
        ({"syslog_severity": "Fatal"}, "syslog_severity", "not a valid choice"),
        ({"prod_handling": "Panic"}, "prod_handling", "not a valid choice"),
        ({"dev_handling": None}, "dev_handling", "may not be null"),
        ({"priority": 0}, "priority", "greater than or equal to 1"),
        ({"priority": 1001}, "priority", "less than or equal to 1000"),
        ({"name": "x" * 201}, "name", "no more than 200"),
    ],
)
def test_a_rule_that_could_never_work_is_refused_beside_its_field(writer, wrong, field, said):
    problem = send(writer, "POST", "rules", {**RULE, **wrong}, 400)
    assert said in faults(problem)[f"/{field}"]
    rule = send(writer, "POST", "rules", RULE, 201)
    assert f"/{field}" in faults(send(writer, "PATCH", f"rules/{rule['id']}", wrong, 400))
    assert Rule.objects.get().name == RULE["name"]


def test_rules_are_listed_the_strongest_first_and_can_be_searched(reader):
    for name, priority, active in (("weak", 500, True), ("strong", 1, True), ("off", 1, False)):
        Rule.objects.create(**{**RULE, "name": name, "priority": priority, "is_active": active})
    assert [rule["name"] for rule in get(reader, "rules")["results"]] == ["strong", "off", "weak"]
    assert [rule["name"] for rule in get(reader, "rules?search=EAK")["results"]] == ["weak"]
    assert [rule["name"] for rule in get(reader, "rules?is_active=false")["results"]] == ["off"]
    page = get(reader, "rules?limit=1")
    assert [rule["name"] for rule in get(reader, page["next"].partition("/api/v1/")[2])["results"]] == ["off"]


@pytest.mark.parametrize(
    ("path", "body", "change"),
    [
        ("dev-hosts", {"hostname": "lab-1", "description": "the lab"}, {"description": "moved"}),
        ("teams", {"hostname": "core-1", "team": "CORE"}, {"team": "EDGE"}),
    ],
)
def test_a_host_is_listed_changed_and_taken_off_and_is_listed_once_only(writer, path, body, change):
    entry = send(writer, "POST", path, {**body, "hostname": body["hostname"] + "."}, 201)
    assert entry == {"id": entry["id"], **body}
    assert send(writer, "PATCH", f"{path}/{entry['id']}", change, 200) == {**entry, **change}
    again = send(writer, "POST", path, {**body, "hostname": body["hostname"].upper()}, 400)
    assert "is in this list already" in faults(again)["/hostname"]
    assert "/hostname" in faults(send(writer, "POST", path, {**body, "hostname": ""}, 400))
    assert get(writer, path)["results"] == [{**entry, **change}]
    send(writer, "DELETE", f"{path}/{entry['id']}", None, 204)
    assert DevelopmentHost.objects.count() + DeviceTeam.objects.count() == 0


def test_a_body_that_is_no_json_is_400(writer):
    answer = writer.post("/api/v1/rules", b"{", content_type="application/json")
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    assert "JSON parse error" in answer.json()["detail"]


def test_a_rule_needs_no_name_as_the_seed_has_none(writer):
    seeds = {"match_string": "CPU high", "priority": 10, "prod_handling": "Ticket_only", "dev_handling": "Ignore"}
    assert send(writer, "POST", "rules", seeds, 201)["name"] == "message contains “CPU high”"


def answer(client, method, path, body=None, **headers):
    data = "" if body is None else json.dumps(body)
    return client.generic(method, f"/api/v1/{path}", data, content_type="application/json", headers=headers)


@pytest.mark.parametrize(
    ("method", "body"), [("PATCH", {"priority": 7}), ("PUT", {**RULE, "priority": 7}), ("DELETE", None)]
)
def test_what_somebody_else_has_changed_meanwhile_is_not_overwritten(writer, method, body):
    path = f"rules/{send(writer, 'POST', 'rules', RULE, 201)['id']}"
    read = writer.get(f"/api/v1/{path}")["ETag"]
    send(writer, "PATCH", path, {"description": "mine"}, 200)
    refused = answer(writer, method, path, body, if_match=read)
    assert (refused.status_code, refused["Content-Type"]) == (412, "application/problem+json")
    assert Rule.objects.get().priority == 100
    current = writer.get(f"/api/v1/{path}")["ETag"]
    done = answer(writer, method, path, body, if_match=f'"other", {current}')
    assert done.status_code in {200, 204}
    assert method == "DELETE" or done["ETag"] == writer.get(f"/api/v1/{path}")["ETag"] != current


def test_a_change_of_one_field_keeps_what_others_changed(writer):
    path = f"rules/{send(writer, 'POST', 'rules', RULE, 201)['id']}"
    send(writer, "PATCH", path, {"description": "theirs"}, 200)
    assert send(writer, "PATCH", path, {"priority": 7}, 200)["description"] == "theirs"


def test_each_change_is_kept_with_author_and_reason(writer):
    made = answer(writer, "POST", "rules", RULE, x_change_reason="first try").json()
    answer(writer, "PATCH", f"rules/{made['id']}", {"priority": 7}, x_change_reason="too weak")
    answer(writer, "PATCH", f"rules/{made['id']}", {"priority": 7})
    answer(writer, "DELETE", f"rules/{made['id']}")
    deleted, changed, added = history_of(Rule, made["id"])
    assert [(one.what, one.reason) for one in (added, changed, deleted)] == [
        ("added", "first try"),
        ("changed", "too weak"),
        ("deleted", ""),
    ]
    assert {one.author for one in (added, changed, deleted)} == {"API key a writer"}
    assert [(one.field, one.before, one.after) for one in changed.fields] == [("priority", 100, 7)]


def test_a_rule_that_can_never_win_is_warned_of(writer, monkeypatch):
    monkeypatch.setattr("rules.warnings.current_rule_set", CurrentRuleSet(max_age_s=0))
    send(writer, "POST", "rules", {**RULE, "name": "wide", "priority": 1}, 201)
    made = send(writer, "POST", "rules", {**RULE, "match_string": "link down"}, 201)
    assert "It can never win: “wide” (priority 1) comes first" in made["warnings"][0]
    assert send(writer, "PATCH", f"rules/{made['id']}", {"match_string": "up"}, 200)["warnings"] == []
    Rule.objects.filter(name="wide").update(priority=2)
    wider = {"match_string": "d", "priority": 1}
    (warning,) = send(writer, "PATCH", f"rules/{made['id']}", wider, 200)["warnings"]
    assert warning == "It takes every event of “wide” (priority 2), which can never win after it."


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("match_type=regex", ["b"]),
        ("team=core", ["b"]),
        ("handling=Ignore", ["a", "b", "c"]),
        ("handling=Ticket_only", ["b"]),
        ("severity=Error", ["c"]),
        ("search=1.3.6", ["a"]),
        ("ordering=-priority", ["c", "b", "a"]),
        ("ordering=name", ["a", "b", "c"]),
        ("ordering=-id", ["c", "b", "a"]),
        ("limit=2", ["a", "b"]),
    ],
)
def test_rules_are_filtered_and_sorted(reader, query, names):
    Rule.objects.create(**{**RULE, "name": "a", "priority": 1, "trap_oid": "1.3.6.1"})
    regex = {"match_type": "regex", "team_assignment": "CORE", "prod_handling": "Ticket_only"}
    Rule.objects.create(**{**RULE, "name": "b", "priority": 2, **regex})
    Rule.objects.create(**{**RULE, "name": "c", "priority": 3, "syslog_severity": "Error"})
    assert [rule["name"] for rule in get(reader, f"rules?{query}")["results"]] == names


@pytest.mark.parametrize("query", ["ordering=colour", "match_type=glob", "severity=9", "is_active=perhaps"])
def test_a_filter_that_makes_no_sense_is_refused(reader, query):
    assert f"/{query.partition('=')[0]}" in faults(get(reader, f"rules?{query}", 400))


def test_pages_in_any_order_show_each_rule_once(reader):
    for number in range(7):
        Rule.objects.create(**{**RULE, "name": f"same {number % 2}", "priority": number % 3 + 1})
    for ordering in ("name", "-priority", "id", "-updated_at"):
        seen, path = [], f"rules?limit=2&ordering={ordering}"
        while path:
            page = get(reader, path)
            seen += [rule["id"] for rule in page["results"]]
            path = page["next"] and page["next"].partition("/api/v1/")[2]
        assert sorted(seen) == sorted(Rule.objects.values_list("pk", flat=True))


def test_a_body_that_is_too_large_is_413(writer, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    refused = answer(writer, "POST", "rules", {**RULE, "notes": "x" * 200})
    assert (refused.status_code, refused["Content-Type"]) == (413, "application/problem+json")
