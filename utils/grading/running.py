"""Running a submission: cell after cell in a sandbox, then the tests, with canaries among them.

What belongs here: what is sent when, and what is made of the answers. How the sandbox is built is in
`utils.grading.sandbox`, what stands in a canary in `utils.grading.canaries`.

The order, and what it protects
-------------------------------
1. The modules that the assignment imports are loaded, and the identity of what they hold is noted.
2. The student's cells run, in their order. Where a test cell stands, the names as they are there are kept; its
   visible part, which the student knows, runs there only if a later cell reads a name that it binds. No hidden test
   has been sent yet, so no cell of the student's can read one, whatever it searches: files, `/proc`, its own memory.
3. The tests run in their order, each on the names that were kept at its place. Code that reads a test out of memory
   now learns what is being asked while it answers, from inputs drawn at that moment; what it learns of one test says
   nothing of the next.
4. Between them, in an order drawn at random, run canaries: checks that must fail in every form that tests use, copies
   of the test cells with such a check in them, and checks that must pass. If one answers wrongly, or a function that
   tests rely on is no longer the one it was, the submission is rejected.

A test is passed if the kernel says so and no error was shown. Whoever writes code for the very process that judges can
in principle still lie: an answer can look into the frame that called it and search there for the expected value, or
forge the kernel's messages so well that it tells a test from its copies. That is not prevented here; it takes words
that no answer needs, and where a submission holds one, the teacher is told (`canaries.worth_a_look`).

A cell that ends the process (or makes the watch end it) costs what it costs: the sandbox is started again without that
cell, `Limits.restarts` times at most.
"""

import asyncio
import json
import logging
import secrets
import time
from dataclasses import dataclass, field

import nbformat
import zmq.asyncio
from jupyter_client.asynchronous import AsyncKernelClient
from jupyter_core.utils import run_sync
from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError
from nbgrader.preprocessors import Execute

from utils.cli import handout
from utils.cli.catalogue import UsageError
from utils.grading import canaries
from utils.grading.sandbox import Sandbox, StartFailed
from utils.grading.submission import Assignment, Rejected

LARGEST_MESSAGE = 32 * 2**20
"""Bytes of the largest message that is taken from a kernel; a larger one breaks the connection, and then the cell."""
MOST_MESSAGES = 30_000
"""A cell that sends more is interrupted: reading them would take the grader's time, not the submission's."""
LONGEST_ERROR = 20_000
"""Characters that are kept of an error's text."""
TWIN_SECONDS = 5.0
"""Seconds that late twins, which run a test for a second time, may take in all."""

SHELL = "from IPython import get_ipython as _shell\n_kept = _shell().__dict__.setdefault('_kept', {{}})\n"
KEEP = SHELL + "if {0!r} not in _kept:\n    _kept[{0!r}] = _shell().user_ns.copy()\ndel _shell, _kept"
BACK = SHELL + "_ = (lambda now, then: [now.clear(), now.update(then)])(_shell().user_ns, _kept[{0!r}])"
"""Cells that keep the names under a test's name, and bring them back.

They use no name that a student could have bound, and show no value: a value that holds all names takes minutes to show.
"""


log = logging.getLogger(__name__)


class Died(Exception):
    """The kernel ended, or no longer answers; the message says what is known about why."""


class OutOfTime(Exception):
    """The time of the whole submission is used up."""


@dataclass
class Answer:
    """What became of one cell: whether it passed, the last line of its error, its outputs, its seconds."""

    passed: bool
    error: str = ""
    outputs: list = field(default_factory=list)
    seconds: float = 0.0
    cut: bool = False


@dataclass
class Judged:
    """What became of a submission.

    Attributes
    ----------
    tests : dict
        The answer to every test, by grade id.
    cells : dict
        The answer to every other code cell that ran, by its place in the notebook.
    notes : list of str
        For the teacher.
    memory : int
        The most bytes that its sandboxes held.
    """

    tests: dict[str, Answer] = field(default_factory=dict)
    cells: dict[int, Answer] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    memory: int = 0


