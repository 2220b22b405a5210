"""Minute prices of several coins: loader and schema. Reading only; what can be learned from them is the lesson.

The csv files have no header: time, low, high, open, close, volume. Minutes are missing in them, and some are there
twice. Here all coins come on one grid of minutes, and what was missing or repeated is counted.
"""

import csv
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from utils.datasets import archives
from utils.datasets.archives import BadArchive
from utils.datasets.loaders import load

COLUMNS = ("time", "low", "high", "open", "close", "volume")
"""The columns of a csv file, in its order: seconds since 1970 (UTC), four prices, coins traded in the minute."""

FILES = {
    "BTC": ("BTC-USD.csv",),
    "ETH": ("ETH-USD.csv",),
    "LTC": ("LTC-USD.csv",),
    "BCH": ("BCH-USD.csv", "BCHABC-USD.csv"),
    "EOS": ("EOS-USD.csv",),
}
"""What the file of each coin may be called. Bitcoin Cash had another name just after it split."""

NEEDED = ("BTC", "ETH", "LTC", "BCH")
"""The coins that every edition has."""

MINUTE = 60
"""Seconds from one row to the next."""


@dataclass(frozen=True, eq=False, repr=False)
class MinutePrices:
    """Prices and volumes of several coins on one grid of minutes.

    Attributes
    ----------
    times : numpy.ndarray
        datetime64[s] (minutes,), UTC, the beginning of each minute; one minute apart, without a gap.
    coins : tuple of str
        What the columns are.
    low, high, open, close : numpy.ndarray
        float64 (minutes, coins), in US dollars or a token worth about one. NaN where the file has no row.
    volume : numpy.ndarray
        float64 (minutes, coins), coins traded in the minute; NaN where the file has no row. 0: nobody traded.
    missing : dict
        For each coin, how many minutes of the grid have no row.
    repeated : dict
        For each coin, how many rows were left out as their time stamp had been there before.
    source : {"real", "stand-in"}
        Where they are from.
    """

    times: np.ndarray
    coins: tuple[str, ...]
    low: np.ndarray
    high: np.ndarray
    open: np.ndarray
    close: np.ndarray
    volume: np.ndarray
    missing: dict[str, int]
    repeated: dict[str, int]
    source: str

    def __repr__(self) -> str:
        """Return the size: the prices would fill a notebook."""
        return f"MinutePrices({len(self.times):,} minutes, {', '.join(self.coins)}, {self.source})"


def _table(text: io.TextIOBase, where: str) -> np.ndarray:
    """Return the rows of one csv file as float64 (rows, 6). Raises ValueError with the line that is wrong."""
    rows = []
    try:
        for number, line in enumerate(csv.reader(text), start=1):
            if not line:
                continue
            try:
                rows.append([float(value) for value in line])
                if len(line) != len(COLUMNS):
                    raise ValueError
            except ValueError:
                expected = f"expected {len(COLUMNS)} numbers ({', '.join(COLUMNS)})"
                raise ValueError(f"{where}, line {number}: {expected}, found {','.join(line)[:80]!r}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{where}: not a csv file in UTF-8 ({error})") from None
    return np.array(rows, dtype=np.float64).reshape(-1, len(COLUMNS))


def _read(path: Path, folder: str = "crypto_data") -> dict[str, np.ndarray]:
    """Return the table of each coin, from the files in `folder`, or in none, of an archive."""
    coins = {file: coin for coin, names in FILES.items() for file in names}
    tables: dict[str, np.ndarray] = {}
    for member, source in archives.files(path):
        *above, file = member.split("/")
        if file not in coins or above[-1:] not in ([], [folder]):  # there may be bars of five minutes besides
            continue
        if coins[file] in tables:
            raise BadArchive(f"{path.name}: expected one file for {coins[file]}, found a second one: {member}")
        tables[coins[file]] = _table(io.TextIOWrapper(source, "utf-8", newline=""), f"{path.name}, {member}")
    return tables


