"""Gradients against finite differences, Keras and a sum over explicit terms; randomised truncation against its mean.

The brute force follows the lecture: TensorFlow computes what one loss says about one *use* of the weights, term by
term, and the test adds up the terms that a truncation keeps. No line of it is shared with `utils.bptt`.
"""

import keras
import ml_dtypes
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from utils import bptt
from utils.bptt import Weights, loss_and_gradients
from utils.streams import text_streams


def example(seed=0, batch_size=3, num_steps=6, num_features=3, num_units=4, vocab_size=5, radius=1.1):
    """Weights with biases, inputs, targets and a first state."""
    rng = np.random.default_rng(seed)
    weights = Weights.random(num_features, num_units, vocab_size, rng, radius)
    b_h, b_q = rng.normal(size=num_units) / 5, rng.normal(size=vocab_size) / 5
    weights = Weights(weights.W_xh, weights.W_hh, b_h, weights.W_hq, b_q)
    inputs = rng.normal(size=(batch_size, num_steps, num_features))
    targets = rng.integers(0, vocab_size, size=(batch_size, num_steps))
    return weights, inputs, targets, rng.normal(size=(batch_size, num_units)) / 2


def from_flat(vector, like):
    """Return weights of the form of `like` with the entries of one long vector."""
    pieces = np.split(vector, np.cumsum([array.size for array in like])[:-1])
    return Weights(*(piece.reshape(array.shape) for piece, array in zip(pieces, like)))


def terms(weights, inputs, targets, h0):
    """Return the loss and the gradient of each term: (time t, time i, batch, all weights).

    Term (t, i) is what the loss of step t in one sequence says about the copy of the weights used at step i. The
    output weights of step t are term (t, t).
    """
    batch_size, num_steps = targets.shape
    out = np.zeros((num_steps, num_steps, batch_size, weights.flat().size))
    total = 0.0
    for b in range(batch_size):
        copies = [[tf.constant(w) for w in weights] for _ in range(num_steps)]
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(copies)
            h, losses = tf.constant(h0[b : b + 1]), []
            for t, (W_xh, W_hh, b_h, W_hq, b_q) in enumerate(copies):
                h = tf.tanh(inputs[b : b + 1, t] @ W_xh + h @ W_hh + b_h)
                logits = h @ W_hq + b_q
                losses.append(tf.nn.sparse_softmax_cross_entropy_with_logits(targets[b, t : t + 1], logits)[0])
        for t, loss in enumerate(losses):
            total += float(loss) / targets.size
            for i in range(t + 1):
                pieces = tape.gradient(loss, copies[i], unconnected_gradients="zero")
                out[t, i, b] = np.concatenate([np.ravel(piece) for piece in pieces]) / targets.size
    return total, out


@pytest.fixture(scope="module")
def small():
    """An example with all of its terms: (arguments, loss, terms)."""
    arguments = example()
    return (arguments, *terms(*arguments))


# ------------------------------------------------------------------------------------------------- the full gradient


def test_the_full_gradient_is_that_of_finite_differences():
    weights, inputs, targets, h0 = example(batch_size=2, num_steps=9)
    _, gradients = loss_and_gradients(weights, inputs, targets, h0)
    flat, eps = weights.flat(), 1e-5
    for k, expected in enumerate(gradients.flat()):
        step = eps * np.eye(flat.size)[k]
        up, down = (loss_and_gradients(from_flat(flat + s, weights), inputs, targets, h0)[0] for s in (step, -step))
        assert abs((up - down) / (2 * eps) - expected) < 1e-6 * max(1, abs(expected)), f"entry {k}"


