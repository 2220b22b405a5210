"""Text before it is numbers: standardisation, words, n-grams, one-hot vectors and the hashing trick.

What belongs here: plain Python and NumPy from a string to tokens and toy vectors, English and Persian alike. What does
not: vocabularies of real size (`keras.layers.TextVectorization`), embeddings (`utils.embeddings`), files
(`utils.datasets`). Taught in `05_text_vectorization`.

The zero-width non-joiner (U+200C) of Persian never ends a word here, and `standardise` keeps it where it can be seen.
Persian toolkits (hazm, Parsivar) keep it too: it is part of the spelling, and a space or nothing in its place would
cut one word in two or write another one.
"""

import hashlib
import re
import string
import unicodedata
from collections.abc import Iterable, Sequence

import numpy as np

from utils.arguments import finite_number, whole_number

ZWNJ = "\u200c"
"""The zero-width non-joiner: ends a letter's join without ending the word."""

_APOSTROPHES = "'’‘ʼʻ`"
_OWN_LETTERS = {"æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "ł": "l", "ŧ": "t", "þ": "th"}
"""Letters that Unicode does not split into a plain letter and an accent. (ß is ss by case folding.)"""

_ACCENTS = ((0x0300, 0x036F), (0x1AB0, 0x1AFF), (0x1DC0, 0x1DFF), (0x20D0, 0x20FF))  # of Latin, Greek, Cyrillic
_VOWEL_SIGNS = (  # Arabic; without U+0653 to U+0655, which are part of the letters آ أ إ ئ ؤ
    (0x0610, 0x061A),
    (0x064B, 0x0652),
    (0x0656, 0x065F),
    (0x0670, 0x0670),
    (0x06D6, 0x06DC),
    (0x06DF, 0x06E8),
    (0x06EA, 0x06ED),
    (0x08D3, 0x08FF),
)
_INVISIBLE = (  # combining grapheme joiner, fillers of Hangul, Khmer and Mongolian, variation selectors of emoji
    (0x034F, 0x034F),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x3164, 0x3164),
    (0xFE00, 0xFE0F),
    (0xFFA0, 0xFFA0),
    (0xE0100, 0xE01EF),
)
"""Default ignorable characters that are no format characters (Cf): nobody sees them, so they are no part of a word."""
_TATWEEL = "ـ"
_PERSIAN = str.maketrans({"ي": "ی", "ى": "ی", "ك": "ک", "ۀ": "ه"})
_NEVER_JOIN_ON = frozenset("ءآأؤإاةدذرزوٱژڈڑۃەۓے")  # a ZWNJ after these changes nothing that one could see


def _is_within(code: int, ranges) -> bool:
    return any(low <= code <= high for low, high in ranges)


def _separates(code: int) -> bool:
    """Whether a character ends a word: punctuation, a symbol, any space, a control character, half a surrogate pair."""
    category = unicodedata.category(chr(code))
    return code == 0x200B or category[0] in "PSZ" or category in ("Cc", "Cs")


class _Folding(dict):
    """What `standardise` makes of one decomposed, case-folded character; worked out at its first use."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        if char == ZWNJ:
            self[code] = char
        elif char in _APOSTROPHES or char == _TATWEEL or _is_within(code, _ACCENTS + _VOWEL_SIGNS + _INVISIBLE):
            self[code] = ""
        elif _separates(code):
            self[code] = " "
        elif unicodedata.category(char) == "Cf":  # marks of direction, soft hyphens: invisible, and no part of a word
            self[code] = ""
        elif unicodedata.category(char) == "Nd":
            self[code] = str(unicodedata.decimal(char))
        else:
            self[code] = _OWN_LETTERS.get(char, char)
        return self[code]


class _Splitting(dict):
    """What `split_words` makes of one character: a space where a word ends, else the character as it is."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        if char in _APOSTROPHES or char in (ZWNJ, "\u200d"):
            self[code] = char
        elif _separates(code):
            self[code] = " "
        else:
            invisible = unicodedata.category(char) == "Cf" or _is_within(code, _INVISIBLE)
            self[code] = "" if invisible else char
        return self[code]


_folding, _splitting = _Folding(), _Splitting()


def _is_word(piece: str) -> bool:
    """Whether there is more to a piece than marks: a mark whose letter is gone, or never was, is no word."""
    return any(unicodedata.category(char)[0] != "M" for char in piece)


def _checked_text(text, function: str) -> str:
    if not isinstance(text, str):
        raise TypeError(f"{function} takes one text (str), not {type(text).__name__}; call it once for each text.")
    return text


