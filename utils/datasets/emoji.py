"""Sentences labelled with one of five emoji, the course's own and Emojify's: test of the contents, loader.

What belongs here: reading the tables. What does not: words, vectors, models.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from utils.datasets import archives
from utils.datasets.checks import WrongFile
from utils.datasets.files import obtain
from utils.datasets.loaders import Loaded

if TYPE_CHECKING:
    import numpy as np

EMOJI = ("\u2764\ufe0f", "\u26be", "\U0001f604", "\U0001f61e", "\U0001f374")
"""What the labels 0 to 4 stand for: a heart, a baseball, a smile, a sad face, fork and knife."""
EMOJI_NAMES = ("heart", "ball", "smile", "sad", "food")
"""The same in words, for pictures: few fonts hold emoji."""
SPLITS = ("train", "validation", "test", "order")
ROWS = {"train_emoji.csv": 132, "tesss.csv": 56}
"""The tables of the assignment, and how many rows each has."""
_COLUMNS = ["split", "label", "kind", "pair", "sentence"]


def check_archive(path: Path) -> None:
    """Raise WrongFile or BadArchive unless both tables are there, in any folder, with their numbers of rows."""
    for member, rows in ROWS.items():
        text = archives.read(path, member).decode("utf-8", "replace")
        found = sum(1 for row in csv.reader(io.StringIO(text)) if row)
        if found != rows:
            raise WrongFile(f"expected {rows} rows in {member}, found {found}")


@dataclass(frozen=True, eq=False, repr=False)
class EmojiSentences:
    """Labelled sentences: `texts`, a list of str, and `labels`, an int64 array of 0 to 4 (`EMOJI`).

    `kinds` says of each sentence whether it is "plain" or one of a pair of the same words in another order, and then
    what the order decides about: "negation", "contrast", "time" or "preference". `pairs` is an int64 array: the two of
    a pair share a number from 1 upwards; a plain sentence has 0.
    """

    texts: list[str]
    labels: np.ndarray
    kinds: list[str]
    pairs: np.ndarray

    def __len__(self) -> int:
        """Return how many sentences there are."""
        return len(self.texts)

    def __repr__(self) -> str:
        """Return the size: the sentences would fill a notebook."""
        return f"EmojiSentences({len(self)} sentences)"


@dataclass(frozen=True, eq=False, repr=False)
class Emojify:
    """Four splits, each `EmojiSentences`: `train`, `validation`, `test`, and `order`, which holds pairs only.

    `edition` is "course" or "coursera"; of the latter `validation` and `order` are empty.
    """

    train: EmojiSentences
    validation: EmojiSentences
    test: EmojiSentences
    order: EmojiSentences
    edition: str

    def __repr__(self) -> str:
        """Return the sizes."""
        sizes = " + ".join(f"{len(getattr(self, split))} {split}" for split in SPLITS)
        return f"Emojify({self.edition}: {sizes})"


def _label(text: str, where: str) -> int:
    if text.strip() not in ("0", "1", "2", "3", "4"):
        raise ValueError(f"{where}: expected a label from 0 to 4, found {text[:40]!r}")
    return int(text)


def _decoded(data: bytes, where: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{where} is not UTF-8 text: {error}") from None


def _course_rows(path: Path) -> Iterator[tuple[str, int, str, int, str]]:
    """Yield split, label, kind, pair and sentence of each row of the course's table. Raises ValueError."""
    reader = csv.reader(io.StringIO(_decoded(path.read_bytes(), path.name), newline=""))
    if (header := next(reader, [])) != _COLUMNS:
        raise ValueError(
            f"{path.name}: expected the columns {', '.join(_COLUMNS)}, found {', '.join(header) or 'none'}"
        )
    for row in reader:
        where = f"{path.name}, line {reader.line_num}"
        if len(row) != len(_COLUMNS) or row[0] not in SPLITS or not row[4].strip():
            raise ValueError(
                f"{where}: expected one of {', '.join(SPLITS)}, then label, kind, pair, a sentence, found {row!r:.80}"
            )
        split, label, kind, pair, sentence = row
        if not (pair == "" or pair.isdecimal()) or (kind == "plain") != (pair == ""):
            raise ValueError(
                f"{where}: expected no pair if it is plain, else the pair's number, found {kind!r}, {pair!r}"
            )
        yield split, _label(label, where), kind, int(pair or 0), sentence.strip()


