"""The steps against the Keras layers over whole sequences, the variants against independent answers, and the errors."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from utils import cells

hundred = settings(max_examples=100, deadline=None, derandomize=True)
sizes = st.fixed_dictionaries(
    {
        "batch": st.integers(1, 4),
        "time": st.integers(1, 6),
        "features": st.integers(1, 5),
        "units": st.integers(1, 5),
        "use_bias": st.booleans(),
        "seed": st.integers(0, 2**31),
    }
)


def built(kind, features, units, seed, **options):
    """Return a Keras layer with random weights, biases included, so that no entry could be swapped unseen."""
    layer = kind(units, return_sequences=True, return_state=True, **options)
    layer.build((None, None, features))
    rng = np.random.default_rng(seed)
    layer.set_weights([rng.normal(size=w.shape) for w in layer.get_weights()])
    return layer, rng


def both(kind, step, size, states, **options):
    """Return what Keras and what our step give on one random sequence that starts in random states."""
    layer, rng = built(kind, size["features"], size["units"], size["seed"], use_bias=size["use_bias"], **options)
    x = rng.normal(size=(size["batch"], size["time"], size["features"])).astype("float32")
    start = [rng.normal(size=(size["batch"], size["units"])).astype("float32") for _ in range(states)]
    ours = cells.unroll(lambda x_t, *states: step(x_t, *states, layer), x, *start)
    keras_initial = start if states > 1 else start[0]
    return [keras.ops.convert_to_numpy(out) for out in layer(x, initial_state=keras_initial)], ours


@hundred
@given(sizes, st.booleans())
def test_gru_equals_keras(size, reset_after):
    def step(x_t, h, layer):
        weights = cells.GRUWeights.from_keras(layer)
        return cells.gru_step(x_t, h, weights, "reset_after" if reset_after else "full")

    (sequence, last), (h,) = both(keras.layers.GRU, step, size, states=1, reset_after=reset_after)
    np.testing.assert_allclose(h, sequence, atol=1e-5)
    np.testing.assert_allclose(h[:, -1], last, atol=1e-5)


@hundred
@given(sizes)
def test_lstm_equals_keras(size):
    def step(x_t, h, c, layer):
        return cells.lstm_step(x_t, h, c, cells.LSTMWeights.from_keras(layer))

    (sequence, last_h, last_c), (h, c) = both(keras.layers.LSTM, step, size, states=2)
    np.testing.assert_allclose(h, sequence, atol=1e-5)
    np.testing.assert_allclose(h[:, -1], last_h, atol=1e-5)
    np.testing.assert_allclose(c[:, -1], last_c, atol=1e-5)


# ------------------------------------------------------------------------------------- variants that Keras lacks


def weights_of(kind, features=3, units=4, seed=0, edit=None, **options):
    """Return (layer, x), the layer's weights changed in place by `edit(kernel, recurrent, bias)`."""
    layer, rng = built(kind, features, units, seed, **options)
    if edit is not None:
        arrays = [w.copy() for w in layer.get_weights()]
        edit(*arrays)
        layer.set_weights(arrays)
    return layer, rng.normal(size=(5, 8, features)).astype("float32")


def blank(*shape):
    return np.zeros(shape, "float32")


def unrolled_lstm(layer, x, **options):
    weights = cells.LSTMWeights.from_keras(layer)
    state = blank(len(x), weights.shape[1])
    return cells.unroll(lambda x_t, h, c: cells.lstm_step(x_t, h, c, weights, **options), x, state, state)


def test_no_forget_gate_is_a_keras_lstm_whose_forget_gate_is_forced_open():
    def open_forget_gate(kernel, recurrent, bias):
        kernel[:, 4:8], recurrent[:, 4:8], bias[4:8] = 0, 0, 30

    layer, x = weights_of(keras.layers.LSTM, edit=open_forget_gate)
    h, c = unrolled_lstm(layer, x, forgetting="none")
    np.testing.assert_allclose(h, layer(x)[0], atol=1e-5)
    np.testing.assert_allclose(c[:, -1], layer(x)[2], atol=1e-5)


def test_coupled_gates_are_a_keras_lstm_whose_forget_weights_are_minus_its_input_weights():
    def couple(kernel, recurrent, bias):
        kernel[:, 4:8], recurrent[:, 4:8], bias[4:8] = -kernel[:, :4], -recurrent[:, :4], -bias[:4]

    layer, x = weights_of(keras.layers.LSTM, edit=couple)
    h, c = unrolled_lstm(layer, x, forgetting="coupled")
    np.testing.assert_allclose(h, layer(x)[0], atol=1e-5)
    np.testing.assert_allclose(c[:, -1], layer(x)[2], atol=1e-5)


