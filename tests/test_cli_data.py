"""python -m utils: the commands about data and machines, doctor and fetch; doctor also without any package."""

import hashlib
import http.server
import importlib
import json
import threading

import pytest
import tiny
from kernels import call

from utils import COURSE_ROOT, datasets
from utils.__main__ import main
from utils.cli import fetch

LIST = """
[needs]
tale = {{ loader = "tales.load_tale", entries = ["tale-all", "tale-text", "tale-scan"] }}
story = {{ loader = "tales.load_story", entries = ["tale-all", "tale-text"] }}
verse = {{ loader = "tales.load_verse", entries = ["verse"] }}

[tale-all]
title = "A tale, with pictures"
file = "tale.zip"
urls = ["http://{host}/tale.zip"]
bytes = {all_size}
hash = "sha256:{all_hash}"
licence = "public domain"
citation = "Ada"

[tale-text]
title = "A tale, the text"
file = "tale.txt"
urls = ["http://{host}/tale.txt"]
bytes = {text_size}
hash = "sha256:{text_hash}"
licence = "free to read"
citation = "Ada"
form_of = "tale-all"
lacks = "pictures"

[tale-scan]
title = "A tale, one page"
file = "tale.png"
urls = []
bytes = 3
hash = "sha256:{text_hash}"
licence = "public domain"
citation = "Ada"
form_of = "tale-all"
lacks = "the other pages"

[verse]
title = "A verse"
file = "verse.txt"
urls = []
bytes = 5000000
hash = "sha256:{text_hash}"
licence = "public domain"
citation = "Bob"
"""
TEXT, ALL = b"once upon a time" * 20_000, bytes(range(256)) * 8_000  # 0.32 MB and 2.05 MB


@pytest.fixture
def world(tmp_path, monkeypatch):
    """A list of two sets, a server with the first, an empty cache, three notebooks: (their folder, what is served)."""
    root = tmp_path / "served"
    root.mkdir()
    (root / "tale.txt").write_bytes(TEXT)
    (root / "tale.zip").write_bytes(ALL)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *words):
            super().__init__(*words, directory=str(root))

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    numbers = {"all_size": len(ALL), "text_size": len(TEXT), "host": f"127.0.0.1:{server.server_port}"}
    hashes = {"all_hash": hashlib.sha256(ALL).hexdigest(), "text_hash": hashlib.sha256(TEXT).hexdigest()}
    (tmp_path / "list.toml").write_text(LIST.format(**numbers, **hashes), encoding="utf-8")
    registry = importlib.import_module("utils.datasets.registry")
    monkeypatch.setattr(registry, "REGISTRY_FILE", tmp_path / "list.toml")
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COURSE_PROFILE", "full")
    for name in ("COURSE_DATA_DIR", "COURSE_MIRROR"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "notebooks"
    folder.mkdir()
    tiny.save(folder / "00_start.ipynb", tiny.text("# Start"), data=[])
    tiny.save(folder / "05_tale.ipynb", tiny.text("# A tale"), data=["tale"])
    tiny.save(folder / "06_both.ipynb", tiny.text("# Both"), data=["tale", "story", "verse"])
    yield folder, root
    server.shutdown()
    server.server_close()


def got(tmp_path):
    return {path.name: path.read_bytes() for path in (tmp_path / "cache").rglob("tale.*") if path.is_file()}


# ------------------------------------------------------------------------------------------------------------- fetch


@pytest.mark.parametrize("word", ["5", "05", "05_tale", "tale"])
def test_fetch_takes_notebooks_and_needs_and_gets_the_smallest_form(word, world, tmp_path, capsys):
    assert main(["fetch", word, f"--folder={world[0]}"]) == 0
    assert {name: content for name, content in got(tmp_path).items() if name in ("tale.txt", "tale.zip")} == {
        "tale.txt": TEXT
    }
    out = capsys.readouterr().out
    before = out[: out.index("1 to fetch, 0.3 MB")]
    assert "0.3 MB" in before
    assert "free to read" in before


def test_fetch_takes_an_entry_by_its_name(world, tmp_path):
    assert main(["fetch", "tale-all", f"--folder={world[0]}"]) == 0
    assert got(tmp_path)["tale.zip"] == ALL


def test_fetch_tries_the_larger_form_before_it_fails(world, tmp_path):
    (world[1] / "tale.txt").unlink()
    assert main(["fetch", "tale", f"--folder={world[0]}"]) == 0
    assert got(tmp_path)["tale.zip"] == ALL


def test_fetch_goes_on_after_a_failure(world, tmp_path, capsys):
    """Nobody serves the verse: that is said, with its name, and the tale is fetched all the same."""
    assert main(["fetch", "6", f"--folder={world[0]}"]) == 1
    assert "verse.txt" in capsys.readouterr().out
    assert got(tmp_path)["tale.txt"] == TEXT


def test_a_bundle_gets_what_is_fetched_and_what_was_here(world, tmp_path, monkeypatch):
    """The verse lies on disk already, the tale is fetched; a second call finds both and changes nothing."""
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "verse.txt").write_bytes(b"roses")
    monkeypatch.setenv("COURSE_DATA_DIR", str(mine))
    monkeypatch.setattr(importlib.import_module("utils.datasets.checks"), "verify", lambda *_, **__: None)
    for _ in range(2):
        assert main(["fetch", "6", f"--into={tmp_path / 'stick'}", f"--folder={world[0]}"]) == 0
        found = {path.name: path.read_bytes() for path in (tmp_path / "stick").iterdir()}
        assert found == {"tale.txt": TEXT, "verse.txt": b"roses"}


