"""The generated reviews: each written to its label, and what counting words can and cannot tell."""

import re
from collections import Counter

import numpy as np
import pytest

from utils.datasets.standins import imdb


def words_of(text):
    return re.findall("[a-z]+", text.lower())


DENIERS = {"not", "never", "hardly", "nobody", "nothing", "no", "far", "without"}


@pytest.fixture(scope="module")
def reviews():
    return imdb.imdb()


def sentences(review):
    return re.findall(r"[^.!]+[.!]", review.replace("<br />", " "))


def judged(sentence):
    """What a sentence says of the film, -1, 0 or 1: read here word by word, not from the patterns that made it."""
    words = words_of(sentence)
    about_film = {"film", *imdb.PARTS} & {*words} or re.match(
        r"\s*(It is (a|an|not|far)|I found it|This is|All in all|I \w+ every minute|I never|I did not find it"
        r"|I expected|There is hardly an? \w+ moment|They promised|Some call it)\b",
        sentence,
    )
    if not about_film or set(words) & set(imdb.OTHERS):
        return 0
    sides = {}
    for side in (-1, 1):
        for word in (*imdb.ADJECTIVES[side], *imdb.NOUNS[side]):
            sides[word] = side
        for pair in imdb.VERBS[side]:
            sides |= dict.fromkeys(pair.split("/"), side)
    found = [(place, sides[word]) for place, word in enumerate(words) if word in sides]
    place, side = found[-1]  # "I expected a gem and got a mess": the last one counts
    return -side if DENIERS & set(words[:place]) else side


def test_reviews_have_their_paths_and_equal_seeds_give_equal_ones(reviews):
    folders = Counter(name.rsplit("/", 1)[0] for name in reviews)
    assert folders == dict.fromkeys(("train/neg", "train/pos", "test/neg", "test/pos"), 1_000)
    assert all(re.fullmatch(r"(train|test)/(neg|pos)/\d{5}\.txt", name) for name in reviews)
    few = imdb.imdb(3, 40)
    assert len(few) == 80 and few == imdb.imdb(3, 40) and few != imdb.imdb(4, 40)


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
    assert any(imdb._CAST[0] in text for text in texts)


def test_all_words_of_reviews_are_listed(reviews):
    found = set().union(*map(words_of, reviews.values()))
    assert found <= imdb.imdb_words()
    assert imdb.imdb_words() - found == set(), "and no others"


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
