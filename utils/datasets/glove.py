"""GloVe word vectors: loader. What belongs here: reading and keeping tables of them, never arithmetic on words.

A table has a line for each word: the word, then its numbers, with one space between. A word may hold any character but
a line feed, even a space or what Unicode takes for the end of a line; so lines are split as bytes, and from the right.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from utils.datasets import archives, cache
from utils.datasets.checks import digest
from utils.datasets.loaders import load

if TYPE_CHECKING:
    import numpy as np

GLOVE_DIMENSIONS = (50, 100, 200, 300)
GLOVE_WORDS = 400_000
"""How many words the whole of GloVe 6B has."""

_BLOCK = 512  # lines that are turned into numbers at a time; in 300 dimensions they take 8 MB as text


@dataclass(frozen=True, eq=False, repr=False)
class Glove:
    """Word vectors: `words`, a tuple in the order of the file (GloVe 6B: most frequent first), and `vectors`.

    `vectors` is float32 of shape (words, dimensions) and may be read-only: the kept table is mapped, not copied.
    `source` is "real" or "stand-in".
    """

    words: tuple[str, ...]
    vectors: np.ndarray
    source: str

    def __repr__(self) -> str:
        """Return the sizes: the words would fill a notebook."""
        return f"Glove({len(self.words):,} words, {self.vectors.shape[1]} dimensions, {self.source})"

    @functools.cached_property
    def index(self) -> dict[str, int]:
        """The row of each word."""
        return {word: row for row, word in enumerate(self.words)}


# Tables ----------------------------------------------------------------------------------------------


class _Lines:
    """The lines of a table, with errors that name the line."""

    def __init__(self, source: BinaryIO, name: str, dim: int):
        self.source, self.name, self.dim, self.count = source, name, dim, 0

    def wrong(self, number: int, found: str) -> ValueError:
        return ValueError(f"{self.name}, line {number:,}: expected a word and {self.dim} numbers, found {found}")

    def split(self, number: int, line: bytes) -> tuple[str, list[bytes]]:
        """Return the word and the numbers, not yet read, of a line."""
        word, *numbers = line.rsplit(b" ", self.dim)
        if len(numbers) != self.dim or not word:
            raise self.wrong(number, f"{len(line.split(b' ')):,} fields: {line[:60]!r}")
        if b" " in word and _is_number(word.rsplit(b" ", 1)[1]):
            raise self.wrong(number, f"more numbers: {line[:60]!r}")
        try:
            return word.decode("utf-8"), numbers
        except UnicodeDecodeError as error:
            raise self.wrong(number, f"a word that is not UTF-8: {error}") from None

    def numbers(self, fields: list[list[bytes]], at: list[int]) -> np.ndarray:
        """Return the numbers of some lines, float32 of shape (lines, dim); `at` are the numbers of those lines."""
        import numpy as np

        try:
            with np.errstate(over="ignore"):  # what overflows is infinite, and found below
                flat = np.fromiter(
                    map(float, itertools.chain.from_iterable(fields)), np.float32, len(fields) * self.dim
                )
        except ValueError:
            bad = next(row for row, line in enumerate(fields) if not all(map(_is_number, line)))
            raise self.wrong(at[bad], f"what is no number: {b' '.join(fields[bad])[:60]!r}") from None
        block = flat.reshape(-1, self.dim)
        if not (finite := np.isfinite(block).all(axis=1)).all():
            raise self.wrong(at[int(np.argmin(finite))], "one that is not finite")
        return block

    def blocks(self, wanted: frozenset[str] | None = None) -> Iterator[tuple[list[str], np.ndarray]]:
        """Yield the words and vectors of all lines, or of the wanted ones, in blocks. `count` grows with the lines.

        Of an unwanted word's line only the spaces are counted, so a file that was cut short is noticed in any case.
        """
        # Only words with a space, which are rare, are longer than the first field.
        heads = None if wanted is None else {word.encode("utf-8", "replace").split(b" ", 1)[0] for word in wanted}
        seen: set[str] = set()
        words, fields, at = [], [], []
        for number, line in enumerate(self.source, start=1):
            line = line.removesuffix(b"\n").removesuffix(b"\r")
            self.count = number
            if heads is not None and line.split(b" ", 1)[0] not in heads:
                if line.count(b" ") < self.dim:
                    raise self.wrong(number, f"{len(line.split(b' ')):,} fields: {line[:60]!r}")
                continue
            word, numbers = self.split(number, line)
            if wanted is not None and word not in wanted:
                continue
            if word in seen:
                raise self.wrong(number, f"the word {word!r} a second time")
            seen.add(word)
            words.append(word)
            fields.append(numbers)
            at.append(number)
            if len(words) == _BLOCK:
                yield words, self.numbers(fields, at)
                words, fields, at = [], [], []
        if words:
            yield words, self.numbers(fields, at)
        if not self.count:
            raise self.wrong(1, "the end of the file")


def _is_number(field: bytes) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True


def _names(dim: int) -> tuple[str, str]:
    """Return what the table is called in an archive; the second is Dive into Deep Learning's name for it."""
    return f"glove.6B.{dim}d.txt", "vec.txt"


