"""`manage.py reconcile` beside events that come in, are decided and delivered."""

import subprocess
import sys

from ops.drills.traffic import Sender, Traffic
from ops.local.stack import ROOT
from tests.mutt import Mutt

LOOKS = 4


def test_while_events_are_on_their_way_nothing_is_taken_for_lost_or_owed(mutt: Mutt):
    traffic = Traffic(Sender(mutt.stack.web, mutt.stack.secrets["api_key"]), rate=200, size=4).start()
    try:
        said = [reconcile(mutt) for _ in range(LOOKS)]
        mended = reconcile(mutt, "--yes", "--reason", "to be sure")
    finally:
        traffic.stop()
    assert [*said, mended] == ["journal and records agree: nothing to do"] * (LOOKS + 1)
    assert mutt.settled()["lost"] == 0
    assert traffic.sender.accepted


def reconcile(mutt: Mutt, *arguments: str) -> str:
    command = [sys.executable, "manage.py", "reconcile", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=mutt.stack.environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
