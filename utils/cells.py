"""One time step of the GRU and the LSTM in NumPy, in the variants that the lectures name.

What belongs here: the arithmetic of a step, the gates on their own (for pictures), and weights taken from a built Keras
layer. What does not: training, gradients (`utils.bptt`), and whole models. Taught in `04_lstm_and_gru`, which builds
each gate by hand first.

Rows are examples, as in Keras: x_t is (batch, features), h and c are (batch, units), and every sum of the kind
"weights times input and state" reads `x_t @ W_x + h @ W_h + b`. The results have NumPy's common type of the arguments,
so float32 stays float32.

>>> weights = LSTMWeights.from_keras(layer)
>>> h, c = lstm_step(x_t, h, c, weights)
"""

from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np

from utils.arguments import real_array

GRU_VARIANTS = ("simplified", "full", "reset_after")
FORGETTING = ("gate", "none", "coupled")


def sigmoid(a):
    """Return 1 / (1 + exp(-a)) for each entry; large |a| is safe.

    Parameters
    ----------
    a : array_like
        Real numbers of any shape.

    Returns
    -------
    numpy.ndarray
        Numbers from 0 to 1, in the shape and floating type of `a`.
    """
    return 0.5 * (1 + np.tanh(0.5 * np.asarray(a)))  # the same function, without an exp that could overflow


# -------------------------------------------------------------------------------------------------------- the weights


@dataclass(frozen=True, eq=False)
class Affine:
    """The weights of one gate or candidate: called with (x_t, h) it returns `x_t @ W_x + h @ W_h + b`.

    Parameters
    ----------
    W_x : array_like
        (features, units).
    W_h : array_like
        (units, units).
    b : array_like
        (units,).

    Raises
    ------
    TypeError
        For anything that is not real numbers.
    ValueError
        If the shapes do not fit each other.
    """

    W_x: np.ndarray
    W_h: np.ndarray
    b: np.ndarray

    def __post_init__(self):
        """Turn the fields into arrays and check them."""
        for name in ("W_x", "W_h", "b"):
            object.__setattr__(self, name, real_array(name, getattr(self, name)))
        units = self.b.shape[0] if self.b.ndim == 1 else -1
        square = self.W_h.shape == (units, units) and self.W_x.ndim == 2 and self.W_x.shape[1] == units
        if units < 1 or not square or self.W_x.shape[0] < 1:
            shapes = ", ".join(f"{name} {getattr(self, name).shape}" for name in ("W_x", "W_h", "b"))
            raise ValueError(f"got {shapes}; expected (features, units), (units, units) and (units,).")

    @property
    def shape(self) -> tuple[int, int]:
        """(features, units)."""
        return self.W_x.shape

    def __call__(self, x_t, h):
        """Return what the gate's function is applied to.

        Parameters
        ----------
        x_t : numpy.ndarray
            (batch, features).
        h : numpy.ndarray
            (batch, units).

        Returns
        -------
        numpy.ndarray
            (batch, units).
        """
        return x_t @ self.W_x + h @ self.W_h + self.b

    def negated(self) -> Self:
        """Return the weights whose sigmoid is one minus this one's: sigmoid(-a) = 1 - sigmoid(a).

        Returns
        -------
        Affine
            All entries with the other sign.
        """
        return type(self)(-self.W_x, -self.W_h, -self.b)


