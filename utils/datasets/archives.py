"""Reading zip, tar and gzip files that came from elsewhere. What belongs here: names, sizes and bytes, never a disk.

Names may climb out of a folder, links may point anywhere, a few kilobytes may unfold to a full disk. So nothing is
unpacked or unpickled: files are read one by one, and what is counted is what streams out, not what is declared.
"""

import contextlib
import gzip
import io
import re
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

CHUNK = 1 << 20  # how much is read at a time, in bytes


class WrongFile(ValueError):
    """The file is not the one the list means, or cannot be shown to be; the message says why."""


class BadArchive(WrongFile):
    """The archive is damaged or too large, holds unsafe or repeated names, links or devices, or not what it should."""


class Limits(NamedTuple):
    """How much an archive may unfold to: files, bytes in all, and (above `free` bytes) bytes out for each byte in."""

    members: int = 200_000
    bytes: int = 6 << 30
    ratio: int = 200
    free: int = 64 << 20

    def check(self, path: Path, total: int) -> None:
        """Raise BadArchive if `total` bytes out of the archive at `path` are too many."""
        if total > (most := min(self.bytes, max(self.free, self.ratio * path.stat().st_size))):
            raise BadArchive(f"{path.name} unfolds to more than {most:,} bytes, so it is not read.")


LIMITS = Limits()


class _Counted(io.RawIOBase):
    """A read-only stream that passes on another's bytes and raises BadArchive when they are too many or damaged."""

    def __init__(self, source: BinaryIO, path: Path, limits: Limits):
        self.source, self.path, self.limits, self.done = source, path, limits, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        with _as_bad_archive(self.path):
            # At most a chunk a time: a decompressor asked for everything at once would build all of it in memory.
            data = self.source.read(min(len(buffer), CHUNK))
        self.done += len(data)
        self.limits.check(self.path, self.done)
        buffer[: len(data)] = data
        return len(data)


@contextlib.contextmanager
def _as_bad_archive(path: Path) -> Iterator[None]:
    """Turn the many errors of a damaged archive into one BadArchive."""
    try:
        yield
    # RuntimeError is zipfile's word for an encrypted member, or a compression that it does not know.
    except (zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError, RuntimeError) as error:
        raise BadArchive(f"{path.name} is damaged or cannot be read: {error}") from error


