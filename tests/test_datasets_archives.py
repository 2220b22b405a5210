"""Archives that mean harm or came damaged: nothing leaves the target, nothing half-written stays."""

import gzip
import io
import os
import stat
import struct
import tarfile
import zipfile
from pathlib import Path

import pytest

from utils.datasets import BadArchive, Limits, archives, open_member, read, unpack

SMALL = Limits(members=50, bytes=1 << 20, ratio=50, free=64 << 10)
UNSAFE = [
    "../evil.txt",
    "a/../../evil.txt",
    "/evil.txt",
    "C:/evil.txt",
    "C:evil.txt",
    "..\\evil.txt",
    "a\\..\\evil.txt",
]


def make_zip(path, *members):
    """Write a zip of (name or ZipInfo, bytes) as given, however unsafe."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as box:
        for name, data in members:
            info = name
            if isinstance(name, str):
                info = zipfile.ZipInfo(name)
                info.compress_type = zipfile.ZIP_DEFLATED
                info.filename = name  # ZipInfo would have turned the separators of this system into "/"
            box.writestr(info, data)
    return path


def make_tar(path, *members, mode="w:gz"):
    """Write a tar of (name or TarInfo, bytes)."""
    with tarfile.open(path, mode) as box:
        for name, data in members:
            info = tarfile.TarInfo(name) if isinstance(name, str) else name
            if data is not None:
                info.size = len(data)
            box.addfile(info, None if data is None else io.BytesIO(data))
    return path


def special(name, kind, target=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def everything(folder):
    """Every path below `folder`, lock files aside."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.suffix != ".lock")


@pytest.fixture
def box(tmp_path):
    """A folder in which the only thing that may change is `out`."""
    folder = tmp_path / "box"
    folder.mkdir()
    return folder


def refuse(archive, box, match, limits=archives.LIMITS):
    """Unpack into `box/out`, expect refusal, and see that nothing was left anywhere."""
    before = everything(box.parent)
    with pytest.raises(BadArchive, match=match):
        unpack(archive, box / "out", limits)
    assert everything(box.parent) == before


# What is right ---------------------------------------------------------------------------------------

TREE = (("top/a.txt", b"a" * 10), ("top/deep/b.txt", b"b"), ("top/empty.txt", b""))


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_tar_is_unpacked(box, tmp_path, mode):
    folder = special("top/void", tarfile.DIRTYPE)
    out = unpack(make_tar(tmp_path / "t", (folder, None), *TREE, mode=mode), box / "out")
    assert out == box / "out"
    assert (out / "top" / "void").is_dir()
    assert {name: (out / name).read_bytes() for name, _ in TREE} == dict(TREE)
    assert everything(box) == sorted(
        ["out", "out/.unpacked", "out/top", "out/top/deep", "out/top/void"] + ["out/" + n for n, _ in TREE]
    )


def test_zip_is_unpacked(box, tmp_path):
    out = unpack(make_zip(tmp_path / "z", ("top/", b""), *TREE), box / "out")
    assert {name: (out / name).read_bytes() for name, _ in TREE} == dict(TREE)


def test_tar_of_the_current_folder_is_unpacked(box, tmp_path):
    out = unpack(make_tar(tmp_path / "t", (special("./", tarfile.DIRTYPE), None), ("./a.txt", b"a")), box / "out")
    assert (out / "a.txt").read_bytes() == b"a"


def test_permissions_of_the_archive_do_not_count(box, tmp_path):
    info = tarfile.TarInfo("run.sh")
    info.mode = 0o6777
    out = unpack(make_tar(tmp_path / "t", (info, b"x")), box / "out")
    assert not (out / "run.sh").stat().st_mode & (stat.S_ISUID | stat.S_ISGID | stat.S_IXUSR)


def test_second_call_does_nothing_and_a_new_archive_replaces(box, tmp_path):
    archive = make_zip(tmp_path / "z", ("a.txt", b"old"))
    out = unpack(archive, box / "out")
    (out / "mark").touch()
    assert (unpack(archive, box / "out") / "mark").exists(), "the same archive is not unpacked again"
    make_zip(archive, ("a.txt", b"newer"))
    assert (unpack(archive, box / "out") / "a.txt").read_bytes() == b"newer"
    assert everything(box) == ["out", "out/.unpacked", "out/a.txt"]


