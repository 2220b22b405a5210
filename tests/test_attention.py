"""The layer against NumPy, against Keras, against the lecture's construction, on every backend that is installed."""

import importlib.util
import inspect
import os
import re
import runpy
import subprocess
import sys

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from utils import COURSE_ROOT
from utils.attention import AdditiveAttention

forty = settings(max_examples=40, deadline=None, derandomize=True)
sizes = st.fixed_dictionaries(
    {
        "batch": st.integers(1, 4),
        "time": st.integers(1, 6),
        "steps": st.integers(0, 4),  # 0: a single query without the axis of steps
        "features": st.integers(1, 5),
        "query_features": st.integers(1, 5),
        "units": st.integers(1, 7),
        "energy_activation": st.sampled_from([None, "relu", "tanh"]),
        "use_bias": st.booleans(),
        "energy_bias": st.booleans(),
        "masked": st.booleans(),
        "seed": st.integers(0, 2**31),
    }
)
OPTIONS = ("units", "energy_activation", "use_bias", "energy_bias")


def built(query_features, features, seed=0, **options):
    """Return a layer with random weights, biases included, so that none could be left out unseen."""
    layer = AdditiveAttention(**options)
    layer.build((None, query_features), (None, None, features))
    rng = np.random.default_rng(seed)
    layer.set_weights([rng.normal(size=w.shape) for w in layer.get_weights()])
    return layer


def arrays(batch, time, features, query_features, steps=0, seed=0):
    """Return a random query and random values."""
    rng = np.random.default_rng(seed)
    query = rng.normal(size=(batch, steps, query_features) if steps else (batch, query_features))
    return query.astype("float32"), rng.normal(size=(batch, time, features)).astype("float32")


def by_hand(layer, query, values, mask=None):
    """The formula in plain loops of float64: one row, one query, one step at a time, copies side by side."""
    weights = iter(np.asarray(w, "float64") for w in layer.get_weights())
    W_v, W_q = next(weights), next(weights)
    b = next(weights) if layer.use_bias else 0.0
    v = next(weights)
    b_e = next(weights) if layer.energy_bias else 0.0
    act = {"relu": lambda e: max(e, 0.0), "tanh": np.tanh, "linear": float}[layer.energy_activation.__name__]
    kernel = np.concatenate([W_v, W_q])
    queries = query if query.ndim == 3 else query[:, None]
    alphas = np.zeros((*queries.shape[:2], values.shape[1]))
    for i, j in np.ndindex(*queries.shape[:2]):
        seen = [t for t in range(values.shape[1]) if mask is None or mask[i, t]]
        pairs = [np.concatenate([values[i, t], queries[i, j]]) for t in seen]
        energies = [act((np.tanh(pair @ kernel + b) @ v + b_e).item()) for pair in pairs]
        total = sum(np.exp(energies))
        for t, e in zip(seen, energies):
            alphas[i, j, t] = np.exp(e) / total
    context = np.einsum("ijt,itf->ijf", alphas, values)
    return (context, alphas) if query.ndim == 3 else (context[:, 0], alphas[:, 0])


def numpy(result):
    return [keras.ops.convert_to_numpy(x) for x in result]


@forty
@given(sizes)
def test_equals_the_formula_in_loops(size):
    options = {name: size[name] for name in OPTIONS}
    layer = built(size["query_features"], size["features"], size["seed"], **options)
    shape = {name: size[name] for name in ("batch", "time", "features", "query_features", "steps", "seed")}
    query, values = arrays(**shape)
    mask = np.random.default_rng(size["seed"]).random((size["batch"], size["time"])) < 0.6 if size["masked"] else None
    context, weights = numpy(layer(query, values, mask=mask, return_weights=True))
    expected_context, expected_weights = by_hand(layer, query, values, mask)
    np.testing.assert_allclose(weights, expected_weights, atol=1e-5)
    np.testing.assert_allclose(context, expected_context, atol=1e-4)
    assert (weights >= 0).all()
    if mask is not None:
        hidden = np.broadcast_to(~mask if not size["steps"] else ~mask[:, None], weights.shape)
        assert (weights[hidden] == 0).all()


