"""Finding a data file on disk and fetching it when it is not there. What belongs here: paths and transfers.

Order of search: the folders of COURSE_DATA_DIR, the course's own `data` folder, the cache, COURSE_MIRROR, then the
entry's addresses. Whatever the way, `checks.verify` decides before anybody reads a byte. A download goes to a
temporary name in the cache and is renamed when it is complete and right, under a lock that a second notebook
waits for; so the cache holds the right file or none.
"""

import contextlib
import errno
import os
import shutil
import sys
import tempfile
import time
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from filelock import FileLock, Timeout

from utils import COURSE_ROOT, settings
from utils.datasets import checks
from utils.datasets.registry import Entry, find, forms, registry

COURSE_DATA = COURSE_ROOT / "data"
SPARE_BYTES = 64 << 20
"""Space on the disk that a download leaves free, in bytes."""


@dataclass
class Patience:
    """How long a transfer waits, in seconds, and how often it tries one address."""

    connect: float = 10
    read: float = 30
    attempts: int = 3
    pause: float = 1
    lock: float = 3600


PATIENCE = Patience()


class DataUnavailable(RuntimeError):
    """A data file is not on disk and could not be fetched; the message says what was tried and what to do.

    `entry` is the file meant; `tried` holds pairs of address (or place) and reason.
    """

    def __init__(self, entry: Entry, reason: str, tried: Iterable[tuple[str, str]] = (), standin: str = ""):
        """Make the message; `standin` is the name to propose for COURSE_STANDINS, if a loader can generate one."""
        self.entry, self.reason, self.tried, self.standin = entry, reason, tuple(tried), standin
        super().__init__(_advice(entry, reason, self.tried, standin))

    def __reduce__(self):
        """Let it travel between processes: the default would call __init__ with the message alone."""
        return type(self), (self.entry, self.reason, self.tried, self.standin)


def _advice(entry: Entry, reason: str, tried: Iterable[tuple[str, str]], standin: str) -> str:
    """Return the message of DataUnavailable: what is missing, what was tried, what the reader can do."""
    listed = os.pathsep.join(map(str, settings.data_dirs()))
    lines = [f"{entry.title}: no right copy of {entry.file} ({entry.size_text}; entry {entry.name!r}). {reason}"]
    lines += ["Tried:"] * bool(tried) + [f"  {place}\n    {why}" for place, why in tried]
    lines += [
        "What you can do:",
        f"  - Get {entry.file} some other way" + (f", for example {entry.urls[0]} in a browser," if entry.urls else ""),
        "    and put it, under that name, into one of",
        f"      a folder named by COURSE_DATA_DIR (now {listed or 'not set'}; sub-folders count)",
        f"      the course's folder {COURSE_DATA}",
        f"      the cache {settings.cache_dir()} (another place: COURSE_CACHE)",
        "  - Set COURSE_MIRROR to an address below which the data files lie by name.",
        "  - Set COURSE_PROFILE=quick for a run of seconds, on files already here or on generated data.",
    ]
    if standin:
        lines.append(f"  - Set COURSE_STANDINS={standin} for a full run on generated data, which is no measurement.")
    if not entry.sha256:
        lines.append(
            f"  No SHA-256 is published ({entry.no_sha256}); the first copy is checked otherwise and recorded."
        )
    others = [other for other in forms(entry.family) if other.name != entry.name]
    if others:
        lines.append("  Other forms of this set, which some notebooks can use:")
        lines += [
            f"    {other.file} ({other.size_text}; entry {other.name!r}), lacks {other.lacks}" for other in others
        ]
    return "\n".join(lines)


# On disk ---------------------------------------------------------------------------------------------

_FOLDERS: dict[Path, dict[str, list[Path]]] = {}


def _index(root: Path) -> dict[str, list[Path]]:
    """Return the files below `root` by name, nearest first. Hidden folders are left out."""
    found: dict[str, list[Path]] = {}
    for folder, inside, files in os.walk(root):
        inside[:] = sorted(name for name in inside if not name.startswith("."))
        for name in files:
            found.setdefault(name, []).append(Path(folder, name))
    for paths in found.values():
        paths.sort(key=lambda path: (len(path.parts), str(path)))
    return found


def _candidates(root: Path, file: str) -> Iterator[Path]:
    """Yield the files called `file` at any depth below `root`.

    The folder is walked once a process, and once more for whoever asks on after the last file known: it may be new.
    """
    seen = set()
    fresh = root not in _FOLDERS
    while True:
        if fresh:
            _FOLDERS[root] = _index(root)
        for path in _FOLDERS[root].get(file, []):
            if path not in seen and path.is_file():
                seen.add(path)
                yield path
        if fresh:
            return
        fresh = True


