"""The list of data files: every entry complete, mistakes named, and the files at hand equal to what it says."""

# ruff: noqa: F401, F811 (fixtures come by import, and are then named as parameters)

import hashlib
import os
import re
import zipfile

import pytest
from loopback import course, registry

from utils import COURSE_ROOT, settings
from utils.datasets import RegistryError, UnknownName, archives, checks, contents

LIST = COURSE_ROOT / "data" / "registry.toml"
ENTRIES = registry.parse(LIST.read_text(encoding="utf-8"))
GOOD = {
    "title": "A set",
    "file": "a.bin",
    "urls": ["https://example.org/a.bin"],
    "bytes": 3,
    "sha256": "0" * 64,
    "licence": "none",
    "citation": "nobody",
}


def toml(**tables):
    """Write tables as TOML; None leaves a field out."""
    lines = []
    for name, table in tables.items():
        lines.append(f"[{name}]")
        lines += [
            f"{key} = {repr(value).lower() if isinstance(value, bool) else repr(value)}"
            for key, value in table.items()
            if value is not None
        ]
    return "\n".join(lines)


# The course's list -----------------------------------------------------------------------------------


def test_every_set_of_the_syllabus_is_listed():
    mains = {name for name, entry in ENTRIES.items() if entry.form_of is None}
    assert mains == {
        "jena", "beijing", "imdb", "glove-6b", "emojify", "timemachine", "tinyshakespeare", "hafez", "shahnameh",
        "crypto", "fra-eng", "pes-eng", "flickr8k-text", "flickr8k-images", "wnut17",
    }  # fmt: skip


@pytest.mark.parametrize("entry", ENTRIES.values(), ids=list(ENTRIES))
def test_entry_is_complete(entry):
    assert entry.licence.strip() and entry.citation.strip() and entry.title.strip()
    assert re.fullmatch("[0-9a-f]{64}", entry.sha256) if entry.sha256 else len(entry.no_sha256) > 10
    assert entry.sha256 is None or entry.bytes, "who knows the SHA-256 has the size"
    assert entry.hashes or entry.check in contents.CHECKS
    if entry.form_of is not None:
        assert ENTRIES[entry.form_of].form_of is None
        assert len(entry.lacks) > 10
    if not entry.urls:
        assert entry.sha256 or entry.form_of, "a main entry nobody serves has to be pinned"


def test_facts_of_the_list():
    assert ENTRIES["jena"].bytes == 13_568_290
    assert ENTRIES["imdb"].sha256 == "c40f74a18d3b61f90feba1e17730e0d38e8b97c05fde7008942e91923d1658fe"
    assert ENTRIES["glove-6b"].size_text == "862,182,613 bytes"
    assert ENTRIES["crypto"].hashes == {"git_blob": "35276ca30d4b8aa2ee4d30efb751ee9146e11116"}
    assert ENTRIES["crypto"].size_text == "size not published"
    assert ENTRIES["flickr8k-images"].size_text.startswith("about 1,1")
    assert ENTRIES["glove-6b-50d-q8"].family == "glove-6b"


def test_every_entry_has_a_data_card():
    cards = (COURSE_ROOT / "data" / "README.md").read_text(encoding="utf-8")
    assert [name for name in ENTRIES if f"`{name}`" not in cards] == []


def test_data_cards_agree_with_the_list():
    cards = (COURSE_ROOT / "data" / "README.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `([a-z0-9-]+)` \|[^|]*\|\s*([^|]*?)\s*\|", cards, flags=re.M))
    assert rows == {name: entry.size_text.removesuffix(" bytes") for name, entry in ENTRIES.items()}


def test_list_and_cards_name_no_machine():
    for file in ("registry.toml", "README.md"):
        text = (COURSE_ROOT / "data" / file).read_text(encoding="utf-8")
        assert not re.search(r"(^|[\s\"'(])/(home|root|tmp|Users|mnt|work)\b", text), file


def test_default_list_is_the_courses():
    assert registry.REGISTRY_FILE == LIST
    assert list(registry.registry()) == list(ENTRIES)


def test_callers_cannot_change_the_list():
    registry.registry().clear()
    assert list(registry.registry()) == list(ENTRIES)
    with pytest.raises(AttributeError):
        ENTRIES["jena"].bytes = 1


def test_forms_and_unknown_names():
    assert [entry.name for entry in registry.forms("beijing")] == ["beijing-csv", "beijing-rezipped"]
    assert registry.forms("beijing-csv") == []
    with pytest.raises(UnknownName, match="Did you mean 'imdb'"):
        registry.find("imbd")
    with pytest.raises(UnknownName, match="There are: jena, "):
        registry.find("zzzz")


