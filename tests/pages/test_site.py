"""The docs become a site that asks no other host and can be read in all looks; every link leads somewhere."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Request

from ops.local.stack import ROOT
from tests.pages.browsing import HEIGHT, Visit

PAGES = [
    "docs/index.html",
    "docs/quick-start.html",
    "docs/concepts.html",
    "docs/alerts.html",
    "docs/runbooks/MuttDown.html",
    "docs/rights.html",
    "docs/reference/cli.html",
    "SECURITY.html",
]
BY_AXE = {"docs/index.html", "docs/quick-start.html", "docs/runbooks/MuttDown.html"}  # it is slow, the theme is one


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site as `make docs` makes it; what Sphinx has to say of it is beside it."""
    folder = tmp_path_factory.mktemp("site")
    options = ["-q", "-b", "html", "-c", "docs", "-d", str(folder / "doctrees"), "-w", str(folder / "warnings")]
    command = [sys.executable, "-m", "sphinx", *options, ".", str(folder / "site")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "site"


def test_every_link_leads_somewhere_and_every_page_is_in_the_navigation(site: Path):
    """Also those to a heading, and to files of the repository: Sphinx warns of the others."""
    assert (site.parent / "warnings").read_text(encoding="utf-8").splitlines() == []


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def _note(asked: Request, complaints: list[str]) -> None:
    """What a page that is left had not got yet is no fault of it."""
    if asked.failure != "net::ERR_ABORTED":
        complaints.append(f"lacks {asked.url}: {asked.failure}")


@pytest.fixture(scope="module")
def visit(browser: Browser, address: str) -> Iterator[Visit]:
    context = browser.new_context()
    page = context.new_page()
    visit = Visit(page)
    here = (address, "file:///", "data:")
    page.on("console", lambda message: visit.complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: visit.complaints.append(str(error)))
    page.on("request", lambda asked: None if asked.url.startswith(here) else visit.complaints.append(asked.url))
    page.on("requestfailed", lambda asked: _note(asked, visit.complaints))
    yield visit
    context.close()


def test_the_site_can_be_read_without_a_server_and_finds_words(site: Path, visit: Visit):
    visit.page.goto((site / "index.html").as_uri())
    visit.page.wait_for_url("**/docs/index.html")
    visit.page.goto((site / "search.html").as_uri() + "?q=quarantine")
    visit.page.wait_for_selector("ul.search li a")
    assert visit.complaints == []


@pytest.mark.parametrize("page", PAGES)
def test_the_site_can_be_read_in_all_looks(address: str, visit: Visit, page: str):
    visit.complaints.clear()
    visit.page.set_viewport_size({"width": 1280, "height": HEIGHT})
    visit.page.goto(f"{address}/{page}")
    found = []
    for looks in visit.all_looks():
        if visit.is_too_wide():
            found.append(f"{looks}: too wide")
        if page in BY_AXE:
            found += [f"{looks}: {barrier}" for barrier in visit.barriers(colours_only=looks != "light")]
        visit.shoot(f"site-{Path(page).stem}-{looks}")
    assert found == []
    assert visit.complaints == []


def test_the_picture_of_an_events_way_is_shown(address: str, visit: Visit):
    visit.page.goto(f"{address}/docs/concepts.html")
    shown = "document.querySelector('img[src$=\"way-of-an-event.svg\"]').naturalWidth"
    assert visit.page.evaluate(shown) == 660


def test_every_page_of_the_docs_is_on_the_site(site: Path):
    pages = [path.relative_to(ROOT).with_suffix(".html") for path in (ROOT / "docs").rglob("*.md")]
    assert [page for page in pages if not page.name.startswith("NEW-") and not (site / page).exists()] == []
