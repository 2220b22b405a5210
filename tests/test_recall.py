"""The recall task: what a sentence looks like, and that nothing in it but the first word knows the answer."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from utils import recall


@settings(max_examples=50, deadline=None)
@given(how_many=st.integers(1, 20), lag=st.integers(0, 30), seed=st.integers(0, 2**32 - 1))
def test_sentences_are_one_answer_and_then_fillers(how_many, lag, seed):
    x, y = recall.sentences(how_many, lag, np.random.default_rng(seed))
    assert x.shape == (how_many, lag + 1, 12) and x.dtype == np.float32
    assert y.shape == (how_many,)
    assert np.array_equal(x.sum(axis=-1), np.ones((how_many, lag + 1)))
    words = x.argmax(axis=-1)
    assert np.array_equal(words[:, 0], y) and (y < 4).all()
    assert (words[:, 1:] >= 4).all()


def test_words_are_drawn_evenly_and_fillers_say_nothing_of_the_answer():
    x, y = recall.sentences(20_000, 2, np.random.default_rng(0))
    words = x.argmax(axis=-1)
    assert np.allclose(np.bincount(y, minlength=4) / len(y), 1 / 4, atol=0.02)
    for step in (1, 2):
        table = np.array([np.bincount(words[y == answer, step], minlength=12)[4:] for answer in range(4)])
        assert np.allclose(table / table.sum(), 1 / 32, atol=0.005)


def test_the_columns_are_named():
    """Every word is drawn, each column of x by its name: the first word is the answer that y counts, no other is."""
    x, y = recall.sentences(500, 6, np.random.default_rng(5))
    said = np.array(recall.VOCABULARY)[x.argmax(axis=-1)]  # (sentences, time), as words
    assert said[:, 0].tolist() == [recall.ANSWERS[number] for number in y]
    assert set(said[:, 0]) == {"tickets", "photos", "letters", "posters"}
    assert set(said[:, 1:].ravel()) == set(recall.FILLERS)
    assert not set(recall.FILLERS) & set(recall.ANSWERS) and len(set(recall.FILLERS)) == 8


def test_the_sizes_at_their_ends():
    x, y = recall.sentences(1, 0, np.random.default_rng(0))
    assert x.shape == (1, 1, 12) and y.dtype == np.int64


def test_equal_seeds_give_equal_sentences():
    first, second = (recall.sentences(5, 7, np.random.default_rng(3)) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(first, second))


@pytest.mark.parametrize(
    ("how_many", "lag", "error"),
    [
        *((0, 3, ValueError), (3, -1, ValueError)),
        *((True, 3, TypeError), (2.0, 3, TypeError), (3, 1.5, TypeError), (3, None, TypeError)),
    ],
)
def test_bad_sizes_are_refused(how_many, lag, error):
    with pytest.raises(error, match="expected a whole number"):
        recall.sentences(how_many, lag, np.random.default_rng(0))


def test_a_seed_is_no_generator():
    with pytest.raises(TypeError, match=r"rng is 42; expected a numpy\.random\.Generator"):
        recall.sentences(3, 2, 42)
