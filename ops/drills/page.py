"""What docs/disaster-recovery.md says: its preamble, the commands of each section, the tables of figures."""

import re
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

PAGE = Path(__file__).resolve().parents[2] / "docs" / "disaster-recovery.md"
_BLOCK = re.compile(r"^( *)```sh\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_CHAPTER = re.compile(r"^## (.+)$", re.MULTILINE)
_PART = re.compile(r"^### (.+)$", re.MULTILINE)


class WrongPage(ValueError):  # noqa: N818 - it reads as a sentence
    """The page lacks what a drill needs; the message says what."""


@dataclass(frozen=True, slots=True)
class Chapter:
    """One `##` of the page."""

    title: str
    text: str

    def blocks(self, part: str) -> list[str]:
        """The commands in its part (`###`) of this name, block by block. Raises WrongPage."""
        blocks = [dedent(block) for _, block in _BLOCK.findall(_cut(self.text, _PART, part, f"“{self.title}”"))]
        if not blocks:
            raise WrongPage(f"There is no ```sh in “{part}” of “{self.title}”.")
        return blocks


@dataclass(frozen=True, slots=True)
class Page:
    """The whole page."""

    text: str

    @classmethod
    def read(cls, path: Path = PAGE) -> "Page":
        return cls(path.read_text(encoding="utf-8"))

    def chapter(self, title: str) -> Chapter:
        """Raises WrongPage."""
        return Chapter(title, _cut(self.text, _CHAPTER, title, "the page"))

    def with_figures(self, name: str, table: str) -> "Page":
        """The page with other figures between a drill's markers. Raises WrongPage."""
        begin, end = f"<!-- measured: {name} -->", "<!-- end -->"
        before, found, rest = self.text.partition(begin)
        _, closed, after = rest.partition(end)
        if not found or not closed:
            raise WrongPage(f"The page has no place for figures: {begin} … {end}")
        return Page(f"{before}{begin}\n{table.strip()}\n{end}{after}")


def _cut(text: str, heading: re.Pattern[str], title: str, where: str) -> str:
    """What stands below a heading, up to the next of its kind."""
    headings = list(heading.finditer(text))
    for found, following in zip(headings, [*headings[1:], None], strict=True):
        if found[1].strip() == title:
            return text[found.end() : following.start() if following else len(text)]
    raise WrongPage(f"There is no “{title}” in {where}; there are: {', '.join(one[1] for one in headings)}.")
