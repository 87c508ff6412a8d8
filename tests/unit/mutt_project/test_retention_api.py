"""Retention over the REST API: what it says, who may have months dropped and restored, and the dry run."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from audit.connections import redis_client
from audit.ids import new_batch_id
from audit.models import Archive
from audit.partitions import exists
from tests.unit.audit.months import DAYS, LONG_AGO, NOW, REASON, archiving_to, contents, fill, finish
from tests.unit.mutt_project.calls import faults, get, send
from tests.unit.mutt_project.test_delivery_api import person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_server")]


@pytest.fixture
def keeper(make_key: Callable[..., str]) -> Client:
    return Client(headers={"X-API-KEY": make_key("read", "admin", name="a keeper")})


def of(months: list[dict[str, Any]]) -> dict[str, Any]:
    (found,) = [one for one in months if one["month"] == str(LONG_AGO)]
    return found


def test_it_says_what_is_kept_how_long_and_what_is_archived(reader: Client, tmp_path: Path):
    fill()
    with archiving_to(tmp_path):
        shown = get(reader, "retention")
    assert (shown["days"], shown["archive_dir"], shown["without_archive"]) == (DAYS, str(tmp_path), False)
    assert (of(shown["months"])["may_go"], of(shown["months"])["why_not"]) == (True, "")
    assert of(shown["months"])["bytes"] > 0
    assert shown["archives"] == []


def test_a_dry_run_changes_nothing(keeper: Client, tmp_path: Path):
    fill()
    before = contents()
    with archiving_to(tmp_path):
        answer = send(keeper, "POST", "retention", {"dry_run": True}, 202)
    assert (answer["dry_run"], answer["begun"], of(answer["months"])["may_go"]) == (True, [], True)
    assert (contents(), Archive.objects.count(), list(tmp_path.iterdir())) == (before, 0, [])
    assert not redis_client().exists("maintenance")


def test_a_month_goes_and_comes_back_and_the_answer_tells_who_had_that_done(keeper: Client, tmp_path: Path):
    fill()
    with archiving_to(tmp_path):
        answer = send(keeper, "POST", "retention", {"reason": REASON}, 202)
        assert answer["begun"] == [str(LONG_AGO)]
        assert redis_client().llen("maintenance") == 1
        finish()
        (archive,) = get(keeper, "retention")["archives"]
        assert (archive["state"], archive["progress"], archive["records"]) == ("dropped", 1.0, 1)
        assert (archive["requested_by"], archive["reason"]) == ("API key a keeper", REASON)
        wanted = {"month": str(LONG_AGO), "reason": "an audit"}
        assert send(keeper, "POST", "retention/restore", wanted, 202)["state"] == "restoring"
        finish()
        (archive,) = get(keeper, "retention")["archives"]
        assert (archive["state"], archive["reason"]) == ("restored", "an audit")
        assert archive["keep_until"] is not None
        problem = send(keeper, "POST", "retention/restore", wanted, 409)
    assert "is in the database" in problem["detail"]


def test_other_days_hold_for_this_once(keeper: Client, tmp_path: Path):
    fill()
    with archiving_to(tmp_path):
        answer = send(keeper, "POST", "retention", {"days": 5000, "reason": REASON}, 202)
    assert (answer["begun"], of(answer["months"])["may_go"]) == ([], False)


def test_what_has_no_archive_cannot_be_restored(keeper: Client, tmp_path: Path):
    with archiving_to(tmp_path):
        problem = send(keeper, "POST", "retention/restore", {"month": str(LONG_AGO), "reason": "an audit"}, 409)
    assert problem["detail"] == f"There is no archive of {LONG_AGO}."


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("retention", {}, "/reason"),
        ("retention", {"days": 0, "dry_run": True}, "/days"),
        ("retention/restore", {"month": "2025-13", "reason": "x"}, "/month"),
        ("retention/restore", {"month": "../etc", "reason": "x"}, "/month"),
        ("retention/restore", {"month": "2025-01"}, "/reason"),
    ],
)
def test_what_is_wrong_is_pointed_at(keeper: Client, path: str, body: dict[str, Any], pointer: str):
    assert pointer in faults(send(keeper, "POST", path, body, 400))


def test_keys_need_admin_to_drop_and_read_to_look(reader: Client, writer: Client, keeper: Client):
    for client, status in ((reader, 403), (writer, 403), (keeper, 202)):
        send(client, "POST", "retention", {"dry_run": True}, status)
        assert get(client, "retention")["archives"] == []


@pytest.mark.parametrize(
    ("role", "status"), [("MUTT viewer", 403), ("MUTT editor", 403), ("MUTT operator", 403), ("MUTT admin", 409)]
)
def test_people_need_the_permission(role: str, status: int, tmp_path: Path):
    client = person(role)
    with archiving_to(tmp_path):
        send(client, "POST", "retention/restore", {"month": str(LONG_AGO), "reason": "an audit"}, status)
        get(client, "retention")
    assert not exists(LONG_AGO)


def test_an_event_that_is_asked_for_by_its_id_is_said_to_be_in_an_archive(keeper: Client, tmp_path: Path):
    (event,) = fill()
    with archiving_to(tmp_path):
        send(keeper, "POST", "retention", {"reason": REASON}, 202)
        finish()
    assert f"muttctl audit restore {LONG_AGO}" in get(keeper, f"events/{event}", 404)["detail"]
    for identifier in (new_batch_id(NOW), UUID(int=2**128 - 1)):
        assert "never accepted here" in get(keeper, f"events/{identifier}", 404)["detail"]
