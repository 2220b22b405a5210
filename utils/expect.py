"""What the test cells of the assignments ask of an answer, with messages that a student can act on.

What belongs here: comparing what a student's function returned with what was expected. What does not: what is right,
which stands in the assignment's own test cells, and points, which nbgrader counts. An answer (a list, an array, a
tensor) is turned into plain numbers or words first and compared then, so that no object decides itself whether it is
right; an object of any other kind is no answer.

>>> close([0.5, 1.0], [0.5, 1.0], "h_1")
>>> close(2.0, 6.0, "the slope", mistakes={"the sum is divided by T twice": 2.0})
Traceback (most recent call last):
    ...
AssertionError: the slope: got 2, expected 6. That is what comes out if the sum is divided by T twice.
"""

import sys
from collections.abc import Mapping

import numpy as np

SHOWN = 300
"""The most characters of a value in a message."""
NO_RETURN = "Does the function return its result?"


def close(got, wanted, what: str, *, rtol: float = 1e-6, atol: float = 1e-8, mistakes: Mapping | None = None) -> None:
    """Ask that an answer is an array of the expected shape and, within a tolerance, of the expected numbers.

    Parameters
    ----------
    got : object
        The answer: whatever NumPy can turn into an array of real numbers.
    wanted : array_like
        What is right, any shape.
    what : str
        What the answer is, as the message calls it: "the gradient of W_hh".
    rtol, atol : float
        The difference of each entry may be at most `atol + rtol * abs(wanted)`.
    mistakes : mapping of str to array_like, optional
        Well-known wrong answers by what leads to them. If the answer is one of them, the message says so.

    Raises
    ------
    AssertionError
        If the answer is none; the message says what was expected and what came.
    """
    __tracebackhide__ = True
    wanted = np.array(wanted, float)
    numbers = _numbers(got, wanted.shape, what)
    if numbers.shape != wanted.shape:
        turned = numbers.ndim == 2 and numbers.T.shape == wanted.shape
        hint = ". Rows and columns are exchanged" if turned else ""
        raise AssertionError(f"{what}: expected shape {wanted.shape}, got {numbers.shape}{hint}.")
    if _is_close(numbers, wanted, rtol, atol):
        return
    hint = _hint(mistakes, lambda wrong: _is_close(numbers, np.array(wrong, float), rtol, atol))
    if not np.isfinite(numbers).all() and np.isfinite(wanted).all():
        raise AssertionError(f"{what}: holds NaN or infinite values; every number should be finite.{hint}")
    if not wanted.ndim:
        raise AssertionError(f"{what}: got {numbers:.6g}, expected {wanted:.6g}.{hint}")
    with np.errstate(invalid="ignore"):
        apart = np.nan_to_num(np.abs(numbers - wanted), nan=np.inf)
    at = tuple(int(k) for k in np.unravel_index(apart.argmax(), apart.shape))
    place = ", ".join(map(str, at))
    raise AssertionError(
        f"{what}: the numbers differ, most of all at [{place}]: got {numbers[at]:.6g}, expected {wanted[at]:.6g}.{hint}"
    )


def equal(got, wanted, what: str, *, mistakes: Mapping | None = None) -> None:
    """Ask that an answer is exactly the expected words, whole numbers, or lists and dicts of them.

    Parameters
    ----------
    got : object
        The answer. A tuple or an array counts as a list; NumPy's numbers and words count as Python's.
    wanted : object
        What is right: str, int, bool, None, or lists, tuples, sets and dicts of them.
    what : str
        What the answer is, as the message calls it.
    mistakes : mapping of str to object, optional
        Well-known wrong answers by what leads to them.

    Raises
    ------
    AssertionError
        If the answer is another one; the message shows both and, in a list, the first place at which they differ.
    """
    __tracebackhide__ = True
    found, right = _plain(got), _plain(wanted)
    if _same(found, right):
        return
    if found is None:
        raise AssertionError(f"{what}: got None, expected {_short(right)}. {NO_RETURN}")
    hint = _hint(mistakes, lambda wrong: _same(found, _plain(wrong)))
    if isinstance(found, list) and isinstance(right, list):
        if len(found) != len(right):
            place = f" (length {len(found)} instead of {len(right)})"
        else:
            at = next(k for k, (one, other) in enumerate(zip(found, right)) if not _same(one, other))
            place = f" (they differ first at [{at}]: {_short(found[at])} instead of {_short(right[at])})"
    else:
        place = ""
    raise AssertionError(f"{what}: got {_short(found)}, expected {_short(right)}{place}.{hint}")


