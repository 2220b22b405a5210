"""utils.scenes: pictures of shapes, what can truly be said of them, and the grammar of captions."""

import numpy as np
import pytest
from scipy import ndimage

from utils import scenes
from utils.scenes import Scene, Statement


def rng(seed=0):
    return np.random.default_rng(seed)


def test_each_object_is_seen_where_and_in_the_colour_it_is_said_to_be():
    """From the pixels alone: connected bright regions, their middles and their mean colours."""
    made = scenes.make(60, rng(1), noise=0, num_objects=(2, 3))
    palette = np.array(list(scenes.COLOURS.values()), float)
    for number, image in enumerate(made.images):
        regions, count = ndimage.label((image.astype(int) - scenes.BACKGROUND).max(axis=-1) > 100)
        scene = made.scene(number)
        assert count == len(scene.kinds)
        for kind, (x, y), radius in zip(scene.kinds, scene.centres, made.radii[number]):
            region = regions[round(float(y)), round(float(x))]
            assert region > 0
            rows, columns = np.nonzero(regions == region)
            box = [columns.min(), columns.max(), rows.min(), rows.max()]
            assert np.allclose(box, [x - radius, x + radius, y - radius, y + radius], atol=2.6)  # an apex is thin
            colour = list(scenes.COLOURS)[
                np.abs(palette - np.median(image[rows, columns], axis=0)).sum(axis=1).argmin()
            ]
            assert kind.startswith(colour)


@pytest.mark.parametrize(
    "shape, share",  # of the square around it: pi / 4, all, a half, and a cross of five ninths
    [("circle", np.pi / 4), ("square", 1.0), ("triangle", 0.5), ("cross", 5 / 9)],
)
def test_a_large_shape_covers_its_share_of_the_box(shape, share):
    made = scenes.make(
        30, rng(2), noise=0, side=400, radius=(60, 70), allowed=[f"{colour} {shape}" for colour in scenes.COLOURS]
    )
    bright = (made.images.astype(int) - scenes.BACKGROUND).max(axis=-1) > 60
    expected = np.nansum(share * (2 * made.radii) ** 2, axis=1)
    assert np.allclose(bright.sum(axis=(1, 2)) / expected, 1, atol=0.03)


def test_scenes_keep_their_distances_and_kinds_differ():
    made = scenes.make(500, rng(3), num_objects=(2, 4), side=64, clear=6)
    counts = (made.kinds >= 0).sum(axis=1)
    assert set(counts) == {2, 3, 4}
    for number in range(500):
        scene, radii = made.scene(number), made.radii[number]
        assert len(set(scene.kinds)) == len(scene.kinds)
        for a in range(len(scene.kinds)):
            assert (scene.centres[a] - radii[a] >= 0).all() and (scene.centres[a] + radii[a] <= 63).all()
            for b in range(a):
                across, down = np.abs(scene.centres[a] - scene.centres[b])
                assert abs(across - down) >= 6 - 1e-3 and max(across, down) >= radii[a] + radii[b] + 1 - 1e-3


def test_the_same_seed_draws_the_same_scenes_and_another_one_others():
    a, b, c = (scenes.make(20, rng(seed)) for seed in (4, 4, 5))
    assert all(np.array_equal(x, y, equal_nan=True) for x, y in zip(a[:1] + a[2:], b[:1] + b[2:]))
    assert not np.array_equal(a.images, c.images)


def test_only_allowed_kinds_occur_and_every_scene_has_a_required_one():
    allowed = ["red circle", "red square", "blue cross", "white triangle"]
    made = scenes.make(300, rng(6), allowed=allowed, required=["blue cross", "white triangle"])
    seen = [set(made.scene(number).kinds) for number in range(300)]
    assert set.union(*seen) == set(allowed)
    assert all(kinds & {"blue cross", "white triangle"} for kinds in seen)
    assert all(len(kinds) == (made.kinds[k] >= 0).sum() for k, kinds in enumerate(seen)), "and none twice"


