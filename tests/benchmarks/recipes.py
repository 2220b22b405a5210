"""The lecture's recipes against ours: seconds an epoch, and seconds to the lecture's metric, as ratios over pairs.

    make bench                                            # all six rows, hours
    .venv/bin/python -m tests.benchmarks.recipes imdb-lstm --pairs 3
    .venv/bin/python -m tests.benchmarks.recipes --tiny   # does everything run? A minute, writes nothing

Both recipes train on the same data, on the same machine, by turns, in one process; which of the two begins changes
from pair to pair, and each pair has a seed of its own. What is measured goes into `results/bench/ROW.json` when the row
is complete, never before, and from there into RESULTS.md by `python -m utils results`. The machine should do nothing
else. `tests/benchmarks/rows.py` says what each recipe is.
"""

import argparse
import datetime
import importlib.metadata
import os
import platform
import sys
import time
from pathlib import Path

import numpy as np

from utils.cli import records, speed

FOLDER = records.RESULTS / speed.FOLDER


def order(pair: int) -> tuple[str, str]:
    """Return the two sides in the order in which they train: the lecture begins the first pair, ours the second."""
    return speed.SIDES if pair % 2 == 0 else speed.SIDES[::-1]


def matrix_rate(size: int = 1536, seconds: float = 2.0) -> float:
    """Return the best rate of a float32 matrix product in NumPy, in GFLOP/s; at least three products are tried."""
    rng = np.random.default_rng(0)
    a, b = (rng.normal(size=(size, size)).astype("float32") for _ in range(2))
    out, taken, begun = np.empty_like(a), [], time.perf_counter()
    while len(taken) < 4 or time.perf_counter() - begun < seconds:
        before = time.perf_counter()
        np.matmul(a, b, out=out)
        taken.append(time.perf_counter() - before)
    return 2 * size**3 / min(taken[1:]) / 1e9