def _checked_samples(samples, function: str) -> list[str]:
    if isinstance(samples, str) or not isinstance(samples, Iterable):
        raise TypeError(f"{function} takes a list of texts, not {type(samples).__name__}; put one text in a list.")
    return [_checked_text(sample, function) for sample in samples]


# ----------------------------------------------------------------------------------------- standardisation and words


def standardise(text: str) -> str:
    """Return the text with case, punctuation and accents folded: texts that say the same become the same text.

    - Case: Unicode case folding, so STRASSE and Straße agree.
    - Punctuation and symbols (any that Unicode knows, emoji too) become a space, so that `end.Start` stays two words;
      apostrophes vanish, so that `isn't` stays one (`isnt`). White space shrinks to single spaces, none at the ends.
    - Accents: é is e, ü is u, æ is ae, ø is o; ligatures and wide forms are plain letters (NFKD). Marks that are
      letters of their own in other scripts stay (Hindi vowels, the Japanese voicing mark), but not without a letter.
    - Digits of all scripts become 0 to 9.
    - What nobody sees vanishes (marks of direction, variation selectors); half a surrogate pair, which is no character
      and cannot be encoded, becomes a space.
    - Persian: Arabic yeh (ي and ى) and kaf (ك) become ی and ک; tatweel and vowel signs vanish; آ, أ, ؤ and ئ stay the
      letters they are; the hamza over a final heh (ۀ) vanishes. A zero-width non-joiner stays between two letters of
      which the first would else join on (می‌روم, one word); elsewhere it cannot be seen, and vanishes.

    Parameters
    ----------
    text : str
        Any text.

    Returns
    -------
    str
        Words with single spaces between them. Standardising it again changes nothing.

    Raises
    ------
    TypeError
        For anything but a str.

    References
    ----------
    Unicode Standard Annex 15 (normalisation forms) and 44 (character properties); the letters of Persian as in the
    normalisers of hazm and Parsivar.
    """
    text = _checked_text(text, "standardise").replace("´", "'")  # NFKD would make it a space and an accent
    text = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    text = unicodedata.normalize("NFC", text.translate(_folding))
    # Only now: before NFC the letter ئ is an Arabic yeh with a hamza, and would lose it.
    text = text.translate(_PERSIAN).replace("ی\u0654", "ئ")
    text = re.sub("[\u0653-\u0655]", "", text)  # a hamza or madda that belongs to no letter
    if ZWNJ in text:
        text = re.sub(f"{ZWNJ}+", _visible, text)
    return " ".join(filter(_is_word, text.split()))


def _visible(found: re.Match) -> str:
    """Keep one ZWNJ between two Arabic letters of which the first joins on; else nothing."""
    before, after = found.string[max(found.start() - 1, 0) : found.start()], found.string[found.end() : found.end() + 1]
    inside = all(char and unicodedata.name(char, "").startswith("ARABIC LETTER") for char in (before, after))
    return ZWNJ if inside and before not in _NEVER_JOIN_ON else ""


def split_words(text: str) -> list[str]:
    """Return the words of a text in order; punctuation, symbols and spaces stand between them.

    Parameters
    ----------
    text : str
        Any text. `split_words(standardise(text))` are the words of the standardised text.

    Returns
    -------
    list of str
        The words, case and accents kept. An apostrophe or a zero-width non-joiner inside a word is part of it (isn't,
        می‌روم), at its edge it is not.

    Raises
    ------
    TypeError
        For anything but a str.
    """
    pieces = _checked_text(text, "split_words").translate(_splitting).split()
    stripped = (piece.strip(_APOSTROPHES + ZWNJ + "\u200d") for piece in pieces)
    return list(filter(_is_word, stripped))


# ------------------------------------------------------------------------------------------------------------ n-grams


def _tokens(text, function: str) -> list[str]:
    if isinstance(text, str):
        return split_words(text)
    if not isinstance(text, Sequence) or not all(isinstance(token, str) for token in text):
        raise TypeError(f"{function} takes a text (str) or a list of words, not {type(text).__name__}.")
    return list(text)