def _is_sibling(entry: Entry, path: Path) -> bool:
    """Return whether `path` is a right copy of another form of the set that has the same file name."""
    others = [other for other in registry().values() if other.family == entry.family and other.file == entry.file]
    return any(other.name != entry.name and checks.matches(other, path) for other in others)


def _judge(entry: Entry, path: Path) -> str | None:
    """Return "" if the file is right, None if it is rightly another form, else why it is wrong."""
    try:
        if _is_sibling(entry, path):
            return None
        checks.verify(entry, path)
    except OSError as error:
        return f"it cannot be read: {error.strerror or error}"
    except checks.WrongFile as error:
        return str(error)
    return ""


def _in_folders(entry: Entry) -> Iterator[tuple[str, Path]]:
    """Yield (place, path) of the right copies in the reader's folders; warn of wrong ones."""
    roots = [("data folder", root) for root in settings.data_dirs()]
    roots += [("course folder", COURSE_DATA)] * COURSE_DATA.is_dir()
    for place, root in roots:
        for path in _candidates(root, entry.file):
            wrong = _judge(entry, path)
            if wrong == "":
                yield place, path
            elif wrong:
                warnings.warn(f"{path} is not {entry.title!r} and is left out: {wrong}", stacklevel=4)


def _cache_paths(entry: Entry) -> list[Path]:
    """Return where the cache may hold the file: by its name, or in a folder of its own beside a form of that name."""
    return [settings.cache_dir() / entry.file, settings.cache_dir() / entry.name / entry.file]


def _in_cache(entry: Entry) -> tuple[Path | None, list[Path]]:
    """Return the right copy in the cache, or None, and the wrong files in its place. Changes nothing."""
    wrong = []
    for path in _cache_paths(entry):
        if path.is_file():
            why = _judge(entry, path)
            if why == "":
                return path, wrong
            if why:
                wrong.append(path)
    return None, wrong


def _set_aside(entry: Entry) -> Path | None:
    """Rename wrong files in the cache so that nobody reads them; return the right one, if any. Needs the lock."""
    found, wrong = _in_cache(entry)
    for path in wrong:
        why = _judge(entry, path)
        aside = path.with_name(path.name + ".wrong")
        os.replace(path, aside)
        warnings.warn(f"{path} is not {entry.title!r} and was renamed to {aside.name}: {why}", stacklevel=4)
    return found


def _place(entry: Entry) -> tuple[str, Path] | None:
    """Return (place, path) of a right copy on disk, or None."""
    if (found := next(_in_folders(entry), None)) is not None:
        return found
    path, wrong = _in_cache(entry)
    if path is None and wrong:
        try:
            with _lock(entry):
                path = _set_aside(entry)
        except (OSError, Timeout) as error:
            warnings.warn(
                f"{wrong[0]} is not {entry.title!r} and is left out; it cannot be renamed: {error}", stacklevel=3
            )
    return None if path is None else ("cache", path)


def locate(name: str) -> Path | None:
    """Return the path of a checked copy that is on disk already, or None. Never uses the network.

    Looks in COURSE_DATA_DIR, the course's `data` folder and the cache. A wrong file is passed over with a warning that
    says what was expected and what was found; in the cache it is renamed to `.wrong`. Raises UnknownName.
    """
    found = _place(find(name))
    return None if found is None else found[1]


def locate_any(names: Iterable[str]) -> tuple[Entry, Path] | None:
    """Return the first of these entries that is on disk, with its path, or None. As `locate`."""
    for name in names:
        if (path := locate(name)) is not None:
            return find(name), path
    return None


# Over the network ------------------------------------------------------------------------------------


def _lock(entry: Entry) -> FileLock:
    """Return the lock of the entry's file; the lock file stays, as removing it would let two processes in."""
    settings.cache_dir().mkdir(parents=True, exist_ok=True)
    return FileLock(settings.cache_dir() / f".{entry.file}.lock", timeout=PATIENCE.lock)


@contextlib.contextmanager
def _locked(entry: Entry) -> Iterator[None]:
    """Hold the entry's lock; tell the reader when that means waiting for another notebook."""
    lock = _lock(entry)
    try:
        lock.acquire(timeout=0.2)
    except Timeout:
        print(f"Another process is fetching {entry.file}; waiting for it.", file=sys.stderr)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


class _TooLong(Exception):
    """The server sends more than the file has."""


