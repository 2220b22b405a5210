"""Backpropagation through time, by hand: a many-to-many recurrent network with softmax, in NumPy.

What belongs here: the network's weights, its forward pass, and its gradients, full, truncated and truncated at random.
Taught in `03_backpropagation_through_time`. What does not: optimisers, training loops and sampling
(`12_character_rnn`), and the sizes of products of Jacobians (`utils.gradients`).

Rows are states, as in Keras: with x_t (batch, features) and h_t (batch, units),

    h_t = tanh(x_t W_xh + h_{t-1} W_hh + b_h),    o_t = h_t W_hq + b_q,    L = mean over batch and t of l(y_t, o_t),

where l is the cross-entropy, in nats, of softmax(o_t) at the target y_t. The gradient of L is a sum of terms (t, i),
i <= t: what the loss of step t says about the use of the weights at step i. A truncation keeps some of these terms.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from numbers import Integral, Real
from typing import Self

import numpy as np

from utils.arguments import finite_number, generator, real_array, whole_number


@dataclass(frozen=True, eq=False)
class Weights:
    """The weights of the network; their gradients have the same form.

    They become arrays of one floating type, and everything is computed in it. Iterating gives the five arrays in the
    order below, so that a step of gradient descent is
    ``Weights(*(w - rate * g for w, g in zip(weights, gradients)))``.

    Parameters
    ----------
    W_xh : array_like
        (features, units).
    W_hh : array_like
        (units, units).
    b_h : array_like
        (units,).
    W_hq : array_like
        (units, vocab).
    b_q : array_like
        (vocab,).

    Raises
    ------
    TypeError
        If the entries are no real numbers.
    ValueError
        If the shapes do not fit together or an entry is NaN or infinite.
    """

    W_xh: np.ndarray
    W_hh: np.ndarray
    b_h: np.ndarray
    W_hq: np.ndarray
    b_q: np.ndarray

    def __post_init__(self):
        """Check that the shapes fit together and that all entries are finite numbers of one type."""
        arrays = [real_array(field.name, getattr(self, field.name)) for field in fields(self)]
        dtype = np.result_type(*arrays, np.float32)
        shapes = [array.shape for array in arrays]
        num_features, num_units, vocab_size = *(*shapes[0], 0, 0)[:2], (*shapes[4], 0)[0]
        expected = [(num_features, num_units), (num_units, num_units), (num_units,), (num_units, vocab_size)]
        if shapes != [*expected, (vocab_size,)] or 0 in (num_features, num_units, vocab_size):
            found = ", ".join(f"{field.name} {shape}" for field, shape in zip(fields(self), shapes))
            raise ValueError(
                "expected W_xh (features, units), W_hh (units, units), b_h (units,), W_hq (units, vocab) and b_q "
                f"(vocab,), none of them empty; got {found}."
            )
        for field, array in zip(fields(self), arrays):
            if not np.isfinite(array).all():
                raise ValueError(f"{field.name} holds NaN or infinite entries; did the training diverge?")
            object.__setattr__(self, field.name, array.astype(dtype, copy=False))

    def __iter__(self) -> Iterator[np.ndarray]:
        """Yield W_xh, W_hh, b_h, W_hq, b_q."""
        return (getattr(self, field.name) for field in fields(self))

    def flat(self) -> np.ndarray:
        """Return all entries as one vector.

        Returns
        -------
        numpy.ndarray
            (number of weights,), W_xh first, b_q last.
        """
        return np.concatenate([array.ravel() for array in self])

    @classmethod
    def random(
        cls, num_features: int, num_units: int, vocab_size: int, rng: np.random.Generator, radius: float = 1.0
    ) -> Self:
        """Return weights drawn as Keras draws them: Glorot uniform, biases 0, W_hh orthogonal times `radius`.

        Parameters
        ----------
        num_features, num_units, vocab_size : int
            The sizes, each at least 1.
        rng : numpy.random.Generator
            Draws them.
        radius : float
            The spectral radius of W_hh, 0 or more (every one of its eigenvalues has this absolute value).

        Returns
        -------
        Weights
            In float64.

        Raises
        ------
        TypeError
            For a size that is no whole number, a radius that is no number, or an rng that is no generator.
        ValueError
            For a size below 1, or a radius that is negative or not finite.
        """
        num_features = whole_number("num_features", num_features, least=1)
        num_units = whole_number("num_units", num_units, least=1)
        vocab_size = whole_number("vocab_size", vocab_size, least=1)
        radius, rng = finite_number("radius", radius, least=0), generator("rng", rng)

        def glorot(rows, columns):
            limit = np.sqrt(6 / (rows + columns))
            return rng.uniform(-limit, limit, size=(rows, columns))

        q, r = np.linalg.qr(rng.normal(size=(num_units, num_units)))
        orthogonal = q * np.sign(np.diag(r))  # without the signs some rotations would be drawn more often than others
        W_xh, W_hq = glorot(num_features, num_units), glorot(num_units, vocab_size)
        return cls(W_xh, radius * orthogonal, np.zeros(num_units), W_hq, np.zeros(vocab_size))

    @classmethod
    def from_keras(cls, rnn_layer, dense_layer) -> Self:
        """Return the weights of a built `SimpleRNN` layer (tanh) and of the `Dense` layer on top of it.

        Parameters
        ----------
        rnn_layer : keras.layers.SimpleRNN
            Without a bias it is zero here.
        dense_layer : keras.layers.Dense
            Linear or softmax: the softmax is part of the loss, whether or not the layer has it.

        Returns
        -------
        Weights
            Copies of the layers' weights.

        Raises
        ------
        TypeError
            For other layers.
        ValueError
            For a layer that is not built, another activation, or ``go_backwards=True``.
        """
        import keras

        if not isinstance(rnn_layer, keras.layers.SimpleRNN) or not isinstance(dense_layer, keras.layers.Dense):
            kinds = f"{type(rnn_layer).__name__} and {type(dense_layer).__name__}"
            raise TypeError(f"expected a SimpleRNN and a Dense layer, got {kinds}.")
        for layer, permitted in ((rnn_layer, ("tanh",)), (dense_layer, ("linear", "softmax"))):
            activation = layer.get_config()["activation"]
            if activation not in permitted:
                raise ValueError(f"{layer.name} has the activation {activation!r}; expected {' or '.join(permitted)}.")
            if not layer.built:
                raise ValueError(f"{layer.name} is not built: call it once on inputs, then its weights exist.")
        if rnn_layer.go_backwards:
            raise ValueError(f"{rnn_layer.name} reads backwards; reverse the inputs instead (go_backwards=False).")
        W_xh, W_hh, *b_h = rnn_layer.get_weights()
        W_hq, *b_q = dense_layer.get_weights()
        return cls(W_xh, W_hh, *(b_h or [np.zeros(len(W_hh))]), W_hq, *(b_q or [np.zeros(W_hq.shape[1])]))


def forward(weights: Weights, inputs, h0=None) -> tuple[np.ndarray, np.ndarray]:
    """Run the network.

    Parameters
    ----------
    weights : Weights
        The network.
    inputs : array_like
        (batch, time, features), or whole numbers (batch, time) from 0 to features - 1, which stand for one-hot rows
        (characters, words).
    h0 : array_like, optional
        The state before the first step, (batch, units); zeros unless given.

    Returns
    -------
    states : numpy.ndarray
        (batch, time, units).
    logits : numpy.ndarray
        (batch, time, vocab).

    Raises
    ------
    TypeError
        For what is not made of real numbers.
    ValueError
        For a wrong shape, a number out of range, no steps at all, NaN or infinite values.
    """
    x, h = _checked_inputs(weights, inputs, h0)
    states = np.empty((*x.shape[:2], len(weights.W_hh)), dtype=x.dtype)
    driven = x @ weights.W_xh + weights.b_h  # (batch, time, units): all inputs at once, they do not wait for states
    for t in range(x.shape[1]):
        h = np.tanh(driven[:, t] + h @ weights.W_hh)
        states[:, t] = h
    return states, states @ weights.W_hq + weights.b_q


def loss_and_gradients(weights: Weights, inputs, targets, h0=None, truncation=None, rng=None, *, return_state=False):
    """Return the loss and its gradient with respect to every weight.

    Parameters
    ----------
    weights, inputs, h0
        As for `forward`.
    targets : array_like of int
        (batch, time), from 0 to vocab - 1.
    truncation : int, float or array_like of float, optional
        Which terms (t, i) of the gradient are kept. The loss and the gradients of W_hq and b_q never change.

        - None: all, the full gradient. One sweep back through time serves all losses.
        - a whole number tau >= 1: each loss looks back at most tau steps, its own included, 0 <= t - i < tau; so 1
          keeps the direct terms only, and tau >= time is the full gradient. Costs tau - 1 products with W_hh, each for
          all steps at once: fewer in a row than the sweep, but more arithmetic, since losses no longer share their way
          back.
        - a probability 0 < pi <= 1 (a float; or an array (time,), one pi_t for each step): randomised truncation. Term
          (t, i) is weighted with xi_{i+1} ... xi_t, drawn by `draw_xi` with `rng`: 0 or 1/pi, of mean 1, so the mean
          gradient is the full one, and 1.0 is the full one. Each sequence of the batch draws its own xi, all losses of
          a sequence share them. One sweep, as for None: where xi is 0 for some sequences only, nothing is saved.
    rng : numpy.random.Generator, optional
        Needed for a randomised truncation.
    return_state : bool
        Whether the last state comes as a third value. To cut a text into pieces whose gradients do not reach into each
        other, call this once a piece; the last state of one is the h0 of the next.

    Returns
    -------
    loss : float
        In nats per step.
    gradients : Weights
        The derivative of the loss with respect to each weight.
    state : numpy.ndarray
        (batch, units), with `return_state` only.

    Raises
    ------
    TypeError
        For a truncation of another kind (True is none), a missing rng, or what is not made of real numbers.
    ValueError
        For wrong shapes, targets or probabilities out of range, NaN or infinite values.

    References
    ----------
    P. J. Werbos (1990), "Backpropagation through time: what it does and how to do it", Proceedings of the IEEE 78(10);
    for the random form C. Tallec, Y. Ollivier (2017), "Unbiasing truncated backpropagation through time",
    arXiv:1705.08209, section 4, with one pi for all steps.
    """
    x, h0 = _checked_inputs(weights, inputs, h0)
    y = _checked_targets(targets, x.shape[:2], len(weights.b_q))
    tau, xi = _checked_truncation(truncation, rng, x.shape[:2])

    states, logits = forward(weights, x, h0)
    logits = logits - logits.max(axis=-1, keepdims=True)
    log_p = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))  # (batch, time, vocab)
    loss = -np.take_along_axis(log_p, y[..., None], axis=-1).mean()

    dL_do = (np.exp(log_p) - np.eye(len(weights.b_q), dtype=x.dtype)[y]) / y.size
    direct = dL_do @ weights.W_hq.T  # (batch, time, units): what each loss says to its own state
    slopes = 1 - states**2  # of the tanh
    if tau is None or tau >= x.shape[1]:
        dL_dh = reverse_sweep(weights.W_hh, direct, slopes, xi)
    else:
        dL_dh = reverse_band(weights.W_hh, direct, slopes, tau)

    delta = dL_dh * slopes  # with respect to what the tanh was given
    before = np.concatenate([h0[:, None], states[:, :-1]], axis=1)  # (batch, time, units): h_{t-1}
    gradients = Weights(
        W_xh=_outer(x, delta),
        W_hh=_outer(before, delta),
        b_h=delta.sum(axis=(0, 1)),
        W_hq=_outer(states, dL_do),
        b_q=dL_do.sum(axis=(0, 1)),
    )
    return (float(loss), gradients, states[:, -1]) if return_state else (float(loss), gradients)


def reverse_sweep(W_hh, direct, slopes, xi=None) -> np.ndarray:
    """Return dL/dh_t by one walk from the last step to the first.

    Parameters
    ----------
    W_hh : numpy.ndarray
        (units, units).
    direct : numpy.ndarray
        What the loss of step t says to h_t, (batch, time, units).
    slopes : numpy.ndarray
        Those of the tanh, 1 - h_t^2, of the same shape.
    xi : numpy.ndarray, optional
        Factors (batch, time) on the way from step t back to step t - 1; 1 unless given.

    Returns
    -------
    numpy.ndarray
        (batch, time, units).
    """
    dL_dh = direct.copy()
    for t in range(direct.shape[1] - 1, 0, -1):
        back = (dL_dh[:, t] * slopes[:, t]) @ W_hh.T
        dL_dh[:, t - 1] += back if xi is None else xi[:, t, None] * back
    return dL_dh


def reverse_band(W_hh, direct, slopes, tau: int) -> np.ndarray:
    """Return dL/dh_i where only the losses of steps i to i + tau - 1 are heard.

    All losses walk back together, tau - 1 steps; after `lag` of them entry i of `message` is what the loss of step
    i + lag says to h_i.

    Parameters
    ----------
    W_hh, direct, slopes
        As for `reverse_sweep`.
    tau : int
        Steps that a loss looks back, its own included.

    Returns
    -------
    numpy.ndarray
        (batch, time, units).
    """
    num_steps = direct.shape[1]
    message, dL_dh = direct, direct.copy()
    for lag in range(1, min(tau, num_steps)):
        message = (message[:, 1:] * slopes[:, 1 : num_steps - lag + 1]) @ W_hh.T
        dL_dh[:, : num_steps - lag] += message
    return dL_dh


def draw_xi(pi, batch_size: int, num_steps: int, rng: np.random.Generator) -> np.ndarray:
    """Draw the factors of randomised truncation: 1/pi with probability pi, else 0.

    Parameters
    ----------
    pi : float or array_like
        One probability, 0 < pi <= 1, or an array (time,).
    batch_size, num_steps : int
        The shape of the result.
    rng : numpy.random.Generator
        Draws them.

    Returns
    -------
    numpy.ndarray
        (batch, time), each entry of mean 1 and variance 1/pi - 1. Entry [:, t] stands between step t and step t - 1.

    Raises
    ------
    TypeError
        If `pi` is not made of real numbers, a size is no whole number, or `rng` is no generator.
    ValueError
        For a probability out of range (0 would never let the past through, and 1/0 is no number).
    """
    batch_size = whole_number("batch_size", batch_size, least=0)
    num_steps, rng = whole_number("num_steps", num_steps, least=0), generator("rng", rng)
    pi = real_array("pi", pi).astype(np.float64)
    if pi.shape not in ((), (num_steps,)):
        raise ValueError(f"expected one survival probability or one for each of {num_steps} steps, got {pi.shape}.")
    if not ((pi > 0) & (pi <= 1)).all():
        raise ValueError(f"a survival probability lies above 0 and at most at 1, got {pi}.")
    return (rng.random((batch_size, num_steps)) < pi) / pi


# ---------------------------------------------------------------------------------------------------------- checks


def _outer(left, right):
    """Sum over batch and time of the outer products of two arrays (batch, time, n) and (batch, time, m)."""
    return (left.swapaxes(1, 2) @ right).sum(axis=0)  # small products: a large one would wake threads for little


def _checked_inputs(weights, inputs, h0):
    """Return inputs (batch, time, features) and h0 (batch, units) as arrays of the weights' type."""
    x, (num_features, num_units), dtype = real_array("inputs", inputs), weights.W_xh.shape, weights.W_xh.dtype
    if x.ndim == 2 and x.dtype.kind in "iu" and x.size:
        if x.min() < 0 or x.max() >= num_features:
            raise ValueError(f"inputs run from {x.min()} to {x.max()}; expected numbers from 0 to {num_features - 1}.")
        x = np.eye(num_features, dtype=dtype)[x]  # (batch, time, features)
    if x.ndim != 3 or x.shape[-1] != num_features or x.size == 0:
        raise ValueError(
            f"expected inputs (batch, time, {num_features}), or whole numbers (batch, time), with at least one "
            f"sequence and one step; got {x.dtype} {np.shape(inputs)}."
        )
    h = np.zeros((len(x), num_units)) if h0 is None else real_array("h0", h0)
    if h.shape != (len(x), num_units):
        raise ValueError(f"expected h0 (batch, units) = {(len(x), num_units)}, got {h.shape}.")
    for name, array in (("inputs", x), ("h0", h)):
        if not np.isfinite(array).all():
            raise ValueError(f"{name} hold NaN or infinite values; clean them first.")
    return x.astype(dtype, copy=False), h.astype(dtype, copy=False)


