"""Generated stand-ins for data that cannot be had: same schema, plausible weather, planted structure.

What belongs here: functions of a seed that return a frame with the columns, units, row counts and gaps of an
archive, for the quick profile and for readers without the file. What does not: reading, finding or
downloading the real thing.

`jena` stands in for the Jena Climate archive 2009-2016, `beijing` for the UCI Beijing PM2.5 set. Both are
driven by one hourly synoptic process (`_synoptic`): damped travelling waves, a succession of fronts and slow
regimes. A wave or front shows in pressure, wind and humidity *before* the air mass that it brings changes
the temperature, so the past tells more about tomorrow than "as today", which is what a forecaster
has to learn. None of it is a measurement; only claims about method, never about climate, can rest on it.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.signal import fftconvolve, lfilter

from utils.datasets.weather import BEIJING_COLUMNS, JENA_COLUMNS, JENA_ROWS

SENTINEL = -9999.0
"""What the Jena archive writes for a wind that was not measured."""

BEIJING_ROWS = 43_824
BEIJING_MISSING = 2_067

# Saturation over water, e = 6.1078 exp(17.08085 t / (234.175 + t)) mbar: the Magnus constants that reproduce the
# station's own columns. They meet its VPmax and VPact to 0.0075 mbar, which is rounding;
# those of Alduchov & Eskridge (1996; 6.1094, 17.625, 243.04) are physically as good, but miss them by up to 0.024.
MAGNUS = (6.1078, 17.08085, 234.175)
# The station adds 273.16 (the triple point), not 273.15: its Tpot is 0.01 K too high otherwise.
ZERO_CELSIUS = 273.16
KAPPA = 0.286
GAS_CONSTANT = 287.058  # J / (kg K), dry air
EPSILON = 0.622  # molar mass of water over that of dry air

_SPIN_UP = 60 * 24  # hours thrown away, so that the filters have forgotten that they started at zero


def saturation_pressure(celsius):
    """Return the saturation vapour pressure over water in mbar at a temperature in degC (Magnus formula)."""
    scale, slope, offset = MAGNUS
    return scale * np.exp(slope * celsius / (offset + celsius))


def dew_point(pressure):
    """Return the temperature in degC at which vapour of this pressure in mbar saturates (inverse Magnus)."""
    scale, slope, offset = MAGNUS
    logarithm = np.log(pressure / scale)
    return offset * logarithm / (slope - logarithm)


def specific_humidity(vapour, pressure):
    """Return grams of water a kilogram of moist air, from vapour and air pressure, both in mbar."""
    return 1000 * EPSILON * vapour / (pressure - (1 - EPSILON) * vapour)


def potential_temperature(celsius, pressure):
    """Return the temperature in K after an adiabatic move to 1000 mbar (Poisson's equation)."""
    return (celsius + ZERO_CELSIUS) * (1000 / pressure) ** KAPPA


def air_density(celsius, pressure, vapour):
    """Return the density of moist air in g/m**3: ideal gas with the virtual temperature."""
    virtual = (celsius + ZERO_CELSIUS) / (1 - (1 - EPSILON) * vapour / pressure)
    return 1e5 * pressure / (GAS_CONSTANT * virtual)


# The synoptic process, hourly ------------------------------------------------------------------------


@dataclass(frozen=True)
class _Weather:
    """Hourly synoptic state; every field but `cloud` has about zero mean and unit variance."""

    pressure: np.ndarray
    air_mass: np.ndarray  # temperature of the air mass, without season and time of day
    south: np.ndarray  # wind component from the south
    west: np.ndarray  # wind component from the west
    moisture: np.ndarray
    cloud: np.ndarray  # fraction of the sky, 0 to 1


def _standard(values):
    """Return `values` shifted and scaled to zero mean and unit variance."""
    return (values - values.mean()) / values.std()


def _red_noise(rng, size, efold):
    """Return a unit-variance AR(1) series whose autocorrelation falls to 1/e in `efold` steps."""
    keep = np.exp(-1 / efold)
    start = keep * rng.standard_normal()
    return lfilter([np.sqrt(1 - keep**2)], [1, -keep], rng.standard_normal(size), zi=[start])[0]


def _relax(forcing, efold):
    """Return the state that follows `forcing` with first-order lag `efold` (in steps) and unit gain."""
    keep = np.exp(-1 / efold)
    return lfilter([1 - keep], [1, -keep], forcing)


def _wave(rng, size, period, efold):
    """Return a damped, randomly forced oscillation as complex series: its phase turns once in about `period` steps."""
    turn = np.exp(-1 / efold + 2j * np.pi / period)
    noise = rng.standard_normal(size) + 1j * rng.standard_normal(size)
    return lfilter([np.sqrt(1 - abs(turn) ** 2)], [1, -turn], noise)


def _flanks(before, after, lag):
    """Return the two sides of a front on hours -lag..lag: what grows ahead of it, and what decays behind it."""
    hours = np.arange(-lag, lag + 1.0)
    ahead = np.where(hours < 0, np.exp(np.minimum(hours, 0) / before), 0)
    behind = np.where(hours >= 0, np.exp(-np.maximum(hours, 0) / after), 0)
    return ahead, behind


def _fronts(rng, size, mean_gap):
    """Return hourly (pressure, air mass, south, moisture, cloud) of a succession of mostly cold fronts.

    Gaps are gamma distributed: neither a clock nor pure chance. Ahead of a cold front pressure falls, the wind backs
    to the south and cloud and moisture rise; at the front temperature drops within hours, and comes back over days.
    """
    count = int(1.5 * size / mean_gap) + 20
    times = np.cumsum(rng.gamma(3.0, mean_gap / 3, count)).astype(int)
    times = times[times < size]
    dip = rng.gamma(3.0, 1 / 3, len(times))
    # The drop goes with the dip but not in proportion, so the pressure fall ahead does not give it away.
    drop = dip * rng.lognormal(-0.08, 0.4, len(times)) * np.where(rng.random(len(times)) < 0.75, -1.0, 0.7)
    depth, jump = np.zeros(size), np.zeros(size)
    np.add.at(depth, times, dip)
    np.add.at(jump, times, drop)

    ahead, behind = _flanks(22, 16, 240)
    _, slow = _flanks(22, 50, 240)
    smear = np.exp(-0.5 * (np.arange(-6, 7) / 2.0) ** 2)  # a front passes in hours, not in one step
    smear /= smear.sum()

    def spread(impulses, kernel):
        return fftconvolve(impulses, np.convolve(kernel, smear, mode="same"), mode="same")

    return (
        spread(depth, -(ahead + behind)),
        spread(jump, slow - 0.25 * ahead),
        spread(jump, behind - ahead),
        spread(depth, 0.8 * ahead) + spread(jump, 0.6 * slow),
        spread(depth, 0.9 * ahead + 0.7 * behind),
    )


def _synoptic(rng, size):
    """Return `size` hours of `_Weather`.

    For a pattern that travels eastwards the geostrophic wind from the south goes as minus the pressure tendency:
    the imaginary part of the wave where its real part is pressure. The air mass follows that wind a day or more later
    (what it carries comes from afar, and relaxes), moisture within hours. Beijing's real weather has the same lead:
    tomorrow's warming goes with today's fall of pressure, correlation -0.27.
    """
    size += _SPIN_UP
    wave = 0.55 * _wave(rng, size, 3.6 * 24, 2.2 * 24)
    wave += 0.75 * _wave(rng, size, 6.5 * 24, 3.5 * 24)
    slow_wave = 0.7 * _wave(rng, size, 15 * 24, 7 * 24)
    low, jump, backing, damp, deck = _fronts(rng, size, 4.2 * 24)
    regime = 0.9 * _red_noise(rng, size, 4 * 24) + 0.45 * _red_noise(rng, size, 15 * 24)

    pressure = _standard(wave.real + 0.9 * slow_wave.real + 0.7 * low + 0.6 * _red_noise(rng, size, 5 * 24))
    south = _standard(wave.imag + 0.4 * slow_wave.imag + 0.8 * backing + 0.35 * _red_noise(rng, size, 8))
    advected = _relax(_relax(wave.imag, 36), 24) + 0.7 * _relax(_relax(slow_wave.imag, 60), 24)
    air_mass = 1.3 * _standard(advected) + 0.6 * _standard(jump) + 0.95 * regime + 0.5 * _red_noise(rng, size, 30)
    # Scaled by its change in a day, not by its spread: how well "as today" does then depends less on the seed.
    air_mass = 0.74 * (air_mass - air_mass.mean()) / np.std(air_mass[24:] - air_mass[:-24])
    moisture = _standard(_relax(wave.imag, 10) + 0.5 * damp + 0.5 * air_mass + 0.5 * _red_noise(rng, size, 18))
    west = _standard(0.8 * _red_noise(rng, size, 30) - 0.5 * pressure - 0.2 * backing)
    sky = 0.5 * moisture - 0.7 * pressure + 0.5 * _standard(deck) + 1.0 * _red_noise(rng, size, 9)
    cloud = 1 / (1 + np.exp(-0.3 - 1.3 * sky))
    return _Weather(*(part[_SPIN_UP:] for part in (pressure, air_mass, south, west, moisture, cloud)))


def _annual(hours, day):
    """Return a yearly cosine that peaks on `day` of the year; `hours` count from a New Year."""
    return np.cos(2 * np.pi * (hours / 24 - day) / 365.2425)


def _winter(hours):
    """Return 1 in mid-January and 0 in mid-July, smoothly."""
    return 0.5 + 0.5 * _annual(hours, 15)


def _sun(hours, latitude, noon):
    """Return the sine of the sun's elevation, 0 by night; `noon` is the clock time of its highest stand."""
    declination = np.deg2rad(-23.44) * _annual(hours, -10)
    angle = 2 * np.pi * (hours - noon) / 24
    latitude = np.deg2rad(latitude)
    height = np.sin(latitude) * np.sin(declination) + np.cos(latitude) * np.cos(declination) * np.cos(angle)
    return np.maximum(height, 0)


def _soft_positive(values, width):
    """Return `values` where well above 0 and just above 0 where negative (softplus)."""
    return width * np.logaddexp(0, values / width)


# Jena ------------------------------------------------------------------------------------------------


def _jena_temperature(rng, hours, weather):
    """Return the temperature in degC at `hours`: season, air mass, and sun and night sky through cloud."""
    winter = _winter(hours)
    sunshine = _sun(hours, 50.9, 12.3)
    # Ground and lowest air follow the radiation balance with a lag of hours: coldest at dawn, warmest at three.
    balance = 27 * sunshine * (1 - 0.65 * weather.cloud) - 5.5 * (1 - 0.85 * weather.cloud)
    season = 8.6 - 7.8 * _annual(hours, 29)
    air_mass = (3.1 + 1.1 * winter) * weather.air_mass
    gusts = (0.15 + 0.9 * sunshine * (1 - weather.cloud)) * _red_noise(rng, len(hours), 3)
    return season + air_mass + _relax(balance, 4 * 6) + 0.35 * gusts + 0.25 * _red_noise(rng, len(hours), 12)


def _jena_humidity(rng, hours, weather, temperature):
    """Return relative humidity in per cent: a dew point of the air mass that the air cannot fall below."""
    winter = _winter(hours)
    base = 4.75 - 7.6 * _annual(hours, 31)
    vapour_point = base + (2.6 + 1.1 * winter) * weather.air_mass + 1.9 * weather.moisture
    vapour_point += 1.1 * _red_noise(rng, len(hours), 150) + 0.2 * _red_noise(rng, len(hours), 3)
    # Fog and dew: as the air cools towards its dew point, condensation takes the dew point down with it.
    spread = _soft_positive(temperature - vapour_point - 0.4, 1.0)
    return 100 * saturation_pressure(temperature - spread) / saturation_pressure(temperature)


def _jena_wind(rng, hours, weather):
    """Return mean speed and strongest gust of ten minutes in m/s and direction in degrees."""
    size = len(hours)
    # By day the air mixes down the faster wind above; at night the valley decouples and drains from the south.
    mixing = 0.75 + 0.9 * _relax(_sun(hours, 50.9, 12.3), 9)
    west = -0.05 + 1.05 * weather.west + 0.4 * _red_noise(rng, size, 4)
    south = 0.55 + 1.15 * weather.south + 0.4 * _red_noise(rng, size, 4)
    speed = np.hypot(west, south) * mixing * (1.2 + 0.45 * _winter(hours))
    speed *= np.exp(0.22 * _red_noise(rng, size, 8) + 0.18 * rng.standard_normal(size))
    gust = speed * (1.3 + 0.2 * rng.gamma(2.0, 0.5, size)) + rng.gamma(2.0, 0.18, size)
    # In meteorology the direction is where the wind comes from, clockwise from north.
    direction = np.rad2deg(np.arctan2(-west, -south)) + 14 * rng.standard_normal(size)
    return speed, gust, direction % 360


def _plant_sentinels(rng, index, speed, gust):
    """Write -9999 into one stretch of 2015, in 18 rows of `speed` and 20 of `gust`, as a failed sensor would."""
    start = index.searchsorted(pd.Timestamp("2015-03-01")) + rng.integers(30_000)
    speed[start + 1 : start + 19] = SENTINEL
    gust[start : start + 20] = SENTINEL


def jena(seed=0):
    """Return a stand-in for the Jena Climate archive 2009-2016: 420,551 ten-minute rows, 14 float columns.

    The index "Date Time" is a regular ten-minute grid from 2009-01-01 00:10 (the archive itself has some
    gaps, so its last row is dated 2017-01-01 00:00; here it is 2016-12-30 11:50).
    Columns, as in the archive and rounded to two decimals: air pressure p, temperature T, potential
    temperature Tpot, dew point Tdew, relative humidity rh, vapour pressure at saturation, actual and missing
    (VPmax, VPact, VPdef), specific humidity sh, water vapour H2OC, air density rho, wind speed wv, gust
    max. wv, and the direction wd that the wind blows from. p, T, rh and wind are drawn; the
    other columns follow from them by the functions of this module. wv holds -9999 in 18 rows, max. wv in 20.
    """
    rng = np.random.default_rng(seed)
    index = pd.date_range("2009-01-01 00:10", periods=JENA_ROWS, freq="10min", name="Date Time")
    hours = (np.arange(JENA_ROWS) + 1) / 6
    hourly = _synoptic(rng, int(hours[-1]) + 2)
    grid = np.arange(len(hourly.cloud))
    weather = _Weather(*(np.interp(hours, grid, part) for part in vars(hourly).values()))
    # Cold spells of winter go further from the mean than mild ones, which come from an ocean; in summer the reverse.
    skewed = weather.air_mass - 0.1 * (_winter(hours) - 0.3) * (weather.air_mass**2 - 1)
    weather = replace(weather, air_mass=skewed)
    # Lows are deeper than highs are high, and both are stronger in winter. The tide has two crests a day.
    swing = weather.pressure - 0.12 * (weather.pressure**2 - 1)
    p = 989.2 + (5.6 + 5.0 * _winter(hours)) * swing - 0.4 * np.cos(4 * np.pi * (hours - 4) / 24)
    p += 0.12 * _red_noise(rng, JENA_ROWS, 12)
    temperature = _jena_temperature(rng, hours, weather)
    rh = _jena_humidity(rng, hours, weather, temperature)
    saturated = saturation_pressure(temperature)
    vapour = rh / 100 * saturated
    speed, gust, direction = _jena_wind(rng, hours, weather)
    _plant_sentinels(rng, index, speed, gust)
    columns = (
        p,
        temperature,
        potential_temperature(temperature, p),
        dew_point(vapour),
        rh,
        saturated,
        vapour,
        saturated - vapour,
        specific_humidity(vapour, p),
        1000 * vapour / p,
        air_density(temperature, p, vapour),
        speed,
        gust,
        direction,
    )
    return pd.DataFrame({name: np.round(part, 2) for name, part in zip(JENA_COLUMNS, columns)}, index=index)


# Beijing ---------------------------------------------------------------------------------------------


def _beijing_temperature(rng, hours, weather):
    """Return temperature and dew point in degC: a dry cold winter, a monsoon summer, little cloud."""
    winter, summer = _winter(hours), 1 - _winter(hours)
    sun = _sun(hours, 39.9, 12.3)
    balance = 30 * sun * (1 - 0.7 * weather.cloud) - 7 * (1 - 0.9 * weather.cloud)
    season = 11.5 - 13.8 * _annual(hours, 20)
    temperature = season + (2.15 + 1.5 * winter) * weather.air_mass + _relax(balance, 4)
    temperature += 1.15 * _red_noise(rng, len(hours), 7) + 0.3 * rng.standard_normal(len(hours))

    base = 1.6 - 18.6 * _annual(hours, 23)
    vapour_point = base + (2.6 + 3.2 * winter) * weather.moisture - 1.5 * winter * weather.west - 2.2 * sun
    vapour_point += (3.6 - 1.4 * summer) * _red_noise(rng, len(hours), 30)
    return temperature, temperature - _soft_positive(temperature - vapour_point - 0.8, 1.0)


def _beijing_wind(rng, hours, weather):
    """Return cbwd and the hour's wind speed in m/s: the plain's breeze by day, and gales from the north-west."""
    size, winter, sun = len(hours), _winter(hours), _sun(hours, 39.9, 14.0)
    # Winter monsoon from Mongolia, summer monsoon from the sea; the breeze turns from mountain to plain at noon.
    along = 0.35 * (1 - 2.4 * winter) + 2.2 * (_relax(sun, 3) - 0.3) + 1.0 * weather.south - 0.9 * weather.west
    along += 0.85 * _red_noise(rng, size, 3)
    across = 0.2 + 0.6 * _red_noise(rng, size, 5)
    speed = np.exp(0.35 + 0.3 * np.abs(along) + 0.25 * rng.standard_normal(size))
    speed *= np.where(along < 0, 1.0 + 0.35 * np.minimum(-along, 3), 1.0)
    speed = 18 * np.tanh(speed / 18)  # even a gale has an end
    calm = np.hypot(along, across) + 0.25 * rng.standard_normal(size) < 0.74
    sector = np.where(along > 0, "SE", np.where(across - 0.45 * np.abs(along) > 0.05, "NE", "NW"))
    return np.where(calm, "cv", sector), np.where(calm, 0.45 * speed, speed)


def _since_change(values, changed):
    """Return the running sum of `values`, started anew in every hour in which `changed` is true."""
    total = np.cumsum(values)
    first = np.maximum.accumulate(np.where(changed, np.arange(len(values)), 0))
    return total - (total - values)[first]


def _accumulated_wind(sector, speed):
    """Return Iws in m/s: the set sums the hourly wind for as long as its direction lasts."""
    # The source reports whole m/s (or a half) as whole miles an hour; the set turns them back: 0.45, 0.89, 1.79 ...
    whole = np.maximum(np.round(speed), 0.5)
    hourly = np.round(whole / 0.447) * 0.447
    changed = np.r_[True, sector[1:] != sector[:-1]]
    return np.round(_since_change(hourly, changed), 2)


def _accumulated_fall(rng, hours, weather, temperature, spread):
    """Return Is and Ir, the hours that it has snowed and rained without a break."""
    size = len(hours)
    wetness = 1.1 * _standard(weather.cloud) - 0.22 * spread + 1.1 * _red_noise(rng, size, 4) - 0.35 * _winter(hours)
    falling = wetness > np.quantile(wetness, 0.952)
    snow = falling & (temperature < 1.5)
    rain = falling & ~snow
    return tuple(_since_change(kind.astype(int), ~kind) * kind for kind in (snow, rain))


def _beijing_pollution(rng, hours, weather, sector, speed, spread, wet):
    """Return PM2.5 in ug/m**3: it builds up over days in still, moist air; wind from the north-west clears it."""
    clean = np.where(sector == "NW", 0.25 * speed, np.where(sector == "NE", 0.1 * speed, 0.0))
    target = 5.0 - 1.15 * clean - 0.075 * np.minimum(spread, 22) - 0.4 * wet + 0.9 * _winter(hours)
    level = _relax(target, 11) + 0.55 * _red_noise(rng, len(hours), 30) + 0.12 * rng.standard_normal(len(hours))
    level -= 0.1 * np.cos(2 * np.pi * (hours - 12) / 24)
    return np.round(np.clip(np.exp(level), 0, 994))


def _plant_gaps(rng, values, missing):
    """Set `missing` entries to NaN in runs of mixed lengths: the first 24 hours, then gaps that never touch."""
    values[:24] = np.nan
    left = missing - 24
    while left:
        length = min(left, int(np.ceil(rng.lognormal(0.1, 1.9))), 155)
        start = rng.integers(25, len(values) - length - 1)
        if not np.isnan(values[start - 1 : start + length + 1]).any():
            values[start : start + length] = np.nan
            left -= length


def beijing(seed=0):
    """Return a stand-in for the UCI Beijing PM2.5 set (Liang et al. 2015): 43,824 hours, 2010 to 2014.

    The index "time" runs from 2010-01-01 00:00 to 2014-12-31 23:00 without gaps. Columns and units as in the set:
    pm2.5 in ug/m**3 (2,067 NaN, the first 24 hours among them), dew point DEWP and TEMP in degC and PRES in hPa (whole
    values), cbwd the wind direction (text: NW, NE, SE, or cv for calm and variable), Iws the wind in m/s summed since
    the direction changed, Is and Ir hours of snow and rain without a break. All but cbwd are float64.
    """
    rng = np.random.default_rng(seed)
    index = pd.date_range("2010-01-01", periods=BEIJING_ROWS, freq="h", name="time")
    hours = np.arange(BEIJING_ROWS, dtype=float)
    weather = _synoptic(rng, BEIJING_ROWS)
    temperature, dew = _beijing_temperature(rng, hours, weather)
    spread = temperature - dew
    pressure = 1016.4 + 12.0 * _annual(hours, 5)
    pressure += (3.6 + 2.4 * _winter(hours)) * weather.pressure - 0.45 * weather.air_mass
    pressure += 1.0 * np.cos(2 * np.pi * (hours - 9) / 24) - 0.7 * np.cos(4 * np.pi * (hours - 4) / 24)
    sector, speed = _beijing_wind(rng, hours, weather)
    snow, rain = _accumulated_fall(rng, hours, weather, temperature, spread)
    pollution = _beijing_pollution(rng, hours, weather, sector, speed, spread, (snow + rain) > 0)
    _plant_gaps(rng, pollution, BEIJING_MISSING)
    columns = (
        pollution,
        np.round(dew),
        np.round(temperature),
        np.round(pressure),
        sector,
        _accumulated_wind(sector, speed),
        snow.astype(float),
        rain.astype(float),
    )
    return pd.DataFrame(dict(zip(BEIJING_COLUMNS, columns)), index=index)