@forty
@given(sizes)
def test_one_query_at_a_time_equals_all_at_once(size):
    layer = built(size["query_features"], size["features"], **{name: size[name] for name in OPTIONS})
    query, values = arrays(size["batch"], size["time"], size["features"], size["query_features"], 3, size["seed"])
    context, weights = numpy(layer(query, values, return_weights=True))
    for j in range(3):
        one_context, one_weights = numpy(layer(query[:, j], values, return_weights=True))
        np.testing.assert_allclose(one_weights, weights[:, j], atol=1e-6)
        np.testing.assert_allclose(one_context, context[:, j], atol=1e-5)


# --------------------------------------------------------------------------------------------- two other constructions


def test_equals_keras_where_the_two_coincide():
    """Keras's layer has no kernels: with identities for them and no biases ours is the same function.

    A masked step is left out of what Keras's layer gets, since its own masks fail for several queries in Keras 3.8.
    """
    query, values = arrays(3, 5, features=4, query_features=4, steps=2)
    scale = np.random.default_rng(1).normal(size=4).astype("float32")
    theirs = keras.layers.AdditiveAttention()
    theirs.build([query.shape, values.shape])
    theirs.set_weights([scale])
    ours = AdditiveAttention(4, use_bias=False)
    ours.build(query.shape, values.shape)
    ours.set_weights([np.eye(4), np.eye(4), scale[:, None]])
    for mask in (np.ones((3, 5), bool), np.array([[1, 1, 1, 1, 1], [1, 0, 1, 0, 0], [0, 0, 0, 0, 1]], bool)):
        context, weights = numpy(ours(query, values, mask=mask, return_weights=True))
        for k, kept in enumerate(mask):
            tensors = [keras.ops.convert_to_tensor(x) for x in (query[[k]], values[[k]][:, kept])]
            expected = numpy(theirs(tensors, return_attention_scores=True))
            np.testing.assert_allclose(context[[k]], expected[0], atol=1e-6)
            np.testing.assert_allclose(weights[[k]][:, :, kept], expected[1], atol=1e-6)
            assert np.all(weights[k][:, ~kept] == 0)


def lecture(time):
    """The lecture's five layers, and the layer that should equal them: with the weights that copy its Dense layers."""
    repeat, concatenate = keras.layers.RepeatVector(time), keras.layers.Concatenate(axis=-1)
    inner, outer = keras.layers.Dense(10, activation="tanh"), keras.layers.Dense(1, activation="relu")
    softmax, dot = keras.layers.Softmax(axis=1), keras.layers.Dot(axes=1)

    def one_step_attention(a, s_prev):
        alphas = softmax(outer(inner(concatenate([a, repeat(s_prev)]))))
        return dot([alphas, a]), alphas

    return one_step_attention, inner, outer


@pytest.mark.parametrize("time", [2, 30])
def test_equals_the_lectures_construction(time):
    s_prev, a = arrays(8, time, features=6, query_features=5)
    one_step_attention, inner, outer = lecture(time)
    one_step_attention(a, s_prev)  # builds the two Dense layers
    rng = np.random.default_rng(2)
    for dense in (inner, outer):
        dense.set_weights([rng.normal(size=w.shape) for w in dense.get_weights()])
    context, alphas = numpy(one_step_attention(a, s_prev))
    layer = AdditiveAttention(10, energy_activation="relu", energy_bias=True)
    layer.build(s_prev.shape, a.shape)
    kernel, bias = inner.get_weights()
    layer.set_weights([kernel[:6], kernel[6:], bias, *outer.get_weights()])
    our_context, weights = numpy(layer(s_prev, a, return_weights=True))
    np.testing.assert_allclose(our_context, context[:, 0], atol=1e-5)
    np.testing.assert_allclose(weights, alphas[:, :, 0], atol=1e-6)
    assert layer.count_params() == inner.count_params() + outer.count_params()


