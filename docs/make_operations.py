"""Write operations.md from the table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from scalargrad import Value
from scalargrad.core.rows import TABLE, Primitive

HEAD = """# Operations

Written by `docs/make_operations.py` from the table in `scalargrad/core/primitives.py`. The
derivatives are the rows' partials evaluated on symbols; `out` is the value of the operation. If a
formula depends on the point, the point is given as well. Derivatives are shown in their textbook
form; some are computed in another form that keeps its digits for large arguments.
[accuracy.md](accuracy.md) lists the measured errors.

| operation | what it is | derivative by each operand | where there is none, taken as | needs |
|---|---|---|---|---|
"""


def formula(x: Any, names: dict[Value, str]) -> str:
    """A derivative as text, in terms of the operands and of `out`."""
    if not isinstance(x, Value):
        return f"{x:g}"
    if x in names:
        return names[x]
    if not x.parents:
        return f"{x.data:g}"
    row = x._row
    assert row is not None
    if row.reads is not None:
        return formula(row.reads(*x.parents), names)
    return row.write(*(operand(parent, row, names) for parent in x.parents))


def operand(x: Value, of: Primitive, names: dict[Value, str]) -> str:
    """An operand as text, in brackets where one infix operator stands inside another."""
    text = formula(x, names)
    if x not in names and x.parents and x._row.reads is not None:
        x = x._row.reads(*x.parents)
    infix = x not in names and x.parents and isinstance(x._row.text, str)
    return f"({text})" if infix and isinstance(of.text, str) and " " in text else text


def derivatives(row: Primitive) -> str:
    found: dict[str, list[str]] = {}
    for at in row.at:
        inputs = [Value(x) for x in at]
        out = row(*inputs)
        letters = "xyz" if len(at) <= 3 else [f"x{i}" for i in range(len(at))]
        names = {**dict(zip(inputs, letters, strict=False)), out: "out"}
        slopes = ", ".join(f"`{formula(d, names)}`" for d in row.partials(*inputs, out))
        place = ", ".join(f"{n} = {x:g}" for n, x in zip(letters, at, strict=False))
        found.setdefault(slopes, []).append(place)
    if len(found) == 1:
        return next(iter(found))
    return "; ".join(f"{slopes} at {places[0]}" for slopes, places in found.items())


def kinks(row: Primitive) -> str:
    return "; ".join(
        f"{', '.join(f'{d:g}' for d in slopes)} at {', '.join(f'{x:g}' for x in at)}"
        for at, slopes in row.kinks.items()
    )


def line(row: Primitive) -> str:
    operands = ["x1", "x2", "..."] if row.arity is None else [*"xyz"[: row.arity]]
    written = f"{row.name}({', '.join(operands)})"
    if row.name == "dot":
        written, operands = "dot(ws, xs, bias=None)", []
    elif isinstance(row.text, str):
        written = row.write(*operands)
    public = "" if row.public or row.symbol != row.name else " (internal)"
    about = row.about.replace("|", "\\|")
    cells = [f"`{written}`{public}", about, derivatives(row), kinks(row), row.needs]
    return "| " + " | ".join(cell.replace("|x|", "\\|x\\|") for cell in cells) + " |\n"


def page() -> str:
    """The whole page."""
    return HEAD + "".join(line(row) for row in TABLE.values())


if __name__ == "__main__":
    Path(__file__).with_name("operations.md").write_text(page(), "utf-8")
