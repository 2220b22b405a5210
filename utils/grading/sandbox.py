"""The sandbox in which a submission's kernel runs: bubblewrap, limits, and a watch over both.

What belongs here: how the sandbox is built, started, watched and ended. What is run in it is decided in
`utils.grading.unit`.

What it protects
----------------
A kernel in the sandbox is a process in user (or, where grading is run by root, under a user id of its own), process,
network, IPC and host-name namespaces of its own. It sees, read-only, the system's `/usr`, this Python's environment,
`utils` without `utils.grading`, and the small files of `data`; of notebooks, tests, assignments, other submissions, the
teacher's home and the class's data it sees nothing. It can write to a folder in memory of bounded size that is gone
afterwards. The kernel talks to the grader over sockets that were opened outside and handed in, so that there is no
folder which both sides write to. Several system calls that no exercise needs are refused: memory without a file
(`memfd_create`, System V shared memory), which the watch could not see, namespaces and mounts, tracing, io_uring,
sockets other than local and internet ones.

Limits that the system keeps by itself: file size, open files, processes and threads, the data segment of each process,
the folder's size. What it has no limit for is watched from outside, 20 times a second: the memory of all processes
together, and their number. When one is passed, and at the end in any case, the first process of the namespace is
killed, and with it every other.

What it does not protect
------------------------
Faults of the kernel of the operating system itself; timing and load that a submission can observe or cause; the
processor, which it shares. `protected=False` keeps the limits and nothing else: the submission then runs with the
rights of whoever grades and can read, write, delete and send whatever they can.
"""

import contextlib
import errno
import functools
import json
import os
import platform
import secrets
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from utils import COURSE_ROOT

INSIDE = Path(__file__).with_name("inside.py")
CHANNELS = ("shell", "iopub", "stdin", "hb", "control")
"""Jupyter's sockets; the port of each is its place here, from 1."""
DATA_FILES = ("registry.toml", "emoji_sentences.csv", "README.md")
"""What a submission may see of `data`: what is committed. A class's own data would tie grades to the machine."""
SYSTEM_FILES = ("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime", "nsswitch.conf", "fonts", "alternatives")
"""What a submission may see of `/etc`: what programs need in order to start, to draw letters and to tell the time."""
SHARED_MEMORY = 8 * 2**20
"""Bytes of `/dev/shm`, which Python's locks between processes need."""
PERIOD = 0.05
"""Seconds between two looks of the watch."""

HOW_TO_INSTALL = (
    "Install bubblewrap (Debian and Ubuntu: sudo apt install bubblewrap; Fedora: sudo dnf install bubblewrap) on Linux "
    "where user namespaces are permitted. With --unprotected submissions run without it, with your rights: they could "
    "read the hidden tests, other submissions and your files, change or delete them, and use the network. "
    "Do that only with work that you have read, or on a machine that holds nothing else."
)


class NoSandbox(RuntimeError):
    """Untrusted work cannot be run safely here; the message says why, how to mend it, and what --unprotected means."""


class StartFailed(RuntimeError):
    """The kernel did not start although no submission had a say yet: a fault of this machine, not of the submission."""


# ------------------------------------------------------------------------------------------------ whether it is there


def available() -> str | None:
    """Return None where the sandbox works, or why it does not, in one line."""
    try:
        _mode()
    except NoSandbox as error:
        return str(error).splitlines()[0]
    return None


def require() -> None:
    """Raise NoSandbox, with what to do, unless the sandbox works here."""
    _mode()


@functools.cache
def _mode() -> str:
    """Return how bubblewrap works here: `root` (under a user id of its own) or `user` (in a user namespace)."""
    if not sys.platform.startswith("linux"):
        raise NoSandbox(f"no sandbox on {platform.system()}: bubblewrap exists for Linux only\n{HOW_TO_INSTALL}")
    program = shutil.which("bwrap")
    if program is None:
        raise NoSandbox(f"no sandbox: bubblewrap (the program bwrap) is not installed\n{HOW_TO_INSTALL}")
    said = ""
    for mode in ("root", "user") if os.geteuid() == 0 else ("user",):
        command = [program, *_namespaces(mode), "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev"]
        command += ["--perms", "1777", "--size", "4096", "--tmpfs", "/tmp", "true"]  # older releases lack these
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return mode
        said = done.stderr.strip()[:200]
    raise NoSandbox(f"no sandbox: bubblewrap is installed, but fails here ({said})\n{HOW_TO_INSTALL}")


