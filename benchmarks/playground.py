"""The playground in headless Chromium: its size, the first picture, and a slider that moves.

`python benchmarks/playground.py [--runs 5]`, after `make playground`. A cold load has a browser
with an empty cache, a warm one the cache of the load before. "Picture" is the first one, which was
made when the page was built; "Python" is when the program has run in the page, and its numbers can
be moved. A slider is moved through 50 numbers in a graph of 40 values: from the event to the frame
in which the picture shows the numbers.
"""

import argparse
import gzip
import statistics
import tempfile
from typing import Any

from playwright.sync_api import sync_playwright
from served_playground import FOLDER, chromium, served

# 7 leaves, 33 operations
FORTY = """import scalargrad as sg
from scalargrad import Value
x = [Value(0.1 * i - 0.3) for i in range(7)]
y = x[0]
for i in range(11):
    y = sg.tanh(y * x[i % 7] + x[(i + 3) % 7])
"""
# Numbers that a drag goes through, each after the frame that showed the one before
DRAG = """async (moves) => {
    const slider = document.querySelector(".live-leaf input[type=range]");
    const svg = document.querySelector("#live svg");
    const frame = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
    const times = [];
    for (let move = 0; move < moves; move += 1) {
        const changed = new Promise((resolve) => new MutationObserver((_, observer) => {
            observer.disconnect();
            resolve();
        }).observe(svg, { subtree: true, childList: true, characterData: true, attributes: true }));
        const start = performance.now();
        slider.value = Number(slider.min) + (slider.max - slider.min) * (move + 1) / (moves + 1);
        slider.dispatchEvent(new Event("input", { bubbles: true }));
        await changed;
        await frame();
        times.push(performance.now() - start);
    }
    return times;
}"""


def load(page: Any, address: str) -> tuple[float, float]:
    """Seconds to the first picture, and to the first run of the program in the page."""
    page.goto(address, wait_until="commit")
    page.locator("#live .live-picture svg").wait_for()
    picture = page.evaluate("performance.now()")
    page.locator("#status", has_text="Ran in").wait_for()
    return picture / 1000, page.evaluate("performance.now()") / 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    runs = parser.parse_args().runs
    sizes = {
        str(path.relative_to(FOLDER)): len(gzip.compress(path.read_bytes(), 9))
        for path in FOLDER.rglob("*")
        if path.is_file()
    }
    for name, size in sorted(sizes.items(), key=lambda pair: -pair[1])[:5]:
        print(f"{name:28} {size / 1e6:6.2f} MB compressed")
    print(f"{'all':28} {sum(sizes.values()) / 1e6:6.2f} MB")

    times: dict[str, list[float]] = {}
    with served() as address, sync_playwright() as playwright:
        for _ in range(runs):
            with tempfile.TemporaryDirectory() as profile:
                context = playwright.chromium.launch_persistent_context(
                    profile, executable_path=chromium(), args=["--no-sandbox"],
                    viewport={"width": 1400, "height": 900},
                )  # fmt: skip
                for kind in ("cold", "warm"):
                    page = context.new_page()
                    page.set_default_timeout(60_000)
                    picture, ran = load(page, address)
                    times.setdefault(f"{kind}: picture", []).append(picture)
                    times.setdefault(f"{kind}: Python", []).append(ran)
                    if kind == "cold":
                        page.close()
                page.keyboard.press("Tab")
                page.get_by_role("textbox", name="Python program").click()
                page.keyboard.press("Control+A")
                page.keyboard.insert_text(FORTY)
                page.locator("#note", has_text="y = ").wait_for()
                page.locator("#live[aria-busy=false]").wait_for()
                count = page.locator("#live g[data-box]").count()
                moves = page.evaluate(DRAG, 50)
                times.setdefault(f"slider, {count} values", []).extend(t / 1000 for t in moves)
                context.close()
    for name, found in times.items():
        print(f"{name:28} {statistics.median(found):7.3f} s median, {max(found):.3f} s at most")


if __name__ == "__main__":
    main()
