"""Finding data files on disk, and planning what to fetch. What belongs here: paths. Never the network.

Order of search: the folders of COURSE_DATA_DIR, the course's own `data` folder, the cache. Whatever the place,
`checks.verify` decides before anybody reads a byte. The standard library is enough.
"""

import contextlib
import functools
import os
import warnings
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from utils import COURSE_ROOT, settings
from utils.datasets import cache, checks
from utils.datasets.registry import Entry, accepted, entries, forms, listing

COURSE_DATA = COURSE_ROOT / "data"


class DataUnavailable(RuntimeError):
    """A data file is not on disk and could not be fetched; the message says what was tried and what to do.

    `entry` is the file meant, `tried` are pairs of address and reason, `standin` is the name for COURSE_STANDINS.
    """

    def __init__(self, entry: Entry, reason: str, tried: Iterable[tuple[str, str]] = (), standin: str = ""):
        """Make the message."""
        self.entry, self.reason, self.tried, self.standin = entry, reason, tuple(tried), standin
        super().__init__(_advice(entry, reason, self.tried, standin))

    def __reduce__(self):
        """Let it travel between processes: the default would call __init__ with the message alone."""
        return type(self), (self.entry, self.reason, self.tried, self.standin)


def _advice(entry: Entry, reason: str, tried: Iterable[tuple[str, str]], standin: str) -> str:
    """Return the message of DataUnavailable: what is missing, what was tried, what the reader can do."""
    folders = os.pathsep.join(map(str, settings.data_dirs())) or "not set"
    others = [form for form in (entries()[entry.family], *forms(entry.family)) if form != entry]
    lines = [
        f"{entry.title}: no right copy of {entry.file} ({entry.size_text}; entry {entry.name!r}). {reason}",
        *["Tried:"] * bool(tried),
        *(f"  {place}\n    {why}" for place, why in tried),
        "What you can do:",
        f"  - Get {entry.file} some other way" + (f", for example {entry.urls[0]} in a browser," if entry.urls else ""),
        f"    and put it, under that name, into a folder named by COURSE_DATA_DIR (now {folders}; sub-folders count),",
        f"    the course's folder {COURSE_DATA} or the cache {settings.cache_dir()} (another place: COURSE_CACHE).",
        "  - Set COURSE_MIRROR to an address below which the data files lie by name.",
        "  - Set COURSE_PROFILE=quick for a run of seconds, on files already here or on generated data.",
        f"  - Set COURSE_STANDINS={standin} for a full run on generated data, which is no measurement." * bool(standin),
        f"  No hash is published ({entry.no_hash}); the first copy is checked otherwise." * bool(entry.no_hash),
        "  Other forms of this set, which some notebooks can use:" * bool(others),
        *(f"    {form.file} ({form.size_text}; entry {form.name!r}), lacks {form.lacks or '-'}" for form in others),
    ]
    return "\n".join(filter(None, lines))


def _walk(root: Path) -> dict[str, list[str]]:
    """Return what lies at and below `root` by name, nearest first; links are followed, hidden folders left out."""
    found, seen = defaultdict(list, {root.name: [str(root)]}), set()
    for folder, inside, names in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:  # a link may lead back to where it stands
            inside.clear()
            continue
        seen.add(real)
        inside[:] = sorted(name for name in inside if not name.startswith("."))
        for name in (*inside, *names):
            found[name].append(os.path.join(folder, name))
    return {name: sorted(paths, key=lambda path: (path.count(os.sep), path)) for name, paths in found.items()}


def _judge(entry: Entry, path: Path) -> str | None:
    """Return "" if the file is right, None if there is none or it is rightly another form, else why it is wrong."""
    if not (path.is_dir() if entry.is_folder else path.is_file()):
        return None
    same_name = (form for form in entries().values() if (form.family, form.file) == (entry.family, entry.file))
    if any(form != entry and checks.matches(form, path) for form in same_name):
        return None
    try:
        return checks.verify(entry, path) or ""
    except checks.WrongFile as error:
        return str(error)


def _right(entry: Entry, path: Path, renaming: contextlib.AbstractContextManager | None = None) -> bool:
    """Return whether the file is right; warn of a wrong one, and rename it within `renaming`, the cache's lock."""
    done = "is left out"
    try:
        why = _judge(entry, path)
        if why and renaming:
            with renaming:  # judged again: another process may have put the right one there
                if why := _judge(entry, path):
                    os.replace(path, path.with_name(path.name + ".wrong"))
                    done = f"was renamed to {path.name}.wrong"
    except OSError as error:  # what this user cannot read, or rename, may be right for another
        why = f"it cannot be read or renamed ({error})"
    if why:
        warnings.warn(f"{path} is not {entry.title!r} and {done}: {why}", stacklevel=4)
    return why == ""


