"""`muttctl quarantine`: list, show, summary, resend and delete."""

import csv
import io
import json
from typing import Any
from uuid import UUID

import pytest

from tests.unit.mutt_project.muttctl.stub_api import Answer, Asked, Muttctl, StubApi, problem

PATH = "/api/v1/quarantine"


def an_id(number: int) -> str:
    return str(UUID(int=number))


def refused(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "id": an_id(number),
        "received_at": "2026-11-23T08:52:35.123456+00:00",
        "source": "syslog",
        "reason": "hostname_missing",
        "error": "/hostname: It is missing. Send a name or IP address without blanks, e.g. core-router-01.",
        "errors": [{"pointer": "/hostname", "detail": "It is missing."}],
        "size": 120,
        "truncated": False,
        "redacted": False,
        "content_type": "application/json",
        "api_key": "rsyslog",
        "address": "10.0.0.9",
        "resent_at": None,
        "resent_by": None,
        "batch": None,
        **fields,
    }


class Quarantine:
    """Answers under /api/v1/quarantine as MUTT does, in pages of two, the newest first."""

    def __init__(self, api: StubApi) -> None:
        self.api = api
        self.rows: list[dict[str, Any]] = []
        self.not_valid: dict[str, str] = {}
        self.deleted: list[str] = []
        self.resent: list[list[str]] = []

    def answer(self, asked: Asked) -> Answer:
        if self.api.scripted:
            return self.api.scripted.pop(0)
        name = asked.path.removeprefix(PATH).removeprefix("/")
        if asked.method == "DELETE":
            return self._delete(name)
        if asked.method == "POST":
            return self._resend(json.loads(asked.body)["ids"])
        if name == "":
            return self.api._page(asked, self._filtered(asked.query))  # noqa: SLF001 - the stub's own pages
        found = [row for row in self.rows if row["id"] == name]
        return Answer(200, {**found[0], "body": '{"message":\n "x"}'}) if found else problem(404, "Not Found", "No.")

    def _filtered(self, query: dict[str, str]) -> list[dict[str, Any]]:
        wanted = {name: query[name] for name in ("source", "reason") if name in query}
        rows = [row for row in self.rows if wanted.items() <= row.items()]
        if "resend" in query:
            rows = [row for row in rows if str(row["resent_at"] is not None).lower() == query["resend"]]
        return rows

    def _delete(self, name: str) -> Answer:
        if all(row["id"] != name for row in self.rows):
            return problem(404, "Not Found", "No refused event has this id.")
        self.deleted.append(name)
        return Answer(204)

    def _resend(self, ids: list[str]) -> Answer:
        self.resent.append(ids)
        results = []
        for name in ids:
            why = self.not_valid.get(name, "")
            fields = {"status": 422 if why else 202, "batch": None if why else an_id(99), "detail": why}
            results.append({"id": name, "accepted": int(not why), "rejected": 0, **fields})
        return Answer(202, {"resent": len(ids), "results": results})


@pytest.fixture
def quarantine(api: StubApi, monkeypatch: pytest.MonkeyPatch) -> Quarantine:
    quarantine = Quarantine(api)
    monkeypatch.setattr(api, "answer", quarantine.answer)
    api.page_size = 1000
    return quarantine