@settings(max_examples=8, deadline=None)
@given(
    st.integers(0, 2**31),
    st.integers(1, 4),
    st.integers(1, 12),
    st.integers(1, 5),
    st.integers(1, 6),
    st.integers(2, 7),
)
def test_the_full_gradient_is_that_of_keras(seed, batch_size, num_steps, num_features, num_units, vocab_size):
    _, inputs, targets, h0 = example(seed, batch_size, num_steps, num_features, num_units, vocab_size)
    keras.utils.set_random_seed(seed)
    rnn = keras.layers.SimpleRNN(num_units, return_sequences=True, bias_initializer="random_normal")
    dense = keras.layers.Dense(vocab_size, bias_initializer="random_normal")
    with tf.GradientTape() as tape:
        logits = dense(rnn(inputs.astype("float32"), initial_state=tf.constant(h0, tf.float32)))
        keras_loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits))
    expected = tape.gradient(keras_loss, [*rnn.trainable_variables, *dense.trainable_variables])
    weights = Weights.from_keras(rnn, dense)
    loss, gradients, h_last = loss_and_gradients(weights, inputs, targets, h0, return_state=True)
    assert gradients.W_hh.dtype == np.float32, "computed in the type of the weights"
    np.testing.assert_allclose(loss, float(keras_loss), rtol=1e-5)
    for ours, theirs in zip(gradients, expected):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
    np.testing.assert_allclose(
        h_last, rnn(inputs.astype("float32"), initial_state=h0.astype("float32"))[:, -1], atol=1e-5
    )


def test_loss_and_full_gradient_are_the_sum_of_all_terms(small):
    arguments, loss, parts = small
    ours, gradients, h_last = loss_and_gradients(*arguments, return_state=True)
    assert np.isclose(ours, loss, rtol=1e-12)
    np.testing.assert_allclose(gradients.flat(), parts.sum(axis=(0, 1, 2)), atol=1e-12)
    np.testing.assert_array_equal(h_last, bptt.forward(arguments[0], arguments[1], arguments[3])[0][:, -1])


def test_whole_numbers_stand_for_one_hot_rows_and_no_h0_for_zeros():
    weights, _, targets, _ = example(num_features=5)
    one_hot = np.eye(5)[targets]
    by_number, by_row = loss_and_gradients(weights, targets, targets), loss_and_gradients(weights, one_hot, targets)
    with_zeros = loss_and_gradients(weights, one_hot, targets, np.zeros((3, 4)))
    assert by_number[0] == by_row[0] == with_zeros[0]
    np.testing.assert_array_equal(by_number[1].flat(), by_row[1].flat())
    np.testing.assert_array_equal(by_number[1].flat(), with_zeros[1].flat())


def test_a_large_logit_does_not_overflow():
    weights, inputs, targets, h0 = example()
    loud = Weights(*list(weights)[:3], 1e4 * weights.W_hq, weights.b_q)
    loss, gradients = loss_and_gradients(loud, inputs, targets, h0)
    assert np.isfinite(loss) and np.isfinite(gradients.flat()).all()


# ------------------------------------------------------------------------------------------------------- truncations


@pytest.mark.parametrize("tau", [1, 2, 3, 5, np.int64(4)])
def test_a_truncated_gradient_is_the_sum_of_the_terms_at_most_tau_steps_long(small, tau):
    arguments, loss, parts = small
    t, i = np.indices(parts.shape[:2])
    ours, gradients = loss_and_gradients(*arguments, truncation=tau)
    assert np.isclose(ours, loss, rtol=1e-12)
    np.testing.assert_allclose(gradients.flat(), parts[t - i < tau].sum(axis=(0, 1)), atol=1e-12)


@pytest.mark.parametrize("tau", [1, 2, 4])
def test_a_truncated_gradient_is_that_of_a_stopped_tape(tau):
    weights, inputs, targets, h0 = example(batch_size=2)
    variables = [tf.constant(w) for w in weights]
    states = [h0, *np.moveaxis(bptt.forward(weights, inputs, h0)[0], 1, 0)]
    with tf.GradientTape() as tape:
        tape.watch(variables)
        W_xh, W_hh, b_h, W_hq, b_q = variables
        losses = []
        for t in range(targets.shape[1]):
            h = tf.stop_gradient(tf.constant(states[max(0, t - tau + 1)]))  # the state from which this loss looks back
            for i in range(max(0, t - tau + 1), t + 1):
                h = tf.tanh(inputs[:, i] @ W_xh + h @ W_hh + b_h)
            losses.append(tf.nn.sparse_softmax_cross_entropy_with_logits(targets[:, t], h @ W_hq + b_q))
        mean = tf.reduce_mean(tf.stack(losses))
    _, gradients = loss_and_gradients(weights, inputs, targets, h0, truncation=tau)
    for ours, expected in zip(gradients, tape.gradient(mean, variables)):
        np.testing.assert_allclose(ours, expected, atol=1e-12)


