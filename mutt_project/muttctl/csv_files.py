"""Lists of hosts as CSV, as spreadsheets write them: any of the usual delimiters, with or without a BOM."""

import codecs
import csv
import io
from collections.abc import Iterator, Sequence

from mutt_project.muttctl.located import Fault, FaultyFileError, Located
from mutt_project.muttctl.sources import decode_leniently

DELIMITERS = ",;\t"
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_csv(content: bytes, name: str, columns: Sequence[str], optional: Sequence[str] = ()) -> Located:
    """An entry a row; rows that cannot be entries are `faults`. Raises FaultyFileError where there is no header."""
    text = _decoded(content)
    delimiter, header, rows = _opened(text, name, columns, optional)
    entries: list[dict[str, str]] = []
    lines: dict[str, int] = {}
    faults: list[Fault] = []
    seen: dict[str, int] = {}
    try:
        for line, row in rows:
            entry = dict(zip(header, row, strict=False))
            wrong = _wrong(entry, row, header, delimiter, seen)
            if wrong:
                faults.append(Fault(line, wrong))
                continue
            seen[entry["hostname"].casefold()] = line
            lines[f"/entries/{len(entries)}"] = line
            entries.append(entry)
    except csv.Error as error:
        faults.append(Fault(0, f"It cannot be read as CSV: {error}. Is a quote left open?"))
    return Located(name, entries, lines, faults)


def _decoded(content: bytes) -> str:
    if content.startswith(_UTF_16):
        return content.decode("utf-16", "replace")
    return decode_leniently(content.removeprefix(codecs.BOM_UTF8))


def _opened(
    text: str, name: str, columns: Sequence[str], optional: Sequence[str]
) -> tuple[str, list[str], Iterator[tuple[int, list[str]]]]:
    """The delimiter, the header and the rows after it."""
    best: list[str] = []
    for delimiter in DELIMITERS:
        rows = _rows(text, delimiter)
        try:
            line, first = next(rows, (0, []))
        except csv.Error:
            continue
        header = [cell.lower() for cell in first]
        if (
            set(header) <= set(columns)
            and set(columns) - set(optional) <= set(header)
            and len(header) == len(set(header))
        ):
            return delimiter, header, rows
        best = best or first
    found = f"the first line is {','.join(best)!r}" if best else "the file is empty"
    wanted = f"The header {','.join(columns)} is missing: {found}."
    raise FaultyFileError(Located(name, []), [Fault(line if best else 0, wanted)])


def _rows(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Each row that is not blank, with the number of its first line."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    for row in reader:
        cells = [cell.strip() for cell in row]
        if any(cells) and not (line == 1 and cells[0].lower().startswith("sep=")):  # Excel's own first line
            yield line, cells
        line = reader.line_num + 1


def _wrong(
    entry: dict[str, str], row: Sequence[str], header: Sequence[str], delimiter: str, seen: dict[str, int]
) -> str:
    if len(row) < len(header):
        return f"Too few columns: {len(row)}, and the header has {len(header)}. Leave a column empty, not out."
    if len(row) > len(header):
        sign = "a tab" if delimiter == "\t" else f"“{delimiter}”"
        return f"Too many columns: {len(row)}, and the header has {len(header)}. A text with {sign} belongs in quotes."
    if not entry["hostname"]:
        return "The host name is missing."
    before = seen.get(entry["hostname"].casefold())
    return f"{entry['hostname']} stands in line {before} already: leave out one of them." if before else ""
