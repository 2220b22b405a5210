"""Fetching from a server that misbehaves: afterwards the cache holds the right file or nothing, and the error helps."""

# ruff: noqa: F401, F811 (fixtures come by import, and are then named as parameters)

import errno
import hashlib
import json
import os
import pickle
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import time
import warnings
from pathlib import Path

import pooch
import pytest
from loopback import DATA, HTML, body, course, cut, no_network, server, slow, stalled, status, truncated

from utils import COURSE_ROOT, settings
from utils.datasets import (
    DataUnavailable,
    UnknownName,
    checks,
    contents,
    fetch,
    fetch_any,
    hashes,
    locate,
    plan,
    transfer,
)


def refused(name="set"):
    """Fetch, expect refusal, and return the message."""
    with pytest.raises(DataUnavailable) as caught:
        fetch(name)
    return str(caught.value)


# The server ------------------------------------------------------------------------------------------


def test_right_file_is_fetched_once(course, server):
    course.add(urls=[server.give("/set.bin", body())])
    path = fetch("set")
    assert path == course.cache / "set.bin"
    assert path.read_bytes() == DATA
    assert fetch("set") == path
    assert server.counts["/set.bin"] == 1
    assert course.cached() == ["set.bin"]


def test_fetched_file_can_be_read_by_other_users(course, server):
    course.add(urls=[server.give("/set.bin", body())])
    assert fetch("set").stat().st_mode & 0o044 == 0o044


def test_404_is_not_retried_and_the_message_tells_all(course, server):
    url = server.give("/gone/set.bin", status(404))
    course.add(urls=[url])
    message = refused()
    assert server.counts["/gone/set.bin"] == 1
    assert course.cached() == []
    for part in ("set.bin", "204,800 bytes", url, "404", "COURSE_DATA_DIR", str(course.data), str(course.cache)):
        assert part in message
    for part in ("COURSE_MIRROR", "COURSE_PROFILE=quick", "COURSE_CACHE"):
        assert part in message


def test_500_then_success(course, server):
    course.add(urls=[server.give("/set.bin", status(500), body())])
    assert fetch("set").read_bytes() == DATA
    assert server.counts["/set.bin"] == 2


def test_500_for_ever_goes_to_the_next_mirror(course, server):
    course.add(urls=[server.give("/a", status(503)), server.give("/b", body())])
    assert fetch("set").read_bytes() == DATA
    assert (server.counts["/a"], server.counts["/b"]) == (2, 1)


def test_pauses_grow(course, server, monkeypatch):
    pauses = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    monkeypatch.setattr(transfer, "PATIENCE", transfer.Patience(attempts=4, pause=0.5))
    course.add(urls=[server.give("/set.bin", status(500))])
    assert "500" in refused()
    assert [pause for pause in pauses if pause >= 0.5] == [0.5, 1.0, 2.0]


def test_wrong_hash_is_refused_without_retry(course, server):
    other = bytes(len(DATA))
    course.add(urls=[server.give("/set.bin", body(other))])
    message = refused()
    assert hashlib.sha256(DATA).hexdigest() in message
    assert hashlib.sha256(other).hexdigest() in message
    assert server.counts["/set.bin"] == 1
    assert course.cached() == []


def test_wrong_hash_goes_to_the_next_mirror(course, server):
    course.add(urls=[server.give("/a", body(bytes(len(DATA)))), server.give("/b", body())])
    assert fetch("set").read_bytes() == DATA
    assert course.cached() == ["set.bin"]


def test_endless_body_is_stopped(course, server):
    course.add(urls=[server.give("/set.bin", body(DATA * 20))])
    assert "longer than 204,800 bytes" in refused()
    assert course.cached() == []


@pytest.mark.parametrize("fault", [truncated, cut])
def test_cut_connection(course, server, fault):
    course.add(urls=[server.give("/set.bin", fault())])
    message = refused()
    assert "the connection was cut (2 attempts)" in message
    assert server.counts["/set.bin"] == 2
    assert course.cached() == []


@pytest.mark.parametrize("fault", [truncated, cut])
def test_cut_connection_then_success(course, server, fault):
    course.add(urls=[server.give("/set.bin", fault(), body())])
    assert fetch("set").read_bytes() == DATA
    assert course.cached() == ["set.bin"]


