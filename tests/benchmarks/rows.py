"""The six rows of `make bench`: for each the data, the lecture's recipe in Keras 3, and ours.

A recipe is a function of a `Watch`, a seed and a number of epochs. The watch starts before the model is made, so that
tracing and compilation count; data that both sides share are prepared before. Settings that a lecture prints stand
here as it prints them; where it prints none, the row's `settings` say what was taken.
"""

import math
import re
import string
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import keras
import numpy as np
from keras import layers, ops

from utils import datasets, dates, forecasts, timeseries
from utils.attention import AdditiveAttention
from utils.bptt import Weights, forward, loss_and_gradients
from utils.datasets.files import plan
from utils.streams import text_streams
from utils.text import split_text


def xla(tiny: bool) -> dict:
    """Return how ours is compiled; in a tiny run XLA would take longer than all the rest."""
    return {"jit_compile": not tiny}


class Watch(keras.callbacks.Callback):
    """A clock from its making on, and a Keras callback: the metric after each epoch, and each epoch's training alone.

    Parameters
    ----------
    metric : callable
        From the logs of an epoch to the metric on validation data. What it computes counts as time.
    patience : int or None
        After how many epochs without a new best a training ends; None for never. For the lecture's recipe: what comes
        after its best changes nothing in the ledger, unless a better one comes after all.
    higher : bool
        Whether a larger metric is a better one.

    Attributes
    ----------
    points : list of [float, float or None]
        Seconds since the watch was made, and the metric; None for one that is no finite number.
    epochs : list of float
        Seconds of training in each epoch, without validation.
    """

    def __init__(
        self,
        metric: Callable = lambda logs: next(iter(logs.values())),
        patience: int | None = None,
        higher: bool = True,
    ):
        super().__init__()
        self.metric, self.points, self.epochs = metric, [], []
        self.patience, self.higher = patience, higher
        self._made, self._stopped = time.perf_counter(), 0.0
        self._begun, self._trained = self._made, None

    def on_epoch_begin(self, epoch: int, logs=None) -> None:
        """Begin an epoch."""
        self._begun, self._trained = time.perf_counter(), None

    def on_test_begin(self, logs=None) -> None:
        """Take the time: from here on the epoch validates."""
        self._trained = time.perf_counter() - self._begun

    def on_epoch_end(self, epoch: int, logs=None) -> None:
        """Keep the epoch's seconds, and the metric."""
        self.epochs.append(time.perf_counter() - self._begun if self._trained is None else self._trained)
        value = float(self.metric(logs or {}))
        seconds = time.perf_counter() - self._made - self._stopped
        self.points.append([seconds, value if math.isfinite(value) else None])
        if self.patience is not None and self.since_best() >= self.patience and self.model is not None:
            self.model.stop_training = True

    def since_best(self) -> int:
        """Return how many epochs have ended since that of the best metric, the first of equals; all, if none is one."""
        signed = [-math.inf if m is None else m if self.higher else -m for _, m in self.points]
        top = max(signed)
        return len(signed) if top == -math.inf else len(signed) - 1 - signed.index(top)

    def free(self, judge: Callable) -> float:
        """Return what a function says, without counting its time: for a recipe that does not validate by itself."""
        begun = time.perf_counter()
        value = judge()
        self._stopped += time.perf_counter() - begun
        return value

    def curve(self) -> dict:
        """Return the side of a pair as a record keeps it."""
        return {"points": self.points, "epochs": self.epochs}


@dataclass(frozen=True)
class Task:
    """A row with its data at hand.

    `samples` are those of one epoch, `flops` the arithmetic of training on one of them (the matrix products, forwards
    and twice backwards), both by side.
    """

    lecture: Callable[[Watch, int, int], None]
    ours: Callable[[Watch, int, int], None]
    epochs: dict[str, int]
    samples: dict[str, int]
    flops: dict[str, float]
    figure: float | None = None
    data: dict[str, str] = field(default_factory=dict)
    """What the loaders gave out: "real" or "stand-in", by data set; empty where the course makes the data."""


@dataclass(frozen=True)
class Row:
    """What is known of a row before its data are read."""

    name: str
    title: str
    metric: str
    unit: str
    higher: bool
    settings: dict[str, str]
    prepare: Callable[[bool], Task] = field(repr=False)


def recurrent(gates: int, inputs: int, units: int, steps: float) -> float:
    """Return the operations of a recurrent layer's matrix products over one sequence, in training."""
    return 3 * 2.0 * gates * units * (inputs + units) * steps


