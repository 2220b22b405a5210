"""Word-vector arithmetic, against loops that follow the formulas word for word."""

import math
import tracemalloc

import keras
import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from utils import embeddings
from utils.embeddings import WordVectors, analogy, embedding_matrix, nearest, unit_rows

TABLE = WordVectors(
    ["man", "woman", "king", "queen", "apple", "orange"],
    np.array(
        [
            [-1, 0.01, 0.03, 0.09],
            [1, 0.02, 0.02, 0.01],
            [-0.95, 0.93, 0.70, 0.02],
            [0.97, 0.95, 0.69, 0.01],
            [0, -0.01, 0.03, 0.95],
            [0.01, 0, -0.02, 0.97],
        ]
    ),
)


def made_up(seed, n=30, dim=5):
    """Random vectors of random lengths for the words w0, w1, ..."""
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(n, dim)) * rng.uniform(0.1, 10, size=(n, 1))
    return WordVectors([f"w{i}" for i in range(n)], vectors)


def cosine(u, v):
    """The formula, with plain Python numbers."""
    u, v = [float(x) for x in u], [float(x) for x in v]
    return sum(x * y for x, y in zip(u, v)) / math.sqrt(sum(x * x for x in u)) / math.sqrt(sum(y * y for y in v))


# ------------------------------------------------------------------------------------------------------------ analogy


