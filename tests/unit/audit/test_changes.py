"""The database notes every change, whoever makes it, without secrets, and nobody can rewrite what it has noted."""

from datetime import timedelta
from importlib import import_module

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.db import DatabaseError, connection, transaction
from django.db.models import QuerySet

from audit.change_models import Change
from audit.changes import Kind, Noted, note_changes, noted_as
from ingest.models import ApiKey
from ingest.quarantine_store import purge
from mutt_project.noted_commands import for_this_process, note_commands
from rules.models import DevelopmentHost, Rule
from tests.unit.ingest.test_quarantine import NOW, kept

pytestmark = pytest.mark.django_db


_before = {"id": 0}


@pytest.fixture(autouse=True)
def _what_others_left(db: None) -> None:
    """Tests that commit cannot take back what was noted."""
    _before["id"] = Change.objects.values_list("id", flat=True).first() or 0


def noted() -> QuerySet[Change]:
    return Change.objects.filter(id__gt=_before["id"]).order_by("id")


def changes_of(kind: str) -> list[Change]:
    return list(noted().filter(kind=kind))


def run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def test_a_change_has_author_way_address_request_and_reason():
    with noted_as("ada", "admin", "a test", "192.0.2.7", "request-1"):
        DevelopmentHost.objects.create(hostname="lab-1")
    (change,) = changes_of("development_host")
    assert (change.who, change.via, change.address) == ("ada", "admin", "192.0.2.7")
    assert (change.correlation_id, change.reason, change.what) == ("request-1", "a test", "added")
    assert (change.name, change.new) == ("lab-1", {"hostname": "lab-1"})


def test_only_what_was_changed_is_noted():
    host = DevelopmentHost.objects.create(hostname="lab-1")
    DevelopmentHost.objects.update(hostname="lab-1")
    DevelopmentHost.objects.update(description="new")
    host.delete()
    _, changed, deleted = changes_of("development_host")
    assert (changed.old, changed.new) == ({"description": ""}, {"description": "new"})
    assert (deleted.what, deleted.old) == ("deleted", {"hostname": "lab-1", "description": "new"})


def test_with_psql_the_role_of_the_database_is_who_it_was():
    run("INSERT INTO rules_developmenthost (hostname, description) VALUES ('lab-2', '')")
    (change,) = changes_of("development_host")
    assert (change.who, change.via) == (connection.settings_dict["USER"], "database")


def test_what_truncate_takes_away_is_noted():
    DevelopmentHost.objects.create(hostname="lab-1")
    run("TRUNCATE rules_developmenthost")
    assert [change.what for change in changes_of("development_host")] == ["added", "deleted"]


def test_no_secret_is_noted_and_its_change_is():
    made = ApiKey.create("probe", ["ingest"])
    key = made.key
    key.set_new_secret()
    secret = key.add_signing_secret()
    key.save()
    user = User.objects.create_user("grace", password="a-secret-of-hers")
    _, renewed = changes_of("key")
    assert renewed.new["digest"] == renewed.old["digest"] == "(not shown)"
    assert renewed.new["signing_secrets"] == "(not shown)"
    written = str([change.old | change.new for change in noted()])
    for hidden in (key.digest, *key.signing_secrets, secret, made.secret, user.password):
        assert hidden not in written


def test_the_use_of_a_key_and_a_login_change_nothing():
    key = ApiKey.create("probe", ["ingest"]).key
    user = User.objects.create_user("grace")
    ApiKey.objects.filter(pk=key.pk).update(last_used_at="2026-01-01T00:00Z")
    User.objects.filter(pk=user.pk).update(last_login="2026-01-01T00:00Z")
    assert [len(changes_of(kind)) for kind in ("key", "user")] == [1, 1]


def test_who_gets_which_role_and_right_is_noted():
    user, group = User.objects.create_user("grace"), Group.objects.create(name="night shift")
    right = Permission.objects.get(codename="view_rule")
    user.groups.add(group)
    group.permissions.add(right)
    user.groups.clear()
    _, joined, left = changes_of("user")
    assert (joined.name, joined.old, joined.new) == ("grace", {"group": None}, {"group": "night shift"})
    assert (left.old, left.new) == ({"group": "night shift"}, {"group": None})
    assert changes_of("group")[-1].new == {"permission": "rules.view_rule"}


def test_what_is_no_row_is_noted_with_the_same_context():
    with noted_as("ada", "API", "maintenance"):
        note_changes([Noted(Kind.BREAKER, "moogsoft", "forced_open", new={"until": "noon"})])
    (change,) = changes_of("breaker")
    assert (change.who, change.what, change.new) == ("ada", "forced_open", {"until": "noon"})


@pytest.mark.parametrize(
    "statement",
    ["UPDATE audit_change SET who = 'nobody'", "DELETE FROM audit_change", "TRUNCATE audit_change"],
)
def test_what_is_noted_stays(statement: str):
    Rule.objects.create(name="n", match_string="x", prod_handling="Ignore", dev_handling="Ignore")
    run("SET LOCAL session_replication_role = replica")
    with pytest.raises(DatabaseError, match="what is written there stays"), transaction.atomic():
        run(statement)
    assert len(changes_of("rule")) == 1


def test_the_history_of_rules_that_was_there_is_copied_as_it_would_have_been_noted():
    with noted_as("ada", "admin", "a test"):
        rule = Rule.objects.create(name="n", match_string="x", prod_handling="Ignore", dev_handling="Ignore")
        host = DevelopmentHost.objects.create(hostname="lab-1")
        Rule.objects.update(priority=7)
        host.delete()
        rule.delete()
    fields = ("kind", "object_id", "name", "what", "old", "new", "who", "via", "reason")
    triggered = list(noted().values_list(*fields))
    run(import_module("rules.migrations.0005_changes").COPY)
    ours = noted().filter(object_id__in=[object_id for _, object_id, *_ in triggered])
    copied = list(ours.values_list(*fields))[len(triggered) :]
    assert len(triggered) == 5
    assert sorted(map(str, copied)) == sorted(map(str, triggered))


def test_pruning_the_quarantine_is_no_change_and_deleting_from_it_is():
    kept(at=NOW - timedelta(days=15))
    chosen = kept(at=NOW)
    number = str(chosen.pk)
    assert purge(NOW, max_age=timedelta(days=14), most_per_source=10) == 1
    run("SELECT set_config('mutt.pruning', '', true)")  # a test is one transaction
    chosen.delete()
    (deleted,) = changes_of("quarantined")
    assert deleted.object_id == number
    assert "body" not in deleted.old


def test_a_command_of_manage_py_is_noted_as_that_of_who_is_logged_in_to_the_machine():
    note_commands(["manage.py", "create_key"])
    with for_this_process:
        DevelopmentHost.objects.create(hostname="lab-1")
    (change,) = changes_of("development_host")
    assert (change.who.endswith(" by manage.py create_key"), change.via) == (True, "command")
