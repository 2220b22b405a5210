"""The translator: words and numbers, the masked loss, and decoding that agrees with training step by step."""

import keras
import numpy as np
import pytest

from utils import seq2seq
from utils.decoding import beam_search, greedy_decode
from utils.seq2seq import (
    END,
    PAD,
    START,
    UNKNOWN,
    MaskedAccuracy,
    MaskedLoss,
    Translator,
    Vocabulary,
    detokenise,
    log_softmax,
    masked_loss,
    teacher_forcing,
    tokenise,
    translation_model,
)

# Words -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Go.", ["go"]),
        ("I don't know, it's Tom's!", ["i", "don't", "know", "it's", "tom's"]),
        ("L’homme n'est pas là\u202f!", ["l'", "homme", "n'", "est", "pas", "là"]),
        ("Aujourd'hui, jusqu'ici, quelqu'un", ["aujourd'hui", "jusqu'", "ici", "quelqu'un"]),
        ("Qu'est-ce que c'est\xa0?", ["qu'", "est", "ce", "que", "c'", "est"]),
        ("E\u0301te\u0301", ["été"]),
        ("At 10:30 o'clock", ["at", "10", "30", "o'clock"]),
        ("می\u200cروم.", ["می\u200cروم"]),
        ("...", []),
        ("", []),
    ],
)
def test_tokenise(text, expected):
    assert tokenise(text) == expected


def test_tokenise_takes_one_sentence():
    with pytest.raises(TypeError, match="one sentence"):
        tokenise(["Go."])


@pytest.mark.parametrize("text", ["l'homme n'est pas là", "qu'il j'ai jusqu'ici", "i don't know", "aujourd'hui on va"])
def test_detokenise_undoes_tokenise(text):
    assert detokenise(tokenise(text)) == text


def test_detokenise_joins_elided_words_only():
    assert detokenise(["quelqu'un", "dit", "l'", "eau"]) == "quelqu'un dit l'eau"
    assert detokenise([]) == ""


def test_vocabulary_counts_and_breaks_ties_by_the_alphabet():
    vocabulary = Vocabulary.build([["b", "a", "c"], ["c", "b"], ["d"]])
    assert vocabulary.words == ("[PAD]", "[UNK]", "[START]", "[END]", "b", "c", "a", "d")
    assert Vocabulary.build([["d"], ["c", "b"], ["a", "c", "b"]]) == vocabulary, "whatever the order"
    assert (PAD, UNKNOWN, START, END) == (0, 1, 2, 3)
    assert vocabulary.index["c"] == 5 and len(vocabulary) == 8
    assert Vocabulary.build([["b", "a", "c"], ["c", "b"]], max_size=5).words[4:] == ("b",)
    assert Vocabulary.build([["b", "a", "c"], ["c", "b"]], min_count=2).words[4:] == ("b", "c")
    assert Vocabulary.build([["[END]", "x"]]).words[4:] == ("x",), "a special word stays one"
    assert repr(vocabulary) == "Vocabulary(8 tokens)"


@pytest.mark.parametrize(("size", "error"), [(4, ValueError), (0, ValueError), (-1, ValueError), (6.0, TypeError)])
def test_vocabulary_needs_room_for_a_word(size, error):
    with pytest.raises(error, match="max_size"):
        Vocabulary.build([["a"]], max_size=size)


def test_encode_and_decode():
    vocabulary = Vocabulary.build([["a", "b"], ["a"]])
    encoded = vocabulary.encode([["a", "b"], ["x"], []], length=5, markers=True)
    assert encoded.tolist() == [[2, 4, 5, 3, 0], [2, 1, 3, 0, 0], [2, 3, 0, 0, 0]] and encoded.dtype == np.int32
    assert vocabulary.encode([["b", "a"]], length=2).tolist() == [[5, 4]]
    assert vocabulary.encode([], length=3).shape == (0, 3)
    assert vocabulary.decode([2, 5, 1, 3, 4]) == ["b", "[UNK]"], "nothing after the end"
    assert vocabulary.decode([4, 0, 5]) == ["a", "b"]
    assert vocabulary.knows(["a", "b"]) and not vocabulary.knows(["a", "x"])


