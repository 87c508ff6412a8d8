"""Answers of every kind become results, or errors with the promised exit status."""

import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mutt_project.muttctl import client
from mutt_project.muttctl.client import Client, reason_in, retry_wait
from mutt_project.muttctl.configuration import Configuration
from mutt_project.muttctl.errors import ApiUnreachableError
from tests.certificates import Certificates
from tests.unit.mutt_project.muttctl.stub_api import API_KEY, Answer, Muttctl, StubApi, problem, serve

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port on which nothing listens: bound, so that nobody else gets it meanwhile."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


@pytest.mark.parametrize(
    ("answer", "exit_code", "words"),
    [
        (problem(400, "Bad Request", "No such cursor."), 4, "400: No such cursor."),
        (problem(401, "Unauthorized", "Unknown key."), 4, "MUTT_API_KEY"),
        (problem(403, "Forbidden", "This key may not read."), 4, "MUTT_API_KEY"),
        (problem(404, "Not Found", "No such thing."), 4, "404: No such thing."),
        (Answer(405, b"<html>"), 4, "405: Method Not Allowed"),
        (problem(500, "Internal Server Error", ""), 3, "500: Internal Server Error"),
        (Answer(502, b"<html>"), 3, "502: Bad Gateway"),
        (problem(503, "Service Unavailable", "Redis is away."), 3, "503: Redis is away."),
        (Answer(302, b"", {"Location": "http://elsewhere.example/"}), 3, "redirect"),
        (Answer(200, b"<html>hello</html>"), 3, "does not speak MUTT's API"),
        (Answer(200, []), 3, "does not speak MUTT's API"),
    ],
)
def test_statuses(api: StubApi, muttctl: Muttctl, answer: Answer, exit_code: int, words: str) -> None:
    api.scripted = [answer]
    result = muttctl("ledger")
    assert result.exit_code == exit_code
    assert words in result.stderr
    assert len(result.stderr.splitlines()) <= 2
    assert result.stdout == ""


def test_an_unreachable_api(muttctl: Muttctl, closed_port: int) -> None:
    result = muttctl("ledger", MUTT_URL=f"http://127.0.0.1:{closed_port}")
    assert result.exit_code == 3
    assert "cannot be reached: Connection refused" in result.stderr


def test_a_connection_that_breaks(muttctl: Muttctl) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{")

        server.settimeout(5)
        thread = threading.Thread(target=hang_up)
        thread.start()
        result = muttctl("ledger", MUTT_URL=f"http://127.0.0.1:{server.getsockname()[1]}")
        thread.join()
    assert result.exit_code == 3
    assert "the connection broke" in result.stderr


def test_the_key_is_cut_out_of_what_the_api_says(api: StubApi, muttctl: Muttctl) -> None:
    api.scripted = [problem(400, "Bad Request", f"Bad header X-API-KEY: {API_KEY}")]
    assert "X-API-KEY: ***" in muttctl("ledger").stderr


def test_escape_sequences_of_the_api_do_not_reach_the_terminal(api: StubApi, muttctl: Muttctl) -> None:
    api.scripted = [problem(400, "Bad Request", "a\x1b[31mred\nline")]
    assert "a\\x1b[31mred line" in muttctl("ledger").stderr


def test_headers_of_a_request(api: StubApi, muttctl: Muttctl) -> None:
    api.ledger = {"balanced": True}
    muttctl("ledger")
    assert api.asked[0].headers["X-API-KEY"] == API_KEY
    assert api.asked[0].headers["User-Agent"] == "muttctl"


@pytest.mark.parametrize("next_host", ["", "http://127.0.0.1:1", "https://elsewhere.example"])
def test_pages_are_followed_under_our_own_address_only(api: StubApi, muttctl: Muttctl, next_host: str) -> None:
    api.rules = [{"id": number, "name": f"rule-{number}", "priority": 5} for number in range(5)]
    api.next_host = next_host
    result = muttctl("rules", "list", "-o", "csv")
    assert result.exit_code == 0
    assert [line.split(",")[0] for line in result.stdout.splitlines()[1:]] == list("01234")
    assert [asked.query.get("cursor") for asked in api.asked] == [None, "2", "4"]


@pytest.mark.parametrize("link", ["@127.0.0.1:1/x", ".example/x", "//127.0.0.1:1/x", "x", "?cursor=1"])
def test_a_link_cannot_lead_away(api: StubApi, muttctl: Muttctl, link: str) -> None:
    api.scripted = [Answer(200, {"next": link, "results": []}), Answer(200, {"next": None, "results": []})]
    assert muttctl("rules", "list").exit_code == 0
    assert len(api.asked) == 2


def test_pages_that_go_in_a_circle_end(api: StubApi, muttctl: Muttctl) -> None:
    api.scripted = [Answer(200, {"next": "/api/v1/rules?cursor=1", "results": []})] * 3
    assert muttctl("rules", "list").exit_code == 3
    assert len(api.asked) == 2


def test_a_path_in_the_address_stays_in_front(api: StubApi, muttctl: Muttctl) -> None:
    api.scripted = [
        Answer(200, {"next": "http://inner/api/v1/rules?cursor=1", "results": []}),
        Answer(200, {"next": "http://inner/mutt/api/v1/rules?cursor=2", "results": []}),
        Answer(200, {"next": None, "results": []}),
    ]
    assert muttctl("rules", "list", MUTT_URL=f"{api.url}/mutt/").exit_code == 0
    assert {asked.path for asked in api.asked} == {"/mutt/api/v1/rules"}


@pytest.mark.parametrize(
    ("retry_after", "attempt", "seconds"),
    [
        (None, 1, 1),
        (None, 4, 8),
        (None, 9, 30),
        ("7", 1, 7),
        (" 7 ", 1, 7),
        ("0", 3, 1),
        ("3600", 1, 30),
        ("9" * 400, 1, 30),
        ("-5", 2, 2),
        ("soon", 2, 2),
        ("Mon, 23 Nov 2026 12:00:12 GMT", 1, 12),
        ("Mon, 23 Nov 2026 11:00:00 GMT", 1, 1),
        ("Fri, 99 Nov 9999 11:00:00 GMT", 2, 2),
    ],
)
def test_wait_before_the_next_try(retry_after: str | None, attempt: int, seconds: float) -> None:
    assert retry_wait(retry_after, attempt, NOW) == seconds


def test_a_batch_is_tried_five_times_and_no_more(api: StubApi) -> None:
    api.scripted = [Answer(503, None, {"Retry-After": str(seconds)}) for seconds in (2, 3, 99, 4, 5)]
    slept: list[float] = []
    said: list[tuple[float, int]] = []
    client = Client(Configuration(api.url, API_KEY), sleep=slept.append)
    with pytest.raises(ApiUnreachableError, match="503"):
        client.post_events(b"{}", lambda seconds, attempt: said.append((seconds, attempt)))
    assert slept == [2, 3, 30, 4]
    assert said == [(2, 2), (3, 3), (30, 4), (4, 5)]
    assert len(api.asked) == 5


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("plain words", "plain words"),
        ({"title": "T", "detail": "D"}, "D"),
        ({"title": "T", "detail": ""}, "T"),
        (
            {"detail": "D", "errors": [{"pointer": "/a", "detail": "x"}, {"detail": "y"}, 7, {}]},
            "/a: x; y",
        ),
        ({"detail": "D", "errors": []}, "D"),
        ({"pointer": "/a", "detail": "x"}, "/a: x"),
        (None, ""),
        (["a", "b"], "a; b"),
    ],
)
def test_the_most_exact_words_are_shown(content: object, words: str) -> None:
    assert reason_in(content) == words