def test_stalled_server_times_out(course, server):
    course.add(urls=[server.give("/set.bin", stalled())])
    started = time.monotonic()
    message = refused()
    assert "no answer for 0.3 s (2 attempts)" in message
    assert time.monotonic() - started < 3
    assert course.cached() == []


def test_html_instead_of_a_zip(course, server):
    course.add(file="set.zip", urls=[server.give("/set.zip", body(HTML, "text/html"))])
    message = refused()
    assert "web page" in message
    assert server.counts["/set.zip"] == 1
    assert course.cached() == []


def test_html_is_no_first_copy(course, server):
    url = server.give("/poems.txt", body(HTML))
    course.add(file="poems.txt", urls=[url], no_sha256="none", check="persian-verse")
    assert "web page" in refused()
    assert course.cached() == []


def test_compressed_transfer_is_not_asked_for(course, server):
    asked = []

    def answer(handler):
        asked.append(handler.headers["Accept-Encoding"])
        body()(handler)

    course.add(urls=[server.give("/set.bin", answer)])
    fetch("set")
    assert asked == ["identity"]


def test_no_network_at_all(course, monkeypatch):
    def no_name(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", no_name)
    course.add(urls=["https://data.invalid/set.bin", "https://mirror.invalid/set.bin"])
    started = time.monotonic()
    message = refused()
    assert message.count("no connection") == 2
    assert time.monotonic() - started < 1
    assert course.cached() == []


def test_refused_connection_is_not_retried(course, monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    sleeps = []
    monkeypatch.setattr(time, "sleep", sleeps.append)
    course.add(urls=[f"http://127.0.0.1:{port}/set.bin"])
    assert "no connection" in refused()
    assert sleeps == []


def test_entry_without_address_says_how_to_place_it(course, no_network):
    course.add()
    message = refused()
    assert "placed by hand" in message
    assert str(course.data) in message
    assert str(course.cache) in message


def test_error_travels_between_processes(course):
    course.add()
    with pytest.raises(DataUnavailable) as caught:
        fetch("set")
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value)
    assert again.entry == caught.value.entry


# Order of search -------------------------------------------------------------------------------------


def test_mirror_of_the_class_comes_first(course, server, monkeypatch):
    course.add(file="a#b.bin", urls=[server.give("/own", body())])
    monkeypatch.setenv("COURSE_MIRROR", server.give("/class/", status(404)))
    server.give("/class/a#b.bin", body())
    assert fetch("set").read_bytes() == DATA
    assert (server.counts["/class/a#b.bin"], server.counts["/own"]) == (1, 0)


def test_mirror_of_the_class_serves_entries_without_address(course, server, monkeypatch):
    course.add()
    monkeypatch.setenv("COURSE_MIRROR", server.give("/class", status(404)))
    server.give("/class/set.bin", body())
    assert fetch("set").read_bytes() == DATA


def test_mirrors_are_tried_in_order(course, server):
    course.add(urls=[server.give(path, status(404)) for path in ("/1", "/2", "/3")])
    with pytest.raises(DataUnavailable) as caught:
        fetch("set")
    assert [url[-2:] for url, _ in caught.value.tried] == ["/1", "/2", "/3"]
    server.give("/2", body())
    fetch("set")
    assert dict(server.counts) == {"/1": 2, "/2": 2, "/3": 1}


def test_data_folders_are_searched_in_depth_and_in_order(course, no_network, monkeypatch, tmp_path):
    course.add()
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    deep = second / "a" / "b"
    deep.mkdir(parents=True)
    (deep / "set.bin").write_bytes(DATA)
    monkeypatch.setenv("COURSE_DATA_DIR", os.pathsep.join([str(first), str(second)]))
    assert fetch("set") == deep / "set.bin"
    (first / "set.bin").write_bytes(DATA)
    transfer._FOLDERS.clear()
    assert fetch("set") == first / "set.bin"
    assert course.cached() == []


def test_file_placed_during_the_session_is_found(course, no_network, monkeypatch, tmp_path):
    course.add()
    folder = tmp_path / "mine"
    folder.mkdir()
    monkeypatch.setenv("COURSE_DATA_DIR", str(folder))
    assert locate("set") is None
    (folder / "set.bin").write_bytes(DATA)
    assert locate("set") == folder / "set.bin"


def test_wrong_file_in_a_data_folder_is_left_out_with_a_warning(course, server, monkeypatch, tmp_path):
    course.add(urls=[server.give("/set.bin", body())])
    folder = tmp_path / "mine"
    folder.mkdir()
    wrong = folder / "set.bin"
    wrong.write_bytes(bytes(len(DATA)))
    monkeypatch.setenv("COURSE_DATA_DIR", str(folder))
    with pytest.warns(UserWarning, match="left out") as caught:
        path = fetch("set")
    assert path == course.cache / "set.bin"
    assert wrong.read_bytes() == bytes(len(DATA)), "the reader's file is the reader's"
    text = str(caught[0].message)
    for part in (str(wrong), hashlib.sha256(DATA).hexdigest(), hashlib.sha256(bytes(len(DATA))).hexdigest()):
        assert part in text


def test_right_file_deeper_than_a_wrong_one_is_found(course, no_network, monkeypatch, tmp_path):
    course.add()
    deep = tmp_path / "mine" / "deep"
    deep.mkdir(parents=True)
    (tmp_path / "mine" / "set.bin").write_bytes(b"short")
    (deep / "set.bin").write_bytes(DATA)
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path / "mine"))
    with pytest.warns(UserWarning, match="expected 204,800 bytes, found 5"):
        assert fetch("set") == deep / "set.bin"


