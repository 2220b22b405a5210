"""Sentence pairs, English with French or Persian: test of the contents, loader. Reading only; cleaning is the lesson.

Sentences come as they were written, capitals, punctuation and the French no-break spaces included.
"""

import functools
from dataclasses import dataclass
from pathlib import Path

from utils.datasets import archives
from utils.datasets.checks import WrongFile
from utils.datasets.loaders import load
from utils.datasets.verse import persian_share, utf8

_SETS = {"fra": ("English-French pairs", "fra.txt"), "pes": ("English-Persian pairs", "pes.txt")}


def check_pes(path: Path) -> None:
    """Raise WrongFile or BadArchive unless this is an edition of the Persian pairs: long enough, columns, script."""
    rows = [line.split("\t") for line in utf8(archives.read(path, "pes.txt")).splitlines() if line]
    if len(rows) < 2_000 or any(len(row) not in (2, 3) for row in rows):
        raise WrongFile(f"expected at least 2,000 lines of 2 or 3 columns, found {len(rows):,} lines")
    share = persian_share(" ".join(row[1] for row in rows))
    if share < 0.9:
        raise WrongFile(f"expected Persian in the second column, found {share:.0%} Persian letters")


@dataclass(frozen=True, eq=False, repr=False)
class TranslationPairs:
    """Sentences and their translations, two lists of str of one length, in the order of the file (short ones first).

    `source` is English, `target` the other language, whose ISO 639-3 code is `language`. An English sentence with
    several translations stands there several times, and so does a translation of several English sentences: split
    by sentences, not by pairs. `used()` says whether they are real.
    """

    source: list[str]
    target: list[str]
    language: str

    def __len__(self) -> int:
        """Return how many pairs there are."""
        return len(self.source)

    def __repr__(self) -> str:
        """Return the size: the sentences would fill a notebook."""
        return f"TranslationPairs({len(self):,} English sentences to {self.language!r})"


def _parse_pairs(path: Path, member: str) -> list[tuple[str, str]]:
    """Return the first two columns of the table called `member`, in any folder of the archive at `path`."""
    text = archives.read_text(path, member)
    pairs = []
    # Not splitlines: it would end a line at characters that may stand inside a sentence.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line:
            continue
        columns = line.split("\t")  # a third one, where there is one, says who wrote the sentences
        if len(columns) < 2 or not (columns[0].strip() and columns[1].strip()):
            raise ValueError(
                f"{path.name}, line {number} of {member}: expected two sentences with a tab, found {line[:80]!r}"
            )
        pairs.append((columns[0], columns[1]))
    return pairs


def load_translation_pairs(language: str) -> TranslationPairs:
    """Return English sentences with their French ("fra") or Persian ("pes") translations, and print one line.

    Parameters
    ----------
    language : str
        "fra" or "pes".

    Returns
    -------
    TranslationPairs
        167,130 pairs of the edition of 2019 that *Dive into Deep Learning* keeps, or 3,179 of the edition of 2023; the
        line says whether they are real, and how many. `used()["fra"]` or `used()["pes"]` says "real" or "stand-in".

    Raises
    ------
    ValueError
        For another language, and for a malformed line, whose number it says.
    DataUnavailable
        In the full profile if no file can be had.

    Notes
    -----
    Persian of a newer edition is taken too (then there are more pairs); newer French is not, as its bytes cannot be
    told from a damaged file.

    References
    ----------
    Tatoeba Project and manythings.org/anki; see `data/README.md`.
    """
    if not isinstance(language, str) or language not in _SETS:
        raise ValueError(f"language is {language!r}; there are 'fra' (French) and 'pes' (Persian).")
    title, member = _SETS[language]
    read = functools.partial(_parse_pairs, member=member)
    loaded = load(language, title, language, read, ("translations", language), "made by a grammar")
    if not loaded.content:
        raise ValueError(f"{title} ({loaded.source}): expected lines of two sentences, found none")
    source, target = map(list, zip(*loaded.content))
    loaded.announce(f"{len(source):,} pairs")
    return TranslationPairs(source, target, language)
