"""Which addresses alerts may go to: not to this machine, nor to where a cloud tells its machines their secrets.

Private networks are fine: that is where Moogsoft Onprem lives. A name is looked up once, for each connection, and the
connection goes to an address that was checked; so it does not help to let the name lead elsewhere afterwards.
"""

import socket
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network

_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: the last four bytes are an IPv4 address
_REFUSED_BESIDES = tuple(
    map(
        ip_network,
        (
            "0.0.0.0/8",  # “this network” (RFC 1122): Linux takes 0.0.0.0 for itself
            "100.100.100.200/32",  # where Alibaba, …
            "168.63.129.16/32",  # … Azure, …
            "192.0.0.0/24",  # … Oracle (RFC 6890: protocols only) and …
            "fd00:ec2::/64",  # … AWS answer their machines only; the others do that at 169.254.169.254
        ),
    )
)


class AddressRefusedError(Exception):
    """A name leads to no address that alerts may go to; `kind` says of what kind one of those is that it leads to."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"it leads to an address that is {kind}")
        self.kind = kind


def look_up(host: str, port: int) -> list[str]:
    """The addresses of a name. Raises socket.gaierror."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


@dataclass(frozen=True, slots=True)
class Addresses:
    """The addresses that are permitted; those in `allowed` are so, whatever they are."""

    allowed: Sequence[Network] = ()
    look_up: Callable[[str, int], Iterable[str]] = look_up

    def permitted(self, host: str, port: int) -> list[str]:
        """Those of a name to which a connection may be made. Raises AddressRefusedError, socket.gaierror."""
        found = [*self.look_up(host, port)]
        permitted = [address for address in found if self.permits(address)]
        if found and not permitted:
            raise AddressRefusedError(_kind_of(_meant(ip_address(found[0]))))
        return permitted

    def permits(self, text: str) -> bool:
        """Raises ValueError where it is no address."""
        address = ip_address(text)
        meant = _meant(address)
        is_allowed = any(one in network for network in self.allowed for one in (address, meant))
        return is_allowed or not _kind_of(meant)


def _kind_of(address: IPv4Address | IPv6Address) -> str:
    """Of what kind an address is that is refused; empty for any other."""
    kinds = {
        "loopback": address.is_loopback,
        "link-local": address.is_link_local,
        "multicast": address.is_multicast,
        "unspecified": address.is_unspecified,
        "of a cloud's metadata, or reserved": any(address in network for network in _REFUSED_BESIDES),
        "reserved": address.is_reserved,
    }
    return next((kind for kind, applies in kinds.items() if applies), "")


def _meant(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that an IPv6 address stands for, if it does."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or address
