"""Standardisation, tokens, n-grams and toy vectors, against the lecture's printed answers and independent ones."""

import os
import re
import string
import subprocess
import sys
import unicodedata

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer

from utils import COURSE_ROOT, text

CAT, DOG = "The cat sat on the mat.", "The dog ate my homework."
ZWNJ = "\u200c"
ANY_TEXT = st.text(st.characters(), max_size=40)  # halves of surrogate pairs too: a str can hold them
# Letters, marks, joiners, signs and digits that meet in Persian text, decomposed ones too, in any order.
PERSIAN_TEXT = st.text("اآأئؤيیىكکهۀةدروبمن\u0653\u0654\u0655\u064e\u0651\u0670ـ\u200c\u200f ۱٢،؟«»", max_size=15)
PLAIN_WORDS = st.lists(st.text("abcAB", min_size=1, max_size=3), max_size=12)

# ------------------------------------------------------------------------------------------------------ standardise


def test_the_lectures_two_sentences_meet():
    first = "sunset came. i was staring at the Mexico sky. Isnt nature splendid??"
    second = "Sunset came; I stared at the México sky. Isn't nature splendid?"
    assert text.standardise(first) == "sunset came i was staring at the mexico sky isnt nature splendid"
    assert text.standardise(second) == "sunset came i stared at the mexico sky isnt nature splendid"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("México", "mexico"),
        ("Me\u0301xico", "mexico"),  # decomposed
        ("MÉXICO", "mexico"),
        ("Straße STRASSE", "strasse strasse"),
        ("Æsop, æsthetic, œuvre, ŒUVRE", "aesop aesthetic oeuvre oeuvre"),
        ("naïve Łódź Øresund İstanbul Ångström", "naive lodz oresund istanbul angstrom"),
        ("Isn't isn’t isn´t isnʼt isn`t", "isnt isnt isnt isnt isnt"),
        ("end.Start well-known 'quoted' “quoted”", "end start well known quoted quoted"),
        ("  tabs\tand\nlines\u00a0and\u200bmore  ", "tabs and lines and more"),
        ("ﬁne Ｗｉｄｅ ①", "fine wide 1"),
        ("soft\u00adhyphen \ufeffmark", "softhyphen mark"),
        ("5 $ + 3 € = 🙂", "5 3"),
        ("ΣΊΣΥΦΟΣ", "σισυφοσ"),
        ("हिन्दी が 한국", "हिन्दी が 한국"),  # marks of other scripts are no accents
        ("I ❤\ufe0f this, 1\ufe0f\u20e3", "i this 1"),  # emoji and keycap: variation selectors
        ("❤ ☂\ufe0e 🏴\U000e0067\U000e007f 葛\U000e0100城", "葛城"),
        ("\u3164 \uffa0 a\u034fb \u180b", "ab"),  # letters and marks that nobody sees
        ("◌ि ा word \u20e3", "word"),  # a mark without its letter
        ("half \ud83d pair\udc4d!", "half pair"),
        ("", ""),
        ("?!", ""),
    ],
)
def test_standardise_folds_case_punctuation_and_accents(raw, expected):
    assert text.standardise(raw) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("علي", "علی"),
        ("على", "علی"),
        ("كتاب", "کتاب"),
        ("ســـلام", "سلام"),
        ("۰۱۲۳۴۵۶۷۸۹ ٠١٢٣٤٥٦٧٨٩ १२", "0123456789 0123456789 12"),
        ("مُحَمَّد رحمٰن", "محمد رحمن"),
        ("آب اب", "آب اب"),  # water is not a month
        ("ا\u0653ب", "آب"),  # decomposed alef with madda
        ("مسئول مؤمن رأی", "مسئول مؤمن رأی"),
        (unicodedata.normalize("NFD", "مسئول مؤمن رأی"), "مسئول مؤمن رأی"),
        ("ی\u0654", "ئ"),
        ("خانۀ خانه\u0654", "خانه خانه"),
        ("ﻻ ﺳﻼﻡ ﷼", "لا سلام ریال"),
        ("سلام، خوبی؟ «بله»؛ ٪", "سلام خوبی بله"),
        ("\u200fسلام\u200e", "سلام"),
    ],
)
def test_standardise_keeps_persian_letters_and_folds_their_variants(raw, expected):
    assert text.standardise(raw) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("می\u200cروم", "می\u200cروم"),
        ("می\u200c\u200cروم", "می\u200cروم"),
        ("مي\u200cروم", "می\u200cروم"),  # Arabic yeh
        ("\u200cسلام\u200c", "سلام"),
        ("کتاب\u200c ها", "کتاب ها"),
        ("کار\u200cها", "کارها"),  # reh never joins on: both spellings look the same
        ("کتاب\u200cهای\u200cشان", "کتاب\u200cهای\u200cشان"),
        ("Auf\u200clage", "auflage"),
        ("\u200c", ""),
    ],
)
def test_a_zwnj_stays_exactly_where_it_can_be_seen(raw, expected):
    assert text.standardise(raw) == expected
    assert len(expected.split()) == len(text.split_words(raw)) == len(text.split_words(expected))


