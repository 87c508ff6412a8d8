"""A person sets up a second factor in Chromium and logs in with it: nothing is blocked, axe finds nothing serious."""

from base64 import b32decode
from typing import Any

import pytest
from django_otp.oath import totp
from playwright.sync_api import Browser, Page

from tests.mutt import Mutt
from tests.pages.addresses import LOOKS
from tests.pages.browsing import Visit, log_in, visiting

pytestmark = pytest.mark.stack

PASSWORD = "quite a long password"


def make_hypatia(page: Page, mutt: Mutt) -> None:
    page.goto(f"{mutt.stack.web}/admin/auth/user/add/")
    page.fill("#id_username", "hypatia")
    page.fill("#id_password1", PASSWORD)
    page.fill("#id_password2", PASSWORD)
    page.click("input[name=_continue]")
    page.check("#id_is_staff")
    page.click("input[name=_save]")
    assert "hypatia" in page.inner_text(".messagelist")


def enter(page: Page, mutt: Mutt) -> None:
    page.goto(f"{mutt.stack.web}/admin/login/?next=/admin/second-factor/")
    page.fill("#id_username", "hypatia")
    page.fill("#id_password", PASSWORD)
    page.click("input[type=submit]")


def look(visit: Visit, name: str) -> None:
    visit.shoot(name)
    assert visit.complaints == []
    assert visit.violations() == []
    assert visit.barriers() == []
    assert not visit.is_too_wide()
    visit.complaints.clear()  # axe's own styles are blocked


def test_a_person_sets_it_up_and_is_asked_for_it(browser: Browser, mutt: Mutt):
    administrator: Any = log_in(browser, mutt)
    with visiting(browser, administrator, mutt, *LOOKS["light"]) as visit:
        make_hypatia(visit.page, mutt)
    with visiting(browser, None, mutt, *LOOKS["phone"]) as visit:
        page = visit.page
        enter(page, mutt)
        key = b32decode(page.inner_text(".key").replace(" ", ""))
        page.fill("#id_code", f"{totp(key):06d}")
        page.fill("#id_password", PASSWORD)
        page.click("text=Switch it on")
        codes = page.locator(".codes code").all_inner_texts()
        assert len(codes) == 10
        look(visit, "second-factor-codes")
        page.click("text=Log out")
        enter(page, mutt)
        page.wait_for_url("**/admin/login/code/**")
        look(visit, "login-code")
        page.fill("#id_code", codes[0])
        page.click("input[type=submit]")
        page.wait_for_url("**/admin/second-factor/")
        assert "9 recovery codes left" in page.inner_text(".second-factor")
        look(visit, "second-factor-there")
