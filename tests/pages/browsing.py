"""A page as a person sees it, and what the browser says about it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page

from tests.mutt import Mutt
from tests.pages.addresses import LOOKS

HEIGHT = 900  # pixels of a window
_TALLEST = 1800  # of a picture
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
_NO_MORE_TRANSITIONS = "document.getAnimations().forEach((one) => one instanceof CSSTransition && one.finish())"
_LISTEN = """
window.cspViolations = [];
document.addEventListener("securitypolicyviolation", (event) =>
    window.cspViolations.push(`${event.violatedDirective} ${event.blockedURI}`));
"""


@dataclass
class Visit:
    """One page that is open, with all that went wrong so far."""

    page: Page
    complaints: list[str] = field(default_factory=list)

    def violations(self) -> list[str]:
        """What the Content-Security-Policy has stopped."""
        return [str(one) for one in self.page.evaluate("window.cspViolations")]

    def barriers(self, *, colours_only: bool = False) -> list[str]:
        """What axe finds serious: it keeps people from using the page."""
        asked: Any = {"type": "rule", "values": ["color-contrast"]} if colours_only else RULES
        found = Axe().run(self.page, options={"runOnly": asked}).response["violations"]
        return [
            f"{one['id']}: {one['help']}: {[node['target'] for node in one['nodes']][:4]}"
            for one in found
            if one["impact"] in {"serious", "critical"}
        ]

    def all_looks(self) -> Iterator[str]:
        """The page that is open as each kind of visitor sees it, one after the other."""
        for name, (width, scheme) in LOOKS.items():
            self.page.set_viewport_size({"width": width, "height": HEIGHT})
            self.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type] # one of the words it knows
            self.page.evaluate(_NO_MORE_TRANSITIONS)
            yield name

    def is_too_wide(self) -> bool:
        """Whether the whole page scrolls sideways."""
        return bool(
            self.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth + 1")
        )

    def shoot(self, name: str) -> None:
        """Save a picture, where MUTT_SCREENSHOTS names a folder for them."""
        folder = os.environ.get("MUTT_SCREENSHOTS")
        if folder:
            size = {"width": self.page.viewport_size["width"], "height": self._height()}  # type: ignore[index] # it is set
            self.page.set_viewport_size(size)  # type: ignore[arg-type] # a dict like that
            self.page.screenshot(path=Path(folder) / f"{name}.jpg", type="jpeg", quality=65)

    def _height(self) -> int:
        """The whole page, but no more of a long list than shows how it looks."""
        return min(int(self.page.evaluate("document.documentElement.scrollHeight")), _TALLEST)


def log_in(browser: Browser, mutt: Mutt) -> BrowserContext:
    """A session of the administrator."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{mutt.stack.web}/admin/login/")
    page.fill("#id_username", "admin")
    page.fill("#id_password", mutt.stack.secrets["admin"])
    page.click("input[type=submit]")
    page.wait_for_url("**/admin/")
    return context


@contextmanager
def visiting(browser: Browser, session: Any, mutt: Mutt, width: int, scheme: str = "light") -> Iterator[Visit]:
    """A page of this width in somebody's session; None for nobody's."""
    options: dict[str, Any] = {"viewport": {"width": width, "height": HEIGHT}, "color_scheme": scheme}
    context = browser.new_context(**options, storage_state=session.storage_state() if session else None)
    context.add_init_script(_LISTEN)
    page = context.new_page()
    visit = Visit(page)
    page.on("console", lambda message: _note(visit, message.type == "error", message.text))
    page.on("pageerror", lambda error: _note(visit, True, str(error)))
    page.on("request", lambda request: _note(visit, _is_foreign(request.url, mutt), f"asks {request.url}"))
    page.on("response", lambda answer: _note(visit, answer.status >= 400, f"{answer.status} {answer.url}"))
    try:
        yield visit
    finally:
        context.close()


def _note(visit: Visit, is_wrong: object, text: str) -> None:
    if is_wrong:
        visit.complaints.append(text)


def _is_foreign(url: str, mutt: Mutt) -> bool:
    return not url.startswith((f"{mutt.stack.web}/", "data:", "blob:"))
