"""Loaders: from a name to a frame with a fixed schema, or a text. What belongs here: parsing, never a model or picture.

Every loader follows one rule. Quick: a real file that is already on disk, else the generated stand-in. Full: a real
file on disk, in the cache or from a mirror; a stand-in only if COURSE_STANDINS names it. One line says which.
"""

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from utils import settings
from utils.datasets import archives
from utils.datasets.contents import BEIJING_COLUMNS, BEIJING_MEMBER, JENA_COLUMNS, JENA_MEMBER
from utils.datasets.registry import Entry
from utils.datasets.transfer import DataUnavailable, fetch_any, locate_any

JENA_FORMS = ("jena", "jena-csv")
BEIJING_FORMS = ("beijing", "beijing-rezipped", "beijing-csv")
TIME_MACHINE_FORMS = ("timemachine", "timemachine-gz")

_USED: dict[str, str] = {}


def used() -> dict[str, str]:
    """Return what the loaders gave out in this process: {"jena": "stand-in", "beijing": "real"}."""
    return dict(_USED)


def find_real(name: str, accepted: Sequence[str]) -> tuple[tuple[Entry, Path] | None, str]:
    """Return ((entry, path), "") of a real file, or (None, why) where the stand-in `name` is to be generated.

    `accepted` are the entries that have all that the loader needs, best first. Other loaders can use it too.
    Raises DataUnavailable in the full profile if there is no file and COURSE_STANDINS does not name `name`.
    """
    if settings.profile() == "quick":
        return locate_any(accepted), "quick profile, no real file on disk"
    try:
        return fetch_any(accepted), ""
    except DataUnavailable as error:
        if name in settings.permitted_standins():
            return None, "permitted by COURSE_STANDINS"
        raise DataUnavailable(error.entry, error.reason, error.tried, standin=name) from None


@dataclass(frozen=True)
class _Source:
    """What a loader knows of its set: names, forms that suffice, how to read one, and where its stand-in is made."""

    name: str
    title: str
    accepted: tuple[str, ...]
    parse: Callable[[Path], Any]
    standins: str = "utils.datasets.standins"
    caution: str = "not measurements"


def _load(source: _Source) -> tuple[Any, str, Callable[[str], None]]:
    """Return what a real file or the stand-in holds, "real" or "stand-in", and a function that prints the one line.

    The caller checks the schema first, and then says the size: `announce("43,824 rows")`.
    """
    real, why = find_real(source.name, source.accepted)
    if real is not None:
        content, kind, line, end = source.parse(real[1]), "real", "real", ""
    else:
        standins = importlib.import_module(source.standins)  # here: weather needs SciPy, real data do not
        content, kind, end = getattr(standins, source.name)(), "stand-in", f"; {why}"
        line = f"generated stand-in ({source.caution})"

    def announce(size: str) -> None:
        _USED[source.name] = kind
        print(f"Data: {source.title}, {line}, {size}{end}")

    return content, kind, announce


def _load_frame(source: _Source, columns: tuple[str, ...], index: str) -> pd.DataFrame:
    """Return the frame of a real file or of the stand-in, checked against the schema that both share."""
    frame, kind, announce = _load(source)
    if tuple(frame.columns) != columns or not isinstance(frame.index, pd.DatetimeIndex):
        raise ValueError(
            f"{source.title} ({kind}): expected columns {list(columns)} over dates, found {list(frame.columns)}"
        )
    frame.index.name = index
    frame.attrs["source"], frame.attrs["dataset"] = kind, source.name
    announce(f"{len(frame):,} rows")
    return frame


def _load_text(source: _Source) -> str:
    """Return the text of a real file or of the stand-in, with line feeds at the ends of its lines."""
    text, kind, announce = _load(source)
    if not isinstance(text, str) or not text.strip():
        raise ValueError(f"{source.title} ({kind}): expected a text, found {type(text).__name__} without a letter")
    announce(f"{len(text):,} characters")
    return text