@dataclass(frozen=True, eq=False)
class GRUWeights:
    """Weights of a GRU, in the lectures' convention: h_t = u * candidate + (1 - u) * h_{t-1}.

    Parameters
    ----------
    candidate, update : Affine
        The candidate and the update gate u.
    reset : Affine, optional
        None for the simplified GRU, which has no reset gate.
    b_hh : array_like, optional
        (units,), the second bias of the candidate, inside the reset gate's product. Only the variant "reset_after" has
        one; None says that these are weights of another variant.

    Raises
    ------
    TypeError
        If a part is no `Affine`, or the bias is not made of real numbers.
    ValueError
        If the parts differ in shape.
    """

    candidate: Affine
    update: Affine
    reset: Affine | None = None
    b_hh: np.ndarray | None = None

    def __post_init__(self):
        """Check that the parts fit."""
        _check_parts(self, ("candidate", "update"), ("reset",))
        if self.b_hh is not None:
            object.__setattr__(self, "b_hh", real_array("b_hh", self.b_hh))
            if self.b_hh.shape != self.shape[1:]:
                raise ValueError(f"b_hh has shape {self.b_hh.shape}; expected ({self.shape[1]},), one for each unit.")

    @property
    def shape(self) -> tuple[int, int]:
        """(features, units)."""
        return self.candidate.shape

    @classmethod
    def from_keras(cls, layer) -> Self:
        """Copy the weights of a built `keras.layers.GRU` with tanh and sigmoid, either value of `reset_after`.

        Use the result with variant "reset_after" if the layer has ``reset_after=True`` (Keras's default), else with
        "full".

        Parameters
        ----------
        layer : keras.layers.GRU
            Without biases they are zero here.

        Returns
        -------
        GRUWeights
            Copies; training the layer does not change them.

        Raises
        ------
        TypeError
            For any other object.
        ValueError
            If the layer is not built or has other activations.

        Notes
        -----
        Keras writes h_t = z * h_{t-1} + (1 - z) * candidate, so its z *keeps* where the lectures' u *overwrites*:
        u = 1 - z, and the weights of the update gate change their sign.
        """
        kernel, recurrent, bias = _from_layer(layer, "GRU")
        inner = np.zeros_like(recurrent[0])
        outer = inner
        if bias is not None:
            outer, inner = bias if layer.reset_after else (bias, inner)
        (z_x, r_x, h_x), (z_h, r_h, h_h) = np.split(kernel, 3, axis=1), np.split(recurrent, 3, axis=1)
        (z_b, r_b, h_b), (z_c, r_c, h_c) = np.split(outer, 3), np.split(inner, 3)
        return cls(
            candidate=Affine(h_x, h_h, h_b),
            update=Affine(z_x, z_h, z_b + z_c).negated(),
            reset=Affine(r_x, r_h, r_b + r_c),
            b_hh=h_c if layer.reset_after else None,
        )


@dataclass(frozen=True, eq=False)
class LSTMWeights:
    """Weights of an LSTM.

    Parameters
    ----------
    input, candidate, output : Affine
        The input gate, the candidate and the output gate.
    forget : Affine, optional
        None for a cell that has no forget gate of its own (1997, or coupled gates).

    Raises
    ------
    TypeError
        If a part is no `Affine`.
    ValueError
        If the parts differ in shape.
    """

    input: Affine
    candidate: Affine
    output: Affine
    forget: Affine | None = None

    def __post_init__(self):
        """Check that the parts fit."""
        _check_parts(self, ("input", "candidate", "output"), ("forget",))

    @property
    def shape(self) -> tuple[int, int]:
        """(features, units)."""
        return self.candidate.shape

    @classmethod
    def from_keras(cls, layer) -> Self:
        """Copy the weights of a built `keras.layers.LSTM` with tanh and sigmoid.

        Parameters
        ----------
        layer : keras.layers.LSTM
            Without biases they are zero here.

        Returns
        -------
        LSTMWeights
            Copies; training the layer does not change them.

        Raises
        ------
        TypeError
            For any other object.
        ValueError
            If the layer is not built or has other activations.
        """
        kernel, recurrent, bias = _from_layer(layer, "LSTM")
        bias = np.zeros_like(recurrent[0]) if bias is None else bias
        parts = zip(np.split(kernel, 4, axis=1), np.split(recurrent, 4, axis=1), np.split(bias, 4))
        i, f, g, o = (Affine(*part) for part in parts)  # Keras's order: input, forget, candidate, output
        return cls(input=i, forget=f, candidate=g, output=o)


# ---------------------------------------------------------------------------------------------------------- the steps


class GRUGates(NamedTuple):
    """What the gates of a GRU say at one step, each (batch, units); reset is None in the simplified GRU."""

    update: np.ndarray
    reset: np.ndarray | None
    candidate: np.ndarray


class LSTMGates(NamedTuple):
    """What the gates of an LSTM say at one step, each (batch, units)."""

    forget: np.ndarray
    input: np.ndarray
    candidate: np.ndarray
    output: np.ndarray


def gru_gates(x_t, h, weights: GRUWeights, variant: str = "full") -> GRUGates:
    """Return update gate, reset gate and candidate of a GRU step.

    Parameters
    ----------
    x_t, h, weights, variant
        As for `gru_step`.

    Returns
    -------
    GRUGates
        Each (batch, units); the reset gate is None in the simplified GRU.

    Raises
    ------
    TypeError, ValueError
        As `gru_step`.
    """
    x_t, h = _arguments(weights, GRUWeights, x_t, h=h)
    _check_variant(weights, variant)
    update = sigmoid(weights.update(x_t, h))
    if variant == "simplified":
        return GRUGates(update, None, np.tanh(weights.candidate(x_t, h)))
    reset, part = sigmoid(weights.reset(x_t, h)), weights.candidate
    if variant == "full":
        return GRUGates(update, reset, np.tanh(part(x_t, reset * h)))
    return GRUGates(update, reset, np.tanh(x_t @ part.W_x + part.b + reset * (h @ part.W_h + weights.b_hh)))


