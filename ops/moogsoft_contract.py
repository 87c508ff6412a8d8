"""What Moogsoft's two inbound interfaces demand of an event: plain functions, for the stub and for tests.

Cloud: Events API, contract 1.0.0. Onprem: REST LAM.
"""

from collections.abc import Callable, Mapping
from typing import Any

MAX_TEXT = 32_500
MAX_SIGNATURE_BYTES = 767
SEVERITIES = {"clear", "unknown", "warning", "minor", "major", "critical"}
_HIGHEST_SEVERITY = 5
# Epoch seconds from 2001 on, or milliseconds up to 2100.
_EARLIEST, _LATEST_S, _LATEST_MS = 1_000_000_000, 4_102_444_800, 4_102_444_800_000
_LOCATION = {
    "street", "building", "floor", "city", "country", "region", "rack", "data_center", "availability_zone",
    "geo_coordinates",
}  # fmt: skip


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _some_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _limited_text(value: Any) -> bool:
    return _some_text(value) and len(value) <= MAX_TEXT


def _integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _level(value: Any) -> bool:
    return _integer(value) and 0 <= value <= _HIGHEST_SEVERITY


def _severity(value: Any) -> bool:
    return _level(value) or (isinstance(value, str) and value.lower() in SEVERITIES)


def _time(value: Any) -> bool:
    return _integer(value) and (_EARLIEST <= value <= _LATEST_S or _EARLIEST * 1000 <= value <= _LATEST_MS)


def _seconds(value: Any) -> bool:
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value)
    return _integer(value) and _EARLIEST <= value <= _LATEST_S


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _tags(value: Any) -> bool:
    """A flat object; the only list that it may hold is `labels`."""
    if not isinstance(value, dict):
        return False
    return all(_texts(item) if name == "labels" else not isinstance(item, dict | list) for name, item in value.items())


def _location(value: Any) -> bool:
    return isinstance(value, dict) and set(value) <= _LOCATION


def _signature(value: Any) -> bool:
    return _some_text(value) and len(value.encode()) <= MAX_SIGNATURE_BYTES


def _object(value: Any) -> bool:
    return isinstance(value, dict)


Check = Callable[[Any], bool]

_CLOUD_REQUIRED: dict[str, Check] = {
    "source": _limited_text,
    "check": _some_text,
    "severity": _severity,
    "description": _limited_text,
}
_CLOUD_OPTIONAL: dict[str, Check] = {
    **dict.fromkeys(
        ("deduplication_key", "alias", "utc_offset", "manager", "manager_id", "class", "namespace", "type"), _text
    ),
    "time": _time,
    "services": _texts,
    "tags": _tags,
    "location": _location,
}
_ONPREM_REQUIRED: dict[str, Check] = {
    "signature": _signature,
    **dict.fromkeys(("source_id", "manager", "source", "class", "agent", "agent_location", "type"), _text),
    "severity": _level,
    "description": _some_text,
    "agent_time": _seconds,
}
_ONPREM_OPTIONAL: dict[str, Check] = {"external_id": _text, "first_occurred": _seconds, "custom_info": _object}


def cloud_violations(event: Any) -> list[str]:
    """What is wrong with an event for the Events API; empty for a good one."""
    return _violations(event, _CLOUD_REQUIRED, _CLOUD_OPTIONAL)


def onprem_violations(event: Any) -> list[str]:
    """What is wrong with an event for the REST LAM; empty for a good one."""
    return _violations(event, _ONPREM_REQUIRED, _ONPREM_OPTIONAL)


def _violations(event: Any, required: Mapping[str, Check], optional: Mapping[str, Check]) -> list[str]:
    if not isinstance(event, dict):
        return ["it is no object"]
    missing = [f"{name} is missing" for name in required if name not in event]
    wrong = []
    for name, value in event.items():
        check = required.get(name) or optional.get(name)
        if check is None:
            wrong.append(f"{name} is not a field of the contract")
        elif not check(value):
            wrong.append(f"{name} is not what the contract asks for")
    return missing + wrong
