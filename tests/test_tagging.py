"""Entities from tags, and the counts behind F1: compared with a second way of counting and with the library's own."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nervaluate import Evaluator

from utils.tagging import broken_transitions, entities, entity_counts, f1, look_up, name_list

KINDS = ("person", "creative-work")
TAG = st.sampled_from(["O", *(f"{letter}-{kind}" for letter in "BI" for kind in KINDS)])
SENTENCE = st.lists(st.tuples(TAG, TAG), min_size=1, max_size=9)


def by_hand(tags):
    """The rule word by word: an entity begins at B-, or at an I- of another type than before; I- goes on."""
    found, before = [], "O"
    for at, tag in enumerate(tags):
        if tag[0] == "B" or (tag[0] == "I" and before[2:] != tag[2:]):
            found.append([tag[2:], at, at + 1])
        elif tag[0] == "I":
            found[-1][2] = at + 1
        before = tag
    return [tuple(entity) for entity in found]


def test_the_lectures_sentence():
    words = ["Yesterday", ",", "Harry", "Potter", "met", "Hermione", "Granger", "."]
    tags = ["O", "O", "B-person", "I-person", "O", "B-person", "I-person", "O"]
    assert [" ".join(words[start:end]) for _, start, end in entities(tags)] == ["Harry Potter", "Hermione Granger"]
    assert {kind for kind, _, _ in entities(tags)} == {"person"}


def test_two_entities_side_by_side_are_two():
    assert entities(["B-person", "B-person", "I-person"]) == [("person", 0, 1), ("person", 1, 3)]


@settings(max_examples=60, deadline=None)
@given(SENTENCE)
def test_entities_are_those_of_the_rule(pairs):
    tags = [tag for tag, _ in pairs]
    assert entities(tags) == by_hand(tags)


@settings(max_examples=60, deadline=None)
@given(st.lists(SENTENCE, min_size=1, max_size=4))
def test_counts_are_those_of_the_library(sentences):
    true = [[tag for tag, _ in pairs] for pairs in sentences]
    predicted = [[tag for _, tag in pairs] for pairs in sentences]
    strict = Evaluator(true, predicted, tags=list(KINDS), loader="list").evaluate()["overall"]["strict"]
    total = entity_counts(true, predicted).sum(axis=0)
    assert total.tolist() == [strict.correct, strict.actual, strict.possible]
    assert f1(total) == pytest.approx(strict.f1)


def test_counts_of_a_sentence():
    """One right, one of the wrong type, one cut short, one invented: 1 of 4 predicted, 1 of 3 there."""
    true = ["B-person", "O", "B-location", "O", "B-group", "I-group", "O", "O"]
    predicted = ["B-person", "O", "B-person", "O", "B-group", "O", "O", "B-product"]
    assert entity_counts([true, ["O"]], [predicted, ["O"]]).tolist() == [[1, 4, 3], [0, 0, 0]]
    assert f1([1, 4, 3]) == pytest.approx(2 / 7)
    precision, recall = 1 / 4, 1 / 3
    assert f1([1, 4, 3]) == pytest.approx(2 * precision * recall / (precision + recall))


def test_f1_of_many_counts_at_once():
    assert f1([[[0, 0, 0], [3, 3, 3]], [[1, 2, 2], [0, 5, 0]]]).tolist() == [[0, 1], [0.5, 0]]


@settings(max_examples=60, deadline=None)
@given(SENTENCE)
def test_broken_transitions(pairs):
    tags = [tag for tag, _ in pairs]
    allowed = {("O", "O"), *((before, "O") for before in ("B", "I"))}
    broken = 0
    for before, tag in zip(["O", *tags], tags):
        begins = tag[0] == "B"
        goes_on = tag[0] == "I" and before != "O" and before[2:] == tag[2:]
        broken += not (begins or goes_on or (before[0], tag) in allowed)
    assert broken_transitions(tags) == broken


def test_a_list_of_names():
    sentences = [["I", "saw", "Ford", "in", "Paris"], ["paris", "Hilton", "likes", "the", "ford"], ["Ford", "drives"]]
    tags = [
        ["O", "O", "B-person", "O", "B-location"],
        ["B-person", "I-person", "O", "O", "O"],
        ["B-person", "O"],
    ]
    names = name_list(sentences, tags)
    assert names == {("ford",): "person", ("paris",): "location", ("paris", "hilton"): "person"}
    assert name_list(sentences, tags, least=0.6) == {("ford",): "person", ("paris", "hilton"): "person"}
    assert name_list(sentences, tags, least=0.7) == {("paris", "hilton"): "person"}
    assert look_up(["Paris", "Hilton", "left", "PARIS"], names) == ["B-person", "I-person", "O", "B-location"]
    assert look_up(["Hilton", "saw", "Paris"], names) == ["O", "O", "B-location"]
    assert look_up([], names) == [] and look_up(["Ford"], {}) == ["O"]


def test_the_commoner_type_of_a_name_wins():
    tags = [["B-person"], ["B-location"], ["B-location"]]
    assert name_list([["Jordan"], ["jordan"], ["JORDAN"]], tags) == {("jordan",): "location"}


# Bad input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tag", ["", "B", "B-", "person", "E-person", "o", None, 3])
def test_an_unknown_tag_is_named(tag):
    with pytest.raises(ValueError, match=r"tag 1 is .*; expected 'O', 'B-type' or 'I-type'"):
        entities(["O", tag])
    with pytest.raises(ValueError, match="tag 1 is"):
        broken_transitions(["O", tag])


def test_a_text_is_no_list_of_tags():
    with pytest.raises(TypeError, match="expected a list of tags"):
        entities("O")


def test_sentences_and_words_must_agree():
    with pytest.raises(ValueError, match="tags of 1 sentences; expected 2"):
        entity_counts([["O"], ["O"]], [["O"]])
    with pytest.raises(ValueError, match="sentence 1 has 2 words but 1 tags"):
        entity_counts([["O"], ["O", "O"]], [["O"], ["O"]])


@pytest.mark.parametrize("counts", [3, [1, 2], np.zeros((3, 2))])
def test_counts_have_three_columns(counts):
    with pytest.raises(ValueError, match=r"expected counts \(\.\.\., 3\)"):
        f1(counts)


@pytest.mark.parametrize("counts", [[3, 2, 4], [3, 4, 2], [-1, 0, 0], [float("nan"), 1, 1]])
def test_impossible_counts_are_refused(counts):
    with pytest.raises(ValueError, match="0 <= found <= predicted"):
        f1(counts)


def test_a_share_out_of_range_and_lists_of_unequal_length_are_refused():
    with pytest.raises(ValueError, match=r"least is 1\.5"):
        name_list([["a"]], [["O"]], least=1.5)
    with pytest.raises(ValueError, match="tags of 0 sentences; expected 1"):
        name_list([["a"]], [])
    with pytest.raises(ValueError, match="sentence 0 has 2 words but 1 tags"):
        name_list([["a", "b"]], [["O"]])
