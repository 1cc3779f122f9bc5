"""Tests of the small GPT and its names: what each part promises, and that it learns."""

import math
import random
import re
from itertools import islice
from typing import Any

import pytest

import scalargrad as sg
from scalargrad import Value
from scalargrad.examples.lecture2 import names, small_gpt
from scalargrad.examples.lecture2.small_gpt import SmallGPT, attend, rmsnorm

THREE_WORDS = ["ab", "bac", "cab"]


def tiny(seed: int = 1, **sizes: int) -> SmallGPT:
    """A model of the letters a to c, of 4 heads on vectors of 8."""
    random.seed(seed)
    return SmallGPT(**{"vocabulary": 4, "context": 6, "width": 8, "heads": 4, **sizes})


def numbers(rows: list[list[Any]]) -> list[list[float]]:
    return [[x.data for x in row] for row in rows]


def by_replay(model: SmallGPT) -> small_gpt.Backward:
    """With the backend that is there everywhere, and need not be compiled first."""
    return small_gpt.replayed(model, backend="python")


def normal(n: int) -> list[float]:
    return [random.gauss(0.0, 1.0) for _ in range(n)]


# --- the names ------------------------------------------------------------------------------


def test_the_corpus_is_the_same_every_time() -> None:
    random.seed(1)
    first = names.corpus()
    random.seed(2)

    assert names.corpus() == first


def test_the_corpus_has_words_of_3_to_8_lowercase_letters_each_once() -> None:
    words = names.corpus()

    assert len(set(words)) == len(words) == 1008
    assert all(re.fullmatch("[a-z]{3,8}", word) for word in words)
    assert {len(word) for word in words} == set(range(3, 9))


def test_the_corpus_is_half_of_the_combinations() -> None:
    assert len(set(names.combinations())) == 2 * len(names.corpus())
    assert set(names.corpus()) < set(names.combinations())


def test_decoding_undoes_encoding() -> None:
    for word in names.corpus():
        tokens = names.encode(word)

        assert tokens[0] == tokens[-1] == names.END
        assert names.decode(tokens) == word


@pytest.mark.parametrize("name", ["Ada", "a.b", "zoë"])
def test_other_letters_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="letters beyond a to z"):
        names.encode(name)


def test_batches_have_one_length_and_bring_every_name_once_in_a_turn() -> None:
    random.seed(1)
    words = names.corpus()
    turns = names.batches(words, size=50)
    for _ in range(2):
        seen: list[str] = []
        while len(seen) < len(words):
            batch = next(turns)
            assert len(batch) <= 50
            assert len({len(tokens) for tokens in batch}) == 1
            seen += map(names.decode, batch)

        assert sorted(seen) == sorted(words)


# --- the parts ------------------------------------------------------------------------------


def test_rmsnorm_gives_a_root_mean_square_of_one_whatever_the_scale() -> None:
    random.seed(1)
    for scale in (0.1, 1.0, 1e6):
        x = [scale * xi for xi in normal(7)]
        y = rmsnorm(x)

        assert math.hypot(*y) / math.sqrt(7) == pytest.approx(1.0, abs=2e-3)
        assert [yi / y[0] for yi in y] == pytest.approx([xi / x[0] for xi in x])


def test_rmsnorm_of_zeros_has_a_derivative() -> None:
    x = [Value(0.0), Value(0.0)]
    y = rmsnorm(x)
    y[0].backward()

    assert [yi.data for yi in y] == [0.0, 0.0]
    assert x[0].grad == pytest.approx(1e5**0.5)


def test_one_key_leaves_no_choice() -> None:
    assert attend([3.0, -1.0], [[0.2, 0.4]], [[5.0, 6.0, 7.0]]) == [5.0, 6.0, 7.0]


def test_equal_keys_share_the_attention() -> None:
    assert attend([3.0], [[2.0], [2.0]], [[1.0, 0.0], [0.0, 1.0]]) == [0.5, 0.5]


def test_attention_stays_among_the_values_and_ignores_their_order() -> None:
    random.seed(2)
    query, keys, values = normal(4), [normal(4) for _ in range(5)], [normal(3) for _ in range(5)]
    found = attend(query, keys, values)

    for x, column in zip(found, zip(*values, strict=True), strict=True):
        assert min(column) < x < max(column)
    assert attend(query, keys[::-1], values[::-1]) == pytest.approx(found)


def test_attention_is_scaled_by_the_root_of_the_length() -> None:
    by_hand = sg.softmax([6.0 / 2.0, 0.0])  # 4 times 1.5, divided by the root of 4

    found = attend([1.0] * 4, [[1.5] * 4, [0.0] * 4], [[1.0], [0.0]])

    assert found == pytest.approx(by_hand[:1])