def test_folder_of_somebody_else_is_not_touched(box, tmp_path):
    (box / "out").mkdir()
    (box / "out" / "mine.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="move it away"):
        unpack(make_zip(tmp_path / "z", ("a.txt", b"a")), box / "out")
    assert everything(box) == ["out", "out/mine.txt"]


def test_remains_of_a_killed_process_are_swept(box, tmp_path):
    (box / ".out.abc.unpacking").mkdir()
    unpack(make_zip(tmp_path / "z", ("a.txt", b"a")), box / "out")
    assert everything(box) == ["out", "out/.unpacked", "out/a.txt"]


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_reading_single_members(tmp_path, make):
    archive = make(tmp_path / "x", *TREE)
    assert archives.names(archive) == [name for name, _ in TREE]
    assert read(archive, "top/a.txt") == b"a" * 10
    with open_member(archive, "top/deep/b.txt") as file:
        assert (file.read(1), file.read(1)) == (b"b", b"")
    with pytest.raises(BadArchive, match=r"holds no file 'b\.txt'"):
        read(archive, "b.txt")
    with pytest.raises(BadArchive, match="3 files, not one"):
        read(archive)
    assert read(make(tmp_path / "one", ("only.txt", b"1"))) == b"1"


def test_reading_gzip_and_plain_files(tmp_path):
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"text\n" * 1000, mtime=0))
    (tmp_path / "a.txt").write_bytes(b"text\n")
    assert read(tmp_path / "a.gz") == b"text\n" * 1000
    assert read(tmp_path / "a.txt") == b"text\n"
    with pytest.raises(BadArchive, match="not an archive"):
        read(tmp_path / "a.txt", "member")


def test_lines_of_a_member_can_be_read_one_by_one(tmp_path):
    archive = make_zip(tmp_path / "z", ("a.txt", "é\nb\n".encode()))
    with open_member(archive) as file:
        assert list(io.TextIOWrapper(file, encoding="utf-8")) == ["é\n", "b\n"]


# What is not -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", UNSAFE)
@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_names_that_climb_out(box, tmp_path, make, name):
    archive = make(tmp_path / "x", ("good.txt", b"good"), (name, b"evil"))
    refuse(archive, box, "unsafe name")
    with pytest.raises(BadArchive, match="unsafe name"):
        archives.names(archive)


@pytest.mark.parametrize("kind", ["SYMTYPE", "LNKTYPE", "CHRTYPE", "BLKTYPE", "FIFOTYPE"])
def test_tar_with_links_and_devices(box, tmp_path, kind):
    link = special("link", getattr(tarfile, kind), "good.txt")
    refuse(make_tar(tmp_path / "t", ("good.txt", b"good"), (link, None)), box, "link, a device or sparse")


def test_tar_that_writes_through_its_own_link(box, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    link = special("door", tarfile.SYMTYPE, str(outside))
    refuse(make_tar(tmp_path / "t", (link, None), ("door/evil.txt", b"evil")), box, "link")
    assert everything(outside) == []


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_zip_with_links_and_devices(box, tmp_path, kind):
    info = zipfile.ZipInfo("link")
    info.create_system, info.external_attr = 3, (kind | 0o777) << 16
    refuse(make_zip(tmp_path / "z", ("good.txt", b"good"), (info, "/etc/passwd")), box, "link or a device")


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_bomb_by_size(box, tmp_path, make):
    """2 MB where 1 MB is allowed, and incompressible, so that the ratio says nothing."""
    noise = os.urandom(1 << 20)
    refuse(make(tmp_path / "x", ("a", noise), ("b", noise)), box, "unfolds to more than", SMALL)


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_bomb_by_ratio_with_the_limits_of_the_course(box, tmp_path, make):
    archive = make(tmp_path / "x", ("zeros", bytes(100 << 20)))
    assert archive.stat().st_size < 200_000
    refuse(archive, box, "unfolds to more than")


def test_declared_sizes_are_judged_before_the_first_byte(box, tmp_path):
    archive = make_zip(tmp_path / "z", ("zeros", bytes(2 << 20)))
    with pytest.raises(BadArchive, match="unfolds to more than"):
        archives.names(archive, SMALL)
    huge = tarfile.TarInfo("huge")
    huge.size = 1 << 40
    (tmp_path / "t").write_bytes(huge.tobuf() + bytes(1024))
    refuse(tmp_path / "t", box, "unfolds to more than")


def test_bomb_by_members(box, tmp_path):
    many = [(f"f{number}", b"") for number in range(51)]
    refuse(make_zip(tmp_path / "z", *many), box, "members", SMALL)
    refuse(make_tar(tmp_path / "t", *many), box, "members", SMALL)
    assert len(everything(unpack(make_zip(tmp_path / "ok", *many[:50]), box / "out", SMALL))) == 51


def test_small_files_may_compress_well(box, tmp_path):
    archive = make_zip(tmp_path / "z", ("zeros", bytes(60 << 10)))
    assert SMALL.ratio * archive.stat().st_size < 60 << 10
    assert (unpack(archive, box / "out", SMALL) / "zeros").stat().st_size == 60 << 10


def test_zip_that_declares_less_than_it_holds(box, tmp_path):
    """The sizes in the directory are lies; what streams out is what counts."""
    archive = make_zip(tmp_path / "z", ("zeros", bytes(500_000)))
    raw = bytearray(archive.read_bytes())
    for signature, offset in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        at = raw.index(signature) + offset
        assert struct.unpack_from("<I", raw, at) == (500_000,)
        struct.pack_into("<I", raw, at, 10)
    archive.write_bytes(raw)
    refuse(archive, box, "damaged|unfolds")


def test_gzip_bomb(tmp_path):
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(bytes(3 << 20)))
    with pytest.raises(BadArchive, match="unfolds to more than"), open_member(path, limits=SMALL) as file:
        for _ in iter(lambda: file.read(1000), b""):
            pass


