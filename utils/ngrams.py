"""N-gram language models: probabilities of the next token from counts, smoothed as in the lecture or by Kneser-Ney.

What belongs here: counting tokens, pairs and longer runs, and what follows from the counts: probability, perplexity and
samples. What does not: from text to tokens (`utils.text`), and networks. Taught in `11_ngram_language_model`.
"""

import math
from bisect import bisect_right
from collections.abc import Hashable, Iterable, Sequence
from itertools import accumulate

import numpy as np

from utils.arguments import finite_number, generator, whole_number

BACKOFFS = ("unigram", "shorter")
"""What a pair or a triple is smoothed towards: the tokens' own frequencies, or the model with one token less."""


class NGramModel:
    """A Markov model of tokens: the next one depends on the one or two before it, or on none.

    With m tokens in the vocabulary, and n(...) read off a text of n tokens, the lecture's three estimates are ::

        P(x)          = (n(x) + eps1 / m) / (n + eps1)
        P(x' | x)     = (n(x, x') + eps2 P(x')) / (n(x) + eps2)
        P(x'' | x, x') = (n(x, x', x'') + eps3 P(x'')) / (n(x, x') + eps3)

    The last one smooths towards P(x''), the frequency of x'' alone, not towards P(x'' | x').

    Parameters
    ----------
    order : int
        How many tokens an n-gram has: 1, 2 or 3. It uses `order - 1` tokens of context.
    eps : sequence of float
        One smoothing constant for each length of n-gram, `(eps1, ..., eps_order)`, each 0 or more. With 0 the model
        counts plainly; the larger, the nearer it comes to what it is smoothed towards (for eps1, all tokens alike).
    backoff : {"unigram", "shorter"}
        "unigram" is the lecture's. With "shorter" triples are smoothed towards P(x'' | x'); pairs are the same in both.

    Attributes
    ----------
    order, eps, backoff
        As given; `eps` is a tuple of floats.
    vocabulary : tuple
        The tokens that the model may predict, in the order in which they were first met. Empty before `fit`.

    Raises
    ------
    TypeError
        If `order` is no whole number, or `eps` no sequence of numbers.
    ValueError
        If `order` is not 1, 2 or 3, `eps` has another length or a negative number, or `backoff` is unknown.

    Notes
    -----
    *The end of the text.* As a context, n(x) and n(x, x') count only places that another token follows: the last token
    of the text is no such place. Otherwise the probabilities after it would not sum to one.

    *Contexts never seen.* Every estimate above is then its own back-off, whatever `eps` is; with `eps` 0, where
    the formula is 0/0, its limit is taken. So probabilities sum to one after any context, also one of foreign tokens.

    *The beginning.* A sequence's first token has no context and its second only one: there the shorter formula holds.

    References
    ----------
    Lecture B, "learning a language model"; Zhang, A., Lipton, Z. C., Li, M., Smola, A. J., *Dive into Deep Learning*,
    section 9.3. Jurafsky, D., Martin, J. H., *Speech and Language Processing*, chapter "N-gram language models".

    Examples
    --------
    >>> model = NGramModel(2, eps=(0, 0)).fit("the cat saw the dog".split())
    >>> model.probability("cat", ["the"])
    0.5
    """

    def __init__(self, order: int, eps: Sequence[float], backoff: str = "unigram") -> None:
        self.order = whole_number("order", order, least=1, most=3)
        self.eps = _one_each("eps", eps, self.order)
        if backoff not in BACKOFFS:
            raise ValueError(f"backoff is {backoff!r}; expected one of {', '.join(map(repr, BACKOFFS))}.")
        self.backoff = backoff
        self.vocabulary: tuple = ()
        self._known: frozenset = frozenset()
        self._following: dict[tuple, dict[Hashable, int]] = {}  # context: how often each token came next
        self._places: dict[tuple, int] = {}  # context: how often any token came next
        self._running: dict[tuple, tuple[list, list[int]]] = {}  # context: tokens and running counts, for samples

    def __repr__(self) -> str:
        """Return the call that makes this model."""
        return f"NGramModel(order={self.order}, eps={self.eps}, backoff={self.backoff!r})"

    def fit(self, tokens: Iterable[Hashable], vocabulary: Iterable[Hashable] | None = None) -> "NGramModel":
        """Count the n-grams of a text in one pass, and return the model; what was counted before is forgotten.

        Parameters
        ----------
        tokens : iterable of hashable
            The text: words, or the characters of a string. It may be a generator: it is read once.
        vocabulary : iterable of hashable, optional
            The tokens that the model may predict, those of the text included. The default is the tokens of the text.

        Raises
        ------
        ValueError
            If the text is empty, or has a token that `vocabulary` lacks.
        """
        following: dict[tuple, dict[Hashable, int]] = {(): {}}
        contexts: list[tuple] = [()]  # those that end here, from none to order - 1 tokens
        for token in tokens:
            for context in contexts:
                try:
                    counts = following[context]
                except KeyError:  # no setdefault: it would make a new dictionary for every token of the text
                    counts = following[context] = {}
                counts[token] = counts.get(token, 0) + 1
            contexts = [(), *((*context, token) for context in contexts[: self.order - 1])]
        seen = following[()]
        if not seen:
            raise ValueError("fit(tokens) got no token; expected a text of at least one.")
        words = tuple(dict.fromkeys(seen if vocabulary is None else vocabulary))
        known = frozenset(words)
        lacking = [token for token in seen if token not in known]
        if lacking:
            raise ValueError(
                f"vocabulary lacks {len(lacking)} tokens of the text, {lacking[0]!r} first; add them, or replace them "
                "in the text."
            )
        self.vocabulary, self._known = words, known
        self._following = following
        self._places = {context: sum(counts.values()) for context, counts in following.items()}
        self._running = {}
        return self

    def count(self, ngram: Sequence[Hashable]) -> int:
        """Return how often an n-gram of 1 to `order` tokens stands in the text: n(x), n(x, x') or n(x, x', x'').

        Raises
        ------
        ValueError
            If the n-gram has another length, or the model has not been fitted.
        """
        *context, token = self._checked(ngram, "ngram") or [None]
        if not 1 <= len(ngram) <= self.order:
            raise ValueError(f"ngram has {len(ngram)} tokens; expected 1 to {self.order}, the order of the model.")
        return self._following.get(tuple(context), {}).get(token, 0)

    def probability(self, token: Hashable, context: Sequence[Hashable] = ()) -> float:
        """Return the probability that `token` comes next after `context`.

        Parameters
        ----------
        token : hashable
            A token of the vocabulary.
        context : sequence of hashable
            The tokens before it, the nearest last. The model uses the last `order - 1` of them, or as many as there
            are; they need not be in the vocabulary.

        Raises
        ------
        TypeError
            If `context` is one string although the tokens are longer than a character.
        ValueError
            If `token` is not in the vocabulary, or the model has not been fitted.
        """
        context = self._checked(context, "context")
        return self._probability(token, self._nearest(context))

    def log_probability(self, tokens: Sequence[Hashable]) -> float:
        """Return the natural logarithm of the probability of a whole sequence; minus infinity if it is impossible.

        Parameters
        ----------
        tokens : sequence of hashable
            Tokens of the vocabulary. The empty sequence has probability 1.

        Raises
        ------
        TypeError, ValueError
            As `probability`.
        """
        tokens = self._checked(tokens, "tokens")
        total = 0.0
        for at, token in enumerate(tokens):
            chance = self._probability(token, self._nearest(tokens[max(0, at - 2) : at]))
            if chance == 0:
                return -math.inf
            total += math.log(chance)
        return total

    def perplexity(self, tokens: Sequence[Hashable]) -> float:
        """Return the perplexity of a sequence, exp(-log P / number of tokens): 1 at best, m for a uniform guess.

        Raises
        ------
        TypeError, ValueError
            As `probability`; also ValueError for an empty sequence.
        """
        tokens = self._checked(tokens, "tokens")
        if not tokens:
            raise ValueError("tokens is empty; expected at least one token, as perplexity is a mean over tokens.")
        return math.exp(-self.log_probability(tokens) / len(tokens))

    def sample(self, num_tokens: int, rng: np.random.Generator, start: Sequence[Hashable] = ()) -> list:
        """Draw tokens, each given those drawn before it.

        Parameters
        ----------
        num_tokens : int
            How many, 0 or more.
        rng : numpy.random.Generator
            Where chance comes from.
        start : sequence of hashable
            Tokens that stand before the first one drawn. They are not returned.

        Returns
        -------
        list
            `num_tokens` tokens of the vocabulary.

        Raises
        ------
        TypeError, ValueError
            For arguments of a wrong type or value, and for a model that has not been fitted.

        Notes
        -----
        (n(x, x') + eps P(x')) / (n(x) + eps) is a mixture: with probability n(x) / (n(x) + eps) the token is drawn from
        those that followed x in the text, otherwise from P. So no distribution over the whole vocabulary is computed.
        """
        num_tokens = whole_number("num_tokens", num_tokens, least=0)
        generator("rng", rng)
        drawn = self._checked(start, "start")
        length = len(drawn)
        for _ in range(num_tokens):
            drawn.append(self._draw(self._nearest(drawn[-2:]), rng))
        return drawn[length:]

    # -------------------------------------------------------------------------------------------------- one context

    def _nearest(self, context: Sequence) -> tuple:
        """Return the part of a context that the model uses."""
        return tuple(context[-(self.order - 1) :]) if self.order > 1 else ()

    def _shorter(self, context: tuple) -> tuple:
        """Return the context that an estimate is smoothed towards."""
        return () if self.backoff == "unigram" else context[1:]

    def _probability(self, token, context: tuple) -> float:
        if token not in self._known:
            raise ValueError(
                f"{token!r} is not in the vocabulary of {len(self.vocabulary)} tokens; replace it, for example by "
                "'<unk>', or name it in fit(tokens, vocabulary=...)."
            )
        eps = self.eps[len(context)]
        towards = self._probability(token, self._shorter(context)) if context else 1 / len(self.vocabulary)
        places = self._places.get(context, 0)
        if places == 0:
            return towards
        return (self._following[context].get(token, 0) + eps * towards) / (places + eps)

    def _draw(self, context: tuple, rng: np.random.Generator):
        places = self._places.get(context, 0)
        point = rng.random() * (places + self.eps[len(context)])
        if places == 0 or point >= places:
            return (
                self._draw(self._shorter(context), rng) if context else self.vocabulary[rng.integers(len(self._known))]
            )
        if context not in self._running:
            counts = self._following[context]
            self._running[context] = list(counts), list(accumulate(counts.values()))
        tokens, running = self._running[context]
        return tokens[bisect_right(running, point)]

    # ------------------------------------------------------------------------------------------------------- checks

    def _checked(self, tokens: Sequence, name: str) -> list:
        """Return tokens as a list. Raises for a model without counts, and for a string where words are expected."""
        if not self.vocabulary:
            raise ValueError("this model has counted nothing yet; call fit(tokens) first.")
        if isinstance(tokens, str) and any(isinstance(token, str) and len(token) > 1 for token in self.vocabulary):
            raise TypeError(
                f"{name} is the string {tokens[:40]!r}; expected a list of tokens, such as {tokens.split()[:3]}."
            )
        try:
            return list(tokens)
        except TypeError:
            raise TypeError(f"{name} is {tokens!r}; expected a sequence of tokens.") from None


