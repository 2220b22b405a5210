"""Minute prices: one grid for all coins, gaps and repeated rows counted; what cannot be is refused by file and row."""

# ruff: noqa: F401, F811 (fixtures come by import, and are then named as parameters)

import hashlib
import zipfile

import numpy as np
import pytest
from loopback import course, no_network

from utils import datasets
from utils.datasets import BadArchive, DataUnavailable, crypto, load_crypto
from utils.datasets.crypto import COLUMNS, NEEDED, MinutePrices, on_one_grid

T = 1_550_632_140


def lines(*minutes, price=10.0):
    """Csv rows at these minutes: low, high, open, close, volume follow from the minute."""
    return "".join(f"{T + 60 * k},{price + k - 1},{price + k + 1},{price + k},{price + k + 0.5},{k}\n" for k in minutes)


def archive(course, **texts):
    """Put an archive there, with other texts for some coins; None leaves a coin out."""
    course.clear()
    path = course.data / "crypto_data.zip"
    with zipfile.ZipFile(path, "w") as box:
        for coin in (*NEEDED, "EOS"):
            text = texts.get(coin, lines(0, 1, 2, 3, 4))
            if text is not None:
                box.writestr(f"crypto_data/{texts.get('name_' + coin, coin)}-USD.csv", text)
        for member in texts.get("more", ()):
            box.writestr(member, lines(7))
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    course.add("crypto", file=path.name, hash=f"sha256:{sha256}")
    course.add("crypto-binance-2019", file="other.zip", form_of="crypto", lacks="the lecture's dates")


def tables(**others):
    table = {coin: np.array([[float(x) for x in row.split(",")] for row in lines(0, 1, 2).split()]) for coin in NEEDED}
    return table | others


def bent(column, value, row=1):
    table = tables()["BTC"]
    table[row, COLUMNS.index(column)] = value
    return table


# Reading ---------------------------------------------------------------------------------------------


def test_all_coins_come_on_one_grid(course, no_network, capsys):
    archive(
        course,
        BTC=lines(1, 2, 2, 3, 5, 6),  # begins later, a minute twice, one missing
        ETH=lines(0, 1, 2, 3, 4, 5),  # ends first
        LTC=lines(0, 1, 2, 3, 4, 5, 6).replace("\n", "\r\n") + "\n",
        name_BCH="BCHABC",
        BCH=lines(1, 5),
        more=("crypto_data_5min/BTC-USD.csv", "crypto_data/readme.txt", "__MACOSX/crypto_data/._BTC-USD.csv"),
        EOS=None,
    )
    prices = load_crypto()
    assert capsys.readouterr().out == "Data: Crypto minute prices, real, 5 minutes (3 of them missing), 4 coins\n"
    assert prices.coins == ("BTC", "ETH", "LTC", "BCH") and prices.source == "real"
    assert datasets.used()["crypto"] == "real"
    assert (np.diff(prices.times) == np.timedelta64(60, "s")).all()
    assert prices.times[0] == np.datetime64("2019-02-20T03:10:00")
    nan = np.nan
    expected = [[11.5] * 4, [12.5] * 3 + [nan], [13.5] * 3 + [nan], [nan, 14.5, nan, nan], [15.5, 15.5, nan, 15.5]]
    expected[3][2], expected[4][2] = 14.5, 15.5
    np.testing.assert_array_equal(prices.close, expected)
    assert prices.missing == {"BTC": 1, "ETH": 0, "LTC": 0, "BCH": 3}
    assert prices.repeated == {"BTC": 1, "ETH": 0, "LTC": 0, "BCH": 0}
    np.testing.assert_array_equal(prices.low[0], [10.0] * 4)
    np.testing.assert_array_equal(prices.high[0], [12.0] * 4)
    np.testing.assert_array_equal(prices.open[0], [11.0] * 4)
    np.testing.assert_array_equal(prices.volume[:, 1], [1, 2, 3, 4, 5])
    assert repr(prices) == "MinutePrices(5 minutes, BTC, ETH, LTC, BCH, real)"


