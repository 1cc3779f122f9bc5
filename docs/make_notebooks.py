"""Write the notebooks with their outputs, from their text twins (py:percent).

`make notebooks` does this for all, `docs/make_notebooks.py 00 06` for those whose names begin so. A
run on the same machine writes the same bytes: what would change with each run is left out, and the
graphs are laid out by the built-in engine, which is the same everywhere. `differences` compares two
runs; tests/test_notebooks.py does so with what is committed.
"""

import base64
import hashlib
import math
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib.metadata import version
from itertools import zip_longest
from pathlib import Path
from typing import Any

import jupytext
import nbformat
import numpy as np
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[1] / "notebooks"
LIMIT = 2_000_000
PACKAGES = ("matplotlib", "numpy", "scipy", "numba")
_KEPT = ("jupytext", "kernelspec")  # of the metadata; the rest names this machine
_ADDRESS = re.compile(r"\b0x[0-9a-f]{6,}")
_NUMBER = re.compile(r"(?<![\w#])([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)")
_EMBEDDED = re.compile(r'data:image/(svg\+xml|png);base64,([^"]*)')


def twin(path: Path) -> Any:
    """The notebook without outputs that the text at `path` describes.

    The id of a cell follows from its source, so that other cells keep theirs when one is inserted.
    """
    notebook = jupytext.read(path)
    header = {name: notebook.metadata[name] for name in _KEPT}
    header["jupytext"] = {"formats": header["jupytext"]["formats"]}
    notebook.metadata = nbformat.from_dict(header)
    seen: dict[str, int] = {}
    for cell in notebook.cells:
        digest = hashlib.sha256(cell.source.encode()).hexdigest()[:8]
        seen[digest] = seen.get(digest, 0) + 1
        cell.id = digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return notebook


def executed(notebook: Any) -> Any:
    """Run a notebook in place, keep the outputs that are the same in each run, and return it.

    Raises:
        CellExecutionError: a cell fails.
        RuntimeError: a cell warns; a student would wonder what is wrong.
    """
    with tempfile.TemporaryDirectory() as folder:
        # Neither the program `dot` nor pygraphviz is found: they take another layout by version.
        Path(folder, "pygraphviz.py").write_text("raise ImportError")
        paths = os.pathsep.join(filter(None, [folder, os.environ.get("PYTHONPATH")]))
        client = NotebookClient(
            notebook, timeout=900, kernel_name="python3", coalesce_streams=True,
            record_timing=False, store_widget_state=False, resources={"metadata": {"path": folder}},
            extra_arguments=["--IPKernelApp.log_level=ERROR"],
        )  # fmt: skip
        client.execute(
            env=os.environ
            | {"PATH": folder, "PYTHONPATH": paths, "PYTHONHASHSEED": "0", "TQDM_DISABLE": "1"}
        )
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = _lasting(cell.outputs)
    notebook.metadata = nbformat.from_dict(
        {name: notebook.metadata[name] for name in _KEPT} | {"scalargrad": {"drawn_by": drawn_by()}}
    )
    return notebook


def drawn_by() -> dict[str, str]:
    """What the bytes of pictures depend on: versions, and how this machine rounds.

    Processors of one kind differ in the last bits of exp and of sums, as libraries of C do; that
    moves the points of a curve of rounding errors.
    """
    x = np.linspace(-9.0, 9.0, 1999)
    results = [f(x).tobytes() for f in (np.exp, np.tanh, np.sin, np.cos, lambda x: x @ x)]
    results += [repr([f(float(y)) for y in x]).encode() for f in (math.exp, math.tanh, math.sin)]
    rounding = hashlib.sha256(b"".join(results)).hexdigest()[:8]
    return {"rounding": rounding, **{name: version(name) for name in PACKAGES}}


def _lasting(outputs: list[Any]) -> list[Any]:
    """The outputs that are the same in each run.

    Progress bars vanish, and so do messages on standard error, which come once on a machine. What
    was printed before and after them becomes one output.
    """
    kept: list[Any] = []
    for output in outputs:
        if output.output_type == "stream":
            if output.name == "stderr":
                if "Warning" in output.text:
                    raise RuntimeError(f"a cell warns:\n{output.text}")
                continue
            if kept and kept[-1].output_type == "stream":
                kept[-1].text += output.text
                continue
        elif "application/vnd.jupyter.widget-view+json" in output.data:
            continue
        kept.append(output)
    for output in kept:
        for texts, kind in ((output, "text"), (output.get("data", {}), "text/plain")):
            if kind in texts:
                texts[kind] = _ADDRESS.sub("0x...", texts[kind])
    return kept