def in_halves(layer, x):
    """Return what a recurrent layer makes of a batch, a half at a time: two loops, which XLA runs side by side.

    A step of one loop is too little work for two cores: at 32 units and 128 reviews 13 of its 64 microseconds are
    arithmetic, by the rate of a matrix product, and 1.25 of two cores were busy.
    """
    return ops.concatenate([layer(half) for half in ops.split(x, 2, axis=0)], axis=0)


# --------------------------------------------------------------------------------------------------------- film reviews

WORDS = 10_000
READ = {"widths": (150, 260, 500), "batch_size": 256, "rate": 3e-3, "dropout": 0.5, "epochs": 5}
"""How ours reads reviews."""


def reviews(tiny: bool) -> tuple[list[np.ndarray], np.ndarray]:
    """Return all training reviews as integers, in random order, and their labels: as the lecture's `imdb.load_data`.

    The texts are cut into words as in notebook 08. Index 0 is for padding, 1 for words outside of the 10,000.
    """
    import tensorflow as tf

    imdb = datasets.load_imdb()
    order = np.random.default_rng(0).permutation(len(imdb.train_texts))[: 60 if tiny else None]
    texts, labels = [imdb.train_texts[i] for i in order], np.asarray(imdb.train_labels)[order]

    def strip_tags(text):
        text = tf.strings.regex_replace(tf.strings.lower(text), "<br />", " ")
        return tf.strings.regex_replace(text, "[^a-z0-9'/ ]", " ")

    vectorise = layers.TextVectorization(WORDS, standardize=strip_tags, ragged=True)
    vectorise.adapt(tf.data.Dataset.from_tensor_slices(texts).batch(1000))
    ragged = vectorise(tf.constant(texts))
    return np.split(ragged.values.numpy().astype("int32"), ragged.row_splits.numpy()[1:-1]), labels


def by_length(rows: list[np.ndarray], widths: tuple[int, ...]) -> list[np.ndarray]:
    """Return the numbers of the rows that go into each width: the smallest that holds a row, or the last."""
    lengths = np.minimum([len(row) for row in rows], widths[-1])
    place = np.searchsorted(widths, lengths)
    return [np.flatnonzero(place == k) for k in range(len(widths))]


