"""Windows against a slow loop and against Keras; scaling against a hand computation; errors that say what to do."""

import keras
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from utils import timeseries


def row_numbers(num_rows, num_features=2):
    """Return data whose every value is its row number, and the row numbers as target: windows tell on themselves."""
    rows = np.arange(num_rows)
    return np.repeat(rows[:, None], num_features, axis=1).astype("float32"), rows.astype("float32")


def everything(dataset):
    """Return all inputs and all targets of a data set as two arrays."""
    inputs, targets = zip(*((np.asarray(x), np.asarray(y)) for x, y in dataset))
    return np.concatenate(inputs), np.concatenate(targets)


def slow_windows(data, target, start, stop, lookback, step, delay, stride):
    """Return what `windows` should give, by the lecture's lines: keep each row i whose window is inside the range."""
    inputs, targets = [], []
    for i in range(start, stop):
        picked = range(i - lookback, i, step)
        if picked[0] >= start and i + delay < stop:
            inputs.append([data[row] for row in picked])
            targets.append(target[i + delay])
    return np.array(inputs[::stride]), np.array(targets[::stride])


sizes = st.fixed_dictionaries(
    {
        "start": st.integers(0, 20),
        "lookback": st.integers(1, 24),
        "step": st.integers(1, 6),
        "delay": st.integers(0, 12),
        "stride": st.integers(1, 7),
    }
)


@settings(max_examples=40, deadline=None)
@given(sizes, st.integers(1, 60), st.integers(1, 9))
def test_windows_equal_a_slow_loop(size, length, batch_size):
    stop = size["start"] + length
    rng = np.random.default_rng(length)
    data, target = rng.normal(size=(90, 3)).astype("float32"), rng.normal(size=90).astype("float32")
    expected_inputs, expected_targets = slow_windows(data, target, stop=stop, **size)
    if not len(expected_inputs):
        with pytest.raises(ValueError, match="too few"):
            timeseries.windows(data, target, stop=stop, batch_size=batch_size, **size)
        return
    inputs, targets = everything(timeseries.windows(data, target, stop=stop, batch_size=batch_size, **size))
    np.testing.assert_array_equal(inputs, expected_inputs)
    np.testing.assert_array_equal(targets, expected_targets)


@pytest.mark.parametrize("shuffle", [False, True])
def test_no_window_leaves_its_rows_and_every_target_is_delay_rows_later(shuffle):
    data, target = row_numbers(400)
    for start, stop in timeseries.split_rows(400, 150, 260):
        inputs, targets = everything(
            timeseries.windows(data, target, 60, 6, 24, 7, start=start, stop=stop, shuffle=shuffle, seed=1)
        )
        assert inputs.min() == start, "the first window should begin at the first row of its range"
        assert targets.max() == stop - 1, "the last target should be the last row of its range"
        np.testing.assert_array_equal(targets - inputs[:, -1, 0], 24 + 6)
        np.testing.assert_array_equal(np.diff(inputs[:, :, 0], axis=1), 6)


def test_the_windows_are_those_of_keras():
    rng = np.random.default_rng(0)
    data, target = rng.normal(size=(500, 4)).astype("float32"), rng.normal(size=500).astype("float32")
    start, stop, lookback, step, delay = 100, 400, 72, 3, 20
    seen = data[start : stop - delay - step]  # the newest sample is `step` rows before i
    theirs = keras.utils.timeseries_dataset_from_array(
        seen, target[start + lookback + delay : stop], lookback // step, sampling_rate=step
    )
    ours = timeseries.windows(data, target, lookback, step, delay, 64, start=start, stop=stop)
    for mine, other in zip(everything(ours), everything(theirs), strict=True):
        np.testing.assert_array_equal(mine, other)


def test_several_delays_give_a_column_each():
    data, target = row_numbers(200)
    inputs, targets = everything(timeseries.windows(data, target, 30, 3, (6, 0, 18), 16, start=20, stop=120))
    np.testing.assert_array_equal(targets - inputs[:, -1, :1], np.tile([9, 3, 21], (len(inputs), 1)))
    assert targets.max() == 119


def test_shuffling_draws_each_window_once_a_pass_and_anew_at_each_pass():
    data, target = row_numbers(300)

    def drawn(seed):
        dataset = timeseries.windows(data, target, 12, 2, 5, batch_size=32, shuffle=True, seed=seed)
        return [everything(dataset)[1] for _ in range(2)]

    first, second = drawn(3)
    assert not np.array_equal(first, np.sort(first))
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(np.sort(first), np.sort(second))
    np.testing.assert_array_equal(np.sort(first), np.arange(12 + 5, 300))
    np.testing.assert_array_equal(first, drawn(3)[0])
    assert not np.array_equal(first, drawn(4)[0])


