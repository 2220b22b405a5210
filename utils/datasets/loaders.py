"""The rule of all loaders, and the record of what they gave out. Never a model or picture, and no single data set.

The rule. Quick: a real file that is already on disk, else the generated stand-in. Full: a real file on disk, in the
cache or from a mirror; a stand-in only if COURSE_STANDINS names it. One line says which.

A set's own module holds its loader, its schema and its `check_...`; what they need beyond the standard library they
import where they use it, so that a check can run before anything is installed.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from utils import settings
from utils.datasets.files import DataUnavailable, obtain, plan
from utils.datasets.registry import Entry

_USED: dict[str, str] = {}


def used() -> dict[str, str]:
    """Return what the loaders gave out in this process: {"jena": "stand-in", "beijing": "real"}."""
    return dict(_USED)


@dataclass(frozen=True)
class Loaded:
    """What `load` found: the content, its `source` ("real" or "stand-in"), and the entry of a real file."""

    name: str
    title: str
    content: Any
    source: str
    entry: Entry | None
    note: str

    def announce(self, size: str) -> None:
        """Print the one line, with the size that the loader found: `announce("43,824 rows")`; remember the source."""
        _USED[self.name] = self.source
        start, end = self.note.split("|")
        print(f"Data: {self.title}, {start}, {size}{end}")


def load(name: str, title: str, need: str, read: Callable[[Path], Any], stand_in: tuple, caution: str) -> Loaded:
    """Return what a real file or the stand-in holds. The caller checks the schema first, and then announces the size.

    Parameters
    ----------
    name : str
        What `used` and COURSE_STANDINS call it.
    title : str
        What the line calls it.
    need : str
        One of `NEEDS`.
    read : callable
        From the path of a file (or unpacked folder) to the content.
    stand_in : tuple
        A module of `utils.datasets.standins`, a function in it, and the function's arguments.
    caution : str
        What the stand-in is not.

    Raises
    ------
    DataUnavailable
        In the full profile if no file can be had and COURSE_STANDINS does not name `name`.
    """
    if settings.profile() == "quick":
        (found,), why = plan([need]), "quick profile, no real file on disk"
        entry, path = found.entry, found.path
    else:
        try:
            (entry, path), why = obtain(need), ""
        except DataUnavailable as error:
            if name not in settings.permitted_standins():
                raise DataUnavailable(error.entry, error.reason, error.tried, standin=name) from None
            path, why = None, "permitted by COURSE_STANDINS"
    if path is not None:
        end = "; an unpacked folder, checked by its contents as it has no hash" if entry.is_folder else ""
        return Loaded(name, title, read(path), "real", entry, f"real|{end}")
    module, function, *arguments = stand_in
    content = getattr(importlib.import_module(f"utils.datasets.standins.{module}"), function)(*arguments)
    return Loaded(name, title, content, "stand-in", None, f"generated stand-in ({caution})|; {why}")
