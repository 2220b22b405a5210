"""Reading zip, tar and gzip files that came from elsewhere. What belongs here: names, sizes and bytes.

An archive is somebody else's list of instructions: names may climb out of the folder, links may point anywhere,
and a few kilobytes may unfold to a full disk. So members are written here by hand, regular files and folders only,
under names that were checked, and what is counted is what streams out, not only what the archive declares.
Nothing is ever unpickled.
"""

import bz2
import contextlib
import gzip
import io
import lzma
import os
import re
import shutil
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock

from utils.datasets.hashes import CHUNK, digest

_STAMP = ".unpacked"


class BadArchive(ValueError):
    """The archive is damaged, unsafe or too large; nothing was left behind."""


@dataclass(frozen=True)
class Limits:
    """How much an archive may unfold to: files, bytes in all, and bytes out for each byte in.

    The ratio is judged only above `free` bytes: small files of one letter are no danger, whatever their ratio.
    """

    members: int = 200_000
    bytes: int = 6 << 30
    ratio: int = 200
    free: int = 64 << 20

    def check(self, archive: Path, total: int) -> None:
        """Raise BadArchive if `total` bytes out of `archive` are too many."""
        most = min(self.bytes, max(self.free, self.ratio * archive.stat().st_size))
        if total > most:
            raise BadArchive(f"{archive.name} unfolds to more than {most:,} bytes, so it was not unpacked.")


LIMITS = Limits()


class _Counted(io.RawIOBase):
    """A read-only stream that passes on another's bytes and raises BadArchive when they are too many or damaged."""

    def __init__(self, source: BinaryIO, archive: Path, limits: Limits, done: int = 0):
        super().__init__()
        self.source, self.archive, self.limits, self.done = source, archive, limits, done

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        with _as_bad_archive(self.archive):
            # At most a chunk a time: a decompressor asked for everything at once would build all of it in memory.
            data = self.source.read(min(len(buffer), CHUNK))
        self.done += len(data)
        self.limits.check(self.archive, self.done)
        buffer[: len(data)] = data
        return len(data)


@contextlib.contextmanager
def _as_bad_archive(archive: Path) -> Iterator[None]:
    """Turn the many errors of a damaged archive into one BadArchive."""
    try:
        yield
    # RuntimeError is zipfile's word for an encrypted member, NotImplementedError for a compression it does not know.
    except (zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, lzma.LZMAError, zlib.error, EOFError) as error:
        raise BadArchive(f"{archive.name} is damaged: {error}") from error
    except (RuntimeError, NotImplementedError) as error:
        raise BadArchive(f"{archive.name} cannot be read: {error}") from error


def _safe_parts(name: str, archive: Path) -> tuple[str, ...]:
    """Return the folders and file of a member's name. Raises BadArchive if it could lead out of the target."""
    parts = tuple(part for part in name.split("/") if part not in ("", "."))
    # Colons and backslashes are drive letters, streams and separators on Windows: refused everywhere, so that an
    # archive is either good for every reader or for none.
    if not parts or name.startswith("/") or ".." in parts or re.search(r"[\\:\x00-\x1f]", name):
        raise BadArchive(f"{archive.name} holds the unsafe name {name!r}, so it was not unpacked.")
    return parts


_OPENERS = ((b"\x1f\x8b", gzip.open), (b"BZh", bz2.open), (b"\xfd7zXZ", lzma.open))


def _opener(archive: Path):
    """Return what opens the file as uncompressed bytes, judged by its first bytes: names can say anything."""
    with archive.open("rb") as file:
        head = file.read(6)
    return next((opener for magic, opener in _OPENERS if head.startswith(magic)), open)


