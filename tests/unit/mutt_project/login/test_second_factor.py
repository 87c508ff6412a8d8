"""A second factor: set up with the app's code, asked for at each login, taken away by its owner or an admin."""

import re
import time

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django_otp.oath import totp
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from mutt_project.login import second_factor
from tests.unit.mutt_project.login.conftest import PASSWORD

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_server")]

PAGE = "/admin/second-factor/"
FORM = {"username": "ada", "password": PASSWORD}
KEY = "31323334353637383930" * 2


def code_of(key: str, steps_ahead: int = 0) -> str:
    return f"{totp(bytes.fromhex(key), drift=steps_ahead):06d}"


@pytest.fixture
def device(ada) -> TOTPDevice:
    """Ada's app, as if set up long ago."""
    return TOTPDevice.objects.create(user=ada, key=KEY)


@pytest.fixture
def browser(ada) -> Client:
    client = Client()
    assert client.post("/admin/login/", FORM).status_code == 302
    return client


def test_people_set_up_their_own_and_see_the_recovery_codes_once(browser, ada, log_in, caplog):
    page = browser.get(PAGE).content.decode()
    assert "<svg" in page
    assert "style=" not in page.partition("<svg")[2].partition("</svg>")[0]
    key = browser.session["mutt_new_totp_key"]
    assert not second_factor.needs_code(ada), "looking switches nothing on"
    right = {"password": PASSWORD}
    assert "This code is not right" in browser.post(PAGE, {**right, "code": "abcdef"}).content.decode()
    done = browser.post(PAGE, {**right, "code": code_of(key)}).content.decode()
    codes = re.findall("<li><code>([a-z2-7]{8})</code></li>", done)
    assert len(set(codes)) == second_factor.RECOVERY_CODES
    assert codes[0] not in browser.get(PAGE).content.decode()
    assert "second factor enrolled: user “ada” from 127.0.0.1" in caplog.messages
    assert not [line for line in caplog.messages if key in line or codes[0] in line]
    assert log_in().status_code == 401
    assert log_in(body={"otp": codes[0]}).status_code == 200
    assert log_in(body={"otp": codes[0]}).status_code == 401, "each is good once"


def test_who_finds_a_screen_left_open_sets_up_none(browser, ada, settings):
    browser.get(PAGE)
    code = code_of(browser.session["mutt_new_totp_key"])
    assert "This is not your password" in browser.post(PAGE, {"code": code, "password": "x"}).content.decode()
    assert "This field is required" in browser.post(PAGE, {"code": code}).content.decode()
    settings.MUTT_LOGIN_RATE = "1/hour"
    guesses = [browser.post(PAGE, {"code": code, "password": "x"}).content.decode() for _ in range(2)]
    assert "Too many attempts" in guesses[1]
    assert not second_factor.needs_code(ada)


def test_admin_asks_for_the_code_after_the_password_and_not_before(device):
    client = Client()
    wrong = client.post("/admin/login/?next=/admin/rules/rule/", {**FORM, "password": "wrong"})
    assert (wrong.status_code, "code" in wrong.content.decode()) == (200, False)
    step = client.post("/admin/login/?next=/admin/rules/rule/", FORM)
    assert step.headers["Location"] == "/admin/login/code/?next=%2Fadmin%2Frules%2Frule%2F"
    assert client.get("/admin/").status_code == 302, "half in is not in"
    assert "is not right" in client.post(step.headers["Location"], {"code": "000000"}).content.decode()
    TOTPDevice.objects.update(throttling_failure_count=0, throttling_failure_timestamp=None)
    done = client.post(step.headers["Location"], {"code": code_of(KEY)})
    assert done.headers["Location"] == "/admin/rules/rule/"
    assert client.get(PAGE).status_code == 200
    assert client.get("/admin/login/code/").headers["Location"] == "/admin/login/"


def test_after_the_code_nobody_is_sent_to_another_site(device):
    client = Client()
    step = client.post("/admin/login/?next=https://evil.example/", FORM).headers["Location"]
    assert step == "/admin/login/code/"
    evil = client.post(f"{step}?next=https://evil.example/", {"code": code_of(KEY)})
    assert evil.headers["Location"] == "/admin/"


@pytest.mark.parametrize("change", [{"is_active": False}, {"is_staff": False}, {"password": "!other"}])
def test_half_in_ends_with_the_account_the_role_or_the_password(device, change):
    client = Client()
    step = client.post("/admin/login/", FORM).headers["Location"]
    User.objects.update(**change)
    assert client.post(step, {"code": code_of(KEY)}).headers["Location"] == "/admin/login/"