@pytest.mark.parametrize("truncation", [6, 7, 1000, 1.0, np.ones(6)])
def test_what_cuts_nothing_gives_the_full_gradient_exactly(small, truncation):
    arguments, _, _ = small
    full = loss_and_gradients(*arguments)[1]
    same = loss_and_gradients(*arguments, truncation=truncation, rng=np.random.default_rng(0))[1]
    np.testing.assert_array_equal(same.flat(), full.flat())


@pytest.mark.parametrize("pi", [0.3, 0.8, np.float32(0.5), np.array([0.5, 1.0, 0.9, 0.2, 0.6, 0.7])])
def test_a_randomised_gradient_is_the_weighted_sum_of_the_terms(small, pi):
    arguments, loss, parts = small
    num_steps, _, batch_size, _ = parts.shape
    xi = bptt.draw_xi(pi, batch_size, num_steps, np.random.default_rng(5))
    expected = 0.0
    for b in range(batch_size):
        for t in range(num_steps):
            for i in range(t + 1):
                expected = expected + np.prod(xi[b, i + 1 : t + 1]) * parts[t, i, b]
    ours, gradients = loss_and_gradients(*arguments, truncation=pi, rng=np.random.default_rng(5))
    assert np.isclose(ours, loss, rtol=1e-12)
    np.testing.assert_allclose(gradients.flat(), expected, atol=1e-12)