def judge(notebook: nbformat.NotebookNode, assignment: Assignment, limits, protected: bool = True) -> Judged:
    """Run a submission and its tests.

    Parameters
    ----------
    notebook : NotebookNode
        As `submission.mend` gives it.
    assignment : Assignment
        What it answers.
    limits : utils.grading.unit.Limits
        What it may use.
    protected : bool
        Whether it runs in bubblewrap.

    Raises
    ------
    Rejected
        If it bent the tests.
    utils.grading.sandbox.NoSandbox, utils.grading.sandbox.StartFailed
        If it could not be run, through no fault of its own.
    """
    judged, skipped = Judged(), {}
    end = time.monotonic() + limits.seconds
    for attempt in range(limits.restarts + 1):
        with Sandbox(limits, protected) as sandbox:
            run = _Attempt(sandbox, notebook, assignment, limits, end, judged, skipped)
            try:
                run.all()
            except Rejected as reason:
                reason.memory = max(judged.memory, sandbox.use.memory)
                raise
            except OutOfTime:
                judged.notes.append(f"the {limits.seconds:.0f} seconds for the whole notebook were used up")
            except Died as death:
                reason = sandbox.use.passed or str(death)
                judged.memory = max(judged.memory, sandbox.use.memory)
                judged.notes.append(f"{run.where} ended the run: {reason}")
                if run.place is not None:
                    skipped[run.place] = judged.cells[run.place] = _failure("Stopped", reason)
                elif run.test is not None:
                    judged.tests[run.test] = _failure("Stopped", reason)
                if attempt < limits.restarts:
                    continue
            judged.memory = max(judged.memory, sandbox.use.memory)
            break
    judged.notes = list(dict.fromkeys(judged.notes))
    for name in assignment.tests:
        judged.tests.setdefault(name, _failure("NotRun", judged.notes[-1] if judged.notes else "it was not run"))
    return judged


def _failure(name: str, words: str) -> Answer:
    output = nbformat.v4.new_output("error", ename=name, evalue=words, traceback=[f"{name}: {words}"])
    return Answer(False, f"{name}: {words}", [output])


# --------------------------------------------------------------------------------------------------------- one attempt