def test_the_courses_own_folder_comes_before_the_cache(course, no_network):
    course.add()
    course.cache.mkdir()
    (course.cache / "set.bin").write_bytes(DATA)
    assert locate("set") == course.cache / "set.bin"
    (course.data / "set.bin").write_bytes(DATA)
    assert locate("set") == course.data / "set.bin"


def test_wrong_file_in_the_cache_is_renamed(course, server):
    course.add(urls=[server.give("/set.bin", body())])
    course.cache.mkdir()
    (course.cache / "set.bin").write_bytes(DATA[:1000])
    with pytest.warns(UserWarning, match="renamed to set.bin.wrong: expected 204,800 bytes, found 1,000"):
        assert fetch("set").read_bytes() == DATA
    assert course.cached() == ["set.bin", "set.bin.wrong"]


def test_wrong_file_in_the_cache_is_renamed_even_if_nothing_replaces_it(course, no_network):
    course.add()
    course.cache.mkdir()
    (course.cache / "set.bin").write_bytes(bytes(len(DATA)))
    with pytest.warns(UserWarning, match="renamed"):
        assert locate("set") is None
    assert course.cached() == ["set.bin.wrong"]


def test_changed_file_is_hashed_again(course, no_network):
    course.add()
    course.cache.mkdir()
    path = course.cache / "set.bin"
    path.write_bytes(DATA)
    assert locate("set") == path
    path.write_bytes(DATA[::-1])
    os.utime(path, ns=(1, 1))
    with pytest.warns(UserWarning, match="renamed"):
        assert locate("set") is None


def test_place_of_the_cache(course, monkeypatch, tmp_path):
    assert settings.cache_dir() == course.cache
    monkeypatch.setenv("COURSE_CACHE", "~/kept")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert settings.cache_dir() == tmp_path / "kept"
    monkeypatch.setenv("COURSE_CACHE", " ")
    assert settings.cache_dir() == pooch.os_cache("rnn-notebook-course")


def test_form_with_the_same_file_name_is_neither_wrong_nor_overwritten(course, server):
    other = DATA[::-1]
    course.add(urls=[server.give("/set.bin", body())])
    course.add(
        "packed", file="set.bin", form_of="set", lacks="x", bytes=len(other), sha256=hashlib.sha256(other).hexdigest()
    )
    course.cache.mkdir()
    (course.cache / "set.bin").write_bytes(other)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert locate("set") is None
        path = fetch("set")
        assert path.read_bytes() == DATA
        assert locate("set") == path
        assert locate("packed").read_bytes() == other
    assert course.cached() == ["set.bin", "set/set.bin"]


