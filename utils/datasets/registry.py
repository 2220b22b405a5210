"""The list of data files, `data/registry.toml`. What belongs here: entries and needs, never bytes."""

import difflib
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

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


class Listing(NamedTuple):
    """The list: entries by name; the names of those that suffice, best first, by need; modules by loader."""

    entries: dict[str, Entry]
    needs: dict[str, tuple[str, ...]]
    loaders: dict[str, str]


def parse(text: str, where: str = "registry.toml") -> Listing:
    """Return what the TOML `text` says. Raises RegistryError if it makes no list; tests find what else may be wrong."""
    entries, doing = {}, "the list"
    try:
        tables = tomllib.loads(text)
        needs = tables.pop("needs", {})
        for doing, table in tables.items():
            entries[doing] = Entry(name=doing, **table | {"urls": tuple(table["urls"])})
        for doing, need in needs.items():  # noqa: B007 (the message names it)
            need["module"], need["loader"] = need["loader"].split(".")
            need["entries"] = tuple(entries[name].name for name in need["entries"])
    except (TypeError, KeyError, ValueError) as error:
        raise RegistryError(f"{where}: {doing!r} is wrong ({type(error).__name__}: {error})") from error
    loaders = {need["loader"]: need["module"] for need in needs.values()}
    return Listing(entries, {name: need["entries"] for name, need in needs.items()}, loaders)


@lru_cache(maxsize=8)
def _read(path: Path, _modified: int) -> Listing:
    return parse(path.read_text(encoding="utf-8"), path.name)


def listing() -> Listing:
    """Return what `data/registry.toml` says, read again when it has changed. Raises RegistryError if it is wrong."""
    try:
        return _read(REGISTRY_FILE, REGISTRY_FILE.stat().st_mtime_ns)
    except OSError as error:
        raise RegistryError(f"The list cannot be read ({error}); get the course's data folder again.") from error


def entries() -> dict[str, Entry]:
    """Return every entry by name, in the order of the list. Raises RegistryError."""
    return dict(listing().entries)


def find(name: str) -> Entry:
    """Return the entry called `name`. Raises UnknownName, a KeyError, with close matches."""
    return _look_up(listing().entries, name)


def forms(name: str) -> list[Entry]:
    """Return the alternative forms of the main entry `name`. Raises UnknownName."""
    main = find(name).name
    return [entry for entry in listing().entries.values() if entry.form_of == main]


def accepted(name: str) -> list[Entry]:
    """Return the entries that suffice for a need, best first, or the one entry of that name. Raises UnknownName."""
    known, needs, _ = listing()
    return [known[form] for form in _look_up({name: (name,) for name in known} | needs, name)]


def _look_up(known: dict, name: str):
    if name in known:
        return known[name]
    near = difflib.get_close_matches(str(name).lower(), known, 3, cutoff=0.5)
    hint = f"Did you mean {' or '.join(map(repr, near))}?" if near else f"There are: {', '.join(known)}."
    raise UnknownName(f"No data set is called {name!r}. {hint}")
