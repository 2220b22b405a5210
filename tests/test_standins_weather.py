"""The generated stand-ins: schema, physics, and the planted structure that a forecaster has to find."""

import time

import numpy as np
import pandas as pd
import pytest

from utils import settings
from utils.datasets.standins import weather

DAY = 144  # ten-minute rows
TRAIN = slice(0, 200_000)
VALIDATION = slice(200_001, 300_001)
TEST = slice(300_001, None)
QUANTILES = [0.05, 0.25, 0.5, 0.75, 0.95]


@pytest.fixture(scope="module")
def timed():
    start = time.perf_counter()
    frame = weather.jena()
    return frame, time.perf_counter() - start


@pytest.fixture(scope="module")
def jena(timed):
    return timed[0]


@pytest.fixture(scope="module")
def beijing():
    return weather.beijing()


def real_file(name):
    """The real file of that name below COURSE_DATA_DIR; without it the test skips."""
    found = [path for folder in settings.data_dirs() for path in sorted(folder.rglob(name))]
    if not found:
        pytest.skip(f"no {name} in COURSE_DATA_DIR")
    return found[0]


def within_rounding(found, expected, slack):
    """Both sides were rounded to two decimals: the result by 0.005, and what it was computed from by `slack` in all."""
    residual = np.abs(np.asarray(found) - np.asarray(expected))
    assert np.max(residual - slack) <= 0.00501, f"worst residual {residual.max():.4f}"


# Jena: schema ----------------------------------------------------------------------------------------


def test_jena_schema(jena):
    assert jena.shape == (420_551, 14)
    assert tuple(jena.columns) == weather.JENA_COLUMNS
    assert (jena.dtypes == np.float64).all()
    assert not jena.isna().any().any()
    assert jena.index.name == "Date Time"
    assert jena.index[0] == pd.Timestamp("2009-01-01 00:10")
    assert (np.diff(jena.index.values) == np.timedelta64(10, "m")).all()


def test_jena_has_two_decimals(jena):
    values = jena.to_numpy()
    np.testing.assert_array_equal(values, np.round(values, 2))


def test_jena_is_fast(timed):
    assert timed[1] < 5, "about 0.3 s on an idle core"


def test_seed_decides(jena, beijing):
    np.testing.assert_array_equal(jena.to_numpy(), weather.jena(0).to_numpy())
    pd.testing.assert_frame_equal(beijing, weather.beijing(0))
    other = weather.jena(1)["T (degC)"]
    assert abs(np.corrcoef(day_means(jena["T (degC)"]), day_means(other))[0, 1]) < 0.2
    assert (weather.beijing(1)["TEMP"] != beijing["TEMP"]).mean() > 0.5


def day_means(series):
    """Daily means without the yearly cycle."""
    daily = series.resample("D").mean()
    angle = 2 * np.pi * np.arange(len(daily)) / 365.2425
    cycle = np.stack([np.ones_like(angle), np.cos(angle), np.sin(angle), np.cos(2 * angle), np.sin(2 * angle)], axis=1)
    return daily.to_numpy() - cycle @ np.linalg.lstsq(cycle, daily.to_numpy(), rcond=None)[0]


# Jena: physics ---------------------------------------------------------------------------------------


def saturation_slope(celsius):
    """An upper bound of d VPmax / dT, Clausius-Clapeyron with generous constants, in mbar/K."""
    return 0.08 * 6.2 * np.exp(17.3 * celsius / (235 + celsius))


