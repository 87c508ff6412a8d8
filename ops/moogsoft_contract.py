"""What Moogsoft takes, Cloud's Events API (contract 1.0.0) and Onprem's REST LAM, as checks of events and requests."""

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

MAX_TEXT = 32_500  # Events API: longest `source` and `description`, in characters
MAX_SIGNATURE_BYTES = 767  # REST LAM: longest `signature`
SEVERITIES = frozenset({"clear", "unknown", "warning", "minor", "major", "critical"})
MAX_SEVERITY = 5
_YEAR_2100_S = 4_102_444_800
_YEAR_1973_MS = 100_000_000_000  # between 2100 in seconds and this, a time is neither seconds nor milliseconds
MAX_MESSAGES = 100  # violations named in one answer
_LONGEST_NAME = 50  # characters of a name that we did not expect, in an answer

_NESTED = frozenset({dict, list})
_TEXT = frozenset({str})

_Check = Callable[[Any], str | None]  # what is wrong with a value, or None


class Refused(Exception):  # noqa: N818 - it carries an answer, not a fault of ours
    """A request that is answered with `status`; `invalid` counts what broke the contract."""

    def __init__(self, status: int, code: str, *messages: str, invalid: int = 1) -> None:
        super().__init__(status, *messages)
        self.status, self.code, self.messages, self.invalid = status, code, messages, invalid

    @property
    def body(self) -> dict[str, Any]:
        """The JSON that Moogsoft would answer."""
        if self.status == 401:  # noqa: PLR2004 - the only one with a form of its own
            return {"status": "error", "message": "API Key required"}
        messages = [{"code": self.code, "severity": "ERROR", "message": text} for text in self.messages]
        return {"http_status_code": self.status, "messages": messages}


@dataclass(frozen=True, slots=True)
class Product:
    """One of the two Moogsofts: how it reads a request, what it takes, what tells events apart."""

    read: Callable[[Mapping[str, str], bytes, bytes], list[Any]]
    violations: Callable[[Any], list[str]]
    identity: Callable[[Any], str]

    def events_of(self, headers: Mapping[str, str], content: bytes, key: bytes) -> list[Any]:
        """The events of a request that is right in every respect. Raises Refused."""
        events = self.read(headers, content, key)
        found = {index: wrong for index, event in enumerate(events) if (wrong := self.violations(event))}
        if found:
            messages = [f"event {index}: {text}" for index, texts in found.items() for text in texts]
            raise Refused(400, "bad_event", *messages[:MAX_MESSAGES], invalid=len(found))
        return events


def cloud_violations(event: Any) -> list[str]:
    """What is wrong with one event for the Events API; nothing if the list is empty."""
    return _violations(event, _CLOUD_REQUIRED, _CLOUD)


def onprem_violations(event: Any) -> list[str]:
    """What is wrong with one event for the REST LAM; nothing if the list is empty."""
    return _violations(event, _ONPREM_REQUIRED, _ONPREM)


def cloud_identity(event: Mapping[str, Any]) -> str:
    """What tells a valid event from others: MUTT's event id, else the key that Moogsoft folds it by."""
    event_id = event.get("tags", {}).get("event_id")
    if event_id:
        return str(event_id)
    default = [event["source"], *event.get("services", []), event["check"], event.get("class", "")]
    return event.get("deduplication_key") or "::".join(filter(None, default))


def onprem_identity(event: Mapping[str, Any]) -> str:
    """What tells a valid event from others: MUTT's event id, else its signature."""
    return str(event.get("external_id") or event["signature"])


def _violations(event: Any, required: tuple[str, ...], checks: Mapping[str, _Check]) -> list[str]:
    if not isinstance(event, dict):
        return ["it is not an object"]
    found = [f"{name} is missing" for name in required if name not in event]
    for name, value in event.items():
        check = checks.get(name)
        if check is None:
            found.append(f"{name[:_LONGEST_NAME]!r} is not a field of an event")
        elif (wrong := check(value)) is not None:
            found.append(f"{name} {wrong}")
    return found


def _text(value: Any) -> str | None:
    return None if isinstance(value, str) else "must be text"


def _filled_text(value: Any) -> str | None:
    return None if isinstance(value, str) and value else "must be text that is not empty"


def _limited_text(value: Any) -> str | None:
    if isinstance(value, str) and len(value) > MAX_TEXT:
        return f"is longer than {MAX_TEXT} characters"
    return _filled_text(value)


def _signature(value: Any) -> str | None:
    if isinstance(value, str) and len(value.encode()) > MAX_SIGNATURE_BYTES:
        return f"is longer than {MAX_SIGNATURE_BYTES} bytes"
    return _filled_text(value)


def _texts(value: Any) -> str | None:
    good = isinstance(value, list) and _TEXT.issuperset(map(type, value))
    return None if good else "must be a list of texts"


def _severity_number(value: Any) -> str | None:
    good = type(value) is int and 0 <= value <= MAX_SEVERITY
    return None if good else f"must be an integer 0 to {MAX_SEVERITY}"