def cached(entry: Entry) -> list[Path]:
    """Return where the cache may hold the file: by its name, or in a folder of its own beside a form of that name."""
    return [settings.cache_dir() / entry.file, settings.cache_dir() / entry.name / entry.file]


def in_cache(entry: Entry, held: bool = False) -> Path | None:
    """Return the right copy in the cache, or None. Wrong ones are renamed under the lock (`held`: by the caller)."""
    lock = contextlib.nullcontext if held else functools.partial(cache.lock, entry.file.strip("/"))
    return next((path for path in cached(entry) if _right(entry, path, lock())), None)


class Search:
    """One look at what is on disk, in which each folder is walked at most once."""

    def __init__(self):
        """Ask for the reader's folders; none is walked before something is looked for."""
        self.roots = [("data folder", root) for root in settings.data_dirs()]
        self.roots += [("course folder", COURSE_DATA)] * COURSE_DATA.is_dir()
        self.walks: dict[Path, dict[str, list[str]]] = {}

    def named(self, name: str) -> Iterator[tuple[str, Path]]:
        """Yield (place, path) of all that is called `name` in the reader's folders."""
        for place, root in self.roots:
            if root not in self.walks:
                self.walks[root] = _walk(root)
            yield from ((place, Path(path)) for path in self.walks[root].get(name.rstrip("/"), ()))

    def first(self, wanted: Iterable[Entry]) -> tuple[Entry, Path, str] | None:
        """Return (entry, path, place) of the first of these that is there, and right; or None."""
        for entry in wanted:
            for place, path in self.named(entry.file):
                if _right(entry, path):
                    return entry, path, place
            if (path := in_cache(entry)) is not None:
                return entry, path, "cache"
        return None

    def hint(self, entry: Entry) -> str:
        """Return a sentence on what looks like the file taken out of its archive, or ""."""
        stem = entry.file.removesuffix(".gz").removesuffix(".zip")
        near = [path for name in {stem, stem.removesuffix(".tar")} - {entry.file} for _, path in self.named(name)]
        return f" There is {near[0]}, perhaps unpacked from it: put the archive itself there." if near else ""


def locate(name: str) -> Path | None:
    """Return the path of a checked copy that is on disk already, or None. Never uses the network.

    Parameters
    ----------
    name : str
        A need (one of `NEEDS`) or an entry, else UnknownName is raised. A wrong file is passed over with a warning.
    """
    found = Search().first(accepted(name))
    return found and found[1]


def addresses(entry: Entry) -> list[str]:
    """Return the addresses to try, in order: COURSE_MIRROR's, then the entry's own."""
    base = settings.mirror()
    return [f"{base}/{quote(entry.file)}"] * bool(base and not entry.is_folder) + list(entry.urls)


def cheapest(wanted: list[Entry]) -> Entry:
    """Return the smallest of these that has a published address, else the first."""
    return min((form for form in wanted if form.urls), key=lambda form: form.size or 1e18, default=wanted[0])


@dataclass(frozen=True)
class Plan:
    """Where `name`, a need or an entry, is, or what fetching it would mean; `entry` is the file.

    `status` is "data folder", "course folder" or "cache" with a `path`, else "download" with `urls`, or "by hand".
    """

    name: str
    entry: Entry
    status: str
    path: Path | None = None
    urls: tuple[str, ...] = ()


def plan(names: Iterable[str] | None = None) -> list[Plan]:
    """Say where things are, or what fetching them would mean, without fetching.

    Parameters
    ----------
    names : iterable of str, optional
        Needs and entries, else UnknownName is raised. By default every need, and main entries that none covers.

    Returns
    -------
    list of Plan
        For a need that is not on disk, of the smallest entry that suffices and has an address.
    """
    known, search, plans = listing(), Search(), []
    covered = {known.entries[form].family for wanted in known.needs.values() for form in wanted}
    mains = (name for name, entry in known.entries.items() if entry.form_of is None and name not in covered)
    for name in (*known.needs, *mains) if names is None else names:
        if (found := search.first(wanted := accepted(name))) is not None:
            plans.append(Plan(name, found[0], found[2], found[1]))
        else:
            urls = tuple(addresses(entry := cheapest(wanted)))
            plans.append(Plan(name, entry, "download" if urls else "by hand", urls=urls))
    return plans
