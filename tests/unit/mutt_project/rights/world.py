"""A MUTT with one of everything, and for each operation a request that would do something to it."""

from datetime import timedelta
from typing import Any

from constance.codecs import dumps
from constance.models import Constance
from django.contrib.auth.models import Group, User
from django.utils import timezone
from django_otp.plugins.otp_totp.models import TOTPDevice

from audit.change_models import Change
from audit.ids import event_id, new_batch_id
from audit.models import Archive, Attempt, DeadLetter
from ingest.models import ApiKey
from ingest.quarantine_models import Quarantined
from ingest.replay_models import Replay
from ingest.traffic_models import RefusedRequests
from rules.backtest_models import Backtest
from rules.changes import changing, history_of
from rules.models import DevelopmentHost, DeviceTeam, Rule
from tests.unit.forwarder.records import alert
from tests.unit.ingest.test_quarantine import kept
from tests.unit.mutt_project.calls import RULE

EVENT = {"hostname": "edge-1", "timestamp": "2026-11-23T08:30:00Z", "message": "it happened"}
_RULE_FORM = {**RULE, "match_type": "contains", "team_assignment": "NETO", "priority": 7}


def one_of_everything() -> dict[str, Any]:
    """Entries by the label of their model."""
    now = timezone.now()
    identifier = event_id(new_batch_id(now), 0)
    record = alert(event_id=identifier, outcome="dead", reason="refused")
    record.save(force_insert=True)
    letter = {"stage": "moog", "reason": "refused", "payload": EVENT, "attempts": 1, "created_at": now}
    with changing("ada", "admin", "to begin with"):
        edited = [
            Rule.objects.create(**{**RULE, "name": "a rule", "match_string": "never said"}),
            DevelopmentHost.objects.create(hostname="lab-1"),
            DeviceTeam.objects.create(hostname="core-1", team="CORE"),
        ]
    key = ApiKey(name="a key of two secrets", scopes=["ingest"])
    key.add_signing_secret()
    key.add_signing_secret()
    key.save_as_new()
    User.objects.create_user("lovelace", password="correct horse battery", is_staff=True)
    ApiKey.create("a key that manages keys", ["admin"])
    asked = {"requested_by": "ada", "started_at": now}
    entries = [
        *edited,
        record,
        Attempt.objects.create(
            batch_id=identifier, event_ids=[identifier], number=1, started_at=now, duration_ms=1, status=400
        ),
        DeadLetter.objects.create(event_id=identifier, **letter),
        Archive.objects.create(month="2024-12", state="dropped", path="/nowhere", updated_at=now, **asked),
        Replay.objects.create(filter={}, rate=1, next_at=now + timedelta(days=1), total=5, **asked),
        Quarantined.objects.get(pk=kept(EVENT, at=now).pk),
        RefusedRequests.objects.create(hour=now, why="no_key", api_key="", address="::1", requests=1, last_at=now),
        key,
        _person_with_a_second_factor("grace"),
        Group.objects.create(name="trainees"),
        Backtest.objects.create(draft={}, updated_at=now, status="done", **asked),
    ]
    Constance.objects.create(key="MOOGSOFT_BATCH_SIZE", value=dumps(60))
    entries.append(Change.objects.all()[0])
    return {one._meta.label_lower: one for one in entries}  # noqa: SLF001


def _person_with_a_second_factor(name: str) -> User:
    person = User.objects.create(username=name)
    TOTPDevice.objects.create(user=person)
    return person


