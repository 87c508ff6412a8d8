"""Where a request comes from: the one place that says so, for limits, logs and records."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest

UNKNOWN = "unknown"
_IPV6_PREFIX = 64  # what one customer has at least

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def address_of(request: HttpRequest) -> str:
    """The client's address. X-Forwarded-For counts only as far as MUTT_TRUSTED_PROXIES have written it.

    It is read from the right, where the nearest proxy writes; the first that is no proxy of ours is the client. If
    something there is no address, the peer itself is answered for it.
    """
    peer = _parsed(request.META.get("REMOTE_ADDR", ""))
    if peer is None:
        return UNKNOWN
    if not is_trusted(peer):
        return str(peer)
    client = peer
    for text in reversed(request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")):
        hop = _parsed(_without_port(text.strip()))
        if hop is None:
            return str(peer)
        client = hop
        if not is_trusted(hop):
            break
    return str(client)


def comes_from_proxy(request: HttpRequest) -> bool:
    peer = _parsed(request.META.get("REMOTE_ADDR", ""))
    return peer is not None and is_trusted(peer)


def is_trusted(address: Address) -> bool:
    networks: list[Network] = settings.MUTT_TRUSTED_PROXIES
    return any(address in network for network in networks)


def network_of(address: str) -> str:
    """What is limited as one: an IPv4 address, or the /64 of an IPv6 address."""
    parsed = _parsed(address)
    if isinstance(parsed, IPv6Address):
        return str(ip_network(f"{parsed}/{_IPV6_PREFIX}", strict=False))
    return address


@lru_cache(maxsize=1000)
def _parsed(text: str) -> Address | None:
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _without_port(text: str) -> str:
    """Some proxies write 192.0.2.1:4711, or [2001:db8::1]:4711."""
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text
