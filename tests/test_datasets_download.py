"""Fetching from a server that misbehaves: afterwards the cache holds the right file or nothing, and the error helps."""

# ruff: noqa: F401, F811 (fixtures come by import, and are then named as parameters)

import errno
import gzip
import hashlib
import io
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
from loopback import (
    DATA,
    HTML,
    body,
    certificate,
    course,
    cut,
    moved,
    no_network,
    secure,
    server,
    slow,
    stalled,
    status,
    truncated,
)

from utils import COURSE_ROOT, settings
from utils.datasets import DataUnavailable, UnknownName, cache, checks, fetch, files, locate, plan, verse

MD5 = hashlib.md5(DATA).hexdigest()


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
    monkeypatch.setattr(files, "ATTEMPTS", 4)
    monkeypatch.setattr(files, "PAUSE", 0.5)
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
    message = refused()
    assert "no answer for 0.3 s (2 attempts)" in message
    assert server.counts["/set.bin"] == 2
    assert course.cached() == []


def test_html_instead_of_a_zip(course, server):
    course.add(file="set.zip", urls=[server.give("/set.zip", body(HTML, "text/html"))])
    message = refused()
    assert "web page" in message
    assert server.counts["/set.zip"] == 1
    assert course.cached() == []


def test_html_is_no_first_copy(course, secure):
    url = secure.give("/poems.txt", body(HTML))
    course.add(file="poems.txt", urls=[url], no_hash="none", check="verse.persian")
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
    sleeps = []
    monkeypatch.setattr(time, "sleep", sleeps.append)
    course.add(urls=["https://data.invalid/set.bin", "https://mirror.invalid/set.bin"])
    message = refused()
    assert message.count("no connection") == 2
    assert sleeps == [], "nothing to wait for"
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
        "packed",
        file="set.bin",
        form_of="set",
        lacks="x",
        bytes=len(other),
        hash=f"sha256:{hashlib.sha256(other).hexdigest()}",
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


def test_any_sufficient_form_on_disk_spares_the_download(course, no_network):
    course.add(urls=["https://data.invalid/set.bin"])
    course.add("short", form_of="set", lacks="much")
    course.need("thing", "set", "short")
    (course.data / "short.bin").write_bytes(DATA)
    assert fetch("thing") == locate("thing") == course.data / "short.bin"
    assert locate("set") is None


def test_for_a_need_all_is_said_that_was_tried(course, server):
    course.add(urls=[server.give("/1", status(404))])
    course.add("short", form_of="set", lacks="much", urls=[server.give("/2", status(404))])
    course.need("thing", "set", "short")
    with pytest.raises(DataUnavailable) as caught:
        fetch("thing")
    assert [url[-2:] for url, _ in caught.value.tried] == ["/1", "/2"]
    assert "lacks much" in str(caught.value)


def test_of_several_failures_the_first_is_the_reason(course, server):
    """What the reader should mend first is what kept the smallest form away, not the one too large for the disk."""
    course.add("big", urls=[server.give("/big", body())], bytes=None, about_bytes=10**18, hash=f"md5:{MD5}")
    course.add("small", form_of="big", lacks="x", urls=[server.give("/small", status(404))])
    course.need("thing", "big", "small")
    message = refused("thing")
    assert "No address gave it." in message and "bytes free" not in message


def test_the_smallest_form_with_an_address_is_fetched_and_then_the_others(course, server, capsys):
    """The course's own case: 72 MB that suffice, 862 MB that hold more, and a few that nobody serves."""
    course.add("big", urls=[server.give("/big", body())], bytes=None, about_bytes=900, hash=f"md5:{MD5}")
    course.add("small", urls=[server.give("/small", status(404))], bytes=None, about_bytes=100, hash=f"md5:{MD5}",
               form_of="big", lacks="x")  # fmt: skip
    course.add("tiny", about_bytes=1, bytes=None, hash=f"md5:{MD5}", form_of="big", lacks="y")
    course.need("thing", "big", "tiny", "small")
    (planned,) = plan(["thing"])
    assert (planned.name, planned.entry.name, planned.status) == ("thing", "small", "download")
    assert [url[-6:] for url in planned.urls] == ["/small"]
    assert fetch("thing") == course.cache / "big.bin"
    assert dict(server.counts) == {"/small": 1, "/big": 1}
    assert "trying big.bin (about 900 bytes)" in capsys.readouterr().err


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
    course.add("poems", file="poems.txt", no_hash="nobody publishes one", check="verse.persian")
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
    monkeypatch.setattr(verse, "check_persian", lambda path: pytest.fail("checked twice"))
    checks._KNOWN.clear()
    assert locate("poems") == poems


def test_second_copy_from_the_network_is_refused(course, secure):
    url = secure.give("/poems.txt", body(VERSE), body(VERSE * 2))
    course.add("poems", file="poems.txt", no_hash="none", check="verse.persian", urls=[url])
    fetch("poems").unlink()
    assert "recorded at its first use" in refused("poems")
    assert course.cached() == ["recorded.toml"]


