"""The built playground on a server of its own, and the browser that the benchmarks open it in."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from shutil import which
from typing import Any

FOLDER = Path(__file__).parents[1] / "build" / "playground"


class Quiet(SimpleHTTPRequestHandler):
    """Serves files without a word."""

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def copyfile(self, source: Any, outputfile: Any) -> None:
        with suppress(ConnectionError):  # a page that is closed does not wait for its files
            super().copyfile(source, outputfile)


@contextmanager
def served() -> Iterator[str]:
    """Serve the playground, and give its address."""
    if not (FOLDER / "index.html").is_file():
        raise SystemExit("the playground is not built: run `make playground`")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(FOLDER)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    server.server_close()


def chromium() -> str:
    """The browser on PATH."""
    names = ("chromium", "chromium-browser", "google-chrome")
    program = next(filter(None, map(which, names)), None)
    if program is None:
        raise SystemExit(f"needs a browser on PATH: one of {', '.join(names)}")
    return program
