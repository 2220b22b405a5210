"""N-gram models against counting by hand: the lecture's formulas in fractions, its thirty counts, what sums to 1."""

import math
import re
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nltk.lm import KneserNeyInterpolated
from nltk.util import everygrams
from scipy.stats import chisquare

from utils import datasets
from utils.datasets import load_time_machine
from utils.ngrams import BACKOFFS, KneserNey, NGramModel

TEXTS = st.lists(st.sampled_from("abcd"), min_size=1, max_size=30)
ANY_CONTEXT = st.lists(st.sampled_from("abcdxy"), max_size=4)  # x and y are in no text
SMALL = st.integers(0, 8).map(lambda k: k / 4)  # exact in binary, so that fractions are exact too
SETTINGS = st.tuples(st.integers(1, 3), SMALL, SMALL, SMALL, st.sampled_from(BACKOFFS))


def made(settings, text, vocabulary=None):
    order, *eps, backoff = settings
    return NGramModel(order, eps[:order], backoff).fit(text, vocabulary)


def by_hand(text, vocabulary, order, eps, backoff, token, context):
    """The lecture's formulas, each count a walk through the text, in exact fractions."""
    context = context[max(0, len(context) - (order - 1)) :]
    k = len(context)
    if k == 0:
        towards = Fraction(1, len(vocabulary))
    else:
        shorter = [] if backoff == "unigram" else context[1:]
        towards = by_hand(text, vocabulary, order, eps, backoff, token, shorter)
    followers = [text[i + k] for i in range(len(text) - k) if text[i : i + k] == context]
    if not followers:
        return towards
    smoothing = Fraction(eps[k])
    return (followers.count(token) + smoothing * towards) / (len(followers) + smoothing)


@given(TEXTS, SETTINGS, ANY_CONTEXT)
def test_probabilities_are_those_of_the_formulas(text, settings, context):
    model, (order, *eps, backoff) = made(settings, text, "abcde"), settings
    for token in "abcde":
        exact = by_hand(text, "abcde", order, eps, backoff, token, context)
        assert math.isclose(model.probability(token, context), exact, rel_tol=1e-12)


@given(TEXTS, SETTINGS, ANY_CONTEXT, st.floats(0, 1e9))
def test_probabilities_sum_to_one_after_any_context(text, settings, context, large):
    order, *_, backoff = settings
    for eps in (settings[1 : order + 1], (large,) * order):
        for vocabulary in (None, "abcdefg"):
            model = NGramModel(order, eps, backoff).fit(text, vocabulary)
            total = math.fsum(model.probability(token, context) for token in model.vocabulary)
            assert math.isclose(total, 1, rel_tol=1e-9)


def test_the_last_token_of_the_text_does_not_spoil_the_sum():
    """After the last place nothing follows: with n(x) as a count of all places, a third would be missing here."""
    model = NGramModel(2, (0, 0)).fit("abacca")
    assert model.probability("b", "a") == model.probability("c", "a") == 0.5


@given(TEXTS, st.sampled_from(BACKOFFS), st.text("abcd", min_size=0, max_size=2))
def test_with_eps_zero_it_counts_plainly(text, backoff, context):
    model = NGramModel(3, (0, 0, 0), backoff).fit(text)
    joined = "".join(text)
    followers = [joined[i + len(context)] for i in range(len(text) - len(context)) if joined.startswith(context, i)]
    for token in followers:
        assert model.probability(token, context) == followers.count(token) / len(followers)


@pytest.mark.parametrize(("backoff", "context", "same_as"), [
    ("unigram", "ax", ""), ("unigram", "xa", ""), ("shorter", "xa", "a"), ("shorter", "ax", ""),
])  # fmt: skip
def test_a_context_never_seen_gives_its_backoff_which_is_the_limit_of_small_eps(backoff, context, same_as):
    text = "abacabdabd"
    plain, tiny = NGramModel(3, (0, 0, 0), backoff).fit(text), NGramModel(3, (0, 0, 1e-12), backoff).fit(text)
    for token in "abcd":
        assert plain.probability(token, context) == plain.probability(token, same_as)
        assert math.isclose(tiny.probability(token, context), plain.probability(token, context), abs_tol=1e-9)


