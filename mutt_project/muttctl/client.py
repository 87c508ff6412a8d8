"""The HTTP client: finite timeouts, pages followed, refusals turned into errors that name no secret."""

import email.utils
import http.client
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

import click
import urllib3
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NameResolutionError,
    NewConnectionError,
    ReadTimeoutError,
    SSLError,
)

from audit.tls import client_context, tls_trouble
from mutt_project.muttctl.configuration import Configuration, read_configuration
from mutt_project.muttctl.deprecation import note_deprecation
from mutt_project.muttctl.errors import ApiRefusedError, ApiUnreachableError, ConfigurationError
from mutt_project.muttctl.output import one_line

CONNECT_SECONDS = 5.0
READ_SECONDS = 30.0
BULK_SECONDS = 300.0
TRIES = 5
MIN_WAIT_SECONDS = 1.0
MAX_WAIT_SECONDS = 30.0
PAGE_SIZE = 100
MOST_BYTES = 256 << 20  # of an answer that is taken as a whole; what may be longer is streamed

_TLS_FILES = "They are named by MUTT_CA_FILE, MUTT_CLIENT_CERT_FILE and MUTT_CLIENT_KEY_FILE, or by the profile."

JsonObject = dict[str, Any]
OnWait = Callable[[float, int], None]


def connect(most_s: float = BULK_SECONDS) -> "Client":
    """A client for the MUTT which the environment, --profile or a profile names."""
    return Client(read_configuration(os.environ, profile=profile_of_command_line()), most_s=most_s)