def test_a_copy_that_breaks_off_leaves_nothing(tmp_path, monkeypatch):
    (tmp_path / "a.txt").write_text("whole")
    monkeypatch.setattr(fetch.shutil, "copy2", lambda source, target: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        fetch.copy_whole(tmp_path / "a.txt", tmp_path / "stick")
    assert list((tmp_path / "stick").iterdir()) == []


def test_a_dry_run_moves_nothing(world, tmp_path, capsys):
    assert main(["fetch", "--all", "--dry-run", f"--folder={world[0]}"]) == 0
    out = capsys.readouterr().out
    assert "2 to fetch, 5.3 MB" in out, "the one text is counted once, though two needs mean it"
    assert not (tmp_path / "cache").exists() or got(tmp_path) == {}


def test_all_is_what_the_notebooks_need(world, capsys):
    (world[0] / "06_both.ipynb").unlink()
    assert main(["fetch", "--all", "--dry-run", f"--folder={world[0]}"]) == 0
    assert "verse" not in capsys.readouterr().out


def test_fetch_asks_for_room_first(world, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(fetch, "free_bytes", lambda folder: 1_000)
    assert main(["fetch", "tale", f"--folder={world[0]}"]) == 2
    assert "0.3 MB are needed" in capsys.readouterr().err
    assert got(tmp_path) == {}


def test_a_notebook_that_does_not_say_what_it_needs_is_named(world, capsys):
    tiny.save(world[0] / "07_silent.ipynb", tiny.text("# Silent"))
    assert main(["fetch", "7", f"--folder={world[0]}"]) == 2
    assert "07_silent.ipynb does not say which data it needs" in capsys.readouterr().err


def test_the_course_fetches_for_its_notebooks_what_they_can_use(capsys, monkeypatch, tmp_path):
    """The real list: no notebook's need may cost the 862 MB of all GloVe vectors, or the pictures of another set."""
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path))
    monkeypatch.delenv("COURSE_DATA_DIR", raising=False)
    assert main(["fetch", "--all", "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert "flickr8k-images" not in out
    sizes = [fetch.smallest(need).size for need in fetch.needs_of(fetch.catalogue.find())]
    assert sizes.count(None) <= 1, "of one set, the minute prices, no size is published"
    assert max(size for size in sizes if size is not None) < 200e6
    assert "CC BY 4.0" in out


# ------------------------------------------------------------------------------------------------------------ doctor


@pytest.fixture
def no_device(monkeypatch):
    """Leave TensorFlow out, which takes seconds to load; one test below has it."""
    monkeypatch.setattr("utils.cli.doctor._device", list)


def doctor(folder, capsys):
    """Exit status and lines of doctor's report."""
    status = main(["doctor", f"--folder={folder}"])
    return status, capsys.readouterr().out.splitlines()


def line(lines, start):
    (found,) = [line for line in lines if line.startswith(start)]
    return " ".join(found.split())


def test_doctor_says_for_every_notebook_whether_it_runs(world, tmp_path, capsys, no_device):
    status, lines = doctor(world[0], capsys)
    assert status == 0
    assert line(lines, "00 ·") == "00 · Start runs now: needs no data"
    assert line(lines, "05 ·") == ("05 · A tale in quick only; a full run would fetch tale-text, 0.3 MB from 127.0.0.1")
    assert line(lines, "06 ·").endswith("tale-text, 0.3 MB from 127.0.0.1; verse.txt, by hand: nobody serves it")
    assert lines[-1] == (
        "Ready for 1 of 3 notebooks in full without a download; 1 would fetch 0.3 MB (the network was not tried); "
        "1 need files that nobody serves, put in place by hand; in the quick profile all run."
    )


def test_doctor_sees_what_is_on_disk(world, tmp_path, capsys, monkeypatch, no_device):
    (world[0] / "06_both.ipynb").unlink()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "tale.txt").write_bytes(TEXT)
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path / "mine"))
    _, lines = doctor(world[0], capsys)
    assert line(lines, "05 ·") == "05 · A tale runs now: tale in data folder"
    assert lines[-1] == "Ready for 2 of 2 notebooks in full without a download."


