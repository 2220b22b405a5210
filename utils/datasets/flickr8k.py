"""Flickr8k, photographs with five captions each: test of the contents, loader, schema, and the reading of images.

Captions come as they were written: capitals, and the " ." at the end of most. What to do with them is the lesson. The
photographs are another download; without them the captions are still good for everything but looking.
"""

from __future__ import annotations

import functools
import os
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from utils import settings
from utils.datasets import archives, files
from utils.datasets.checks import WrongFile
from utils.datasets.loaders import load

if TYPE_CHECKING:
    import numpy as np

CAPTIONS = "Flickr8k.token.txt"
"""The file of captions: `image#number`, a tab, the caption."""
FILES = {split: f"Flickr_8k.{split}Images.txt" for split in ("train", "dev", "test")}
"""The file that lists the images of each part."""
SIZES = {"train": 6_000, "dev": 1_000, "test": 1_000}
"""How many images each part has."""
PER_IMAGE = 5
"""How many captions an image has."""
FOLDERS = ("Flicker8k_Dataset", "Flickr8k_Dataset", "Images")
"""What the folder of photographs is called: upstream's spelling, the right one, and that of a well-known copy."""

_LINE = re.compile(r"([^\t#/\\]+)#(\d+)\t(.*\S.*)")
_IMAGE = re.compile(r"\d+_[0-9a-f]{10}\.jpg")


@dataclass(frozen=True, eq=False, repr=False)
class Flickr8k:
    """Captions in three parts, each a dict from an image's file name to its five captions, in the order of the list.

    `source` is "real" or "stand-in"; a stand-in's names are those of no image.
    """

    train: dict[str, tuple[str, ...]]
    dev: dict[str, tuple[str, ...]]
    test: dict[str, tuple[str, ...]]
    source: str

    def __repr__(self) -> str:
        """Return the sizes: the captions would fill a notebook."""
        sizes = " + ".join(f"{len(getattr(self, split)):,}" for split in FILES)
        return f"Flickr8k({sizes} images, {self.source})"


# Captions --------------------------------------------------------------------------------------------


def _lines(path: Path, member: str) -> Iterable[tuple[str, str]]:
    """Yield where and what of each line of a file in an archive or folder that is not empty."""
    if path.is_dir() and not (path / member).is_file():
        raise ValueError(f"{path.name}: expected the file {member} in this folder; it is not there")
    text = archives.read_text(path / member if path.is_dir() else path, member)
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield f"{path.name}, line {number} of {member}", line


def _captions(path: Path) -> dict[str, list[tuple[str, int, str]]]:
    """Return where, number and text of the captions of each image, in the order of the lines."""
    found = defaultdict(list)
    for where, line in _lines(path, CAPTIONS):
        if (match := _LINE.fullmatch(line)) is None:
            expected = "expected an image's name, '#', a number, a tab and the caption"
            raise ValueError(f"{where}: {expected}; found {line[:80]!r}")
        found[match[1]].append((where, int(match[2]), match[3]))
    return dict(found)


def _parse(path: Path) -> dict[str, dict[str, tuple[str, ...]]]:
    """Return the captions of each image by part. Images of no part are left out, an odd name among them as well."""
    captions, owners, parts = _captions(path), {}, {}
    for split, member in FILES.items():
        parts[split] = {}
        for where, line in _lines(path, member):
            name = line.strip()
            if (owner := owners.setdefault(name, where)) != where:
                raise ValueError(f"{where}: expected each image once, in one part only; {name} is on {owner} too")
            if name not in captions:
                raise ValueError(f"{where}: expected an image with captions; {CAPTIONS} has none of {name}")
            numbers = [number for _, number, _ in captions[name]]
            if numbers != list(range(PER_IMAGE)):
                expected = f"expected {PER_IMAGE} captions of {name}, numbered 0 to {PER_IMAGE - 1} in this order"
                shown = ", ".join(map(str, numbers[:10]))
                raise ValueError(f"{captions[name][0][0]}: {expected}; found {len(numbers)}, numbered {shown}")
            parts[split][name] = tuple(text for _, _, text in captions[name])
    return parts


def check_captions(path: Path) -> None:
    """Raise WrongFile or BadArchive unless an archive or unpacked folder holds the captions of all 8,000 images."""
    try:
        found = {split: len(images) for split, images in _parse(path).items()}
    except WrongFile:
        raise
    except ValueError as error:
        raise WrongFile(str(error)) from error
    if found != SIZES:
        expected, there = (" + ".join(f"{size:,}" for size in sizes.values()) for sizes in (SIZES, found))
        raise WrongFile(f"expected {expected} images in {', '.join(FILES.values())}; found {there}")