def test_chunks_are_the_terms_inside_blocks(small):
    (weights, inputs, targets, h), _, parts = small
    t, i = np.indices(parts.shape[:2])
    chunked = 0.0
    for start in (0, 2, 4):
        piece = slice(start, start + 2)
        _, gradients, h = loss_and_gradients(weights, inputs[:, piece], targets[:, piece], h, return_state=True)
        chunked = chunked + gradients.flat() / 3
    np.testing.assert_allclose(chunked, parts[(t // 2 == i // 2) & (i <= t)].sum(axis=(0, 1)), atol=1e-12)


# ------------------------------------------------------------------------------------------- unbiased, and not by luck


def test_xi_is_0_or_1_over_pi_with_mean_1():
    pi = np.array([0.25, 0.5, 1.0])
    xi = bptt.draw_xi(pi, 40_000, 3, np.random.default_rng(0))
    for p, column in zip(pi, xi.T):
        assert set(np.unique(column)) == ({0.0, 1 / p} if p < 1 else {1.0})
        survived = stats.binomtest(int((column > 0).sum()), column.size, p)
        assert survived.pvalue > 1e-3
    correlation = np.corrcoef(xi[:, 0], xi[:, 1])[0, 1]
    assert abs(correlation) < 4 / np.sqrt(len(xi)), "the steps draw independently"


def p_value_of_the_mean(samples, mean):
    """Return the p-value of "these samples (n, k) have this mean (k,)", jointly over all components: Hotelling's T^2.

    Components that never vary (the output weights, h0 = 0 at the first step) or depend linearly on others have no
    place in a covariance that has to be inverted. So the test looks along the directions in which the samples do vary,
    and in all others it asks for equality up to rounding: there, one draw is as good as the mean.
    """
    deviation = samples.mean(axis=0) - mean
    _, sizes, directions = np.linalg.svd(samples - samples.mean(axis=0), full_matrices=False)
    directions = directions[sizes > 1e-9 * sizes[0]]
    rest = deviation - directions.T @ (directions @ deviation)
    if np.abs(rest).max() > 1e-9 * np.abs(mean).max():
        return 0.0
    n, k = len(samples), len(directions)
    z = samples @ directions.T
    t2 = n * (directions @ deviation) @ np.linalg.solve(np.atleast_2d(np.cov(z.T)), directions @ deviation)
    return float(stats.f.sf(t2 * (n - k) / (k * (n - 1)), k, n - k))


def randomised_means(arguments, pi):
    """Return 400 means of 50 gradients each, 20,000 draws of xi: a batch of 50 copies of one sequence."""
    weights, *rest = arguments
    copies = [np.repeat(array, 50, axis=0) for array in rest]
    rng = np.random.default_rng(7)
    return np.array([loss_and_gradients(weights, *copies, truncation=pi, rng=rng)[1].flat() for _ in range(400)])


ONE = {"batch_size": 1, "num_steps": 7, "num_features": 2, "num_units": 2, "vocab_size": 3}


@pytest.mark.parametrize("pi", [0.5, 0.8])
def test_the_randomised_gradient_is_unbiased_and_the_truncated_one_is_not(pi):
    arguments = example(**ONE)
    full = loss_and_gradients(*arguments)[1].flat()
    samples = randomised_means(arguments, pi)
    assert p_value_of_the_mean(samples, full) > 1e-3
    for tau in (1, 2, 3):
        truncated = loss_and_gradients(*arguments, truncation=tau)[1].flat()
        assert p_value_of_the_mean(samples, truncated) < 1e-3, f"the test cannot tell tau = {tau} from the mean"


def test_forgetting_the_factor_would_be_noticed(monkeypatch):
    arguments = example(**ONE)
    full = loss_and_gradients(*arguments)[1].flat()
    monkeypatch.setattr(bptt, "draw_xi", lambda pi, b, t, rng: (rng.random((b, t)) < pi).astype(float))
    assert p_value_of_the_mean(randomised_means(arguments, 0.8), full) < 1e-3


def test_the_test_of_the_mean_rejects_as_often_as_it_says():
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(3, 6))  # six components of rank three
    p = [p_value_of_the_mean(rng.normal(size=(60, 3)) @ mixing + 1, np.ones(6)) for _ in range(500)]
    assert stats.binomtest(int(np.sum(np.less(p, 0.1))), len(p), 0.1).pvalue > 1e-3


# -------------------------------------------------------------------------------------------------- weights and errors


def test_random_weights_have_the_radius_and_the_shapes():
    weights = Weights.random(7, 5, 3, np.random.default_rng(0), radius=0.7)
    np.testing.assert_allclose(weights.W_hh @ weights.W_hh.T, 0.49 * np.eye(5), atol=1e-12)
    assert [w.shape for w in weights] == [(7, 5), (5, 5), (5,), (5, 3), (3,)]
    assert weights.flat().size == 35 + 25 + 5 + 15 + 3 and weights.flat()[0] == weights.W_xh[0, 0]
    again = Weights.random(7, 5, 3, np.random.default_rng(0), radius=0.7)
    np.testing.assert_array_equal(weights.flat(), again.flat())


def test_from_keras_without_biases_and_with_a_softmax():
    rnn, dense = keras.layers.SimpleRNN(4, use_bias=False), keras.layers.Dense(3, activation="softmax", use_bias=False)
    dense(rnn(np.zeros((1, 2, 5))))
    weights = Weights.from_keras(rnn, dense)
    np.testing.assert_array_equal(weights.b_h, np.zeros(4))
    np.testing.assert_array_equal(weights.b_q, np.zeros(3))


def test_from_keras_says_which_layer_does_not_fit():
    dense = keras.layers.Dense(3)
    with pytest.raises(ValueError, match="not built"):
        Weights.from_keras(keras.layers.SimpleRNN(4), dense)
    with pytest.raises(ValueError, match="activation 'relu'"):
        Weights.from_keras(keras.layers.SimpleRNN(4, activation="relu"), dense)
    with pytest.raises(TypeError, match="LSTM"):
        Weights.from_keras(keras.layers.LSTM(4), dense)
    backwards = keras.layers.SimpleRNN(4, go_backwards=True)
    dense(backwards(np.zeros((1, 2, 5))))
    with pytest.raises(ValueError, match="backwards"):
        Weights.from_keras(backwards, dense)


RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"truncation": True}, TypeError, "True"),
        ({"truncation": np.bool_(False)}, TypeError, "False"),
        ({"truncation": "5"}, TypeError, "'5'"),
        ({"truncation": [1, 2, 3, 1, 1, 1]}, TypeError, "array of floats"),
        ({"truncation": 0}, ValueError, "at least 1"),
        ({"truncation": -3}, ValueError, "at least 1"),
        ({"truncation": 0.0, "rng": RNG}, ValueError, "above 0"),
        ({"truncation": 1.5, "rng": RNG}, ValueError, "at most at 1"),
        ({"truncation": -0.1, "rng": RNG}, ValueError, "above 0"),
        ({"truncation": float("nan"), "rng": RNG}, ValueError, "above 0"),
        ({"truncation": np.full(5, 0.5), "rng": RNG}, ValueError, "each of 6 steps"),
        ({"truncation": 0.5}, TypeError, "default_rng"),
        ({"truncation": 0.5, "rng": 42}, TypeError, "rng is 42; expected a numpy.random.Generator"),
        ({"inputs": np.zeros((3, 6, 2))}, ValueError, r"\(batch, time, 3\)"),
        ({"inputs": np.zeros((3, 0, 3))}, ValueError, "one step"),
        ({"inputs": np.full((3, 6, 3), np.nan)}, ValueError, "inputs hold NaN"),
        ({"inputs": np.full((3, 6), 3)}, ValueError, "from 0 to 2"),
        ({"inputs": np.full((3, 6, 3), "a")}, TypeError, "real numbers"),
        ({"targets": np.zeros((3, 5), int)}, ValueError, r"\(3, 6\)"),
        ({"targets": np.zeros((3, 6))}, ValueError, "whole numbers"),
        ({"targets": np.full((3, 6), 5)}, ValueError, "from 0 to 4"),
        ({"targets": np.full((3, 6), -1)}, ValueError, "from 0 to 4"),
        ({"h0": np.zeros((1, 4))}, ValueError, r"\(3, 4\)"),
        ({"h0": np.full((3, 4), np.inf)}, ValueError, "h0 hold NaN or infinite"),
    ],
)
def test_bad_arguments_are_named(change, error, message):
    weights, inputs, targets, h0 = example()
    arguments = {"inputs": inputs, "targets": targets, "h0": h0, **change}
    with pytest.raises(error, match=message):
        loss_and_gradients(weights, **arguments)


