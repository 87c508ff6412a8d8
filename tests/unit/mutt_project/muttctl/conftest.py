"""The stub API, and muttctl run against it from an empty directory."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mutt_project.muttctl.main import cli
from tests.unit.mutt_project.muttctl.stub_api import API_KEY, Muttctl, StubApi, serve


@pytest.fixture
def api() -> Iterator[StubApi]:
    with serve() as stub:
        yield stub


@pytest.fixture
def muttctl(api: StubApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Muttctl:
    """Run the tool; the key must never be seen, nor a stack trace, whatever the test is about."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FORCE_COLOR", raising=False)

    def run(*arguments: str, stdin: bytes | None = None, **environ: str | None) -> Result:
        variables = {
            "XDG_CONFIG_HOME": str(tmp_path / "config"),
            "MUTT_URL": api.url,
            "MUTT_API_KEY": API_KEY,
            "COLUMNS": "80",
            **environ,
        }
        result = CliRunner().invoke(cli, arguments, input=stdin, env=variables)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        assert API_KEY not in result.output
        return result

    return run
