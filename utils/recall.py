"""The recall task: one word, a silence of `lag` steps, and the question which word it was.

What belongs here: the task's words and its sentences. What does not: the networks that try it. Taught in
`02_vanishing_gradients`, where a simple network loses the word; `04_lstm_and_gru` lets gated ones compete on it.
"""

import numpy as np

from utils.arguments import generator, whole_number

ANSWERS = ("tickets", "photos", "letters", "posters")
"""What the first word can be, and so what is asked for at the end. Guessing is right one time in four."""
FILLERS = ("printer", "toner", "ink", "paper", "store", "shelf", "clerk", "price")
"""The words between; they say nothing about the answer."""
VOCABULARY = ANSWERS + FILLERS


def sentences(how_many: int, lag: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return one-hot sentences whose first word is asked for at the end, and the number of that word.

    Parameters
    ----------
    how_many : int
        The number of sentences, at least 1.
    lag : int
        The number of fillers after the first word, 0 or more.
    rng : numpy.random.Generator
        Draws all the words, independently and with equal chances.

    Returns
    -------
    x : numpy.ndarray
        float32 (how_many, lag + 1, 12), one-hot over `VOCABULARY`.
    y : numpy.ndarray
        int64 (how_many,), an index into `ANSWERS`.

    Raises
    ------
    TypeError
        If a size is no whole number, or `rng` is no generator (a seed is none).
    ValueError
        If a size is too small.

    References
    ----------
    After the long-lag tasks of S. Hochreiter, J. Schmidhuber (1997), "Long short-term memory", Neural Computation
    9(8), section 5.
    """
    how_many, lag = whole_number("how_many", how_many, least=1), whole_number("lag", lag, least=0)
    rng = generator("rng", rng)
    word = rng.integers(0, len(ANSWERS), size=(how_many, 1))
    rest = rng.integers(len(ANSWERS), len(VOCABULARY), size=(how_many, lag))
    return np.eye(len(VOCABULARY), dtype="float32")[np.hstack([word, rest])], word[:, 0]