def test_large_eps_leads_to_what_each_formula_smooths_towards():
    text = "abacabdabd"
    alone = NGramModel(1, (0,)).fit(text)
    for token in "abcd":
        assert math.isclose(NGramModel(1, (1e12,)).fit(text).probability(token), 1 / 4, rel_tol=1e-9)
        pair = NGramModel(2, (0, 1e12)).fit(text)
        triple = NGramModel(3, (0, 0, 1e12)).fit(text)
        chained = NGramModel(3, (0, 0, 1e12), "shorter").fit(text)
        assert math.isclose(pair.probability(token, "a"), alone.probability(token), rel_tol=1e-9)
        assert math.isclose(triple.probability(token, "ba"), alone.probability(token), rel_tol=1e-9)
        plain = NGramModel(2, (0, 0)).fit(text).probability(token, "a")
        assert math.isclose(chained.probability(token, "ba"), plain, rel_tol=1e-9, abs_tol=1e-9)


def test_eps1_of_one_a_token_is_add_one_smoothing():
    model = NGramModel(1, (4,)).fit("aaab", vocabulary="abcd")
    assert [model.probability(token) for token in "abcd"] == [4 / 8, 2 / 8, 1 / 8, 1 / 8]


def test_a_text_is_read_once():
    reads = Counter()

    def tokens():
        for at, token in enumerate("abcabd"):
            reads[at] += 1
            yield token

    model = NGramModel(3, (1, 1, 1)).fit(tokens())
    assert set(reads.values()) == {1} and len(reads) == 6
    assert model.count("ab") == 2 and model.count(["a", "b", "d"]) == 1 and model.count("d") == 1
    assert model.count("dd") == 0 and model.count("da") == 0


@given(TEXTS, st.integers(1, 3))
def test_counts_are_those_of_a_sliding_window(text, order):
    model = NGramModel(order, (1,) * order).fit(text)
    for n in range(1, order + 1):
        windows = Counter(tuple(text[i : i + n]) for i in range(len(text) - n + 1))
        assert all(model.count(window) == times for window, times in windows.items())
    assert model.vocabulary == tuple(dict.fromkeys(text))


def test_fitting_again_forgets_the_text_before():
    model = NGramModel(2, (1, 1)).fit("aaaa")
    model.sample(3, np.random.default_rng(0))
    model.fit("bc")
    assert model.vocabulary == ("b", "c") and model.count("aa") == 0
    assert set(model.sample(50, np.random.default_rng(0))) == {"b", "c"}


@given(TEXTS, SETTINGS, st.text("abcd", max_size=6))
def test_a_sequence_is_a_product_whose_first_factors_have_shorter_contexts(text, settings, tokens):
    model, order = made((settings[0], 0.5, *settings[2:]), text, "abcd"), settings[0]
    product = math.prod(model.probability(token, tokens[max(0, i - order + 1) : i]) for i, token in enumerate(tokens))
    assert math.isclose(math.exp(model.log_probability(tokens)), product, rel_tol=1e-9, abs_tol=1e-300)


def test_perplexity_of_a_uniform_a_certain_and_an_impossible_text():
    assert math.isclose(NGramModel(1, (1e15,)).fit("aaab", "abcdef").perplexity("fed"), 6, rel_tol=1e-9)
    assert NGramModel(2, (0, 0)).fit("aaaa").perplexity("aa") == 1
    impossible = NGramModel(2, (0, 0)).fit("abab")
    assert impossible.log_probability("aa") == -math.inf and impossible.perplexity("aa") == math.inf
    assert impossible.log_probability("") == 0


def test_perplexity_is_the_geometric_mean_of_inverse_probabilities():
    model = NGramModel(2, (0, 0)).fit("abacad")  # P(a) = 1/2, P(b | a) = 1/3, P(a | b) = 1
    assert math.isclose(model.perplexity("aba"), (2 * 3 * 1) ** (1 / 3), rel_tol=1e-12)


