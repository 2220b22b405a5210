"""The list of data files, `data/registry.toml`, read and checked. What belongs here: entries and needs, never bytes."""

import difflib
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path

from utils import COURSE_ROOT

REGISTRY_FILE = COURSE_ROOT / "data" / "registry.toml"


class RegistryError(ValueError):
    """The list of data files is wrong; the message names the entry and the field."""


class UnknownName(KeyError):
    """Nothing has this name; the message proposes names that are close."""

    __str__ = Exception.__str__  # KeyError would put the message in quotes


@dataclass(frozen=True)
class Entry:
    """One data file; what a field means stands at the head of the list. None or "" is what it leaves out."""

    name: str
    title: str
    file: str
    urls: tuple[str, ...]
    licence: str
    citation: str
    bytes: int | None = None
    about_bytes: int | None = None
    hash: str | None = None
    no_hash: str = ""
    check: str | None = None
    form_of: str | None = None
    lacks: str = ""
    note: str = ""

    @property
    def size(self) -> int | None:
        """The exact size in bytes, else the estimate, else None."""
        return self.bytes or self.about_bytes

    @property
    def size_text(self) -> str:
        """The size in words: `13,568,290 bytes`, `about 1,115,000,000 bytes` or `size not published`."""
        return f"{'' if self.bytes else 'about '}{self.size:,} bytes" if self.size else "size not published"

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder, unpacked from an archive."""
        return self.file.endswith("/")

    @property
    def family(self) -> str:
        """The name of the main entry: `form_of`, or the entry's own name."""
        return self.form_of or self.name


@dataclass(frozen=True)
class Listing:
    """The list: entries by name; the names of those that suffice, best first, by need; modules by loader."""

    entries: dict[str, Entry]
    needs: dict[str, tuple[str, ...]]
    loaders: dict[str, str]


_TYPES = {"urls": list, "bytes": int, "about_bytes": int}
_FIELDS = {field.name: _TYPES.get(field.name, str) for field in fields(Entry) if field.name != "name"}
_HASH = "sha256:[0-9a-f]{64}|(sha1|git_blob):[0-9a-f]{40}|md5:[0-9a-f]{32}"
_SHAPES = {
    "file": (r"(?!\.)[^\\/:\s]+/?", "a plain file name (a folder's ends in '/')"),
    "hash": (_HASH, "'sha256:' and 64 lower-case hexadecimal digits (sha1 and git_blob: 40, md5: 32)"),
    "check": (r"\w+\.\w+", "like 'weather.jena', which is check_jena in weather.py"),
}


def _problems(name: str, table: dict) -> Iterator[str]:
    """Yield what is wrong with one table, in a reader's words."""
    if not re.fullmatch("[a-z0-9]+(-[a-z0-9]+)*", name):
        yield "its name should be lower-case words and digits joined by '-'"
    for key, value in table.items():
        if key not in _FIELDS:
            near = difflib.get_close_matches(key, _FIELDS, 1)
            yield f"{key!r} is not a known field" + (f"; did you mean {near[0]!r}?" if near else "")
        elif not isinstance(value, _FIELDS[key]) or isinstance(value, bool):
            yield f"{key!r} should be {_FIELDS[key].__name__}, found {value!r}"
        elif isinstance(value, str) and not value.strip():
            yield f"{key!r} is empty; leave the field out or fill it in"
        elif key in _SHAPES and not re.fullmatch(_SHAPES[key][0], value):
            yield f"{key!r} should be {_SHAPES[key][1]}, found {value!r}"
        elif isinstance(value, int) and value <= 0:
            yield f"{key!r} should be positive, found {value}"
    yield from (f"{key!r} is missing" for key in ("title", "file", "urls", "licence", "citation") if key not in table)
    urls = table["urls"] if isinstance(table.get("urls"), list) else []
    for url in urls:
        if not isinstance(url, str) or not re.match(r"https?://[^/\s]+/\S+$", url):
            yield f"'urls' should hold http(s) addresses, found {url!r}"
        elif url.startswith("http:") and "hash" not in table:
            yield f"'urls' holds {url!r}, where anybody on the way could change the file: give https, or 'hash'"
    if str(table.get("file")).endswith("/") and (urls or "hash" in table):
        yield "'file' is a folder, which has neither 'urls' nor 'hash'"
    if ("hash" in table) == ("no_hash" in table):
        yield "it needs either 'hash' or 'no_hash', the reason why there is none"
    if "hash" not in table and "check" not in table:
        yield "nothing tells the right file from a wrong one; give 'hash' or 'check'"
    if ("form_of" in table) != ("lacks" in table):
        yield "'form_of' and 'lacks' go together"