# --- comparing two runs ---------------------------------------------------------------------


def differences(kept: Any, rerun: Any) -> Iterator[str]:
    """What a new run shows differently, in words.

    With the versions and the rounding that are recorded, all must be the same but for the last
    digits of numbers. Elsewhere iterations take another step more or less, and errors of 1e-16 are
    others: there the words must be the same and nine of ten numbers, and a picture of matplotlib
    must be there, with the description that says what it shows.

    Args:
        kept: the notebook with its outputs, as it is committed.
        rerun: the same notebook, executed here.
    """
    here = kept.metadata.get("scalargrad", {}).get("drawn_by") == drawn_by()
    same = alike if here else _same_words
    numbers: list[tuple[str, str]] = []
    for place, (old, new) in enumerate(zip_longest(kept.cells, rerun.cells)):
        if old is None or new is None or old.source != new.source:
            yield f"cell {place} is another: run `make notebooks`"
            return
        if old.cell_type != "code":
            continue
        before, after = _shown(old, here), _shown(new, here)
        for (kind, one), (now, other) in zip_longest(before, after, fillvalue=("nothing", "")):
            if kind != now:
                yield f"cell {place} showed {kind}, and now {now}"
            elif not same(one, other):
                yield f"cell {place}, {kind}: {_first_difference(one, other, same)}"
            else:
                numbers += zip(_NUMBER.findall(one), _NUMBER.findall(other), strict=True)
    others = [f"{one} is now {other}" for one, other in numbers if not alike(one, other)]
    if len(others) > len(numbers) / 10:
        yield f"{len(others)} of {len(numbers)} numbers are others: {', '.join(others[:5])} ..."


def _shown(cell: Any, drawings_too: bool) -> list[tuple[str, str]]:
    """The outputs of a cell: the kind of each, and its text."""
    found = []
    for output in cell.outputs:
        if output.output_type == "stream":
            found.append((output.name, output.text))
            continue
        for kind, text in sorted(output.data.items()):
            text = text if isinstance(text, str) else repr(text)
            found.append((kind, _EMBEDDED.sub(lambda m: _decoded(m, drawings_too), text)))
    return found


def _decoded(match: re.Match[str], drawings_too: bool) -> str:
    if match[1] == "png":  # only its pictures are
        return match[0] if drawings_too else "a picture of matplotlib"
    picture = base64.b64decode(match[2]).decode()
    return picture if drawings_too or "matplotlib" not in picture else "a picture of matplotlib"


def alike(one: str, other: str) -> bool:
    """Whether two texts are the same but for the last digits of numbers.

    >>> alike("E = 0.123456789, 3 steps", "E = 0.123456788, 3 steps")
    True
    >>> alike("E = 0.5, 3 steps", "E = 0.5, 4 steps")
    False
    """
    if one == other:
        return True
    pieces, others = _NUMBER.split(one), _NUMBER.split(other)
    if len(pieces) != len(others) or pieces[::2] != others[::2]:
        return False
    return all(
        x == y
        or (set(x + y) & set(".eE") and abs(float(x) - float(y)) <= 1e-9 + 1e-5 * abs(float(y)))
        for x, y in zip(pieces[1::2], others[1::2], strict=True)
    )


def _same_words(one: str, other: str) -> bool:
    """Whether all is the same but numbers and the spaces that align them."""
    first, second = (" ".join(_NUMBER.sub("#", text).split()) for text in (one, other))
    return first == second


def _first_difference(one: str, other: str, same: Callable[[str, str], bool]) -> str:
    lines = zip_longest(one.splitlines(), other.splitlines(), fillvalue="(nothing)")
    old, new = next((pair for pair in lines if not same(*pair)), ("", ""))
    return f"{old[:200]!r}, and now {new[:200]!r}"


def main(beginnings: list[str]) -> None:
    for path in sorted(FOLDER.glob("*.py")):
        if beginnings and not path.name.startswith(tuple(beginnings)):
            continue
        text = nbformat.writes(executed(twin(path))) + "\n"
        if len(text.encode()) > LIMIT:
            raise SystemExit(f"{path.stem}.ipynb would have {len(text):,} bytes, over {LIMIT:,}")
        path.with_suffix(".ipynb").write_text(text, "utf-8")
        print(f"{path.stem}.ipynb: {len(text) // 1000:,} kB", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
