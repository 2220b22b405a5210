"""The cache: one writer at a time, files and folders that are whole or absent, and readable by whoever shares it.

What belongs here: locks, and how something gets its place; never where it comes from, and no data set.
"""

import contextlib
import errno
import os
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from utils import settings

LOCK_SECONDS = 3600  # how long to wait for another process
# What reading a missing, cut or altered file raises; BadZipFile because an .npz is a zip.
NOT_WHOLE = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile)


def refusal(error: OSError) -> str:
    """Return what the system said of the cache, in words, and what to do."""
    hint = "Free some space" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "Make it writable"
    return f"The cache {settings.cache_dir()} cannot be written: {error.strerror or error}. {hint} or set COURSE_CACHE."


@contextlib.contextmanager
def lock(name: str) -> Iterator[None]:
    """Hold the cache's lock of `name`, in a `with`; say so when that means waiting. Raises OSError or ImportError."""
    from filelock import FileLock, Timeout  # here, so that what only looks needs the standard library alone

    settings.cache_dir().mkdir(parents=True, exist_ok=True)
    # For every user of a class cache (0666), and so that who holds it may take it again (singleton).
    own = FileLock(settings.cache_dir() / f".{name}.lock", mode=0o666, is_singleton=True)
    try:
        held = own.acquire(timeout=0.2)
    except Timeout:
        print(f"Another process is at work on {name}; waiting for it.", file=sys.stderr)
        held = own.acquire(timeout=LOCK_SECONDS)  # its Timeout is an OSError, which names the lock
    with held:
        yield


@contextlib.contextmanager
def part(target: Path) -> Iterator[Path]:
    """Give, in a `with` under the lock, where to make a file or folder that becomes `target` unless an error comes."""
    for stale in target.parent.glob(f".{target.name}.*.part"):  # what a killed process left
        shutil.rmtree(stale, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}.", suffix=".part", dir=target.parent) as folder:
        new = Path(folder, "new")
        yield new
        new.chmod(0o755 if new.is_dir() else 0o644)  # for whoever shares the cache
        if target.is_dir():  # a folder is not replaced by another
            os.replace(target, Path(folder, "old"))
        os.replace(new, target)


def place(name: str) -> Path:
    """Return where the folder `name`, made by `keep`, is or would be."""
    return settings.cache_dir() / "derived" / name


def keep(name: str, fill: Callable[[Path], None], read: Callable[[Path], Any]) -> Any:
    """Return `read(folder)` of the folder `name` in the cache, which `fill(folder)` makes if it is not there.

    It is made again where `read` raises one of `NOT_WHOLE`; of two processes, one waits. Raises OSError if the cache
    cannot be written; what `fill` raises of a source passes unchanged.
    """
    path, elsewhere = place(name), None
    with contextlib.suppress(*NOT_WHOLE):
        return read(path)
    try:
        with lock(name):
            with contextlib.suppress(*NOT_WHOLE):  # made by another process while this one waited
                return read(path)
            path.parent.mkdir(exist_ok=True)
            with part(path) as new:
                new.mkdir()
                try:
                    fill(new)
                except OSError as error:  # what cannot be opened is named; what fills up while it is written is not
                    elsewhere = error if error.filename and not Path(error.filename).is_relative_to(new) else None
                    raise
            return read(path)
    except OSError as error:
        if error is elsewhere:
            raise
        raise OSError(error.errno, refusal(error)) from error
