"""What the doctor looks at before the canary: the way to MUTT, its readiness, the key, and MUTT's own checks."""

import http.client
from collections.abc import Iterator

from mutt_project.muttctl.client import Client, JsonObject
from mutt_project.muttctl.errors import ApiRefusedError, ApiUnreachableError
from mutt_project.muttctl.findings import FAILED, OK, Finding, checks_of
from mutt_project.muttctl.output import one_line

STATUS = "/api/v1/status"
_STORES = {"redis": "Redis", "postgresql": "PostgreSQL", "journal": "the journal"}


class Examination:
    """Looks at one thing after the other; `status` is what MUTT says of itself, empty where it cannot be asked."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.status: JsonObject = {}

    def findings(self) -> Iterator[Finding]:
        """Each finding in turn; the way ends where nothing more can be asked."""
        reached = self._reached()
        yield reached
        if reached.state != OK:
            return
        yield self._ready()
        key = self._key()
        yield key
        if key.state == OK:
            yield self._versions()
            yield from checks_of(self.status)

    @property
    def scopes(self) -> list[str]:
        key = self.status.get("key")
        return list(key.get("scopes") or []) if isinstance(key, dict) else []

    def _reached(self) -> Finding:
        try:
            status, _ = self._client.look("/healthz")
        except ApiUnreachableError as error:
            text, _, mend = error.message.partition("\n")
            return Finding("reachable", FAILED, text, mend)
        if status == http.client.OK:
            return Finding("reachable", OK, "MUTT answers.")
        return Finding("reachable", FAILED, f"What answers there says {status} to /healthz.", self._mend_for(status))

    def _ready(self) -> Finding:
        try:
            status, answer = self._client.look("/readyz")
        except ApiUnreachableError as error:
            return Finding("ready", FAILED, one_line(error.message))
        checks = answer.get("checks")
        told = checks if isinstance(checks, dict) else {}
        wrong = [f"{_STORES.get(name, name)}: {text}" for name, text in told.items() if text != "ok"]
        if status == http.client.OK and not wrong:
            return Finding("ready", OK, "It accepts events.")
        accepts = "It accepts events, but not all is well" if status == http.client.OK else "It accepts no events"
        return Finding("ready", FAILED, one_line(f"{accepts}. {' '.join(wrong)}", 1000), "See the checks below.")

    def _key(self) -> Finding:
        try:
            self.status = self._client.get(STATUS)
        except ApiRefusedError as error:
            return self._refused_key(error)
        except ApiUnreachableError as error:
            return Finding("key", FAILED, f"MUTT does not tell how it is: {one_line(error.message)}", "See above.")
        key = self.status.get("key")
        told = key if isinstance(key, dict) else {}
        until = f", until {told['expires_at']}" if told.get("expires_at") else ""
        text = f"The key “{told.get('name')}” is accepted; it has the scopes {', '.join(self.scopes)}{until}."
        return Finding("key", OK, text)

    def _versions(self) -> Finding:
        versions = self.status.get("versions")
        told = versions if isinstance(versions, dict) else {}
        stores = f"{told.get('redis_server') or 'Redis ?'}, PostgreSQL {told.get('postgresql') or '?'}"
        return Finding("versions", OK, f"MUTT {told.get('mutt')}, Python {told.get('python')}, {stores}.")

    def _refused_key(self, error: ApiRefusedError) -> Finding:
        if error.status == http.client.UNAUTHORIZED:
            text = (
                f"The key from {self._client.key_from} is not accepted: revoked or unknown. MUTT says: {error.reason}"
            )
            return Finding(
                "key", FAILED, text, "Use a valid key; a new one is made in admin, or by manage.py create_key."
            )
        if error.status == http.client.FORBIDDEN:
            text = f"The key from {self._client.key_from} may not read: it has expired or lacks the scope “read”."
            return Finding("key", FAILED, text, "Give the key the scopes read and ingest, or use another one.")
        return Finding(
            "key", FAILED, one_line(error.message), f"Is {self._client.url_from} the address of a MUTT of this version?"
        )

    def _mend_for(self, status: int) -> str:
        if http.client.MULTIPLE_CHOICES <= status < http.client.BAD_REQUEST:
            return f"{self._client.url_from} must be the address that it redirects to, often https."
        if status == http.client.BAD_REQUEST:
            return f"If it is MUTT: the host name of {self._client.url_from} must be in MUTT_ALLOWED_HOSTS."
        return "See the proxy in front of MUTT, and whether MUTT runs behind it."
