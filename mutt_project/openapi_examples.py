"""Examples of the OpenAPI document, by component; a test holds each to its schema."""

from dataclasses import dataclass, field
from typing import Any

_EVENT = "0199c8a2-1c00-7000-8000-5b2f4c9e0000"
_BATCH = "0199c8a2-1c00-7000-8000-5b2f4c9e0000"
_AT = "2026-11-23T08:30:00Z"


@dataclass(frozen=True, slots=True)
class ProblemExample:
    """A problem (RFC 9457) as an operation may answer it."""

    title: str
    description: str
    detail: str
    errors: list[dict[str, str]] = field(default_factory=list)


PROBLEMS = {
    "400": ProblemExample(
        "Bad Request",
        "Something is wrong with the request; `errors` point at it.",
        "/trap_oid: Not an OID: numbers joined by dots, the first 0, 1 or 2, e.g. 1.3.6.1.4.1.9.",
        [{"pointer": "/trap_oid", "detail": "Not an OID: numbers joined by dots, the first 0, 1 or 2."}],
    ),
    "401": ProblemExample(
        "Unauthorized",
        "No API key, or none that is known; or nobody who may log in.",
        "This API key is not known, or it was deactivated.",
    ),
    "403": ProblemExample(
        "Forbidden",
        "The key lacks the scope, or the person the permission.",
        "You do not have permission to perform this action.",
    ),
    "404": ProblemExample("Not Found", "There is no such thing.", "No Rule matches the given query."),
    "409": ProblemExample(
        "Conflict",
        "It cannot be done as things are now.",
        "Somebody else has just written the same entry. Look at it, then try again.",
    ),
    "412": ProblemExample(
        "Precondition Failed",
        "The entry is not what If-Match says any more.",
        "Somebody has changed this since you read it: read it again, then decide.",
    ),
    "413": ProblemExample(
        "Request Entity Too Large",
        "The body is larger than MUTT_MAX_BODY_BYTES.",
        "The body is larger than 10,485,760 bytes. Send it in parts.",
    ),
    "422": ProblemExample(
        "Unprocessable Entity",
        "The event is still not valid.",
        "/hostname: It is missing.",
        [{"pointer": "/hostname", "detail": "It is missing."}],
    ),
    "429": ProblemExample(
        "Too Many Requests",
        "More than this key, or this address without a key, may send. `Retry-After` says when to come again.",
        "Request was throttled. Expected available in 12 seconds.",
    ),
    "503": ProblemExample(
        "Service Unavailable",
        "PostgreSQL or Redis is away.",
        "PostgreSQL or Redis is away (/readyz says which). Try again in a few seconds.",
    ),
}

