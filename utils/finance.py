"""Forecasts of prices, judged without deceiving oneself: splits in the order of time, chance, and costs.

What belongs here: pure functions of arrays, on a grid of equal steps (minutes). What does not: models, pictures, and
reading files. Taught in `17_crypto_null_result`.

A row "now" stands for the moment at which the price of that row is known. A sample sees the `lookback` returns up to
now, so the prices of rows now - lookback to now; its answer is the move from now to now + horizon. These rows together
are what the sample *touches*.

Row now is seen. In `utils.timeseries.windows` row i is not; the newest one seen there is i - step.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from utils.arguments import finite_number, generator, real_array, whole_number

# ------------------------------------------------------------------------------------------------ samples of a series


def log_returns(price) -> np.ndarray:
    """Return the logarithmic return of each step, ln(price now / price before).

    Parameters
    ----------
    price : array_like
        Positive or NaN, (rows,) or (rows, coins).

    Returns
    -------
    numpy.ndarray
        float64, of the same shape; NaN in the first row, and where one of the two prices is.

    Raises
    ------
    TypeError
        If the prices are no numbers.
    ValueError
        For a price that is 0, negative or infinite, and for another number of axes.
    """
    price = _prices(price)
    returns = np.full(price.shape, np.nan)
    returns[1:] = np.diff(np.log(price), axis=0)
    return returns


def moves_ahead(price, horizon: int) -> np.ndarray:
    """Return the logarithmic move from each row to the one `horizon` later, ln(price then / price now).

    Parameters
    ----------
    price : array_like
        As for `log_returns`.
    horizon : int
        Rows ahead, 1 or more.

    Returns
    -------
    numpy.ndarray
        float64, of the same shape; NaN in the last `horizon` rows, and where one of the two prices is.

    Raises
    ------
    TypeError, ValueError
        As `log_returns`; for a horizon below 1.
    """
    price, horizon = _prices(price), whole_number("horizon", horizon, least=1)
    moves = np.full(price.shape, np.nan)
    moves[:-horizon] = np.log(price[horizon:]) - np.log(price[:-horizon])
    return moves


def complete_rows(price, lookback: int, horizon: int) -> np.ndarray:
    """Return the rows "now" whose samples touch no missing price.

    Parameters
    ----------
    price : array_like
        As for `log_returns`; of several coins none may be missing.
    lookback, horizon : int
        Returns that a sample sees, and rows ahead; 1 or more.

    Returns
    -------
    numpy.ndarray
        int64, increasing.

    Raises
    ------
    TypeError, ValueError
        As `log_returns`; for sizes below 1; and ValueError if no sample is complete.
    """
    price = _prices(price)
    lookback, horizon = whole_number("lookback", lookback, least=1), whole_number("horizon", horizon, least=1)
    there = ~np.isnan(price.reshape(len(price), -1)).any(axis=1)
    touched = lookback + 1 + horizon
    if len(price) >= touched:
        counts = np.convolve(there, np.ones(touched, dtype=int), mode="valid")  # of the rows from each start on
        rows = np.flatnonzero(counts == touched) + lookback
        if rows.size:
            return rows
    raise ValueError(f"of {len(price)} rows no {touched} in a row are complete, which is what a sample touches.")


def past_windows(values, rows, lookback: int) -> np.ndarray:
    """Return for each row "now" the last `lookback` rows of `values`, the oldest first, now last.

    Parameters
    ----------
    values : array_like
        (rows, features).
    rows : array_like of int
        Where "now" is, (samples,).
    lookback : int
        Rows seen.

    Returns
    -------
    numpy.ndarray
        float32 (samples, lookback, features).

    Raises
    ------
    TypeError
        If the values are no numbers, or the rows no whole ones.
    ValueError
        If `values` is no table, or a window would leave it or hold NaN.
    """
    values, rows = real_array("values", values).astype(np.float32), _rows(rows)
    lookback = whole_number("lookback", lookback, least=1)
    if values.ndim != 2:
        raise ValueError(f"values has shape {values.shape}; expected (rows, features).")
    if rows.size and (rows.min() < lookback - 1 or rows.max() >= len(values)):
        raise ValueError(f"rows from {rows.min()} to {rows.max()}; expected {lookback - 1} to {len(values) - 1}.")
    windows = np.lib.stride_tricks.sliding_window_view(values, lookback, axis=0)  # (starts, features, lookback)
    windows = np.ascontiguousarray(windows[rows - lookback + 1].swapaxes(1, 2))
    if np.isnan(windows).any():
        raise ValueError("a window holds NaN; take the rows of complete_rows.")
    return windows


# ------------------------------------------------------------------------------------------------------------- splits


class Fold(NamedTuple):
    """One step of a walk forward: the rows "now" to learn from, and those to be judged by, all later."""

    train: np.ndarray
    test: np.ndarray


def walk_forward(rows, cuts, lookback: int, horizon: int) -> list[Fold]:
    """Return one split after another in the order of time: learn from all before a cut, be judged up to the next one.

    Purged: no training sample touches a row that a test sample touches. So the answers of the last training samples are
    known before the first test sample begins to look.

    Parameters
    ----------
    rows : array_like of int
        The rows "now" of all samples, increasing (`complete_rows`).
    cuts : sequence of int
        The first row of each test block, and the end of the last one: increasing.
    lookback, horizon : int
        What a sample touches: rows now - lookback to now + horizon.

    Returns
    -------
    list of Fold
        One for each block, ``len(cuts) - 1``; the training rows grow from fold to fold. A test sample's answer may lie
        beyond the end of its block.

    Raises
    ------
    TypeError
        If a row or size is no whole number.
    ValueError
        If rows or cuts do not increase, and for a fold that has no training or no test sample.
    """
    rows = _rows(rows)
    lookback, horizon = whole_number("lookback", lookback, least=1), whole_number("horizon", horizon, least=1)
    cuts = [whole_number("a cut", cut, least=0) for cut in cuts]
    if len(cuts) < 2 or any(np.diff(cuts) <= 0):
        raise ValueError(f"cuts is {cuts}; expected the beginning of each test block, and the end of the last one.")
    if (np.diff(rows) <= 0).any():
        raise ValueError("rows do not increase; expected the rows of complete_rows, in the order of time.")
    folds = []
    for start, stop in pairwise(cuts):
        test = rows[(rows >= start) & (rows < stop)]
        train = rows[rows + horizon < test[0] - lookback] if test.size else rows[:0]
        if not train.size:
            raise ValueError(
                f"the block from {start} to {stop} has {test.size} test samples and no training sample before them."
            )
        folds.append(Fold(train, test))
    return folds


# ------------------------------------------------------------------------------------------------------------- chance


def block_starts(size: int, block: int, draws: int, rng) -> np.ndarray:
    """Return where the blocks of a circular block bootstrap begin: (draws, blocks), each from 0 to size - 1.

    As many blocks as cover the series; the last one is cut. Blocks wrap around its end, so that every item is drawn
    equally often (Politis and Romano, 1992).

    Raises
    ------
    TypeError, ValueError
        For sizes below 1, a block longer than the series, and an `rng` that is no generator.
    """
    size, draws = whole_number("size", size, least=1), whole_number("draws", draws, least=1)
    block, rng = whole_number("block", block, least=1, most=size), generator("rng", rng)
    return rng.integers(0, size, (draws, -(-size // block)))


def block_means(values, block: int, draws: int, rng) -> np.ndarray:
    """Return the mean of a series in each draw of a circular block bootstrap: its scatter is the mean's uncertainty.

    Parameters
    ----------
    values : array_like
        (size,), in the order of time: hits, or profits.
    block : int
        How many neighbours stay together. Longer than what neighbours have in common, much shorter than the series.
    draws : int
        How often the series is drawn.
    rng : numpy.random.Generator
        What draws.

    Returns
    -------
    numpy.ndarray
        float64 (draws,).

    Raises
    ------
    TypeError, ValueError
        As `block_starts`; for values that are no finite numbers in one row.
    """
    values = _series("values", values)
    return values[_drawn(len(values), block, draws, rng)].mean(axis=1)


def chance_accuracies(predicted, actual, block: int, draws: int, rng) -> np.ndarray:
    """Return the accuracies that the same forecasts would have if they had nothing to do with what happened.

    Forecasts and answers are drawn in blocks, each by itself: the shares of both classes and the likeness of neighbours
    stay, what connects the two goes. The 95 % quantile is what an accuracy has to exceed to be called more than chance
    at the level of 5 %.

    Parameters
    ----------
    predicted, actual : array_like
        Classes, (size,) each, in the order of time.
    block, draws, rng
        As for `block_means`.

    Returns
    -------
    numpy.ndarray
        float64 (draws,), from 0 to 1.

    Raises
    ------
    TypeError, ValueError
        As `block_means`; and ValueError if the two differ in length.
    """
    predicted, actual = _series("predicted", predicted), _series("actual", actual)
    if len(predicted) != len(actual):
        raise ValueError(f"{len(predicted)} forecasts and {len(actual)} answers; expected one for each.")
    first = _drawn(len(predicted), block, draws, rng)
    second = _drawn(len(actual), block, draws, rng)
    return (predicted[first] == actual[second]).mean(axis=1)


# -------------------------------------------------------------------------------------------------------------- costs


def net_returns(positions, moves, cost: float) -> np.ndarray:
    """Return what each step earns after costs: position times move, less the cost of every change of the position.

    Parameters
    ----------
    positions : array_like
        (steps,): what is held during each step, as a share of the capital; 1 bought, -1 sold short, 0 nothing. Before
        the first step and after the last one nothing is held.
    moves : array_like
        (steps,), the logarithmic move of the price during each step. The steps follow each other without overlap.
    cost : float
        For each unit of the capital that is traded: fee, and half of the spread. 0.001 is 10 basis points (bp). From 1
        to -1 two units are traded.

    Returns
    -------
    numpy.ndarray
        float64 (steps,). The last one also pays for the way out.

    Raises
    ------
    TypeError
        If something is no number.
    ValueError
        If positions and moves differ in length, are not finite or in more than one row; for a negative cost.
    """
    positions, moves = _series("positions", positions), _series("moves", moves)
    cost = finite_number("cost", cost, least=0.0)
    if len(positions) != len(moves):
        raise ValueError(f"{len(positions)} positions and {len(moves)} moves; expected one for each step.")
    traded = np.abs(np.diff(positions, prepend=0.0))
    traded[-1] += abs(positions[-1])
    return positions * moves - cost * traded


def break_even_cost(positions, moves) -> float:
    """Return the cost at which `net_returns` sum to 0; negative for a loss without any cost, NaN if nothing is traded.

    Raises
    ------
    TypeError, ValueError
        As `net_returns`.
    """
    gross = net_returns(positions, moves, 0.0).sum()
    traded = gross - net_returns(positions, moves, 1.0).sum()
    return float(gross / traded) if traded else float("nan")


# ------------------------------------------------------------------------------------------------------------- checks


def _prices(price) -> np.ndarray:
    price = real_array("price", price).astype(np.float64)
    if price.ndim not in (1, 2) or not price.size:
        raise ValueError(f"price has shape {price.shape}; expected (rows,) or (rows, coins).")
    if (~np.isnan(price) & ~((price > 0) & np.isfinite(price))).any():
        raise ValueError("a price is 0, negative or infinite; expected positive numbers, NaN where one is missing.")
    return price


def _rows(rows) -> np.ndarray:
    rows = np.asarray(rows)
    if rows.ndim != 1 or (rows.size and rows.dtype.kind not in "iu"):
        raise TypeError(f"rows has type {rows.dtype} and shape {rows.shape}; expected whole numbers (samples,).")
    return rows.astype(np.int64)


def _series(name: str, values) -> np.ndarray:
    values = real_array(name, values).astype(np.float64)
    if values.ndim != 1 or not values.size or not np.isfinite(values).all():
        raise ValueError(f"{name} has shape {values.shape}; expected finite numbers (size,), one or more.")
    return values


def _drawn(size: int, block: int, draws: int, rng) -> np.ndarray:
    """Return the places that each draw takes, (draws, size)."""
    starts = block_starts(size, block, draws, rng)
    return ((starts[:, :, None] + np.arange(block)) % size).reshape(draws, -1)[:, :size]
