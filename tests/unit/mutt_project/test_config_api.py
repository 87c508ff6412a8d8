"""Settings over the API and in admin."""

import json
from typing import Any

import pytest
from constance.codecs import dumps
from constance.models import Constance
from django.conf import settings as environment
from django.contrib.auth.models import Group, User
from django.test import Client

from audit.change_models import Change
from audit.tuning.present import tuned
from audit.tuning.storing import change
from mutt_project.roles import ensure_roles

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_server")]

PATH, PAGE = "/api/v1/config", "/admin/audit/setting/"
SIZE = "MOOGSOFT_BATCH_SIZE"


@pytest.fixture
def api(make_key) -> Client:
    return Client(headers={"X-API-KEY": make_key("read", "admin", name="a keeper")})


def send(api: Client, method: str, path: str, body: Any = None, **headers: str) -> Any:
    content = "" if body is None else json.dumps(body)
    return api.generic(method, path, content, "application/json", headers=headers)


def test_all_settings_are_listed_with_where_their_values_come_from(api):
    change({SIZE: 50})
    answer = api.get(PATH)
    found = {one["name"]: one for one in answer.json()["settings"]}
    assert (found[SIZE]["value"], found[SIZE]["default"], found[SIZE]["origin"]) == (50, 100, "run time")
    assert found["MOOGSOFT_RATE"]["value"] == environment.MOOGSOFT_RATE
    assert answer["ETag"] == f'"{answer.json()["version"]}"'
    assert not any("KEY" in name and "RATE" not in name for name in found)  # no secret is among them


def test_a_setting_is_set_and_taken_back(api):
    answer = send(api, "PUT", f"{PATH}/{SIZE}", {"value": "50", "reason": "CHG-1"})
    assert (answer.status_code, answer.json()["value"], answer.json()["by"]) == (200, 50, "API key a keeper")
    assert (answer.json()["why"], tuned.MOOGSOFT_BATCH_SIZE) == ("CHG-1", 50)
    assert send(api, "DELETE", f"{PATH}/{SIZE}", **{"X-Change-Reason": "CHG-2"}).status_code == 204
    assert tuned.MOOGSOFT_BATCH_SIZE == 100
    assert [one.reason for one in Change.objects.filter(kind="setting").order_by("id")] == ["CHG-1", "CHG-2"]


def test_without_a_reason_nothing_is_changed(api):
    for method, path, body in (
        ("PUT", f"{PATH}/{SIZE}", {"value": 50}),
        ("PATCH", PATH, {"values": {SIZE: 50}, "reason": " "}),
        ("DELETE", f"{PATH}/{SIZE}", None),
    ):
        answer = send(api, method, path, body)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/reason")
    assert tuned.MOOGSOFT_BATCH_SIZE == 100


def test_faults_have_pointers(api):
    answer = send(api, "PUT", f"{PATH}/{SIZE}", {"value": 0, "reason": "CHG-1"})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/value")
    values = {"MUTT_OPEN_BATCHES_HIGH": 10, "NO_SUCH": 1, SIZE: "x"}
    answer = send(api, "PATCH", PATH, {"values": values, "reason": "CHG-1"})
    assert [one["pointer"] for one in answer.json()["errors"]] == ["/values/NO_SUCH", f"/values/{SIZE}"]
    answer = send(api, "PATCH", PATH, {"values": {"MUTT_REDIS_MEMORY_HIGH": 0.5}, "reason": "CHG-1"})
    assert "change that one with it" in answer.json()["errors"][0]["detail"]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_what_is_no_setting_at_run_time_is_not_found(api, method):
    assert send(api, method, f"{PATH}/MUTT_SECRET_KEY", {"value": 1, "reason": "x"}).status_code == 404


def test_if_match_keeps_from_overwriting_what_somebody_else_did(api):
    tag = api.get(PATH)["ETag"]
    body = {"values": {SIZE: 50}, "reason": "CHG-1"}
    assert send(api, "PATCH", PATH, body, **{"If-Match": tag}).status_code == 200
    body["values"] = {SIZE: 60}
    for wanted in (tag, '"x"'):
        assert send(api, "PATCH", PATH, body, **{"If-Match": wanted}).status_code == 412
    assert tuned.MOOGSOFT_BATCH_SIZE == 50


def test_a_plan_has_the_tag_of_what_it_was_made_on(api):
    body = {"values": {SIZE: 50}, "reason": "CHG-1"}
    tag = send(api, "PATCH", PATH, body | {"dry_run": True})["ETag"]
    assert tag == api.get(PATH)["ETag"]
    change({SIZE: 40})
    assert send(api, "PATCH", PATH, body, **{"If-Match": tag}).status_code == 412
    tag = send(api, "PATCH", PATH, body | {"dry_run": True})["ETag"]
    assert send(api, "PATCH", PATH, body, **{"If-Match": tag}).status_code == 200


