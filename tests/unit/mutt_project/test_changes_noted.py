"""Whatever a person or a key can change is noted: a new model, operation or action cannot be forgotten."""

import json
import re
from dataclasses import dataclass
from typing import Any

import pytest
from constance.codecs import dumps
from constance.models import Constance
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.utils import timezone

import mutt_project.urls  # noqa: F401 - it loads admin's pages
from audit.change_models import Change
from audit.changes import KINDS
from audit.ids import event_id, new_batch_id
from audit.models import Archive
from forwarder.breaker import breaker
from ingest.models import ApiKey, Scope
from ingest.replay_models import Replay
from mutt_project.roles import ensure_roles
from rules.models import DevelopmentHost, DeviceTeam, Rule
from tests.unit.audit.months import archiving_to, fill
from tests.unit.ingest.test_quarantine import kept
from tests.unit.ingest.test_webhook import GOOD
from tests.unit.mutt_project.test_delivery_api import dead
from tests.unit.mutt_project.test_openapi import ALL

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_server")]

_OURS = {"audit", "auth", "constance", "forwarder", "ingest", "mutt_project", "otp_static", "otp_totp", "rules"}
_HISTORY = "what triggers write of rules, hosts and teams; rows are only added"
_PIPELINE = "what became of events; nobody but MUTT writes it"
_FACTOR = "that a second factor is set up or removed is noted by mutt_project/login/second_factor.py"
NOT_NOTED = {
    "audit.attempt": _PIPELINE,
    "audit.change": "the changes themselves",
    "audit.record": _PIPELINE,
    "audit.setting": "no table; constance.constance has what is set",
    "audit.tally": _PIPELINE,
    "auth.permission": "made by migrate; who has which is noted",
    "forwarder.destination": "no table; what is done to the breaker is noted by forwarder/operating.py",
    "ingest.refusedrequests": _PIPELINE,
    "ingest.trafficminute": _PIPELINE,
    "mutt_project.provideridentity": "who somebody is at a provider; that one logs in by it is noted",
    "otp_static.staticdevice": _FACTOR,
    "otp_static.statictoken": _FACTOR,
    "otp_totp.totpdevice": _FACTOR,
    "rules.backtest": "tries a rule and changes none; gone after seven days",
    "rules.developmenthostchange": _HISTORY,
    "rules.deviceteamchange": _HISTORY,
    "rules.rulechange": _HISTORY,
    "rules.rulesetchange": _HISTORY,
    "rules.rulesetversion": _HISTORY,
}
_LINKS = {"auth.group_permissions", "auth.user_groups", "auth.user_user_permissions"}


def label_of(model: Any) -> str:
    return str(model._meta.label_lower)  # noqa: SLF001 - Django's documented Model._meta API


def models() -> dict[str, Any]:
    every = apps.get_models(include_auto_created=True)
    return {label_of(model): model for model in every if label_of(model).partition(".")[0] in _OURS}


def test_each_model_is_noted_or_is_said_why_not():
    assert {*KINDS, *_LINKS, *NOT_NOTED} == set(models())


@pytest.mark.parametrize("label", sorted({*KINDS, *_LINKS}))
def test_the_table_of_each_noted_model_has_its_trigger(label):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_trigger WHERE tgrelid = %s::regclass AND tgname LIKE '%%_noted%%'",
            [label.replace(".", "_")],
        )
        assert cursor.fetchone()[0] > 0


def test_no_field_with_a_name_of_a_secret_is_shown():
    secrets = re.compile("pass|secret|digest|token|signing|otp|seed|hash")
    named = {field.column for label in KINDS for field in models()[label]._meta.concrete_fields}  # noqa: SLF001 - as above
    suspicious = [name for name in sorted(named) if secrets.search(name)]
    assert suspicious == ["digest", "former_digest", "password", "signing_secrets"]
    with connection.cursor() as cursor:
        for name in suspicious:
            cursor.execute("SELECT audit_shown(%s, '\"x\"')", [name])
            assert cursor.fetchone()[0] == '"(not shown)"'


@dataclass(frozen=True)
class Noted:
    path: str
    body: Any
    kind: str
    what: str


