"""Additive attention: from all states of a reader, one summary for each step of a writer.

What belongs here: attention as one reusable layer, on `keras.ops` only, so that it runs on TensorFlow, JAX and PyTorch.
What does not: encoders, decoders and whole models (`utils.seq2seq`), nor the choice of the next token
(`utils.decoding`). Taught in `21_date_translation`, which builds the same thing from Keras layers first.

>>> attention = AdditiveAttention(units=10)
>>> context, weights = attention(query, values, mask=mask, return_weights=True)
"""

import keras
from keras import ops

NEVER = -1e9
"""The energy of a masked step. Energies are compared in float32 at least, where it is no infinity: no NaN can come."""


@keras.saving.register_keras_serializable(package="course")
class AdditiveAttention(keras.layers.Layer):
    """Weigh the steps of `values` by how well they answer `query`, and return their weighted mean.

    For a query s and values a_1 ... a_T the energies, weights and context are

        e_t = activation(tanh(a_t W_v + s W_q + b) v + b_e),    alpha = softmax(e),    context = sum_t alpha_t a_t.

    This is what "repeat s, concatenate it with each a_t, Dense(units, tanh), Dense(1), softmax, dot" computes, without
    the repeated copies: the kernel of the first Dense is W_v above W_q, and a product with two stacked blocks is a sum
    of two products.

    units : width of the hidden layer, the rows of v.
    energy_activation : None, as in the paper, or a Keras activation such as "relu" (the lecture's).
    use_bias : whether there is b (units,).
    energy_bias : whether there is b_e (1,). Without an activation it would move all energies alike, and softmax would
        not notice; so it is off unless asked for.

    The lecture's `one_step_attention` is `AdditiveAttention(10, energy_activation="relu", energy_bias=True)`; the
    paper's alignment model is `AdditiveAttention(units, use_bias=False)`.

    Weights, in the order of `get_weights()`: W_v (features, units), W_q (query_features, units), b (units,),
    v (units, 1), b_e (1,), the biases if used.

    Raises ValueError for units below 1, TypeError for units that are no integer.

    Source: D. Bahdanau, K. Cho, Y. Bengio (2014), "Neural machine translation by jointly learning to align and
    translate", arXiv:1409.0473, section 3.1 and appendix A.1.2.
    """

    def __init__(self, units: int = 10, energy_activation=None, use_bias=True, energy_bias=False, **kwargs):
        """Keep the options; the weights are made by `build`."""
        super().__init__(**kwargs)
        if isinstance(units, bool) or not isinstance(units, int):
            raise TypeError(f"units is {units!r}; expected an integer, the width of the hidden layer.")
        if units < 1:
            raise ValueError(f"units is {units}; expected 1 or more.")
        self.units = units
        self.energy_activation = keras.activations.get(energy_activation)
        self.use_bias = bool(use_bias)
        self.energy_bias = bool(energy_bias)
        self.supports_masking = True

    def build(self, query_shape, values_shape):
        """Make the weights for (batch[, steps], query_features) and (batch, time, features)."""
        _check_shapes(query_shape, values_shape)
        features, query_features = values_shape[-1], query_shape[-1]
        self.W_v = self.add_weight(shape=(features, self.units), initializer="glorot_uniform", name="W_v")
        self.W_q = self.add_weight(shape=(query_features, self.units), initializer="glorot_uniform", name="W_q")
        self.b = self.add_weight(shape=(self.units,), initializer="zeros", name="b") if self.use_bias else None
        self.v = self.add_weight(shape=(self.units, 1), initializer="glorot_uniform", name="v")
        self.b_e = self.add_weight(shape=(1,), initializer="zeros", name="b_e") if self.energy_bias else None

    def call(self, query, values, mask=None, return_weights=False, values_mask=None):
        """Return the context, and with `return_weights` also the weights.

        query : (batch, query_features), one step of the writer, or (batch, steps, query_features), all at once.
        values : (batch, time, features). mask : (batch, time), true where a step of `values` counts; without it, the
        mask that Keras attached to `values` is used (`values_mask`, which Keras fills in by itself), if there is one.

        context : (batch[, steps], features). weights : (batch[, steps], time). Weights are at least 0 and sum to 1; a
        masked step has weight 0 exactly, so whatever finite numbers stand there do not matter. If all steps of a row
        are masked there is nothing to look at: its weights and its context are 0, not NaN.

        Raises ValueError for shapes that do not fit each other or the layer's weights.
        """
        mask = values_mask if mask is None else mask
        _check_shapes(query.shape, values.shape, None if mask is None else mask.shape)
        for name, array, kernel in (("query", query, self.W_q), ("values", values, self.W_v)):
            if array.shape[-1] != kernel.shape[0]:
                raise ValueError(
                    f"{name} has {array.shape[-1]} features; this layer was built for {kernel.shape[0]}. "
                    "Make a new layer for other sizes."
                )
        single = len(query.shape) == 2
        # Einsum, since XLA can differentiate it in a loop over decoder steps whatever the batch; matmul it cannot.
        hidden = ops.expand_dims(ops.einsum("btf,fu->btu", values, self.W_v), 1)  # (batch, 1, time, units)
        asked = ops.einsum("bsf,fu->bsu", ops.expand_dims(query, 1) if single else query, self.W_q)
        hidden = hidden + ops.expand_dims(asked if self.b is None else asked + self.b, 2)  # (batch, steps, time, units)
        energies = ops.einsum("bstu,u->bst", ops.tanh(hidden), self.v[:, 0])  # (batch, steps, time)
        energies = self.energy_activation(energies if self.b_e is None else energies + self.b_e)
        weights = _masked_softmax(energies, None if mask is None else ops.expand_dims(mask, 1))
        context = ops.einsum("bst,btf->bsf", weights, values)  # (batch, steps, features)
        if single:
            context, weights = ops.squeeze(context, 1), ops.squeeze(weights, 1)
        return (context, weights) if return_weights else context

    def compute_mask(self, query, previous_mask=None):
        """Return the mask that Keras attached to the query: a context belongs to a step of the query, not of values."""
        return getattr(query, "_keras_mask", None) if len(query.shape) == 3 else None

    def get_config(self):
        """Return the options, for `.keras` files."""
        return {
            **super().get_config(),
            "units": self.units,
            "energy_activation": keras.activations.serialize(self.energy_activation),
            "use_bias": self.use_bias,
            "energy_bias": self.energy_bias,
        }