def split_text(text: str, cuts: tuple[float, float] = (0.8, 0.9)) -> tuple[str, str, str]:
    """Cut a text into one part to learn from, one to choose by and one to test on, in the order of reading.

    Every notebook that models a text cuts it here, so that words and characters, counts and networks
    are compared on the same held-out part.

    Parameters
    ----------
    text : str
        The text; cleaned first, if it is to be cleaned.
    cuts : (float, float)
        Where the second and the third part begin, as shares of the characters.

    Returns
    -------
    tuple of (str, str, str)
        Training, validation and test text. Joined they are `text` again. Each cut is moved on to the next white space,
        with which the later part begins, so that no word is cut in two.

    Raises
    ------
    TypeError
        If `text` is not a string or a cut is no number.
    ValueError
        Unless 0 < first cut < second cut < 1, and if a part has no word in it.

    Examples
    --------
    >>> split_text("one two three four five six seven eight nine ten", (0.5, 0.8))
    ('one two three four five', ' six seven eight', ' nine ten')
    """
    text = _checked_text(text, "split_text")
    shares = [finite_number(f"cuts[{k}]", cut, least=0, most=1) for k, cut in enumerate(cuts)]
    if len(shares) != 2 or not 0 < shares[0] < shares[1] < 1:
        raise ValueError(f"cuts are {cuts}; expected two shares, 0 < first < second < 1.")
    edges = [0]
    for share in shares:
        white = re.compile(r"\s").search(text, int(share * len(text)))
        edges.append(white.start() if white else len(text))
    parts = tuple(text[start:stop] for start, stop in zip(edges, [*edges[1:], len(text)]))
    if not all(part.strip() for part in parts):
        raise ValueError(
            f"a text of {len(text)} characters cut at {cuts} leaves a part without a word; expected a longer text with "
            "white space between its words."
        )
    return parts


def word_ngrams(text: str | Sequence[str], n: int) -> list[str]:
    """Return all runs of exactly n neighbouring words, in order.

    Parameters
    ----------
    text : str or sequence of str
        A text (cut up by `split_words`, case kept) or a list of words.
    n : int
        Words in a run, at least 1.

    Returns
    -------
    list of str
        The runs, each joined by a space, repeated ones repeated; empty for fewer than n words.

    Raises
    ------
    TypeError
        For another kind of text, or an n that is no whole number.
    ValueError
        For an n below 1.
    """
    tokens, n = _tokens(text, "word_ngrams"), whole_number("n", n, least=1)
    return [" ".join(tokens[start : start + n]) for start in range(len(tokens) - n + 1)]


def char_ngrams(text: str, n: int) -> list[str]:
    """Return all runs of exactly n neighbouring characters, in order, spaces and punctuation included.

    Parameters
    ----------
    text : str
        Any text.
    n : int
        Characters in a run, at least 1.

    Returns
    -------
    list of str
        The runs, repeated ones repeated; empty for fewer than n characters.

    Raises
    ------
    TypeError
        For anything but a str, or an n that is no whole number.
    ValueError
        For an n below 1.
    """
    text, n = _checked_text(text, "char_ngrams"), whole_number("n", n, least=1)
    return [text[start : start + n] for start in range(len(text) - n + 1)]


def bag_of_ngrams(text: str | Sequence[str], n: int) -> set[str]:
    """Return the bag of n-grams: the set of all runs of 1 to n neighbouring words.

    Parameters
    ----------
    text : str or sequence of str
        A text (cut up by `split_words`; case is kept, so standardise first to fold it) or a list of words.
    n : int
        The most words in a run, at least 1.

    Returns
    -------
    set of str
        The runs, each joined by a space.

    Raises
    ------
    TypeError
        For another kind of text, or an n that is no whole number.
    ValueError
        For an n below 1.

    References
    ----------
    F. Chollet, *Deep Learning with Python*, Manning, section 6.1.
    """
    tokens, n = _tokens(text, "bag_of_ngrams"), whole_number("n", n, least=1)
    return {ngram for size in range(1, min(n, len(tokens)) + 1) for ngram in word_ngrams(tokens, size)}


# ------------------------------------------------------------------------------------------- one-hot words, characters


def word_index(samples: Iterable[str]) -> dict[str, int]:
    """Return the number of each word, numbered from 1 as they first appear.

    Parameters
    ----------
    samples : iterable of str
        The texts.

    Returns
    -------
    dict of str to int
        The words of all texts and their numbers; 0 is no word's.

    Raises
    ------
    TypeError
        Unless `samples` is a list (or other iterable) of texts.
    """
    index = {}
    for sample in _checked_samples(samples, "word_index"):
        for word in split_words(sample):
            index.setdefault(word, len(index) + 1)
    return index


