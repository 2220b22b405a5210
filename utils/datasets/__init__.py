"""Data sets: a list of files, verified downloads, loaders, and generated stand-ins.

What belongs here: files and arrays. What does not: models, and anything that knows a notebook.

=============================  =====================================================================
load_jena(), load_beijing()    frames with a fixed schema, real or (where allowed) generated
load_time_machine()            a text, likewise
load_imdb()                    labelled reviews, as lists and arrays or as a folder of files
load_glove(dim, words)         word vectors
load_translation_pairs(to)     English sentences with their French or Persian translations
used()                         which of them were real in this process, and which generated
fetch(name), locate(name)      the path of a checked file; locate never uses the network
fetch_any(), locate_any()      the first of several forms that can be had
plan(names)                    what is on disk and what would be downloaded, with sizes and licences
registry(), forms(name)        the entries of `data/registry.toml`
unpack(archive, into)          safe, all-or-nothing extraction; open_member and read for single files
=============================  =====================================================================
"""

import importlib

from utils.datasets.archives import BadArchive, Limits, open_member, read, unpack

# From here on `utils.datasets.registry` is the function; the module stays importable by `from ... import`.
from utils.datasets.registry import Entry, RegistryError, UnknownName, find, forms, registry
from utils.datasets.transfer import DataUnavailable, Plan, fetch, fetch_any, locate, locate_any, plan

# The loaders need pandas, half a second to import; fetch and the command line do not. So they come when asked for.
_LAZY = {
    "BEIJING_COLUMNS": "loaders",
    "JENA_COLUMNS": "loaders",
    "Glove": "loaders_vectors",
    "Imdb": "loaders_text",
    "TranslationPairs": "loaders_translation",
    "find_real": "loaders",
    "load_beijing": "loaders",
    "load_glove": "loaders_vectors",
    "load_imdb": "loaders_text",
    "load_jena": "loaders",
    "load_time_machine": "loaders_text",
    "load_translation_pairs": "loaders_translation",
    "used": "loaders",
}


def __getattr__(name):
    """Import the loaders at their first use (PEP 562)."""
    if name in _LAZY:
        return getattr(importlib.import_module(f"utils.datasets.{_LAZY[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "BEIJING_COLUMNS",
    "JENA_COLUMNS",
    "BadArchive",
    "DataUnavailable",
    "Entry",
    "Glove",
    "Imdb",
    "Limits",
    "Plan",
    "RegistryError",
    "TranslationPairs",
    "UnknownName",
    "fetch",
    "fetch_any",
    "find",
    "find_real",
    "forms",
    "load_beijing",
    "load_glove",
    "load_imdb",
    "load_jena",
    "load_time_machine",
    "load_translation_pairs",
    "locate",
    "locate_any",
    "open_member",
    "plan",
    "read",
    "registry",
    "unpack",
    "used",
]