def _gather(blocks: Iterable[tuple[list[str], np.ndarray]], dim: int) -> tuple[tuple[str, ...], np.ndarray]:
    import numpy as np

    words, parts = [], [np.empty((0, dim), np.float32)]
    for some, block in blocks:
        words += some
        parts.append(block)
    return tuple(words), np.concatenate(parts)


# Kept tables -----------------------------------------------------------------------------------------


def _keep_table(folder: Path, path: Path, dim: int) -> None:
    """Write the whole table as `vectors.npy` and `words.txt`, a block at a time: no more than that is in memory."""
    with (
        archives.open_file(path, *_names(dim)) as source,
        (folder / "words.txt").open("wb") as names,
        (folder / "vectors.npy").open("wb") as file,
    ):
        rows = 0
        _npy_header(file, rows, dim)
        for words, block in _Lines(source, path.name, dim).blocks():
            names.write("".join(f"{word}\n" for word in words).encode())
            block.astype("<f4", copy=False).tofile(file)
            rows += len(words)
        end = file.tell()
        file.seek(0)
        _npy_header(file, rows, dim)  # NumPy pads headers so that the number of rows may grow in place
        if end - file.tell() != rows * dim * 4:
            raise RuntimeError("the header of the .npy file has changed its length")


def _npy_header(file: BinaryIO, rows: int, dim: int) -> None:
    import numpy as np

    layout = {"descr": "<f4", "fortran_order": False, "shape": (rows, dim)}
    np.lib.format.write_array_header_1_0(file, layout)


def _kept_table(folder: Path, dim: int) -> tuple[tuple[str, ...], np.ndarray]:
    """Return words and vectors of a kept table, the vectors mapped. Raises ValueError or OSError if it is not whole."""
    import numpy as np

    # Mapped, and seen as a plain array: nothing that a notebook prints should tell how it is stored.
    vectors = np.load(folder / "vectors.npy", mmap_mode="r", allow_pickle=False).view(np.ndarray)
    words = tuple((folder / "words.txt").read_bytes().decode("utf-8").removesuffix("\n").split("\n"))
    if vectors.dtype != np.float32 or vectors.shape != (len(words), dim):
        raise ValueError(f"{folder} is not complete")
    return words, vectors


def _kept_name(path: Path, dim: int) -> str:
    return f"glove-{dim}d-{digest(path)[:16]}"


def _parse_all(path: Path, dim: int) -> tuple[tuple[str, ...], np.ndarray, int]:
    """Return words, vectors and how many words the file has; parsed once and then kept."""
    try:
        words, vectors = cache.keep(
            _kept_name(path, dim),
            functools.partial(_keep_table, path=path, dim=dim),
            functools.partial(_kept_table, dim=dim),
        )
    except OSError:  # a cache that cannot be written costs time and memory, not the lesson
        with archives.open_file(path, *_names(dim)) as source:
            words, vectors = _gather(_Lines(source, path.name, dim).blocks(), dim)
    return words, vectors, len(words)