@settings(max_examples=300, deadline=None)
@given(ANY_TEXT | PERSIAN_TEXT)
@example("ي\u064e\u0654")
@example("ﷺ ŉ ΅ İ ẛ̣")
def test_standardise_is_a_fixed_point_and_its_words_are_its_split(raw):
    once = text.standardise(raw)
    assert text.standardise(once) == once
    assert text.split_words(once) == once.split()
    assert not any(unicodedata.category(char)[0] in "PS" or char in "يىكـ" for char in once)
    assert not any(unicodedata.category(char) == "Nd" and char not in string.digits for char in once)


@settings(max_examples=200, deadline=None)
@given(ANY_TEXT)
def test_standardise_does_not_see_case_and_composition(raw):
    assert text.standardise(raw.casefold()) == text.standardise(raw)
    for form in ("NFC", "NFD"):
        assert text.standardise(unicodedata.normalize(form, raw)) == text.standardise(raw)


@given(st.text(string.ascii_letters + string.digits + " .,;!?-\n", max_size=60))
def test_standardise_of_ascii_against_a_plain_loop(raw):
    kept = "".join(char.lower() if char.isalnum() else " " for char in raw)
    assert text.standardise(raw) == " ".join(kept.split())


def test_a_million_joiners_take_no_quadratic_time():
    assert text.standardise("می\u200cروم " * 100_000).count(ZWNJ) == 100_000


# ------------------------------------------------------------------------------------------------------------ words


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("I ❤\ufe0f this, 1\ufe0f\u20e3", ["I", "this", "1\u20e3"]),
        ("◌ि ा \ufe0f \u3164 \ud83d", []),
        ("half\ud83dpair", ["half", "pair"]),
    ],
)
def test_what_nobody_can_read_alone_is_no_word(raw, expected):
    assert text.split_words(raw) == expected


@given(ANY_TEXT)
def test_standardised_text_and_words_can_be_encoded(raw):
    """TensorFlow's strings are UTF-8, and so are files."""
    "".join([text.standardise(raw), *text.split_words(raw)]).encode()


@given(st.lists(st.text(st.characters(), max_size=4), max_size=6))
def test_any_list_of_words_has_hashes(tokens):
    tokens = [*tokens, "\ud83d", "\udc4d", "ab\ud83d"]
    indices = text.hash_words(tokens, 2**62)
    assert len(indices) == len(tokens)
    assert len(set(indices.tolist())) == len(set(tokens))


def test_words_keep_case_accents_joiners_and_inner_apostrophes():
    assert text.split_words(CAT) == ["The", "cat", "sat", "on", "the", "mat"]
    assert text.split_words("Isn't 'México' well-known? rock'n'roll, dogs’") == [
        *("Isn't", "México", "well", "known", "rock'n'roll", "dogs"),
    ]
    assert text.split_words("می\u200cروم، خانه\u200cها را دیدم؟ \u200c") == [
        "می\u200cروم",
        "خانه\u200cها",
        "را",
        "دیدم",
    ]
    assert text.split_words("مُحَمَّد Me\u0301xico हिन्दी") == ["مُحَمَّد", "Me\u0301xico", "हिन्दी"]  # marks end no word
    assert text.split_words(" ' \u200c . ") == []


@pytest.mark.parametrize("bad", [None, 3, b"bytes", ["a list"]])
@pytest.mark.parametrize("function", [text.standardise, text.split_words])
def test_only_one_text_is_taken(function, bad):
    with pytest.raises(TypeError, match="takes one text"):
        function(bad)


# ---------------------------------------------------------------------------------------------------------- n-grams