def test_without_squashing_the_output_is_gate_times_cell_state():
    layer, rng = built(keras.layers.LSTM, 3, 4, seed=1)
    kernel, recurrent, bias = (w.astype(float) for w in layer.get_weights())
    x_t, h, c = rng.normal(size=(5, 3)), rng.normal(size=(5, 4)), rng.normal(size=(5, 4))
    i, f, g, o = np.split(x_t @ kernel + h @ recurrent + bias, 4, axis=1)
    expected_c = c / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i))
    h_t, c_t = cells.lstm_step(x_t, h, c, cells.LSTMWeights.from_keras(layer), squash=False)
    np.testing.assert_allclose(c_t, expected_c, atol=1e-12)
    np.testing.assert_allclose(h_t, expected_c / (1 + np.exp(-o)), atol=1e-12)


def test_the_simplified_gru_is_a_keras_gru_whose_reset_gate_is_forced_open():
    def open_reset_gate(kernel, recurrent, bias):
        kernel[:, 4:8], recurrent[:, 4:8], bias[4:8] = 0, 0, 30

    layer, x = weights_of(keras.layers.GRU, edit=open_reset_gate, reset_after=False)
    full = cells.GRUWeights.from_keras(layer)
    weights = cells.GRUWeights(full.candidate, full.update)
    [h] = cells.unroll(lambda x_t, h: cells.gru_step(x_t, h, weights, "simplified"), x, blank(5, 4))
    np.testing.assert_allclose(h, layer(x)[0], atol=1e-5)


def test_the_update_gate_holds_or_overwrites():
    rng = np.random.default_rng(2)
    candidate = cells.Affine(rng.normal(size=(3, 4)), rng.normal(size=(4, 4)), rng.normal(size=4))
    x_t, h = rng.normal(size=(5, 3)), rng.normal(size=(5, 4))
    for bias, expected in ((-40, h), (40, np.tanh(candidate(x_t, h)))):
        update = cells.Affine(np.zeros((3, 4)), np.zeros((4, 4)), np.full(4, bias))
        step = cells.gru_step(x_t, h, cells.GRUWeights(candidate, update), "simplified")
        np.testing.assert_allclose(step, expected, atol=1e-12)


# ----------------------------------------------------------------------------------------------- gates and helpers


def test_sigmoid_equals_its_definition_keeps_the_type_and_never_overflows():
    a = np.linspace(-30, 30, 601)
    np.testing.assert_allclose(cells.sigmoid(a), 1 / (1 + np.exp(-a)), atol=1e-15)
    with np.errstate(all="raise"):
        assert cells.sigmoid(np.array([-1e4, 0, 1e4])).tolist() == [0, 0.5, 1]
    assert cells.sigmoid(np.float32([1, 2])).dtype == np.float32


def test_negated_weights_turn_a_gate_into_one_minus_itself():
    rng = np.random.default_rng(3)
    gate = cells.Affine(rng.normal(size=(3, 4)), rng.normal(size=(4, 4)), rng.normal(size=4))
    x_t, h = rng.normal(size=(5, 3)), rng.normal(size=(5, 4))
    both_gates = cells.sigmoid(gate(x_t, h)) + cells.sigmoid(gate.negated()(x_t, h))
    np.testing.assert_allclose(both_gates, 1, atol=1e-12)


@pytest.mark.parametrize("forgetting", cells.FORGETTING)
def test_the_gates_are_those_of_the_step(forgetting):
    layer, rng = built(keras.layers.LSTM, 3, 4, seed=4)
    weights = cells.LSTMWeights.from_keras(layer)
    x_t, h, c = rng.normal(size=(5, 3)), rng.normal(size=(5, 4)), rng.normal(size=(5, 4))
    gates = cells.lstm_gates(x_t, h, weights, forgetting)
    h_t, c_t = cells.lstm_step(x_t, h, c, weights, forgetting)
    np.testing.assert_allclose(c_t, gates.forget * c + gates.input * gates.candidate)
    np.testing.assert_allclose(h_t, gates.output * np.tanh(c_t))
    assert all(gate.shape == (5, 4) for gate in gates)


def test_the_gates_of_a_gru_are_those_of_the_step():
    layer, rng = built(keras.layers.GRU, 3, 4, seed=4)
    weights, x_t, h = cells.GRUWeights.from_keras(layer), rng.normal(size=(5, 3)), rng.normal(size=(5, 4))
    u, reset, candidate = cells.gru_gates(x_t, h, weights, "reset_after")
    np.testing.assert_allclose(cells.gru_step(x_t, h, weights, "reset_after"), h + u * (candidate - h), atol=1e-12)
    assert ((reset > 0) & (reset < 1)).all()
    bare = cells.GRUWeights(weights.candidate, weights.update)
    assert cells.gru_gates(x_t, h, bare, "simplified").reset is None


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_type_of_the_arguments_is_kept(dtype):
    layer, rng = built(keras.layers.LSTM, 3, 4, seed=5, dtype=dtype)
    gru, _ = built(keras.layers.GRU, 3, 4, seed=5, dtype=dtype)
    x_t, h = rng.normal(size=(5, 3)).astype(dtype), rng.normal(size=(5, 4)).astype(dtype)
    states = cells.lstm_step(x_t, h, h, cells.LSTMWeights.from_keras(layer))
    states += (cells.gru_step(x_t, h, cells.GRUWeights.from_keras(gru), "reset_after"),)
    assert {(s.shape, s.dtype) for s in states} == {((5, 4), np.dtype(dtype))}