def places(world: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What stands in the paths for their parameters, by the beginning of the path."""
    history = {
        name: {
            "pk": world[label].pk,
            "object_id": world[label].pk,
            "change_id": history_of(type(world[label]), world[label].pk)[0].id,
        }
        for name, label in _EDITED.items()
    }
    return {
        "/webhook": {"source": "native", "token": "none"},
        "/api/v1/events": {"event_id": world["audit.record"].pk},
        "/api/v1/rules": history["rules"],
        "/api/v1/rules/backtests": {"id": world["rules.backtest"].pk},
        "/api/v1/dev-hosts": history["dev-hosts"],
        "/api/v1/teams": history["teams"],
        "/api/v1/dead-letters": {"id": world["audit.deadletter"].pk},
        "/api/v1/replays": {"id": world["ingest.replay"].pk},
        "/api/v1/quarantine": {"id": world["ingest.quarantined"].pk},
        "/api/v1/changes": {"id": world["audit.change"].pk},
        "/api/v1/config": {"name": "MOOGSOFT_BATCH_SIZE"},
        "/api/v1/keys": {"pk": world["ingest.apikey"].pk},
        "/api/v1/keys/{pk}/rotate-secret": {"pk": ApiKey.objects.get(name="a key that manages keys").pk},
        "/admin/{app_label}": {"app_label": "rules"},
        "/admin/rules/rule/backtest": {"id": world["rules.backtest"].pk},
        "/admin/rules/rule/{": history["rules"],
        "/admin/rules/developmenthost/{": history["dev-hosts"],
        "/admin/rules/deviceteam/{": history["teams"],
        "/admin/audit/record": {"id": world["audit.record"].pk},
        "/admin/auth/user": {"id": world["auth.user"].pk},
    }


_EDITED = {"rules": "rules.rule", "dev-hosts": "rules.developmenthost", "teams": "rules.deviceteam"}
_RULE = {**RULE, "name": "another"}
_HOST = {"hostname": "lab-2", "description": "of the lab"}
_TEAM = {"hostname": "core-2", "team": "DBA"}
_WHY = {"reason": "a test"}
_ALL = {"filter": {"all": True}, **_WHY}
_PASTED = {"lines": "lab-9 x", "change_reason": "why", "_save": "Save"}
_PASSWORD = {"password1": "correct horse battery", "password2": "correct horse battery", "usable_password": "true"}

# JSON for the API, forms for admin, or what makes them of the entries; what is not here needs no body.
BODIES: dict[str, Any] = {
    "POST /webhook": EVENT,
    "POST /webhook/{source}": EVENT,
    "POST /webhook/{source}/{token}": EVENT,
    "POST /api/v1/rules": _RULE,
    "PUT /api/v1/rules/{pk}": _RULE,
    "PATCH /api/v1/rules/{pk}": {"priority": 3},
    "POST /api/v1/rules/bulk": {"entries": [_RULE]},
    "POST /api/v1/rules/test": {"event": EVENT},
    "POST /api/v1/rules/backtests": {"draft": _RULE},
    "POST /api/v1/dev-hosts": _HOST,
    "PUT /api/v1/dev-hosts/{pk}": _HOST,
    "PATCH /api/v1/dev-hosts/{pk}": {"description": "new"},
    "POST /api/v1/dev-hosts/bulk": {"entries": [_HOST]},
    "POST /api/v1/teams": _TEAM,
    "PUT /api/v1/teams/{pk}": _TEAM,
    "PATCH /api/v1/teams/{pk}": {"team": "NEW"},
    "POST /api/v1/teams/bulk": {"entries": [_TEAM]},
    "PATCH /api/v1/config": {"values": {"MOOGSOFT_BATCH_SIZE": 70}, **_WHY},
    "PUT /api/v1/config/{name}": {"value": 70, **_WHY},
    "PUT /api/v1/breaker": {"state": "open", "for_s": 60, **_WHY},
    "POST /api/v1/breaker/resume": _WHY,
    "POST /api/v1/dead-letters/{id}/replay": _WHY,
    "POST /api/v1/dead-letters/{id}/discard": _WHY,
    "POST /api/v1/dead-letters/replay": _ALL,
    "POST /api/v1/dead-letters/discard": _ALL,
    "POST /api/v1/quarantine/resend": lambda entries: {"ids": [str(entries["ingest.quarantined"].pk)]},
    "POST /api/v1/retention": {"dry_run": True},
    "POST /api/v1/retention/restore": {"month": "2024-12", **_WHY},
    "POST /api/v1/keys": {"name": "a new one", "scopes": ["admin"]},
    "PATCH /api/v1/keys/{pk}": {"name": "renamed"},
    "POST /api/v1/keys/{pk}/rotate-secret": {"grace_hours": 1},
    "POST /admin/login/": {"username": "grace", "password": "guessed"},
    "POST /api/v1/auth/login": {"username": "lovelace", "password": "correct horse battery"},
    "POST /admin/second-factor/": {"code": "000000"},
    "POST /admin/password_change/": {"old_password": "guessed", "new_password1": "x", "new_password2": "x"},
    "POST /admin/rules/rule/explain/": {"try_event": "it happened"},
    "POST /admin/rules/rule/backtest/": {**_RULE_FORM, "is_active": "on"},
    "POST /admin/rules/developmenthost/paste/": _PASTED,
    "POST /admin/rules/deviceteam/paste/": _PASTED,
    "POST /admin/audit/setting/": lambda entries: {
        "MOOGSOFT_BATCH_SIZE": "70",
        "version": Change.objects.filter(kind="setting").latest("id").pk,
        **_WHY,
    },
    "POST /admin/forwarder/destination/": {"wish": "open", "minutes": "5", **_WHY},
    "POST /admin/auth/user/{id}/password/": _PASSWORD,
}
# What they do is to answer: their request here changes nothing even for those who may.
QUIET = {
    *("POST /api/v1/rules/test", "POST /api/v1/breaker/resume", "POST /api/v1/retention"),
    *("POST /admin/password_change/", "POST /admin/second-factor/", "POST /admin/rules/rule/explain/"),
}
QUERIES = {"/api/v1/events/why-not": "?q=edge-1", "/admin/audit/record/why-not/": "?q=edge-1"}

# The forms of admin; who may change something may leave a field out.
FORMS: dict[str, dict[str, Any]] = {
    "rules.rule": {**_RULE_FORM, "name": "by form", "change_reason": "why"},
    "rules.developmenthost": {**_HOST, "change_reason": "why"},
    "rules.deviceteam": {**_TEAM, "change_reason": "why"},
    "ingest.apikey": {"name": "by form", "scopes": ["ingest"], "is_active": "on"},
    "auth.user": {
        "username": "hopper",
        "is_active": "on",
        **_PASSWORD,
        "date_joined_0": "2026-11-23",
        "date_joined_1": "08:30:00",
    },
    "auth.group": {"name": "by form"},
}