@pytest.mark.parametrize("kind", ["float32", "int16", "uint8"])
def test_mean_and_deviation_are_computed_in_double_precision(kind):
    """A hundred thousand rows far from zero: sums in the data's own type would be off, or overflow."""
    data = np.random.default_rng(4).integers(200, 210, size=(100_000, 2)).astype(kind)
    _, mean, std = timeseries.normalise(data, (0, 100_000))
    assert mean.dtype == std.dtype == np.float64
    exact = [sum(map(int, column)) / 100_000 for column in data.T]
    np.testing.assert_allclose(mean, exact, rtol=1e-12)
    spread = [(sum((int(x) - m) ** 2 for x in column) / 100_000) ** 0.5 for column, m in zip(data.T, exact)]
    np.testing.assert_allclose(std, spread, rtol=1e-10)


@pytest.mark.parametrize("rows", [(5, 5), (6, 5), (-1, 5)])
def test_scaling_wants_training_rows(rows):
    with pytest.raises(ValueError, match="inside it"):
        timeseries.normalise(np.arange(20.0).reshape(10, 2), rows)


def test_normalise_leaves_its_argument_alone():
    data = np.arange(20.0).reshape(10, 2)
    timeseries.normalise(data, (0, 5))
    np.testing.assert_array_equal(data, np.arange(20.0).reshape(10, 2))


def test_persistence_error_of_the_first_and_the_last_row():
    target = np.array([5, 3, 250, 1], "uint8")  # differences below 0: unsigned numbers would wrap
    assert timeseries.persistence_error(target, np.array([1]), 0) == 2
    assert timeseries.persistence_error(target, np.array([3], "uint8"), 0) == 249
    assert timeseries.persistence_error(target, np.array([1, 2, 3]), 0) == pytest.approx((2 + 247 + 249) / 3)
    assert timeseries.persistence_error(target, np.array([2], "uint8"), 1, step=2) == 4


def test_a_range_of_exactly_one_window_is_enough():
    data, target = row_numbers(60)
    inputs, targets = everything(timeseries.windows(data, target, 23, 2, 24, 8, start=7, stop=7 + 48))
    assert inputs[:, :, 0].tolist() == [list(range(7, 30, 2))] and targets.tolist() == [30 + 24]
    with pytest.raises(ValueError, match="touches 48 rows"):
        timeseries.window_rows(7, 7 + 47, 23, 2, 24)


def test_a_whole_series_needs_no_range():
    """As the lecture counts: the first window begins at row 0, the last target is the last row."""
    features, target = row_numbers(50)
    inputs, targets = everything(timeseries.windows(features, target, 10, 4, 3, 16))
    assert inputs[0, :, 0].tolist() == [0, 4, 8] and inputs[-1, :, 0].tolist() == [36, 40, 44]
    assert targets.tolist() == list(range(13, 50))


@pytest.mark.parametrize("kind", ["float64", "int64", "float16"])
def test_windows_are_single_precision_whatever_the_series_is(kind):
    data, target = (array.astype(kind) for array in row_numbers(100))
    for x, y in timeseries.windows(data, target, 10, 2, (3, 5), batch_size=16):
        assert (x.dtype, y.dtype) == ("float32", "float32")
    with pytest.raises(ValueError, match=r"got \(100, 2\) and \(100, 2\)"):
        timeseries.windows(data, data, 10, 2, 3, batch_size=16)


def test_drop_remainder_keeps_one_shape():
    data, target = row_numbers(100)
    shapes = {len(x) for x, _ in timeseries.windows(data, target, 10, 2, 3, batch_size=16, drop_remainder=True)}
    assert shapes == {16}


def test_split_rows_covers_every_row_once_in_order():
    ranges = timeseries.split_rows(420_551, 200_000, 300_000)
    assert ranges == ((0, 200_000), (200_000, 300_000), (300_000, 420_551))
    for wrong in ((0,), (5, 5), (7, 3), (10,), (12,)):
        with pytest.raises(ValueError, match="do not divide"):
            timeseries.split_rows(10, *wrong)


@pytest.mark.parametrize("numbers", [(1000, 0.8 * 1000), (1000.0, 800), (True, 800), (1000, "800")])
def test_split_rows_takes_whole_numbers_only(numbers):
    with pytest.raises(TypeError, match="expected a whole number"):
        timeseries.split_rows(*numbers)


