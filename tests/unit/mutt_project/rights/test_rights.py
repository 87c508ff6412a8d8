"""Everybody tries everything: what docs/rights.md does not allow is refused, and nothing has changed afterwards."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from http.cookies import SimpleCookie
from typing import Any

import pytest
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from audit.connections import redis_client
from audit.tuning.present import present
from rules.ruleset import CurrentRuleSet
from tests.unit.mutt_project.rights.callers import everybody
from tests.unit.mutt_project.rights.digest import digest
from tests.unit.mutt_project.rights.table import ANYBODY, API, LISTS, PAGES, ListRow, Row
from tests.unit.mutt_project.rights.world import BODIES, FORMS, QUERIES, QUIET, one_of_everything, places

pytestmark = pytest.mark.django_db

LOGIN = "/admin/login/"
# No page of admin looks at keys: one of them speaks for all.
NOT_IN_ADMIN = {"key with ingest", "key with read", "key with write", "expired key", "revoked key", "unknown key"}
FORMS_ALONE = {"audit.setting", "forwarder.destination"}  # lists that have no entries
CHANGING = {"POST", "PUT", "PATCH", "DELETE"}


@dataclass
class World:
    entries: dict[str, Any]
    clients: dict[str, Client]
    places: dict[str, dict[str, Any]]

    def path(self, path: str) -> str:
        """The path with what stands for its parameters here."""
        given = [values for beginning, values in self.places.items() if path.startswith(beginning)]
        filled = path.format_map({name: value for values in given for name, value in values.items()})
        return filled + QUERIES.get(path, "")


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    """One for all these tests, each of which takes back what it did."""
    with django_db_blocker.unblock(), pytest.MonkeyPatch.context() as patch, transaction.atomic():
        for module in ("rules.api.testing", "rules.backtesting", "rules.warnings"):
            patch.setattr(f"{module}.current_rule_set", CurrentRuleSet(max_age_s=0))
        redis_client().flushall()
        entries = one_of_everything()
        yield World(entries, everybody(), places(entries))
        transaction.set_rollback(True)
    redis_client().flushall()
    present.forget()


@pytest.fixture(autouse=True)
def _nothing_in_redis(world: World) -> None:
    """What a test has looked at may have left something there."""
    redis_client().flushall()


def ask(client: Client, method: str, path: str, body: Any = None) -> HttpResponse:
    """JSON to the API, a form to admin. Cookies stay as they were, so that nobody is logged out or in for good."""
    kept = client.cookies
    client.cookies = SimpleCookie({name: one.value for name, one in kept.items()})
    if path.startswith("/admin/") and method == "POST":
        answer: Any = client.post(path, body or {})
    else:
        answer = (
            client.generic(method, path, headers={"X-Change-Reason": "a test"})
            if body is None
            else client.generic(method, path, json.dumps(body), "application/json")
        )
    client.cookies = kept
    if answer.streaming:
        b"".join(answer)
    return answer


def is_refused(answer: HttpResponse) -> bool:
    """By a status, or by the way to the login; 404 and 405: there is no such thing, or nobody does that to it."""
    return answer.status_code in {401, 403, 404, 405} or answer.headers.get("Location", "").partition("?")[0] == LOGIN


def is_taken(answer: HttpResponse) -> bool:
    return answer.status_code in {200, 201, 202, 204, 302} and not is_refused(answer)


def all_try(world: World, method: str, path: str, body: Any, allowed: Any, *, quiet: bool | None = False) -> None:
    """Whoever is allowed gets it, and it does something, unless it is `quiet` (None: perhaps it is)."""
    before = digest()
    wrong = []
    for name, client in world.clients.items():
        if path.startswith("/admin/") and name in NOT_IN_ADMIN:
            continue
        if name not in allowed:
            answer = ask(client, method, path, body)
            if not is_refused(answer):
                wrong.append(f"{name} got {answer.status_code}")
            continue
        with transaction.atomic():
            answer = ask(client, method, path, body)
            if not is_taken(answer):
                wrong.append(f"{name} got {answer.status_code} {answer.content[:300]!r}")
            elif method in CHANGING and quiet is not None and (digest() == before) != quiet:
                wrong.append(f"{name} changed {'something' if quiet else 'nothing'}")
            transaction.set_rollback(True)
        redis_client().flushall()
    assert not wrong, "; ".join(wrong)
    assert digest() == before


@pytest.mark.parametrize("row", [*API, *PAGES], ids=str)
def test_an_operation_is_for_those_of_the_table_and_a_refusal_changes_nothing(world: World, row: Row):
    allowed = {name for name in world.clients if row.is_for(name)}
    if ANYBODY in row.who:  # one of them speaks for all
        world = replace(world, clients={name: world.clients[name] for name in ("nobody", "no staff", "unknown key")})
    quiet = None if str(row) in {"POST /admin/logout/", "POST /api/v1/auth/logout"} else str(row) in QUIET
    body = BODIES.get(str(row))
    body = body(world.entries) if callable(body) else body
    all_try(world, row.method, world.path(row.path), body, allowed, quiet=quiet)


@pytest.mark.parametrize("path", sorted({row.path for row in API if row.path.startswith("/api/v1/")}))
def test_the_api_as_pages_shows_forms_for_what_a_person_may_do_and_for_nothing_else(world: World, path: str):
    """Also where the answer is 405 or 403: a form may still be offered there."""
    rows = {row.method: row for row in API if row.path == path}
    for name in ("superuser", "viewer", "any staff"):
        answer = world.clients[name].get(world.path(path), headers={"Accept": "text/html"})
        assert answer.status_code in {200, 403, 405, 406}
        if not answer["Content-Type"].startswith("text/html"):
            continue  # an export, or the document
        page = answer.content.decode()
        assert ' style="' not in page
        assert "<style" not in page
        may = {method for method, row in rows.items() if row.is_for(name)}
        assert 'method="POST"' not in page or "POST" in may, name
        assert 'data-method="DELETE"' not in page or "DELETE" in may, name
        assert 'data-method="PUT"' not in page or may & {"PUT", "PATCH"}, name  # DRF has one form for both


@dataclass
class Deed:
    """Something to do on the pages of one model."""

    name: str
    method: str
    page: str
    allowed: frozenset[str]
    form: dict[str, Any] | None = None


def deeds_of(row: ListRow) -> list[Deed]:
    may = row.may
    form = FORMS.get(row.label, {"reason": "mine"})
    return [
        Deed("list", "GET", "changelist", may["look"]),
        Deed("entry", "GET", "change", may["look"]),
        Deed("history", "GET", "history", may["look"]),
        Deed("form", "GET", "add", may["add"]),
        Deed("add", "POST", "add", may["add"], form),
        Deed("change", "POST", "change", may["change"], form),
        Deed("ask to delete", "GET", "delete", may["delete"]),
        Deed("delete", "POST", "delete", may["delete"], {"post": "yes", "change_reason": "why"}),
    ]


DEEDS = [
    pytest.param(row, deed, id=f"{row.label}-{deed.name}")
    for row in LISTS
    for deed in deeds_of(row)
    if row.label not in FORMS_ALONE or deed.page in {"changelist", "add", "delete"}
]


def nearest_to_look_at(path: str) -> Row:
    """The GET of this path, or of the next one above that has one."""
    gets = {row.path: row for row in API if row.method == "GET"}
    while path not in gets and path:
        path = path.rpartition("/")[0]
    return gets[path]


@pytest.mark.parametrize(
    "path",
    sorted(
        {row.path for row in API if row.path.startswith("/api/v1/") and not row.path.startswith("/api/v1/auth/")}
    ),  # to log in, there is nothing to look at
)
def test_head_and_options_need_what_looking_needs_and_other_methods_do_nothing(world: World, path: str):
    allowed = nearest_to_look_at(path)
    there = {row.method for row in API if row.path == path}
    before = digest()
    wrong = []
    for name, client in world.clients.items():
        for method in ("HEAD", "OPTIONS") if ANYBODY not in allowed.who else ():
            status = ask(client, method, world.path(path)).status_code
            if allowed.is_for(name):
                redis_client().flushall()
            wanted = (
                {401, 403} if not allowed.is_for(name) else {200} if {"GET"} & there or method == "OPTIONS" else {405}
            )
            if status not in wanted:
                wrong.append(f"{method} by {name} got {status}")
    for method in {*CHANGING, "TRACE"} - there:
        for name in ("superuser", "key with write", "key with admin", "nobody"):
            status = ask(world.clients[name], method, world.path(path), {} if method != "TRACE" else None).status_code
            if status not in {401, 403, 405}:
                wrong.append(f"{method} by {name} got {status}")
    assert not wrong, "; ".join(wrong)
    assert digest() == before


ACTIONS = [
    pytest.param(row, action, allowed, id=f"{row.label}-{action}")
    for row in LISTS
    for action, allowed in {"delete_selected": row.may["delete"], **row.actions}.items()
    if row.label not in FORMS_ALONE
]


@pytest.mark.parametrize(("row", "action", "allowed"), ACTIONS)
def test_an_action_does_something_for_those_of_the_table_only(
    world: World, row: ListRow, action: str, allowed: frozenset[str]
):
    """To others admin does not offer it, and shows the list again."""
    chosen = world.entries[row.label]
    if action == "activate":
        type(chosen).objects.update(is_active=False)
    before = digest()
    form = {"action": action, "_selected_action": [str(chosen.pk)], "why": "a test", "change_reason": "a test"}
    for name in world.clients.keys() - NOT_IN_ADMIN:
        client = world.clients[name]
        with transaction.atomic():
            answer = ask(client, "POST", page(row, "changelist", world), {**form, "post": "yes"})
            assert answer.status_code < 500
            assert is_refused(answer) or name in row.may["look"], name
            assert (digest() != before) == (name in allowed), name
            transaction.set_rollback(True)
        redis_client().flushall()


def test_a_switch_in_the_list_of_rules_is_for_those_who_may_change_them(world: World):
    (row,) = [row for row in LISTS if row.label == "rules.rule"]
    rule = world.entries["rules.rule"]
    form = {"form-TOTAL_FORMS": "1", "form-INITIAL_FORMS": "1", "form-0-id": str(rule.pk)}
    form |= {"_save": "Save", "change_reason": "off with it"}
    all_try(world, "POST", page(row, "changelist", world), form, row.may["change"])


def page(row: ListRow, name: str, world: World) -> str:
    entry = world.entries.get(row.label)
    arguments = [] if name in {"changelist", "add"} else [entry.pk if entry else 1]
    return reverse(f"admin:{row.label.replace('.', '_')}_{name}", args=arguments)


@pytest.mark.parametrize(("row", "deed"), DEEDS)
def test_a_page_of_a_list_is_for_those_of_the_table_and_a_refusal_changes_nothing(
    world: World, row: ListRow, deed: Deed
):
    all_try(world, deed.method, page(row, deed.page, world), deed.form, deed.allowed)