def check_identities(frame):
    """The relations between the columns, written out here and not taken from the module."""
    p, t, dew, rh = (frame[name] for name in ("p (mbar)", "T (degC)", "Tdew (degC)", "rh (%)"))
    most, vapour = frame["VPmax (mbar)"], frame["VPact (mbar)"]
    within_rounding(most, 6.1078 * np.exp(17.08085 * t / (234.175 + t)), 0.005 * saturation_slope(t))
    within_rounding(vapour, 6.1078 * np.exp(17.08085 * dew / (234.175 + dew)), 0.005 * saturation_slope(dew))
    within_rounding(vapour, rh / 100 * most, 0.005 * rh / 100 + 0.005 * most / 100)
    within_rounding(frame["VPdef (mbar)"], most - vapour, 0.01)
    within_rounding(frame["Tpot (K)"], (t + 273.16) * (1000 / p) ** 0.286, 0.0065)
    within_rounding(frame["H2OC (mmol/mol)"], 1000 * vapour / p, 0.0057)
    within_rounding(frame["sh (g/kg)"], 622 * vapour / (p - 0.378 * vapour), 0.004)
    # Dalton: the densities of dry air and of vapour add up.
    partial = 1e5 * ((p - vapour) / 287.058 + vapour / (287.058 / 0.622)) / (t + 273.16)
    slack = partial * (0.005 / (t + 273.16) + 0.005 / p) + 0.005 * 1e5 * 0.378 / 287.058 / (t + 273.16)
    within_rounding(frame["rho (g/m**3)"], partial, slack)


def test_jena_identities(jena):
    check_identities(jena)


def test_magnus_agrees_with_another_source():
    celsius = np.linspace(-25, 40, 200)
    other = 6.1094 * np.exp(17.625 * celsius / (243.04 + celsius))  # Alduchov & Eskridge 1996
    np.testing.assert_allclose(weather.saturation_pressure(celsius), other, rtol=0.025)
    np.testing.assert_allclose(weather.dew_point(weather.saturation_pressure(celsius)), celsius, atol=1e-9)


def test_jena_ranges(jena):
    assert jena["rh (%)"].gt(0).all() and jena["rh (%)"].le(100).all()
    assert jena["Tdew (degC)"].le(jena["T (degC)"]).all()
    assert jena["wd (deg)"].between(0, 360).all()
    assert jena["p (mbar)"].between(910, 1030).all()
    assert -32 < jena["T (degC)"].min() < -14 and 30 < jena["T (degC)"].max() < 42


def test_jena_wind(jena):
    speed, gust = jena["wv (m/s)"], jena["max. wv (m/s)"]
    assert (speed == -9999).sum() == 18 and (gust == -9999).sum() == 20
    assert gust[speed == -9999].eq(-9999).all()
    good = gust != -9999
    assert speed[good].min() >= 0
    assert (gust >= speed)[good].all()
    assert speed[good].skew() > 1
    assert gust[good].max() < 60


@pytest.mark.parametrize(
    ("column", "mean", "spread", "within"),
    [  # published mean and standard deviation of the whole archive, and how far the stand-in may be off
        ("p (mbar)", 989.2, 8.4, 1),
        ("T (degC)", 9.45, 8.42, 0.8),
        ("Tdew (degC)", 4.96, 6.73, 0.8),
        ("rh (%)", 76.0, 16.5, 3),
        ("VPdef (mbar)", 4.04, 4.90, 0.8),
        ("sh (g/kg)", 6.02, 2.66, 0.4),
        ("rho (g/m**3)", 1216, 40, 4),
        ("wv (m/s)", 2.13, 1.54, 0.3),
        ("max. wv (m/s)", 3.53, 2.34, 0.4),
        ("wd (deg)", 174.7, 86.7, 15),
    ],
)
def test_jena_moments(jena, column, mean, spread, within):
    values = jena[column][jena[column] != -9999]
    assert values.mean() == pytest.approx(mean, abs=within)
    assert values.std() == pytest.approx(spread, abs=within)


# Jena: cycles and weather ----------------------------------------------------------------------------


def test_jena_annual_cycle(jena):
    monthly = jena["T (degC)"].groupby(jena.index.month).mean()
    assert monthly.idxmax() in (7, 8) and monthly.idxmin() in (1, 2)
    assert 16 < monthly.max() - monthly.min() < 22
    pressure = jena["p (mbar)"].groupby(jena.index.month).std()
    assert pressure[1] > 1.4 * pressure[7]