def test_a_bias_of_the_energies_matters_only_through_an_activation():
    query, values = arrays(2, 4, 3, 3)
    for activation, same in ((None, True), ("relu", False)):
        layer = built(3, 3, units=5, energy_activation=activation, energy_bias=True)
        *others, b_e = layer.get_weights()
        before = numpy(layer(query, values, return_weights=True))[1]
        layer.set_weights([*others, b_e - 2.0])
        after = numpy(layer(query, values, return_weights=True))[1]
        assert np.allclose(before, after, atol=1e-5) == same


# --------------------------------------------------------------------------------------------------------------- masks


def test_what_stands_at_masked_steps_does_not_matter():
    query, values = arrays(2, 5, 3, 4, steps=2)
    layer = built(4, 3, units=6)
    mask = np.array([[1, 1, 1, 0, 0], [1, 0, 1, 0, 1]])
    other = np.where(mask[:, :, None], values, 1e6).astype("float32")
    for x, y in zip(
        numpy(layer(query, values, mask=mask, return_weights=True)),
        numpy(layer(query, other, mask=mask, return_weights=True)),
    ):
        np.testing.assert_array_equal(x, y)


def test_masked_is_the_same_as_cut_off():
    query, values = arrays(2, 5, 3, 4, steps=2)
    layer = built(4, 3, units=6, energy_activation="relu")
    context, weights = numpy(layer(query, values, mask=np.array([[1, 1, 1, 0, 0]] * 2), return_weights=True))
    short_context, short_weights = numpy(layer(query, values[:, :3], return_weights=True))
    np.testing.assert_allclose(context, short_context, atol=1e-6)
    np.testing.assert_allclose(weights[..., :3], short_weights, atol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16", "float64"])
@pytest.mark.parametrize("size", [1.0, 200.0])
def test_a_row_without_any_step_gives_zeros_and_other_rows_sum_to_one(dtype, size):
    if dtype == "float64" and keras.backend.backend() != "tensorflow":
        pytest.skip("Keras multiplies matrices in float32 on this backend")
    query, values = arrays(3, 4, 3, 4)
    layer = AdditiveAttention(6, dtype=dtype)
    layer.build((None, 4), (None, None, 3))
    rng = np.random.default_rng(0)
    layer.set_weights([size * rng.normal(size=w.shape) for w in layer.get_weights()])
    mask = np.array([[0, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 1]], bool)
    context, weights = layer(query, values, mask=mask, return_weights=True)
    assert keras.backend.standardize_dtype(weights.dtype) == dtype
    context, weights = (keras.ops.convert_to_numpy(keras.ops.cast(x, "float32")) for x in (context, weights))
    assert (weights[0] == 0).all() and (context[0] == 0).all()
    assert np.isfinite(weights).all() and np.isfinite(context).all()
    np.testing.assert_allclose(weights[1:].sum(axis=-1), 1, atol=2e-2 if "16" in dtype else 1e-5)
    assert (weights[1, 2:] == 0).all()


def test_the_mask_of_an_embedding_arrives_by_itself():
    words = np.array([[3, 1, 2, 0, 0], [1, 0, 0, 0, 0]])
    embed = keras.layers.Embedding(5, 4, mask_zero=True)
    layer = AdditiveAttention(3)
    query = np.ones((2, 6), "float32")
    weights = numpy(layer(query, embed(words), return_weights=True))[1]
    assert (weights[words == 0] == 0).all() and (weights[words > 0] > 0).all()
    # And in a functional model, through an LSTM that hands the mask on.
    inputs, asked = keras.Input((None,), dtype="int32"), keras.Input((2, 6))
    values = keras.layers.LSTM(4, return_sequences=True)(embed(inputs))
    context, alphas = layer_model = AdditiveAttention(3)(asked, values, return_weights=True)
    model = keras.Model([inputs, asked], list(layer_model))
    weights = model.predict([words, np.ones((2, 2, 6), "float32")], verbose=0)[1]
    assert context.shape == (None, 2, 4) and alphas.shape == (None, 2, None)
    assert (weights[np.broadcast_to(words[:, None] == 0, weights.shape)] == 0).all()


def test_gradients_are_finite_under_a_full_mask():
    tf = pytest.importorskip("tensorflow")
    if keras.backend.backend() != "tensorflow":
        pytest.skip("uses tf.GradientTape")
    query, values = (tf.constant(x) for x in arrays(2, 4, 3, 4))
    layer = built(4, 3, units=6)
    with tf.GradientTape() as tape:
        tape.watch([query, values])
        J = tf.reduce_sum(layer(query, values, mask=tf.constant([[False] * 4, [True, True, False, False]])) ** 2)
    gradients = [*tape.gradient(J, [query, values])]
    assert all(np.isfinite(g.numpy()).all() for g in gradients)
    assert (gradients[1].numpy()[0] == 0).all() and (gradients[1].numpy()[1, 2:] == 0).all()
    assert np.abs(gradients[1].numpy()[1, :2]).min() > 0


def test_the_context_carries_the_mask_of_the_query():
    words = np.array([[3, 1, 0], [1, 2, 4]])
    queries = keras.layers.Embedding(5, 4, mask_zero=True)(words)
    values = np.ones((2, 6, 3), "float32")
    layer = AdditiveAttention(3)
    context = layer(queries, values, mask=np.ones((2, 6), bool))
    if keras.backend.backend() != "jax":  # whose arrays carry no attributes
        np.testing.assert_array_equal(numpy([context._keras_mask])[0], words > 0)
    assert getattr(layer(queries[:, 0], values), "_keras_mask", None) is None


# ------------------------------------------------------------------------------------------- files, backends and errors

CHECK = """
import keras, numpy as np
from utils.attention import AdditiveAttention

rng = np.random.default_rng(0)
query, values = rng.normal(size=(2, 3, 4)).astype("float32"), rng.normal(size=(2, 5, 6)).astype("float32")
mask = np.array([[1, 1, 1, 1, 0], [0, 0, 0, 0, 0]], bool)
layer = AdditiveAttention(7, energy_activation="relu", energy_bias=True)
layer.build(query.shape, values.shape)
W_v, W_q, b, v, b_e = (rng.normal(size=w.shape).astype("float32") for w in layer.get_weights())
layer.set_weights([W_v, W_q, b, v, b_e])
tensors = [keras.ops.convert_to_tensor(x) for x in (query, values, mask)]
context, weights = (keras.ops.convert_to_numpy(x) for x in layer(*tensors[:2], mask=tensors[2], return_weights=True))
energies = np.maximum((np.tanh((values @ W_v)[:, None] + (query @ W_q)[:, :, None] + b) @ v)[..., 0] + b_e, 0)
alphas = np.where(mask[:, None], np.exp(energies), 0)
alphas = alphas / np.maximum(alphas.sum(axis=-1, keepdims=True), 1e-30)
assert np.allclose(weights, alphas, atol=1e-5), (weights, alphas)
assert np.allclose(context, alphas @ values, atol=1e-5)
assert (weights[1] == 0).all() and (weights[0, :, 4] == 0).all()

asked, read, seen = keras.Input((3, 4)), keras.Input((5, 6)), keras.Input((5,), dtype="bool")
model = keras.Model([asked, read, seen], keras.layers.Dense(1)(AdditiveAttention(7)(asked, read, mask=seen)))
model.compile("adam", "mse")
mask[1, 0] = True
before = [w.copy() for w in model.get_weights()]
loss = model.fit([query, values, mask], np.ones((2, 3, 1)), verbose=0, epochs=2).history["loss"]
assert np.isfinite(loss).all()
assert any(np.abs(w - old).max() > 0 for w, old in zip(model.get_weights(), before))
print("fine on", keras.backend.backend())
"""


@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_the_same_on_every_backend(backend):
    """Here on the backend of this process; on another one, where it is installed, in a process of its own."""
    if backend == keras.backend.backend():
        exec(CHECK, {})
        return
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed in this Python")
    env = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run([sys.executable, "-c", CHECK], cwd=COURSE_ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    assert f"fine on {backend}" in done.stdout


@pytest.fixture
def forgotten():
    """Let Keras forget the classes that were registered, as a new process does not know them; put them back after."""
    known = keras.saving.get_custom_objects()
    kept = dict(known)
    known.clear()
    yield
    known.clear()
    known.update(kept)


def test_a_saved_model_answers_alike_once_the_module_is_imported(tmp_path, forgotten):
    asked, read = keras.Input((4,)), keras.Input((None, 6))
    layer = AdditiveAttention(7, energy_activation="relu", use_bias=False, energy_bias=True, name="attention")
    model = keras.Model([asked, read], list(layer(asked, read, return_weights=True)))
    query, values = arrays(2, 5, features=6, query_features=4)
    before = model.predict([query, values], verbose=0)
    model.save(tmp_path / "model.keras")
    assert "course>AdditiveAttention" not in keras.saving.get_custom_objects()
    fresh = runpy.run_path(inspect.getfile(AdditiveAttention))  # the module, as a new process would run it
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert type(again.get_layer("attention")) is fresh["AdditiveAttention"], "not the class of this process"
    assert again.get_layer("attention").get_config() == layer.get_config()
    for x, y in zip(before, again.predict([query, values], verbose=0)):
        np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("steps", [(), (3,), (0,)])
@pytest.mark.parametrize(("batch", "time"), [(0, 5), (2, 0), (0, 0)])
def test_nothing_to_weigh_gives_nothing(batch, time, steps, masked):
    """The last batch of a filtered data set can be empty, and so can a text."""
    query, values = np.ones((batch, *steps, 4), "float32"), np.ones((batch, time, 6), "float32")
    mask = np.ones((batch, time), bool) if masked else None
    context, weights = numpy(built(4, 6, units=3)(query, values, mask=mask, return_weights=True))
    assert context.shape == (batch, *steps, 6) and weights.shape == (batch, *steps, time)
    assert not context.any()


@pytest.mark.parametrize("units", [0, -3])
def test_units_below_one(units):
    with pytest.raises(ValueError, match="expected a whole number, 1 or more"):
        AdditiveAttention(units)


@pytest.mark.parametrize("units", [2.5, 4.0, "ten", True, None])
def test_units_that_are_no_whole_number(units):
    with pytest.raises(TypeError, match=r"units is .*; expected a whole number"):
        AdditiveAttention(units)


@pytest.mark.parametrize(
    ("query", "values"), [((2, 4), (2, 6)), ((2, 1, 3, 4), (2, 5, 6)), ((2,), (2, 5, 6)), ((2, None), (2, 5, 6))]
)
def test_shapes_that_no_layer_can_be_built_for(query, values):
    with pytest.raises(ValueError, match=r"query has shape .* and values .*; expected \(batch, query_features\)"):
        AdditiveAttention(3).build(query, values)


@pytest.mark.parametrize(
    ("query", "values", "mask"),
    [
        ((2, 4), (2, 6), None),
        ((2, 1, 3, 4), (2, 5, 6), None),
        ((2,), (2, 5, 6), None),
        ((3, 4), (2, 5, 6), None),
        ((2, 4), (2, 5, 6), (2, 4)),
        ((2, 4), (2, 5, 6), (3, 5)),
        ((2, 4), (2, 5, 6), (2, 5, 6)),
        ((2, 4), (2, 5, 6), (5,)),
        ((2, 5), (2, 3, 6), None),  # other sizes than it was built for
        ((2, 4), (2, 3, 7), None),
        ((2, 3, 5), (2, 3, 6), None),
    ],
)
def test_shapes_that_do_not_fit_are_shown(query, values, mask):
    shapes = {"values": values, "query": query, **({} if mask is None else {"mask": mask})}
    found = re.escape(", ".join(f"{name} {shape}" for name, shape in shapes.items()))
    with pytest.raises(ValueError, match=rf"got {found}; expected values \(batch, time, 6\), query \(batch, 4\)"):
        built(4, 6)(np.ones(query), np.ones(values), mask=None if mask is None else np.ones(mask, bool))
