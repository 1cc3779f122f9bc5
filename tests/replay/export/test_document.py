"""The durable form: the same bits after a round trip, and nothing but programs is ever read."""

import copy
import json
import random
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from exported import answers, flat_gradient
from hypothesis import given, settings
from hypothesis import strategies as st
from replayed import BACKENDS
from strategies import ALL, Program, programs

import scalargrad as sg
from scalargrad import Value, nn
from scalargrad.core.rows import CUSTOM
from scalargrad.replay.export.document import read, written

DOCUMENTS = Path(__file__).parent / "documents"
RNG = np.random.default_rng(7)


def network() -> tuple[sg.Compiled, tuple[Any, ...]]:
    random.seed(3)
    model = nn.MLP(3, [4, 1], activation="relu")
    c = sg.compile(lambda x, y: (model(x) - y) ** 2, model.parameters(), "python", "sum")
    return c, (RNG.normal(size=(6, 3)), RNG.normal(size=6))


def choices() -> tuple[sg.Compiled, tuple[Any, ...]]:
    """Branches, a Value that is no parameter, a derivative inside, an error that is caught."""
    a, fixed = Value(0.7, "a"), Value(2.5, "fixed")

    def f(x: Any, y: Any) -> Any:
        try:
            root = sg.sqrt(x - 0.5)
        except ValueError:
            root = a
        if y > 0.0:
            return root * fixed + sg.grad(lambda t: sg.sin(t) * a)(y)
        return sg.where(x > y, root, sg.take([a, x, y], abs(y) // 1.0 % 3))

    return sg.compile(f, [a], "python"), (RNG.normal(size=20), 2.0 * RNG.normal(size=20))


def static_and_nested() -> tuple[sg.Compiled, tuple[Any, ...]]:
    """Static arguments of all kinds, and a result in a dict."""

    def f(x: Any, n: Any, mode: Any) -> Any:
        return {"sum": (x / n, [x]), "mode é": x + len(mode)}

    return sg.compile(f, backend="python", static_argnums=[1, 2]), ([1.0, 2.0], 3, "ab")


CASES = [network, choices]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("make", CASES)
def test_a_round_trip_gives_the_same_bits(
    make: Callable[[], tuple[sg.Compiled, tuple[Any, ...]]], backend: str
) -> None:
    c, args = make()
    text = c.to_json(*args)
    original = sg.compile(c.f, c.params, backend, c.reduction)
    twin = sg.from_json(text, backend)
    right, got = answers(original, args), answers(twin, args)

    assert np.array_equal(got[0], right[0])
    assert got[1] == right[1]
    assert np.array_equal(got[2], right[2])
    assert twin.recordings == c.recordings
    assert twin.programs == c.programs
    assert [p.label for p in twin.params] == [p.label for p in c.params]
    assert [*twin.theta] == [*c.theta]
    assert twin.backward(*args) == right[1]
    assert [p.grad for p in twin.params] == [*right[2]]
    assert twin.to_json() == text


@settings(max_examples=40, deadline=None)
@given(program=programs(ALL))
def test_random_programs_come_back_as_they_were(program: Program) -> None:
    c = sg.compile(lambda *xs: program(*xs) + 0.0, backend="python")
    args = [[x] for x in program.point]
    text = c.to_json(*args)
    twin = sg.from_json(text, "python")

    assert twin.programs == c.programs
    assert twin.to_json() == text
    assert written(read(text)) == text
    assert np.array_equal(twin(*args), c(*args))
    right, got = [gradient_or_error(each, args) for each in (c, twin)]
    assert repr(got) == repr(right)


def gradient_or_error(c: sg.Compiled, args: Any) -> Any:
    try:
        return flat_gradient(c, c.value_and_grad(*args)[1]).tolist()
    except FloatingPointError as error:
        return error


def test_static_arguments_and_nested_results() -> None:
    c, args = static_and_nested()
    c.record(*args)
    c.record(1.0, 2.5, "")
    c.record(1.0, None or float("inf"), "")
    c.record(1.0, True, "")
    twin = sg.from_json(c.to_json(), "python")

    assert repr(twin(*args)) == repr(c(*args))
    assert repr(twin([1.0], 2.5, "")) == repr(c([1.0], 2.5, ""))
    assert twin(2.0, float("inf"), "") == c(2.0, float("inf"), "")
    assert twin.recordings == 4
    with pytest.raises(sg.RecordingError, match="not recorded for arguments of these shapes"):
        twin(1.0, 1, "")
    with pytest.raises(TypeError, match=r"static argument 'mode', tuple: \(1,\)"):
        sg.compile(c.f, backend="python", static_argnums=[1, 2]).to_json(1.0, 1, (1,))


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf"), -0.0, 5e-324])
def test_numbers_that_json_does_not_have(number: float) -> None:
    w = Value(number, "w")
    c = sg.compile(lambda x: sg.where(x > 0.0, x, number) + w, [w], "python", allow_nonfinite=True)
    twin = sg.from_json(c.to_json(1.0), "python")

    assert repr([*twin.theta]) == repr([*c.theta])
    assert repr(twin(-1.0)) == repr(c(-1.0))
    assert "NaN" not in c.to_json()


def test_a_result_with_other_keys_is_refused() -> None:
    c = sg.compile(lambda x: {1: x}, backend="python")

    with pytest.raises(TypeError, match="dicts with texts as keys, got int: 1"):
        c.to_json(1.0)


def test_the_folder_of_the_program_is_not_written() -> None:
    c, args = choices()
    text = c.to_json(*args)

    assert "test_document.py:" in text
    assert str(Path(__file__).parent) not in text


# --- documents that were kept -----------------------------------------------------------------


@pytest.mark.parametrize("path", sorted(DOCUMENTS.glob("version_*/*.json")), ids=lambda p: p.stem)
def test_documents_of_all_versions_are_read(path: Path) -> None:
    """Written by the first version with that format; they must never be written again."""
    kept = json.loads(path.read_text("ascii"))
    c = sg.from_json(json.dumps(kept["document"]), "python")
    args = [np.array(x) for x in kept["args"]]
    value, gradient = c.value_and_grad(*args)

    assert np.asarray(c(*args)) == pytest.approx(np.array(kept["values"]), rel=1e-12)
    assert value == pytest.approx(kept["value"], rel=1e-12)
    assert flat_gradient(c, gradient) == pytest.approx(
        np.array(kept["gradient"]), rel=1e-12, abs=1e-14
    )


def test_there_are_documents_of_each_version() -> None:
    assert [path.name for path in sorted(DOCUMENTS.iterdir())] == ["version_1"]
    assert len([*DOCUMENTS.glob("version_1/*.json")]) >= 3


# --- documents from strangers -----------------------------------------------------------------


def signed(content: Any) -> str:
    """The text with the checksum of what it says: what a stranger can make."""
    if isinstance(content, dict) and "checksum" in content:
        rest = {name: part for name, part in content.items() if name != "checksum"}
        text = json.dumps(rest, separators=(",", ":"), sort_keys=True)
        content = rest | {"checksum": f"crc32 {zlib.crc32(text.encode()):08x}"}
    return json.dumps(content)


def places(content: Any) -> Iterator[tuple[Any, Any]]:
    """Every container in a document with every key of it."""
    keys = (
        list(content) if isinstance(content, dict)
        else range(len(content)) if isinstance(content, list)
        else ()
    )  # fmt: skip
    for key in keys:
        yield content, key
        yield from places(content[key])


INSTEAD: list[Any] = [
    None, True, -1, 0, 1, 3, 10**9, 10**400, 0.5, -1e308, "", "mul", "nan", "over_samples",
    "ValueError", "__import__", [], [[]], {}, {"tuple": []}, {"array": [10**9]}, [10**9],
    [0, 0, 10**9], [0] * 65, ["add", 0, 0], ["dot", 0], ["take", 0, 10**9],
]  # fmt: skip


def document() -> dict[str, Any]:
    c, args = choices()
    found: dict[str, Any] = json.loads(c.to_json(*args))
    return found


def mutations(count: int, seed: int) -> Iterator[Any]:
    """The document with one thing changed, left out or added, in places drawn by chance."""
    chance = random.Random(seed)
    size = len([*places(document_once)])
    for _ in range(count):
        content = copy.deepcopy(document_once)
        container, key = [*places(content)][chance.randrange(size)]
        instead = chance.choice([*INSTEAD, "left out", "twice"])
        if instead == "left out":
            del container[key]
        elif instead == "twice" and isinstance(container, list):
            container.insert(key, copy.deepcopy(container[key]))
        elif instead == "twice":
            container[f"{key}2"] = container[key]
        else:
            container[key] = instead
        yield content


document_once = document()
REFUSES = (ArithmeticError, ValueError, LookupError, TypeError, sg.RecordingError)


def test_a_changed_document_is_refused() -> None:
    original = json.dumps(document_once)
    assert sg.from_json(original, "python").recordings > 2
    for content in mutations(400, 1):
        if content != document_once or json.dumps(content) != original:
            with pytest.raises(ValueError, match="no program that to_json has written"):
                sg.from_json(json.dumps(content), "python")


def loaded_or_error(text: str) -> sg.Compiled | ValueError:
    try:
        return sg.from_json(text, "python")
    except ValueError as error:
        return error


def test_a_forged_document_is_refused_or_a_program() -> None:
    """Whatever a stranger writes: an error that says so, or a function of numbers."""
    read_ones = 0
    for content in mutations(600, 2):
        text = signed(content)
        c = loaded_or_error(text)
        if isinstance(c, ValueError):
            assert "no program that to_json has written" in str(c)
            assert len(str(c)) < 400
            continue
        read_ones += 1
        try:
            for kind in c._variants:
                c.value_and_grad(*[np.full((2, *shape), 0.7) for shape in kind])
        except REFUSES:
            pass
        assert sg.from_json(c.to_json(), "python").programs == c.programs if c._variants else True
    assert read_ones > 10


def test_a_flipped_bit_is_refused() -> None:
    data = json.dumps(document_once).encode()
    chance = random.Random(3)
    for _ in range(300):
        damaged = bytearray(data)
        damaged[chance.randrange(len(data))] ^= 1 << chance.randrange(7)
        with pytest.raises(ValueError, match="no program that to_json has written"):
            sg.from_json(damaged.decode("latin-1"), "python")


@given(text=st.text() | st.recursive(
    st.none() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
).map(json.dumps))  # fmt: skip
@settings(max_examples=30, deadline=None)
def test_any_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no program that to_json has written"):
        sg.from_json(text)


def changed(**parts: Any) -> str:
    return signed(document_once | parts)


def with_shape(*shape: int) -> str:
    content = copy.deepcopy(document_once)
    content["kinds"][0]["arguments"][0]["shape"] = list(shape)
    return signed(content)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (changed(format="scalargrad program 2"), "version 2 .* reads versions up to 1: install a"),
        (changed(format="scalargrad program 99999999999999999999"), "version 999999999 "),
        (changed(format="scalargrad program 01"), "its \"format\" is not 'scalargrad program 1'"),
        (changed(format="scalargrad parameters 1"), "its \"format\" is not"),
        (changed(more=1), "an object must have the names format, .*, got .*'more'"),
        (changed(params=10**9), "'params' has 1000000000, not a whole number from 0 to 2"),
        (changed(numbers=[10**400, 1.0]), "beyond the range of floats"),
        (with_shape(10**9), "'shape' has 1000000000"),
        (with_shape(1000, 1000, 1000), "an array has more than 1000000 numbers"),
        (with_shape(10**6), "more than 1000000 numbers"),
        (with_shape(*[1] * 65), "65 dimensions, of 64 at most"),
        (json.dumps(document_once).replace("0.7", "NaN", 1), "NaN is not JSON"),
        (json.dumps(document_once).replace("0.7", "-Infinity", 1), "-Infinity is not JSON"),
        (json.dumps(document_once).replace("0.7", "1e999", 1), "1e999 is beyond the range"),
        (json.dumps(document_once).replace("{", '{"name": "g",', 1), "'name' stands in it twice"),
        (json.dumps(document_once).replace("0.7", "0.8", 1), "its checksum is of other contents"),
        ("[" * 100_000, "recursion|nested|Expecting"),
        ('{"format": ' + "[" * 100_000 + "]" * 100_000 + "}", "recursion|format"),
        ("", "Expecting value"),
        ("[]", "it is no JSON object"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_document_is_said(text: str, fault: str) -> None:
    with pytest.raises(ValueError, match=f"(?s)that to_json has written, str: .*({fault})"):
        sg.from_json(text, "python")


def test_a_text_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scalargrad.replay.export.document._LONGEST", 100)

    with pytest.raises(ValueError, match="reads up to 100 characters, got 101"):
        sg.from_json(" " * 101)


def test_only_operations_of_the_table_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scalargrad.core.custom.CUSTOM", dict(CUSTOM))
    sg.primitive("cube", lambda x: x**3, lambda x, out: (3.0 * x * x,))
    c = sg.compile(lambda x: sg.tanh(x), backend="python")
    for name in ("cube", "over_samples", "all_finite", "__class__", "evaluate"):
        content = json.loads(c.to_json(1.0).replace('"tanh"', f'"{name}"'))

        with pytest.raises(ValueError, match=f"operation '{name}', which this version does not"):
            sg.from_json(signed(content))


@pytest.mark.parametrize("bound", ["_MOST_SLOTS", "_MOST_RECORDINGS", "_MOST_INPUTS"])
def test_what_is_too_large_is_neither_written_nor_read(
    bound: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    c, args = choices()
    text = c.to_json(*args)
    monkeypatch.setattr(f"scalargrad.replay.export.document.{bound}", 1)

    with pytest.raises(ValueError, match="more than 1 "):
        sg.from_json(text)
    with pytest.raises(ValueError, match="writes up to 1 "):
        c.to_json()
