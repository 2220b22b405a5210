"""A KerasTuner search in several processes, of which any worker may die.

What belongs here: the supervisor that starts a chief and its workers on this machine, and what it has to know of
KerasTuner's files. What does not: the search itself, a script that a notebook shows. Used in `26_going_further`.

KerasTuner's own distribution is three environment variables: every process runs the same script, and
KERASTUNER_TUNER_ID says whether it is the chief, which hands out trials at KERASTUNER_ORACLE_IP and
KERASTUNER_ORACLE_PORT, or a worker, which asks for them. What it does not do (read in its release 1.4.8, and tested):
notice that a worker is gone. The chief goes on counting that trial as running, nobody else gets it, and the chief waits
for ever. But it remembers who had it: a worker that asks *under the same id* is given its unfinished trial again, from
the beginning. So it is enough to start another worker under the id of the dead one.
"""

import contextlib
import json
import os
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from utils.arguments import whole_number
from utils.processes import start_script

PROJECT = "search"
"""The `project_name` that a script gives its tuner."""
JOURNAL = "journal.jsonl"
"""Who began and ended which trial, a line each, in the search's folder."""
CHIEF = "chief"
LOOK = 0.05
"""Seconds between two looks at the processes."""


def keep_journal(tuner):
    """Let a tuner write down who begins and who ends a trial, and return it; KerasTuner does not record it.

    Parameters
    ----------
    tuner : keras_tuner.Tuner
        With a `directory` in which the lines can be written (`JOURNAL`).
    """
    path = Path(tuner.directory, JOURNAL)

    def noting(event, method):
        def noted(trial):
            if event == "begin":
                _note(path, event, trial, tuner.tuner_id)
            method(trial)
            if event == "end":
                _note(path, event, trial, tuner.tuner_id)

        return noted

    tuner.on_trial_begin = noting("begin", tuner.on_trial_begin)
    tuner.on_trial_end = noting("end", tuner.on_trial_end)
    return tuner


def _note(path: Path, event: str, trial, worker: str) -> None:
    # why a trial failed is not in what KerasTuner sends to the chief, so it would be lost with the worker
    note = {"event": event, "trial": trial.trial_id, "worker": worker, "pid": os.getpid(), "message": trial.message}
    line = json.dumps(note)
    with open(path, "ab", buffering=0) as file:  # one write of one line: processes do not tear each other's
        file.write(f"{line}\n".encode())


@dataclass(frozen=True)
class Search:
    """What is left of a search.

    Attributes
    ----------
    trials : list of dict
        By number: `trial`, `values` (hyperparameters by name), `score`, `status` ("COMPLETED" or "FAILED"), `message`
        (the traceback, if it failed) and `runs`: a pair (worker, pid) for each time somebody began it.
    restarts : dict of str to int
        By worker, how often another process had to take its place.
    seconds : float
        From the first process started to the last one gone.
    """

    trials: list[dict]
    restarts: dict[str, int]
    seconds: float