SCENE = Scene(("red circle", "blue square", "white cross"), np.array([(10.0, 10.0), (30.0, 14.0), (12.0, 40.0)]))


def test_what_can_be_said_of_a_scene():
    """Worked out by eye: the square is right of the circle, the cross below both."""
    assert set(scenes.statements(SCENE)) == {
        Statement("red circle", "left of", "blue square"),
        Statement("blue square", "right of", "red circle"),
        Statement("red circle", "above", "white cross"),
        Statement("white cross", "below", "red circle"),
        Statement("blue square", "above", "white cross"),
        Statement("white cross", "below", "blue square"),
    }


def test_the_four_forms_of_one_statement_and_each_is_read_back():
    said = Statement("red circle", "left of", "blue square")
    texts = [scenes.caption(said, form) for form in range(4)]
    assert texts == [
        "a red circle is left of a blue square",
        "there is a red circle left of a blue square",
        "a red circle left of a blue square",
        "a blue square with a red circle to its left",
    ]
    for relation in scenes.RELATIONS:
        said = Statement("white cross", relation, "green triangle")
        assert [scenes.parse(scenes.caption(said, form)) for form in range(4)] == [said] * 4


@pytest.mark.parametrize(
    "text",
    [
        "", "a red circle", "a red circle is left of a blue", "a circle red is left of a blue square",
        "a red circle is left of a blue square square", "a purple circle is left of a blue square",
        "a red circle is to its left a blue square", "A red circle is left of a blue square",
    ],
)  # fmt: skip
def test_what_is_no_sentence_of_the_grammar_says_nothing(text):
    assert scenes.parse(text) is None


def test_references_are_true_and_use_all_pairs_and_forms():
    texts = scenes.references(SCENE, rng(7), 600)
    assert {scenes.parse(text) for text in texts} == set(scenes.statements(SCENE))
    assert len(set(texts)) == 6 * 4
    assert (
        scenes.references(SCENE, rng(8)) == scenes.references(SCENE, rng(8))
        and len(scenes.references(SCENE, rng())) == 5
    )


def test_an_opposite_tells_the_same_fact():
    for a, relation, b in scenes.statements(SCENE):
        assert Statement(b, scenes.OPPOSITE[relation], a) in scenes.statements(SCENE)


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda: scenes.make(0, rng()), ValueError, "num_scenes is 0"),
        (lambda: scenes.make(2, 7), TypeError, "rng"),
        (lambda: scenes.make(2, rng(), num_objects=(3, 2)), ValueError, "the least of each first"),
        (lambda: scenes.make(2, rng(), num_objects=(1, 2)), ValueError, "a number of objects is 1"),
        (lambda: scenes.make(2, rng(), allowed=["red"]), ValueError, "expected a list of kinds such as 'red circle'"),
        (lambda: scenes.make(2, rng(), allowed="red circle"), ValueError, "allowed is 'red circle'"),
        (
            lambda: scenes.make(2, rng(), num_objects=(3, 3), allowed=scenes.KINDS[:2]),
            ValueError,
            "2 kinds are allowed",
        ),
        (
            lambda: scenes.make(2, rng(), allowed=scenes.KINDS[:4], required=["white cross"]),
            ValueError,
            "the required ones among them",
        ),
        (lambda: scenes.make(2, rng(), side=10), ValueError, "does not fit into a picture of 10 pixels"),
        (lambda: scenes.make(50, rng(), side=20, num_objects=(4, 4)), ValueError, "find no place in a picture of 20"),
        (lambda: scenes.make(3, rng()).scene(3), ValueError, "number is 3"),
        (lambda: scenes.caption(scenes.statements(SCENE)[0], 4), ValueError, "form is 4"),
        (lambda: scenes.references(SCENE, rng(), 0), ValueError, "number is 0"),
        (lambda: scenes.parse(["a"]), TypeError, "text is list; expected a caption"),
    ],
)
def test_what_is_no_scene_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()