def _parse_some(path: Path, dim: int, wanted: frozenset[str]) -> tuple[tuple[str, ...], np.ndarray, int]:
    """As `_parse_all` for the wanted words only: their rows of the kept table, else one pass over the file."""
    try:
        words, vectors = _kept_table(cache.place(_kept_name(path, dim)), dim)
    except cache.NOT_WHOLE:
        with archives.open_file(path, *_names(dim)) as source:
            lines = _Lines(source, path.name, dim)
            return *_gather(lines.blocks(wanted), dim), lines.count
    rows = [row for row, word in enumerate(words) if word in wanted]
    return tuple(words[row] for row in rows), vectors[rows], len(words)


def _wanted(words: Iterable[str] | None) -> frozenset[str] | None:
    if words is None:
        return None
    if isinstance(words, str | bytes) or not isinstance(words, Iterable):
        raise TypeError(f"words is {words!r:.60}; expected several words, such as ['king', 'queen'], or None for all.")
    wanted = list(words)
    if wrong := [word for word in wanted if not isinstance(word, str)]:
        raise TypeError(f"words holds {wrong[0]!r:.60}, a {type(wrong[0]).__name__}; expected str only.")
    if not wanted:
        raise ValueError("words is empty; name the words you need, or leave it out for all of them.")
    return frozenset(wanted)


def load_glove(dim: int, words: Iterable[str] | None = None, wide: bool = False) -> Glove:
    """Return GloVe 6B word vectors, and print one line that says from where. GloVe 6B is in lower case.

    Parameters
    ----------
    dim : int
        50, 100, 200 or 300.
    words : iterable of str, optional
        Those of them that the file has come back, in its order: absent words are simply not there, and never more than
        these vectors are held in memory. Without it all words, parsed once, kept in the cache and then mapped.
    wide : bool
        Take, where it is on disk and the whole table is not, the table of 50,000 words in 50 dimensions that were
        rounded to 8 bits: directions are right to about 1/127, all lengths are about 1. Other `dim` have none.

    Returns
    -------
    Glove
        What is on disk decides how many words there are, and the line says it: a whole table of 400,000 words, else its
        first 9,163 (50 dimensions) or 2,717 words (100). `used()["glove"]` says "real" or "stand-in".

    Raises
    ------
    ValueError
        For another `dim`, for empty `words` and for a file with a malformed line, whose number it says.
    TypeError
        For a `dim` that is no whole number, for `words` that are one str or not str.
    DataUnavailable
        In the full profile if no file can be had.

    References
    ----------
    Pennington, J., Socher, R., Manning, C. D. (2014), EMNLP, 1532-1543; see `data/README.md`.
    """
    from utils.arguments import whole_number  # here, because it needs NumPy

    dim, wanted = whole_number("dim", dim), _wanted(words)
    if dim not in GLOVE_DIMENSIONS:
        raise ValueError(f"dim is {dim}; GloVe 6B has vectors of 50, 100, 200 and 300 dimensions.")
    need = f"glove-{dim}d" + ("-wide" if wide and dim == 50 else "")
    if wanted is None:
        read = functools.partial(_parse_all, dim=dim)
    else:
        read = functools.partial(_parse_some, dim=dim, wanted=wanted)
    loaded = load("glove", f"GloVe 6B {dim}d", need, read, ("glove", "glove", dim, wanted), "not GloVe")
    found, vectors, total = loaded.content
    loaded.announce(_size(len(found), total, wanted, loaded.entry and loaded.entry.name))
    return Glove(found, vectors, loaded.source)


def _size(found: int, total: int, wanted: frozenset[str] | None, form: str | None) -> str:
    """Return the size as the line says it: words here, words asked for, and what the file lacks of the whole."""
    text = f"{total:,} words" if wanted is None else f"{found:,} of {len(wanted):,} words asked for, from {total:,}"
    if form == "glove-6b-50d-q8":
        return f"{text} (of {GLOVE_WORDS:,}, at 8 bits)"
    if form is not None and total < GLOVE_WORDS:
        return f"{text} (a prefix of {GLOVE_WORDS:,})"
    return text
