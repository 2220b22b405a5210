"""Fresh weights in a compiled model, and lines that say how far a training has come."""

import keras
import numpy as np
import pytest

from utils import training
from utils.training import restart


def model(optimizer="adam", dropout=0.0):
    inputs = keras.Input((5, 3))
    h = keras.layers.GRU(4, dropout=dropout)(inputs)
    made = keras.Model(inputs, keras.layers.Dense(1)(h))
    made.compile(optimizer, "mse")
    return made


def data():
    rng = np.random.default_rng(0)
    return rng.normal(size=(32, 5, 3)).astype("float32"), rng.normal(size=(32, 1)).astype("float32")


def weights(made):
    return np.concatenate([w.ravel() for w in made.get_weights()])


@pytest.mark.parametrize("optimizer", ["adam", "rmsprop", "adagrad", "sgd"])
def test_a_restarted_model_trains_like_a_new_one(optimizer):
    keras.utils.set_random_seed(3)
    new = model(optimizer)
    first = weights(new)
    new.fit(*data(), epochs=2, verbose=0)
    used = model(optimizer)
    used.fit(*data(), epochs=3, verbose=0)
    restart(used, 3)
    assert np.array_equal(weights(used), first)
    assert int(used.optimizer.iterations) == 0
    used.fit(*data(), epochs=2, verbose=0)
    assert np.allclose(weights(used), weights(new), atol=1e-6)


def test_the_seed_decides_the_weights():
    made = model()
    restart(made, 1)
    one = weights(made)
    restart(made, 2)
    two = weights(made)
    restart(made, 1)
    assert np.array_equal(weights(made), one)
    assert not np.allclose(one, two)


def test_the_compiled_step_is_kept_and_so_is_the_learning_rate():
    made = model()
    made.fit(*data(), verbose=0)
    step = made.train_function
    made.optimizer.learning_rate = 0.25
    restart(made, 1)
    assert made.train_function is step
    assert float(made.optimizer.learning_rate) == 0.25


def test_dropout_starts_again_too():
    made = model(dropout=0.5)

    def trained():
        restart(made, 7)
        made.fit(*data(), epochs=2, verbose=0)
        return weights(made)

    assert np.array_equal(trained(), trained())


def test_a_layer_with_an_optimiser_of_its_own():
    layer, optimizer = keras.layers.GRU(4), keras.optimizers.Adam()
    layer.build((None, 5, 3))
    optimizer.build(layer.trainable_variables)
    optimizer.apply([keras.ops.ones_like(w) for w in layer.trainable_variables])
    restart(layer, 1, optimizer)
    assert int(optimizer.iterations) == 0
    assert all(np.all(np.asarray(v) == 0) for v in optimizer.variables if v is not optimizer.learning_rate)
    keras.utils.set_random_seed(1)
    again = keras.layers.GRU(4)
    again.build((None, 5, 3))
    assert np.array_equal(weights(layer), weights(again))


def test_what_cannot_be_restarted_is_refused():
    with pytest.raises(TypeError, match="not dict"):
        restart({}, 1)
    with pytest.raises(ValueError, match="has no weights yet"):
        restart(keras.layers.Dense(3), 1)
    with pytest.raises(TypeError, match="seed"):
        restart(model(), 1.5)
    with pytest.raises(ValueError, match="seed"):
        restart(model(), -1)


class Forgetful(keras.layers.Layer):
    """A layer whose configuration lacks its size."""

    def __init__(self, units=2, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape):
        self.w = self.add_weight(shape=(self.units,))

    def get_config(self):
        return {"name": self.name}


def test_a_class_that_does_not_come_back_whole_is_refused():
    layer = Forgetful(5)
    layer.build(None)
    with pytest.raises(ValueError, match="get_config"):
        restart(layer, 1)


# ------------------------------------------------------------------------------------------------------- progress


def test_a_line_shows_and_is_gone(monkeypatch, capsys):
    monkeypatch.setattr(training, "PATIENCE", 0.0)
    monkeypatch.delenv("COURSE_PROGRESS", raising=False)
    assert list(training.progress([3, 4], "two things")) == [3, 4]
    shown = capsys.readouterr().out
    assert "two things" in shown
    assert shown.rsplit("\r", 2)[-2].strip() == ""  # overwritten with blanks


def test_the_line_of_a_fit(monkeypatch, capsys):
    monkeypatch.setattr(training, "PATIENCE", 0.0)
    monkeypatch.delenv("COURSE_PROGRESS", raising=False)
    model().fit(*data(), epochs=3, verbose=0, callbacks=[training.Epochs("GRU")])
    shown = capsys.readouterr().out
    assert "GRU" in shown
    assert "loss=" in shown
    assert shown.rsplit("\r", 2)[-2].strip() == ""


def test_no_line_where_none_is_wanted_or_for_what_is_short(monkeypatch, capsys):
    list(training.progress(range(3), "short"))
    monkeypatch.setattr(training, "PATIENCE", 0.0)
    monkeypatch.setenv("COURSE_PROGRESS", "0")
    list(training.progress(range(3), "stored"))
    model().fit(*data(), verbose=0, callbacks=[training.Epochs("GRU")])
    assert capsys.readouterr().out == ""


def test_a_wrong_setting_is_named(monkeypatch):
    monkeypatch.setenv("COURSE_PROGRESS", "yes")
    with pytest.raises(ValueError, match=r"COURSE_PROGRESS.*yes"):
        training.progress([], "x")


def test_the_weights_of_the_best_epoch_come_back():
    """Scores are made up, so that the best epoch is known; of two equal ones the earlier is kept."""
    x, y = data()
    made = model()
    given, seen = [0.1, 0.5, 0.5, 0.2], []

    def score(trained):
        seen.append(weights(trained))
        return given[len(seen) - 1]

    keep = training.KeepBest(score)
    made.fit(x, y, epochs=4, verbose=0, callbacks=[keep])
    assert keep.scores == given
    assert all(np.array_equal(a, b) for a, b in zip(weights(made), seen[1]))
    assert not all(np.array_equal(a, b) for a, b in zip(seen[1], seen[2]))
    given[:], seen[:] = [0.3], []
    made.fit(x, y, epochs=1, verbose=0, callbacks=[keep])
    assert keep.scores == [0.3], "a second training does not remember the first"
    assert all(np.array_equal(a, b) for a, b in zip(weights(made), seen[0]))


def test_a_score_that_is_no_number_is_refused():
    x, y = data()
    with pytest.raises(ValueError, match="the score is nan"):
        model().fit(x, y, verbose=0, callbacks=[training.KeepBest(lambda _: float("nan"))])
