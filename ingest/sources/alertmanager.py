"""Alerts of Prometheus' Alertmanager (webhook version 4, and bare ones of its API) and of Grafana, old and new."""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from audit.notes import Note
from ingest.sources.severities import severity_from_word
from ingest.sources.source import Context, Incoming, Item, Source, Unusable
from ingest.times import read_time, time_of

# Labels in lower case, the closest first.
_HOST_LABELS = (
    "hostname", "host", "host_name", "host.name", "nodename", "node", "instance", "device", "target",
    "exported_instance", "kubernetes_node", "k8s_node_name", "server", "machine", "computer", "vm", "vmname", "ip",
    "address", "pod",
)  # fmt: skip
_OTHER_LABELS = (
    "service", "service_name", "app", "application", "container", "deployment", "cluster", "namespace", "job",
    "alertname",
)  # fmt: skip
_SEVERITY_LABELS = ("severity", "level", "priority", "loglevel")
_SUMMARIES = ("summary", "title", "message", "description", "msg", "text")
_DETAILS = ("description", "message", "details", "info")
_FOR_MACHINES = re.compile(r"url|link|runbook|dashboard|^__|id$|severity|priority", re.IGNORECASE)
_OVER = {"resolved", "ok", "normal", "inactive"}

_URL = re.compile(
    r"[a-zA-Z][a-zA-Z0-9+.-]{0,30}://(?:[^/?#\s@]{0,300}@)?(?:\[([\w:.%]{2,100})\]|([^/?#\s:@\[\]]{1,255}))"
)
_BRACKETED = re.compile(r"\[([\w:.%]{2,100})\](?::\d{1,5})?")
_WITH_PORT = re.compile(r"([^:/\s]{1,255}):\d{1,5}(?:/\S*)?")
# What the schema does not take in a host name.
_BLANKS = re.compile("[\x00-\x20\x7f-\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff]+")
_NO_HOSTS = {"", "-", "none", "null", "unknown", "n/a", "<no value>", "[no value]"}
_LONGEST_NAME = 255
_LONGEST_MESSAGE = 65_535
_LARGEST = 10**100


@dataclass(frozen=True, slots=True)
class _Group:
    """What the alerts of one notification share. `fields` is the notification without its alerts."""

    source_type: str = "alertmanager"
    status: Any = None
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    headline: str = ""
    url: Any = None
    notes: tuple[Note, ...] = ()
    fields: Mapping[str, Any] | None = None

    def original(self, alert: Any) -> Any:
        """What the sender would have sent for this alert alone."""
        return alert if self.fields is None else {**self.fields, "alerts": [alert]}


_ALONE = _Group()


def adapt(value: Any, context: Context) -> Sequence[Item]:
    """One event for each alert of a notification, for a bare alert, or for a notification of Grafana before 9."""
    if isinstance(value, list):
        return [item for alert in value for item in _single(alert, context)]
    return _single(value, context)


def _single(value: Any, context: Context) -> Sequence[Item]:
    if isinstance(value, dict):
        if isinstance(value.get("alerts"), list):
            return list(_of_group(value, context))
        if isinstance(value.get("evalMatches"), list) or {"ruleName", "state"} <= value.keys():
            return [_event(_modern(value), _Group("grafana"), value, "", context)]
        if isinstance(value.get("labels"), dict):
            return [_event(value, _ALONE, value, "", context)]
    return [_no_alert(value, "")]


def _no_alert(original: Any, pointer: str) -> Unusable:
    why = (
        "It is no alert. Send what the webhook of Alertmanager or Grafana sends: an object with a list of alerts,"
        ' such as {"alerts": [{"status": "firing", "labels": {…}}]}, or one alert with its labels.'
    )
    return Unusable("not_an_alert", why, original, pointer)


def _of_group(value: Mapping[str, Any], context: Context) -> Iterator[Item]:
    truncated = value.get("truncatedAlerts")
    is_grafana = "orgId" in value or value.get("version") == "1"
    group = _Group(
        source_type="grafana" if is_grafana else "alertmanager",
        status=value.get("status"),
        labels={**_texts(value.get("groupLabels")), **_texts(value.get("commonLabels"))},
        annotations=_texts(value.get("commonAnnotations")),
        headline=_word(value.get("title")) or _word(value.get("message")) or "",
        url=value.get("externalURL"),
        notes=(Note.TRUNCATED,) if isinstance(truncated, int | float) and truncated > 0 else (),
        fields={name: item for name, item in value.items() if name != "alerts"},
    )
    for number, alert in enumerate(value["alerts"]):
        pointer = f"/alerts/{number}"
        original = group.original(alert)
        if isinstance(alert, dict):
            yield _event(alert, group, original, pointer, context)
        else:
            yield _no_alert(original, pointer)


def _modern(value: Mapping[str, Any]) -> dict[str, Any]:
    """A notification of Grafana before 9 as an alert of later ones. Once over, only the rule is left to make a key."""
    said = value.get("evalMatches")
    matches = [match for match in said if isinstance(match, dict)] if isinstance(said, list) else []
    rule = {name: value.get(name) for name in ("orgId", "dashboardId", "panelId", "ruleId", "ruleName")}
    found = ", ".join(f"{_word(match.get('metric'))}={_word(match.get('value'))}" for match in matches[:20])
    return {
        "status": value.get("state"),
        "labels": {
            **(_texts(matches[0].get("tags")) if matches else {}),
            **_texts(value.get("tags")),
            "alertname": value.get("ruleName") or value.get("title"),
        },
        "annotations": {"summary": value.get("message") or value.get("title"), "details": found},
        "generatorURL": value.get("ruleUrl"),
        "fingerprint": _key_of(_texts(rule)),
    }


