"""Every operation of the table in C and in NumPy, against its value."""

import math
import re
from typing import Any

import numpy as np
import pytest
from exported import CLibrary, facts, named, needs_compiler, run_numpy

import scalargrad as sg
from scalargrad.core import primitives
from scalargrad.core.rows import CUSTOM, TABLE, Primitive
from scalargrad.replay.export import helpers_c, helpers_numpy
from scalargrad.replay.export.spellings import SPELLINGS

# C's hypot and gamma are not Python's. By row: how many units of 2**-53 they may differ.
ROUNDED = {
    "hypot": 2, "cosine": 4, "turn": 6, "norm": 4, "sinc_derivative": 64, "gamma": 16,
    "polygamma": 16, "polygamma_rise": 16, "beta": 16, "betaln": 16,
}  # fmt: skip
SPREAD = [-700.5, -40.2, -3.7, -1.5, -1.0, -0.4, -1e-9, 0.0, 1e-300, 0.3, 1.0, 2.6, 30.1, 709.0]


def points(row: Primitive) -> list[tuple[float, ...]]:
    """Points of the table and others, at which the operation is defined and finite."""
    arity = row.arity or 3
    spread = [tuple(SPREAD[(i + 5 * k) % len(SPREAD)] for k in range(arity)) for i in range(14)]
    if row.name == "take":
        spread = [(float(k), 1.5, -0.3) for k in range(2)]
    if row.name in ("sinc_derivative", "polygamma", "mills"):
        spread = [(n, x) for n in (0.0, 1.0, 2.0, 5.0) for x in SPREAD[2:12]]
    found = []
    for point in [*row.at, *row.kinks, *spread]:
        try:
            if math.isfinite(row.value(*point)) and all(map(math.isfinite, point)):
                found.append(point)
        except (ValueError, ZeroDivisionError, OverflowError):
            continue
    assert found, row.name
    return found


def everything() -> tuple[sg.Compiled, list[float], list[tuple[str, float]]]:
    """A function of all points whose results are all values; its arguments; and what is right."""
    calls = [(row, point) for row in TABLE.values() for point in points(row)]
    arguments = [x for _, point in calls for x in point]

    def f(xs: Any) -> Any:
        places = iter(xs)
        return [row(*[next(places) for _ in point]) for row, point in calls]

    c = sg.compile(named(f, "everything"), backend="python")
    c.record([arguments])
    return c, arguments, [(row.name, row.value(*point)) for row, point in calls]


def test_every_row_has_a_spelling_in_both_languages() -> None:
    assert {row.name for row in TABLE.values()} - {row.name for row in SPELLINGS} == set()


@pytest.mark.parametrize(
    ("helpers", "pattern", "language"),
    [(helpers_c.HELPERS, r"\bsg_\w+", 0), (helpers_numpy.HELPERS, r"(?<![\w.])_[a-z]\w*", 1)],
)
def test_every_helper_is_used_and_stands_after_those_it_uses(
    helpers: dict[str, str], pattern: str, language: int
) -> None:
    texts = [spelling[language] for spelling in SPELLINGS.values()]
    spelled = " ".join(text(["a", "b", "c"]) if callable(text) else text for text in texts)
    known: set[str] = set()
    for name, text in helpers.items():
        assert {*re.findall(pattern, text)} - {name} <= known, name
        known.add(name)
    used = {*re.findall(pattern, spelled + "".join(helpers.values()))}

    assert {*helpers} <= used
    assert {*re.findall(pattern, spelled)} <= {*helpers}


@needs_compiler
def test_c_computes_the_bits_of_python() -> None:
    c, arguments, right = everything()
    source = c.to_source("c")

    status, values, *_ = CLibrary([source], "-O0").run(source, [], [[arguments]])

    assert status == 0
    for (name, number), got in zip(right, values[0], strict=True):
        off = ROUNDED.get(name, 0) * 2.0**-53 * abs(number)
        assert abs(got - number) <= off, (name, got, number)
        if not off:
            assert math.copysign(1.0, got) == math.copysign(1.0, number), (name, got, number)


def test_numpy_computes_the_same_to_the_last_digits() -> None:
    c, arguments, right = everything()

    ((values,),) = run_numpy([(c.to_source("python"), [[arguments]])], grad=False)

    for (name, number), (got,) in zip(right, values, strict=True):
        off = max(16, ROUNDED.get(name, 0)) * 2.0**-53 * abs(number)
        assert abs(got - number) <= off, (name, got, number)


@needs_compiler
def test_outside_of_a_domain_exports_refuse_like_python() -> None:
    rows = [row for row in TABLE.values() if row.outside]
    sources, jobs = [], []
    for row in rows:
        for point in row.outside[:1]:
            inside = next(iter(points(row)))
            f = named(lambda *xs, row=row: row(*xs), f"f{len(sources)}")  # type: ignore[misc]
            c = sg.compile(f, backend="python")
            c.record(*inside)
            sources.append(c.to_source("c"))
            jobs.append((c.to_source("python"), [[x] for x in point]))
    library = CLibrary(sources, "-O0")
    python = run_numpy(jobs)

    for source, (_, args), found in zip(sources, jobs, python, strict=True):
        status, values, second, value, gradient = library.run(source, [], args)
        assert status == second == 1, args
        assert not np.isfinite(values).any()
        assert not np.isfinite(value) or not np.isfinite(gradient).all()
        assert [text[0].split(":")[0] for text in found] == ["FloatingPointError"] * 2


@pytest.mark.parametrize("language", ["c", "python"])
def test_a_row_without_a_spelling_is_refused_by_name(
    language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    c = sg.compile(lambda x: sg.tanh(x) * 2.0, backend="python")
    c.record(1.0)
    monkeypatch.delitem(SPELLINGS, primitives.tanh)

    with pytest.raises(TypeError, match=r"cannot write 'tanh': this operation .* no spelling"):
        c.to_source(language)


def test_an_operation_of_your_own_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scalargrad.core.custom.CUSTOM", dict(CUSTOM))
    cube = sg.primitive("cube", lambda x: x**3, lambda x, out: (3.0 * x * x,))
    c = sg.compile(lambda x: cube(x) + 1.0, backend="python")
    c.record(1.0)

    for export in (lambda: c.to_source("c"), lambda: c.to_source("python"), c.to_json):
        with pytest.raises(TypeError, match=r"'cube'.* of your own.* instead of sg.primitive"):
            export()


def test_the_names_of_an_export_are_what_its_header_says() -> None:
    c = sg.compile(lambda x: x * 2.0, backend="python")

    assert facts(c.to_source("c", 1.0)) == ("f", 1, 0, 1)