def _kind(archive: Path) -> str:
    """Return `zip`, `tar`, `gz` or `plain`, judged by contents."""
    with archive.open("rb") as file:
        if file.read(4) in (b"PK\x03\x04", b"PK\x05\x06"):
            return "zip"
    opener = _opener(archive)
    with contextlib.suppress(EOFError, OSError, zlib.error, lzma.LZMAError, tarfile.TarError):
        # One header only, not tarfile.is_tarfile, which unfolds whatever a first extended header asks for.
        with opener(archive, "rb") as inner:
            tarfile.TarInfo.frombuf(inner.read(tarfile.BLOCKSIZE), "utf-8", "surrogateescape")
        return "tar"
    return "gz" if opener is gzip.open else "plain"


@contextlib.contextmanager
def _zip_members(archive: Path, limits: Limits) -> Iterator[Iterable[tuple[tuple[str, ...], BinaryIO | None]]]:
    with _as_bad_archive(archive):
        opened = zipfile.ZipFile(archive)
    with opened as box:
        infos = box.infolist()
        if len(infos) > limits.members:
            raise BadArchive(f"{archive.name} holds {len(infos):,} members, more than {limits.members:,}.")
        limits.check(archive, sum(info.file_size for info in infos))
        for info in infos:  # every name before the first byte
            _safe_parts(info.orig_filename, archive)
            kind = stat.S_IFMT(info.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise BadArchive(f"{archive.name} holds {info.filename!r}, which is a link or a device.")

        def members():
            done = 0
            for info in infos:
                parts = _safe_parts(info.filename, archive)
                if info.is_dir():
                    yield parts, None
                    continue
                with _as_bad_archive(archive):
                    source = box.open(info)
                with source, _Counted(source, archive, limits, done) as counted:
                    yield parts, counted
                    done = counted.done

        yield members()


@contextlib.contextmanager
def _tar_members(archive: Path, limits: Limits) -> Iterator[Iterable[tuple[tuple[str, ...], BinaryIO | None]]]:
    # tarfile sees a plain tar behind a counter, so that headers count as well as contents.
    with _opener(archive)(archive, "rb") as inner, _Counted(inner, archive, limits) as counted:
        with _as_bad_archive(archive):
            box = tarfile.TarFile.open(fileobj=counted, mode="r|")

        def members():
            for number in range(1, limits.members + 2):
                with _as_bad_archive(archive):
                    info = box.next()
                if info is None:
                    # tarfile stops at its end mark; only at the compressor's own end is its checksum compared.
                    while counted.read(CHUNK):
                        pass
                    return
                if number > limits.members:
                    raise BadArchive(f"{archive.name} holds more than {limits.members:,} members.")
                limits.check(archive, counted.done + info.size)
                if info.isdir() and info.name.rstrip("/") == ".":
                    continue
                parts = _safe_parts(info.name, archive)
                if info.isdir():
                    yield parts, None
                elif info.isreg() and not info.issparse():
                    yield parts, _Counted(box.extractfile(info), archive, limits)
                else:
                    raise BadArchive(f"{archive.name} holds {info.name!r}, which is a link, a device or sparse.")

        with box:
            yield members()


def _members(archive: Path, limits: Limits):
    kind = _kind(archive)
    if kind not in ("zip", "tar"):
        raise BadArchive(f"{archive.name} is neither a zip nor a tar archive.")
    return (_zip_members if kind == "zip" else _tar_members)(archive, limits)


def is_archive(path: Path) -> bool:
    """Return whether the file is a zip or tar archive (compressed or not), judged by its contents."""
    return _kind(Path(path)) in ("zip", "tar")


@contextlib.contextmanager
def files(archive: Path, limits: Limits = LIMITS) -> Iterator[Iterable[tuple[str, BinaryIO]]]:
    """Open a zip or tar archive for one pass over its files: pairs of name and stream, in its order, in a `with`.

    A stream is good until the next pair is asked for, and need not be read. Raises BadArchive, also in the middle, for
    what `unpack` would refuse; a pass that was not completed has not compared the checksum of a compressed tar.
    """
    with _members(Path(archive), limits) as members:
        yield (("/".join(parts), source) for parts, source in members if source is not None)


def names(archive: Path, limits: Limits = LIMITS) -> list[str]:
    """Return the names of the files in a zip or tar archive, in its order. Raises BadArchive."""
    with files(archive, limits) as inside:
        return [name for name, _ in inside]


@contextlib.contextmanager
def open_member(archive: Path, member: str | None = None, limits: Limits = LIMITS) -> Iterator[BinaryIO]:
    """Open one file for reading bytes, in a `with`: a member of a zip or tar, what a gzip file holds, or a plain file.

    `member` is the name inside; None means the only file. Raises BadArchive if it is not there, damaged or too large.
    (A member of a tar is read without the rest, so only `unpack` compares the checksum of a compressed tar.)
    """
    archive = Path(archive)
    kind = _kind(archive)
    if kind in ("gz", "plain"):
        if member is not None:
            raise BadArchive(f"{archive.name} is not an archive, so it has no member {member!r}.")
        with (gzip.open if kind == "gz" else open)(archive, "rb") as source:
            if kind == "plain":
                yield source
            else:
                yield io.BufferedReader(_Counted(source, archive, limits), CHUNK)
        return
    if member is None:
        inside = names(archive, limits)
        if len(inside) != 1:
            raise BadArchive(f"{archive.name} holds {len(inside)} files, not one; say which.")
        member = inside[0]
    with _members(archive, limits) as members:
        for parts, source in members:
            if source is not None and "/".join(parts) == member:
                yield io.BufferedReader(source, CHUNK)
                return
    raise BadArchive(f"{archive.name} holds no file {member!r}.")


def read(archive: Path, member: str | None = None, limits: Limits = LIMITS) -> bytes:
    """Return all bytes of one file; arguments and errors as `open_member`."""
    with open_member(archive, member, limits) as source:
        return source.read()


def unpack(archive: Path, into: Path, limits: Limits = LIMITS) -> Path:
    """Unpack a zip or tar archive into the new folder `into` and return it.

    All or nothing: members go to a temporary folder beside `into`, which is renamed when the last byte is right. A
    folder that this archive was unpacked into before is returned as it is; one of an older archive is replaced.
    Two processes may call it at once. Raises BadArchive for an archive that is damaged, holds unsafe names, links
    or devices, or unfolds beyond `limits`; FileExistsError if `into` holds anything else; OSError if it cannot be
    written.
    """
    archive, into = Path(archive), Path(into).absolute()
    stamp = digest(archive)
    into.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(into.parent / f".{into.name}.lock"):
        if into.exists():
            if not (into / _STAMP).is_file():
                raise FileExistsError(f"{into} exists and was not unpacked by the course; move it away first.")
            if (into / _STAMP).read_text(encoding="utf-8").strip() == stamp:
                return into
        for stale in into.parent.glob(f".{into.name}.*.unpacking"):  # what a killed process left; the lock is ours
            shutil.rmtree(stale, ignore_errors=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{into.name}.", suffix=".unpacking", dir=into.parent))
        try:
            fresh = temporary / "new"
            fresh.mkdir()
            _write_all(archive, fresh, limits)
            (fresh / _STAMP).write_text(stamp + "\n", encoding="utf-8")
            if into.exists():
                os.replace(into, temporary / "old")
            os.replace(fresh, into)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    return into


def _write_all(archive: Path, folder: Path, limits: Limits) -> None:
    """Write every member below `folder`, which is empty and ours."""
    with _members(archive, limits) as members:
        for parts, source in members:
            target = folder.joinpath(*parts)
            try:
                if source is None:
                    target.mkdir(parents=True, exist_ok=True)
                    continue
                target.parent.mkdir(parents=True, exist_ok=True)
                # "x": a name that comes twice, or twice but for case, would overwrite silently.
                with target.open("xb") as file:
                    shutil.copyfileobj(source, file, CHUNK)
            except (FileExistsError, NotADirectoryError) as error:
                raise BadArchive(f"{archive.name} holds the name {'/'.join(parts)!r} twice.") from error
