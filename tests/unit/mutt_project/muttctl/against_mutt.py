"""muttctl against MUTT's own API, in this process."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result
from django.test import Client as DjangoClient

from mutt_project.muttctl.client import Client
from mutt_project.muttctl.main import cli

Run = Callable[..., Result]


@pytest.fixture
def run(make_key: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    key = make_key("ingest", "read", "write", "admin", name="muttctl")
    django = DjangoClient(headers={"X-API-KEY": key})

    def request(
        _: Client, method: str, target: str, body: bytes | None = None, headers: Any = None, patience: float = 0
    ) -> Any:
        given = {name: value for name, value in (headers or {}).items() if name != "Content-Type"}
        answer = django.generic(method, target, body or b"", "application/json", headers=given)
        return SimpleNamespace(status=answer.status_code, data=answer.content, headers=answer.headers)

    monkeypatch.setattr(Client, "_request", request)
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, stdin: str | None = None) -> Result:
        result = CliRunner().invoke(cli, arguments, input=stdin, env={"MUTT_URL": "https://m", "MUTT_API_KEY": key})
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return run