@pytest.mark.parametrize(
    ("tokens", "error", "message"),
    [
        ([4, -1], ValueError, "a token is -1; expected a whole number from 0 to 5"),
        ([6], ValueError, "a token is 6; expected a whole number from 0 to 5"),
        ([3, 6], ValueError, "a token is 6"),
        ([4.0], TypeError, "a token is 4.0; expected a whole number"),
        ([True], TypeError, "a token is True"),
    ],
)
def test_only_tokens_of_the_vocabulary_have_words(tokens, error, message):
    vocabulary = Vocabulary.build([["a", "b"], ["a"]])
    assert vocabulary.decode(np.array([4, 5], "int64")) == ["a", "b"]
    with pytest.raises(error, match=message):
        vocabulary.decode(tokens)


def test_nothing_is_cut_off_and_a_text_is_no_list():
    vocabulary = Vocabulary.build([["a", "b"]])
    with pytest.raises(ValueError, match="needs 4 places with its markers, there are 3"):
        vocabulary.encode([["a", "b"]], length=3, markers=True)
    for use in (lambda: vocabulary.encode(["ab"], 5), lambda: Vocabulary.build(["ab"])):
        with pytest.raises(TypeError, match="list of words"):
            use()


# Loss ------------------------------------------------------------------------------------------------


@pytest.fixture
def scored():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(3, 4, 6)).astype("float32")
    targets = np.array([[4, 5, 3, 0], [3, 0, 0, 0], [5, 4, 4, 3]])
    return targets, logits


def test_masked_loss_is_the_mean_over_the_tokens_that_count(scored):
    targets, logits = scored
    p = np.exp(logits.astype("float64"))
    p /= p.sum(axis=-1, keepdims=True)
    each = [-np.log(p[i, j, targets[i, j]]) for i in range(3) for j in range(4) if targets[i, j] != 0]
    assert len(each) == 8
    assert float(masked_loss(targets, logits)) == pytest.approx(np.mean(each), rel=1e-5)
    spoilt = np.where(targets[..., None] == 0, 100 * logits + 7, logits)
    assert float(masked_loss(targets, spoilt)) == float(masked_loss(targets, logits)), "padding does not matter"


def test_masked_loss_is_that_of_keras_without_a_class(scored):
    targets, logits = scored
    theirs = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=PAD)
    assert float(masked_loss(targets, logits)) == pytest.approx(float(theirs(targets, logits)), rel=1e-5)


def test_masked_accuracy_counts_words_only(scored):
    targets, logits = scored
    counts = targets != 0
    right = (logits.argmax(-1) == targets) & counts
    assert float(MaskedAccuracy()(targets, logits)) == pytest.approx(right.sum() / counts.sum())
    perfect = np.eye(6, dtype="float32")[np.where(counts, targets, 1)]
    assert float(MaskedAccuracy()(targets, perfect)) == 1


def test_a_batch_of_padding_has_no_loss():
    for figure in (masked_loss, MaskedLoss(), MaskedAccuracy()):
        assert float(figure(np.zeros((2, 3), int), np.ones((2, 3, 5), "float32"))) == 0


@pytest.fixture(scope="module")
def data_set():
    """Rows of 1 to 9 words, 265 in all, of which 256 are said right; and logits of different confidence.

    The short rows hold the errors, so that a mean of batches weighs them too much.
    """
    rng = np.random.default_rng(8)
    lengths = [1] * 9 + [9] * 28 + [4]
    targets = np.zeros((len(lengths), 9), int)
    for row, length in zip(targets, lengths):
        row[:length] = rng.integers(4, 7, size=length)
    said = targets.copy()
    said[:9, 0] = 4 + (targets[:9, 0] - 3) % 3
    logits = np.eye(7)[said] * rng.uniform(1, 6, size=(*said.shape, 1)) + rng.normal(scale=0.1, size=(*said.shape, 7))
    assert (targets != PAD).sum() == 265 and ((logits.argmax(-1) == targets) & (targets != PAD)).sum() == 256
    return targets, logits.astype("float32")


