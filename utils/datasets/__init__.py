"""Data sets: a list of files, verified downloads, loaders, and generated stand-ins.

What belongs here: files and arrays. What does not: models, and anything that knows a notebook. The list names the
loaders, and `NEEDS`: what a notebook can ask for, with the entries that suffice. So a new set changes nothing here.
"""

import importlib

from utils.datasets.archives import BadArchive
from utils.datasets.files import DataUnavailable, Plan, fetch, locate, plan
from utils.datasets.loaders import used
from utils.datasets.registry import Entry, RegistryError, UnknownName, entries, listing

__all__ = [
    "NEEDS", "BadArchive", "DataUnavailable", "Entry", "Plan", "RegistryError", "UnknownName",
    "entries", "fetch", "locate", "plan", "used",
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
