"""Tests of saving: every bit comes back, and what fails changes neither model nor file."""

import json
import math
import os
import random
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from interrupting import ctrl_c_at_line

import scalargrad as sg
from scalargrad import Value, nn

SPECIAL = [0.0, -0.0, 5e-324, -5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 0.1]
SPECIAL += [1 / 3, 2.0**53 + 1, math.inf, -math.inf, math.nan]


class Numbers(nn.Module):
    def __init__(self, *numbers: float) -> None:
        self.x = [Value(number) for number in numbers]


def bits(model: nn.Module) -> list[bytes]:
    return [struct.pack("<d", p.data) for p in model.parameters()]


def strict(text: str) -> Any:
    """JSON as the standard has it, without NaN and Infinity."""

    def refuse(name: str) -> None:
        raise ValueError(f"{name} is not JSON")

    return json.loads(text, parse_constant=refuse)


def content(**parameters: Any) -> str:
    """What `save` writes for a Neuron(1), with some parameters replaced."""
    return json.dumps(
        {
            "format": "scalargrad parameters 1",
            "model": "Neuron",
            "parameters": {"w.0": 5.0, "b": 6.0, **parameters},
        }
    )


def round_trip(numbers: list[float], path: Path) -> None:
    model, twin = Numbers(*numbers), Numbers(*[7.0] * len(numbers))
    sg.save(model, path)

    assert sg.load(twin, path) is twin
    assert bits(twin) == bits(model)
    assert all(type(p.data) is float for p in twin.parameters())
    assert len(strict(path.read_text(encoding="utf-8"))["parameters"]) == len(numbers)


# --- there and back -------------------------------------------------------------------------


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # each run overwrites
@given(numbers=st.lists(st.floats(allow_nan=False), max_size=20))
def test_every_bit_comes_back(numbers: list[float], tmp_path: Path) -> None:
    round_trip(numbers, tmp_path / "model.json")


@pytest.mark.parametrize("number", SPECIAL)
def test_the_ends_of_the_number_line_come_back(number: float, tmp_path: Path) -> None:
    round_trip([1.0, number, 2.0], tmp_path / "model.json")


def test_a_model_computes_the_same_afterwards(tmp_path: Path) -> None:
    model, twin = nn.MLP(2, [4, 2], "tanh"), nn.MLP(2, [4, 2], "tanh")
    sg.save(model, tmp_path / "model.json")
    sg.load(twin, tmp_path / "model.json")

    assert [y.data for y in twin([0.3, -2.0])] == [y.data for y in model([0.3, -2.0])]


@pytest.mark.parametrize("kind", [str, Path])
def test_a_path_is_a_text_or_a_path(kind: Any, tmp_path: Path) -> None:
    path = kind(tmp_path / "ünïcode name.json")
    sg.save(Numbers(1.5), path)

    assert sg.load(Numbers(0.0), path).state_dict() == {"x.0": 1.5}
    assert [p.name for p in tmp_path.iterdir()] == ["ünïcode name.json"]


def test_the_file_is_json_that_tells_the_names(tmp_path: Path) -> None:
    model = nn.MLP(2, [3, 1])
    model.layers[0].neurons[0].b.data = math.nan
    sg.save(model, tmp_path / "model.json")
    told = strict((tmp_path / "model.json").read_text(encoding="ascii"))

    assert told["model"] == "MLP"
    assert list(told["parameters"]) == list(model.state_dict())
    assert told["parameters"]["layers.0.neurons.0.b"] == "nan"