def test_jena_daily_cycle(jena):
    by_hour = jena["T (degC)"].groupby([jena.index.month, jena.index.hour]).mean().unstack()
    swing = by_hour.max(axis=1) - by_hour.min(axis=1)
    assert 8 < swing[7] < 14 and 1.5 < swing[1] < 6
    assert by_hour.loc[7].idxmax() in (14, 15, 16) and by_hour.loc[7].idxmin() in (3, 4, 5)
    humid = jena["rh (%)"].groupby(jena.index.hour).mean()
    assert humid.idxmin() in (13, 14, 15, 16)


def test_jena_weather_is_no_clock(jena):
    """Weather of yesterday still shows, that of two weeks ago hardly, and no period comes back."""
    anomaly = day_means(jena["T (degC)"])
    anomaly /= anomaly.std()
    echo = [np.mean(anomaly[lag:] * anomaly[:-lag]) for lag in range(1, 400)]
    assert 0.65 < echo[0] < 0.9
    assert np.abs(echo[13:]).max() < 0.2


def persistence(celsius, part, rows):
    values = celsius[part]
    return np.abs(values[rows:] - values[:-rows]).mean() / celsius[TRAIN].std()


def test_the_failed_sensor_stands_in_test_rows_only(jena):
    """As in the archive: in training rows the -9999 would be the lesson of another section, and ruin every scaling."""
    rows = np.flatnonzero((jena["max. wv (m/s)"] == -9999) | (jena["wv (m/s)"] == -9999))
    assert rows.min() >= TEST.start and np.ptp(rows) == 19, "one stretch of twenty rows"
    for seed in range(200):
        speed, gust = np.zeros(len(jena)), np.zeros(len(jena))
        weather._plant_sentinels(np.random.default_rng(seed), jena.index, speed, gust)
        rows = np.flatnonzero(speed + gust)
        assert rows.min() >= TEST.start and set(jena.index[rows].year) == {2015}


@pytest.mark.parametrize("part", [VALIDATION, TEST], ids=["validation", "test"])
def test_jena_persistence(jena, part):
    """The real archive has 0.29 for as-yesterday; the lecture's naive baseline is this number."""
    celsius = jena["T (degC)"].to_numpy()
    assert 0.26 < persistence(celsius, part, DAY) < 0.32
    assert 0.07 < persistence(celsius, part, 6) < 0.12


def forecast_gain(frame, columns, target, split, horizon=24, lags=(0, 1, 2, 3, 6, 12, 18, 23, 24, 48, 72)):
    """Out-of-sample gain over persistence, as a fraction of its error, of ridge regression on lagged hours."""
    values = np.stack([np.asarray(frame[name], float) for name in columns], axis=1)
    goal = frame[target].to_numpy(float)
    now = np.arange(max(lags), len(goal) - horizon)
    day, year = 2 * np.pi * now / 24, 2 * np.pi * now / 8766
    clock = [np.ones(len(now)), np.cos(day), np.sin(day), np.cos(year), np.sin(year)]
    clock += [a * b for a in clock[1:3] for b in clock[3:5]]
    features = np.column_stack([*clock, *(values[now - lag] for lag in lags)])
    change = goal[now + horizon] - goal[now]
    train, held = now < split - horizon, now >= split + max(lags)
    center, scale = features[train].mean(axis=0), features[train].std(axis=0)
    center[0], scale[0] = 0, 1
    features = (features - center) / scale
    known = features[train]
    weights = np.linalg.solve(known.T @ known + np.eye(known.shape[1]), known.T @ change[train])
    return 1 - np.abs(change[held] - features[held] @ weights).mean() / np.abs(change[held]).mean()


@pytest.fixture(scope="module")
def hourly(jena):
    frame = jena.iloc[5::6].mask(jena.iloc[5::6] == -9999, 0)
    wind = np.deg2rad(frame["wd (deg)"])
    return frame.assign(
        west=-frame["wv (m/s)"] * np.sin(wind),
        south=-frame["wv (m/s)"] * np.cos(wind),
    )