def parts(got, how_many: int, what: str) -> list:
    """Ask that an answer is a list or tuple of so many results, and return them as a list.

    Parameters
    ----------
    got : object
        The answer.
    how_many : int
        The number of results.
    what : str
        What the answer is, as the message calls it: "what weight_gradients returns".

    Returns
    -------
    list
        The results, as they are.

    Raises
    ------
    AssertionError
        If the answer is no list or tuple, or has another length.
    """
    __tracebackhide__ = True
    if got is None:
        raise AssertionError(f"{what}: got None, expected a list or tuple of length {how_many}. {NO_RETURN}")
    if not isinstance(got, (list, tuple)):
        kind = type(got).__name__
        raise AssertionError(f"{what}: expected a list or tuple of length {how_many}, got a {kind}: {_short(got)}.")
    found = list(got)
    if len(found) != how_many:
        raise AssertionError(f"{what}: expected {how_many} results, got {len(found)}: {_short(found)}.")
    return found


def _numbers(got, shape: tuple[int, ...], what: str) -> np.ndarray:
    """Return an answer as an array of float64 that is an array and nothing else."""
    __tracebackhide__ = True
    if got is None:
        raise AssertionError(f"{what}: got None, expected numbers of shape {shape}. {NO_RETURN}")
    if isinstance(got, _tensors()):
        got = got.numpy()
    if isinstance(got, np.ndarray):  # not through lists: it may be large
        array = np.ndarray.view(got, np.ndarray)
        if array.dtype.kind in "biuf":
            return array.astype(float)
    plain = _plain(got)
    try:
        if _holds_words(plain):
            raise TypeError
        return np.array(plain, dtype=float)
    except (TypeError, ValueError):
        kind = type(got).__name__
        raise AssertionError(f"{what}: expected numbers of shape {shape}, got a {kind}: {_short(plain)}.") from None


def _holds_words(plain) -> bool:
    """Whether NumPy would read numbers out of words ("3"), or out of nothing (None)."""
    if isinstance(plain, list):
        return any(map(_holds_words, plain))
    return not isinstance(plain, (bool, int, float))


def _is_close(numbers: np.ndarray, wanted: np.ndarray, rtol: float, atol: float) -> bool:
    return numbers.shape == wanted.shape and bool(np.allclose(numbers, wanted, rtol=rtol, atol=atol, equal_nan=True))


def _plain(value):
    """Return a value as Python's own words, numbers, lists, sets and dicts; anything else as what it is called.

    Only the methods of Python's and NumPy's own types are called: those of a type derived from them could look at the
    test that is asking, and answer what it expects.
    """
    if isinstance(value, _tensors()):
        value = value.numpy()
    if isinstance(value, np.ndarray):
        return _plain(np.ndarray.tolist(value))
    if isinstance(value, np.generic) and type(value).__module__ == "numpy":
        return _plain(np.generic.item(value))
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return "".join(str.__iter__(value))
    if isinstance(value, int):
        return int.__add__(value, 0)
    if isinstance(value, float):
        return float.__add__(value, 0.0)
    if isinstance(value, list):
        return [_plain(part) for part in list.__iter__(value)]
    if isinstance(value, tuple):
        return [_plain(part) for part in tuple.__iter__(value)]
    for kind in (set, frozenset):
        if isinstance(value, kind):
            return {_plain(part) for part in kind.__iter__(value)}
    if isinstance(value, dict):
        return {_plain(key): _plain(part) for key, part in dict.items(value)}
    return f"<a {type(value).__name__}>"


def _tensors() -> tuple[type, ...]:
    """Return the types of tensors and variables, where TensorFlow and Keras are loaded."""
    tf, keras = sys.modules.get("tensorflow"), sys.modules.get("keras")
    return (*((tf.Tensor, tf.Variable) if tf else ()), *((keras.Variable,) if keras else ()))


def _same(one, other) -> bool:
    """Compare two plain values; a number that is whole equals that whole number, but True is no 1."""
    if isinstance(one, bool) != isinstance(other, bool):
        return False
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(part, other[key]) for key, part in one.items())
    return one == other


def _short(value) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN else text[: SHOWN - 4] + " ..."


def _hint(mistakes: Mapping | None, fits) -> str:
    found = next((words for words, wrong in (mistakes or {}).items() if fits(wrong)), None)
    return "" if found is None else f" That is what comes out if {found}."
