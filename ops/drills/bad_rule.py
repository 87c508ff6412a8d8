"""A bad rule was published: it ignores nearly everything. What it has ignored is decided anew."""

import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ops.drills.report import Figures
from ops.drills.sandbox import wait_until
from ops.drills.scenario import Scenario
from ops.drills.traffic import Accepted

_CHATTER = "Time synchronisation chatter"
_SO_MANY = 150  # wrongly ignored events at least, before somebody notices
_WRONG = "SELECT event_id::text FROM audit_record WHERE outcome = 'ignored' AND message LIKE 'Interface%'"
_SENT_AGAIN = """
SELECT event->>'sent_before_as', event_id::text, outcome FROM audit_record WHERE event ? 'sent_before_as'
"""


class BadRule(Scenario):
    """A rule that ignores chatter is changed so that it wins almost every message."""

    name = "bad_rule"
    title = "A bad rule was published"
    in_one_line = "A rule that ignores nearly everything: go back, then decide the ignored events anew."

    def prepare(self) -> None:
        command = ["muttctl", "rules", "export", str(self._rules)]
        subprocess.run(command, env=self.sandbox.environment, check=True, capture_output=True)  # nosec B603 # ours
        rules = self.sandbox.api("rules?limit=100")["results"]
        (self.rule_id,) = (int(one["id"]) for one in rules if one["name"] == _CHATTER)

    def in_flight(self) -> None:
        self.sandbox.send_parked()

    def break_it(self) -> None:
        self.broken_at = time.time()
        self.sandbox.api(f"rules/{self.rule_id}", "PATCH", {"match_string": "c", "priority": 1})
        wait_until(lambda: len(self._wrong()) >= _SO_MANY, "the bad rule has ignored events")
        self.sandbox.moogsoft("ok")

    def environment(self) -> dict[str, str]:
        since = datetime.fromtimestamp(self.broken_at, UTC) - timedelta(minutes=1)
        return {"RULES": str(self._rules), "RULE_ID": str(self.rule_id), "SINCE": f"{since:%FT%TZ}"}

    def _weigh(self, allowed: set[str], accepting: float | None, rto: float) -> Figures:
        wrong = self._wrong()
        rows = self.sandbox.query(_SENT_AGAIN)
        now = time.time()
        self.sandbox.sender.accepted += [Accepted(identifier, now) for _, identifier, _ in rows]  # by muttctl send
        figures = super()._weigh(allowed, accepting, rto)
        delivered = [before for before, _, outcome in rows if outcome == "delivered"]
        if sorted(delivered) != sorted(wrong):
            figures.wrong.append(f"{len(wrong)} events were wrongly ignored, {len(delivered)} of them delivered later")
        figures.more["events that the bad rule had ignored; of them delivered in the end"] = (
            f"{len(wrong)}; {len(delivered)}"
        )
        return figures

    @property
    def _rules(self) -> Path:
        return self.sandbox.backup / "rules.yaml"

    def _wrong(self) -> list[str]:
        """The alerts that the bad rule has ignored."""
        return [identifier for (identifier,) in self.sandbox.query(_WRONG)]
