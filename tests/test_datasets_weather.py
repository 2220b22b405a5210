"""Loaders: the schema, the one line, and when generated data may stand in for measured data."""

# ruff: noqa: F401, F811 (fixtures come by import, and are then named as parameters)

import gzip
import hashlib
import re
import sys
import types
import warnings
import zipfile

import numpy as np
import pandas as pd
import pytest
from loopback import course, no_network, registry, server, status

from utils import COURSE_ROOT, datasets, settings
from utils.datasets import DataUnavailable, load_beijing, load_jena, weather
from utils.datasets.weather import BEIJING_COLUMNS, JENA_COLUMNS

JENA_ROWS = [
    "01.01.2009 00:10:00,996.52,-8.02,265.40,-8.90,93.30,3.33,3.11,0.22,1.94,3.12,1307.75,1.03,1.75,152.30",
    "01.01.2009 00:20:00,996.57,-8.41,265.01,-9.28,93.40,3.23,3.02,0.21,1.89,3.03,1309.80,-9999.00,-9999.00,136.10",
    "13.02.2009 00:30:00,996.53,-8.51,264.91,-9.31,93.90,3.21,3.01,0.20,1.88,3.02,1310.24,0.19,0.63,171.60",
]
BEIJING_ROWS = [
    "1,2010,1,1,23,NA,-21,-11,1021,NW,1.79,0,0",
    "2,2010,1,2,0,129,-16,-4,1020,SE,1.79,0,1",
    "3,2010,1,2,1,148,-15,-4,1020,NA,2.68,2,0",
]
BEIJING_HEADER = "No,year,month,day,hour,pm2.5,DEWP,TEMP,PRES,cbwd,Iws,Is,Ir"


@pytest.fixture
def jena_file(course, monkeypatch):
    """A small Jena archive in the course's folder that passes for the real one."""
    monkeypatch.setattr(weather, "JENA_ROWS", len(JENA_ROWS))
    course.add("jena", file="jena.zip", no_hash="x", check="weather.jena", urls=["https://data.invalid/jena.zip"])
    course.add("jena-csv", file="jena.csv", no_hash="x", check="weather.jena", form_of="jena", lacks="nothing")
    text = "\r\n".join([weather.JENA_HEADER, *JENA_ROWS])
    with zipfile.ZipFile(course.data / "jena.zip", "w") as box:
        box.writestr("jena_climate_2009_2016.csv", text)
    return course.data / "jena.zip"


@pytest.fixture
def beijing_file(course, monkeypatch):
    """A small Beijing archive in the course's folder that passes for the real one."""
    text = "\n".join([BEIJING_HEADER, *BEIJING_ROWS]) + "\n"
    monkeypatch.setattr(weather, "BEIJING_SHA256", hashlib.sha256(text.encode()).hexdigest())
    for name, file in (("beijing", "b.zip"), ("beijing-csv", "b.csv"), ("beijing-rezipped", "b2.zip")):
        form = {} if name == "beijing" else {"form_of": "beijing", "lacks": "nothing"}
        course.add(name, file=file, no_hash="x", check="weather.beijing", **form)
    with zipfile.ZipFile(course.data / "b.zip", "w") as box:
        box.writestr("PRSA_data_2010.1.1-2014.12.31.csv", text.replace("\n", "\r\n"))
    return course.data / "b.zip"


@pytest.fixture
def absent(course):
    """Entries of both sets, with no file anywhere and an address that nothing answers."""
    for name, others in (("jena", ("jena-csv",)), ("beijing", ("beijing-rezipped", "beijing-csv"))):
        course.add(name, urls=[f"http://127.0.0.1:9/{name}.bin"])
        for other in others:
            course.add(other, form_of=name, lacks="nothing")
    return course


@pytest.fixture
def standins(monkeypatch):
    """Stand-ins of three rows in place of the course's, which take seconds; says how often each was made."""
    made = []

    def jena(seed=0):
        made.append("jena")
        index = pd.date_range("2009-01-01 00:10", periods=3, freq="10min", name="Date Time")
        return pd.DataFrame(np.ones((3, 14)), columns=JENA_COLUMNS, index=index)

    def beijing(seed=0):
        made.append("beijing")
        index = pd.date_range("2010-01-01", periods=3, freq="h")
        frame = pd.DataFrame(np.ones((3, 8)), columns=BEIJING_COLUMNS, index=index)
        return frame.assign(cbwd="NW")

    module = types.SimpleNamespace(jena=jena, beijing=beijing)
    monkeypatch.setitem(sys.modules, "utils.datasets.standins.weather", module)
    return made


# The schema ------------------------------------------------------------------------------------------


