"""A web server on 127.0.0.1 that misbehaves to order, and a course whose registry points at it.

What belongs here: what the tests of `utils.datasets` share. No test of its own.
"""

import contextlib
import hashlib
import importlib
import socket
import struct
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import pytest

from utils.datasets import checks, transfer

# `utils.datasets.registry` names the function, as readers expect; the module of that name is behind it.
registry = importlib.import_module("utils.datasets.registry")

DATA = bytes(range(256)) * 800  # 204,800 bytes, more than one chunk of the transfer
SHA256 = hashlib.sha256(DATA).hexdigest()
HTML = b"<!DOCTYPE html><html><body>Please sign in to the hotel's network.</body></html>"


class Handler(BaseHTTPRequestHandler):
    """Answers a path with the next of the answers given for it; the last one stays."""

    def do_GET(self):
        path = unquote(self.path)
        with self.server.lock:
            self.server.counts[path] += 1
            answers = self.server.answers.get(path, [status(404)])
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
        with contextlib.suppress(OSError):  # the client goes away, as some tests make it do
            answer(self)

    def log_message(self, *_):
        pass

    def head(self, length, kind="application/octet-stream"):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(length))
        self.end_headers()


def body(data=DATA, kind="application/octet-stream"):
    """The whole file."""

    def answer(handler):
        handler.head(len(data), kind)
        handler.wfile.write(data)

    return answer


def status(code):
    """An error."""
    return lambda handler: handler.send_error(code)


def truncated(data=DATA, sent=100_000):
    """Fewer bytes than announced, then an orderly end."""

    def answer(handler):
        handler.head(len(data))
        handler.wfile.write(data[:sent])
        handler.close_connection = True

    return answer


def cut(data=DATA, sent=100_000):
    """A connection reset in the middle, as when a cable is pulled."""

    def answer(handler):
        handler.head(len(data))
        handler.wfile.write(data[:sent])
        handler.wfile.flush()
        time.sleep(0.05)
        # Linger 0 makes close send RST instead of FIN.
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        handler.connection.shutdown(socket.SHUT_RD)
        handler.connection.close()

    return answer


def stalled(data=DATA, sent=1_000, seconds=5):
    """A server that falls asleep in the middle."""

    def answer(handler):
        handler.head(len(data))
        handler.wfile.write(data[:sent])
        handler.wfile.flush()
        handler.server.stop.wait(seconds)

    return answer


def slow(data=DATA, seconds=1.0, started: Path | None = None):
    """The whole file, in ten pieces spread over `seconds`; `started` is written after the first."""

    def answer(handler):
        handler.head(len(data))
        for piece in range(10):
            handler.wfile.write(data[piece * len(data) // 10 : (piece + 1) * len(data) // 10])
            handler.wfile.flush()
            if started is not None and piece == 0:
                started.touch()
            handler.server.stop.wait(seconds / 10)

    return answer


class Server(ThreadingHTTPServer):
    """The server; `answers` holds a list of answers by path, `counts` the requests by path."""

    daemon_threads = True
    block_on_close = False

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.lock, self.stop = threading.Lock(), threading.Event()
        self.answers, self.counts = {}, Counter()

    def handle_error(self, *_):
        pass

    def give(self, path, *answers):
        self.answers[path] = list(answers)
        return f"http://127.0.0.1:{self.server_port}{path}"


@pytest.fixture
def server():
    """A running `Server`, stopped afterwards."""
    running = Server()
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield running
    running.stop.set()
    running.shutdown()
    running.server_close()
    thread.join()


class Course:
    """A course in a temporary folder: its own registry, data folder and cache."""

    def __init__(self, folder: Path):
        self.folder, self.cache, self.data = folder, folder / "cache", folder / "course-data"
        self.data.mkdir()
        self.list = self.data / "registry.toml"
        self.list.write_text("", encoding="utf-8")
        self.edition = 0

    def add(self, name="set", **fields):
        """Add an entry; what is not given is right for DATA."""
        table = {"title": f"Test {name}", "file": f"{name}.bin", "urls": [], "licence": "none", "citation": "nobody"}
        if not {"sha256", "no_sha256"} & fields.keys():
            table |= {"bytes": len(DATA), "sha256": SHA256}
        lines = [f"[{name}]"]
        for key, value in (table | fields).items():
            if value is not None:
                lines.append(f"{key} = {value if isinstance(value, list | int) else repr(value)}")
        with self.list.open("a", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n\n")
        registry._read.cache_clear()  # two changes can fall into one tick of the file system's clock

    def cached(self):
        """The files in the cache, lock files aside."""
        if not self.cache.is_dir():
            return []
        files = (path for path in self.cache.rglob("*") if path.is_file() and path.suffix != ".lock")
        return sorted(str(path.relative_to(self.cache)) for path in files)


def isolate(monkeypatch, folder):
    """Point the course at `folder` whatever the shell says, and return the `Course`."""
    for name in ("COURSE_PROFILE", "COURSE_DATA_DIR", "COURSE_MIRROR", "COURSE_STANDINS"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    built = Course(folder)
    monkeypatch.setenv("COURSE_CACHE", str(built.cache))
    monkeypatch.setattr(registry, "REGISTRY_FILE", built.list)
    monkeypatch.setattr(transfer, "COURSE_DATA", built.data)
    monkeypatch.setattr(transfer, "PATIENCE", transfer.Patience(connect=1, read=0.3, attempts=2, pause=0.01, lock=20))
    monkeypatch.setattr(transfer, "SPARE_BYTES", 0)
    monkeypatch.setattr(transfer, "_FOLDERS", {})
    monkeypatch.setattr(checks, "_SESSION", {})
    return built


@pytest.fixture
def course(monkeypatch, tmp_path):
    """A `Course` of its own, the full profile, no folders, no mirror, little patience."""
    return isolate(monkeypatch, tmp_path)


@pytest.fixture
def no_network(monkeypatch):
    """Fail the test if anything opens a connection or asks for an address."""

    def refuse(*arguments, **_):
        raise AssertionError(f"the network was used: {arguments}")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
