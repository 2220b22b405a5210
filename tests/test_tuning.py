"""A search in processes loses no trial, whoever is killed. The objective is a sum: no training, no devices."""

import json
import os

import pytest

from utils.tuning import read_trials, search_in_processes

SCRIPT = """
import sys, time
import keras_tuner
from utils.tuning import keep_journal


class Sum(keras_tuner.engine.base_tuner.BaseTuner):
    def run_trial(self, trial):
        x = trial.hyperparameters.Int("x", 0, 999)
        if len(sys.argv) > 2:
            exec(sys.argv[2])
        time.sleep(0.4)
        return {"score": float(x)}


space = keras_tuner.HyperParameters()
space.Int("x", 0, 999)
oracle = keras_tuner.oracles.RandomSearchOracle(
    keras_tuner.Objective("score", "max"), max_trials=6, seed=7, hyperparameters=space
)
tuner = Sum(oracle, directory=sys.argv[1], project_name="search")
keep_journal(tuner).search()
"""


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "sum.py"
    path.write_text(SCRIPT, "utf-8")
    return path


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """What one process finds, with KerasTuner alone."""
    import keras_tuner

    space = keras_tuner.HyperParameters()
    space.Int("x", 0, 999)
    objective = keras_tuner.Objective("score", "max")
    oracle = keras_tuner.oracles.RandomSearchOracle(objective, max_trials=6, seed=7, hyperparameters=space)
    oracle._set_project_dir(tmp_path_factory.mktemp("alone"), "search")
    oracle.verbose = 0
    return sorted(oracle.create_trial(f"tuner{k}").hyperparameters.values["x"] for k in range(6))


def values(search):
    return sorted(trial["values"]["x"] for trial in search.trials)


def test_two_workers_try_what_one_process_tries(script, tmp_path, alone):
    search = search_in_processes(script, tmp_path / "run", timeout=120)
    assert values(search) == alone
    assert all(trial["status"] == "COMPLETED" and trial["score"] == trial["values"]["x"] for trial in search.trials)
    assert {worker for trial in search.trials for worker, _ in trial["runs"]} == {"worker0", "worker1"}
    assert [len(trial["runs"]) for trial in search.trials] == [1] * 6
    assert search.restarts == {"worker0": 0, "worker1": 0}


def test_a_killed_workers_trial_is_done_by_its_successor(script, tmp_path, alone):
    search = search_in_processes(script, tmp_path / "run", timeout=120, kill={"worker1": 1})
    assert values(search) == alone
    assert all(trial["status"] == "COMPLETED" for trial in search.trials)
    assert search.restarts == {"worker0": 0, "worker1": 1}
    [twice] = [trial["runs"] for trial in search.trials if len(trial["runs"]) > 1]
    (first, pid), (second, successor) = twice
    assert first == second == "worker1"
    assert pid != successor


def test_without_a_successor_kerastuner_leaves_the_trial_running(script, tmp_path):
    """What the supervisor is for: KerasTuner alone does not notice."""
    with pytest.raises(RuntimeError, match=r"(?s)worker0 was ended by signal 9\. .*same folder"):
        search_in_processes(script, tmp_path / "run", workers=1, timeout=120, kill={"worker0": 3}, max_restarts=0)
    assert [trial["status"] for trial in read_trials(tmp_path / "run")] == ["COMPLETED", "COMPLETED", "RUNNING"]


def test_the_same_folder_goes_on_where_the_chief_stopped(script, tmp_path, alone):
    die = (
        "import os, signal; from pathlib import Path; gone = Path(sys.argv[1], 'gone')\n"
        "if trial.trial_id == '3' and not gone.exists():\n"
        "    gone.touch(); os.kill(int(Path(sys.argv[1], 'chief.pid').read_text()), signal.SIGKILL)"
    )
    text = script.read_text("utf-8").replace(
        "keep_journal(tuner)",
        "import os\nif os.environ['KERASTUNER_TUNER_ID'] == 'chief':\n"
        "    open(os.path.join(sys.argv[1], 'chief.pid'), 'w').write(str(os.getpid()))\nkeep_journal(tuner)",
    )
    script.write_text(text, "utf-8")
    folder = tmp_path / "run"
    with pytest.raises(RuntimeError, match="chief was ended by signal 9"):
        search_in_processes(script, folder, workers=1, timeout=120, arguments=(die,))
    search = search_in_processes(script, folder, workers=1, timeout=120, arguments=(die,))
    assert values(search) == alone
    assert [len(trial["runs"]) for trial in search.trials] == [1, 1, 1, 2, 1, 1]


def test_a_worker_too_slow_to_ask_holds_nothing_up(script, tmp_path, alone):
    """The chief leaves when all that ever asked have gone; whoever comes later would wait for an hour."""
    late = "import os, time\nif os.environ['KERASTUNER_TUNER_ID'] == 'worker1':\n    time.sleep(600)\n"
    script.write_text(late + script.read_text("utf-8"), "utf-8")
    search = search_in_processes(script, tmp_path / "run", timeout=120)
    assert values(search) == alone
    assert {worker for trial in search.trials for worker, _ in trial["runs"]} == {"worker0"}


def test_a_trial_that_fails_is_kept_with_its_reason(script, tmp_path):
    search = search_in_processes(
        script, tmp_path / "run", workers=1, timeout=120, arguments=("if trial.trial_id == '2': 1 / 0",)
    )
    assert [trial["status"] for trial in search.trials].count("FAILED") == 1
    assert "ZeroDivisionError" in search.trials[2]["message"]


def test_a_chief_that_cannot_start_is_told_with_its_log(tmp_path):
    (tmp_path / "bad.py").write_text("raise SystemExit('no such tuner')", "utf-8")
    with pytest.raises(RuntimeError, match=r"(?s)ended with status 1.*no such tuner"):
        search_in_processes(tmp_path / "bad.py", tmp_path / "run", timeout=120)


def test_a_search_ends_in_time_and_leaves_no_process(script, tmp_path):
    wait = "from pathlib import Path; import os; Path(sys.argv[1], f'pid{os.getpid()}').touch(); time.sleep(100)"
    with pytest.raises(TimeoutError, match="not done after 6 seconds"):
        search_in_processes(script, tmp_path / "run", timeout=6, arguments=(wait,))
    for line in (tmp_path / "run" / "journal.jsonl").read_text("utf-8").splitlines():
        with pytest.raises(ProcessLookupError):
            os.kill(json.loads(line)["pid"], 0)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"kill": {"worker2": 1}}, "the workers are worker0, worker1"),
        ({"workers": 0}, "workers"),
        ({"threads": 0}, "threads"),
    ],
)
def test_wrong_arguments(script, tmp_path, wrong, message):
    with pytest.raises(ValueError, match=message):
        search_in_processes(script, tmp_path / "run", **wrong)


def test_no_script(tmp_path):
    with pytest.raises(FileNotFoundError, match="no script"):
        search_in_processes(tmp_path / "none.py", tmp_path / "run")
