"""Sequence to sequence: words to numbers, an encoder, a decoder with attention, its loss, and fast decoding.

What belongs here: the translator of `24_machine_translation`, which builds it step by step, and what surrounds it. What
does not: attention itself (`utils.attention`), search over prefixes (`utils.decoding`; `Translator.step` makes its
`step`), files (`utils.datasets`) and measures of quality such as BLEU.

Numbers of tokens: 0 is padding, 1 an unknown word, 2 the start and 3 the end of a sentence; words begin at 4. Zeros
stand on the right.

>>> english = Vocabulary.build(map(tokenise, pairs.source), max_size=6000)
>>> french = Vocabulary.build(map(tokenise, pairs.target), max_size=6000)
>>> sources = english.encode(map(tokenise, pairs.source), length=7)           # (pairs, 7)
>>> targets = french.encode(map(tokenise, pairs.target), length=10, markers=True)  # (pairs, 10), start ... end
>>> translator = Translator(translation_model(len(english), len(french)))
>>> translator.model.compile("adam", masked_loss, metrics=[MaskedLoss(), MaskedAccuracy()])
>>> translator.model.fit(*teacher_forcing(sources, targets), batch_size=256)
>>> found = translator.greedy(sources[:5], max_len=9)                         # (5, 9)
>>> best = beam_search(translator.step(sources[0]), START, END, width=5, max_len=9)
>>> detokenise(french.decode(best[0].tokens))
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import keras
import numpy as np
import scipy.special
from keras import ops

from utils.arguments import whole_number
from utils.attention import AdditiveAttention

PAD, UNKNOWN, START, END = range(4)
SPECIAL = ("[PAD]", "[UNK]", "[START]", "[END]")
"""The words of the four tokens that are none."""

# ------------------------------------------------------------------------------------------------------------ words

_ELIDED = "(?:jusqu|lorsqu|puisqu|quoiqu|qu|[cdjlmnst])'"
_WORD = re.compile(rf"{_ELIDED}(?=\w)|\w+(?:['\u200c]\w+)*")


def tokenise(text: str) -> list[str]:
    """Return the words of an English or French sentence in lower case, without punctuation; accents stay.

    French words that lost their vowel are words of their own and keep the apostrophe: "L'homme n'est" gives l', homme,
    n', est, so that `homme` is one word whatever stands before it. English don't and it's stay whole. Hyphens part
    words. All forms of the apostrophe and of the space are one; so are the two ways to write é in Unicode.

    Parameters
    ----------
    text : str
        One sentence.

    Returns
    -------
    list of str
        Its words in order.

    Raises
    ------
    TypeError
        For anything but a str.
    """
    if not isinstance(text, str):
        raise TypeError(f"tokenise takes one sentence (str), not {type(text).__name__}; call it once for each.")
    return _WORD.findall(re.sub("[’‘ʼ`´]", "'", unicodedata.normalize("NFC", text)).lower())


def detokenise(words: Iterable[str]) -> str:
    """Return words as one text.

    Parameters
    ----------
    words : iterable of str
        As `tokenise` returns them.

    Returns
    -------
    str
        The words with spaces between them, none after an elided l' or qu'.
    """
    return re.sub(rf"(?<!\S)({_ELIDED}) ", r"\1", " ".join(words))


@dataclass(frozen=True, repr=False)
class Vocabulary:
    """Words and their numbers; made by `Vocabulary.build`.

    Attributes
    ----------
    words : tuple of str
        `words[number]` is the word; the first four are `SPECIAL`.
    """

    words: tuple[str, ...]

    @classmethod
    def build(cls, sentences: Iterable[Sequence[str]], max_size: int | None = None, min_count: int = 1) -> "Vocabulary":
        """Return the vocabulary of some sentences: the most frequent word gets the number 4.

        Equally frequent words are in the order of the alphabet, so equal sentences in any order give equal numbers.

        Parameters
        ----------
        sentences : iterable of sequence of str
            Each sentence a list of words.
        max_size : int, optional
            At most so many numbers, the four special ones included; at least 5.
        min_count : int
            Words seen less often get no number.

        Returns
        -------
        Vocabulary
            The words that were kept.

        Raises
        ------
        TypeError
            For a sentence that is a str instead of a list of words, or sizes that are no whole numbers.
        ValueError
            For a max_size below 5 or a min_count below 0.
        """
        if max_size is not None:
            max_size = whole_number("max_size", max_size, least=len(SPECIAL) + 1)
        min_count = whole_number("min_count", min_count, least=0)
        counts: Counter[str] = Counter()
        for sentence in sentences:
            counts.update(_checked_sentence(sentence))
        ordered = sorted((word for word in counts if counts[word] >= min_count), key=lambda word: (-counts[word], word))
        ordered = [word for word in ordered if word not in SPECIAL]
        return cls(SPECIAL + tuple(ordered if max_size is None else ordered[: max_size - len(SPECIAL)]))

    def __len__(self) -> int:
        """Return the number of tokens, special ones included."""
        return len(self.words)

    def __repr__(self) -> str:
        """Return the size: the words would fill a notebook."""
        return f"Vocabulary({len(self):,} tokens)"

    @cached_property
    def index(self) -> dict[str, int]:
        """The number of each word."""
        return {word: number for number, word in enumerate(self.words)}

    def knows(self, sentence: Iterable[str]) -> bool:
        """Return whether all words of a sentence have a number of their own.

        Parameters
        ----------
        sentence : iterable of str
            Its words.

        Returns
        -------
        bool
            False if one of them would become `[UNK]`.
        """
        return all(word in self.index for word in sentence)

    def encode(self, sentences: Iterable[Sequence[str]], length: int, markers: bool = False) -> np.ndarray:
        """Return the numbers of the words, one row a sentence.

        Parameters
        ----------
        sentences : iterable of sequence of str
            Each sentence a list of words.
        length : int
            The length of a row; the rest is filled with zeros.
        markers : bool
            Whether each sentence stands between start and end.

        Returns
        -------
        numpy.ndarray
            int32 (sentences, length).

        Raises
        ------
        TypeError
            For a sentence that is a str instead of a list of words, or a length that is no whole number.
        ValueError
            For a sentence that does not fit, markers included: nothing is ever cut off.
        """
        length = whole_number("length", length, least=1)
        rows = []
        for sentence in sentences:
            row = [self.index.get(word, UNKNOWN) for word in _checked_sentence(sentence)]
            row = [START, *row, END] if markers else row
            if len(row) > length:
                raise ValueError(
                    f"a sentence needs {len(row)} places{' with its markers' * markers}, there are {length}: "
                    f"{' '.join(sentence)!r:.80}. Choose shorter sentences or a larger length."
                )
            rows.append(row + [PAD] * (length - len(row)))
        return np.array(rows, dtype="int32").reshape(-1, length)

    def decode(self, tokens: Iterable[int]) -> list[str]:
        """Return the words of a row of tokens up to its end; start and padding are left out.

        Parameters
        ----------
        tokens : iterable of int
            Numbers of this vocabulary.

        Returns
        -------
        list of str
            The words, `[UNK]` for the unknown ones.

        Raises
        ------
        TypeError
            For a token that is no whole number.
        ValueError
            For a token below 0 or beyond the vocabulary, also behind the end.
        """
        numbers = [whole_number("a token", token, least=0, most=len(self) - 1) for token in tokens]
        end = numbers.index(END) if END in numbers else len(numbers)
        return [self.words[number] for number in numbers[:end] if number not in (PAD, START)]


def _checked_sentence(sentence) -> Sequence[str]:
    if isinstance(sentence, str):
        raise TypeError(
            f"a sentence is the text {sentence!r:.60}; expected a list of words, for example tokenise(text)."
        )
    return sentence


# ------------------------------------------------------------------------------------------------- loss and accuracy


def teacher_forcing(sources: np.ndarray, targets: np.ndarray) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray]:
    """Return what the model reads and what it is to say, the targets twice, shifted by one word.

    The decoder reads start, y_1, ..., y_t and is to say y_1, ..., y_t, end: at each step the *true* word before.

    Parameters
    ----------
    sources : numpy.ndarray
        Tokens (n, T_x).
    targets : numpy.ndarray
        Tokens (n, T_y + 1) with start and end.

    Returns
    -------
    inputs : tuple of numpy.ndarray
        The sources, and the words before, (n, T_y).
    outputs : numpy.ndarray
        The words to say, (n, T_y).
    """
    return (sources, targets[:, :-1]), targets[:, 1:]


def token_losses(y_true, y_pred):
    """Return the cross-entropy of each token, and whether it counts.

    Parameters
    ----------
    y_true : tensor
        Tokens (batch, steps), 0 where padded.
    y_pred : tensor
        Logits (batch, steps, vocab).

    Returns
    -------
    losses : tensor
        (batch, steps), in nats; float32 at least, since a sum over a batch leaves float16, which ends at 65,504.
    counts : tensor
        (batch, steps), 1.0 for a token and 0.0 for padding.
    """
    y_pred = ops.convert_to_tensor(y_pred)
    y_pred = ops.cast(y_pred, keras.backend.result_type(y_pred.dtype, "float32"))
    counts = ops.cast(ops.not_equal(y_true, PAD), y_pred.dtype)
    losses = ops.cast(ops.sparse_categorical_crossentropy(y_true, y_pred, from_logits=True), y_pred.dtype)
    return losses, counts


@keras.saving.register_keras_serializable(package="course")
def masked_loss(y_true, y_pred):
    """Return the mean cross-entropy of the tokens that are not padding: the loss to train a translator with.

    Every *token* of the batch counts the same, so long sentences count more than short ones. As the `loss` of a data
    set Keras reports the mean of its batches, which depends on how they were cut; `MaskedLoss` is the figure to quote.

    Parameters
    ----------
    y_true : tensor
        Tokens (batch, steps), 0 where padded.
    y_pred : tensor
        Logits (batch, steps, vocab).

    Returns
    -------
    tensor
        A scalar, in nats a token; 0 for a batch of nothing but padding. float32, or float64 for such logits.
    """
    losses, counts = token_losses(y_true, y_pred)
    return ops.sum(losses * counts) / ops.maximum(ops.sum(counts), 1)


class _TokenMean(keras.metrics.Mean):
    """The mean of a figure over all tokens of a data set that count, however they were cut into batches."""

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Add the tokens of a batch."""
        figures, counts = self._figures(y_true, y_pred)
        if sample_weight is not None:
            weight = ops.cast(sample_weight, counts.dtype)
            counts = counts * (ops.expand_dims(weight, -1) if len(weight.shape) == 1 else weight)
        super().update_state(figures, sample_weight=counts)