def _relations(tables: dict[str, dict], needs: dict[str, dict]) -> Iterator[str]:
    """Yield what is wrong between tables that are right one by one, and with the needs."""
    owners: dict[str, str] = {}
    for name, table in tables.items():
        main = table.get("form_of")
        if main is not None and main not in tables:
            yield f"[{name}]: 'form_of' names {main!r}, which is not an entry"
        elif main is not None and "form_of" in tables[main]:
            yield f"[{name}]: 'form_of' names {main!r}, itself a form of {tables[main]['form_of']!r}; name that"
        # Two editions of one set may share a file name; two sets may not. Not every system tells cases apart.
        owner = owners.setdefault(table["file"].casefold(), main or name)
        if owner != (main or name):
            yield f"[{name}]: 'file' is {table['file']!r}, which the set {owner!r} already uses"
    for name, need in needs.items():
        forms = need.get("entries") if isinstance(need, dict) else None
        if not isinstance(forms, list) or not forms or not re.fullmatch(r"\w+\.load_\w+", str(need.get("loader"))):
            yield f"[needs] {name}: expected {{ loader = 'module.load_name', entries = ['...'] }}, found {need!r}"
        elif not set(forms) <= tables.keys() or (name in tables and name not in forms):
            yield f"[needs] {name}: 'entries' should name entries, the one called {name!r} too if there is one"


def parse(text: str, where: str = "registry.toml") -> Listing:
    """Return what the TOML `text` says; `where` is what messages call it. Raises RegistryError with every problem."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RegistryError(f"{where} is not valid TOML: {error}") from error
    needs = tables.pop("needs", {})
    odd = [f"[{name}]: expected a table, found {table!r}" for name, table in tables.items() if type(table) is not dict]
    found = odd or [f"[{name}]: {problem}" for name in tables for problem in _problems(name, tables[name])]
    if found := found or list(_relations(tables, needs)):
        raise RegistryError(f"{where} has {len(found)} problem(s):\n  " + "\n  ".join(found))
    return Listing(
        {name: Entry(name=name, **table | {"urls": tuple(table["urls"])}) for name, table in tables.items()},
        {name: tuple(need["entries"]) for name, need in needs.items()},
        {loader: module for module, loader in (need["loader"].split(".") for need in needs.values())},
    )


@lru_cache(maxsize=8)
def _read(path: Path, _modified: int) -> Listing:
    return parse(path.read_text(encoding="utf-8"), path.name)


def listing() -> Listing:
    """Return what `data/registry.toml` says, read again when it has changed. Raises RegistryError if it is wrong."""
    try:
        return _read(REGISTRY_FILE, REGISTRY_FILE.stat().st_mtime_ns)
    except OSError as error:
        why = f"The list of data files cannot be read: {error}."
        raise RegistryError(f"{why} Get the course's data folder again.") from error


def entries() -> dict[str, Entry]:
    """Return every entry by name, in the order of the list. Raises RegistryError."""
    return dict(listing().entries)


def find(name: str) -> Entry:
    """Return the entry called `name`. Raises UnknownName, a KeyError, with close matches."""
    return _look_up(listing().entries, name)


def accepted(name: str) -> list[Entry]:
    """Return the entries that suffice for a need, best first, or the one entry of that name. Raises UnknownName."""
    known = listing()
    return [known.entries[form] for form in _look_up({name: (name,) for name in known.entries} | known.needs, name)]


def forms(name: str) -> list[Entry]:
    """Return the alternative forms of the main entry `name`, in the order of the list. Raises UnknownName."""
    main = find(name)
    return [entry for entry in listing().entries.values() if entry.form_of == main.name]


def _look_up(known: dict, name: str):
    if name in known:
        return known[name]
    near = difflib.get_close_matches(str(name).lower(), known, 3, cutoff=0.5)
    hint = f"Did you mean {' or '.join(map(repr, near))}?" if near else f"There are: {', '.join(known)}."
    raise UnknownName(f"No data set is called {name!r}. {hint}")