def test_the_lectures_table():
    assert analogy(TABLE, "man", "woman", "king") == "queen"
    assert analogy(TABLE, "king", "queen", "man") == "woman"
    assert analogy(TABLE, ["man", "woman"], ["king", "queen"], ["woman", "man"]) == ["queen", "king"]


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), exclude=st.booleans())
def test_analogy_is_the_argmax_of_the_formula(seed, exclude):
    given_vectors, rng = made_up(seed), np.random.default_rng(seed)
    length = np.sqrt((given_vectors.vectors**2).sum(axis=1))
    for a, b, c in rng.integers(30, size=(5, 3)):
        e = [given_vectors.vectors[i] / length[i] for i in range(30)]
        target = e[b] - e[a] + e[c]
        allowed = [w for w in range(30) if not (exclude and w in (a, b, c))]
        best = max(allowed, key=lambda w: cosine(e[w], target))
        assert analogy(given_vectors, f"w{a}", f"w{b}", f"w{c}", exclude=exclude) == f"w{best}"


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), block=st.sampled_from([1, 31, 95, 10_000]))
def test_many_questions_at_once_are_answered_as_one_by_one(seed, block):
    given_vectors, rng = made_up(seed), np.random.default_rng(seed)
    a, b, c = ([f"w{i}" for i in rng.integers(30, size=17)] for _ in range(3))
    one_by_one = [analogy(given_vectors, *question) for question in zip(a, b, c)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(embeddings, "BLOCK", block)
        assert analogy(given_vectors, a, b, c) == one_by_one


@given(seed=st.integers(0, 10_000), factor=st.sampled_from([1e-30, 0.5, 1e30]))
@settings(max_examples=20, deadline=None)
def test_lengths_do_not_matter(seed, factor):
    given_vectors = made_up(seed)
    scale = np.random.default_rng(seed).uniform(0.1, 10, size=(30, 1)) * factor
    scaled = WordVectors(given_vectors.words, given_vectors.vectors * scale)
    assert analogy(scaled, "w0", "w1", "w2") == analogy(given_vectors, "w0", "w1", "w2")
    assert [w for w, _ in nearest(scaled, "w3", 29)] == [w for w, _ in nearest(given_vectors, "w3", 29)]


def test_without_exclusion_the_word_itself_may_win():
    words = WordVectors(["a", "b", "c", "d"], [[1, 0.1, 0], [1, 0.2, 0], [0, 0, 1], [0, 1, 0]])
    assert analogy(words, "a", "b", "c", exclude=False) == "c"
    assert analogy(words, "a", "b", "c") == "d"


def test_zero_vectors_are_no_answers():
    words = WordVectors(["a", "b", "c", "nothing", "d"], -np.eye(3)[[0, 0, 1, 2, 2]] * [[1], [1], [1], [0], [1]])
    assert analogy(words, "a", "b", "c") == "d", "all cosines with the rest are 0: the zero vector must not win"
    with pytest.raises(ValueError, match="'nothing' is zero"):
        analogy(words, "a", "b", "nothing")


def test_no_questions_no_answers():
    assert analogy(TABLE, [], [], []) == []


def test_ten_thousand_analogies_over_fifty_thousand_words():
    """Without a table of 10,000 by 50,000 similarities (2 GB)."""
    rng = np.random.default_rng(0)
    words = [f"w{i}" for i in range(50_000)]
    many = WordVectors(words, rng.normal(size=(50_000, 50)).astype("float32"))
    a, b, c = ([words[i] for i in rng.integers(50_000, size=10_000)] for _ in range(3))
    tracemalloc.start()
    answers = analogy(many, a, b, c)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(answers) == 10_000
    assert peak < 200e6, f"peak {peak / 1e6:.0f} MB"
    unit = unit_rows(many.vectors)
    for i in (0, 5_000, 9_999):
        rows = [int(words_[i][1:]) for words_ in (a, b, c)]
        similarity = unit @ (unit[rows[1]] - unit[rows[0]] + unit[rows[2]])
        similarity[rows] = -1
        assert answers[i] == words[similarity.argmax()]


def test_bad_questions_are_refused():
    with pytest.raises(ValueError, match=r"no vector for 'xyz'; 'quene' \(did you mean 'queen'\?\)\."):
        analogy(TABLE, ["man", "xyz"], ["woman", "man"], ["quene", "king"])
    with pytest.raises(ValueError, match="did you mean 'king'"):
        analogy(TABLE, "man", "woman", "King")
    with pytest.raises(ValueError, match="2, 1 and 1 words"):
        analogy(TABLE, ["man", "king"], ["woman"], ["king"])
    with pytest.raises(TypeError, match="not a mixture"):
        analogy(TABLE, "man", "woman", ["king"])
    with pytest.raises(TypeError, match="a word is a string, not 3"):
        analogy(TABLE, ["man"], ["woman"], [3])
    with pytest.raises(ValueError, match="at least 4 words"):
        analogy(WordVectors(["a", "b", "c"], np.eye(3)), "a", "b", "c")


def test_only_five_unknown_words_are_listed():
    unknown = [f"zz{i}zz" for i in range(9)]
    with pytest.raises(ValueError, match=r"'zz4zz'; and 4 more\. There are vectors for 6 words"):
        analogy(TABLE, unknown, ["man"] * 9, ["king"] * 9)


# ------------------------------------------------------------------------------------------------------------ nearest


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), k=st.integers(1, 29))
def test_neighbours_of_a_word_are_those_of_a_loop(seed, k):
    given_vectors = made_up(seed)
    e = given_vectors.vectors
    others = sorted(range(1, 30), key=lambda w: -cosine(e[w], e[0]))[:k]
    got = nearest(given_vectors, "w0", k)
    assert [word for word, _ in got] == [f"w{w}" for w in others]
    assert [value for _, value in got] == pytest.approx([cosine(e[w], e[0]) for w in others])


def test_a_vector_finds_its_own_word_too():
    [(word, value)] = nearest(TABLE, 3 * TABLE.vectors[2], 1)
    assert word == "king"
    assert value == pytest.approx(1)
    assert "king" not in dict(nearest(TABLE, "king", 5))


def test_equal_cosines_keep_the_order_of_the_words():
    words = WordVectors(["a", "z", "y", "b"], [[1, 0], [2, 2], [1, 1], [0, 1]])
    assert [word for word, _ in nearest(words, "a", 3)] == ["z", "y", "b"]


@pytest.mark.parametrize("k", [0, -1, 6, 100])
def test_k_out_of_range(k):
    with pytest.raises(ValueError, match=f"k = {k} is out of range: there are 5 other words"):
        nearest(TABLE, "king", k)