@pytest.mark.parametrize("backoff", BACKOFFS)
@pytest.mark.parametrize("start", ["", "b", "ab", "ax"])
def test_samples_follow_the_probabilities(backoff, start):
    model = NGramModel(3, (2, 3, 1), backoff).fit("abacabdabcbacbda", vocabulary="abcde")
    rng = np.random.default_rng(5)
    drawn = Counter(model.sample(1, rng, start)[0] for _ in range(4000))
    expected = [4000 * model.probability(token, start) for token in "abcde"]
    assert chisquare([drawn[token] for token in "abcde"], expected).pvalue > 1e-3


def test_samples_use_what_was_drawn_before_and_leave_out_the_start():
    model = NGramModel(3, (0, 0, 0)).fit("abcabcabc")
    assert model.sample(5, np.random.default_rng(0), start="ab") == list("cabca")
    assert model.sample(0, np.random.default_rng(0)) == []
    again = [model.sample(8, np.random.default_rng(3)) for _ in range(2)]
    assert again[0] == again[1]


@pytest.mark.parametrize(("arguments", "error", "words"), [
    ((4, (1, 1, 1, 1)), ValueError, "order is 4"),
    ((0, ()), ValueError, "order is 0"),
    ((2.0, (1, 1)), TypeError, "order is 2.0"),
    ((2, (1,)), ValueError, "eps has 1 numbers; expected 2"),
    ((1, (1, 1)), ValueError, "eps has 2 numbers; expected 1"),
    ((1, 1), TypeError, "eps is 1; expected a sequence of 1"),
    ((2, "11"), TypeError, "eps is '11'"),
    ((2, (1, -1)), ValueError, r"eps\[1\] is -1"),
    ((1, (math.inf,)), ValueError, r"eps\[0\] is inf"),
    ((1, (1,), "bigram"), ValueError, "backoff is 'bigram'"),
])  # fmt: skip
def test_settings_that_make_no_model(arguments, error, words):
    with pytest.raises(error, match=words):
        NGramModel(*arguments)


@pytest.mark.parametrize("call", [
    lambda model: model.probability("a"), lambda model: model.perplexity("a"), lambda model: model.count("a"),
    lambda model: model.log_probability("a"), lambda model: model.sample(1, np.random.default_rng(0)),
])  # fmt: skip
def test_a_model_that_has_counted_nothing_says_so(call):
    with pytest.raises(ValueError, match=r"call fit\(tokens\) first"):
        call(NGramModel(1, (1,)))


def test_texts_and_tokens_that_cannot_be():
    model = NGramModel(2, (1, 1))
    with pytest.raises(ValueError, match="got no token"):
        model.fit([])
    with pytest.raises(ValueError, match="vocabulary lacks 2 tokens of the text, 'c' first"):
        model.fit("abcd", vocabulary="ab")
    model.fit(["the", "cat", "saw", "the", "dog"])
    with pytest.raises(ValueError, match="'horse' is not in the vocabulary of 4 tokens"):
        model.probability("horse", ["the"])
    with pytest.raises(TypeError, match="context is the string 'the'"):
        model.probability("cat", "the")
    with pytest.raises(TypeError, match="tokens is the string"):
        model.perplexity("the cat")
    with pytest.raises(TypeError, match="tokens is 7"):
        model.log_probability(7)
    with pytest.raises(ValueError, match="tokens is empty"):
        model.perplexity([])
    with pytest.raises(ValueError, match="ngram has 3 tokens; expected 1 to 2"):
        model.count(["the", "cat", "saw"])
    with pytest.raises(ValueError, match="ngram has 0 tokens"):
        model.count([])
    with pytest.raises(TypeError, match="rng is 0"):
        model.sample(3, 0)
    with pytest.raises(ValueError, match="num_tokens is -1"):
        model.sample(-1, np.random.default_rng(0))


