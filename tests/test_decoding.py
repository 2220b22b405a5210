"""Greedy and beam search, against brute force over all sequences and against worked examples."""

import itertools

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from utils.decoding import Hypothesis, attribute_error, beam_search, greedy_decode

START, END = 9, 0  # the start token need not be in the vocabulary


def model(vocab, seed, share_of_zeros=0.0, decimals=None):
    """A step with its own random distribution after every prefix, and a list of the shapes it was called with.

    Rounding the probabilities makes ties likely; zeros make -inf.
    """
    tables, calls = {}, []

    def row(prefix):
        if prefix not in tables:
            rng = np.random.default_rng([seed, *prefix])
            p = rng.dirichlet(np.full(vocab, 0.7)) + 1e-3
            if decimals is not None:
                p = np.ceil(p * decimals)
            p[rng.random(vocab) < share_of_zeros] = 0
            p = p if p.sum() else np.ones(vocab)
            with np.errstate(divide="ignore"):
                tables[prefix] = np.log(p / p.sum())
        return tables[prefix]

    def step(prefixes):
        assert prefixes.dtype.kind == "i"
        assert (prefixes[:, 0] == START).all()
        calls.append(prefixes.shape)
        return np.stack([row(tuple(prefix.tolist())) for prefix in prefixes])

    step.row, step.calls = row, calls
    return step


def markov(table):
    """A step whose next token depends on the last one: row i of `table` follows token i, the last row the start."""
    with np.errstate(divide="ignore"):
        log_p = np.log(np.asarray(table))
    return lambda prefixes: log_p[np.where(prefixes.shape[1] == 1, len(log_p) - 1, prefixes[:, -1])]


def log_prob_of(step, tokens):
    """Add up the log-probabilities of the tokens, first to last."""
    total = 0.0
    for t, token in enumerate(tokens):
        total += min(step.row((START, *tokens[:t]))[token], 0.0)
    return total


def brute_force(step, vocab, max_len, length_penalty):
    """All complete sequences, and the cut ones of max_len tokens, with probability above 0; best score first."""
    words = [token for token in range(vocab) if token != END]
    sequences = [(*body, END) for length in range(max_len) for body in itertools.product(words, repeat=length)] + list(
        itertools.product(words, repeat=max_len)
    )
    scored = [(tokens, log_prob_of(step, tokens)) for tokens in sequences]
    scored = [(tokens, log_p, log_p / len(tokens) ** length_penalty) for tokens, log_p in scored if log_p > -np.inf]
    return sorted(scored, key=lambda entry: -entry[2])


# --------------------------------------------------------------------------------------------------- brute force

PENALTIES = st.sampled_from([0.0, 0.3, 0.7, 1.0, 2.0])


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    vocab=st.integers(2, 4),
    max_len=st.integers(1, 6),
    penalty=PENALTIES,
    zeros=st.booleans(),
)
def test_a_wide_beam_is_brute_force(seed, vocab, max_len, penalty, zeros):
    """With room for everything, all sequences come back, in the right order; they share out the probability 1."""
    step = model(vocab, seed, share_of_zeros=0.3 * zeros)
    expected = brute_force(step, vocab, max_len, penalty)
    hypotheses = beam_search(step, START, END, vocab**max_len, max_len, penalty)
    assert len(hypotheses) == len(expected)
    assert [h.score for h in hypotheses] == pytest.approx([score for _, _, score in expected])
    found = {h.tokens: h for h in hypotheses}
    for tokens, log_prob, score in expected:
        assert found[tokens].log_prob == pytest.approx(log_prob)
        assert found[tokens].score == pytest.approx(score)
        assert found[tokens].finished == (tokens[-1] == END)
    assert sum(np.exp(h.log_prob) for h in hypotheses) == pytest.approx(1)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), vocab=st.integers(2, 4), max_len=st.integers(1, 6), penalty=PENALTIES)
