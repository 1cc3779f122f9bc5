"""What a backend is: its declaration, its options, and the runner that it makes of a program."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from itertools import takewhile
from typing import Any, Protocol

from scalargrad.replay.program import Program

__all__ = ["DEFAULT", "Backend", "DeviceError", "Options", "Runner"]


@dataclass(frozen=True)
class Options:
    """Settings of a run, which change its speed and never its result."""

    threads: int = 1  # how many threads may work on one call


DEFAULT = Options()


class DeviceError(RuntimeError):
    """Devices failed, not the program: memory is full, or a process that others wait for died."""


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
        versions: By library the oldest version that will do, as in {"jax": "0.8"}.
        prepare_float32: Makes a runner that computes in float32, if there is one.
    """

    name: str
    prepare: Callable[[Program], Runner]
    rank: int
    compiles: bool
    libraries: tuple[str, ...] = ()
    extra: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    prepare_float32: Callable[[Program], Runner] | None = None

    def missing(self) -> list[str]:
        """The libraries that are not installed, or too old."""
        return [found for library in self.libraries if (found := self._lack_of(library))]

    def _lack_of(self, library: str) -> str:
        if find_spec(library) is None:
            return library
        oldest = self.versions.get(library)
        if oldest is None:
            return ""
        try:
            found = version(library)
        except PackageNotFoundError:  # on the path, but not installed: let it try
            return ""
        old = _numbers(found) < _numbers(oldest)
        return f"{library}>={oldest} (installed is {found})" if old else ""


def _numbers(version: str) -> tuple[int, ...]:
    """The leading whole numbers of a version: (0, 10) of "0.10.dev3"."""
    parts = takewhile(str.isdigit, version.split("."))
    return tuple(map(int, parts))
