"""Sums as strings: "10+6" and "16", written from the ones on.

What belongs here: the task of `20_adding_numbers` in the order that it found best, question and answer turned round,
for `26_going_further`. What does not: networks.
"""

from collections.abc import Iterable

import numpy as np

from utils.arguments import whole_number

ALPHABET = " 0123456789+="
"""The characters by number; the blank, 0, fills up short strings on the right, "=" begins an answer."""


def encode(texts: Iterable[str], width: int) -> np.ndarray:
    """Return the numbers of the characters, blanks on the right: (texts, width), int32.

    Raises
    ------
    ValueError
        If a text is longer than `width`, or has a character that is not in `ALPHABET`.
    """
    width = whole_number("width", width, least=1)
    rows = []
    for text in texts:
        if len(text) > width or set(text) - set(ALPHABET):
            raise ValueError(f"{text!r} is not at most {width} of the characters {ALPHABET!r}.")
        rows.append([ALPHABET.index(character) for character in text.ljust(width)])
    return np.array(rows, dtype="int32").reshape(-1, width)


def reversed_sums(pairs: Iterable[tuple[int, int]], width: int = 7) -> tuple[np.ndarray, np.ndarray]:
    """Return questions (pairs, width) and answers (pairs, 4), each turned round: "6+01" and "61" for 10 + 6.

    Raises
    ------
    ValueError
        If a question does not fit into `width`, or an answer into four characters.
    """
    pairs = [(int(a), int(b)) for a, b in pairs]
    answers = encode((f"{a + b}"[::-1] for a, b in pairs), 4)
    return encode((f"{a}+{b}"[::-1] for a, b in pairs), width), answers


def draw(how_many: int, num_val: int, num_test: int, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Return pairs of numbers below 1,000 to train, to validate and to test: three arrays (pairs, 2).

    Each number has an upper end that is drawn first, 10, 100 or 1,000 (weights 1, 2, 3), so that short numbers occur.
    What is held out is apart from what trains in either order: if 6 + 10 trains, 10 + 6 is not held out.

    Parameters
    ----------
    how_many : int
        Pairs drawn; those that are not held out train, a pair as often as it was drawn.
    num_val, num_test : int
        Different pairs held out.
    rng : numpy.random.Generator

    Raises
    ------
    ValueError
        If so few different pairs were drawn that none is left to train.
    """
    ends = rng.choice([10, 100, 100, 1000, 1000, 1000], size=(whole_number("how_many", how_many, least=1), 2))
    pairs = rng.integers(0, ends)
    different = rng.permutation(np.unique(np.sort(pairs, axis=1), axis=0))
    cuts = [whole_number("num_val", num_val, least=0), num_val + whole_number("num_test", num_test, least=0)]
    if len(different) <= cuts[1]:
        raise ValueError(f"{how_many} draws gave {len(different)} different sums; {cuts[1]} cannot be held out.")
    val, test, _ = np.split(rng.permuted(different, axis=1), cuts)
    code = np.sort(pairs, axis=1) @ [1000, 1]
    held_out = np.sort(np.concatenate([val, test]), axis=1) @ [1000, 1]
    return pairs[~np.isin(code, held_out)], val, test
