"""The generated prices: nothing can be known of the walk, and of the others as much as was asked for."""

import numpy as np
import pytest
from scipy.stats import norm

from utils.datasets.crypto import on_one_grid
from utils.datasets.standins import crypto as made


def signal(close, kind):
    """What the best rule says at each minute from the fourth return on."""
    sign = np.sign(np.diff(np.log(close[:, 0])))
    return sign[3:-3] if kind == "lag" else sign[3:-3] * sign[:-6]


def ahead(close, column):
    """The direction of the three minutes after those."""
    logarithm = np.log(close[:, column])
    return np.sign(logarithm[7:] - logarithm[4:-3])


def test_equal_seeds_give_equal_prices_and_others_do_not():
    assert (made.walk(500, 1) == made.walk(500, 1)).all()
    assert (made.walk(500, 1) != made.walk(500, 2))[1:].all()
    first, second = made.crypto(3, 400), made.crypto(3, 400)
    assert all((first[coin] == second[coin]).all() for coin in made.COINS)


def test_worlds_of_one_seed_differ_in_the_target_alone():
    plain, planted = made.walk(500, 1), made.walk(500, 1, 0.6)
    assert (plain[:, [0, 1, 3, 4]] == planted[:, [0, 1, 3, 4]]).all()
    assert (plain[2:, 2] != planted[2:, 2]).all()


@pytest.mark.parametrize("kind", made.KINDS)
@pytest.mark.parametrize("accuracy", [0.5, 0.52, 0.56, 0.62])
def test_the_best_rule_is_as_right_as_was_asked_for(kind, accuracy):
    right = [
        (signal(close, kind) == ahead(close, made.COINS.index("LTC"))).mean()
        for close in (made.walk(100_000, seed, accuracy, kind) for seed in range(6))
    ]
    most = 0.004 if accuracy < 0.6 else 0.008  # standard error 0.0009, and the sum is not quite normal
    assert abs(np.mean(right) - accuracy) < most, right


@pytest.mark.parametrize("kind", made.KINDS)
def test_without_a_signal_the_shift_is_nothing(kind):
    assert abs(made.shift_for(0.5, kind)) < 1e-9
    shift = made.shift_for(0.6, "agreement")
    assert np.isclose(norm.cdf(shift / np.sqrt(3 - shift**2)), 0.6)


def test_only_the_target_can_be_foreseen():
    close = made.walk(200_000, 7, 0.62, target="BCH")
    for column, coin in enumerate(made.COINS):
        right = (signal(close, "lag") == ahead(close, column)).mean()
        assert (right > 0.6) == (coin == "BCH") and (coin == "BCH" or abs(right - 0.5) < 0.007)


def test_no_line_sees_agreement():
    """No return of any coin is correlated with what comes: a linear model has nothing to find."""
    close = made.walk(200_000, 8, 0.62, "agreement")
    returns = np.diff(np.log(close), axis=0)
    for column in range(5):
        for back in range(4):
            seen = np.sign(returns[3 - back : -3 - back, column])
            assert abs(np.corrcoef(seen, ahead(close, 2))[0, 1]) < 0.01
    assert abs((ahead(close, 2) > 0).mean() - 0.5) < 0.005, "nor does it rise more often than it falls"


def test_moves_are_those_of_real_coins():
    close = made.walk(100_000, 9)
    returns = np.diff(np.log(close), axis=0)
    assert np.allclose(returns.std(axis=0), made.SCALE, rtol=0.25)
    assert 0.4 < np.corrcoef(returns[:, 0], returns[:, 2])[0, 1] < 0.6
    size = np.abs(returns[:, 0])
    assert np.corrcoef(size[:-1], size[1:])[0, 1] > 0.1, "calm and wild minutes come in groups"
    assert close.min() > 0 and np.isfinite(close).all()


def test_tables_have_the_gap_and_the_repeated_rows():
    prices = on_one_grid(made.crypto(0, 600), "stand-in", "here")
    assert prices.coins == made.COINS and len(prices.times) == 600
    assert set(prices.missing.values()) == {60} and set(prices.repeated.values()) == {2}
    gap = np.isnan(prices.close).any(axis=1)
    assert np.flatnonzero(gap).tolist() == list(range(300, 360))
    np.testing.assert_array_equal(prices.close[~gap], made.walk(600, 0)[~gap])


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: made.walk(1, 0), ValueError, "minutes is 1"),
        (lambda: made.walk(10, 0.5), TypeError, "seed is 0.5"),
        (lambda: made.walk(10, 0, 0.4), ValueError, "accuracy is 0.4"),
        (lambda: made.walk(10, 0, 0.8), ValueError, "accuracy is 0.8"),
        (lambda: made.walk(10, 0, "high"), TypeError, "accuracy is 'high'"),
        (lambda: made.walk(10, 0, 0.6, "moon"), ValueError, "expected one of lag, agreement"),
        (lambda: made.walk(10, 0, target="BTC"), ValueError, "expected one of ETH, LTC, BCH, EOS"),
        (lambda: made.crypto(0, 299), ValueError, "minutes is 299"),
    ],
)
def test_impossible_worlds_are_refused(call, error, says):
    with pytest.raises(error, match=says):
        call()
