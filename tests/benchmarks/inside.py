"""What the clock looks at inside a notebook's kernel: seconds in loaders, and in first calls of a `tf.function`.

`tests.benchmarks.course` names this file in PYTHONSTARTUP, so that IPython runs it before the first cell; nothing of it
is in `utils`. It changes two modules at the moment they are imported, and after each cell writes what it has counted so
far to the file that CLOCK_INTO names: one line of JSON a cell.

`data` is the time in `utils.datasets.load_*`. `first` is that in calls of a `tf.function` which traced it: tracing,
optimising and compiling, and one execution, since TensorFlow offers Python no clock that parts them. Only outermost
calls count, so that nothing is counted twice; what is drawn up without such a call (`Dataset.map`) is not in it.
"""


def _watch():
    import functools
    import importlib.machinery
    import json
    import os
    import sys
    import time

    into, seconds, depth = os.environ.pop("CLOCK_INTO"), {"data": 0.0, "first": 0.0}, {"data": 0, "first": 0}

    def timed(call, kind, counts=lambda found, before: True, state=lambda *args: None):
        @functools.wraps(call)
        def wrapper(*args, **kwargs):
            if depth[kind]:
                return call(*args, **kwargs)
            depth[kind], before, begun = 1, state(*args), time.perf_counter()
            try:
                return call(*args, **kwargs)
            finally:
                depth[kind] = 0
                if counts(state(*args), before):
                    seconds[kind] += time.perf_counter() - begun

        return wrapper

    def loaders(module):
        find = module.__getattr__

        def found(name):
            value = find(name)
            return timed(value, "data") if name.startswith("load_") else value

        module.__getattr__ = found

    def functions(module):
        cls = module.Function

        def traced(function, *_):
            return function.experimental_get_tracing_count()

        cls.__call__ = timed(cls.__call__, "first", lambda now, before: now != before, traced)

    changes = {
        "utils.datasets": loaders,
        "tensorflow.python.eager.polymorphic_function.polymorphic_function": functions,
    }

    class Finder:
        @staticmethod
        def find_spec(name, path=None, target=None):
            spec = importlib.machinery.PathFinder.find_spec(name, path, target) if name in changes else None
            if spec is not None:
                run = spec.loader.exec_module

                def exec_module(module):
                    run(module)
                    changes[name](module)

                spec.loader.exec_module = exec_module
            return spec

    def say(result):
        with open(into, "a", encoding="utf-8") as file:
            file.write(json.dumps(seconds) + "\n")

    sys.meta_path.insert(0, Finder)
    from IPython import get_ipython

    get_ipython().events.register("post_run_cell", say)


_watch()
del _watch
