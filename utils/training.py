"""Training the same model again and again, and saying how far it has come.

What belongs here: what several notebooks do around `model.fit`, and what none of them teaches. `Run.progress` and
`Run.epochs` (`utils.course`) hand out the progress lines.
"""

import sys

import keras
from tqdm import tqdm

from utils import settings
from utils.arguments import finite_number, whole_number

PATIENCE = 2.0
"""Seconds of work before a progress line appears: what is over sooner needs none."""


def restart(model, seed: int, optimizer=None) -> None:
    """Give a model the initial weights of a seed, and its optimiser an empty memory, in place.

    What is compiled stays compiled, so that training five times costs one compilation. The weights are those that the
    model would have had if it had been built just after `keras.utils.set_random_seed(seed)`, which is called here: what
    is drawn afterwards (dropout, the order of the samples) follows from the seed too.

    Parameters
    ----------
    model : keras.Model or keras.Layer
        Built. A layer or a model of a class of its own must come back from its `get_config`, as for saving.
    seed : int
        0 or more.
    optimizer : keras.optimizers.Optimizer, optional
        The one to empty, built on the trainable weights of `model`; by default that of a compiled model. Its learning
        rate stays as it is.

    Raises
    ------
    TypeError
        If `model` is neither a model nor a layer, or the seed is no whole number.
    ValueError
        If the model is not built, the seed is negative, or the model cannot be made again from its configuration.
    """
    if not isinstance(model, keras.Layer):
        raise TypeError(f"restart takes a Keras model or layer, not {type(model).__name__}.")
    seed = whole_number("seed", seed, least=0)
    if not model.built:
        raise ValueError(f"{model.name} has no weights yet; build it, or call it once, before restarting it.")
    keras.utils.set_random_seed(seed)
    state = [*model.trainable_variables, *model.non_trainable_variables]  # with the states of dropout's generators
    again = _made_again(model)
    fresh = [*again.trainable_variables, *again.non_trainable_variables]
    if [variable.shape for variable in state] != [variable.shape for variable in fresh]:
        raise ValueError(
            f"{model.name}, made again from its configuration, has other weights; give its class a get_config from "
            "which it comes back whole."
        )
    for variable, value in zip(state, fresh):
        variable.assign(value)
    optimizer = optimizer if optimizer is not None else getattr(model, "optimizer", None)
    if optimizer is not None and optimizer.built:
        _empty(optimizer, model.trainable_variables)


def _made_again(model):
    """Return a model or layer of the same configuration, with weights of its own."""
    if isinstance(model, keras.Sequential) or type(model).__name__ == "Functional":
        return keras.models.clone_model(model)
    again = type(model).from_config(model.get_config())
    shapes = model.get_build_config() or {}
    again.build_from_config(shapes) if shapes else again.build(None)
    return again


def _empty(optimizer, weights) -> None:
    """Set every variable of an optimiser to what it was before the first step, but for the learning rate."""
    again = type(optimizer).from_config(optimizer.get_config())
    again.build(weights)  # some begin at other values than 0 (Adagrad)
    for variable, value in zip(optimizer.variables, again.variables, strict=True):
        if variable is not optimizer.learning_rate:
            variable.assign(value)


class KeepBest(keras.callbacks.Callback):
    """A Keras callback that keeps the weights of the epoch with the best score, and gives them back at the end.

    Keras's `EarlyStopping` does so with what Keras computes itself; this is for a score that it cannot, such as F1 of
    entities.

    Parameters
    ----------
    score : callable
        Of the model, returns a number on the validation data; larger is better. Of equal scores the earlier epoch wins.

    Attributes
    ----------
    scores : list of float
        One an epoch of the last training.
    """

    def __init__(self, score):
        super().__init__()
        self.score, self.scores, self._weights = score, [], None

    def on_train_begin(self, logs=None) -> None:
        """Forget what an earlier training left."""
        self.scores = []

    def on_epoch_end(self, epoch: int, logs=None) -> None:
        """Score, and keep the weights if there were none as good. Raises ValueError for NaN."""
        score = finite_number("the score", self.score(self.model))
        if not self.scores or score > max(self.scores):
            self._weights = self.model.get_weights()
        self.scores.append(score)

    def on_train_end(self, logs=None) -> None:
        """Put the weights of the best epoch back."""
        self.model.set_weights(self._weights)


# ---------------------------------------------------------------------------------------------------- progress lines


def progress(items, label: str):
    """Return the items one by one, with a line that says how many are done, and is gone at the end.

    Parameters
    ----------
    items : iterable
        With a length, the line shows the share and the time left.
    label : str
        What is being done.

    Returns
    -------
    tqdm.tqdm
        To be used in a `for`. It shows nothing in the first two seconds, or where COURSE_PROGRESS is 0.
    """
    return tqdm(items, label, **_options())


class Epochs(keras.callbacks.Callback):
    """A Keras callback that shows one line, epochs done and the last losses, and removes it at the end.

    Parameters
    ----------
    label : str
        What is being trained.
    """

    def __init__(self, label: str):
        super().__init__()
        self.label, self._line = label, None

    def on_train_begin(self, logs=None) -> None:
        """Start the line."""
        self._line = tqdm(total=self.params.get("epochs"), desc=self.label, unit="epoch", **_options())

    def on_epoch_end(self, epoch: int, logs=None) -> None:
        """Move on, and show the losses of the epoch."""
        shown = {name: f"{value:.4g}" for name, value in (logs or {}).items() if name in ("loss", "val_loss")}
        self._line.set_postfix(shown, refresh=False)
        self._line.update()

    def on_train_end(self, logs=None) -> None:
        """Remove the line."""
        self._line.close()


def _options() -> dict:
    # stdout, as what stands on stderr has a red ground in Jupyter
    return {"leave": False, "file": sys.stdout, "delay": PATIENCE, "disable": not settings.progress()}
