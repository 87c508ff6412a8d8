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
    "settings": "/admin/audit/setting/",
    "changes": "/admin/audit/change/",
    "change": lambda mutt: f"/admin/audit/change/{first(mutt, 'changes?kind=rule')}/change/",
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
# These are Django's or DRF's, in whose looks we have no hand: they open, and nothing in them is blocked.
OTHERS: dict[str, str | Callable[[Mutt], str]] = {
    "api": "/api/v1/",
    "api-rules": "/api/v1/rules",
    "api-rule": lambda mutt: f"/api/v1/rules/{first(mutt, 'rules')}",
    "api-event": lambda mutt: f"/api/v1/events/{first(mutt, 'events')}",
    "api-status": "/api/v1/status",
    "api-breaker": "/api/v1/breaker",
    "api-retention": "/api/v1/retention",
    "api-dead-letters": "/api/v1/dead-letters",
    "api-quarantine": "/api/v1/quarantine",
    "api-config": "/api/v1/config",
    "api-setting": "/api/v1/config/MOOGSOFT_BATCH_SIZE",
    "api-keys": "/api/v1/keys?limit=1",
    "people": "/admin/auth/user/?is_staff__exact=1",
    "person-new": "/admin/auth/user/add/",
    "person": "/admin/auth/user/1/change/",
    "person-password": "/admin/auth/user/1/password/",
    "person-history": "/admin/auth/user/1/history/",
    "roles": "/admin/auth/group/",
    "role": "/admin/auth/group/1/change/",
    "role-new": "/admin/auth/group/add/?_popup=1",
    "role-delete": "/admin/auth/group/1/delete/",
    "key": "/admin/ingest/apikey/1/change/",
    "key-history": "/admin/ingest/apikey/1/history/",
    "key-delete": "/admin/ingest/apikey/1/delete/",
    "refused": lambda mutt: f"/admin/ingest/quarantined/{first(mutt, 'quarantine')}/change/",
    "refused-delete": lambda mutt: f"/admin/ingest/quarantined/{first(mutt, 'quarantine')}/delete/",
    "lists-of-rules": "/admin/rules/",
    "password": "/admin/password_change/",
    "password-done": "/admin/password_change/done/",
}
ERRORS = {
    "/nowhere": 404,
    "/admin/nowhere/": 404,
    "/admin/audit/record/add/": 403,
    "/api/v1/nowhere": 404,
    "/api/v1/rules/0": 404,
    "/api/v1/rules/test": 405,
    "/api/v1/events?since=x": 400,
    "/webhook": 405,
}
PUBLIC = {"login": "/admin/login/", "swagger-ui": "/api/v1/docs", "redoc": "/api/v1/redoc"}


def address(page: str | Callable[[Mutt], str], mutt: Mutt) -> str:
    return mutt.stack.web + (page if isinstance(page, str) else page(mutt))
