"""A web server on 127.0.0.1 that misbehaves to order, and a course whose registry points at it.

What belongs here: what the tests of `utils.datasets` share. No test of its own.
"""

import contextlib
import hashlib
import shutil
import socket
import ssl
import struct
import subprocess
import threading
import time
import tomllib
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import pytest

from utils import COURSE_ROOT
from utils.datasets import cache, checks, files, registry

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


def moved(url):
    """A redirection."""

    def answer(handler):
        handler.send_response(302)
        handler.send_header("Location", url)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

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

    def __init__(self, certificate: Path | None = None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.scheme = "https" if certificate else "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self.lock, self.stop = threading.Lock(), threading.Event()
        self.answers, self.counts = {}, Counter()

    def handle_error(self, *_):
        pass

    def give(self, path, *answers):
        self.answers[path] = list(answers)
        return f"{self.scheme}://127.0.0.1:{self.server_port}{path}"


@contextlib.contextmanager
def _running(running):
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield running
    finally:
        running.stop.set()
        running.shutdown()
        running.server_close()
        thread.join()


@pytest.fixture
def server():
    """A running `Server`, stopped afterwards."""
    with _running(Server()) as running:
        yield running


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """A certificate for 127.0.0.1 with its key, signed by itself, in one file."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl to make a certificate with")
    key, made = (tmp_path_factory.mktemp("tls") / name for name in ("key.pem", "made.pem"))
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", made]
    subprocess.run(command, check=True, capture_output=True)
    made.write_bytes(made.read_bytes() + key.read_bytes())
    return made


@pytest.fixture
def secure(certificate, course, monkeypatch):
    """A running `Server` that speaks https, and whose certificate SSL_CERT_FILE lets the course trust."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with _running(Server(certificate)) as running:
        yield running


class Course:
    """A course in a temporary folder: its own registry, data folder and cache."""

    def __init__(self, folder: Path):
        self.folder, self.cache, self.data = folder, folder / "cache", folder / "course-data"
        self.data.mkdir()
        self.list = self.data / "registry.toml"
        self.needs = tomllib.loads((COURSE_ROOT / "data" / "registry.toml").read_text(encoding="utf-8"))["needs"]
        self.clear()

    def clear(self):
        """Empty the list."""
        self.tables = {}
        self.write()

    def add(self, name="set", **fields):
        """Add an entry; what is not given is right for DATA, and None is left out."""
        table = {"title": f"Test {name}", "file": f"{name}.bin", "urls": [], "licence": "none", "citation": "nobody"}
        if not {"hash", "no_hash"} & fields.keys():
            table |= {"bytes": len(DATA), "hash": f"sha256:{SHA256}"}
        self.tables[name] = {key: value for key, value in (table | fields).items() if value is not None}
        self.write()

    def need(self, name, *entries):
        """Let a notebook ask for `name`, for which these entries suffice."""
        self.needs[name] = {"loader": "weather.load_jena", "entries": list(entries)}
        self.write()

    def write(self):
        """Write the list: the course's needs, as far as they have entries here, and the entries."""
        lines = ["[needs]"]
        for name, need in self.needs.items():
            if there := [entry for entry in need["entries"] if entry in self.tables]:
                lines.append(f"{name} = {{ loader = {need['loader']!r}, entries = {there} }}")
        for name, table in self.tables.items():
            lines += [f"[{name}]", *(f"{key} = {value!r}" for key, value in table.items())]
        self.list.write_text("\n".join(lines) + "\n", encoding="utf-8")

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
    proxies = [f"{kind}_proxy" for kind in ("http", "https", "all")]
    for name in (*proxies, *map(str.upper, proxies), *files.CERTIFICATES):
        monkeypatch.delenv(name, raising=False)
    built = Course(folder)
    monkeypatch.setenv("COURSE_CACHE", str(built.cache))
    monkeypatch.setattr(registry, "REGISTRY_FILE", built.list)
    monkeypatch.setattr(files, "COURSE_DATA", built.data)
    monkeypatch.setattr(files, "SPARE_BYTES", 0)
    monkeypatch.setattr(files, "CONNECT", 1)
    monkeypatch.setattr(files, "READ", 0.3)
    monkeypatch.setattr(files, "ATTEMPTS", 2)
    monkeypatch.setattr(files, "PAUSE", 0.01)
    monkeypatch.setattr(cache, "LOCK_SECONDS", 20)
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
