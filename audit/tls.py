"""TLS towards servers: whom we trust, who we are, and what is wrong with a certificate."""

import logging
import ssl
from collections.abc import Iterator
from pathlib import Path

logger = logging.getLogger(__name__)

# OpenSSL's X509_V_ERR_… (x509_vfy.h), which Python does not name.
_NOT_YET_VALID, _EXPIRED, _OTHER_HOST, _OTHER_ADDRESS = 9, 10, 62, 64
_WRONG = {
    _NOT_YET_VALID: "its certificate is not valid yet",
    _EXPIRED: "its certificate has expired",
    _OTHER_HOST: "its certificate is for another host",
    _OTHER_ADDRESS: "its certificate is for another host",
}
_NOT_TRUSTED = "its certificate is not trusted"
_WANTS_OURS = ("CERTIFICATE_REQUIRED", "HANDSHAKE_FAILURE", "UNKNOWN_CA", "BAD_CERTIFICATE", "CERTIFICATE_UNKNOWN")


def client_context(ca_file: str | None, cert_file: str | None, key_file: str | None) -> ssl.SSLContext:
    """For connections to a server, which must be trusted (without `ca_file` by the system) and be whom we asked for.

    Raises ValueError, which names the file that is of no use.
    """
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except OSError as error:  # ssl.SSLError is one
        raise ValueError(f"{ca_file} holds no certificate of an authority (PEM): {_why(error)}") from None
    if cert_file:
        try:
            context.load_cert_chain(cert_file, key_file, password="")  # or OpenSSL would ask on the terminal
        except OSError as error:
            both = f"{cert_file} and {key_file}" if key_file else cert_file
            raise ValueError(f"{both} are no certificate with its key (PEM, no passphrase): {_why(error)}") from None
    elif key_file:
        raise ValueError(f"{key_file} is a key without its certificate")
    return context


class RenewedContext:
    """What `client_context` makes of files, made anew when they are renewed. While they are of no use the last stands.

    Raises ValueError where they are of no use at the beginning.
    """

    def __init__(self, ca_file: str | None, cert_file: str | None, key_file: str | None) -> None:
        self._files = (ca_file, cert_file, key_file)
        self._seen = self._state()
        self._context = client_context(*self._files)

    def present(self) -> ssl.SSLContext:
        seen = self._state()
        if seen != self._seen:
            self._seen = seen
            try:
                self._context = client_context(*self._files)
            except ValueError as error:
                logger.error("certificates were renewed, and the former ones are used on: %s", error)  # noqa: TRY400 - it says all
        return self._context

    def _state(self) -> list[tuple[int, int] | None]:
        return [_state_of(Path(name)) for name in self._files if name]


def _state_of(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino


def tls_trouble(error: BaseException) -> str:
    """What is wrong with a certificate, theirs or ours, in words without any address; empty if it is not that."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return _WRONG.get(cause.verify_code, _NOT_TRUSTED)
        if isinstance(cause, ssl.SSLError) and any(part in (cause.reason or "") for part in _WANTS_OURS):
            return "it does not accept our client certificate, or the lack of one"
        if isinstance(cause, ssl.SSLEOFError):
            return "it broke TLS off without a word; perhaps it wants a client certificate"
        if isinstance(cause, ssl.SSLError) and cause.reason == "WRONG_VERSION_NUMBER":
            return "it does not speak TLS"
    return ""


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and all that led to it; libraries keep that in different places."""
    waiting: list[object] = [error]
    seen: set[int] = set()
    while waiting:
        one = waiting.pop(0)
        if isinstance(one, BaseException) and id(one) not in seen:
            seen.add(id(one))
            yield one
            waiting += [one.__cause__, one.__context__, getattr(one, "reason", None), *one.args]


def _why(error: OSError) -> str:
    return getattr(error, "reason", None) or error.strerror or type(error).__name__
