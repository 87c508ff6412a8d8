"""Headers of every answer, whoever gives it; and what production sets besides."""

import json
import os
import re
import secrets
import subprocess
import sys
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.template.loader import render_to_string
from django.test import Client, RequestFactory, override_settings

from mutt_project import problems
from ops.local.stack import ROOT

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_server")]

ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_PRODUCTION = """
import json, django
django.setup()
from django.conf import settings
from django.core.management import call_command
call_command("check", deploy=True, fail_level="WARNING")
names = ("SESSION_COOKIE_NAME", "SESSION_COOKIE_SECURE", "SESSION_COOKIE_HTTPONLY", "SESSION_COOKIE_SAMESITE",
    "CSRF_COOKIE_NAME", "CSRF_COOKIE_SECURE", "CSRF_COOKIE_HTTPONLY", "CSRF_COOKIE_SAMESITE", "SESSION_COOKIE_DOMAIN",
    "SESSION_COOKIE_PATH", "CSRF_COOKIE_DOMAIN", "CSRF_COOKIE_PATH", "SECURE_HSTS_SECONDS", "SECURE_HSTS_PRELOAD")
policy = settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]
found = {name: getattr(settings, name) for name in names}
print(json.dumps({"upgrades": policy["upgrade-insecure-requests"], **found}))
"""


@pytest.fixture
def person() -> Client:
    client = Client()
    client.force_login(User.objects.create_user("root", password=None, is_staff=True, is_superuser=True))
    return client


def directives(answer: Any) -> dict[str, str]:
    parts = answer["Content-Security-Policy"].split(";")
    return {name: rest for name, _, rest in (part.strip().partition(" ") for part in parts)}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/admin/rules/rule/", 200),
        ("/admin/rules/rule/add/", 200),
        ("/admin/nowhere", 404),
        ("/api/v1/rules", 200),
        ("/api/v1/nowhere", 404),
        ("/api/v1/docs", 200),
        ("/api/v1/redoc", 200),
        ("/webhook", 405),
        ("/healthz", 200),
        ("/static/mutt_project/admin.css", 200),
        ("/", 302),
    ],
)
def test_every_answer_has_the_headers_that_keep_a_browser_from_harm(person, path, status):
    answer = person.get(path)
    answer.close()
    assert answer.status_code == status
    assert ALWAYS.items() <= dict(answer.items()).items()
    assert answer["Referrer-Policy"] == answer["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "camera=()" in answer["Permissions-Policy"]
    policy = directives(answer)
    assert {policy[name] for name in ("default-src", "frame-ancestors", "base-uri")} == {"'none'"}
    assert "unsafe" not in answer["Content-Security-Policy"]
    assert ("no-store" in answer["Cache-Control"]) != path.startswith("/static/")


@pytest.mark.parametrize("path", ["/admin/", "/api/v1/rules", "/webhook", "/healthz"])
def test_a_host_that_mutt_does_not_answer_to_is_a_problem_with_all_headers(path, person):
    answer = person.get(path, headers={"Host": "evil.example"})
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    assert "MUTT_ALLOWED_HOSTS" in answer.json()["detail"]
    assert ALWAYS.items() <= dict(answer.items()).items()
    assert directives(answer)["default-src"] == "'none'"
    page = person.get(path, headers={"Host": "evil.example", "Accept": "text/html"}).content.decode()
    assert "MUTT takes no such request" in page
    assert "Traceback" not in page


def test_a_nonce_is_for_one_answer_only(person):
    seen = [re.findall(r"'nonce-([^']+)'", person.get("/api/v1/redoc")["Content-Security-Policy"]) for _ in range(2)]
    assert len({nonce for nonces in seen for nonce in nonces}) == 2
    assert "nonce" not in person.get("/api/v1/rules")["Content-Security-Policy"]


@pytest.mark.parametrize("name", ["400.html", "403.html", "403_csrf.html", "404.html", "500.html"])
def test_pages_of_errors_have_nothing_inline(name):
    page = render_to_string(name)
    assert "<h1>" in page
    assert not re.search(r"<style|style=|<script(?! src)| on\w+=", page)


def test_who_asks_for_no_page_gets_a_problem():
    request = RequestFactory().get("/admin/rules/rule/")
    for answer in (
        problems.forbidden(request, PermissionError()),
        problems.csrf_failure(request, "CSRF cookie not set."),
    ):
        assert (answer.status_code, answer["Content-Type"]) == (403, "application/problem+json")


def test_a_form_without_its_token_is_answered_by_a_page_of_ours():
    answer = Client(enforce_csrf_checks=True).post("/admin/login/", {}, headers={"Accept": "text/html"})
    assert answer.status_code == 403
    assert "Nothing was done" in answer.content.decode()
    assert directives(answer)["default-src"] == "'none'"


@override_settings(SECURE_SSL_REDIRECT=True, SECURE_HSTS_SECONDS=60)
def test_the_way_to_tls_has_the_headers_too():
    answer = Client().get("/admin/")
    assert (answer.status_code, answer["Location"]) == (301, "https://testserver/admin/")
    assert ALWAYS.items() <= dict(answer.items()).items()
    assert Client().get("/healthz", secure=True)["Strict-Transport-Security"].startswith("max-age=60")


def test_production_behind_tls_passes_the_check_for_deployment_and_hardens_its_cookies():
    environment = {
        **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        "DJANGO_SETTINGS_MODULE": "mutt_project.settings.production",
        "MUTT_SECRET_KEY": secrets.token_urlsafe(48),
        "DATABASE_URL": f"postgresql://mutt:{secrets.token_urlsafe(16)}@127.0.0.1:1/mutt",
        "REDIS_URL": f"redis://:{secrets.token_urlsafe(16)}@127.0.0.1:1/0",
        "MOOGSOFT_URL": "https://moogsoft.example/events",
        "MOOGSOFT_API_KEY": secrets.token_urlsafe(16),
    }
    command = [sys.executable, "-W", "error", "-c", _PRODUCTION]
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert "no issues" in ran.stdout
    found = json.loads(ran.stdout.splitlines()[-1])
    assert found["upgrades"] is True
    for cookie, name in (("SESSION", "__Host-sessionid"), ("CSRF", "__Host-csrftoken")):
        wanted = {"NAME": name, "SECURE": True, "HTTPONLY": True, "SAMESITE": "Lax", "PATH": "/", "DOMAIN": None}
        assert {part: found[f"{cookie}_COOKIE_{part}"] for part in wanted} == wanted
    assert (found["SECURE_HSTS_SECONDS"], found["SECURE_HSTS_PRELOAD"]) == (31_536_000, False)