# Mistakes --------------------------------------------------------------------------------------------


def test_good_entry_is_read():
    entry = registry.parse(toml(a=GOOD))["a"]
    assert (entry.name, entry.urls, entry.size, entry.hashes) == (
        "a",
        ("https://example.org/a.bin",),
        3,
        {"sha256": "0" * 64},
    )


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"title": None}, "'title' is missing"),
        ({"licence": None}, "'licence' is missing"),
        ({"citation": "  "}, "'citation' is empty"),
        ({"urls": None}, "'urls' is missing"),
        ({"urls": "https://example.org"}, "'urls' should be list"),
        ({"urls": ["ftp://example.org/a"]}, "http(s) addresses, found 'ftp://example.org/a'"),
        ({"file": "../a.bin"}, "plain file name, found '../a.bin'"),
        ({"file": "b\\a.bin"}, "plain file name"),
        ({"file": "C:a.bin"}, "plain file name"),
        ({"file": ".hidden"}, "plain file name"),
        ({"bytes": "3"}, "'bytes' should be int, found '3'"),
        ({"bytes": True}, "'bytes' should be int"),
        ({"bytes": 0}, "'bytes' should be positive"),
        ({"sha256": "0" * 63}, "'sha256' should be 64 lower-case hexadecimal digits"),
        ({"sha256": "A" * 64}, "'sha256' should be 64 lower-case"),
        ({"md5": "0" * 40}, "'md5' should be 32"),
        ({"sha256": None, "md5": "0" * 32}, "either 'sha256' or 'no_sha256'"),
        ({"no_sha256": "because"}, "either 'sha256' or 'no_sha256'"),
        ({"sha256": None, "no_sha256": "because"}, "nothing tells the right file from a wrong one"),
        ({"check": "smell"}, "'check' is 'smell'; there are beijing"),
        ({"license": "MIT"}, "'license' is not a known field; did you mean 'licence'"),
        ({"form_of": "a"}, "'form_of' and 'lacks' go together"),
        ({"lacks": "much"}, "'form_of' and 'lacks' go together"),
        ({"form_of": "b", "lacks": "much"}, "names 'b', which is not an entry"),
        ({"form_of": "a", "lacks": "much"}, "itself a form of 'a'"),
    ],
)
def test_mistakes_are_named(change, says):
    with pytest.raises(RegistryError, match=r"\[a\]: ") as caught:
        registry.parse(toml(a=GOOD | change), "list.toml")
    assert says in str(caught.value)
    assert str(caught.value).startswith("list.toml has 1 problem")


def test_all_mistakes_are_named_at_once():
    with pytest.raises(RegistryError) as caught:
        registry.parse(toml(a=GOOD | {"bytes": -1}, b=GOOD | {"file": "x/y"}))
    assert "[a]: 'bytes'" in str(caught.value) and "[b]: 'file'" in str(caught.value)


def test_two_sets_cannot_share_a_file_name_but_forms_can():
    with pytest.raises(RegistryError, match="which the set 'a' already uses"):
        registry.parse(toml(a=GOOD, b=GOOD | {"file": "A.bin"}))
    assert len(registry.parse(toml(a=GOOD, b=GOOD | {"form_of": "a", "lacks": "much"}))) == 2


@pytest.mark.parametrize(
    ("text", "says"), [("[a", "not valid TOML"), ("a = 1", "expected a table"), ('["A b"]', "lower-case")]
)
def test_broken_lists(text, says):
    with pytest.raises(RegistryError, match=says):
        registry.parse(text)


def test_missing_list(course):
    course.list.unlink()
    with pytest.raises(RegistryError, match="cannot be read"):
        registry.registry()


def test_changed_list_is_read_again(course):
    assert registry.registry() == {}
    course.list.write_text(toml(a=GOOD), encoding="utf-8")
    os.utime(course.list, ns=(1, 1))
    assert list(registry.registry()) == ["a"]


# Contents, on files made here ------------------------------------------------------------------------


def jena_csv(rows=contents.JENA_ROWS, header=contents.JENA_HEADER, columns=14):
    row = "01.01.2009 00:10:00" + ",1.0" * columns
    return (header + "\r\n" + "\r\n".join([row] * rows)).encode()


