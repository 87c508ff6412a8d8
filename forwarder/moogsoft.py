"""The only HTTP client: one POST to Moogsoft, within a deadline; no redirect is followed, and no proxy used."""

import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from functools import cache, cached_property, lru_cache
from http.client import HTTPException
from typing import Any

import orjson
import urllib3
from django.conf import settings
from urllib3.exceptions import HTTPError, NewConnectionError
from urllib3.exceptions import TimeoutError as HTTPTimeoutError
from urllib3.util import parse_url

from audit.alert import Alert
from audit.tls import RenewedContext, client_context, tls_trouble
from forwarder.addresses import Addresses, AddressRefusedError
from forwarder.deadline import DeadlinePools, deadline
from forwarder.payload import Dialect, Flavour, body_of
from forwarder.retry import DeliveryError, Reason, reason_of

EXCERPT_BYTES = 1000


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for a POST that was taken."""

    status: int
    excerpt: str


@dataclass(frozen=True, slots=True)
class Destination:
    """Where and how to send. Times in seconds. Without `tls` the system's authorities are trusted."""

    url: str
    api_key: str
    dialect: Dialect
    connect_timeout_s: float
    read_timeout_s: float
    addresses: Addresses = field(default_factory=Addresses)
    tls: ssl.SSLContext | None = None


class Moogsoft:
    """A destination with its connections kept open between POSTs."""

    def __init__(self, destination: Destination) -> None:
        self._destination = destination
        tls = destination.tls or client_context(None, None, None)
        self._pools = DeadlinePools(destination.addresses, maxsize=4, retries=False, ssl_context=tls)
        self._timeout = urllib3.Timeout(connect=destination.connect_timeout_s, read=destination.read_timeout_s)
        self._headers = {"Content-Type": "application/json", "User-Agent": "MUTT"}
        if destination.dialect.flavour is Flavour.CLOUD:
            self._headers["apiKey"] = destination.api_key

    @property
    def takes_many(self) -> bool:
        """Whether one request may carry several events."""
        dialect = self._destination.dialect
        return dialect.wrap_in_array or dialect.flavour is Flavour.ONPREM

    def body(self, alerts: Sequence[Alert], unmatched_threshold: int) -> bytes:
        """What a request with these alerts consists of. Raises DeliveryError."""
        try:
            return orjson.dumps(body_of(alerts, self._destination.dialect, unmatched_threshold))
        except Exception as error:  # whatever it is, it is about one of these alerts
            raise DeliveryError(Reason.UNSENDABLE, f"no payload can be made: {type(error).__name__}") from error

    def post(self, body: bytes) -> Answer:
        """Send it; any 2xx means that all alerts in it are taken. Raises DeliveryError."""
        destination = self._destination
        with deadline(destination.connect_timeout_s + destination.read_timeout_s) as watch:
            try:
                pool, path = self._way
                response = pool.urlopen(
                    "POST",
                    path,
                    body=body,
                    headers=self._headers,
                    timeout=self._timeout,
                    redirect=False,
                    preload_content=False,
                    decode_content=False,  # none was asked for, and little can be much when it is unpacked
                )
            except AddressRefusedError as error:
                raise DeliveryError(Reason.ADDRESS_REFUSED, _refusal(error)) from error
            except NewConnectionError as error:  # urllib3 counts it among the timeouts, whatever the cause
                raise DeliveryError(Reason.CONNECTION, _without_address(error)) from error
            except HTTPTimeoutError as error:
                raise DeliveryError(Reason.TIMEOUT, _without_address(error)) from error
            except (HTTPError, HTTPException, OSError, ValueError) as error:  # the last: a URL or key of no use
                reason = Reason.TIMEOUT if watch.is_over else Reason.CONNECTION
                raise DeliveryError(reason, _without_address(error)) from error
            if watch.is_over:  # what was cut off in its head is no answer, though http.client takes it for one
                response.close()
                raise DeliveryError(Reason.TIMEOUT, "the answer did not come in time")
            excerpt = self._excerpt(response)
        reason_why = reason_of(response.status)
        if reason_why is None:
            return Answer(response.status, excerpt)
        wait = _retry_after(response.headers.get("Retry-After"))
        detail = f"HTTP {response.status}: {excerpt}"
        raise DeliveryError(reason_why, detail, status=response.status, retry_after_s=wait)

    @cached_property
    def _way(self) -> tuple[urllib3.HTTPConnectionPool, str]:
        """The connections to the destination, and the path there. Raises HTTPError where there is none."""
        url = self._destination.url
        return self._pools.connection_from_url(url), parse_url(url).request_uri

    def _excerpt(self, response: Any) -> str:
        """The beginning of the answer; a small one is read to its end, so that the connection can be used again.

        The status has come: whatever becomes of the rest, it stands.
        """
        key = self._destination.api_key.encode()
        enough = EXCERPT_BYTES + len(key)  # so that no key is cut in two where the excerpt ends, and shown by half
        body = b""
        try:
            while len(body) <= enough and (piece := response.read1(enough)):
                body += piece
        except (HTTPError, OSError):
            response.close()
        if len(body) > enough:
            response.close()
        response.release_conn()
        if key:
            body = body.replace(key, b"[redacted]")
        return body[:EXCERPT_BYTES].decode("utf-8", "replace").replace("\x00", "�")


def _without_address(error: Exception) -> str:
    """What went wrong, without the URL: it may carry credentials."""
    return tls_trouble(error) or type(getattr(error, "reason", None) or error).__name__


def _refusal(error: AddressRefusedError) -> str:
    return f"the host of MOOGSOFT_URL leads to an address that is {error.kind}; see MOOGSOFT_ALLOWED_NETWORKS"


def _retry_after(header: str | None) -> float | None:
    """Seconds from a Retry-After header, which is a number or a date (RFC 9110 §10.2.3)."""
    if header is None:
        return None
    try:
        return max(0.0, float(header))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(header).timestamp() - time.time())
    except ValueError:
        return None


def moogsoft() -> Moogsoft:
    """The destination of this process, by the settings, the present key and the present certificates."""
    files = (settings.MOOGSOFT_CA_FILE, settings.MOOGSOFT_CLIENT_CERT_FILE, settings.MOOGSOFT_CLIENT_KEY_FILE)
    return moogsoft_with(settings.MUTT_SECRETS["MOOGSOFT_API_KEY"], _certificates(*files).present())


@cache
def _certificates(ca_file: str | None, cert_file: str | None, key_file: str | None) -> RenewedContext:
    return RenewedContext(ca_file, cert_file, key_file)


@lru_cache(maxsize=2)  # two while the key or a certificate is being changed
def moogsoft_with(api_key: str, tls: ssl.SSLContext) -> Moogsoft:
    flavour = Flavour(settings.MOOGSOFT_FLAVOUR)
    return Moogsoft(
        Destination(
            url=settings.MOOGSOFT_URL,
            api_key=api_key,
            dialect=Dialect(
                flavour=flavour,
                key_field=settings.MOOGSOFT_KEY_FIELD,
                services_field=settings.MOOGSOFT_SERVICES_FIELD,
                wrap_in_array=settings.MOOGSOFT_ARRAY,
                auth_token=api_key if flavour is Flavour.ONPREM else "",
            ),
            connect_timeout_s=settings.MOOGSOFT_CONNECT_TIMEOUT_S,
            read_timeout_s=settings.MOOGSOFT_READ_TIMEOUT_S,
            addresses=Addresses(settings.MOOGSOFT_ALLOWED_NETWORKS),
            tls=tls,
        )
    )
