"""The IMDB film reviews: test of the contents, loader. Reading only; cleaning is the lesson.

Texts come as they were written, case, punctuation and HTML marks included.
"""

from __future__ import annotations

import functools
import hashlib
import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from utils.datasets import archives, cache
from utils.datasets.checks import WrongFile, digest
from utils.datasets.loaders import load

if TYPE_CHECKING:
    import numpy as np

REVIEWS = 12_500
"""How many reviews each class has, in training and in test."""
_REVIEW = re.compile(r"(?:.*/)?((?:train|test)/(?:neg|pos)/[^/]+\.txt)")
_CLASSES = tuple(f"{split}/{label}" for split in ("train", "test") for label in ("neg", "pos"))


def check_reviews(path: Path) -> None:
    """Raise WrongFile or BadArchive unless an archive or unpacked folder holds all labelled reviews, none empty."""
    if path.is_dir():
        names = [
            f"{each}/{entry.name}"
            for each in _CLASSES
            if (path / each).is_dir()
            for entry in os.scandir(path / each)
            if entry.is_file() and entry.stat().st_size
        ]
    else:
        names = [name for name, source in _members(path) if source.read(1)]
    names = [name for name in names if _REVIEW.fullmatch(name)]
    found = Counter(name.rsplit("/", 1)[0] for name in names)
    wrong = [f"{found[each]:,} in {each}" for each in _CLASSES if found[each] != REVIEWS]
    if wrong or len(set(names)) != len(names):
        says = f"expected {REVIEWS:,} different reviews in each class"
        raise WrongFile(f"{says}, found {', '.join(wrong) or 'one twice'}")


def _members(path: Path) -> Iterator[tuple[str, BinaryIO]]:
    """Yield name ("train/neg/0_3.txt") and stream of each labelled review, whatever folder of an archive it lies in."""
    for name, source in archives.files(path) if path.is_file() else _in_folder(path):
        if match := _REVIEW.fullmatch(name):  # not train/unsup, the vocabulary, the bags of words
            yield match[1], source


def _in_folder(path: Path) -> Iterator[tuple[str, BinaryIO]]:
    for each in _CLASSES:
        for name in sorted(os.listdir(path / each)) if (path / each).is_dir() else ():
            with open(path / each / name, "rb") as source:
                yield f"{each}/{name}", source


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
        neighbours there are often reviews of the same film. Raises TypeError for a `per_class` that is no whole
        number, ValueError for one below 1, and OSError if the cache cannot be written.
        """
        from utils.arguments import whole_number  # here, because it needs NumPy

        if per_class is not None:
            per_class = whole_number("per_class", per_class, least=1)
        chosen = self._chosen(per_class)
        # Named by what it holds, so that both archives share a folder and another stand-in gets another one.
        key = hashlib.sha256()
        for name, content in chosen.items():
            key.update(b"%s\0%d\0%s" % (name.encode(), len(content), content))
        return cache.keep(
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


def _read_reviews(path: Path) -> dict[str, str]:
    """Return the labelled reviews of an archive or a folder by path, in one pass."""
    reviews = {}
    for name, source in _members(path):
        if name in reviews:
            raise archives.BadArchive(f"{path.name} holds the review {name!r} twice.")
        try:
            reviews[name] = source.read().decode("utf-8")
        except UnicodeDecodeError as error:
            raise ValueError(f"{path.name}: {name} is not UTF-8 text: {error}") from None
    return _checked_reviews(reviews, path.name)


def _keep_reviews(folder: Path, reviews: dict[str, str]) -> None:
    """Write reviews as three arrays of one .npz, none of which needs unpickling."""
    import numpy as np

    parts = [text.encode() for text in reviews.values()]
    np.savez(
        folder / "reviews.npz",
        names=np.frombuffer("\n".join(reviews).encode(), np.uint8),
        texts=np.frombuffer(b"".join(parts), np.uint8),
        ends=np.cumsum([len(part) for part in parts], dtype=np.int64),
    )


def _kept_reviews(folder: Path) -> dict[str, str]:
    import numpy as np

    with np.load(folder / "reviews.npz", allow_pickle=False) as kept:
        names, texts, ends = kept["names"].tobytes(), kept["texts"].tobytes(), kept["ends"].tolist()
    names = names.decode().split("\n")
    if len(names) != len(ends) or ends[-1] != len(texts):
        raise ValueError(f"{folder} is not complete")
    kept = {name: texts[start:end].decode() for name, start, end in zip(names, [0, *ends], ends)}
    return _checked_reviews(kept, str(folder))


def _read(path: Path) -> dict[str, str]:
    """Return the reviews by path, read once and then kept: 50,000 small members take seconds."""
    if path.is_dir():  # without a hash there is no name to keep them under
        return _read_reviews(path)

    def fill(folder: Path) -> None:
        _keep_reviews(folder, _read_reviews(path))

    try:
        return cache.keep(f"imdb-{digest(path)[:16]}", fill, _kept_reviews)
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

    Returns
    -------
    Imdb
        25,000 reviews to train and 25,000 to test, half of each negative and half positive, as written, with their
        `<br />` marks; the stand-in has 2,000 and 2,000. In the order of their sorted paths: all negative, then all
        positive ones, so shuffle before you split. `used()["imdb"]` says "real" or "stand-in".

    Raises
    ------
    DataUnavailable
        In the full profile if no file can be had.

    Notes
    -----
    Read straight from the archive in one pass, and kept in the cache; `Imdb.folder` unpacks them for whoever needs
    files. The unlabelled reviews of the full archive are left out.

    References
    ----------
    Maas, A. L., et al. (2011), ACL, 142-150; see `data/README.md`.
    """
    import numpy as np

    loaded = load("imdb", "IMDB reviews", "imdb", _read, ("imdb", "imdb"), "not reviews")
    reviews = _checked_reviews(loaded.content, f"{loaded.title} ({loaded.source})")
    fields: dict[str, object] = {"source": loaded.source}
    for split in ("train", "test"):
        names = sorted(name for name in reviews if name.startswith(f"{split}/"))
        fields[f"{split}_texts"] = [reviews[name] for name in names]
        fields[f"{split}_labels"] = np.array([name.startswith(f"{split}/pos/") for name in names], dtype=np.int64)
        fields[f"{split}_files"] = [name.removeprefix(f"{split}/") for name in names]
    imdb = Imdb(**fields)
    loaded.announce(f"{len(imdb.train_texts):,} + {len(imdb.test_texts):,} reviews")
    return imdb