def test_jena_check_admits_the_archive_and_the_csv(tmp_path):
    (tmp_path / "a.csv").write_bytes(jena_csv())
    contents.CHECKS["jena"](tmp_path / "a.csv")
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as box:
        box.writestr("__MACOSX/._x", b"noise")
        box.writestr("in/jena_climate_2009_2016.csv", jena_csv())
    contents.CHECKS["jena"](tmp_path / "a.zip")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (jena_csv(rows=4000), "expected 420,551 rows, found 4,000"),
        (jena_csv(rows=3, header=contents.JENA_HEADER.replace('"', "")), "expected the header"),
        (jena_csv(columns=11), "14 numbers in every row"),
        (jena_csv().replace(b"01.01.2009", b"02.01.2009", 1), "first row"),
        (b"", "expected the header"),
    ],
)
def test_jena_check_refuses(tmp_path, data, says):
    (tmp_path / "a.csv").write_bytes(data)
    with pytest.raises(contents.WrongFile, match=says):
        contents.CHECKS["jena"](tmp_path / "a.csv")


@pytest.mark.parametrize("name", sorted(contents.CHECKS))
@pytest.mark.parametrize("data", [b"<!DOCTYPE html><html></html>", b"", b"PK\x03\x04 broken", b"\xff\xfe\x00"])
def test_no_check_admits_rubbish(tmp_path, name, data):
    (tmp_path / "a").write_bytes(data)
    with pytest.raises((contents.WrongFile, archives.BadArchive)):
        contents.CHECKS[name](tmp_path / "a")


def test_archive_without_the_member_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as box:
        box.writestr("other.csv", b"a,b")
    for name in ("jena", "beijing", "emojify", "pes-eng"):
        with pytest.raises(contents.WrongFile, match=r"expected a member .*other\.csv"):
            contents.CHECKS[name](tmp_path / "a.zip")


# Real files ------------------------------------------------------------------------------------------


def real_files():
    """Every (entry, path) below COURSE_DATA_DIR whose file name the list knows, before fixtures change the shell."""
    found = []
    try:
        roots = settings.data_dirs()
    except NotADirectoryError:
        roots = []
    for root in roots:
        for path in sorted(root.rglob("*")):
            for entry in ENTRIES.values():
                if path.name == entry.file and path.is_file():
                    found.append((entry, path))
    return found


REAL = real_files()


@pytest.mark.realdata
@pytest.mark.parametrize("name", sorted({path.name for _, path in REAL}) or [None])
def test_real_files_are_those_of_the_list(course, name):
    """Each file at hand is right for at least one entry of its name (two editions may share one)."""
    if name is None:
        pytest.skip("COURSE_DATA_DIR is not set, or holds no file of the list")
    for path in {path for _, path in REAL if path.name == name}:
        reasons = []
        for entry in (entry for entry, other in REAL if other == path):
            try:
                checks.verify(entry, path)
                break
            except contents.WrongFile as error:
                reasons.append(f"{entry.name}: {error}")
        else:
            pytest.fail(f"{path.name} is no known file: {reasons}")


UNPACKED = {"timemachine-gz": "timemachine", "tinyshakespeare-gz": "tinyshakespeare", "hafez-gz": "hafez"}


@pytest.mark.realdata
@pytest.mark.parametrize(("packed", "main"), UNPACKED.items())
def test_unpacked_forms_are_their_main_entries(packed, main):
    path = next((path for entry, path in REAL if entry.name == packed), None)
    if path is None:
        pytest.skip("the file is not at hand")
    data = archives.read(path)
    assert len(data) == ENTRIES[main].bytes
    for kind, expected in ENTRIES[main].hashes.items():
        assert hashlib.new(kind, data).hexdigest() == expected


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "check"),
    [
        ("beijing-rezipped", "beijing"),
        ("pes-eng-2023", "pes-eng"),
        ("emojify", "emojify"),
        ("hafez-gz", "persian-verse"),
    ],
)
def test_checks_of_contents_admit_the_real_sets(name, check):
    path = next((path for entry, path in REAL if entry.name == name), None)
    if path is None:
        pytest.skip("the file is not at hand")
    contents.CHECKS[check](path)


@pytest.mark.realdata
def test_members_of_wnut17_are_the_single_files():
    path = next((path for entry, path in REAL if entry.name == "wnut17"), None)
    if path is None:
        pytest.skip("the file is not at hand")
    singles = {entry.file: entry.sha256 for entry in ENTRIES.values() if entry.form_of == "wnut17"}
    assert {name: hashlib.sha256(archives.read(path, name)).hexdigest() for name in archives.names(path)} == singles
