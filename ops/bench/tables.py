"""The form of all tables."""

from rich.table import Table


def table_of(title: str, *headings: str) -> Table:
    """A table whose first column is words, and the others numbers."""
    table = Table(title=title, title_justify="left")
    for place, heading in enumerate(headings):
        table.add_column(heading, justify="right" if place else "left")
    return table
