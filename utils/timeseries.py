"""Windows over a measured series: what went in, what is to be forecast, and no leak between the two.

What belongs here: cutting rows into training, validation and test, scaling by the training rows, gathering windows
batch by batch, and the error of the forecast that any model has to beat. Taught in `14_jena_forecasting`. What
does not: models, pictures, and reading files.

Rows are numbered from 0; a range of rows is (start, stop) with stop not included. Every window has one row "now": its
last input sample is at row `now`, its target is at row `now + delay`. Row counts, not times: on a series with gaps, a
delay of 144 rows is a day only where no row is missing.
"""

from collections.abc import Sequence
from itertools import pairwise
from numbers import Integral

import numpy as np


def split_rows(num_rows: int, *cuts: int) -> tuple[tuple[int, int], ...]:
    """Return ranges of rows (start, stop), in the order of time, that `cuts` divide 0..num_rows into.

    `split_rows(420_551, 200_000, 300_000)` gives training, validation and test rows of the lecture.
    Raises ValueError unless 0 < cut < cut < ... < num_rows.
    """
    edges = (0, *cuts, num_rows)
    if any(left >= right for left, right in pairwise(edges)):
        raise ValueError(f"cuts {cuts} do not divide {num_rows} rows: expected increasing numbers between 0 and that.")
    return tuple(pairwise(edges))


def normalise(data, train_rows: tuple[int, int]):
    """Return (scaled, mean, std): every column minus its mean, divided by its standard deviation, of the training rows.

    data : array or frame of numbers, (rows, features). train_rows : (start, stop).
    scaled : float32 array of the same shape; mean, std : float64 arrays (features,) in the units of the data, so that
    an error in scaled units times std is an error in those units.

    Raises ValueError for a value that is NaN or infinite anywhere, a range outside the data, and a column that is
    constant over the training rows.
    """
    values = np.array(data, dtype=np.float64, order="C")
    start, stop = train_rows
    if values.ndim != 2 or not 0 <= start < stop <= len(values):
        raise ValueError(f"expected data (rows, features) and rows inside it, got {values.shape} and {train_rows}.")
    broken = np.flatnonzero(~np.isfinite(values).all(axis=0))
    if broken.size:
        raise ValueError(f"columns {broken.tolist()} hold NaN or infinite values; clean them before scaling.")
    mean, std = values[start:stop].mean(axis=0), values[start:stop].std(axis=0)
    constant = np.flatnonzero(std == 0)
    if constant.size:
        raise ValueError(f"columns {constant.tolist()} are constant over rows {start} to {stop}; leave them out.")
    return ((values - mean) / std).astype(np.float32), mean, std


def window_rows(start: int, stop: int, lookback: int, step: int, delay: int | Sequence[int], stride: int = 1):
    """Return the rows "now", int64 (windows,), whose inputs and targets all lie in rows start..stop-1.

    lookback : length of the past in rows; the input has `lookback // step` samples, `step` rows apart, the last one
    at row now. delay : rows from now to the target, or several such numbers. stride : rows between two windows.

    Raises ValueError for sizes that are not positive whole numbers, a lookback shorter than a step, and a range too
    short for a single window; the message says how many rows are needed.
    """
    delays = np.atleast_1d(delay)
    for name, value in (("lookback", lookback), ("step", step), ("stride", stride), *(("delay", d) for d in delays)):
        if not isinstance(value, Integral) or value < 1:
            raise ValueError(f"{name} is {value}; expected a whole number of rows, at least 1.")
    if lookback < step:
        raise ValueError(f"lookback ({lookback}) is shorter than one step ({step}), so the input would be empty.")
    past, future = (lookback // step - 1) * step, int(delays.max())
    if start < 0 or stop - start < past + 1 + future:
        raise ValueError(
            f"rows {start} to {stop} are too few: a window with lookback {lookback}, step {step} and delay "
            f"{future} touches {past + 1 + future} rows, and the range must start at 0 or later."
        )
    return np.arange(start + past, stop - future, stride)


def windows(
    data,
    target,
    start: int,
    stop: int,
    lookback: int,
    step: int,
    delay: int | Sequence[int],
    batch_size: int,
    *,
    stride: int = 1,
    shuffle: bool = False,
    seed: int | None = None,
    drop_remainder: bool = False,
):
    """Return a tf.data.Dataset of (inputs, targets) whose windows touch no row outside start..stop-1.

    data : (rows, features); target : (rows,), the quantity to be forecast, aligned with the rows of data.
    inputs : float32 (batch, lookback // step, features), the oldest sample first, the last one at row now;
    targets : float32 (batch,), `target[now + delay]`; (batch, delays) if `delay` is a sequence.

    stride : rows between two windows. shuffle : draw the windows in a new order at each pass, the same orders for the
    same seed. drop_remainder : leave out a last, shorter batch (a new shape makes XLA compile again).

    The windows are those of `keras.utils.timeseries_dataset_from_array`, gathered once a batch instead of once a
    window. Call fit with `shuffle=False`: a data set shuffles itself. Raises ValueError as `window_rows` does, if data
    and target differ in length, or if the range leaves the data.
    """
    import tensorflow as tf

    data, target = np.asarray(data, dtype=np.float32), np.asarray(target, dtype=np.float32)
    if data.ndim != 2 or target.shape != data.shape[:1]:
        raise ValueError(f"expected data (rows, features) and target (rows,), got {data.shape} and {target.shape}.")
    if stop > len(data):
        raise ValueError(f"rows {start} to {stop} leave the data, which has {len(data)} rows.")
    rows = window_rows(start, stop, lookback, step, delay, stride)
    past = np.arange(-(lookback // step - 1) * step, 1, step)
    ahead = np.asarray(delay)
    inputs, answers = tf.constant(data), tf.constant(target)

    def gather(now):
        x = tf.gather(inputs, now[:, None] + past)  # (batch, time, features)
        return x, tf.gather(answers, now[:, None] + ahead if ahead.ndim else now + ahead)

    order = tf.data.Dataset.from_tensor_slices(rows)
    if shuffle:
        order = order.shuffle(len(rows), seed=seed)
    batches = order.batch(batch_size, drop_remainder=drop_remainder)
    return batches.map(gather, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)


def persistence_error(target, rows, delay: int) -> float:
    """Return the mean absolute error, in the units of target, of the forecast "as now" over windows at `rows`.

    target : (series,); rows : the rows "now", as `window_rows` returns them; delay : rows from now to the target.
    Raises ValueError if a target would lie outside the series, or if there are no rows.
    """
    target, rows = np.asarray(target, dtype=np.float64), np.asarray(rows)
    if rows.size == 0 or rows.min() < 0 or rows.max() + delay >= len(target):
        raise ValueError(f"expected rows from 0 to {len(target) - delay - 1}, so that now + {delay} is in the series.")
    return float(np.abs(target[rows + delay] - target[rows]).mean())