def _parse_text(path: Path) -> str:
    return archives.read(path).decode("utf-8").replace("\r\n", "\n")


def _read_csv(path: Path, member: str, **options) -> pd.DataFrame:
    """Parse the csv at `path`, or the one called `member` in any folder of an archive."""
    inside = None
    if archives.is_archive(path):
        inside = next(name for name in archives.names(path) if name.rsplit("/", 1)[-1] == member)
    with archives.open_member(path, inside) as file:
        return pd.read_csv(file, **options)


def _parse_jena(path: Path) -> pd.DataFrame:
    kinds = dict.fromkeys(JENA_COLUMNS, np.float64)
    frame = _read_csv(path, JENA_MEMBER, dtype=kinds, index_col="Date Time")
    frame.index = pd.to_datetime(frame.index, format="%d.%m.%Y %H:%M:%S")  # day first, as the station writes it
    return frame


def _parse_beijing(path: Path) -> pd.DataFrame:
    # Only NA means missing, and only in pm2.5; a wind direction of "NA" would be a direction.
    frame = _read_csv(path, BEIJING_MEMBER, keep_default_na=False, na_values={"pm2.5": ["NA"]}, dtype={"cbwd": str})
    frame.index = pd.DatetimeIndex(pd.to_datetime(frame[["year", "month", "day", "hour"]]))
    frame = frame.asfreq("h")  # raises on repeated hours; the file has none missing
    measured = frame[list(BEIJING_COLUMNS)]
    return measured.astype({name: np.float64 for name in BEIJING_COLUMNS if name != "cbwd"})


def load_jena() -> pd.DataFrame:
    """Return the Jena weather of 2009-2016, ten-minute means as measured, and print one line that says from where.

    Frame of shape (420,551, 14), float64, index `Date Time` in local time without a zone; it is not strictly regular,
    and wind speeds of -9999 mean "not measured": cleaning is the notebook's lesson. Columns, with units, are
    `JENA_COLUMNS`. `attrs` holds `source` ("real" or "stand-in") and `dataset` ("jena").

    Raises DataUnavailable in the full profile if no file can be had. Source: Max Planck Institute for
    Biogeochemistry, Jena, as prepared by F. Chollet; see `data/README.md`.
    """
    return _load_frame(_Source("jena", "Jena weather", JENA_FORMS, _parse_jena), JENA_COLUMNS, "Date Time")


def load_beijing() -> pd.DataFrame:
    """Return Beijing's PM2.5 and weather of 2010-2014, hourly, and print one line that says from where.

    Frame of shape (43,824, 8) over the hourly index `time`: pm2.5 (micrograms/m**3, NaN where not measured), DEWP and
    TEMP (degC), PRES (hPa), cbwd (str: NW, NE, SE or cv for calm and variable), Iws (m/s, cumulated), Is and Ir (hours
    of snow and of rain, cumulated). All but cbwd are float64. `attrs` holds `source` and `dataset` ("beijing").

    Raises DataUnavailable in the full profile if no file can be had. Source: UCI Machine Learning Repository,
    Liang et al. (2015); see `data/README.md`.
    """
    title = "Beijing PM2.5 and weather"
    return _load_frame(_Source("beijing", title, BEIJING_FORMS, _parse_beijing), BEIJING_COLUMNS, "time")


def load_time_machine() -> str:
    """Return The Time Machine by H. G. Wells, as it was printed, and print one line that says from where.

    One text of 178,979 characters with line feeds, title and chapter numbers included, upper case and punctuation kept:
    cleaning is the notebook's lesson. `used()["timemachine"]` says "real" or "stand-in".

    Raises DataUnavailable in the full profile if no file can be had. Source: Wells, H. G. (1895), in the text of
    *Dive into Deep Learning*; see `data/README.md`.
    """
    return _load_text(
        _Source(
            "timemachine",
            "The Time Machine",
            TIME_MACHINE_FORMS,
            _parse_text,
            "utils.datasets.standin_texts",
            "not the novel",
        )
    )
