"""Where an update of our recipes goes: TensorFlow's profiler, every XLA operation on every thread, in four kinds.

    .venv/bin/python -m tests.benchmarks.where weather-dropout imdb-lstm --updates 4

Ours of a row trains as in `make bench`. When it has compiled, some updates are timed, and as many more are recorded.
What a core did in that time is one of `speed.KINDS`; what is left of *cores x seconds* is waiting, reading input, or
Python, and is not parted. Recording costs time of its own, mostly around small operations: `seconds` and `recorded` of
an update tell how much. The machine should do nothing else. The result goes into `results/bench/where.json`, row by
row, and from there into RESULTS.md by `python -m utils results`.
"""

import argparse
import datetime
import os
import re
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.benchmarks.recipes import FOLDER, afresh, processor, versions
from utils.cli import speed

MOVES = {
    "bitcast", "broadcast", "concatenate", "copy", "convert", "dynamic", "fusion", "gather", "iota", "pad", "reverse",
    "scatter", "slice", "transpose", "update", "wrapped",
}  # fmt: skip
"""Words in the names of XLA operations that move numbers and compute none; a fusion is named after its parts."""


def kind(name: str) -> str:
    """Return what an event of the profiler is: a kind of `speed.KINDS`, "" for what waits or is not the update's.

    XLA names a product after TensorFlow's `MatMul` or calls it `dot`; its other operations are lower case, and fusions
    have the names of their parts, such as `multiply_add_fusion.3`.
    """
    if re.match(r"MatMul|dot\b|dot[._]", name):
        return "products"
    if re.match(r"(while|call|conditional)\b|ThunkExecutor::|ExecutorState::|CpuExecutable::", name):
        return "dispatch"
    if not re.fullmatch(r"[a-z][\w.\-]*", name) or name != name.lower() or name == "python":
        return ""
    words = {word for word in re.split(r"[_.\-\d]+", name) if word}
    return "moves" if words <= MOVES else "arithmetic"


def own_seconds(events) -> Counter:
    """Return the seconds of one thread's events by name, each without the events inside it.

    Parameters
    ----------
    events : iterable of (name, start, duration)
        In any order; of two that start together the longer one holds the other.
    """
    own, open_ = Counter(), []  # open_: the events that hold the present one, as (name, end)
    for name, start, duration in sorted(events, key=lambda event: (event[1], -event[2])):
        while open_ and open_[-1][1] <= start:
            open_.pop()
        if open_:
            own[open_[-1][0]] -= duration
        own[name] += duration
        open_.append((name, start + duration))
    return own


def seconds_by_kind(folder: Path) -> Counter:
    """Return the seconds, over all threads, of each kind in what the profiler wrote into a folder.

    Raises
    ------
    FileNotFoundError
        If it wrote nothing.
    """
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    paths = sorted(folder.glob("plugins/profile/*/*.xplane.pb"))
    if not paths:
        raise FileNotFoundError(f"the profiler left no *.xplane.pb in {folder}")
    space, found = xplane_pb2.XSpace(), Counter()
    space.ParseFromString(paths[-1].read_bytes())
    for plane in space.planes:
        names = {number: metadata.name for number, metadata in plane.event_metadata.items()}
        for line in plane.lines:
            events = ((names[e.metadata_id], e.offset_ps, e.duration_ps) for e in line.events)
            for name, picoseconds in own_seconds(events).items():
                if of := kind(name):
                    found[of] += picoseconds / 1e12
    return found


def recorder(warm: int, updates: int, folder: Path):
    """Return a watch that lets `warm` updates pass, times `updates`, records as many more, and ends the training."""
    import tensorflow as tf

    from tests.benchmarks.rows import Watch

    class Recorder(Watch):
        count, seconds = 0, None

        def on_train_batch_end(self, batch, logs=None):
            self.count += 1
            if self.count == warm:
                self._began = time.perf_counter()
            elif self.count == warm + updates:
                self.seconds = [(time.perf_counter() - self._began) / updates]
                tf.profiler.experimental.start(
                    str(folder), tf.profiler.experimental.ProfilerOptions(3, python_tracer_level=0)
                )
                self._began = time.perf_counter()
            elif self.count == warm + 2 * updates:
                self.seconds.append((time.perf_counter() - self._began) / updates)
                tf.profiler.experimental.stop()
                raise Enough

        def __init__(self):
            super().__init__()
            self.set_params({})

    return Recorder()


class Enough(Exception):
    """What was to be recorded is recorded; what ours does after its training is not wanted."""


def look(row, warm: int, updates: int) -> dict:
    """Return where an update of a row's own recipe goes, as `where.json` keeps it.

    Raises
    ------
    RuntimeError
        If the recipe ended before enough updates were made.
    """
    from utils import course

    task, cores = row.prepare(False), course.cores()
    afresh(42)
    with tempfile.TemporaryDirectory() as folder:
        watch = recorder(warm, updates, Path(folder))
        try:
            task.ours(watch, 42, task.epochs["ours"])
        except Enough:
            found = seconds_by_kind(Path(folder))
        else:
            raise RuntimeError(f"{row.name} made {watch.count} updates; {warm + 2 * updates} were asked for")
    plain, recorded = watch.seconds
    whole = cores * recorded * updates
    shares = {name: found[name] / whole for name in speed.KINDS}
    return {
        "shares": shares, "seconds": plain, "recorded": recorded, "updates": updates, "cores": cores,
        "machine": processor(), "versions": versions(), "date": datetime.date.today().isoformat(),
    }  # fmt: skip


def main(words: list[str] | None = None) -> int:
    """Look into the rows that are named; return 0."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="+", metavar="ROW", help="names of rows whose recipe is a Keras training")
    parser.add_argument("--updates", type=int, default=4, help="to be timed, and to be recorded (default: 4)")
    parser.add_argument("--warm", type=int, default=40, help="updates before, while it compiles (default: 40)")
    parser.add_argument("--into", type=Path, default=FOLDER, help=argparse.SUPPRESS)
    args = parser.parse_args(words)
    if min(args.updates, args.warm) < 1:
        parser.error("--updates and --warm must be 1 or more")
    os.environ["COURSE_PROFILE"] = "full"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from tests.benchmarks.rows import ROWS

    if unknown := [name for name in args.rows if name not in ROWS]:
        parser.error(f"no row is called {', '.join(unknown)}; expected some of {', '.join(ROWS)}")
    for name in args.rows:
        found = look(ROWS[name], args.warm, args.updates)
        speed.save_where(name, found, args.into)
        print(f"{name}: {speed.where_text(found)}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