def _severity(value: Any) -> str | None:
    good = value.lower() in SEVERITIES if isinstance(value, str) else _severity_number(value) is None
    return None if good else f"must be one of {', '.join(sorted(SEVERITIES))} or an integer 0 to {MAX_SEVERITY}"


def _time(value: Any) -> str | None:
    if type(value) is int and (0 < value < _YEAR_2100_S or _YEAR_1973_MS < value < _YEAR_2100_S * 1000):
        return None
    return "must be an integer, seconds or milliseconds since 1970"


def _seconds(value: Any) -> str | None:
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= len(str(_YEAR_2100_S)):
        value = int(value)
    good = type(value) is int and 0 < value < _YEAR_2100_S
    return None if good else "must be seconds since 1970, an integer or a string of digits"


def _object(value: Any) -> str | None:
    return None if isinstance(value, dict) else "must be an object"


def _tags(value: Any) -> str | None:
    if not isinstance(value, dict):
        return "must be an object"
    if _NESTED.isdisjoint(map(type, value.values())):
        return None
    for name, tag in value.items():
        if isinstance(tag, dict) or (isinstance(tag, list) and (name != "labels" or _texts(tag))):
            return f"must be flat, and {name[:_LONGEST_NAME]!r} is not"
    return None


def _parts(kinds: Mapping[str, type | tuple[type, ...]]) -> _Check:
    """A check of an object whose keys, and their types, are fixed."""

    def check(value: Any) -> str | None:
        if not isinstance(value, dict):
            return "must be an object"
        for name, part in value.items():
            kind = kinds.get(name)
            if kind is None or isinstance(part, bool) or not isinstance(part, kind):
                return f"has no place for {name[:_LONGEST_NAME]!r}, or not for its type"
        return None

    return check


_number = (int, float)
_geo_coordinates = _parts({"lat": _number, "long": _number})
_plain_location = _parts(
    {
        **dict.fromkeys(("street", "building", "floor", "city", "state_or_province", "country", "postcode"), str),
        **dict.fromkeys(("rack", "aisle", "u_position", "region", "data_center", "availability_zone"), str),
        **dict.fromkeys(("suite", "geo_coordinates_lat", "geo_coordinates_long"), int),
        "geo_coordinates": dict,
    }
)


def _location(value: Any) -> str | None:
    return _plain_location(value) or _geo_coordinates(value.get("geo_coordinates", {}))


_CLOUD_REQUIRED = ("source", "check", "severity", "description")
_CLOUD: dict[str, _Check] = {
    "source": _limited_text,
    "check": _filled_text,
    "severity": _severity,
    "description": _limited_text,
    "time": _time,
    "services": _texts,
    "tags": _tags,
    "location": _location,
    **dict.fromkeys(("deduplication_key", "alias", "utc_offset", "manager", "manager_id"), _text),
    **dict.fromkeys(("class", "namespace", "type", "policyId"), _text),
}
_ONPREM_TEXTS = ("source_id", "manager", "source", "class", "agent", "agent_location", "type", "description")
_ONPREM_REQUIRED = ("signature", *_ONPREM_TEXTS, "severity", "agent_time")
_ONPREM: dict[str, _Check] = {
    **dict.fromkeys(_ONPREM_TEXTS, _filled_text),
    "signature": _signature,
    "severity": _severity_number,
    "agent_time": _seconds,
    "external_id": _text,
    "first_occurred": _seconds,
    "custom_info": _object,
}


def _read_cloud(headers: Mapping[str, str], content: bytes, key: bytes) -> list[Any]:
    _authenticate(headers.get("apiKey", "").encode("latin-1"), key)  # as tornado decoded it
    body = _json_of(headers, content)
    return _not_empty(body if isinstance(body, list) else [body])


def _read_onprem(headers: Mapping[str, str], content: bytes, key: bytes) -> list[Any]:
    body = _json_of(headers, content)
    if not isinstance(body, dict):
        raise Refused(400, "bad_body", "the body must be an object with events")
    token = body.get("auth_token")
    _authenticate(token.encode() if isinstance(token, str) else b"", key)
    events = body.get("events")
    return _not_empty(events if isinstance(events, list) else [])


def _authenticate(given: bytes, key: bytes) -> None:
    if not hmac.compare_digest(given, key):
        raise Refused(401, "bad_key", invalid=0)


def _json_of(headers: Mapping[str, str], content: bytes) -> Any:
    if headers.get("Content-Type", "").partition(";")[0].strip().lower() != "application/json":
        raise Refused(400, "bad_content_type", "the content type must be application/json")
    return json_of(content)


def json_of(content: bytes) -> Any:
    """The JSON in a body. Raises Refused."""
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise Refused(400, "bad_body", f"the body is not JSON: {error}") from error


def _not_empty(events: list[Any]) -> list[Any]:
    if not events:
        raise Refused(400, "bad_body", "there is no event in the body")
    return events


CLOUD = Product(_read_cloud, cloud_violations, cloud_identity)
ONPREM = Product(_read_onprem, onprem_violations, onprem_identity)
