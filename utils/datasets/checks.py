"""How the right file is told from a wrong one. What belongs here: hashes, the verdict, and what was recorded.

Where nobody publishes a hash, the first copy is admitted by a test of its contents, and its SHA-256 is recorded in the
cache: later copies are held to that. A folder is tested each time.
"""

import hashlib
import importlib
import tomllib
import warnings
from pathlib import Path

from utils import settings
from utils.datasets import archives, cache
from utils.datasets.registry import Entry, RegistryError

_KNOWN: dict[tuple, str] = {}  # hashes, by path and state of the file
_SESSION: dict[tuple[Path, str], str] = {}  # first uses that could not be written down still hold in this process
_RECORD_HEAD = "# SHA-256 of files for which nobody publishes one; to accept another edition, delete its table.\n"


class WrongFile(ValueError):
    """The file is not the one the list means; the message says what was expected and what was found."""


def digest(path: Path, algorithm: str = "sha256", fresh: bool = False) -> str:
    """Return the file's hash in hexadecimal; "git_blob" is what `git hash-object` prints. Raises OSError.

    Remembered by path, size and time of change, so that a gigabyte is not read in every cell; `fresh` reads the file in
    any case, for one that may be rewritten within a tick of the file system's clock.
    """
    state = path.stat()
    key = (str(path.absolute()), state.st_ino, state.st_size, state.st_mtime_ns, algorithm)
    if fresh or key not in _KNOWN:
        git = algorithm == "git_blob"
        # Not for security: the weaker ones are compared where upstream publishes nothing better.
        work = hashlib.new("sha1" if git else algorithm, usedforsecurity=algorithm == "sha256")
        work.update(b"blob %d\0" % state.st_size if git else b"")
        with path.open("rb") as file:
            while chunk := file.read(archives.CHUNK):
                work.update(chunk)
        _KNOWN[key] = work.hexdigest()
    return _KNOWN[key]


def recorded(name: str) -> str | None:
    """Return the SHA-256 recorded at the first use of the entry `name`, or None. Raises OSError if it cannot be read.

    Raises RegistryError if the record is damaged: to take it as empty would admit any file.
    """
    path, found = settings.cache_dir() / "recorded.toml", {}
    try:
        found = {key: table["sha256"] for key, table in tomllib.loads(path.read_text(encoding="utf-8")).items()}
    except (FileNotFoundError, NotADirectoryError):
        pass
    except (ValueError, KeyError, TypeError) as error:
        raise RegistryError(f"The record {path} is damaged ({error}); delete it to start afresh.") from None
    return found.get(name) or _SESSION.get((path, name))


def _hold(entry: Entry, sha256: str) -> bool:
    """Return whether there is a record of the entry. Raises WrongFile if it says otherwise."""
    if (expected := recorded(entry.name)) not in (None, sha256):
        where = f"[{entry.name}] from {settings.cache_dir() / 'recorded.toml'}"
        why = f"expected SHA-256 {expected}, recorded at its first use, found {sha256}"
        raise WrongFile(f"{why}; to accept another edition delete {where}")
    return expected is not None


def _record(entry: Entry, sha256: str) -> None:
    """Write down the first use. Raises WrongFile if another process has just recorded another file."""
    path = settings.cache_dir() / "recorded.toml"
    try:
        with cache.lock(path.name):
            if not _hold(entry, sha256):
                before = path.read_text(encoding="utf-8") if path.exists() else _RECORD_HEAD
                with cache.part(path) as part:
                    part.write_text(f'{before}\n[{entry.name}]\nsha256 = "{sha256}"\n', encoding="utf-8")
    except OSError as error:
        why = f"could not be recorded ({error}); set COURSE_CACHE to a folder that can be written"
        warnings.warn(f"{entry.file} passed its checks, but its SHA-256 {why}.", stacklevel=2)
        _SESSION[path, entry.name] = sha256


def contents(name: str, path: Path) -> None:
    """Run the test that the list calls `name`, "weather.jena" for `check_jena` in `weather.py`. Raises WrongFile."""
    module, _, function = str(name).partition(".")
    try:
        check = getattr(importlib.import_module(f"utils.datasets.{module}"), f"check_{function}")
    except (ModuleNotFoundError, AttributeError):
        raise RegistryError(f"'check' is {name!r}, but utils/datasets/{module}.py has no check_{function}") from None
    try:
        check(path)
    except archives.BadArchive as error:
        raise WrongFile(f"expected an archive that can be read: {error}") from error


def matches(entry: Entry, path: Path) -> bool:
    """Return whether the file has the size and the hash that the list gives; False for an entry without a hash."""
    kind, _, expected = (entry.hash or "").partition(":")
    return bool(kind) and entry.bytes in (None, path.stat().st_size) and digest(path, kind) == expected


def verify(entry: Entry, path: Path, fresh: bool = False) -> None:
    """Return if the file or folder at `path` is the one that `entry` means (`fresh`: see `digest`); record a first use.

    Raises WrongFile with what was expected and found, OSError if it cannot be read.
    """
    if entry.is_folder:
        return contents(entry.check, path)
    if entry.bytes is not None and (size := path.stat().st_size) != entry.bytes:
        raise WrongFile(f"expected {entry.bytes:,} bytes, found {size:,}")
    kind, _, expected = (entry.hash or "sha256:").partition(":")
    if (found := digest(path, kind, fresh)) != expected and expected:
        raise WrongFile(f"expected {kind} {expected}, found {found}")
    if not expected and not _hold(entry, found):
        contents(entry.check, path)
        _record(entry, found)
