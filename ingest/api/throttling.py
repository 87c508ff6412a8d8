"""An API key's own limit holds for the REST API as it does for the webhook, and both are counted together."""

from typing import Any

from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from ingest.admission import rates
from ingest.authentication import Caller, rate_of


class KeyThrottle(BaseThrottle):
    _wait_s = 0

    def allow_request(self, request: Request, view: Any) -> bool:  # noqa: ARG002 - DRF's signature
        caller: Any = request.user
        if isinstance(caller, Caller):
            self._wait_s = rates().wait_s(f"key:{caller.name}", rate_of(caller))
        return not self._wait_s

    def wait(self) -> float | None:
        return float(self._wait_s) or None