@pytest.mark.parametrize("batch_size", [1, 3, 10, 38])
def test_what_keras_reports_does_not_depend_on_the_batch_size(data_set, batch_size):
    targets, logits = data_set
    model = keras.Sequential([keras.Input((9, 7)), keras.layers.Identity()])
    model.compile(loss=masked_loss, metrics=[MaskedLoss(), MaskedAccuracy()])
    found = model.evaluate(logits, targets, batch_size=batch_size, verbose=0, return_dict=True)
    p = np.exp(logits.astype("float64"))
    p = np.take_along_axis(p / p.sum(axis=-1, keepdims=True), targets[..., None], axis=-1)[..., 0]
    assert found["masked_accuracy"] == pytest.approx(256 / 265, rel=1e-6)
    assert found["masked_loss"] == pytest.approx(-np.log(p[targets != PAD]).mean(), rel=1e-5)
    if batch_size == len(targets):
        assert found["loss"] == pytest.approx(found["masked_loss"], rel=1e-5)


def test_weights_of_rows_and_of_tokens_count(data_set):
    targets, logits = data_set
    rows = np.arange(len(targets)) < 9  # those with the errors
    for weights in (rows, np.repeat(rows[:, None], 9, axis=1)):
        assert float(MaskedAccuracy()(targets, logits, sample_weight=weights.astype("float32"))) == 0
        assert float(MaskedAccuracy()(targets, logits, sample_weight=(~weights).astype("float32"))) == 1


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_has_a_finite_loss(dtype):
    """100,000 tokens of 11 nats each: the sum leaves float16, and so would their number."""
    targets = np.full((1000, 100), 4)
    logits = keras.ops.cast(np.zeros((1000, 100, 8)) - [[[0] * 4 + [11] + [0] * 3]], dtype)
    expected = 11 + np.log(7 + np.exp(-11))
    assert float(masked_loss(targets, logits)) == pytest.approx(expected, rel=1e-4)
    assert float(MaskedLoss()(targets, logits)) == pytest.approx(expected, rel=1e-4)
    assert float(MaskedAccuracy()(targets, logits)) == 0


def test_the_metrics_are_saved_with_a_model(tmp_path, data_set):
    targets, logits = data_set
    model = keras.Sequential([keras.Input((9, 7)), keras.layers.Identity()])
    model.compile("sgd", masked_loss, metrics=[MaskedLoss(), MaskedAccuracy(name="right")])
    before = model.evaluate(logits, targets, verbose=0, return_dict=True)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again.evaluate(logits, targets, verbose=0, return_dict=True) == before
    assert set(before) == {"loss", "masked_loss", "right"}


def test_teacher_forcing_shifts_by_one():
    targets = np.array([[2, 7, 8, 3, 0], [2, 9, 3, 0, 0]])
    (sources, before), after = teacher_forcing(np.array([[4], [5]]), targets)
    assert before.tolist() == [[2, 7, 8, 3], [2, 9, 3, 0]] and after.tolist() == [[7, 8, 3, 0], [9, 3, 0, 0]]
    assert sources.tolist() == [[4], [5]]


# The model -------------------------------------------------------------------------------------------


def test_word_vectors_start_standard_normal_and_differ():
    """Keras's own start, 0.05 at most, would leave all sentences nearly alike; two equal tables would be one draw."""
    keras.utils.set_random_seed(0)
    model = translation_model(500, 500, units=4, embedding=40)
    tables = [
        layer.get_weights()[0]
        for part in (model.get_layer("encoder"), model.get_layer("decoder"))
        for layer in part.layers
        if isinstance(layer, keras.layers.Embedding)
    ]
    assert [table.shape for table in tables] == [(500, 40)] * 2
    for table in tables:  # 20,000 draws: the mean is within 0.02 and the deviation within 2 %, three sigma and more
        assert table.mean() == pytest.approx(0, abs=0.025)
        assert table.std() == pytest.approx(1, rel=0.02)
        assert np.mean(np.abs(table) < 1) == pytest.approx(0.6827, abs=0.01), "and it is the bell that has such a share"
    assert abs(np.corrcoef(tables[0].ravel(), tables[1].ravel())[0, 1]) < 0.03


