"""The list of data files, `data/registry.toml`. What belongs here: entries and needs, never bytes."""

import difflib
import tomllib
from dataclasses import dataclass
from functools import lru_cache
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
        """The size in bytes, else the estimate, else None."""
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


@lru_cache(maxsize=8)
def parse(text: str, where: str = "registry.toml") -> Listing:
    """Return what the TOML `text` says. Raises RegistryError if it makes no list; tests find what else may be wrong."""
    entries, needs, loaders, doing = {}, {}, {}, "the list"
    try:
        tables = tomllib.loads(text)
        asked = tables.pop("needs", {})
        for doing, table in tables.items():
            entries[doing] = Entry(name=doing, **table | {"urls": tuple(table["urls"])})
        for doing, need in asked.items():
            module, loader = need["loader"].split(".")
            loaders[loader] = module
            needs[doing] = tuple(entries[name].name for name in need["entries"])
    except (TypeError, KeyError, ValueError) as error:
        raise RegistryError(f"{where}: {doing!r} is wrong ({type(error).__name__}: {error})") from error
    return Listing(entries, needs, loaders)


def listing() -> Listing:
    """Return what `data/registry.toml` says. Raises RegistryError if it is wrong."""
    try:
        return parse(REGISTRY_FILE.read_text(encoding="utf-8"), REGISTRY_FILE.name)
    except OSError as error:
        raise RegistryError(f"The list cannot be read ({error}); get the course's data folder again.") from error


def entries() -> dict[str, Entry]:
    """Return every entry by name, in the order of the list. Raises RegistryError."""
    return dict(listing().entries)


def accepted(name: str) -> list[Entry]:
    """Return the entries that suffice for a need, best first, or the one entry of that name. Raises UnknownName."""
    known, needs, _ = listing()
    suffice = {entry: (entry,) for entry in known} | needs
    if name not in suffice:
        near = difflib.get_close_matches(str(name).lower(), suffice, 3, cutoff=0.5)
        hint = f"Did you mean {' or '.join(map(repr, near))}?" if near else f"There are: {', '.join(suffice)}."
        raise UnknownName(f"No data set is called {name!r}. {hint}")
    return [known[entry] for entry in suffice[name]]
