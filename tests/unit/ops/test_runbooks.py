"""Each alert has a page that says what to do, and each page has its alert."""

import re
from pathlib import Path

import pytest

from tests.unit.ops.prometheus import ROOT, alerts

PAGES = sorted((ROOT / "docs" / "runbooks").glob("*.md"))
HEADINGS = [
    "What it means",
    "Who is affected",
    "Look here first",
    "Mend",
    "When to escalate",
    "It is over when",
]


def test_each_alert_has_its_page_and_each_page_its_alert():
    assert [path.stem for path in PAGES] == sorted(alert["alert"] for alert in alerts()) != []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_a_page_says_all_that_is_needed_at_night(path: Path):
    title, *sections = re.split(r"^#+ (.+)\n", path.read_text(), flags=re.MULTILINE)[1:][::2]
    assert title == path.stem
    assert sections == HEADINGS
    texts = re.split(r"^## .+\n", path.read_text(), flags=re.MULTILINE)[1:]
    assert all(text.strip() for text in texts)
    look_here_first = texts[HEADINGS.index("Look here first")]
    assert re.search(r"^```sh\n(?:muttctl|curl) ", look_here_first, re.MULTILINE)
