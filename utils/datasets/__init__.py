"""Data sets: a list of files, verified downloads, loaders, and generated stand-ins.

What belongs here: files and arrays. What does not: models, and anything that knows a notebook.

==================  ==================================================================================
load_...()          what a notebook asks for, real or (where allowed) generated: `load_imdb()` and so on
used()              which of them were real in this process, and which generated
NEEDS               what a notebook can ask for, with the entries that suffice, best first
fetch(name)         the path of a checked file of a need or an entry; locate(name): without the network
plan(names)         what is on disk and what would be downloaded, with sizes and licences
entries()           all of `data/registry.toml`; find(name): one of them; forms(name): other forms of one
==================  ==================================================================================

To import, `plan` and `locate` the standard library is enough; the loaders need more, and import it when called. A
loader is found by the module that the list names, so a new data set changes nothing here.
"""

import importlib

from utils.datasets.archives import BadArchive
from utils.datasets.download import fetch
from utils.datasets.files import DataUnavailable, Plan, locate, plan
from utils.datasets.loaders import used
from utils.datasets.registry import Entry, RegistryError, UnknownName, entries, find, forms, listing

__all__ = [
    "NEEDS", "BadArchive", "DataUnavailable", "Entry", "Plan", "RegistryError", "UnknownName",
    "entries", "fetch", "find", "forms", "locate", "plan", "used",
]  # fmt: skip


def __getattr__(name):
    """Find `NEEDS` and the loaders in the list (PEP 562)."""
    if name == "NEEDS":
        return dict(listing().needs)
    if name.startswith("load_") and (module := listing().loaders.get(name)):
        return getattr(importlib.import_module(f"utils.datasets.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), "NEEDS", *listing().loaders})
