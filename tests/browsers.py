"""A real browser for tests of pages, and what no page should do."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "chrome")


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser without a window; skips the test where there is none.

    Close it soon: while Playwright runs, other tests cannot use asyncio.
    """
    api = pytest.importorskip("playwright.sync_api", reason="needs Playwright")
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.skip(f"needs a browser on PATH: one of {', '.join(PROGRAMS)}")
    with api.sync_playwright() as playwright:
        # without the sandbox, which does not work for root in a container
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


class Watched:
    """A page, and what it should not do: errors, requests beyond itself, dialogs.

    `origin` is the address that it may load from; by default none.
    """

    def __init__(self, page: Any, origin: str = "") -> None:
        self.page = page
        self.faults: list[str] = []
        self._allowed = ("data:", "blob:", *([origin] if origin else []))
        page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        page.on("console", self._console)
        page.on("request", self._request)
        page.on("dialog", self._dialog)

    def _console(self, message: Any) -> None:
        self.faults.append(f"console: {message.text}")

    def _request(self, request: Any) -> None:
        # the page itself may come from a file; nothing in it may ask for another
        is_page = request.is_navigation_request() and request.frame.parent_frame is None
        if not is_page and not request.url.startswith(self._allowed):
            self.faults.append(f"request: {request.url}")

    def _dialog(self, dialog: Any) -> None:
        self.faults.append(f"dialog: {dialog.message}")
        dialog.dismiss()
