"""What was made of data files and is kept in the cache: made once, whole or absent, and safe to delete.

What belongs here: folders below `derived` in the cache, whatever they hold. What does not: downloads (`transfer`),
and anything that knows a data set.
"""

import contextlib
import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from filelock import FileLock

from utils import settings
from utils.datasets.transfer import PATIENCE

Content = TypeVar("Content")

# What reading a missing, cut or altered file raises; BadZipFile because an .npz is a zip.
_NOT_WHOLE = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile)


def place(name: str) -> Path:
    """Return where the folder `name` is, or would be."""
    return settings.cache_dir() / "derived" / name


def keep(name: str, fill: Callable[[Path], None], read: Callable[[Path], Content]) -> Content:
    """Return `read(folder)` of the folder `name` in the cache, which `fill(folder)` makes if it is not there.

    `fill` gets a new, empty folder, which takes its place when it is full; so nobody sees half of it, and of two
    processes one fills and the other waits. `read` has to raise (OSError, ValueError, KeyError or EOFError) if what it
    finds is not whole; then it is made again. Raises OSError, which says what to do, if the cache cannot be written,
    and what `fill` raises.
    """
    path = place(name)
    with contextlib.suppress(*_NOT_WHOLE):
        return read(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.parent / f".{name}.lock", timeout=PATIENCE.lock):
            with contextlib.suppress(*_NOT_WHOLE):  # made by another process while this one waited
                return read(path)
            _make(path, fill)
            return read(path)
    except OSError as error:
        raise OSError(
            f"The cache {settings.cache_dir()} cannot be written ({error.strerror or error}). "
            "Make it writable, free some space, or set COURSE_CACHE to another folder.",
        ) from error


def _make(path: Path, fill: Callable[[Path], None]) -> None:
    """Fill a new folder and move it to `path`. Needs the lock."""
    for stale in path.parent.glob(f".{path.name}.*.making"):  # what a killed process left; the lock is ours
        shutil.rmtree(stale, ignore_errors=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".making", dir=path.parent))
    try:
        fresh = temporary / "new"
        fresh.mkdir()  # mkdtemp's 0700 would keep the other users of a class cache out
        fill(fresh)
        if path.exists():
            os.replace(path, temporary / "old")
        os.replace(fresh, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
