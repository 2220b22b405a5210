"""Sentences with emoji: the course's own as they were meant, the assignment's as they are, damage told by its line."""

# ruff: noqa: F401, F811 (fixtures come by import, and are then named as parameters)

import hashlib
import re
import zipfile
from collections import Counter

import numpy as np
import pytest
from loopback import course, no_network

from utils import COURSE_ROOT, datasets
from utils.datasets import BadArchive, DataUnavailable, checks, load_emojify
from utils.datasets.emoji import EMOJI, EMOJI_NAMES, Emojify, EmojiSentences

HEADER = "split,label,kind,pair,sentence\n"
OWN = (
    'train,2,plain,,"Well, that was fun"\nvalidation,4,plain,,Soup\ntest,0,plain,,Hug me\n'
    "order,1,preference,7,Rather run than eat\norder,4,preference,7,Rather eat than run\n"
)
TRAIN = 'hold me tight,0,,\nrun with me ,1,, [3]\n"yes, soup",4\n'
TEST = '"smile\t",2\nI cry,"3\t"\n'
SPLITS = ("train", "validation", "test", "order")


def place(course, text, name="emoji_sentences.csv"):
    """Put a table where the course's own would be, with its hash in the list."""
    content = text if isinstance(text, bytes) else text.encode()
    (course.data / name).write_bytes(content)
    course.clear()
    course.add("emoji-sentences", file=name, hash=f"sha256:{hashlib.sha256(content).hexdigest()}")


def pack(course, train=TRAIN, test=TEST, folder="data/", **fields):
    """Put the assignment's archive on disk."""
    path = course.data / "emojify.zip"
    with zipfile.ZipFile(path, "w") as box:
        box.writestr(f"{folder}train_emoji.csv", train)
        box.writestr(f"{folder}tesss.csv", test)
    course.add("emojify", file=path.name, hash=f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}", **fields)


# The sentences that come with the course -------------------------------------------------------------


