"""What `data/registry.toml` has to be, in words for whoever adds an entry. What belongs here: rules, no test.

`utils.datasets.registry` reads the list and knows its fields; what else can be wrong with it is the author's to mend
before anybody reads it, so the rules are tests.
"""

import difflib
import re
import tomllib
from collections.abc import Iterator
from dataclasses import fields

from utils.datasets.registry import Entry

_HASH = "sha256:[0-9a-f]{64}|(sha1|git_blob):[0-9a-f]{40}|md5:[0-9a-f]{32}"
_FIELDS = {field.name: (str, r"(?s).*\S.*", "some text") for field in fields(Entry) if field.name != "name"} | {
    "urls": (list, "(?s).*", ""),
    "bytes": (int, r"[1-9]\d*", "positive"),
    "about_bytes": (int, r"[1-9]\d*", "positive"),
    "file": (str, r"(?!\.)[^\\/:\s]+/?", "a plain file name (a folder's ends in '/')"),
    "hash": (str, _HASH, "'sha256:' and 64 lower-case hexadecimal digits (sha1 and git_blob: 40, md5: 32)"),
    "check": (str, r"\w+\.\w+", "like 'weather.jena', which is check_jena in weather.py"),
}
"""The type of each field, what its value has to look like, and that in words."""


def _problems(name: str, table: dict) -> Iterator[str]:
    """Yield what is wrong with one table, in a reader's words."""
    for key, value in table.items():
        kind, shape, words = _FIELDS.get(key, (None, "", ""))
        if kind is None:
            near = difflib.get_close_matches(key, _FIELDS, 1)
            yield f"{key!r} is not a known field" + (f"; did you mean {near[0]!r}?" if near else "")
        elif type(value) is not kind:
            yield f"{key!r} should be {kind.__name__}, found {value!r}"
        elif not re.fullmatch(shape, str(value)):
            yield f"{key!r} should be {words}, found {value!r}"
    yield from (f"{key!r} is missing" for key in ("title", "file", "urls", "licence", "citation") if key not in table)
    hashed, folder = "hash" in table, str(table.get("file")).endswith("/")
    urls = table["urls"] if isinstance(table.get("urls"), list) else []
    for url in urls:
        if not isinstance(url, str) or not re.match(r"https?://[^/\s]+/\S+$", url):
            yield f"'urls' should hold http(s) addresses, found {url!r}"
        elif url.startswith("http:") and not hashed:
            yield f"'urls' holds {url!r}, where anybody on the way could change the file: give https, or 'hash'"
    rules = {
        "its name should be lower-case words and digits joined by '-'": re.fullmatch("[a-z0-9]+(-[a-z0-9]+)*", name),
        "'file' is a folder, which has neither 'urls' nor 'hash'": not (folder and (urls or hashed)),
        "it needs either 'hash' or 'no_hash', the reason why there is none": hashed != ("no_hash" in table),
        "nothing tells the right file from a wrong one; give 'hash' or 'check'": hashed or "check" in table,
        "'form_of' and 'lacks' go together": ("form_of" in table) == ("lacks" in table),
    }
    yield from (rule for rule, kept in rules.items() if not kept)


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


def problems(text: str) -> list[str]:
    """Return everything that is wrong with the list, each with the entry that it is about."""
    tables = tomllib.loads(text)
    needs = tables.pop("needs", {})
    odd = [f"[{name}]: expected a table, found {table!r}" for name, table in tables.items() if type(table) is not dict]
    found = odd or [f"[{name}]: {problem}" for name in tables for problem in _problems(name, tables[name])]
    return found or list(_relations(tables, needs))
