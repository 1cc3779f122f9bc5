"""Run Graphviz in a process of its own: the program `dot`, or pip's package pygraphviz."""

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

__all__ = [
    "GRAPHVIZ", "IMPATIENT_SECONDS", "INSTALL", "NAMES", "TIMEOUT_SECONDS", "GraphvizError", "run",
    "where",
]  # fmt: skip

# `dot` takes 0.2 s for 450 boxes and minutes for 5,000: past this, nobody is still waiting.
TIMEOUT_SECONDS = 20.0
# Where the built-in layout can take over: a value that feeds 148 others, 297 edges in all, kept
# dot busy for over 20 s, and the built-in one for 0.5.
IMPATIENT_SECONDS = 4.0

_MOST_BYTES = 64 * 2**20  # ten times a picture of the largest budgets that make sense

NAMES = {"dot": "Graphviz's `dot`", "pygraphviz": "pygraphviz"}
GRAPHVIZ = tuple(NAMES)  # the better one first
INSTALL = {
    "dot": "`apt install graphviz` (or your system's equivalent)",
    "pygraphviz": "`pip install -e '.[render]'` in the checkout",
}

# Never imported here: it is Graphviz as a C library, which keeps state for the whole process. Four
# threads that drew at once aborted the process, and no layout in it could be stopped in time.
_PYGRAPHVIZ = """
import sys
try:
    import pygraphviz
    graph = pygraphviz.AGraph(string=sys.stdin.buffer.read().decode())
    drawn = graph.draw(prog=sys.argv[1], format=sys.argv[2])
except ImportError as error:
    sys.exit(f"it cannot be imported: {error}")
except Exception as error:
    sys.exit(f"{type(error).__name__}: {error}")
sys.stdout.buffer.write(drawn)
"""


class GraphvizError(RuntimeError):
    """A Graphviz is missing, failed, or took too long; the message says which one and why."""


def where(engine: str) -> str | None:
    """Return the path of the program `dot` or of the package pygraphviz, or None if missing.

    Either may still turn out not to work. The package is found without importing it.

    >>> where("dot") is None or "dot" in where("dot")
    True
    """
    if engine == "dot":
        return shutil.which("dot")
    try:
        found = importlib.util.find_spec("pygraphviz")
    except (ImportError, ValueError):  # another module of that name was imported, maybe in part
        return None
    return str(Path(found.origin).parent) if found and found.origin else None


def run(engine: str, text: str, program: str, form: str, timeout: float | None = None) -> bytes:
    """Return the DOT `text`, laid out by a Graphviz and written in the format `form`.

    Args:
        engine: "dot" or "pygraphviz".
        text: a graph in the DOT language.
        program: the layout program: "dot", or "nop2" to keep the positions that `text` gives.
        form: "json0", "png" or "pdf".
        timeout: seconds, at most and by default 20.

    Raises:
        GraphvizError: the Graphviz is missing, fails, or does not finish in time.

    >>> run("dot", "digraph {}", "dot", "json0", timeout=0.0)
    Traceback (most recent call last):
        ...
    scalargrad.view.programs.GraphvizError: ...
    """
    timeout = TIMEOUT_SECONDS if timeout is None else min(timeout, TIMEOUT_SECONDS)
    name = NAMES[engine]
    # Into files, not pipes: a program that writes without end must not fill the memory.
    with TemporaryFile() as out, TemporaryFile() as err:
        try:
            code = _finished(_command(engine, program, form), text.encode(), out, err, timeout)
        except subprocess.TimeoutExpired as error:
            raise GraphvizError(f"{name} took more than {timeout:g} s") from error
        except OSError as error:
            raise GraphvizError(f"{name} could not be run: {error}") from error
        written, warned = _start(out, _MOST_BYTES + 1), _start(err, _MOST_BYTES)
    if len(written) > _MOST_BYTES:
        raise GraphvizError(f"{name} wrote more than {_MOST_BYTES:,} bytes")
    if code != 0 or not written:
        # The last line: libraries may have warned before.
        lines = warned.decode(errors="replace").strip().splitlines()
        reason = lines[-1][:200] if lines else "it gave no output"
        raise GraphvizError(f"{name} failed (exit {code}): {reason}")
    return written


def _finished(
    command: list[str], text: bytes, out: IO[bytes], err: IO[bytes], timeout: float
) -> int:
    """Run a program on `text`, and return its exit status.

    It runs in a session of its own, and so do the programs that it starts: if it takes too long, or
    at Ctrl-C, all of them end.
    """
    with subprocess.Popen(  # fixed arguments, no shell
        command, stdin=subprocess.PIPE, stdout=out, stderr=err, start_new_session=True
    ) as process:
        try:
            process.communicate(text, timeout)
        except BaseException:
            with suppress(ProcessLookupError):  # it has just ended
                if hasattr(os, "killpg"):  # the group has the number of its leader
                    os.killpg(process.pid, signal.SIGKILL)
                else:
                    process.kill()
            process.wait()
            raise
    return process.returncode


def _start(file: IO[bytes], most: int) -> bytes:
    file.seek(0)
    return file.read(most)


def _command(engine: str, program: str, form: str) -> list[str]:
    found = where(engine)
    if engine == "dot":
        if found is None:
            raise GraphvizError(f"{NAMES[engine]} is not on PATH")
        return [found, f"-K{program}", f"-T{form}"]
    if found is None or not sys.executable:
        raise GraphvizError(f"{NAMES[engine]} is not installed")
    # -P: do not import a pygraphviz.py or json.py from the user's current folder.
    return [sys.executable, "-P", "-c", _PYGRAPHVIZ, program, form]