def test_jena_can_be_forecast(hourly):
    """A regression beats as-yesterday, realistically; so a recurrent network can."""
    everything = forecast_gain(
        hourly, ["T (degC)", "p (mbar)", "Tdew (degC)", "rh (%)", "west", "south"], "T (degC)", 33_333
    )
    assert 0.08 < everything < 0.25
    # Pressure, wind and humidity announce what is coming: temperature alone knows clearly less.
    assert everything > forecast_gain(hourly, ["T (degC)"], "T (degC)", 33_333) + 0.03


def test_jena_fronts_are_announced(hourly):
    """Falling pressure, moister air and south wind come a day before warmth, and their opposites before cold."""
    daily = hourly[["T (degC)", "p (mbar)", "Tdew (degC)", "south"]].resample("D").mean()
    change = daily.diff()
    tomorrow = change["T (degC)"].shift(-1)
    assert tomorrow.corr(change["p (mbar)"]) < -0.15
    assert tomorrow.corr(change["Tdew (degC)"]) > 0.2
    assert tomorrow.corr(daily["south"]) > 0.25


# Beijing ---------------------------------------------------------------------------------------------


def test_beijing_schema(beijing):
    assert tuple(beijing.columns) == ("pm2.5", "DEWP", "TEMP", "PRES", "cbwd", "Iws", "Is", "Ir")
    assert beijing.index.name == "time"
    assert beijing.index.equals(pd.date_range("2010-01-01", "2014-12-31 23:00", freq="h", name="time"))
    assert set(beijing["cbwd"]) == {"NW", "NE", "SE", "cv"}
    numbers = beijing.drop(columns="cbwd")
    assert (numbers.dtypes == np.float64).all()
    for name in ("pm2.5", "DEWP", "TEMP", "PRES", "Is", "Ir"):
        assert (beijing[name].dropna() % 1 == 0).all(), name


def test_beijing_gaps(beijing):
    missing = beijing["pm2.5"].isna()
    assert missing.sum() == 2_067
    assert missing[:24].all() and not missing.iloc[24]
    assert not numbers_missing(beijing)
    assert missing.ne(missing.shift()).cumsum()[missing].nunique() > 100, "many short gaps, as in the set"


def numbers_missing(frame):
    return frame.drop(columns="pm2.5").isna().any().any()


def test_beijing_wind_accumulates(beijing):
    same = beijing["cbwd"].eq(beijing["cbwd"].shift()).to_numpy()
    step = beijing["Iws"].diff().to_numpy()
    assert (step[same] > 0.4).all(), "Iws grows while the direction lasts"
    hour = np.where(same, step, beijing["Iws"])
    assert hour[1:].max() < 21, "and starts anew with one hour's wind"
    miles = hour[1:] / 0.447
    assert np.abs(miles - np.round(miles)).max() < 0.05


@pytest.mark.parametrize("name", ["Is", "Ir"])
def test_beijing_hours_of_fall(beijing, name):
    hours = beijing[name].to_numpy()
    went_on = hours[1:] > 0
    np.testing.assert_array_equal(hours[1:][went_on], hours[:-1][went_on] + 1)
    assert 0.002 < (hours > 0).mean() < 0.08


def test_beijing_humidity_and_cycles(beijing):
    assert beijing["DEWP"].le(beijing["TEMP"]).all()
    monthly = beijing["TEMP"].groupby(beijing.index.month).mean()
    assert monthly.idxmax() in (7, 8) and 26 < monthly.max() - monthly.min() < 36
    by_hour = beijing["TEMP"].groupby(beijing.index.hour).mean()
    assert by_hour.idxmax() in (14, 15, 16) and 7 < by_hour.max() - by_hour.min() < 12


def test_beijing_pollution_follows_the_weather(beijing):
    """Still and moist air fouls, wind from the north-west clears."""
    by_wind = beijing.groupby("cbwd")["pm2.5"].mean()
    assert by_wind["NW"] < 0.75 * by_wind[["SE", "cv"]].min()
    moist = beijing["TEMP"] - beijing["DEWP"]
    assert np.log1p(beijing["pm2.5"]).corr(moist) < -0.2
    assert 0.9 < beijing["pm2.5"].autocorr(1) < 0.99


