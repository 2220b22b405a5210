"""Loaders: from a name to a frame with a fixed schema, and the rule of all loaders. Never a model or picture.

The rule. Quick: a real file that is already on disk, else the generated stand-in. Full: a real file on disk, in the
cache or from a mirror; a stand-in only if COURSE_STANDINS names it. One line says which. `loaders_text` and
`loaders_vectors` follow it for texts and for word vectors.
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
class Source:
    """What a loader knows of its set: names, forms that suffice, how to read one, and how its stand-in is made.

    `standins` is the module whose function `name` makes the stand-in when called with `arguments`.
    """

    name: str
    title: str
    accepted: tuple[str, ...]
    parse: Callable[[Path], Any]
    standins: str = "utils.datasets.standins"
    caution: str = "not measurements"
    arguments: tuple = ()


@dataclass(frozen=True)
class Loaded:
    """What `load` found: the content, "real" or "stand-in", the entry of a real file, and the ends of its line."""

    content: Any
    kind: str
    entry: Entry | None
    name: str
    line: tuple[str, str]

    def announce(self, size: str) -> None:
        """Print the one line, with the size that the loader found: `announce("43,824 rows")`; remember the kind."""
        _USED[self.name] = self.kind
        print(f"{self.line[0]}, {size}{self.line[1]}")


def load(source: Source) -> Loaded:
    """Return what a real file or the stand-in holds. The caller checks the schema first, and then announces the size.

    Raises DataUnavailable as `find_real`.
    """
    real, why = find_real(source.name, source.accepted)
    title = f"Data: {source.title}"
    if real is not None:
        return Loaded(source.parse(real[1]), "real", real[0], source.name, (f"{title}, real", ""))
    standins = importlib.import_module(source.standins)  # here: weather needs SciPy, real data do not
    content = getattr(standins, source.name)(*source.arguments)
    ends = (f"{title}, generated stand-in ({source.caution})", f"; {why}")
    return Loaded(content, "stand-in", None, source.name, ends)


def _load_frame(source: Source, columns: tuple[str, ...], index: str) -> pd.DataFrame:
    """Return the frame of a real file or of the stand-in, checked against the schema that both share."""
    loaded = load(source)
    frame, kind = loaded.content, loaded.kind
    if tuple(frame.columns) != columns or not isinstance(frame.index, pd.DatetimeIndex):
        raise ValueError(
            f"{source.title} ({kind}): expected columns {list(columns)} over dates, found {list(frame.columns)}"
        )
    frame.index.name = index
    frame.attrs["source"], frame.attrs["dataset"] = kind, source.name
    loaded.announce(f"{len(frame):,} rows")
    return frame


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
    return _load_frame(Source("jena", "Jena weather", JENA_FORMS, _parse_jena), JENA_COLUMNS, "Date Time")


def load_beijing() -> pd.DataFrame:
    """Return Beijing's PM2.5 and weather of 2010-2014, hourly, and print one line that says from where.

    Frame of shape (43,824, 8) over the hourly index `time`: pm2.5 (micrograms/m**3, NaN where not measured), DEWP and
    TEMP (degC), PRES (hPa), cbwd (str: NW, NE, SE or cv for calm and variable), Iws (m/s, cumulated), Is and Ir (hours
    of snow and of rain, cumulated). All but cbwd are float64. `attrs` holds `source` and `dataset` ("beijing").

    Raises DataUnavailable in the full profile if no file can be had. Source: UCI Machine Learning Repository,
    Liang et al. (2015); see `data/README.md`.
    """
    title = "Beijing PM2.5 and weather"
    return _load_frame(Source("beijing", title, BEIJING_FORMS, _parse_beijing), BEIJING_COLUMNS, "time")
