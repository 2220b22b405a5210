"""How the right file is told from a wrong one. What belongs here: hashes, tests of contents, and what was recorded.

Most entries carry a SHA-256. Where nobody publishes one, the first copy is admitted by another published hash or
by a test of its contents, its SHA-256 is recorded in `recorded.toml` in the cache, and every later copy is held
to that record: trust on first use, but not blind.
"""

import csv
import hashlib
import io
import os
import tempfile
import tomllib
import warnings
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock

from utils import settings
from utils.datasets import archives
from utils.datasets.registry import Entry, RegistryError

JENA_MEMBER = "jena_climate_2009_2016.csv"
JENA_ROWS = 420_551
JENA_HEADER = (
    '"Date Time","p (mbar)","T (degC)","Tpot (K)","Tdew (degC)","rh (%)","VPmax (mbar)","VPact (mbar)",'
    '"VPdef (mbar)","sh (g/kg)","H2OC (mmol/mol)","rho (g/m**3)","wv (m/s)","max. wv (m/s)","wd (deg)"'
)
BEIJING_MEMBER = "PRSA_data_2010.1.1-2014.12.31.csv"
BEIJING_SHA256 = "4fe4c954a563d0e746f96c258e1acf31f7880f1ad825b046052121938781c656"
RECORD_FILE = "recorded.toml"


class WrongFile(ValueError):
    """The file is not the one the list means; the message says what was expected and what was found."""


# Hashes ----------------------------------------------------------------------------------------------

_KNOWN: dict[tuple, dict[str, str]] = {}


def digests(path: Path, git: bool = False, fresh: bool = False) -> dict[str, str]:
    """Return the file's sha256, sha1 and md5 in hexadecimal, and with `git` its git_blob.

    Remembered in this process by path, size and time of change, so that a gigabyte is not hashed in every cell;
    `fresh` reads the file in any case, for one that may be rewritten within a tick of the file system's clock.
    Raises OSError if the file cannot be read.
    """
    path = Path(path)
    state = path.stat()
    key = (str(path.absolute()), state.st_ino, state.st_size, state.st_mtime_ns, git)
    if fresh or key not in _KNOWN:
        # Not for security: the weaker two are compared because upstream publishes nothing better.
        working = {kind: hashlib.new(kind, usedforsecurity=kind == "sha256") for kind in ("sha256", "sha1", "md5")}
        if git:
            working["git_blob"] = hashlib.sha1(b"blob %d\0" % state.st_size, usedforsecurity=False)
        with path.open("rb") as file:
            while chunk := file.read(archives.CHUNK):
                for work in working.values():
                    work.update(chunk)
        _KNOWN[key] = {kind: work.hexdigest() for kind, work in working.items()}
    return _KNOWN[key]


def digest(path: Path) -> str:
    """Return the file's SHA-256 in hexadecimal. Raises OSError if it cannot be read."""
    return digests(path)["sha256"]


# Contents --------------------------------------------------------------------------------------------


def _csv_bytes(path: Path, member: str) -> bytes:
    """Return the csv in `path`: the named member of an archive (in any folder), or the file itself."""
    if archives.is_archive(path):
        inside = [name for name in archives.names(path) if name.rsplit("/", 1)[-1] == member]
        if not inside:
            raise WrongFile(f"expected a member {member!r}, found {archives.names(path)[:5]}")
        return archives.read(path, inside[0])
    return archives.read(path)


def _jena(path: Path) -> None:
    lines = _csv_bytes(path, JENA_MEMBER).splitlines()
    header = lines[0].decode("utf-8", "replace") if lines else ""
    if header != JENA_HEADER:
        raise WrongFile(f"expected the header {JENA_HEADER}, found {header[:300]}")
    rows = [line for line in lines[1:] if line]
    if len(rows) != JENA_ROWS:
        raise WrongFile(f"expected {JENA_ROWS:,} rows, found {len(rows):,}")
    if any(row.count(b",") != 14 for row in rows):
        raise WrongFile("expected a date and 14 numbers in every row, found rows with more or fewer")
    if not rows[0].startswith(b"01.01.2009 00:10:00,"):
        raise WrongFile(f"expected the first row of 01.01.2009 00:10:00, found {rows[0][:20]!r}")


def _beijing(path: Path) -> None:
    # Copies differ in line ends and quotes; what they say is the same.
    content = _csv_bytes(path, BEIJING_MEMBER).replace(b"\r\n", b"\n").replace(b'"', b"").rstrip(b"\n") + b"\n"
    found = hashlib.sha256(content).hexdigest()
    if found != BEIJING_SHA256:
        raise WrongFile(f"expected a csv of SHA-256 {BEIJING_SHA256} with LF line ends, found {found}")


def _emojify(path: Path) -> None:
    for member, rows in (("train_emoji.csv", 132), ("tesss.csv", 56)):
        text = _csv_bytes(path, member).decode("utf-8", "replace")
        found = sum(1 for row in csv.reader(io.StringIO(text)) if row)
        if found != rows:
            raise WrongFile(f"expected {rows} rows in {member}, found {found}")


def _persian_share(text: str) -> float:
    """Return the share of Arabic-script letters among all letters, 0 to 1."""
    letters = [character for character in text if character.isalpha()]
    return sum("\u0600" <= character <= "\u06ff" for character in letters) / max(len(letters), 1)


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise WrongFile(f"expected UTF-8 text, found {error}") from None


def _pes_eng(path: Path) -> None:
    rows = [line.split("\t") for line in _text(_csv_bytes(path, "pes.txt")).splitlines() if line]
    if len(rows) < 2_000 or any(len(row) not in (2, 3) for row in rows):
        raise WrongFile(f"expected at least 2,000 lines of 2 or 3 columns, found {len(rows):,} lines")
    share = _persian_share(" ".join(row[1] for row in rows))
    if share < 0.9:
        raise WrongFile(f"expected Persian in the second column, found {share:.0%} Persian letters")


def _persian_verse(path: Path) -> None:
    text = _text(archives.read(path))
    lines = len(text.splitlines())
    share = _persian_share(text[:200_000])
    if lines < 10_000 or share < 0.9:
        raise WrongFile(f"expected at least 10,000 lines of Persian, found {lines:,}, {share:.0%} Persian letters")


CHECKS: dict[str, Callable[[Path], None]] = {
    "jena": _jena,
    "beijing": _beijing,
    "emojify": _emojify,
    "pes-eng": _pes_eng,
    "persian-verse": _persian_verse,
}
"""Tests of contents by the name that `check` gives them. Each takes a path and raises WrongFile or BadArchive."""


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