def test_wrong_contents_are_not_recorded(course, poems):
    poems.write_bytes(b"not Persian at all\n" * 12_000)
    with pytest.warns(UserWarning, match="0% Persian letters"):
        assert locate("poems") is None
    assert course.cached() == []


def test_records_of_several_sets_stand_side_by_side(course, poems):
    course.add("more", file="more.txt", no_hash="none", check="verse.persian")
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
    course.add(urls=[url], hash=f"{kind}:{published}")
    assert f"expected {kind} {published}" in refused()
    assert fetch("set").read_bytes() == DATA
    assert checks.recorded("set") is None, "a published hash needs no record"


# Who may have changed it on the way ------------------------------------------------------------------


def test_plain_http_is_no_way_for_a_file_without_a_hash(course, server, monkeypatch):
    """A forged file with the right contents would be admitted, and recorded, for good."""
    course.add("poems", file="poems.txt", no_hash="none", check="verse.persian", urls=[server.give("/p", body(VERSE))])
    monkeypatch.setenv("COURSE_MIRROR", server.give("/class", status(404)))
    server.give("/class/poems.txt", body(VERSE))
    message = refused("poems")
    assert message.count("over plain http anybody could change a file of which no hash is published") == 2
    assert course.cached() == []


def test_https_that_leads_to_plain_http_is_none(course, server, secure):
    plain = server.give("/poems.txt", body(VERSE))
    course.add("poems", file="poems.txt", no_hash="none", check="verse.persian", urls=[secure.give("/p", moved(plain))])
    assert "over plain http" in refused("poems")
    course.clear()
    course.add(urls=[secure.give("/set", moved(server.give("/set.bin", body())))])
    assert fetch("set").read_bytes() == DATA, "what has a hash may come any way"


def test_https_is_a_way_for_a_file_without_a_hash(course, secure):
    course.add("poems", file="poems.txt", no_hash="none", check="verse.persian", urls=[secure.give("/p", body(VERSE))])
    assert fetch("poems").read_bytes() == VERSE
    assert checks.recorded("poems") == hashlib.sha256(VERSE).hexdigest()


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_certificates_of_the_reader_are_trusted(course, secure, monkeypatch, certificate, variable):
    """A school's proxy signs with a certificate of its own."""
    course.add(urls=[secure.give("/set.bin", body())])
    monkeypatch.delenv("SSL_CERT_FILE")
    assert "no secure connection" in refused()
    monkeypatch.setenv(variable, str(certificate))
    assert fetch("set").read_bytes() == DATA


def test_certificates_that_are_not_there_are_named(course, secure, monkeypatch):
    course.add(urls=[secure.give("/set.bin", body())])
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/ca.pem")
    message = refused()
    assert "SSL_CERT_FILE" in message and "names /nowhere/ca.pem, which is not there" in message


@pytest.mark.parametrize("file", ["set.txt.gz", "set.tar.gz"])
def test_a_gzip_file_that_the_server_calls_a_compressed_transfer(course, server, file):
    packed = gzip.compress(DATA, mtime=0)

    def answer(handler):
        handler.send_response(200)
        handler.send_header("Content-Encoding", "gzip")
        handler.send_header("Content-Length", str(len(packed)))
        handler.end_headers()
        handler.wfile.write(packed)

    sha256 = hashlib.sha256(packed).hexdigest()
    course.add(file=file, urls=[server.give("/set.gz", answer)], bytes=len(packed), hash=f"sha256:{sha256}")
    assert fetch("set").read_bytes() == packed


def test_what_the_server_packed_on_the_way_is_unpacked(course, server):
    packed = gzip.compress(DATA)

    def answer(handler):
        handler.send_response(200)
        handler.send_header("Content-Encoding", "gzip")
        handler.send_header("Content-Length", str(len(packed)))
        handler.end_headers()
        handler.wfile.write(packed)

    course.add(urls=[server.give("/set.bin", answer)])
    assert fetch("set").read_bytes() == DATA


# Several at once, several users ----------------------------------------------------------------------


def test_a_file_that_another_process_fetched_meanwhile_is_taken(course, server, monkeypatch):
    """Looked for again under the lock: here the other process is done just before we get it."""
    course.add(urls=[server.give("/set.bin", body())])
    real = cache.lock

    def late(name):
        course.cache.mkdir(exist_ok=True)
        (course.cache / "set.bin").write_bytes(DATA)
        return real(name)

    monkeypatch.setattr(cache, "lock", late)
    assert fetch("set") == course.cache / "set.bin"
    assert not server.counts


def test_a_wrong_file_that_another_process_replaced_meanwhile_is_not_put_aside(course, no_network, monkeypatch):
    course.add()
    course.cache.mkdir()
    (course.cache / "set.bin").write_bytes(b"wrong")
    real = cache.lock

    def late(name):
        (course.cache / "set.bin").write_bytes(DATA)
        return real(name)

    monkeypatch.setattr(cache, "lock", late)
    assert locate("set") == course.cache / "set.bin"
    assert course.cached() == ["set.bin"]