def _namespaces(mode: str) -> list[str]:
    words = ["--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
    words += ["--die-with-parent", "--new-session", "--hostname", "sandbox"]
    if mode == "root":
        return [*words, "--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    return [*words, "--unshare-user", "--uid", "1000", "--gid", "1000"]


# ------------------------------------------------------------------------------------------------------ what it shows


def _mounts(disk: int) -> list[str]:
    """Return bubblewrap's words for the file system that a submission sees."""
    words = ["--ro-bind", "/usr", "/usr"]
    for name in ("bin", "sbin", "lib", "lib32", "lib64"):  # links into /usr on most systems, folders on some
        path = Path("/", name)
        if path.is_symlink():
            words += ["--symlink", os.readlink(path), str(path)]
        elif path.is_dir():
            words += ["--ro-bind", str(path), str(path)]
    words += ["--proc", "/proc", "--dev", "/dev"]
    words += ["--perms", "1777", "--size", str(SHARED_MEMORY), "--tmpfs", "/dev/shm"]
    words += ["--perms", "1777", "--size", str(disk), "--tmpfs", "/tmp"]
    shown = {INSIDE: Path("/run/grading/inside.py")} | {Path(folder): Path(folder) for folder in _python_folders()}
    shown |= {path: path for path in (Path("/etc", name) for name in SYSTEM_FILES) if path.exists()}
    shown |= {path: path for path in _course_files()}
    fonts = _font_list()
    if fonts:
        shown[fonts] = Path("/run/grading/matplotlib", fonts.name)
    for folder in sorted({folder for path in shown.values() for folder in path.parents} - {Path("/")}):
        words += ["--perms", "0755", "--dir", str(folder)]  # else only root could walk through them
    for path, where in shown.items():
        words += ["--ro-bind", str(path), str(where)]
    return words


def _course_files() -> list[Path]:
    """Return what a submission may see of the course: the library without grading and commands, and small data."""
    utils, data = COURSE_ROOT / "utils", COURSE_ROOT / "data"
    found = [path for path in utils.iterdir() if path.name not in ("grading", "cli", "__pycache__")]
    found += [utils / "cli" / "first_cell.py", COURSE_ROOT / "requirements.txt", *(data / name for name in DATA_FILES)]
    return sorted(path for path in found if path.exists())


def _python_folders() -> list[str]:
    """Return the folders of this Python and of its environment that do not lie below `/usr` or in one another."""
    found = []
    for path in (sys.base_prefix, sys.base_exec_prefix, sys.prefix, os.path.realpath(sys.executable)):
        path = os.path.dirname(os.path.dirname(path)) if os.path.isfile(path) else path
        for each in (path, os.path.realpath(path)):
            if not any(Path(each).is_relative_to(other) for other in ("/usr", *found)):
                found.append(each)
    return found


@functools.cache
def _font_list() -> Path | None:
    """Return Matplotlib's list of fonts, made if need be, or None where there is no Matplotlib."""
    try:
        import matplotlib
        from matplotlib import font_manager
    except ImportError:
        return None
    path = Path(matplotlib.get_cachedir(), f"fontlist-v{font_manager.FontManager.__version__}.json")
    return path if path.is_file() else None


def _environment() -> dict[str, str]:
    """Return the environment of a kernel: nothing of the teacher's, the quick profile, one thread for each pool."""
    threads = ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "TF_NUM_INTRAOP", "TF_NUM_INTEROP")
    return {
        "HOME": "/tmp/home",
        "PATH": f"{sys.prefix}/bin:/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "USER": "student",
        "PYTHONPATH": str(COURSE_ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONIOENCODING": "utf-8",
        "COURSE_PROFILE": "quick",
        "COURSE_PROGRESS": "0",
        "MPLBACKEND": "agg",
        "MPLCONFIGDIR": "/tmp/home/.matplotlib",
        "KERAS_BACKEND": os.environ.get("KERAS_BACKEND", "tensorflow"),
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "CUDA_VISIBLE_DEVICES": "-1",
        "JUPYTER_PLATFORM_DIRS": "1",
        "IPYTHONDIR": "/tmp/home/.ipython",
        "NBGRADER_EXECUTION": "autograde",
        **{f"{name}_NUM_THREADS" if not name.startswith("TF_") else f"{name}_THREADS": "1" for name in threads},
    }


# ------------------------------------------------------------------------------------------------ what it may not call

_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_CALLS = """
clone 56 220, socket 41 198, clone3 435 435, shmget 29 194, shmat 30 196, shmctl 31 195, msgget 68 186, ptrace 101 117,
pivot_root 155 41, mount 165 40, umount2 166 39, add_key 248 217, request_key 249 218, keyctl 250 219, unshare 272 97,
perf_event_open 298 241, setns 308 268, process_vm_readv 310 270, process_vm_writev 311 271, memfd_create 319 279,
bpf 321 280, userfaultfd 323 282, io_uring_setup 425 425, io_uring_enter 426 426, io_uring_register 427 427,
open_tree 428 428, move_mount 429 429, fsopen 430 430, fsconfig 431 431, fsmount 432 432, fspick 433 433,
mount_setattr 442 442, memfd_secret 447 447"""
"""System calls that are looked at, with their numbers on x86_64 and aarch64; all but the first three are refused."""
_NEW_USER, _FAMILIES = 0x10000000, (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6, 16)


def system_call_filter(machine: str | None = None) -> bytes:
    """Return a filter for bubblewrap's --seccomp, a classic BPF program; empty for a machine of unknown numbers.

    Parameters
    ----------
    machine : str, optional
        As `platform.machine()` says it; this one unless given.

    Notes
    -----
    clone3 answers "not implemented", since its flags lie in memory where no filter can read them; C libraries then call
    clone, which is refused if it asks for a user namespace. Source: Linux, include/uapi/linux/{filter,seccomp}.h.
    """
    machine = machine or platform.machine()
    if machine not in _ARCHITECTURES:
        return b""
    words = [call.split() for call in _CALLS.split(",")]
    numbers = {word[0]: int(word[1 + list(_ARCHITECTURES).index(machine)]) for word in words}
    clone, sockets, clone3 = (numbers.pop(name) for name in ("clone", "socket", "clone3"))
    load, equal, at_least, any_bit, answer = 0x20, 0x15, 0x35, 0x45, 0x06
    allow, kill = 0x7FFF0000, 0x80000000

    def error(number: int) -> int:
        return 0x00050000 | number

    program = [(load, 0, 0, 4), (equal, 1, 0, _ARCHITECTURES[machine]), (answer, 0, 0, kill), (load, 0, 0, 0)]
    program += [(at_least, 0, 1, 0x40000000), (answer, 0, 0, error(errno.ENOSYS))]  # the x32 numbers of x86_64
    program += [(equal, 0, 1, clone3), (answer, 0, 0, error(errno.ENOSYS))]
    for number in numbers.values():
        program += [(equal, 0, 1, number), (answer, 0, 0, error(errno.EPERM))]
    program += [(equal, 0, 4, clone), (load, 0, 0, 16), (any_bit, 0, 1, _NEW_USER)]
    program += [(answer, 0, 0, error(errno.EPERM)), (answer, 0, 0, allow)]
    program += [(equal, 0, 3 + len(_FAMILIES), sockets), (load, 0, 0, 16)]
    program += [(equal, len(_FAMILIES) - place, 0, family) for place, family in enumerate(_FAMILIES)]
    program += [(answer, 0, 0, error(errno.EAFNOSUPPORT)), (answer, 0, 0, allow)]
    program += [(answer, 0, 0, allow)]
    return b"".join(struct.pack("<HBBI", *step) for step in program)


# ------------------------------------------------------------------------------------------------------------ one run


@dataclass
class Use:
    """What a sandbox has used so far: the most bytes and processes seen at one time, and the limit that it passed."""

    memory: int = 0
    processes: int = 0
    passed: str = ""


class Sandbox:
    """A sandbox for one kernel: sockets, command line, and the watch over it. A context manager; leaving it kills all.

    Parameters
    ----------
    limits : utils.grading.unit.Limits
        What may be used.
    protected : bool
        False leaves bubblewrap out, and keeps the limits.

    Attributes
    ----------
    ip : str
        What goes before `-PORT` in the paths of the sockets, outside.
    use : Use
        What it has used.

    Raises
    ------
    NoSandbox
        If `protected` and bubblewrap does not work here.
    """

    def __init__(self, limits, protected: bool = True):
        self.limits, self.mode = limits, _mode() if protected else "none"
        self.use, self.process = Use(), None
        self._files = contextlib.ExitStack()
        self._stop, self._watch, self._first = threading.Event(), None, None

    def __enter__(self):
        """Open the sockets."""
        self._files.__enter__()
        short = "/tmp" if len(tempfile.gettempdir()) > 60 else None  # the path of a socket has at most 107 bytes
        self.folder = Path(self._files.enter_context(tempfile.TemporaryDirectory(prefix="grading-", dir=short)))
        self._said = self._files.enter_context(tempfile.TemporaryFile())  # RLIMIT_FSIZE bounds it
        self.ip = str(self.folder / "k")
        self._sockets = {}
        for port, _ in enumerate(CHANNELS, 1):
            listening = self._files.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
            listening.bind(f"{self.ip}-{port}")
            listening.listen(16)
            listening.setblocking(False)
            self._sockets[str(port)] = listening.fileno()
        return self

    def __exit__(self, *error):
        """Kill every process in the sandbox, and remove what it left."""
        self.kill()
        self._stop.set()
        if self._watch:
            self._watch.join()
        if self.process:
            self.process.wait()
        return self._files.__exit__(*error)

    def start(self, key: str) -> None:
        """Start the kernel.

        Parameters
        ----------
        key : str
            The key with which its messages are signed.

        Raises
        ------
        StartFailed
            If bubblewrap does not get as far as a process.
        """
        inside = "/run/grading" if self.mode != "none" else str(self.folder)
        work = "/tmp/work" if self.mode != "none" else str(self.folder / "work")
        home = "/tmp/home" if self.mode != "none" else str(self.folder / "home")
        connection = {"transport": "ipc", "ip": f"{inside}/k", "key": key, "signature_scheme": "hmac-sha256"}
        connection |= {f"{name}_port": port for port, name in enumerate(CHANNELS, 1)}
        fonts = _font_list()  # Matplotlib would spend seconds on a list of its own in every sandbox
        if fonts and self.mode != "none":
            fonts = Path(inside, "matplotlib", fonts.name)
        user = 1_000_000_000 + secrets.randbelow(1_000_000_000) if self.mode == "root" else 0
        told = {
            "limits": self._limits(),
            "user": user,
            "folders": [work, home, f"{home}/.matplotlib"],
            "copies": {str(fonts): f"{home}/.matplotlib"} if fonts else {},
            "connection": f"{inside}/connection.json",
            "sockets": self._sockets,
        }
        texts = {"told.json": json.dumps(told), "connection.json": json.dumps(connection)}
        given = list(self._sockets.values())
        if self.mode == "none":
            for name, text in texts.items():
                (self.folder / name).write_text(text, encoding="utf-8")
            command = [sys.executable, str(INSIDE), str(self.folder / "told.json")]
            self.process = subprocess.Popen(
                command,
                env=_environment()
                | {"HOME": home, "IPYTHONDIR": f"{home}/.ipython", "MPLCONFIGDIR": f"{home}/.matplotlib"},
                pass_fds=given,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._said,
                start_new_session=True,
            )
        else:
            self._start_bubblewrap(texts, given)
        self._watch = threading.Thread(target=self._look, name="watch over a sandbox", daemon=True)
        self._watch.start()

    def _start_bubblewrap(self, texts: dict[str, str], given: list[int]) -> None:
        command = [shutil.which("bwrap"), *_namespaces(self.mode), "--clearenv"]
        for name, value in _environment().items():
            command += ["--setenv", name, value]
        with contextlib.ExitStack() as files:
            passed = list(given)
            command += _mounts(self.limits.disk)
            for name, text in texts.items():
                passed.append(_readable(files, text.encode()))
                command += ["--perms", "0444", "--ro-bind-data", str(passed[-1]), f"/run/grading/{name}"]
            calls = system_call_filter()
            if calls:
                passed.append(_readable(files, calls))
                command += ["--seccomp", str(passed[-1])]
            reading, writing = os.pipe()
            told = files.enter_context(open(reading, encoding="utf-8"))
            command += ["--info-fd", str(writing), "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/tmp"]
            command += [sys.executable, "-s", "/run/grading/inside.py", "/run/grading/told.json"]
            try:
                self.process = subprocess.Popen(
                    command,
                    env={},
                    pass_fds=[*passed, writing],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=self._said,
                )
            finally:
                os.close(writing)
            try:
                self._first = json.loads(told.read())["child-pid"]
            except ValueError:
                self.process.wait()
                raise StartFailed(f"bubblewrap ended with status {self.process.returncode}: {self.said()}") from None

    def _limits(self) -> dict[str, int]:
        """Return the limits that the system keeps, by their names in `resource`."""
        limits = {
            "RLIMIT_CORE": 0,
            "RLIMIT_FSIZE": self.limits.disk,
            "RLIMIT_NOFILE": 1024,
            "RLIMIT_DATA": self.limits.memory + 2**30,  # of each process: reserved, not used, memory counts here
            "RLIMIT_CPU": int(self.limits.seconds * 4 + self.limits.start_seconds * 4),
            "RLIMIT_MEMLOCK": 2**16,
            "RLIMIT_MSGQUEUE": 2**16,
        }
        if self.mode == "root" or (self.mode == "user" and _kernel_counts_by_namespace()):
            limits["RLIMIT_NPROC"] = self.limits.threads
        return limits

    def said(self) -> str:
        """Return the end of what bubblewrap, or the kernel before it was ready, wrote to its standard error."""
        self._said.seek(max(0, self._said.seek(0, os.SEEK_END) - 500))
        return self._said.read().decode(errors="replace").strip()

    def alive(self) -> bool:
        """Return whether the kernel's sandbox still runs."""
        return self.process is not None and self.process.poll() is None

    def kill(self) -> None:
        """Kill every process in the sandbox. Calling it again changes nothing."""
        if self.process is None or self.process.poll() is not None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if self.mode == "none":
                for each in [*_descendants(self.process.pid)]:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(each, signal.SIGKILL)
                os.killpg(self.process.pid, signal.SIGKILL)
            elif self._first:
                os.kill(self._first, signal.SIGKILL)  # process 1 of its namespace: the system kills the others with it
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()

    # -------------------------------------------------------------------------------------------------------- watch

    def _look(self) -> None:
        """Look again and again, until the sandbox ends, and kill it when it has passed a limit."""
        with _processes(self._first, self.process.pid) as look:
            while not self._stop.wait(PERIOD) and self.alive():
                try:
                    memory, processes = look()
                except OSError:  # it ended while we looked
                    continue
                if memory > self.limits.memory:
                    memory = min(memory, look(exact=True)[0])
                self.use.memory = max(self.use.memory, memory)
                self.use.processes = max(self.use.processes, processes)
                if memory > self.limits.memory:
                    self.use.passed = f"it used more than the {_bytes(self.limits.memory)} of memory that are permitted"
                elif processes > self.limits.processes:
                    self.use.passed = f"it started more than the {self.limits.processes} processes that are permitted"
                if self.use.passed:
                    self.kill()
                    return


@contextlib.contextmanager
def _processes(first: int | None, started: int):
    """Give a function that returns memory (bytes) and number of the processes in a sandbox.

    With `exact=True` memory that processes share counts once; that takes longer to find out.
    """
    if first is None:  # unprotected: the processes of a family, as far as they have not left it

        def pids():
            return [started, *_descendants(started)]

        folder = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY)
    else:  # the sandbox's own /proc lists its processes and no others, those that cut their ties too
        folder = _own_proc(first)

        def pids():
            return [name for name in os.listdir(folder) if name.isdigit()]

    def look(exact: bool = False) -> tuple[int, int]:
        memory, count = 0, 0
        for pid in pids():
            with contextlib.suppress(OSError, ValueError):
                text = _read(folder, f"{pid}/smaps_rollup" if exact else f"{pid}/statm")
                count += 1
                if exact:
                    memory += int(text.split("\nPss:")[1].split()[0]) * 1024
                else:
                    memory += int(text.split()[1]) * PAGE
        return memory, count

    try:
        yield look
    finally:
        os.close(folder)


PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


def _own_proc(first: int) -> int:
    """Return a descriptor of the `/proc` of a sandbox, once it is mounted there.

    Before, the path leads to our own `/proc`, or nowhere. Ours has an entry `self` for us, the sandbox's has none; and
    the sandbox's has a process 1.
    """
    for _ in range(500):
        with contextlib.suppress(OSError):
            folder = os.open(f"/proc/{first}/root/proc", os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.readlink("self", dir_fd=folder)
            except FileNotFoundError:
                if "1" in os.listdir(folder):
                    return folder
            os.close(folder)
        time.sleep(0.01)
    raise StartFailed("the processes of the sandbox cannot be seen from outside")


def _read(folder: int, path: str) -> str:
    with open(os.open(path, os.O_RDONLY, dir_fd=folder), encoding="utf-8", errors="replace") as file:
        return file.read()


def _descendants(pid: int) -> list[int]:
    import psutil  # ipykernel brings it

    try:
        return [child.pid for child in psutil.Process(pid).children(recursive=True)]
    except psutil.Error:
        return []


def _readable(files: contextlib.ExitStack, content: bytes) -> int:
    """Return a descriptor from which `content` is read."""
    file = files.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 - `files` closes it
    file.write(content)
    file.seek(0)
    return file.fileno()


def _kernel_counts_by_namespace() -> bool:
    """Return whether this Linux counts a user's processes in each user namespace by itself, as it does from 5.14."""
    numbers = platform.release().split("-")[0].split(".")[:2]
    return tuple(map(int, numbers)) >= (5, 14)


def _bytes(count: int) -> str:
    return f"{count / 2**30:.3g} GiB" if count >= 2**30 else f"{count / 2**20:.3g} MiB"