RULE = {"name": "new", "match_string": "new", "prod_handling": "Ignore", "dev_handling": "Ignore"}
WHY = {"reason": "a test"}
EVERYTHING = {"filter": {"all": True}, **WHY}
OPERATIONS = {
    "breaker_update": Noted("", {"state": "open", "for_s": 60, **WHY}, "breaker", "forced_open"),
    "breaker_resume": Noted("", WHY, "breaker", "resumed"),
    "config_change": Noted("", {"values": {"MOOGSOFT_BATCH_SIZE": 50}, **WHY}, "setting", "changed"),
    "config_reset": Noted("setting", None, "setting", "deleted"),
    "config_set": Noted("setting", {"value": 50, **WHY}, "setting", "changed"),
    "dead_letters_discard_create": Noted("letter", WHY, "dead_letter", "changed"),
    "dead_letters_replay_create": Noted("letter", WHY, "dead_letter", "replayed"),
    "dead_letters_discard_many": Noted("", EVERYTHING, "dead_letter", "changed"),
    "dead_letters_replay_many": Noted("", EVERYTHING, "replay", "added"),
    "dev_hosts_create": Noted("", {"hostname": "new"}, "development_host", "added"),
    "dev_hosts_update": Noted("host", {"hostname": "new"}, "development_host", "changed"),
    "dev_hosts_partial_update": Noted("host", {"description": "new"}, "development_host", "changed"),
    "dev_hosts_destroy": Noted("host", None, "development_host", "deleted"),
    "dev_hosts_bulk_create": Noted("", {"entries": [{"hostname": "new"}]}, "development_host", "added"),
    "keys_create": Noted("", {"name": "new", "scopes": ["ingest"]}, "key", "added"),
    "keys_partial_update": Noted("key", {"is_active": False}, "key", "changed"),
    "keys_destroy": Noted("key", None, "key", "deleted"),
    "keys_drop_old_signing_secret_create": Noted("key", None, "key", "changed"),
    "keys_rotate_secret_create": Noted("key", {}, "key", "changed"),
    "keys_rotate_signing_secret_create": Noted("key", None, "key", "changed"),
    "quarantine_destroy": Noted("refused", None, "quarantined", "deleted"),
    "quarantine_resend_create": Noted("refused", None, "quarantined", "resent"),
    "quarantine_resend_many": Noted("refused", {"ids": ["{id}"]}, "quarantined", "resent"),
    "replays_stop": Noted("replay", None, "replay", "changed"),
    "retention_retain": Noted("", WHY, "archive", "added"),
    "retention_restore": Noted("", {"month": "2001-01", **WHY}, "archive", "changed"),
    "rules_create": Noted("", RULE, "rule", "added"),
    "rules_update": Noted("rule", RULE, "rule", "changed"),
    "rules_partial_update": Noted("rule", {"priority": 7}, "rule", "changed"),
    "rules_destroy": Noted("rule", None, "rule", "deleted"),
    "rules_bulk_create": Noted("", {"entries": [RULE]}, "rule", "added"),
    "teams_create": Noted("", {"hostname": "new", "team": "NETO"}, "team", "added"),
    "teams_update": Noted("team", {"hostname": "new", "team": "NETO"}, "team", "changed"),
    "teams_partial_update": Noted("team", {"team": "NETO"}, "team", "changed"),
    "teams_destroy": Noted("team", None, "team", "deleted"),
    "teams_bulk_create": Noted("", {"entries": [{"hostname": "new", "team": "NETO"}]}, "team", "added"),
}
CHANGE_NOTHING = {
    "auth_login_create": "noted as what it is, below",
    "auth_logout_create": "noted as what it is, below",
    "rules_backtests_create": "tries a rule on the past",
    "rules_test": "tries a rule on an event",
}
MUTATING = {
    operation["operationId"]: (method, path) for path, method, operation in ALL if method not in {"get", "head"}
}


def things() -> dict[str, Any]:
    """Something of each kind; by the word that stands in OPERATIONS."""
    now = timezone.now()
    Archive.objects.create(
        month="2001-01", state="dropped", path="/archives/2001-01", requested_by="x", started_at=now, updated_at=now
    )
    breaker().pause("HTTP 401")
    key = ApiKey.create("old", ["ingest"]).key
    key.add_signing_secret()
    key.add_signing_secret()
    key.save()
    return {
        "letter": dead(),
        "host": DevelopmentHost.objects.create(hostname="old"),
        "team": DeviceTeam.objects.create(hostname="old", team="DBA"),
        "rule": Rule.objects.create(name="old", match_string="x", prod_handling="Ignore", dev_handling="Ignore"),
        "key": key,
        "refused": kept(json.dumps(GOOD).encode()),
        "setting": Constance.objects.create(key="MOOGSOFT_BATCH_SIZE", value=dumps(60)),
        "replay": Replay.objects.create(requested_by="x", filter={}, rate=1, started_at=now, next_at=now, total=1),
    }


def test_each_operation_that_changes_something_is_known():
    assert {*OPERATIONS, *CHANGE_NOTHING} == set(MUTATING)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_operation_is_noted_with_who_why_and_from_where(make_key, tmp_path, operation):
    wanted, (method, path) = OPERATIONS[operation], MUTATING[operation]
    secret, made = make_key(*Scope.values, name="a caller"), things()
    if operation == "retention_retain":
        fill()
    where = path.replace("{id}", str(made[wanted.path].pk)) if wanted.path else path
    where = where.replace("{name}", "MOOGSOFT_BATCH_SIZE")
    request = f"request-{event_id(new_batch_id(timezone.now()), 0)}"
    headers = {"X-API-KEY": secret, "X-Change-Reason": "a test", "X-Correlation-ID": request}
    content = "" if wanted.body is None else json.dumps(wanted.body)
    if wanted.path:
        content = content.replace("{id}", str(made[wanted.path].pk))
    with archiving_to(tmp_path):
        client = Client(headers=headers, REMOTE_ADDR="192.0.2.7")
        answer = client.generic(method.upper(), where, content, "application/json")
    assert answer.status_code < 300, answer.content
    change = Change.objects.filter(correlation_id=request).earliest("id")
    assert (change.kind, change.what) == (wanted.kind, wanted.what)
    assert (change.who, change.via, change.address) == ("API key a caller", "API", "192.0.2.7")
    assert change.reason == "a test"
    assert "" not in (change.object_id, change.name)


