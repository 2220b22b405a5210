"""Entities in tagged sentences: found, counted, compared. Taught in `10_named_entities`.

What belongs here: from IOB tags (O outside, B-person on the first word of an entity, I-person on its others) to
entities, to the counts behind precision, recall and F1, and to tagging by a list of names. What does not: reading the
sentences (`utils.datasets`), models, arrays. Which tags make an entity is left to `nervaluate`.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from nervaluate import collect_named_entities

from utils.arguments import finite_number


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
    counts = np.zeros((len(true), 3), np.int64)
    for row, (right, guess) in enumerate(_pairs(true, predicted)):
        there, said = set(entities(right)), set(entities(guess))
        counts[row] = len(there & said), len(said), len(there)
    return counts


def _pairs(sentences: Sequence[Sequence[str]], tags: Sequence[Sequence[str]]) -> Iterator[tuple]:
    """Yield each sentence with its tags. Raises ValueError unless there is one list a sentence and one tag a word."""
    if len(sentences) != len(tags):
        raise ValueError(f"there are tags of {len(tags)} sentences; expected {len(sentences)}, as many as there are.")
    for row, (words, marks) in enumerate(zip(sentences, tags)):
        if len(words) != len(marks):
            raise ValueError(f"sentence {row} has {len(words)} words but {len(marks)} tags; give one a word.")
        yield words, marks


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


def name_list(
    sentences: Sequence[Sequence[str]], tags: Sequence[Sequence[str]], least: float = 0.0
) -> dict[tuple[str, ...], str]:
    """Return the names of tagged sentences with their most frequent types: a gazetteer.

    Parameters
    ----------
    sentences, tags : sequence of sequences of str
        Words, and their IOB tags.
    least : float
        A name counts if it is an entity in at least this share of the places where its words stand, 0 to 1.

    Returns
    -------
    dict of (tuple of str) to str
        The words of each name, in lower case, and its type.

    Raises
    ------
    ValueError
        If the two differ in the number of sentences or of words, for an unknown tag, or if `least` is out of range.
    """
    least = finite_number("least", least, least=0, most=1)
    kinds: dict[tuple[str, ...], Counter] = defaultdict(Counter)
    lower = [[word.lower() for word in words] for words in sentences]
    for words, marks in _pairs(lower, tags):
        for kind, start, end in entities(marks):
            kinds[tuple(words[start:end])][kind] += 1
    places = Counter()
    for words in lower:
        for size in {len(name) for name in kinds}:
            places.update(tuple(words[at : at + size]) for at in range(len(words) - size + 1))
    sure = {name: found for name, found in kinds.items() if found.total() >= least * places[name]}
    return {name: found.most_common(1)[0][0] for name, found in sure.items()}


def look_up(words: Sequence[str], names: Mapping[tuple[str, ...], str]) -> list[str]:
    """Tag a sentence by a list of names: from left to right, the longest name that fits.

    Parameters
    ----------
    words : sequence of str
        The sentence; case does not count.
    names : mapping of (tuple of str) to str
        As `name_list` returns it.

    Returns
    -------
    list of str
        One IOB tag a word.
    """
    lower, tags = tuple(word.lower() for word in words), []
    longest = max(map(len, names), default=0)
    while len(tags) < len(lower):
        at = len(tags)
        most = min(longest, len(lower) - at)
        size = next((n for n in range(most, 0, -1) if lower[at : at + n] in names), 0)
        kind = names.get(lower[at : at + size])
        tags += [f"B-{kind}", *[f"I-{kind}"] * (size - 1)] if size else ["O"]
    return tags
