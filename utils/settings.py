"""The course's environment variables, read in one place. What belongs here: names, defaults, and clear errors.

=================  ==================================================================================
COURSE_PROFILE     `full` (default): real data, real budgets. `quick`: seconds, never the network.
COURSE_SEED        a whole number from 0: the seed of the whole run (default: 42).
COURSE_DATA_DIR    folders with data files you already have, separated as in PATH; sub-folders count.
COURSE_CACHE       where downloads are kept (default: the user's cache folder).
COURSE_MIRROR      a base URL tried before every other, for a class with a mirror of its own.
COURSE_STANDINS    names, separated by commas, whose generated stand-in may be used in full.
COURSE_PROGRESS    `0`: no progress lines, for a log or a stored notebook (default: 1).
=================  ==================================================================================

Relative folders count from the course's own folder, whatever folder a kernel or a shell stands in.
"""

import os
import sys
from pathlib import Path

from utils import COURSE_ROOT

PROFILES = ("full", "quick")
MOST_SEED = 4_000_000
"""The largest COURSE_SEED: a thousand seeds follow from it (`Run.seeds`), and NumPy takes none above 2**32 - 1."""


def profile() -> str:
    """Return the profile, `full` or `quick`. Raises ValueError for any other COURSE_PROFILE."""
    value = os.environ.get("COURSE_PROFILE", "").strip().lower() or "full"
    if value not in PROFILES:
        raise ValueError(
            f"COURSE_PROFILE is {value!r}; expected 'full' or 'quick'. "
            "Unset it for full, or set COURSE_PROFILE=quick for a run of seconds on small or generated data."
        )
    return value


def seed() -> int:
    """Return the seed of a run: COURSE_SEED, or 42. Raises ValueError unless it is one from 0 to `MOST_SEED`."""
    value = os.environ.get("COURSE_SEED", "").strip() or "42"
    if not value.isascii() or not value.isdigit() or int(value) > MOST_SEED:
        raise ValueError(
            f"COURSE_SEED is {value!r}; expected a whole number from 0 to {MOST_SEED:,}, such as 1. Unset it for 42."
        )
    return int(value)


def progress() -> bool:
    """Return whether long trainings show a line: COURSE_PROGRESS, 1 or 0. Raises ValueError for anything else."""
    value = os.environ.get("COURSE_PROGRESS", "").strip() or "1"
    if value not in ("0", "1"):
        raise ValueError(f"COURSE_PROGRESS is {value!r}; expected 1 (a line on every long training) or 0 (none).")
    return value == "1"


def data_dirs() -> list[Path]:
    """Return the folders of COURSE_DATA_DIR, in order. Raises NotADirectoryError for one that is not there."""
    folders = [_folder(part) for part in os.environ.get("COURSE_DATA_DIR", "").split(os.pathsep) if part.strip()]
    for folder in folders:
        if not folder.is_dir():
            raise NotADirectoryError(
                f"COURSE_DATA_DIR names {str(folder)!r}, which is not a folder. "
                f"Expected existing folders separated by {os.pathsep!r}; correct the variable or unset it."
            )
    return [folder.resolve() for folder in folders]


def cache_dir() -> Path:
    """Return the folder in which downloads are kept: COURSE_CACHE, else the user's cache folder. Not created here."""
    value = os.environ.get("COURSE_CACHE", "").strip()
    if value:
        return _folder(value)
    try:
        import platformdirs  # here, because only readers without COURSE_CACHE need it
    except ImportError:  # `doctor` answers before anything is installed
        return _user_cache("rnn-notebook-course")
    return Path(platformdirs.user_cache_dir("rnn-notebook-course"))


def _folder(text: str) -> Path:
    return COURSE_ROOT / Path(text.strip()).expanduser()


def _user_cache(name: str) -> Path:
    """Return the folder that platformdirs gives on Linux, macOS and Windows."""
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
        return Path(local, name, name, "Cache")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / name
    return Path(os.environ.get("XDG_CACHE_HOME", "").strip() or Path.home() / ".cache", name)


def mirror() -> str | None:
    """Return COURSE_MIRROR without its trailing slash, or None. Raises ValueError if it is not an http(s) address."""
    value = os.environ.get("COURSE_MIRROR", "").strip().rstrip("/")
    if value and not value.startswith(("http://", "https://")):
        raise ValueError(
            f"COURSE_MIRROR is {value!r}; expected an address that starts with http:// or https://, "
            "below which the data files lie by name."
        )
    return value or None


def permitted_standins() -> frozenset[str]:
    """Return the data set names that COURSE_STANDINS permits to be generated in the full profile."""
    return frozenset(part.strip() for part in os.environ.get("COURSE_STANDINS", "").split(",") if part.strip())