def test_bad_queries_are_refused():
    with pytest.raises(TypeError, match=r"k is 2\.0; expected a whole number"):
        nearest(TABLE, "king", 2.0)
    with pytest.raises(ValueError, match="did you mean 'orange'"):
        nearest(TABLE, "ornage", 1)
    with pytest.raises(ValueError, match="zero vector"):
        nearest(TABLE, np.zeros(4), 1)
    with pytest.raises(ValueError, match=r"expected a word or a vector \(4,\), got shape \(3,\)"):
        nearest(TABLE, np.ones(3), 1)
    with pytest.raises(TypeError, match="expected word vectors"):
        nearest(np.eye(3), "king", 1)
    with pytest.raises(ValueError, match="NaN"):
        nearest(WordVectors(["a", "b"], [[1.0, np.nan], [0, 1]]), "a", 1)


def test_words_and_vectors_must_fit():
    with pytest.raises(ValueError, match="2 words need vectors"):
        WordVectors(["a", "b"], np.eye(3))
    with pytest.raises(ValueError, match="'a' occurs twice"):
        WordVectors(["a", "b", "a"], np.eye(3))


# --------------------------------------------------------------------------------------------------------- unit length


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), scale=st.sampled_from([1e-30, 1.0, 1e30]), dtype=st.sampled_from(["f4", "f8"]))
def test_unit_rows_have_length_one_and_keep_their_direction(seed, scale, dtype):
    matrix = (np.random.default_rng(seed).normal(size=(6, 4)) * scale).astype(dtype)
    unit = unit_rows(matrix)
    assert unit.dtype == matrix.dtype
    assert np.allclose((unit**2).sum(axis=1), 1, atol=1e-5)
    assert all(cosine(u, row / np.float64(scale)) == pytest.approx(1, abs=1e-5) for u, row in zip(unit, matrix))


def test_a_row_of_zeros_stays_zero():
    assert np.array_equal(unit_rows([[0, 0], [3, 4]]), [[0, 0], [0.6, 0.8]])


def test_unit_rows_refuse_a_single_vector():
    with pytest.raises(ValueError, match="one a row"):
        unit_rows(np.ones(3))


# ---------------------------------------------------------------------------------------------------- embedding matrix


def test_the_matrix_for_an_embedding_layer_looks_words_up():
    vectorize = keras.layers.TextVectorization(output_sequence_length=5)
    vectorize.adapt(["the king eats an apple", "the queen eats an orange"])
    vocabulary = vectorize.get_vocabulary()
    matrix, found = embedding_matrix(vocabulary, TABLE)
    assert matrix.shape == (len(vocabulary), 4)
    assert matrix.dtype == np.float32
    assert {word for word, has in zip(vocabulary, found) if has} == {"king", "queen", "apple", "orange"}
    layer = keras.layers.Embedding(*matrix.shape, weights=[matrix], trainable=False)
    e = np.asarray(layer(vectorize(["queen eats apple"])))[0]
    expected = [TABLE.vectors[3], np.zeros(4), TABLE.vectors[4], np.zeros(4), np.zeros(4)]
    assert np.allclose(e, expected), "absent words and padding are zero"


@settings(max_examples=40, deadline=None)
@given(words=st.lists(st.sampled_from([f"w{i}" for i in range(60)]), unique=True), seed=st.integers(0, 100))
def test_the_matrix_is_that_of_a_loop(words, seed):
    given_vectors = made_up(seed)
    vocabulary = ["", "[UNK]", *words]
    matrix, found = embedding_matrix(vocabulary, given_vectors)
    for row, word in enumerate(vocabulary):
        known = word in given_vectors.words
        expected = given_vectors.vectors[given_vectors.words.index(word)] if known else np.zeros(5)
        assert np.array_equal(matrix[row], expected.astype("float32"))
        assert found[row] == known
    as_mapping = embedding_matrix({word: row for row, word in enumerate(vocabulary)}, given_vectors)
    assert np.array_equal(as_mapping[0], matrix)
    assert np.array_equal(as_mapping[1], found)