def test_tar_bomb_in_a_header(box, tmp_path):
    """An extended header of 3 MB before a file of one byte."""
    info = tarfile.TarInfo("a")
    info.pax_headers = {"comment": "x" * (3 << 20)}
    with tarfile.open(tmp_path / "t", "w:gz", format=tarfile.PAX_FORMAT) as file:
        info.size = 1
        file.addfile(info, io.BytesIO(b"a"))
    refuse(tmp_path / "t", box, "unfolds to more than", SMALL)


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_a_name_twice(box, tmp_path, make):
    with pytest.warns(UserWarning) if make is make_zip else pytest.MonkeyPatch.context():
        archive = make(tmp_path / "x", ("a", b"1"), ("a", b"2"))
    refuse(archive, box, "twice")


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_a_file_that_is_also_a_folder(box, tmp_path, make):
    refuse(make(tmp_path / "x", ("a", b"1"), ("a/b", b"2")), box, "twice")


@pytest.mark.parametrize("keep", [30, 0.5, 0.9])
@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_truncated_archive(box, tmp_path, make, keep):
    archive = make(tmp_path / "x", ("a", os.urandom(50_000)), ("b", os.urandom(50_000)))
    data = archive.read_bytes()
    archive.write_bytes(data[: keep if keep > 1 else int(len(data) * keep)])
    refuse(archive, box, "damaged|neither")


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_flipped_byte(box, tmp_path, make):
    archive = make(tmp_path / "x", ("a", os.urandom(50_000)))
    data = bytearray(archive.read_bytes())
    data[len(data) // 2] ^= 0xFF
    archive.write_bytes(data)
    refuse(archive, box, "damaged")
    if make is make_zip:
        with pytest.raises(BadArchive, match="damaged"):
            read(archive, "a")


def test_encrypted_zip(box, tmp_path):
    archive = make_zip(tmp_path / "z", ("a", b"secret"))
    raw = bytearray(archive.read_bytes())
    for signature, offset in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        raw[raw.index(signature) + offset] |= 1
    archive.write_bytes(raw)
    refuse(archive, box, "cannot be read")


@pytest.mark.parametrize("data", [b"", b"<html></html>", gzip.compress(b"no tar", mtime=0)])
def test_what_is_no_archive(box, tmp_path, data):
    (tmp_path / "x").write_bytes(data)
    refuse(tmp_path / "x", box, "neither a zip nor a tar")


def test_interrupted_unpacking_leaves_nothing(box, tmp_path, monkeypatch):
    archive = make_zip(tmp_path / "z", ("a", b"1"), ("b", b"2"))
    copied = []

    def interrupted(source, file, length):
        if copied:
            raise KeyboardInterrupt
        copied.append(file.write(source.read()))

    monkeypatch.setattr(archives.shutil, "copyfileobj", interrupted)
    with pytest.raises(KeyboardInterrupt):
        unpack(archive, box / "out")
    assert copied == [1]
    assert everything(box) == []


def test_disk_full_while_unpacking_leaves_nothing(box, tmp_path, monkeypatch):
    def full(source, file, length):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(archives.shutil, "copyfileobj", full)
    with pytest.raises(OSError, match="No space left"):
        unpack(make_zip(tmp_path / "z", ("a", b"1")), box / "out")
    assert everything(box) == []


def test_the_right_names_are_safe():
    for name in ("a.txt", "a/b.txt", "./a.txt", "a//b", "fra-eng/fra.txt", "شعر.txt", "a..b/c"):
        assert archives._safe_parts(name, Path("x"))
