"""Which operations of the API are on their way out: since when, until when, and what takes their place.

docs/upgrading.md says what is promised. Whoever calls one is told by headers (RFC 9745, RFC 8594, RFC 8288).
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import quote

LEAST_NOTICE = timedelta(days=180)
_NAME = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Deprecation:
    """One operation, with its path as in the OpenAPI document; or with `/*` at its end all below it.

    `since` is when it was, or will be, deprecated; after `sunset` it may be gone. `successor` may use the names
    that are in `path`. `about` is where people read of it. Raises ValueError where that does not fit together.
    """

    path: str
    since: datetime
    method: str = "*"
    sunset: datetime | None = None
    successor: str = ""
    about: str = "/api/v1/docs"

    def __post_init__(self) -> None:
        if self.since.tzinfo is None or (self.sunset and self.sunset.tzinfo is None):
            raise ValueError(f"{self.operation}: times need a zone.")
        if self.sunset and self.sunset - self.since < LEAST_NOTICE:
            raise ValueError(f"{self.operation}: it may be gone {LEAST_NOTICE.days} days after `since`, not earlier.")
        if unknown := set(_NAME.findall(self.successor)) - set(_NAME.findall(self.path)):
            raise ValueError(f"{self.operation}: the successor has a name that the path has not: {sorted(unknown)}.")

    @property
    def operation(self) -> str:
        return f"{self.method} {self.path}"

    def values(self, method: str, path: str, captured: Collection[str]) -> Mapping[str, str] | None:
        """What stands for the names in its path where this request is one of it; None where it is not.

        `captured` is what the address leaves open: `/events/export` is no `/events/{event_id}`.
        """
        if self.method not in {"*", "GET" if method == "HEAD" else method}:
            return None
        if self.path.endswith("/*"):
            return {} if path.startswith(self.path[:-1]) else None
        wanted, found = self.path.split("/"), path.split("/")
        if len(wanted) != len(found):
            return None
        values = {}
        for asked, given in zip(wanted, found, strict=True):
            name = _NAME.fullmatch(asked)
            if name and given in captured:
                values[name[1]] = given
            elif asked != given:
                return None
        return values

    def headers(self, values: Mapping[str, str]) -> dict[str, str]:
        """What an answer bears."""
        links = [f'<{self.about}>; rel="deprecation"; type="text/html"']
        if self.successor:
            address = self.successor.format_map({name: quote(value, safe="") for name, value in values.items()})
            links.append(f'<{address}>; rel="successor-version"')
        headers = {"Deprecation": f"@{int(self.since.timestamp())}", "Link": ", ".join(links)}
        if self.sunset:
            headers["Sunset"] = format_datetime(self.sunset.astimezone(UTC), usegmt=True)
        return headers

    def sentence(self) -> str:
        """For people, in the OpenAPI document."""
        said = f"Deprecated since {self.since.astimezone(UTC):%Y-%m-%d}"
        said += f"; it may be gone after {self.sunset.astimezone(UTC):%Y-%m-%d}." if self.sunset else "."
        return f"{said} Instead: `{self.successor}`." if self.successor else said


DEPRECATIONS: tuple[Deprecation, ...] = ()


def deprecation_of(method: str, path: str, captured: Collection[str]) -> tuple[Deprecation, Mapping[str, str]] | None:
    """The first that this request is one of, with what stands for its names."""
    for one in DEPRECATIONS:
        values = one.values(method, path, captured)
        if values is not None:
            return one, values
    return None
