"""How many requests an address may send, counted by django-ratelimit in the cache that all processes share."""

from collections.abc import Iterable

from django.http import HttpRequest
from django_ratelimit.core import get_usage

from ingest.addresses import address_of, network_of
from mutt_project.login.unlocking import counted_as


def wait_s(request: HttpRequest, group: str, rates: Iterable[str]) -> int:
    """Count a request of this group; 0 if its address may send it, else after how many seconds to come again.

    A rate such as 5/minute holds for windows that lie still, so that twice as many may come around the end of one.
    """
    for rate in rates:
        usage = get_usage(request, group=group, key=_counted_as, rate=rate, increment=True)
        if usage and usage["should_limit"]:
            return max(1, int(usage["time_left"]))
    return 0


def _counted_as(group: str, request: HttpRequest) -> str:  # noqa: ARG001 - django-ratelimit's signature
    return counted_as(network_of(address_of(request)))