class KneserNey:
    """Interpolated modified Kneser-Ney: an n-gram model of any order, and for long texts.

    With n(hw) for how often the token w follows the context h, and h' for the context without its farthest token, ::

        P(w | h) = (n(hw) - D(n(hw))) / n(h) + gamma(h) P(w | h')

    where gamma(h) is what the discounts D have left over, so that the sum over w is 1. In the shorter contexts n counts
    something else: not how often w followed h', but how many *different* tokens v stood before it, as vh'w. Below the
    single tokens stands the uniform distribution over the vocabulary.

    Parameters
    ----------
    order : int
        How many tokens an n-gram has, 1 or more. The model uses `order - 1` tokens of context.
    discounts : sequence of float, optional
        One constant from 0 to 1 for each length of n-gram, `(D_1, ..., D_order)`. By default each length has three, for
        counts of 1, of 2, and of 3 or more, estimated from the text ("modified" Kneser-Ney).

    Attributes
    ----------
    order, discounts
        As given; `discounts` is a tuple of floats, or None.
    vocabulary : tuple
        The tokens that the model may predict. Empty before `fit`.

    Raises
    ------
    TypeError
        If `order` is no whole number, or `discounts` no sequence of numbers.
    ValueError
        If `order` is below 1, or `discounts` has another length or a number outside of 0 to 1.

    Notes
    -----
    NLTK's `KneserNeyInterpolated` goes through all contexts of the text at each look-up, which a text of a million
    characters does not permit; here everything is arrays. With `discounts=(0, D, ..., D)` the probabilities after a
    context that has a follower are NLTK's.

    A discount that cannot be estimated, as the text lacks n-grams of the counts that it takes, is half its count; one
    that comes out negative is 0.

    References
    ----------
    Chen, S. F., Goodman, J. (1998). An empirical study of smoothing techniques for language modeling. Harvard
    University, TR-10-98, sections 2.7 and 3.2. Kneser, R., Ney, H. (1995). Improved backing-off for m-gram language
    modeling. ICASSP, 181-184.
    """

    def __init__(self, order: int, discounts: Sequence[float] | None = None):
        """Remember the settings; `fit` counts."""
        self.order = whole_number("order", order, least=1)
        self.discounts = None if discounts is None else _one_each("discounts", discounts, self.order, most=1)
        self.vocabulary: tuple = ()
        self._index: dict[Hashable, int] = {}
        self._levels: list[_Level] = []

    def __repr__(self) -> str:
        """Return the call that makes this model."""
        return f"KneserNey(order={self.order}, discounts={self.discounts})"

    def fit(self, tokens: Iterable[Hashable], vocabulary: Iterable[Hashable] | None = None) -> "KneserNey":
        """Count a text, and return the model; what was counted before is forgotten.

        Parameters
        ----------
        tokens : iterable of hashable
            The text: the characters of a string, or words. At least `order` of them.
        vocabulary : iterable of hashable, optional
            The tokens that the model may predict, those of the text included. The default is the tokens of the text.

        Raises
        ------
        ValueError
            If the text is shorter than `order`, or has a token that `vocabulary` lacks.
        """
        tokens = list(tokens)
        if len(tokens) < self.order:
            raise ValueError(f"fit(tokens) got {len(tokens)} tokens; expected at least {self.order}, the order.")
        self.vocabulary = tuple(dict.fromkeys(tokens if vocabulary is None else vocabulary))
        self._index = {token: number for number, token in enumerate(self.vocabulary)}
        ids, size = self._numbers(tokens), len(self.vocabulary)
        # The different k-grams of the text are numbered in the order of their keys; `grams[s]` is the number of the
        # one that begins at s. A key is the number of the context and the token after it, in one.
        grams, tables = np.zeros(len(ids) + 1, np.int64), []
        for k in range(1, self.order + 1):
            shorter, keys = grams, grams[: len(ids) - k + 1] * size + ids[k - 1 :]
            contexts = 1 if k == 1 else len(tables[-1][0])
            found, first, grams, times = np.unique(keys, return_index=True, return_inverse=True, return_counts=True)
            if k > 1:  # each different k-gram is one token more before the (k-1)-gram that it ends with
                tables[-1][2] = np.bincount(shorter[first + 1], minlength=contexts)
            tables.append([found, contexts, times])
        self._levels = [
            _Level(found, contexts, times, size, self._taken(k, times))
            for k, (found, contexts, times) in enumerate(tables)
        ]
        return self

    def bits(self, tokens: Sequence[Hashable]) -> np.ndarray:
        """Return -log2 P of each token of a sequence, given those before it in the sequence.

        The mean is the cross-entropy in bits a token, and 2 to the power of it the perplexity.

        Parameters
        ----------
        tokens : sequence of hashable
            Tokens of the vocabulary.

        Returns
        -------
        numpy.ndarray
            (tokens,), float64; infinite where a token is impossible (only with `discounts`, for a token never seen).

        Raises
        ------
        ValueError
            If a token is not in the vocabulary, or the model has not been fitted.
        """
        ids = self._numbers(tokens)
        chances = np.full(len(ids), 1 / max(len(self.vocabulary), 1))
        grams = np.zeros(len(ids) + 1, np.int64)
        for k, level in enumerate(self._levels[: len(ids)]):
            chances[k:], grams = level.mixed(grams[: len(ids) - k], ids[k:], chances[k:])
        with np.errstate(divide="ignore"):
            return -np.log2(chances)

    def probabilities(self, context: Sequence[Hashable] = ()) -> np.ndarray:
        """Return the probability of every token of the vocabulary to come next after `context`.

        Parameters
        ----------
        context : sequence of hashable
            The tokens before it, the nearest last. The model uses the last `order - 1` of them, and none beyond a token
            that is not in the vocabulary.

        Returns
        -------
        numpy.ndarray
            In the order of `vocabulary`; the sum is 1.

        Raises
        ------
        ValueError
            If the model has not been fitted.
        """
        self._numbers(())  # raises before fit
        near = [self._index.get(token, -1) for token in context[max(0, len(context) - self.order + 1) :]]
        near = near[len(near) - near[::-1].index(-1) :] if -1 in near else near
        every = np.arange(len(self.vocabulary))
        chances = np.full(len(every), 1 / len(every))
        for k in range(len(near) + 1):
            gram = self._gram(near[len(near) - k :])
            chances, _ = self._levels[k].mixed(np.full(len(every), gram), every, chances)
        return chances

    def sample(self, num_tokens: int, rng: np.random.Generator, start: Sequence[Hashable] = ()) -> list:
        """Draw tokens, each given those drawn before it; arguments, value and errors as `NGramModel.sample`."""
        num_tokens = whole_number("num_tokens", num_tokens, least=0)
        generator("rng", rng)
        self._numbers(())  # raises before fit
        drawn = [self._index.get(token, -1) for token in start]
        for _ in range(num_tokens):
            drawn.append(self._drawn(drawn[max(0, len(drawn) - self.order + 1) :], rng))
        return [self.vocabulary[number] for number in drawn[len(drawn) - num_tokens :]]

    def _drawn(self, near: list[int], rng: np.random.Generator) -> int:
        """Return the number of a token drawn after others: from the followers of a context, or of the shorter one."""
        for k in range(len(near), -1, -1):
            gram = self._gram(near[len(near) - k :])
            token = self._levels[k].drawn(gram, rng.random()) if gram >= 0 else -1
            if token >= 0:
                return token
        return int(rng.integers(len(self.vocabulary)))

    def _gram(self, numbers: list[int]) -> int:
        """Return the number of an n-gram (that of none is 0), or -1 if the text lacks it."""
        gram = 0
        for level, token in zip(self._levels, numbers):
            gram = level.number(gram, token)
        return gram

    def _taken(self, k: int, times: np.ndarray) -> np.ndarray:
        """Return what is taken from counts of 0, 1, 2, and 3 or more, for n-grams of k + 1 tokens."""
        if self.discounts is not None:
            return np.array([0.0, *[self.discounts[k]] * 3])
        n = [np.count_nonzero(times == count) for count in range(5)]  # equation 17 of the paper, from here on
        share = n[1] / max(n[1] + 2 * n[2], 1)
        taken = [c - (c + 1) * share * n[c + 1] / n[c] if n[1] and n[2] and n[c] else c / 2 for c in (1, 2, 3)]
        return np.array([0.0, *np.maximum(taken, 0)])

    def _numbers(self, tokens: Sequence[Hashable]) -> np.ndarray:
        """Return tokens as their numbers in the vocabulary. Raises for others, and for a model without counts."""
        if not self._index:
            raise ValueError("this model has counted nothing yet; call fit(tokens) first.")
        lacking = set(tokens) - self._index.keys()
        if lacking:
            raise ValueError(
                f"the vocabulary of {len(self.vocabulary)} tokens lacks {len(lacking)} of these, "
                f"{min(lacking, key=str)!r} among them; replace them, or name them in fit(tokens, vocabulary=...)."
            )
        return np.fromiter((self._index[token] for token in tokens), np.int64, len(tokens))


