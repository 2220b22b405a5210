"""Tiny Shakespeare: as it stands, packed or not; its speeches; and generated only where that is allowed."""

# ruff: noqa: F401, F811 (fixtures come by import, and are then named as parameters)

import gzip
import hashlib
import re

import pytest
from loopback import course, no_network

from utils import datasets
from utils.datasets import BadArchive, DataUnavailable, load_tiny_shakespeare
from utils.datasets.plays import speeches
from utils.datasets.standins import plays as standin

TEXT = "First Citizen:\r\nHear me: speak.\r\nNow.\r\n\r\nAll:\r\nSpeak, speak.\r\n"
SPEECHES = [("First Citizen", "Hear me: speak.\nNow."), ("All", "Speak, speak.")]


def put(course, content, packed=False):
    """Put a text into the course's folder, and name it in the list as what was expected."""
    data = content.encode() if isinstance(content, str) else content
    name, fields = ("tinyshakespeare", {})
    if packed:
        course.add(name, file="ts.txt", hash=f"sha256:{'0' * 64}")
        name, fields = "tinyshakespeare-gz", {"form_of": name, "lacks": "nothing"}
        data = gzip.compress(data, mtime=0)
    file = "ts.txt.gz" if packed else "ts.txt"
    course.add(name, file=file, hash=f"sha256:{hashlib.sha256(data).hexdigest()}", **fields)
    (course.data / file).write_bytes(data)
    return course.data / file


@pytest.mark.parametrize("packed", [False, True])
def test_the_text_comes_as_it_stands_but_for_carriage_returns(course, no_network, capsys, packed):
    put(course, TEXT, packed)
    text = load_tiny_shakespeare()
    assert text == TEXT.replace("\r\n", "\n")
    assert capsys.readouterr().out == f"Data: Tiny Shakespeare, real, {len(text)} characters\n"
    assert datasets.used()["shakespeare"] == "real"
    assert speeches(text) == SPEECHES


def test_it_is_generated_in_quick_only(course, monkeypatch, no_network, capsys):
    put(course, TEXT).unlink()
    monkeypatch.setenv("COURSE_PROFILE", "quick")
    assert load_tiny_shakespeare() == standin.shakespeare()
    assert re.fullmatch(
        r"Data: Tiny Shakespeare, generated stand-in \(not Shakespeare\), 20\d,\d+ characters; quick profile, .*\n",
        capsys.readouterr().out,
    )
    assert datasets.used()["shakespeare"] == "stand-in"
    monkeypatch.setenv("COURSE_PROFILE", "full")
    with pytest.raises(DataUnavailable, match="COURSE_STANDINS=shakespeare"):
        load_tiny_shakespeare()


def test_a_changed_file_is_not_read(course, monkeypatch, no_network):
    put(course, TEXT).write_text("First Citizen:\nSomething else.\n\nAll:\nNo.\n")
    with pytest.warns(UserWarning, match="ts.txt"), pytest.raises(DataUnavailable):
        load_tiny_shakespeare()


@pytest.mark.parametrize("content", ["A novel: no speaker.\n\nA second one.\n", "ALONE:\nOne speech.\n", " \n"])
def test_what_is_no_play_is_refused(course, no_network, content):
    put(course, content)
    with pytest.raises(ValueError, match="expected a play, each speech after a line with its speaker"):
        load_tiny_shakespeare()


def test_a_damaged_archive_is_refused(course, no_network):
    path = put(course, TEXT, packed=True)
    damaged = path.read_bytes()[:-8]
    path.write_bytes(damaged)
    course.clear()
    course.add("tinyshakespeare", file="ts.txt", hash=f"sha256:{'0' * 64}")
    sha256 = hashlib.sha256(damaged).hexdigest()
    course.add(
        "tinyshakespeare-gz", file="ts.txt.gz", hash=f"sha256:{sha256}", form_of="tinyshakespeare", lacks="nothing"
    )
    with pytest.raises(BadArchive):
        load_tiny_shakespeare()


def test_speeches_are_blocks_that_begin_with_a_speaker():
    play = "A stage direction\n\nKING:\nSay: on\n\n\n\nQUEEN:\n\nno speaker here\nat all:\n\n:\nnobody\n\nFOOL:\nlast"
    assert speeches(play) == [("KING", "Say: on"), ("FOOL", "last")]
    assert speeches("") == []
    with pytest.raises(TypeError, match="expected the text of a play"):
        speeches(None)


@pytest.mark.realdata
def test_real_tiny_shakespeare(real, capsys):
    if datasets.locate("tinyshakespeare") is None and datasets.locate("tinyshakespeare-gz") is None:
        pytest.skip("the file is not at hand")
    text = load_tiny_shakespeare()
    assert capsys.readouterr().out == "Data: Tiny Shakespeare, real, 1,115,394 characters\n"
    assert len(set(text)) == 65
    found = speeches(text)
    assert len(found) == 7_097
    silent = [block for block in text.strip().split("\n\n") if block.endswith(":") and "\n" not in block]
    assert len(found) + len(silent) == 7_222, "in the others somebody says nothing"
    assert found[0] == ("First Citizen", "Before we proceed any further, hear me speak.")
    spoken = [block.strip("\n") for block in text.strip().split("\n\n") if block not in silent]
    assert [f"{who}:\n{said}" for who, said in found] == spoken