def in_csv(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_the_table_fits_80_columns_with_whole_ids_and_obeys_no_escapes(quarantine, muttctl: Muttctl) -> None:
    long = {"source": "a" * 40, "reason": "b" * 40, "error": "\x1b]0;title\x07 " + "word " * 50}
    quarantine.rows = [refused(1), refused(2, resent_at="2026-11-23T09:00:00Z"), refused(3, **long)]
    output = muttctl("quarantine", "list").stdout
    assert max(map(len, output.splitlines())) <= 80
    for words in (an_id(1), an_id(3), "11-23 08:52:35", "hostname_missing", "(sent again)", "\\x1b]0;title\\x07", "…"):
        assert words in output
    assert output.count("(sent again)") == 1
    assert "\x1b" not in output


def test_filters_go_to_the_api(api: StubApi, quarantine, muttctl: Muttctl) -> None:
    kind = ("--source", "s", "--reason", "r", "--since", "-1h", "--until", "2026-11-23")
    muttctl("quarantine", "list", *kind, "--not-resent", "--limit", "5")
    muttctl("quarantine", "list", "--resent")
    muttctl("quarantine", "list")
    assert api.asked[0].query == {
        "source": "s", "reason": "r", "since": "-1h", "until": "2026-11-23", "resend": "false", "limit": "6",
    }  # fmt: skip
    assert [asked.query.get("resend") for asked in api.asked[1:]] == ["true", None]


def test_the_list_stops_at_its_limit_and_says_so(api: StubApi, quarantine, muttctl: Muttctl) -> None:
    api.page_size = 2
    quarantine.rows = [refused(number) for number in range(7)]
    result = muttctl("quarantine", "list", "--limit", "3", "-o", "json")
    assert [row["id"] for row in json.loads(result.stdout)] == [an_id(number) for number in range(3)]
    assert "--limit" in result.stderr
    assert "--limit" not in muttctl("quarantine", "list", "--limit", "7").stderr


def test_an_empty_list_says_so_and_is_empty_json(quarantine, muttctl: Muttctl) -> None:
    assert muttctl("quarantine", "list").stderr == "No refused events found.\n"
    assert json.loads(muttctl("quarantine", "list", "-o", "json").stdout) == []


def test_the_csv_has_what_the_api_has_but_the_single_errors(quarantine, muttctl: Muttctl) -> None:
    quarantine.rows = [refused(1, error='said "no",\nthen went')]
    (row,) = in_csv(muttctl("quarantine", "list", "-o", "csv").stdout)
    assert set(row) == set(refused(1)) - {"errors"}
    assert (row["error"], row["truncated"], row["batch"]) == ('said "no",\nthen went', "false", "")


def test_one_is_shown_with_its_body_and_obeys_no_escapes(quarantine, muttctl: Muttctl) -> None:
    quarantine.rows = [refused(1, error="\x1b[31mred", truncated=True)]
    output = muttctl("quarantine", "show", an_id(1)).stdout
    for words in ("\\x1b[31mred", "120 bytes, truncated", "rsyslog", '{"message":\n "x"}'):
        assert words in output
    shown = muttctl("quarantine", "show", an_id(1), "-o", "json").stdout
    assert json.loads(shown) == {**quarantine.rows[0], "body": '{"message":\n "x"}'}
    assert in_csv(muttctl("quarantine", "show", an_id(1), "-o", "csv").stdout)[0]["id"] == an_id(1)


def test_one_that_is_unknown_is_refused(quarantine, muttctl: Muttctl) -> None:
    assert muttctl("quarantine", "show", an_id(5)).exit_code == 4
    assert muttctl("quarantine", "show", "../rules").exit_code == 2


def test_the_summary_is_by_source_and_reason(api: StubApi, quarantine, muttctl: Muttctl) -> None:
    row = {"source": "syslog", "reason": "not_json", "count": 12, "resent": 3, "last_seen": "2026-11-23T08:52:35Z"}
    answer = Answer(200, {"since": "2026-11-22T08:52:35Z", "count": 12, "results": [row]})
    api.scripted = [answer, answer, answer, Answer(200, {"since": "x", "count": 0, "results": []})]
    lines = [line.split() for line in muttctl("quarantine", "summary").stdout.splitlines()]
    assert lines[-1] == ["syslog", "not_json", "12", "3", "11-23", "08:52:35"]
    assert in_csv(muttctl("quarantine", "summary", "-o", "csv").stdout) == [{k: str(v) for k, v in row.items()}]
    assert json.loads(muttctl("quarantine", "summary", "-o", "json").stdout) == answer.content
    assert muttctl("quarantine", "summary", "--since", "-1h").stderr == "Nothing was refused since -1h.\n"
    assert [asked.query["since"] for asked in api.asked] == ["-24h", "-24h", "-24h", "-1h"]


def test_one_is_sent_again_without_a_question(quarantine, muttctl: Muttctl) -> None:
    result = muttctl("quarantine", "resend", an_id(1))
    assert (result.exit_code, quarantine.resent) == (0, [[an_id(1)]])
    assert ["accepted:", "1"] in [line.split() for line in result.stdout.splitlines()]


def test_what_is_not_accepted_is_told_with_its_reason_and_the_exit_status_is_1(quarantine, muttctl: Muttctl) -> None:
    quarantine.not_valid = {an_id(2): "/hostname: It is \x1bmissing."}
    result = muttctl("quarantine", "resend", an_id(1), an_id(2), "--yes")
    assert result.exit_code == 1
    assert f"{an_id(2)}  /hostname: It is \\x1bmissing." in result.stdout
    assert "accepted:     1" in result.stdout
    rows = in_csv(muttctl("quarantine", "resend", an_id(1), an_id(2), "--yes", "-o", "csv").stdout)
    assert [(row["id"], row["status"]) for row in rows] == [(an_id(1), "202"), (an_id(2), "422")]
    found = json.loads(muttctl("quarantine", "resend", an_id(2), "-o", "json").stdout)
    assert (found["chosen"], found["accepted"], found["results"][0]["status"]) == (1, 0, 422)


def test_many_are_sent_again_in_the_order_of_receipt_a_hundred_at_a_time(
    api: StubApi, quarantine, muttctl: Muttctl
) -> None:
    quarantine.rows = [refused(number) for number in range(250, 0, -1)]
    quarantine.rows += [refused(900, resent_at="x"), refused(901, truncated=True), refused(902, source="other")]
    result = muttctl("quarantine", "resend", "--source", "syslog", "--yes")
    assert result.exit_code == 0
    assert [len(part) for part in quarantine.resent] == [100, 100, 50]
    assert [name for part in quarantine.resent for name in part] == [an_id(number) for number in range(1, 251)]
    assert "250  syslog  hostname_missing" in result.stderr
    assert "1  left out" in result.stderr
    assert api.asked[0].query == {"source": "syslog", "resend": "false", "limit": "1000"}


@pytest.mark.parametrize(
    ("said", "exit_code", "requests"), [(b"y\n", 0, 1), (b"n\n", 1, 0), (b"\n", 1, 0), (b"", 1, 0)]
)
def test_before_many_are_sent_again_it_is_asked(quarantine, muttctl: Muttctl, said, exit_code, requests) -> None:
    quarantine.rows = [refused(2), refused(1)]
    result = muttctl("quarantine", "resend", "--since", "-1h", stdin=said)
    assert (result.exit_code, len(quarantine.resent)) == (exit_code, requests)
    assert "Send 2 refused events again?" in result.stderr


@pytest.mark.parametrize("command", ["resend", "delete"])
@pytest.mark.parametrize("arguments", [[], ["--yes"], [an_id(1), "--source", "syslog"]])
def test_nobody_sends_or_deletes_everything_by_mistake(api, quarantine, muttctl: Muttctl, command, arguments) -> None:
    result = muttctl("quarantine", command, *arguments)
    assert result.exit_code == 2
    assert "at least one option" in result.stderr
    assert api.asked == []


@pytest.mark.parametrize("command", ["resend", "delete"])
def test_where_nothing_is_meant_nothing_is_done(api: StubApi, quarantine, muttctl: Muttctl, command) -> None:
    result = muttctl("quarantine", command, "--source", "nobody")
    assert (result.exit_code, result.stderr) == (0, "No refused events found.\n")
    assert [asked.method for asked in api.asked] == ["GET"]


def test_what_was_accepted_before_mutt_went_away_is_told(api: StubApi, quarantine, muttctl: Muttctl) -> None:
    done = {"status": 202, "batch": an_id(99), "accepted": 1, "rejected": 0, "detail": ""}
    first = Answer(202, {"resent": 100, "results": [{"id": an_id(number), **done} for number in range(100)]})
    api.scripted = [first, problem(503, "Service Unavailable", "Redis is away.")]
    result = muttctl("quarantine", "resend", "--yes", *(an_id(number) for number in range(150)))
    assert result.exit_code == 3
    assert ["chosen:", "150"] in [line.split() for line in result.stdout.splitlines()]
    assert ["accepted:", "100"] in [line.split() for line in result.stdout.splitlines()]


def test_those_meant_are_deleted_and_no_others(quarantine, muttctl: Muttctl) -> None:
    quarantine.rows = [refused(4, reason="not_json"), refused(3), refused(2), refused(1, resent_at="x")]
    assert muttctl("quarantine", "delete", an_id(4), "--yes").exit_code == 0
    assert quarantine.deleted == [an_id(4)]
    result = muttctl("quarantine", "delete", "--reason", "hostname_missing", "--not-resent", stdin=b"y\n")
    assert result.exit_code == 0
    assert "Delete 2 refused events for good?" in result.stderr
    assert quarantine.deleted == [an_id(4), an_id(2), an_id(3)]
    muttctl("quarantine", "delete", "--resent", "--yes")
    assert quarantine.deleted[3:] == [an_id(1)]


def test_nothing_is_deleted_where_the_answer_is_no(quarantine, muttctl: Muttctl) -> None:
    quarantine.rows = [refused(2), refused(1)]
    assert muttctl("quarantine", "delete", "--source", "syslog", stdin=b"n\n").exit_code == 1
    assert quarantine.deleted == []


def test_what_is_gone_already_is_counted_and_the_exit_status_is_1(quarantine, muttctl: Muttctl) -> None:
    quarantine.rows = [refused(1)]
    result = muttctl("quarantine", "delete", "--yes", an_id(5), an_id(1), "-o", "json")
    assert result.exit_code == 1
    assert json.loads(result.stdout) == {"chosen": 2, "deleted": 1, "not_there": 1}
    counts = in_csv(muttctl("quarantine", "delete", an_id(1), "--yes", "-o", "csv").stdout)
    assert counts == [{"chosen": "1", "deleted": "1", "not_there": "0"}]


def test_a_key_that_may_not_delete_is_told_so(api: StubApi, quarantine, muttctl: Muttctl) -> None:
    api.scripted = [problem(403, "Forbidden", "You do not have permission to perform this action.")]
    result = muttctl("quarantine", "delete", an_id(1), "--yes")
    assert result.exit_code == 4
    assert "permission" in result.stderr


@pytest.mark.parametrize("command", ["list", "show", "summary", "resend", "delete"])
def test_each_command_shows_how_it_is_typed(muttctl: Muttctl, command) -> None:
    assert f"muttctl quarantine {command}" in muttctl("quarantine", command, "--help").stdout