@pytest.mark.parametrize("part", [slice(0, 26_304), slice(26_304, 35_064), slice(35_064, None)])
def test_beijing_persistence(beijing, part):
    """Real: 2.53 degC in 2010-2012, 2.65 in 2013, 2.68 in 2014."""
    celsius = beijing["TEMP"].to_numpy()[part]
    assert np.abs(celsius[24:] - celsius[:-24]).mean() == pytest.approx(2.58, abs=0.2)


def test_beijing_can_be_forecast(beijing):
    frame = beijing.assign(north_west=beijing["cbwd"].eq("NW"), south_east=beijing["cbwd"].eq("SE"))
    columns = ["TEMP", "DEWP", "PRES", "north_west", "south_east"]
    assert 0.08 < forecast_gain(frame, columns, "TEMP", 26_304) < 0.25


# Against the real thing ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def january():
    return pd.read_csv(real_file("jena_climate_2009_jan_sample.csv.gz"))


@pytest.mark.realdata
def test_real_january_obeys_the_same_identities(january):
    check_identities(january)


@pytest.mark.realdata
def test_real_january_lies_among_the_generated_ones(jena, january):
    """Quantiles 5-95 % of the sample lie within the spread of eight Januaries, give or take half a standard deviation.

    The sample is 27 days of a cold January, so its tails are one spell and are not compared.
    """
    years = [jena.loc[f"{year}-01"].iloc[: len(january)] for year in range(2009, 2017)]
    for name in weather.JENA_COLUMNS[:11]:
        real = january[name].quantile(QUANTILES).to_numpy()
        made = np.array([year[name].quantile(QUANTILES).to_numpy() for year in years])
        outside = np.maximum(made.min(axis=0) - real, real - made.max(axis=0))
        assert outside.max() < 0.5 * january[name].std(), f"{name}: {outside.round(2)}"


@pytest.mark.realdata
def test_real_beijing_has_like_marginals(beijing):
    real = pd.read_csv(real_file("PRSA_data_2010.1.1-2014.12.31.csv*"))
    assert len(real) == len(beijing) and real["pm2.5"].isna().sum() == beijing["pm2.5"].isna().sum()
    for name in ("DEWP", "TEMP", "PRES"):
        apart = real[name].quantile(QUANTILES) - beijing[name].quantile(QUANTILES)
        assert apart.abs().max() < 0.2 * real[name].std(), f"{name}: {apart.to_dict()}"
    for name in ("pm2.5", "Iws"):  # skewed: compare the logarithm
        apart = np.log(real[name].quantile(QUANTILES)) - np.log(beijing[name].quantile(QUANTILES))
        assert apart.abs().max() < 0.5, f"{name}: {apart.to_dict()}"
    shares = real["cbwd"].value_counts(normalize=True) - beijing["cbwd"].value_counts(normalize=True)
    assert shares.abs().max() < 0.06


@pytest.mark.realdata
def test_real_beijing_is_as_hard_to_forecast(beijing):
    """What as-yesterday is off by and what a regression gains on it: alike for measured and for generated hours."""
    real = pd.read_csv(real_file("PRSA_data_2010.1.1-2014.12.31.csv*"))
    error = [np.abs(frame["TEMP"].diff(24)).mean() for frame in (real, beijing)]
    assert error[1] == pytest.approx(error[0], rel=0.08)
    # Tomorrow warms after pressure has fallen today, as strongly in the generated weather as in Beijing's.
    lead = []
    for frame in (real, beijing):
        daily = frame[["TEMP", "PRES"]].groupby(np.arange(len(frame)) // 24).mean().diff()
        lead.append(daily["TEMP"].shift(-1).corr(daily["PRES"]))
    assert lead[0] < -0.15 and lead[1] == pytest.approx(lead[0], abs=0.1)
    gain = [forecast_gain(frame, ["TEMP", "DEWP", "PRES"], "TEMP", 26_304) for frame in (real, beijing)]
    assert gain[1] == pytest.approx(gain[0], abs=0.05)
