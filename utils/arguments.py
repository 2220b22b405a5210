"""Checks of arguments that several modules share: whole and finite numbers, pairs, arrays of numbers, generators.

What belongs here: a check that two modules need, with one behaviour and one message. What does not: checks that know a
task (shapes of windows, names of variants), which stay with the function that needs them.

Every check returns its argument in a plain form, so that a caller writes ``n = whole_number("n", n, least=1)``. A wrong
*type* raises TypeError, a right type with a wrong *value* ValueError; the message names the argument, shows what came,
and says what was expected.
"""

import math
import operator
from numbers import Real

import numpy as np


def whole_number(name: str, value, least: int | None = None, most: int | None = None) -> int:
    """Return a whole number as a plain `int`.

    Parameters
    ----------
    name : str
        What the caller calls the argument; it begins the message.
    value : int
        A Python integer, or anything that is one by `operator.index`: NumPy's integers, an integer array without axes.
    least, most : int, optional
        The smallest and the largest value permitted, both included.

    Returns
    -------
    int
        The same number.

    Raises
    ------
    TypeError
        For any other type: a bool, a float (800.0 too, which is how a rounding error would come in), NaN, a string.
    ValueError
        For a number below `least` or above `most`.
    """
    expected = f"expected a whole number{_range(least, most)}."
    hint = " Write int(...) or // where a division makes a float." if isinstance(value, float | np.floating) else ""
    try:
        if isinstance(value, bool | np.bool_):
            raise TypeError
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} is {_shown(value)}; {expected}{hint}") from None
    if (least is not None and number < least) or (most is not None and number > most):
        raise ValueError(f"{name} is {number}; {expected}")
    return number


def finite_number(name: str, value, least: float | None = None, most: float | None = None) -> float:
    """Return a real number that is neither NaN nor infinite as a plain `float`.

    Parameters
    ----------
    name : str
        What the caller calls the argument; it begins the message.
    value : float
        A number of Python or NumPy, whole ones included.
    least, most : float, optional
        The smallest and the largest value permitted, both included.

    Returns
    -------
    float
        The same number.

    Raises
    ------
    TypeError
        For a bool or anything that is no real number.
    ValueError
        For NaN, an infinite number, or one below `least` or above `most`.
    """
    expected = f"expected a finite number{_range(least, most)}."
    if isinstance(value, bool | np.bool_) or not isinstance(value, Real):
        raise TypeError(f"{name} is {_shown(value)}; {expected}")
    try:
        number = float(value)
    except OverflowError:  # a whole number of more than 308 digits
        number = math.inf
    if not math.isfinite(number) or (least is not None and number < least) or (most is not None and number > most):
        raise ValueError(f"{name} is {_shown(value)}; {expected}")
    return number


def real_array(name: str, value) -> np.ndarray:
    """Return an array of real numbers as NumPy knows them.

    Parameters
    ----------
    name : str
        What the caller calls the argument; it begins the message.
    value : array_like
        Anything that `numpy.asarray` takes. Types from outside NumPy, such as the bfloat16 of TensorFlow and JAX,
        become float32, which holds them exactly.

    Returns
    -------
    numpy.ndarray
        Of a floating, integer or bool type; the same object if it was such an array.

    Raises
    ------
    TypeError
        For text, objects, complex numbers, dates, and rows of unequal length.
    """
    try:
        array = np.asarray(value)
    except ValueError:
        raise TypeError(f"{name} has rows of unequal length; expected an array of real numbers.") from None
    if array.dtype.kind in "fiub":
        return array
    if array.dtype.kind == "V" and np.can_cast(array.dtype, np.float32):
        return array.astype(np.float32)
    raise TypeError(f"{name} holds entries of type {array.dtype}; expected real numbers.")


def two_numbers(name: str, value, expected: str) -> tuple:
    """Return two things, unchecked, of a pair such as the size of a picture or the ends of a range.

    Parameters
    ----------
    name : str
        What the caller calls the argument.
    value : sequence of two
        A tuple, list or array.
    expected : str
        What the two are, with an example: "height and width, (32, 32)".

    Raises
    ------
    TypeError
        If it is not two things.
    """
    try:
        first, second = value
    except (TypeError, ValueError):
        raise TypeError(f"{name} is {_shown(value)}; expected two numbers: {expected}.") from None
    return first, second


def generator(name: str, value) -> np.random.Generator:
    """Return a NumPy random generator unchanged.

    Parameters
    ----------
    name : str
        What the caller calls the argument; it begins the message.
    value : numpy.random.Generator
        The generator. A seed is refused: of two functions that get the same seed each would draw the same numbers.

    Returns
    -------
    numpy.random.Generator
        The same object.

    Raises
    ------
    TypeError
        For anything else; the message shows how to make one.
    """
    if not isinstance(value, np.random.Generator):
        raise TypeError(
            f"{name} is {_shown(value)}; expected a numpy.random.Generator. Write {name}=np.random.default_rng(seed)."
        )
    return value


def _range(least, most) -> str:
    """Say in words which values are permitted."""
    if least is not None and most is not None:
        return f" from {least} to {most}"
    return f", {least} or more" if least is not None else f", {most} or less" if most is not None else ""


def _shown(value) -> str:
    """Return what stands in a message for a value: its repr, cut short."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
