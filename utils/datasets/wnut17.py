"""WNUT 2017, named entities in noisy text: loader and schema. Reading only; what to do with the tags is the lesson.

Words come as they were written: capitals, addresses, `#` and `@` included.
"""

import functools
from dataclasses import dataclass, field
from pathlib import Path

from utils.datasets import archives
from utils.datasets.loaders import load

TYPES = ("person", "location", "group", "corporation", "product", "creative-work")
"""The kinds of entities, the most frequent of the training set first."""

FILES = {"train": "wnut17train.conll", "dev": "emerging.dev.conll", "test": "emerging.test.annotated"}
"""What each part is called, alone and in the archive."""


@dataclass(frozen=True, eq=False, repr=False)
class TaggedSentences:
    """Sentences as two lists of one length: `words` of each sentence, and `tags`, one for each word."""

    words: list[list[str]] = field(default_factory=list)
    tags: list[list[str]] = field(default_factory=list)

    def __len__(self) -> int:
        """Return how many sentences there are."""
        return len(self.words)

    def __repr__(self) -> str:
        """Return the size: the sentences would fill a notebook."""
        return f"TaggedSentences({len(self):,} sentences, {sum(map(len, self.words)):,} words)"


@dataclass(frozen=True, eq=False)
class Wnut17:
    """The three parts of the set, each of `TaggedSentences`. `source` is "real" or "stand-in"."""

    train: TaggedSentences
    dev: TaggedSentences
    test: TaggedSentences
    source: str


def check_tags(tags: list[str], where: str) -> None:
    """Raise ValueError unless the tags of a sentence are IOB: O, B-type, or I-type after a tag of the same type."""
    before = "O"
    for number, tag in enumerate(tags, start=1):
        letter, _, kind = tag.partition("-")
        if tag != "O" and (letter not in ("B", "I") or kind not in TYPES):
            expected = f"O, or B- or I- and one of {', '.join(TYPES)}"
            raise ValueError(f"{where}, word {number}: expected {expected}; found {tag!r}")
        if letter == "I" and before[2:] != kind:
            raise ValueError(f"{where}, word {number}: {tag!r} continues an entity, but before it stands {before!r}")
        before = tag


def _parse(path: Path, member: str) -> list[tuple[list[str], list[str]]]:
    """Return words and tags of each sentence of the file called `member`, alone or in an archive."""
    text = archives.read_text(path, member)
    sentences, words, tags, start = [], [], [], 1
    # Not splitlines, which knows line ends that may stand inside a word. The last line may lack its end.
    for number, line in enumerate([*text.split("\n"), ""], start=1):
        where = f"{path.name}, line {number} of {member}"
        columns = line.split("\t")
        if not line.strip():  # upstream writes some of them as a lone tab
            if words:
                check_tags(tags, f"{path.name}, the sentence from line {start} of {member}")
                sentences.append((words, tags))
            words, tags, start = [], [], number + 1
        elif len(columns) != 2 or not all(column.strip() for column in columns):
            raise ValueError(f"{where}: expected a word, a tab and its tag; found {line[:80]!r}")
        else:
            words.append(columns[0])
            tags.append(columns[1])
    return sentences


def _checked(split: str, sentences: list[tuple[list[str], list[str]]], where: str) -> TaggedSentences:
    """Return the sentences of a part if there are some, and entities in them. Raises ValueError."""
    if not any(tag != "O" for _, tags in sentences for tag in tags):
        raise ValueError(
            f"{where}: expected tagged entities in the {split} part, found {len(sentences)} sentences, none"
        )
    return TaggedSentences([words for words, _ in sentences], [tags for _, tags in sentences])


def load_wnut17() -> Wnut17:
    """Return the sentences of WNUT 2017 with one IOB tag a word, and print one line that says from where.

    Returns
    -------
    Wnut17
        `train`, `dev` and `test` with 3,394, 1,009 and 1,287 sentences (the stand-in has fewer). A tag is "O" outside
        of entities, "B-person" on the first word of one, "I-person" on the others; the types are `TYPES`.
        `used()["wnut17"]` says "real" or "stand-in".

    Raises
    ------
    ValueError
        For a line that is no word and tag, for an unknown tag, and for an I- that continues nothing; it says where.
    DataUnavailable
        In the full profile if a file cannot be had.

    Notes
    -----
    The three files come one by one or in one archive. In quick, where one of them is not on disk, all three parts are
    of the stand-in: a mixture would be judged as neither.

    References
    ----------
    Derczynski, L., et al. (2017), W-NUT, 140-147; see `data/README.md`.
    """
    title = "WNUT 2017 named entities"
    found = {}
    for split, member in FILES.items():
        read = functools.partial(_parse, member=member)
        found[split] = load("wnut17", title, f"wnut17-{split}", read, ("wnut17", "wnut17"), "made by a grammar")
    made = next((loaded for loaded in found.values() if loaded.source == "stand-in"), None)
    parts = {
        split: _checked(split, made.content[split] if made else loaded.content, f"{title} ({loaded.source})")
        for split, loaded in found.items()
    }
    told = made or found["train"]
    told.announce(" + ".join(f"{len(part):,}" for part in parts.values()) + " sentences")
    return Wnut17(**parts, source=told.source)