LECTURE = """
the 2261, i 1267, and 1245, of 1155, a 816, to 695, was 552, in 541, that 443, my 440,
of the 309, in the 169, i had 130, i was 112, and the 109, the time 102, it was 99, to the 85, as i 78, of a 73,
the time traveller 59, the time machine 30, the medical man 24, it seemed to 16, it was a 15, here and there 15,
seemed to me 14, i did not 14, i saw the 13, i began to 13
"""


@pytest.mark.realdata
def test_the_thirty_counts_of_the_lecture(real):
    if datasets.locate("timemachine") is None:
        pytest.skip("the file is not at hand")
    words = re.findall("[a-z]+", load_time_machine().lower())
    model = NGramModel(3, (1, 1, 1)).fit(words)
    printed = [line.rsplit(" ", 1) for line in LECTURE.replace("\n", " ").strip().split(", ")]
    assert len(printed) == 30
    for ngram, times in printed:
        assert model.count(ngram.split()) == int(times), ngram


# -------------------------------------------------------------------------------------------------------- Kneser-Ney

LONGER = st.lists(st.sampled_from("abcd"), min_size=4, max_size=60)


def kneser_ney_by_hand(text, size, order, taken, token, context):
    """Interpolated Kneser-Ney with the discounts `taken[k](count)`, each count a walk through the text."""
    grams = {k: [tuple(text[i : i + k]) for i in range(len(text) - k + 1)] for k in range(1, order + 2)}

    def count(gram):
        if len(gram) == order:
            return grams[order].count(gram)
        return len({longer for longer in grams[len(gram) + 1] if longer[1:] == gram})

    def chance(context):
        shorter = 1 / size if not context else chance(context[1:])
        counts = {w: count((*context, w)) for w in set(text)}
        if not sum(counts.values()):
            return shorter
        off = {w: taken[len(context)](c) for w, c in counts.items()}
        return (counts.get(token, 0) - off.get(token, 0) + sum(off.values()) * shorter) / sum(counts.values())

    context = tuple(context)[max(0, len(context) - order + 1) :]
    return chance(context)


def fixed(constant):
    return lambda count: constant if count else 0


@settings(deadline=None)
@given(LONGER, st.integers(1, 4), st.floats(0.05, 1), ANY_CONTEXT)
def test_kneser_ney_is_that_of_the_paper(text, order, constant, context):
    model = KneserNey(order, [constant] * order).fit(text, "abcde")
    known = context[max([0, *(i + 1 for i, token in enumerate(context) if token in "xy")]) :]
    after = model.probabilities(context)
    for token, found in zip("abcde", after):
        wanted = kneser_ney_by_hand(text, 5, order, [fixed(constant)] * order, token, known)
        assert math.isclose(found, wanted, rel_tol=1e-9, abs_tol=1e-15)


@settings(deadline=None)
@given(LONGER, st.integers(1, 4), ANY_CONTEXT)
def test_modified_kneser_ney_takes_three_discounts_a_length_and_sums_to_one(text, order, context):
    model = KneserNey(order).fit(text, "abcde")
    after = model.probabilities(context)
    assert math.isclose(after.sum(), 1, rel_tol=1e-9)
    assert (after > 0).all() or order == 1

    def estimated(k):
        grams = [tuple(text[i : i + k]) for i in range(len(text) - k + 1)]
        if k == order:
            counts = Counter(grams)
        else:
            longer = {tuple(text[i : i + k + 1]) for i in range(len(text) - k)}
            counts = Counter(gram[1:] for gram in longer)
        n = Counter(counts.values())
        if not n[1] or not n[2]:
            return lambda count: min(count, 3) / 2
        y = n[1] / (n[1] + 2 * n[2])
        d1, d2 = 1 - 2 * y * n[2] / n[1], 2 - 3 * y * n[3] / n[2]
        d3 = 3 - 4 * y * n[4] / n[3] if n[3] else 1.5
        return lambda count: max(0, (0, d1, d2, d3)[min(count, 3)])

    taken = [estimated(k) for k in range(1, order + 1)]
    known = context[max([0, *(i + 1 for i, token in enumerate(context) if token in "xy")]) :]
    for token, found in zip("abcde", after):
        wanted = kneser_ney_by_hand(text, 5, order, taken, token, known)
        assert math.isclose(found, wanted, rel_tol=1e-9, abs_tol=1e-15)