def test_doctor_reports_versions_device_and_places(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path))
    status, lines = doctor(tmp_path, capsys)
    assert status == 0
    names = [words[0] for words in map(str.split, lines) if words]
    for word in ("Python", "tensorflow", "keras", "ruff", "profile", "device", "data", "cache"):
        assert word in names
    assert f"cache     {tmp_path}" in "\n".join(lines)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("COURSE_PROFILE", "fulll", "problem: COURSE_PROFILE is 'fulll'"),
        ("COURSE_DATA_DIR", "/no/such/folder", "problem: COURSE_DATA_DIR names"),
    ],
)
def test_doctor_lists_a_wrong_variable_as_a_problem(name, value, message, world, capsys, monkeypatch, no_device):
    monkeypatch.setenv(name, value)
    status, lines = doctor(world[0], capsys)
    assert status == 1
    assert any(found.startswith(message) for found in lines)
    assert lines[-1].startswith("Not ready: ")


def test_doctor_works_without_any_package(tmp_path):
    """With -I and -S Python sees the standard library and nothing else."""
    program = f"import sys; sys.path.insert(0, {str(COURSE_ROOT)!r})"
    program += "\nfrom utils.__main__ import main\nprint(main(['doctor']))"
    done = call("-I", "-S", "-c", program, cwd=COURSE_ROOT, HOME=str(tmp_path), XDG_CACHE_HOME=str(tmp_path))
    assert done.stderr == ""
    assert line(done.stdout.splitlines(), "          tensorflow").startswith("tensorflow missing <- wanted >=")
    assert line(done.stdout.splitlines(), "05 ·").endswith("from ai.stanford.edu")
    assert "problem: " in done.stdout
    assert done.stdout.splitlines()[-2:] == ["Not ready: 1 problem, above.", "1"]


def test_doctor_names_a_notebook_it_cannot_read(world, capsys, no_device):
    (world[0] / "07_torn.ipynb").write_text(json.dumps({"cells": None}))
    status, lines = doctor(world[0], capsys)
    assert status == 1
    assert any(found.startswith("problem: 07_torn.ipynb is not a readable notebook") for found in lines)
    assert line(lines, "00 ·").endswith("needs no data"), "the others are still judged"


def test_every_need_of_the_notebooks_is_known():
    assert set(fetch.needs_of(fetch.catalogue.find())) <= set(datasets.NEEDS)