def _checked_targets(targets, shape, vocab_size):
    """Return targets as whole numbers (batch, time)."""
    y = np.asarray(targets)
    if y.dtype.kind not in "iu":
        raise ValueError(f"targets must be whole numbers (the class of each step, not one-hot), got type {y.dtype}.")
    if y.shape != shape:
        raise ValueError(f"expected targets (batch, time) = {shape} beside the inputs, got {y.shape}.")
    if y.min() < 0 or y.max() >= vocab_size:
        raise ValueError(f"targets run from {y.min()} to {y.max()}; expected numbers from 0 to {vocab_size - 1}.")
    return y


def _checked_truncation(truncation, rng, shape):
    """Return (tau, xi): at most one of them is not None."""
    if truncation is None:
        return None, None
    if isinstance(truncation, Integral) and not isinstance(truncation, bool):
        if truncation < 1:
            raise ValueError(
                f"truncation is {truncation}; as a whole number it counts the steps that a loss looks back, its own "
                "included, so at least 1 (for a probability write a float)."
            )
        return int(truncation), None
    several = np.ndim(truncation) == 1 and np.asarray(truncation).dtype.kind == "f"
    if isinstance(truncation, bool) or not (isinstance(truncation, Real) or several):
        raise TypeError(
            "truncation is None, a whole number of steps, or a survival probability (a float, or an array of floats, "
            f"one for each step); got {truncation!r}."
        )
    return None, draw_xi(truncation, *shape, rng)
