"""The generated play: Tiny Shakespeare's layout, and replies that take up their cues."""

import re

import pytest

from utils.datasets.plays import speeches
from utils.datasets.standins import plays


@pytest.fixture(scope="module")
def text():
    return plays.shakespeare()


def test_equal_seeds_give_equal_text_and_others_do_not(text):
    assert plays.shakespeare(0) == text
    assert plays.shakespeare(1) != text


def test_it_has_the_layout_of_the_real_text(text):
    assert 200_000 <= len(text) < 202_000
    assert set(text) <= set(map(chr, range(32, 127))) | {"\n"}
    blocks = text.rstrip("\n").split("\n\n")
    found = speeches(text)
    assert len(found) == len(blocks), "every block is a speech"
    assert {who for who, _ in found} == set(plays.CAST)
    assert text.endswith("\n") and "\n\n\n" not in text


def test_a_reply_names_the_speaker_before_and_the_thing_asked_after(text):
    asked, before, replies = None, None, 0
    for who, said in speeches(text):
        question = re.match(r"Where is the (\w+), I pray you\?", said)
        if question:
            asked = question[1]
        else:
            reply = re.match(r"(?:The|Your|That) (\w+), \w+ ([\w ]+), is", said)
            assert (reply[1], reply[2]) == (asked, before.title())
            assert who != before
            replies += 1
        before = who
    assert replies > 1_000
