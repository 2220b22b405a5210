"""Hashes of files. What belongs here: reading a file once and remembering what came out."""

import hashlib
from pathlib import Path

CHUNK = 1 << 20
"""How much of a file is read at a time, in bytes."""

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
            while chunk := file.read(CHUNK):
                for work in working.values():
                    work.update(chunk)
        _KNOWN[key] = {kind: work.hexdigest() for kind, work in working.items()}
    return _KNOWN[key]


def digest(path: Path) -> str:
    """Return the file's SHA-256 in hexadecimal. Raises OSError if it cannot be read."""
    return digests(path)["sha256"]
