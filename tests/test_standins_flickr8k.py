"""The generated captions: five of an image agree on what it shows, and nothing else is to be learned from them."""

from collections import Counter

import pytest

from utils.datasets.standins import flickr8k as made

SUBJECTS = [subject for group in made.SUBJECTS.values() for subject in group]


def shown(caption):
    """What a caption says: its subjects, kinds, doings and places, by looking for all of them."""
    padded = f" {caption.lower()} "
    lists = (SUBJECTS, sum(made.KINDS.values(), ()), [*{*sum(made.DOING.values(), ())}], made.PLACES)
    return [{each for each in choices if f" {each} " in padded} for choices in lists]


@pytest.fixture(scope="module")
def images():
    return made.scenes(1, 4_000)


def test_equal_seeds_give_equal_images_and_others_do_not():
    assert made.scenes(1, 50) == made.scenes(1, 50) != made.scenes(2, 50)
    assert made.flickr8k(3) == made.flickr8k(3) != made.flickr8k(4)


def test_every_caption_names_the_subject_and_the_place_and_contradicts_nothing(images):
    told = Counter()
    for scene, captions in images:
        for caption in captions:
            subjects, kinds, doings, places = shown(caption)
            assert (subjects, places) == ({scene.subject}, {scene.place}), caption
            assert kinds <= {scene.kind} and doings <= {scene.doing}, caption
            told += Counter(kind=len(kinds), doing=len(doings))
    assert 0.3 < told["kind"] / (5 * len(images)) < 0.8, "some leave it out"
    assert 0.3 < told["doing"] / (5 * len(images)) < 0.8


def test_five_captions_of_an_image_differ(images):
    for _, captions in images:
        assert len({caption.removesuffix(" .") for caption in captions}) == 5


def test_captions_look_like_the_real_ones(images):
    captions = [caption for _, captions in images for caption in captions]
    assert all(caption[0].isupper() and caption[1:] == caption[1:].lower() for caption in captions)
    assert 0.87 < sum(caption.endswith(" .") for caption in captions) / len(captions) < 0.93
    assert all(4 <= len(caption.split()) <= 16 for caption in captions)
    assert not any("{" in caption or "  " in caption for caption in captions)
    words = Counter(pair for caption in captions for pair in zip(caption.lower().split(), caption.lower().split()[1:]))
    assert all((article == "an") == (word[0] in "aeiou") for article, word in words if article in ("a", "an"))


def test_who_and_where_are_drawn_without_regard_to_one_another(images):
    """Whoever guessed the place from the subject would be right about as often as chance, 1 in 12."""
    seen = {}
    for scene, _ in images:
        seen.setdefault(scene.subject, Counter())[scene.place] += 1
    assert set(seen) == set(SUBJECTS) and all(set(places) == set(made.PLACES) for places in seen.values())
    right = sum(places.most_common(1)[0][1] for places in seen.values())
    assert right / len(images) < 0.14  # 1 / 12, and what the largest of twelve counts of about 21 adds


def test_parts_have_their_sizes_and_share_no_name():
    parts = made.flickr8k()
    assert {split: len(part) for split, part in parts.items()} == made.SIZES
    names = [name for part in parts.values() for name in part]
    assert len(set(names)) == sum(made.SIZES.values())
    assert all(name.startswith("made-up_") and name.endswith(".jpg") for name in names), "no photograph's name"
    drawn = [captions for _, captions in made.scenes(0, sum(made.SIZES.values()))]
    assert [captions for part in parts.values() for captions in part.values()] == drawn