@keras.saving.register_keras_serializable(package="course")
class MaskedLoss(_TokenMean):
    """The mean cross-entropy of the tokens of a data set that are not padding, in nats: `masked_loss` as a metric.

    Sums of losses and of tokens are kept from batch to batch, so the batch size does not matter. Targets are tokens
    (batch, steps), 0 where padded; predictions are logits (batch, steps, vocab). Weights of rows or of tokens multiply
    what a token counts.

    Parameters
    ----------
    name : str
        What Keras's history calls it.
    dtype : str, optional
        The type of the sums; Keras's `floatx` unless given.
    """

    def __init__(self, name="masked_loss", dtype=None):
        """Name the metric; the sums are 0."""
        super().__init__(name=name, dtype=dtype)

    def _figures(self, y_true, y_pred):
        return token_losses(y_true, y_pred)


@keras.saving.register_keras_serializable(package="course")
class MaskedAccuracy(_TokenMean):
    """The share of the tokens of a data set that are not padding and were said right; used as `MaskedLoss`.

    Parameters
    ----------
    name : str
        What Keras's history calls it.
    dtype : str, optional
        The type of the sums; Keras's `floatx` unless given.
    """

    def __init__(self, name="masked_accuracy", dtype=None):
        """Name the metric; the sums are 0."""
        super().__init__(name=name, dtype=dtype)

    def _figures(self, y_true, y_pred):
        said = ops.cast(ops.argmax(y_pred, axis=-1), "int32")
        right = ops.equal(ops.cast(y_true, "int32"), said)
        return ops.cast(right, "float32"), ops.cast(ops.not_equal(y_true, PAD), "float32")


