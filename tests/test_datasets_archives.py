"""Archives that mean harm or came damaged: refused when they are read, and nothing is ever written."""

import gzip
import io
import os
import stat
import struct
import tarfile
import zipfile

import pytest

from utils.datasets import BadArchive, archives
from utils.datasets.archives import Limits, open_file, read

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


def contents(archive, limits=archives.LIMITS):
    """Read everything, as the loaders do."""
    return {name: source.read() for name, source in archives.files(archive, limits)}


def refuse(archive, match, limits=archives.LIMITS):
    """Read everything, expect refusal, and see that no file was written, or the archive changed."""
    before = {path: path.read_bytes() for path in archive.parent.rglob("*") if path.is_file()}
    with pytest.raises(BadArchive, match=match):
        contents(archive, limits)
    assert {path: path.read_bytes() for path in archive.parent.rglob("*") if path.is_file()} == before


# What is right ---------------------------------------------------------------------------------------

TREE = (("top/a.txt", b"a" * 10), ("top/deep/b.txt", b"b"), ("top/empty.txt", b""))


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_tar_is_read(tmp_path, mode):
    folder = special("top/void", tarfile.DIRTYPE)
    archive = make_tar(tmp_path / "t", (folder, None), (folder, None), *TREE, mode=mode)
    assert contents(archive) == dict(TREE), "a folder may come twice, and is no file"


def test_zip_is_read(tmp_path):
    assert contents(make_zip(tmp_path / "z", ("top/", b""), *TREE)) == dict(TREE)


def test_tar_of_the_current_folder_is_read(tmp_path):
    archive = make_tar(tmp_path / "t", (special("./", tarfile.DIRTYPE), None), ("./a.txt", b"a"))
    assert contents(archive) == {"a.txt": b"a"}


def test_members_need_not_be_read(tmp_path):
    assert [name for name, _ in archives.files(make_tar(tmp_path / "t", *TREE))] == [name for name, _ in TREE]


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_reading_single_members(tmp_path, make):
    archive = make(tmp_path / "x", *TREE, ("b.txt", b"another"))
    assert read(archive, "a.txt") == b"a" * 10, "whatever folder it lies in"
    with open_file(archive, "b.txt") as file:
        assert (file.read(1), file.read(1)) == (b"b", b""), "the first of that name"
    assert read(archive, "c.txt", "empty.txt", "a.txt") == b"", "or of the next name, wherever it stands"
    with pytest.raises(BadArchive, match=r"expected a file 'c\.txt' or 'd\.txt', found 4 files: top/a\.txt"):
        read(archive, "c.txt", "d.txt")
    with pytest.raises(BadArchive, match="expected one file, found 4 files"):
        read(archive)
    assert read(make(tmp_path / "one", ("only.txt", b"1"))) == b"1"


def test_reading_gzip_and_plain_files(tmp_path):
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"text\n" * 1000, mtime=0))
    (tmp_path / "a.txt").write_bytes(b"text\n")
    assert read(tmp_path / "a.gz") == b"text\n" * 1000
    assert read(tmp_path / "a.txt") == b"text\n"
    assert read(tmp_path / "a.gz", "b.txt") == b"text\n" * 1000, "an unpacked member, whatever it is called"


def test_lines_of_a_member_can_be_read_one_by_one(tmp_path):
    archive = make_zip(tmp_path / "z", ("a.txt", "é\nb\n".encode()))
    with open_file(archive) as file:
        assert list(io.TextIOWrapper(file, encoding="utf-8")) == ["é\n", "b\n"]


# What is not -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", UNSAFE)
@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_names_that_climb_out(tmp_path, make, name):
    archive = make(tmp_path / "x", ("good.txt", b"good"), (name, b"evil"))
    refuse(archive, "unsafe name")
    with pytest.raises(BadArchive, match="unsafe name"):
        read(archive, "good.txt")


def test_a_name_that_goes_on_behind_a_nul(tmp_path):
    """zipfile reads such a name up to the NUL, another program to its end: nobody may take one file for the other."""
    archive = make_zip(tmp_path / "z", ("good.txt", b"good"), ("table.txt#.exe", b"evil"))
    archive.write_bytes(archive.read_bytes().replace(b"table.txt#", b"table.txt\0"))
    with zipfile.ZipFile(archive) as box:
        assert box.namelist() == ["good.txt", "table.txt"], "what zipfile makes of it"
    refuse(archive, "unsafe name")
    with pytest.raises(BadArchive, match="unsafe name"):
        read(archive, "table.txt")


@pytest.mark.parametrize("kind", ["SYMTYPE", "LNKTYPE", "CHRTYPE", "BLKTYPE", "FIFOTYPE"])
def test_tar_with_links_and_devices(tmp_path, kind):
    link = special("link", getattr(tarfile, kind), "good.txt")
    refuse(make_tar(tmp_path / "t", ("good.txt", b"good"), (link, None)), "link, a device or sparse")


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_zip_with_links_and_devices(tmp_path, kind):
    info = zipfile.ZipInfo("link")
    info.create_system, info.external_attr = 3, (kind | 0o777) << 16
    refuse(make_zip(tmp_path / "z", ("good.txt", b"good"), (info, "/etc/passwd")), "link or a device")


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_bomb_by_size(tmp_path, make):
    """2 MB where 1 MB is allowed, and incompressible, so that the ratio says nothing."""
    noise = os.urandom(1 << 20)
    refuse(make(tmp_path / "x", ("a", noise), ("b", noise)), "unfolds to more than", SMALL)


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_bomb_by_ratio_with_the_limits_of_the_course(tmp_path, make):
    archive = make(tmp_path / "x", ("zeros", bytes(100 << 20)))
    assert archive.stat().st_size < 200_000
    refuse(archive, "unfolds to more than")


