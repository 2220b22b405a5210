"""Sequence to sequence: words to numbers, an encoder, a decoder with attention, its loss, and fast decoding.

What belongs here: the translator of `24_machine_translation`, which builds it step by step, and what surrounds it. What
does not: attention itself (`utils.attention`), search over prefixes (`utils.decoding`; `Translator.step` makes its
`step`), files (`utils.datasets`) and measures of quality such as BLEU.

Numbers of tokens: 0 is padding, 1 an unknown word, 2 the start and 3 the end of a sentence; words begin at 4. Zeros
stand on the right.

>>> english = Vocabulary.build(map(tokenize, pairs.source), max_size=6000)
>>> french = Vocabulary.build(map(tokenize, pairs.target), max_size=6000)
>>> sources = english.encode(map(tokenize, pairs.source), length=7)           # (pairs, 7)
>>> targets = french.encode(map(tokenize, pairs.target), length=10, markers=True)  # (pairs, 10), start ... end
>>> translator = Translator(translation_model(len(english), len(french)))
>>> translator.model.compile("adam", masked_loss, metrics=[masked_accuracy])
>>> translator.model.fit(*teacher_forcing(sources, targets), batch_size=256)
>>> found = translator.greedy(sources[:5], max_len=9)                         # (5, 9)
>>> best = beam_search(translator.step(sources[0]), START, END, width=5, max_len=9)
>>> detokenize(french.decode(best[0].tokens))
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from numbers import Integral

import keras
import numpy as np
from keras import ops

from utils.attention import AdditiveAttention

PAD, UNKNOWN, START, END = range(4)
SPECIAL = ("[PAD]", "[UNK]", "[START]", "[END]")
"""The words of the four tokens that are none."""

# ------------------------------------------------------------------------------------------------------------ words

_ELIDED = "(?:jusqu|lorsqu|puisqu|quoiqu|qu|[cdjlmnst])'"
_WORD = re.compile(rf"{_ELIDED}(?=\w)|\w+(?:['\u200c]\w+)*")


def tokenize(text: str) -> list[str]:
    """Return the words of an English or French sentence in lower case, without punctuation; accents stay.

    French words that lost their vowel are words of their own and keep the apostrophe: "L'homme n'est" gives l', homme,
    n', est, so that `homme` is one word whatever stands before it. English don't and it's stay whole. Hyphens part
    words. All forms of the apostrophe and of the space are one; so are the two ways to write é in Unicode.

    Raises TypeError for anything but a str.
    """
    if not isinstance(text, str):
        raise TypeError(f"tokenize takes one sentence (str), not {type(text).__name__}; call it once for each.")
    return _WORD.findall(re.sub("[’‘ʼ`´]", "'", unicodedata.normalize("NFC", text)).lower())


def detokenize(words: Iterable[str]) -> str:
    """Return the words as one text: spaces between them, none after an elided l' or qu'."""
    return re.sub(rf"(?<!\S)({_ELIDED}) ", r"\1", " ".join(words))


@dataclass(frozen=True, repr=False)
class Vocabulary:
    """Words and their numbers. `words[number]` is the word; the first four are `SPECIAL`. Made by `build`."""

    words: tuple[str, ...]

    @classmethod
    def build(cls, sentences: Iterable[Sequence[str]], max_size: int | None = None, min_count: int = 1) -> "Vocabulary":
        """Return the vocabulary of some sentences, each a list of words: the most frequent word gets the number 4.

        max_size : at most so many numbers, the four special ones included. min_count : rarer words are unknown. Equally
        frequent words are in the order of the alphabet, so equal sentences in any order give equal numbers.

        Raises ValueError for a max_size below 5, TypeError for a sentence that is a str instead of a list of words.
        """
        if max_size is not None and not (isinstance(max_size, Integral) and max_size > len(SPECIAL)):
            raise ValueError(f"max_size is {max_size!r}; expected a whole number above 4, or None for all words.")
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
        """Return whether all words of a sentence have a number of their own."""
        return all(word in self.index for word in sentence)

    def encode(self, sentences: Iterable[Sequence[str]], length: int, markers: bool = False) -> np.ndarray:
        """Return int32 (sentences, length): the words' numbers, then zeros; with `markers`, between start and end.

        Raises ValueError for a sentence that does not fit, markers included: nothing is ever cut off.
        """
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
        """Return the words of a row of tokens up to its end; start and padding are left out."""
        words = []
        for token in tokens:
            if token == END:
                break
            if token not in (PAD, START):
                words.append(self.words[token])
        return words


def _checked_sentence(sentence) -> Sequence[str]:
    if isinstance(sentence, str):
        raise TypeError(
            f"a sentence is the text {sentence!r:.60}; expected a list of words, for example tokenize(text)."
        )
    return sentence


# ------------------------------------------------------------------------------------------------- loss and accuracy


def teacher_forcing(sources: np.ndarray, targets: np.ndarray) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray]:
    """Return ((sources, what the decoder reads), what it is to say): targets (n, t + 1) give twice (n, t), shifted.

    The decoder reads start, y_1, ..., y_t and is to say y_1, ..., y_t, end: at each step the *true* word before.
    """
    return (sources, targets[:, :-1]), targets[:, 1:]


@keras.saving.register_keras_serializable(package="course")
def masked_loss(y_true, y_pred):
    """Return the mean cross-entropy of the tokens that are not padding, in nats, a scalar.

    y_true : (batch, steps), 0 where padded. y_pred : logits (batch, steps, vocab). Every *token* of the batch counts
    the same, so long sentences count more than short ones. A batch of nothing but padding gives 0.
    """
    counts = ops.cast(ops.not_equal(y_true, PAD), y_pred.dtype)
    losses = ops.cast(ops.sparse_categorical_crossentropy(y_true, y_pred, from_logits=True), y_pred.dtype)
    return ops.sum(losses * counts) / ops.maximum(ops.sum(counts), 1)


@keras.saving.register_keras_serializable(package="course")
def masked_accuracy(y_true, y_pred):
    """Return the share of tokens that are not padding and were said right, a scalar; shapes as in `masked_loss`."""
    counts = ops.cast(ops.not_equal(y_true, PAD), "float32")
    right = ops.cast(ops.equal(ops.cast(y_true, "int32"), ops.cast(ops.argmax(y_pred, axis=-1), "int32")), "float32")
    return ops.sum(right * counts) / ops.maximum(ops.sum(counts), 1)


# ------------------------------------------------------------------------------------------------------------- models


def _wide() -> keras.initializers.Initializer:
    """Return the initialiser of word vectors: standard normal.

    Keras starts them between -0.05 and 0.05, so near to each other that sentences look much alike, and training has to
    pull them apart first. A new initialiser for each layer: one without a seed gives the same numbers each time it is
    called.
    """
    return keras.initializers.RandomNormal(stddev=1.0)


def encoder_model(vocab_size: int, units: int = 256, embedding: int = 128, dropout: float = 0.2) -> keras.Model:
    """Return the reader: tokens (batch, T_x) -> annotations (batch, T_x, units), first decoder state (batch, units).

    A GRU forwards and one backwards, half of the units each, laid side by side: an annotation knows what stands before
    and behind its word. Padding is masked, so it changes nothing. `units` has to be even.
    """
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

    [words before (batch, T_y), state (batch, units), annotations (batch, T_x, units), source tokens (batch, T_x)]
    -> [logits (batch, T_y, vocab), state after the last step (batch, units), attention weights (batch, T_y, T_x)].

    A GRU reads the words before; each of its states asks the annotations (`utils.attention.AdditiveAttention`), and
    state and context together choose the word. Attention stands *after* the recurrence (M.-T. Luong, H. Pham,
    C. D. Manning (2015), EMNLP, 1412-1421), so that a whole target needs no loop over its steps; in D. Bahdanau's model
    (2014) it stands before.
    """
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
    x = keras.layers.Dense(embedding, activation="tanh")(x)  # few units here, as the next layer is the dear one
    x = keras.layers.SpatialDropout1D(dropout)(x)
    logits = keras.layers.Dense(vocab_size, name="logits")(x)
    return keras.Model([before, state, annotations, source], [logits, last, weights], name="decoder")


