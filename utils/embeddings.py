"""Word vectors at work: the matrix for an `Embedding` layer, nearest neighbours, analogies, vectors from counts.

What belongs here: look-ups and cosine arithmetic on vectors that somebody has, whether pretrained or learned, and the
one kind of vectors that is made without training, by counting. What does not: reading vector files
(`utils.datasets.load_glove`), splitting text into words (`utils.text`), pictures (`utils.plots`). Taught in
`06_word_embeddings`.

Where a function takes *vectors*, that is any object with `words` (n strings) and `vectors` (n, dim), such as what
`load_glove` returns, or `WordVectors` around a matrix of your own.
"""

import difflib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from utils.arguments import generator, real_array, whole_number

BLOCK = 1 << 23
"""How many similarities `analogy` holds at a time: 32 MiB of float32, whatever the number of questions."""


@dataclass(frozen=True, eq=False)
class WordVectors:
    """Words and their vectors, row by row.

    Parameters
    ----------
    words : sequence of str
        n distinct words.
    vectors : numpy.ndarray
        Their vectors, (n, dim).

    Raises
    ------
    TypeError
        If the vectors are no real numbers.
    ValueError
        If the two do not fit together, or if a word occurs twice.
    """

    words: Sequence[str]
    vectors: np.ndarray

    def __post_init__(self):
        """Check the shapes and the words."""
        _matrix(self)
        if len(set(self.words)) != len(self.words):
            twice = next(word for word, count in Counter(self.words).items() if count > 1)
            raise ValueError(f"the word {twice!r} occurs twice; each word needs one row.")

    @cached_property
    def index(self) -> dict[str, int]:
        """The row of each word."""
        return {word: row for row, word in enumerate(self.words)}


def embedding_matrix(vocabulary, vectors, *, rng=None) -> tuple[np.ndarray, np.ndarray]:
    """Return the weights of an `Embedding` layer filled from given vectors, and which rows were found.

    Words are compared as they are: fold the case first if the vectors are lower-case.

    Parameters
    ----------
    vocabulary : sequence of str or mapping of str to int
        The words by index, as `TextVectorization.get_vocabulary()` gives them (`''` for padding first), or the index
        of each word. Row 0 belongs to padding.
    vectors : object
        With `words` and `vectors` (n, dim).
    rng : numpy.random.Generator, optional
        With it absent words get random vectors with the mean and spread of the found ones, column by column; without
        it they stay zero. Row 0 is zero in either case.

    Returns
    -------
    matrix : numpy.ndarray
        float32 (rows, dim).
    found : numpy.ndarray
        bool (rows,); `found.sum()` words have their vector.

    Raises
    ------
    TypeError
        If the vocabulary, the vectors or the generator (a seed is none) are something else.
    ValueError
        If row 0 is a word that has a vector (then every row would be one word off the padding convention), if two
        words of a mapping share an index, or if an index is negative.
    """
    rng = None if rng is None else generator("rng", rng)
    matrix_given, index = _matrix(vectors), _index(vectors)
    rows = _vocabulary_rows(vocabulary)
    matrix = np.zeros((1 + max(rows.values(), default=-1), matrix_given.shape[1]), "float32")
    found = np.zeros(len(matrix), bool)
    first = next((word for word, row in rows.items() if row == 0 and word in index), None)
    if first is not None:
        raise ValueError(
            f"row 0 is the word {first!r}, but row 0 belongs to padding. Give the whole get_vocabulary(), which "
            "starts with '' and '[UNK]', or put '' in front of your own words."
        )
    targets = [row for word, row in rows.items() if word in index]
    sources = [index[word] for word in rows if word in index]
    matrix[targets] = matrix_given[sources]
    found[targets] = True
    if rng is not None and found.any():
        absent = ~found
        absent[0] = False
        known = matrix[found]
        matrix[absent] = rng.normal(known.mean(axis=0), known.std(axis=0), size=(absent.sum(), known.shape[1]))
    return matrix, found


