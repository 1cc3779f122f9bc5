"""Steps a second of the page "Watch it learn", in headless Chromium: 20 points, a 2-8-1 network.

Every step is drawn: the plane, the picture of each unit, weights, gradients and the loss. Needs
`make playground` and Playwright; `taskset -c 0 python benchmarks/learn_page.py` takes one core.
"""

import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from shutil import which
from time import perf_counter
from typing import Any

from playwright.sync_api import sync_playwright

FOLDER = Path(__file__).parents[1] / "build" / "playground"
SECONDS, RUNS = 3.0, 3


class Quiet(SimpleHTTPRequestHandler):
    """Serves files without a word."""

    def log_message(self, format: str, *args: Any) -> None:
        pass


def main() -> None:
    """Measure and print."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(FOLDER)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_address[1]}/learn.html#cloud"
    with sync_playwright() as playwright:
        program = which("chromium") or which("google-chrome")
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        begun = perf_counter()
        page.goto(address)
        page.wait_for_selector("#network button", timeout=60_000)
        print(f"first network after {perf_counter() - begun:.1f} s")
        for speed in ("every", "fast"):
            rates = []
            for _ in range(RUNS):
                page.select_option("#speed", speed)
                page.click("#restart")
                page.click("#run")
                page.wait_for_timeout(300)
                first, start = int(page.inner_text("#steps")), perf_counter()
                page.wait_for_timeout(1000 * SECONDS)
                steps = int(page.inner_text("#steps")) - first
                rates.append(steps / (perf_counter() - start))
                page.click("#run")
            print(f"{speed}: best {max(rates):.0f} steps a second, all {[round(r) for r in rates]}")
        browser.close()
    server.shutdown()


if __name__ == "__main__":
    main()