def gru_step(x_t, h, weights: GRUWeights, variant: str = "full"):
    """Return the next state, h_t = u * candidate + (1 - u) * h_{t-1}, as the lectures write it.

    Parameters
    ----------
    x_t : array_like
        (batch, features).
    h : array_like
        (batch, units), the state before.
    weights : GRUWeights
        Of the variant asked for.
    variant : {"full", "simplified", "reset_after"}
        "simplified": the candidate sees all of h. "full": the reset gate multiplies h before the matrix (Cho and
        others, 2014). "reset_after": it multiplies after the matrix and its bias b_hh, as cuDNN and Keras's default do.

    Returns
    -------
    numpy.ndarray
        (batch, units).

    Raises
    ------
    TypeError
        For other weights than `GRUWeights`, or entries that are not real numbers.
    ValueError
        For another variant, weights of another variant (the message says which they are), or shapes that do not fit.

    References
    ----------
    K. Cho, B. van Merriënboer, D. Bahdanau, Y. Bengio (2014), "On the properties of neural machine translation:
    encoder-decoder approaches", arXiv:1409.1259, section 2.
    """
    u, _, candidate = gru_gates(x_t, h, weights, variant)
    return u * candidate + (1 - u) * real_array("h", h)


def lstm_gates(x_t, h, weights: LSTMWeights, forgetting: str = "gate") -> LSTMGates:
    """Return forget gate, input gate, candidate and output gate of an LSTM step.

    Parameters
    ----------
    x_t, h, weights, forgetting
        As for `lstm_step`.

    Returns
    -------
    LSTMGates
        Each (batch, units).

    Raises
    ------
    TypeError, ValueError
        As `lstm_step`.
    """
    x_t, h = _arguments(weights, LSTMWeights, x_t, h=h)
    if forgetting not in FORGETTING:
        raise ValueError(f"forgetting is {forgetting!r}; expected one of {FORGETTING}.")
    i, g, o = sigmoid(weights.input(x_t, h)), np.tanh(weights.candidate(x_t, h)), sigmoid(weights.output(x_t, h))
    if forgetting == "none":
        return LSTMGates(np.ones_like(i), i, g, o)
    if forgetting == "coupled":
        return LSTMGates(1 - i, i, g, o)
    if weights.forget is None:
        raise ValueError("these weights have no forget gate; use forgetting='none' or 'coupled', or give them one.")
    return LSTMGates(sigmoid(weights.forget(x_t, h)), i, g, o)


def lstm_step(x_t, h, c, weights: LSTMWeights, forgetting: str = "gate", squash: bool = True):
    """Return the next states: c_t = f * c_{t-1} + i * candidate and h_t = o * tanh(c_t).

    Parameters
    ----------
    x_t : array_like
        (batch, features).
    h, c : array_like
        (batch, units), the states before, in this order.
    weights : LSTMWeights
        The gates.
    forgetting : {"gate", "none", "coupled"}
        "gate": f is a gate (Gers and others, 2000). "none": f = 1 (Hochreiter and Schmidhuber, 1997). "coupled":
        f = 1 - i. In the last two a forget gate among the weights is not used.
    squash : bool
        False leaves out the tanh of the output, h_t = o * c_t.

    Returns
    -------
    h_t, c_t : numpy.ndarray
        Each (batch, units).

    Raises
    ------
    TypeError
        For other weights than `LSTMWeights`, or entries that are not real numbers.
    ValueError
        For another way of forgetting, a missing forget gate, or shapes that do not fit.

    References
    ----------
    S. Hochreiter, J. Schmidhuber (1997), "Long short-term memory", Neural Computation 9(8); F. Gers, J. Schmidhuber,
    F. Cummins (2000), "Learning to forget", Neural Computation 12(10), section 3; for the variants K. Greff and others
    (2017), "LSTM: a search space odyssey", IEEE Transactions on Neural Networks and Learning Systems 28(10).
    """
    x_t, h, c = _arguments(weights, LSTMWeights, x_t, h=h, c=c)
    f, i, candidate, o = lstm_gates(x_t, h, weights, forgetting)
    c_t = f * c + i * candidate
    return o * (np.tanh(c_t) if squash else c_t), c_t


