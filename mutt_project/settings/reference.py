"""Writes docs/settings.md: `make format` does, and `make settings` refuses one that is not what the code says."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import mutt_project.settings.base  # noqa: F401 - reads the variables that this page is about
from audit.tuning.tunables import TUNABLES, as_text
from mutt_project.settings import environment
from mutt_project.settings.described import DESCRIBED, FIRST, Variable

PAGE = Path(__file__).resolve().parents[2] / "docs" / "settings.md"
ANY_TIME = "✓"

HEAD = """# Settings

Environment variables. What is missing or wrong stops the start with a message that names the variable. Secrets may be in files or in Vault instead: [secrets.md](secrets.md).

Secrets (`MUTT_SECRET_KEY` and its fallbacks, `MOOGSOFT_API_KEY`, the passwords and URLs of the stores, `FLOWER_BASIC_AUTH`, `MUTT_OIDC_CLIENT_SECRET`) can come from
a file instead: `NAME_FILE` names it. It is read again when it changes, without a restart: [rotation.md](rotation.md).

## At run time

What has a ✓ in the column *at run time* can be changed while MUTT runs: in admin under “Settings at run time”, over the API (`/api/v1/config`), and with muttctl:

```
muttctl config list
muttctl config get MOOGSOFT_BATCH_SIZE
muttctl config set MOOGSOFT_BATCH_SIZE 50 --reason "CHG-1234: Moogsoft asks for less at once"
muttctl config reset MOOGSOFT_BATCH_SIZE --reason "CHG-1234 is over"
```

- It holds in every process (web server, workers, beat) within five seconds, without a restart, and stays over restarts. What nobody has set is what the environment says, in each process what its own environment says.
- Several settings are set together, or none of them: a low mark stays below its high mark, and `muttctl config set` takes more than one pair. What is out of bounds is refused, with the bounds.
- Who, when, why, before and after are noted ([changes.md](changes.md), `--kind setting`); a reason is demanded. muttctl asks before a guard is loosened, such as a higher rate or fewer days of records. Who may: [rights.md](rights.md).
- PostgreSQL has what was set, and Redis a copy for the processes, each of which looks at it at most every two seconds. While PostgreSQL or Redis is away, the last values hold, and none can be changed. Where Redis has lost its copy, a worker writes it anew within
  seconds; a process that starts meanwhile goes by its environment until then. The metric `mutt_settings_version` says which version each process goes by ([metrics.md](metrics.md)).
- Secrets, addresses, and what a process is built from at its start (timeouts, queues, threads) are changed in the environment, with a restart.
- `make format` writes this page out of the code. All variables are there since {first}, unless their line says otherwise.
"""  # noqa: E501 - a page of Markdown


def page() -> str:
    """The whole page."""
    lines = [HEAD.format(first=FIRST)]
    for topic, variables in DESCRIBED.items():
        lines += [f"## {topic}", ""]
        lines += ["| variable | default | may be | at run time | meaning |", "| --- | --- | --- | --- | --- |"]
        lines += [_row(variable) for variable in variables]
        lines.append("")
    return "\n".join(lines)


def _row(variable: Variable) -> str:
    names = variable.names.split(", ")
    tunable = TUNABLES.get(variable.names)
    cells = (
        ", ".join(f"`{name}`" for name in names),
        variable.default or _default(names[0]),
        f"{tunable.bounds} ({tunable.unit})" if tunable else _takes(variable, names[0]),
        ANY_TIME if tunable else "",
        (tunable.meaning if tunable else variable.meaning)
        + (f" (since {variable.since})" if variable.since != FIRST else ""),
    )
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _default(name: str) -> str:
    """As the code has it; raises KeyError where it is not read by `settings/base.py` and not described either."""
    value = environment.READ[name].default
    if value is None or value in ("", [], {}):
        return "none"
    return f"`{_written(value)}`"


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, ZoneInfo):
        return value.key
    return as_text(value)


def _takes(variable: Variable, name: str) -> str:
    known = environment.READ.get(name)
    takes = variable.takes or (environment.takes(known.read) if known else "")
    return " ".join(filter(None, (takes, f"({variable.unit})" if variable.unit else "")))


def undescribed() -> Iterator[str]:
    """Variables that are read by `settings/base.py` and have no line here."""
    told = {name for variables in DESCRIBED.values() for variable in variables for name in variable.names.split(", ")}
    yield from sorted(set(environment.READ) - told)


def main(arguments: list[str]) -> str:
    """Write the page or, with --check, refuse another one. Returns what is wrong."""
    if missing := list(undescribed()):
        return f"mutt_project/settings/described.py says nothing of {', '.join(missing)}."
    if arguments == ["--check"]:
        return "" if PAGE.read_text(encoding="utf-8") == page() else "docs/settings.md is out of date: make format"
    PAGE.write_text(page(), encoding="utf-8")
    return ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]) or None)
