"""Data files: found on disk, planned, or fetched. What belongs here: paths and transfers, never contents.

Order of search: the folders of COURSE_DATA_DIR, the course's own `data` folder, the cache, then the network. Whatever
the place, `checks.verify` decides before anybody reads a byte. To find and to plan, the standard library is enough.
"""

import contextlib
import functools
import io
import os
import shutil
import sys
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from utils import COURSE_ROOT, settings
from utils.datasets import cache, checks
from utils.datasets.registry import Entry, accepted, entries, listing

COURSE_DATA = COURSE_ROOT / "data"
SPARE_BYTES = 64 << 20  # space on the disk that a download leaves free
CONNECT, READ = 10.0, 30.0  # seconds to wait for a connection, and for the next bytes
ATTEMPTS, PAUSE = 3, 1.0  # how often one address is tried, and seconds before the second time; then twice as long
CERTIFICATES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")  # requests does not know the last one
HEADERS = {"Accept-Encoding": "identity", "User-Agent": "rnn-notebook-course"}  # identity: the bytes that were hashed


class DataUnavailable(RuntimeError):
    """A data file is not on disk and could not be fetched; the message says what was tried and what to do.

    `entry` is the file meant, `tried` are pairs of address and reason, `standin` is the name for COURSE_STANDINS.
    """

    def __init__(self, entry: Entry, reason: str, tried: Iterable[tuple[str, str]] = (), standin: str = ""):
        """Keep what happened, not the message, so that it travels between processes."""
        super().__init__(entry, reason, tuple(tried), standin)
        self.entry, self.reason, self.tried, self.standin = self.args

    def __str__(self) -> str:
        """Say what is missing, what was tried, what the reader can do."""
        entry, reason, tried, standin = self.args
        forms = [form for form in entries().values() if form.family == entry.family and form != entry]
        folders = os.pathsep.join(map(str, settings.data_dirs())) or "not set"
        lines = [
            f"{entry.title}: no right copy of {entry.file} ({entry.size_text}; entry {entry.name!r}). {reason}",
            *(f"Tried {address}\n    {why}" for address, why in tried),
            "What you can do:",
            *(f"  - Get {entry.file} some other way, for example {url} in a browser." for url in entry.urls[:1]),
            f"  - Put {entry.file} at any depth of a folder of COURSE_DATA_DIR (now {folders}) or of {COURSE_DATA},",
            f"    or into the cache {settings.cache_dir()} (another place: COURSE_CACHE).",
            "  - Set COURSE_MIRROR to an address below which the data files lie by name.",
            "  - Set COURSE_PROFILE=quick for a run of seconds, on files already here or on generated data.",
            f"  - Set COURSE_STANDINS={standin} for a full run on generated data, no measurement." * bool(standin),
            f"  No hash is published ({entry.no_hash}); the first copy is checked otherwise." * bool(entry.no_hash),
            "  Other forms of this set, which some notebooks can use:" * bool(forms),
            *(f"    {form.file} ({form.size_text}; entry {form.name!r}), lacks {form.lacks or '-'}" for form in forms),
        ]
        return "\n".join(filter(None, lines))


def _walk(root: Path) -> dict[str, list[str]]:
    """Return what lies at and below `root` by name, nearest first; links are followed, hidden folders left out."""
    found, seen = defaultdict(list, {root.name: [str(root)]}), set()
    for folder, inside, names in os.walk(root, followlinks=True):
        if (real := os.path.realpath(folder)) in seen:  # a link may lead back to where it stands
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
    for form in entries().values():
        if form.hash and form != entry and (form.family, form.file) == (entry.family, entry.file):
            with contextlib.suppress(checks.WrongFile):
                return checks.verify(form, path)  # None
    try:
        return checks.verify(entry, path) or ""
    except checks.WrongFile as error:
        return str(error)


def _right(entry: Entry, path: Path, rename: bool = False) -> bool:
    """Return whether the file is right; warn of a wrong one, and in the cache `rename` it."""
    done = "is left out"
    try:
        why = _judge(entry, path)
        if why and rename:
            with cache.lock(entry.file.strip("/")):  # judged again: another process may have put the right one there
                if why := _judge(entry, path):
                    os.replace(path, path.with_name(path.name + ".wrong"))
                    done = f"was renamed to {path.name}.wrong"
    except (OSError, ImportError) as error:  # what this user cannot read, or rename, may be right for another
        why = f"it cannot be read or renamed ({error})"
    if why:
        warnings.warn(f"{path} is not {entry.title!r} and {done}: {why}", stacklevel=5)
    return why == ""