def test_a_mapping_may_leave_gaps():
    matrix, found = embedding_matrix({"queen": 4, "unheard": 2}, TABLE)
    assert matrix.shape == (5, 4)
    assert list(found) == [False, False, False, False, True]
    assert not matrix[:4].any()


def test_absent_words_may_be_drawn():
    given_vectors = WordVectors([f"w{i}" for i in range(500)], np.random.default_rng(1).normal(3, 2, size=(500, 4)))
    vocabulary = ["", *(f"w{i}" for i in range(1000))]
    matrix, found = embedding_matrix(vocabulary, given_vectors, rng=np.random.default_rng(0))
    assert found.sum() == 500
    assert not matrix[0].any(), "padding stays zero"
    drawn = matrix[1:][~found[1:]]
    assert np.allclose(drawn.mean(axis=0), 3, atol=0.5)
    assert np.allclose(drawn.std(axis=0), 2, atol=0.3)
    assert np.array_equal(matrix[1:501], given_vectors.vectors.astype("float32"))
    again, _ = embedding_matrix(vocabulary, given_vectors, rng=np.random.default_rng(0))
    assert np.array_equal(matrix, again)


@pytest.mark.parametrize("rng", [42, "seed", np.random.RandomState(0)])
def test_a_seed_is_no_generator(rng):
    with pytest.raises(TypeError, match=r"rng is .*; expected a numpy\.random\.Generator"):
        embedding_matrix(["", "king", "nobody"], TABLE, rng=rng)


def test_vectors_in_half_precision_are_welcome_and_text_is_not():
    for dtype in ("float16", ml_dtypes.bfloat16):
        rough = WordVectors(TABLE.words, TABLE.vectors.astype(dtype))
        assert analogy(rough, "man", "woman", "king") == "queen"
        assert np.allclose(embedding_matrix(["", *TABLE.words], rough)[0][1:], TABLE.vectors, atol=0.01)
    with pytest.raises(TypeError, match="the array of vectors holds entries of type <U"):
        WordVectors(["a"], [["0.1", "0.2"]])
    with pytest.raises(TypeError, match="the query holds entries of type object"):
        nearest(TABLE, [1, None, 0, 0], 1)


def test_a_vocabulary_without_padding_is_refused():
    with pytest.raises(ValueError, match="row 0 is the word 'king', but row 0 belongs to padding"):
        embedding_matrix(["king", "queen"], TABLE)
    with pytest.raises(ValueError, match="row 0 is the word 'king'"):
        embedding_matrix({"king": 0}, TABLE)


def test_bad_vocabularies_are_refused():
    with pytest.raises(ValueError, match="'queen' occurs twice"):
        embedding_matrix(["", "queen", "queen"], TABLE)
    with pytest.raises(ValueError, match="'king' and 'queen' have the same index, 3"):
        embedding_matrix({"king": 3, "queen": 3}, TABLE)
    with pytest.raises(ValueError, match="index of 'king' is -1"):
        embedding_matrix({"king": -1}, TABLE)
    with pytest.raises(TypeError, match=r"the index of 'king' is 1\.5; expected a whole number"):
        embedding_matrix({"king": 1.5}, TABLE)
    with pytest.raises(TypeError, match="expected a list of words"):
        embedding_matrix("king queen", TABLE)


def test_the_word_that_stands_twice_is_the_one_named():
    with pytest.raises(ValueError, match=r"'b' .* twice"):
        WordVectors(["a", "b", "b", "c"], np.eye(4))


def test_the_index_of_word_vectors_is_the_row_of_each_word():
    assert TABLE.index == {"man": 0, "woman": 1, "king": 2, "queen": 3, "apple": 4, "orange": 5}


@pytest.mark.parametrize(("unknown", "more"), [(5, ""), (6, "; and 1 more"), (7, "; and 2 more")])
def test_the_count_of_words_not_listed_is_right(unknown, more):
    words = [f"zz{i}zz" for i in range(unknown)]
    with pytest.raises(ValueError, match=rf"'zz4zz'{more}\. There are vectors"):
        analogy(TABLE, words, ["man"] * unknown, ["king"] * unknown)


