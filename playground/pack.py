"""Within Pyodide at build time: compile the package in /package, and pack it as /scalargrad.zip.

`program` is the first example. Its answer is part of the result, so that the page shows a picture
before Python runs there; and the modules that it needed are those whose byte code is packed. The
other part are the public names, for completion.
"""

import contextlib
import inspect
import io
import json
import py_compile
import sys
import zipfile
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, "/package")
import learn_host  # noqa: E402
import playground_host  # noqa: E402

import scalargrad as sg  # noqa: E402

request = json.dumps({"method": "run", "params": {"source": program}})  # noqa: F821
with contextlib.redirect_stdout(io.StringIO()):  # what the example prints
    first = playground_host.answer(request)
playground_host.warm_up()
learn_host.warm_up()
needed = {
    Path(module.__file__)
    for module in [*sys.modules.values()]
    if (getattr(module, "__file__", None) or "").startswith("/package/")
}
for path in needed:
    # Unchecked, since the times of the files are not kept
    name = str(path.relative_to("/package"))
    py_compile.compile(
        str(path), dfile=f"/lib/scalargrad/{name}", doraise=True,
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )  # fmt: skip
with zipfile.ZipFile("/scalargrad.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
    for path in sorted(Path("/package").rglob("*")):
        if path.is_file():
            # One date for all: the same sources give the same bytes
            entry = zipfile.ZipInfo(str(path.relative_to("/package")), (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes(), compresslevel=9)


def names() -> list[dict[str, str]]:
    """The public names that work here, each with the first line of its docstring."""
    found = []
    for name in sorted(sg.__all__, key=str.lower):
        try:
            about = inspect.getdoc(getattr(sg, name)) or ""
        except ImportError:  # it needs NumPy
            continue
        found.append({"name": name, "about": about.partition("\n")[0].removesuffix(".")})
    return found


def learn() -> dict[str, object]:
    """What the other page shows before Python runs there: what there is to choose, and a frame."""
    answers = learn_host.Answers()
    return {"known": answers.begin(), "frame": answers.frame()}


json.dumps({"first": json.loads(first), "names": names(), "learn": learn()})
