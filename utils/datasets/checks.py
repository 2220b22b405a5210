"""How the right file is told from a wrong one. What belongs here: the verdict, and what was recorded.

Most entries carry a SHA-256. Where nobody publishes one, the first copy is admitted by another published hash or
by a test of its contents, its SHA-256 is recorded in `recorded.toml` in the cache, and every later copy is held
to that record: trust on first use, but not blind.
"""

import os
import tempfile
import tomllib
import warnings
from pathlib import Path

from filelock import FileLock

from utils import settings
from utils.datasets import archives
from utils.datasets.contents import CHECKS, WrongFile
from utils.datasets.hashes import digests
from utils.datasets.registry import Entry, RegistryError

RECORD_FILE = "recorded.toml"

# First use -------------------------------------------------------------------------------------------

_SESSION: dict[tuple[Path, str], str] = {}  # what could not be written still holds in this process


def record_file() -> Path:
    """Return the path of the record of first uses, in the cache; it may not exist yet."""
    return settings.cache_dir() / RECORD_FILE


def recorded(name: str) -> str | None:
    """Return the SHA-256 recorded at the first use of the entry `name`, or None.

    Raises RegistryError if the record is damaged: to take it as empty would admit any file.
    """
    path = record_file()
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
        found = {key: table["sha256"] for key, table in tables.items()}
    except (FileNotFoundError, NotADirectoryError):
        found = {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise RegistryError(
            f"The record of first uses, {path}, is damaged ({error}); delete it to start afresh."
        ) from None
    return found.get(name) or _SESSION.get((path, name))


def _record(entry: Entry, sha256: str) -> None:
    """Write down the first use. Raises WrongFile if another process has just recorded another file."""
    path = record_file()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.parent / f".{path.name}.lock"):
            if (earlier := recorded(entry.name)) is not None:
                return _hold(entry, earlier, sha256)
            before = path.read_text(encoding="utf-8") if path.exists() else _RECORD_HEAD
            handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
            try:
                with os.fdopen(handle, "w", encoding="utf-8") as file:
                    file.write(f'{before}\n[{entry.name}]\nfile = "{entry.file}"\nsha256 = "{sha256}"\n')
                os.replace(temporary, path)
            finally:
                Path(temporary).unlink(missing_ok=True)
    except OSError as error:
        warnings.warn(
            f"{entry.file} passed its checks, but its SHA-256 could not be recorded ({error.strerror or error}), so "
            "a later copy cannot be held to it. Set COURSE_CACHE to a folder that can be written.",
            stacklevel=2,
        )
        _SESSION[path, entry.name] = sha256


_RECORD_HEAD = """\
# SHA-256 of files for which nobody publishes one, as first used here; later copies are held to it.
# To accept another edition of a file, delete its table.
"""


def _hold(entry: Entry, expected: str, found: str) -> None:
    if found != expected:
        raise WrongFile(
            f"expected SHA-256 {expected}, recorded at its first use, found {found}; "
            f"to accept another edition delete [{entry.name}] from {record_file()}"
        )


# All together ----------------------------------------------------------------------------------------


def matches(entry: Entry, path: Path) -> bool:
    """Return whether the file has every hash and the size that the list gives; False for an entry without hashes."""
    found = digests(path, git=entry.git_blob is not None)
    right_size = entry.bytes in (None, path.stat().st_size)
    return right_size and bool(entry.hashes) and all(found[kind] == value for kind, value in entry.hashes.items())


def verify(entry: Entry, path: Path, fresh: bool = False) -> None:
    """Return if the file at `path` is the one that `entry` means, and record it if this is a first use.

    Compares size and hashes (`fresh`: see `digests`); without a published SHA-256 also the record, or on first use
    the contents. Raises WrongFile with what was expected and found, OSError if the file cannot be read.
    """
    size = path.stat().st_size
    if entry.bytes is not None and size != entry.bytes:
        raise WrongFile(f"expected {entry.bytes:,} bytes, found {size:,}")
    found = digests(path, git=entry.git_blob is not None, fresh=fresh)
    for kind, expected in entry.hashes.items():
        if found[kind] != expected:
            raise WrongFile(f"expected {kind} {expected}, found {found[kind]}")
    if entry.sha256 is not None:
        return
    if (earlier := recorded(entry.name)) is not None:
        return _hold(entry, earlier, found["sha256"])
    if entry.check is not None:
        try:
            CHECKS[entry.check](path)
        except archives.BadArchive as error:
            raise WrongFile(f"expected an archive that can be read: {error}") from error
    _record(entry, found["sha256"])