def _event(alert: Mapping[str, Any], group: _Group, original: Any, pointer: str, context: Context) -> Item:
    own = _texts(alert.get("labels"))
    labels = {**_lower(group.labels), **_lower(own)}
    annotations = {**_lower(group.annotations), **_beside(alert), **_lower(_texts(alert.get("annotations")))}
    hostname, about_host = _hostname(labels, (alert.get("generatorURL"), group.url))
    if hostname is None:
        why = "No label names a host, and nothing else does. Give the rule a label such as instance or host."
        return Unusable("hostname_missing", why, original, f"{pointer}/labels")
    is_over = _is_over(alert, group, context)
    timestamp, about_time = _time(alert.get("endsAt" if is_over else "startsAt"), context)
    event: dict[str, Any] = {
        "hostname": hostname,
        "timestamp": timestamp,
        "message": _message(labels, annotations, group.headline),
        "source_type": group.source_type,
    }
    severity, about_severity = _severity(labels, annotations)
    if severity is not None:
        event["syslog_severity"] = severity
    if is_over:
        event["clear"] = True
    key = _word(alert.get("fingerprint"))
    key = key if key and len(key) <= _LONGEST_NAME else _key_of(own)
    if key:
        event["alert_key"] = key
    return Incoming(event, original, about_host + about_time + about_severity + group.notes)


def _is_over(alert: Mapping[str, Any], group: _Group, context: Context) -> bool:
    status = alert.get("status")
    if isinstance(status, dict):  # GET /api/v2/alerts
        status = status.get("state")
    status = _word(status) or _word(group.status)
    if status:
        return status.lower() in _OVER
    # POST /api/v2/alerts names no status: an alert fires until its end.
    ends, _ = read_time(alert.get("endsAt"), context.now, context.zone)
    return ends is not None and ends <= context.now


def _time(said: Any, context: Context) -> tuple[str, tuple[Note, ...]]:
    if isinstance(said, str) and time_of(said):
        return said, ()
    at, notes = read_time(said, context.now, context.zone)
    return (at or context.now).isoformat(), notes


def _hostname(labels: Mapping[str, str], urls: Iterable[Any]) -> tuple[str | None, tuple[Note, ...]]:
    for name in _HOST_LABELS:
        host = _host_in(labels.get(name, ""))
        if host and not _BLANKS.search(host):
            return host, ()
    others = (_host_in(labels.get(name, "")) for name in (*_HOST_LABELS, *_OTHER_LABELS))
    hosts_of_urls = (_host_in(url) for url in urls if isinstance(url, str) and _URL.match(url))
    closest = next((host for host in chain(others, hosts_of_urls) if host), None)
    return (_BLANKS.sub("-", closest), (Note.HOSTNAME_FROM_LABEL,)) if closest else (None, ())


def _host_in(text: str) -> str | None:
    """The host of a URL, of `host:port`, of `[IPv6]:port`, or the text itself; None if it cannot be one."""
    text = text.strip()
    form = _URL.match(text) or _BRACKETED.fullmatch(text) or _WITH_PORT.fullmatch(text)
    host = next(part for part in form.groups() if part) if form else text
    is_template = "{{" in host or "${" in host
    # `device` is a path of a disk at times.
    if (
        host.lower() in _NO_HOSTS
        or not _BLANKS.sub("", host)
        or len(host) > _LONGEST_NAME
        or host.startswith("/")
        or is_template
    ):
        return None
    return host


def _severity(*sources: Mapping[str, str]) -> tuple[str | None, tuple[Note, ...]]:
    words = [source[name] for source in sources for name in _SEVERITY_LABELS if source.get(name)]
    severity = next((found for found in map(severity_from_word, words) if found), None)
    if severity:
        return severity.value, ()
    return None, (Note.SEVERITY_UNKNOWN,) if words else ()


def _message(labels: Mapping[str, str], annotations: Mapping[str, str], headline: str) -> str:
    """`alertname: summary`, and the description below it where that says more."""
    name = labels.get("alertname", "")
    summary = _summary(annotations) or headline or ", ".join(f"{key}={labels[key]}" for key in sorted(labels))
    says_name = not name or summary.casefold().startswith(name.casefold())
    message = (summary if says_name else f"{name}: {summary}")[:_LONGEST_MESSAGE]
    detail = next((text for text in map(annotations.get, _DETAILS) if text and text not in message), None)
    whole = f"{message}\n{detail}"
    return whole if detail and len(whole) <= _LONGEST_MESSAGE else message


def _summary(annotations: Mapping[str, str]) -> str | None:
    for name in _SUMMARIES:
        if annotations.get(name):
            return annotations[name]
    return next((text for name, text in sorted(annotations.items()) if text and not _FOR_MACHINES.search(name)), None)


def _key_of(labels: Mapping[str, str]) -> str | None:
    """A name for what has these labels; None for none, as that would be one name for all."""
    if not labels:
        return None
    return hashlib.sha256(json.dumps(labels, sort_keys=True).encode()).hexdigest()


def _texts(value: Any) -> dict[str, str]:
    """The texts and numbers of an object, as texts."""
    if not isinstance(value, dict):
        return {}
    words = ((name, _word(item)) for name, item in value.items())
    return {name: word for name, word in words if word}


def _beside(alert: Mapping[str, Any]) -> dict[str, str]:
    """What bare alerts say beside their annotations."""
    return _texts({name: alert.get(name) for name in (*_SUMMARIES, *_SEVERITY_LABELS)})


def _lower(texts: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): text for name, text in texts.items()}


def _word(value: Any) -> str | None:
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > _LARGEST:
        return None
    return str(value)


ALERTMANAGER = Source("alertmanager", adapt)