@pytest.mark.parametrize(
    ("sizes", "error", "message"),
    [
        ({"units": 7}, ValueError, "units is 7; expected an even number"),
        ({"units": 8.0}, TypeError, "units is 8.0; expected a whole number"),
        ({"embedding": 0}, ValueError, "embedding is 0"),
        ({"source_vocab": 0}, ValueError, "vocab_size is 0"),
    ],
)
def test_sizes_of_the_model_are_checked(sizes, error, message):
    with pytest.raises(error, match=message):
        translation_model(**{"source_vocab": 9, "target_vocab": 7, "units": 8, "embedding": 6, **sizes})


SOURCE_VOCAB, VOCAB, MAX_LEN = 9, 7, 6


@pytest.fixture(scope="module")
def translator():
    """A model that was never trained, with weights large enough for its choices to differ."""
    keras.utils.set_random_seed(3)
    model = translation_model(SOURCE_VOCAB, VOCAB, units=8, embedding=6)
    rng = np.random.default_rng(1)
    model.set_weights([rng.normal(scale=0.9, size=w.shape) for w in model.get_weights()])
    return Translator(model)


@pytest.fixture(scope="module")
def sources():
    rows = np.random.default_rng(2).integers(4, SOURCE_VOCAB, size=(11, 5))
    for row, length in enumerate([5, 1, 3, 2, 4, 5, 1, 2, 3, 4, 5]):
        rows[row, length:] = 0
    return rows.astype("int32")


def all_log_probs(translator, source, prefix):
    """Log-probabilities of the word after each token of `prefix`, from the model for training: (len(prefix), vocab)."""
    logits = keras.ops.convert_to_numpy(translator.model([source[None], np.array([prefix], "int32")]))[0]
    p = np.exp(logits.astype("float64"))
    return np.log(p / p.sum(axis=-1, keepdims=True))


def test_steps_equal_teacher_forcing(translator, sources):
    """One token at a time with carried states, in any order and batch, against the whole target at once."""
    rng = np.random.default_rng(4)
    for source in sources[:4]:
        prefixes = np.concatenate([np.full((5, 1), START), rng.integers(1, VOCAB, size=(5, MAX_LEN))], axis=1)
        expected = np.stack([all_log_probs(translator, source, prefix) for prefix in prefixes.tolist()])
        step = translator.step(source)
        for t in range(1, MAX_LEN + 1):
            order = rng.permutation(5)
            found = step(prefixes[order, :t])
            assert found.shape == (5, VOCAB) and found.dtype == np.float64
            assert np.allclose(found, expected[order, t - 1], atol=1e-5)
        assert np.allclose(translator.step(source)(prefixes[:3, :4]), expected[:3, 3], atol=1e-5), "without warning"
        assert np.allclose(np.exp(found).sum(axis=1), 1)


def test_a_step_costs_one_call_of_the_decoder(translator, sources, monkeypatch):
    calls = []
    predict = translator.decoder.predict_on_batch
    monkeypatch.setattr(translator.decoder, "predict_on_batch", lambda x: calls.append(x[0].shape) or predict(x))
    found = beam_search(translator.step(sources[0]), START, END, width=4, max_len=MAX_LEN)
    assert len(calls) <= MAX_LEN and all(shape[1] == 1 for shape in calls)
    assert len(found) == 4


def test_a_prefix_begins_with_the_start(translator, sources):
    with pytest.raises(ValueError, match="expected 2, the start token"):
        translator.step(sources[0])(np.array([[4]]))


def test_greedy_for_many_equals_greedy_for_one(translator, sources):
    found = translator.greedy(sources, MAX_LEN, batch_size=4)
    assert found.shape == (len(sources), MAX_LEN) and found.dtype == np.int32
    lengths = set()
    for source, row in zip(sources, found):
        one = greedy_decode(translator.step(source), START, END, MAX_LEN)
        assert row[: len(one.tokens)].tolist() == list(one.tokens)
        assert (row[len(one.tokens) :] == PAD).all()
        lengths.add(len(one.tokens))
    assert len(lengths) > 1, "else nothing was tested"
    assert translator.greedy(sources[:0], MAX_LEN).shape == (0, MAX_LEN)


