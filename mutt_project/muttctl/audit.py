"""`muttctl audit`: what became of events, and who changed what: to search, to take away, to keep."""

import click

from mutt_project.muttctl.audit_changes import export_changes, list_changes, show_change
from mutt_project.muttctl.output import examples
from mutt_project.muttctl.retention import archives, restore, retain
from mutt_project.muttctl.searching import export_events, search_events


@click.group(
    "audit",
    epilog=examples(
        "muttctl audit search --hostname core-router-01 --start-time -1h",
        "muttctl audit export yesterday.csv --since -1d",
        "muttctl audit retain --dry-run",
        "muttctl audit changes --kind rule --since -7d",
        'muttctl audit restore 2025-01 --reason "An auditor asks for it"',
        "muttctl audit archives",
    ),
)
def audit() -> None:
    """What became of events, and who changed what: search it, take it away, keep it for as long as you must."""


for command in (archives, export_changes, export_events, list_changes, restore, retain, search_events, show_change):
    audit.add_command(command)
