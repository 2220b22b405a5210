"""Loaders of texts: a novel, and labelled reviews. What belongs here: reading, never cleaning or a model.

Texts come as they were written, case, punctuation and HTML marks included: cleaning is the notebooks' lesson. The rule
which says when generated text may stand in is that of `loaders`.
"""

import functools
import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from utils.datasets import archives, derived
from utils.datasets.hashes import digest
from utils.datasets.loaders import Source, load

TIME_MACHINE_FORMS = ("timemachine", "timemachine-gz")
IMDB_FORMS = ("imdb", "imdb-labelled")

# A novel ---------------------------------------------------------------------------------------------


def _parse_text(path: Path) -> str:
    return archives.read(path).decode("utf-8").replace("\r\n", "\n")


def _load_text(source: Source) -> str:
    """Return the text of a real file or of the stand-in, with line feeds at the ends of its lines."""
    loaded = load(source)
    text = loaded.content
    if not isinstance(text, str) or not text.strip():
        raise ValueError(
            f"{source.title} ({loaded.kind}): expected a text, found {type(text).__name__} without a letter"
        )
    loaded.announce(f"{len(text):,} characters")
    return text


def load_time_machine() -> str:
    """Return The Time Machine by H. G. Wells, as it was printed, and print one line that says from where.

    One text of 178,979 characters with line feeds, title and chapter numbers included, upper case and punctuation kept:
    cleaning is the notebook's lesson. `used()["timemachine"]` says "real" or "stand-in".

    Raises DataUnavailable in the full profile if no file can be had. Source: Wells, H. G. (1895), in the text of
    *Dive into Deep Learning*; see `data/README.md`.
    """
    return _load_text(
        Source(
            "timemachine",
            "The Time Machine",
            TIME_MACHINE_FORMS,
            _parse_text,
            "utils.datasets.standin_texts",
            "not the novel",
        )
    )


# Reviews ---------------------------------------------------------------------------------------------

_REVIEW = re.compile(r"(?:.*/)?((?:train|test)/(?:neg|pos)/[^/]+\.txt)")
_CLASSES = tuple(f"{split}/{label}" for split in ("train", "test") for label in ("neg", "pos"))


