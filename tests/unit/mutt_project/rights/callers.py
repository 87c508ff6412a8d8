"""Everybody who may knock: one key of each scope and keys of no use, one person of each role and people of none."""

from datetime import timedelta
from typing import Any

from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils import timezone

from ingest.models import ApiKey, Scope
from mutt_project.roles import ensure_roles
from tests.unit.mutt_project.rights.table import ROLES


def everybody() -> dict[str, Client]:
    return {**_keys(), **_people(), "nobody": Client(raise_request_exception=False)}


def _keys() -> dict[str, Client]:
    secrets = {f"key with {scope}": _key(str(scope), scopes=[str(scope)]) for scope in Scope}
    secrets["expired key"] = _key("expired", expires_at=timezone.now() - timedelta(seconds=1))
    secrets["revoked key"] = _key("revoked", is_active=False)
    secrets["unknown key"] = "mutt_guessed"
    return {
        name: Client(headers={"X-API-KEY": secret}, raise_request_exception=False) for name, secret in secrets.items()
    }


def _key(name: str, **fields: object) -> str:
    made = ApiKey.create(f"the {name} one", list(Scope.values))
    # No use of it is noted while the tests run.
    ApiKey.objects.filter(pk=made.key.pk).update(**{"last_used_at": timezone.now() + timedelta(days=1), **fields})
    return made.secret


def _people() -> dict[str, Client]:
    ensure_roles()
    people = {role: _person(role, is_staff=True) for role in ROLES}
    for role, person in people.items():
        person.groups.add(Group.objects.get(name=f"MUTT {role}"))
    people["superuser"] = _person("superuser", is_staff=True, is_superuser=True)
    people["any staff"] = _person("staff", is_staff=True)
    people["no staff"] = _person("visitor")
    people["deactivated"] = _person("gone", is_staff=True, is_superuser=True)
    sessions = {name: _session(person) for name, person in people.items()}
    User.objects.filter(username="gone").update(is_active=False)
    return sessions


def _person(name: str, **fields: Any) -> User:
    return User.objects.create_user(name, password=None, **fields)


def _session(person: User) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(person)
    return client
