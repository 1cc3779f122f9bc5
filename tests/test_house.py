"""The rules of the house: imports in a straight line, a line budget, names, true docs."""

import ast
import importlib
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import scalargrad as sg
from scalargrad.rows import TABLE

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "scalargrad"

# A file imports only from files above it.
ORDER = """
    rows collector primitives operators copying engine reductions nesting functional check
    files progress nn losses data metrics optim classifiers
    replay.choices replay.algebra replay.program replay.partials replay.passes replay.adjoints
    replay.arrays replay.batch replay.recorder replay.record
    replay.schedule
    replay.backends replay.backends.python
    replay.backends.lanes replay.backends.spellings replay.backends.loops replay.backends.memory
    replay.backends.tiles replay.backends.kernel replay.backends.compiling
    replay.backends.encoding replay.backends.workspace replay.backends.numba
    replay.blame replay.variant replay.compiled
    replay.separable replay
    stepping training saving
    draw.web draw.labels draw.names draw.graph draw.loops draw.collapse draw.roles draw.focus
    draw.reading
    draw.latex draw.templates draw.formula draw.paths draw.factors draw.page draw.phrases
    draw.explain
    draw.theme draw.footer draw.sanitise draw.programs draw.dot
    draw.layers draw.order draw.place draw.route draw.edge_labels draw.layout draw.svg
    draw.plates draw.placed draw.fixed draw.engines draw.doctor
    draw.html draw.drawing draw.entry draw.film draw.passes draw.wording draw.telling draw.steps
    draw
    plot.style plot.figure plot.inputs plot.lines plot.surfaces plot.boundary plot.networks
    plot.panels plot
    examples.pictures examples.matrices
    examples.simplest_network examples.two_inputs examples.four_by_four examples.photographs
    examples.backprop_network examples.credit_assignment examples.local_minima examples.fitting
    examples.stochastic_descent
    examples.rain_table examples.momentum examples.calculus examples.any_layer_delta
    examples.blog_network
    examples.normalisation
    examples.five_equations examples.six_samples examples.hyperparameters examples.hidden_features
    examples.perceptron examples.nearest_mean
    examples.seven_node examples.numerical_differentiation examples.path_counts
    examples.shared_parameters examples.matrix_form
    examples.activations examples.vanishing_gradients examples.network_at_work
    examples.residual_and_attention examples.names examples.small_gpt
    examples.catalogue examples
""".split()  # noqa: SIM905
NOT_IN_LINE = {"__init__", "__main__", "cli"}  # the package's own face, above everything


def modules() -> dict[str, Path]:
    found = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)
        found[name] = path
    return found


def imported(path: Path) -> set[str]:
    """The modules of this package that a file imports when it is loaded."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("scalargrad"):
            base = (node.module or "").removeprefix("scalargrad").removeprefix(".")
            for alias in node.names:
                inner = f"{base}.{alias.name}".lstrip(".")
                names.add(inner if inner in ORDER else base)
        elif isinstance(node, ast.Import):
            names |= {a.name for a in node.names if a.name.split(".")[0] == "scalargrad"}
    return names


def test_every_module_has_its_place() -> None:
    assert sorted(ORDER) == sorted(set(modules()) - NOT_IN_LINE)


@pytest.mark.parametrize("name", ORDER)
def test_imports_go_upwards(name: str) -> None:
    below = set(ORDER[ORDER.index(name) :]) - {name}
    # examples are written as a user writes, with the package's public face
    face = NOT_IN_LINE if name.startswith("examples.") else {"", *NOT_IN_LINE}

    assert imported(modules()[name]) & (below | face) == set()


def test_the_core_imports_nothing_but_the_standard_library() -> None:
    program = (
        "import sys; import scalargrad; "
        "print([m for m in ('numpy', 'numba', 'jax', 'matplotlib', 'torch') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_the_heart_stays_small() -> None:
    lines = [
        len((PACKAGE / name).read_text("utf-8").splitlines())
        for name in ("primitives.py", "engine.py")
    ]
    assert sum(lines) <= 600
    for path in PACKAGE.rglob("*.py"):
        assert len(path.read_text("utf-8").splitlines()) <= 400, path


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: p.stem)
def test_first_lines_and_public_names(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    assert (ast.get_docstring(tree) or "").splitlines()[0], "the first line says what the file is"

    name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    if path.stem == "__main__":
        return
    names = getattr(importlib.import_module(name), "__all__", None)
    if names is not None and name != "scalargrad":
        for public in names:
            thing = getattr(importlib.import_module(name), public)
            if inspect.isclass(thing) or inspect.isfunction(thing):
                assert inspect.getdoc(thing), f"{name}.{public}"


def test_every_operation_is_public() -> None:
    for name, row in TABLE.items():
        assert hasattr(sg, name) == row.public, name
    assert sorted(sg.__all__, key=str.lower) == sorted(set(sg.__all__), key=str.lower)
    for name in sg.__all__:
        assert inspect.getdoc(getattr(sg, name)), name


def texts() -> list[Path]:
    kinds = {".py", ".md", ".toml", ".yml", ".ipynb", ".html", ""}
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / line for line in listed.stdout.splitlines() if Path(line).suffix in kinds]


def test_nobody_is_sent_to_the_other_project_of_that_name() -> None:
    for path in texts():
        if path.is_file() and path != Path(__file__):
            told = path.read_text("utf-8")
            assert not re.search(r"pip3? install (-\S+ )*scalargrad(?!-engine)\b", told), path


def test_the_page_of_operations_is_that_of_the_table() -> None:
    sys.path.insert(0, str(ROOT / "docs"))
    try:
        page = importlib.import_module("make_operations").page()
    finally:
        sys.path.pop(0)

    assert (ROOT / "docs" / "operations.md").read_text("utf-8") == page, "run `make docs`"