def test_saving_again_replaces_the_file(tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    sg.save(Numbers(*range(100)), path)
    sg.save(Numbers(2.0), path)

    assert sg.load(Numbers(0.0), path).state_dict() == {"x.0": 2.0}


def test_gradients_and_labels_stay_as_they_were(tmp_path: Path) -> None:
    model = Numbers(1.0)
    model.x[0].grad, model.x[0].label = 3.0, "w"
    sg.save(model, tmp_path / "model.json")
    sg.load(model, tmp_path / "model.json")

    assert (model.x[0].grad, model.x[0].label) == (3.0, "w")


@pytest.mark.parametrize("number", [np.float64("inf"), np.float64("nan"), np.float32(0.5)])
def test_numbers_that_numpy_left_in_a_parameter_come_back(number: Any, tmp_path: Path) -> None:
    model = Numbers(1.0)
    model.x[0].data = number
    sg.save(model, tmp_path / "model.json")
    sg.load(model, tmp_path / "model.json")

    assert struct.pack("<d", model.x[0].data) == struct.pack("<d", number)


# --- a load that fails ----------------------------------------------------------------------

WRONG = {
    "empty": "",
    "no JSON": "w = 5",
    "truncated": content()[:-20],
    "a list": "[1, 2]",
    "a number": "3",
    "null": "null",
    "another object": '{"w.0": 5.0, "b": 6.0}',
    "another format": content().replace("parameters 1", "parameters 99"),
    "no parameters": '{"format": "scalargrad parameters 1"}',
    "parameters in a list": '{"format": "scalargrad parameters 1", "parameters": [5.0, 6.0]}',
    "true": content(b=True),
    "none": content(b=None),
    "list": content(b=[6.0]),
    "text": content(b="six"),
    "not UTF-8": b"\xff\xfe{}",
}


def _fails(text: str | bytes, path: Path, error: type[Exception]) -> str:
    """Load `text`, see that nothing changes, and return what the error says."""
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    model = nn.Neuron(1)
    before = bits(model)
    with pytest.raises(error) as caught:
        sg.load(model, path)

    assert bits(model) == before
    return str(caught.value)


@pytest.mark.parametrize("text", WRONG.values(), ids=WRONG)
def test_another_file_is_refused_by_its_path(text: str | bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    message = _fails(text, path, ValueError)

    assert message.startswith(f"{str(path)!r} is not a file written by sg.save: ")


@pytest.mark.parametrize("text", [content(b=10**400), "[" * 100_000], ids=["huge", "deep"])
def test_a_monstrous_file_is_refused_by_its_path(text: str, tmp_path: Path) -> None:
    assert "model.json" in _fails(text, tmp_path / "model.json", ValueError)


@pytest.mark.parametrize("text", ["1_0", " 6 ", "6.0"])
def test_a_number_in_quotes_is_refused(text: str, tmp_path: Path) -> None:
    assert "model.json" in _fails(content(b=text), tmp_path / "model.json", ValueError)


def test_names_of_another_model_are_named(tmp_path: Path) -> None:
    assert "unknown: w.1" in _fails(content(**{"w.1": 1.0}), tmp_path / "model.json", KeyError)


def test_names_of_another_model_are_named_with_the_path(tmp_path: Path) -> None:
    message = _fails(content(z=1.0), tmp_path / "model.json", KeyError)

    assert "model.json" in message
    assert "unknown: z" in message


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    model = Numbers(1.0)
    with pytest.raises(FileNotFoundError, match=r"nowhere\.json"):
        sg.load(model, tmp_path / "nowhere.json")

    assert model.state_dict() == {"x.0": 1.0}


@pytest.mark.parametrize("model", [None, 3, Value(1.0), {"w": 1.0}, nn.Neuron])
def test_what_is_no_module_is_refused(model: Any, tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    for function in (sg.save, sg.load):
        with pytest.raises(TypeError, match=f"takes an nn.Module, got {type(model).__name__}"):
            function(model, path)

    assert list(tmp_path.iterdir()) == []


# --- a file that is no longer as `save` wrote it --------------------------------------------


def _saved(path: Path) -> bytes:
    sg.save(nn.Neuron(1), path)
    return path.read_bytes()


def _changed(data: bytes, **parameters: Any) -> str:
    """What another program writes after changing some parameters."""
    told = json.loads(data)
    told["parameters"].update(parameters)
    return json.dumps(told)


def test_a_file_of_the_old_version_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text(content())

    assert sg.load(nn.Neuron(1), tmp_path / "model.json").state_dict() == {"w.0": 5.0, "b": 6.0}


def test_another_layout_of_the_same_numbers_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    model = Numbers(*SPECIAL)
    sg.save(model, path)
    told = dict(reversed(json.loads(path.read_text()).items()))
    path.write_text(json.dumps(told, indent=4))

    assert bits(sg.load(Numbers(*[7.0] * len(SPECIAL)), path)) == bits(model)


def test_every_flipped_bit_is_damage_or_changes_no_number(tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    model = Numbers(0.625)
    sg.save(model, path)
    data = path.read_bytes()
    before = bits(model)
    damaged = 0
    for i in range(len(data)):
        for bit in (0, 4, 7):
            path.write_bytes(data[:i] + bytes([data[i] ^ 1 << bit]) + data[i + 1 :])
            try:
                sg.load(model, path)
            except ValueError as error:
                damaged += "it is damaged, one bit of it has flipped" in str(error)
            assert bits(model) == before

    # A number may have several spellings, and space may be a line feed; the rest is noticed.
    assert damaged > 3 * len(data) - 10


def test_a_file_that_was_cut_short_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    data = _saved(path)
    for size in range(50, len(data) - 1):  # from the format on
        assert "not a file written by sg.save: it is damaged: " in _fails(
            data[:size], path, ValueError
        )


@pytest.mark.parametrize("block", [b"\0" * 64, b"\xff" * 64])
def test_a_block_of_other_bytes_is_damage(block: bytes, tmp_path: Path) -> None:
    data = _saved(tmp_path / "model.json")

    assert "it is damaged: " in _fails(
        data[:60] + block + data[124:], tmp_path / "model.json", ValueError
    )


def test_a_number_that_somebody_changed(tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    by_program = _changed(_saved(path), b=0.625)
    by_hand = _saved(path).decode().replace('"b": 0.0', '"b": 0.625')
    without = json.dumps({k: x for k, x in json.loads(by_hand).items() if k != "checksum"})
    for text in (by_program, by_hand, without):
        message = _fails(text, path, ValueError)
        assert "is not as sg.save wrote it: it was changed by hand or by another prog" in message
        path.write_text(text.replace("parameters 2", "parameters 1"))  # as the message says
        assert sg.load(nn.Neuron(1), path).state_dict()["b"] == 0.625


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('"b": 6.0', '"b": 6.0, "b": 7.0', "the name 'b' stands in it twice"),
        ('"b": 6.0', '"b": NaN', "NaN is not JSON"),
        ('"b": 6.0', '"b": -Infinity', "-Infinity is not JSON"),
        ('"b": 6.0', '"b": 1e999', "the number 1e999 is beyond the range of floats"),
        ('"b": 6.0', f'"b": 1{"0" * 400}', "the parameter 'b' is beyond the range of floats"),
        ('"b": 6.0', f'"b": 1{"0" * 5000}', "4300 digits"),
        ('"b": 6.0', '"b": {"b": [6.0]}', "the parameter 'b' is dict: {'b': [6.0]}"),
        ('"b": 6.0', '"b": [[[[]]]]', "the parameter 'b' is list"),
        ('"b": 6.0', '"b": "NaN"', "the parameter 'b' is str: 'NaN'"),
    ],
)  # fmt: skip
def test_what_no_save_writes(old: str, new: str, fault: str, tmp_path: Path) -> None:
    message = _fails(content().replace(old, new), tmp_path / "model.json", ValueError)

    assert "by hand or by another program: " in message
    assert fault in message


# --- Ctrl-C ---------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
def test_ctrl_c_at_every_line_leaves_model_and_file_whole(tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    model, other = Numbers(1.0, 2.0), Numbers(3.0, 4.0)
    sg.save(other, path)
    old = path.read_bytes()
    sg.save(model, path)
    new = path.read_bytes()

    def load() -> None:
        sg.load(other, path)

    def save() -> None:
        sg.save(model, path)

    for function, before in ((save, old), (load, new)):
        line, interrupted = 0, True
        while interrupted:
            line, interrupted = line + 1, False
            path.write_bytes(before)
            for p, number in zip(other.x, (3.0, 4.0), strict=True):
                p.data = number
            state = random.getstate()
            try:
                with ctrl_c_at_line(line):
                    function()
            except KeyboardInterrupt:
                interrupted = True
            assert [*tmp_path.iterdir()] == [path]
            assert path.read_bytes() in (old, new)
            assert model.state_dict() == {"x.0": 1.0, "x.1": 2.0}
            assert [p.data for p in other.x] in ([3.0, 4.0], [1.0, 2.0])
            assert random.getstate() == state
        assert line > 50


# --- a save that fails ----------------------------------------------------------------------


@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()], ids=type)
@pytest.mark.parametrize("stage", ["fsync", "replace"])
@pytest.mark.parametrize("old", [None, "the older file"])
def test_a_crash_leaves_the_older_file_and_nothing_else(
    error: BaseException, stage: str, old: str | None,
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    path = tmp_path / "model.json"
    if old is not None:
        path.write_text(old)

    def crash(*_: Any) -> None:
        raise error

    monkeypatch.setattr(os, stage, crash)
    with pytest.raises(type(error)):
        sg.save(Numbers(1.0), path)

    assert [p.read_text("utf-8") for p in tmp_path.iterdir()] == ([] if old is None else [old])


def test_the_file_appears_in_one_step_and_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.json"
    path.write_text("the older file")
    seen = []
    replace = os.replace

    def look(source: Any, target: Any) -> None:
        seen.append((path.read_text("utf-8"), Path(source).parent, Path(source).read_text("utf-8")))
        replace(source, target)

    monkeypatch.setattr(os, "replace", look)
    sg.save(Numbers(1.0), path)

    assert seen == [("the older file", tmp_path, path.read_text("utf-8"))]
    assert [p.name for p in tmp_path.iterdir()] == ["model.json"]


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere" / "model.json", tmp_path):
        with pytest.raises(OSError, match=tmp_path.name):
            sg.save(Numbers(1.0), path)

    assert list(tmp_path.iterdir()) == []


def test_a_pipe_is_not_replaced_by_a_file(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(OSError, match="not a regular file"):
        sg.save(nn.Neuron(1), pipe)

    assert pipe.is_fifo()
    assert [*tmp_path.iterdir()] == [pipe]