def load_flickr8k_captions() -> Flickr8k:
    """Return the captions of Flickr8k by part and image, and print one line that says from where.

    Returns
    -------
    Flickr8k
        `train`, `dev` and `test` with 6,000, 1,000 and 1,000 images of five captions each (the stand-in has 300, 50 and
        50). `used()["flickr8k"]` says "real" or "stand-in".

    Raises
    ------
    ValueError
        For a line that is no caption, an image in two parts, one without captions, and other than five captions or
        other numbers than 0 to 4 of an image; it says where.
    DataUnavailable
        In the full profile if no file can be had.

    Notes
    -----
    Read from the archive, or from the folder `Flickr8k_text` that was unpacked from it. The 92 images that are in no
    part are left out. `flickr8k_images` finds the photographs.

    References
    ----------
    Hodosh, M., Young, P., Hockenmaier, J. (2013), JAIR 47, 853-899; see `data/README.md`.
    """
    loaded = load("flickr8k", "Flickr8k captions", "flickr8k", _parse, ("flickr8k", "flickr8k"), "made by a grammar")
    for split in FILES:
        if not loaded.content[split]:
            raise ValueError(f"{loaded.title} ({loaded.source}): expected images in the {split} part, found none")
    flickr8k = Flickr8k(**loaded.content, source=loaded.source)
    sizes = " + ".join(f"{len(loaded.content[split]):,}" for split in FILES)
    loaded.announce(f"{sizes} images with {PER_IMAGE} captions each")
    return flickr8k


# Images ----------------------------------------------------------------------------------------------


def _holds_images(folder: Path) -> bool:
    """Return whether a folder holds an image named as in the captions; "Images" may be anybody's."""
    try:
        with os.scandir(folder) as inside:
            return any(_IMAGE.fullmatch(entry.name) for entry in inside)
    except OSError:  # it is not there, is no folder, or this user cannot read it
        return False


def flickr8k_images() -> Path | None:
    """Return the folder of photographs, unpacked from the archive, or None if there is none.

    It is called as one of `FOLDERS`, holds files such as `1000268201_693b08cb0e.jpg`, and lies at any depth of a folder
    of `COURSE_DATA_DIR` or of the course's own `data`, or in the cache. Nothing is downloaded; `data/README.md` says
    how to put it in place. Whether all photographs are there is not checked: `read_images` names what is missing.
    """
    walk, cache = functools.cache(files._walk), settings.cache_dir()
    for name in FOLDERS:
        cached = [cache / name, cache / "flickr8k-images" / name]
        for path in [*(path for _, path in files._named(name, walk)), *cached]:
            if _holds_images(path):
                return path
    return None


def read_images(names: Iterable[str], folder: Path, size: tuple[int, int] = (64, 64)) -> np.ndarray:
    """Return images as one array: the middle of each, cut to the shape of `size` and then resized.

    Parameters
    ----------
    names : iterable of str
        File names, such as the keys of `Flickr8k.train`.
    folder : path
        Where they lie, such as `flickr8k_images()` returns.
    size : (int, int)
        Height and width. As much is cut from the left as from the right, or from top and bottom, as makes their ratio
        right; so nothing is stretched.

    Returns
    -------
    uint8 array of shape (images, height, width, 3)
        Red, green and blue from 0 to 255, in the order of `names`. A grey image has three equal channels.

    Raises
    ------
    FileNotFoundError
        Before anything is read, if some are not there; it names the first and counts them.
    ValueError
        For a file that is broken or no image, by its name, and for a side of `size` below 1.
    TypeError
        For a single name, no folder, and a `size` that is not two whole numbers.
    """
    import numpy as np
    from PIL import Image, ImageOps

    from utils.arguments import two_numbers, whole_number

    if isinstance(names, str):
        raise TypeError(f"names is {names!r}; expected several names, such as [{names!r}].")
    if folder is None:
        raise TypeError("folder is None, as flickr8k_images() returns where there are no photographs; expected a path.")
    sides = two_numbers("size", size, "height and width, (64, 64)")
    height, width = (whole_number("a side of size", side, least=1) for side in sides)
    paths = [Path(folder) / name for name in names]
    if missing := [path.name for path in paths if not path.is_file()]:
        count = f"{len(missing):,} of the {len(paths):,} images asked for"
        raise FileNotFoundError(f"{folder} lacks {count}; the first is {missing[0]}.")
    images = np.empty((len(paths), height, width, 3), np.uint8)  # (images, height, width, channels)
    for number, path in enumerate(paths):
        try:
            with Image.open(path) as image:
                images[number] = np.asarray(ImageOps.fit(image.convert("RGB"), (width, height)))
        # SyntaxError and ValueError are some of Pillow's words for a damaged file.
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            raise ValueError(f"{path} cannot be read as an image: {error}") from error
    return images
