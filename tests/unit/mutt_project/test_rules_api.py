"""The REST API of rules, development hosts and teams: what is taken, and what is refused beside its field."""

import pytest

from rules.models import DevelopmentHost, DeviceTeam, Rule
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
