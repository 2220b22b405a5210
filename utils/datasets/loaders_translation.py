"""Loader of sentence pairs, English with French or Persian. What belongs here: reading, never cleaning or a model.

Sentences come as they were written, capitals, punctuation and the French no-break spaces included: cleaning is the
notebooks' lesson. The rule which says when generated pairs may stand in is that of `loaders`.
"""

import functools
from dataclasses import dataclass
from pathlib import Path

from utils.datasets import archives
from utils.datasets.loaders import Source, load

FRA_FORMS = ("fra-eng",)
# The fixed edition first, so that whoever has both gets the course's figures.
PES_FORMS = ("pes-eng-2023", "pes-eng")

_SETS = {
    "fra": ("English-French pairs", FRA_FORMS, "fra.txt"),
    "pes": ("English-Persian pairs", PES_FORMS, "pes.txt"),
}


@dataclass(frozen=True, eq=False, repr=False)
class TranslationPairs:
    """Sentences and their translations, two lists of str of one length, in the order of the file (short ones first).

    `source` is English, `target` the other language, whose ISO 639-3 code is `language`. An English sentence with
    several translations stands there several times, and so does a translation of several English sentences: split
    by sentences, not by pairs. `kind` is "real" or "stand-in".
    """

    source: list[str]
    target: list[str]
    language: str
    kind: str

    def __len__(self) -> int:
        """Return how many pairs there are."""
        return len(self.source)

    def __repr__(self) -> str:
        """Return the size: the sentences would fill a notebook."""
        return f"TranslationPairs({len(self):,} English sentences to {self.language!r}, {self.kind})"


def _parse_pairs(path: Path, member: str) -> list[tuple[str, str]]:
    """Return the first two columns of the table called `member`, in any folder of the archive at `path`."""
    inside = None
    if archives.is_archive(path):
        found = [name for name in archives.names(path) if name.rsplit("/", 1)[-1] == member]
        if not found:
            raise archives.BadArchive(f"{path.name} holds no {member}.")
        inside = found[0]
    try:
        text = archives.read(path, inside).decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path.name}: {member} is not UTF-8 text: {error}") from None
    pairs = []
    # Not splitlines: it would end a line at characters that may stand inside a sentence.
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), start=1):
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

    167,130 pairs of the edition of 2019 that *Dive into Deep Learning* keeps, or 3,179 of the edition of 2023; the line
    says whether they are real, and how many. Persian of a newer edition is taken too (then there are more pairs);
    newer French is not, as its bytes cannot be told from a damaged file. Read from the archive in one pass.
    `used()["fra"]` or `used()["pes"]` says "real" or "stand-in".

    Raises ValueError for another language and for a malformed line, whose number it says; DataUnavailable in the full
    profile if no file can be had. Source: Tatoeba Project and manythings.org/anki; see `data/README.md`.
    """
    if not isinstance(language, str) or language not in _SETS:
        raise ValueError(f"language is {language!r}; there are 'fra' (French) and 'pes' (Persian).")
    title, forms, member = _SETS[language]
    parse = functools.partial(_parse_pairs, member=member)
    loaded = load(Source(language, title, forms, parse, "utils.datasets.standin_translations", "made by a grammar"))
    if not loaded.content:
        raise ValueError(f"{title} ({loaded.kind}): expected lines of two sentences, found none")
    source, target = map(list, zip(*loaded.content))
    loaded.announce(f"{len(source):,} pairs")
    return TranslationPairs(source, target, language, loaded.kind)
