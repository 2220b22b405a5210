"""The list of data files, `data/registry.toml`, read and checked. What belongs here: entries, never their bytes."""

import difflib
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path

from utils import COURSE_ROOT
from utils.datasets.contents import CHECKS

REGISTRY_FILE = COURSE_ROOT / "data" / "registry.toml"

_HEX = {"sha256": 64, "sha1": 40, "md5": 32, "git_blob": 40}
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


class RegistryError(ValueError):
    """The list of data files is wrong; the message names the entry and the field."""


class UnknownName(KeyError):
    """No entry has this name; the message proposes names that are close."""

    def __str__(self) -> str:
        """Return the message as it is; KeyError would put it in quotes."""
        return str(self.args[0])


@dataclass(frozen=True)
class Entry:
    """One data file. Sizes are bytes, hashes lower-case hexadecimal; None or "" is what the list leaves out.

    Source of the fields' meaning: the head of `data/registry.toml`.
    """

    name: str
    title: str
    file: str
    urls: tuple[str, ...]
    licence: str
    citation: str
    bytes: int | None = None
    about_bytes: int | None = None
    sha256: str | None = None
    no_sha256: str = ""
    sha1: str | None = None
    md5: str | None = None
    git_blob: str | None = None
    check: str | None = None
    form_of: str | None = None
    lacks: str = ""
    note: str = ""

    @property
    def size(self) -> int | None:
        """The exact size in bytes, else the estimate, else None."""
        return self.bytes if self.bytes is not None else self.about_bytes

    @property
    def size_text(self) -> str:
        """The size in words: `13,568,290 bytes`, `about 1,115,000,000 bytes` or `size not published`."""
        if self.bytes is not None:
            return f"{self.bytes:,} bytes"
        return f"about {self.about_bytes:,} bytes" if self.about_bytes is not None else "size not published"

    @property
    def hashes(self) -> dict[str, str]:
        """The hashes that the list gives, by algorithm, strongest first."""
        return {kind: value for kind in _HEX if (value := getattr(self, kind)) is not None}

    @property
    def family(self) -> str:
        """The name of the main entry: `form_of`, or the entry's own name."""
        return self.form_of or self.name


_TYPES = {"urls": list, "bytes": int, "about_bytes": int}
_FIELDS = {field.name: _TYPES.get(field.name, str) for field in fields(Entry) if field.name != "name"}


def _problems(name: str, table: dict, checks: frozenset[str]) -> Iterator[str]:
    """Yield what is wrong with one table, in a reader's words."""
    if not _NAME.fullmatch(name):
        yield "its name should be lower-case words and digits joined by '-'"
    for key, value in table.items():
        if key not in _FIELDS:
            near = difflib.get_close_matches(key, _FIELDS, 1)
            yield f"{key!r} is not a known field" + (f"; did you mean {near[0]!r}?" if near else "")
        elif not isinstance(value, _FIELDS[key]) or isinstance(value, bool):
            yield f"{key!r} should be {_FIELDS[key].__name__}, found {value!r}"
        elif isinstance(value, str) and not value.strip():
            yield f"{key!r} is empty; leave the field out or fill it in"
        elif isinstance(value, int) and value <= 0:
            yield f"{key!r} should be positive, found {value}"
    for key in ("title", "file", "urls", "licence", "citation"):
        if key not in table:
            yield f"{key!r} is missing"
    file, urls = table.get("file"), table.get("urls")
    if isinstance(file, str) and (Path(file).name != file or file.startswith(".") or re.search(r"[\\/:\s]", file)):
        yield f"'file' should be a plain file name, found {file!r}"
    for url in urls if isinstance(urls, list) else ():
        if not isinstance(url, str) or not re.match(r"https?://[^/\s]+/\S+$", url):
            yield f"'urls' should hold http(s) addresses, found {url!r}"
    for kind, length in _HEX.items():
        if isinstance(value := table.get(kind), str) and not re.fullmatch(f"[0-9a-f]{{{length}}}", value):
            yield f"{kind!r} should be {length} lower-case hexadecimal digits, found {value!r}"
    if ("sha256" in table) == ("no_sha256" in table):
        yield "it needs either 'sha256' or 'no_sha256', the reason why there is none"
    if not any(kind in table for kind in (*_HEX, "check")):
        yield "nothing tells the right file from a wrong one; give a hash, or 'check'"
    if isinstance(table.get("check"), str) and table["check"] not in checks:
        yield f"'check' is {table['check']!r}; there are {', '.join(sorted(checks))}"
    if ("form_of" in table) != ("lacks" in table):
        yield "'form_of' and 'lacks' go together"


def parse(text: str, where: str = "registry.toml") -> dict[str, Entry]:
    """Return the entries by name, in the order of the list.

    `text` is TOML, `where` what messages call it. Raises RegistryError with every problem found.
    """
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RegistryError(f"{where} is not valid TOML: {error}") from error
    found = []
    for name, table in tables.items():
        if isinstance(table, dict):
            found += [f"[{name}]: {problem}" for problem in _problems(name, table, frozenset(CHECKS))]
        else:
            found.append(f"[{name}]: expected a table, found {table!r}")
    if not found:
        found = list(_relations(tables))
    if found:
        raise RegistryError(f"{where} has {len(found)} problem(s):\n  " + "\n  ".join(found))
    return {name: Entry(name=name, **table | {"urls": tuple(table["urls"])}) for name, table in tables.items()}


def _relations(tables: dict[str, dict]) -> Iterator[str]:
    """Yield what is wrong between tables that are right one by one."""
    owners: dict[str, str] = {}
    for name, table in tables.items():
        main = table.get("form_of")
        if main is not None and main not in tables:
            yield f"[{name}]: 'form_of' names {main!r}, which is not an entry"
        elif main is not None and "form_of" in tables[main]:
            yield f"[{name}]: 'form_of' names {main!r}, itself a form of {tables[main]['form_of']!r}; name that"
        # Two editions of one set may share a file name, as upstream does; two sets may not. Case does not tell
        # files apart on every system.
        owner = owners.setdefault(table["file"].casefold(), main or name)
        if owner != (main or name):
            yield f"[{name}]: 'file' is {table['file']!r}, which the set {owner!r} already uses"


@lru_cache(maxsize=8)
def _read(path: Path, _modified: int) -> dict[str, Entry]:
    return parse(path.read_text(encoding="utf-8"), path.name)


def registry() -> dict[str, Entry]:
    """Return every entry by name, in the order of `data/registry.toml`. Raises RegistryError if the list is wrong."""
    try:
        return dict(_read(REGISTRY_FILE, REGISTRY_FILE.stat().st_mtime_ns))
    except OSError as error:
        raise RegistryError(
            f"The list of data files cannot be read: {error}. Get the course's data folder again."
        ) from error


def find(name: str) -> Entry:
    """Return the entry called `name`. Raises UnknownName, a KeyError, with close matches."""
    entries = registry()
    if name in entries:
        return entries[name]
    near = difflib.get_close_matches(str(name).lower(), entries, 3, cutoff=0.5)
    hint = f"Did you mean {' or '.join(map(repr, near))}?" if near else f"There are: {', '.join(entries)}."
    raise UnknownName(f"No data set is called {name!r}. {hint}")


def forms(name: str) -> list[Entry]:
    """Return the alternative forms of the main entry `name`, in the order of the list. Raises UnknownName."""
    main = find(name)
    return [entry for entry in registry().values() if entry.form_of == main.name]