_RULE_REQUEST: dict[str, Any] = {
    "name": "Interface down",
    "description": "A port lost its link.",
    "notes": "Agreed with the field team.",
    "match_type": "contains",
    "match_string": "changed state to down",
    "trap_oid": None,
    "syslog_severity": None,
    "priority": 20,
    "prod_handling": "Page_and_ticket",
    "dev_handling": "Ignore",
    "team_assignment": "NETO",
    "is_active": True,
    "examples": {"match": ["Interface Gi0/1, changed state to down"], "no_match": ["changed state to up"]},
}
_RULE = {"id": 7, **_RULE_REQUEST, "warnings": [], "created_at": _AT, "updated_at": _AT}
_MATCHED = {
    name: _RULE[name]
    for name in (
        *("id", "name", "priority", "match_type", "match_string", "trap_oid", "syslog_severity"),
        *("prod_handling", "dev_handling", "team_assignment"),
    )
}
_MESSAGE = "%LINK-3-UPDOWN: Interface Gi0/1, changed state to down"
_CANDIDATE = {
    **_MATCHED,
    "wins": True,
    "why": "It wins: no other rule matches.",
    "highlights": [{"field": "message", "begin": 33, "end": 54}],
}
_RECORD: dict[str, Any] = {
    "id": _EVENT,
    "batch": _BATCH,
    "received_at": _AT,
    "event_time": _AT,
    "api_key": "rsyslog",
    "correlation_id": "b5c7e1d2a4f94f0c8a3e6d1f2b7c9e05",
    "hostname": "core-router-01",
    "message": _MESSAGE,
    "syslog_severity": "Error",
    "trap_oid": None,
    "source_type": "syslog",
    "clears": False,
    "notes": [],
    "rule_id": 7,
    "rule_name": "Interface down",
    "rule_set_version": 42,
    "handling": "Page_and_ticket",
    "environment": "prod",
    "team": "NETO",
    "reason": None,
    "outcome": "delivered",
    "outcome_at": _AT,
}
_CHANGE: dict[str, Any] = {
    "id": 4711,
    "at": _AT,
    "who": "ada",
    "via": "admin",
    "address": "192.0.2.7",
    "correlation_id": "b5c7e1d2a4f94f0c8a3e6d1f2b7c9e05",
    "reason": "CHG-1234: the field team wants no pages at night",
    "kind": "rule",
    "object_id": "7",
    "name": "Interface down",
    "what": "changed",
    "old": {"prod_handling": "Page_and_ticket"},
    "new": {"prod_handling": "Ticket_only"},
}
_SENT = {"hostname": "core-router-01", "timestamp": _AT, "message": _MESSAGE, "syslog_severity": "err"}
_KEY_REQUEST = {
    "name": "rsyslog",
    "scopes": ["ingest"],
    "allowed_sources": ["syslog"],
    "in_url": False,
    "rate_limit": "100/second",
    "is_active": True,
    "expires_at": None,
}
_KEY = {
    "id": 3,
    **_KEY_REQUEST,
    "prefix": "mutt_x1Yz",
    "former_until": None,
    "signing_secret_count": 0,
    "last_used_at": _AT,
    "created_at": _AT,
}
_DEAD_LETTER = {
    "id": 12345,
    "event": _EVENT,
    "batch": _BATCH,
    "stage": "moog",
    "reason": "refused",
    "detail": "HTTP 400: source is too long",
    "attempts": 1,
    "died_at": _AT,
    "payload": {"hostname": "core-router-01", "timestamp": _AT, "message": _MESSAGE},
    "state": "waiting",
    "replays": 0,
    "settled_at": None,
    "settled_by": "",
    "settled_why": "",
}
_REPLAY = {
    "id": _EVENT,
    "status": "running",
    "requested_by": "alice",
    "reason": "Moogsoft takes longer names now",
    "filter": {"stage": "moog", "reason": "refused"},
    "rate": 100.0,
    "started_at": _AT,
    "ended_at": None,
    "ended_by": "",
    "total": 12,
    "replayed": 5,
    "skipped": 0,
}
_QUARANTINED = {
    "id": _EVENT,
    "received_at": _AT,
    "source": "syslog",
    "reason": "hostname_missing",
    "error": "/hostname: It is missing.",
    "errors": [{"pointer": "/hostname", "detail": "It is missing."}],
    "size": 42,
    "truncated": False,
    "redacted": False,
    "content_type": "application/json",
    "api_key": "rsyslog",
    "address": "192.0.2.7",
    "resent_at": None,
    "resent_by": "",
    "batch": None,
}
_RESENT = {"id": _EVENT, "status": 202, "batch": _BATCH, "accepted": 1, "rejected": 0, "detail": ""}
_HOST = {"hostname": "lab-switch-01", "description": "The lab"}
_TEAM = {"hostname": "core-router-01", "team": "CORE"}
_BACKTEST = {
    "id": "5f0c9a3e-2b64-4b57-9f5e-0f3c1c2d7a10",
    "status": "done",
    "problem": "",
    "progress": 1.0,
    "examined": 10000,
    "changed": 12,
    "transitions": [
        {
            "from": {"outcome": "unmatched", "handling": None, "rule": None, "team": "NETO"},
            "to": {"outcome": "forwarded", "handling": "Page_and_ticket", "rule": "Interface down", "team": "NETO"},
            "count": 12,
            "examples": [
                {"id": _EVENT, "received_at": _AT, "hostname": "core-router-01", "message": _MESSAGE},
            ],
        }
    ],
    "rule_set_version": 42,
    "started_at": _AT,
    "requested_by": "ada",
}