BAG_OF_2 = {"The", "The cat", "cat", "cat sat", "sat", "sat on", "on", "on the", "the", "the mat", "mat"}
BAG_OF_3 = {
    *("The", "The cat", "cat", "cat sat", "The cat sat", "sat", "sat on", "on", "cat sat on", "on the", "the"),
    *("sat on the", "the mat", "mat", "on the mat"),
}


def test_the_lectures_bags():
    assert text.bag_of_ngrams(CAT, 2) == BAG_OF_2
    assert text.bag_of_ngrams(CAT, 3) == BAG_OF_3
    assert text.bag_of_ngrams(CAT.split(), 1) == {"The", "cat", "sat", "on", "the", "mat."}  # a list is left as it is


def test_the_lectures_uni_bi_and_trigrams():
    sentence = "This is Big Data AI Book"
    assert text.word_ngrams(sentence, 1) == ["This", "is", "Big", "Data", "AI", "Book"]
    assert text.word_ngrams(sentence, 2) == ["This is", "is Big", "Big Data", "Data AI", "AI Book"]
    assert text.word_ngrams(sentence, 3) == ["This is Big", "is Big Data", "Big Data AI", "Data AI Book"]


@settings(deadline=None)
@given(tokens=PLAIN_WORDS.filter(bool), n=st.integers(1, 5))
def test_bags_agree_with_scikit_learn(tokens, n):
    counter = CountVectorizer(ngram_range=(1, n), lowercase=False, token_pattern=r"\S+")
    counter.fit([" ".join(tokens)])
    assert text.bag_of_ngrams(" ".join(tokens), n) == set(counter.get_feature_names_out())


@given(tokens=PLAIN_WORDS, n=st.integers(1, 5))
def test_ngrams_are_as_many_as_fit_and_lie_in_order(tokens, n):
    ngrams = text.word_ngrams(tokens, n)
    assert len(ngrams) == max(0, len(tokens) - n + 1)
    assert [ngram.split()[0] for ngram in ngrams] == tokens[: len(ngrams)]
    assert all(ngram in " ".join(tokens) for ngram in ngrams)


@given(raw=ANY_TEXT, n=st.integers(1, 5))
def test_character_ngrams_are_windows(raw, n):
    ngrams = text.char_ngrams(raw, n)
    assert ngrams == ["".join(window) for window in zip(*(raw[k:] for k in range(n)))]


def test_character_ngrams_of_a_word():
    assert text.char_ngrams("the cat", 3) == ["the", "he ", "e c", " ca", "cat"]


@pytest.mark.parametrize("bad", [0, -1, 1.0, "2", True, None])
@pytest.mark.parametrize("function", [text.word_ngrams, text.char_ngrams, text.bag_of_ngrams])
def test_bad_n_is_refused(function, bad):
    error = ValueError if type(bad) is int else TypeError
    with pytest.raises(error, match=r"n is .* expected a whole number, 1 or more"):
        function(CAT, bad)


@pytest.mark.parametrize("bad", [None, 3, {"a", "b"}, ["a", 1]])
@pytest.mark.parametrize("function", [text.word_ngrams, text.bag_of_ngrams, text.hash_words])
def test_other_kinds_of_text_are_refused(function, bad):
    with pytest.raises(TypeError, match="takes a text"):
        function(bad, 2)


# ---------------------------------------------------------------------------------------------------------- one-hot


def test_one_hot_words_of_the_lecture():
    vectors = text.one_hot_words([CAT, DOG], max_length=10)
    assert vectors.shape == (2, 10, 11) and vectors.dtype == np.float32
    expected = np.zeros((2, 10, 11))
    for i, row in enumerate([[1, 2, 3, 4, 5, 6], [1, 7, 8, 9, 10]]):
        for j, index in enumerate(row):
            expected[i, j, index] = 1
    assert np.array_equal(vectors, expected)


def test_word_index_counts_from_one_in_order():
    index = text.word_index([CAT, DOG])
    assert list(index) == ["The", "cat", "sat", "on", "the", "mat", "dog", "ate", "my", "homework"]
    assert list(index.values()) == list(range(1, 11))


def test_one_hot_words_of_another_text_uses_the_index_given():
    index = text.word_index([CAT])
    vectors = text.one_hot_words(["the bird sat"], max_length=2, index=index)
    assert vectors.shape == (1, 2, 7)
    assert vectors[0, 0].argmax() == index["the"] and vectors[0, 0].sum() == 1
    assert not vectors[0, 1].any()  # unknown: a row of zeros


