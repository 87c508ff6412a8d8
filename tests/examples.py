"""The examples of muttctl's help, and the files that they name."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click

from mutt_project.muttctl.main import cli
from tests.mutt import event

DOWN = "Interface Gi0/1, changed state to down"
LOG_LINE = "2026-11-23T08:00:00+01:00 core-router-01 kernel: Interface Gi0/1, changed state to down"
DRAFT = "name: drafted\npriority: 900\nmatch_string: changed state\nprod_handling: Page_only\ndev_handling: Ignore\n"
UPLINK = "rules:\n- name: uplink of the examples\n  match_string: uplink lost\n  priority: 950\n  "
UPLINK += "prod_handling: Page_only\n  dev_handling: Ignore\n"


def walked(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield path, command
    for name, sub in command.commands.items() if isinstance(command, click.Group) else ():
        yield from walked(sub, (*path, name))


def examples_of(command: click.Command) -> list[str]:
    """The commands as somebody would copy them, with each that goes on in the next line as one."""
    _, _, block = (command.epilog or "").partition("Examples:\n")
    text = block.split("\n\n")[0].replace("\\\n", "")
    return [re.sub(r"\s+", " ", line).strip() for line in text.splitlines() if line.strip()]


def needs_shell(line: str) -> bool:
    """Whether it is more than one command with its arguments."""
    words = list(shlex.shlex(line, posix=True, punctuation_chars="|<>"))
    return words[0] != "muttctl" or bool({"|", "<", ">"} & set(words))


def write_files(folder: Path) -> None:
    """What the examples read, as far as it is the same for every MUTT."""
    files = {
        "syslog": f"{LOG_LINE}\n" * 3,
        "event.json": json.dumps(event(message=DOWN)),
        "events.json": json.dumps([event(number=number) for number in range(3)]),
        "events.ndjson": "\n".join(json.dumps(event(number=number)) for number in range(3)),
        "draft.yaml": DRAFT,
        "uplinks.yaml": UPLINK,
        "lab.key": "a-key-of-the-lab\n",
    }
    for name, text in files.items():
        (folder / name).write_text(text)


COMMANDS = list(walked(cli))
EXAMPLES = list(dict.fromkeys(example for _, command in COMMANDS for example in examples_of(command)))
