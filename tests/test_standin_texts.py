"""The generated novel: the layout of the real one, and the structure that a language model is to find in it."""

import re
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from utils.datasets import standin_texts


@pytest.fixture(scope="module")
def text():
    return standin_texts.timemachine()


def words_of(text):
    return re.findall("[a-z]+", text.lower())


def test_equal_seeds_give_equal_text_and_others_do_not(text):
    assert standin_texts.timemachine(0) == text
    assert standin_texts.timemachine(1) != text


def test_it_has_the_layout_of_the_novel_and_says_what_it_is(text):
    assert text.splitlines()[0] == "Not The Time Machine: generated text that stands in for it"
    assert 178_979 <= len(text) < 181_000
    assert max(map(len, text.splitlines())) <= 70
    assert re.findall(r"(?m)^([IVX]+)$", text) == list(standin_texts._CHAPTERS)
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
    plurals = {plural for _, plural in standin_texts._NOUNS}
    singulars = {singular for singular, _ in standin_texts._NOUNS}
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
    grammar = standin_texts._Grammar(0)
    drawn = Counter(grammar.pick("abcd") for _ in range(20_000))
    shares = np.array([drawn[letter] for letter in "abcd"]) / 20_000
    expected = 1 / np.arange(1, 5)
    assert np.allclose(shares, expected / expected.sum(), atol=0.015)


# Reviews ---------------------------------------------------------------------------------------------

DENIERS = {"not", "never", "hardly", "nobody", "nothing", "no", "far", "without"}


@pytest.fixture(scope="module")
def reviews():
    return standin_texts.imdb()


def sentences(review):
    return re.findall(r"[^.!]+[.!]", review.replace("<br />", " "))


def judged(sentence):
    """What a sentence says of the film, -1, 0 or 1: read here word by word, not from the patterns that made it."""
    words = words_of(sentence)
    about_film = {"film", *standin_texts.PARTS} & {*words} or re.match(
        r"\s*(It is (a|an|not|far)|I found it|This is|All in all|I \w+ every minute|I never|I did not find it"
        r"|I expected|There is hardly an? \w+ moment|They promised|Some call it)\b",
        sentence,
    )
    if not about_film or set(words) & set(standin_texts.OTHERS):
        return 0
    sides = {}
    for side in (-1, 1):
        for word in (*standin_texts.ADJECTIVES[side], *standin_texts.NOUNS[side]):
            sides[word] = side
        for pair in standin_texts.VERBS[side]:
            sides |= dict.fromkeys(pair.split("/"), side)
    found = [(place, sides[word]) for place, word in enumerate(words) if word in sides]
    place, side = found[-1]  # "I expected a gem and got a mess": the last one counts
    return -side if DENIERS & set(words[:place]) else side


def test_reviews_have_their_paths_and_equal_seeds_give_equal_ones(reviews):
    folders = Counter(name.rsplit("/", 1)[0] for name in reviews)
    assert folders == dict.fromkeys(("train/neg", "train/pos", "test/neg", "test/pos"), 1_000)
    assert all(re.fullmatch(r"(train|test)/(neg|pos)/\d{5}\.txt", name) for name in reviews)
    few = standin_texts.imdb(3, 40)
    assert len(few) == 80 and few == standin_texts.imdb(3, 40) and few != standin_texts.imdb(4, 40)


def test_reviews_look_like_reviews(reviews):
    lengths = np.array([len(words_of(text.replace("<br />", " "))) for text in reviews.values()])
    assert lengths.min() >= 30 and lengths.max() <= 400
    assert 100 < np.median(lengths) < 150 and lengths.mean() > np.median(lengths), "a long tail"
    assert np.percentile(lengths, 5) < 60 and np.percentile(lengths, 95) > 250
    texts = list(reviews.values())
    assert 0.3 < np.mean(["<br /><br />" in text for text in texts]) < 0.9
    assert len(set(texts)) == len(texts)
    plain = "".join(texts).replace("<br />", "")
    assert set(plain) <= set(map(chr, range(32, 127))) - set("{}<>|/")
    assert not re.findall(r"\b[Aa] [aeiou]|\b[Aa]n [^aeiou]| {2}| [.,!]", plain)
    assert all(text[0].isupper() and text[-1] in ".!" for text in texts)
    assert any(standin_texts._CAST[0] in text for text in texts)


def test_all_words_of_reviews_are_listed(reviews):
    found = set().union(*map(words_of, reviews.values()))
    assert found <= standin_texts.imdb_words()
    assert standin_texts.imdb_words() - found == set(), "and no others"


def test_no_label_is_wrong(reviews):
    """Every review, read by rules written here, says more often what its label says, and by two sentences."""
    kinds = Counter()
    for name, text in reviews.items():
        label = 1 if "/pos/" in name else -1
        says = [judged(sentence) for sentence in sentences(text)]
        assert sum(says) * label >= 2, (name, text)
        kinds.update(value * label for value in says)
    assert kinds[-1] > 0.03 * kinds[1], "some concede a point"
    assert kinds[0] > 0.5 * (kinds[1] + kinds[-1]), "and much is about something else"


def test_judging_words_stand_with_both_polarities(reviews):
    """A denied word says the contrary; "good" comes in negative reviews, and "bad" in positive ones."""
    for word, other in (("good", "/neg/"), ("bad", "/pos/")):
        with_word = [other in name for name, text in reviews.items() if word in words_of(text)]
        assert 0.2 < np.mean(with_word) < 0.45


def accuracy_of_counts(reviews, ngrams):
    """Accuracy, on the test half, of logistic regression on counts of 1- to n-grams of the training half."""
    text = pytest.importorskip("sklearn.feature_extraction.text")
    linear = pytest.importorskip("sklearn.linear_model")
    counter = text.CountVectorizer(ngram_range=(1, ngrams), min_df=2)
    halves = [[name for name in sorted(reviews) if name.startswith(half)] for half in ("train", "test")]
    train, test = (
        counter.fit_transform(reviews[name] for name in halves[0]),
        counter.transform(reviews[name] for name in halves[1]),
    )
    labels = [["/pos/" in name for name in half] for half in halves]
    return linear.LogisticRegression(C=0.1, solver="liblinear").fit(train, labels[0]).score(test, labels[1])


def test_counting_words_is_right_mostly_and_word_pairs_tell_more(reviews):
    words, pairs = accuracy_of_counts(reviews, 1), accuracy_of_counts(reviews, 2)
    assert 0.80 <= words <= 0.90
    assert pairs >= 0.92


def test_deniers_alone_tell_nothing(reviews):
    """Neither the label nor whether a critic means the contrary of the words."""
    rates = {-1: [], 1: []}
    for name, text in reviews.items():
        words = words_of(text)
        rates[1 if "/pos/" in name else -1].append(sum(word in DENIERS for word in words) / len(words))
    assert abs(np.mean(rates[1]) - np.mean(rates[-1])) < 0.1 * np.mean(rates[1])
