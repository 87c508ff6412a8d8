"""Where django-constance keeps its values, for MUTT: the process's copy to read, PostgreSQL to write.

Its own backend for databases asks at each use, takes a database that is away for an empty one, and writes the default
of whatever is read for the first time, so that it would be set for good.
"""

from collections.abc import Iterable
from typing import Any

from asgiref.sync import sync_to_async
from constance.backends import Backend
from django.core.exceptions import ValidationError

from audit.tuning.present import present
from audit.tuning.storing import InvalidError, change


class TuningBackend(Backend):  # type: ignore[misc] # constance is untyped
    """A value that was not set is the environment's, and stays not set."""

    def get(self, key: str) -> Any:
        return present.value(key)

    def mget(self, keys: Iterable[str]) -> dict[str, Any]:
        present.refresh()
        return {key: present.snapshot.values[key] for key in keys if key in present.snapshot.values}

    def set(self, key: str, value: Any) -> None:
        try:
            change({key: value})
        except InvalidError as error:  # constance's own command has words for this one
            raise ValidationError(list(error.faults.values())) from error

    async def aget(self, key: str) -> Any:
        return await sync_to_async(self.get)(key)

    async def amget(self, keys: Iterable[str]) -> dict[str, Any]:
        return await sync_to_async(self.mget)(keys)

    async def aset(self, key: str, value: Any) -> None:
        await sync_to_async(self.set)(key, value)
