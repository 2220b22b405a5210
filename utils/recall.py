"""The recall task: one word, a silence of `lag` steps, and the question which word it was.

What belongs here: the task's words and its sentences. What does not: the networks that try it. Taught in
`02_vanishing_gradients`, where a simple network loses the word; `04_lstm_and_gru` lets gated ones compete on it.
"""

from numbers import Integral

import numpy as np

ANSWERS = ("tickets", "photos", "letters", "posters")
"""What the first word can be, and so what is asked for at the end. Guessing is right one time in four."""
FILLERS = ("printer", "toner", "ink", "paper", "store", "shelf", "clerk", "price")
"""The words between; they say nothing about the answer."""
VOCABULARY = ANSWERS + FILLERS


def sentences(how_many: int, lag: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return one-hot sentences whose first word is asked for at the end, and the number of that word.

    how_many : sentences, at least 1. lag : fillers after the first word, 0 or more. rng : draws all the words,
    independently and with equal chances.

    Returns (x, y): x float32 (how_many, lag + 1, 12), one-hot over `VOCABULARY`; y int64 (how_many,), an index into
    `ANSWERS`. Raises ValueError for a number of sentences or a lag that is no such whole number.

    Source: after the long-lag tasks of S. Hochreiter, J. Schmidhuber (1997), "Long short-term memory", section 5.
    """
    for name, value, least in (("how_many", how_many, 1), ("lag", lag, 0)):
        if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
            raise ValueError(f"{name} is {value!r}; expected a whole number, {least} or more.")
    word = rng.integers(0, len(ANSWERS), size=(how_many, 1))
    rest = rng.integers(len(ANSWERS), len(VOCABULARY), size=(how_many, lag))
    return np.eye(len(VOCABULARY), dtype="float32")[np.hstack([word, rest])], word[:, 0]
