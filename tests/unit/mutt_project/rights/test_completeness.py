"""No address, list or action of MUTT is without a line in docs/rights.md."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver

import mutt_project.urls  # noqa: F401 - it loads admin's pages
from tests.unit.mutt_project.rights.table import API, LISTS, PAGES

_OF_LISTS = re.compile(r"[a-z]+_[a-z]+_(changelist|add|history|delete|change)")
# Admin's own: it sends old addresses on, says 404, or looks for choices of fields that no form of ours has.
_OF_ADMIN = re.compile(r"/admin/(autocomplete/|r/\{content_type_id\}/\{object_id\}/|\{url\}|\w+/\w+/\{object_id\}/)")


def patterns(resolver: Any, before: str = "/") -> Iterator[tuple[str, URLPattern]]:
    for one in resolver.url_patterns:
        if isinstance(one, URLResolver):
            yield from patterns(one, before + plain(str(one.pattern)))
        else:
            yield before + plain(str(one.pattern)), one


def plain(pattern: str) -> str:
    """The path with its parameters in braces."""
    pattern = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", re.sub(r"\(\?P<(\w+)>(?:[^()]|\(\?:[^()]*\))*\)", r"{\1}", pattern))
    return pattern.strip("^$").replace("\\", "")


def methods(view: Any) -> set[str]:
    """The methods of a class of views; none for a function, whose methods nobody can tell from outside."""
    made_of = getattr(view, "cls", None) or getattr(view, "view_class", None)
    if made_of is None:
        return set()
    taken = getattr(view, "view_initkwargs", {}).get("http_method_names", made_of.http_method_names)
    named = getattr(view, "actions", None) or {name for name in taken if hasattr(made_of, name)}
    return {name.upper() for name in named if name in taken} - {"HEAD", "OPTIONS"}


def ours() -> list[tuple[str, URLPattern]]:
    return [
        (path, pattern)
        for path, pattern in patterns(get_resolver())
        if "{format}" not in path and "{drf_format_suffix}" not in path and "<drf" not in path
        if not _OF_LISTS.fullmatch(pattern.name or "") and not _OF_ADMIN.fullmatch(path)
    ]


def test_every_address_with_every_method_has_a_line():
    told = {(row.path, row.method) for row in (*API, *PAGES)}
    paths = {path for path, _ in ours()}
    assert len(paths) > 60
    assert {(path, method) for path, pattern in ours() for method in methods(pattern.callback)} - told == set()
    assert paths - {path for path, _ in told} == set()
    forms = {"/admin/audit/setting/", "/admin/forwarder/destination/"}  # lists that are forms
    assert {path for path, _ in told} - paths == forms


@pytest.mark.django_db
def test_every_list_and_every_action_has_a_line():
    request = RequestFactory().get("/admin/")
    request.user = User(is_superuser=True, is_active=True, is_staff=True)
    registered = {model._meta.label_lower: one for model, one in admin.site._registry.items()}  # noqa: SLF001
    assert {row.label for row in LISTS} == set(registered)
    for row in LISTS:
        assert set(registered[row.label].get_actions(request)) - {"delete_selected"} == set(row.actions), row.label
        assert registered[row.label].inlines in ((), [])


def test_every_action_says_whose_permission_it_needs():
    for model, one in admin.site._registry.items():  # noqa: SLF001
        for name in one.actions or ():
            assert getattr(getattr(one, str(name)), "allowed_permissions", []), (model, name)