def profile_of_command_line() -> str | None:
    context = click.get_current_context(silent=True)
    return context.find_root().params.get("profile") if context else None


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that has come as a whole."""

    status: int
    headers: Mapping[str, str]
    data: bytes


class Client:
    """One MUTT; raises ApiUnreachableError and ApiRefusedError and, when it is made, ConfigurationError."""

    def __init__(
        self,
        configuration: Configuration,
        sleep: Callable[[float], None] = time.sleep,
        most_s: float = BULK_SECONDS,
    ) -> None:
        self._url = configuration.url
        self.url_from = configuration.url_from
        self.key_from = configuration.key_from
        self._api_key = configuration.api_key
        self._sleep = sleep
        self._most_s = most_s
        try:
            tls = client_context(configuration.ca_file, configuration.client_cert_file, configuration.client_key_file)
        except ValueError as error:
            raise ConfigurationError(f"A file for TLS cannot be used: {error}.\n{_TLS_FILES}") from None
        self._pool = urllib3.PoolManager(
            retries=False,
            ssl_context=tls,
            headers={"X-API-KEY": self._api_key, "Accept": "application/json", "User-Agent": "muttctl"},
        )

    def get(self, path: str, query: Mapping[str, object] | None = None) -> JsonObject:
        """One JSON object; query values that are None are left out."""
        wanted = {name: value for name, value in (query or {}).items() if value is not None}
        return self._get(f"{path}?{urlencode(wanted)}" if wanted else path)

    def look(self, path: str) -> tuple[int, JsonObject]:
        """The status of an answer and the JSON object in it, empty if there is none; no status is an error here."""
        response = self._request("GET", path)
        try:
            content = json.loads(response.data)
        except (ValueError, RecursionError):
            content = None
        return response.status, content if isinstance(content, dict) else {}

    def pages(self, path: str, query: Mapping[str, object]) -> Iterator[JsonObject]:
        """Every item of a list, page after page, asked for as they are needed."""
        page = self.get(path, query)
        seen: set[str] = set()
        while True:
            results = page.get("results")
            if not isinstance(results, list) or not all(isinstance(item, dict) for item in results):
                raise self._strange_answer()
            yield from results
            following = page.get("next")
            if not following:
                return
            if not isinstance(following, str) or following in seen:
                raise self._strange_answer()
            seen.add(following)
            page = self._get(self._target_of(following))

    def stream(self, path: str, query: Mapping[str, object]) -> Iterator[bytes]:
        """The content of an answer of any length, piece by piece; query values that are None are left out."""
        wanted = {name: value for name, value in query.items() if value is not None}
        response = self._begun("GET", f"{path}?{urlencode(wanted)}", patience=BULK_SECONDS)
        if response.status != http.client.OK:
            self._object_in(self._whole(response, BULK_SECONDS))
            raise self._strange_answer()
        try:
            yield from response.stream(1 << 16)
        except HTTPError as error:
            raise ApiUnreachableError(
                f"What MUTT at {self._url} sent is not complete: {_why(error, BULK_SECONDS)}."
            ) from None

    def post(
        self, path: str, content: object, *, reason: str | None = None, patience: float = READ_SECONDS
    ) -> JsonObject:
        """Send JSON; one JSON object is the answer, for which we wait so many seconds."""
        return self._send("POST", path, content, reason, patience)

    def put(self, path: str, content: object) -> JsonObject:
        """What is at this address shall be like this."""
        return self._send("PUT", path, content, None, READ_SECONDS)

    def patch(
        self, path: str, content: object, *, reason: str | None = None, if_match: str | None = None
    ) -> JsonObject:
        """Send the fields that are to change; the whole is the answer. With a tag it is refused (412) for another."""
        return self._send("PATCH", path, content, reason, READ_SECONDS, if_match)

    def plan(self, path: str, content: object) -> tuple[JsonObject, str | None]:
        """What a PATCH would change, which the content must ask for, and the tag of what it was planned on."""
        headers = {"Content-Type": "application/json"}
        answer = self._request("PATCH", path, json.dumps(content).encode(), headers)
        return self._object_in(answer), answer.headers.get("ETag")

    def delete(self, path: str, *, reason: str | None = None) -> None:
        """Delete what is there; the answer has no content."""
        response = self._request("DELETE", path, headers=_telling(reason))
        if response.status != http.client.NO_CONTENT:
            self._object_in(response)

    def post_events(self, body: bytes, on_wait: OnWait) -> JsonObject:
        """Send NDJSON to the webhook; 503 is tried again as the server asks, at most TRIES times in all."""
        attempt = 1
        while True:
            response = self._request("POST", "/webhook", body=body, headers={"Content-Type": "application/x-ndjson"})
            if response.status != http.client.SERVICE_UNAVAILABLE or attempt == TRIES:
                return self._object_in(response)
            wait = retry_wait(response.headers.get("Retry-After"), attempt, datetime.now(UTC))
            attempt += 1
            on_wait(wait, attempt)
            self._sleep(wait)

    def _send(
        self,
        method: str,
        path: str,
        content: object,
        reason: str | None,
        patience: float,
        if_match: str | None = None,
    ) -> JsonObject:
        headers = {"Content-Type": "application/json", **_telling(reason)}
        if if_match:
            headers["If-Match"] = if_match
        return self._object_in(self._request(method, path, json.dumps(content).encode(), headers, patience))

    def _get(self, target: str) -> JsonObject:
        return self._object_in(self._request("GET", target))

    def _target_of(self, link: str) -> str:
        """The path and query of a link under our own address: a foreign host never gets the key."""
        parts = urlsplit(link)
        # A proxy may have cut our prefix off before the server saw it. Without the "/" in front, a path
        # such as "@host" would go on where our own address ends.
        path = "/" + parts.path.removeprefix(urlsplit(self._url).path).lstrip("/")
        return f"{path}?{parts.query}" if parts.query else path

    def _request(
        self,
        method: str,
        target: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        patience: float = READ_SECONDS,
    ) -> Answer:
        return self._whole(self._begun(method, target, body, headers, patience), patience)

    def _begun(
        self,
        method: str,
        target: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        patience: float = READ_SECONDS,
    ) -> urllib3.BaseHTTPResponse:
        """An answer of which the head has come."""
        try:
            answer = self._pool.request(
                method,
                self._url + target,
                body=body,
                headers={**self._pool.headers, **(headers or {})},
                preload_content=False,
                redirect=False,  # urllib3 would take X-API-KEY along to any host
                timeout=urllib3.Timeout(connect=min(CONNECT_SECONDS, self._most_s), read=min(patience, self._most_s)),
            )
        except HTTPError as error:
            raise self._unreachable(error, patience) from None
        note_deprecation(method, target, answer.headers)
        return answer

    def _whole(self, response: urllib3.BaseHTTPResponse, patience: float) -> Answer:
        """All of an answer, unless it is longer than any that MUTT gives."""
        data = bytearray()
        try:
            while len(data) <= MOST_BYTES and (piece := response.read(1 << 20)):
                data += piece
        except HTTPError as error:
            raise self._unreachable(error, patience) from None
        if len(data) > MOST_BYTES:
            response.close()
            raise ApiUnreachableError(f"What answered at {self._url} does not end. Is {self.url_from} right?")
        response.release_conn()
        return Answer(response.status, response.headers, bytes(data))

    def _unreachable(self, error: HTTPError, patience: float) -> ApiUnreachableError:
        why = _why(error, patience)
        return ApiUnreachableError(
            f"MUTT at {self._url} cannot be reached: {why}.\nIs it running, and is {self.url_from} right?"
        )

    def _object_in(self, response: Answer) -> JsonObject:
        try:
            content = json.loads(response.data)
        except (ValueError, RecursionError):
            content = None
        if response.status < http.client.MULTIPLE_CHOICES:
            if not isinstance(content, dict):
                raise self._strange_answer()
            return content
        reason = reason_in(content) or http.client.responses.get(response.status, "no reason given")
        reason = one_line(reason.replace(self._api_key, "***"))
        errors = [(pointer, one_line(words.replace(self._api_key, "***"), 1000)) for pointer, words in pointed(content)]
        message = f"MUTT answered {response.status}: {reason}"
        if response.status >= http.client.INTERNAL_SERVER_ERROR:
            raise ApiUnreachableError(message)
        if response.status < http.client.BAD_REQUEST:
            raise ApiUnreachableError(f"{message}; {self.url_from} must be the address it redirects to")
        if response.status in {http.client.UNAUTHORIZED, http.client.FORBIDDEN}:
            message += f"\nCheck {self.key_from}: is it a key of this MUTT, and still valid?"
        raise ApiRefusedError(message, response.status, reason, errors)

    def _strange_answer(self) -> ApiUnreachableError:
        return ApiUnreachableError(f"What answered at {self._url} does not speak MUTT's API. Is {self.url_from} right?")


def retry_wait(retry_after: str | None, attempt: int, now: datetime) -> float:
    """Seconds to wait after the given attempt (from 1): Retry-After (RFC 9110) or doubling, 1 to 30."""
    seconds = 2.0 ** (attempt - 1)
    if retry_after is not None:
        text = retry_after.strip()
        if text.isdecimal():
            seconds = float(text[:6])
        else:
            with suppress(ValueError, OverflowError):
                seconds = (email.utils.parsedate_to_datetime(text).astimezone(UTC) - now).total_seconds()
    return min(max(seconds, MIN_WAIT_SECONDS), MAX_WAIT_SECONDS)


def reason_in(problem: object) -> str:
    """The most exact words of a problem (RFC 9457), or of a plain text; empty where there are none."""
    if isinstance(problem, str):
        return problem
    if isinstance(problem, list):
        return "; ".join(filter(None, map(reason_in, problem)))
    if not isinstance(problem, dict):
        return ""
    words = reason_in(problem.get("errors")) or str(problem.get("detail") or problem.get("title") or "")
    pointer = problem.get("pointer")
    return f"{pointer}: {words}" if pointer else words


def pointed(problem: object) -> Iterator[tuple[str, str]]:
    """The single errors of a problem: a JSON Pointer into what was sent, and what is wrong there."""
    errors = problem.get("errors") if isinstance(problem, dict) else None
    for error in errors if isinstance(errors, list) else []:
        if isinstance(error, dict) and isinstance(error.get("pointer"), str):
            yield error["pointer"], str(error.get("detail") or "It is not valid.")


def _telling(reason: str | None) -> dict[str, str]:
    """The header for the reason of a change: its UTF-8 bytes, which http.client takes as Latin-1."""
    return {} if reason is None else {"X-Change-Reason": reason.encode().decode("latin-1")}


def _why(error: HTTPError, patience: float) -> str:
    if isinstance(error, ReadTimeoutError):
        return f"no answer within {patience:.0f} s"
    if isinstance(error, NameResolutionError):
        return "its host name is not known"
    if isinstance(error, NewConnectionError):
        return getattr(error.__cause__, "strerror", None) or "no connection"
    if isinstance(error, ConnectTimeoutError):
        return f"no connection within {CONNECT_SECONDS:.0f} s"
    if isinstance(error, SSLError):
        return tls_trouble(error) or f"TLS failed ({one_line(str(error))})"
    return "the connection broke before the answer was complete"
