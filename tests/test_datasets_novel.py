"""The Time Machine: as it was printed, packed or not, and generated only where that is allowed."""

# ruff: noqa: F401, F811 (fixtures come by import, and are then named as parameters)

import gzip
import hashlib
import re

import pytest
from loopback import course, no_network

from utils import datasets
from utils.datasets import DataUnavailable, archives, load_time_machine
from utils.datasets.standins import novel as standin

LINES = "The Time Machine\r\n\r\nThe Time Traveller was \u00e9mu.\r\n"


@pytest.fixture
def files(course):
    """Entries of The Time Machine, and a short text in the course's folder that passes for it."""
    content = LINES.encode()
    course.add("timemachine", file="tm.txt", hash=f"sha256:{hashlib.sha256(content).hexdigest()}")
    packed = gzip.compress(content, mtime=0)
    sha256 = hashlib.sha256(packed).hexdigest()
    course.add("timemachine-gz", file="tm.txt.gz", hash=f"sha256:{sha256}", form_of="timemachine", lacks="nothing")
    (course.data / "tm.txt").write_bytes(content)
    (course.data / "tm.txt.gz").write_bytes(packed)
    return course


@pytest.mark.parametrize("form", ["tm.txt", "tm.txt.gz"])
def test_the_time_machine_keeps_its_case_and_loses_its_carriage_returns(files, no_network, capsys, form):
    (files.data / ({"tm.txt", "tm.txt.gz"} - {form}).pop()).unlink()
    text = load_time_machine()
    assert text == LINES.replace("\r\n", "\n")
    assert capsys.readouterr().out == f"Data: The Time Machine, real, {len(text)} characters\n"
    assert datasets.used()["timemachine"] == "real"


def test_the_time_machine_is_generated_in_quick_only(files, monkeypatch, no_network, capsys):
    for file in files.data.glob("tm.*"):
        file.unlink()
    monkeypatch.setenv("COURSE_PROFILE", "quick")
    assert load_time_machine() == standin.timemachine()
    out = capsys.readouterr().out
    assert re.fullmatch(
        r"Data: The Time Machine, generated stand-in \(not the novel\), 179,\d+ characters; quick profile, .*\n", out
    )
    assert datasets.used()["timemachine"] == "stand-in"
    monkeypatch.setenv("COURSE_PROFILE", "full")
    with pytest.raises(DataUnavailable, match="COURSE_STANDINS=timemachine"):
        load_time_machine()


def test_an_empty_text_is_refused(files, monkeypatch):
    monkeypatch.setenv("COURSE_PROFILE", "quick")
    monkeypatch.setattr(archives, "read_text", lambda path: " \n")
    with pytest.raises(ValueError, match="expected a text"):
        load_time_machine()


@pytest.mark.realdata
def test_real_time_machine(real, capsys):
    if datasets.locate("timemachine") is None:
        pytest.skip("the file is not at hand")
    text = load_time_machine()
    assert capsys.readouterr().out == "Data: The Time Machine, real, 178,979 characters\n"
    assert text.startswith("The Time Machine, by H. G. Wells [1898]\n")
    assert text.count("\n") == 3_221
    words = re.findall("[a-z]+", text.lower())
    assert [words.count(word) for word in ("the", "i", "and")] == [2261, 1267, 1245], "as lecture C counts them"