def _cached(entry: Entry) -> list[Path]:
    """Return where the cache may hold the file: by its name, or in a folder of its own beside a form of that name."""
    return [settings.cache_dir() / entry.file, settings.cache_dir() / entry.name / entry.file]


def _named(name: str, walk: Callable[[Path], dict[str, list[str]]]) -> Iterator[tuple[str, Path]]:
    """Yield (status, path) of all that is called `name` in the reader's folders; `walk` is `_walk`, remembered."""
    roots = [*(("data folder", root) for root in settings.data_dirs()), ("course folder", COURSE_DATA)]
    yield from ((status, Path(path)) for status, root in roots for path in walk(root).get(name.rstrip("/"), ()))


def _hint(entry: Entry) -> str:
    """Return a sentence on what looks like the file taken out of its archive, or ""."""
    stem, walk = entry.file.removesuffix(".gz").removesuffix(".zip"), functools.cache(_walk)
    near = [path for name in {stem, stem.removesuffix(".tar")} - {entry.file} for _, path in _named(name, walk)]
    return f" There is {near[0]}, perhaps unpacked from it: put the archive itself there." if near else ""


def _addresses(entry: Entry) -> tuple[str, ...]:
    """Return the addresses to try, in order: COURSE_MIRROR's, then the entry's own."""
    base = settings.mirror()
    return (f"{base}/{quote(entry.file)}",) * bool(base and not entry.is_folder) + entry.urls


class Plan(NamedTuple):
    """Where `name`, a need or an entry, is, or what fetching it would mean; `entry` is the file.

    `status` is "data folder", "course folder" or "cache" with a `path`, else "download" with `urls`, or "by hand".
    """

    name: str
    entry: Entry
    status: str
    path: Path | None = None
    urls: tuple[str, ...] = ()


def _plan(name: str, walk: Callable[[Path], dict[str, list[str]]]) -> Plan:
    """Return the plan for one name: the first right file of an entry that suffices, else what fetching would mean."""
    for entry in (wanted := accepted(name)):
        for status, path in (*_named(entry.file, walk), *(("cache", path) for path in _cached(entry))):
            if _right(entry, path, rename=status == "cache"):
                return Plan(name, entry, status, path)
    published = [form for form in wanted if form.urls] or wanted[:1]
    urls = _addresses(smallest := min(published, key=lambda form: form.size or 1e18))
    return Plan(name, smallest, "download" if urls else "by hand", urls=urls)


def plan(names: Iterable[str] | None = None) -> list[Plan]:
    """Say where things are, or what fetching them would mean, without fetching. Each folder is walked once.

    Parameters
    ----------
    names : iterable of str, optional
        Needs and entries, else UnknownName is raised. By default every need, and main entries that none covers.

    Returns
    -------
    list of Plan
        For a need that is not on disk, the smallest entry with an address. Of wrong files there is a warning.
    """
    known, needs, _ = listing()
    covered = {known[form].family for wanted in needs.values() for form in wanted}
    mains = (name for name, entry in known.items() if entry.form_of is None and name not in covered)
    walk = functools.cache(_walk)
    return [_plan(name, walk) for name in ((*needs, *mains) if names is None else names)]


def locate(name: str) -> Path | None:
    """Return the path of a checked copy of a need or an entry that is on disk, or None; otherwise as `plan`."""
    return plan([name])[0].path


def _download(entry: Entry, url: str, part: Path) -> None:
    """Write what `url` sends to `part`. Raises WrongFile, and OSError, which requests' errors are too."""
    warnings.filterwarnings("ignore", "IProgress not found")  # pooch's tqdm misses ipywidgets, which nobody here uses
    from pooch import HTTPDownloader
    from tqdm import tqdm

    class Part(io.BufferedWriter):  # refuses more bytes than the file has
        def write(self, data: bytes) -> int:
            if entry.bytes is not None and self.tell() + len(data) > entry.bytes:
                raise checks.WrongFile(f"longer than {entry.size_text}")
            return super().write(data)

    def look(answer, **_):
        """Judge every answer on the way, redirections too, before its first byte is read."""
        if entry.hash is None and not answer.url.startswith("https:"):
            raise checks.WrongFile("over plain http anybody could change a file of which no hash is published")
        if entry.file.endswith(".gz"):
            # Some servers call such a file a compressed transfer; with that taken off, it would not be the file.
            answer.raw.headers.pop("Content-Encoding", None)

    # A text bar, because a widget's state would end in the stored notebook; pooch asks bool(bar), which needs a total.
    style = {"unit": "B", "unit_scale": True, "ncols": 79, "leave": False, "delay": 0.5, "ascii": os.name == "nt"}
    with tqdm(total=entry.size or 1, desc=entry.name, **style) as bar, Part(io.FileIO(part, "w")) as file:
        bundle = next(filter(None, map(os.environ.get, CERTIFICATES)), None)
        if bundle and not os.path.exists(bundle):
            raise checks.WrongFile(f"one of {', '.join(CERTIFICATES)} names {bundle}, which is not there")
        options = {"timeout": (CONNECT, READ), "verify": bundle or True, "hooks": {"response": look}}
        HTTPDownloader(progressbar=bar, chunk_size=1 << 16, headers=HEADERS, **options)(url, file, None)


