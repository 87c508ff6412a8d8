"""The bytes of a request's body: bounded before anything is read, and unpacked where they are gzip."""

import zlib

from django.http import HttpRequest
from gunicorn.http.errors import ParseException

_GZIP_ONLY = 16 + zlib.MAX_WBITS


class BodyRefused(Exception):  # noqa: N818 - it carries an answer, not a fault of ours
    """The bytes are not taken; `status` is 400, 413 or 415 and `detail` for people."""

    def __init__(self, status: int, title: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.title = title
        self.detail = detail


def body_of(request: HttpRequest, most: int) -> bytes:
    """The body, of at most `most` bytes, unpacked. Raises BodyRefused."""
    body = _read(request, most)
    encoding = request.META.get("HTTP_CONTENT_ENCODING", "").strip().lower()
    if encoding in {"", "identity"}:
        return body
    if encoding in {"gzip", "x-gzip"}:
        return unpacked(body, most)
    detail = f"The Content-Encoding “{encoding[:40]}” is not known: send gzip, or no encoding."
    raise BodyRefused(415, "The encoding is not known", detail)


def unpacked(packed: bytes, most: int) -> bytes:
    """What gzip has packed, be it in several members. Raises BodyRefused, at the latest after `most` bytes."""
    pieces: list[bytes] = []
    room = most + 1
    try:
        while packed:
            member = zlib.decompressobj(_GZIP_ONLY)
            pieces.append(member.decompress(packed, room))
            room -= len(pieces[-1])
            if room <= 0:
                raise _too_large(most, "unpacked ")
            if not member.eof:
                raise BodyRefused(400, "The body is incomplete", "The gzip data ends too early; send it again.")
            packed = member.unused_data
    except zlib.error as error:
        raise BodyRefused(
            400, "The body cannot be read", f"It is not gzip, as Content-Encoding says: {error}."
        ) from error
    return b"".join(pieces)


def _read(request: HttpRequest, most: int) -> bytes:
    """What came over the line; a chunked body has no length to look at first."""
    length = request.META.get("CONTENT_LENGTH") or ""
    if length.isdigit() and int(length) > most:
        raise _too_large(most)
    try:
        chunked = not length and request.META.get("wsgi.input_terminated")
        body: bytes = request.META["wsgi.input"].read(most + 1) if chunked else request.body
    except (OSError, ParseException) as error:  # the second is what gunicorn raises for broken chunks
        detail = (
            "The connection or the chunks ended before the whole body had come; nothing was accepted. Send it again."
        )
        raise BodyRefused(400, "The body is incomplete", detail) from error
    if len(body) > most:
        raise _too_large(most)
    return body


def _too_large(most: int, how: str = "") -> BodyRefused:
    return BodyRefused(413, "The body is too large", f"At most {most:,} {how}bytes are taken. Send smaller batches.")
