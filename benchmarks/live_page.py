"""How fast a slider moves the live graph in the playground, in headless Chromium: 40 values.

From the event of the slider to the picture with the numbers of Python, which runs in the worker.
Needs `make playground` and Playwright; `taskset -c 0` takes one core.
"""

import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from shutil import which
from statistics import median
from typing import Any

from playwright.sync_api import sync_playwright

FOLDER = Path(__file__).parents[1] / "build" / "playground"
MOVES = 40
PROGRAM = """import scalargrad as sg
from scalargrad import Value
x = [Value(0.1 * (k + 1), f"x{k + 1}") for k in range(4)]
y = x
for layer in range(2):
    y = [sg.tanh(a * b + 0.5 * a) for a, b in zip(y, y[1:] + y[:1])]
E = sg.sum(y)
"""

MEASURE = """async (moves) => {
  const slider = document.querySelector("#live .live-leaf input[type=range]");
  const root = document.querySelector(".scalargrad-live");
  const times = [];
  for (let k = 0; k < moves; k++) {
    const before = root.dataset.result, start = performance.now();
    await new Promise((resolve) => {
      const observer = new MutationObserver(() => {
        if (root.dataset.result === before) return;
        observer.disconnect();
        requestAnimationFrame(() => resolve(times.push(performance.now() - start)));
      });
      observer.observe(root, { attributes: true, attributeFilter: ["data-result"] });
      slider.value = Number(slider.min) + ((slider.max - slider.min) * (k + 0.5)) / moves;
      slider.dispatchEvent(new Event("input", { bubbles: true }));
    });
  }
  return [times, document.querySelectorAll("#live g[data-box]").length];
}"""


class Quiet(SimpleHTTPRequestHandler):
    """Serves files without a word."""

    def log_message(self, format: str, *args: Any) -> None:
        pass


def main() -> None:
    """Measure and print."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(FOLDER)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with sync_playwright() as playwright:
        program = which("chromium") or which("google-chrome")
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        page.goto(f"http://127.0.0.1:{server.server_address[1]}/")
        page.locator("#note", has_text="E = 0.5706").wait_for(timeout=60_000)
        page.get_by_role("textbox", name="Python program").click()
        page.keyboard.press("Control+A")
        page.keyboard.insert_text(PROGRAM)
        page.locator("#live g[data-box]", has_text="x4").wait_for(timeout=60_000)
        times, boxes = page.evaluate(MEASURE, MOVES)
        print(f"{boxes} boxes: median {median(times):.0f} ms, slowest {max(times):.0f} ms")
        browser.close()
    server.shutdown()


if __name__ == "__main__":
    main()
