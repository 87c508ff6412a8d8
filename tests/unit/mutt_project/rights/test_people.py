"""People manage people within their own rights: nobody makes himself more than he is, and the last superuser stays."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from django.urls import reverse

from mutt_project.roles import ensure_roles

pytestmark = pytest.mark.django_db

NEW_PASSWORD = {"password1": "correct horse battery", "password2": "correct horse battery", "usable_password": "true"}


@pytest.fixture
def person() -> Callable[..., User]:
    ensure_roles()

    def make(name: str, *roles: str, **fields: Any) -> User:
        made = User.objects.create_user(name, password=None, **{"is_staff": True, **fields})
        made.groups.set(Group.objects.filter(name__in=[f"MUTT {role}" for role in roles]))
        return made

    return make


def session(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def form(user: User, **fields: Any) -> dict[str, Any]:
    joined = {"date_joined_0": "2026-11-23", "date_joined_1": "08:30:00"}
    return {"username": user.username, "is_active": "on", "is_staff": "on", **joined, **fields}


def change(client: Client, user: User, **fields: Any) -> Any:
    return client.post(reverse("admin:auth_user_change", args=[user.pk]), form(user, **fields))


def named(*names: str) -> list[int]:
    return list(Permission.objects.filter(codename__in=names).values_list("pk", flat=True))


def test_an_admin_gives_a_colleague_a_role_but_no_more_than_he_has(person):
    admin = session(person("ada", "admin"))
    grace = person("grace")
    assert change(admin, grace, groups=[Group.objects.get(name="MUTT editor").pk]).status_code == 302
    assert grace.groups.get().name == "MUTT editor"
    mighty = Group.objects.create(name="mighty")
    mighty.permissions.set(named("delete_session"))
    for beyond in ({"groups": [mighty.pk]}, {"user_permissions": named("delete_session")}):
        answer = change(admin, grace, **beyond)
        assert answer.status_code == 200
        assert "is not one of the available choices" in answer.content.decode()
    assert change(admin, grace, is_superuser="on").status_code == 302
    grace.refresh_from_db()
    assert (grace.is_superuser, grace.user_permissions.count()) == (False, 0)


def test_nobody_changes_his_own_rights(person):
    ada, root = person("ada", "admin"), person("root", is_superuser=True)
    change(session(ada), ada, is_superuser="on", user_permissions=named("delete_session"), groups=[])
    change(session(root), root, username="root", first_name="Root", is_active="", is_superuser="")
    ada.refresh_from_db()
    root.refresh_from_db()
    assert (ada.is_superuser, ada.user_permissions.count(), ada.groups.get().name) == (False, 0, "MUTT admin")
    assert (root.first_name, root.is_superuser, root.is_active) == ("Root", True, True)


@pytest.mark.parametrize("others", [{"is_superuser": True}, {"is_superuser": True, "is_active": False}, {}])
def test_an_admin_neither_changes_nor_deletes_nor_logs_in_as_who_may_do_more(person, others):
    """Not even while that account sleeps."""
    admin, other = session(person("ada", "admin")), person("root", **others)
    if not others:
        other.user_permissions.set(named("delete_session"))
    before = User.objects.values().get(pk=other.pk)
    assert change(admin, other, email="mine@example.net").status_code == 403
    assert admin.post(reverse("admin:auth_user_password_change", args=[other.pk]), NEW_PASSWORD).status_code == 403
    assert admin.post(reverse("admin:auth_user_delete", args=[other.pk]), {"post": "yes"}).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": [str(other.pk)], "post": "yes"}
    assert admin.post(reverse("admin:auth_user_changelist"), chosen).status_code == 403
    assert User.objects.values().get(pk=other.pk) == before


def test_nobody_deletes_himself_so_the_last_superuser_stays(person):
    root, second = person("root", is_superuser=True), person("second", is_superuser=True)
    client = session(root)
    assert client.post(reverse("admin:auth_user_delete", args=[second.pk]), {"post": "yes"}).status_code == 302
    assert client.post(reverse("admin:auth_user_delete", args=[root.pk]), {"post": "yes"}).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": [str(root.pk)], "post": "yes"}
    assert client.post(reverse("admin:auth_user_changelist"), chosen).status_code == 403
    assert User.objects.get() == root


def test_an_admin_changes_no_role_of_his_own_and_none_that_may_do_more(person):
    admin = session(person("ada", "admin"))
    own, viewers = Group.objects.get(name="MUTT admin"), Group.objects.get(name="MUTT viewer")
    mighty = Group.objects.create(name="mighty")
    mighty.permissions.set(named("delete_session"))
    for role in (own, mighty):
        url = reverse("admin:auth_group_change", args=[role.pk])
        assert admin.post(url, {"name": "renamed", "permissions": []}).status_code == 403
        assert admin.post(reverse("admin:auth_group_delete", args=[role.pk]), {"post": "yes"}).status_code == 403
    url = reverse("admin:auth_group_change", args=[viewers.pk])
    beyond = admin.post(url, {"name": "MUTT viewer", "permissions": named("view_rule", "delete_session")})
    assert "is not one of the available choices" in beyond.content.decode()
    assert admin.post(url, {"name": "MUTT viewer", "permissions": named("view_rule")}).status_code == 302
    assert viewers.permissions.get().codename == "view_rule"
    assert own.permissions.count() > 10


def test_a_superuser_makes_another_one(person):
    grace = person("grace")
    assert change(session(person("root", is_superuser=True)), grace, is_superuser="on").status_code == 302
    grace.refresh_from_db()
    assert grace.is_superuser