class _Level:
    """The n-grams of one length of a `KneserNey`: what follows their contexts, discounted."""

    def __init__(self, keys: np.ndarray, contexts: int, times: np.ndarray, size: int, taken: np.ndarray):
        """Take the sorted keys (context times `size` plus token), their counts, and the four discounts."""
        self.keys, self.size = keys, size
        off = taken[np.minimum(times, 3)]
        context = keys // size
        total = np.bincount(context, times, minlength=contexts)
        # A context without a follower has a total of 0: it leaves everything to the shorter one.
        self.left = np.divide(np.bincount(context, off, contexts), total, out=np.ones(contexts), where=total > 0)
        self.share = np.divide(times - off, total[context], out=np.zeros(len(keys)), where=total[context] > 0)

    def number(self, context: int, token: int) -> int:
        """Return the number of one n-gram, or -1 if the text lacks it."""
        if context < 0 or token < 0:
            return -1
        key = context * self.size + token
        at = int(np.searchsorted(self.keys, key))
        return at if at < len(self.keys) and self.keys[at] == key else -1

    def drawn(self, context: int, point: float) -> int:
        """Return the follower of a context at a point from 0 to 1 of their shares, or -1 in what they leave over."""
        first, last = np.searchsorted(self.keys, [context * self.size, (context + 1) * self.size])
        running = np.cumsum(self.share[first:last])
        at = int(np.searchsorted(running, point, side="right"))
        return int(self.keys[first + at]) - context * self.size if at < len(running) else -1

    def mixed(self, contexts: np.ndarray, tokens: np.ndarray, shorter: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return P of each token after its context (-1: unknown), given that after the shorter one; and n-grams."""
        keys = np.where(contexts >= 0, contexts * self.size + tokens, -1)
        at = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        hit = self.keys[at] == keys
        chances = np.where(hit, self.share[at], 0) + np.where(contexts >= 0, self.left[contexts], 1) * shorter
        return chances, np.where(hit, at, -1)


def _one_each(name: str, values, order: int, most: float | None = None) -> tuple[float, ...]:
    """Return one constant for each length of n-gram as a tuple of `order` floats from 0 to `most`."""
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise TypeError(f"{name} is {values!r}; expected a sequence of {order} numbers, one for each length of n-gram.")
    values = tuple(finite_number(f"{name}[{k}]", value, least=0, most=most) for k, value in enumerate(values))
    if len(values) != order:
        raise ValueError(
            f"{name} has {len(values)} numbers; expected {order}, one for each length of n-gram up to {order}."
        )
    return values
