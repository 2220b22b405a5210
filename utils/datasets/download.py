"""Fetching a data file that is nowhere on disk. What belongs here: transfers.

A download has a temporary name in the cache until it is complete and right, under a lock; a second notebook waits.
"""

import errno
import io
import os
import shutil
import sys
import time
import warnings
from pathlib import Path

from utils import settings
from utils.datasets import cache, checks
from utils.datasets.files import DataUnavailable, Search, addresses, cached, cheapest, in_cache
from utils.datasets.registry import Entry, accepted

SPARE_BYTES = 64 << 20  # space on the disk that a download leaves free
CONNECT, READ = 10.0, 30.0  # seconds to wait for a connection, and for the next bytes
ATTEMPTS, PAUSE = 3, 1.0  # how often one address is tried, and seconds before the second time; then twice as long
CERTIFICATES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")  # requests does not know the last one


class _Refused(Exception):
    """An address is no good; the message says why."""


class _Part(io.FileIO):
    """The unfinished download; it refuses more bytes than the file has."""

    entry: Entry

    def write(self, data: bytes) -> int:
        if self.entry.bytes is not None and self.tell() + len(data) > self.entry.bytes:
            raise _Refused(f"longer than {self.entry.size_text}")
        if (done := super().write(data)) != len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return done


def _reason(error: OSError) -> tuple[str, bool]:
    """Return why a transfer failed, in words, and whether to try the same address again. Raises errors of the disk."""
    import requests
    from urllib3 import exceptions as lower

    if not isinstance(error, requests.RequestException | ConnectionError | TimeoutError):
        raise error  # requests' errors are OSErrors as well
    if isinstance(error, requests.HTTPError):
        code = error.response.status_code
        return f"{code} {error.response.reason}", code >= 500 or code in (408, 425, 429)
    inner = next(iter(error.args), None)
    inner = getattr(inner, "reason", inner)
    # urllib3's NewConnectionError is a timeout by inheritance, though a refusal comes at once.
    refused = isinstance(inner, lower.NewConnectionError)
    if not refused and any(
        isinstance(one, requests.Timeout | TimeoutError | lower.TimeoutError) for one in (error, inner)
    ):
        return f"no answer for {READ:g} s", True
    if isinstance(error, requests.exceptions.SSLError):
        return f"no secure connection: {inner}", False
    if isinstance(error, requests.exceptions.ProxyError) or refused:
        return f"no connection: {str(inner).rsplit(': ', 1)[-1]}", False
    return "the connection was cut", True


def _download(entry: Entry, url: str, part: Path) -> None:
    """Write what `url` sends to `part`. Raises OSError, which requests' errors are too, and _Refused."""
    from tqdm import tqdm

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its tqdm misses ipywidgets, which nobody here uses, and says so with a path
        from pooch import HTTPDownloader

    def look(answer, **_):
        """Judge every answer on the way, redirections too, before its first byte is read."""
        if entry.hash is None and not answer.url.startswith("https:"):
            raise _Refused("left out: over plain http anybody could change a file of which no hash is published")
        if entry.file.endswith(".gz"):
            # Some servers call such a file a compressed transfer; with that taken off, it would not be the file.
            answer.raw.headers.pop("Content-Encoding", None)

    bundle = next(filter(None, map(os.environ.get, CERTIFICATES)), None)
    if bundle and not os.path.exists(bundle):
        raise _Refused(f"one of {', '.join(CERTIFICATES)} names {bundle}, which is not there")
    # A text bar, because a widget's state would end in the stored notebook; pooch asks bool(bar), which needs a total.
    style = {"unit": "B", "unit_scale": True, "ncols": 79, "leave": False, "delay": 0.5, "desc": entry.name}
    with tqdm(total=entry.size or 1, ascii=os.name == "nt", **style) as bar, _Part(part, "wb") as file:
        file.entry = entry
        HTTPDownloader(
            progressbar=bar,
            chunk_size=1 << 16,
            timeout=(CONNECT, READ),
            # identity: a transfer that the server compresses on the way would not be the bytes that were hashed.
            headers={"Accept-Encoding": "identity", "User-Agent": "rnn-notebook-course"},
            verify=bundle or True,
            hooks={"response": look},
        )(url, file, None)


def _attempt(entry: Entry, url: str, part: Path) -> str:
    """Try one address, several times where that can help; return "" when `part` is the right file, else why not."""
    for number in range(ATTEMPTS):
        if number:
            time.sleep(PAUSE * 2 ** (number - 1))
        try:
            _download(entry, url, part)
            checks.verify(entry, part, fresh=True)
            return ""
        except (_Refused, checks.WrongFile) as error:
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
    plain, own = cached(entry)
    try:
        with cache.lock(entry.file):
            if (path := in_cache(entry, held=True)) is not None:
                return path
            target, tried = own if plain.exists() else plain, []  # exists: a form of the same name
            target.parent.mkdir(parents=True, exist_ok=True)
            free, need = shutil.disk_usage(target.parent).free, (entry.size or -SPARE_BYTES) + SPARE_BYTES
            if free < need:
                raise DataUnavailable(entry, f"{target.parent} has {free:,} bytes free; {need:,} are needed.")
            with cache.part(target) as part:
                for url in addresses(entry):
                    if not (why := _attempt(entry, url, part)):
                        return target
                    tried.append((url, why))
                raise DataUnavailable(entry, "No address gave it.", tried)
    except OSError as error:
        raise DataUnavailable(entry, cache.refusal(error)) from error


def obtain(name: str) -> tuple[Entry, Path]:
    """Return the entry and path for a need or an entry; see `fetch`."""
    wanted, search = accepted(name), Search()
    if (found := search.first(wanted)) is not None:
        return found[:2]
    best, failures = cheapest(wanted), []
    if settings.profile() == "quick":
        reason = "It is not on disk, and the quick profile never uses the network."
        raise DataUnavailable(best, reason + search.hint(best))
    for entry in sorted(filter(addresses, wanted), key=best.__ne__):
        if failures:
            print(f"It could not be had; trying {entry.file} ({entry.size_text}).", file=sys.stderr)
        try:
            return entry, _fetch(entry)
        except DataUnavailable as error:
            failures.append(error)
    reason = failures[0].reason if failures else "Nobody serves these bytes, so the file must be placed by hand."
    tried = [pair for failure in failures for pair in failure.tried]
    raise DataUnavailable(best, reason + search.hint(best), tried) from (failures[0].__cause__ if failures else None)


def fetch(name: str) -> Path:
    """Return the path of a checked copy, downloaded into the cache if there is none on disk.

    Parameters
    ----------
    name : str
        An entry; or a need (one of `NEEDS`), for which any entry that suffices will do, and the smallest that has an
        address is fetched first. Else UnknownName is raised.

    Raises
    ------
    DataUnavailable
        Says what was tried and what to do. In the quick profile nothing is downloaded.
    """
    return obtain(name)[1]
