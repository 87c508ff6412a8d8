"""Every page that people see, in Chromium: it opens, nothing is blocked or missing, and axe finds nothing serious."""

import json
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.mutt import Mutt, event, eventually
from tests.pages.addresses import ERRORS, LOOKS, OTHERS, PAGES, PUBLIC, address
from tests.pages.browsing import Visit, log_in, visiting

pytestmark = pytest.mark.stack

DESKTOP, _ = LOOKS["light"]
DOWN = "%LINK-3-UPDOWN: Interface Gi0/7, changed state to down"


@pytest.fixture(scope="module")
def filled(mutt: Mutt) -> Mutt:
    """A MUTT that has something to show."""
    mutt.send(*(event(hostname=f"edge-{number}", message=DOWN) for number in range(5)), event(message="unheard of"))
    kinds = (DOWN, "fan 3 of the chassis failed badly", "%BGP-5-ADJCHANGE: neighbor 10.0.0.7 Down", "session opened")
    mutt.send(*(event(hostname=f"core-{number % 9}", message=kinds[number % 4]) for number in range(60)))
    mutt.post('{"message": "no host"}')
    mutt.misbehave("400")
    (refused,) = mutt.send(event(hostname="edge-refused", message=DOWN))
    mutt.outcome(refused, "dead")
    mutt.misbehave("ok")
    mutt.api("breaker", "PUT", {"state": "open", "reason": "a change at Moogsoft", "for_s": 60})
    mutt.api("breaker", "PUT", {"state": "automatic", "reason": "it is done"})
    mutt.send(event(hostname="edge-after", message=DOWN))
    mutt.settled()
    archive_a_month(mutt)
    return mutt


def archive_a_month(mutt: Mutt) -> None:
    """As if it had been dropped long ago."""
    history = json.dumps([{"at": "2026-02-05T02:15:00+00:00", "what": "dropped", "by": "MUTT", "reason": "400 days"}])
    with mutt.database() as cursor:
        cursor.execute(
            "INSERT INTO audit_archive (month, state, progress, problem, path, sha256, bytes, records, attempts,"
            " dead_letters, outcomes, requested_by, reason, started_at, updated_at, history, parts, place) VALUES"
            " ('2024-12', 'dropped', 1, '', '/var/lib/mutt/archive/2024-12', %s, 89178902, 1000000, 50000, 3,"
            """ '{"dead": 3, "delivered": 999997}', 'MUTT', '400 days', now(), now(), %s, '[]', '{}')""",
            ["0123456789abcdef" * 4, history],
        )


@pytest.fixture(scope="module")
def session(browser: Browser, filled: Mutt) -> Any:
    return log_in(browser, filled)


def look(visit: Visit, name: str) -> None:
    visit.shoot(name)
    assert visit.complaints == []
    assert visit.violations() == []


@pytest.mark.parametrize("name", PAGES)
def test_a_page_of_admin_opens_without_a_complaint_or_a_barrier(
    browser: Browser, session: Any, filled: Mutt, name: str
):
    with visiting(browser, session, filled, DESKTOP) as visit:
        visit.page.goto(address(PAGES[name], filled))
        assert "/admin/login/" not in visit.page.url
        for looks in visit.all_looks():
            look(visit, f"{name}-{looks}")
        for looks in visit.all_looks():  # axe has styles of its own, which the policy stops
            assert (looks, visit.barriers(colours_only=looks == "dark")) == (looks, [])
            assert (looks, visit.is_too_wide()) == (looks, False)


@pytest.mark.parametrize("name", PUBLIC)
def test_a_page_for_everybody_opens_under_the_strict_policy(browser: Browser, mutt: Mutt, name: str):
    with visiting(browser, None, mutt, DESKTOP) as visit:
        visit.page.goto(address(PUBLIC[name], mutt))
        shown = {"login": "Log in", "swagger-ui": "/api/v1/rules/test", "redoc": "Try the rules on an event"}
        eventually(lambda: shown[name].lower() in visit.page.content().lower())
        for looks in visit.all_looks():
            look(visit, f"{name}-{looks}")


def test_the_other_pages_open_under_the_strict_policy(browser: Browser, session: Any, filled: Mutt):
    with visiting(browser, session, filled, DESKTOP) as visit:
        for name, page in OTHERS.items():
            visit.page.goto(address(page, filled))
            assert (name, visit.complaints, visit.violations()) == (name, [], [])
            assert "/admin/login/" not in visit.page.url


def test_an_error_is_a_page_under_the_strict_policy(browser: Browser, session: Any, filled: Mutt):
    with visiting(browser, session, filled, DESKTOP) as visit:
        for path, status in ERRORS.items():
            answer = visit.page.goto(filled.stack.web + path)
            assert answer is not None
            assert (path, answer.status, visit.violations()) == (path, status, [])
        visit.page.goto(f"{filled.stack.web}/admin/login/?next=/admin/password_change/")
        visit.page.context.clear_cookies()
        visit.page.goto(f"{filled.stack.web}/admin/login/")
        visit.page.context.clear_cookies()
        visit.page.fill("#id_username", "admin")
        visit.page.fill("#id_password", "guessed")
        visit.page.click("input[type=submit]")
        assert "Nothing was done" in visit.page.inner_text("h1")
        assert visit.violations() == []


