"""Batches in groups that are worked on together."""

from collections.abc import Iterable
from uuid import UUID


def in_groups(sized: Iterable[tuple[UUID, int]], most: int) -> list[list[UUID]]:
    """Batches, each with a number of events, in groups of at most `most` events, in their order; a larger one alone."""
    groups: list[list[UUID]] = []
    room = 0
    for batch, events in sized:
        if groups and events <= room:
            groups[-1].append(batch)
            room -= events
        else:
            groups.append([batch])
            room = most - events
    return groups
