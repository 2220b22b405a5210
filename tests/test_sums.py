"""Sums as strings against Python's own arithmetic."""

import numpy as np
import pytest

from utils.sums import ALPHABET, draw, encode, reversed_sums


def test_a_row_reads_back_as_the_sum():
    pairs = [(10, 6), (999, 999), (0, 0), (7, 130)]
    for (a, b), question, answer in zip(pairs, *reversed_sums(pairs)):
        words = ["".join(ALPHABET[k] for k in row)[::-1].strip() for row in (question, answer)]
        assert words == [f"{a}+{b}", str(a + b)]


def test_blanks_stand_on_the_right_and_have_the_number_0():
    x, y = reversed_sums([(10, 6)])
    assert x.tolist() == [[7, 11, 1, 2, 0, 0, 0]]
    assert y.tolist() == [[7, 2, 0, 0]]


def test_what_is_held_out_does_not_train_in_either_order():
    train, val, test = draw(3_000, 200, 300, np.random.default_rng(0))
    sets = [{tuple(sorted(pair)) for pair in pairs.tolist()} for pairs in (train, val, test)]
    assert (len(val), len(test)) == (200, 300)
    assert (len(sets[1]), len(sets[2])) == (200, 300)
    assert len(set.union(*sets)) == sum(map(len, sets))
    assert any(a > b for a, b in val.tolist()) and any(a < b for a, b in val.tolist())


def test_upper_ends_are_drawn_one_two_three():
    train, *_ = draw(60_000, 0, 0, np.random.default_rng(1))
    # below 10: all of the first sixth, a tenth of the next two, a hundredth of the last three
    assert abs((train < 10).mean() - (1 + 2 / 10 + 3 / 100) / 6) < 0.005
    assert abs((train >= 100).mean() - 0.9 * 3 / 6) < 0.01


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: encode(["12345"], 4), "'12345' is not at most 4"),
        (lambda: encode(["a"], 4), "'a' is not at most 4"),
        (lambda: reversed_sums([(9_999, 1)]), "'00001' is not"),
        (lambda: draw(10, 20, 0, np.random.default_rng(0)), "cannot be held out"),
        (lambda: draw(0, 1, 1, np.random.default_rng(0)), "how_many"),
    ],
)
def test_what_does_not_fit_is_told(call, message):
    with pytest.raises(ValueError, match=message):
        call()