def test_what_pages_do_by_script_is_allowed_by_the_strict_policy(browser: Browser, session: Any, filled: Mutt):
    """The calendar, the clock and the chooser of admin; the try-outs of Swagger UI; a form of the browsable API."""
    with visiting(browser, session, filled, DESKTOP) as visit:
        page, web = visit.page, filled.stack.web
        page.goto(f"{web}/admin/ingest/apikey/add/")
        page.click("#calendarlink0")
        page.click("#calendarin0 td a >> nth=10")
        page.click("#clocklink0")
        page.click("#clockbox0 a >> nth=2")
        assert page.input_value("#id_expires_at_0")
        assert page.input_value("#id_expires_at_1")
        page.goto(f"{web}/admin/auth/group/add/")
        page.click("#id_permissions_add_all")
        assert page.locator("#id_permissions_to option").count() > 10
        assert visit.violations() == []

        page.goto(f"{web}/api/v1/docs")
        page.click("#operations-ledger-ledger_retrieve .opblock-summary-control")
        page.click("text=Try it out")
        page.click("button.execute")
        page.wait_for_selector(".live-responses-table .response")
        assert "balanced" in page.inner_text(".live-responses-table")
        assert visit.violations() == []

        page.goto(f"{web}/api/v1/dev-hosts")
        page.fill("#id__content", json.dumps({"hostname": "by-form", "description": ""}))
        page.click("text=POST >> nth=-1")
        page.wait_for_selector("text=HTTP 201 Created")
        filled.api("dev-hosts/bulk", "POST", {"delete": ["by-form"]})
        assert (visit.complaints, visit.violations()) == ([], [])


def test_a_role_is_made_in_a_window_of_its_own(browser: Browser, session: Any, filled: Mutt):
    """Admin's windows tell the page that opened them what they have made: the opener policy must let them."""
    with filled.database() as cursor:
        cursor.execute(
            "INSERT INTO auth_user (password, is_superuser, username, first_name, last_name, email, is_staff,"
            " is_active, date_joined) VALUES ('!', false, 'grace', '', '', '', true, true, now()) RETURNING id"
        )
        (person,) = cursor.fetchone()
    with visiting(browser, session, filled, DESKTOP) as visit:
        page = visit.page
        page.goto(f"{filled.stack.web}/admin/auth/user/{person}/change/")
        with page.expect_popup() as opened:
            page.click("#add_id_groups")
        window = opened.value
        window.fill("#id_name", "made in a window")
        assert window.evaluate("window.cspViolations") == []
        window.click("input[name=_save]")
        page.wait_for_selector("#id_groups_to option >> text=made in a window", state="attached")
        assert (visit.complaints, visit.violations()) == ([], [])


def test_a_rule_is_tried_beside_its_form_on_an_event_and_on_the_past(browser: Browser, session: Any, filled: Mutt):
    with visiting(browser, session, filled, DESKTOP) as visit:
        page = visit.page
        page.goto(f"{filled.stack.web}/admin/rules/rule/add/")
        page.fill("#id_match_string", "changed state to down")
        page.fill("#id_priority", "1")
        page.select_option("#id_prod_handling", "Ticket_only")
        page.select_option("#id_dev_handling", "Ignore")
        page.fill("#try_event", DOWN)
        page.click("text=Test this rule")
        page.wait_for_selector("#try-result .decision")
        assert "Ticket_only" in page.inner_text("#try-result .verdict")
        assert page.inner_text("#try-result .message mark") == "changed state to down"
        look(visit, "rule-tested")
        page.click("text=What would this change?")
        page.wait_for_selector("#try-result .backtest table")
        assert "events would end otherwise" in page.inner_text("#try-result .verdict")
        assert "Page_and_ticket" in page.inner_text("#try-result")
        page.wait_for_selector("#try-result [data-poll]", state="detached")
        look(visit, "rule-backtested")
        assert visit.barriers() == []
        assert page.url.endswith("/admin/rules/rule/add/")


def test_a_rule_is_made_for_a_reason_changed_in_the_list_and_brought_back(browser: Browser, session: Any, filled: Mutt):
    with visiting(browser, session, filled, DESKTOP) as visit:
        page = visit.page
        page.goto(f"{filled.stack.web}/admin/rules/rule/add/")
        page.fill("#id_name", "Made by hand")
        page.fill("#id_match_string", "nobody ever says this")
        page.select_option("#id_prod_handling", "Ticket_only")
        page.select_option("#id_dev_handling", "Ignore")
        page.click("input[name=_save]")
        assert "Say why" in page.inner_text(".errorlist >> nth=0")
        page.fill("#id_change_reason", "to see it")
        page.click("input[name=_save]")
        row = page.locator("#result_list tr", has_text="Made by hand")
        row.locator("input[name$=is_active]").uncheck()
        page.fill("#changelist-form [name=change_reason]", "too loud")
        page.click("#changelist-form input[name=_save]")
        page.locator("#result_list tr", has_text="Made by hand").locator("text=History").click()
        assert "too loud" in page.inner_text("table.history")
        look(visit, "rule-history-of-changes")
        page.click("text=Back to this")
        assert "is as it was" in page.inner_text(".messagelist")
        (rule,) = filled.api("rules?search=Made+by+hand")["results"]
        assert rule["is_active"] is True
        filled.api(f"rules/{rule['id']}", "DELETE")


def test_hosts_are_pasted_looked_at_and_saved(browser: Browser, session: Any, filled: Mutt):
    with visiting(browser, session, filled, DESKTOP) as visit:
        page = visit.page
        page.goto(f"{filled.stack.web}/admin/rules/developmenthost/paste/")
        page.fill("#id_lines", "pasted-1, the lab\npasted-2")
        page.fill("#id_change_reason", "a new lab")
        page.click("input[name=_look]")
        assert "2 added" in page.inner_text("#preview .verdict")
        look(visit, "paste-looked-at")
        assert visit.barriers() == []
        page.click("input[name=_save]")
        assert "Added 2" in page.inner_text(".messagelist")
        filled.api("dev-hosts/bulk", "POST", {"delete": ["pasted-1", "pasted-2"]})
