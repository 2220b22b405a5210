"""utils.cider: CIDEr-D, against an example worked out by hand and properties of the paper's formula."""

import math

import numpy as np
import pytest

from utils.cider import CiderD

REFERENCES = [["a cat", "a black cat"], ["a dog"], ["a dog sits"], ["birds"]]


def test_one_word_at_a_time_worked_out_by_hand():
    """Four pictures. "a" is in three of them: log(4/3); "cat" and "black" in one: log 4; "dog" in two: log 2."""
    a, one, two = math.log(4 / 3), math.log(4), math.log(2)
    norm = math.hypot(a, one)  # of "a cat", and of "a bird", since an unseen word counts as one of a single picture
    exact = CiderD(REFERENCES, max_order=1).scores(["a cat", "a cat cat", "a dog"], [["a cat"]] * 3)
    assert exact[0] == pytest.approx(10)
    # "a cat cat" has 2 log 4 for cat, clipped to log 4; it is one word longer
    longer = math.exp(-1 / 72)
    assert exact[1] == pytest.approx(10 * longer * (a**2 + one**2) / (math.hypot(a, 2 * one) * norm))
    assert exact[2] == pytest.approx(10 * a**2 / (math.hypot(a, two) * norm))


def test_the_mean_over_orders_and_over_references_worked_out_by_hand():
    """ "a cat" against "a black cat": of pairs of words they share none, and the lengths differ by one."""
    a, one = math.log(4 / 3), math.log(4)
    single = (a**2 + one**2) / (math.hypot(a, one) * math.sqrt(a**2 + 2 * one**2)) * math.exp(-1 / 72)
    score = CiderD(REFERENCES, max_order=2).scores(["a cat"], [REFERENCES[0]])
    assert score[0] == pytest.approx(10 * ((1 + 1) / 2 + (single + 0) / 2) / 2)


def test_a_caption_of_four_words_that_is_its_reference_scores_ten_and_a_shorter_one_less():
    """An order that a caption is too short for scores 0, as in the authors' code."""
    references = [["one two three four"], ["five six seven eight"]]
    measure = CiderD(references)
    assert measure.scores(["one two three four"], [references[0]]) == pytest.approx([10])
    assert measure.scores(["one two three"], [["one two three"]]) == pytest.approx([7.5])
    assert measure.scores(["five six seven eight"], [references[0]]) == pytest.approx([0])


def test_words_of_every_picture_weigh_nothing():
    references = [["the red car runs fast"], ["the red boat swims"], ["the tree"]]
    measure = CiderD(references, max_order=1)
    assert measure.scores(["the"], [references[2]]) == pytest.approx([0])
    rare, common = measure.scores(["car", "red"], [references[0]] * 2)
    assert rare > common > 0


def test_the_penalty_on_length_is_the_papers_gaussian():
    references = [["x y"], ["z"]]
    measure = CiderD(references, max_order=1, sigma=2)
    # four more words that no picture has: the vector is longer, and the text by four words
    (score,) = measure.scores(["x y q1 q2 q3 q4"], [["x y"]])
    assert score == pytest.approx(10 * math.sqrt(2 / 6) * math.exp(-(4**2) / (2 * 2**2)))


def test_a_single_picture_scores_nothing_for_every_logarithm_is_zero():
    assert np.array_equal(CiderD([["a b c d"]]).scores(["a b c d"], [["a b c d"]]), [0])


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda: CiderD([]), ValueError, "there are no pictures"),
        (lambda: CiderD(["a cat"]), TypeError, "the references of picture 0 are one string"),
        (lambda: CiderD([["a"], []]), ValueError, "picture 1 has no references"),
        (lambda: CiderD(REFERENCES, max_order=0), ValueError, "max_order is 0"),
        (lambda: CiderD(REFERENCES, sigma=0), ValueError, "sigma"),
        (lambda: CiderD(REFERENCES).scores(["a"], []), ValueError, "there are 1 candidates and 0 lists"),
        (lambda: CiderD(REFERENCES).scores(["a"], [[]]), ValueError, "with a reference or more"),
    ],
)
def test_what_cannot_be_scored_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()