class _Attempt:
    """One sandbox, from its start to its end. `where`, `place` and `test` say what was being run when it ended."""

    def __init__(self, sandbox, notebook, assignment, limits, end, judged, skipped):
        self.sandbox, self.notebook, self.assignment, self.limits = sandbox, notebook, assignment, limits
        self.end, self.judged, self.skipped = end, judged, skipped
        self.where, self.place, self.test = "the start", None, None
        self.kernel = None

    def all(self) -> None:
        """Run what has not been judged yet."""
        self.kernel = Kernel(self.sandbox, self.limits)
        try:
            self.kernel.start()
            self._cells()
            self._tests()
        finally:
            self.kernel.stop()

    def _send(self, source: str, most: float | None = None, keep: int | None = None) -> Answer:
        left = self.end - time.monotonic()
        if left <= 0:
            raise OutOfTime
        seconds = max(1.0, min(left, most or self.limits.cell_seconds))
        answer = self.kernel.run(source, seconds, keep or self.limits.output)
        log.debug("%s: %.2f s, %s", self.where, answer.seconds, "passed" if answer.passed else answer.error[:200])
        return answer

    def _surely(self, source: str) -> Answer:
        """Send a cell of ours, a second time if it fails: the interrupt of the cell before may have come late."""
        answer = self._send(source)
        return answer if answer.passed else self._send(source)

    def _cells(self) -> None:
        """Run the student's cells, and keep the names as they are at the place of each test."""
        sources = [cell.source for cell in self.assignment.notebook.cells if cell.cell_type == "code"]
        self.modules = canaries.modules(sources)
        self.before = self._fingerprint(load=True)
        if not self.before:
            raise StartFailed("the modules that the assignment imports could not be loaded in the sandbox")
        reserve = time.monotonic() + (self.end - time.monotonic()) * 2 / 3
        for place, cell in enumerate(self.notebook.cells):
            if cell.cell_type != "code" or not cell.source.strip() or place in self.skipped:
                continue
            name = cell.metadata.get("nbgrader", {}).get("grade_id")
            self.where = f"cell {place + 1}" + (f" ({name})" if name else "")
            if name in self.assignment.tests:
                self._surely(KEEP.format(name))
                if self._is_read_later(place, self.assignment.visible[name]):
                    self.place = place
                    self._send(self.assignment.visible[name])
                    self.place = None
                continue
            if time.monotonic() > reserve:  # what is left belongs to the tests of what did run
                self.judged.notes.append(
                    f"{self.where} and what follows was not run: two thirds of the time were used up"
                )
                for test in self.assignment.tests:
                    self._surely(KEEP.format(test))
                break
            self.place = place
            answer = self.judged.cells[place] = self._send(cell.source)
            self.place = None
            if answer.cut:
                self.judged.notes.append(f"the output of {self.where} was cut")
            if answer.error.startswith("CellTimeoutError"):
                self.skipped[place] = "it was stopped"  # should the sandbox be started again, not for a second time
                self.judged.notes.append(f"{self.where} was stopped after {answer.seconds:.0f} seconds")

    def _is_read_later(self, place: int, source: str) -> bool:
        """Return whether a later cell reads a name that some source binds; True where that cannot be known."""
        later = [cell.source for cell in self.notebook.cells[place + 1 :] if cell.cell_type == "code"]
        try:
            bound = handout.names(source)[0]
            read = {name for each in later for name in (self._names_read(each) or bound)}
        except UsageError:
            return bool(source.strip())
        return bool(bound & read)

    @staticmethod
    def _names_read(source: str) -> set[str] | None:
        try:
            bound, read = handout.names(source)
        except (UsageError, RecursionError, ValueError):  # a magic, or no Python at all
            return None
        return read - bound or {""}

    def _tests(self) -> None:
        """Run the tests with canaries among them."""
        tests = self.assignment.cells
        self.where = "the check of what tests rely on"
        self._compare()
        todo = [name for name in self.assignment.tests if name not in self.judged.tests]
        forms = canaries.all_forms("\n".join(tests[name].source for name in self.assignment.tests))
        steps = [("test", name) for name in todo]
        for step in [*(("form", form) for form in forms), ("pass", None), *(("early", name) for name in todo)]:
            steps.insert(secrets.randbelow(len(steps) + 1), step)
        twins = 0.0
        for kind, what in steps:
            name = what if kind in ("test", "early") else secrets.choice(list(self.assignment.tests))
            self.where = f"the test {name}" if kind == "test" else "a check of the tests"
            self.test = name if kind in ("test", "early") else None
            if not self._surely(BACK.format(name)).passed:
                raise Rejected("it was tampered with: the names that a test judges could not be brought back")
            if kind == "test":
                answer = self._send(tests[name].source)
                self.judged.tests[name] = answer
                if answer.passed and twins + answer.seconds < TWIN_SECONDS:
                    twins += answer.seconds
                    self._must_fail(canaries.twin(tests[name].source, late=True), name)
            elif kind == "early":
                self._must_fail(canaries.twin(tests[name].source, late=False), name)
            elif kind == "form":
                self._must_fail(canaries.failing(what), name)
            elif not (answer := self._surely(canaries.passing())).passed:
                raise Rejected(f"it was tampered with: a check that always holds failed ({answer.error[:200]})")
            self.test = None
        self.where = "the check of what tests rely on"
        self._compare()

    def _must_fail(self, canary: canaries.Canary | None, name: str) -> None:
        """Send a canary; a test whose copy passes although it must not proves nothing, nor does any other."""
        if canary is None:
            return
        answer = self._send(canary.source)
        if answer.passed:
            raise Rejected(f"it was tampered with: a check that must fail passed (in place of {name})")

    def _fingerprint(self, load: bool) -> dict[str, str] | None:
        source, word = canaries.fingerprint(self.modules, load)
        answer = self._send(source, self.limits.start_seconds if load else None, keep=8 * 2**20)
        if not answer.passed:
            answer = self._send(source, keep=8 * 2**20)
        text = "".join(output.text for output in answer.outputs if output.output_type == "stream")
        at = text.find(word)
        try:
            found = json.loads(text[at + len(word) :].splitlines()[0]) if at >= 0 else None
        except (ValueError, RecursionError):
            return None
        return found if isinstance(found, dict) else None

    def _compare(self) -> None:
        after = self._fingerprint(load=False)
        if after is None:
            raise Rejected("it was tampered with: what tests rely on could no longer be looked at")
        if replaced := canaries.changed(self.before, after):
            shown = ", ".join(replaced[:5]) + (" ..." if len(replaced) > 5 else "")
            raise Rejected(f"it was tampered with: it replaced what tests rely on ({shown})")