def test_the_best_sequences_are_those_of_brute_force_when_all_prefixes_fit(seed, vocab, max_len, penalty):
    """So many places hold all continuations of a step, but not all results: the search may stop early."""
    step = model(vocab, seed)
    width = (vocab - 1) ** (max_len - 1) * vocab
    expected = brute_force(step, vocab, max_len, penalty)[:width]
    hypotheses = beam_search(step, START, END, width, max_len, penalty)
    assert [h.score for h in hypotheses] == pytest.approx([score for _, _, score in expected])
    assert hypotheses[0].tokens == expected[0][0]


def reference_beam(step, vocab, width, max_len, penalty):
    """The same search without arrays and without early stopping, as lists of (log_prob, tokens)."""
    live, done = [(0.0, ())], []
    for _ in range(max_len):
        candidates = []
        for log_prob, tokens in live:
            for token in range(vocab):
                log_p = step.row((START, *tokens))[token]
                if log_p > -np.inf:
                    candidates.append((log_prob + min(log_p, 0.0), (*tokens, token)))
        candidates.sort(key=lambda candidate: -candidate[0])
        done += [c for c in candidates[:width] if c[1][-1] == END]
        live = [c for c in candidates[:width] if c[1][-1] != END]
    scored = [(log_p / len(tokens) ** penalty, tokens, log_p) for log_p, tokens in done + live]
    return sorted(scored, key=lambda entry: -entry[0])[:width]


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    vocab=st.integers(2, 6),
    width=st.integers(1, 9),
    max_len=st.integers(1, 7),
    penalty=PENALTIES,
    ties=st.booleans(),
)
def test_stopping_early_changes_nothing(seed, vocab, width, max_len, penalty, ties):
    """Equal, tie by tie, to a search that always goes on to max_len: narrow and wide, with and without penalty."""
    step = model(vocab, seed, share_of_zeros=0.2 * ties, decimals=3 if ties else None)
    expected = reference_beam(step, vocab, width, max_len, penalty)
    hypotheses = beam_search(step, START, END, width, max_len, penalty)
    assert [(h.score, h.tokens, h.log_prob) for h in hypotheses] == expected


# -------------------------------------------------------------------------------------------------------- greedy


@settings(max_examples=100, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    vocab=st.integers(1, 6),
    max_len=st.integers(1, 8),
    penalty=PENALTIES,
    ties=st.booleans(),
)
def test_width_one_is_greedy(seed, vocab, max_len, penalty, ties):
    step = model(vocab, seed, share_of_zeros=0.2 * ties, decimals=2 if ties else None)
    greedy = greedy_decode(step, START, END, max_len)
    (beam,) = beam_search(step, START, END, 1, max_len, penalty)
    assert (beam.tokens, beam.log_prob, beam.finished) == (greedy.tokens, greedy.log_prob, greedy.finished)
    assert beam.score == greedy.log_prob / len(greedy.tokens) ** penalty


def test_greedy_takes_the_most_probable_token_each_time():
    step = markov([[1, 0, 0], [0.2, 0.1, 0.7], [0.6, 0.3, 0.1], [0.1, 0.6, 0.3]])
    best = greedy_decode(step, START, END, 10)
    assert best == Hypothesis((1, 2, 0), pytest.approx(np.log(0.6 * 0.7 * 0.6)), pytest.approx(np.log(0.252)), True)


# ------------------------------------------------------------------------------------------- wider is not better

WIDER_IS_WORSE = np.array(
    [
        [0.35, 0.25, 0.20, 0.20],  # after the end token: never asked for
        [0.05, 0.25, 0.35, 0.35],
        [0.25, 0.35, 0.15, 0.25],
        [0.30, 0.25, 0.25, 0.20],
        [0.00, 0.40, 0.15, 0.45],  # after the start token
    ]
)
"""Found by a search over random tables in twentieths: two continuations of token 1 push the good end of token 3 out."""


def test_a_wider_beam_can_end_lower():
    step = markov(WIDER_IS_WORSE)
    results = {width: beam_search(step, START, END, width, 6)[0] for width in (1, 2, 3)}
    assert [results[width].tokens for width in (1, 2, 3)] == [(3, 0), (1, 3, 0), (3, 0)]
    assert np.exp([results[width].log_prob for width in (1, 2, 3)]) == pytest.approx([0.135, 0.042, 0.135])
    assert all(h.finished for h in results.values())


