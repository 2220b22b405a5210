"""The list of data files: every entry complete, mistakes named, and the files at hand equal to what it says."""

# ruff: noqa: F401, F811 (fixtures come by import, and are then named as parameters)

import hashlib
import importlib
import os
import re
import zipfile

import pytest
from loopback import course
from registry_rules import problems

from utils import COURSE_ROOT, datasets, settings
from utils.datasets import RegistryError, UnknownName, archives, checks, registry, weather

LIST = COURSE_ROOT / "data" / "registry.toml"
LISTING = registry.parse(LIST.read_text(encoding="utf-8"))
ENTRIES = LISTING.entries
CHECKS = sorted({entry.check for entry in ENTRIES.values() if entry.check})
GOOD = {
    "title": "A set",
    "file": "a.bin",
    "urls": ["https://example.org/a.bin"],
    "bytes": 3,
    "hash": "sha256:" + "0" * 64,
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


def test_the_list_keeps_the_rules():
    assert problems(LIST.read_text(encoding="utf-8")) == []


def test_a_main_entry_that_nobody_serves_is_pinned():
    assert [entry.name for entry in ENTRIES.values() if not (entry.urls or entry.form_of or entry.hash)] == []


def test_every_need_has_a_loader_and_every_check_is_there():
    """The three words by which a set's own file is found; a new set is known by them, and nothing else changes."""
    for loader, module in LISTING.loaders.items():
        assert getattr(datasets, loader) is getattr(importlib.import_module(f"utils.datasets.{module}"), loader)
    for need in LISTING.needs:
        assert datasets.plan([need])[0].entry.name in LISTING.needs[need]
    for check in CHECKS:
        module, name = check.split(".")
        assert callable(getattr(importlib.import_module(f"utils.datasets.{module}"), f"check_{name}"))


def test_every_module_of_a_set_is_named_by_the_list_and_has_its_standin():
    plumbing = {"registry", "files", "checks", "archives", "cache", "loaders"}
    folder = COURSE_ROOT / "utils" / "datasets"
    modules = {path.stem for path in folder.glob("*.py")} - plumbing - {"__init__"}
    assert modules == {*LISTING.loaders.values(), *(check.split(".")[0] for check in CHECKS)}
    standins = {path.stem for path in (folder / "standins").glob("*.py")}
    assert set(LISTING.loaders.values()) - {"emoji"} <= standins, "emoji: its sentences come with the course"


def test_names_that_come_late():
    assert "load_imdb" in dir(datasets) and "NEEDS" in dir(datasets)
    datasets.NEEDS.clear()
    assert datasets.NEEDS["jena"] == ("jena", "jena-csv"), "callers cannot change it"
    for name in ("load_moon", "needs"):
        with pytest.raises(AttributeError, match=f"no attribute '{name}'"):
            getattr(datasets, name)


def test_sizes_in_words():
    one = ENTRIES["jena"]
    assert (one.size, one.size_text) == (13_568_290, "13,568,290 bytes"), "as TensorFlow's tutorial prints it"
    estimate = registry.parse(toml(a=GOOD | {"bytes": None, "about_bytes": 1_115_000_000})).entries["a"]
    assert (estimate.size, estimate.size_text) == (1_115_000_000, "about 1,115,000,000 bytes")
    unknown = registry.parse(toml(a=GOOD | {"bytes": None})).entries["a"]
    assert (unknown.size, unknown.size_text) == (None, "size not published")


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
    assert list(registry.entries()) == list(ENTRIES)


def test_callers_cannot_change_the_list():
    registry.entries().clear()
    assert list(registry.entries()) == list(ENTRIES)
    with pytest.raises(AttributeError):
        ENTRIES["jena"].bytes = 1


def test_what_suffices_and_unknown_names():
    names = {name: [entry.name for entry in registry.accepted(name)] for name in ("beijing", "beijing-csv")}
    assert names == {"beijing": ["beijing", "beijing-rezipped", "beijing-csv"], "beijing-csv": ["beijing-csv"]}
    with pytest.raises(UnknownName, match="Did you mean 'imdb'"):
        registry.accepted("imbd")
    with pytest.raises(UnknownName, match="There are: jena, "):
        registry.accepted("zzzz")


# Mistakes --------------------------------------------------------------------------------------------


def test_good_entry_is_read():
    entry = registry.parse(toml(a=GOOD)).entries["a"]
    assert (entry.name, entry.urls, entry.size, entry.hash) == (
        "a",
        ("https://example.org/a.bin",),
        3,
        "sha256:" + "0" * 64,
    )


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"title": None}, "'title' is missing"),
        ({"licence": None}, "'licence' is missing"),
        ({"citation": "  "}, "'citation' should be some text, found '  '"),
        ({"urls": None}, "'urls' is missing"),
        ({"urls": "https://example.org"}, "'urls' should be list"),
        ({"urls": ["ftp://example.org/a"]}, "http(s) addresses, found 'ftp://example.org/a'"),
        ({"file": "../a.bin"}, "plain file name (a folder's ends in '/'), found '../a.bin'"),
        ({"file": "b\\a.bin"}, "plain file name"),
        ({"file": "C:a.bin"}, "plain file name"),
        ({"file": ".hidden"}, "plain file name"),
        ({"file": "a/"}, "'file' is a folder, which has neither 'urls' nor 'hash'"),
        ({"bytes": "3"}, "'bytes' should be int, found '3'"),
        ({"bytes": True}, "'bytes' should be int"),
        ({"bytes": 0}, "'bytes' should be positive"),
        ({"hash": "sha256:" + "0" * 63}, "'hash' should be 'sha256:' and 64 lower-case hexadecimal digits"),
        ({"hash": "sha256:" + "A" * 64}, "'hash' should be 'sha256:' and 64 lower-case"),
        ({"hash": "0" * 64}, "'hash' should be 'sha256:' and 64"),
        ({"hash": "md5:" + "0" * 40}, "md5: 32"),
        ({"hash": None, "check": "a.b"}, "either 'hash' or 'no_hash'"),
        ({"no_hash": "because"}, "either 'hash' or 'no_hash'"),
        ({"hash": None, "no_hash": "because"}, "nothing tells the right file from a wrong one"),
        ({"hash": None, "no_hash": "because", "check": "a.b", "urls": ["http://example.org/a"]}, "give https"),
        ({"check": "smell"}, "'check' should be like 'weather.jena'"),
        ({"license": "MIT"}, "'license' is not a known field; did you mean 'licence'"),
        ({"form_of": "a"}, "'form_of' and 'lacks' go together"),
        ({"lacks": "much"}, "'form_of' and 'lacks' go together"),
        ({"form_of": "b", "lacks": "much"}, "names 'b', which is not an entry"),
        ({"form_of": "a", "lacks": "much"}, "itself a form of 'a'"),
    ],
)
def test_mistakes_are_named(change, says):
    (found,) = problems(toml(a=GOOD | change))
    assert found.startswith("[a]: ") and says in found