def test_fetch_any_prefers_what_is_on_disk(course, no_network):
    course.add(urls=["https://data.invalid/set.bin"])
    course.add("short", form_of="set", lacks="much")
    (course.data / "short.bin").write_bytes(DATA)
    entry, path = fetch_any(["set", "short"])
    assert (entry.name, path) == ("short", course.data / "short.bin")


def test_fetch_any_says_what_was_tried_for_all(course, server):
    course.add(urls=[server.give("/1", status(404))])
    course.add("short", form_of="set", lacks="much", urls=[server.give("/2", status(404))])
    with pytest.raises(DataUnavailable) as caught:
        fetch_any(["set", "short"])
    assert [url[-2:] for url, _ in caught.value.tried] == ["/1", "/2"]
    assert "lacks much" in str(caught.value)


def test_unknown_name_has_close_matches(course):
    course.add("weather")
    with pytest.raises(UnknownName, match="Did you mean 'weather'") as caught:
        fetch("wether")
    assert isinstance(caught.value, KeyError)
    assert not str(caught.value).startswith(("'", '"'))


def test_quick_never_uses_the_network(course, no_network, monkeypatch):
    course.add(urls=["https://data.invalid/set.bin"])
    monkeypatch.setenv("COURSE_PROFILE", "quick")
    monkeypatch.setenv("COURSE_MIRROR", "https://mirror.invalid")
    assert "quick profile never uses the network" in refused()
    (course.data / "set.bin").write_bytes(DATA)
    assert fetch("set") == course.data / "set.bin"


# The first copy of an unpublished file ---------------------------------------------------------------

VERSE = ("توانا بود هر که دانا بود\n" * 12_000).encode()


@pytest.fixture
def poems(course):
    course.add("poems", file="poems.txt", no_sha256="nobody publishes one", check="persian-verse")
    return course.data / "poems.txt"


def test_first_copy_is_recorded_and_a_second_is_refused(course, poems, no_network):
    poems.write_bytes(VERSE)
    assert locate("poems") == poems
    record = course.cache / "recorded.toml"
    assert hashlib.sha256(VERSE).hexdigest() in record.read_text(encoding="utf-8")
    poems.write_bytes(VERSE + "دگر\n".encode())
    with pytest.warns(UserWarning, match="recorded at its first use"):
        assert locate("poems") is None
    record.unlink()
    assert locate("poems") == poems, "without the record it would have been right"


def test_recorded_copy_is_not_judged_by_contents_again(course, poems, monkeypatch):
    poems.write_bytes(VERSE)
    locate("poems")
    monkeypatch.setitem(contents.CHECKS, "persian-verse", lambda path: pytest.fail("checked twice"))
    hashes._KNOWN.clear()
    assert locate("poems") == poems


def test_second_copy_from_the_network_is_refused(course, server):
    url = server.give("/poems.txt", body(VERSE), body(VERSE * 2))
    course.add("poems", file="poems.txt", no_sha256="none", check="persian-verse", urls=[url])
    fetch("poems").unlink()
    assert "recorded at its first use" in refused("poems")
    assert course.cached() == ["recorded.toml"]


def test_wrong_contents_are_not_recorded(course, poems):
    poems.write_bytes(b"not Persian at all\n" * 12_000)
    with pytest.warns(UserWarning, match="0% Persian letters"):
        assert locate("poems") is None
    assert course.cached() == []


def test_records_of_several_sets_stand_side_by_side(course, poems):
    course.add("more", file="more.txt", no_sha256="none", check="persian-verse")
    poems.write_bytes(VERSE)
    (course.data / "more.txt").write_bytes(VERSE * 2)
    assert locate("poems") and locate("more")
    assert checks.recorded("poems") == hashlib.sha256(VERSE).hexdigest()
    assert checks.recorded("more") == hashlib.sha256(VERSE * 2).hexdigest()


def test_damaged_record_admits_nothing(course, poems):
    poems.write_bytes(VERSE)
    course.cache.mkdir()
    (course.cache / "recorded.toml").write_text("[poems\n", encoding="utf-8")
    with pytest.raises(ValueError, match="damaged"):
        locate("poems")


def test_record_that_cannot_be_written_holds_for_the_session(course, poems, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "file" / "cache"))
    poems.write_bytes(VERSE)
    with pytest.warns(UserWarning, match="could not be recorded"):
        assert locate("poems") == poems
    poems.write_bytes(VERSE * 2)
    with pytest.warns(UserWarning, match="recorded at its first use"):
        assert locate("poems") is None


