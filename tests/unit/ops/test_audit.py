"""`make audit` asks a database of known holes about every requirement, and never takes silence for a clean bill."""

import json
import os
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from ops import audit


class Database(ThreadingHTTPServer):
    """Speaks OSV's protocol."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.asked: set[tuple[str, str]] = set()
        self.hole_in = ""


class _Answer(BaseHTTPRequestHandler):
    server: Database

    def do_POST(self) -> None:
        query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name, version = query["package"]["name"], query["version"]
        self.server.asked.add((name, version))
        hole = {
            "id": "GHSA-xxxx-xxxx-xxxx",
            "summary": "A hole.",
            "modified": "2026-01-01T00:00:00Z",
            "published": "2026-01-01T00:00:00Z",
            "affected": [{"package": query["package"], "ranges": [], "versions": [version]}],
        }
        body = json.dumps({"vulns": [hole]} if name == self.server.hole_in else {}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """A test's output is no place for it."""


@pytest.fixture
def database() -> Iterator[Database]:
    with Database() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def environment(database: Database, tmp_path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))  # pip-audit remembers answers
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    return {"MUTT_OSV_URL": f"http://127.0.0.1:{database.server_port}/v1/query"}


def test_every_requirement_is_asked_about(environment, database: Database):
    assert audit.main(environment) == audit.NOTHING_KNOWN
    pinned = {
        (re.sub(r"[-_.]+", "-", name).lower(), version)
        for path in (audit.ROOT / "requirements").glob("*.txt")
        for name, version in re.findall(r"^([\w.-]+)(?:\[[^\]]+\])?==([^\s;]+) \\$", path.read_text(), re.MULTILINE)
    }
    assert len(pinned) > 50
    assert pinned <= database.asked  # those for other systems, with a condition behind them, are not in the pattern


def test_a_known_hole_is_shown_and_ends_with_1(environment, database: Database, capfd):
    database.hole_in = "django"
    assert audit.main(environment) == audit.HOLES
    assert "GHSA-xxxx-xxxx-xxxx" in capfd.readouterr().out


def test_a_database_that_cannot_be_asked_ends_with_2_and_no_stack_trace(environment, database: Database, capfd):
    address = environment["MUTT_OSV_URL"].replace(str(database.server_port), "1")
    assert audit.main({"MUTT_OSV_URL": address}) == audit.NOT_ASKED
    said = capfd.readouterr()
    assert "base.txt: nothing was audited" in said.out
    assert "Traceback" not in said.out + said.err