def test_bad_weights_are_named():
    weights = example()[0]
    with pytest.raises(ValueError, match=r"W_hh \(4, 3\)"):
        Weights(weights.W_xh, weights.W_hh[:, :3], weights.b_h, weights.W_hq, weights.b_q)
    with pytest.raises(ValueError, match="b_q holds NaN"):
        Weights(*list(weights)[:4], np.nan * weights.b_q)
    with pytest.raises(TypeError, match="W_xh holds entries of type complex128; expected real numbers"):
        Weights(1j * weights.W_xh, *list(weights)[1:])
    with pytest.raises(ValueError, match="num_units is 0"):
        Weights.random(3, 0, 4, RNG)
    for radius in (-1, np.inf, np.nan):
        with pytest.raises(ValueError, match=f"radius is {radius}; expected a finite number, 0 or more"):
            Weights.random(3, 2, 4, RNG, radius=radius)
    with pytest.raises(TypeError, match=r"vocab_size is 4\.0; expected a whole number"):
        Weights.random(3, 2, 4.0, RNG)
    with pytest.raises(TypeError, match=r"rng is 42; expected a numpy\.random\.Generator"):
        Weights.random(3, 2, 4, 42)


def test_weights_in_bfloat16_are_computed_in_float32():
    weights, inputs, targets, h0 = example()
    rough = Weights(*(w.astype(ml_dtypes.bfloat16) for w in weights))
    assert {w.dtype for w in rough} == {np.dtype("float32")}
    same = Weights(*(w.astype(ml_dtypes.bfloat16).astype("float64") for w in weights))
    assert loss_and_gradients(rough, inputs, targets, h0)[0] == pytest.approx(
        loss_and_gradients(same, inputs, targets, h0)[0], rel=1e-5
    )