def test_log_probs_are_sums_over_the_words_and_the_end(translator, sources):
    targets = np.array([[2, 4, 5, 3, 0], [2, 6, 3, 0, 0], [2, 4, 4, 6, 3]])
    found = translator.log_probs(sources[:3], targets, batch_size=2)
    for source, target, value in zip(sources, targets.tolist(), found):
        log_p = all_log_probs(translator, source, target[:-1])
        expected = sum(log_p[t, word] for t, word in enumerate(target[1:]) if word != PAD)
        assert value == pytest.approx(expected, abs=1e-4)
    best = beam_search(translator.step(sources[0]), START, END, width=3, max_len=MAX_LEN)[0]
    row = np.array([[START, *best.tokens]])
    assert translator.log_probs(sources[:1], row)[0] == pytest.approx(best.log_prob, abs=1e-4)


def test_padding_of_the_source_changes_nothing(translator, sources):
    longer = np.pad(sources, ((0, 0), (0, 3)))
    assert np.array_equal(translator.greedy(longer, MAX_LEN), translator.greedy(sources, MAX_LEN))
    prefix = np.array([[START, 4]])
    assert np.allclose(translator.step(longer[1])(prefix), translator.step(sources[1])(prefix), atol=1e-6)


def test_attention_looks_at_words_only(translator, sources):
    targets = np.tile([START, 4, 5, END], (len(sources), 1))
    weights = translator.attention(sources, targets)
    assert weights.shape == (len(sources), 3, 5)
    assert np.allclose(weights.sum(axis=-1), 1, atol=1e-5)
    assert (weights[np.broadcast_to((sources == PAD)[:, None], weights.shape)] == 0).all()
    assert weights[0].std() > 1e-3


def test_later_words_do_not_leak_into_earlier_ones(translator, sources):
    a, b = [START, 4, 5, 6], [START, 4, 6, 5]
    first, second = (all_log_probs(translator, sources[0], prefix) for prefix in (a, b))
    assert np.allclose(first[:2], second[:2], atol=1e-6) and not np.allclose(first[2], second[2], atol=1e-2)


def test_it_is_saved_and_loaded(translator, sources, tmp_path):
    translator.model.save(tmp_path / "translator.keras")
    again = Translator(keras.saving.load_model(tmp_path / "translator.keras"))
    assert np.array_equal(again.greedy(sources, MAX_LEN), translator.greedy(sources, MAX_LEN))


def test_it_learns_to_reverse():
    """Copying needs attention, and backwards needs it at the right place: 5 digits, never seen in training."""
    rng = np.random.default_rng(0)
    rows = np.unique(rng.integers(4, 9, size=(3000, 5)), axis=0)
    rows = rows[rng.permutation(len(rows))].astype("int32")
    targets = np.pad(rows[:, ::-1], ((0, 0), (1, 1)), constant_values=START)
    targets[:, -1] = END
    keras.utils.set_random_seed(0)
    model = translation_model(9, 9, units=32, embedding=16, dropout=0.0)
    model.compile(keras.optimizers.Adam(0.02), masked_loss, metrics=[MaskedAccuracy()])
    model.fit(*teacher_forcing(rows[200:], targets[200:]), batch_size=128, epochs=8, verbose=0)
    exact = (Translator(model).greedy(rows[:200], max_len=6) == targets[:200, 1:]).all(axis=1)
    assert exact.mean() > 0.9


def test_a_model_without_the_two_parts_is_refused():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    with pytest.raises(ValueError, match="encoder"):
        Translator(model)


def test_tokens_outside_the_vocabulary_are_refused(translator, sources):
    """A negative one would count from the end of the vocabulary."""
    with pytest.raises(ValueError, match="targets holds the token -1"):
        translator.log_probs(sources[:1], np.array([[START, -1, END]]))
    with pytest.raises(ValueError, match="targets go up to 7; expected tokens below 7"):
        translator.log_probs(sources[:1], np.array([[START, 4, VOCAB]]))
    for sizes in ({"max_len": 0}, {"max_len": 3, "batch_size": 0}):
        with pytest.raises(ValueError, match="expected a whole number, 1 or more"):
            translator.greedy(sources, **sizes)


