"""Generated minute prices: a random walk in which nothing can be foreseen, or one with a signal of a chosen size.

What belongs here: functions of a seed. `walk` makes closing prices, for experiments that need many worlds; `crypto`
makes whole tables as the files have them, with a gap and repeated rows, for the quick profile.

All coins share a market factor and a slow volatility, as real ones do. Nothing about real markets can rest on them.
"""

import numpy as np
from scipy.optimize import brentq
from scipy.signal import lfilter
from scipy.stats import norm

from utils.arguments import finite_number, whole_number
from utils.datasets.crypto import MINUTE

COINS = ("BTC", "ETH", "LTC", "BCH", "EOS")
START_PRICE = (3_900.0, 140.0, 50.0, 145.0, 3.7)
SCALE = (5.4e-4, 9.2e-4, 12.4e-4, 11.4e-4, 13.4e-4)
"""Standard deviation of the logarithmic return of a minute, for each coin; about that of March 2019."""
MARKET = 0.7
"""Correlation of each coin's return with the market factor."""
HORIZON = 3
"""Minutes ahead for which the size of the signal is given."""
KINDS = ("lag", "agreement")
START = 1_550_632_140  # seconds since 1970: 2019-02-20 03:09 UTC


def shift_for(accuracy: float, kind: str = "lag") -> float:
    """Return how far the signal has to move the next minute, in standard deviations, for a best possible accuracy.

    The signal, +1 or -1, is known when the forecast is made. It moves the next minute by d or -d, and that minute keeps
    unit variance. So the return of the `HORIZON` minutes ahead has mean d or -d, and the best rule, the sign of the
    signal, is right with probability Phi(d / s), where s**2 = HORIZON - d**2 + c is the variance around that mean.
    In "lag" the minutes hang together a little, through the market: what moves the target now moves BTC too, which the
    target follows a minute later; c is what this adds. In "agreement" it has either sign, and c = 0 on average. The
    equation is solved for d. It takes the sum of the minutes as normal, which is right to about 0.2 points up to 0.56,
    and to 0.5 above.

    Raises
    ------
    TypeError
        If the accuracy is no number.
    ValueError
        Unless 0.5 <= accuracy <= 0.7, and for another kind.
    """
    accuracy = finite_number("accuracy", accuracy, least=0.5, most=0.7)
    if kind not in KINDS:
        raise ValueError(f"kind is {kind!r}; expected one of {', '.join(KINDS)}")
    together = MARKET**2 * np.sqrt(2 / np.pi) if kind == "lag" else 0.0  # E(x sign(y)) of normal x, y

    def excess(d):
        c = 2 * (HORIZON - 1) * together * d * np.sqrt(1 - d**2)
        return norm.cdf(d / np.sqrt(HORIZON - d**2 + c)) - accuracy

    return float(brentq(excess, 0.0, 1.0))


def walk(minutes: int, seed: int, accuracy: float = 0.5, kind: str = "lag", target: str = "LTC") -> np.ndarray:
    """Return closing prices of five coins, minute by minute.

    Parameters
    ----------
    minutes : int
        At least 2.
    seed : int
        Equal seeds give equal prices; and with one seed worlds of different accuracy differ in `target` alone.
    accuracy : float
        With which the direction of `target`, `HORIZON` minutes ahead, can be known by a rule that knows how the world
        is made. 0.5: all coins are random walks, and nothing can be known.
    kind : {"lag", "agreement"}
        What the signal is: the direction of BTC in the last minute ("lag": the target follows it), or whether BTC moved
        in that direction `HORIZON` minutes earlier, too ("agreement": if so the target rises, else it falls), which no
        linear model of returns can see.
    target : str
        One of `COINS`, but not BTC, of which the signal is made.

    Returns
    -------
    numpy.ndarray
        float64 (minutes, 5), positive; columns are `COINS`.

    Raises
    ------
    TypeError
        For a size or seed that is no whole number, and an accuracy that is no number.
    ValueError
        For an accuracy outside of 0.5 to 0.7, another kind, and a target that is not among the coins left.
    """
    minutes, seed = whole_number("minutes", minutes, least=2), whole_number("seed", seed, least=0)
    shift = shift_for(accuracy, kind)
    if target not in COINS[1:]:
        raise ValueError(f"target is {target!r}; expected one of {', '.join(COINS[1:])}; the signal is made of BTC.")
    rng = np.random.default_rng(seed)
    own = rng.standard_normal((minutes, len(COINS)))
    unit = MARKET * rng.standard_normal((minutes, 1)) + np.sqrt(1 - MARKET**2) * own  # (minutes, coins), variance 1
    sign = np.sign(unit[:, 0])
    if kind == "agreement":
        sign[HORIZON:] *= sign[:-HORIZON].copy()  # farther apart than the answer is long: no skew
    column = COINS.index(target)
    unit[1:, column] = shift * sign[:-1] + np.sqrt(1 - shift**2) * unit[1:, column]
    slow = lfilter([0.05], [1, -0.995], rng.standard_normal(minutes))  # logarithm of the volatility; hours long
    volatility = np.exp(slow - 0.05**2 / (1 - 0.995**2))  # of mean square 1
    returns = np.asarray(SCALE) * volatility[:, None] * unit
    returns[0] = 0
    return np.asarray(START_PRICE) * np.exp(np.cumsum(returns, axis=0))


def crypto(seed: int = 0, minutes: int = 12_000, accuracy: float = 0.5) -> dict[str, np.ndarray]:
    """Return the tables of five coins as the files have them, a walk of `walk`: a gap of an hour, two rows repeated.

    Parameters
    ----------
    seed, minutes, accuracy
        As for `walk`; at least 300 minutes.

    Returns
    -------
    dict
        For each coin, float64 (minutes - 60 + 2, 6): time in seconds, low, high, open, close, volume.

    Raises
    ------
    TypeError, ValueError
        As `walk`.
    """
    close = walk(whole_number("minutes", minutes, least=300), seed, accuracy)
    rng = np.random.default_rng([seed, 1])
    opened = np.concatenate([close[:1], close[:-1]])
    reach = 1 + 2e-4 * rng.exponential(size=(2, *close.shape))  # how far the minute went beyond its ends
    low, high = np.minimum(opened, close) / reach[0], np.maximum(opened, close) * reach[1]
    volume = rng.lognormal(2, 1, close.shape).round(3)
    times = START + MINUTE * np.arange(minutes, dtype=float)
    gap = np.arange(minutes // 2, minutes // 2 + 60)
    tables = {}
    for column, coin in enumerate(COINS):
        rows = np.stack([times, *(part[:, column] for part in (low, high, opened, close, volume))], axis=1)
        twice = np.repeat(rows, np.where(np.isin(np.arange(minutes), (100, 200)), 2, 1), axis=0)
        tables[coin] = twice[~np.isin(twice[:, 0], times[gap])]
    return tables
