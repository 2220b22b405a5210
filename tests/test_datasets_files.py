"""What is on disk, wherever the reader put it, and in what form: found, planned, or said why not."""

# ruff: noqa: F401, F811 (fixtures come by import, and are then named as parameters)

import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from loopback import DATA, course, no_network

from utils import COURSE_ROOT, datasets, settings
from utils.datasets import DataUnavailable, cache, fetch, files, imdb, load_imdb, locate, plan


@pytest.fixture
def mine(course, monkeypatch, tmp_path):
    """A folder of the reader's own."""
    folder = tmp_path / "mine"
    folder.mkdir()
    monkeypatch.setenv("COURSE_DATA_DIR", str(folder))
    return folder


# Folders ---------------------------------------------------------------------------------------------


def test_a_plan_walks_each_folder_once(course, mine, no_network, monkeypatch):
    walks, walk = [], files._walk
    monkeypatch.setattr(files, "_walk", lambda root: walks.append(root) or walk(root))
    for number in range(20):
        course.add(f"set-{number}")
    (mine / "set-7.bin").write_bytes(DATA)
    statuses = [item.status for item in plan()]
    assert statuses.count("data folder") == 1 and statuses.count("by hand") == 19
    assert sorted(walks) == sorted([mine, course.data])
    (mine / "set-8.bin").write_bytes(DATA)
    assert [item.status for item in plan()].count("data folder") == 2, "and a later plan sees what was added"


def test_linked_folders_are_searched_and_a_circle_ends(course, mine, no_network, tmp_path):
    elsewhere = tmp_path / "elsewhere" / "deep"
    elsewhere.mkdir(parents=True)
    course.add()
    (elsewhere / "set.bin").write_bytes(DATA)
    try:
        (mine / "link").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    except OSError:
        pytest.skip("no symbolic links here")
    (elsewhere / "back").symlink_to(mine, target_is_directory=True)
    (mine / "self").symlink_to(mine, target_is_directory=True)
    assert locate("set") == mine / "link" / "deep" / "set.bin"
    names = files._walk(mine)
    assert [len(names[name]) for name in ("set.bin", "deep", "link", "self", "back")] == [1] * 5


def test_hidden_folders_are_left_out(course, mine, no_network):
    (mine / ".trash").mkdir()
    (mine / ".trash" / "set.bin").write_bytes(DATA)
    course.add()
    assert locate("set") is None


@pytest.mark.parametrize("away", [True, False])
def test_relative_folders_count_from_the_course(monkeypatch, tmp_path, away):
    """The same places for the command line, which stands in the course, and for a kernel, which stands elsewhere."""
    monkeypatch.chdir(tmp_path if away else COURSE_ROOT)
    monkeypatch.setenv("COURSE_DATA_DIR", os.pathsep.join(["data", "tests"]))
    monkeypatch.setenv("COURSE_CACHE", "build/kept")
    assert settings.data_dirs() == [COURSE_ROOT / "data", COURSE_ROOT / "tests"]
    assert settings.cache_dir() == COURSE_ROOT / "build" / "kept"


# The standard library alone --------------------------------------------------------------------------