class _Part:
    """The unfinished download: counts what comes, and keeps errors of the disk apart from errors of the network."""

    def __init__(self, file, entry: Entry):
        self.file, self.most, self.done, self.disk_error = file, entry.bytes, 0, None

    def write(self, data: bytes) -> int:
        self.done += len(data)
        if self.most is not None and self.done > self.most:
            raise _TooLong
        try:
            return self.file.write(data)
        except OSError as error:
            self.disk_error = error
            raise

    def flush(self) -> None:
        try:
            self.file.flush()
        except OSError as error:
            self.disk_error = error
            raise


def _progress(entry: Entry):
    """Return a text progress bar; text, because a widget's state would end in the stored notebook."""
    from tqdm import tqdm

    return tqdm(
        total=entry.size
        or 1,  # pooch asks bool(bar), which needs a total, and then sets the total that the server tells
        unit="B",
        unit_scale=True,
        ncols=79,
        leave=False,
        delay=0.5,
        ascii=sys.platform == "win32",
        desc=entry.name,
    )


def _reason(error: Exception) -> tuple[str, bool]:
    """Return why a transfer failed, in words, and whether to try the same address again."""
    import requests
    from urllib3 import exceptions as lower

    inner = error.args[0] if error.args else None
    inner = getattr(inner, "reason", inner)
    if isinstance(error, requests.HTTPError):
        code = error.response.status_code
        return f"{code} {error.response.reason}", code >= 500 or code in (408, 425, 429)
    # urllib3's NewConnectionError is a timeout by inheritance, though a refusal comes at once.
    refused = isinstance(inner, lower.NewConnectionError)
    if not refused and (isinstance(error, requests.Timeout) or isinstance(inner, lower.TimeoutError)):
        return f"no answer for {PATIENCE.read:g} s", True
    if isinstance(error, requests.exceptions.SSLError):
        return f"no secure connection: {inner}", False
    if isinstance(error, requests.exceptions.ProxyError) or refused:
        return f"no connection: {str(inner).rsplit(': ', 1)[-1]}", False
    if isinstance(error, requests.ConnectionError | requests.exceptions.ChunkedEncodingError):
        return "the connection was cut", True
    return f"{type(error).__name__}: {error}", False


def _download(entry: Entry, url: str, part: Path) -> None:
    """Write what `url` sends to `part`. Raises what requests raises, _TooLong, and OSError from the disk alone."""
    import requests

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its tqdm misses ipywidgets, which nobody here uses, and says so with a path
        from pooch import HTTPDownloader

    with _progress(entry) as bar, part.open("wb") as file:
        # identity: a transfer that the server compresses on the way would not be the bytes that were hashed.
        get = HTTPDownloader(
            progressbar=bar,
            chunk_size=1 << 16,
            timeout=(PATIENCE.connect, PATIENCE.read),
            headers={"Accept-Encoding": "identity", "User-Agent": "rnn-notebook-course"},
        )
        sink = _Part(file, entry)
        try:
            get(url, sink, None)
        except OSError as error:  # requests' errors are OSErrors as well
            if sink.disk_error is not None:
                raise _DiskError(sink.disk_error) from error
            if not isinstance(error, requests.RequestException):
                raise requests.ConnectionError(error) from error
            raise
        os.fsync(file.fileno())


class _DiskError(Exception):
    """The disk refused; `args[0]` is the OSError. No other address would help."""


def _looks_like_html(part: Path) -> bool:
    with part.open("rb") as file:
        head = file.read(512).lstrip().lower()
    return head.startswith((b"<!doctype html", b"<html"))


def _attempt(entry: Entry, url: str, part: Path) -> str:
    """Try one address, several times where that can help; return "" when `part` is the right file, else why not."""
    import requests

    for number in range(1, PATIENCE.attempts + 1):
        try:
            _download(entry, url, part)
            checks.verify(entry, part, fresh=True)
            return ""
        except checks.WrongFile as error:
            return "the server sent a web page, not the file" if _looks_like_html(part) else f"wrong file: {error}"
        except _TooLong:
            page = _looks_like_html(part)
            return "the server sent a web page, not the file" if page else f"longer than {entry.size_text}"
        except requests.RequestException as error:
            why, again = _reason(error)
            if not again:
                return why
        if number < PATIENCE.attempts:
            time.sleep(PATIENCE.pause * 2 ** (number - 1))
    return f"{why} ({PATIENCE.attempts} attempts)"


def addresses(entry: Entry) -> list[str]:
    """Return the addresses to try, in order: COURSE_MIRROR's, then the entry's own."""
    base = settings.mirror()
    return ([f"{base}/{quote(entry.file)}"] if base else []) + list(entry.urls)