def test_whole_numbers_look_the_same_wherever_they_stand(api):
    changed = send(api, "PATCH", PATH, {"values": {"MOOGSOFT_BREAKER_OPEN_S": "300.0"}, "reason": "CHG-1"})
    shown = api.get(f"{PATH}/MOOGSOFT_BREAKER_OPEN_S")
    assert b'"after":300,' in changed.content.replace(b" ", b"")
    assert b'"value":300,' in shown.content.replace(b" ", b"")


def test_on_the_page_what_cannot_be_used_is_seen_and_taken_back():
    Constance.objects.create(key=SIZE, value=dumps(0))
    grace = person("admin")
    page = grace.get(PAGE)
    assert form_of(page)[SIZE] == "0"
    grace.post(PAGE, form_of(page, MOOGSOFT_BATCH_SIZE="", reason="CHG-1"))
    assert not Constance.objects.exists()


def test_without_postgresql_the_api_says_so_and_the_last_values_hold(api, postgresql_leaves):
    change({SIZE: 50})
    postgresql_leaves()
    assert send(api, "PUT", f"{PATH}/{SIZE}", {"value": 60, "reason": "x"}).status_code == 503
    assert tuned.MOOGSOFT_BATCH_SIZE == 50


def person(role: str) -> Client:
    ensure_roles()
    user = User.objects.create_user(role, is_staff=True)
    user.groups.add(Group.objects.get(name=f"MUTT {role}"))
    client = Client()
    client.force_login(user)
    return client


def form_of(page: Any, **changed: str) -> dict[str, str]:
    """What the browser sends: the fields as they are shown, but for these."""
    form = page.context["form"]
    shown = {field.name: str(field.value() if field.value() is not None else "") for field in form}
    return shown | changed


def test_the_page_sets_and_takes_back_and_an_empty_field_is_the_default():
    grace = person("admin")
    page = grace.get(PAGE)
    assert b"most events of one request" in page.content.lower()
    answer = grace.post(PAGE, form_of(page, MOOGSOFT_BATCH_SIZE="50", reason="CHG-1"), follow=True)
    assert f"{SIZE}: 100 → 50" in answer.content.decode()
    assert (tuned.MOOGSOFT_BATCH_SIZE, Change.objects.filter(kind="setting").count()) == (50, 1)
    noted = Change.objects.filter(kind="setting").latest("id")
    assert (noted.who, noted.via, noted.reason) == ("admin", "admin", "CHG-1")
    grace.post(PAGE, form_of(answer, MOOGSOFT_BATCH_SIZE="", reason="CHG-2"))
    assert tuned.MOOGSOFT_BATCH_SIZE == 100


def test_on_the_page_a_rate_of_the_environment_can_be_taken_away(settings):
    settings.MUTT_GLOBAL_RATE = "5/second"
    grace = person("admin")
    page = grace.get(PAGE)
    answer = grace.post(PAGE, form_of(page, MUTT_GLOBAL_RATE="none", reason="CHG-1"), follow=True)
    assert "MUTT_GLOBAL_RATE: 5/second → none" in answer.content.decode()
    assert (tuned.MUTT_GLOBAL_RATE, form_of(answer)["MUTT_GLOBAL_RATE"]) == ("", "none")


def test_on_the_page_a_fault_is_beside_its_field_and_a_loosened_guard_is_told():
    grace = person("admin")
    page = grace.get(PAGE)
    wrong = grace.post(PAGE, form_of(page, MOOGSOFT_BATCH_SIZE="0", MUTT_OPEN_BATCHES_HIGH="10", reason="x"))
    assert list(wrong.context["form"].errors) == [SIZE]
    assert tuned.MOOGSOFT_BATCH_SIZE == 100
    without = grace.post(PAGE, form_of(page, MOOGSOFT_BATCH_SIZE="50"))
    assert list(without.context["form"].errors) == ["reason"]
    answer = grace.post(PAGE, form_of(page, MUTT_RETENTION_DAYS="30", reason="x"), follow=True)
    assert "leave the database" in answer.content.decode()
    late = grace.post(PAGE, form_of(page, MOOGSOFT_BATCH_SIZE="50", reason="x"))
    assert "since you opened this page" in late.content.decode()
    assert tuned.MOOGSOFT_BATCH_SIZE == 100


def test_who_may_only_look_sees_the_values_and_no_form():
    change({SIZE: 50})
    page = person("viewer").get(PAGE).content.decode()
    assert "now <strong>50</strong>" in page
    assert 'name="reason"' not in page