def _safe(name: str, folder: bool, path: Path, seen: set, limits: Limits) -> str:
    """Return a member's name without empty parts. Raises BadArchive if it leads elsewhere, or names a file again."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    # Drive letters, streams and separators of Windows are refused everywhere: an archive is good for all or for none.
    if name.startswith("/") or ".." in parts or re.search(r"[\\:\x00-\x1f]", name):
        raise BadArchive(f"{path.name} holds the unsafe name {name!r}, so it is not read.")
    clean = "/".join(parts)
    if clean in seen and not folder:
        raise BadArchive(f"{path.name} holds the name {clean!r} twice.")
    seen.add((clean, len(seen)) if folder else clean)
    if len(seen) > limits.members:
        raise BadArchive(f"{path.name} holds more than {limits.members:,} members.")
    return clean


def _zip_files(path: Path, limits: Limits) -> Iterator[tuple[str, BinaryIO]]:
    with zipfile.ZipFile(path) as box:
        infos, seen = box.infolist(), set()
        limits.check(path, sum(info.file_size for info in infos))  # no more comes out than is declared
        for info in infos:  # every name before the first byte; as it was written, for zipfile cuts it at NUL
            info.filename = _safe(info.orig_filename, info.is_dir(), path, seen, limits) + "/" * info.is_dir()
            if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise BadArchive(f"{path.name} holds {info.filename!r}, which is a link or a device.")
        for info in (info for info in infos if not info.is_dir()):
            with box.open(info) as source:
                yield info.filename, _Counted(source, path, limits)


def _tar_files(path: Path, limits: Limits, opener: Callable) -> Iterator[tuple[str, BinaryIO]]:
    # tarfile sees a plain tar behind a counter, so that headers count as well as contents.
    with opener(path, "rb") as inner, _Counted(inner, path, limits) as counted:
        box, seen = tarfile.open(fileobj=counted, mode="r|"), set()  # noqa: SIM115 (closed with `counted`)
        for info in box:
            limits.check(path, counted.done + info.size)
            name = _safe(info.name, info.isdir(), path, seen, limits)
            if info.isreg() and not info.issparse():
                yield name, _Counted(box.extractfile(info), path, limits)
            elif not info.isdir():
                raise BadArchive(f"{path.name} holds {name!r}, which is a link, a device or sparse.")
        while counted.read(CHUNK):  # tarfile stops at its end mark; at gzip's own end the checksum is compared
            pass


def _kind(path: Path) -> tuple[str, Callable]:
    """Return `zip`, `tar` or `plain`, judged by contents as names can say anything, and what takes off the gzip."""
    with path.open("rb") as file:
        head = file.read(4)
    if head in (b"PK\x03\x04", b"PK\x05\x06"):
        return "zip", open
    opener = gzip.open if head.startswith(b"\x1f\x8b") else open
    # One header only, not tarfile.is_tarfile, which unfolds whatever a first extended header asks for.
    with contextlib.suppress(EOFError, OSError, zlib.error, tarfile.TarError), opener(path, "rb") as inner:
        tarfile.TarInfo.frombuf(inner.read(tarfile.BLOCKSIZE), "utf-8", "surrogateescape")
        return "tar", opener
    return "plain", opener


def files(path: Path, limits: Limits = LIMITS) -> Iterator[tuple[str, BinaryIO]]:
    """Yield name and stream of each file in a zip or tar archive; a stream is good until the next is asked for.

    Raises BadArchive, also in the middle; of a gzipped tar, only a pass to the end compares the checksum.
    """
    kind, opener = _kind(path)
    if kind == "plain":
        raise BadArchive(f"{path.name} is neither a zip nor a tar archive.")
    with _as_bad_archive(path):
        yield from _zip_files(path, limits) if kind == "zip" else _tar_files(path, limits, opener)


@contextlib.contextmanager
def open_file(path: Path, *names: str, limits: Limits = LIMITS) -> Iterator[BinaryIO]:
    """Open for reading, in a `with`, a member of a zip or tar, what a gzip holds, or a plain file. Raises BadArchive.

    `names` are what a member may be called, in any folder, the best first; without them it is the only one.
    """
    kind, opener = _kind(path)
    if kind == "plain":
        with opener(path, "rb") as source:
            yield source if opener is open else io.BufferedReader(_Counted(source, path, limits), CHUNK)
        return
    inside = [name for name, _ in files(path, limits)]
    right = [member for name in names for member in inside if member.rsplit("/", 1)[-1] == name]
    if not right and (names or len(inside) != 1):
        wanted = f"a file {' or '.join(map(repr, names))}" if names else "one file"
        raise BadArchive(f"{path.name}: expected {wanted}, found {len(inside)} files: {', '.join(inside[:5])}")
    with contextlib.closing(files(path, limits)) as members:
        yield io.BufferedReader(next(source for name, source in members if name == (right or inside)[0]), CHUNK)


def read(path: Path, *names: str, limits: Limits = LIMITS) -> bytes:
    """Return all bytes of one file; arguments and errors as `open_file`."""
    with open_file(path, *names, limits=limits) as source:
        return source.read()


def read_text(path: Path, *names: str, limits: Limits = LIMITS) -> str:
    """Return one file as text, with line feeds for line ends; as `read`, and ValueError for what is not UTF-8."""
    try:
        text = read(path, *names, limits=limits).decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{': '.join([path.name, *names[:1]])} is not UTF-8 text: {error}") from None
    return text.replace("\r\n", "\n")