def one_hot_words(
    samples: Iterable[str], max_length: int = 10, index: dict[str, int] | None = None
) -> np.ndarray:  # (samples, max_length, words + 1)
    """Return each text as one-hot rows, one for each word.

    Parameters
    ----------
    samples : iterable of str
        The texts.
    max_length : int
        The number of rows: later words are cut off; shorter texts end in rows of zeros.
    index : dict of str to int, optional
        The number of each word, from 1; `word_index(samples)` unless given. A word that is not in it is a row of
        zeros, so this toy cannot tell it from padding.

    Returns
    -------
    numpy.ndarray
        float32 (samples, max_length, largest index + 1): a 1 at [i, j, index of word j of text i], else 0. The column
        0 belongs to no word and stays empty.

    Raises
    ------
    TypeError
        Unless `samples` is a list of texts and the numbers are whole ones.
    ValueError
        For a max_length or a number of a word below 1.
    """
    samples = _checked_samples(samples, "one_hot_words")
    max_length = whole_number("max_length", max_length, least=1)
    index = word_index(samples) if index is None else index
    for word, number in index.items():
        whole_number(f"the index of {word!r}", number, least=1)
    return _one_hot([split_words(sample) for sample in samples], max_length, index)


def one_hot_characters(
    samples: Iterable[str], max_length: int = 50, characters: str = string.printable
) -> np.ndarray:  # (samples, max_length, characters + 1)
    """Return each text as one-hot rows, one for each character.

    Parameters
    ----------
    samples : iterable of str
        The texts.
    max_length : int
        The number of rows: later characters are cut off; shorter texts end in rows of zeros.
    characters : str
        The alphabet; its first character has index 1. A character outside it is a row of zeros, as is the padding.

    Returns
    -------
    numpy.ndarray
        float32 (samples, max_length, len(characters) + 1). The column 0 stays empty.

    Raises
    ------
    TypeError
        Unless `samples` is a list of texts and `max_length` a whole number.
    ValueError
        For a max_length below 1 or an alphabet that is empty or repeats a character.
    """
    samples = _checked_samples(samples, "one_hot_characters")
    max_length = whole_number("max_length", max_length, least=1)
    if not _checked_text(characters, "characters") or len(set(characters)) != len(characters):
        raise ValueError("characters is empty or repeats a character; expected each character of the alphabet once.")
    index = {character: number for number, character in enumerate(characters, start=1)}
    return _one_hot(samples, max_length, index)


def _one_hot(samples: list[Sequence[str]], max_length: int, index: dict[str, int]) -> np.ndarray:
    vectors = np.zeros((len(samples), max_length, max(index.values(), default=0) + 1), dtype="float32")
    for i, tokens in enumerate(samples):
        for j, token in enumerate(tokens[:max_length]):
            if token in index:
                vectors[i, j, index[token]] = 1
    return vectors


# -------------------------------------------------------------------------------------------------------- hashing trick


def hash_words(text: str | Sequence[str], dimension: int = 1000, seed: int = 0) -> np.ndarray:  # (words,)
    """Return an index for each word without any vocabulary.

    Parameters
    ----------
    text : str or sequence of str
        A text (cut up by `split_words`) or a list of words.
    dimension : int
        How many indices there are, at least 1.
    seed : int
        Chooses among hash functions that are independent of each other; 0 or more.

    Returns
    -------
    numpy.ndarray
        int64 (words,), from 0 to dimension - 1. Equal words get equal indices; different words may collide.

    Raises
    ------
    TypeError
        For another kind of text, or numbers that are no whole ones.
    ValueError
        For a dimension below 1 or a seed below 0.

    Notes
    -----
    The hash is BLAKE2b of the word's UTF-8 bytes, so the index is the same in every process, on every machine and in
    every version of Python. Python's own `hash` is salted anew in each process. The remainder of a 64-bit number
    favours small indices by less than dimension / 2**64.

    References
    ----------
    K. Weinberger and others (2009), "Feature hashing for large scale multitask learning", ICML.
    """
    tokens, dimension = _tokens(text, "hash_words"), whole_number("dimension", dimension, least=1)
    key = str(whole_number("seed", seed, least=0)).encode()
    # Half a surrogate pair has no UTF-8; "surrogatepass" gives it three bytes that no character has.
    encoded = (token.encode("utf-8", "surrogatepass") for token in tokens)
    digests = (hashlib.blake2b(token, digest_size=8, key=key).digest() for token in encoded)
    return np.array([int.from_bytes(digest, "big") % dimension for digest in digests], dtype="int64")