def test_all_mistakes_are_named_at_once():
    found = problems(toml(a=GOOD | {"bytes": -1}, b=GOOD | {"file": "x/y"}))
    assert [text[:13] for text in found] == ["[a]: 'bytes' ", "[b]: 'file' s"]


def test_two_sets_cannot_share_a_file_name_but_forms_can():
    assert "which the set 'a' already uses" in problems(toml(a=GOOD, b=GOOD | {"file": "A.bin"}))[0]
    assert problems(toml(a=GOOD, b=GOOD | {"form_of": "a", "lacks": "much"})) == []


@pytest.mark.parametrize(
    ("need", "says"),
    [
        ('n = { loader = "a.load_n", entries = ["b"] }', "should name entries"),
        ('n = { loader = "load_n", entries = ["a"] }', "expected { loader = 'module.load_name'"),
        ('n = { loader = "a.load_n", entries = [] }', "expected { loader"),
        ('n = { loader = "a.load_n" }', "expected { loader"),
        ('n = ["a"]', "expected { loader"),
        ('a = { loader = "a.load_n", entries = ["c"] }', "'entries' should name entries, the one called 'a' too"),
    ],
)
def test_needs_that_are_wrong(need, says):
    tables = toml(a=GOOD, c=GOOD | {"form_of": "a", "lacks": "much"})
    assert says in problems(f"[needs]\n{need}\n{tables}")[0]


@pytest.mark.parametrize(("text", "says"), [("a = 1", "expected a table"), ('["A b"]', "lower-case")])
def test_tables_that_are_none(text, says):
    assert any(says in found for found in problems(text))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[a", "not a list"),
        ("a = 1", "'a'"),
        (toml(a=GOOD | {"license": "MIT"}), r"'a' is wrong .*license"),
        (toml(a=GOOD | {"title": None}), r"'a' is wrong .*title"),
        (toml(a=GOOD | {"urls": None}), r"'a' is wrong .*urls"),
        ('[needs]\nn = { loader = "a.load_n", entries = ["b"] }', r"'n' is wrong .*'b'"),
        ('[needs]\nn = { loader = "a", entries = [] }', "'n' is wrong"),
    ],
)
def test_a_list_that_cannot_be_read_names_the_place(text, says):
    with pytest.raises(RegistryError, match=says if says != "not a list" else r"list\.toml: 'the list' is wrong"):
        registry.parse(text, "list.toml")


def test_missing_list(course):
    course.list.unlink()
    with pytest.raises(RegistryError, match="cannot be read"):
        registry.entries()


