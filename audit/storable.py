"""What JSON and Python can spell and PostgreSQL, UTF-8 or 64 bits cannot hold."""

from typing import Any

SYMBOL_FOR_NULL = "\u2400"
_MOST, _LEAST = (1 << 64) - 1, -(1 << 63)


def storable(value: Any) -> Any:
    """The value with NUL made visible, halves of surrogate pairs replaced, and numbers beyond 64 bits as texts.

    It calls itself once a level: check the depth before.
    """
    if isinstance(value, str):
        text = value.replace("\x00", SYMBOL_FOR_NULL)
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return value if text == value else text  # the same object, for it may be of an enumeration
    if isinstance(value, dict):
        return {storable(key): storable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [storable(item) for item in value]
    if isinstance(value, int) and not _LEAST <= value <= _MOST:
        return hex(value)  # in decimal, Python refuses to spell a very long one
    return value
