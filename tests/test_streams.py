"""Texts as streams: every target once, the order kept from chunk to chunk, and the lecture's own pointer beside it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils.streams import text_streams

SIZES = st.integers(1, 7)


@given(st.integers(2, 400), SIZES, SIZES)
def test_every_place_is_a_target_once_in_the_order_of_reading(length, batch_size, num_steps):
    tokens = max(length, batch_size * num_steps + 1)
    inputs, targets = text_streams(np.arange(tokens), batch_size, num_steps)
    assert inputs.shape == targets.shape == ((tokens - 1) // (batch_size * num_steps), batch_size, num_steps)
    rows = [inputs[:, row].ravel() for row in range(batch_size)]
    for row in rows:  # each one a contiguous stretch
        assert (np.diff(row) == 1).all()
    read = np.concatenate(rows)  # and they follow each other from the beginning of the text
    assert (read == np.arange(len(read))).all()
    assert (targets == inputs + 1).all()
    assert 0 <= tokens - 1 - len(read) < batch_size * num_steps


@given(st.text(min_size=2, max_size=300), SIZES, SIZES)
def test_the_target_is_the_character_that_follows(text, batch_size, num_steps):
    text += "x" * (batch_size * num_steps)
    inputs, targets = text_streams([ord(char) for char in text], batch_size, num_steps)
    for row in range(batch_size):
        read, follows = (("".join(map(chr, part[:, row].ravel()))) for part in (inputs, targets))
        assert read[1:] == follows[:-1]
        assert read in text and read + follows[-1] in text


@given(st.integers(27, 400))
def test_one_row_is_the_lectures_pointer(tokens):
    """min-char-rnn starts anew when p + 25 + 1 >= len: where the last chunk just fits, it is left out."""
    starts, p = [], 0
    while not p + 25 + 1 >= tokens:
        starts.append(p)
        p += 25
    assert text_streams(np.arange(tokens - 1), 1, 25)[0][:, 0, 0].tolist() == starts


def test_the_type_is_kept_and_the_text_is_not_shared():
    ids = np.arange(20, dtype=np.uint8)
    inputs, targets = text_streams(ids, 2, 3)
    assert inputs.dtype == targets.dtype == np.uint8
    inputs[:] = 99
    assert (ids == np.arange(20)).all() and targets.max() == 18


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ((np.arange(12), 2, 6), ValueError, "at least 13.*longer text"),
        (([], 1, 1), ValueError, "at least 2"),
        ((np.zeros((3, 50), int), 2, 5), ValueError, r"\(3, 50\).*one text"),
        (([[1, 2], [3]], 1, 1), ValueError, "unequal length"),
        (("a text of characters", 1, 1), ValueError, "one text"),
        ((list("characters"), 1, 2), TypeError, "whole numbers"),
        ((np.arange(9.0), 1, 2), TypeError, "float64.*whole numbers"),
        ((np.ones(9, bool), 1, 2), TypeError, "bool.*whole numbers"),
        ((np.arange(9), 0, 2), ValueError, "batch_size is 0"),
        ((np.arange(9), 2, 1.5), TypeError, "num_steps is 1.5"),
    ],
)
def test_what_cannot_be_cut_is_refused(arguments, error, words):
    with pytest.raises(error, match=words):
        text_streams(*arguments)


def test_a_state_reset_before_every_batch_trains_as_a_stateless_layer():
    """What notebook 13 says of its control: `reset` is `stateful=False` by another way."""
    import keras

    inputs, targets = text_streams(np.random.default_rng(0).integers(0, 5, 200), 4, 6)
    x, y = inputs.reshape(-1, 6), targets.reshape(-1, 6)
    trained = {}
    for way, options in {"stateless": {}, "reset": {"stateful": True}, "carried": {"stateful": True}}.items():
        keras.utils.set_random_seed(1)
        memory = keras.layers.GRU(3, return_sequences=True, **options)
        embedding, output = keras.layers.Embedding(5, 2), keras.layers.Dense(5, activation="softmax")
        model = keras.Sequential([keras.Input(batch_shape=(4, 6), dtype="int32"), embedding, memory, output])
        model.compile("adam", "sparse_categorical_crossentropy", jit_compile=False)
        forget = {"on_train_batch_begin": lambda *_, memory=memory, **__: memory.reset_state()}
        callback = keras.callbacks.LambdaCallback(**forget if way == "reset" else {})
        model.fit(x, y, batch_size=4, epochs=2, shuffle=False, verbose=0, callbacks=[callback])
        trained[way] = model.get_weights()
    for stateless, reset in zip(trained["stateless"], trained["reset"], strict=True):
        np.testing.assert_allclose(stateless, reset, atol=1e-5)
    assert max(abs(a - b).max() for a, b in zip(trained["stateless"], trained["carried"], strict=True)) > 1e-3