def test_an_answer_without_end_is_cut(api: StubApi, muttctl: Muttctl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "MOST_BYTES", 1000)
    api.scripted = [Answer(200, {"much": "x" * 3_000_000})]
    result = muttctl("ledger")
    assert result.exit_code == 3
    assert "does not end" in result.stderr


def test_an_answer_that_is_cut_short_is_not_taken_for_a_whole_one(api: StubApi, muttctl: Muttctl) -> None:
    api.scripted = [Answer(200, {"a": 1}, {"Content-Length": "5000", "Connection": "close"})]
    result = muttctl("ledger")
    assert result.exit_code == 3
    assert "the connection broke before the answer was complete" in result.stderr


@pytest.mark.parametrize(
    ("shown", "trusted", "words"),
    [
        ("right", "ca", None),
        ("right", "other_ca", "its certificate is not trusted"),
        ("of_another_host", "ca", "its certificate is for another host"),
        ("expired", "ca", "its certificate has expired"),
    ],
)
def test_the_key_is_told_only_to_a_server_with_a_trusted_certificate(
    muttctl: Muttctl, tmp_path: Path, shown: str, trusted: str, words: str | None
) -> None:
    made = Certificates(tmp_path)
    with serve(getattr(made, shown).server_context()) as there:
        result = muttctl("ledger", MUTT_URL=there.url, MUTT_CA_FILE=str(getattr(made, trusted)))
        assert bool(there.asked) is (words is None)
        assert words is None or words in result.stderr


def test_a_server_that_demands_a_certificate_is_shown_one(muttctl: Muttctl, tmp_path: Path) -> None:
    made = Certificates(tmp_path)
    with serve(made.right.server_context(client_ca=made.ca)) as there:
        there.ledger = {"accepted": 0, "balanced": True}
        environ = {"MUTT_URL": there.url, "MUTT_CA_FILE": str(made.ca)}
        result = muttctl("ledger", stdin=None, **environ)
        assert (result.exit_code, there.asked) == (3, [])
        assert "certificate" in result.stderr
        ours = {"MUTT_CLIENT_CERT_FILE": str(made.client.cert), "MUTT_CLIENT_KEY_FILE": str(made.client.key)}
        assert muttctl("ledger", stdin=None, **environ, **ours).exit_code == 0
        alone = {"MUTT_CLIENT_KEY_FILE": str(made.client.key)}
        result = muttctl("ledger", stdin=None, **environ, **alone)
        assert result.exit_code == 2
        assert "is a key without its certificate" in result.stderr
