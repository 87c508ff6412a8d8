"""Which changes are wanted, the newest first: by what was changed, by whom, when, in which request."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import QuerySet

from audit.change_models import Change
from audit.searching import in_time

_PAGE = 2000
# Numbers are given in the order of time but for what happens at the same moment.
_SAME_MOMENT = 1000


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a change must have; None: whatever. `since` counts, `until` does not; `before`: older than this one.

    `name` is the beginning of a name, in any case.
    """

    kind: str | None = None
    object: str | None = None
    name: str | None = None
    who: str | None = None
    what: str | None = None
    correlation_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    before: int | None = None


_EQUAL = {"kind": "kind", "object": "object_id", "who": "who", "what": "what", "correlation_id": "correlation_id"}


def search(wanted: Wanted) -> QuerySet[Change]:
    """The changes, the newest first; to be read within `in_time`."""
    equal = {column: getattr(wanted, name) for name, column in _EQUAL.items() if getattr(wanted, name) is not None}
    found = Change.objects.order_by("-id").filter(**equal)
    if wanted.name is not None:
        found = found.filter(name__istartswith=wanted.name)
    if wanted.since is not None:
        first = Change.objects.filter(at__gte=wanted.since).order_by("at").values_list("id", flat=True).first()
        found = found.filter(at__gte=wanted.since, id__gte=(first or 0) - _SAME_MOMENT)
    if wanted.until is not None:
        last = Change.objects.filter(at__lt=wanted.until).order_by("-at").values_list("id", flat=True).first()
        found = found.filter(at__lt=wanted.until, id__lte=(last or 0) + _SAME_MOMENT)
    if wanted.before is not None:
        found = found.filter(id__lt=wanted.before)
    return found


def page_of(wanted: Wanted, most: int) -> list[Change]:
    """The newest of what is wanted. Raises TooBroadError."""
    with in_time():
        return list(search(wanted)[:most])


def every_page_of(wanted: Wanted) -> Iterator[list[Change]]:
    """All that is wanted, a page at a time. Raises TooBroadError."""
    while page := page_of(wanted, _PAGE):
        yield page
        if len(page) < _PAGE:
            return
        wanted = replace(wanted, before=page[-1].pk)
