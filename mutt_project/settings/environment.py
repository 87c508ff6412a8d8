"""Reading settings from the environment, failing loudly: what is missing or wrong, and how to mend it."""

import math
import os
from collections.abc import Callable
from typing import TypeVar

from django.core.exceptions import ImproperlyConfigured

T = TypeVar("T")


def required(name: str) -> str:
    """A variable that must be set."""
    value = os.environ.get(name, "")
    if not value:
        raise ImproperlyConfigured(f"The environment variable {name} is not set. See docs/settings.md.")
    return value


def optional(name: str, default: T, read: Callable[[str], T]) -> T:
    """A variable with a default; `read` turns its text into the value."""
    text = os.environ.get(name)
    if text is None or text == "":
        return default
    try:
        return read(text)
    except ValueError as error:
        raise ImproperlyConfigured(f"The environment variable {name} cannot be used: {error}") from error


def boolean(text: str) -> bool:
    words = {
        "1": True,
        "true": True,
        "yes": True,
        "on": True,
        "0": False,
        "false": False,
        "no": False,
        "off": False,
    }
    try:
        return words[text.strip().lower()]
    except KeyError:
        raise ValueError(f"“{text}” is neither true nor false") from None


def comma_separated(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def one_of(*words: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in words:
            raise ValueError(f"“{text}” is none of {', '.join(words)}")
        return text

    return read


def positive(text: str) -> float:
    number = float(text)
    if not 0 < number < math.inf:
        raise ValueError(f"“{text}” is no number above 0")
    return number
