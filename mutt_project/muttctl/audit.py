"""`muttctl audit`: what is kept of what became of events."""

import click

from mutt_project.muttctl.output import examples
from mutt_project.muttctl.retention import archives, restore, retain


@click.group(
    "audit",
    epilog=examples(
        "muttctl audit retain --dry-run",
        'muttctl audit restore 2025-01 --reason "An auditor asks for it"',
        "muttctl audit archives",
    ),
)
def audit() -> None:
    """What is kept of what became of events, and for how long."""


for command in (archives, restore, retain):
    audit.add_command(command)