class Buckets:
    """Rows of words in batches of similar length, zeros on the left, each batch of one of a few widths.

    The arrays are made once; every width compiles once.
    """

    def __init__(self, rows, labels, widths, batch_size: int):
        self.batch_size, self.parts = batch_size, []
        for width, which in zip(widths, by_length(rows, widths)):
            if len(which):
                held = keras.utils.pad_sequences([rows[i] for i in which], width)
                self.parts.append((held, labels[which].astype("float32")[:, None]))

    def batches(self, rng: np.random.Generator):
        """Yield all full batches in random order; what does not fill one is another row each time."""
        size, chosen = self.batch_size, []
        for k, (x, _) in enumerate(self.parts):
            order = rng.permutation(len(x))
            chosen += [(k, order[i : i + size]) for i in range(0, len(x) - size + 1, size)]
        for i in rng.permutation(len(chosen)):
            k, which = chosen[i]
            yield self.parts[k][0][which], self.parts[k][1][which]

    def steps(self) -> int:
        """Return how many batches there are in an epoch."""
        return sum(len(x) // self.batch_size for x, _ in self.parts)

    def mean_width(self) -> float:
        """Return the mean number of steps of a row."""
        return sum(x.size for x, _ in self.parts) / sum(len(x) for x, _ in self.parts)

    def accuracy(self, model) -> float:
        """Return the share of rows that a model gets right, in %."""
        right = rows = 0
        for x, y in self.parts:
            for i in range(0, len(x), self.batch_size):
                part = x[i : i + self.batch_size]
                full = np.pad(part, ((0, self.batch_size - len(part)), (0, 0)))  # one shape, so one compilation
                said = model.predict_on_batch(full)[: len(part)] > 0.5
                right, rows = right + int(np.sum(said == y[i : i + len(part)])), rows + len(part)
        return 100 * right / rows


def sentiment(
    stem: Callable[[], list],
    flops: Callable,
    figure: float | None,
    read: dict,
    tiny: bool,
    our_stem: Callable | None = None,
) -> Task:
    """Return the task of a reader of film reviews; `stem` makes the layers between words and verdict.

    `our_stem`, where given, makes the same network of other layers, for ours.
    """
    rows, labels = reviews(tiny)
    maxlen = 40 if tiny else 500
    widths, batch_size = ((20, 40), 8) if tiny else (read["widths"], read["batch_size"])
    cut = int(len(rows) * 0.8)  # what validation_split=0.2 leaves
    padded = keras.utils.pad_sequences(rows, maxlen)
    train = Buckets(rows[:cut], labels[:cut], widths, batch_size)
    held_out = Buckets(rows[cut:], labels[cut:], widths, batch_size)

    def lecture(watch, seed, epochs):
        watch.metric = lambda logs: 100 * logs["val_acc"]
        model = keras.Sequential([layers.Embedding(WORDS, 32), *stem(), layers.Dense(1, activation="sigmoid")])
        model.compile(optimizer="rmsprop", loss="binary_crossentropy", metrics=["acc"])
        fit = {"batch_size": 128, "validation_split": 0.2, "callbacks": [watch], "verbose": 0}
        model.fit(padded, labels, epochs=epochs, **fit)

    def ours(watch, seed, epochs):
        import tensorflow as tf

        inputs = keras.Input((None,), dtype="int32")
        x = layers.SpatialDropout1D(read["dropout"])(layers.Embedding(WORDS, 32)(inputs))
        for layer in (our_stem or stem)():
            x = in_halves(layer, x)
        model = keras.Model(inputs, layers.Dense(1, activation="sigmoid")(x))
        steps = epochs * train.steps()
        model.compile(
            keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(read["rate"], steps)), "bce", **xla(tiny)
        )
        watch.metric = lambda logs: held_out.accuracy(model)
        rng = np.random.default_rng(seed)
        shapes = tf.TensorSpec((None, None), "int32"), tf.TensorSpec((None, 1), "float32")
        data = tf.data.Dataset.from_generator(lambda: train.batches(rng), output_signature=shapes)
        data = data.apply(tf.data.experimental.assert_cardinality(train.steps())).prefetch(2)
        model.fit(data, epochs=epochs, callbacks=[watch], shuffle=False, verbose=0)

    data = {"imdb": datasets.used()["imdb"]}
    epochs = {"lecture": 1, "ours": 1} if tiny else {"lecture": 10, "ours": read["epochs"]}
    samples = {"lecture": cut, "ours": train.steps() * train.batch_size}
    return Task(
        lecture, ours, epochs, samples, {"lecture": flops(maxlen), "ours": flops(train.mean_width())},
        figure if data["imdb"] == "real" and not tiny else None, data,
    )  # fmt: skip


OURS_READS = (
    "the same layers on the same 500 words, in arrays of three widths by length {widths} instead of 500 words all, "
    "{compiled}, batches of {batch_size} in two halves side by side, Adam from {rate} by a cosine, dropout {dropout} "
    "of whole embedding features, {epochs} epochs."
)


def imdb_lstm(tiny: bool) -> Task:
    """Part E: Embedding(10000, 32), LSTM(32)."""
    units = 4 if tiny else 32
    return sentiment(lambda: [layers.LSTM(units)], lambda steps: recurrent(4, 32, units, steps), 89.0, READ, tiny)


def stacked(sizes: tuple[int, ...]) -> list:
    """Return GRU layers, each of which hands its whole sequence to the next, the last one only its last state."""
    return [layers.GRU(units, return_sequences=k < len(sizes) - 1) for k, units in enumerate(sizes)]


def in_one_loop(sizes: tuple[int, ...]) -> list:
    """Return one layer with the weights and the output of `stacked(sizes)`.

    With XLA a layer that hands its sequence on takes time that grows with the square of the steps: at 500 words a step
    of 128 reviews took 1.16 s of processor time by three layers, 0.48 s without XLA, and 0.23 s in one loop and XLA; at
    150 words 0.11, about 0.15, and 0.07 s.
    """
    return [layers.RNN(layers.StackedRNNCells([layers.GRUCell(units) for units in sizes]))]


def imdb_gru_stack(tiny: bool) -> Task:
    """Part A: GRU(32), GRU(64), GRU(64); it prints neither the rest nor a figure."""
    sizes = (4, 5, 5) if tiny else (32, 64, 64)

    def flops(steps):
        return sum(recurrent(3, before, units, steps) for before, units in zip((32, *sizes), sizes))

    return sentiment(lambda: stacked(sizes), flops, None, READ, tiny, lambda: in_one_loop(sizes))