# ------------------------------------------------------------------------------ the lecture's loop, one column a step


def column_step(w, chunk, follows, h):
    """The lecture's loss function, written out: columns, one step at a time, losses added up; own gradients."""
    (W_xh, W_hh, b_h, W_hy, b_y), vocab = w, len(w[4])
    xs, hs, ps, loss = [], [h], [], 0.0
    for read, target in zip(chunk, follows):
        xs.append(np.eye(vocab)[:, [read]])
        hs.append(np.tanh(W_xh @ xs[-1] + W_hh @ hs[-1] + b_h))
        odds = np.exp(W_hy @ hs[-1] + b_y)
        ps.append(odds / odds.sum())
        loss -= np.log(ps[-1][target, 0])
    slopes, later = [np.zeros_like(array) for array in w], np.zeros_like(h)
    for t in range(len(chunk) - 1, -1, -1):
        wrong = ps[t].copy()
        wrong[follows[t]] -= 1
        inner = (1 - hs[t + 1] ** 2) * (W_hy.T @ wrong + later)
        later = W_hh.T @ inner
        for slope, more in zip(slopes, (inner @ xs[t].T, inner @ hs[t].T, inner, wrong @ hs[t + 1].T, wrong)):
            slope += more
    return loss, slopes, hs[-1]


def test_one_stream_is_the_lectures_loop():
    """min-char-rnn, its last lines mended, against `loss_and_gradients` on a stream: 70 updates, two readings."""
    rng, vocab, units, steps = np.random.default_rng(3), 6, 9, 25
    text = rng.integers(vocab, size=40 * steps + 7)
    rows = Weights(
        rng.normal(size=(vocab, units)) * 0.01,
        rng.normal(size=(units, units)) * 0.01,
        np.zeros(units),
        rng.normal(size=(units, vocab)) * 0.01,
        np.zeros(vocab),
    )
    columns = [array.T.copy() if array.ndim == 2 else array[:, None].copy() for array in rows]
    memories = [[np.zeros_like(array) for array in arrays] for arrays in (columns, rows)]
    inputs, targets = text_streams(text, 1, steps)
    p, clipped, state = 0, 0, None
    for n in range(70):
        if n == 0 or p + steps + 1 >= len(text):
            p, h = 0, np.zeros((units, 1))
        loss, slopes, h = column_step(columns, text[p : p + steps], text[p + 1 : p + steps + 1], h)
        p += steps

        k = n % len(inputs)
        state = None if k == 0 else state
        mean_loss, gradients, state = bptt.loss_and_gradients(rows, inputs[k], targets[k], state, return_state=True)
        assert np.isclose(steps * mean_loss, loss, rtol=1e-9)
        np.testing.assert_allclose(state[0], h[:, 0], atol=1e-9)
        by_row = [np.clip(steps * gradient, -1, 1) for gradient in gradients]
        by_column = [np.clip(slope, -1, 1) for slope in slopes]
        clipped += sum((np.abs(slope) == 1).sum() for slope in by_column)
        for arrays, steps_of, memory in ((columns, by_column, memories[0]), (rows, by_row, memories[1])):
            for array, gradient, mem in zip(arrays, steps_of, memory):
                mem += gradient * gradient
                array -= 0.1 * gradient / np.sqrt(mem + 1e-8)
    assert clipped > 0 and len(inputs) == 40  # the clip acted, and the pointer went back once
    for column, row in zip(columns, rows):
        np.testing.assert_allclose(column.T if row.ndim == 2 else column[:, 0], row, atol=1e-7)