_MONTHS = [
    {"month": "2025-09", "records": 1000000, "bytes": 912769024, "may_go": True, "why_not": ""},
    {"month": "2026-11", "records": None, "bytes": 57344, "may_go": False, "why_not": "It is in use."},
]
_ARCHIVE = {
    "month": "2025-08",
    "state": "dropped",
    "progress": 1.0,
    "problem": "",
    "records": 1000000,
    "attempts": 50000,
    "dead_letters": 12,
    "outcomes": {"delivered": 400000, "ignored": 599988, "dead": 12},
    "path": "/var/lib/mutt/archive/2025-08",
    "bytes": 104857600,
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "requested_by": "MUTT",
    "reason": "older than 400 days",
    "started_at": _AT,
    "updated_at": _AT,
    "ended_at": _AT,
    "keep_until": None,
    "history": [{"at": _AT, "what": "dropped", "by": "MUTT", "reason": "older than 400 days"}],
}

_SETTING = {
    "name": "MOOGSOFT_BATCH_SIZE",
    "topic": "What goes to Moogsoft",
    "type": "whole number",
    "unit": "events",
    "meaning": "most events of one request",
    "bounds": "1 to 10,000",
    "value": 50,
    "default": 100,
    "origin": "run time",
    "by": "ada",
    "at": _AT,
    "why": "CHG-1234: Moogsoft asks for less at once",
}