def _bring(entry: Entry) -> Path:
    """Download the entry into the cache and return its path. Needs the lock. Raises DataUnavailable."""
    folder = settings.cache_dir()
    for stale in folder.glob(f".{entry.file}.*.part"):  # what a killed process left; the lock is ours
        stale.unlink(missing_ok=True)
    free = shutil.disk_usage(folder).free
    if entry.size is not None and free < entry.size + SPARE_BYTES:
        need = entry.size + SPARE_BYTES
        raise DataUnavailable(entry, f"The disk of the cache {folder} has {free:,} bytes free; {need:,} are needed.")
    tried = []
    handle, name = tempfile.mkstemp(prefix=f".{entry.file}.", suffix=".part", dir=folder)
    os.close(handle)
    part = Path(name)
    try:
        for url in addresses(entry):
            if why := _attempt(entry, url, part):
                tried.append((url, why))
                continue
            plain, own = _cache_paths(entry)
            target = own if plain.exists() else plain  # exists: a form of the same name, as wrong files are aside
            target.parent.mkdir(exist_ok=True)
            part.chmod(0o644)  # mkstemp's 0600 would keep the other users of a class cache out
            os.replace(part, target)
            return target
    finally:
        part.unlink(missing_ok=True)
    raise DataUnavailable(entry, "No address gave it." if tried else "Nobody serves these bytes.", tried)


def fetch(name: str) -> Path:
    """Return the path of a checked copy of the file, downloading it into the cache if it is nowhere on disk.

    Every byte was compared with the published SHA-256 (see `checks.verify` where there is none) whichever way it came.
    In the quick profile nothing is downloaded. Raises UnknownName; DataUnavailable, which says what was tried and
    what to do, if the file cannot be had.
    """
    entry = find(name)
    if (found := _place(entry)) is not None:
        return found[1]
    if settings.profile() == "quick":
        raise DataUnavailable(entry, "It is not on disk, and the quick profile never uses the network.")
    if not addresses(entry):
        raise DataUnavailable(entry, "Nobody serves these bytes, so the file must be placed by hand.")
    try:
        settings.cache_dir().mkdir(parents=True, exist_ok=True)
        # Asked before anything is fetched: some locks and some file systems only fail much later.
        with tempfile.TemporaryFile(dir=settings.cache_dir()):
            pass
        with _locked(entry):
            return _set_aside(entry) or _bring(entry)
    except Timeout:
        reason = f"Another process has held the lock of {entry.file} for {PATIENCE.lock:g} s."
        raise DataUnavailable(entry, reason) from None
    except (_DiskError, OSError) as error:
        refusal = error.args[0] if isinstance(error, _DiskError) else error
        full = refusal.errno in (errno.ENOSPC, errno.EDQUOT)
        where = f"the cache {settings.cache_dir()} cannot be written: {refusal.strerror or refusal}"
        hint = "Free some space, or" if full else "Make it writable, or"
        raise DataUnavailable(
            entry, f"{where[0].upper()}{where[1:]}. {hint} set COURSE_CACHE to another folder."
        ) from error


def fetch_any(names: Iterable[str]) -> tuple[Entry, Path]:
    """Return the first of these entries that can be had, with its path: any on disk before any download.

    Raises UnknownName, and DataUnavailable of the first name with what was tried for all of them.
    """
    names = list(names)
    if (found := locate_any(names)) is not None:
        return found
    failures = []
    for name in names:
        try:
            return find(name), fetch(name)
        except DataUnavailable as error:
            failures.append(error)
    tried = [pair for failure in failures for pair in failure.tried]
    raise DataUnavailable(failures[0].entry, failures[0].reason, tried) from None


# Plans -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Plan:
    """Where a file is, or what fetching it would mean.

    `status` is "data folder", "course folder" or "cache" with a `path`, else "download" with `urls`, or "by hand".
    `forms` are the other forms of the set on disk, as pairs of entry and path; they lack what their `lacks` says.
    """

    entry: Entry
    status: str
    path: Path | None
    urls: tuple[str, ...]
    forms: tuple[tuple[Entry, Path], ...]


def plan(names: Iterable[str] | None = None) -> list[Plan]:
    """Return a Plan for each name, or for every main entry, without downloading. Raises UnknownName."""
    entries = [find(name) for name in names] if names is not None else list(registry().values())
    plans = []
    for entry in entries:
        if names is None and entry.form_of is not None:
            continue
        found = _place(entry)
        others = [find(entry.family), *forms(entry.family)]
        on_disk = [(other, path) for other in others if other != entry and (path := locate(other.name)) is not None]
        urls = tuple(addresses(entry))
        status, path = found or ("download" if urls else "by hand", None)
        plans.append(Plan(entry, status, path, urls if path is None else (), tuple(on_disk)))
    return plans