@dataclass(frozen=True, eq=False, repr=False)
class Imdb:
    """Labelled reviews. Texts are lists of str, labels int64 arrays of 0 (negative) and 1 (positive), both by path.

    `train_files` and `test_files` are the paths below `train` and `test`, such as "neg/0_3.txt"; so the negative
    reviews come first. `source` is "real" or "stand-in".
    """

    train_texts: list[str]
    train_labels: np.ndarray
    test_texts: list[str]
    test_labels: np.ndarray
    train_files: list[str]
    test_files: list[str]
    source: str

    def __repr__(self) -> str:
        """Return the sizes: the texts would fill a notebook."""
        return f"Imdb({len(self.train_texts):,} + {len(self.test_texts):,} reviews, {self.source})"

    def folder(self, per_class: int | None = None) -> Path:
        """Return a folder in the cache with the reviews as files: `train/neg`, `train/pos`, `test/neg`, `test/pos`.

        Good for `keras.utils.text_dataset_from_directory(folder / "train")`, which finds two classes, neg = 0 and
        pos = 1, in the order of `train_texts`. Written once and used again; one whose files were lost or cut since
        then is written anew. It is shared: read it, do not change it.

        `per_class` takes at most that many reviews of each class and split, spread evenly over the sorted names, as
        neighbours there are often reviews of the same film. Raises ValueError for a `per_class` that is not a
        positive whole number, and OSError if the cache cannot be written.
        """
        whole = isinstance(per_class, int | np.integer) and not isinstance(per_class, bool)
        if per_class is not None and not (whole and per_class >= 1):
            raise ValueError(f"per_class is {per_class!r}; expected a whole number of 1 or more, or None for all.")
        chosen = self._chosen(per_class)
        # Named by what it holds, so that both archives share a folder and another stand-in gets another one.
        key = hashlib.sha256()
        for name, content in chosen.items():
            key.update(b"%s\0%d\0%s" % (name.encode(), len(content), content))
        return derived.keep(
            f"imdb-files-{key.hexdigest()[:16]}",
            functools.partial(_write_files, files=chosen),
            functools.partial(_checked_files, sizes={name: len(content) for name, content in chosen.items()}),
        )

    def _chosen(self, per_class: int | None) -> dict[str, bytes]:
        """Return the bytes of the reviews that `folder` writes, by path."""
        pairs = [(f"train/{name}", text) for name, text in zip(self.train_files, self.train_texts)]
        pairs += [(f"test/{name}", text) for name, text in zip(self.test_files, self.test_texts)]
        chosen = {}
        for folder in _CLASSES:
            inside = [(name, text) for name, text in pairs if name.startswith(f"{folder}/")]
            count = len(inside) if per_class is None else min(per_class, len(inside))
            for number in range(count):
                name, text = inside[number * len(inside) // count]
                chosen[name] = text.encode()
        return chosen


def _write_files(root: Path, files: dict[str, bytes]) -> None:
    for folder in _CLASSES:
        (root / folder).mkdir(parents=True)
    for name, content in files.items():
        (root / name).write_bytes(content)


def _checked_files(root: Path, sizes: dict[str, int]) -> Path:
    """Return `root` if it holds files of these names and sizes, and no others. Raises OSError or ValueError."""
    found = {}
    for folder in _CLASSES:
        with os.scandir(root / folder) as entries:
            found |= {f"{folder}/{entry.name}": entry.stat().st_size for entry in entries}
    if found != sizes:
        raise ValueError(f"{root} is not complete")
    return root


def _read_reviews(archive: Path) -> dict[str, str]:
    """Return the labelled reviews of an archive by path ("train/neg/0_3.txt"), whatever folder they lie in."""
    reviews = {}
    with archives.files(archive) as members:
        for name, source in members:
            if (match := _REVIEW.fullmatch(name)) is None:  # train/unsup, the vocabulary, the bags of words
                continue
            if match[1] in reviews:
                raise archives.BadArchive(f"{archive.name} holds the review {match[1]!r} twice.")
            try:
                reviews[match[1]] = source.read().decode("utf-8")
            except UnicodeDecodeError as error:
                raise ValueError(f"{archive.name}: {name} is not UTF-8 text: {error}") from None
    return reviews


def _keep_reviews(folder: Path, reviews: dict[str, str]) -> None:
    """Write reviews as three arrays of one .npz, none of which needs unpickling."""
    parts = [text.encode() for text in reviews.values()]
    np.savez(
        folder / "reviews.npz",
        names=np.frombuffer("\n".join(reviews).encode(), np.uint8),
        texts=np.frombuffer(b"".join(parts), np.uint8),
        ends=np.cumsum([len(part) for part in parts], dtype=np.int64),
    )


def _kept_reviews(folder: Path) -> dict[str, str]:
    with np.load(folder / "reviews.npz", allow_pickle=False) as kept:
        names, texts, ends = kept["names"].tobytes(), kept["texts"].tobytes(), kept["ends"].tolist()
    names = names.decode().split("\n")
    if len(names) != len(ends) or ends[-1] != len(texts):
        raise ValueError(f"{folder} is not complete")
    return {name: texts[start:end].decode() for name, start, end in zip(names, [0, *ends], ends)}


def _parse_imdb(path: Path) -> dict[str, str]:
    """Return the reviews of an archive by path, read once and then kept: 50,000 small members take seconds."""

    def fill(folder: Path) -> None:
        _keep_reviews(folder, _checked_reviews(_read_reviews(path), path.name))

    try:
        return derived.keep(f"imdb-{digest(path)[:16]}", fill, _kept_reviews)
    except OSError:  # a cache that cannot be written costs seconds, not the lesson
        return _read_reviews(path)


def _checked_reviews(reviews: dict[str, str], where: str) -> dict[str, str]:
    """Return the reviews if every class has some. Raises ValueError."""
    for folder in _CLASSES:
        if not any(name.startswith(f"{folder}/") and text.strip() for name, text in reviews.items()):
            raise ValueError(f"{where}: expected reviews in {', '.join(_CLASSES)}, found none in {folder}")
    return reviews


def load_imdb() -> Imdb:
    """Return the labelled reviews of the IMDB Large Movie Review Dataset, and print one line that says from where.

    25,000 reviews to train and 25,000 to test, half of each negative and half positive, as written, with their
    `<br />` marks; the stand-in has 2,000 and 2,000. In the order of their sorted paths: all negative, then all
    positive ones, so shuffle before you split. Read straight from the archive in one pass, and kept in the cache;
    `Imdb.folder` unpacks them for whoever needs files. The unlabelled reviews of the full archive are left out.
    `used()["imdb"]` says "real" or "stand-in".

    Raises DataUnavailable in the full profile if no file can be had. Source: Maas, A. L., et al. (2011), ACL, 142-150;
    see `data/README.md`.
    """
    source = Source("imdb", "IMDB reviews", IMDB_FORMS, _parse_imdb, "utils.datasets.standin_texts", "not reviews")
    loaded = load(source)
    reviews = _checked_reviews(loaded.content, f"{source.title} ({loaded.kind})")
    fields: dict[str, object] = {"source": loaded.kind}
    for split in ("train", "test"):
        names = sorted(name for name in reviews if name.startswith(f"{split}/"))
        fields[f"{split}_texts"] = [reviews[name] for name in names]
        fields[f"{split}_labels"] = np.array([name.startswith(f"{split}/pos/") for name in names], dtype=np.int64)
        fields[f"{split}_files"] = [name.removeprefix(f"{split}/") for name in names]
    imdb = Imdb(**fields)
    loaded.announce(f"{len(imdb.train_texts):,} + {len(imdb.test_texts):,} reviews")
    return imdb
