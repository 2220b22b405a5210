"""The course's environment variables: what each means, what it is without, and what is said of a wrong one."""

import os
from pathlib import Path

import pytest

from utils import settings


@pytest.fixture(autouse=True)
def bare(monkeypatch):
    """A shell that has set nothing of the course."""
    for name in [name for name in os.environ if name.startswith("COURSE_")]:
        monkeypatch.delenv(name)


@pytest.mark.parametrize(("value", "profile"), [(None, "full"), ("", "full"), (" Quick ", "quick"), ("FULL", "full")])
def test_the_profile_is_full_unless_quick_is_asked_for(monkeypatch, value, profile):
    if value is not None:
        monkeypatch.setenv("COURSE_PROFILE", value)
    assert settings.profile() == profile


@pytest.mark.parametrize("value", ["0", " 7 ", "4000000"])
def test_both_ends_of_the_seeds_are_seeds(monkeypatch, value):
    monkeypatch.setenv("COURSE_SEED", value)
    assert settings.seed() == int(value)


def test_data_folders_are_listed_in_order_and_complete(monkeypatch, tmp_path):
    assert settings.data_dirs() == []
    folders = [tmp_path / "b", tmp_path / "a"]
    for folder in folders:
        folder.mkdir()
    monkeypatch.setenv("COURSE_DATA_DIR", os.pathsep.join([str(folders[0]), " ", str(folders[1]), ""]))
    assert settings.data_dirs() == [folder.resolve() for folder in folders]


def test_a_home_folder_may_be_written_short(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    (tmp_path / "course").mkdir()
    monkeypatch.setenv("COURSE_DATA_DIR", "~/course")
    monkeypatch.setenv("COURSE_CACHE", "~/kept")
    assert settings.data_dirs() == [(tmp_path / "course").resolve()]
    assert settings.cache_dir() == tmp_path / "kept"


def test_a_data_folder_that_is_not_there_is_named(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    for wrong in ("missing", "file"):
        monkeypatch.setenv("COURSE_DATA_DIR", f"{tmp_path}{os.pathsep}{tmp_path / wrong}")
        with pytest.raises(NotADirectoryError, match=rf"{wrong}.*not a folder.*\n?.*unset it"):
            settings.data_dirs()


def test_the_cache_is_an_absolute_folder_that_is_not_made(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "kept"))
    assert settings.cache_dir() == tmp_path / "kept" and not (tmp_path / "kept").exists()
    monkeypatch.setenv("COURSE_CACHE", "kept")
    assert settings.cache_dir().is_absolute() and settings.cache_dir().name == "kept"
    monkeypatch.setenv("COURSE_CACHE", " ")
    assert isinstance(settings.cache_dir(), Path) and "rnn-notebook-course" in settings.cache_dir().parts


@pytest.mark.parametrize(
    ("value", "mirror"),
    [
        ("", None),
        (" ", None),
        ("https://class.example/files", "https://class.example/files"),
        ("http://class.example/files/", "http://class.example/files"),
        (" https://class.example// ", "https://class.example"),
    ],
)
def test_a_mirror_is_a_base_address_without_its_slash(monkeypatch, value, mirror):
    assert settings.mirror() is None
    monkeypatch.setenv("COURSE_MIRROR", value)
    assert settings.mirror() == mirror


@pytest.mark.parametrize("value", ["ftp://class.example", "class.example/files", "/mnt/files"])
def test_a_mirror_that_is_no_address_is_named(monkeypatch, value):
    monkeypatch.setenv("COURSE_MIRROR", value)
    with pytest.raises(ValueError, match=f"COURSE_MIRROR is '{value}'; expected an address"):
        settings.mirror()


def test_standins_are_permitted_by_name(monkeypatch):
    assert settings.permitted_standins() == frozenset()
    monkeypatch.setenv("COURSE_STANDINS", " jena, ,imdb,")
    assert settings.permitted_standins() == {"jena", "imdb"}


@pytest.mark.parametrize("value", ["-1", "+1", "1.5", "1e3", "one", "4000001", "٣", "²"])
def test_what_is_no_seed_is_named(monkeypatch, value):
    monkeypatch.setenv("COURSE_SEED", value)
    with pytest.raises(ValueError, match=r"COURSE_SEED is '.*'; expected a whole number from 0 to 4,000,000"):
        settings.seed()


def test_the_seed_is_42_without_another(monkeypatch):
    assert settings.seed() == 42
    monkeypatch.setenv("COURSE_SEED", " ")
    assert settings.seed() == 42


@pytest.mark.parametrize("value", ["fast", "fulll", "quick full"])
def test_a_profile_that_is_none_is_named(monkeypatch, value):
    monkeypatch.setenv("COURSE_PROFILE", value)
    with pytest.raises(ValueError, match=f"COURSE_PROFILE is '{value}'; expected 'full' or 'quick'"):
        settings.profile()
