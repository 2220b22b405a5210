"""What forecasts of an hourly weather series start from: its calendar as smooth waves, its columns as numbers.

What belongs here: preparing a weather table for a forecast, with or without a network. Taught in
`14_jena_forecasting`. What does not: reading files (`utils.datasets`), windows and scaling (`utils.timeseries`).
"""

import numpy as np
import pandas as pd

YEAR = 365.2425
"""The mean length of a year in days."""
COMPASS = {"NE": 45, "SE": 135, "NW": 315}
"""The directions of the Beijing file in degrees; calm and variable wind (cv) has none."""


def calendar_waves(index) -> np.ndarray:
    """Return two yearly and two daily waves, and all their products, at every moment of an index.

    A least-squares fit of a temperature to these columns is its climatology: what is usual on this day of the year at
    this hour.

    Parameters
    ----------
    index : pandas.DatetimeIndex
        The moments, without a time zone.

    Returns
    -------
    numpy.ndarray
        float64 (rows, 25), between -1 and 1; the first column is constant 1.

    Raises
    ------
    TypeError
        If `index` is no DatetimeIndex.
    ValueError
        If it is empty.
    """
    days = _moments(index)

    def waves(cycles):
        pairs = [f(2 * np.pi * k * cycles) for k in (1, 2) for f in (np.sin, np.cos)]
        return [np.ones_like(cycles), *pairs]

    return np.stack([year * day for year in waves(days / YEAR) for day in waves(days)], axis=1)


def weather_columns(beijing: pd.DataFrame) -> pd.DataFrame:
    """Return the Beijing table as twelve columns of plain numbers, ready to be scaled.

    Dew point, temperature and pressure stay as they are. Wind speed, snow and rain, which the station adds up hour by
    hour, become log(1 + x). The direction of the wind becomes sine and cosine of its angle (calm: 0 and 0), and so do
    the hour of the day and the day of the year, so that 23:00 lies next to 0:00.

    Parameters
    ----------
    beijing : pandas.DataFrame
        As `utils.datasets.load_beijing` returns it.

    Returns
    -------
    pandas.DataFrame
        float64 (rows, 12) over the same index; column 1 is the temperature (TEMP) in degC.

    Raises
    ------
    TypeError
        If the index is no DatetimeIndex.
    ValueError
        If the table is empty, a column is missing, or a column other than pm2.5 holds a value that is not finite; a
        wind direction that is none of NE, SE, NW and cv.
    """
    _moments(beijing.index)
    measured = ["DEWP", "TEMP", "PRES", "Iws", "Is", "Ir"]
    if missing := [name for name in (*measured, "cbwd") if name not in beijing]:
        raise ValueError(f"the table lacks {missing}; expected the columns of load_beijing.")
    if unknown := sorted(set(beijing["cbwd"]) - {*COMPASS, "cv"}, key=str):
        raise ValueError(f"wind directions {unknown} are unknown; expected {', '.join(COMPASS)} or cv.")
    if not np.isfinite(beijing[measured].to_numpy()).all():
        raise ValueError(f"{', '.join(measured)} must be finite numbers; fill the gaps before.")
    angles = {
        "wind": np.deg2rad(beijing["cbwd"].map(COMPASS)),
        "hour": 2 * np.pi * beijing.index.hour / 24,
        "year": 2 * np.pi * (beijing.index.day_of_year - 1) / YEAR,
    }
    columns = {name: beijing[name].to_numpy() for name in measured[:3]}
    columns |= {f"log {name}": np.log1p(beijing[name].to_numpy()) for name in measured[3:]}
    for name, angle in angles.items():
        columns |= {f"sin {name}": np.sin(np.asarray(angle)), f"cos {name}": np.cos(np.asarray(angle))}
    return pd.DataFrame(columns, index=beijing.index).fillna(0.0)


def _moments(index) -> np.ndarray:
    """Return an index as days since the beginning of 2000."""
    if not isinstance(index, pd.DatetimeIndex):
        raise TypeError(f"the index is a {type(index).__name__}; expected a DatetimeIndex, as load_beijing has.")
    if not len(index):
        raise ValueError("the index is empty; expected at least one moment.")
    return np.asarray((index - pd.Timestamp("2000-01-01")) / pd.Timedelta("1D"))