# ------------------------------------------------------------------------------------------------------------- models


def _wide() -> keras.initializers.Initializer:
    """Return the initialiser of word vectors: standard normal.

    Keras starts them between -0.05 and 0.05, so near to each other that sentences look much alike, and training has to
    pull them apart first. A new initialiser for each layer: one without a seed gives the same numbers each time it is
    called.
    """
    return keras.initializers.RandomNormal(stddev=1.0)


def encoder_model(vocab_size: int, units: int = 256, embedding: int = 128, dropout: float = 0.2) -> keras.Model:
    """Return the reader: a GRU forwards and one backwards, half of the units each, laid side by side.

    So an annotation knows what stands before and behind its word. Padding is masked and changes nothing.

    Parameters
    ----------
    vocab_size : int
        Tokens of the source language.
    units : int
        Width of an annotation and of the decoder's state; even.
    embedding : int
        Width of a word vector.
    dropout : float
        Share of the word vectors' features that training leaves out, from 0 to 1.

    Returns
    -------
    keras.Model
        Tokens (batch, T_x) -> annotations (batch, T_x, units), first decoder state (batch, units).

    Raises
    ------
    TypeError
        For sizes that are no whole numbers.
    ValueError
        For sizes below 1 or odd units.
    """
    vocab_size, units, embedding = _checked_sizes(vocab_size, units, embedding)
    if units % 2:
        raise ValueError(f"units is {units}; expected an even number, half of them for each direction of reading.")
    source = keras.Input((None,), dtype="int32", name="source")
    x = keras.layers.Embedding(vocab_size, embedding, embeddings_initializer=_wide(), mask_zero=True)(source)
    x = keras.layers.SpatialDropout1D(dropout)(x)
    read = keras.layers.GRU(units // 2, return_sequences=True, return_state=True)
    annotations, forwards, backwards = keras.layers.Bidirectional(read)(x)
    both = keras.layers.Concatenate()([forwards, backwards])
    state = keras.layers.Dense(units, activation="tanh", name="first_state")(both)
    return keras.Model(source, [annotations, state], name="encoder")


def decoder_model(vocab_size: int, units: int = 256, embedding: int = 128, dropout: float = 0.2) -> keras.Model:
    """Return the writer, for any number of steps at once: a whole target in training, one token in decoding.

    A GRU reads the words before; each of its states asks the annotations (`utils.attention.AdditiveAttention`), and
    state and context together choose the word.

    Parameters
    ----------
    vocab_size : int
        Tokens of the target language.
    units, embedding, dropout
        As for `encoder_model`.

    Returns
    -------
    keras.Model
        [words before (batch, T_y), state (batch, units), annotations (batch, T_x, units), source tokens (batch, T_x)]
        -> [logits (batch, T_y, vocab), state after the last step (batch, units), attention weights (batch, T_y, T_x)].

    Raises
    ------
    TypeError
        For sizes that are no whole numbers.
    ValueError
        For sizes below 1.

    References
    ----------
    Attention stands *after* the recurrence, so that a whole target needs no loop over its steps: M.-T. Luong, H. Pham,
    C. D. Manning (2015), "Effective approaches to attention-based neural machine translation", EMNLP, 1412-1421,
    section 3. In D. Bahdanau, K. Cho, Y. Bengio (2014), arXiv:1409.0473, it stands before.
    """
    vocab_size, units, embedding = _checked_sizes(vocab_size, units, embedding)
    before = keras.Input((None,), dtype="int32", name="words_before")
    state = keras.Input((units,), name="state")
    annotations = keras.Input((None, units), name="annotations")
    source = keras.Input((None,), dtype="int32", name="source")
    x = keras.layers.Embedding(vocab_size, embedding, embeddings_initializer=_wide())(before)
    x = keras.layers.SpatialDropout1D(dropout)(x)
    states, last = keras.layers.GRU(units, return_sequences=True, return_state=True)(x, initial_state=state)
    context, weights = AdditiveAttention(units // 2, name="attention")(
        states, annotations, mask=ops.not_equal(source, PAD), return_weights=True
    )
    x = keras.layers.Concatenate()([states, context])  # (batch, T_y, 2 * units)
    x = keras.layers.Dense(embedding, activation="tanh")(x)  # few units here: the next layer has most of the weights
    x = keras.layers.SpatialDropout1D(dropout)(x)
    logits = keras.layers.Dense(vocab_size, name="logits")(x)
    return keras.Model([before, state, annotations, source], [logits, last, weights], name="decoder")


def translation_model(
    source_vocab: int, target_vocab: int, units: int = 256, embedding: int = 128, dropout: float = 0.2
) -> keras.Model:
    """Return encoder and decoder as one model for training.

    Parameters
    ----------
    source_vocab, target_vocab : int
        Tokens of the two languages.
    units, embedding, dropout
        As for `encoder_model`.

    Returns
    -------
    keras.Model
        [source (batch, T_x), words before (batch, T_y)] -> logits (batch, T_y, vocab).

    Raises
    ------
    TypeError, ValueError
        As `encoder_model`.
    """
    encoder = encoder_model(source_vocab, units, embedding, dropout)
    decoder = decoder_model(target_vocab, units, embedding, dropout)
    source = keras.Input((None,), dtype="int32", name="source")
    before = keras.Input((None,), dtype="int32", name="words_before")
    annotations, state = encoder(source)
    logits, _, _ = decoder([before, state, annotations, source])
    return keras.Model([source, before], logits, name="translator")


def _checked_sizes(vocab_size, units, embedding) -> list[int]:
    sizes = {"vocab_size": vocab_size, "units": units, "embedding": embedding}
    return [whole_number(name, size, least=1) for name, size in sizes.items()]


# ----------------------------------------------------------------------------------------------------------- decoding


class Translator:
    """A trained model of `translation_model` and the ways to use it.

    The padding of sources changes nothing, so rows of any length will do.

    Parameters
    ----------
    model : keras.Model
        Any model that holds an `encoder` and a `decoder` (by name) with the inputs and outputs of `encoder_model` and
        `decoder_model`; it shares its weights with them, so train it before or after.

    Raises
    ------
    ValueError
        If the model has no layer called encoder or decoder.
    """

    def __init__(self, model: keras.Model):
        """Find the two parts."""
        self.model, self.encoder, self.decoder = model, model.get_layer("encoder"), model.get_layer("decoder")

    def greedy(self, sources: np.ndarray, max_len: int, batch_size: int = 500) -> np.ndarray:
        """Return the most probable word at each step, for many sources at once.

        The decoder's state is carried from step to step, so that each costs one word only. The same tokens as
        ``utils.decoding.greedy_decode(self.step(source), START, END, max_len)``, rounding aside.

        Parameters
        ----------
        sources : numpy.ndarray
            Tokens (n, T_x).
        max_len : int
            The most words to say, the end included.
        batch_size : int
            Rows that are decoded together.

        Returns
        -------
        numpy.ndarray
            int32 (n, max_len), zeros after the end.

        Raises
        ------
        TypeError
            For sizes that are no whole numbers.
        ValueError
            For sources that are no rows of tokens, or sizes below 1.
        """
        sources = _checked_tokens(sources, "sources")
        max_len = whole_number("max_len", max_len, least=1)
        batch_size = whole_number("batch_size", batch_size, least=1)
        found = [
            self._greedy(sources[at : at + batch_size], max_len, batch_size)
            for at in range(0, len(sources), batch_size)
        ]
        return np.concatenate(found) if found else np.zeros((0, max_len), "int32")

    def _greedy(self, sources, max_len, batch_size):
        rows, sources = len(sources), _filled(sources, min(batch_size, _next_power(len(sources))))
        annotations, state = self.encoder.predict_on_batch(sources)
        tokens = np.zeros((len(sources), max_len), "int32")
        token, going = np.full((len(sources), 1), START, "int32"), np.ones(len(sources), bool)
        for step in range(max_len):
            logits, state, _ = self.decoder.predict_on_batch([token, state, annotations, sources])
            token = np.where(going, logits[:, 0].argmax(axis=-1), PAD).astype("int32")[:, None]
            tokens[:, step] = token[:, 0]
            going &= token[:, 0] != END
            if not going[:rows].any():
                break
        return tokens[:rows]

    def step(self, source: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        """Return the function `step(prefixes)` that the searches of `utils.decoding` ask.

        Each call runs the decoder once, for the last token of all prefixes: the states that earlier calls came to are
        kept, and a prefix that grew by one token finds its own. One whose beginning was never asked for is read from
        its start, a call for each token.

        Parameters
        ----------
        source : numpy.ndarray
            Tokens (T_x,), one sentence; it is read once, here.

        Returns
        -------
        callable
            Whole numbers (n, t) to natural log-probabilities (n, vocab), float64. It raises ValueError for prefixes
            that do not begin with the start token.

        Raises
        ------
        ValueError
            For a source that is no row of tokens.
        """
        source = _checked_tokens(np.asarray(source)[None], "source")
        annotations, first = self.encoder.predict_on_batch(source)
        states = {(): first[0]}  # tokens read so far: the state after them

        def read(prefixes: list[tuple]) -> np.ndarray:
            """Read one token more than is known of each prefix; keep the states, return the logits."""
            beginnings = [prefix[:-1] for prefix in prefixes]
            if missing := list(dict.fromkeys(beginning for beginning in beginnings if beginning not in states)):
                read(missing)
            rows = _next_power(len(prefixes))
            given = [
                np.array([prefix[-1:] for prefix in prefixes], "int32"),
                np.stack([states[beginning] for beginning in beginnings]),
                np.repeat(annotations, len(prefixes), axis=0),
                np.repeat(source, len(prefixes), axis=0),
            ]
            logits, after, _ = self.decoder.predict_on_batch([_filled(array, rows) for array in given])
            states.update(zip(prefixes, after))
            return logits[: len(prefixes), 0]

        def step(prefixes: np.ndarray) -> np.ndarray:
            prefixes = _checked_tokens(prefixes, "prefixes")
            if not (prefixes[:, 0] == START).all():
                raise ValueError(f"prefixes begin with {prefixes[:, 0].tolist()}; expected {START}, the start token.")
            return log_softmax(read([tuple(row) for row in prefixes.tolist()]))

        return step

    def log_probs(self, sources: np.ndarray, targets: np.ndarray, batch_size: int = 500) -> np.ndarray:
        """Return for each pair the log-probability of the whole target, its end included.

        Parameters
        ----------
        sources : numpy.ndarray
            Tokens (n, T_x).
        targets : numpy.ndarray
            Tokens (n, T_y + 1) with start and end, as ``Vocabulary.encode(..., markers=True)`` makes them.
        batch_size : int
            Rows that are computed together.

        Returns
        -------
        numpy.ndarray
            float64 (n,), in nats.

        Raises
        ------
        TypeError
            For a batch size that is no whole number.
        ValueError
            For what is no row of tokens, and for targets outside the vocabulary.
        """
        batch_size = whole_number("batch_size", batch_size, least=1)
        (sources, before), after = teacher_forcing(
            _checked_tokens(sources, "sources"), _checked_tokens(targets, "targets")
        )
        totals = np.zeros(len(sources))
        for at in range(0, len(sources), batch_size):
            rows = slice(at, at + batch_size)
            log_p = log_softmax(self.model.predict_on_batch([sources[rows], before[rows]]))
            if after[rows].max() >= log_p.shape[-1]:
                raise ValueError(f"targets go up to {after[rows].max()}; expected tokens below {log_p.shape[-1]}.")
            said = np.take_along_axis(log_p, after[rows][..., None], axis=-1)[..., 0]
            totals[rows] = np.where(after[rows] == PAD, 0.0, said).sum(axis=1)
        return totals

    def attention(self, sources: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Return where the decoder looks while it says the targets.

        Parameters
        ----------
        sources : numpy.ndarray
            Tokens (n, T_x).
        targets : numpy.ndarray
            Tokens (n, T_y + 1) with start and end.

        Returns
        -------
        numpy.ndarray
            Attention weights (n, T_y, T_x). Row t belongs to the t-th word said: row 0 to the first one after the
            start, the last that counts to the end.

        Raises
        ------
        ValueError
            For what is no row of tokens.
        """
        sources, targets = _checked_tokens(sources, "sources"), _checked_tokens(targets, "targets")
        annotations, state = self.encoder.predict_on_batch(sources)
        return self.decoder.predict_on_batch([targets[:, :-1], state, annotations, sources])[2]


def log_softmax(logits) -> np.ndarray:
    """Return the logarithms of the probabilities over the last axis.

    Parameters
    ----------
    logits : array_like
        (..., vocab). Minus infinity stands for what is impossible.

    Returns
    -------
    numpy.ndarray
        float64 (..., vocab), in nats.

    Raises
    ------
    ValueError
        If a row is no distribution: it holds NaN or plus infinity, or nothing but minus infinity.
    """
    logits = np.asarray(logits, "float64")
    if logits.ndim == 0 or logits.shape[-1] == 0:
        raise ValueError(f"logits have shape {logits.shape}; expected (..., vocab), with vocab 1 or more.")
    if not np.isfinite(logits.max(axis=-1)).all():
        raise ValueError(
            "a row of logits holds NaN or plus infinity, or nothing but minus infinity; it stands for no distribution. "
            "Did the training diverge, or does a mask hide every word?"
        )
    return scipy.special.log_softmax(logits, axis=-1)


def _checked_tokens(tokens, name: str) -> np.ndarray:
    tokens = np.asarray(tokens)
    if tokens.ndim != 2 or tokens.dtype.kind not in "iu":
        raise ValueError(
            f"{name} has shape {tokens.shape} and type {tokens.dtype}; expected whole numbers, one row a sentence."
        )
    if tokens.size and tokens.min() < 0:
        raise ValueError(f"{name} holds the token {tokens.min()}; tokens are 0 or more.")
    return tokens.astype("int32")


def _next_power(count: int) -> int:
    """Return the least power of two that is not below `count`: few shapes, so that few graphs are made."""
    return 1 << max(count - 1, 0).bit_length()


def _filled(rows: np.ndarray, count: int) -> np.ndarray:
    """Return `rows` with copies of its last row below, `count` rows in all."""
    return np.concatenate([rows, np.repeat(rows[-1:], count - len(rows), axis=0)]) if len(rows) < count else rows
