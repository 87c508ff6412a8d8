"""As much of HTTP/1.1 as a benchmark needs at either end: messages with a Content-Length on connections that stay."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_END = b"\r\n\r\n"


@dataclass(slots=True)
class Messages:
    """Takes bytes as they come, and gives heads and bodies."""

    _left: bytearray = field(default_factory=bytearray)
    _head: bytes = b""
    _needed: int = -1

    def feed(self, received: bytes) -> Iterator[tuple[bytes, bytes]]:
        """The messages that are complete by now. Raises ValueError for one that does not say its length."""
        self._left += received
        while True:
            if self._needed < 0:
                end = self._left.find(_END)
                if end < 0:
                    return
                self._head = bytes(self._left[:end])
                del self._left[: end + len(_END)]
                self._needed = _length(self._head)
            if len(self._left) < self._needed:
                return
            body = bytes(self._left[: self._needed])
            del self._left[: self._needed]
            self._needed = -1
            yield self._head, body


def _length(head: bytes) -> int:
    if found := _LENGTH.search(head):
        return int(found[1])
    if head.startswith(b"GET ") or b"\r\ntransfer-encoding:" not in head.lower():
        return 0
    raise ValueError("a message without a Content-Length")