def translation_model(
    source_vocab: int, target_vocab: int, units: int = 256, embedding: int = 128, dropout: float = 0.2
) -> keras.Model:
    """Return the model for training: [source (batch, T_x), words before (batch, T_y)] -> logits (batch, T_y, vocab)."""
    encoder = encoder_model(source_vocab, units, embedding, dropout)
    decoder = decoder_model(target_vocab, units, embedding, dropout)
    source = keras.Input((None,), dtype="int32", name="source")
    before = keras.Input((None,), dtype="int32", name="words_before")
    annotations, state = encoder(source)
    logits, _, _ = decoder([before, state, annotations, source])
    return keras.Model([source, before], logits, name="translator")


# ----------------------------------------------------------------------------------------------------------- decoding


class Translator:
    """A trained model of `translation_model` and the ways to use it.

    model : any Keras model that holds an `encoder` and a `decoder` (by name) with the inputs and outputs of
    `encoder_model` and `decoder_model`; it shares its weights with them, so train it before or after. The padding of
    sources changes nothing, so rows of any length will do.
    """

    def __init__(self, model: keras.Model):
        """Find the two parts. Raises ValueError if the model has no layer called encoder or decoder."""
        self.model, self.encoder, self.decoder = model, model.get_layer("encoder"), model.get_layer("decoder")

    def greedy(self, sources: np.ndarray, max_len: int, batch_size: int = 500) -> np.ndarray:
        """Return int32 (n, max_len): the most probable word at each step for many sources at once, zeros after the end.

        sources : (n, T_x). The decoder's state is carried from step to step, so that each costs one word only. The
        same tokens as `utils.decoding.greedy_decode(self.step(source), START, END, max_len)`, rounding aside.
        """
        sources = _checked_tokens(sources, "sources")
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
        """Return `step(prefixes)` for `utils.decoding`: int (n, t) to natural log-probabilities (n, vocab), float64.

        source : (T_x,), one sentence, read once, here. Each call runs the decoder once, for the last token of all
        prefixes: the states that earlier calls came to are kept, and a prefix that grew by one token finds its own. One
        whose beginning was never asked for is read from its start, a call for each token. Raises ValueError for
        prefixes that do not begin with the start token.
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
        """Return float64 (n,): for each pair the log-probability of the whole target, its end included, in nats.

        sources : (n, T_x). targets : (n, T_y + 1) with start and end, as `Vocabulary.encode(..., markers=True)` makes.
        """
        (sources, before), after = teacher_forcing(
            _checked_tokens(sources, "sources"), _checked_tokens(targets, "targets")
        )
        totals = np.zeros(len(sources))
        for at in range(0, len(sources), batch_size):
            rows = slice(at, at + batch_size)
            log_p = log_softmax(self.model.predict_on_batch([sources[rows], before[rows]]))
            said = np.take_along_axis(log_p, after[rows][..., None], axis=-1)[..., 0]
            totals[rows] = np.where(after[rows] == PAD, 0.0, said).sum(axis=1)
        return totals

    def attention(self, sources: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Return the attention weights (n, T_y, T_x) while the decoder says `targets` (n, T_y + 1), with start and end.

        Row t belongs to the t-th word said: row 0 to the first one after the start, the last that counts to the end.
        """
        sources, targets = _checked_tokens(sources, "sources"), _checked_tokens(targets, "targets")
        annotations, state = self.encoder.predict_on_batch(sources)
        return self.decoder.predict_on_batch([targets[:, :-1], state, annotations, sources])[2]


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """Return the logarithms of the probabilities over the last axis, float64: (..., vocab) -> the same shape."""
    logits = np.asarray(logits, "float64")
    logits = logits - logits.max(axis=-1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))


def _checked_tokens(tokens, name: str) -> np.ndarray:
    tokens = np.asarray(tokens)
    if tokens.ndim != 2 or tokens.dtype.kind not in "iu":
        raise ValueError(
            f"{name} has shape {tokens.shape} and type {tokens.dtype}; expected whole numbers, one row a sentence."
        )
    return tokens.astype("int32")


def _next_power(count: int) -> int:
    """Return the least power of two that is not below `count`: few shapes, so that few graphs are made."""
    return 1 << max(count - 1, 0).bit_length()


def _filled(rows: np.ndarray, count: int) -> np.ndarray:
    """Return `rows` with copies of its last row below, `count` rows in all."""
    return np.concatenate([rows, np.repeat(rows[-1:], count - len(rows), axis=0)]) if len(rows) < count else rows
