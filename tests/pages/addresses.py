"""Each page of ours by name, and where it is; a new one is one line here and one in docs/pages.md."""

from collections.abc import Callable
from typing import Any

from tests.mutt import Mutt

# How each page is looked at: the width of the window, and what the reader prefers.
LOOKS = {"light": (1280, "light"), "dark": (1280, "dark"), "phone": (390, "light")}


def first(mutt: Mutt, path: str) -> Any:
    return mutt.api(f"{path}{'&' if '?' in path else '?'}limit=1")["results"][0]["id"]


def rule_page(name: str) -> Callable[[Mutt], str]:
    return lambda mutt: f"/admin/rules/rule/{first(mutt, 'rules')}/{name}/"


PAGES: dict[str, str | Callable[[Mutt], str]] = {
    "rules": "/admin/rules/rule/",
    "rules-filtered": "/admin/rules/rule/?is_active__exact=1&q=down",
    "rule": rule_page("change"),
    "rule-new": "/admin/rules/rule/add/",
    "rule-history": rule_page("history"),
    "rule-delete": rule_page("delete"),
    "explain": "/admin/rules/rule/explain/",
    "explain-recent": lambda mutt: f"/admin/rules/rule/explain/?event={first(mutt, 'events')}",
    "development-hosts": "/admin/rules/developmenthost/",
    "development-host-new": "/admin/rules/developmenthost/add/",
    "development-hosts-paste": "/admin/rules/developmenthost/paste/",
    "device-teams": "/admin/rules/deviceteam/",
    "device-team-new": "/admin/rules/deviceteam/add/",
    "device-teams-paste": "/admin/rules/deviceteam/paste/",
    "records": "/admin/audit/record/",
    "record": lambda mutt: f"/admin/audit/record/{first(mutt, 'events')}/change/",
    "record-dead": lambda mutt: f"/admin/audit/record/{first(mutt, 'events?outcome=dead')}/change/",
    "why-not": "/admin/audit/record/why-not/?q=edge-refused",
    "why-not-arrived": "/admin/audit/record/why-not/?q=a-host-that-is-silent",
    "attempts": "/admin/audit/attempt/",
    "archives": "/admin/audit/archive/",
    "archive": "/admin/audit/archive/1/change/",
    "dead-letters": "/admin/audit/deadletter/",
    "dead-letter": lambda mutt: f"/admin/audit/deadletter/{first(mutt, 'dead-letters')}/change/",
    "delivery": "/admin/forwarder/destination/",
    "replays": "/admin/ingest/replay/",
    "quarantine": "/admin/ingest/quarantined/",
    "refusals": "/admin/ingest/refusedrequests/",
    "keys": "/admin/ingest/apikey/",
    "key-new": "/admin/ingest/apikey/add/",
    "second-factor": "/admin/second-factor/",
    "people": "/admin/auth/user/",
    "home": "/admin/",  # the last, since its charts have something to show by then
}
PUBLIC = {"login": "/admin/login/", "swagger-ui": "/api/v1/docs", "redoc": "/api/v1/redoc"}


def address(page: str | Callable[[Mutt], str], mutt: Mutt) -> str:
    return mutt.stack.web + (page if isinstance(page, str) else page(mutt))