def test_the_weights_are_copies_and_a_step_changes_no_argument():
    layer, rng = built(keras.layers.LSTM, 3, 4, seed=6)
    weights, before = cells.LSTMWeights.from_keras(layer), layer.get_weights()
    x_t, h, c = rng.normal(size=(5, 3)), rng.normal(size=(5, 4)), rng.normal(size=(5, 4))
    kept = x_t.copy(), h.copy(), c.copy()
    first = cells.lstm_step(x_t, h, c, weights)
    assert all(np.array_equal(a, b) for a, b in zip((x_t, h, c), kept))
    layer.set_weights([0 * w for w in before])
    np.testing.assert_array_equal(first, cells.lstm_step(x_t, h, c, weights))


def test_unroll_adds_up():
    x = np.arange(12.0).reshape(2, 3, 2)
    total, count = cells.unroll(lambda x_t, s, n: (s + x_t, n + 1), x, np.zeros((2, 2)), np.zeros((2, 1)))
    np.testing.assert_array_equal(total, x.cumsum(axis=1))
    assert count[:, :, 0].tolist() == [[1, 2, 3]] * 2


# ------------------------------------------------------------------------------------------------------- bad input


def test_an_unbuilt_layer_says_what_to_do():
    for kind, make in (
        (keras.layers.GRU, cells.GRUWeights),
        (keras.layers.LSTM, cells.LSTMWeights),
    ):
        with pytest.raises(ValueError, match=r"no weights yet; call it, or layer\.build"):
            make.from_keras(kind(3))


def test_another_class_of_layer_is_refused_by_name():
    gru, _ = built(keras.layers.GRU, 3, 4, seed=0)
    with pytest.raises(TypeError, match=r"got GRU; expected a layer of class keras\.layers\.LSTM"):
        cells.LSTMWeights.from_keras(gru)
    with pytest.raises(TypeError, match="got list; expected a layer"):
        cells.GRUWeights.from_keras(gru.get_weights())


@pytest.mark.parametrize(
    ("kind", "make", "options", "words"),
    [
        (keras.layers.LSTM, cells.LSTMWeights, {"activation": None}, "activation 'linear'.*'tanh' only"),
        (
            keras.layers.GRU,
            cells.GRUWeights,
            {"recurrent_activation": "hard_sigmoid"},
            "recurrent_activation 'hard_sigmoid'.*'sigmoid' only",
        ),
    ],
)
def test_other_activations_are_refused_by_name(kind, make, options, words):
    with pytest.raises(ValueError, match=words):
        make.from_keras(built(kind, 3, 4, seed=0, **options)[0])


def gru_weights(reset_after=True):
    return cells.GRUWeights.from_keras(built(keras.layers.GRU, 3, 4, seed=0, reset_after=reset_after)[0])


def test_a_gru_variant_that_does_not_fit_its_weights_is_refused():
    x_t, h = blank(5, 3), blank(5, 4)
    after, before = gru_weights(True), gru_weights(False)
    with pytest.raises(ValueError, match="those of 'reset_after', not 'full'"):
        cells.gru_step(x_t, h, after, "full")
    with pytest.raises(ValueError, match="those of 'reset_after', not 'simplified'"):
        cells.gru_step(x_t, h, after, "simplified")
    with pytest.raises(ValueError, match="weights of variant 'full'"):
        cells.gru_step(x_t, h, before, "reset_after")
    with pytest.raises(ValueError, match="needs a reset gate"):
        cells.gru_step(x_t, h, cells.GRUWeights(before.candidate, before.update), "full")
    with pytest.raises(ValueError, match=r"variant is 'new'; expected one of"):
        cells.gru_step(x_t, h, before, "new")


def test_an_lstm_without_its_forget_gate_is_refused_unless_told_how_to_forget():
    weights = cells.LSTMWeights.from_keras(built(keras.layers.LSTM, 3, 4, seed=0)[0])
    old = cells.LSTMWeights(weights.input, weights.candidate, weights.output)
    x_t, h = blank(5, 3), blank(5, 4)
    with pytest.raises(ValueError, match="no forget gate; use forgetting='none' or 'coupled'"):
        cells.lstm_step(x_t, h, h, old)
    for forgetting in ("none", "coupled"):
        for old_way, new_way in zip(
            cells.lstm_step(x_t, h, h, old, forgetting), cells.lstm_step(x_t, h, h, weights, forgetting)
        ):
            np.testing.assert_array_equal(old_way, new_way)
    with pytest.raises(ValueError, match="forgetting is 'never'"):
        cells.lstm_step(x_t, h, h, old, "never")


