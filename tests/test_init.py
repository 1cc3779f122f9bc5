"""The public names: loaded on first use, and seen by everybody at once."""

import ast
import inspect
import json
import pickle
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

import scalargrad as sg

ROOT = Path(__file__).parents[1]
MODULES = sorted(sg._MODULES)
LAZY = sorted(sg._LAZY)


def in_a_new_process(program: str) -> Any:
    """What a program prints as JSON, run by a Python that has loaded nothing of this package."""
    done = subprocess.run(
        [sys.executable, "-c", dedent(program)], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def test_the_import_loads_the_core_alone() -> None:
    loaded = in_a_new_process("""
        import json, sys
        import scalargrad
        print(json.dumps([name for name in sys.modules if name.startswith("scalargrad.")]))
    """)

    assert [name for name in loaded if not f"{name}.".startswith("scalargrad.core.")] == []


def test_what_takes_long_to_load_is_not_loaded() -> None:
    slow = [
        "numpy", "numba", "scipy", "jax", "matplotlib", "torch", "graphviz", "tqdm", "subprocess",
        "xml",
    ]  # fmt: skip
    loaded = in_a_new_process(f"""
        import json, sys
        before = set(sys.modules)
        import scalargrad
        print(json.dumps([name for name in {slow!r} if name in set(sys.modules) - before]))
    """)

    assert loaded == []


@pytest.mark.parametrize("first", [*LAZY, *MODULES])
def test_dir_knows_the_name_before_it_is_loaded(first: str) -> None:
    assert first in dir(sg)


def test_every_name_comes_on_first_use() -> None:
    needs = {"plot": "matplotlib", "solve": "scipy", "live": "anywidget"}
    without = {name for name, library in needs.items() if not find_spec(library)}
    missing = in_a_new_process(f"""
        import json
        import scalargrad as sg
        names = {{*sg._LAZY, *sg._MODULES, *sg.__all__}} - {without!r}
        loaded_before = [name for name in {{*sg._LAZY, *sg._MODULES}} if name in vars(sg)]
        print(json.dumps(loaded_before + [
            name for name in names if name not in dir(sg) or getattr(sg, name) is not vars(sg)[name]
        ]))
    """)

    assert missing == []


def test_from_import_and_star_import() -> None:
    names = in_a_new_process("""
        import json
        from scalargrad import draw, nn
        from scalargrad.nn import MLP
        assert nn.MLP is MLP and callable(draw)
        space = {}
        exec("from scalargrad import *", space)
        print(json.dumps(sorted(set(space) - {"__builtins__"})))
    """)

    assert names == sorted(sg.__all__)


def test_functions_and_classes_can_be_pickled_before_they_are_used() -> None:
    things = {name: getattr(sg, name) for name in LAZY}
    pickled = {name: pickle.dumps(thing).hex() for name, thing in things.items()}
    same = in_a_new_process(f"""
        import json, pickle
        import scalargrad as sg
        pickled = {pickled!r}
        same = {{n: pickle.loads(bytes.fromhex(p)) is getattr(sg, n) for n, p in pickled.items()}}
        print(json.dumps(same))
    """)

    assert same == dict.fromkeys(LAZY, True)


def test_no_function_has_the_name_of_a_submodule() -> None:
    """Loading the submodule would put it in the function's place."""
    submodules = {path.stem for path in (ROOT / "scalargrad").iterdir()} - {"__init__"}

    assert submodules & {*LAZY, *sg.__all__} - set(MODULES) == set()


def test_a_name_that_does_not_exist() -> None:
    with pytest.raises(AttributeError, match="module 'scalargrad' has no attribute 'drwa'"):
        sg.drwa  # type: ignore[attr-defined]
    assert not hasattr(sg, "drwa")
    with pytest.raises(ImportError, match="drwa"):
        exec("from scalargrad import drwa")


def test_type_checkers_are_told_the_same_modules() -> None:
    """The imports under TYPE_CHECKING are those of the table."""
    tree = ast.parse(inspect.getsource(sg))
    (block,) = [
        node
        for node in tree.body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    ]
    seen = {
        alias.name: node.module for node in block.body if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }  # fmt: skip

    assert seen == sg._LAZY | dict.fromkeys(MODULES, "scalargrad")


PROGRAM = """
import scalargrad as sg
from scalargrad import Value, draw, nn
from scalargrad.view.drawing import Drawing

model = nn.MLP(2, [3, 1])
picture: Drawing = draw(Value(1.0))
other: sg.Drawing = sg.draw(sg.tanh(Value(1.0)))
reveal_type(sg.History)
reveal_type(sg.nn.MLP)
reveal_type(sg.explain)
reveal_type(sg.plot.error_curve)
sg.drwa
"""


def test_a_type_checker_sees_every_name(tmp_path: Path) -> None:
    pytest.importorskip("mypy", reason="mypy is not installed")
    every = "".join(f"sg.{name}\n" for name in sg.__all__)
    (tmp_path / "user.py").write_text(f"{PROGRAM.lstrip()}{every}")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-error-summary",
         "--config-file", str(ROOT / "pyproject.toml"), str(tmp_path / "user.py")],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    messages = [line.partition("user.py:")[2] for line in done.stdout.splitlines()]

    assert [m for m in messages if "error" in m] == [
        '12: error: Module has no attribute "drwa"  [attr-defined]'
    ]
    revealed = [m for m in messages if "Revealed type" in m]
    assert len(revealed) == 4
    for message, word in zip(revealed, ["History", "MLP", "Explanation", "Figure"], strict=True):
        assert word in message