def test_no_words_at_all_answer_no_questions():
    nothing = WordVectors([], np.zeros((0, 3)))
    assert analogy(nothing, [], [], []) == []
    assert unit_rows(nothing.vectors).shape == (0, 3)
    with pytest.raises(ValueError, match="k = 1 is out of range"):
        nearest(nothing, np.ones(3), 1)


def test_unit_rows_leave_their_argument_alone():
    matrix = np.array([[3.0, 4.0], [0.0, 0.0]])
    unit_rows(matrix)
    assert matrix.tolist() == [[3, 4], [0, 0]]


def test_other_objects_with_words_and_vectors_will_do():
    """What `load_glove` returns is no WordVectors; one whose index is no mapping must not mislead."""

    class Bare:
        words, vectors = ("a", "b", "c", "d"), np.array([[1, 0.1, 0], [1, 0.2, 0], [0, 0, 1], [0, 1, 0]])
        index = ("d", "c", "b", "a")

    assert analogy(Bare, "a", "b", "c") == "d"
    assert [word for word, _ in nearest(Bare, "a", 3)] == ["b", "d", "c"]


@pytest.mark.parametrize("nothing", [[], {}, np.array([], dtype=str)])
def test_an_empty_vocabulary_is_an_empty_matrix(nothing):
    matrix, found = embedding_matrix(nothing, TABLE, rng=np.random.default_rng(0))
    assert matrix.shape == (0, 4) and found.shape == (0,)


# ------------------------------------------------------------------------------------------------ vectors from counts


def by_hand(ids, size, window):
    """Every pair of places, counted one by one."""
    counts = np.zeros((size, size))
    for text in ids:
        for i, first in enumerate(text):
            for j, second in enumerate(text):
                if i != j and abs(i - j) <= window and first and second:
                    counts[first, second] += 1
    return counts


@pytest.mark.parametrize("window", [1, 2, 5, 30])
def test_cooccurrences_are_those_counted_one_by_one(window):
    ids = np.random.default_rng(window).integers(0, 6, size=(7, 11))
    assert (embeddings.cooccurrences(ids, 8, window=window).toarray() == by_hand(ids, 8, window)).all()


def test_padding_is_no_neighbour_but_keeps_its_place():
    pairs = embeddings.cooccurrences([[3, 0, 4]], 5, window=1)
    assert not pairs.nnz
    assert embeddings.cooccurrences([[3, 0, 4]], 5, window=2)[3, 4] == 1


def test_counted_vectors_are_the_widest_directions_of_ppmi():
    rng = np.random.default_rng(0)
    ids = rng.choice(12, size=(40, 9), p=rng.dirichlet(np.ones(12)))
    counts = by_hand(ids, 12, 2)
    total, information = counts.sum(), np.zeros((12, 12))
    for i, j in zip(*np.nonzero(counts)):
        by_chance = counts[i].sum() * counts[j].sum() / total
        information[i, j] = max(0, math.log(counts[i, j] / by_chance))
    left, widths, _ = np.linalg.svd(information)
    vectors = embeddings.counted_vectors(ids, 12, 3, window=2, seed=1)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.abs(vectors), np.abs(left[:, :3] * widths[:3]), atol=1e-4)
    np.testing.assert_allclose(vectors[0], 0, atol=1e-6)  # padding has no neighbours


@pytest.mark.parametrize(
    ("ids", "options", "error", "words"),
    [
        ([[1.0, 2.0]], {}, TypeError, "word numbers"),
        ([1, 2], {}, ValueError, "one text a row"),
        ([[1, 5]], {}, ValueError, "expected 0 to 4"),
        ([[-1, 2]], {}, ValueError, "expected 0 to 4"),
        ([[1, 2]], {"window": 0}, ValueError, "window"),
        ([[1, 2]], {"dim": 5}, ValueError, "dim"),
        ([[1, 0]], {"window": 1}, ValueError, "no two words"),
    ],
)
def test_counting_refuses_what_it_cannot_count(ids, options, error, words):
    with pytest.raises(error, match=words):
        embeddings.counted_vectors(ids, 5, **({"dim": 2, "seed": 0} | options))
