"""A canary that is posted and followed, hop by hop, until it comes through or is stuck; then, why it is."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from audit.canary import canary_event
from mutt_project.muttctl.client import Client, JsonObject
from mutt_project.muttctl.errors import ApiRefusedError, ApiUnreachableError
from mutt_project.muttctl.examining import STATUS
from mutt_project.muttctl.findings import FAILED, OK, SKIPPED, Finding, checks_of
from mutt_project.muttctl.output import one_line

POLL_S = 0.2
LOOK_AFTER_S = 4.0  # a hop that takes longer is looked into: what has failed already need not be waited for
LOOK_AFTER_A_FAILED_CHECK_S = 1.0
# The checks of MUTT's status that explain why a hop is not reached, the likeliest first.
CAUSES: Mapping[str, Sequence[str]] = {
    "accepted": ("redis", "journal", "postgresql"),
    "validated": ("redis", "queue_pipeline", "postgresql"),
    "decided": ("redis", "postgresql", "queue_pipeline"),
    "delivered": ("redis", "moogsoft_key", "breaker", "rate_limit", "queue_forward", "postgresql"),
}


@dataclass
class Canary:
    """One canary. `status` is what MUTT said of itself before; `timeout_s` is how long it may take in all."""

    client: Client
    status: JsonObject
    deliver: bool
    timeout_s: float
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _story: JsonObject = field(default_factory=dict)
    _begin: float = 0.0

    @property
    def hops(self) -> list[str]:
        return ["validated", "decided", "delivered"] if self.deliver else ["validated", "decided"]

    def findings(self) -> Iterator[Finding]:
        """A finding for each hop; behind one that failed, the others are skipped."""
        self._begin = self.clock()
        event, accepted = self._post()
        yield accepted
        stuck = event is None
        for hop in self.hops:
            if stuck or event is None:
                yield Finding(hop, SKIPPED, "The canary did not get so far.")
                continue
            found = self._reached(hop, event)
            stuck = found.state != OK
            yield found

    def _post(self) -> tuple[str | None, Finding]:
        body = canary_event(datetime.now(UTC).isoformat(), deliver=self.deliver)
        try:
            answer = self.client.post("/webhook", body)
            event = str(answer["events"][0]["id"])
        except (ApiRefusedError, ApiUnreachableError) as error:
            cause = self._failed_cause("accepted")
            mend = cause.mend if cause else "See what MUTT answered."
            return None, Finding("accepted", FAILED, _said("Not accepted", cause, one_line(error.message)), mend)
        except (LookupError, TypeError):
            return None, Finding("accepted", FAILED, "The webhook's answer is not MUTT's.", "Is MUTT_URL right?")
        took = self._elapsed()
        return event, Finding("accepted", OK, f"The canary {event} was accepted after {took:.2f} s.", seconds=took)

    def _reached(self, hop: str, event: str) -> Finding:
        look_at = self.clock() + (LOOK_AFTER_A_FAILED_CHECK_S if self._failed_cause(hop) else LOOK_AFTER_S)
        has_looked = False
        while True:
            with suppress(ApiRefusedError, ApiUnreachableError):  # a store that is away may come back
                self._story = self.client.get(f"/api/v1/events/{event}")
            outcome = self._story.get("outcome")
            if _is_past(hop, self._stages, outcome):
                took = self._elapsed()
                return Finding(hop, OK, f"{hop.capitalize()} after {took:.2f} s.", seconds=took)
            if outcome not in {None, "pending"}:
                text = f"It ended as {outcome}, and was not {hop}: {self._last('outcome')}"
                return Finding(hop, FAILED, text, f"muttctl events show {event}")
            is_over = self._elapsed() >= self.timeout_s
            if is_over or (not has_looked and self.clock() >= look_at):
                has_looked = True
                self._look_again()
                if is_over or self._failed_cause(hop):
                    return self._stuck(hop, event)
            self.sleep(POLL_S)

    def _stuck(self, hop: str, event: str) -> Finding:
        failed = self._failed_cause(hop)
        warned = next((check for check in self._causes(hop) if check.state != OK), None)
        waits = self._last("attempt") or self._last("waiting")
        cause = failed or (None if self._last("attempt") else warned)
        mend = cause.mend if cause else f"muttctl events show {event}; then the logs of the workers."
        return Finding(hop, FAILED, _said(f"Not {hop} after {self._elapsed():.1f} s", cause, waits), mend)

    def _look_again(self) -> None:
        with suppress(ApiRefusedError, ApiUnreachableError):
            self.status = self.client.get(STATUS)

    def _causes(self, hop: str) -> list[Finding]:
        checks = {check.name: check for check in checks_of(self.status)}
        return [checks[name] for name in CAUSES[hop] if name in checks]

    def _failed_cause(self, hop: str) -> Finding | None:
        return next((check for check in self._causes(hop) if check.state == FAILED), None)

    @property
    def _steps(self) -> list[Any]:
        steps = self._story.get("steps")
        return [step for step in steps if isinstance(step, dict)] if isinstance(steps, list) else []

    @property
    def _stages(self) -> set[str]:
        return {str(step.get("stage")) for step in self._steps}

    def _last(self, stage: str) -> str:
        """What the story says of the last step of this kind; nothing where there is none."""
        return next((str(step.get("text")) for step in reversed(self._steps) if step.get("stage") == stage), "")

    def _elapsed(self) -> float:
        return self.clock() - self._begin


def _is_past(hop: str, stages: set[str], outcome: object) -> bool:
    return outcome == "delivered" if hop == "delivered" else hop in stages


def _said(what: str, cause: Finding | None, otherwise: str) -> str:
    if cause:
        return f"{what}: {cause.text}" + (f" ({otherwise})" if otherwise else "")
    return f"{what}. {otherwise or 'MUTT does not tell why.'}"