# -------------------------------------------------------------------------------------------------------------- weather


def generator(data, lookback, delay, min_index, max_index, shuffle=False, batch_size=128, step=6):
    """Yield samples and targets, sample by sample: part E's generator, as it is printed."""
    if max_index is None:
        max_index = len(data) - delay - 1
    i = min_index + lookback
    while 1:
        if shuffle:
            rows = np.random.randint(min_index + lookback, max_index, size=batch_size)  # noqa: NPY002 - as printed
        else:
            if i + batch_size >= max_index:
                i = min_index + lookback
            rows = np.arange(i, min(i + batch_size, max_index))
            i += len(rows)
        samples = np.zeros((len(rows), lookback // step, data.shape[-1]))
        targets = np.zeros((len(rows),))
        for j, _row in enumerate(rows):
            indices = range(rows[j] - lookback, rows[j], step)
            samples[j] = data[indices]
            targets[j] = data[rows[j] + delay][1]
        yield samples, targets


def series(tiny: bool) -> tuple[np.ndarray, int, int, dict[str, int], str]:
    """Return the scaled columns (temperature: column 1), where validation begins and ends, the windows, and the set.

    Jena where its file is at hand, as in the lecture: a sample an hour of ten-minute rows. Else Beijing, whose rows are
    hours: as many samples, of as many hours, as many hours ahead.
    """
    name = "beijing" if tiny or plan(["jena"])[0].path is None else "jena"
    if name == "jena":
        jena = datasets.load_jena()
        values, cuts = jena.mask(jena == -9999).ffill(), (200_000, 300_000)
        window = {"lookback": 1440, "step": 6, "delay": 144}
    else:
        beijing = datasets.load_beijing()
        values, window = forecasts.weather_columns(beijing), {"lookback": 240, "step": 1, "delay": 24}
        years = beijing.index.year
        cuts = tuple(int(np.searchsorted(years, year)) for year in (years[0] + 3, years[0] + 4))
    scaled, _, _ = timeseries.normalise(values, (0, cuts[0]))
    return scaled, *cuts, window, name


def weather(
    dropout: dict[str, float], figure: float | None, lecture_epochs: int, our_epochs: int, our_batch: int, tiny: bool
) -> Task:
    """Return the task of a GRU of 32 units, with or without its dropouts."""
    scaled, first, stop, window, name = series(tiny)
    units, batch_size, steps = (4, 16, 2) if tiny else (32, 128, 500)
    our_batch, our_steps = (16, 2) if tiny else (our_batch, 50)
    if tiny:
        scaled, first, stop, window = scaled[:900], 600, 800, {"lookback": 24, "step": 1, "delay": 24}
    lookback, delay = window["lookback"], window["delay"]
    val_steps = (stop - first - 1 - lookback) // batch_size
    shape = (lookback // window["step"], scaled.shape[1])
    common = {"data": scaled.astype("float64"), "batch_size": batch_size, **window}
    # The windows of the lecture's validation generator, all of its full batches, and no others.
    last = first + 1 + lookback + val_steps * batch_size + delay
    held_out = timeseries.windows(
        scaled, scaled[:, 1], **window, start=first + 1, stop=last, batch_size=16 * batch_size
    ).cache()
    for _ in held_out:  # into memory
        pass

    def lecture(watch, seed, epochs):
        np.random.seed(seed)  # noqa: NPY002 - what the generator as printed draws from
        watch.metric = lambda logs: logs["val_loss"]
        train_gen = generator(min_index=0, max_index=first, shuffle=True, **common)
        val_gen = generator(min_index=first + 1, max_index=stop, **common)
        model = keras.Sequential([keras.Input((None, shape[1])), layers.GRU(units, **dropout), layers.Dense(1)])
        model.compile(optimizer=keras.optimizers.RMSprop(), loss="mae")
        held = {"validation_data": val_gen, "validation_steps": val_steps}
        model.fit(train_gen, steps_per_epoch=steps, epochs=epochs, callbacks=[watch], shuffle=False, verbose=0, **held)

    def ours(watch, seed, epochs):
        watch.metric = lambda logs: logs["val_loss"]
        model = keras.Sequential([keras.Input(shape), layers.GRU(units, **dropout), layers.Dense(1)])
        falling = keras.optimizers.schedules.CosineDecay(1e-2, epochs * our_steps)
        model.compile(optimizer=keras.optimizers.Adam(falling), loss="mae", **xla(tiny))
        options = {"batch_size": our_batch, "shuffle": True, "seed": seed, "drop_remainder": True}
        train = timeseries.windows(scaled, scaled[:, 1], **window, start=0, stop=first, **options).repeat()
        fit = {"steps_per_epoch": our_steps, "epochs": epochs, "validation_data": held_out}
        model.fit(train, callbacks=[watch], shuffle=False, verbose=0, **fit)

    operations = recurrent(3, shape[1], units, shape[0])
    epochs = {"lecture": 1, "ours": 1} if tiny else {"lecture": lecture_epochs, "ours": our_epochs}
    samples = {"lecture": steps * batch_size, "ours": our_steps * our_batch}
    flops, figure = dict.fromkeys(samples, operations), figure if name == "jena" else None
    return Task(lecture, ours, epochs, samples, flops, figure, {name: datasets.used()[name]})


THEIR_WEATHER = (
    "the Python generator, 240 hourly samples, a day ahead, {}, RMSprop, batches of 128, 500 steps an epoch, {} "
    "epochs, default compile. Its val_steps is divided by the batch size, as in its second listing: undivided, each "
    "epoch would validate 128 times."
)
OUR_WEATHER = (
    "the same layers and windows, gathered a batch at a time from arrays (`timeseries.windows`), XLA, batches of {}, "
    "Adam from 0.01 by a cosine, {} x 50 updates, validation on the same windows after every 50."
)


# ---------------------------------------------------------------------------------------------------------------- dates


def date_attention(tiny: bool) -> Task:
    """Part D: one_step_attention in a loop, an output layer for each place; ours is notebook 21's translator."""
    forms = ["medium", "long", "numeric", "padded", "year first"]
    forms += ["ordinal", "ordinal comma", "short ordinal", "ordinal of", "comma"]
    sizes = (60, 20, 20) if tiny else (25_000, 1000, 4000)
    training, validation, test = dates.split(*sizes, seed=0, formats=forms)
    letters, digits = dates.alphabet([*training, *validation, *test])
    vocab_size, number = 1 + len(letters), {letter: k for k, letter in enumerate(letters, start=1)}
    T_x, T_y, n_a, n_s = 24, 10, *((4, 8) if tiny else (32, 64))
    batch_size = 20 if tiny else 100

    def to_arrays(examples):
        texts = [[number[letter] for letter in example.text] for example in examples]
        y = [[digits.index(digit) for digit in example.iso] for example in examples]
        return keras.utils.pad_sequences(texts, T_x, padding="post"), np.array(y)

    (x_train, y_train), (x_val, y_val) = to_arrays(training), to_arrays(validation)

    def exact(said) -> float:
        return 100 * float((said == y_val).all(axis=1).mean())

    def lecture(watch, seed, epochs):
        repeater, concatenator = layers.RepeatVector(T_x), layers.Concatenate(axis=-1)
        densor1, densor2 = layers.Dense(10, activation="tanh"), layers.Dense(1, activation="relu")
        activator, dotor = layers.Softmax(axis=1), layers.Dot(axes=1)

        def one_step_attention(a, s_prev):
            s_prev = repeater(s_prev)
            concat = concatenator([a, s_prev])
            energies = densor2(densor1(concat))
            alphas = activator(energies)
            return dotor([alphas, a])

        X, s0, c0 = keras.Input((T_x, vocab_size)), keras.Input((n_s,), name="s0"), keras.Input((n_s,), name="c0")
        post_activation_LSTM_cell = layers.LSTM(n_s, return_state=True)
        s, c, outputs = s0, c0, []
        a = layers.Bidirectional(layers.LSTM(n_a, return_sequences=True))(X)
        for _ in range(T_y):
            context = one_step_attention(a, s)
            s, _, c = post_activation_LSTM_cell(context, initial_state=[s, c])
            outputs.append(layers.Dense(len(digits), activation="softmax")(s))
        model = keras.Model(inputs=[X, s0, c0], outputs=outputs)
        model.compile("adam", loss=["categorical_crossentropy"] * T_y)

        def feed(x):
            zeros = np.zeros((len(x), n_s), "float32")
            return [np.eye(vocab_size, dtype="float32")[x], zeros, zeros]

        held = feed(x_val)
        targets = list(np.eye(len(digits), dtype="float32")[y_train].swapaxes(0, 1))
        watch.metric = lambda logs: exact(np.argmax(model.predict(held, verbose=0), axis=-1).T)
        model.fit(feed(x_train), targets, batch_size=batch_size, epochs=epochs, callbacks=[watch], verbose=0)

    def ours(watch, seed, epochs):
        inputs = keras.Input((T_x,), dtype="int32")
        mask = inputs > 0
        X = ops.one_hot(inputs, vocab_size)
        a = layers.Bidirectional(layers.LSTM(n_a, return_sequences=True))(X, mask=mask)
        states = Writer(n_s, T_y)(a, mask=mask)
        model = keras.Model(inputs, layers.Dense(len(digits), activation="softmax")(states))
        falling = keras.optimizers.schedules.CosineDecay(0.01, epochs * (len(x_train) // batch_size))
        adam = keras.optimizers.Adam(falling, clipnorm=1.0)
        model.compile(adam, loss="sparse_categorical_crossentropy", **xla(tiny))
        watch.metric = lambda logs: exact(np.argmax(np.array(model(x_val)), axis=-1))  # compiling would take longer
        model.fit(x_train, y_train, batch_size=batch_size, epochs=epochs, callbacks=[watch], verbose=0)

    reading = 2 * recurrent(4, vocab_size, n_a, T_x) + recurrent(4, 2 * n_a, n_s, T_y)
    saying = 3 * 2.0 * T_y * n_s * len(digits)
    looking = 3 * 2.0 * T_x * 10 * 2 * n_a  # the product with the reader's states
    flops = {
        "lecture": reading + saying + T_y * (looking + 3 * 2.0 * T_x * 10 * n_s),  # with the copies of s, each time
        "ours": reading + saying + T_y * looking + T_y * 3 * 2.0 * 10 * n_s,
    }
    epochs = {"lecture": 1, "ours": 1} if tiny else {"lecture": 20, "ours": 3}
    return Task(lecture, ours, epochs, dict.fromkeys(flops, len(x_train)), flops)


class Writer(layers.Layer):
    """Look back and step, a fixed number of times, as in notebook 21: states (batch, steps, units)."""

    def __init__(self, num_units: int, num_steps: int, **options):
        super().__init__(**options)
        self.num_units, self.num_steps = num_units, num_steps
        self.attention, self.cell = AdditiveAttention(10), layers.LSTMCell(num_units)

    def build(self, shape):
        """Make the weights."""
        self.attention.build((shape[0], self.num_units), shape)
        self.cell.build((shape[0], shape[-1]))

    def call(self, values, mask=None):
        """Return the states."""
        s = c = ops.zeros((ops.shape(values)[0], self.num_units))
        states = []
        for _ in range(self.num_steps):
            s, (_, c) = self.cell(self.attention(s, values, mask), [s, c])
            states.append(s)
        return ops.stack(states, axis=1)

    def compute_mask(self, values, previous_mask=None):
        """Return None: all steps of the answer are there."""
        return None


# ----------------------------------------------------------------------------------------------------------- characters


def characters(tiny: bool) -> Task:
    """Part C: min-char-rnn, its line 105 mended; ours is notebook 12's loop over several streams."""
    text = " ".join(re.sub("[^a-z]+", " ", datasets.load_time_machine().lower()).split())
    train, valid, _ = split_text(text[: 4000 if tiny else None])
    number = {char: k for k, char in enumerate(" " + string.ascii_lowercase)}
    train, valid = (np.array([number[char] for char in part]) for part in (train, valid))
    vocab_size, hidden_size, seq_length, streams = len(number), 8 if tiny else 100, 25, 8
    every = 5 if tiny else 1000  # iterations of the lecture's loop that count as an epoch
    inputs, targets = text_streams(train, streams, seq_length)

    def bits(weights) -> float:
        logits = forward(weights, valid[None, :-1])[1][0]
        logits = logits - logits.max(axis=-1, keepdims=True)
        log_p = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
        return float(-log_p[np.arange(len(valid) - 1), valid[1:]].mean() / np.log(2))

    def lecture(watch, seed, epochs):
        min_char_rnn(watch, seed, epochs, every, train, vocab_size, hidden_size, seq_length, bits)

    def ours(watch, seed, epochs):
        rng = np.random.default_rng(seed)
        shapes = [(vocab_size, hidden_size), (hidden_size, hidden_size), (hidden_size, vocab_size)]
        W_xh, W_hh, W_hq = (0.01 * rng.normal(size=shape) for shape in shapes)
        arrays = W_xh, W_hh, np.zeros(hidden_size), W_hq, np.zeros(vocab_size)
        weights = Weights(*(array.astype("float32") for array in arrays))
        memory = [np.zeros_like(weight) for weight in weights]
        watch.metric = lambda logs: watch.free(lambda: bits(weights))
        per_epoch = len(inputs) // 2 if not tiny else 5
        for n in range(epochs * per_epoch):
            if n % per_epoch == 0:
                watch.on_epoch_begin(n // per_epoch)
            k = n % len(inputs)
            if k == 0:
                state = np.zeros((streams, hidden_size), "float32")
            _, gradients, state = loss_and_gradients(weights, inputs[k], targets[k], state, return_state=True)
            for weight, gradient, mem in zip(weights, gradients, memory):
                gradient = np.clip(seq_length * gradient, -5, 5)
                mem += gradient * gradient
                weight -= 0.03 * gradient / np.sqrt(mem + 1e-8)
            if (n + 1) % per_epoch == 0:
                watch.on_epoch_end(n // per_epoch)

    # One-hot inputs choose a row of W_xh here; the listing multiplies by them.
    data = {"timemachine": datasets.used()["timemachine"]}
    step = recurrent(1, 0, hidden_size, 1) + 3 * 2.0 * hidden_size * vocab_size
    flops = {"lecture": step + 2 * 2.0 * hidden_size * vocab_size, "ours": step}
    epochs = {"lecture": 1, "ours": 1} if tiny else {"lecture": 10, "ours": 12}
    per_epoch = 5 if tiny else len(inputs) // 2
    samples = {"lecture": every * seq_length, "ours": per_epoch * streams * seq_length}
    return Task(lecture, ours, epochs, samples, flops, data=data)


def min_char_rnn(watch, seed, epochs, every, data, vocab_size, hidden_size, seq_length, bits) -> None:
    """Train by part C's listing, in float64 and one column at a time, with the weights first in line 105's zip.

    The listing does not validate: the watch stops while `bits` judges, every so many iterations. Its samples, 200
    characters every 100 iterations, are part of it.
    """
    rng, learning_rate = np.random.default_rng(seed), 1e-1
    Wxh = rng.normal(size=(hidden_size, vocab_size)) * 0.01
    Whh = rng.normal(size=(hidden_size, hidden_size)) * 0.01
    Why = rng.normal(size=(vocab_size, hidden_size)) * 0.01
    bh, by = np.zeros((hidden_size, 1)), np.zeros((vocab_size, 1))

    def lossFun(inputs, targets, hprev):
        xs, hs, ys, ps = {}, {}, {}, {}
        hs[-1] = np.copy(hprev)
        loss = 0
        for t in range(len(inputs)):
            xs[t] = np.zeros((vocab_size, 1))
            xs[t][inputs[t]] = 1
            hs[t] = np.tanh(np.dot(Wxh, xs[t]) + np.dot(Whh, hs[t - 1]) + bh)
            ys[t] = np.dot(Why, hs[t]) + by
            ps[t] = np.exp(ys[t]) / np.sum(np.exp(ys[t]))
            loss += -np.log(ps[t][targets[t], 0])
        dWxh, dWhh, dWhy = np.zeros_like(Wxh), np.zeros_like(Whh), np.zeros_like(Why)
        dbh, dby = np.zeros_like(bh), np.zeros_like(by)
        dhnext = np.zeros_like(hs[0])
        for t in reversed(range(len(inputs))):
            dy = np.copy(ps[t])
            dy[targets[t]] -= 1
            dWhy += np.dot(dy, hs[t].T)
            dby += dy
            dh = np.dot(Why.T, dy) + dhnext
            dhraw = (1 - hs[t] * hs[t]) * dh
            dbh += dhraw
            dWxh += np.dot(dhraw, xs[t].T)
            dWhh += np.dot(dhraw, hs[t - 1].T)
            dhnext = np.dot(Whh.T, dhraw)
        for dparam in [dWxh, dWhh, dWhy, dbh, dby]:
            np.clip(dparam, -5, 5, out=dparam)
        return loss, dWxh, dWhh, dWhy, dbh, dby, hs[len(inputs) - 1]

    def sample(h, seed_ix, n):
        x = np.zeros((vocab_size, 1))
        x[seed_ix] = 1
        ixes = []
        for _ in range(n):
            h = np.tanh(np.dot(Wxh, x) + np.dot(Whh, h) + bh)
            y = np.dot(Why, h) + by
            p = np.exp(y) / np.sum(np.exp(y))
            ix = rng.choice(range(vocab_size), p=p.ravel())
            x = np.zeros((vocab_size, 1))
            x[ix] = 1
            ixes.append(ix)
        return ixes

    params = [Wxh, Whh, Why, bh, by]
    mems = [np.zeros_like(param) for param in params]
    smooth_loss = -np.log(1.0 / vocab_size) * seq_length
    watch.metric = lambda logs: watch.free(lambda: bits(Weights(Wxh.T, Whh.T, bh[:, 0], Why.T, by[:, 0])))
    n, p = 0, 0
    while n < epochs * every:
        if n % every == 0:
            watch.on_epoch_begin(n // every)
        if p + seq_length + 1 >= len(data) or n == 0:
            hprev = np.zeros((hidden_size, 1))
            p = 0
        inputs, targets = list(data[p : p + seq_length]), list(data[p + 1 : p + seq_length + 1])
        if n % 100 == 0:
            sample(hprev, inputs[0], 200)
        loss, *gradients, hprev = lossFun(inputs, targets, hprev)
        smooth_loss = smooth_loss * 0.999 + loss * 0.001
        for param, dparam, mem in zip(params, gradients, mems):
            mem += dparam * dparam
            param += -learning_rate * dparam / np.sqrt(mem + 1e-8)
        p += seq_length
        n += 1
        if n % every == 0:
            watch.on_epoch_end(n // every - 1)


# ------------------------------------------------------------------------------------------------------------ the table

ROWS = {
    row.name: row
    for row in (
        Row(
            "imdb-lstm", "IMDB, LSTM", "accuracy", "%", True,
            {
                "lecture": "Embedding(10000, 32), LSTM(32), the last 500 words, RMSprop, batches of 128, 10 epochs, "
                "validation_split 0.2, default compile.",
                "ours": OURS_READS.format(compiled="XLA", **READ),
            },
            imdb_lstm,
        ),
        Row(
            "imdb-gru-stack", "IMDB, stack of GRUs", "accuracy", "%", True,
            {
                "lecture": "GRU(32), GRU(64), GRU(64), 10 epochs; the rest, which part A does not print, as in part "
                "E's LSTM: Embedding(10000, 32), the last 500 words, RMSprop, batches of 128, validation_split 0.2, "
                "default compile.",
                "ours": OURS_READS.format(compiled="one RNN over StackedRNNCells, XLA", **READ),
            },
            imdb_gru_stack,
        ),
        Row(
            "weather-gru", "Weather, GRU", "mean absolute error, scaled", "", False,
            {"lecture": THEIR_WEATHER.format("GRU(32)", 20), "ours": OUR_WEATHER.format(512, 10)},
            lambda tiny: weather({}, 0.265, 20, 10, 512, tiny),
        ),
        Row(
            "weather-dropout", "Weather, GRU with both dropouts", "mean absolute error, scaled", "", False,
            {
                "lecture": THEIR_WEATHER.format("GRU(32, dropout=0.2, recurrent_dropout=0.2)", 40),
                "ours": OUR_WEATHER.format(256, 20),
            },
            lambda tiny: weather({"dropout": 0.2, "recurrent_dropout": 0.2}, None, 40, 20, 256, tiny),
        ),
        Row(
            "date-attention", "Dates, attention", "dates right", "%", True,
            {
                "lecture": "Bidirectional(LSTM(32)), one_step_attention in a loop of Keras layers (Dense(10, tanh), "
                "Dense(1, relu)), LSTM(64), an output layer for each of ten places. What part D does not print: "
                "Adam's default rate, batches of 100, 20 epochs, default compile.",
                "ours": "notebook 21's translator: the same reader and writer, attention as one layer "
                "(`utils.attention`: no copies, plain energies, a mask), one output layer, batches of 100, Adam from "
                "0.01 by a cosine, clipnorm 1, XLA, 3 epochs.",
            },
            date_attention,
        ),
        Row(
            "characters", "Characters, min-char-rnn", "bits a character", "", False,
            {
                "lecture": "min-char-rnn in NumPy as printed, but for line 105, which never moves a weight: 100 "
                "units, 25 characters, Adagrad 0.1; 10,000 iterations, of which 1,000 are called an epoch.",
                "ours": "notebook 12's loop: the same network and optimiser on 8 streams at once, float32, rate 0.03, "
                "six readings of the text, judged twice in each.",
            },
            characters,
        ),
    )
}  # fmt: skip
"""The rows by name, in the order of the table."""