# -------------------------------------------------------------------------------------------------------- one kernel


class _Client(AsyncKernelClient):
    """A client that asks the sandbox whether the kernel lives: a heartbeat can be late on a busy machine."""

    sandbox, starting = None, True

    async def _async_is_alive(self) -> bool:
        if not self.sandbox.alive() and self.starting:
            raise DeadKernelError
        return self.sandbox.alive()

    is_alive = _async_is_alive


class _Manager:
    """What nbclient asks a manager for, once a kernel runs."""

    ipykernel = has_kernel = True

    def __init__(self, client):
        self.client = client

    async def interrupt_kernel(self) -> None:
        """Ask the kernel to interrupt itself: a signal from outside would have to find it first."""
        message = self.client.session.msg("interrupt_request", content={})
        self.client.control_channel.send(message)


class Kernel(Execute):
    """nbgrader's executor, on a kernel in a sandbox, with every output counted and cut as it arrives.

    Parameters
    ----------
    sandbox : Sandbox
        Entered, not started.
    limits : utils.grading.unit.Limits
        What it may use.
    """

    def __init__(self, sandbox, limits):
        super().__init__()
        self.sandbox, self.limits = sandbox, limits
        self.iopub_timeout, self.raise_on_iopub_timeout = 5, True
        self.log.setLevel("CRITICAL")

    def start(self) -> None:
        """Start the kernel and wait until it answers.

        Raises
        ------
        StartFailed
            If it does not.
        """
        key = secrets.token_hex(32)
        self.sandbox.start(key)
        context = zmq.asyncio.Context()
        context.setsockopt(zmq.MAXMSGSIZE, LARGEST_MESSAGE)
        context.setsockopt(zmq.RCVHWM, 50)
        context.setsockopt(zmq.LINGER, 0)
        ports = {f"{name}_port": port for port, name in enumerate(("shell", "iopub", "stdin", "hb", "control"), 1)}
        client = _Client(transport="ipc", ip=self.sandbox.ip, context=context, **ports)
        client.session.key, client.sandbox = key.encode(), self.sandbox
        client.start_channels(hb=False)
        NotebookClient.__init__(self, nbformat.v4.new_notebook(), _Manager(client))
        self.kc, self.context, client.allow_stdin = client, context, False
        try:
            run_sync(client.wait_for_ready)(timeout=self.limits.start_seconds)
        except (DeadKernelError, RuntimeError) as error:
            said = self.sandbox.use.passed or self.sandbox.said() or str(error)
            raise StartFailed(f"the kernel did not start within {self.limits.start_seconds:.0f} s: {said}") from None
        client.starting = False

    def stop(self) -> None:
        """Close the connections and kill the sandbox."""
        self.sandbox.kill()
        if self.kc is not None:
            self.kc.stop_channels()
            self.context.destroy(linger=0)
            self.kc = None

    def run(self, source: str, seconds: float, keep: int) -> Answer:
        """Send one cell and wait for its end.

        Parameters
        ----------
        source : str
            What to run.
        seconds : float
            After that long it is interrupted, and has failed.
        keep : int
            Bytes of output that are kept.

        Raises
        ------
        Died
            If the kernel ended, does not react to being interrupted, or answers with what is no message.
        """
        cell = nbformat.v4.new_code_cell(source)
        self.nb.cells = [cell]
        self._kept, self._keep, self._messages, self._errors, self._reply, self._cut = 0, keep, 0, [], None, False
        self.timeout_func = lambda cell: seconds
        begun = time.monotonic()
        try:
            self.execute_cell(cell, 0, store_history=False)
        except DeadKernelError:
            raise Died("the process ended by itself, or was killed") from None
        except Exception as error:  # a crafted message can break whatever reads it
            if not self.sandbox.alive():
                raise Died("the process ended by itself, or was killed") from None
            raise Died(f"it no longer answered, or not as a kernel does ({type(error).__name__})") from None
        reply, seconds = self._reply["content"], time.monotonic() - begun
        if reply.get("status") == "ok" and not self._errors:
            return Answer(True, "", cell.outputs, seconds, self._cut)
        error = f"{reply.get('ename', '')}: {reply.get('evalue', '')}"
        if self._errors and reply.get("ename") != "CellTimeoutError":  # which shows itself as KeyboardInterrupt
            error = self._errors[0]
        return Answer(False, error, cell.outputs, seconds, self._cut)

    def on_cell_executed(self, **kwargs):
        """Keep the kernel's verdict; let nbgrader add the error that was not shown."""
        self._reply = kwargs["execute_reply"]
        content = self._reply["content"]
        for name in ("ename", "evalue"):
            content[name] = str(content.get(name, ""))[:LONGEST_ERROR]
        content["traceback"] = [str(line)[:LONGEST_ERROR] for line in (content.get("traceback") or [])[-30:]]
        super().on_cell_executed(**kwargs)

    def process_message(self, msg, cell, cell_index):
        """Count a message, cut it, and drop what no feedback needs."""
        kind, content = msg["msg_type"], msg["content"]
        self._messages += 1
        if self._messages == MOST_MESSAGES:
            self._cut = True
            self._interrupting = asyncio.ensure_future(self.km.interrupt_kernel())
        if kind == "status":
            return super().process_message(msg, cell, cell_index)
        if kind == "error":
            name, value = str(content.get("ename"))[:200], str(content.get("evalue"))[:LONGEST_ERROR]
            self._errors.append(f"{name}: {value}")
            if len(self._errors) == 1:
                trace = [str(line)[:LONGEST_ERROR] for line in (content.get("traceback") or [])[-30:]]
                cell.outputs.append(nbformat.v4.new_output("error", ename=name, evalue=value, traceback=trace))
        elif kind == "stream":
            self._add_text(cell, "stderr" if content.get("name") == "stderr" else "stdout", str(content.get("text")))
        elif kind in ("display_data", "execute_result") and isinstance(content.get("data"), dict):
            data = {key: value for key, value in content["data"].items() if key in SHOWN and isinstance(value, str)}
            size = sum(map(len, data.values()))
            if self._kept + size > max(self._keep, 2**20 if set(data) & {"image/png"} else 0):
                self._cut = True
            elif data:
                self._kept += size
                cell.outputs.append(nbformat.v4.new_output("display_data", data=data))
        return None

    def _add_text(self, cell, name: str, text: str) -> None:
        left = self._keep - self._kept
        if left <= 0:
            return
        if len(text) > left:
            self._cut, text = True, f"{text[:left]}\n... the rest of the output was cut ..."
        self._kept += max(1, len(text))
        text = text.encode(errors="replace").decode()
        if cell.outputs and cell.outputs[-1].output_type == "stream" and cell.outputs[-1].name == name:
            cell.outputs[-1].text += text
        else:
            cell.outputs.append(nbformat.v4.new_output("stream", name=name, text=text))


SHOWN = ("text/plain", "image/png", "text/markdown", "text/latex")
"""Kinds of output that are kept; a page for students carries no HTML or script that another wrote."""
