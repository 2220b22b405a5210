"""Turning a model that predicts the next token into whole sequences: greedy search and beam search, in NumPy.

What belongs here: searches over a tree of prefixes, for any model behind a function `step`, and the question who is to
blame for a mistake. What does not: models (`utils.seq2seq` makes the `step` of a translator), sampling, and measures of
quality such as BLEU. Taught in `22_beam_search`.

A model comes as a function `step(prefixes)`. It gets whole numbers (n, t), n prefixes of t tokens each, the start token
first and the best prefix in the first row, and returns (n, vocab): in row i the natural logarithm of the probability of
each next token after prefix i. Rows must be distributions, exp(row) sums to 1; minus infinity means impossible. It is
called once a time step for all prefixes together, with n from 1 up to the width.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real

import numpy as np

from utils.arguments import finite_number, real_array, whole_number

Step = Callable[[np.ndarray], np.ndarray]
"""`step(prefixes)`: whole numbers (n, t) to log-probabilities (n, vocab)."""

_SUM_TOLERANCE = {"bfloat16": 6e-2}
"""How far a row's probabilities may be from the sum 1: above what rounding does, below what logits would do.

bfloat16 keeps 8 bits: the logarithm of 1 in 150,000, about -12, is off by up to 0.05. For all others 1e-2 will do.
"""


@dataclass(frozen=True)
class Hypothesis:
    """A sequence that a search came up with.

    Attributes
    ----------
    tokens : tuple of int
        Without the start token; the end token is the last one if, and only if, the sequence is finished.
    log_prob : float
        The sum of the log-probabilities of all `tokens`, the end token included, in nats.
    score : float
        ``log_prob / len(tokens) ** length_penalty``, what the search ranks by. The end token counts in the length.
    finished : bool
        False for a sequence cut off after `max_len` tokens. Its `log_prob` is that of all sequences that begin so.
    """

    tokens: tuple[int, ...]
    log_prob: float
    score: float
    finished: bool


def greedy_decode(step: Step, start: int, end: int, max_len: int) -> Hypothesis:
    """Return the sequence that takes the most probable token each time, until the end token or `max_len` tokens.

    Of equally probable tokens the lowest wins. The score is the log-probability.

    Parameters
    ----------
    step : callable
        The model, as the module says; it gets one prefix, (1, t).
    start, end : int
        The start token and the end token.
    max_len : int
        The most tokens to produce; the end token counts, the start token does not.

    Returns
    -------
    Hypothesis
        The sequence found.

    Raises
    ------
    TypeError
        If `step` is no function, or a token or length is no whole number.
    ValueError
        For a negative token or a length below 1, and for what `step` returns: a wrong shape, an end token outside the
        vocabulary, entries that are no real numbers, NaN, or rows that are no logarithms of distributions.
    """
    start, end, max_len = _checked_arguments(step, start, end, max_len)
    prefix, log_prob, vocab = [start], 0.0, None
    while len(prefix) <= max_len:
        log_p = _log_probabilities(step, np.array([prefix], dtype=np.int32), end, vocab)[0]  # (vocab,)
        vocab, token = len(log_p), int(np.argmax(log_p))
        prefix.append(token)
        log_prob += float(log_p[token])
        if token == end:
            break
    return Hypothesis(tuple(prefix[1:]), log_prob, log_prob, finished=prefix[-1] == end and len(prefix) > 1)


def beam_search(
    step: Step, start: int, end: int, width: int, max_len: int, length_penalty: float = 0.0
) -> list[Hypothesis]:
    """Return the best sequences that a beam of `width` prefixes finds, best score first.

    Each time step calls `step` once for all live prefixes, looks at all their continuations and lets the `width` most
    probable ones through. Those that end are finished: they are set aside and give their place in the beam back. The
    others live on. After `max_len` tokens what still lives is returned too, with ``finished=False``, and competes.
    With ``width=1`` this is `greedy_decode`.

    Parameters
    ----------
    step : callable
        The model, as the module says.
    start, end, max_len : int
        As for `greedy_decode`.
    width : int
        How many prefixes go through a step; may exceed the vocabulary.
    length_penalty : float
        The exponent alpha, 0 or more, in score = log_prob / length ** alpha. 0 ranks by probability, which favours
        short sequences; 1 by the mean log-probability of a token. It ranks the results; prefixes in the beam are all
        of one length, so it does not change which of them go through.

    Returns
    -------
    list of Hypothesis
        At most `width`, at least one. Fewer where continuations have probability 0: those are dropped.

    Raises
    ------
    TypeError
        As `greedy_decode`; also for a width that is no whole number or a penalty that is no number.
    ValueError
        As `greedy_decode`; also for a width below 1 and a penalty that is negative, not finite, or so large that
        max_len ** alpha is beyond what a float can hold.

    Notes
    -----
    The search stops early only when nothing it would still find can enter the result: `width` sequences are finished,
    and the worst of them is no worse than what a live prefix can still become. A longer prefix is never more probable,
    so that bound is log_prob / max_len ** alpha: for alpha = 0 just log_prob, for alpha > 0 more, as scores can rise.

    Ties go to the prefix with the higher rank, then to the lower token; in the result to the sequence found first, and
    to a finished one before a cut one.

    References
    ----------
    I. Sutskever, O. Vinyals, Q. V. Le (2014), "Sequence to sequence learning with neural networks", arXiv:1409.3215,
    section 3.2.
    """
    start, end, max_len = _checked_arguments(step, start, end, max_len)
    width = whole_number("width", width, least=1)
    length_penalty = finite_number("length_penalty", length_penalty, least=0)
    if length_penalty * math.log10(max_len) > 300:
        raise ValueError(
            f"length_penalty is {length_penalty}; {max_len} ** {length_penalty}, by which log-probabilities of "
            f"{max_len} tokens are divided, is beyond 1e300. Expected at most {300 / math.log10(max_len):.0f} here; "
            "common values are 0 to 1."
        )

    live, log_probs, vocab = np.array([[start]], dtype=np.int32), np.zeros(1), None  # (n, t), (n,)
    found = []  # finished, best first, at most `width`

    def with_found(prefixes, log_probs, finished):
        """Return `found` and new sequences together, best first; the sort is stable, so the earlier one wins a tie."""
        length = prefixes.shape[1] - 1
        new = [
            Hypothesis(tuple(prefix[1:].tolist()), float(log_p), float(log_p / length**length_penalty), finished)
            for prefix, log_p in zip(prefixes, log_probs)
        ]
        return sorted(found + new, key=lambda hypothesis: -hypothesis.score)[:width]

    for _ in range(max_len):
        log_p = _log_probabilities(step, live, end, vocab)
        vocab = log_p.shape[1]
        totals = (log_probs[:, None] + log_p).ravel()  # (n * vocab,): prefix by prefix, token by token
        best = _largest(totals, width)
        rows, tokens = np.divmod(best, vocab)
        prefixes = np.concatenate([live[rows], tokens[:, None].astype(np.int32)], axis=1)  # (<= width, t + 1)
        ended = tokens == end
        found = with_found(prefixes[ended], totals[best[ended]], True)
        live, log_probs = prefixes[~ended], totals[best[~ended]]
        if len(live) == 0:
            return found
        if len(found) == width and found[-1].score >= log_probs[0] / max_len**length_penalty:
            return found
    return with_found(live, log_probs, False)


def attribute_error(log_p_reference: float, log_p_hypothesis: float) -> str:
    """Say what is to blame when a search returned a worse sequence than the reference.

    Both figures come from the same model. If it gives the reference the higher one, the sequence was there and the
    search missed it. Otherwise no search could have preferred the reference.

    Parameters
    ----------
    log_p_reference, log_p_hypothesis : float
        What the search ranks by, at most 0; minus infinity is permitted. With a length penalty give both *scores*,
        log_prob / length ** penalty: the log-probabilities would judge a search that was never asked for the most
        probable sequence, and "model" then means the model *with this penalty*.

    Returns
    -------
    {"search", "model"}
        "model" also if both are equal, since nothing told the search to prefer the reference. "search" does not say
        that the reference is the best sequence, nor "model" that the search found the best one.

    Raises
    ------
    TypeError
        For what is no number.
    ValueError
        For NaN and for values above 0, which are no log-probabilities.

    References
    ----------
    A. Ng, "Error analysis in beam search", Sequence Models, course 5 of the Deep Learning Specialization, week 3; the
    tie is put there too.
    """
    for name, value in (("log_p_reference", log_p_reference), ("log_p_hypothesis", log_p_hypothesis)):
        if not isinstance(value, Real) or isinstance(value, bool):
            raise TypeError(f"{name} is {value!r}; expected a number, the logarithm of a probability.")
        if not value <= 1e-6:  # a float32 sum of logarithms of ones may be a little above 0
            raise ValueError(
                f"{name} is {value!r}; the logarithm of a probability is 0 or less. Take the logarithm first."
            )
    return "search" if log_p_reference > log_p_hypothesis else "model"


# ------------------------------------------------------------------------------------------------------------ parts


def _largest(values: np.ndarray, count: int) -> np.ndarray:
    """Return the places of the `count` largest values, largest first, equal ones in order; without minus infinity."""
    if count < len(values):
        threshold = np.partition(values, -count)[-count]
        places = np.flatnonzero((values >= threshold) & (values > -np.inf))
    else:
        places = np.flatnonzero(values > -np.inf)
    return places[np.argsort(-values[places], kind="stable")][:count]


def _log_probabilities(step: Step, prefixes: np.ndarray, end: int, vocab: int | None) -> np.ndarray:
    """Call `step` once; return its log-probabilities (n, vocab) as float64, or say what is wrong with them."""
    log_p = np.asarray(step(prefixes.copy()))  # a copy: a step that writes into its argument must not spoil the beam
    if log_p.ndim != 2 or len(log_p) != len(prefixes) or vocab not in (None, log_p.shape[1]) or log_p.shape[1] == 0:
        expected = (len(prefixes), vocab or "vocab")
        raise ValueError(
            f"step returned shape {log_p.shape} for prefixes of shape {prefixes.shape}; expected {expected}: "
            "one row of log-probabilities for each prefix, of the *next* token only."
        )
    tolerance = _SUM_TOLERANCE.get(log_p.dtype.name, 1e-2)
    try:
        log_p = real_array("what step returned", log_p)
    except TypeError as error:
        raise ValueError(f"{error} These should be log-probabilities.") from None
    if end >= log_p.shape[1]:
        raise ValueError(f"the end token is {end}, but step knows the tokens 0 to {log_p.shape[1] - 1} only.")
    log_p = log_p.astype(np.float64)
    if np.isnan(log_p).any():
        raise ValueError(
            "step returned NaN. Did the training diverge, or is a probability below 0 before the logarithm?"
        )
    with np.errstate(over="ignore"):
        sums = np.exp(log_p).sum(axis=1)
    worst = sums[np.argmax(np.abs(sums - 1))]
    if not abs(worst - 1) <= tolerance:
        raise ValueError(
            f"step returned a row whose probabilities, exp(row), sum to {worst:.4g}; expected 1. "
            "Logits need a log-softmax, probabilities a logarithm."
        )
    return np.minimum(log_p, 0.0)  # rounding may put a certainty a little above 0, and the bound needs sums that fall


def _checked_arguments(step, start, end, max_len) -> tuple[int, int, int]:
    """Check that `step` can be called, and return the whole numbers that both searches take."""
    if not callable(step):
        raise TypeError(f"step is {type(step).__name__}; expected a function of prefixes (n, t).")
    return (
        whole_number("start", start, least=0),
        whole_number("end", end, least=0),
        whole_number("max_len", max_len, least=1),
    )
