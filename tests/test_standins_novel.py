"""The generated novel: the layout of the real one, and the structure that a language model is to find in it."""

import re
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from utils.datasets.standins import novel


@pytest.fixture(scope="module")
def text():
    return novel.timemachine()


def words_of(text):
    return re.findall("[a-z]+", text.lower())


def test_equal_seeds_give_equal_text_and_others_do_not(text):
    assert novel.timemachine(0) == text
    assert novel.timemachine(1) != text


def test_it_has_the_layout_of_the_novel_and_says_what_it_is(text):
    assert text.splitlines()[0] == "Not The Time Machine: generated text that stands in for it"
    assert 178_979 <= len(text) < 181_000
    assert max(map(len, text.splitlines())) <= 70
    assert re.findall(r"(?m)^([IVX]+)$", text) == list(novel._CHAPTERS)
    assert set(text) <= set(map(chr, range(32, 127))) | {"\n"}
    assert set("abcdefghijklmnopqrstuvwxyz") <= set(text)


def test_articles_agree_with_the_word_after_them(text):
    pairs = set(pairwise(words_of(text)))
    assert not [pair for pair in pairs if pair[0] == "a" and pair[1][0] in "aeiou"]
    assert not [pair for pair in pairs if pair[0] == "an" and pair[1][0] not in "aeiou"]
    assert any(pair[0] == "an" for pair in pairs)


def test_frequencies_fall_off_as_a_power_of_the_rank(text):
    counts = np.array(sorted(Counter(words_of(text)).values(), reverse=True))
    rank = np.arange(1, len(counts) + 1)
    slope, _ = np.polyfit(np.log(rank[:100]), np.log(counts[:100]), 1)
    assert -1.4 < slope < -0.6, "Zipf's law has -1"


def test_a_phrase_of_three_words_returns(text):
    words = words_of(text)
    triples = Counter(zip(words, words[1:], words[2:]))
    assert triples.most_common(1)[0][0] == ("the", "time", "traveller")


def test_the_verb_agrees_with_its_subject_across_a_clause(text):
    """Read off the text itself: number of the noun before "which", verb after the clause."""
    plurals = {plural for _, plural in novel._NOUNS}
    singulars = {singular for singular, _ in novel._NOUNS}
    flat = re.sub(r"\s+", " ", text).lower()
    found = re.findall(
        r"(?:^|[.!?,'] (?:and |but |for )?'?)(?:the|an?|that) ([a-z ]+), which [a-z ]+ had \w+, (was|were)\b", flat
    )
    assert len(found) > 50
    mixed = 0
    for phrase, verb in found:
        subject = next(word for word in phrase.split() if word in plurals | singulars)
        assert (subject in plurals) == (verb == "were"), phrase
        mixed += (phrase.split()[-1] in plurals) != (subject in plurals)
    assert mixed > 5, "the nearest noun must not always give the number away"


def test_choices_prefer_what_stands_early():
    grammar = novel._Grammar(0)
    drawn = Counter(grammar.pick("abcd") for _ in range(20_000))
    shares = np.array([drawn[letter] for letter in "abcd"]) / 20_000
    expected = 1 / np.arange(1, 5)
    assert np.allclose(shares, expected / expected.sum(), atol=0.015)
