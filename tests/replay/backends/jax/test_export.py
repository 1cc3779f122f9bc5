"""`jax.export` of `c.to_jax()`, as docs/guide/export.md shows it: written here, run elsewhere."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from rooms import ROOT

np = pytest.importorskip("numpy")
jax = pytest.importorskip("jax", reason="needs the extra 'jax'")
pytest.importorskip("flatbuffers", reason="needs the extra 'jax'")

import scalargrad as sg  # noqa: E402
from scalargrad import Value  # noqa: E402


def test_the_page_writes_here_and_runs_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    page = (ROOT / "docs" / "guide" / "export.md").read_text("utf-8")
    here, elsewhere = re.findall(r"(?s)```python\n(# .*?)```", page)
    exec(here, {})
    (tmp_path / "run.py").write_text(
        f"{elsewhere}\nimport sys\nassert 'scalargrad' not in sys.modules\n", "utf-8"
    )
    ran = subprocess.run([sys.executable, "run.py"], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr

    rate, size = Value(0.4), Value(2.0)
    c = sg.compile(lambda t, y: (size * sg.exp(-rate * t) - y) ** 2, [rate, size], backend="python")
    t = np.linspace(0.0, 5.0, 100)
    value, gradient = c.value_and_grad(t, 3.0 * np.exp(-0.5 * t))
    found = [float(word) for word in ran.stdout.split()]
    assert found == pytest.approx([value, *gradient], rel=1e-10)


def test_what_the_page_says_of_forms_and_operations(monkeypatch: pytest.MonkeyPatch) -> None:
    from scalargrad.replay.backends.jax import form

    def exported(f: object, samples: str) -> object:
        with jax.enable_x64(True):
            (n,) = jax.export.symbolic_shape(samples)
            column = jax.ShapeDtypeStruct((n,), np.float64)
            return jax.export.export(jax.jit(f))(column).serialize()

    cube = sg.primitive("cube", lambda x: x**3, lambda x, out: (3 * x * x,))
    own = sg.compile(lambda x: cube(x), backend="python")
    own.record(1.0)
    with pytest.raises(Exception, match="callback"):
        exported(lambda x: own.to_jax()(None, x), "2")

    monkeypatch.setattr(form, "MOST_OPERATIONS", 0)
    plain = sg.compile(lambda x: sg.tanh(x), backend="python")
    plain.record(1.0)
    f = plain.to_jax()
    assert exported(lambda x: f(None, x), "7")
    with pytest.raises(Exception, match=r"[Ss]ymbolic|inconclusive"):
        exported(lambda x: f(None, x), "n")