def test_declared_sizes_are_judged_before_the_first_byte(tmp_path):
    archive = make_zip(tmp_path / "z", ("zeros", bytes(2 << 20)))
    with pytest.raises(BadArchive, match="unfolds to more than"):
        next(archives.files(archive, SMALL))
    huge = tarfile.TarInfo("huge")
    huge.size = 1 << 40
    (tmp_path / "t").write_bytes(huge.tobuf() + bytes(1024))
    refuse(tmp_path / "t", "unfolds to more than")


def test_bomb_by_members(tmp_path):
    many = [(f"f{number}", b"") for number in range(51)]
    refuse(make_zip(tmp_path / "z", *many), "members", SMALL)
    refuse(make_tar(tmp_path / "t", *many), "members", SMALL)
    for make in (make_zip, make_tar):
        assert len(contents(make(tmp_path / "ok", *many[:50]), SMALL)) == 50


def test_small_files_may_compress_well(tmp_path):
    archive = make_zip(tmp_path / "z", ("zeros", bytes(60 << 10)))
    assert SMALL.ratio * archive.stat().st_size < 60 << 10
    assert contents(archive, SMALL) == {"zeros": bytes(60 << 10)}


def test_zip_that_declares_less_than_it_holds(tmp_path):
    """The sizes in the directory are lies; what streams out is what counts."""
    archive = make_zip(tmp_path / "z", ("zeros", bytes(500_000)))
    raw = bytearray(archive.read_bytes())
    for signature, offset in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        at = raw.index(signature) + offset
        assert struct.unpack_from("<I", raw, at) == (500_000,)
        struct.pack_into("<I", raw, at, 10)
    archive.write_bytes(raw)
    refuse(archive, "damaged|unfolds")


def test_gzip_bomb(tmp_path):
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(bytes(3 << 20)))
    with pytest.raises(BadArchive, match="unfolds to more than"), open_file(path, limits=SMALL) as file:
        for _ in iter(lambda: file.read(1000), b""):
            pass


def test_tar_bomb_in_a_header(tmp_path):
    """An extended header of 3 MB before a file of one byte."""
    info = tarfile.TarInfo("a")
    info.pax_headers = {"comment": "x" * (3 << 20)}
    with tarfile.open(tmp_path / "t", "w:gz", format=tarfile.PAX_FORMAT) as file:
        info.size = 1
        file.addfile(info, io.BytesIO(b"a"))
    refuse(tmp_path / "t", "unfolds to more than", SMALL)


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_a_name_twice(tmp_path, make):
    with pytest.warns(UserWarning) if make is make_zip else pytest.MonkeyPatch.context():
        archive = make(tmp_path / "x", ("a", b"1"), ("a", b"2"))
    refuse(archive, "twice")


@pytest.mark.parametrize("keep", [30, 0.5, 0.9])
@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_truncated_archive(tmp_path, make, keep):
    archive = make(tmp_path / "x", ("a", os.urandom(50_000)), ("b", os.urandom(50_000)))
    data = archive.read_bytes()
    archive.write_bytes(data[: keep if keep > 1 else int(len(data) * keep)])
    refuse(archive, "damaged|neither")


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_flipped_byte(tmp_path, make):
    archive = make(tmp_path / "x", ("a", os.urandom(50_000)))
    data = bytearray(archive.read_bytes())
    data[len(data) // 2] ^= 0xFF
    archive.write_bytes(data)
    refuse(archive, "damaged")
    if make is make_zip:
        with pytest.raises(BadArchive, match="damaged"):
            read(archive, "a")


def test_encrypted_zip(tmp_path):
    archive = make_zip(tmp_path / "z", ("a", b"secret"))
    raw = bytearray(archive.read_bytes())
    for signature, offset in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        raw[raw.index(signature) + offset] |= 1
    archive.write_bytes(raw)
    refuse(archive, "cannot be read")


@pytest.mark.parametrize("data", [b"", b"<html></html>", gzip.compress(b"no tar", mtime=0)])
def test_what_is_no_archive(tmp_path, data):
    (tmp_path / "x").write_bytes(data)
    refuse(tmp_path / "x", "neither a zip nor a tar")


@pytest.mark.parametrize("name", ["a.txt", "a/b.txt", "./a.txt", "a//b", "fra-eng/fra.txt", "شعر.txt", "a..b/c"])
@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_the_right_names_are_safe(tmp_path, make, name):
    clean = name.removeprefix("./").replace("//", "/")
    assert contents(make(tmp_path / "x", (name, b"good"))) == {clean: b"good"}


def test_a_stream_of_gzip_with_a_wrong_checksum_is_refused_at_its_end(tmp_path):
    archive = make_tar(tmp_path / "t", ("a", b"x" * 1000))
    data = bytearray(archive.read_bytes())
    data[-6] ^= 1  # the checksum, after the last block of the tar
    archive.write_bytes(data)
    refuse(archive, "damaged")


@pytest.mark.parametrize("packed", [False, True])
def test_a_text_has_line_feeds_and_must_be_utf8(tmp_path, packed):
    path = tmp_path / ("t.txt.gz" if packed else "t.txt")
    write = (lambda data: path.write_bytes(gzip.compress(data))) if packed else path.write_bytes
    write("one\r\ntwo é\n".encode())
    assert archives.read_text(path) == "one\ntwo é\n"
    write("café\n".encode("latin-1"))
    with pytest.raises(ValueError, match=rf"{path.name} is not UTF-8 text"):
        archives.read_text(path)
