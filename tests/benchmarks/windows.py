"""Does feeding windows hold a network up? Steps a second on `utils.timeseries.windows` and on arrays in memory.

    python -m tests.benchmarks.windows [--pairs 5]

The same model, the same windows, the same batch size, in alternating passes of `fit` after one of each that only
warms up. Three models at the lecture's sizes (part E: 240 hourly samples of 14 columns, batches of 128, 32 units):
the GRU, the dense network on the flattened window, and a single linear unit, whose step costs so little that feeding
must show if it costs anything.
"""

import argparse
import time

import keras
import numpy as np

from utils import timeseries

LOOKBACK, STEP, DELAY, FEATURES, BATCH = 1440, 6, 144, 14, 128


def networks():
    """Return three compiled models by name, from heavy to light."""
    layers = {
        "GRU(32)": [keras.layers.GRU(32)],
        "Dense(32)": [keras.layers.Flatten(), keras.layers.Dense(32, activation="relu")],
        "one linear unit": [keras.layers.Flatten()],
    }
    models = {}
    for name, stack in layers.items():
        inputs = keras.Input(batch_shape=(BATCH, LOOKBACK // STEP, FEATURES))
        models[name] = keras.Sequential([inputs, *stack, keras.layers.Dense(1)])
        models[name].compile("rmsprop", loss="mae", jit_compile=True)
    return models


def seconds(fit) -> float:
    """Return how long one call takes."""
    begin = time.perf_counter()
    fit()
    return time.perf_counter() - begin


def compare(model, windows, x, y, pairs: int):
    """Return the seconds of each pass over the windows and over the arrays: two lists of `pairs` numbers."""

    def gathered():
        model.fit(windows, shuffle=False, verbose=0)

    def in_memory():
        model.fit(x, y, batch_size=BATCH, shuffle=True, verbose=0)

    gathered(), in_memory()  # compile
    fed, held = [], []
    for k in range(pairs):  # the order of the two changes from pair to pair
        for fit, kept in ((gathered, fed), (in_memory, held))[:: 1 if k % 2 else -1]:
            kept.append(seconds(fit))
    return fed, held


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--steps", type=int, default=100, help="batches in a pass")
    args = parser.parse_args()
    rng = np.random.default_rng(0)
    rows = args.steps * BATCH + LOOKBACK + DELAY
    series = rng.normal(size=(rows, FEATURES)).astype("float32")
    sizes = {"lookback": LOOKBACK, "step": STEP, "delay": DELAY}
    windows = timeseries.windows(series, series[:, 1], **sizes, batch_size=BATCH, shuffle=True, drop_remainder=True)
    whole = timeseries.windows(series, series[:, 1], **sizes, batch_size=args.steps * BATCH)
    x, y = next(iter(whole.as_numpy_iterator()))
    print(f"{args.steps} steps a pass, {args.pairs} pairs; the arrays take {x.nbytes / 2**20:.0f} MiB")
    for name, model in networks().items():
        fed, held = compare(model, windows, x, y, args.pairs)
        ratio = np.array(held) / np.array(fed)  # rate on windows / rate on arrays
        rates = f"{args.steps / np.median(fed):6.0f} steps/s on windows, {args.steps / np.median(held):6.0f} on arrays"
        print(f"{name:16s} {rates}, ratio {np.median(ratio):.2f} ({ratio.min():.2f} to {ratio.max():.2f})")


if __name__ == "__main__":
    main()
