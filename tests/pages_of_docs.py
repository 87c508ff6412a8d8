"""What the pages of the docs show to be typed, line by line."""

import re
from pathlib import Path

from ops.local.stack import ROOT

SHELLS = {"sh", "bash", "console"}
PAGES = sorted({ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *(ROOT / "docs").rglob("*.md")})
_BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)


def blocks(page: Path) -> list[tuple[str, str]]:
    """Each block of code with its language, in order; what is indented in a list, too.

    One that names none is drawn, or is taken for commands, so that none can hide there.
    """
    found = _BLOCK.findall(page.read_text(encoding="utf-8"))
    return [(language or ("text" if "─" in text else "sh"), text) for _, language, text in found]


def lines_of(text: str) -> list[str]:
    """The commands of a block, without remarks."""
    lines = (line.strip() for line in text.replace("\\\n", " ").splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def commands(page: Path) -> list[str]:
    """All that a page shows to be typed."""
    return [line for language, text in blocks(page) if language in SHELLS for line in lines_of(text)]