def test_columns_are_those_of_the_file():
    """Written out, because the loaders, the stand-ins and the check of the archive all take them from one place."""
    humidity = ["rh (%)", "VPmax (mbar)", "VPact (mbar)", "VPdef (mbar)", "sh (g/kg)", "H2OC (mmol/mol)"]
    wind = ["wv (m/s)", "max. wv (m/s)", "wd (deg)"]
    expected = ["p (mbar)", "T (degC)", "Tpot (K)", "Tdew (degC)", *humidity, "rho (g/m**3)", *wind]
    assert list(JENA_COLUMNS) == expected
    assert ",".join(f'"{name}"' for name in ("Date Time", *expected)) == weather.JENA_HEADER
    assert weather.JENA_ROWS == 420_551
    assert BEIJING_COLUMNS == ("pm2.5", "DEWP", "TEMP", "PRES", "cbwd", "Iws", "Is", "Ir")


def test_jena_schema(jena_file, no_network, capsys):
    frame = load_jena()
    assert capsys.readouterr().out == "Data: Jena weather, real, 3 rows\n"
    assert tuple(frame.columns) == JENA_COLUMNS
    assert set(frame.dtypes) == {np.dtype("float64")}
    assert frame.index.name == "Date Time"
    assert list(frame.index) == [
        pd.Timestamp(2009, 1, 1, 0, 10),
        pd.Timestamp(2009, 1, 1, 0, 20),
        pd.Timestamp(2009, 2, 13, 0, 30),
    ]
    assert frame["T (degC)"].tolist() == [-8.02, -8.41, -8.51]
    assert frame["wv (m/s)"].tolist() == [1.03, -9999.0, 0.19], "cleaning is the notebook's"
    assert frame.attrs == {"source": "real", "dataset": "jena"}


def test_jena_from_the_unpacked_csv(jena_file, course, no_network):
    (course.data / "jena.csv").write_bytes(zipfile.ZipFile(jena_file).read("jena_climate_2009_2016.csv"))
    with_archive = load_jena()
    jena_file.unlink()
    pd.testing.assert_frame_equal(load_jena(), with_archive)


def test_beijing_schema(beijing_file, no_network, capsys):
    frame = load_beijing()
    assert capsys.readouterr().out == "Data: Beijing PM2.5 and weather, real, 3 rows\n"
    assert tuple(frame.columns) == BEIJING_COLUMNS
    assert list(frame.index) == list(pd.date_range("2010-01-01 23:00", periods=3, freq="h"))
    assert frame.index.freqstr == "h"
    assert frame["pm2.5"].isna().tolist() == [True, False, False]
    assert frame["cbwd"].tolist() == ["NW", "SE", "NA"], "only pm2.5 has missing values"
    assert all(isinstance(value, str) for value in frame["cbwd"])
    assert all(frame[name].dtype == np.float64 for name in BEIJING_COLUMNS if name != "cbwd")
    assert frame["Is"].tolist() == [0, 0, 2] and frame["Ir"].tolist() == [0, 1, 0]
    assert frame.attrs == {"source": "real", "dataset": "beijing"}


@pytest.mark.parametrize("form", ["b.csv", "b2.zip"])
def test_both_other_forms_of_beijing_will_do(beijing_file, course, no_network, form):
    expected = load_beijing()
    if form == "b.csv":
        (course.data / form).write_bytes(zipfile.ZipFile(beijing_file).read("PRSA_data_2010.1.1-2014.12.31.csv"))
        beijing_file.unlink()
    else:
        beijing_file.rename(course.data / form)
    pd.testing.assert_frame_equal(load_beijing(), expected)


def test_a_copy_of_beijing_with_quotes_is_the_same(beijing_file, course, no_network):
    expected = load_beijing()
    text = zipfile.ZipFile(beijing_file).read("PRSA_data_2010.1.1-2014.12.31.csv").decode()
    beijing_file.unlink()
    header = ",".join(f'"{name}"' for name in BEIJING_HEADER.split(","))
    (course.data / "b.csv").write_text(text.replace(BEIJING_HEADER, header).replace("NW", '"NW"'), encoding="utf-8")
    pd.testing.assert_frame_equal(load_beijing(), expected)
    (course.data / "b.csv").write_text(text.replace("1021", "1022"), encoding="utf-8")
    with pytest.warns(UserWarning, match="recorded at its first use"):
        assert datasets.locate("beijing") is None


def test_what_suffices_lacks_nothing():
    entries = datasets.entries()
    for need in ("jena", "beijing"):
        forms = [entries[form] for form in datasets.NEEDS[need]]
        assert all(form.lacks.startswith("nothing") for form in forms if form.form_of is not None), need
    assert "jena-january" in entries, "which has 4,000 of 420,551 rows, and so is none of them"


# Real or generated -----------------------------------------------------------------------------------

CASES = [("jena", load_jena, "Jena weather"), ("beijing", load_beijing, "Beijing PM2.5 and weather")]