EXAMPLES: dict[str, Any] = {
    "LoginRequest": {"username": "ada", "password": "correct horse battery staple", "otp": "123456"},
    "LoggedIn": {
        "username": "ada",
        "roles": ["MUTT editor"],
        "is_superuser": False,
        "session_ends_at": "2026-11-23T20:30:00Z",
        "session_idle_s": 3600,
        "csrf_token": "wB3kKf0yJgR7cSm1tQxV5zPn9dLh2aTe8uYo4iXr6sMqNbCvGjHlWpEkZxDfAyUo",
    },
    "Rule": _RULE,
    "RuleRequest": _RULE_REQUEST,
    "PatchedRuleRequest": {"priority": 15},
    "RuleTestRequest": {
        "event": {"hostname": "core-router-01", "message": _MESSAGE, "syslog_severity": "Error"},
        "draft": {"id": 7, "priority": 15},
    },
    "Explanation": {
        "winner": _MATCHED,
        "outcome": "forwarded",
        "handling": "Page_and_ticket",
        "environment": "prod",
        "environment_why": "“core-router-01” is not on the list of development hosts.",
        "team": "NETO",
        "team_why": "It is the team of the rule “Interface down”.",
        "candidates": [_CANDIDATE],
        "near_misses": [],
        "event": {
            "hostname": "core-router-01",
            "message": _MESSAGE,
            "syslog_severity": "Error",
            "trap_oid": None,
        },
        "rule_set_version": 42,
    },
    "NewBacktestRequest": {"draft": {"id": 7, "match_string": "state to down"}, "events": 10000},
    "Backtest": _BACKTEST,
    "BulkRequest": {
        "entries": [_RULE_REQUEST],
        "delete": [],
        "others": "keep",
        "dry_run": True,
        "rule_set_version": None,
    },
    "dev_hosts_bulk_create:BulkRequest": {"entries": [_HOST], "delete": ["lab-switch-02"]},
    "teams_bulk_create:BulkRequest": {"entries": [_TEAM], "others": "delete"},
    "BulkDone": {
        "dry_run": True,
        "created": 0,
        "updated": 1,
        "deleted": 0,
        "unchanged": 0,
        "changes": [{"action": "update", "id": 7, "name": "Interface down", "fields": {"priority": [20, 15]}}],
        "warnings": [],
        "rule_set_version": 42,
    },
    "DevelopmentHost": {"id": 1, **_HOST},
    "DevelopmentHostRequest": _HOST,
    "PatchedDevelopmentHostRequest": {"description": "The new lab"},
    "DeviceTeam": {"id": 1, **_TEAM},
    "DeviceTeamRequest": _TEAM,
    "PatchedDeviceTeamRequest": {"team": "EDGE"},
    "Event": _RECORD,
    "Why": {
        **_RECORD,
        "event": _SENT,
        "deduplication_key": "mutt:7:core-router-01:3f2a",
        "verdict": "delivered",
        "text": "It became an alert: Moogsoft took it (Page_and_ticket, team NETO), by rule 7 “Interface down”.",
        "received": {
            "at": _AT,
            "api_key": "rsyslog",
            "address": "192.0.2.7",
            "source": None,
            "correlation_id": "ticket-4711",
            "body": _SENT,
        },
        "validated": {
            "is_native": True,
            "fields": [{"field": "syslog_severity", "sent": "err", "became": "Error", "changed": True}],
            "notes": [],
        },
        "decision": {
            "rule_set_version": 42,
            "is_explained": True,
            "caveat": None,
            "rule_id": 7,
            "rule_name": "Interface down",
            "handling": "Page_and_ticket",
            "environment": "prod",
            "environment_why": "“core-router-01” is not on the list of development hosts.",
            "team": "NETO",
            "team_why": "It is the team of the rule “Interface down”.",
            "candidates": [_CANDIDATE],
            "near_misses": [],
        },
        "attempts": [
            {
                "number": 1,
                "started_at": _AT,
                "latency_ms": 21.4,
                "events": 1,
                "status": 200,
                "reason": None,
                "excerpt": '{"accepted": 1}',
            }
        ],
        "times_sent": 1,
        "waiting": None,
        "dead_letter": None,
        "steps": [{"at": _AT, "stage": "outcome", "text": "Delivered to Moogsoft."}],
    },
    "WhyNot": {
        "query": "core-router-01",
        "verdict": "ignored",
        "text": "No alert: rule 7 “Interface down” says Ignore for dev hosts.",
        "found": [
            {
                "kind": "event",
                "id": _EVENT,
                "at": _AT,
                "hostname": "core-router-01",
                "message": _MESSAGE,
                "verdict": "ignored",
                "text": "No alert: rule 7 “Interface down” says Ignore for dev hosts.",
                "rule_id": 7,
                "dead_letter": None,
            }
        ],
        "looked": ["records of that host since 2026-11-16 08:30 UTC"],
        "check": [],
        "try_it": None,
    },
    "Status": {
        "state": "failed",
        "checks": [
            {"name": "redis", "state": "ok", "text": "It takes writes.", "mend": ""},
            {
                "name": "breaker",
                "state": "failed",
                "text": "The breaker is open for another 200 s: Moogsoft failed (10 failures: HTTP 503).",
                "mend": "See what is wrong with Moogsoft; muttctl breaker auto --reason … tries at once.",
            },
        ],
        "versions": {"mutt": "0.1.0", "python": "3.11.2", "redis_server": "Valkey 8.1.4", "postgresql": "16.4"},
        "rules": {
            "version": 42,
            "active": 117,
            "left_out": [{"id": 7, "name": "Interface down", "why": "missing ): (down"}],
        },
        "queues": [{"name": "pipeline", "messages": 3, "workers": 2}],
        "key": {"name": "operators", "scopes": ["ingest", "read"], "expires_at": None},
    },
    "Breaker": {
        "state": "open",
        "since": _AT,
        "reason": "10 failures: HTTP 503: Service Unavailable",
        "next_try_at": "2026-11-23T08:35:00Z",
        "failures": 0,
        "failures_to_open": 10,
        "window_s": 60.0,
        "open_s": 300.0,
        "last_success_at": "2026-11-23T08:29:51Z",
        "forced": None,
        "paused": None,
        "rate_limit": {"requests": 50, "window_s": 1.0, "used": 0, "held_until": None},
        "parked_batches": 214,
        "waiting_for_order": 3,
        "transitions": [{"at": _AT, "was": "closed", "became": "open", "reason": "10 failures: …", "by": ""}],
    },
    "Change": _CHANGE,
    "WishRequest": {"state": "open", "reason": "CHG-1234: Moogsoft is upgraded", "for_s": 3600},
    "ResumeRequest": {"reason": "The key was mended in Moogsoft"},
    "DeadLetter": _DEAD_LETTER,
    "DeadLetterWithAttempts": {
        **_DEAD_LETTER,
        "posts": [
            {
                "number": 1,
                "started_at": _AT,
                "duration_ms": 21.4,
                "events": 1,
                "status": 400,
                "reason": "refused",
                "excerpt": "HTTP 400: source is too long",
            }
        ],
    },
    "DeadLetterSummary": {
        "waiting": 1,
        "results": [
            {"stage": "moog", "reason": "refused", "state": "waiting", "count": 1, "oldest": _AT, "newest": _AT}
        ],
    },
    "WhyRequest": {"reason": "Moogsoft takes longer names now"},
    "DiscardRequest": {"reason": "A test of the vendor's"},
    "ReplayManyRequest": {
        "filter": {"stage": "moog", "reason": "refused", "since": "-1d", "all": False},
        "reason": "Moogsoft takes longer names now",
        "rate": 100.0,
        "dry_run": False,
    },
    "DiscardManyRequest": {
        "filter": {"hostname": "lab-switch-01", "all": False},
        "reason": "A test of the vendor's",
        "dry_run": True,
    },
    "Discarded": {"count": 3, "dry_run": True},
    "Replay": _REPLAY,
    "ReplayBegun": {"count": 12, "replay": _REPLAY},
    "Retention": {
        "days": 400,
        "archive_dir": "/var/lib/mutt/archive",
        "without_archive": False,
        "months": _MONTHS,
        "archives": [_ARCHIVE],
    },
    "RetainRequest": {"days": 400, "dry_run": False, "reason": "CHG-1234: the disk is nearly full"},
    "RetentionBegun": {"dry_run": False, "begun": ["2025-09"], "months": _MONTHS},
    "RestoreRequest": {"month": "2025-08", "reason": "An auditor asks for it"},
    "Archive": _ARCHIVE,
    "Setting": _SETTING,
    "Config": {"version": 4711, "settings": [_SETTING]},
    "PatchedChangeConfigRequest": {
        "values": {"MOOGSOFT_BATCH_SIZE": 50, "MUTT_GLOBAL_RATE": None},
        "reason": "CHG-1234: Moogsoft asks for less at once",
        "dry_run": False,
    },
    "ConfigChanged": {
        "dry_run": False,
        "changes": [{"name": "MOOGSOFT_BATCH_SIZE", "before": 100, "after": 50, "risk": ""}],
    },
    "SetSettingRequest": {"value": 50, "reason": "CHG-1234: Moogsoft asks for less at once"},
    "ApiKey": _KEY,
    "NewApiKeyRequest": {**_KEY_REQUEST, "signed": False},
    "NewApiKey": {**_KEY, "secret": "shown in this answer only", "signing_secret": None},
    "PatchedApiKeyRequest": {"is_active": False},
    "GraceRequest": {"grace_hours": 24},
    "NewSecret": {"secret": "shown in this answer only", "former_until": "2026-01-06T08:00:00Z"},
    "NewSigningSecret": {"signing_secret": "shown in this answer only", "signing_secret_count": 2},
    "Ledger": {
        "accepted": 100,
        "delivered": 40,
        "ignored": 30,
        "unmatched": 27,
        "suppressed": 0,
        "dead": 1,
        "lost": 0,
        "pending": 2,
        "rejected": 5,
        "balanced": True,
        "imbalance": 0,
        "suspects": [],
        "looked_back_to": None,
    },
    "Objectives": {
        "at": _AT,
        "results": [
            {
                "name": "ingest_availability",
                "description": "Requests to the webhook that are not answered 5xx",
                "measure": "ingest_availability",
                "target": 0.999,
                "within_s": None,
                "window_days": 30,
                "good": 999_600,
                "total": 1_000_000,
                "ratio": 0.9996,
                "budget": {"allowed": 1000.0, "spent": 400, "remaining": 0.6},
                "burn": [
                    {
                        "window": "1h",
                        "rate": 0.5,
                        "short_window": "5m",
                        "short_rate": None,
                        "threshold": 14.4,
                        "burning": False,
                    }
                ],
                "state": "ok",
            }
        ],
    },
    "Refusals": {
        "since": _AT,
        "more": False,
        "results": [
            {"why": "revoked_key", "api_key": "rsyslog", "address": "192.0.2.7", "requests": 12, "last_at": _AT}
        ],
    },
    "Quarantined": _QUARANTINED,
    "QuarantinedWithBody": {**_QUARANTINED, "body": '{"message": "link down"}'},
    "Resent": _RESENT,
    "ResendManyRequest": {"ids": [_EVENT]},
    "ResentMany": {"resent": 1, "results": [_RESENT]},
    "Summary": {
        "since": _AT,
        "count": 3,
        "results": [
            {"source": "syslog", "reason": "hostname_missing", "count": 3, "resent": 0, "last_seen": _AT},
        ],
    },
}