def test_attention_is_as_written_by_hand() -> None:
    random.seed(3)
    attention = small_gpt.Attention(width=4, heads=2)
    xs = [normal(4) for _ in range(3)]

    def times(layer: Any, x: list[float]) -> list[float]:
        return [sum(w.data * xi for w, xi in zip(n.w, x, strict=True)) for n in layer.neurons]

    expected = []
    for t in range(3):
        found = []
        for i in (0, 2):
            q = times(attention.query, xs[t])[i : i + 2]
            ks = [times(attention.key, x)[i : i + 2] for x in xs[: t + 1]]
            vs = [times(attention.value, x)[i : i + 2] for x in xs[: t + 1]]
            e = [math.exp((q[0] * k[0] + q[1] * k[1]) / math.sqrt(2)) for k in ks]
            found += [sum(p * v[j] for p, v in zip(e, vs, strict=True)) / sum(e) for j in (0, 1)]
        expected.append(times(attention.out, found))

    for row, expected_row in zip(numbers(attention(xs)), expected, strict=True):
        assert row == pytest.approx(expected_row)


# --- the model ------------------------------------------------------------------------------


def test_the_sizes_are_those_told() -> None:
    model = SmallGPT()

    assert len(model.parameters()) == 4080
    assert len(SmallGPT(depth=2).parameters()) == 4080 + 3072
    assert list(model.state_dict())[-1] == "logits.neurons.26.w.15"


@pytest.mark.parametrize("depth", [1, 2])
def test_later_tokens_do_not_change_earlier_logits(depth: int) -> None:
    model = tiny(depth=depth)
    whole = numbers(model([0, 1, 2, 3, 1]))

    assert numbers(model([0, 1, 2])) == whole[:3]
    other = numbers(model([0, 1, 2, 2, 2]))
    assert other[:3] == whole[:3]
    assert other[3] != whole[3]


def test_earlier_tokens_and_their_order_change_later_logits() -> None:
    model = tiny()
    last = numbers(model([0, 1, 2, 3]))[-1]

    assert numbers(model([0, 3, 2, 3]))[-1] != last
    assert numbers(model([0, 2, 1, 3]))[-1] != last


def test_tokens_may_be_values() -> None:
    model = tiny()
    tokens = [0, 1, 3, 2, 0]

    assert model.loss([Value(token) for token in tokens]).data == model.loss(tokens).data


def test_the_loss_is_the_mean_surprise() -> None:
    model = tiny()
    tokens = [0, 3, 1, 0]
    chances = [sg.softmax(row) for row in numbers(model(tokens[:-1]))]
    surprises = [-math.log(p[token]) for p, token in zip(chances, tokens[1:], strict=True)]

    assert model.loss(tokens).data == pytest.approx(sum(surprises) / 3)


def test_gradients_are_the_numerical_ones() -> None:
    model = tiny(width=4, heads=2)
    tokens = [0, 2, 1, 3, 0]
    model.loss(tokens).backward()
    chosen = model.named_parameters()[::5]
    assert {name.split(".")[0] for name, _ in chosen} == {*vars(model)}
    parameters = [p for _, p in chosen]

    def loss(theta: list[Value]) -> float:
        for p, moved in zip(parameters, theta, strict=True):
            p.data = moved.data
        return float(model.loss(tokens).data)

    numerical = sg.numerical_grad(loss, ([p.data for p in parameters],))[0]

    assert [p.grad for p in parameters] == pytest.approx(numerical, rel=1e-6, abs=1e-8)
    assert sum(p.grad != 0.0 for p in parameters) > 0.8 * len(parameters)


def test_what_does_not_fit_is_refused() -> None:
    model = tiny()
    with pytest.raises(ValueError, match="reads 1 to 6 tokens, got 7"):
        model([0] * 7)
    with pytest.raises(ValueError, match="reads 1 to 6 tokens, got 0"):
        model([])
    with pytest.raises(IndexError):
        model([4])
    with pytest.raises(ValueError, match="at least 2 tokens, got 1"):
        model.loss([0])
    with pytest.raises(ValueError, match="width of 8 cannot be cut into 3 equal heads"):
        tiny(heads=3)


# --- learning and sampling ------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained() -> tuple[SmallGPT, list[float]]:
    """A model that has read three words again and again, and its losses."""
    model = tiny()
    documents = names.batches(THREE_WORDS, size=3)
    return model, [*small_gpt.train(model, small_gpt.eager(model), documents, 150, lr=0.03)]


@pytest.mark.unmeasured
def test_three_words_are_learnt_by_heart(trained: tuple[SmallGPT, list[float]]) -> None:
    model, course = trained

    assert course[0] > 1.0
    # what is left is which word: the first letter is one of three, all that follows is certain
    for word in THREE_WORDS:
        assert model.loss(names.encode(word)).data * (len(word) + 1) < 1.5 * math.log(3.0)