@pytest.mark.parametrize(("name", "load", "title"), CASES)
def test_full_without_permission_never_uses_a_standin(absent, standins, monkeypatch, name, load, title, capsys):
    monkeypatch.setenv("COURSE_STANDINS", "something-else")
    with pytest.raises(DataUnavailable) as caught:
        load()
    assert standins == []
    assert capsys.readouterr().out == ""
    for part in (
        f"{name}.bin",
        f"http://127.0.0.1:9/{name}.bin",
        "no connection",
        "COURSE_DATA_DIR",
        "COURSE_PROFILE=quick",
    ):
        assert part in str(caught.value)
    assert f"COURSE_STANDINS={name}" in str(caught.value)


@pytest.mark.parametrize(("name", "load", "title"), CASES)
def test_full_with_permission_tries_the_network_first(absent, standins, monkeypatch, server, name, load, title, capsys):
    monkeypatch.setenv("COURSE_STANDINS", f"other, {name}")
    monkeypatch.setenv("COURSE_MIRROR", server.give("/class", status(404)))
    frame = load()
    assert server.counts[f"/class/{name}.bin"] == 1
    line = f"Data: {title}, generated stand-in (not measurements), 3 rows; permitted by COURSE_STANDINS\n"
    assert capsys.readouterr().out == line
    assert frame.attrs == {"source": "stand-in", "dataset": name}
    assert datasets.used()[name] == "stand-in"
    assert standins == [name]


@pytest.mark.parametrize(("name", "load", "title"), CASES)
def test_quick_generates_without_the_network(absent, standins, monkeypatch, no_network, name, load, title, capsys):
    monkeypatch.setenv("COURSE_PROFILE", "quick")
    monkeypatch.setenv("COURSE_MIRROR", "https://mirror.invalid")
    frame = load()
    line = f"Data: {title}, generated stand-in (not measurements), 3 rows; quick profile, no real file on disk\n"
    assert capsys.readouterr().out == line
    assert frame.attrs["source"] == "stand-in"
    assert frame.index.name == {"jena": "Date Time", "beijing": "time"}[name]


def test_quick_prefers_the_real_file(beijing_file, standins, monkeypatch, no_network):
    monkeypatch.setenv("COURSE_PROFILE", "quick")
    assert load_beijing().attrs["source"] == "real"
    assert datasets.used()["beijing"] == "real"
    assert standins == []


def test_permission_does_not_displace_the_real_file(jena_file, standins, monkeypatch, no_network):
    monkeypatch.setenv("COURSE_STANDINS", "jena")
    assert load_jena().attrs["source"] == "real"
    assert standins == []


def test_standin_of_another_schema_is_refused(absent, monkeypatch):
    monkeypatch.setenv("COURSE_PROFILE", "quick")
    frame = pd.DataFrame({"T": [1.0]}, index=pd.date_range("2009", periods=1))
    monkeypatch.setitem(sys.modules, "utils.datasets.standins.weather", types.SimpleNamespace(jena=lambda: frame))
    with pytest.raises(ValueError, match="expected columns"):
        load_jena()


@pytest.mark.parametrize(("name", "load", "title"), CASES)
def test_the_courses_own_standins_have_the_schema(absent, monkeypatch, no_network, capsys, name, load, title):
    monkeypatch.setenv("COURSE_PROFILE", "quick")
    frame = load()
    assert re.fullmatch(
        rf"Data: {title}, generated stand-in .*, [\d,]+ rows; quick profile, .*\n", capsys.readouterr().out
    )
    assert len(frame) == {"jena": 420_551, "beijing": 43_824}[name]
    assert all(frame[column].dtype == np.float64 for column in frame.columns if column != "cbwd")


# Real files ------------------------------------------------------------------------------------------


@pytest.mark.realdata
def test_real_beijing(real, capsys):
    if datasets.locate("beijing") is None:
        pytest.skip("the file is not at hand")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        frame = load_beijing()
    assert capsys.readouterr().out == "Data: Beijing PM2.5 and weather, real, 43,824 rows\n"
    assert frame.shape == (43_824, 8)
    assert frame["pm2.5"].isna().sum() == 2_067
    assert not frame.drop(columns="pm2.5").isna().any(axis=None)
    assert (frame.index[0], frame.index[-1]) == (pd.Timestamp(2010, 1, 1, 0), pd.Timestamp(2014, 12, 31, 23))
    assert set(frame["cbwd"]) == {"NW", "NE", "SE", "cv"}


@pytest.mark.realdata
def test_real_jena(real, capsys):
    if datasets.locate("jena") is None:
        pytest.skip("the file is not at hand")
    frame = load_jena()
    assert capsys.readouterr().out == "Data: Jena weather, real, 420,551 rows\n"
    assert frame.shape == (420_551, 14)
    assert frame.iloc[0].tolist()[:3] == [996.52, -8.02, 265.40]


@pytest.mark.realdata
def test_real_january_sample_is_not_taken_for_the_archive(real, standins):
    if datasets.locate("jena-january") is None or datasets.locate("jena") is not None:
        pytest.skip("needs the sample without the archive")
    assert load_jena().attrs["source"] == "stand-in"
