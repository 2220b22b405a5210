"""A long text as a batch of streams: stretches of it, side by side, that a recurrent network reads chunk by chunk.

What belongs here: cutting one sequence of token numbers into chunks whose order keeps the text together, so that the
state after one chunk is the start of the next. What does not: characters and words to numbers (`utils.text`), windows
that overlap or have a target of their own (`utils.timeseries`), and training. Taught in `12_character_rnn`.
"""

import numpy as np

from utils.arguments import whole_number


def text_streams(ids, batch_size: int, num_steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Cut a text into chunks for training with a state that is carried on.

    The text is cut into `batch_size` contiguous stretches of equal length, one for each row of the batch, in the order
    of reading. Each stretch is cut into chunks of `num_steps`. In every row chunk k + 1 begins where chunk k ended, so
    the state after a chunk belongs before the next one; before chunk 0 it is reset.

    Parameters
    ----------
    ids : array_like of int
        The text as token numbers, (tokens,).
    batch_size : int
        Streams that are read side by side, at least 1. With 1 the text is read once, from left to right.
    num_steps : int
        Steps in a chunk, at least 1.

    Returns
    -------
    inputs, targets : numpy.ndarray
        (chunks, batch_size, num_steps) each, of the type of `ids`. A target is the token that follows its input in the
        text. There are ``(tokens - 1) // (batch_size * num_steps)`` chunks; no token is a target twice. What does not
        fill a chunk in every row is dropped, at the end of the text only, less than `batch_size * num_steps` tokens.

    Raises
    ------
    TypeError
        If `ids` are no whole numbers, or a size is none.
    ValueError
        If `ids` has not one axis, a size is below 1, or the text is too short for one chunk in every row.

    Examples
    --------
    >>> inputs, targets = text_streams(range(14), batch_size=2, num_steps=3)
    >>> inputs.tolist()
    [[[0, 1, 2], [6, 7, 8]], [[3, 4, 5], [9, 10, 11]]]
    >>> targets[0].tolist()
    [[1, 2, 3], [7, 8, 9]]
    """
    batch_size = whole_number("batch_size", batch_size, least=1)
    num_steps = whole_number("num_steps", num_steps, least=1)
    try:
        ids = np.asarray(ids)
    except ValueError:
        raise ValueError("ids have rows of unequal length; expected one text, (tokens,): join the rows.") from None
    if ids.ndim != 1:
        raise ValueError(f"ids have the shape {ids.shape}; expected one text, (tokens,).")
    needed = batch_size * num_steps + 1
    if len(ids) < needed:
        raise ValueError(
            f"ids are {len(ids)} tokens; expected at least {needed}, so that each of {batch_size} rows has a chunk of "
            f"{num_steps} steps and the last input a target. Take a longer text, fewer rows or fewer steps."
        )
    if ids.dtype.kind not in "iu":
        raise TypeError(f"ids are of type {ids.dtype}; expected whole numbers, one for each token.")
    num_chunks = (len(ids) - 1) // (batch_size * num_steps)
    used = num_chunks * batch_size * num_steps
    shape = (batch_size, num_chunks, num_steps)
    inputs = ids[:used].reshape(shape).swapaxes(0, 1)
    targets = ids[1 : used + 1].reshape(shape).swapaxes(0, 1)
    return np.ascontiguousarray(inputs), np.ascontiguousarray(targets)