@pytest.mark.parametrize("kind", ["sha1", "md5", "git_blob"])
def test_other_published_hashes_are_compared(course, server, kind):
    blob = hashlib.sha1(b"blob %d\0" % len(DATA) + DATA).hexdigest()
    published = {"sha1": hashlib.sha1(DATA).hexdigest(), "md5": hashlib.md5(DATA).hexdigest(), "git_blob": blob}[kind]
    url = server.give("/set.bin", body(DATA[::-1]), body())
    course.add(urls=[url], no_sha256="another hash is published", **{kind: published})
    assert f"expected {kind} {published}" in refused()
    assert fetch("set").read_bytes() == DATA
    assert checks.recorded("set") == hashlib.sha256(DATA).hexdigest()


# The disk --------------------------------------------------------------------------------------------


def test_cache_below_a_file_cannot_be_written(course, server, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "file" / "cache"))
    course.add(urls=[server.give("/set.bin", body())])
    message = refused()
    assert "cannot be written" in message
    assert "COURSE_CACHE" in message
    assert not server.counts


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root writes anywhere")
def test_cache_without_write_permission(course, server):
    course.add(urls=[server.give("/set.bin", body())])
    course.cache.mkdir()
    course.cache.chmod(0o500)
    try:
        assert "cannot be written" in refused()
    finally:
        course.cache.chmod(0o700)
    assert not server.counts


@pytest.fixture
def mount(tmp_path):
    """Mount a tmpfs with the given options where that is possible, else skip."""
    mounted = []

    def make(options):
        folder = tmp_path / "mounted"
        folder.mkdir()
        if not shutil.which("mount"):
            pytest.skip("no mount here")
        call = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True, check=False
        )
        if call.returncode:
            pytest.skip("a tmpfs cannot be mounted here")
        mounted.append(folder)
        return folder

    yield make
    for folder in mounted:
        subprocess.run(["umount", "-l", folder], check=False)


def test_read_only_disk(course, server, mount, monkeypatch):
    folder = mount("size=1m")
    (folder / "set.bin").write_bytes(DATA)
    (folder / "bad.bin").write_bytes(b"bad")
    subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
    monkeypatch.setenv("COURSE_CACHE", str(folder))
    course.add(urls=[server.give("/set.bin", body())])
    course.add("other", urls=[server.give("/other.bin", body())])
    course.add("bad", urls=[])
    assert fetch("set") == folder / "set.bin", "a read-only cache can be read"
    assert "Read-only" in refused("other")
    with pytest.warns(UserWarning, match="cannot be renamed"):
        assert locate("bad") is None
    assert not server.counts


def test_full_disk(course, server, mount, monkeypatch):
    folder = mount("size=64k")
    monkeypatch.setenv("COURSE_CACHE", str(folder))
    course.add(urls=[server.give("/set.bin", body())])
    message = refused()
    assert "204,800 are needed" in message
    assert not server.counts
    # A size that nobody publishes cannot be asked about first: the disk fills up on the way.
    course.add("other", urls=[server.give("/other.bin", body())], no_sha256="x", md5=hashlib.md5(DATA).hexdigest())
    message = refused("other")
    assert "No space left" in message
    assert "Free some space" in message
    assert [path.name for path in folder.iterdir() if path.suffix != ".lock"] == []


def test_disk_that_fills_up_on_the_way(course, server, monkeypatch):
    def no_space(part, data):
        part.disk_error = OSError(errno.ENOSPC, "No space left on device")
        raise part.disk_error

    monkeypatch.setattr(transfer._Part, "write", no_space)
    course.add(urls=[server.give("/1", body()), server.give("/2", body())])
    assert "No space left on device" in refused()
    assert dict(server.counts) == {"/1": 1}, "another address would not help"
    assert course.cached() == []


def test_space_is_asked_for_first(course, server, monkeypatch):
    usage = shutil.disk_usage(course.folder)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    course.add(urls=[server.give("/set.bin", body())])
    assert "1,000 bytes free" in refused()
    assert not server.counts