@pytest.fixture(scope="module")
def own():
    """The course's own sentences, from its own folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COURSE_PROFILE", "quick")
        patch.delenv("COURSE_DATA_DIR", raising=False)
        return load_emojify()


def words(text):
    return sorted(re.findall(r"[\w']+", text.lower()))


def test_they_are_balanced_and_as_many_as_the_card_says(own):
    assert {split: len(getattr(own, split)) for split in SPLITS} == dict(zip(SPLITS, (500, 120, 120, 80)))
    for split in SPLITS[:3]:
        assert len(set(Counter(getattr(own, split).labels.tolist()).values())) == 1
        assert set(getattr(own, split).labels) == set(range(5))


def test_the_two_of_a_pair_have_the_same_words_in_another_order(own):
    for split in SPLITS:
        some = getattr(own, split)
        for pair in set(some.pairs) - {0}:
            first, second = np.flatnonzero(some.pairs == pair)
            assert words(some.texts[first]) == words(some.texts[second])
            assert some.texts[first].lower() != some.texts[second].lower()
            assert some.kinds[first] == some.kinds[second] != "plain"
    assert all(own.order.pairs) and not any(own.test.pairs)


def test_the_two_of_an_order_pair_are_neighbours(own):
    assert (own.order.pairs[::2] == own.order.pairs[1::2]).all()


def test_no_split_holds_the_words_of_another(own):
    bags = {split: {tuple(words(text)) for text in getattr(own, split).texts} for split in SPLITS}
    assert sum(map(len, bags.values())) == len(set.union(*bags.values()))


def test_the_file_ends_its_lines_alike_on_every_system():
    assert b"\r" not in (COURSE_ROOT / "data" / "emoji_sentences.csv").read_bytes(), "its hash would not hold"


# Reading ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", ["quick", "full"])
def test_a_table_becomes_four_splits(course, no_network, capsys, monkeypatch, profile):
    monkeypatch.setenv("COURSE_PROFILE", profile)
    place(course, HEADER + OWN)
    found = load_emojify()
    says = "Data: Emoji sentences of the course, real, 1 train + 1 validation + 1 test + 2 order sentences\n"
    assert capsys.readouterr().out == says
    assert found.train.texts == ["Well, that was fun"]
    assert found.order.texts == ["Rather run than eat", "Rather eat than run"]
    assert found.order.labels.tolist() == [1, 4] and found.order.labels.dtype == np.int64
    assert found.order.pairs.tolist() == [7, 7] and found.order.kinds == ["preference"] * 2
    assert (found.train.kinds, found.train.pairs.tolist()) == (["plain"], [0])
    assert (len(found.order), repr(found.order)) == (2, "EmojiSentences(2 sentences)")
    assert repr(found) == "Emojify(course: 1 train + 1 validation + 1 test + 2 order)"
    assert datasets.used()["emoji"] == "real"


@pytest.mark.parametrize("folder", ["", "emoji/data/"])
def test_the_assignment_is_read_with_its_notes_and_tabs(course, no_network, capsys, folder):
    pack(course, folder=folder)
    found = load_emojify("coursera")
    says = "Data: Emojify (Coursera), real, 3 train + 2 test sentences\n"
    assert capsys.readouterr().out == says
    assert found.train.texts == ["hold me tight", "run with me", "yes, soup"]
    assert found.train.labels.tolist() == [0, 1, 4]
    assert (found.test.texts, found.test.labels.tolist()) == (["smile", "I cry"], [2, 3])
    assert len(found.validation) == len(found.order) == 0
    assert datasets.used()["emojify"] == "real"


def test_without_the_assignment_the_error_names_it(course, no_network, monkeypatch):
    monkeypatch.setenv("COURSE_PROFILE", "quick")
    course.add("emojify", file="emojify.zip")
    with pytest.raises(DataUnavailable, match=r"emojify\.zip"):
        load_emojify("coursera")


def test_there_are_two_editions(course):
    with pytest.raises(ValueError, match="'kaggle'; there are 'course' and 'coursera'"):
        load_emojify("kaggle")


def test_labels_have_a_picture_and_a_name():
    assert len(EMOJI) == len(EMOJI_NAMES) == len(set(EMOJI)) == len(set(EMOJI_NAMES)) == 5


# Damage ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "expected the columns split, label, kind, pair, sentence, found none"),
        ("label,sentence\n0,Hug me\n", "expected the columns .*, found label, sentence"),
        (f"{HEADER}train,5,plain,,Hug me\n", "line 2: expected a label from 0 to 4, found '5'"),
        (f"{HEADER}train,,plain,,Hug me\n", "line 2: expected a label from 0 to 4, found ''"),
        (f"{HEADER}train,0,plain,,Hug me\nexam,0,plain,,Hug\n", "line 3: expected one of train, validation"),
        (f"{HEADER}train,0,plain,, \n", "line 2: expected one of train, .*, a sentence, found"),
        (f"{HEADER}train,0,plain,,Hug me,now\n", "line 2: expected one of train, .*, a sentence, found"),
        (f"{HEADER}train,0,plain,1,Hug me\n", "line 2: expected no pair if it is plain"),
        (f"{HEADER}train,0,time,,Hug me\n", "line 2: expected no pair if it is plain"),
        (f"{HEADER}train,0,time,one,Hug me\n", "line 2: .* the pair's number, found 'time', 'one'"),
        (f"{HEADER}{OWN}order,0,time,8,Hug me\n", "two sentences of pair 8, .* found"),
        (f"{HEADER}{OWN}order,0,time,7,Hug me\n", "two sentences of pair 7"),
        (f"{HEADER}{OWN}order,0,time,8,Hug him\ntest,3,time,8,Him hug\n", "in one split"),
        (f"{HEADER}{OWN}order,0,time,8,Hug him\norder,0,time,8,Him hug\n", "with two labels"),
        (f"{HEADER}{OWN}train,0,plain,,Soup\n", "the sentence 'Soup' stands there twice"),
        (HEADER, "expected sentences in train, found none"),
        ((HEADER + OWN).replace("test,0,plain,,Hug me\n", ""), "expected sentences in test, found none"),
        ((HEADER + OWN).encode("utf-16"), "not UTF-8"),
    ],
)
def test_a_damaged_table_says_where(course, no_network, text, says):
    place(course, text)
    with pytest.raises(ValueError, match=says):
        load_emojify()


@pytest.mark.parametrize(
    ("train", "test", "says"),
    [
        ("hold me\n", TEST, "line 1 of train_emoji.csv: expected a sentence and a label"),
        (TRAIN, f"{TEST} ,1\n", "line 3 of tesss.csv: expected a sentence and a label"),
        (TRAIN + "hold on,heart\n", TEST, "line 4 of train_emoji.csv: expected a label from 0 to 4, found 'heart'"),
        (TRAIN, "", "expected sentences in test, found none"),
        (b"\xff\xfe,1\n", TEST, "train_emoji.csv is not UTF-8"),
    ],
)
def test_a_damaged_assignment_says_where(course, no_network, train, test, says):
    pack(course, train, test)
    with pytest.raises(ValueError, match=says):
        load_emojify("coursera")


def test_an_archive_without_the_tables_is_refused(course, no_network):
    path = course.data / "emojify.zip"
    with zipfile.ZipFile(path, "w") as box:
        box.writestr("readme.txt", "nothing")
    course.add("emojify", file=path.name, hash=f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}")
    with pytest.raises(BadArchive, match=r"train_emoji\.csv"):
        load_emojify("coursera")


@pytest.mark.parametrize(
    ("train", "test", "says"), [(131, 56, "132 rows in train_emoji"), (132, 57, "56 rows in tess")]
)
def test_a_copy_from_the_web_is_counted(course, train, test, says):
    row = "hold me tight,0\n"
    pack(course, row * 132, row * 56)
    checks.contents("emoji.archive", course.data / "emojify.zip")
    pack(course, row * train, row * test)
    with pytest.raises(checks.WrongFile, match=says):
        checks.contents("emoji.archive", course.data / "emojify.zip")


@pytest.mark.realdata
def test_the_real_assignment(real, own):
    if datasets.locate("emojify") is None:
        pytest.skip("the file is not at hand")
    found = load_emojify("coursera")
    assert (len(found.train), len(found.test)) == (132, 56)
    assert set(found.train.labels) == set(found.test.labels) == set(range(5))
    theirs = {tuple(words(text)) for text in found.train.texts + found.test.texts}
    ours = {tuple(words(text)) for split in SPLITS for text in getattr(own, split).texts}
    assert not theirs & ours, "the course's own sentences are its own"