def unroll(step, x, *states):
    """Apply a step to a whole sequence.

    Parameters
    ----------
    step : callable
        Called as step(x_t, *states); returns the next state, or a tuple of as many states as were given.
    x : array_like
        (batch, time, features).
    *states : numpy.ndarray
        The states before the first step, (batch, units).

    Returns
    -------
    tuple of numpy.ndarray
        For each of `states` its values after every step, (batch, time, units).

    Raises
    ------
    ValueError
        For another number of axes, no time steps, no states, or a step that returns another number of states.
    """
    x = np.asarray(x)
    if x.ndim != 3 or x.shape[1] == 0 or not states:
        raise ValueError(f"expected x (batch, time, features) with time 1 or more, and states; got x {x.shape}.")
    history = []
    for t in range(x.shape[1]):
        after = step(x[:, t], *states)
        after = after if isinstance(after, tuple) else (after,)
        if len(after) != len(states):
            raise ValueError(f"step returned {len(after)} states; expected {len(states)}, as many as it was given.")
        states = after
        history.append(states)
    return tuple(np.stack(kind, axis=1) for kind in zip(*history))


# --------------------------------------------------------------------------------------------------------- the checks


def _check_parts(weights, needed, optional) -> None:
    parts = {name: getattr(weights, name) for name in (*needed, *optional)}
    parts = {name: part for name, part in parts.items() if name in needed or part is not None}
    for name, part in parts.items():
        if not isinstance(part, Affine):
            raise TypeError(f"{name} is {type(part).__name__}; expected Affine(W_x, W_h, b).")
    if len({part.shape for part in parts.values()}) != 1:
        shapes = ", ".join(f"{name} {part.shape}" for name, part in parts.items())
        raise ValueError(f"the parts differ in (features, units): {shapes}; expected the same for all.")


def _check_variant(weights, variant) -> None:
    if variant not in GRU_VARIANTS:
        raise ValueError(f"variant is {variant!r}; expected one of {GRU_VARIANTS}.")
    own = "reset_after" if weights.b_hh is not None else "full" if weights.reset is not None else "simplified"
    if variant != "reset_after" and own == "reset_after":
        raise ValueError(f"these weights have a second bias b_hh: they are those of 'reset_after', not {variant!r}.")
    if variant == "reset_after" and own != variant:
        raise ValueError(f"variant 'reset_after' needs the second bias b_hh; these are weights of variant {own!r}.")
    if variant != "simplified" and weights.reset is None:
        raise ValueError(f"variant {variant!r} needs a reset gate; these weights have none (variant 'simplified').")


def _arguments(weights, kind, x_t, **states):
    if not isinstance(weights, kind):
        raise TypeError(f"weights are {type(weights).__name__}; expected {kind.__name__}.")
    features, units = weights.shape
    arrays = {name: real_array(name, value) for name, value in {"x_t": x_t, **states}.items()}
    batch = len(arrays["x_t"]) if arrays["x_t"].ndim else 0
    for name, array in arrays.items():
        expected = (batch, features if name == "x_t" else units)
        if array.shape != expected:
            want = f"(batch, {features}), batch and features" if name == "x_t" else f"{expected}, batch and units"
            raise ValueError(f"{name} has shape {array.shape}; expected {want}.")
    return arrays.values()


def _from_layer(layer, kind: str):
    import keras  # here, so that the NumPy steps need no Keras

    if not isinstance(layer, getattr(keras.layers, kind)):
        raise TypeError(f"got {type(layer).__name__}; expected a layer of class keras.layers.{kind}.")
    if not layer.built:
        raise ValueError(
            f"the layer {layer.name!r} has no weights yet; call it, or layer.build((None, None, features))."
        )
    for role, name in (("activation", "tanh"), ("recurrent_activation", "sigmoid")):
        if getattr(layer, role) is not getattr(keras.activations, name):
            found = getattr(getattr(layer, role), "__name__", repr(getattr(layer, role)))
            raise ValueError(f"the layer {layer.name!r} has {role} {found!r}; the steps here know {name!r} only.")
    variables = layer.cell.kernel, layer.cell.recurrent_kernel, layer.cell.bias if layer.use_bias else None
    return [None if variable is None else np.asarray(variable).copy() for variable in variables]
