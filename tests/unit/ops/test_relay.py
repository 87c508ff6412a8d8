"""The relay: what is spooled is sent, each once, whatever dies in between."""

import ast
import io
import json
import os
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ops.relay import mutt_relay
from ops.relay.mutt_relay import Limits, Log, Sender, Spool, Traps, Unavailable, Webhook, forward_traps, omprog
from tests.certificates import Certificates
from tests.mutt import eventually

RELAY = Path(mutt_relay.__file__)
KEY = "mutt_a-key-that-is-in-no-log"


class Server:
    """A webhook that notes what it takes, and answers as it is told; the same Idempotency-Key is taken once."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.answers: list[tuple[int, dict[str, str]]] = []
        self.requests: list[tuple[str, str, bytes]] = []
        self.taken: dict[str, bytes] = {}
        self.lost_answers = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                key = self.headers["Idempotency-Key"]
                assert self.headers["X-API-KEY"] == KEY
                outer.requests.append((self.path, key, body))
                status, headers = outer.answers.pop(0) if outer.answers else (202, {})
                if status == 202:
                    outer.taken.setdefault(key, body)
                if outer.lost_answers:
                    outer.lost_answers -= 1
                    self.close_connection = True
                    return
                content = json.dumps({"accepted": 1, "rejected": 0, "detail": "as told"}).encode()
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *args: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self._scheme = "https" if tls else "http"
        if tls:
            self.http.socket = tls.wrap_socket(self.http.socket, server_side=True, do_handshake_on_connect=False)
            self.http.handle_error = lambda *_: None  # type: ignore[method-assign] # clients hang up on purpose here
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self.http.server_address[1]}"

    @property
    def lines(self) -> list[bytes]:
        return [line for body in self.taken.values() for line in body.splitlines()]


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.http.shutdown()
    made.http.server_close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "spool"


_opened: list[Spool] = []
_connected: list[Webhook] = []


@pytest.fixture(autouse=True)
def _nothing_stays_open() -> Iterator[None]:
    yield
    for spool in _opened:
        spool.release()
    for hook in _connected:
        hook.close()
    _opened.clear()
    _connected.clear()


def spool_in(folder: Path, **limits: float) -> Spool:
    """The spool of a relay that was just started; an earlier one of the same test is dead."""
    for earlier in _opened:
        earlier.release()
    spool = Spool(folder, Limits(**limits), sync=False)  # type: ignore[arg-type]
    assert spool.take(patience_s=1)
    _opened.append(spool)
    return spool


def webhook(server: Server) -> Webhook:
    _connected.append(Webhook(server.url, "syslog", KEY))
    return _connected[-1]


def sender_of(spool: Spool, server: Server) -> Sender:
    return Sender(spool, webhook(server), Log())


def drain(spool: Spool, sender: Sender, patience_s: float = 20) -> None:
    eventually(lambda: (sender.step(), not spool.batches())[1], patience_s)


def test_lines_become_batches_and_batches_are_sent_in_order(server, folder):
    spool = spool_in(folder, lines=2)
    for number in range(5):
        spool.add(b"line %d\n" % number)
    spool.seal()
    drain(spool, sender_of(spool, server))
    assert [body for _, _, body in server.requests] == [b"line 0\nline 1\n", b"line 2\nline 3\n", b"line 4\n"]
    assert {path for path, _, _ in server.requests} == {"/webhook/syslog"}


def test_a_batch_whose_answer_was_lost_is_sent_again_as_the_same_request(server, folder):
    spool = spool_in(folder)
    spool.add(b"line\n")
    spool.seal()
    server.lost_answers = 2
    drain(spool, sender_of(spool, server))
    assert len(server.requests) == 3
    assert len({key for _, key, _ in server.requests}) == 1
    assert server.lines == [b"line"]


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_webhook_that_takes_nothing_is_asked_again_later(server, folder, status):
    spool = spool_in(folder)
    spool.add(b"line\n")
    spool.seal()
    server.answers = [(status, {"Retry-After": "1"})]
    sender = sender_of(spool, server)
    started = time.monotonic()
    drain(spool, sender)
    assert time.monotonic() - started > 0.7
    assert server.lines == [b"line"]


@pytest.mark.parametrize("status", [401, 403, 404, 422])
def test_a_wrong_configuration_keeps_everything_and_is_told_without_the_key(server, folder, status, capsys):
    spool = spool_in(folder)
    spool.add(b"line\n")
    spool.seal()
    server.answers = [(status, {})]
    sender = sender_of(spool, server)
    assert sender.step()
    assert not sender.step()
    assert len(spool.batches()) == 1
    told = capsys.readouterr().err
    assert str(status) in told
    assert KEY not in told
    assert KEY not in repr(webhook(server))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_gets_neither_the_key_nor_the_lines(server, folder, status, capsys):
    elsewhere = Server()
    spool = spool_in(folder)
    spool.add(b"line\n")
    spool.seal()
    server.answers = [(status, {"Location": f"{elsewhere.url}/webhook/syslog"})]
    assert sender_of(spool, server).step()
    assert elsewhere.requests == []
    assert len(spool.batches()) == 1
    assert "a redirect, which is not followed" in capsys.readouterr().err
    elsewhere.http.shutdown()
    elsewhere.http.server_close()


def test_an_answer_without_end_is_cut_and_the_next_request_is_answered_by_itself(server, monkeypatch):
    monkeypatch.setattr(mutt_relay, "MOST_ANSWER_BYTES", 10)
    there = webhook(server)
    assert there.post("one", b"line\n") == {}
    monkeypatch.undo()
    assert there.post("two", b"line\n")["accepted"] == 1


@pytest.mark.parametrize(
    ("shown", "trusted", "words"),
    [
        ("right", "ca", None),
        ("right", "other_ca", "certificate"),
        ("of_another_host", "ca", "certificate"),
        ("expired", "ca", "expired"),
    ],
)
def test_the_key_is_told_only_to_a_server_with_a_trusted_certificate(tmp_path, shown, trusted, words):
    made = Certificates(tmp_path)
    there = Server(getattr(made, shown).server_context())
    hook = Webhook(there.url, "syslog", KEY, str(getattr(made, trusted)))
    _connected.append(hook)
    if words:
        with pytest.raises(Unavailable, match=words):
            hook.post("one", b"line\n")
    else:
        assert hook.post("one", b"line\n")["accepted"] == 1
    assert bool(there.requests) is (words is None)
    there.http.shutdown()
    there.http.server_close()


def test_a_server_that_demands_a_certificate_is_shown_one(tmp_path):
    made = Certificates(tmp_path)
    there = Server(made.right.server_context(client_ca=made.ca))
    nameless = Webhook(there.url, "syslog", KEY, str(made.ca))
    named = Webhook(there.url, "syslog", KEY, str(made.ca), str(made.client.cert), str(made.client.key))
    _connected.extend((nameless, named))
    with pytest.raises(Unavailable):
        nameless.post("one", b"line\n")
    assert there.requests == []
    assert named.post("one", b"line\n")["accepted"] == 1
    there.http.shutdown()
    there.http.server_close()


@pytest.mark.parametrize(
    "given", [{"cert": "away.pem"}, {"key": "client.key"}, {"cert": "client.pem", "key": "ca.pem"}]
)
def test_a_certificate_that_is_of_no_use_stops_the_start(tmp_path, monkeypatch, capsys, given):
    Certificates(tmp_path)
    monkeypatch.setenv("MUTT_API_KEY", KEY)
    options = [word for name, file in given.items() for word in (f"--client-{name}-file", str(tmp_path / file))]
    with pytest.raises(SystemExit) as ended:
        mutt_relay.main(["traps", "--url", "https://127.0.0.1:1", "--spool", str(tmp_path / "spool"), *options])
    assert ended.value.code == 2
    assert "--client-" in capsys.readouterr().err


def test_a_body_that_is_refused_whole_is_halved_until_the_guilty_line_is_alone(server, folder, capsys):
    spool = spool_in(folder)
    for number in range(4):
        spool.add(b"line %d\n" % number)
    spool.seal()
    server.answers = [(413, {}), (202, {}), (413, {}), (413, {}), (202, {})]
    drain(spool, sender_of(spool, server))
    assert server.lines == [b"line 0", b"line 1", b"line 3"]
    (aside,) = (folder / "aside").iterdir()
    assert aside.read_bytes() == b"line 2\n"
    assert "too large" in capsys.readouterr().err


def test_a_single_line_that_is_refused_is_left_to_mutts_quarantine(server, folder):
    spool = spool_in(folder)
    spool.add(b"line\n")
    spool.seal()
    server.answers = [(400, {})]
    drain(spool, sender_of(spool, server))
    assert server.lines == []


def test_an_idempotency_key_that_is_taken_is_replaced(server, folder):
    spool = spool_in(folder)
    spool.add(b"line\n")
    spool.seal()
    server.answers = [(409, {})]
    drain(spool, sender_of(spool, server))
    assert server.lines == [b"line"]
    assert len({key for _, key, _ in server.requests}) == 2


def run_omprog(spool: Spool, server: Server, text: bytes) -> bytes:
    answers = io.BytesIO()
    assert omprog(spool, sender_of(spool, server), Log(), io.BytesIO(text), answers) == 0
    return answers.getvalue()


def test_omprog_confirms_each_line_once_it_is_spooled(server, folder):
    assert run_omprog(spool_in(folder), server, b"one\n\xff\x00two\nthree") == b"OK\n" * 4
    spool = spool_in(folder)
    drain(spool, sender_of(spool, server))
    assert server.lines == [b"one", b"\xff\x00two", b"three"]


def test_a_line_that_rsyslog_sends_again_after_a_kill_is_not_spooled_twice(server, folder):
    run_omprog(spool_in(folder), server, b"one\ntwo\n")
    assert run_omprog(spool_in(folder), server, b"two\nthree\ntwo\n") == b"OK\n" * 4
    spool = spool_in(folder)
    drain(spool, sender_of(spool, server))
    assert sorted(server.lines) == [b"one", b"three", b"two", b"two"]


def test_that_line_is_known_even_if_its_batch_was_sent_before_the_kill(server, folder):
    run_omprog(spool_in(folder), server, b"one\n")
    spool = spool_in(folder)
    drain(spool, sender_of(spool, server))
    spool.release()
    run_omprog(spool_in(folder), server, b"one\ntwo\n")
    spool = spool_in(folder)
    drain(spool, sender_of(spool, server))
    assert server.lines == [b"one", b"two"]


def test_what_a_kill_left_half_written_is_cut_off(server, folder):
    folder.mkdir()
    (folder / "open.part").write_bytes(b"one\ntwo\nhal")
    (folder / "something.batch.new").write_bytes(b"half a batch")
    spool = spool_in(folder)
    drain(spool, sender_of(spool, server))
    assert server.lines == [b"one", b"two"]
    assert spool.last_line == mutt_relay.digest_of(b"two\n")


def test_a_full_spool_refuses_lines_and_takes_them_when_there_is_room(server, folder):
    spool = spool_in(folder, spool_bytes=10)
    answers = run_omprog(spool, server, b"12345678\n9012\n").splitlines()
    assert answers[:2] == [b"OK", b"OK"]
    assert b"full" in answers[2]
    spool = spool_in(folder, spool_bytes=10)
    drain(spool, sender_of(spool, server))
    assert run_omprog(spool, server, b"9012\n") == b"OK\nOK\n"


def test_a_spool_belongs_to_one_relay(folder):
    first = spool_in(folder)
    assert not Spool(folder, Limits()).take(patience_s=0.2)
    first.release()
    assert spool_in(folder)


TRAP = "edge-7\nUDP: [192.0.2.7]:1->[192.0.2.1]:162\n.1.3.6.1.6.3.1.1.4.1.0 .1.3.6.1.6.3.1.1.5.3\n"


def spooled(folder: Path, *texts: str) -> None:
    (folder / "incoming").mkdir(parents=True, exist_ok=True)
    for number, text in enumerate(texts):
        (folder / "incoming" / f"{time.time_ns()}-{number}.trap").write_text(text)


def test_traps_are_sent_with_the_time_of_their_files_and_without_the_community(server, folder):
    spooled(folder, TRAP + '.1.3.6.1.6.3.18.1.4.0 "lan-7"\n')
    (file,) = (folder / "incoming").iterdir()
    os.utime(file, (1_795_000_000.25, 1_795_000_000.25))
    spool, ending = spool_in(folder), threading.Event()
    runner = threading.Thread(target=forward_traps, args=(spool, sender_of(spool, server), Log(), ending, 0.01))
    runner.start()
    eventually(lambda: server.lines)
    ending.set()
    runner.join()
    (sent,) = map(json.loads, server.lines)
    assert sent["received_at"] == "2026-11-18T11:06:40.250000+00:00"
    assert sent["traphandle"].startswith("edge-7\n")
    assert "lan-7" not in sent["traphandle"]
    assert not list((folder / "incoming").iterdir())


@pytest.mark.parametrize("step", ["before the batch", "before the files are removed", "before the list is removed"])
def test_a_kill_at_any_step_neither_loses_nor_doubles_a_trap(server, folder, step, monkeypatch):
    spooled(folder, TRAP, TRAP.replace("edge-7", "edge-8"))
    spool = spool_in(folder)
    traps = Traps(spool, Log())
    traps.prepare()
    with monkeypatch.context() as patched:
        if step == "before the batch":
            patched.setattr(Spool, "put", _killed)
        elif step == "before the files are removed":
            patched.setattr(Traps, "_remove", _killed)
        else:
            patched.setattr(Path, "unlink", _killed_at_names)
        with pytest.raises(KeyboardInterrupt):
            traps.gather()
    spool.release()
    spool = spool_in(folder)
    again = Traps(spool, Log())
    again.prepare()
    while again.gather():
        pass
    drain(spool, sender_of(spool, server))
    assert sorted(json.loads(line)["traphandle"][:6] for line in server.lines) == ["edge-7", "edge-8"]
    assert not list(folder.glob("*.names"))


def _killed(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


_unlink = Path.unlink


def _killed_at_names(path: Path, missing_ok: bool = False) -> None:  # noqa: FBT001, FBT002 - pathlib's signature
    if path.suffix == ".names":
        raise KeyboardInterrupt
    _unlink(path, missing_ok=missing_ok)


def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], **variables}
    command = [sys.executable, str(RELAY), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=30, input="")


def test_help_shows_examples_and_exit_statuses():
    shown = run("--help")
    assert shown.returncode == 0
    assert "examples:" in shown.stdout
    assert "exit status:" in shown.stdout
    assert run("omprog", "--help").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "variables", "says"),
    [
        ([], {"MUTT_API_KEY": KEY}, "--url"),
        (["--url", "mutt.example.net"], {"MUTT_API_KEY": KEY}, "--url"),
        (["--url", "http://mutt.example.net"], {"MUTT_API_KEY": KEY}, "--allow-http"),
        (["--url", f"https://someone:{KEY}@mutt.example.net"], {"MUTT_API_KEY": KEY}, "--url"),
        (
            ["--url", "https://mutt.example.net", "--ca-file", "/nowhere"],
            {"MUTT_API_KEY": KEY},
            "--ca-file is of no use",
        ),
        (["--url", "https://mutt.example.net"], {}, "--key-file"),
        (["--url", "https://mutt.example.net", "--key-file", "/nowhere"], {}, "No such file"),
    ],
)
def test_what_is_missing_is_named(folder, arguments, variables, says):
    refused = run("omprog", "--spool", str(folder), *arguments, **variables)
    assert refused.returncode == 2
    assert says in refused.stderr
    assert KEY not in refused.stderr + refused.stdout


def test_a_second_relay_on_a_spool_ends_with_its_own_status(folder, monkeypatch):
    first = spool_in(folder)
    refused = run("omprog", "--spool", str(folder), "--url", "http://127.0.0.1:1", MUTT_API_KEY=KEY)
    assert (refused.returncode, refused.stdout) == (75, "")
    assert "another relay" in refused.stderr
    first.release()


def test_status_tells_what_waits(folder):
    spool = spool_in(folder)
    spool.add(b"line\n")
    spool.seal()
    spooled(folder, TRAP)
    status = json.loads(run("status", "--spool", str(folder), "-o", "json").stdout)
    assert (status["batches"], status["traps"], status["bytes"]) == (1, 1, 5 + len(TRAP))
    assert status["oldest_age_s"] >= 0
    assert "batches:" in run("status", "--spool", str(folder)).stdout


def test_the_relay_runs_on_the_python_of_old_log_hosts():
    tree = ast.parse(RELAY.read_text(), feature_version=(3, 9))
    nodes = list(ast.walk(tree))
    imported = {name.name for node in nodes if isinstance(node, ast.Import) for name in node.names}
    imported |= {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in imported} <= set(sys.stdlib_module_names)