def _reason(error: OSError) -> tuple[str, bool]:
    """Return why a transfer failed, in words, and whether to try the same address again. Raises errors of the disk."""
    import requests
    from urllib3 import exceptions as lower

    if not isinstance(error, requests.RequestException | ConnectionError | TimeoutError):
        raise error  # requests' errors are OSErrors as well
    if isinstance(error, requests.HTTPError):
        code = error.response.status_code
        return f"{code} {error.response.reason}", code >= 500 or code in (408, 425, 429)
    inner = getattr(error.args[0], "reason", error.args[0]) if error.args else None
    if isinstance(error, requests.exceptions.SSLError):
        return f"no secure connection: {inner}", False
    # Before timeouts: urllib3's NewConnectionError is one by inheritance, though a refusal comes at once.
    if isinstance(error, requests.exceptions.ProxyError) or isinstance(inner, lower.NewConnectionError):
        return f"no connection: {str(inner).rsplit(': ', 1)[-1]}", False
    if any(isinstance(one, requests.Timeout | TimeoutError | lower.TimeoutError) for one in (error, inner)):
        return f"no answer for {READ:g} s", True
    return "the connection was cut", True


def _attempt(entry: Entry, url: str, part: Path) -> str:
    """Try one address, several times where that can help; return "" when `part` is the right file, else why not."""
    for number in range(ATTEMPTS):
        if number:
            time.sleep(PAUSE * 2 ** (number - 1))
        try:
            _download(entry, url, part)
            checks.verify(entry, part, fresh=True)
            return ""
        except checks.WrongFile as error:
            with part.open("rb") as file:
                page = file.read(512).lstrip().lower().startswith((b"<!doctype html", b"<html"))
            return "the server sent a web page, not the file" if page else str(error)
        except OSError as error:
            why, again = _reason(error)
            if not again:
                return why
    return f"{why} ({ATTEMPTS} attempts)"


def _fetch(entry: Entry) -> Path:
    """Return the path of the entry's file, downloaded unless another process has just done so."""
    plain, own = _cached(entry)
    try:
        with cache.lock(entry.file):
            for path in (plain, own):
                if _right(entry, path, rename=True):
                    return path
            target, tried = own if plain.exists() else plain, []  # exists: a form of the same name
            target.parent.mkdir(parents=True, exist_ok=True)
            free, need = shutil.disk_usage(target.parent).free, (entry.size or -SPARE_BYTES) + SPARE_BYTES
            if free < need:
                raise DataUnavailable(entry, f"{target.parent} has {free:,} bytes free; {need:,} are needed.")
            with cache.part(target) as part:
                for url in _addresses(entry):
                    if not (why := _attempt(entry, url, part)):
                        return target
                    tried.append((url, why))
                raise DataUnavailable(entry, "No address gave it.", tried)
    except OSError as error:
        raise DataUnavailable(entry, cache.refusal(error)) from error


def obtain(name: str) -> tuple[Entry, Path]:
    """Return the entry and path for a need or an entry; see `fetch`."""
    (found,) = plan([name])
    if found.path is not None:
        return found.entry, found.path
    best, wanted, reason, tried, cause = found.entry, accepted(name), "", [], None
    if settings.profile() == "quick":
        wanted, reason = [], "It is not on disk, and the quick profile never uses the network."
    for entry in sorted(filter(_addresses, wanted), key=best.__ne__):
        if reason:
            print(f"It could not be had; trying {entry.file} ({entry.size_text}).", file=sys.stderr)
        try:
            return entry, _fetch(entry)
        except DataUnavailable as error:
            reason, cause = reason or error.reason, cause or error.__cause__
            tried += error.tried
    reason = reason or "Nobody serves these bytes, so the file must be placed by hand."
    raise DataUnavailable(best, reason + _hint(best), tried) from cause


def fetch(name: str) -> Path:
    """Return the path of a checked copy, downloaded into the cache if there is none on disk.

    Parameters
    ----------
    name : str
        An entry; or a need (one of `NEEDS`), for which any entry that suffices will do, the smallest first.

    Raises
    ------
    DataUnavailable
        If there is none, or in the quick profile none on disk. UnknownName, if nothing is called `name`.
    """
    return obtain(name)[1]
