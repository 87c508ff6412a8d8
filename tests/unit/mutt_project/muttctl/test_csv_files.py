"""CSV as spreadsheets write it, and rows that cannot be taken."""

import pytest

from mutt_project.muttctl.csv_files import read_csv
from mutt_project.muttctl.located import FaultyFileError, Located

COLUMNS = ("hostname", "description")
ENTRIES = [{"hostname": "sw1", "description": "a, b; “c”"}, {"hostname": "sw2", "description": ""}]


def read(content: bytes | str) -> Located:
    return read_csv(content.encode() if isinstance(content, str) else content, "hosts.csv", COLUMNS, ("description",))


def said_of(content: bytes | str) -> list[str]:
    found = read(content)
    return [found.told(fault) for fault in found.faults]


@pytest.mark.parametrize(
    "content",
    [
        'hostname,description\nsw1,"a, b; “c”"\nsw2,\n',
        '\ufeffhostname,description\r\nsw1,"a, b; “c”"\r\n\r\nsw2,""\r\n',
        'Hostname;Description\r\nsw1;"a, b; “c”"\r\n;\r\nsw2; \r\n',
        "sep=;\r\nHOSTNAME ; DESCRIPTION\nsw1;'\nsw2;".replace("'", '"a, b; “c”"'),
        'description\thostname\na, b; “c”\tsw1\n"" \tsw2'.replace('"" ', ""),
        '\n\nhostname,description\n sw1 ,"a, b; “c”"\nsw2,',
        'hostname,description\nsw1,"a, b; “c”"\nsw2,\n'.encode("utf-16"),
    ],
)
def test_kinds_of_csv(content: bytes | str) -> None:
    found = read(content)
    assert (found.entries, found.faults) == (ENTRIES, [])


def test_a_byte_that_is_not_utf_8_is_read_as_latin_1() -> None:
    assert read(b"hostname,description\nsw1,caf\xe9\n").entries[0]["description"] == "café"


def test_a_column_that_may_be_left_out() -> None:
    assert read("hostname\nsw1\n").entries == [{"hostname": "sw1"}]


def test_lines_are_those_of_the_file() -> None:
    found = read('hostname,description\nsw1,"two\nlines"\n\nsw2,\n')
    assert found.lines == {"/entries/0": 2, "/entries/1": 5}
    assert found.entries[0]["description"] == "two\nlines"
    assert found.told(found.fault("/entries/1/hostname", "No.")) == "hosts.csv:5: hostname: No."


def test_all_rows_that_are_wrong_are_said_and_the_others_read() -> None:
    content = "hostname;description\nsw1;a\nsw2\n;c\nsw3;a;b\nSW1;d\nsw4;e\n"
    assert said_of(content) == [
        "hosts.csv:3: Too few columns: 1, and the header has 2. Leave a column empty, not out.",
        "hosts.csv:4: The host name is missing.",
        "hosts.csv:5: Too many columns: 3, and the header has 2. A text with “;” belongs in quotes.",
        "hosts.csv:6: SW1 stands in line 2 already: leave out one of them.",
    ]
    assert [entry["hostname"] for entry in read(content).entries] == ["sw1", "sw4"]
    assert "with a tab belongs" in said_of("hostname\tdescription\na\tb\tc\n")[0]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "hosts.csv: The header hostname,description is missing: the file is empty."),
        ("\n;\n", "hosts.csv:2: The header"),
        ("sw1,Lab\nsw2,Lab\n", "hosts.csv:1: The header hostname,description is missing: the first line is 'sw1,Lab'."),
        ("hostname,team\n", "hosts.csv:1: The header"),
        ("description\n", "hosts.csv:1: The header"),
        ("hostname,hostname\n", "hosts.csv:1: The header"),
    ],
)
def test_files_without_the_header(content: str, said: str) -> None:
    with pytest.raises(FaultyFileError) as caught:
        read(content)
    assert str(caught.value).startswith(said)


@pytest.mark.parametrize("content", ['hostname\nsw1\n"sw2\nsw3\n', 'hostname\n"sw"1\n'])
def test_quotes_that_are_wrong(content: str) -> None:
    (said,) = said_of(content)
    assert "cannot be read as CSV" in said
    assert said.startswith("hosts.csv:")