def test_one_hot_characters_of_the_lecture():
    vectors = text.one_hot_characters([CAT, DOG])
    assert vectors.shape == (2, 50, 101) and vectors.dtype == np.float32
    assert np.array_equal(vectors.sum(axis=-1), [[float(j < len(s)) for j in range(50)] for s in (CAT, DOG)])
    for sample, rows in zip((CAT, DOG), vectors):
        assert "".join(string.printable[row.argmax() - 1] for row in rows if row.any()) == sample


@given(st.lists(st.text("abc é", max_size=8), max_size=4), st.integers(1, 6))
def test_one_hot_characters_can_be_read_back(samples, max_length):
    vectors = text.one_hot_characters(samples, max_length, characters="abc ")
    assert vectors.shape == (len(samples), max_length, 5)
    for sample, rows in zip(samples, vectors):
        read = "".join("?abc "[row.argmax()] if row.any() else "é" for row in rows)
        assert read.startswith(sample[:max_length]) and set(read[len(sample) :]) <= {"é"}


def test_no_samples_and_no_words_are_arrays_too():
    assert text.one_hot_words([], max_length=3).shape == (0, 3, 1)
    assert not text.one_hot_words(["..."], max_length=3).any()


@pytest.mark.parametrize("function", [text.one_hot_words, text.one_hot_characters, text.word_index])
@pytest.mark.parametrize("bad", [CAT, None, 7, [CAT, None]])
def test_one_hot_takes_a_list_of_texts(function, bad):
    with pytest.raises(TypeError, match=r"takes a list of texts|takes one text"):
        function(bad)


def test_bad_sizes_of_one_hot_are_refused():
    for function in (text.one_hot_words, text.one_hot_characters):
        with pytest.raises(ValueError, match="max_length is 0"):
            function([CAT], max_length=0)
    with pytest.raises(ValueError, match="index of 'cat' is 0"):
        text.one_hot_words([CAT], index={"cat": 0})
    for alphabet in ("", "abca"):
        with pytest.raises(ValueError, match="characters is empty or repeats"):
            text.one_hot_characters([CAT], characters=alphabet)


# ---------------------------------------------------------------------------------------------------------- hashing


def test_hashes_are_the_same_for_ever():
    """Recorded once: a change of the hash would silently make saved models useless."""
    assert text.hash_words(CAT, 1000).tolist() == [620, 627, 905, 833, 826, 218]
    assert text.hash_words(["México", "می\u200cروم"], 2**62, seed=7).tolist() == [
        881412158940676416,
        961371208636531205,
    ]


def test_hashes_are_the_same_in_another_process():
    command = "from utils.text import hash_words; print(hash_words('The cat sat on the mat.', 10**6).tolist())"
    seen = set()
    for salt in ("0", "1", "random"):
        environment = {**os.environ, "PYTHONHASHSEED": salt, "PYTHONPATH": str(COURSE_ROOT)}
        done = subprocess.run(
            [sys.executable, "-c", command], env=environment, capture_output=True, text=True, check=True
        )
        seen.add(done.stdout.strip())
    assert seen == {str(text.hash_words(CAT, 10**6).tolist())}


@given(PLAIN_WORDS, st.integers(1, 2000), st.integers(0, 10))
def test_hashes_lie_in_range_and_equal_words_agree(tokens, dimension, seed):
    indices = text.hash_words(tokens, dimension, seed=seed)
    assert indices.shape == (len(tokens),) and indices.dtype == np.int64
    assert ((indices >= 0) & (indices < dimension)).all()
    one_by_one = {token: text.hash_words([token], dimension, seed=seed)[0] for token in tokens}
    assert [one_by_one[token] for token in tokens] == indices.tolist()


def test_hashes_are_even_and_collide_as_often_as_birthdays():
    names = [f"word{k}" for k in range(50_000)]
    counts = np.bincount(text.hash_words(names, 100), minlength=100)
    chi_square = ((counts - 500) ** 2 / 500).sum()
    assert 55 < chi_square < 155  # 99 degrees of freedom: mean 99, standard deviation 14
    trials = [text.hash_words(names[:23], 365, seed=seed) for seed in range(2000)]
    met = np.mean([len(set(days.tolist())) < 23 for days in trials])
    assert abs(met - 0.5073) < 4 * np.sqrt(0.25 / 2000)  # the birthday problem: 23 people, 50.73 %