def test_kneser_ney_is_nltks_with_one_discount():
    """On a text that begins as it ends, so that its first n-grams have something before them too."""
    text = list("to be or not to be that is the question whether it is nobler to be")
    for order, constant in ((2, 0.75), (3, 0.6), (4, 0.9)):
        theirs = KneserNeyInterpolated(order, discount=constant)
        theirs.fit([everygrams(text, max_len=order)], vocabulary_text=text)
        ours = KneserNey(order, [0, *[constant] * (order - 1)]).fit(text)
        bits = ours.bits(text)
        for at, token in enumerate(text):
            context = text[max(0, at - order + 1) : at]
            wanted = theirs.score(token, context)
            assert math.isclose(2 ** -bits[at], wanted, rel_tol=1e-9), (order, at)
            by_token = dict(zip(ours.vocabulary, ours.probabilities(context)))
            assert math.isclose(by_token[token], wanted, rel_tol=1e-9), (order, at)


@settings(deadline=None)
@given(LONGER, st.integers(1, 5), LONGER)
def test_bits_and_probabilities_of_kneser_ney_agree(text, order, other):
    model = KneserNey(min(order, len(text))).fit(text, "abcd")
    bits = model.bits(other)
    assert bits.shape == (len(other),)
    for at, token in enumerate(other):
        after = model.probabilities(other[:at])
        assert math.isclose(2 ** -bits[at], after["abcd".index(token)], rel_tol=1e-9)


def test_kneser_ney_knows_that_francisco_follows_one_word_only():
    """The paper's example: frequent, but after one word, so unlikely after any other."""
    text = ["san", "francisco", "."] * 3 + ["the", "glass", ".", "a", "glass", ".", "his", "glass", "."]
    model = KneserNey(2, (0.5, 0.5)).fit(text, [*text, "reading"])
    after = dict(zip(model.vocabulary, model.probabilities(["reading"])))
    assert text.count("francisco") == text.count("glass")
    assert after["glass"] > 1.4 * after["francisco"]


def test_samples_of_kneser_ney_have_its_probabilities_and_continue_a_start():
    model = KneserNey(3).fit("abcabdabcabdaabbcd" * 3)
    for start in ("ab", "cc", "", "ax"):  # seen, not seen, none, and with a token that is not in the vocabulary
        drawn = [model.sample(1, np.random.default_rng(k), start)[0] for k in range(3000)]
        expected = model.probabilities(start) * len(drawn)
        observed = [drawn.count(token) for token in model.vocabulary]
        assert chisquare(observed, expected).pvalue > 1e-4, start
    assert model.sample(0, np.random.default_rng(0)) == []
    again = [model.sample(50, np.random.default_rng(1)) for _ in range(2)]
    assert again[0] == again[1] and len(again[0]) == 50


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: KneserNey(0), ValueError, "order is 0"),
        (lambda: KneserNey(2, 0.5), TypeError, "expected a sequence of 2 numbers"),
        (lambda: KneserNey(2, [0.5]), ValueError, "discounts has 1 numbers; expected 2"),
        (lambda: KneserNey(1, [1.5]), ValueError, r"discounts\[0\] is 1.5"),
        (lambda: KneserNey(3).fit("ab"), ValueError, "got 2 tokens; expected at least 3"),
        (lambda: KneserNey(1).fit("abc", "ab"), ValueError, "lacks 1 of these, 'c'"),
        (lambda: KneserNey(1).bits("a"), ValueError, "call fit"),
        (lambda: KneserNey(1).probabilities(), ValueError, "call fit"),
        (lambda: KneserNey(1).fit("ab").bits("abz"), ValueError, "'z'"),
        (lambda: KneserNey(1).fit("ab").sample(2, 42), TypeError, "rng"),
    ],
)
def test_kneser_ney_says_what_is_wrong(call, error, message):
    with pytest.raises(error, match=message):
        call()
