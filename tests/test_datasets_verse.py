"""Hafez: as it stands, packed or not; what is no Persian verse is refused; generated only where that is allowed."""

# ruff: noqa: F401, F811 (fixtures come by import, and are then named as parameters)

import gzip
import hashlib
import re

import pytest
from loopback import course, no_network

from utils import datasets
from utils.datasets import DataUnavailable, load_hafez
from utils.datasets.checks import WrongFile
from utils.datasets.standins import verse as standin
from utils.datasets.verse import check_persian, persian_share

TEXT = "\n  \t\nباغ در باد\r\nباد در باغ\n\nسنگ و آب\nآب و سنگ\n"


def put(course, content, packed=False):
    data = content.encode() if isinstance(content, str) else content
    name, file, fields = "hafez", "h.txt", {}
    if packed:
        course.add("hafez", file="h.txt", hash=f"sha256:{'0' * 64}")
        name, file, fields = "hafez-gz", "h.txt.gz", {"form_of": "hafez", "lacks": "nothing"}
        data = gzip.compress(data, mtime=0)
    course.add(name, file=file, hash=f"sha256:{hashlib.sha256(data).hexdigest()}", **fields)
    (course.data / file).write_bytes(data)
    return course.data / file


@pytest.mark.parametrize("packed", [False, True])
def test_the_verse_comes_as_it_stands_but_for_carriage_returns(course, no_network, capsys, packed):
    put(course, TEXT, packed)
    text = load_hafez()
    assert text == TEXT.replace("\r\n", "\n")
    assert capsys.readouterr().out == f"Data: Divan of Hafez, real, {len(text)} characters\n"
    assert datasets.used()["hafez"] == "real"


def test_it_is_generated_in_quick_only(course, monkeypatch, no_network, capsys):
    put(course, TEXT).unlink()
    monkeypatch.setenv("COURSE_PROFILE", "quick")
    assert load_hafez() == standin.hafez()
    out = capsys.readouterr().out
    assert re.fullmatch(
        r"Data: Divan of Hafez, generated stand-in \(grammar, not Hafez\), 100,\d+ characters; quick .*\n", out
    )
    assert datasets.used()["hafez"] == "stand-in"
    monkeypatch.setenv("COURSE_PROFILE", "full")
    with pytest.raises(DataUnavailable, match="COURSE_STANDINS=hafez"):
        load_hafez()


@pytest.mark.parametrize("content", ["a line\nand another\n", "باغ\n", "", "باغ and a garden\nباد and wind\n"])
def test_what_is_no_persian_verse_is_refused(course, no_network, content):
    put(course, content)
    with pytest.raises(ValueError, match="expected verse in Persian, at least two lines"):
        load_hafez()


def test_the_share_of_persian_letters_and_the_check_of_contents(tmp_path):
    assert persian_share("باغ, abc 12") == 0.5
    assert persian_share("123") == 0
    path = tmp_path / "verse.txt"
    path.write_text(standin.hafez() * 5, encoding="utf-8")
    check_persian(path)
    path.write_text("a garden\n" * 20_000)
    with pytest.raises(WrongFile, match="expected at least 10,000 lines of Persian, found 20,000, 0% Persian"):
        check_persian(path)
    path.write_bytes("باغ".encode("cp1256"))
    with pytest.raises(WrongFile, match="expected UTF-8"):
        check_persian(path)


@pytest.mark.realdata
def test_real_hafez(real, capsys):
    if datasets.locate("hafez") is None and datasets.locate("hafez-gz") is None:
        pytest.skip("the file is not at hand")
    text = load_hafez()
    assert capsys.readouterr().out == "Data: Divan of Hafez, real, 306,373 characters\n"
    assert text.count("\n") == 10_228
    lines = [line for line in text.split("\n") if line.strip()]
    assert len(lines) == 9_435
    assert lines[1] == "که عشق آسان نمود اول ولی افتاد مشکل ها"
