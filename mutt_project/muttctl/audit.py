"""`muttctl audit`: what became of events, to search and to take away."""

import click

from mutt_project.muttctl.output import examples
from mutt_project.muttctl.searching import export_events, search_events


@click.group(
    "audit",
    epilog=examples(
        "muttctl audit search --hostname core-router-01 --start-time -1h",
        "muttctl audit export yesterday.csv --since -1d",
    ),
)
def audit() -> None:
    """What became of events: search the records, take them away."""


audit.add_command(search_events)
audit.add_command(export_events)
