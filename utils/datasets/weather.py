"""Two weather sets, Jena and Beijing: schema, test of the contents, loader. Reading only; cleaning is the lesson."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from utils.datasets import archives
from utils.datasets.checks import WrongFile
from utils.datasets.loaders import Loaded, load

if TYPE_CHECKING:
    import pandas as pd

JENA_MEMBER = "jena_climate_2009_2016.csv"
JENA_ROWS = 420_551
JENA_HEADER = (
    '"Date Time","p (mbar)","T (degC)","Tpot (K)","Tdew (degC)","rh (%)","VPmax (mbar)","VPact (mbar)",'
    '"VPdef (mbar)","sh (g/kg)","H2OC (mmol/mol)","rho (g/m**3)","wv (m/s)","max. wv (m/s)","wd (deg)"'
)
JENA_COLUMNS = tuple(name.strip('"') for name in JENA_HEADER.split('","'))[1:]
"""The 14 measured columns of the Jena file, in its order."""
BEIJING_MEMBER = "PRSA_data_2010.1.1-2014.12.31.csv"
BEIJING_COLUMNS = ("pm2.5", "DEWP", "TEMP", "PRES", "cbwd", "Iws", "Is", "Ir")
"""The measured columns of the Beijing file, in its order."""
BEIJING_SHA256 = "4fe4c954a563d0e746f96c258e1acf31f7880f1ad825b046052121938781c656"


def check_jena(path: Path) -> None:
    """Raise WrongFile or BadArchive unless this is the whole Jena file: header, rows, columns, first date."""
    lines = archives.read(path, JENA_MEMBER).splitlines()
    header = lines[0].decode("utf-8", "replace") if lines else ""
    if header != JENA_HEADER:
        raise WrongFile(f"expected the header {JENA_HEADER}, found {header[:300]}")
    rows = [line for line in lines[1:] if line]
    if len(rows) != JENA_ROWS:
        raise WrongFile(f"expected {JENA_ROWS:,} rows, found {len(rows):,}")
    if any(row.count(b",") != 14 for row in rows):
        raise WrongFile("expected a date and 14 numbers in every row, found rows with more or fewer")
    if not rows[0].startswith(b"01.01.2009 00:10:00,"):
        raise WrongFile(f"expected the first row of 01.01.2009 00:10:00, found {rows[0][:20]!r}")


def check_beijing(path: Path) -> None:
    """Raise WrongFile or BadArchive unless this is the Beijing file, whatever its line ends and quotes."""
    text = archives.read(path, BEIJING_MEMBER).replace(b"\r\n", b"\n").replace(b'"', b"").rstrip(b"\n") + b"\n"
    found = hashlib.sha256(text).hexdigest()
    if found != BEIJING_SHA256:
        raise WrongFile(f"expected a csv of SHA-256 {BEIJING_SHA256} with LF line ends, found {found}")


def _frame(loaded: Loaded, columns: tuple[str, ...], index: str) -> pd.DataFrame:
    """Return the frame of a real file or of the stand-in, checked against the schema that both share."""
    import pandas as pd

    frame = loaded.content
    if tuple(frame.columns) != columns or not isinstance(frame.index, pd.DatetimeIndex):
        found = f"expected columns {list(columns)} over dates, found {list(frame.columns)}"
        raise ValueError(f"{loaded.title} ({loaded.source}): {found}")
    frame.index.name = index
    frame.attrs["source"], frame.attrs["dataset"] = loaded.source, loaded.name
    loaded.announce(f"{len(frame):,} rows")
    return frame


def _read_jena(path: Path) -> pd.DataFrame:
    import pandas as pd

    with archives.open_file(path, JENA_MEMBER) as file:
        frame = pd.read_csv(file, dtype=dict.fromkeys(JENA_COLUMNS, float), index_col="Date Time")
    frame.index = pd.to_datetime(frame.index, format="%d.%m.%Y %H:%M:%S")  # day first, as the station writes it
    return frame


def _read_beijing(path: Path) -> pd.DataFrame:
    import pandas as pd

    # Only NA means missing, and only in pm2.5; a wind direction of "NA" would be a direction.
    missing = {"keep_default_na": False, "na_values": {"pm2.5": ["NA"]}}
    with archives.open_file(path, BEIJING_MEMBER) as file:
        frame = pd.read_csv(file, dtype={"cbwd": str}, **missing)
    frame.index = pd.DatetimeIndex(pd.to_datetime(frame[["year", "month", "day", "hour"]]))
    frame = frame.asfreq("h")  # raises on repeated hours; the file has none missing
    return frame[list(BEIJING_COLUMNS)].astype({name: float for name in BEIJING_COLUMNS if name != "cbwd"})


def load_jena() -> pd.DataFrame:
    """Return the Jena weather of 2009-2016, ten-minute means as measured, and print one line that says from where.

    Returns
    -------
    pandas.DataFrame
        Shape (420,551, 14), float64, index `Date Time` in local time without a zone; it is not strictly regular, and
        wind speeds of -9999 mean "not measured". Columns, with units, are `JENA_COLUMNS`. `attrs` holds `source`
        ("real" or "stand-in") and `dataset` ("jena").

    Raises
    ------
    DataUnavailable
        In the full profile if no file can be had.

    References
    ----------
    Max Planck Institute for Biogeochemistry, Jena, as prepared by F. Chollet; see `data/README.md`.
    """
    loaded = load("jena", "Jena weather", "jena", _read_jena, ("weather", "jena"), "not measurements")
    return _frame(loaded, JENA_COLUMNS, "Date Time")


def load_beijing() -> pd.DataFrame:
    """Return Beijing's PM2.5 and weather of 2010-2014, hourly, and print one line that says from where.

    Returns
    -------
    pandas.DataFrame
        Shape (43,824, 8) over the hourly index `time`: pm2.5 (micrograms/m**3, NaN where not measured), DEWP and TEMP
        (degC), PRES (hPa), cbwd (str: NW, NE, SE or cv for calm and variable), Iws (m/s, cumulated), Is and Ir (hours
        of snow and of rain, cumulated). All but cbwd are float64. `attrs` holds `source` and `dataset` ("beijing").

    Raises
    ------
    DataUnavailable
        In the full profile if no file can be had.

    References
    ----------
    UCI Machine Learning Repository, Liang et al. (2015); see `data/README.md`.
    """
    title, stand_in = "Beijing PM2.5 and weather", ("weather", "beijing")
    return _frame(
        load("beijing", title, "beijing", _read_beijing, stand_in, "not measurements"), BEIJING_COLUMNS, "time"
    )
