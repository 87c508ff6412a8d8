"""Text that stays what it is in Markdown."""

import re
from collections.abc import Iterable, Sequence

_CODE = re.compile(r"(`[^`]*`)")
_MARKUP = re.compile(r"[*\[]|\b_|_\b|<(?=[A-Za-z/!?])")


def plain(text: str) -> str:
    """Words of a person: what is in backticks stays code, nothing else is markup."""
    parts = _CODE.split(" ".join(text.split()))
    return "".join(part if part.startswith("`") else _MARKUP.sub(r"\\\g<0>", part) for part in parts)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def block(language: str, text: str) -> str:
    return f"```{language}\n{text.rstrip()}\n```"