def unit_rows(matrix) -> np.ndarray:
    """Return the rows of a matrix scaled to length 1, so that a dot product of two rows is their cosine.

    Parameters
    ----------
    matrix : array_like
        (n, dim), one vector a row.

    Returns
    -------
    numpy.ndarray
        (n, dim), float32 at least. A row of zeros has no direction and stays zero.

    Raises
    ------
    TypeError
        If the entries are no real numbers.
    ValueError
        For anything but a finite matrix.
    """
    matrix = real_array("the matrix", matrix)
    if matrix.ndim != 2:
        raise ValueError(f"expected vectors (n, dim), one a row, got shape {matrix.shape}.")
    if not np.isfinite(matrix).all():
        raise ValueError("the vectors hold NaN or infinite values; they have no direction.")
    matrix = matrix.astype(np.result_type(matrix.dtype, np.float32), copy=False)
    largest = np.abs(matrix).max(axis=1, keepdims=True, initial=0)
    matrix = matrix / np.where(largest > 0, largest, 1)  # squares of very large or tiny numbers leave the range
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    return matrix / np.where(lengths > 0, lengths, 1)


def nearest(vectors, query, k: int = 10) -> list[tuple[str, float]]:
    """Return the k words whose vectors have the largest cosine with a query, best first.

    Parameters
    ----------
    vectors : object
        With `words` and `vectors` (n, dim).
    query : str or array_like
        A word, which is then left out of the answer, or a vector (dim,), where nothing is left out.
    k : int
        How many neighbours.

    Returns
    -------
    list of (str, float)
        Words and cosines. Words with a zero vector are never neighbours. Equal cosines keep the order of `words`.

    Raises
    ------
    TypeError
        For a k that is no whole number, or a vector that is not made of real numbers.
    ValueError
        For an unknown word (with close spellings), a query without direction, or a k for which there are not enough
        words.
    """
    unit, index = unit_rows(_matrix(vectors)), _index(vectors)
    usable = unit.any(axis=1)
    if isinstance(query, str):
        [row] = _rows([query], index, usable)
        usable[row] = False
        target = unit[row]
    else:
        target = real_array("the query", query)
        if target.shape != unit.shape[1:]:
            raise ValueError(f"expected a word or a vector ({unit.shape[1]},), got shape {target.shape}.")
        target = unit_rows(target[None])[0]
        if not target.any():
            raise ValueError("the query is the zero vector; it has no direction, so no word is near it.")
    k = whole_number("k", k)
    if not 1 <= k <= usable.sum():
        raise ValueError(f"k = {k} is out of range: there are {usable.sum()} other words with a vector.")
    cosines = np.where(usable, unit @ target, -np.inf)
    best = np.argsort(-cosines, kind="stable")[:k]
    return [(str(vectors.words[row]), float(cosines[row])) for row in best]