@pytest.mark.parametrize(("dimension", "seed"), [(0, 0), (-5, 0), (1.5, 0), (True, 0), (10, -1), (10, "x")])
def test_bad_dimensions_and_seeds_are_refused(dimension, seed):
    error = ValueError if type(dimension) is type(seed) is int else TypeError
    with pytest.raises(error, match="expected a whole number"):
        text.hash_words(CAT, dimension, seed=seed)


# ------------------------------------------------------------------------------------- against Unicode's own tables

ARABIC = [chr(code) for code in (*range(0x0600, 0x0700), *range(0x0750, 0x0780), *range(0x08A0, 0x08CA))]
BELONGS_TO_A_LETTER = "\u0653\u0654\u0655"  # madda, hamza above, hamza below


def test_every_arabic_vowel_sign_vanishes_and_no_letter_does():
    for char in ARABIC:
        kind, found = unicodedata.category(char), text.standardise(f"ب{char}د")
        if kind == "Mn" and char not in BELONGS_TO_A_LETTER:
            assert found == "بد", f"U+{ord(char):04X} {unicodedata.name(char)}"
        elif kind == "Lo" and unicodedata.decomposition(char)[:1] != "<":
            assert len(found) == 3 and " " not in found, f"U+{ord(char):04X} {unicodedata.name(char)}"
        elif kind[0] in "PS":
            assert found.split() == ["ب", "د"], f"U+{ord(char):04X} {unicodedata.name(char)}"


def test_every_accent_of_latin_vanishes_and_the_letters_beside_the_blocks_stay():
    blocks = (range(0x0300, 0x0370), range(0x1AB0, 0x1ACF), range(0x1DC0, 0x1E00), range(0x20D0, 0x20F1))
    for char in (chr(code) for block in blocks for code in block):
        if char not in "\u0345\u034f":  # the Greek iota below is a letter after folding
            assert text.standardise(f"x{char}y") == "xy", f"U+{ord(char):04X}"
    for char in ("\u02ff", "\u0370", "\u1dbf", "\u1e00"):  # the neighbours on either side
        assert text.standardise(f"x{char}y") != "xy", f"U+{ord(char):04X}"


@pytest.mark.parametrize("word", ["ب\u200cها", "می\u200cم", "ا\u200cب", "\u200cب"])
def test_a_zwnj_near_the_edge_of_a_text_is_judged_by_its_neighbours(word):
    visible = word[0] in "بم"
    assert text.standardise(word) == (word if visible else word.replace(ZWNJ, ""))
    assert text.standardise(f"x {word}") == f"x {text.standardise(word)}"


# ------------------------------------------------------------------------------------------------- held-out text


@given(st.lists(st.text("abc", min_size=1, max_size=6), min_size=8, max_size=60), st.sampled_from([" ", "\n", "  "]))
def test_split_text_loses_nothing_and_cuts_no_word(words, gap):
    whole = gap.join(words)
    try:
        parts = text.split_text(whole, (0.5, 0.75))
    except ValueError:
        assume(False)
    assert "".join(parts) == whole
    assert [word for part in parts for word in part.split()] == words
    for share, cut in zip((0.5, 0.75), (len(parts[0]), len(parts[0] + parts[1]))):
        at = int(share * len(whole))
        assert cut == at or (cut > at and not re.search(r"\s", whole[at:cut])), "the next white space"


def test_split_text_cuts_at_eight_and_nine_tenths():
    whole = "ab " * 100
    assert tuple(map(len, text.split_text(whole))) == (242, 30, 28)


@pytest.mark.parametrize(("arguments", "error", "words"), [
    ((["a"],), TypeError, "one text"),
    (("a b c", (0.9, 0.8)), ValueError, "0 < first < second < 1"),
    (("a b c", (0, 0.8)), ValueError, "0 < first < second < 1"),
    (("a b c d", (0.2, 0.5, 0.8)), ValueError, "expected two shares"),
    (("a b c", (0.5, 1.5)), ValueError, r"cuts\[1\] is 1.5"),
    (("a b c", ("half", 0.9)), TypeError, r"cuts\[0\] is 'half'"),
    (("abcdefghij",), ValueError, "leaves a part without a word"),
    (("",), ValueError, "leaves a part without a word"),
])  # fmt: skip
def test_split_text_refuses_what_it_cannot_cut(arguments, error, words):
    with pytest.raises(error, match=words):
        text.split_text(*arguments)