# -------------------------------------------------------------------------------------------- calls and stopping


@pytest.mark.parametrize("width", [1, 2, 5, 50])
def test_one_call_a_time_step_for_the_whole_beam(width):
    step = model(5, seed=3, share_of_zeros=0.0)
    step_without_end = lambda prefixes: never_ends(step(prefixes))  # noqa: E731
    beam_search(step_without_end, START, END, width, 6)
    assert step.calls == [(min(width, 4**t), t + 1) for t in range(6)]


def never_ends(log_p):
    """The same distribution without the end token."""
    log_p = log_p.copy()
    log_p[:, END] = -np.inf
    return log_p - np.log(np.exp(log_p).sum(axis=1, keepdims=True))


def test_without_penalty_the_search_stops_as_soon_as_nothing_better_can_come():
    calls = []

    def step(prefixes):
        calls.append(prefixes.shape)
        return np.log(np.tile([0.9, 0.06, 0.04], (len(prefixes), 1)))

    beam_search(step, START, END, 1, 100)
    assert len(calls) == 1, "width 1 stops at the end token"
    calls.clear()
    hypotheses = beam_search(step, START, END, 2, 100)
    assert [h.tokens for h in hypotheses] == [(0,), (1, 0)]
    assert len(calls) == 2, "two finished, and what lives is less probable than both"


def test_with_a_penalty_the_search_goes_on_as_long_as_a_score_can_rise():
    """Two short ones are finished and score above what lives, at its next length too; only five steps on it wins."""

    def step(prefixes):
        t = prefixes.shape[1]
        certain = [1 - 1e-9, 1e-9] if t >= 7 else [1e-9, 1 - 1e-9]
        return np.log(np.tile({1: [0.55, 0.45], 2: [0.8, 0.2]}.get(t, certain), (len(prefixes), 1)))

    plain = beam_search(step, START, END, 2, 8)
    normalised = beam_search(step, START, END, 2, 8, length_penalty=1.0)
    assert [h.tokens for h in plain] == [(0,), (1, 0)]
    assert [h.tokens for h in normalised] == [(1, 1, 1, 1, 1, 1, 0), (1, 0)]
    assert normalised[0].log_prob == pytest.approx(np.log(0.45 * 0.2))
    assert normalised[0].score == pytest.approx(np.log(0.45 * 0.2) / 7)
    assert plain[1].log_prob / 2 > normalised[0].log_prob / 3, "where a narrower bound would have stopped"


def test_a_finished_sequence_gives_its_place_back():
    """Width 2: one ends in the first step, and still two continuations of the other go through in the second."""
    step = markov([[1, 0, 0], [0.0, 0.5, 0.5], [0.9, 0.05, 0.05], [0.5, 0.4, 0.1]])
    shapes = []

    def watched(prefixes):
        shapes.append(len(prefixes))
        return step(prefixes)

    beam_search(watched, START, END, 2, 4)
    assert shapes[:3] == [1, 1, 2]


def test_cut_sequences_come_back_unfinished_and_compete():
    step = markov([[1, 0, 0], [0.1, 0.8, 0.1], [0.1, 0.8, 0.1], [0.1, 0.8, 0.1]])
    cut = greedy_decode(step, START, END, 3)
    assert (cut.tokens, cut.finished) == ((1, 1, 1), False)
    assert cut.log_prob == pytest.approx(3 * np.log(0.8))
    hypotheses = beam_search(step, START, END, 3, 3)
    assert hypotheses[0] == cut
    assert any(h.finished for h in hypotheses)
    assert [h.score for h in hypotheses] == sorted((h.score for h in hypotheses), reverse=True)


# ---------------------------------------------------------------------------------------- ties, zeros, odd widths


