"""Steps a second of the page "Watch it learn", in headless Chromium: 20 points, a 2-8-1 network.

Every step is drawn: the plane, the picture of each unit, weights, gradients and the loss. Needs
`make playground` and Playwright; `taskset -c 0 python benchmarks/learn_page.py` takes one core.
"""

from time import perf_counter

from playwright.sync_api import sync_playwright
from served_playground import chromium, served

SECONDS, RUNS = 3.0, 3


def main() -> None:
    """Measure and print."""
    with served() as origin, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        begun = perf_counter()
        page.goto(f"{origin}learn.html#cloud")
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


if __name__ == "__main__":
    main()
