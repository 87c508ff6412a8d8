"""Opening a breaker for tests, as failures would."""

from forwarder.breaker import Breaker


def trip(breaker: Breaker, reason: str = "away") -> None:
    """Open it, whatever the window says."""
    breaker.run("open", "", reason, "")
