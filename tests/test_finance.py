"""Forecasts of prices: nothing of the future in a sample, nothing of the test rows in training, chance and costs."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from utils import finance

PRICE = np.array([1.0, 2.0, 2.0, np.nan, 4.0, 8.0, 16.0, 8.0, 4.0])

sizes = st.integers(1, 6)
worlds = hnp.arrays(float, st.tuples(st.integers(30, 80), st.just(2)), elements=st.floats(0.5, 2.0))


# Samples ---------------------------------------------------------------------------------------------


def test_returns_and_moves_by_hand():
    two = np.log(2)
    expected = [np.nan, two, 0, np.nan, np.nan, two, two, -two, -two]
    np.testing.assert_allclose(finance.log_returns(PRICE), expected)
    expected = [two, np.nan, two, np.nan, 2 * two, 0, -2 * two, np.nan, np.nan]
    np.testing.assert_allclose(finance.moves_ahead(PRICE, 2), expected)
    np.testing.assert_allclose(finance.moves_ahead(PRICE[:, None], 2)[:, 0], expected)


@given(worlds, sizes)
def test_a_move_is_the_sum_of_the_returns_after_now(price, horizon):
    ahead = pd.DataFrame(finance.log_returns(price)).rolling(horizon).sum().shift(-horizon)
    np.testing.assert_allclose(finance.moves_ahead(price, horizon), ahead.to_numpy(), atol=1e-12)


@given(st.lists(st.booleans(), min_size=1, max_size=60), sizes, sizes)
def test_complete_rows_touch_no_gap_and_all_others_do(there, lookback, horizon):
    price = np.where(there, 1.0, np.nan)
    expected = [
        now
        for now in range(lookback, len(there) - horizon)
        if not np.isnan(price[now - lookback : now + horizon + 1]).any()
    ]
    if expected:
        assert finance.complete_rows(price, lookback, horizon).tolist() == expected
    else:
        with pytest.raises(ValueError, match="which is what a sample touches"):
            finance.complete_rows(price, lookback, horizon)


@settings(deadline=None)
@given(worlds, sizes, sizes, st.data())
def test_what_is_seen_does_not_change_with_the_future_and_the_answer_not_with_the_past(price, lookback, horizon, data):
    rows = finance.complete_rows(price, lookback, horizon)
    now = data.draw(st.sampled_from(rows.tolist()))

    def sample(price):
        seen = finance.past_windows(finance.log_returns(price), [now], lookback)
        return seen[0], finance.moves_ahead(price, horizon)[now]

    seen, answer = sample(price)
    later, earlier = price.copy(), price.copy()
    later[now + 1 :] *= 3
    earlier[:now] *= 3
    assert (sample(later)[0] == seen).all() and not np.allclose(sample(later)[1], answer)
    assert (sample(earlier)[1] == answer).all() and not np.allclose(sample(earlier)[0], seen)


def test_windows_are_those_of_keras():
    import keras

    values = np.random.default_rng(0).normal(size=(40, 3))
    windows = finance.past_windows(values, np.arange(6, 40), 7)
    theirs = keras.utils.timeseries_dataset_from_array(values.astype("float32"), None, 7, batch_size=100)
    np.testing.assert_array_equal(windows, np.concatenate([batch.numpy() for batch in theirs]))
    assert windows.dtype == np.float32 and (windows[3][-1] == values[9].astype("float32")).all()


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: finance.log_returns([1.0, 0.0]), ValueError, "0, negative or infinite"),
        (lambda: finance.log_returns([1.0, np.inf]), ValueError, "0, negative or infinite"),
        (lambda: finance.log_returns(np.ones((2, 2, 2))), ValueError, r"expected \(rows,\) or \(rows, coins\)"),
        (lambda: finance.log_returns(["a"]), TypeError, "expected real numbers"),
        (lambda: finance.moves_ahead(PRICE, 0), ValueError, "horizon is 0"),
        (lambda: finance.moves_ahead(PRICE, 3.0), TypeError, "horizon is 3.0"),
        (lambda: finance.complete_rows(PRICE, 0, 1), ValueError, "lookback is 0"),
        (lambda: finance.past_windows(np.ones(4), [3], 2), ValueError, r"expected \(rows, features\)"),
        (lambda: finance.past_windows(np.ones((4, 1)), [0], 2), ValueError, "rows from 0 to 0; expected 1 to 3"),
        (lambda: finance.past_windows(np.ones((4, 1)), [4], 2), ValueError, "rows from 4 to 4; expected 1 to 3"),
        (lambda: finance.past_windows(np.ones((4, 1)), [2.0], 2), TypeError, "expected whole numbers"),
        (lambda: finance.past_windows(PRICE[:, None], [3], 2), ValueError, "holds NaN"),
    ],
)
def test_bad_samples_are_refused(call, error, says):
    with pytest.raises(error, match=says):
        call()


# Splits ----------------------------------------------------------------------------------------------


@given(st.data(), sizes, sizes)
def test_no_training_sample_touches_what_a_test_sample_touches(data, lookback, horizon):
    rows = np.array(sorted(data.draw(st.sets(st.integers(0, 120), min_size=40))))
    cuts = sorted(data.draw(st.sets(st.integers(40, 121), min_size=2, max_size=5)))
    try:
        folds = finance.walk_forward(rows, cuts, lookback, horizon)
    except ValueError:
        return
    for (train, test), start, stop in zip(folds, cuts[:-1], cuts[1:]):
        touched = [{row for now in part for row in range(now - lookback, now + horizon + 1)} for part in (train, test)]
        assert not touched[0] & touched[1] and max(touched[0]) < min(touched[1])
        assert test.tolist() == [row for row in rows if start <= row < stop]
        first = min(touched[1])
        assert train.tolist() == [row for row in rows if row + horizon < first], "nothing else is given up"


def test_folds_by_hand():
    folds = finance.walk_forward(np.arange(5, 40), [20, 30, 38], lookback=4, horizon=2)
    assert [(fold.train[[0, -1]].tolist(), fold.test[[0, -1]].tolist()) for fold in folds] == [
        ([5, 13], [20, 29]),
        ([5, 23], [30, 37]),
    ]


@pytest.mark.parametrize(
    ("rows", "cuts", "error", "says"),
    [
        (np.arange(40), [20], ValueError, "expected the beginning of each test block"),
        (np.arange(40), [20, 20], ValueError, "expected the beginning of each test block"),
        (np.arange(40), [20.0, 30], TypeError, "a cut is 20.0"),
        (np.arange(40)[::-1], [20, 30], ValueError, "rows do not increase"),
        (np.arange(40), [5, 30], ValueError, "no training sample before"),
        (np.arange(40), [40, 50], ValueError, "has 0 test samples"),
        (np.ones(4, bool), [1, 2], TypeError, "expected whole numbers"),
    ],
)
def test_bad_folds_are_refused(rows, cuts, error, says):
    with pytest.raises(error, match=says):
        finance.walk_forward(rows, cuts, 4, 2)


# Chance ----------------------------------------------------------------------------------------------


def test_blocks_stay_together_and_every_item_is_drawn_equally_often():
    values = np.arange(10.0)
    drawn = finance._drawn(10, 3, 4_000, np.random.default_rng(0))
    assert drawn.shape == (4_000, 10)
    for first in (0, 3, 6):
        assert (np.diff(drawn[:, first : first + 3], axis=1) % 10 == 1).all()
    counts = np.bincount(drawn.ravel(), minlength=10)
    assert stats.chisquare(counts).statistic < 60  # of blocks of three it is about three times 9
    means = finance.block_means(values, 3, 4_000, np.random.default_rng(0))
    np.testing.assert_allclose(means, values[drawn].mean(axis=1))


def test_single_items_scatter_as_the_binomial_distribution_says():
    hits = np.random.default_rng(1).random(2_000) < 0.6
    means = finance.block_means(hits, 1, 4_000, np.random.default_rng(2))
    assert abs(means.mean() - hits.mean()) < 1e-3
    assert abs(means.std() / np.sqrt(hits.mean() * (1 - hits.mean()) / 2_000) - 1) < 0.05


def test_blocks_see_that_neighbours_are_alike():
    """Of values that come in runs of ten equal ones, the mean scatters root ten times as much."""
    values = np.repeat(np.random.default_rng(3).normal(size=500), 10)
    single = finance.block_means(values, 1, 2_000, np.random.default_rng(4)).std()
    whole = finance.block_means(values, 200, 2_000, np.random.default_rng(4)).std()
    assert 2.7 < whole / single < 3.6


def test_chance_is_the_agreement_of_strangers_however_good_the_forecast():
    rng = np.random.default_rng(5)
    actual = rng.random(5_000) < 0.7
    predicted = np.where(rng.random(5_000) < 0.9, actual, ~actual)
    chance = finance.chance_accuracies(predicted, actual, 20, 500, np.random.default_rng(6))
    share = predicted.mean()
    assert abs(chance.mean() - (share * actual.mean() + (1 - share) * (1 - actual.mean()))) < 2e-3
    assert np.quantile(chance, 0.999) < 0.65 < 0.88 < (predicted == actual).mean()
    expected = np.sqrt(share * (1 - share) * actual.mean() * (1 - actual.mean()) * 4 / 5_000)
    assert 0.8 < chance.std() / expected < 1.7


def test_the_level_is_kept_where_answers_overlap():
    """Forecasts that know nothing of moves that overlap: one in twenty is above the 95 % quantile."""
    above = []
    for seed in range(400):
        rng = np.random.default_rng(seed)
        steps = rng.normal(size=(2, 1_203))
        both = [np.convolve(step, np.ones(3), "valid") > 0 for step in steps]
        chance = finance.chance_accuracies(*both, 30, 200, rng)
        above.append((both[0] == both[1]).mean() > np.quantile(chance, 0.95))
    assert 0.02 < np.mean(above) < 0.09


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda rng: finance.block_means([], 1, 1, rng), ValueError, "expected finite numbers"),
        (lambda rng: finance.block_means([np.nan], 1, 1, rng), ValueError, "expected finite numbers"),
        (lambda rng: finance.block_means(np.ones((2, 2)), 1, 1, rng), ValueError, "expected finite numbers"),
        (lambda rng: finance.block_means([1, 2], 3, 1, rng), ValueError, "block is 3; .*from 1 to 2"),
        (lambda rng: finance.block_means([1, 2], 1, 0, rng), ValueError, "draws is 0"),
        (lambda rng: finance.block_means([1, 2], 1, 1, 42), TypeError, "np.random.default_rng"),
        (lambda rng: finance.chance_accuracies([1, 2], [1], 1, 1, rng), ValueError, "2 forecasts and 1 answers"),
    ],
)
def test_bad_draws_are_refused(call, error, says):
    with pytest.raises(error, match=says):
        call(np.random.default_rng(0))


# Costs -----------------------------------------------------------------------------------------------


def test_costs_by_hand():
    net = finance.net_returns([1, 1, -1, 0], [0.01, -0.02, -0.03, 0.5], cost=0.001)
    np.testing.assert_allclose(net, [0.01 - 0.001, -0.02, 0.03 - 0.002, -0.001])
    np.testing.assert_allclose(finance.net_returns([0.5], [0.01], cost=0.001), [0.005 - 0.001], err_msg="in and out")
    assert np.isclose(finance.break_even_cost([1, 1, -1, 0], [0.01, -0.02, -0.03, 0.5]), 0.02 / 4)
    assert np.isclose(finance.break_even_cost([1], [-0.01]), -0.005)
    assert np.isnan(finance.break_even_cost([0, 0], [1, 1]))


@given(hnp.arrays(float, st.integers(1, 20), elements=st.floats(-1, 1)), st.floats(0, 0.1), st.data())
def test_costs_are_what_a_ledger_says(positions, cost, data):
    moves = data.draw(hnp.arrays(float, len(positions), elements=st.floats(-0.1, 0.1)))
    purse, held = 0.0, 0.0
    for position, move in zip(positions, moves):
        purse -= cost * abs(position - held)
        held = position
        purse += held * move
    purse -= cost * abs(held)
    assert np.isclose(finance.net_returns(positions, moves, cost).sum(), purse, atol=1e-12)
    assert finance.net_returns(positions, moves, cost).sum() <= finance.net_returns(positions, moves, 0.0).sum() + 1e-12


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        (([1, 2], [1], 0.0), ValueError, "2 positions and 1 moves"),
        (([1], [1], -0.1), ValueError, "cost is -0.1"),
        (([1], [np.nan], 0.1), ValueError, "moves .*expected finite numbers"),
        (([], [], 0.1), ValueError, "positions .*expected finite numbers"),
        ((["x"], [1], 0.1), TypeError, "positions holds"),
    ],
)
def test_bad_trades_are_refused(arguments, error, says):
    with pytest.raises(error, match=says):
        finance.net_returns(*arguments)