def processor() -> str:
    """Return the name of the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        named = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    except OSError:
        named = []
    return (named or [platform.processor() or platform.machine()])[0]


def versions() -> dict[str, str]:
    """Return the versions that the seconds depend on."""
    found = {name: importlib.metadata.version(name) for name in ("keras", "tensorflow", "numpy")}
    return found | {"Python": platform.python_version()}


def afresh(seed: int) -> None:
    """Forget what an earlier training left in memory, and seed all that draws."""
    import keras

    keras.utils.clear_session()
    keras.utils.set_random_seed(seed)


def train(task, side: str, seed: int, epochs: int, **ending) -> dict:
    """Train one side from fresh weights, and return its curve; `ending` says when it stops early, as `Watch` does."""
    from tests.benchmarks.rows import Watch

    afresh(seed)
    watch = Watch(**ending)
    getattr(task, side)(watch, seed, epochs)
    return watch.curve()


def measure(task, pairs: int, epochs: dict[str, int], seed: int = 42, say=print, **ending) -> list[dict]:
    """Train both sides in turn, pair by pair, and return the pairs as a record keeps them.

    `ending` is the lecture's: ours follows a schedule that is made for its number of epochs.
    """
    found = []
    for pair in range(pairs):
        sides = order(pair)
        kept = {"first": sides[0], "seed": seed + pair}
        for side in sides:
            kept[side] = train(task, side, seed + pair, epochs[side], **(ending if side == "lecture" else {}))
            seconds = kept[side]["points"][-1][0]
            metrics = " ".join("nan" if m is None else f"{m:.4g}" for _, m in kept[side]["points"])
            say(f"  pair {pair + 1} of {pairs}, {side}: {seconds:.1f} s; after each epoch {metrics}")
        found.append(kept)
    return found


def record(
    row, task, pairs: list[dict], epochs: dict[str, int], place: int, gflops: float, profile: str, patience=None
) -> dict:
    """Return what is known of a row as a record, ready for `speed.save`."""
    from utils import course

    settings = dict(row.settings)
    if (cut := epochs["lecture"]) != task.epochs["lecture"]:
        settings["lecture"] += f" Here only {cut} of its {task.epochs['lecture']} epochs were run."
    if patience is not None:
        ran = " ".join(str(len(pair["lecture"]["points"])) for pair in pairs)
        settings["lecture"] += f" Here a training ended {patience} epochs after its best reading; epochs run: {ran}."
    return {
        "row": row.name, "order": place, "title": row.title, "metric": row.metric, "unit": row.unit,
        "higher": row.higher, "figure": task.figure, "data": task.data, "profile": profile,
        "settings": settings, "samples": task.samples, "flops": task.flops, "machine": processor(),
        "cores": course.cores(), "versions": versions(), "date": datetime.date.today().isoformat(), "gflops": gflops,
        "pairs": pairs,
    }  # fmt: skip


def shown(kept: dict) -> str:
    """Return the figures of a record as a few lines of text."""
    lines = []
    goals = [("the lecture's figure", kept["figure"])] if kept["figure"] is not None else []
    each = {side: speed.an_epoch(kept, side) for side in speed.SIDES}
    lines.append("  {:34s} lecture {:>10}   ours {:>10}   faster {}".format("seconds an epoch", *speed.verdict(each)))
    for name, goal in [*goals, ("the best of the lecture's recipe", None), ("the best that both reached", None)]:
        cells = speed.verdict(speed.to_metric(kept, goal, both=name.endswith("both reached")))
        lines.append("  {:34s} lecture {:>10}   ours {:>10}   sooner {}".format(f"s to {name}", *cells))
    return "\n".join(lines)


def main(words: list[str] | None = None) -> int:
    """Measure the rows that are named, or all; return 0."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", metavar="ROW", help="names of rows (default: all six)")
    parser.add_argument("--pairs", type=int, help="trainings of each side (default: 3, or 1 with --tiny)")
    parser.add_argument("--epochs", type=int, help="of the lecture's recipe, at most; the record says so")
    parser.add_argument("--patience", type=int, help="end a training of the lecture's so many epochs after its best")
    parser.add_argument("--tiny", action="store_true", help="every row in seconds, on little data; writes nothing")
    parser.add_argument("--into", type=Path, default=FOLDER, help=argparse.SUPPRESS)
    args = parser.parse_args(words)
    if any(given is not None and given < 1 for given in (args.pairs, args.epochs, args.patience)):
        parser.error("--pairs, --epochs and --patience must be 1 or more")
    os.environ["COURSE_PROFILE"] = "quick" if args.tiny else "full"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import tensorflow as tf

    from tests.benchmarks.rows import ROWS

    tf.get_logger().setLevel("ERROR")  # a training traces again: that is measured, and needs no warning
    if unknown := [name for name in args.rows if name not in ROWS]:
        parser.error(f"no row is called {', '.join(unknown)}; expected some of {', '.join(ROWS)}")
    gflops = matrix_rate(256, 0.0) if args.tiny else matrix_rate()
    print(f"{processor()}: {gflops:.0f} GFLOP/s in a float32 matrix product", flush=True)
    pairs = args.pairs or (1 if args.tiny else 3)
    for place, (name, row) in enumerate(ROWS.items()):
        if args.rows and name not in args.rows:
            continue
        print(f"{name}: {row.title}", flush=True)
        task = row.prepare(args.tiny)
        epochs = task.epochs | {"lecture": min(task.epochs["lecture"], args.epochs or task.epochs["lecture"])}
        ending = {"patience": args.patience, "higher": row.higher}
        found = measure(task, pairs, epochs, say=lambda text: print(text, flush=True), **ending)
        kept = record(row, task, found, epochs, place, gflops, "tiny" if args.tiny else "full", args.patience)
        print(shown(kept), flush=True)
        if not args.tiny:
            print(f"  written: {speed.save(kept, args.into).name}", flush=True)
    if not args.tiny:
        print("python -m utils results brings RESULTS.md up to date")
    return 0


if __name__ == "__main__":
    sys.exit(main())
