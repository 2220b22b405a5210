"""Additive attention: from all states of a reader, one summary for each step of a writer.

What belongs here: attention as one reusable layer, on `keras.ops` only, so that it runs on TensorFlow, JAX and PyTorch.
What does not: encoders, decoders and whole models (`utils.seq2seq`), nor the choice of the next token
(`utils.decoding`). Taught in `21_date_translation`, which builds the same thing from Keras layers first.

>>> attention = AdditiveAttention(units=10)
>>> context, weights = attention(query, values, mask=mask, return_weights=True)
"""

import math

import keras
from keras import ops

from utils.arguments import whole_number

MASKED_ENERGY = -1e9
"""The energy of a masked step. Energies are compared in float32 at least, where it is no infinity: no NaN can come."""


@keras.saving.register_keras_serializable(package="course")
class AdditiveAttention(keras.layers.Layer):
    """Weigh the steps of `values` by how well they answer `query`, and return their weighted mean.

    For a query s and values a_1 ... a_T the energies, weights and context are

        e_t = activation(tanh(a_t W_v + s W_q + b) v + b_e),    alpha = softmax(e),    context = sum_t alpha_t a_t.

    This is what "repeat s, concatenate it with each a_t, Dense(units, tanh), Dense(1), softmax, dot" computes, without
    the repeated copies: the kernel of the first Dense is W_v above W_q, and a product with two stacked blocks is a sum
    of two products.

    Parameters
    ----------
    units : int
        Width of the hidden layer, the rows of v.
    energy_activation : str or callable, optional
        None, as in the paper, or a Keras activation such as "relu" (the lecture's).
    use_bias : bool
        Whether there is b (units,).
    energy_bias : bool
        Whether there is b_e (1,). Without an activation it would move all energies alike, and softmax would not
        notice; so it is off unless asked for.
    **kwargs
        What every Keras layer takes: name, dtype, trainable.

    Raises
    ------
    TypeError
        If `units` is no whole number.
    ValueError
        If `units` is below 1.

    Notes
    -----
    The lecture's `one_step_attention` is ``AdditiveAttention(10, energy_activation="relu", energy_bias=True)``; the
    paper's alignment model is ``AdditiveAttention(units, use_bias=False)``.

    Weights, in the order of `get_weights()`: W_v (features, units), W_q (query_features, units), b (units,),
    v (units, 1), b_e (1,), the biases if used.

    References
    ----------
    D. Bahdanau, K. Cho, Y. Bengio (2014), "Neural machine translation by jointly learning to align and translate",
    arXiv:1409.0473, section 3.1 and appendix A.1.2.
    """

    def __init__(self, units: int = 10, energy_activation=None, use_bias=True, energy_bias=False, **kwargs):
        """Keep the options; the weights are made by `build`."""
        super().__init__(**kwargs)
        self.units = whole_number("units", units, least=1)
        self.energy_activation = keras.activations.get(energy_activation)
        self.use_bias = bool(use_bias)
        self.energy_bias = bool(energy_bias)
        self.supports_masking = True

    def build(self, query_shape, values_shape):
        """Make the weights.

        Parameters
        ----------
        query_shape, values_shape : tuple of int or None
            (batch[, steps], query_features) and (batch, time, features); the last size of each must be known.

        Raises
        ------
        ValueError
            For other shapes.
        """
        if len(query_shape) not in (2, 3) or len(values_shape) != 3 or None in (query_shape[-1], values_shape[-1]):
            raise ValueError(
                f"query has shape {tuple(query_shape)} and values {tuple(values_shape)}; expected (batch, "
                "query_features) for one step, or (batch, steps, query_features) for all steps at once, and (batch, "
                "time, features), the last size of each known."
            )
        self.W_v = self.add_weight(shape=(values_shape[-1], self.units), initializer="glorot_uniform", name="W_v")
        self.W_q = self.add_weight(shape=(query_shape[-1], self.units), initializer="glorot_uniform", name="W_q")
        self.b = self.add_weight(shape=(self.units,), initializer="zeros", name="b") if self.use_bias else None
        self.v = self.add_weight(shape=(self.units, 1), initializer="glorot_uniform", name="v")
        self.b_e = self.add_weight(shape=(1,), initializer="zeros", name="b_e") if self.energy_bias else None

    def call(self, query, values, mask=None, return_weights=False, values_mask=None):
        """Return the context, and with `return_weights` also the weights.

        Parameters
        ----------
        query : tensor
            (batch, query_features), one step of the writer, or (batch, steps, query_features), all at once.
        values : tensor
            (batch, time, features).
        mask : tensor, optional
            (batch, time), true where a step of `values` counts.
        return_weights : bool
            Whether the weights come as a second output.
        values_mask : tensor, optional
            The mask that Keras attached to `values`. Keras fills it in by itself; it is used where `mask` is None.

        Returns
        -------
        context : tensor
            (batch[, steps], features).
        weights : tensor
            (batch[, steps], time), at least 0, with the sum 1. A masked step has weight 0 exactly, so whatever finite
            numbers stand there do not matter. If all steps of a row are masked there is nothing to look at: its
            weights and its context are 0, not NaN.

        Raises
        ------
        ValueError
            For shapes that do not fit each other or the layer's weights.
        """
        mask = values_mask if mask is None else mask
        self._check_shapes(query.shape, values.shape, None if mask is None else mask.shape)
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
        """Return the mask that Keras attached to the query: a context belongs to a step of the query, not of values.

        Parameters
        ----------
        query : tensor
            As for `call`.
        previous_mask : tensor, optional
            Not used; Keras passes it.

        Returns
        -------
        tensor or None
            (batch, steps); None for a single query or one without a mask.
        """
        return getattr(query, "_keras_mask", None) if len(query.shape) == 3 else None

    def get_config(self):
        """Return the options, for `.keras` files.

        Returns
        -------
        dict
            What `from_config` makes an equal layer of.
        """
        return {
            **super().get_config(),
            "units": self.units,
            "energy_activation": keras.activations.serialize(self.energy_activation),
            "use_bias": self.use_bias,
            "energy_bias": self.energy_bias,
        }

    def _check_shapes(self, query, values, mask) -> None:
        """Raise ValueError if the shapes of a call do not fit: an einsum would not say which argument is wrong."""
        features, query_features = self.W_v.shape[0], self.W_q.shape[0]
        expected = {"values": (None, None, features)}
        expected["query"] = (None, query_features) if len(query) == 2 else (None, None, query_features)
        shapes = {"values": tuple(values), "query": tuple(query)}
        if mask is not None:
            expected["mask"], shapes["mask"] = (None, None), tuple(mask)
        fits = all(
            len(shapes[name]) == len(sizes) and all(_agree(*pair) for pair in zip(shapes[name], sizes))
            for name, sizes in expected.items()
        )
        fits = fits and _agree(query[0], values[0]) and (mask is None or all(map(_agree, mask, values)))
        if not fits:
            found = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
            raise ValueError(
                f"got {found}; expected values (batch, time, {features}), query (batch, {query_features}) or (batch, "
                f"steps, {query_features}), and mask (batch, time), with the same batch and time in all. The last "
                "sizes are those that the layer was built for; make a new layer for others."
            )


def _masked_softmax(energies, mask):
    """Softmax over the last axis; masked entries get exactly 0, and so does a row without any other entry."""
    kind = energies.dtype
    # float16 ends at 65,504, and few of its digits would be left
    energies = ops.cast(energies, keras.backend.result_type(kind, "float32"))
    if mask is not None:
        mask = ops.cast(mask, "bool")
        energies = ops.where(mask, energies, ops.cast(MASKED_ENERGY, energies.dtype))
    largest = ops.max(energies, axis=-1, keepdims=True, initial=-math.inf)  # without `initial` none may be empty
    parts = ops.exp(energies - ops.stop_gradient(largest))
    if mask is not None:
        parts = parts * ops.cast(mask, parts.dtype)
    total = ops.sum(parts, axis=-1, keepdims=True)  # 1 or more, for the largest part is 1; or 0 if all are masked
    return ops.cast(parts / ops.maximum(total, 0.5), kind)


def _agree(a, b) -> bool:
    """Whether two sizes can be the same; one that is not known yet (None) agrees with all."""
    return a is None or b is None or a == b
