"""What a backend is: its declaration, its options, and the runner that it makes of a program."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Protocol

from scalargrad.replay.program import Program

__all__ = ["DEFAULT", "Backend", "Options", "Runner"]


@dataclass(frozen=True)
class Options:
    """Settings of a run, which change its speed and never its result."""

    threads: int = 1  # how many threads may work on one call


DEFAULT = Options()


class Runner(Protocol):
    """A program made ready to run; `PythonRunner.run` states the contract."""

    def run(self, parameters: Any, columns: Any, options: Options = DEFAULT) -> tuple[Any, Any]:
        """Run the program on all samples."""
        ...


@dataclass(frozen=True)
class Backend:
    """The declaration of a backend, which can be read without importing its libraries.

    A module or folder of this package is a backend if it has one of these as `BACKEND`.

    Attributes:
        name: The name users give, as in ``sg.compile(f, backend="python")``.
        prepare: Makes the runner of a program. It imports the libraries on its first call.
        rank: ``backend="auto"`` takes the highest rank whose libraries are installed.
        compiles: Whether programs run at the speed of machine code.
        libraries: The packages it imports.
        extra: The extra of this distribution that installs them.
    """

    name: str
    prepare: Callable[[Program], Runner]
    rank: int
    compiles: bool
    libraries: tuple[str, ...] = ()
    extra: str = ""

    def missing(self) -> list[str]:
        """The libraries that are not installed."""
        return [library for library in self.libraries if find_spec(library) is None]