def test_changed_list_is_read_again(course):
    assert registry.entries() == {}
    course.list.write_text(toml(a=GOOD), encoding="utf-8")
    os.utime(course.list, ns=(1, 1))
    assert list(registry.entries()) == ["a"]


# Contents, on files made here ------------------------------------------------------------------------


def jena_csv(rows=weather.JENA_ROWS, header=weather.JENA_HEADER, columns=14):
    row = "01.01.2009 00:10:00" + ",1.0" * columns
    return (header + "\r\n" + "\r\n".join([row] * rows)).encode()


def test_jena_check_admits_the_archive_and_the_csv(tmp_path):
    (tmp_path / "a.csv").write_bytes(jena_csv())
    weather.check_jena(tmp_path / "a.csv")
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as box:
        box.writestr("__MACOSX/._x", b"noise")
        box.writestr("in/jena_climate_2009_2016.csv", jena_csv())
    weather.check_jena(tmp_path / "a.zip")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (jena_csv(rows=4000), "expected 420,551 rows, found 4,000"),
        (jena_csv(rows=3, header=weather.JENA_HEADER.replace('"', "")), "expected the header"),
        (jena_csv(columns=11), "14 numbers in every row"),
        (jena_csv().replace(b"01.01.2009", b"02.01.2009", 1), "first row"),
        (b"", "expected the header"),
    ],
)
def test_jena_check_refuses(tmp_path, data, says):
    (tmp_path / "a.csv").write_bytes(data)
    with pytest.raises(checks.WrongFile, match=says):
        weather.check_jena(tmp_path / "a.csv")


@pytest.mark.parametrize("name", CHECKS)
@pytest.mark.parametrize("data", [b"<!DOCTYPE html><html></html>", b"", b"PK\x03\x04 broken", b"\xff\xfe\x00"])
def test_no_check_admits_rubbish(tmp_path, name, data):
    (tmp_path / "a").write_bytes(data)
    with pytest.raises(checks.WrongFile):
        checks.contents(name, tmp_path / "a")


@pytest.mark.parametrize("name", ["weather.moon", "moon.jena", None])
def test_a_check_that_is_not_there_is_the_lists_mistake(tmp_path, name):
    with pytest.raises(RegistryError, match=f"'check' is {name!r}, but"):
        checks.contents(name, tmp_path)


@pytest.mark.parametrize("name", [name for name in CHECKS if name not in ("verse.persian", "imdb.reviews")])
def test_archive_without_the_member_is_refused(tmp_path, name):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as box:
        box.writestr("other.csv", b"a,b")
    with pytest.raises(checks.WrongFile, match=r"expected a file .*other\.csv"):
        checks.contents(name, tmp_path / "a.zip")


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
            except checks.WrongFile as error:
                reasons.append(f"{entry.name}: {error}")
        else:
            pytest.fail(f"{path.name} is no known file: {reasons}")


UNPACKED = {
    "timemachine-gz": ("timemachine",),
    "tinyshakespeare-gz": ("tinyshakespeare",),
    "hafez-gz": ("hafez",),
    "fra-eng": ("fra-eng-txt", "fra.txt"),
    "pes-eng-2023": ("pes-eng-2023-txt", "pes.txt"),
}


@pytest.mark.realdata
@pytest.mark.parametrize(("packed", "main"), UNPACKED.items())
def test_what_is_packed_is_the_other_entry(packed, main):
    path = next((path for entry, path in REAL if entry.name == packed), None)
    if path is None:
        pytest.skip("the file is not at hand")
    main, *members = main
    data = archives.read(path, *members)
    assert len(data) == ENTRIES[main].bytes
    assert f"sha256:{hashlib.sha256(data).hexdigest()}" == ENTRIES[main].hash


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "check"),
    [
        ("beijing-rezipped", "weather.beijing"),
        ("pes-eng-2023", "translations.pes"),
        ("emojify", "emoji.archive"),
        ("hafez-gz", "verse.persian"),
        ("imdb-labelled", "imdb.reviews"),
    ],
)
def test_checks_of_contents_admit_the_real_sets(name, check):
    path = next((path for entry, path in REAL if entry.name == name), None)
    if path is None:
        pytest.skip("the file is not at hand")
    checks.contents(check, path)


@pytest.mark.realdata
def test_members_of_wnut17_are_the_single_files():
    path = next((path for entry, path in REAL if entry.name == "wnut17"), None)
    if path is None:
        pytest.skip("the file is not at hand")
    singles = {entry.file: entry.hash for entry in ENTRIES.values() if entry.form_of == "wnut17"}
    found = {name: source.read() for name, source in archives.files(path)}
    assert {name: f"sha256:{hashlib.sha256(data).hexdigest()}" for name, data in found.items()} == singles