def test_normalise_knows_only_the_training_rows():
    rng = np.random.default_rng(1)
    data = rng.normal(loc=[3, -50], scale=[2, 9], size=(1000, 2))
    scaled, mean, std = timeseries.normalise(data, (100, 600))
    np.testing.assert_allclose(scaled[100:600].mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(scaled[100:600].std(axis=0), 1, atol=1e-5)
    np.testing.assert_allclose(scaled * std + mean, data, atol=1e-4)
    changed = data.copy()
    changed[600:] *= 1000  # the future
    changed[:100] += 77
    again, mean_again, std_again = timeseries.normalise(pd.DataFrame(changed), (100, 600))
    np.testing.assert_array_equal(mean, mean_again)
    np.testing.assert_array_equal(std, std_again)
    np.testing.assert_array_equal(scaled[100:600], again[100:600])
    assert scaled.dtype == np.float32


def test_normalise_says_what_is_wrong():
    data = np.arange(20.0).reshape(10, 2)
    with pytest.raises(ValueError, match="inside it"):
        timeseries.normalise(data, (0, 11))
    with pytest.raises(ValueError, match=r"columns \[1\] are constant"):
        timeseries.normalise(np.c_[np.arange(10.0), np.ones(10)], (0, 10))
    with pytest.raises(TypeError, match=r"a bound of train_rows is 6\.0"):
        timeseries.normalise(data, (0, 0.6 * 10))
    data[9, 0] = np.nan
    with pytest.raises(ValueError, match=r"columns \[0\] hold NaN"):
        timeseries.normalise(data, (0, 5))


@pytest.mark.parametrize("level", [1.0, 0.1, 1e-9, 1e9])
def test_a_column_that_varies_by_rounding_only_counts_as_constant(level):
    """Later rows would else come out as billions of standard deviations."""
    rng = np.random.default_rng(3)
    column = level * (1 + 1e-12 * rng.normal(size=100))
    column[60:] = 3 * level
    data = np.c_[rng.normal(size=100), column]
    with pytest.raises(ValueError, match=r"columns \[1\] are constant over rows 0 to 60, or vary by no more than"):
        timeseries.normalise(data, (0, 60))
    data[:60, 1] = level * (1 + 1e-5 * rng.normal(size=60))  # little, but measured
    assert np.isfinite(timeseries.normalise(data, (0, 60))[0]).all()


def test_persistence_error_equals_a_loop():
    rng = np.random.default_rng(2)
    target = rng.normal(size=300).cumsum()
    rows = timeseries.window_rows(50, 250, 30, 5, 12, stride=4)
    expected = sum(abs(target[i + 12] - target[i - 5]) for i in rows) / len(rows)
    assert timeseries.persistence_error(target, rows, 12, step=5) == pytest.approx(expected)
    assert timeseries.persistence_error(np.arange(300.0), rows, 12, step=5) == 17
    for wrong in ([], [288], [4, 5]):
        with pytest.raises(ValueError, match="expected rows from 5 to 287, so that i - 5 and i"):
            timeseries.persistence_error(target, np.array(wrong, dtype=int), 12, step=5)


def test_a_forecast_of_the_past_is_no_forecast():
    with pytest.raises(ValueError, match="delay is -1; expected a whole number, 0 or more"):
        timeseries.persistence_error(np.arange(300.0), np.arange(5, 20), -1)
    with pytest.raises(ValueError, match="step is 0; expected a whole number, 1 or more"):
        timeseries.persistence_error(np.arange(300.0), np.arange(5, 20), 1, step=0)


def test_rows_and_delays_are_whole_numbers():
    with pytest.raises(TypeError, match=r"delay is 12\.0"):
        timeseries.persistence_error(np.arange(300.0), np.arange(5, 20), 12.0)
    with pytest.raises(TypeError, match="rows are of type float64"):
        timeseries.persistence_error(np.arange(300.0), np.arange(5.0, 20.0), 12)


def test_the_lecture_s_sizes():
    rows = timeseries.window_rows(0, 200_000, 1440, 6, 144)
    assert (rows[0], rows[-1], len(rows)) == (1440, 199_855, 198_416)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"stop": 40}, "touches 49 rows"),
        ({"lookback": 0}, "lookback is 0"),
        ({"delay": -1}, "delay is -1"),
        ({"stride": 0}, "stride is 0"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"delay": ()}, r"delay has shape \(0,\)"),
        ({"delay": [[1], [2]]}, r"delay has shape \(2, 1\)"),
        ({"delay": (3, -2)}, "delay is -2"),
        ({"start": -1}, "start at 0"),
        ({"stop": 101}, "which has 100 rows"),
        ({"target": np.zeros(99)}, r"got \(100, 2\) and \(99,\)"),
        ({"features": np.zeros(100)}, r"got \(100,\) and \(100,\)"),
    ],
)
def test_clear_errors(changes, message):
    data, target = row_numbers(100)
    good = {"features": data, "target": target, "start": 0, "stop": 100, "lookback": 24, "step": 2, "delay": 24}
    with pytest.raises(ValueError, match=message):
        timeseries.windows(**{**good, "batch_size": 8, **changes})


@pytest.mark.parametrize("name", ["start", "stop", "lookback", "step", "delay", "stride", "batch_size", "seed"])
def test_sizes_are_whole_numbers(name):
    """A float that happens to be whole is refused where it comes in, not rows later."""
    data, target = row_numbers(100)
    sizes = {"start": 0, "stop": 100, "lookback": 24, "step": 2, "delay": 24, "batch_size": 8, "stride": 1, "seed": 0}
    with pytest.raises(TypeError, match=rf"{name} is \d+\.0; expected a whole number"):
        timeseries.windows(data, target, **{**sizes, name: float(sizes[name])}, shuffle=True)
