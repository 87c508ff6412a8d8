"""What must hold of an address that MUTT sends to, and of the certificates for it, before it starts."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from audit.tls import client_context
from forwarder.addresses import Addresses


def moogsoft_url(url: str, *, allow_http: bool, addresses: Addresses) -> str:
    """The URL, if alerts may go there. Raises ImproperlyConfigured.

    Names are not looked up: that is done for each connection.
    """
    fault = next(_faults(url, addresses, allow_http=allow_http), "")
    if fault:  # the URL is not repeated: it may hold a password
        raise ImproperlyConfigured(f"MOOGSOFT_URL cannot be used: {fault}. See docs/network.md.")
    return url


def _faults(url: str, addresses: Addresses, *, allow_http: bool) -> Iterator[str]:
    try:
        parts = urlsplit(url)
        host = parts.hostname if parts.port != 0 else None
    except ValueError:
        host = None
    if not host or parts.scheme not in {"http", "https"} or not url.isprintable() or " " in url:
        yield "it is no address like https://api.moogsoft.ai/v1/integrations/events"
        return
    if "@" in parts.netloc:
        yield "a user name or password is in it. Take it out: the key belongs into MOOGSOFT_API_KEY"
    if parts.scheme == "http" and not allow_http:
        yield "it begins with http://, so the key could be read on its way. Use https://, or set MOOGSOFT_ALLOW_HTTP"
    if "#" in url:
        yield "what follows # never reaches a server. Take it out"
    if not _may_be(host, addresses):
        yield (
            f"{host} is loopback, link-local or reserved. If Moogsoft is really there, "
            f"name its network in MOOGSOFT_ALLOWED_NETWORKS"
        )


def _may_be(host: str, addresses: Addresses) -> bool:
    try:
        return addresses.permits(host)
    except ValueError:  # it is a name
        return True


def check_certificates(whose: str, ca_file: str | None, cert_file: str | None, key_file: str | None) -> None:
    """Raises ImproperlyConfigured where the files are of no use."""
    try:
        client_context(ca_file, cert_file, key_file)
    except ValueError as error:
        names = f"{whose}_CA_FILE, {whose}_CLIENT_CERT_FILE or {whose}_CLIENT_KEY_FILE"
        raise ImproperlyConfigured(f"{names} cannot be used: {error}. See docs/network.md.") from None
