# ruff: noqa: INP001 - Sphinx wants it here
"""How Sphinx makes a site of these pages; `make docs` runs it.

The pages are plain Markdown that reads well in the repository, so the whole repository is what Sphinx is given: a link
that leads to a page or a file there leads to the same on the site. What the navigation shows are the lists of the pages
in _NAVIGATING; there is no second list of pages.
"""

import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pygments.lexers.special import TextLexer  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parents[1]
_BESIDE_DOCS = {"CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"}
_NAVIGATING = ("docs/index", "docs/alerts", "docs/adr/README")

project = "MUTT"
version = release = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
root_doc = "docs/index"
extensions = ["myst_parser", "sphinx_copybutton"]
include_patterns = ["docs/**.md", *sorted(_BESIDE_DOCS)]
exclude_patterns = [
    *sorted(path.name for path in ROOT.iterdir() if path.name not in {"docs", *_BESIDE_DOCS}),
]

myst_heading_anchors = 4

html_theme = "furo"
html_title = f"MUTT {version}"
html_show_sphinx = html_show_copyright = html_use_index = html_show_sourcelink = html_copy_source = False
html_show_search_summary = False  # it would be fetched, which browsers refuse where there is no server
html_static_path = ["site"]
html_favicon = "../mutt_project/static/mutt_project/mutt.svg"
html_css_files = ["mutt.css"]
html_theme_options: dict[str, Any] = {"navigation_with_keys": False}
pygments_style, pygments_dark_style = "a11y-high-contrast-light", "a11y-high-contrast-dark"
html_permalinks_icon = "#"
copybutton_selector = "div.highlight-sh pre, div.highlight-json pre, div.highlight-yaml pre, div.highlight-toml pre"

_HEADING = re.compile(r"^##+ (.+)$")
_LINK_TO_PAGE = re.compile(r"\[([^\]]+)\]\((?!https?:)([^)#]+\.md)\)")


def navigation(text: str) -> str:
    """A hidden toctree for each heading of a page, of the pages that its lists and tables lead to."""
    groups: list[tuple[str, list[str]]] = [("", [])]
    known: set[str] = set()
    for line in text.splitlines():
        if heading := _HEADING.match(line):
            groups.append((heading[1], []))
        elif numbered := re.match(r"\d+\. ", line):
            groups[-1][1].extend(f"{numbered[0]}{title} <{page}>" for title, page in _LINK_TO_PAGE.findall(line))
        elif line.startswith("- ") or (line.startswith("|") and groups[-1][0]):
            new = [(title, page) for title, page in _LINK_TO_PAGE.findall(line) if page not in known]
            groups[-1][1].extend(f"{title} <{page}>" for title, page in new)
            known.update(page for _, page in new)
    trees = (
        "\n".join(["```{toctree}", ":hidden:", *([f":caption: {caption}"] if caption else []), *pages, "```"])
        for caption, pages in groups
        if pages
    )
    return "\n\n".join(trees)


def _add_navigation(_: "Sphinx", docname: str, source: list[str]) -> None:
    if docname in _NAVIGATING:
        source[0] += f"\n\n{navigation(source[0])}\n"


def _give_headings_a_level(_app: "Sphinx", _page: str, _template: str, context: dict[str, Any], _tree: object) -> None:
    """Furo's captions say that they are headings, but not of which level; a screen reader wants to know."""
    tree = context.get("furo_navigation_tree", "")
    context["furo_navigation_tree"] = tree.replace('role="heading"', 'role="heading" aria-level="3"')


def _lead_to_the_first_page(app: "Sphinx", error: Exception | None) -> None:
    if error is None:
        page = (
            '<!doctype html><meta charset="utf-8"><title>MUTT</title><meta http-equiv="refresh" content="0; url={0}">'
        )
        (Path(app.outdir) / "index.html").write_text(f'{page}<a href="{{0}}">MUTT</a>\n'.format(f"{root_doc}.html"))


def setup(app: "Sphinx") -> None:
    app.add_lexer("redis", TextLexer)  # a word for readers of the repository
    app.connect("source-read", _add_navigation)
    app.connect("html-page-context", _give_headings_a_level, priority=900)  # after Furo
    app.connect("build-finished", _lead_to_the_first_page)