def test_files_without_a_folder_will_do(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as box:
        for coin in NEEDED:
            box.writestr(f"{coin}-USD.csv", lines(0, 1))
    assert set(crypto._read(tmp_path / "x.zip")) == set(NEEDED)


# Bad input -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("texts", "error", "says"),
    [
        ({"ETH": None}, ValueError, r"expected prices of BTC, ETH, LTC, BCH; not found: ETH-USD\.csv"),
        ({"BCH": None}, ValueError, r"not found: BCH-USD\.csv or BCHABC-USD\.csv"),
        ({"ETH": lines(0) + "1,2,3\n"}, ValueError, r"ETH-USD\.csv, line 2: expected 6 numbers \(time, low.*'1,2,3'"),
        ({"ETH": "time,low,high,open,close,volume\n"}, ValueError, r"ETH-USD\.csv, line 1: expected 6 numbers"),
        ({"ETH": lines(0).replace("10.5", "")}, ValueError, r"line 1: expected 6 numbers"),
        ({"ETH": b"\xff\xfe"}, ValueError, r"ETH-USD\.csv: not a csv file in UTF-8"),
        ({"ETH": ""}, ValueError, r"\(real\), ETH: expected rows of time, low.*found none"),
        ({"more": ("BTC-USD.csv",)}, BadArchive, r"expected one file for BTC, found a second one"),
        ({"ETH": lines(8, 9)}, ValueError, "no minute is common to all coins"),
    ],
)
def test_what_is_no_table_of_prices_is_refused(course, no_network, capsys, texts, error, says):
    archive(course, **texts)
    with pytest.raises(error, match=says):
        load_crypto()
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (bent("close", np.nan), "here, BTC, row 2: expected finite numbers, found time 1.55063e.09, .*close nan"),
        (bent("time", T + 61), "row 2: expected a time on the full minute"),
        (bent("low", 0), "row 2: expected positive prices"),
        (bent("high", 11.2), "row 2: expected low <= open and close <= high"),
        (bent("low", 11.2), "row 2: expected low <= open and close <= high"),
        (bent("volume", -1, row=2), "row 3: expected a volume of 0 or more"),
        (bent("time", T - 60), "row 2: expected times in order"),
        (bent("time", T), "row 2: the minute is there twice, with different numbers"),
    ],
)
def test_impossible_minutes_are_refused(table, says):
    with pytest.raises(ValueError, match=says):
        on_one_grid(tables(BTC=table), "real", "here")


def test_a_damaged_archive_is_left_out(course, no_network):
    archive(course)
    path = course.data / "crypto_data.zip"
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.warns(UserWarning, match="is left out"), pytest.raises(DataUnavailable, match="crypto_data"):
        load_crypto()


# Real or generated -----------------------------------------------------------------------------------


def test_full_uses_the_standin_with_permission_only(course, monkeypatch, capsys):
    course.add("crypto", file="crypto_data.zip", urls=["http://127.0.0.1:9/crypto_data.zip"], hash="sha256:" + 64 * "0")
    course.add("crypto-binance-2019", file="other.zip", form_of="crypto", lacks="the lecture's dates")
    with pytest.raises(DataUnavailable, match="COURSE_STANDINS=crypto"):
        load_crypto()
    monkeypatch.setenv("COURSE_STANDINS", "crypto")
    prices = load_crypto()
    assert isinstance(prices, MinutePrices) and prices.source == datasets.used()["crypto"] == "stand-in"
    assert "generated stand-in (a random walk, not prices), 12,000 minutes (60 of them missing)" in (
        capsys.readouterr().out
    )


def test_the_real_list_has_an_address_and_the_substitute():
    known = datasets.entries()
    assert datasets.NEEDS["crypto"] == ("crypto-binance-2019", "crypto")
    assert known["crypto"].urls and known["crypto-binance-2019"].form_of == "crypto"


# The real file ---------------------------------------------------------------------------------------


@pytest.mark.realdata
def test_real_crypto(real, capsys):
    path = datasets.locate("crypto-binance-2019")
    if path is None:
        pytest.skip("the file is not at hand")
    prices = on_one_grid(crypto._read(path), "real", "here")
    assert prices.close.shape == (54_780, 5) and set(prices.missing.values()) == {360}
    assert set(prices.repeated.values()) == {0}
    gap = np.flatnonzero(np.isnan(prices.close).any(axis=1))
    assert gap[-1] - gap[0] == 359 and str(prices.times[gap[0]]) == "2019-03-12T02:00:00"
    assert (prices.close[0, 0], prices.close[-1, 0]) == (3913.2, 4081.43)
    # The bars of five minutes, which the loader leaves out, are there twice at the end of each day.
    five = crypto._read(path, "crypto_data_5min")
    assert set(on_one_grid(five, "real", "here").repeated.values()) == {83}
