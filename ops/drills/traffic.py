"""Events of every fate, and a careful sender that goes on while things break."""

import itertools
import json
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import urllib3

_ACCEPTED = 202
_LATER = (500, 502, 503, 504)
# What the sample rules make of them; alerts are dead where Moogsoft refuses them.
FORWARDED, IGNORED, UNMATCHED = "forwarded", "ignored", "unmatched"
_TEXTS = {
    FORWARDED: "Interface Gi0/{number}, changed state to down",
    IGNORED: "ntp clock drift corrected by {number} ms",
    UNMATCHED: "drill: nobody knows of this",
}


class Refused(RuntimeError):  # noqa: N818 - it reads as a sentence
    """The webhook refused what is right: the drill itself is wrong."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """An event that was answered 202; `at` is when that was, in seconds since 1970."""

    id: str
    at: float


@dataclass
class Sender:
    """Sends to one webhook. What is not answered 202 is sent again with its Idempotency-Key, until it is."""

    web: str
    api_key: str
    accepted: list[Accepted] = field(default_factory=list)
    refusals: Counter[int] = field(default_factory=Counter)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self._http = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(connect=2, read=10))

    def events(self, fate: str, number: int) -> list[dict[str, Any]]:
        """So many events of this fate, each from a host of its own."""
        now = datetime.now(UTC).isoformat()
        return [
            {"hostname": f"drill-{place}", "timestamp": now, "message": _TEXTS[fate].format(number=place)}
            for place in itertools.islice(self._numbers, number)
        ]

    def send(self, events: Sequence[dict[str, Any]], until: threading.Event | None = None) -> list[str]:
        """The ids, once they are accepted; none where `until` was set before. Raises Refused."""
        headers = {
            "X-API-KEY": self.api_key,
            "Content-Type": "application/json",
            "Idempotency-Key": uuid.uuid4().hex,
        }
        body = json.dumps(list(events))
        while until is None or not until.is_set():
            try:
                answer = self._http.request("POST", f"{self.web}/webhook", body=body, headers=headers)
            except urllib3.exceptions.HTTPError:
                self.refusals[0] += 1
                time.sleep(0.1)
                continue
            if answer.status == _ACCEPTED:
                ids = [one["id"] for one in answer.json()["events"]]
                at = time.time()
                self.accepted += [Accepted(one, at) for one in ids]
                return ids
            self.refusals[answer.status] += 1
            if answer.status not in _LATER:
                raise Refused(f"the webhook answered {answer.status}: {answer.data.decode()}")
            time.sleep(0.2)
        return []


@dataclass
class Traffic:
    """A thread that sends `rate` events a second, of three fates by turns, until it is stopped."""

    sender: Sender
    rate: float = 30
    size: int = 3
    _stopped: threading.Event = field(default_factory=threading.Event)
    _failed: list[BaseException] = field(default_factory=list)
    _thread: threading.Thread | None = None

    def start(self) -> "Traffic":
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Raises what ended the thread, if something did."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()
        if self._failed:
            raise self._failed[0]

    def first_after(self, moment: float, patience_s: float = 120) -> float:
        """When the first event was accepted after a moment. Raises TimeoutError."""
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline and not self._failed:
            later = [one.at for one in self.sender.accepted if one.at > moment]
            if later:
                return later[0]
            time.sleep(0.05)
        raise TimeoutError(f"no event was accepted within {patience_s} s")

    def _run(self) -> None:
        fates = itertools.cycle([FORWARDED, UNMATCHED, FORWARDED, IGNORED])
        begin, sent = time.monotonic(), 0
        try:
            while not self._stopped.is_set():
                self.sender.send(self.sender.events(next(fates), self.size), self._stopped)
                sent += self.size
                # What was missed while nothing was accepted is not caught up with.
                wait = begin + sent / self.rate - time.monotonic()
                if wait < 0:
                    begin -= wait
                self._stopped.wait(max(0.0, wait))
        except Refused as refused:
            self._failed.append(refused)
