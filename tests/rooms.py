"""The rooms of the package: their order, their modules, and what imports what.

Run as a program, it prints the lines of code by folder, the arrows between folders, and the length
of the reading path.
"""

import ast
from collections import Counter
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "scalargrad"

# The rooms from the ground up: a file imports from its own room and from those before it. A room is
# a folder of the package; "." are the files beside the folders that build on the engine and its
# transforms, "face" is what users and the command line enter by.
ROOMS = [
    "support",
    "core",
    "transforms",
    ".",
    "replay",
    "training",
    "measure",
    "view",
    "plot",
    "solve",
    "examples",
    "face",
]
FACE = {"__init__", "__main__", "cli", "doctor", "engine"}

# The files to read, in this order, to understand Value and backward; those that exist.
READING_PATH = ["rows", "primitives", "operators", "modes", "node", "value"]


def _modules() -> dict[str, Path]:
    """Every module of the package by its dotted name, that of the package itself being ""."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = _modules()


def room(name: str) -> str:
    """The room of a module."""
    first = name.partition(".")[0]
    if first in FACE or not name:
        return "face"
    return first if (PACKAGE / first).is_dir() else "."


def imports_of(source: str) -> set[str]:
    """The modules of this package that a source text imports, when it is loaded or later.

    The package itself, "", is among them where a name comes from the public face.
    """
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            assert not node.level, "imports are absolute"
            base = f"{node.module}."
            if base.startswith("scalargrad."):
                base = base.removeprefix("scalargrad.")
                inner = {f"{base}{alias.name}" for alias in node.names}
                found |= {name if name in MODULES else base.rstrip(".") for name in inner}
        elif isinstance(node, ast.Import):
            for alias in node.names:
                package, _, name = alias.name.partition(".")
                if package == "scalargrad":
                    found.add(name)
                    if not alias.asname:  # this binds the name of the package, with all it has
                        found.add("")
    return found


@cache
def imported(name: str) -> set[str]:
    """The modules of this package that a module imports."""
    return imports_of(MODULES[name].read_text("utf-8")) - {name}


def folder(name: str) -> str:
    """The folder of a module, with "." for the package's own."""
    return str(MODULES[name].parent.relative_to(PACKAGE))


def arrows() -> set[tuple[str, str]]:
    """The pairs of folders of which the first imports from the second."""
    pairs = {(folder(name), folder(other)) for name in MODULES for other in imported(name)}
    return {(one, other) for one, other in pairs if one != other}


def line_count(path: Path) -> int:
    """The lines of a file."""
    return len(path.read_text("utf-8").splitlines())


def reading_path() -> dict[str, int]:
    """The lines of each file of the reading path; of the table of rows, the first hundred."""
    lengths = {}
    for name in READING_PATH:
        path = PACKAGE / "core" / f"{name}.py"
        if path.exists():
            lengths[name] = min(line_count(path), 100 if name == "primitives" else 10**9)
    return lengths


def main() -> None:
    """Print the figures."""
    counts: Counter[str] = Counter()
    for name, path in MODULES.items():
        counts[folder(name)] += line_count(path)
    for name, count in counts.items():
        print(f"{count:7,} {name}")
    without = sum(count for name, count in counts.items() if not name.startswith("examples"))
    print(f"{without:7,} without examples, in {len(counts)} folders with {len(arrows())} arrows")
    for name, count in (lengths := reading_path()).items():
        print(f"{count:7,} core/{name}.py")
    print(f"{sum(lengths.values()):7,} to read first")


if __name__ == "__main__":
    main()
