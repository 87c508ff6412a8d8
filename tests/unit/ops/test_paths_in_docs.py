"""Files and folders that the docs name are there."""

import re
from pathlib import Path

import pytest

from ops.local.stack import ROOT
from tests.pages_of_docs import PAGES

_PACKAGES = "audit|docs|forwarder|ingest|mutt_project|ops|requirements|rules|tests"
_MADE = "ops/secrets"  # by ops/docker/make_secrets.py
_PATH = re.compile(rf"`((?:{_PACKAGES})/[\w./*-]+)`")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_path_that_a_page_names_is_there(page: Path):
    named = {path for path in _PATH.findall(page.read_text(encoding="utf-8")) if not path.startswith(_MADE)}
    assert sorted(path for path in named if not any(ROOT.glob(path.rstrip("/")))) == []