def test_a_cold_sample_is_one_of_the_words(trained: tuple[SmallGPT, list[float]]) -> None:
    random.seed(1)
    samples = {small_gpt.sample(trained[0], temperature=0.5) for _ in range(30)}

    assert samples == set(THREE_WORDS)


@pytest.mark.parametrize("temperature", [0.01, 1.0, 100.0])
def test_samples_have_known_letters_and_end(temperature: float) -> None:
    model = tiny(5)
    samples = [small_gpt.sample(model, temperature) for _ in range(10)]

    assert all(re.fullmatch("[a-c]{0,6}", name) for name in samples)
    assert len(set(samples)) == 1 or temperature > 0.1


def test_sampling_keeps_no_graph_and_no_gradient() -> None:
    model = tiny()
    small_gpt.sample(model)

    assert {p.grad for p in model.parameters()} == {0.0}
    assert model.loss([0, 1, 0]).parents


def test_a_temperature_is_positive() -> None:
    with pytest.raises(ValueError, match="temperature must be positive, got 0"):
        small_gpt.sample(tiny(), 0.0)


def test_the_loss_of_a_batch_is_the_mean_and_gradients_are_added() -> None:
    model = tiny()
    batch = [[0, 1, 2, 0], [0, 3, 1, 0]]
    loss = small_gpt.eager(model)(batch)
    together = [p.grad for p in model.parameters()]
    model.zero_grad()
    losses = [small_gpt.eager(model)([tokens]) for tokens in batch]

    assert loss == pytest.approx(sum(losses) / 2)
    assert [2 * g for g in together] == pytest.approx([p.grad for p in model.parameters()])


def test_the_report_tells_how_it_went() -> None:
    training = small_gpt.run(20, by_replay=False)
    text = small_gpt.report(training)

    falling = [float(loss) for loss in re.findall(r"loss (\d\.\d+)\n", text)]
    assert len(falling) == 10
    assert falling[-1] < falling[0]
    assert falling[0] == pytest.approx(sum(training.losses[:2]) / 2, abs=1e-3)
    assert len(training.made_up) == 12
    assert all(name in text for name in training.made_up)
    assert re.search(r"\d+ of these 12 are in the corpus, \d+ more fit its syllables", text)


def test_ctrl_c_keeps_what_was_learnt(monkeypatch: pytest.MonkeyPatch) -> None:
    take_turns = names.batches(names.corpus(), size=1)

    def interrupted(words: list[str], size: int) -> Any:
        yield from islice(take_turns, 3)
        raise KeyboardInterrupt

    monkeypatch.setattr(small_gpt, "batches", interrupted)
    training = small_gpt.run(20, by_replay=False)

    assert len(training.losses) == 3
    assert "interrupted after 3: what was learnt is kept" in small_gpt.report(training)
    random.seed(1)
    fresh = SmallGPT()
    assert training.model.state_dict() != fresh.state_dict()


def test_a_run_has_a_step() -> None:
    with pytest.raises(ValueError, match="at least 1 step, got 0"):
        small_gpt.run(0)


def test_where_a_head_looks_are_weights_of_the_letters_up_to_there() -> None:
    random.seed(1)
    model = SmallGPT()
    heads = small_gpt.looks(model, "feralen")

    assert len(heads) == 4
    for head in heads:
        for place, row in enumerate(head):
            assert len(row) == 8
            assert sum(row) == pytest.approx(1.0)
            assert min(row[: place + 1]) > 0.0
            assert set(row[place + 1 :]) <= {0.0}


def test_replay_is_eager() -> None:
    model = tiny()
    backward = [small_gpt.eager(model), by_replay(model)]
    random.seed(1)
    for batch in islice(names.batches(["ab", "ba", "cc", "abc", "cab", "a"], size=2), 4):
        results = []
        for way in backward:
            model.zero_grad()
            loss = way(batch)
            results.append([loss, *[p.grad for p in model.parameters()]])

        assert results[1] == pytest.approx(results[0], rel=1e-9, abs=1e-12)


def test_training_by_replay_takes_the_course_of_eager_training() -> None:
    courses = []
    for way in (small_gpt.eager, by_replay):
        model = tiny()
        documents = names.batches(THREE_WORDS, size=3)
        courses.append([*small_gpt.train(model, way(model), documents, 10)])

    assert courses[1] == pytest.approx(courses[0], rel=1e-6)


def test_one_recording_serves_all_documents_of_a_length() -> None:
    model = tiny()
    step = sg.compile(model.loss, params=model.parameters(), backend="python")
    for batch in islice(names.batches(["ab", "ba", "cc", "abc", "cab", "a"], size=1), 12):
        step.backward(batch)

    assert step.recordings == 3
    assert not any(program.guards for program in step.programs)