def test_ties_go_to_the_lower_token_and_the_earlier_prefix():
    step = markov(np.full((4, 3), 1 / 3))
    assert greedy_decode(step, START, 2, 5).tokens == (0, 0, 0, 0, 0)
    hypotheses = beam_search(step, START, 2, 3, 2)
    assert [h.tokens for h in hypotheses] == [(2,), (0, 2), (0, 0)], "finished before cut, then 0 before 1"
    assert beam_search(step, START, 2, 3, 2) == hypotheses


def test_impossible_tokens_never_appear():
    step = markov([[1, 0, 0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.5, 0.5]])
    hypotheses = beam_search(step, START, END, 50, 6)
    assert [h.tokens for h in hypotheses] == [(1, 0), (2, 1, 0)], "fewer than the width: there are no others"
    assert all(np.isfinite(h.log_prob) for h in hypotheses)
    certain = markov([[1, 0, 0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    assert [h.tokens for h in beam_search(certain, START, END, 2, 6)] == [(2, 1, 0)], "places left over stay empty"


def test_a_width_over_the_vocabulary_is_fine():
    step = model(3, seed=1)
    narrow, wide = (beam_search(step, START, END, width, 5) for width in (3, 40))
    assert wide[0].log_prob >= narrow[0].log_prob
    assert len(wide) <= 40


def test_start_may_be_the_end_token():
    step = markov([[0.4, 0.6], [0.7, 0.3], [0.4, 0.6]])
    assert greedy_decode(step, 0, 0, 5).tokens == (1, 0)
    assert greedy_decode(step, 0, 0, 5).finished
    assert beam_search(step, 0, 0, 1, 5)[0].tokens == (1, 0)


def test_a_step_that_spoils_its_argument_does_no_harm():
    plain = model(4, seed=5)

    def rude(prefixes):
        answer = plain(prefixes)
        prefixes[:] = 3
        return answer

    assert beam_search(rude, START, END, 3, 5) == beam_search(plain, START, END, 3, 5)


def test_hypotheses_hold_plain_numbers_and_cannot_be_changed():
    best = beam_search(model(4, seed=5), START, END, 3, 5, 0.5)[0]
    assert type(best.log_prob) is float
    assert type(best.score) is float
    assert all(type(token) is int for token in best.tokens)
    with pytest.raises(AttributeError):
        best.score = 0.0


def test_half_precision_is_accepted():
    step = model(4, seed=6)
    assert beam_search(lambda p: step(p).astype("float16"), START, END, 2, 4)[0].tokens == (
        beam_search(step, START, END, 2, 4)[0].tokens
    )


def test_bfloat16_is_accepted_at_the_size_of_real_vocabularies():
    """Equal chances are its worst case: every logarithm is off in the same direction, by half a unit of 8 bits."""
    for vocab in (2, 3, 5_000, 100_000, 140_000):
        log_p = np.full((1, vocab), -np.log(vocab)).astype(ml_dtypes.bfloat16)
        best = greedy_decode(lambda prefixes, log_p=log_p: np.repeat(log_p, len(prefixes), axis=0), START, END, 1)
        assert best.tokens == (0,) and best.log_prob == pytest.approx(-np.log(vocab), rel=2**-8)
    step = model(4, seed=6)
    rough = beam_search(lambda p: step(p).astype(ml_dtypes.bfloat16), START, END, 2, 4)[0]
    assert rough.tokens == beam_search(step, START, END, 2, 4)[0].tokens
    with pytest.raises(ValueError, match="Logits need a log-softmax"):
        greedy_decode(lambda p: np.array([[0.1, -0.2, -0.3]], ml_dtypes.bfloat16), START, END, 2)


def test_a_large_penalty_still_ranks_by_the_length():
    step = markov([[1, 0, 0], [0.2, 0.7, 0.1], [0.6, 0.3, 0.1], [0.1, 0.6, 0.3]])
    found = beam_search(step, START, END, 50, 4, length_penalty=400)
    lengths = [len(h.tokens) for h in found]
    assert lengths == sorted(lengths, reverse=True) and all(h.score < 0 for h in found)


# ------------------------------------------------------------------------------------------------------ bad input

DECODERS = [
    pytest.param(lambda step: greedy_decode(step, START, END, 4), id="greedy"),
    pytest.param(lambda step: beam_search(step, START, END, 2, 4), id="beam"),
]
HALVES = np.log([0.5, 0.5])


@pytest.mark.parametrize("decode", DECODERS)
@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda p: HALVES, "one row of log-probabilities for each prefix"),
        (lambda p: np.tile(HALVES, (len(p) + 1, 1)), "one row of log-probabilities for each prefix"),
        (lambda p: np.tile(HALVES, (*p.shape, 1)), r"of the \*next\* token only"),
        (lambda p: np.empty((len(p), 0)), "returned shape"),
        (lambda p: np.tile([0.5, 0.5], (len(p), 1)), "Logits need a log-softmax, probabilities a logarithm"),
        (lambda p: np.tile([3.0, -1.0], (len(p), 1)), "expected 1"),
        (lambda p: np.full((len(p), 2), -np.inf), "sum to 0"),
        (lambda p: np.full((len(p), 2), 1e9), "sum to inf"),
        (lambda p: np.full((len(p), 2), np.nan), "NaN"),
        (lambda p: np.full((len(p), 2), "a"), "real numbers"),
    ],
)
def test_a_bad_step_is_named(decode, answer, message):
    with pytest.raises(ValueError, match=message):
        decode(answer)


