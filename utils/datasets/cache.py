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
from typing import TypeVar

from utils import settings

LOCK_SECONDS = 3600  # how long to wait for another process
# What reading a missing, cut or altered file raises; BadZipFile because an .npz is a zip.
NOT_WHOLE = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile)
Content = TypeVar("Content")


def refusal(error: OSError) -> str:
    """Return what the system said of the cache, in words, and what to do."""
    hint = "Free some space" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "Make it writable"
    place = f"The cache {settings.cache_dir()} cannot be written"
    return f"{place}: {error.strerror or error}. {hint}, or set COURSE_CACHE to another folder."


@contextlib.contextmanager
def lock(name: str) -> Iterator[None]:
    """Hold the cache's lock of `name`, in a `with`; say so when that means waiting. Raises OSError."""
    try:
        from filelock import FileLock, Timeout  # here, so that what only looks needs the standard library alone
    except ImportError:
        raise OSError("the package filelock is not installed") from None
    settings.cache_dir().mkdir(parents=True, exist_ok=True)
    held = FileLock(settings.cache_dir() / f".{name}.lock", mode=0o666)  # any user of a class cache may have to wait
    try:
        try:
            held.acquire(timeout=0.2)
        except Timeout:
            print(f"Another process is at work on {name}; waiting for it.", file=sys.stderr)
            held.acquire(timeout=LOCK_SECONDS)
        yield
    except Timeout:
        raise OSError(f"another process has held the lock of {name} for {LOCK_SECONDS:g} s") from None
    finally:
        held.release()


@contextlib.contextmanager
def part(target: Path) -> Iterator[Path]:
    """Give, in a `with` under the lock, a new file that takes the place of `target`, or vanishes after an error."""
    for stale in target.parent.glob(f".{target.name}.*.part"):
        stale.unlink(missing_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
    os.close(handle)
    try:
        yield Path(name)
        os.chmod(name, 0o644)  # mkstemp's 0600 would keep the other users of a class cache out
        os.replace(name, target)
    finally:
        Path(name).unlink(missing_ok=True)


def place(name: str) -> Path:
    """Return where the folder `name`, made by `keep`, is or would be."""
    return settings.cache_dir() / "derived" / name


def keep(name: str, fill: Callable[[Path], None], read: Callable[[Path], Content]) -> Content:
    """Return `read(folder)` of the folder `name` in the cache, which `fill(folder)` makes if it is not there.

    `fill` gets a new, empty folder, which takes its place when it is full; so nobody sees half of it, and of two
    processes one fills and the other waits. `read` has to raise one of `NOT_WHOLE` where that is what it finds; then it
    is made again. Raises OSError if the cache cannot be written; what `fill` raises of a source passes unchanged.
    """
    path, elsewhere = place(name), None
    with contextlib.suppress(*NOT_WHOLE):
        return read(path)
    try:
        with lock(name):
            with contextlib.suppress(*NOT_WHOLE):  # made by another process while this one waited
                return read(path)
            path.parent.mkdir(exist_ok=True)
            for stale in path.parent.glob(f".{name}.*.making"):  # what a killed process left; the lock is ours
                shutil.rmtree(stale, ignore_errors=True)
            # Not the temporary folder itself, whose 0700 would keep the other users of a class cache out.
            with tempfile.TemporaryDirectory(prefix=f".{name}.", suffix=".making", dir=path.parent) as temporary:
                fresh = Path(temporary, "new")
                fresh.mkdir()
                try:
                    fill(fresh)
                except OSError as error:  # what cannot be opened is named; what fills up while it is written is not
                    elsewhere = error if error.filename and not Path(error.filename).is_relative_to(fresh) else None
                    raise
                if path.exists():
                    os.replace(path, Path(temporary, "old"))
                os.replace(fresh, path)
            return read(path)
    except OSError as error:
        if error is elsewhere:
            raise
        raise OSError(error.errno, refusal(error)) from error