def test_parts_of_a_killed_process_are_swept(course, server):
    course.add(urls=[server.give("/set.bin", body())])
    course.cache.mkdir()
    (course.cache / ".set.bin.abc.part").write_bytes(b"half")
    fetch("set")
    assert course.cached() == ["set.bin"]


# Two processes, and Ctrl-C ---------------------------------------------------------------------------

CHILD = textwrap.dedent(
    """
    import signal
    import sys
    from pathlib import Path
    signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs of a shell ignore it
    sys.path.insert(0, sys.argv[1])
    from importlib import import_module
    from utils.datasets import transfer
    import_module("utils.datasets.registry").REGISTRY_FILE = Path(sys.argv[2])
    transfer.COURSE_DATA, transfer.SPARE_BYTES = Path(sys.argv[3]), 0
    print("ready", flush=True)
    sys.stdin.readline()
    print(transfer.fetch("set"), flush=True)
    """
)


@pytest.fixture
def child(course):
    """Start processes that are ready to fetch `set`; `go` lets one begin."""
    running = []

    def start():
        command = [sys.executable, "-c", CHILD, str(COURSE_ROOT), str(course.list), str(course.data)]
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ.copy(),
        )
        running.append(process)
        return process

    yield start
    for process in running:
        if process.poll() is None:
            process.kill()
        process.communicate()


def go(process):
    process.stdin.write("\n")
    process.stdin.flush()


def test_two_processes_download_once(course, server, child):
    course.add(urls=[server.give("/set.bin", slow(seconds=0.8))])
    processes = [child(), child()]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        go(process)
    for process in processes:
        out, err = process.communicate(timeout=20)
        assert process.returncode == 0, err
        assert Path(out.strip()).read_bytes() == DATA
    assert server.counts["/set.bin"] == 1
    assert course.cached() == ["set.bin"]


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_ctrl_c_in_the_middle(course, server, child, tmp_path):
    started = tmp_path / "started"
    course.add(urls=[server.give("/set.bin", slow(seconds=15, started=started), body())])
    process = child()
    assert process.stdout.readline() == "ready\n"
    go(process)
    deadline = time.monotonic() + 10
    while not (started.exists() and any(path.suffix == ".part" for path in course.cache.iterdir())):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=10)
    assert "KeyboardInterrupt" in err
    assert process.returncode != 0
    assert course.cached() == []
    assert fetch("set").read_bytes() == DATA, "the lock is free and the next run succeeds"


# Plans -----------------------------------------------------------------------------------------------


def test_plan_says_where_everything_is(course, no_network, monkeypatch, tmp_path):
    mine = tmp_path / "mine"
    mine.mkdir()
    course.cache.mkdir()
    monkeypatch.setenv("COURSE_DATA_DIR", str(mine))
    for name, folder in (("here", mine), ("there", course.data), ("kept", course.cache)):
        course.add(name)
        (folder / f"{name}.bin").write_bytes(DATA)
    course.add("far", urls=["https://data.invalid/far.bin"])
    course.add("near", form_of="far", lacks="much")
    (mine / "near.bin").write_bytes(DATA)
    course.add("nowhere")
    found = {item.entry.name: item for item in plan()}
    statuses = {name: item.status for name, item in found.items()}
    expected = {
        "here": "data folder",
        "there": "course folder",
        "kept": "cache",
        "far": "download",
        "nowhere": "by hand",
    }
    assert statuses == expected, "forms are not planned unless they are asked for"
    assert found["here"].path == mine / "here.bin"
    assert found["far"].urls == ("https://data.invalid/far.bin",)
    assert [(entry.name, path) for entry, path in found["far"].forms] == [("near", mine / "near.bin")]
    assert [item.entry.name for item in plan(["near"])] == ["near"]
    with pytest.raises(UnknownName):
        plan(["nothing"])


def test_nothing_is_unpickled():
    for path in (COURSE_ROOT / "utils" / "datasets").glob("*.py"):
        code = path.read_text(encoding="utf-8")
        assert "import pickle" not in code and "allow_pickle=True" not in code and "read_pickle" not in code, path


def test_stored_text_has_no_path(course):
    """What an entry says of itself goes into notebooks; what an error says does not."""
    course.add()
    assert str(course.folder) not in json.dumps([vars(item.entry) for item in plan()])
