"""How the right file is told from a wrong one. What belongs here: hashes, the verdict, and what was recorded.

Where nobody publishes a hash, a test of contents admits the first copy; later ones are held to its SHA-256, recorded.
"""

import hashlib
import importlib
import tomllib
import warnings
from pathlib import Path

from utils import settings
from utils.datasets import cache
from utils.datasets.archives import WrongFile
from utils.datasets.registry import Entry, RegistryError

_KNOWN: dict[tuple, str] = {}  # hashes, by path and state of the file
_SESSION: dict[tuple[Path, str], str] = {}  # first uses that could not be written down still hold in this process
_RECORD_HEAD = "# SHA-256 of files for which nobody publishes one; to accept another edition, delete its table.\n"


def digest(path: Path, algorithm: str = "sha256", fresh: bool = False) -> str:
    """Return the file's hash in hexadecimal; "git_blob" is what `git hash-object` prints. Raises OSError.

    Remembered by path, size and time of change, but for one that may have changed within a tick of the clock (`fresh`).
    """
    state = path.stat()
    key = (str(path.absolute()), state.st_ino, state.st_size, state.st_mtime_ns, algorithm)
    if fresh or key not in _KNOWN:
        git = algorithm == "git_blob"
        # Not for security: the weaker ones are compared where upstream publishes nothing better.
        work = hashlib.new("sha1" if git else algorithm, usedforsecurity=algorithm == "sha256")
        work.update(b"blob %d\0" % state.st_size if git else b"")
        with path.open("rb") as file:
            _KNOWN[key] = hashlib.file_digest(file, lambda: work).hexdigest()
    return _KNOWN[key]


def recorded(name: str) -> str | None:
    """Return the SHA-256 recorded at the first use of the entry `name`, or None. Raises OSError or RegistryError."""
    path = settings.cache_dir() / "recorded.toml"
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        return tables[name]["sha256"] if name in tables else _SESSION.get((path, name))
    except (ValueError, KeyError, TypeError) as error:  # to take it as empty would admit any file
        raise RegistryError(f"The record {path} is damaged ({error}); delete it to start afresh.") from None


def _hold(entry: Entry, path: Path, sha256: str) -> None:
    """Hold a file without a published hash to the record; test the contents at its first use, and record it."""
    record = settings.cache_dir() / "recorded.toml"
    if (known := recorded(entry.name)) is None:
        contents(entry.check, path)
        try:
            with cache.lock(record.name):
                if (known := recorded(entry.name)) is None:  # another process may have been the first
                    before = record.read_text(encoding="utf-8") if record.exists() else _RECORD_HEAD
                    with cache.part(record) as part:
                        part.write_text(f'{before}\n[{entry.name}]\nsha256 = "{sha256}"\n', encoding="utf-8")
        except (OSError, ImportError) as error:
            why = f"could not be recorded ({error}); set COURSE_CACHE to a folder that can be written"
            warnings.warn(f"{entry.file} passed its checks, but its SHA-256 {why}.", stacklevel=2)
            _SESSION[record, entry.name] = sha256
    if known not in (None, sha256):
        why = f"expected SHA-256 {known}, recorded at its first use, found {sha256}"
        raise WrongFile(f"{why}; to accept another edition delete [{entry.name}] from {record}")


def contents(name: str, path: Path) -> None:
    """Run the test that the list calls `name`, "weather.jena" for `check_jena` in `weather.py`. Raises WrongFile."""
    module, _, function = str(name).partition(".")
    try:
        check = getattr(importlib.import_module(f"utils.datasets.{module}"), f"check_{function}")
    except (ModuleNotFoundError, AttributeError):
        raise RegistryError(f"'check' is {name!r}, but utils/datasets/{module}.py has no check_{function}") from None
    check(path)


def verify(entry: Entry, path: Path, fresh: bool = False) -> None:
    """Raise WrongFile or OSError unless the file or folder at `path` is what `entry` means; record a first use."""
    if entry.is_folder:
        return contents(entry.check, path)  # each time
    if entry.bytes is not None and (size := path.stat().st_size) != entry.bytes:
        raise WrongFile(f"expected {entry.bytes:,} bytes, found {size:,}")
    if entry.hash is None:
        return _hold(entry, path, digest(path, fresh=fresh))
    kind, _, expected = entry.hash.partition(":")
    if (found := digest(path, kind, fresh)) != expected:
        raise WrongFile(f"expected {kind} {expected}, found {found}")
