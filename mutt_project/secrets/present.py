"""The present values of secrets: whoever needs one asks for it each time, so that it can change while MUTT runs.

Lower layers ask `settings.MUTT_SECRETS`.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

from mutt_project.masking import mask_also

LOOK_EVERY_S = 1.0

logger = logging.getLogger(__name__)


class Source(Protocol):
    """Where secrets come from."""

    def read(self) -> Mapping[str, str] | None:
        """All secrets by name; None if nothing has changed since the last call.

        Raises SourceError where they cannot be read just now.
        """


class SourceError(Exception):
    """Secrets cannot be read; the message says what is wrong and how to mend it, and holds no secret."""


class Fixed:
    """Secrets that never change, for tools and tests."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values

    def read(self) -> Mapping[str, str]:
        return self._values


class Secrets(Mapping[str, str]):
    """Secrets by name; one that is not set is not in it. The last ones that could be read stand.

    Raises SourceError when they cannot be read at the beginning.
    """

    def __init__(
        self, source: Source, look_every_s: float = LOOK_EVERY_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._source = source
        self._look_every_s = look_every_s
        self._clock = clock
        self._lock = threading.Lock()
        self._listeners: list[Callable[[], None]] = []
        self._trouble = ""
        self._looked_at = clock()
        self._values = dict(source.read() or {})
        mask_also(self._values)
        os.register_at_fork(after_in_child=self._lock_anew)

    def __getitem__(self, name: str) -> str:
        self.refresh()
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Secrets({sorted(self._values)})"

    @property
    def trouble(self) -> str:
        """Why the secrets could not be read at the last look; empty if they could."""
        return self._trouble

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call this, in whichever thread sees it first, after values have changed."""
        self._listeners.append(listener)

    def refresh(self) -> None:
        """Look whether something has changed, unless somebody just has."""
        if self._clock() - self._looked_at < self._look_every_s or not self._lock.acquire(blocking=False):
            return
        try:
            self._looked_at = self._clock()
            changed = self._look()
        finally:
            self._lock.release()
        if changed:
            for listener in self._listeners:
                listener()

    def _lock_anew(self) -> None:
        """A child that was forked amid a look would never look again."""
        self._lock = threading.Lock()

    def _look(self) -> bool:
        try:
            values = self._source.read()
        except SourceError as error:
            if str(error) != self._trouble:
                logger.error("secrets cannot be read, the last ones are used on: %s", error)  # noqa: TRY400 - it says all
            self._trouble = str(error)
            return False
        if self._trouble:
            logger.warning("secrets can be read again")
        self._trouble = ""
        if values is None or values == self._values:
            return False
        changed = sorted(name for name in {*values, *self._values} if values.get(name) != self._values.get(name))
        mask_also(values)
        self._values = dict(values)
        logger.warning("secrets have changed: %s", ", ".join(changed))
        return True
