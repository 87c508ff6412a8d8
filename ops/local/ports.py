"""Free ports on this machine."""

import random
import socket
from pathlib import Path

_EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
_LOWEST = 10_000


def free_port() -> int:
    """A TCP port of 127.0.0.1 that is free now.

    It lies below the range that the kernel gives to clients: a server that is away for a moment must find its port
    free when it comes back.
    """
    below = int(_EPHEMERAL.read_text().split()[0]) if _EPHEMERAL.exists() else 32_768
    for port in random.sample(range(_LOWEST, max(below, _LOWEST + 1000)), 100):  # nosec B311 # no secret comes of it
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError(f"100 ports of 127.0.0.1 between {_LOWEST} and {below} are taken: what is going on here?")


def listens(port: int) -> bool:
    """Whether somebody accepts connections at this port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