def search_in_processes(
    script: str | os.PathLike,
    folder: str | os.PathLike,
    *,
    workers: int = 2,
    timeout: float = 600,
    threads: int | None = None,
    max_restarts: int = 2,
    kill: Mapping[str, int] | None = None,
    arguments: tuple[str, ...] = (),
) -> Search:
    """Run a tuner's script as a chief and its workers, and start a worker again if it dies before it is done.

    Parameters
    ----------
    script : path
        Makes a tuner with `directory=sys.argv[1]` and `project_name="search"`, hands it to `keep_journal` and calls its
        `search`. It must not overwrite (`overwrite=False`, KerasTuner's default): the same call on the same folder goes
        on where an earlier one was stopped.
    folder : path
        For the tuner's files, the journal, and a log of each process (`chief.log`, `worker0.log`, ...). Made if need
        be.
    workers : int
        How many, named worker0, worker1, ...
    timeout : float
        Seconds for the whole search.
    threads : int, optional
        How many threads TensorFlow may use in each process for one operation; as many as there are cores unless given.
    max_restarts : int
        How often a worker may be replaced.
    kill : mapping of str to int, optional
        For a rehearsal: {"worker1": 2} kills worker1 (SIGKILL) in the middle of the second trial that it begins, once.
    arguments : tuple of str
        What the script finds after the folder.

    Returns
    -------
    Search

    Raises
    ------
    ValueError
        If `kill` names a worker that there is not, or a number below 1.
    RuntimeError
        If the chief dies, or a worker more often than `max_restarts`, or a trial was left unfinished. The message has
        the end of the log. What was finished is kept: call again with the same folder.
    TimeoutError
        If it takes longer than `timeout`. All processes are ended then, as after every error.
    """
    folder = Path(folder).resolve()
    names = [f"worker{k}" for k in range(whole_number("workers", workers, least=1, most=64))]
    to_kill = {name: whole_number(f"kill[{name!r}]", number, least=1) for name, number in (kill or {}).items()}
    if strange := sorted(set(to_kill) - set(names)):
        raise ValueError(f"kill names {', '.join(strange)}; the workers are {', '.join(names)}.")
    folder.mkdir(parents=True, exist_ok=True)
    environment = {
        "KERASTUNER_ORACLE_IP": "127.0.0.1",
        "KERASTUNER_ORACLE_PORT": str(_free_port()),
        "no_grpc_proxy": "127.0.0.1",  # a school's proxy does not know this machine's own ports
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    if threads is not None:
        environment["TF_NUM_INTRAOP_THREADS"] = str(whole_number("threads", threads, least=1))

    def start(name):
        own = {**environment, "KERASTUNER_TUNER_ID": name}
        return start_script(script, folder / f"{name}.log", (str(folder), *arguments), own)

    began = time.monotonic()
    earlier = len(_journal(folder))
    processes, restarts = {}, dict.fromkeys(names, 0)
    try:
        for name in (CHIEF, *names):
            processes[name] = start(name)
        while running := [name for name in names if processes[name].exitcode != 0]:
            time.sleep(LOOK)
            _kill_as_rehearsed(folder, earlier, processes, to_kill)
            if processes[CHIEF].exitcode is not None:
                if processes[CHIEF].exitcode == 0:
                    break  # it has said goodbye to all that ever asked; a worker too slow to ask would wait in vain
                raise RuntimeError(_obituary(folder, CHIEF, processes[CHIEF].exitcode))
            for name in running:
                if not processes[name].exitcode:
                    continue  # still at work, or done a moment ago
                if restarts[name] == max_restarts:
                    raise RuntimeError(_obituary(folder, name, processes[name].exitcode, restarts[name]))
                restarts[name] += 1
                processes[name] = start(name)
            if time.monotonic() - began > timeout:
                raise TimeoutError(
                    f"the search was not done after {timeout:g} seconds ({', '.join(running)} still at work), and was "
                    f"ended; its logs are in {folder}. Call again with the same folder to go on, or give it more time."
                )
    finally:  # the chief would look up only every 20 seconds whether all are gone; its files are written by now
        for process in processes.values():
            process.kill()
        for process in processes.values():
            process.join()
    trials = read_trials(folder)
    if left := [trial["trial"] for trial in trials if trial["status"] == "RUNNING"]:
        raise RuntimeError(f"trial {', '.join(left)} was begun and not finished; the logs are in {folder}.")
    return Search(trials, restarts, time.monotonic() - began)


def _kill_as_rehearsed(folder: Path, earlier: int, processes: dict, to_kill: dict[str, int]) -> None:
    """Kill each worker of the plan that is within the trial of the plan, and strike it off."""
    for name, number in list(to_kill.items()):
        own = [line for line in _journal(folder)[earlier:] if line["worker"] == name]
        if sum(line["event"] == "begin" for line in own) >= number and own[-1]["event"] == "begin":
            processes[name].kill()
            processes[name].join()
            if [line for line in _journal(folder) if line["worker"] == name][-1]["event"] == "begin":
                del to_kill[name]  # else it was done a moment before; its next trial will do


def read_trials(folder: str | os.PathLike) -> list[dict]:
    """Return the trials in a search's folder, as in `Search.trials`; those that nobody has finished are "RUNNING"."""
    folder = Path(folder)
    runs: dict[str, list] = {}
    messages: dict[str, str | None] = {}
    for line in _journal(folder):
        if line["event"] == "begin":
            runs.setdefault(line["trial"], []).append((line["worker"], line["pid"]))
        messages[line["trial"]] = line["message"]
    trials = []
    for path in sorted(folder.glob(f"{PROJECT}/trial_*/trial.json")):
        stored = json.loads(path.read_text(encoding="utf-8"))
        trials.append(
            {
                "trial": stored["trial_id"],
                "values": stored["hyperparameters"]["values"],
                "score": stored["score"],
                "status": stored["status"],
                "message": messages.get(stored["trial_id"]),
                "runs": runs.get(stored["trial_id"], []),
            }
        )
    return trials


def _journal(folder: Path) -> list[dict]:
    with contextlib.suppress(FileNotFoundError):
        return [json.loads(line) for line in Path(folder, JOURNAL).read_text(encoding="utf-8").splitlines()]
    return []


def _free_port() -> int:
    """Return a port that nobody listens on now. If another process takes it before the chief, the chief says so."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _obituary(folder: Path, name: str, status: int, restarts: int = 0) -> str:
    """Return what to say when a process is gone for good, with the end of its log."""
    how = f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"
    again = f" after {restarts} restarts" if restarts else ""
    log = folder / f"{name}.log"
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-8:] if log.exists() else []
    return (
        f"{name} {how}{again}. What was finished is in {folder}: call again with the same folder to go on.\n"
        f"The end of {log.name}:\n" + "\n".join(lines)
    )
