"""Who may do what, as docs/rights.md says it."""

from collections.abc import Iterator
from dataclasses import dataclass

from ops.local.stack import ROOT

ROLES = ("viewer", "editor", "operator", "admin")
ANYBODY = "anybody"
_PAGE = (ROOT / "docs" / "rights.md").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Row:
    """One operation; `who` are callers by their names in `callers.py`, or ANYBODY."""

    method: str
    path: str
    who: frozenset[str]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def is_for(self, caller: str) -> bool:
        return ANYBODY in self.who or caller in self.who


@dataclass(frozen=True)
class ListRow:
    """One model in admin: who may look, add, change, delete, and do what else."""

    label: str
    may: dict[str, frozenset[str]]
    actions: dict[str, frozenset[str]]


def _lines(heading: str) -> Iterator[list[str]]:
    """The cells of each row of the table below a heading."""
    section = _PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("|")]
    assert len(rows) > 2, heading
    for row in rows[2:]:
        yield [cell.strip().strip("`") for cell in row.strip("|").split("|")]


def _with_superuser(roles: set[str]) -> frozenset[str]:
    return frozenset(roles | ({"superuser"} if "admin" in roles else set()))


def operations(heading: str) -> list[Row]:
    found = []
    for operation, key, *ticks in _lines(heading):
        method, _, path = operation.partition(" ")
        people = {name for name, tick in zip(("any staff", *ROLES), ticks, strict=True) if tick}
        keys = set() if key == "no key" else {key if key == ANYBODY else f"key with {key}"}
        found.append(Row(method, path, _with_superuser(people) | keys))
    return found


def _people(cell: str) -> frozenset[str]:
    words = set() if cell == "nobody" else set(ROLES) if cell == "all" else {word.strip() for word in cell.split(",")}
    assert words <= set(ROLES), cell
    return _with_superuser(words)


def lists() -> list[ListRow]:
    found = []
    for label, look, add, change, delete, actions in _lines("Lists of admin"):
        may = {"look": look, "add": add, "change": change, "delete": delete}
        named = [one.partition(":") for one in actions.split(";") if one]
        by_action = {name.strip(): _people(cell.strip()) for name, _, cell in named}
        found.append(ListRow(label, {name: _people(cell) for name, cell in may.items()}, by_action))
    return found


API = operations("The API, and what is for anybody")
PAGES = operations("Pages of admin")
LISTS = lists()
