"""Placeholder by the lead, so that the stack starts: overwrite this file."""

from ingest.sources.native import adapt
from ingest.sources.source import Source

SYSLOG = Source("syslog", adapt)
