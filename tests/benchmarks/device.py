"""The course's networks on a GPU: steps a second on whatever backend Keras runs on, against the device's matrix rate.

    KERAS_BACKEND=torch .venv/bin/python -m tests.benchmarks.device
    KERAS_BACKEND=jax .venv/bin/python -m tests.benchmarks.device --steps 100 --repeats 5
    KERAS_BACKEND=jax .venv/bin/python -m tests.benchmarks.device --cpu     # does it run? Tiny sizes, no GPU needed

The backends other than TensorFlow are not in `requirements.txt`: `pip install "jax[cuda12]" torch`. Each network is
trained by `fit` on arrays in memory; a first pass compiles and is not timed. Then one pass is profiled, and the names
of its kernels are searched for cuDNN, which is the fused path of a recurrent layer. Without a GPU the script says so in
one line and ends with 0.
"""

import argparse
import contextlib
import importlib.metadata
import platform
import statistics
import sys
import tempfile
import time
from pathlib import Path

import keras
import numpy as np
from keras import layers, ops

from tests.benchmarks.rows import recurrent
from utils.seq2seq import masked_loss, translation_model

FUSED = (b"cudnn", b"CuDNN", b"Cudnn")
"""What the names of cuDNN's operations and kernels hold."""


def gpu() -> str:
    """Return the name of the GPU that the backend computes on, "" if it has none."""
    backend = keras.backend.backend()
    if backend == "torch":
        import torch

        return torch.cuda.get_device_name(0) if torch.cuda.is_available() else ""
    if backend == "jax":
        import jax

        device = jax.devices()[0]
        return device.device_kind if device.platform in ("gpu", "cuda", "rocm") else ""
    import tensorflow as tf

    found = tf.config.list_physical_devices("GPU")
    return tf.config.experimental.get_device_details(found[0]).get("device_name", "GPU") if found else ""


def matrix_rate(size: int, repeats: int) -> float:
    """Return the best rate of a float32 matrix product on the backend's device, in GFLOP/s.

    TF32 is left as the backend has it: the networks compute with the same setting.
    """
    rng = np.random.default_rng(0)
    a, b = (ops.convert_to_tensor(rng.normal(size=(size, size)).astype("float32")) for _ in range(2))
    taken, in_a_row = [], 10
    for _ in range(repeats + 1):
        begun, c = time.perf_counter(), a
        for _ in range(in_a_row):
            c = ops.matmul(c, b)
        float(ops.convert_to_numpy(c[0, 0]))  # waits for the device
        taken.append((time.perf_counter() - begun) / in_a_row)
    return 2 * size**3 / min(taken[1:]) / 1e9


def networks(tiny: bool) -> dict:
    """Return, by name, what makes a network, its loss, its arrays for one batch, and the operations of a sample."""
    rng = np.random.default_rng(0)
    batch, units, steps = (4, 4, 10) if tiny else (256, 32, 500)
    words = rng.integers(1, 10_000, size=(batch, steps)).astype("int32")
    verdicts = rng.integers(0, 2, size=(batch, 1)).astype("float32")
    hours, columns = (10, 12) if tiny else (240, 12)
    weather = rng.normal(size=(batch, hours, columns)).astype("float32")
    degrees = rng.normal(size=(batch, 1)).astype("float32")
    sizes = (4, 5, 5) if tiny else (32, 64, 64)

    def reader(*stack):
        return keras.Sequential(
            [keras.Input((steps,), dtype="int32"), layers.Embedding(10_000, 32), *stack, layers.Dense(1, "sigmoid")]
        )

    def forecaster(**dropout):
        return keras.Sequential([keras.Input((hours, columns)), layers.GRU(units, **dropout), layers.Dense(1)])

    vocab, width, wide = (30, 6, 8) if tiny else (6000, 16, 256)
    sentences = rng.integers(4, vocab, size=(batch, width)).astype("int32")
    stacked = sum(recurrent(3, before, size, steps) for before, size in zip((32, *sizes), sizes))
    forecast = recurrent(3, columns, units, hours)
    half = wide // 2
    translated = width * 3 * 2.0 * (half * vocab + 2 * wide * half)  # of each word: its scores, and the layer below
    translated += 2 * recurrent(3, half, half, width) + recurrent(3, half, wide, width)
    dropouts = {"dropout": 0.2, "recurrent_dropout": 0.2}
    return {
        "IMDB, LSTM": (
            lambda: reader(layers.LSTM(units)), "binary_crossentropy", (words, verdicts), recurrent(4, 32, units, steps)
        ),
        "IMDB, stack of GRUs": (
            lambda: reader(*(layers.GRU(n, return_sequences=k < 2) for k, n in enumerate(sizes))),
            "binary_crossentropy", (words, verdicts), stacked,
        ),
        "Weather, GRU": (forecaster, "mae", (weather, degrees), forecast),
        "Weather, GRU with both dropouts": (lambda: forecaster(**dropouts), "mae", (weather, degrees), forecast),
        "Translator with attention (utils.seq2seq)": (
            lambda: translation_model(vocab, vocab, units=wide, embedding=half), masked_loss,
            ([sentences, sentences], sentences), translated,
        ),
    }  # fmt: skip