def _masked_softmax(energies, mask):
    """Softmax over the last axis; masked entries get exactly 0, and so does a row without any other entry."""
    kind = keras.backend.standardize_dtype(energies.dtype)
    if kind in ("float16", "bfloat16"):
        energies = ops.cast(energies, "float32")  # float16 ends at 65,504, and few of its digits would be left
    if mask is not None:
        mask = ops.cast(mask, "bool")
        energies = ops.where(mask, energies, ops.cast(NEVER, energies.dtype))
    parts = ops.exp(energies - ops.stop_gradient(ops.max(energies, axis=-1, keepdims=True)))
    if mask is not None:
        parts = parts * ops.cast(mask, parts.dtype)
    total = ops.sum(parts, axis=-1, keepdims=True)  # 1 or more, for the largest part is 1; or 0 if all are masked
    return ops.cast(parts / ops.maximum(total, 0.5), kind)


def _check_shapes(query, values, mask=None) -> None:
    """Raise ValueError if the shapes do not fit; an unknown size (None) fits all."""
    query, values = tuple(query), tuple(values)
    if len(values) != 3 or values[-1] is None:
        raise ValueError(f"values has shape {values}; expected (batch, time, features), the last one known.")
    if len(query) not in (2, 3) or query[-1] is None:
        raise ValueError(
            f"query has shape {query}; expected (batch, query_features) for one step, or "
            "(batch, steps, query_features) for all steps at once, the last one known."
        )
    if _differ(query[0], values[0]):
        raise ValueError(f"query has {query[0]} rows and values {values[0]}; expected the same batch in both.")
    if mask is not None:
        mask = tuple(mask)
        if len(mask) != 2 or _differ(mask[0], values[0]) or _differ(mask[1], values[1]):
            raise ValueError(
                f"mask has shape {mask} and values {values}; expected (batch, time), one entry for each step of values."
            )


def _differ(a, b) -> bool:
    return a is not None and b is not None and a != b
