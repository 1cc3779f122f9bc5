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
from scalargrad.examples import catalogue, presentation
from scalargrad.examples.lecture2 import seven_node
from scalargrad.support.terminal import Terminal
from scalargrad.view.draw import draw

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
        return _list(options.lecture)
    if options.command == "run":
        return _run_options(options)
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
    listing = commands.add_parser(
        "list", help="list the examples", description="List the examples by subject."
    )
    run = commands.add_parser(
        "run", help="run an example: explain it, print its numbers, save its pictures",
        description="Run an example: print what it is, its numbers, what to look for in them and "
        "a conclusion; save its pictures if DIR is given.",
    )  # fmt: skip
    run.add_argument("name", metavar="NAME", nargs="?", help="a name from `scalargrad list`")
    run.add_argument(
        "--all", action="store_true",
        help="run all examples; DIR gets a folder for each, and index.html with everything",
    )  # fmt: skip
    for command, what in ((listing, "list"), (run, "with --all, run")):
        command.add_argument(
            "--lecture", metavar="LECTURE",
            help=f"{what} the examples of one lecture: its author, its folder, or S0 to S4; `work` "
            "for those of no lecture",
        )  # fmt: skip
    run.add_argument(
        "--save",
        metavar="DIR",
        type=Path,
        default=argparse.SUPPRESS,
        help="the folder for the pictures (created if missing)",
    )
    commands.add_parser(
        "doctor", help="report what draws pictures here and which node runs, and how to improve it",
        description="Try each engine that lays out pictures, and say which node runs; report what "
        "works, what is missing and how to install it.",
    )  # fmt: skip
    return parser


def _list(lecture: str | None) -> int:
    try:
        groups = _groups(lecture)
    except ValueError as error:
        return _fail(str(error))
    terminal = Terminal.of(sys.stdout)
    for group in groups:
        print(terminal.bold(group.heading))
        for name in group.examples:
            print(f"  {name:<26} {catalogue.summary(name).rstrip('.')}")
        print()
    print("To run one: python -m scalargrad run NAME [--save DIR]", flush=True)
    return 0


def _groups(lecture: str | None) -> Sequence[catalogue.Lecture | catalogue.Group]:
    return catalogue.GROUPS if lecture is None else [catalogue.group(lecture)]


def _run_options(options: argparse.Namespace) -> int:
    """Check what belongs together, and run one example or all."""
    if (options.name is None) != options.all:
        return _fail("run takes either the NAME of an example, which `list` shows, or --all")
    if options.lecture is not None and not options.all:
        return _fail("--lecture goes with `list` and with `run --all`, not with the name of one")
    folder = options.save
    if options.all and folder is None:
        return _fail("--all needs --save DIR, the folder for the page and the pictures")
    if folder is not None and folder.exists() and not folder.is_dir():
        return _fail(f"--save names a folder, but {folder} is a file")  # before minutes of work
    try:
        if not options.all:
            return _run(options.name, folder)
        groups = _groups(options.lecture)
    except ValueError as error:
        return _fail(str(error))
    return _run_all([name for group in groups for name in group.examples], folder)


def _run(name: str, folder: Path | None) -> int:
    """Explain an example, print its numbers, and save its pictures if there is a folder."""
    example = catalogue.example(name)
    terminal = Terminal.of(sys.stdout)
    print(presentation.before(name, terminal), flush=True)
    try:
        result = example.run()
    except ImportError as error:
        return _fail(f"{name} cannot run: {error}")
    print(presentation.numbers(example.report(result), terminal))
    print(presentation.after(name, terminal), flush=True)
    if folder is None:
        print(f"{terminal.bold('The pictures')}\nadd --save DIR", flush=True)
        return 0
    try:
        saved = presentation.save_pictures(name, result, folder)
    except OSError as error:
        return _fail(f"the pictures cannot be written: {error}")
    except ImportError as error:
        return _fail(f"the pictures cannot be drawn: {error}")
    _print_paths(terminal.bold("The pictures"), (path for path, _ in saved))
    return 0


def _run_all(names: Sequence[str], folder: Path) -> int:
    """Run several examples, each with a folder of its own; name those that failed at the end."""
    runs: list[presentation.Run] = []
    failures: dict[str, Exception] = {}
    for name in names:
        print(f"{name:<26} ", end="", flush=True)
        example = catalogue.example(name)
        try:
            result = example.run()
            saved = presentation.save_pictures(name, result, folder / name)
            runs.append(presentation.Run(name, example.report(result), saved))
        except Exception as error:  # whatever it is, the others can run
            failures[name] = error
            print("failed", flush=True)
        else:
            print(f"pictures: {len(saved)}", flush=True)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        page = presentation.save_page(runs, folder / "index.html")
    except OSError as error:
        return _fail(f"the page cannot be written: {error}")
    _print_paths("\nAll on one page:", [page])
    if not failures:
        return 0
    reasons = "".join(
        f"\n  {name}: {type(error).__name__}: {error}" for name, error in failures.items()
    )
    return _fail(f"{len(failures)} of {len(names)} examples failed:{reasons}")


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
    _print_paths(f"\nThe graph, drawn by {drawing.engine}:", written)
    return 0


def _print_paths(title: str, paths: Iterable[Path]) -> None:
    print(title)
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