def test_shapes_that_do_not_fit_are_named():
    weights = gru_weights(False)
    with pytest.raises(ValueError, match=r"x_t has shape \(5, 2\); expected \(batch, 3\)"):
        cells.gru_step(blank(5, 2), blank(5, 4), weights)
    with pytest.raises(ValueError, match=r"x_t has shape \(5, 6, 3\)"):
        cells.gru_step(blank(5, 6, 3), blank(5, 4), weights)
    with pytest.raises(ValueError, match=r"h has shape \(4,\); expected \(5, 4\)"):
        cells.gru_step(blank(5, 3), blank(4), weights)
    lstm = cells.LSTMWeights.from_keras(built(keras.layers.LSTM, 3, 4, seed=0)[0])
    with pytest.raises(ValueError, match=r"c has shape \(2, 4\); expected \(5, 4\)"):
        cells.lstm_step(blank(5, 3), blank(5, 4), blank(2, 4), lstm)
    with pytest.raises(ValueError, match=r"h has shape \(5, 3\); expected \(5, 4\)"):
        cells.lstm_step(blank(5, 3), blank(5, 3), blank(5, 4), lstm)


def test_weights_whose_parts_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"W_x \(3, 4\), W_h \(3, 4\), b \(4,\)"):
        cells.Affine(blank(3, 4), blank(3, 4), blank(4))
    for shapes in (((3, 5), (4, 4), (4,)), ((4,), (4, 4), (4,)), ((0, 4), (4, 4), (4,)), ((3, 0), (0, 0), (0,))):
        with pytest.raises(ValueError, match=r"expected \(features, units\), \(units, units\) and \(units,\)"):
            cells.Affine(*map(np.zeros, shapes))
    small = cells.Affine(blank(3, 4), blank(4, 4), blank(4))
    large = cells.Affine(blank(3, 5), blank(5, 5), blank(5))
    with pytest.raises(ValueError, match="the parts differ"):
        cells.GRUWeights(small, large)
    with pytest.raises(ValueError, match=r"b_hh has shape \(5,\)"):
        cells.GRUWeights(small, small, small, blank(5))
    with pytest.raises(TypeError, match="output is ndarray; expected Affine"):
        cells.LSTMWeights(small, small, blank(3, 4))


def test_other_weights_and_entries_that_are_no_numbers_are_refused():
    with pytest.raises(TypeError, match="weights are GRUWeights; expected LSTMWeights"):
        cells.lstm_step(blank(5, 3), blank(5, 4), blank(5, 4), gru_weights())
    with pytest.raises(TypeError, match="x_t holds entries of type <U3"):
        cells.gru_step(np.array([["cat"] * 3]), blank(1, 4), gru_weights(), "reset_after")


def test_a_layer_in_bfloat16_is_read():
    """Its numbers are a type that NumPy does not know; in float32 they are exact."""
    rough = {"dtype": "bfloat16", "recurrent_initializer": "glorot_uniform"}  # no QR in bfloat16
    layer, rng = built(keras.layers.LSTM, 3, 4, seed=5, **rough)
    weights = cells.LSTMWeights.from_keras(layer)
    assert weights.input.W_x.dtype == np.float32
    x_t, h = rng.normal(size=(5, 3)).astype("float32"), np.zeros((5, 4), "float32")
    same, _ = built(keras.layers.LSTM, 3, 4, seed=5)
    same.set_weights([np.asarray(w, "float32") for w in layer.get_weights()])
    expected = keras.ops.convert_to_numpy(same(x_t[:, None], initial_state=[h, h])[1])
    np.testing.assert_allclose(cells.lstm_step(x_t, h, h, weights)[0], expected, atol=1e-5)


def test_unroll_refuses_a_step_that_loses_a_state():
    with pytest.raises(ValueError, match="step returned 1 states; expected 2"):
        cells.unroll(lambda x_t, h, c: h, np.zeros((2, 3, 1)), np.zeros((2, 1)), np.zeros((2, 1)))


@pytest.mark.parametrize("shape", [(2, 3), (2, 0, 3)])
def test_unroll_refuses_what_is_no_sequence(shape):
    with pytest.raises(ValueError, match=r"expected x \(batch, time, features\)"):
        cells.unroll(lambda x_t, h: h, np.zeros(shape), np.zeros((2, 1)))
    with pytest.raises(ValueError, match="and states"):
        cells.unroll(lambda x_t: x_t, np.zeros((2, 3, 1)))