def test_a_wrong_file_that_appears_while_the_lock_is_awaited_is_renamed_under_it(course, server, monkeypatch):
    """To rename takes the lock, which the download holds already."""
    course.add(urls=[server.give("/set.bin", body())])
    real, wrong = cache.lock, [b"wrong"]

    def late(name):
        course.cache.mkdir(exist_ok=True)
        if wrong:
            (course.cache / "set.bin").write_bytes(wrong.pop())
        return real(name)

    monkeypatch.setattr(cache, "lock", late)
    monkeypatch.setattr(cache, "LOCK_SECONDS", 1)
    with pytest.warns(UserWarning, match=r"renamed to set\.bin\.wrong"):
        assert fetch("set").read_bytes() == DATA
    assert course.cached() == ["set.bin", "set.bin.wrong"]


def test_of_two_first_uses_at_once_the_second_is_held_to_the_first(course, poems, monkeypatch):
    poems.write_bytes(VERSE)
    real = cache.lock

    def late(name):
        if name == "recorded.toml":
            (course.cache / name).write_text(f'[poems]\nsha256 = "{"0" * 64}"\n')
        return real(name)

    course.cache.mkdir()
    monkeypatch.setattr(cache, "lock", late)
    with pytest.warns(UserWarning, match=f"expected SHA-256 {'0' * 64}, recorded at its first use"):
        assert locate("poems") is None
    assert checks.recorded("poems") == "0" * 64


def test_what_is_shared_can_be_read_and_locked_by_other_users(course, poems, server):
    course.add(urls=[server.give("/set.bin", body())])
    poems.write_bytes(VERSE)
    fetch("set")
    locate("poems")
    made = cache.keep("thing", lambda folder: (folder / "a").write_text("b"), lambda folder: folder.resolve(True) / "a")
    for path in (course.cache / "set.bin", course.cache / "recorded.toml", made):
        assert path.stat().st_mode & 0o044 == 0o044, path
    assert made.parent.stat().st_mode & 0o055 == 0o055
    locks = list(course.cache.glob(".*.lock"))
    assert len(locks) == 3 and all(path.stat().st_mode & 0o666 == 0o666 for path in locks)


@pytest.mark.parametrize("unreadable", ["set.bin", "recorded.toml"])
def test_a_file_that_this_user_cannot_read_is_left_to_the_others(course, monkeypatch, unreadable):
    """A second user of a class cache once renamed the first one's file to .wrong, and both had lost it."""
    course.add(file="set.bin", no_hash="none", check="verse.persian", bytes=None, hash=None)
    course.cache.mkdir()
    (course.cache / "set.bin").write_bytes(VERSE)
    (course.cache / "recorded.toml").write_text(f'[set]\nsha256 = "{hashlib.sha256(VERSE).hexdigest()}"\n')
    opened = Path.open

    def denied(path, *arguments, **options):
        if path.name == unreadable:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return opened(path, *arguments, **options)

    monkeypatch.setattr(Path, "open", denied)
    checks._KNOWN.clear()
    with pytest.warns(UserWarning, match=r"is left out: it cannot be read or renamed .*Permission denied"):
        assert locate("set") is None
    monkeypatch.setattr(Path, "open", opened)
    assert course.cached() == ["recorded.toml", "set.bin"]
    assert locate("set") == course.cache / "set.bin"


def test_a_part_is_hashed_afresh_even_within_one_tick_of_the_clock(course, server, monkeypatch):
    """Two addresses, the same size, the same file and the same time of change: only reading it again tells."""
    course.add(urls=[server.give("/1", body(DATA[::-1])), server.give("/2", body())])
    real = files._download

    def one_tick(entry, url, part):
        real(entry, url, part)
        os.utime(part, ns=(1, 1))

    monkeypatch.setattr(files, "_download", one_tick)
    assert fetch("set").read_bytes() == DATA


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
    with pytest.warns(UserWarning, match="cannot be read or renamed"):
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
    course.add("other", urls=[server.give("/other.bin", body())], hash=f"md5:{hashlib.md5(DATA).hexdigest()}")
    message = refused("other")
    assert "No space left" in message
    assert "Free some space" in message
    assert [path.name for path in folder.iterdir() if path.suffix != ".lock"] == []


def test_disk_that_fills_up_on_the_way(course, server, monkeypatch):
    class Full(io.FileIO):
        def write(self, data):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(io, "FileIO", Full)
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
    left = course.cache / ".set.bin.abc.part"
    left.mkdir(parents=True)
    (left / "new").write_bytes(b"half")
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
    from utils.datasets import files, registry
    registry.REGISTRY_FILE = Path(sys.argv[2])
    files.COURSE_DATA, files.SPARE_BYTES = Path(sys.argv[3]), 0
    print("ready", flush=True)
    sys.stdin.readline()
    print(files.fetch("set"), flush=True)
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
    assert [item.entry.name for item in plan(["near"])] == ["near"]
    with pytest.raises(UnknownName):
        plan(["nothing"])