def _coursera_rows(path: Path) -> Iterator[tuple[str, int, str, int, str]]:
    """Yield the same of the assignment's tables, whose sentences are plain. Raises ValueError or BadArchive."""
    for member, split in zip(ROWS, ("train", "test")):
        text = _decoded(archives.read(path, member), f"{path.name}: {member}")
        reader = csv.reader(io.StringIO(text, newline=""))
        for row in reader:
            where = f"{path.name}, line {reader.line_num} of {member}"
            if not row:
                continue
            if len(row) < 2 or not row[0].strip():  # some rows have notes in further columns
                raise ValueError(f"{where}: expected a sentence and a label, found {row!r:.80}")
            yield split, _label(row[1], where), "plain", 0, row[0].strip()


def _checked(rows: list[tuple], where: str) -> None:
    """Raise ValueError unless every pair has two sentences, of one split and with two labels."""
    halves: dict[int, list[tuple]] = {}
    for split, label, _, pair, sentence in rows:
        if pair:
            halves.setdefault(pair, []).append((split, label, sentence))
    for pair, some in halves.items():
        if len(some) != 2 or some[0][0] != some[1][0] or some[0][1] == some[1][1]:
            found = "; ".join(map(str, some))
            raise ValueError(
                f"{where}: expected two sentences of pair {pair}, in one split and with two labels, found {found:.160}"
            )
    twice = [sentence for sentence, count in Counter(row[-1] for row in rows).items() if count > 1]
    if twice:
        raise ValueError(f"{where}: the sentence {twice[0]!r} stands there twice")


def load_emojify(edition: str = "course") -> Emojify:
    """Return sentences labelled with one of five emoji, and print one line that says from where.

    Parameters
    ----------
    edition : {"course", "coursera"}
        The course's own sentences, which come with it; or those of the Emojify assignment of Coursera's *Sequence
        Models* (132 to train, 56 to test), which have to be on disk or to be had from the web.

    Returns
    -------
    Emojify
        The course's: 500 to train and 120 each for validation and test, equally many of each label, and 40 pairs more
        (`order`) whose words are the same and whose labels differ. `used()` says "real".

    Raises
    ------
    ValueError
        For another edition, and for a table that is damaged (the message names the line).
    DataUnavailable
        If there is no file; the course's own lies in its `data` folder.

    References
    ----------
    `data/README.md`.
    """
    import numpy as np

    if edition not in ("course", "coursera"):
        raise ValueError(f"edition is {edition!r}; there are 'course' and 'coursera'.")
    own = edition == "course"
    entry, path = obtain("emoji-sentences" if own else "emojify")
    rows = list(_course_rows(path) if own else _coursera_rows(path))
    if own:
        _checked(rows, path.name)
    splits = {}
    for split in SPLITS:
        some = [row for row in rows if row[0] == split]
        if not some and (own or split in ("train", "test")):
            raise ValueError(f"{path.name}: expected sentences in {split}, found none")
        splits[split] = EmojiSentences(
            texts=[row[4] for row in some],
            labels=np.array([row[1] for row in some], dtype=np.int64),
            kinds=[row[2] for row in some],
            pairs=np.array([row[3] for row in some], dtype=np.int64),
        )
    name, title = ("emoji", "Emoji sentences of the course") if own else ("emojify", "Emojify (Coursera)")
    loaded = Loaded(name, title, splits, "real", entry, "real|")
    sizes = [f"{len(some)} {split}" for split, some in splits.items() if len(some)]
    loaded.announce(f"{' + '.join(sizes)} sentences")
    return Emojify(**splits, edition=edition)