_SECRETS = {"rotate_secret", "rotate_signing_secret", "drop_old_signing_secret"}
ACTIONS = {
    "audit.archive": set(),
    "audit.attempt": set(),
    "audit.change": set(),
    "audit.deadletter": {"replay", "discard"},
    "audit.record": set(),
    "audit.setting": set(),  # its form does what the API does
    "auth.group": {"add", "change", "delete"},
    "auth.user": {"add", "change", "delete", "remove_second_factor"},
    "forwarder.destination": set(),  # its form does what the API does
    "ingest.apikey": {"add", "change", "delete", *_SECRETS},
    "ingest.quarantined": {"delete", "send_again"},
    "ingest.refusedrequests": set(),
    "ingest.replay": {"stop"},
    "rules.developmenthost": {"add", "change", "delete"},
    "rules.deviceteam": {"add", "change", "delete"},
    "rules.rule": {"add", "change", "delete", "activate", "deactivate"},
}


def test_whatever_admin_can_change_is_of_a_model_that_is_noted(rf):
    request = rf.get("/")
    request.user = User(is_superuser=True, is_active=True)
    found = {}
    for model, pages in admin.site._registry.items():  # noqa: SLF001 - there is no other way to all of them
        may = {"add", "change", "delete"} & {word for word, able in pages.get_model_perms(request).items() if able}
        found[label_of(model)] = may | {*pages.get_actions(request)} - {"delete_selected"}
    assert found == ACTIONS
    assert {label for label, actions in found.items() if actions} <= set(KINDS)


@pytest.fixture
def grace() -> Client:
    ensure_roles()
    user = User.objects.create_user("grace", password="a long password", is_staff=True)
    user.groups.add(Group.objects.get(name="MUTT admin"))
    client = Client(REMOTE_ADDR="192.0.2.8")
    client.force_login(user)
    return client


def latest(kind: str) -> Change:
    return Change.objects.filter(kind=kind).latest("id")


def test_what_a_person_does_in_admin_is_noted_with_the_reason_of_the_form(grace):
    key, letter = ApiKey.create("old", ["ingest"]).key, dead()
    form = {"name": "new", "scopes": ["ingest"], "change_reason": "it moved"}
    assert grace.post(f"/admin/ingest/apikey/{key.pk}/change/", form).status_code == 302
    changed = latest("key")
    assert (changed.who, changed.via, changed.address, changed.reason) == ("grace", "admin", "192.0.2.8", "it moved")
    assert (changed.old["name"], changed.new["name"]) == ("old", "new")
    action = {"action": "discard", "why": "vendor test", "_selected_action": [letter.pk]}
    grace.post("/admin/audit/deadletter/", action)
    assert (latest("dead_letter").who, latest("dead_letter").reason) == ("grace", "vendor test")
    grace.post("/admin/forwarder/destination/", {"wish": "closed", "minutes": 5, "reason": "CHG-1"})
    assert (latest("breaker").what, latest("breaker").reason) == ("forced_closed", "CHG-1")


def test_what_is_refused_and_rolled_back_is_not_noted(make_key):
    client = Client(headers={"X-API-KEY": make_key("admin", name="a keeper")})
    own = ApiKey.objects.get(name="a keeper")
    answer = client.patch(f"/api/v1/keys/{own.pk}", {"is_active": False}, content_type="application/json")
    assert answer.status_code == 409
    assert latest("key").what == "added"


def test_logins_are_noted_and_names_that_do_not_exist_are_not_written_down():
    User.objects.create_user("grace", password="a long password", is_staff=True)
    client = Client()
    for name, password in (("grace", "wrong"), ("my-password", "wrong"), ("grace", "a long password")):
        client.post("/admin/login/", {"username": name, "password": password})
    client.post("/admin/logout/")
    noted = Change.objects.filter(kind="user").exclude(what="added").order_by("id")
    assert [(change.what, change.name) for change in noted][-4:] == [
        ("login_failed", "grace"), ("login_failed", "(no such user)"), ("logged_in", "grace"), ("logged_out", "grace"),
    ]  # fmt: skip
    assert noted.latest("id").who == "grace"
    assert noted.filter(what="login_failed").latest("id").who == "(not logged in)"


def test_muttctl_is_told_from_other_callers(make_key):
    headers = {"X-API-KEY": make_key("write", name="a writer"), "User-Agent": "muttctl"}
    Client(headers=headers).post("/api/v1/dev-hosts", {"hostname": "new"}, content_type="application/json")
    assert latest("development_host").via == "muttctl"


def test_a_person_is_told_that_postgresql_is_away_before_anything_is_changed(grace, postgresql_leaves):
    postgresql_leaves()
    answer = grace.post("/api/v1/dev-hosts", {"hostname": "new"}, content_type="application/json")
    assert (answer.status_code, answer["Content-Type"]) == (503, "application/problem+json")