@pytest.mark.parametrize("decode", DECODERS)
def test_a_vocabulary_that_changes_is_named(decode):
    answers = {1: [0.2, 0.8], 2: [0.2, 0.4, 0.4]}
    with pytest.raises(ValueError, match=r"expected \(1, 2\)"):
        decode(lambda prefixes: np.log(np.tile(answers[prefixes.shape[1]], (len(prefixes), 1))))


@pytest.mark.parametrize("decode", DECODERS)
def test_a_vocabulary_of_the_end_token_alone_is_legal(decode):
    best = np.ravel(decode(lambda prefixes: np.zeros((len(prefixes), 1))))[0]
    assert (best.tokens, best.log_prob, best.finished) == ((END,), 0.0, True)


@pytest.mark.parametrize("decode", [greedy_decode, lambda step, start, end, n: beam_search(step, start, end, 2, n)])
def test_an_end_token_outside_the_vocabulary_is_named(decode):
    with pytest.raises(ValueError, match="the end token is 5, but step knows the tokens 0 to 3 only"):
        decode(model(4, seed=0), START, 5, 4)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"step": None}, TypeError, "expected a function"),
        ({"start": -1}, ValueError, "start is -1; expected a whole number, 0 or more"),
        ({"end": 1.0}, TypeError, "end is 1.0; expected a whole number"),
        ({"width": 0}, ValueError, "width is 0; expected a whole number, 1 or more"),
        ({"width": True}, TypeError, "width is True"),
        ({"max_len": 0}, ValueError, "max_len is 0; expected a whole number, 1 or more"),
        ({"length_penalty": -0.1}, ValueError, "0 or more"),
        ({"length_penalty": float("nan")}, ValueError, "finite"),
        ({"length_penalty": float("inf")}, ValueError, "finite"),
        ({"length_penalty": "1"}, TypeError, "expected a finite number"),
        ({"length_penalty": 1000.0}, ValueError, "beyond 1e300. Expected at most 498 here; common values are 0 to 1"),
    ],
)
def test_bad_arguments_are_named(change, error, message):
    good = {"step": model(3, seed=0), "start": START, "end": END, "width": 2, "max_len": 4, "length_penalty": 0.0}
    with pytest.raises(error, match=message):
        beam_search(**(good | change))
    if not {"width", "length_penalty"} & set(change):
        with pytest.raises(error, match=message):
            greedy_decode(**{name: (good | change)[name] for name in ("step", "start", "end", "max_len")})


