"""The calendar's waves against formulas and a known curve; the weather's columns against values worked out by hand."""

import numpy as np
import pandas as pd
import pytest

from utils import forecasts


def table(rows=30, **changes):
    """Return a small table in the form of the Beijing file."""
    index = pd.date_range("2010-01-01", periods=rows, freq="h", name="time")
    columns = {"pm2.5": np.nan, "DEWP": -5.0, "TEMP": np.arange(rows, dtype=float), "PRES": 1010.0, "cbwd": "NE"}
    return pd.DataFrame(columns | {"Iws": 0.0, "Is": 0.0, "Ir": 0.0} | changes, index=index)


def test_a_curve_made_of_yearly_and_daily_waves_is_found_exactly():
    index = pd.date_range("2010-01-01", "2012-12-31 23:00", freq="h")
    days = np.asarray((index - pd.Timestamp("2000-01-01")) / pd.Timedelta("1D"))
    year, day = 2 * np.pi * days / 365.2425, 2 * np.pi * days
    curve = 12 - 15 * np.cos(year) + 4 * np.sin(day) + 2 * np.sin(2 * year) * np.cos(2 * day)
    waves = forecasts.calendar_waves(index)
    fitted = waves @ np.linalg.lstsq(waves, curve, rcond=None)[0]
    assert waves.shape == (len(index), 25) and np.linalg.matrix_rank(waves) == 25
    assert np.allclose(fitted, curve, atol=1e-8)


def test_waves_come_back_after_a_day_but_for_the_season():
    waves = forecasts.calendar_waves(pd.date_range("2010-01-01", periods=49, freq="h"))
    assert np.allclose(waves[:25, 1:5], waves[24:49, 1:5]) and (waves[:, 0] == 1).all()
    assert not np.allclose(waves[:24, 5:], waves[24:48, 5:], atol=1e-3)


def test_columns_hold_what_their_names_say():
    found = forecasts.weather_columns(table(Iws=[np.e - 1] * 30, cbwd=["SE", "cv"] * 15))
    measured = ["DEWP", "TEMP", "PRES", "log Iws", "log Is", "log Ir"]
    assert list(found.columns[:6]) == measured and found.shape == (30, 12)
    assert np.allclose(found["log Iws"], 1) and np.array_equal(found["TEMP"], np.arange(30))
    assert np.allclose(found.loc[found.index[0], ["sin wind", "cos wind"]], [0.5**0.5, -(0.5**0.5)])
    assert (found.loc[found.index[1], ["sin wind", "cos wind"]] == 0).all()
    assert np.allclose(found.loc["2010-01-01 06:00", ["sin hour", "cos hour", "sin year", "cos year"]], [1, 0, 0, 1])


def test_midnight_lies_next_to_the_hour_before_it():
    clock = forecasts.weather_columns(table())[["sin hour", "cos hour"]].to_numpy()
    steps = np.linalg.norm(np.diff(clock, axis=0), axis=1)
    assert np.allclose(steps, 2 * np.sin(np.pi / 24))


def test_gaps_in_the_pollution_do_not_matter_others_do():
    assert np.isfinite(forecasts.weather_columns(table()).to_numpy()).all()
    with pytest.raises(ValueError, match="must be finite numbers; fill the gaps"):
        forecasts.weather_columns(table(TEMP=np.nan))


@pytest.mark.parametrize(
    ("frame", "error", "message"),
    [
        (table().reset_index(), TypeError, "RangeIndex; expected a DatetimeIndex"),
        (table(0), ValueError, "index is empty"),
        (table().drop(columns=["PRES"]), ValueError, r"lacks \['PRES'\]"),
        (table(cbwd="N"), ValueError, r"directions \['N'\] are unknown; expected NE, SE, NW or cv"),
    ],
)
def test_a_wrong_table_is_named(frame, error, message):
    with pytest.raises(error, match=message):
        forecasts.weather_columns(frame)


def test_waves_want_dates():
    with pytest.raises(TypeError, match="expected a DatetimeIndex"):
        forecasts.calendar_waves([1, 2, 3])
