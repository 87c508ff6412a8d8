"""`muttctl audit search` and `muttctl audit export`."""

from pathlib import Path

from tests.unit.mutt_project.muttctl.stub_api import Answer, Muttctl, StubApi, problem
from tests.unit.mutt_project.muttctl.test_events import event

EXPORT = "/api/v1/events/export"


def test_search_takes_the_options_of_the_seed(api: StubApi, muttctl: Muttctl) -> None:
    api.events = [event(1)]
    result = muttctl("audit", "search", "--hostname", "core-router-01", "--start-time", "-1h", "--end-time", "-5m")
    assert result.exit_code == 0
    assert event(1)["id"] in result.stdout
    assert api.asked[0].query == {"hostname": "core-router-01", "since": "-1h", "until": "-5m", "limit": "51"}


def test_search_asks_for_what_is_wanted_and_nothing_else(api: StubApi, muttctl: Muttctl) -> None:
    muttctl(
        "audit", "search", "--text", "Gi0/7 down", "--rule-id", "7", "--team", "NETO", "--batch", str(event(1)["batch"])
    )
    assert api.asked[0].query == {
        "text": "Gi0/7 down",
        "rule_id": "7",
        "team": "NETO",
        "batch": str(event(1)["batch"]),
        "limit": "51",
    }


def test_an_export_is_written_as_it_comes(api: StubApi, muttctl: Muttctl, tmp_path: Path) -> None:
    content = "größer\n".encode() * 100_000
    api.scripted = [Answer(200, content), Answer(200, content)]
    file = tmp_path / "events.csv"
    result = muttctl("audit", "export", str(file), "--since", "-1d")
    assert (result.exit_code, file.read_bytes()) == (0, content)
    assert "900,000 bytes" in result.stderr
    assert api.asked[0].path == EXPORT
    assert api.asked[0].query == {"since": "-1d", "form": "csv"}
    result = muttctl("audit", "export")
    assert result.stdout_bytes == content
    assert api.asked[1].query == {"form": "ndjson"}


def test_an_export_of_events_to_send_has_a_form_of_its_own(api: StubApi, muttctl: Muttctl, tmp_path: Path) -> None:
    api.scripted = [Answer(200, b"{}\n")]
    assert muttctl("audit", "export", str(tmp_path / "again.csv"), "--to-send", "--rule-id", "12").exit_code == 0
    assert api.asked[0].query == {"rule_id": "12", "form": "events"}
    refused = muttctl("audit", "export", "--to-send", "--format", "csv")
    assert refused.exit_code == 2
    assert "leave out --format" in refused.stderr


def test_an_export_that_breaks_off_is_an_error_and_leaves_no_file(
    api: StubApi, muttctl: Muttctl, tmp_path: Path
) -> None:
    api.scripted = [Answer(200, b"half of it", {"Content-Length": "20", "Connection": "close"})] * 2
    file = tmp_path / "events.ndjson"
    result = muttctl("audit", "export", str(file))
    assert result.exit_code == 3
    assert "not complete" in result.stderr
    assert list(tmp_path.iterdir()) == []
    assert muttctl("audit", "export").exit_code == 3


def test_an_export_that_is_refused_says_why(api: StubApi, muttctl: Muttctl, tmp_path: Path) -> None:
    api.scripted = [problem(400, "Bad Request", "This search did not end within 20 s.")]
    result = muttctl("audit", "export", str(tmp_path / "events.csv"))
    assert result.exit_code == 4
    assert "did not end within 20 s" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_written_is_said(api: StubApi, muttctl: Muttctl, tmp_path: Path) -> None:
    result = muttctl("audit", "export", str(tmp_path / "no-such-folder" / "events.csv"))
    assert result.exit_code == 1
    assert "cannot be written: No such file or directory" in result.stderr
    assert api.asked == []