def check_rows(table: np.ndarray, where: str) -> None:
    """Raise ValueError unless every row of a table is a possible minute: finite, on the minute, low <= others <= high.

    The message names the first row that is not, counted from 1.
    """
    time, low, high, opened, close, volume = table.T
    finite = np.isfinite(table).all(axis=1)
    rules = {
        "finite numbers": finite,
        "a time on the full minute": ~finite | ((time % MINUTE == 0) & (time >= 0)),
        "positive prices": ~finite | (low > 0),
        "low <= open and close <= high": ~finite
        | ((low <= np.minimum(opened, close)) & (np.maximum(opened, close) <= high)),
        "a volume of 0 or more": ~finite | (volume >= 0),
    }
    if not len(table):
        raise ValueError(f"{where}: expected rows of {', '.join(COLUMNS)}, found none")
    for expected, kept in rules.items():
        if not kept.all():
            row = int(np.argmin(kept))
            found = ", ".join(f"{name} {value:g}" for name, value in zip(COLUMNS, table[row]))
            raise ValueError(f"{where}, row {row + 1}: expected {expected}, found {found}")
    if (back := np.flatnonzero(np.diff(time) < 0)).size:
        raise ValueError(f"{where}, row {back[0] + 2}: expected times in order, found one before that of the last row")


def on_one_grid(tables: dict[str, np.ndarray], source: str, where: str) -> MinutePrices:
    """Return the tables of all coins on one grid: every minute from the first that all have to the last that all have.

    A minute without a row is NaN; nothing is filled in. Of rows with one time stamp the first is kept, if the others
    say the same.

    Parameters
    ----------
    tables : dict
        For each coin, rows of `COLUMNS`, (rows, 6).
    source : {"real", "stand-in"}
        Kept in the result.
    where : str
        What messages begin with.

    Returns
    -------
    MinutePrices
        The coins in the order of `FILES`.

    Raises
    ------
    ValueError
        If a coin of `NEEDED` is not there; for rows that `check_rows` refuses; for two rows of one minute that differ;
        if no minute is common to all coins.
    """
    if lacking := [coin for coin in NEEDED if coin not in tables]:
        names = ", ".join(" or ".join(FILES[coin]) for coin in lacking)
        raise ValueError(f"{where}: expected prices of {', '.join(NEEDED)}; not found: {names}")
    coins = tuple(coin for coin in FILES if coin in tables)
    unique, repeated = {}, {}
    for coin in coins:
        table, name = np.asarray(tables[coin], dtype=np.float64), f"{where}, {coin}"
        check_rows(table, name)
        again = np.flatnonzero(np.diff(table[:, 0]) == 0) + 1
        differ = again[(table[again] != table[again - 1]).any(axis=1)]
        if differ.size:
            raise ValueError(f"{name}, row {differ[0] + 1}: the minute is there twice, with different numbers")
        unique[coin], repeated[coin] = np.delete(table, again, axis=0), len(again)
    start = max(table[0, 0] for table in unique.values())
    stop = min(table[-1, 0] for table in unique.values())
    if start > stop:
        raise ValueError(f"{where}: no minute is common to all coins, so they cannot stand side by side")
    seconds = np.arange(int(start), int(stop) + 1, MINUTE)
    values = np.full((len(COLUMNS) - 1, len(seconds), len(coins)), np.nan)
    for column, coin in enumerate(coins):
        table = unique[coin]
        table = table[(table[:, 0] >= start) & (table[:, 0] <= stop)]
        values[:, ((table[:, 0] - start) // MINUTE).astype(int), column] = table[:, 1:].T
    missing = {coin: int(np.isnan(values[0, :, column]).sum()) for column, coin in enumerate(coins)}
    return MinutePrices(seconds.astype("datetime64[s]"), coins, *values, missing, repeated, source)


def load_crypto() -> MinutePrices:
    """Return minute prices of several coins on one grid of minutes, and print one line that says from where.

    Returns
    -------
    MinutePrices
        BTC, ETH, LTC and BCH, and EOS where the file has it. The edition of 2019 has 54,780 minutes from 2019-02-20
        03:09 to 2019-03-30 04:08 UTC, of which 360 in a row are missing for all coins.

    Raises
    ------
    ValueError
        For a file without one of the four coins, or with rows that cannot be; it says where.
    DataUnavailable
        In the full profile if no file can be had.

    References
    ----------
    Kinsley, H. (2018), pythonprogramming.net; Binance; see `data/README.md`.
    """
    title = "Crypto minute prices"
    loaded = load("crypto", title, "crypto", _read, ("crypto", "crypto"), "a random walk, not prices")
    prices = on_one_grid(loaded.content, loaded.source, f"{title} ({loaded.source})")
    gaps = max(prices.missing.values())
    loaded.announce(f"{len(prices.times):,} minutes ({gaps:,} of them missing), {len(prices.coins)} coins")
    return prices