def analogy(vectors, a, b, c, *, exclude: bool = True):
    """Answer "a is to b as c is to ?": the word w with the largest cosine between e_w and e_b - e_a + e_c.

    Parameters
    ----------
    vectors : object
        With `words` and `vectors` (n, dim); all vectors are scaled to length 1 first.
    a, b, c : str or sequence of str
        Three words, or three equally long lists of words.
    exclude : bool
        Whether the three words of the question are left out of the answer, as is usual. Without it the answer is
        often c.

    Returns
    -------
    str or list of str
        One word, or a list of them.

    Raises
    ------
    TypeError
        If words and lists are mixed.
    ValueError
        For unknown words (with close spellings), words with a zero vector, lists of unequal length, or fewer words
        than an answer needs.

    Notes
    -----
    Many questions are one matrix product, done in blocks of at most `BLOCK` similarities.

    References
    ----------
    T. Mikolov, W. Yih, G. Zweig (2013), "Linguistic regularities in continuous space word representations", NAACL,
    section 4; O. Levy, Y. Goldberg (2014), "Linguistic regularities in sparse and explicit word representations",
    CoNLL, where the rule is called 3CosAdd.
    """
    single = [isinstance(words, str) for words in (a, b, c)]
    if any(single) and not all(single):
        raise TypeError("a, b and c are three words or three lists of words, not a mixture.")
    if all(single):
        return analogy(vectors, [a], [b], [c], exclude=exclude)[0]
    if not len(a) == len(b) == len(c):
        raise ValueError(f"a, b and c have {len(a)}, {len(b)} and {len(c)} words; expected equally many.")
    unit, index = unit_rows(_matrix(vectors)), _index(vectors)
    usable = unit.any(axis=1)
    asked = _rows([*a, *b, *c], index, usable).reshape(3, -1)  # (3, questions)
    if exclude and len(a) and usable.sum() < 4:
        raise ValueError("an answer beside the three words of a question needs at least 4 words with a vector.")
    answers = []
    step = max(1, BLOCK // max(1, len(unit)))
    for start in range(0, asked.shape[1], step):
        rows_a, rows_b, rows_c = rows = asked[:, start : start + step]
        targets = unit[rows_b] - unit[rows_a] + unit[rows_c]  # (questions, dim)
        similarity = targets @ unit.T  # (questions, words); the length of a target does not change its best word
        similarity[:, ~usable] = -np.inf
        if exclude:
            similarity[np.arange(rows.shape[1]), rows] = -np.inf
        answers.extend(similarity.argmax(axis=1))
    return [str(vectors.words[row]) for row in answers]


def cooccurrences(ids, vocab_size: int, *, window: int = 5) -> sparse.csr_matrix:
    """Count how often two words stand close to each other.

    Parameters
    ----------
    ids : array_like of int
        Texts as word numbers, one a row, (texts, time). 0 is padding and is no word.
    vocab_size : int
        All numbers are below it.
    window : int
        Two words are close if they are at most so many places apart.

    Returns
    -------
    scipy.sparse.csr_matrix
        (vocab_size, vocab_size), symmetric. Two places that hold the same word count twice, once from each side.

    Raises
    ------
    TypeError
        If the numbers are not whole.
    ValueError
        If `ids` is no table, a number is negative or too large, or the window is below 1.
    """
    ids, window = np.asarray(ids), whole_number("window", window, least=1)
    vocab_size = whole_number("vocab_size", vocab_size, least=1)
    if ids.dtype.kind not in "iu":
        raise TypeError(f"expected word numbers, got an array of {ids.dtype}.")
    if ids.ndim != 2:
        raise ValueError(f"expected one text a row, (texts, time), got shape {ids.shape}.")
    if ids.size and not 0 <= ids.min() <= ids.max() < vocab_size:
        raise ValueError(f"word numbers go from {ids.min()} to {ids.max()}; expected 0 to {vocab_size - 1}.")
    pairs = sparse.csr_matrix((vocab_size, vocab_size))
    for step in range(1, min(window, ids.shape[1] - 1) + 1):
        first, second = ids[:, :-step].ravel(), ids[:, step:].ravel()
        words = (first > 0) & (second > 0)
        ones = np.ones(np.count_nonzero(words))
        pairs += sparse.csr_matrix((ones, (first[words], second[words])), pairs.shape)
    return (pairs + pairs.T).tocsr()


def counted_vectors(ids, vocab_size: int, dim: int, *, window: int = 5, seed: int) -> np.ndarray:
    """Make word vectors from a text by counting, without training and without labels.

    The counts of `cooccurrences` become positive pointwise mutual information (PPMI): the logarithm of how many times
    more often two words stand close than they would by chance, or 0 where that is negative. Of this matrix the `dim`
    widest directions are kept (truncated singular value decomposition).

    Parameters
    ----------
    ids, vocab_size, window
        As for `cooccurrences`.
    dim : int
        How many numbers a word, below `vocab_size`.
    seed : int
        Of the randomised decomposition.

    Returns
    -------
    numpy.ndarray
        float32 (vocab_size, dim), the columns by falling width. A word without neighbours has a row of zeros.

    Raises
    ------
    TypeError, ValueError
        As for `cooccurrences`; if `dim` is out of range; if no two words are close.

    References
    ----------
    O. Levy, Y. Goldberg, I. Dagan (2015), "Improving distributional similarity with lessons learned from word
    embeddings", TACL 3, 211-225.
    """
    from sklearn.decomposition import TruncatedSVD  # here, as only this needs scikit-learn, which loads slowly

    pairs = cooccurrences(ids, vocab_size, window=window).tocoo()
    if not pairs.nnz:
        raise ValueError("no two words stand close to each other in these texts.")
    dim = whole_number("dim", dim, least=1, most=vocab_size - 1)
    often = np.asarray(pairs.sum(axis=0)).ravel()
    information = np.log(pairs.data * often.sum() / (often[pairs.row] * often[pairs.col]))
    positive = sparse.csr_matrix((information.clip(0), (pairs.row, pairs.col)), pairs.shape)
    svd = TruncatedSVD(dim, n_iter=10, random_state=whole_number("seed", seed, least=0, most=2**32 - 1))
    return svd.fit_transform(positive).astype("float32")


# -------------------------------------------------------------------------------------------------- reading the input


def _matrix(vectors) -> np.ndarray:
    """Return the matrix of an object with words and vectors, after a look at its shape."""
    if not (hasattr(vectors, "words") and hasattr(vectors, "vectors")):
        raise TypeError(
            f"expected word vectors, an object with .words and .vectors, not {type(vectors).__name__}; "
            "use load_glove(...), or WordVectors(words, matrix) for your own."
        )
    matrix = real_array("the array of vectors", vectors.vectors)
    if matrix.ndim != 2 or len(matrix) != len(vectors.words):
        raise ValueError(f"{len(vectors.words)} words need vectors ({len(vectors.words)}, dim), got {matrix.shape}.")
    return matrix


def _index(vectors) -> Mapping[str, int]:
    """Return the row of each word."""
    index = getattr(vectors, "index", None)
    return index if isinstance(index, Mapping) else {word: row for row, word in enumerate(vectors.words)}


def _rows(words, index, usable) -> np.ndarray:
    """Return the rows of words that must be known and must have a direction."""
    for word in words:
        if not isinstance(word, str):
            raise TypeError(f"a word is a string, not {word!r}.")
    unknown = list(dict.fromkeys(word for word in words if word not in index))
    if unknown:
        shown = "; ".join(_with_close_spellings(word, index) for word in unknown[:5])
        more = f"; and {len(unknown) - 5} more" if len(unknown) > 5 else ""
        raise ValueError(f"no vector for {shown}{more}. There are vectors for {len(index):,} words.")
    rows = np.array([index[word] for word in words], dtype=np.intp)
    if not usable[rows].all():
        word = words[int(np.argmin(usable[rows]))]
        raise ValueError(f"the vector of {word!r} is zero; it has no direction and no neighbours.")
    return rows


def _with_close_spellings(word: str, index) -> str:
    """Quote a word, with known words that are spelt nearly the same."""
    candidates = [known for known in index if abs(len(known) - len(word)) <= 2]
    close = difflib.get_close_matches(word.lower(), candidates, n=3, cutoff=0.7)
    return f"{word!r}" + (f" (did you mean {', '.join(map(repr, close))}?)" if close else "")


def _vocabulary_rows(vocabulary) -> dict[str, int]:
    """Return {word: row} for a vocabulary in either form."""
    if isinstance(vocabulary, Mapping):
        rows = dict(vocabulary)
        for word, row in rows.items():
            rows[word] = whole_number(f"the index of {word!r}", row, least=0)
        if len(set(rows.values())) != len(rows):
            seen = {}
            word, other = next((w, seen[r]) for w, r in rows.items() if seen.setdefault(r, w) != w)
            raise ValueError(f"{other!r} and {word!r} have the same index, {rows[word]}.")
        return rows
    if isinstance(vocabulary, str | bytes) or not isinstance(vocabulary, Sequence | np.ndarray):
        raise TypeError(f"expected a list of words or a mapping from word to index, not {type(vocabulary).__name__}.")
    words = [str(word) for word in vocabulary]
    rows = {word: row for row, word in enumerate(words)}
    if len(rows) != len(words):
        twice = next(word for row, word in enumerate(words) if rows[word] != row)
        raise ValueError(f"the word {twice!r} occurs twice in the vocabulary; each word needs one row.")
    return rows