@pytest.mark.parametrize("bad", [np.zeros(3, int), np.zeros((2, 3))])
def test_sources_are_rows_of_whole_numbers(translator, bad):
    with pytest.raises(ValueError, match="whole numbers, one row a sentence"):
        translator.greedy(bad, 3)


def test_log_softmax_survives_large_logits():
    found = log_softmax(np.array([[1000.0, 1000.0, -1000.0]], "float32"))
    assert np.allclose(found, [[np.log(0.5), np.log(0.5), -2000 + np.log(0.5)]])
    assert seq2seq.log_softmax(np.zeros((2, 3, 4))).shape == (2, 3, 4)
    assert np.array_equal(log_softmax([[0.0, -np.inf]]), [[0, -np.inf]])


@pytest.mark.parametrize("row", [[-np.inf, -np.inf], [0.0, np.nan], [0.0, np.inf]])
def test_what_is_no_distribution_has_no_logarithms(row):
    with pytest.raises(ValueError, match="stands for no distribution"):
        log_softmax([[0.0, 1.0], row])


def test_the_parts_fit_each_other_as_they_come():
    """Without sizes of their own, encoder, decoder and the whole have the same widths, those that they document."""
    encoder, decoder, whole = seq2seq.encoder_model(9), seq2seq.decoder_model(7), translation_model(9, 7)
    tokens, before = np.array([[4, 5, 0]], "int32"), np.array([[START, 4]], "int32")
    annotations, state = encoder.predict_on_batch(tokens)
    assert annotations.shape == (1, 3, 256) and state.shape == (1, 256)
    logits, last, weights = decoder.predict_on_batch([before, state, annotations, tokens])
    assert logits.shape == (1, 2, 7) and last.shape == (1, 256) and weights.shape == (1, 2, 3)
    assert whole.count_params() == encoder.count_params() + decoder.count_params()
    for part in (encoder, decoder):
        assert {w.shape[-1] for w in part.get_weights() if w.shape[0] in (7, 9) and w.ndim == 2} == {128}, "embedding"


def test_dropout_works_in_training_only_and_its_share_counts():
    """Whole features of the word vectors are left out: a share of 0 is no noise, more noise is a larger share."""
    tokens = np.tile(np.array([4, 5, 6, 7], "int32"), (64, 1))  # each row draws its own noise
    noise = []
    for share in (0.0, 0.2, 0.8):
        keras.utils.set_random_seed(1)
        encoder = seq2seq.encoder_model(9, units=8, embedding=32, dropout=share)
        still, noisy = (keras.ops.convert_to_numpy(encoder(tokens, training=flag)[1]) for flag in (False, True))
        assert np.allclose(still, still[0], atol=1e-6)
        noise.append(float(np.abs(noisy - still).mean()))
    assert noise[0] < 1e-6 < noise[1] < noise[2]


def test_one_token_alone_is_all_the_figures():
    """A batch with a single token that counts: the figures are that token's."""
    logits = np.log([[[0.1, 0.1, 0.1, 0.1, 0.6], [0.2] * 5]]).astype("float32")
    assert float(masked_loss(np.array([[4, 0]]), logits)) == pytest.approx(-np.log(0.6), rel=1e-5)
    for target, share in (([[4, 0]], 1.0), ([[3, 0]], 0.0)):
        metric = MaskedAccuracy()
        metric.update_state(np.array(target), logits)
        assert float(metric.result()) == share


def test_batches_of_any_size_decode_alike(translator, sources):
    """The rows that fill a batch up to a power of two are thrown away, whatever the batch."""
    found = translator.greedy(sources, MAX_LEN)
    targets = np.where(found > 0, found, PAD)
    targets = np.pad(targets, ((0, 0), (1, 0)), constant_values=START)
    log_p = translator.log_probs(sources, targets)
    for batch_size in (1, 2, 3, 8, 11, 12):
        assert np.array_equal(translator.greedy(sources, MAX_LEN, batch_size=batch_size), found)
        assert np.allclose(translator.log_probs(sources, targets, batch_size=batch_size), log_p, atol=1e-4)
    assert np.array_equal(translator.greedy(sources, 2), found[:, :2]), "a shorter answer is the beginning"
