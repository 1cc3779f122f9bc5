"""The command line: the worked seven-node network, the lectures' examples, and `doctor`."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

import scalargrad
from scalargrad import doctor
from scalargrad.examples import catalogue
from scalargrad.examples.lecture2 import seven_node
from scalargrad.view.draw import draw
from scalargrad.view.film.film import Film

__all__ = ["main"]

UNWRITTEN = 1  # the exit status when the output cannot be written
FAILED = 2  # the exit status when something cannot be found, drawn or written
INTERRUPTED = 130  # what shells expect after Ctrl-C


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: the words after the program's name; by default those of this process.

    Returns:
        The exit status: 0, 1 if its output could not be written, 2 after another error that was
        printed, or 130 after Ctrl-C.
    """
    if sys.stdout is None:  # closed by `>&-`; a file that is opened now would take its place
        _complain("the output cannot be written: it is closed")
        return UNWRITTEN
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal without δ and ∂ shows ?
    try:
        try:
            return _command(_parser().parse_args(arguments))
        finally:  # of --help too, after which argparse ends the program
            sys.stdout.flush()
    except BrokenPipeError:  # as from `| head`, which has read what it wants
        _silence(sys.stdout)
        return 0
    except OSError as error:  # such as a full disk
        _silence(sys.stdout)
        _complain(f"the output cannot be written: {error.strerror or error}")
        return UNWRITTEN
    except KeyboardInterrupt:
        _complain("interrupted")
        return INTERRUPTED


def _command(options: argparse.Namespace) -> int:
    if options.command == "doctor":
        print(doctor.report(), flush=True)
        return 0
    if options.command == "list":
        return _list()
    if options.command == "run":
        return _run(options.name, options.save)
    return _seven_node(options.save or Path())


def _silence(stream: TextIO) -> None:
    """Drop what a stream still holds, which Python would try to write at exit."""
    with suppress(OSError, ValueError):  # io.UnsupportedOperation: a stream without a file
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)


class _Parser(argparse.ArgumentParser):
    def _print_message(self, message: str, file: Any = None) -> None:
        # argparse ignores it if the help cannot be written
        if message and file is sys.stdout:
            file.write(message)
        else:
            super()._print_message(message, file)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="scalargrad",
        description="Work through the seven-node network of the back-propagation lecture: print "
        "every forward value, every δ and every weight's gradient, and draw the graph.",
    )
    parser.add_argument(
        "--save", metavar="DIR", type=Path,
        help="the folder for seven_node.svg and seven_node.html (created if missing; default: the "
        "current folder)",
    )  # fmt: skip
    parser.add_argument("--version", action="version", version=f"%(prog)s {scalargrad.__version__}")
    commands = parser.add_subparsers(title="other commands", dest="command", metavar="[COMMAND]")
    commands.add_parser(
        "list", help="list the examples", description="List the examples by subject."
    )
    run = commands.add_parser(
        "run", help="run an example: print its numbers, save its pictures",
        description="Run an example: print its numbers, and save its pictures if DIR is given.",
    )  # fmt: skip
    run.add_argument("name", metavar="NAME", help="a name from `scalargrad list`")
    run.add_argument(
        "--save",
        metavar="DIR",
        type=Path,
        default=argparse.SUPPRESS,
        help="the folder for its pictures (created if missing)",
    )
    commands.add_parser(
        "doctor", help="report what draws pictures here and which node runs, and how to improve it",
        description="Try each engine that lays out pictures, and say which node runs; report what "
        "works, what is missing and how to install it.",
    )  # fmt: skip
    return parser


def _list() -> int:
    for group in catalogue.GROUPS:
        print(group.heading)
        for name in group.examples:
            print(f"  {name:<26} {catalogue.summary(name).rstrip('.')}")
        print()
    print("To run one: python -m scalargrad run NAME [--save DIR]", flush=True)
    return 0


def _run(name: str, folder: Path | None) -> int:
    try:
        example = catalogue.example(name)
    except ValueError as error:
        return _fail(str(error))
    if folder is not None and folder.exists() and not folder.is_dir():
        return _fail(f"--save names a folder, but {folder} is a file")  # before minutes of work
    try:
        result = example.run()
    except ImportError as error:
        return _fail(f"{name} cannot run: {error}")
    print(catalogue.summary(name))
    print()
    print(example.report(result), flush=True)
    if folder is None:
        print("\nIts pictures: add --save DIR", flush=True)
        return 0
    try:
        folder.mkdir(parents=True, exist_ok=True)
        paths = []
        for key, picture in example.figures(result).items():
            suffix = "html" if isinstance(picture, Film) else "svg"
            paths.append(picture.save(folder / f"{name.replace('-', '_')}-{key}.{suffix}"))
    except OSError as error:
        return _fail(f"the pictures cannot be written: {error}")
    except ImportError as error:
        return _fail(f"the pictures cannot be drawn: {error}")
    _print_paths("Its pictures:", paths)
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
        return _fail(f"the pictures cannot be written: {fault}")
    _print_paths(f"The graph, drawn by {drawing.engine}:", written)
    return 0


def _print_paths(title: str, paths: Iterable[Path]) -> None:
    print(f"\n{title}")
    for path in paths:
        print(f"  {path.resolve()}", flush=True)


def _fail(message: str) -> int:
    _complain(message)
    return FAILED


def _complain(message: str) -> None:
    """Write an error on standard error, which may be closed or full as well."""
    if sys.stderr is None:
        return
    try:
        print(f"\nscalargrad: {message}", file=sys.stderr, flush=True)
    except OSError:
        _silence(sys.stderr)
