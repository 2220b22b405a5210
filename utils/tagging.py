"""Entities in tagged sentences: found, counted, compared. Taught in `10_named_entities`.

What belongs here: from IOB tags (O outside, B-person on the first word of an entity, I-person on its others) to
entities, and to the counts behind precision, recall and F1. What does not: reading the sentences (`utils.datasets`),
models, arrays. Which tags make an entity is left to `nervaluate`.
"""

from collections.abc import Sequence

import numpy as np
from nervaluate import collect_named_entities


def entities(tags: Sequence[str]) -> list[tuple[str, int, int]]:
    """Return the entities of one sentence.

    An I- that continues nothing (at the beginning, after O or after another type) begins an entity, as in the
    evaluation of CoNLL.

    Parameters
    ----------
    tags : sequence of str
        "O", "B-type" or "I-type" for each word.

    Returns
    -------
    list of (str, int, int)
        Type, start and end of each; its words are ``words[start:end]``.

    Raises
    ------
    TypeError
        If `tags` is a str.
    ValueError
        For a tag that is none of the three; the message says where it stands.
    """
    if isinstance(tags, str):
        raise TypeError(f"expected a list of tags, one a word, not the text {tags!r}.")
    for number, tag in enumerate(tags):
        if tag != "O" and not (isinstance(tag, str) and tag[:2] in ("B-", "I-") and tag[2:]):
            raise ValueError(f"tag {number} is {tag!r}; expected 'O', 'B-type' or 'I-type'.")
    return [(found["label"], found["start"], found["end"] + 1) for found in collect_named_entities(list(tags))]


def entity_counts(true: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]) -> np.ndarray:
    """Count, sentence by sentence, the entities that were found, that were predicted, and that there are.

    Found is an entity whose first word, last word and type are all predicted (the strict rule of `nervaluate`, and that
    of CoNLL).

    Parameters
    ----------
    true, predicted : sequence of sequences of str
        IOB tags of the same sentences.

    Returns
    -------
    numpy.ndarray
        int64 (sentences, 3): found, predicted, true. With sums over the sentences precision is found / predicted and
        recall found / true; see `f1`.

    Raises
    ------
    TypeError
        If a sentence is a str.
    ValueError
        If the two differ in the number of sentences or of words, or for an unknown tag.
    """
    if len(true) != len(predicted):
        raise ValueError(f"{len(predicted)} sentences were predicted; expected {len(true)}, as many as there are.")
    counts = np.zeros((len(true), 3), np.int64)
    for row, (right, guess) in enumerate(zip(true, predicted)):
        if len(right) != len(guess):
            raise ValueError(f"sentence {row} has {len(right)} words but {len(guess)} predicted tags; give one a word.")
        there, said = set(entities(right)), set(entities(guess))
        counts[row] = len(there & said), len(said), len(there)
    return counts


def f1(counts) -> np.ndarray:
    """Return F1, the harmonic mean of precision and recall, from counts of entities.

    Parameters
    ----------
    counts : array_like
        (..., 3): found, predicted, true, already summed over the sentences.

    Returns
    -------
    numpy.ndarray
        float64 (...): 2 found / (predicted + true), which is 0 where nothing is predicted and nothing there.

    Raises
    ------
    ValueError
        If the last axis has another length, a count is negative, or more are found than are predicted or there.
    """
    counts = np.asarray(counts, dtype=float)
    if counts.ndim == 0 or counts.shape[-1] != 3:
        raise ValueError(f"expected counts (..., 3): found, predicted, true; got shape {counts.shape}.")
    found, predicted, true = np.moveaxis(counts, -1, 0)
    if not ((found >= 0) & (found <= predicted) & (found <= true)).all():
        raise ValueError("expected counts with 0 <= found <= predicted and found <= true, in this order.")
    return 2 * found / np.maximum(predicted + true, 1)


def broken_transitions(tags: Sequence[str]) -> int:
    """Count the tags of one sentence that no IOB sequence can have: I- without an entity of its type before it.

    Parameters
    ----------
    tags : sequence of str
        "O", "B-type" or "I-type" for each word.

    Returns
    -------
    int
        How many I- stand at the beginning, after O, or after a tag of another type.

    Raises
    ------
    TypeError, ValueError
        As for `entities`.
    """
    return sum(tags[start].startswith("I-") for _, start, _ in entities(tags))
