"""Generated stand-in for the captions of Flickr8k: images that do not exist, and five captions of each.

What belongs here: functions of a seed that return what `load_flickr8k_captions` reads from files, for the quick
profile, for readers without the files, and for experiments that need to know what an image shows. What does not:
reading the real thing, and images.

An image is a scene: somebody, of some kind, who does something in some place, all drawn without regard to one another.
Every caption of it names the subject and the place. What kind and what doing are left out by some, but no caption says
another one; so five captions tell more than one, as with the real ones, and nothing else can be learned from them.
"""

from typing import NamedTuple

from utils.datasets.standins.words import Writer, words

SIZES = {"train": 300, "dev": 50, "test": 50}
"""How many images each part has."""

SUBJECTS = {
    "animal": words("dog cat horse goat duck monkey elephant sheep"),
    "person": words("man woman boy girl child teenager skater artist"),
}
"""Who can be seen, by what they are."""
KINDS = {
    "animal": words("brown white black spotted large old wet hairy"),
    "person": words("smiling tall young old barefoot blond tired elegant"),
}
"""What they are like."""
DOING = {
    "animal": words("running, jumping, sleeping, looking up, drinking water, chasing a ball", ","),
    "person": words("running, jumping, sitting down, looking up, eating an apple, throwing a ball", ","),
}
"""What they do, after "is"."""
PLACES = words(
    """
    on the beach, in the snow, in a garden, near a lake, on a bridge, in the street, under a tree, in front of a house,
    beside a fence, on the grass, at a station, on a rock
    """,
    ",",
)
"""Where."""

FRAMES = words(
    """
    {a kind subject} is {doing} {place} | {a subject} is {doing} {place} | {a subject} {place} |
    {a kind subject} {place} | {place} , {a subject} is {doing} | {place} there is {a kind subject} |
    one {kind} {subject} {doing} {place} | there is {a subject} {place} | the {subject} {place} is {doing} |
    {a kind subject} {doing} {place} , seen from afar
    """,
    "|",
)
"""How a caption is built; an image's five captions are built in five ways."""


class Scene(NamedTuple):
    """What an image shows: a "dog", which is "brown", is "running", "on the beach"."""

    subject: str
    kind: str
    doing: str
    place: str


def _with_article(text: str) -> str:
    return f"{'an' if text[0] in 'aeiou' else 'a'} {text}"


def _caption(scene: Scene, frame: str) -> str:
    """Return the caption, its first letter a capital."""
    fields = scene._asdict() | {
        "a subject": _with_article(scene.subject),
        "a kind subject": _with_article(f"{scene.kind} {scene.subject}"),
    }
    text = frame.format_map(fields)
    return text[0].upper() + text[1:]


def scenes(seed: int = 0, how_many: int = 300) -> list[tuple[Scene, tuple[str, ...]]]:
    """Return what generated images show, and the five captions of each. Equal arguments give equal ones.

    Parameters
    ----------
    seed : int
        Of the generator.
    how_many : int
        Images; they are drawn one by one, so two may show the same.
    """
    writer, made = Writer(seed), []
    for _ in range(how_many):
        draw = writer.random.choice
        being = draw(tuple(SUBJECTS))
        scene = Scene(draw(SUBJECTS[being]), draw(KINDS[being]), draw(DOING[being]), draw(PLACES))
        frames = writer.random.sample(FRAMES, 5)
        # As in the real set, most captions end in a full stop with a space before it.
        ends = [" ." if writer.chance(0.9) else "" for _ in frames]
        made.append((scene, tuple(_caption(scene, frame) + end for frame, end in zip(frames, ends))))
    return made


def flickr8k(seed: int = 0) -> dict[str, dict[str, tuple[str, ...]]]:
    """Return five captions of each generated image by part ("train", "dev", "test") and name."""
    made = iter(enumerate(scenes(seed, sum(SIZES.values())), start=1))
    return {
        split: {f"made-up_{number:04d}.jpg": captions for number, (_, captions) in (next(made) for _ in range(size))}
        for split, size in SIZES.items()
    }
