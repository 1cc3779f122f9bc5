"""What tests of the playground share: the folder, built once, a server for it, and a browser."""

import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from browsed import Open, Playground
from browsers import chromium

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "playground"

sys.path.insert(0, str(SOURCES))  # for playground_host


@pytest.fixture(scope="session")
def folder() -> Path:
    """The playground as `make playground` builds it; what is up to date is not built again."""
    for program in ("npm", "node", "make"):
        if shutil.which(program) is None:
            pytest.skip(f"needs {program} on PATH, which builds the playground")
    import fcntl

    (ROOT / "build").mkdir(exist_ok=True)
    with (ROOT / "build" / "playground.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # of the processes that run tests, one builds
        built = subprocess.run(
            ["make", "-s", "playground"], cwd=ROOT, capture_output=True, text=True
        )
    assert built.returncode == 0, built.stdout + built.stderr
    return ROOT / "build" / "playground"


class Quiet(SimpleHTTPRequestHandler):
    """Serves files without a word."""

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def copyfile(self, source: Any, outputfile: Any) -> None:
        with suppress(ConnectionError):  # a page that is closed does not wait for its files
            super().copyfile(source, outputfile)


@pytest.fixture(scope="session")
def address(folder: Path) -> Iterator[str]:
    """The address of the playground, from a server that sends no headers of its own."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    server.server_close()
    thread.join()


# One browser for each file, and no longer: while Playwright runs, no other test can use asyncio.
@pytest.fixture(scope="module")
def browser(folder: Path) -> Iterator[Any]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def open_page(browser: Any, address: str) -> Iterator[Open]:
    """Make a page; at the end nothing unexpected must have happened on any."""
    made: list[Playground] = []

    def open_page(fragment: str = "", **options: Any) -> Playground:
        options.setdefault("viewport", {"width": 1400, "height": 900})
        made.append(Playground(browser.new_context(**options).new_page(), address))
        return made[-1].open(fragment)

    yield open_page
    for playground in made:
        playground.page.context.close()
    assert [fault for playground in made for fault in playground.faults] == []


@pytest.fixture(scope="module")
def shared(open_page: Open) -> Playground:
    """One page for tests that write a program of their own: Python takes a while to load."""
    return open_page()


@pytest.fixture
def playground(shared: Playground) -> Iterator[Playground]:
    """The page, about which no test leaves a complaint to the next."""
    yield shared
    faults, shared.faults = shared.faults, []
    assert faults == []
