"""Guessing is slow: for an address, for a name, for all processes together, and while Redis is away."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_network

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.test import Client

from audit.connections import redis_client
from mutt_project.login import slowing
from tests.unit.mutt_project.login.conftest import PASSWORD

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("ada")]


@pytest.fixture(autouse=True)
def _long_waits(monkeypatch):
    """A hundred times as long, so that none is over before the test is."""
    wait_after = slowing.wait_after
    monkeypatch.setattr(slowing, "wait_after", lambda failures: 100 * wait_after(failures))


@pytest.fixture
def strict(settings):
    settings.MUTT_LOGIN_RATE = "5/hour"  # so that no window ends within the test
    settings.MUTT_ANONYMOUS_RATES = ["3/hour", "200/day"]


def guess(log_in, times, name="nobody-{}", **more):
    return [log_in(username=name.format(number), password="x", **more).status_code for number in range(times)]


def test_an_address_has_five_attempts_whatever_names_it_tries_on_page_and_api(strict, log_in):
    assert guess(log_in, 4) == [401] * 4
    form = {"username": "ada", "password": "wrong"}
    assert Client().post("/admin/login/", form).status_code == 200
    page = Client().post("/admin/login/", {**form, "password": PASSWORD})
    assert page.status_code == 429
    assert int(page.headers["Retry-After"]) > 0
    assert "Too many attempts to log in. Try again in" in page.content.decode()
    answer = log_in()
    assert (answer.status_code, answer.headers["Content-Type"]) == (429, "application/problem+json")
    assert int(answer.headers["Retry-After"]) > 0
    assert log_in(REMOTE_ADDR="192.0.2.7").status_code == 200


def test_a_forged_header_makes_no_new_address_but_a_proxy_of_ours_tells_it(strict, log_in, settings):
    codes = [
        log_in(username=f"n{number}", headers={"X-Forwarded-For": f"192.0.2.{number}"}).status_code
        for number in range(6)
    ]
    assert codes == [401] * 5 + [429]
    settings.MUTT_TRUSTED_PROXIES = [ip_network("127.0.0.0/8")]
    assert log_in(headers={"X-Forwarded-For": "192.0.2.77"}).status_code == 200


def test_what_strangers_say_of_the_scheme_is_not_believed(log_in, settings, caplog):
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    https = {"X-Forwarded-Proto": "https"}
    stranger = Client()
    assert [stranger.get("/api/v1/rules", headers=https).status_code for _ in range(2)] == [301, 301]
    assert len([line for line in caplog.messages if "MUTT_TRUSTED_PROXIES must name it" in line]) == 1
    settings.MUTT_TRUSTED_PROXIES = [ip_network("127.0.0.1")]
    assert Client().get("/api/v1/rules", headers=https).status_code == 401


def test_another_process_counts_on(strict, log_in):
    """A new interpreter finds in Redis what this one has counted."""
    assert guess(log_in, 5) == [401] * 5
    script = (
        "import django; django.setup()\n"
        "from django.conf import settings\n"
        "from django.test import RequestFactory\n"
        "from mutt_project import limits\n"
        "settings.MUTT_LOGIN_RATE = '5/hour'\n"
        "print(limits.wait_s(RequestFactory().get('/'), 'login', ['5/hour']))\n"
    )
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "mutt_project.settings.test"}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert int(done.stdout) > 0


def test_one_name_gets_slower_from_however_many_addresses(log_in):
    answers = [log_in(password="wrong", REMOTE_ADDR=f"192.0.2.{number}") for number in range(4)]
    assert [answer.status_code for answer in answers] == [401, 401, 401, 429]
    assert answers[3].headers["Retry-After"] == "100"


def test_waits_get_longer_up_to_a_minute():
    waits = [slowing.wait_after(failures) / 100 for failures in (*range(12), 10**9)]
    assert waits == [0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60]


def test_a_name_that_nobody_has_gets_slower_all_the_same(log_in):
    assert guess(log_in, 4, "nobody") == [401, 401, 401, 429]


def test_success_forgives(log_in):
    assert [log_in(password=password).status_code for password in ["x", "x", PASSWORD] * 3] == [401, 401, 200] * 3


def test_strangers_cannot_keep_out_a_browser_that_was_in_before(log_in):
    home = Client()
    assert log_in(client=home).status_code == 200
    for number in range(6):
        log_in(password="wrong", REMOTE_ADDR=f"192.0.2.{number}")
    assert log_in(REMOTE_ADDR="192.0.2.99").status_code == 429
    assert log_in(client=home).status_code == 200
    assert log_in(REMOTE_ADDR="192.0.2.99").status_code == 429, "the stranger is not forgiven"


def test_a_known_browser_is_slowed_by_its_own_failures_and_known_for_one_name_only(log_in):
    User.objects.create_user("grace", password=PASSWORD, is_staff=True)
    home = Client()
    assert log_in(client=home).status_code == 200
    assert [log_in(password="x", client=home).status_code for _ in range(4)] == [401, 401, 401, 429]
    assert guess(log_in, 4, "grace") == [401, 401, 401, 429]
    assert log_in("grace", client=home).status_code == 429


@pytest.mark.parametrize("subject", ["ada", "127.0.0.1", "--all"])
def test_unlocking_lets_a_name_an_address_or_everybody_in_again(strict, log_in, subject, capsys):
    assert [log_in(password="x").status_code for _ in range(4)] == [401, 401, 401, 429]
    guess(log_in, 2)
    assert log_in().status_code == 429
    call_command("unlock_login", *([] if subject == "--all" else [subject]), all=subject == "--all")
    assert "may log in again" in capsys.readouterr().out
    address = "192.0.2.8" if subject == "ada" else "127.0.0.1"
    name = "grace" if subject == "127.0.0.1" else "ada"
    User.objects.create_user("grace", password=PASSWORD, is_staff=True)
    assert log_in(name, REMOTE_ADDR=address).status_code == 200


@pytest.mark.parametrize(("arguments", "all_of_them"), [(["bob"], False), ([], False), (["ada"], True)])
def test_unlocking_nobody_is_an_error(redis_server, arguments, all_of_them):
    with pytest.raises(CommandError):
        call_command("unlock_login", *arguments, all=all_of_them)


def test_unlocking_says_that_redis_is_away(redis_away):
    with pytest.raises(CommandError, match="Redis is away"):
        call_command("unlock_login", "ada")


def test_without_redis_logins_work_and_are_limited_all_the_same(redis_away, log_in, strict, settings):
    settings.MUTT_ANONYMOUS_RATES = ["100/hour"]
    address = {"REMOTE_ADDR": "192.0.2.50"}
    assert log_in(**address).status_code == 200
    assert guess(log_in, 5, **address) == [401] * 4 + [429]
    assert cache.get("mutt-was-here") is None


def test_the_cache_holds_no_pickle_and_never_empties_the_journal(redis_server):
    cache.set("words", {"a": [1, "b"]}, 60)
    cache.set("number", 7, 60)
    (key,) = redis_client().keys("mutt:cache:*words")
    assert redis_client().get(key) == b'{"a": [1, "b"]}'
    assert cache.get("words") == {"a": [1, "b"]}
    assert cache.incr("number") == 8
    with pytest.raises(NotImplementedError):
        cache.clear()


def test_calls_without_a_key_are_limited_and_those_with_one_are_not(strict, redis_server, make_key):
    known = Client(headers={"X-API-KEY": make_key("read", name="r")})
    wrong = {"X-API-KEY": "mutt_not_a_key_at_all_but_long_enough"}
    codes = [Client().get("/api/v1/rules", headers=headers).status_code for headers in ({}, wrong, {}, wrong, {})]
    assert codes == [401, 401, 401, 429, 429]
    refused = Client().get("/api/v1/openapi.yaml")
    assert (refused.status_code, refused.headers["Content-Type"]) == (429, "application/problem+json")
    assert int(refused.headers["Retry-After"]) > 0
    assert known.get("/api/v1/rules").status_code == 200
    assert Client().get("/healthz").status_code == 200
    assert Client().get("/api/v1/rules", REMOTE_ADDR="192.0.2.3").status_code == 401
    person = Client()
    person.force_login(User.objects.get())
    assert person.get("/api/v1/rules").status_code == 403


def test_a_keys_own_limit_holds_for_the_api_too(redis_server, make_key):
    client = Client(headers={"X-API-KEY": make_key("read", name="slow", rate_limit="2/hour")})
    answers = [client.get("/api/v1/rules") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert int(answers[2].headers["Retry-After"]) > 0
    assert answers[2].headers["Content-Type"] == "application/problem+json"


def test_of_many_attempts_at_the_same_moment_no_more_get_through(redis_server):
    with ThreadPoolExecutor(20) as threads:
        waits = list(threads.map(lambda _: slowing.take_turn("ada", ""), range(40)))
    assert 1 <= waits.count(0) <= slowing.FREE_FAILURES
