"""Windows over a measured series: what went in, what is to be forecast, and no leak between the two.

What belongs here: cutting rows into training, validation and test, scaling by the training rows, gathering windows
batch by batch, and the error of the forecast that any model has to beat. Taught in `14_jena_forecasting`. What
does not: models, pictures, and reading files.

Rows are numbered from 0; a range of rows is (start, stop) with stop not included. A window belongs to one row i, as in
the generator of the lecture (part E): it shows the rows ``i - lookback, i - lookback + step, ... < i``, and its target
is at row ``i + delay``. Row i itself is not seen. With a step of one the newest row seen is i - 1, so a forecast of the
next row has delay 0. Row counts, not times: on a series with gaps, 144 rows are a day only where no row is missing.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from utils.arguments import whole_number


def split_rows(num_rows: int, *cuts: int) -> tuple[tuple[int, int], ...]:
    """Return the ranges of rows into which `cuts` divide a series, in the order of time.

    Parameters
    ----------
    num_rows : int
        The number of rows of the series.
    *cuts : int
        The first row of every range but the first, in increasing order.

    Returns
    -------
    tuple of (int, int)
        One (start, stop) for each range, stop not included; together they cover every row once.

    Raises
    ------
    TypeError
        If a number is no whole one: 0.8 * num_rows is a float, int(0.8 * num_rows) is not.
    ValueError
        Unless 0 < cut < cut < ... < num_rows.

    Examples
    --------
    The training, validation and test rows of the lecture:

    >>> split_rows(420_551, 200_000, 300_000)
    ((0, 200000), (200000, 300000), (300000, 420551))
    """
    num_rows = whole_number("num_rows", num_rows, least=1)
    edges = (0, *(whole_number("a cut", cut) for cut in cuts), num_rows)
    if any(left >= right for left, right in pairwise(edges)):
        raise ValueError(f"cuts {cuts} do not divide {num_rows} rows: expected increasing numbers between 0 and that.")
    return tuple(pairwise(edges))


def normalise(data, train_rows: tuple[int, int]):
    """Subtract from every column its mean and divide by its standard deviation, both of the training rows.

    Parameters
    ----------
    data : array_like
        Numbers, (rows, features); a DataFrame will do.
    train_rows : (int, int)
        The range (start, stop) that mean and standard deviation are computed from.

    Returns
    -------
    scaled : numpy.ndarray
        float32, of the shape of the data, without unit.
    mean, std : numpy.ndarray
        float64 (features,), in the units of the data, so that an error in scaled units times `std` is an error in
        those units.

    Raises
    ------
    TypeError
        If a bound of the range is no whole number.
    ValueError
        For a value that is NaN or infinite anywhere, a range outside the data, and a column that is constant over the
        training rows, or so nearly that float32 could not tell: its standard deviation is less than 1.2e-7 of its
        largest absolute value. Divided by such rounding noise, later rows would come out as billions.
    """
    values = np.array(data, dtype=np.float64, order="C")
    start, stop = (whole_number("a bound of train_rows", bound) for bound in train_rows)
    if values.ndim != 2 or not 0 <= start < stop <= len(values):
        raise ValueError(f"expected data (rows, features) and rows inside it, got {values.shape} and {train_rows}.")
    broken = np.flatnonzero(~np.isfinite(values).all(axis=0))
    if broken.size:
        raise ValueError(f"columns {broken.tolist()} hold NaN or infinite values; clean them before scaling.")
    mean, std = values[start:stop].mean(axis=0), values[start:stop].std(axis=0)
    constant = np.flatnonzero(std <= np.finfo(np.float32).eps * np.abs(values).max(axis=0))
    if constant.size:
        raise ValueError(
            f"columns {constant.tolist()} are constant over rows {start} to {stop}, or vary by no more than rounding "
            "does; leave them out."
        )
    return ((values - mean) / std).astype(np.float32), mean, std


def window_rows(start: int, stop: int, lookback: int, step: int, delay: int | Sequence[int], stride: int = 1):
    """Return the rows i of all windows whose inputs and targets lie inside a range of rows.

    Parameters
    ----------
    start, stop : int
        The range of rows; stop is not included.
    lookback : int
        The length of the past, in rows: a window begins at row i - lookback.
    step : int
        Rows between two samples of the input, which are ``ceil(lookback / step)``.
    delay : int or sequence of int
        Rows from i to the target, or to each of several targets; 0 is row i, the first that a window does not show.
    stride : int
        Rows between two windows.

    Returns
    -------
    numpy.ndarray
        int64 (windows,), increasing.

    Raises
    ------
    TypeError
        For sizes that are no whole numbers.
    ValueError
        For a lookback, step or stride below 1, a delay below 0, and a range too short for a single window; the message
        says how many rows are needed.
    """
    start, stop = whole_number("start", start), whole_number("stop", stop)
    lookback, step = whole_number("lookback", lookback, least=1), whole_number("step", step, least=1)
    stride, future = whole_number("stride", stride, least=1), max(_delays(delay))
    if start < 0 or stop - start < lookback + future + 1:
        raise ValueError(
            f"rows {start} to {stop} are too few: a window with lookback {lookback} and delay {future} touches "
            f"{lookback + future + 1} rows, and the range must start at 0 or later."
        )
    return np.arange(start + lookback, stop - future, stride)


def windows(
    features,
    target,
    lookback: int,
    step: int,
    delay: int | Sequence[int],
    batch_size: int,
    *,
    start: int = 0,
    stop: int | None = None,
    stride: int = 1,
    shuffle: bool = False,
    seed: int | None = None,
    drop_remainder: bool = False,
):
    """Return the windows of a series, or of a range of its rows, as a `tf.data.Dataset` of (inputs, targets).

    Parameters
    ----------
    features : array_like
        (rows, features).
    target : array_like
        (rows,), the quantity to be forecast, aligned with the rows of `features`.
    lookback, step, delay, stride
        As for `window_rows`.
    batch_size : int
        Windows in a batch.
    start, stop : int
        The range of rows that inputs and targets lie in; stop is not included, and None is the end of the series.
    shuffle : bool
        Whether the windows are drawn in a new order at each pass. Call `fit` with ``shuffle=False``: a data set
        shuffles itself.
    seed : int, optional
        Equal seeds give equal orders.
    drop_remainder : bool
        Whether a last, shorter batch is left out (a new shape makes XLA compile again).

    Returns
    -------
    tf.data.Dataset
        Inputs are float32 (batch, ceil(lookback / step), features), the oldest sample first: the rows
        ``i - lookback, i - lookback + step, ... < i``. Targets are float32 (batch,), ``target[i + delay]``;
        (batch, delays) if `delay` is a sequence.

    Raises
    ------
    TypeError, ValueError
        As `window_rows`; and ValueError if features and target differ in length, or if the range leaves the series.

    Notes
    -----
    The windows are those of `keras.utils.timeseries_dataset_from_array`, gathered once a batch instead of once a
    window.
    """
    import tensorflow as tf

    features, target = np.asarray(features, dtype=np.float32), np.asarray(target, dtype=np.float32)
    if features.ndim != 2 or target.shape != features.shape[:1]:
        raise ValueError(
            f"expected features (rows, features) and target (rows,), got {features.shape} and {target.shape}."
        )
    batch_size = whole_number("batch_size", batch_size, least=1)
    stop = len(features) if stop is None else stop
    rows = window_rows(start, stop, lookback, step, delay, stride)
    if stop > len(features):
        raise ValueError(f"rows {start} to {stop} leave the series, which has {len(features)} rows.")
    past = np.arange(-lookback, 0, step)
    ahead = np.asarray(delay)
    inputs, answers = tf.constant(features), tf.constant(target)

    def gather(i):
        x = tf.gather(inputs, i[:, None] + past)  # (batch, time, features)
        return x, tf.gather(answers, i[:, None] + ahead if ahead.ndim else i + ahead)

    order = tf.data.Dataset.from_tensor_slices(rows)
    if shuffle:
        order = order.shuffle(len(rows), seed=seed if seed is None else whole_number("seed", seed))
    batches = order.batch(batch_size, drop_remainder=drop_remainder)
    return batches.map(gather, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)


def persistence_error(target, rows, delay: int, step: int = 1) -> float:
    """Return the mean absolute error of persistence, the forecast "as it was when last seen".

    Parameters
    ----------
    target : array_like
        (series,), the quantity to be forecast.
    rows : array_like of int
        The rows i of the windows, (windows,), as `window_rows` returns them.
    delay : int
        Rows from i to the target, at least 0.
    step : int
        Rows from the newest sample of a window to i: its step, where that divides the lookback.

    Returns
    -------
    float
        In the units of `target`: the mean of ``|target[i + delay] - target[i - step]|``.

    Raises
    ------
    TypeError
        If `delay`, `step` or the rows are no whole numbers.
    ValueError
        If the delay is below 0 or the step below 1, if a window would leave the series, or if there are no rows.
    """
    target, rows = np.asarray(target, dtype=np.float64), np.asarray(rows)
    delay, step = whole_number("delay", delay, least=0), whole_number("step", step, least=1)
    if rows.size and rows.dtype.kind not in "iu":
        raise TypeError(f"rows are of type {rows.dtype}; expected whole numbers, as window_rows returns them.")
    if rows.size == 0 or rows.min() < step or rows.max() + delay >= len(target):
        raise ValueError(
            f"expected rows from {step} to {len(target) - delay - 1}, so that i - {step} and i + {delay} are in the "
            "series."
        )
    rows = rows.astype(np.int64)  # unsigned rows would wrap below 0
    return float(np.abs(target[rows + delay] - target[rows - step]).mean())


def _delays(delay) -> list[int]:
    """Return one delay or several as a list."""
    several = np.ndim(delay) > 0
    if several and (np.ndim(delay) > 1 or len(delay) == 0):
        raise ValueError(f"delay has shape {np.shape(delay)}; expected one number of rows, or a row of them.")
    return [whole_number("delay", each, least=0) for each in (delay if several else [delay])]