BARE = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] not in sys.stdlib_module_names | {"utils"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Refuse())
sys.path.insert(0, sys.argv[1])
from utils import datasets, settings
found = {item.name: item.status for item in datasets.plan()}
assert set(datasets.NEEDS) <= set(found), found
print(datasets.locate("beijing") or "", settings.cache_dir(), datasets.used(), sep="|")
from utils.datasets import load_jena, load_glove, load_imdb
"""


def bare(**variables):
    """Run BARE in a Python that has no package but ours; return what it prints."""
    command = [sys.executable, "-W", "ignore", "-c", BARE, str(COURSE_ROOT)]
    done = subprocess.run(command, env=os.environ | variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().split("|")


def test_before_anything_is_installed_data_are_found_and_planned(tmp_path):
    """A Beijing csv has no published hash: its contents are tested too, and its first use not recorded."""
    assert bare(COURSE_DATA_DIR="", COURSE_CACHE=str(tmp_path)) == ["", str(tmp_path), "{}"]


def test_the_cache_is_where_platformdirs_has_it(monkeypatch, tmp_path):
    monkeypatch.delenv("COURSE_CACHE", raising=False)
    for home in (None, str(tmp_path)):
        monkeypatch.setenv("XDG_CACHE_HOME", home) if home else monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
        assert settings._user_cache("rnn-notebook-course") == settings.cache_dir()
    assert bare(**{"COURSE_DATA_DIR": "", "COURSE_CACHE": ""})[1] == str(settings.cache_dir())


# Unpacked by the reader, or by a browser -------------------------------------------------------------


@pytest.fixture
def reviews(course, monkeypatch):
    """The entries of the reviews, of which three a class make the whole."""
    monkeypatch.setattr(imdb, "REVIEWS", 3)
    course.add("imdb", file="aclImdb_v1.tar.gz", urls=["https://data.invalid/aclImdb_v1.tar.gz"])
    for name, file in (("imdb-tar", "aclImdb_v1.tar"), ("imdb-folder", "aclImdb/")):
        course.add(name, file=file, no_hash="none", check="imdb.reviews", form_of="imdb", lacks="a checksum")
    return {f"{each}/{number}_{number}.txt": f"{each} {number}" for each in imdb._CLASSES for number in range(3)}


def unpack(folder, texts):
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


@pytest.mark.parametrize("place", ["aclImdb", "aclImdb_v1/aclImdb"])
def test_an_unpacked_folder_is_read_and_said_to_be_checked_by_content(reviews, mine, no_network, capsys, place):
    unpack(mine / place, reviews | {"train/unsup/0_0.txt": "nobody", "train/pos/notes.md": "no review"})
    found = load_imdb()
    line = "Data: IMDB reviews, real, 6 + 6 reviews; an unpacked folder, checked by its contents as it has no hash\n"
    assert capsys.readouterr().out == line
    assert dict(zip(found.train_files, found.train_texts)) == {
        name.removeprefix("train/"): text for name, text in reviews.items() if name.startswith("train")
    }
    assert plan(["imdb"])[0].entry.name == "imdb-folder"


def test_the_folder_may_be_the_data_folder_itself(reviews, mine, no_network, monkeypatch):
    unpack(mine / "aclImdb", reviews)
    monkeypatch.setenv("COURSE_DATA_DIR", str(mine / "aclImdb"))
    assert len(load_imdb().test_texts) == 6


@pytest.mark.parametrize("damage", ["lost", "empty", "added", "class"])
def test_an_unpacked_folder_that_is_not_whole_is_left_out_in_words(reviews, mine, no_network, damage):
    unpack(mine / "aclImdb", reviews)
    victim = mine / "aclImdb" / "test" / "neg" / "1_1.txt"
    if damage == "added":
        victim.with_name("7_7.txt").write_text("one too many")
    elif damage == "empty":
        victim.write_text("")
    elif damage == "lost":
        victim.unlink()
    else:
        for path in victim.parent.iterdir():
            path.unlink()
        victim.parent.rmdir()
    count = {"lost": 2, "empty": 2, "added": 4, "class": 0}[damage]
    says = f"aclImdb is not .* left out: expected 3 different reviews in each class, found {count} in test/neg"
    with pytest.warns(UserWarning, match=says):
        assert locate("imdb") is None


def test_a_tar_whose_gzip_the_browser_took_off_is_read_and_recorded(reviews, mine, no_network, course, capsys):
    with tarfile.open(mine / "aclImdb_v1.tar", "w") as box:
        for name, text in reviews.items():
            info = tarfile.TarInfo(f"aclImdb/{name}")
            info.size = len(text)
            box.addfile(info, io.BytesIO(text.encode()))
    assert len(load_imdb().train_texts) == 6
    assert capsys.readouterr().out == "Data: IMDB reviews, real, 6 + 6 reviews\n"
    assert "[imdb-tar]" in (course.cache / "recorded.toml").read_text()
    with tarfile.open(mine / "aclImdb_v1.tar", "a") as box:
        box.addfile(tarfile.TarInfo("aclImdb/more"))
    with pytest.warns(UserWarning, match="recorded at its first use"):
        assert locate("imdb") is None


def test_a_tar_in_which_one_review_stands_for_two_is_left_out(reviews, mine, no_network):
    """The counts are right, but one comes twice, from two folders, and another is missing."""
    with tarfile.open(mine / "aclImdb_v1.tar", "w") as box:
        for number, (name, text) in enumerate(reviews.items()):
            name = name if number else "train/neg/1_1.txt"
            info = tarfile.TarInfo(f"{'aclImdb' if number else 'other'}/{name}")
            info.size = len(text)
            box.addfile(info, io.BytesIO(text.encode()))
    with pytest.warns(UserWarning, match="expected 3 different reviews in each class, found one twice"):
        assert locate("imdb") is None


@pytest.mark.parametrize(("file", "found"), [("x.zip", "x"), ("x.tar.gz", "x"), ("x.tar.gz", "x.tar"), ("x.gz", "x")])
@pytest.mark.parametrize("profile", ["quick", "full"])
def test_what_cannot_be_used_unpacked_is_named(course, mine, no_network, monkeypatch, file, found, profile):
    monkeypatch.setenv("COURSE_PROFILE", profile)
    course.add(file=file)
    (mine / found).mkdir()
    with pytest.raises(DataUnavailable) as caught:
        fetch("set")
    assert f"There is {mine / found}, perhaps unpacked from it: put the archive itself there." in str(caught.value)


# Kept folders ----------------------------------------------------------------------------------------


def test_a_source_that_is_gone_is_not_blamed_on_the_cache(course, tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        cache.keep("thing", lambda folder: (tmp_path / "gone").read_bytes(), lambda folder: (folder / "a").read_text())
    assert caught.value.filename == str(tmp_path / "gone") and "The cache" not in str(caught.value)
    assert course.cached() == []


def test_a_disk_that_fills_up_is(course):
    def full(folder):
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match=r"The cache .* cannot be written: No space left.* Free some space or set"):
        cache.keep("thing", full, lambda folder: (folder / "a").read_text())


# Plans -----------------------------------------------------------------------------------------------


def test_without_names_needs_come_first_and_what_no_need_covers_after(course, no_network):
    course.add("far", urls=["https://data.invalid/far.bin"])
    course.add("near", form_of="far", lacks="much")
    course.add("other")
    course.need("thing", "far", "near")
    assert [item.name for item in plan()] == ["thing", "other"]
    (course.data / "near.bin").write_bytes(DATA)
    (found,) = plan(["thing"])
    assert (found.entry.name, found.status, found.path, found.urls) == (
        "near", "course folder", course.data / "near.bin", ()
    )  # fmt: skip


def test_a_mirror_serves_what_has_no_address_but_does_not_change_what_is_smallest(course, no_network, monkeypatch):
    course.add("big", urls=["https://data.invalid/big.bin"])
    course.add("tiny", form_of="big", lacks="much", bytes=1)
    course.need("thing", "big", "tiny")
    monkeypatch.setenv("COURSE_MIRROR", "https://mirror.invalid")
    (found,) = plan(["thing"])
    assert found.urls == ("https://mirror.invalid/big.bin", "https://data.invalid/big.bin")
    assert plan(["tiny"])[0].urls == ("https://mirror.invalid/tiny.bin",)


def test_the_course_plans_72_megabytes_of_glove_and_not_862(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_DATA_DIR", "")
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path))
    planned = {item.name: item.entry.size for item in plan(["glove-50d", "glove-50d-wide", "glove-100d", "glove-300d"])}
    assert planned == {
        "glove-50d": 72_000_000, "glove-50d-wide": 72_000_000, "glove-100d": 140_000_000, "glove-300d": 862_182_613
    }  # fmt: skip
