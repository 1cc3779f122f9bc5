"""The command line: the worked seven-node network, and what draws pictures on this machine."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import scalargrad
from scalargrad.draw import doctor, draw
from scalargrad.examples import seven_node

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status (0, or 2 when a picture cannot be written)."""
    parser = argparse.ArgumentParser(
        prog="scalargrad",
        description="Work through the seven-node network of the back-propagation lecture: print "
        "every forward value, every δ and every weight's gradient, and draw the graph.",
    )
    parser.add_argument(
        "--save", metavar="DIR", type=Path, default=Path(),
        help="the folder for seven_node.svg and seven_node.html (made if missing; by default "
        "the current one)",
    )  # fmt: skip
    parser.add_argument("--version", action="version", version=f"%(prog)s {scalargrad.__version__}")
    commands = parser.add_subparsers(title="other jobs", dest="command", metavar="[COMMAND]")
    commands.add_parser(
        "doctor", help="say what draws pictures here, and how to get something better",
        description="Try each engine that lays out pictures, and tell what works, what is missing "
        "and what to type to get it.",
    )  # fmt: skip
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal without δ and ∂ shows ? for them
    asked = parser.parse_args(arguments)
    try:
        if asked.command == "doctor":
            print(doctor.report(), flush=True)
            return 0
        return _seven_node(asked.save)
    except BrokenPipeError:  # `| head` has read enough; Python would complain once more at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _seven_node(folder: Path) -> int:
    net = seven_node.build()
    net.E.backward()
    drawing = draw(net.E)
    written, fault = [], None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        written = [drawing.save(folder / f"seven_node.{suffix}") for suffix in ("svg", "html")]
    except OSError as error:
        fault = error
    print("The worked seven-node network: x = (0.5, -1), t = +1, g = tanh\n")
    print(seven_node.report(net), flush=True)
    if fault:
        print(f"\nscalargrad: the pictures cannot be written: {fault}", file=sys.stderr)
        return 2
    print(f"\nThe graph, drawn by {drawing.engine}:")
    for path in written:
        print(f"  {path.resolve()}", flush=True)
    return 0
