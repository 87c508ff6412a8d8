"""A clock that can be put, for processes that are told to go by it (libfaketime).

For Redis and PostgreSQL, not for Python: its `time.sleep` waits for a moment, with which libfaketime cannot deal.
"""

from pathlib import Path

from ops.local.stack import ROOT

_LIBRARY = "usr/lib/*/faketime/libfaketimeMT.so.1"


def library() -> Path | None:
    """libfaketime, of Debian's package or where `make test` unpacks it; None where it is not here."""
    return next((path for place in (ROOT / ".venv" / "senders", Path("/")) for path in place.glob(_LIBRARY)), None)


class Clock:
    """What time it is, for processes that are started with `environment`."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "clock"
        self.put(0)

    @property
    def environment(self) -> dict[str, str]:
        """What a process must be told to go by this clock; nothing where the library is not here."""
        found = library()
        return (
            {
                "LD_PRELOAD": str(found),
                "FAKETIME_TIMESTAMP_FILE": str(self._file),
                "FAKETIME_CACHE_DURATION": "1",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            }
            if found
            else {}
        )

    def put(self, by_s: int) -> None:
        """Put it so many seconds ahead of the true time, or behind; it is seen within a second."""
        draft = self._file.with_suffix(".new")
        draft.write_text(f"{by_s:+d}s\n")
        draft.replace(self._file)