def repeated(arrays, times: int):
    """Return arrays of one batch as many batches."""
    if isinstance(arrays, list):
        return [repeated(one, times) for one in arrays]
    return np.concatenate([arrays] * times)


def kernels(call) -> str:
    """Profile a call with the backend's own profiler; return `seen`, `not seen`, or why nobody could look."""
    backend = keras.backend.backend()
    try:
        if backend == "torch":
            import torch

            kinds = [torch.profiler.ProfilerActivity.CPU]
            kinds += [torch.profiler.ProfilerActivity.CUDA] * torch.cuda.is_available()
            with torch.profiler.profile(activities=kinds) as profile:
                call()
            names = [event.key.encode() for event in profile.key_averages()]
        else:
            with tempfile.TemporaryDirectory() as folder:
                if backend == "jax":
                    import jax

                    trace = jax.profiler.trace(folder)
                else:
                    import tensorflow as tf

                    trace = tf.profiler.experimental.Profile(folder)
                with trace:
                    call()
                names = [path.read_bytes() for path in Path(folder).rglob("*.xplane.pb")]
    except (ImportError, RuntimeError, ValueError, OSError) as error:  # a driver may forbid to profile
        return f"not looked: {str(error).splitlines()[0][:60]}" if str(error) else "not looked"
    if not names:
        return "not looked: no trace"
    return "seen" if any(word in name for name in names for word in FUSED) else "not seen"


def measure(build, loss, arrays, steps: int, repeats: int) -> tuple[float, float, float, str]:
    """Return the median, smallest and largest steps a second of a network's training, and whether cuDNN was seen."""
    keras.utils.set_random_seed(0)
    model, (x, y) = build(), arrays
    batch = len(y)
    model.compile("adam", loss)
    x, y = repeated(x, steps), repeated(y, steps)
    fit = {"batch_size": batch, "shuffle": False, "verbose": 0}
    model.fit(x, y, **fit)  # compiles
    taken = []
    for _ in range(repeats):
        begun = time.perf_counter()
        model.fit(x, y, **fit)
        taken.append(steps / (time.perf_counter() - begun))
    looked = kernels(lambda: model.fit(x, y, **fit))
    return statistics.median(taken), min(taken), max(taken), looked


def main(words: list[str] | None = None) -> int:
    """Measure every network and print a table; return 0, also where there is no GPU."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=50, help="updates in a pass")
    parser.add_argument("--repeats", type=int, default=5, help="passes that are timed")
    parser.add_argument("--cpu", action="store_true", help="try the script without a GPU, at tiny sizes")
    args = parser.parse_args(words)
    backend, name = keras.backend.backend(), gpu()
    if not name and not args.cpu:
        print(f"no GPU for Keras on {backend} here: nothing measured (--cpu tries the script at tiny sizes)")
        return 0
    tiny = not name
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        backend += f" {importlib.metadata.version(backend)}"
    rate = matrix_rate(*((128, 2) if tiny else (8192, 5)))
    print(f"{name or 'CPU, tiny sizes'}; Keras {keras.__version__} on {backend}; Python {platform.python_version()}")
    print(f"float32 matrix product: {rate:,.0f} GFLOP/s")
    print("| network | batch | steps a second: median (range) | GFLOP/s | of the matrix rate | cuDNN in the profile |")
    print("|---|---:|---:|---:|---:|---|")
    for title, (build, loss, arrays, flops) in networks(tiny).items():
        middle, low, high, looked = measure(build, loss, arrays, *((2, 2) if tiny else (args.steps, args.repeats)))
        used = middle * len(arrays[1]) * flops / 1e9
        cells = [title, str(len(arrays[1])), f"{middle:.1f} ({low:.1f} to {high:.1f})", f"{used:,.3g}"]
        print(f"| {' | '.join([*cells, f'{100 * used / rate:.2g} %', looked])} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
