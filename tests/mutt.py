"""A running MUTT as tests see it: from outside, over HTTP."""

import json
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg2
import urllib3

from ops.local import samples
from ops.local.stack import Stack

_PATIENCE_S = 60
_IMPATIENT = {
    "MUTT_LOGIN_RATE": "100000/minute",  # all tests come from one address
    "MUTT_ANONYMOUS_RATES": "1000000/minute",
    "MUTT_GRACE_S": "4",
    "MUTT_LEASE_S": "6",
    "MOOGSOFT_CONNECT_TIMEOUT_S": "1",
    "MOOGSOFT_READ_TIMEOUT_S": "2",
}


class Mutt:
    """Speaks to a stack's web and to its stub Moogsoft."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self._http = urllib3.PoolManager(retries=False, timeout=30)

    def post(
        self, body: bytes | str, content_type: str = "application/json", source: str = ""
    ) -> urllib3.BaseHTTPResponse:
        """POST a body to the webhook."""
        headers = {"X-API-KEY": self.stack.secrets["api_key"], "Content-Type": content_type}
        path = f"/webhook/{source}" if source else "/webhook"
        return self._http.request("POST", f"{self.stack.web}{path}", body=body, headers=headers)

    def send(self, *events: dict[str, Any]) -> list[str]:
        """Send events as one array; returns their ids. All must be accepted."""
        answer = self.post(json.dumps(list(events)))
        assert answer.status == 202, answer.data
        return [event["id"] for event in answer.json()["events"]]

    def api(self, path: str, method: str = "GET", body: Any = None) -> Any:
        """The JSON that the API answers."""
        headers = {"X-API-KEY": self.stack.secrets["api_key"], "Content-Type": "application/json"}
        content = None if body is None else json.dumps(body)
        answer = self._http.request(method, f"{self.stack.web}/api/v1/{path}", body=content, headers=headers)
        assert answer.status < 400, (answer.status, answer.data)
        return answer.json() if answer.data else None

    def export(self, query: str) -> bytes:
        """All that a search finds, as it is streamed."""
        headers = {"X-API-KEY": self.stack.secrets["api_key"]}
        answer = self._http.request("GET", f"{self.stack.web}/api/v1/events/export?{query}", headers=headers)
        assert answer.status == 200, answer.data
        return answer.data

    def ready(self) -> bool:
        return bool(self._http.request("GET", f"{self.stack.web}/readyz").status == 200)

    def event(self, identifier: str) -> Any:
        return self.api(f"events/{identifier}")

    def ledger(self) -> Any:
        return self.api("ledger")

    def settled(self, patience_s: float = _PATIENCE_S) -> Any:
        """The ledger once nothing is pending; the equation must hold at every look."""

        def look() -> Any:
            ledger = self.ledger()
            assert ledger["balanced"], ledger
            return ledger if ledger["pending"] == 0 else None

        return eventually(look, patience_s)

    def settled_if_possible(self) -> Any:
        """The ledger if it can be read and nothing is pending."""
        headers = {"X-API-KEY": self.stack.secrets["api_key"]}
        answer = self._http.request("GET", f"{self.stack.web}/api/v1/ledger", headers=headers)
        if answer.status != 200:
            return None
        ledger = answer.json()
        assert ledger["balanced"], ledger
        return ledger if ledger["pending"] == 0 else None

    def outcome(self, identifier: str, *wanted: str, patience_s: float = _PATIENCE_S) -> Any:
        """An event's story once it has one of the wanted outcomes."""

        def look() -> Any:
            story = self.event(identifier)
            return story if story["outcome"] in wanted else None

        return eventually(look, patience_s)

    def stats(self) -> Any:
        """What the stub Moogsoft has counted."""
        return self._http.request("GET", f"{self.stack.stub}/stats").json()

    def moogsoft_events(self, limit: int = 1000) -> Any:
        """What the stub Moogsoft has taken last, the newest first."""
        return self._http.request("GET", f"{self.stack.stub}/events?limit={limit}").json()

    @contextmanager
    def database(self) -> Iterator[Any]:
        """A cursor in a transaction, for what only time could bring about."""
        connection = psycopg2.connect(self.stack.database_url)
        try:
            with connection, connection.cursor() as cursor:
                yield cursor
        finally:
            connection.close()

    def misbehave(self, mode: str, for_s: float | None = None) -> None:
        """Tell the stub Moogsoft how to answer."""
        answer = self._http.request(
            "POST", f"{self.stack.stub}/control", body=json.dumps({"mode": mode, "for_s": for_s})
        )
        assert answer.status == 200, answer.data


def event(**fields: Any) -> dict[str, Any]:
    """A valid event that matches no sample rule, unless `fields` say otherwise."""
    now = datetime.now(UTC).isoformat()
    return {"hostname": "test-host", "timestamp": now, "message": "nothing in particular", **fields}


@contextmanager
def running(
    folder: Path,
    extra: dict[str, str],
    given: dict[str, str] | None = None,
    prepare: Callable[[Stack], object] = lambda _: None,
) -> Iterator[Mutt]:
    """The whole stack of real processes in a folder, with the sample rules; it waits less than in production."""
    stack = Stack(folder / "var", given=given or {}, extra={**_IMPATIENT, **extra})
    prepare(stack)
    stack.start()
    try:
        samples.load_rules(stack.web, stack.secrets["api_key"])
        yield Mutt(stack)
    finally:
        stack.stop()


def eventually(look: Callable[[], Any], patience_s: float = _PATIENCE_S) -> Any:
    """The first true thing that `look` returns."""
    deadline = time.monotonic() + patience_s
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, f"still waiting after {patience_s} s"
        time.sleep(0.1)


def pieces(items: list[Any], size: int) -> Iterable[list[Any]]:
    return (items[start : start + size] for start in range(0, len(items), size))