def test_numpy_whole_numbers_are_welcome():
    step = model(4, seed=2)
    few = [np.int64(n) for n in (START, END, 3, 5)]
    assert beam_search(step, *few, np.float32(0.5))[0].tokens == beam_search(step, START, END, 3, 5, 0.5)[0].tokens


# ---------------------------------------------------------------------------------------------- whose fault it is


def test_the_search_is_to_blame_when_the_model_prefers_the_reference():
    assert attribute_error(-5.0, -6.0) == "search"
    assert attribute_error(-6.0, -5.0) == "model"
    assert attribute_error(-5.0, -5.0) == "model", "a tie: the search had no reason to prefer the reference"
    assert attribute_error(-np.inf, -5.0) == "model"
    assert attribute_error(np.float32(-5.0), -np.inf) == "search"
    assert attribute_error(-np.inf, -np.inf) == "model"


def test_a_penalty_can_move_the_blame():
    """The longer reference is less probable, but scores higher by the mean: judge by what the search ranks by."""
    reference, hypothesis, lengths = -6.0, -5.0, (8, 5)
    assert attribute_error(reference, hypothesis) == "model"
    assert attribute_error(reference / lengths[0], hypothesis / lengths[1]) == "search"


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), width=st.integers(1, 3), penalty=PENALTIES)
def test_a_full_search_is_never_to_blame(seed, width, penalty):
    step = model(3, seed)
    exhaustive = beam_search(step, START, END, 3**5, 5, penalty)
    best, beam = exhaustive[0], beam_search(step, START, END, width, 5, penalty)[0]
    for reference in exhaustive:
        assert attribute_error(reference.score, best.score) == "model"
    assert attribute_error(best.score, beam.score) == ("model" if beam.score == best.score else "search")


@pytest.mark.parametrize(
    ("pair", "error", "message"),
    [
        ((np.nan, -1.0), ValueError, "log_p_reference is nan"),
        ((-1.0, 0.3), ValueError, "log_p_hypothesis is 0.3; the logarithm of a probability is 0 or less"),
        (("-1", -1.0), TypeError, "expected a number"),
        ((-1.0, None), TypeError, "log_p_hypothesis is None"),
    ],
)
def test_what_is_no_log_probability_is_refused(pair, error, message):
    with pytest.raises(error, match=message):
        attribute_error(*pair)


@pytest.mark.parametrize("decode", [greedy_decode, lambda step, start, end, n: beam_search(step, start, end, 2, n)])
def test_the_end_token_may_be_the_last_of_the_vocabulary_and_no_further(decode):
    best = np.ravel(decode(lambda prefixes: np.log(np.tile([0.1, 0.2, 0.7], (len(prefixes), 1))), START, 2, 4))[0]
    assert (best.tokens, best.finished) == ((2,), True)
    for end, message in ((3, "the end token is 3, but step knows the tokens 0 to 2 only"), (-1, "end is -1; expected")):
        with pytest.raises(ValueError, match=message):
            decode(lambda prefixes: np.log(np.tile([0.1, 0.2, 0.7], (len(prefixes), 1))), START, end, 4)


@pytest.mark.parametrize("decode", DECODERS)
def test_rounding_is_not_taken_for_logits(decode):
    """A row may be off by what half precision rounds, on either side; a hundredth more is an error of the model."""
    for factor in (0.995, 1.005):
        assert np.ravel(decode(lambda prefixes: np.log(factor * np.full((len(prefixes), 4), 0.25))))[0].log_prob < 0  # noqa: B023
    for factor in (0.985, 1.015):
        with pytest.raises(ValueError, match=r"sum to (0\.985|1\.015)"):
            decode(lambda prefixes: np.log(factor * np.full((len(prefixes), 4), 0.25)))  # noqa: B023


@pytest.mark.parametrize("decode", DECODERS)
def test_a_certainty_that_rounding_put_above_0_costs_nothing(decode):
    best = np.ravel(decode(lambda prefixes: np.tile([1e-7, -np.inf], (len(prefixes), 1))))[0]
    assert (best.tokens, best.log_prob, best.score) == ((END,), 0.0, 0.0)
