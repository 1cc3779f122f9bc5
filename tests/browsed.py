"""The page of the playground in a browser, in the words of who uses it."""

from collections.abc import Callable
from typing import Any

from browsers import Watched

# Others may use the machine: Python starts in 2 s on an idle core, and in 30 s beside many.
PATIENCE = 60_000  # ms


class Playground(Watched):
    """The page of the playground, in the words of who uses it, and what it must not do."""

    def __init__(self, page: Any, address: str) -> None:
        from playwright.sync_api import expect

        super().__init__(page, address)
        self.address, self.expect = address, expect
        expect.set_options(timeout=PATIENCE)
        page.set_default_timeout(PATIENCE)

    def open(self, fragment: str = "") -> "Playground":
        self.page.goto(self.address + fragment)
        return self

    def find(self, selector: str) -> Any:
        return self.page.locator(selector)

    def button(self, name: str) -> Any:
        return self.page.get_by_role("button", name=name, exact=True)

    @property
    def content(self) -> Any:
        return self.page.get_by_role("textbox", name="Python program")

    def write(self, program: str) -> None:
        """Put a program in the place of that in the editor, and run it at once."""
        self.content.click()
        self.page.keyboard.press("Control+A")
        self.page.keyboard.insert_text(program)
        self.page.keyboard.press("Control+Enter")

    @property
    def text(self) -> str:
        """The program in the editor."""
        return str(
            self.page.evaluate(
                "[...document.querySelector('#editor').shadowRoot.querySelectorAll('.cm-line')]"
                ".map((line) => line.textContent).join('\\n')"
            )
        )

    def shows(self, result: str) -> None:
        """Wait until the graph of a result is shown, such as "y = 4"."""
        self.settles()
        self.expect(self.find("#note")).to_have_text(result)
        self.expect(self.find("#live:not([data-stale]) .live-picture svg")).to_be_visible()

    def settles(self) -> None:
        """Wait until the last text has run."""
        self.expect(self.find("#live")).to_have_attribute("aria-busy", "false")

    def boxes(self) -> dict[str, list[str]]:
        """The rows of the boxes in the picture, by their first one."""
        groups = self.find("#live g[data-box]").evaluate_all(
            "(boxes) => boxes.map((b) => [...b.querySelectorAll('text')].map((t) => t.textContent))"
        )
        return {rows[0]: rows for rows in groups}

    def partials(self) -> list[str]:
        """The texts on the edges of the picture."""
        return sorted(self.find("#live g[data-edge] text").all_text_contents())


Open = Callable[..., Playground]
