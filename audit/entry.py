"""One event as the journal keeps it, between its acceptance and its record."""

from typing import Any, NotRequired, TypedDict


class Entry(TypedDict):
    """`event` is what was sent; `adapted` what an adapter made of it, where that is something else.

    `source` is there where the address of the request has named one; `api_key`, `address`, `correlation_id` and
    `traceparent` where they are not those of the batch. `canonical` comes with validate_batch.
    """

    id: str
    event: Any
    adapted: NotRequired[dict[str, Any]]
    notes: NotRequired[list[str]]
    source: NotRequired[str]
    api_key: NotRequired[str]
    address: NotRequired[str]
    correlation_id: NotRequired[str]
    traceparent: NotRequired[str]
    canonical: NotRequired[dict[str, Any]]


def in_our_words(entry: Entry) -> dict[str, Any]:
    """The event by the schema."""
    event: dict[str, Any] = entry.get("adapted") or entry["event"]
    return event