def test_half_in_lasts_five_minutes(device, monkeypatch):
    client = Client()
    step = client.post("/admin/login/", FORM).headers["Location"]
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 301)
    assert client.get(step).status_code == 302


def test_guessing_codes_is_limited_by_device_and_address(device, log_in, settings):
    client = Client()
    step = client.post("/admin/login/", FORM).headers["Location"]
    client.post(step, {"code": "000000"})
    assert "is not right" in client.post(step, {"code": code_of(KEY)}).content.decode(), "the device throttles"
    settings.MUTT_LOGIN_RATE = "1/hour"
    answers = [client.post(step, {"code": "000000"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 429]
    assert int(answers[1].headers["Retry-After"]) > 0


def test_the_api_takes_a_code_once(device, log_in):
    missing = log_in()
    assert (missing.status_code, "send its code as otp" in missing.json()["detail"]) == (401, True)
    code = code_of(KEY)
    assert log_in(body={"otp": code}).status_code == 200
    assert log_in(body={"otp": code}).status_code == 401
    assert log_in(password="wrong", body={"otp": code}).json()["detail"] != missing.json()["detail"]


def test_what_is_there_changes_only_with_a_code_of_it(browser, ada, device):
    assert "This code is not right" in browser.post(PAGE, {"code": "000000", "_remove": "1"}).content.decode()
    assert second_factor.device_of(ada)
    TOTPDevice.objects.update(throttling_failure_count=0, throttling_failure_timestamp=None)
    assert "Your recovery codes" in browser.post(PAGE, {"code": code_of(KEY), "_renew": "1"}).content.decode()
    recovery = StaticToken.objects.first()
    assert browser.post(PAGE, {"code": recovery.token, "_remove": "1"}).status_code == 302
    assert second_factor.device_of(ada) is None
    assert not StaticToken.objects.exists()


def test_an_admin_takes_it_from_somebody_who_has_lost_it(ada, device, log_in, caplog):
    User.objects.create_superuser("root", password=PASSWORD)
    client = Client()
    client.post("/admin/login/", {**FORM, "username": "root"})
    assert "second factor" in client.get("/admin/auth/user/").content.decode().lower()
    action = {"action": "remove_second_factor", "_selected_action": [str(ada.pk)]}
    assert "was taken from ada" in client.post("/admin/auth/user/", action, follow=True).content.decode()
    assert "second factor removed: user “ada” by “root” from 127.0.0.1" in caplog.messages
    assert log_in().status_code == 200


def test_who_may_only_look_at_people_takes_nothing(ada, browser, device):
    ada.user_permissions.add(Permission.objects.get(codename="view_user"))
    action = {"action": "remove_second_factor", "_selected_action": [str(ada.pk)]}
    browser.post("/admin/auth/user/", action)
    assert second_factor.device_of(ada)


def test_where_it_is_a_duty_who_has_none_can_do_nothing_but_set_it_up(browser, settings, ada):
    User.objects.update(is_superuser=True)
    settings.MUTT_TOTP = "required"
    for path in ("/admin/", "/admin/rules/rule/", "/admin/auth/user/add/", "/admin/password_change/"):
        assert browser.get(path).headers["Location"] == PAGE
    refused = browser.get("/api/v1/rules")
    assert (refused.status_code, PAGE in refused.json()["detail"]) == (403, True)
    assert "Everybody here needs a second factor" in browser.get(PAGE).content.decode()
    browser.post(PAGE, {"code": code_of(browser.session["mutt_new_totp_key"]), "password": PASSWORD})
    assert browser.get("/admin/rules/rule/").status_code == 200
    assert browser.get("/api/v1/rules").status_code == 200


def test_where_it_is_off_nobody_is_asked(browser, settings, device, log_in):
    assert f'href="{PAGE}"' in browser.get("/admin/").content.decode()
    settings.MUTT_TOTP = "off"
    assert log_in().status_code == 200
    assert browser.get(PAGE).status_code == 404
    assert f'href="{PAGE}"' not in browser.get("/admin/").content.decode()


def test_nobody_takes_the_own_second_factor_or_sets_the_own_password_as_an_administrator(ada, browser, device):
    """Somebody else may sit before a screen that was left open."""
    User.objects.update(is_superuser=True)
    action = {"action": "remove_second_factor", "_selected_action": [str(ada.pk)]}
    assert "it is your own" in browser.post("/admin/auth/user/", action, follow=True).content.decode()
    assert second_factor.device_of(ada)
    answer = browser.get(f"/admin/auth/user/{ada.pk}/password/")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/password_change/")
