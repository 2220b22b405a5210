"""Pictures of a few coloured shapes, and captions that say of two of them where one lies to the other.

What belongs here: the drawing of such scenes, the grammar of their captions, and whether a caption is true of a scene.
What writes captions is taught in `25_image_captioning`.

A caption names two objects, each by colour and shape, and one relation. The grammar has four forms, and each form can
begin with either object, so that eight captions say the same. `parse` reads any of them back: that a caption is *true*
can be checked without asking whether somebody wrote the same words.
"""

import re
from itertools import permutations
from typing import NamedTuple

import numpy as np

from utils.arguments import finite_number, generator, two_numbers, whole_number

COLOURS = {
    "red": (230, 60, 50),
    "green": (60, 190, 80),
    "blue": (70, 110, 240),
    "yellow": (240, 220, 70),
    "white": (240, 240, 240),
}
"""Colours, as red, green and blue from 0 to 255; the background is dark."""

SHAPES = ("circle", "square", "triangle", "cross")
"""The shapes; all are as wide as high."""

RELATIONS = ("left of", "right of", "above", "below")
"""What the first object is to the second one."""

OPPOSITE = dict(zip(RELATIONS, ("right of", "left of", "below", "above")))
"""The same fact, told from the other object."""

KINDS = tuple(f"{colour} {shape}" for colour in COLOURS for shape in SHAPES)
"""The objects there are, twenty; their order is that of the numbers in `Scenes.kinds`."""

BACKGROUND = 40
"""Grey level of an empty pixel."""

_SIDE = {"left of": "to its left", "right of": "to its right", "above": "above it", "below": "below it"}
_FORMS = (
    "a {first} is {relation} a {second}",
    "there is a {first} {relation} a {second}",
    "a {first} {relation} a {second}",
    "a {second} with a {first} {side}",
)
_NOUN = f"(?:{'|'.join(COLOURS)}) (?:{'|'.join(SHAPES)})"


class Scene(NamedTuple):
    """What is in one picture: `kinds`, one name of `KINDS` an object, and `centres` (objects, 2), x and y in pixels."""

    kinds: tuple[str, ...]
    centres: np.ndarray


class Statement(NamedTuple):
    """What a caption says: the first object is `relation` the second one."""

    first: str
    relation: str
    second: str


class Scenes(NamedTuple):
    """Pictures with what is in them.

    Attributes
    ----------
    images : numpy.ndarray
        uint8 (scenes, side, side, 3): red, green and blue.
    kinds : numpy.ndarray
        int64 (scenes, most objects): indices into `KINDS`; -1 where a scene has fewer objects.
    centres : numpy.ndarray
        float32 (scenes, most objects, 2): x to the right and y downwards, in pixels from the middle of the pixel at the
        top left; NaN where a scene has fewer objects.
    radii : numpy.ndarray
        float32 (scenes, most objects): half the width of the objects, in pixels; NaN as above.
    """

    images: np.ndarray
    kinds: np.ndarray
    centres: np.ndarray
    radii: np.ndarray

    def scene(self, number: int) -> Scene:
        """Return what is in one picture.

        Parameters
        ----------
        number : int
            Its row, from 0.

        Raises
        ------
        TypeError, ValueError
            If there is no such row.
        """
        number = whole_number("number", number, least=0, most=len(self.kinds) - 1)
        there = self.kinds[number] >= 0
        return Scene(tuple(KINDS[kind] for kind in self.kinds[number][there]), self.centres[number][there])


def make(
    num_scenes: int,
    rng: np.random.Generator,
    *,
    num_objects: tuple[int, int] = (2, 2),
    side: int = 48,
    radius: tuple[float, float] = (4.5, 6.5),
    clear: float = 8.0,
    noise: float = 12.0,
    allowed=KINDS,
    required=(),
) -> Scenes:
    """Draw scenes; about three seconds for 10,000.

    No two objects of a scene are of the same kind, none touch, and each pair lies clearly beside or clearly above each
    other: the longer of the two distances, across and down, exceeds the shorter by at least `clear`.

    Parameters
    ----------
    num_scenes : int
        How many.
    rng : numpy.random.Generator
        Where the random numbers come from: the same state gives the same scenes.
    num_objects : (int, int)
        The least and the greatest number of objects; 2 to 4, each number is equally probable.
    side : int
        Width and height, in pixels.
    radius : (float, float)
        The least and the greatest half width of an object, in pixels.
    clear : float
        By how many pixels the longer of the two distances exceeds the shorter one.
    noise : float
        Standard deviation of the normal noise on each pixel and colour, in grey levels.
    allowed : sequence of str
        The kinds that may occur, of `KINDS`.
    required : sequence of str
        If any are given, each scene holds at least one of them; they must be allowed.

    Returns
    -------
    Scenes
        Pictures, kinds, centres and radii.

    Raises
    ------
    TypeError
        If an argument is of the wrong type.
    ValueError
        If a number is out of range, a kind is unknown, or so many objects do not fit.
    """
    num_scenes = whole_number("num_scenes", num_scenes, least=1)
    rng = generator("rng", rng)
    low, high = two_numbers("num_objects", num_objects, "the least and the greatest, (2, 3)")
    low, high = (whole_number("a number of objects", count, least=2, most=4) for count in (low, high))
    least, greatest = two_numbers("radius", radius, "the least and the greatest, (4.5, 6.5)")
    least, greatest = (finite_number("a radius", value, least=2) for value in (least, greatest))
    if low > high or least > greatest:
        raise ValueError(f"num_objects is {num_objects} and radius {radius}; expected the least of each first.")
    side = whole_number("side", side, least=8)
    clear = finite_number("clear", clear, least=0)
    noise = finite_number("noise", noise, least=0)
    allowed, required = _numbers("allowed", allowed), _numbers("required", required)
    if len(allowed) < high or not set(required) <= set(allowed):
        raise ValueError(
            f"{len(allowed)} kinds are allowed, {len(required)} required; expected at least {high} allowed ones, no "
            "two of a scene being the same, and the required ones among them."
        )
    counts = rng.integers(low, high + 1, size=num_scenes)
    there = np.arange(high) < counts[:, None]
    kinds = np.argsort(rng.random((num_scenes, len(allowed))), axis=1)[:, :high]
    kinds = np.array(allowed)[kinds]
    if required:  # one required kind in the first place, and not twice
        first = rng.choice(required, size=num_scenes)
        kinds = np.where(kinds == first[:, None], kinds[:, :1], kinds)
        kinds[:, 0] = first
    radii = rng.uniform(least, greatest, size=(num_scenes, high))
    centres = _places(rng, radii, there, side, clear)
    images = np.empty((num_scenes, side, side, 3), np.uint8)
    for start in range(0, num_scenes, 1000):  # in parts: floats for all pixels would fill the memory
        part = slice(start, start + 1000)
        drawn = _drawn(kinds[part], centres[part], radii[part], there[part], side)
        drawn += noise * rng.standard_normal(drawn.shape, dtype=np.float32)
        images[part] = np.clip(np.rint(drawn), 0, 255)
    blank = np.where(there, 1.0, np.nan)
    return Scenes(
        images,
        np.where(there, kinds, -1),
        (centres * blank[..., None]).astype(np.float32),
        (radii * blank).astype(np.float32),
    )


def _numbers(what: str, kinds) -> list[int]:
    """Return the numbers of some kinds, each once."""
    unknown = [kind for kind in kinds if kind not in KINDS]
    if isinstance(kinds, str) or unknown:
        raise ValueError(f"{what} is {kinds!r:.80}; expected a list of kinds such as {KINDS[0]!r} (scenes.KINDS).")
    return sorted({KINDS.index(kind) for kind in kinds})


def _places(rng, radii, there, side: int, clear: float) -> np.ndarray:
    """Return centres (scenes, objects, 2) that keep their distances, drawn again until they do."""
    centres = np.empty((*radii.shape, 2))
    open_rows = np.arange(len(radii))
    if 2 * radii.max() + 1 > side:
        raise ValueError(f"an object of radius {radii.max():.1f} does not fit into a picture of {side} pixels.")
    for _ in range(2000):
        margin = radii[open_rows][..., None] + 0.5
        drawn = margin + rng.random((*margin.shape[:2], 2)) * (side - 1 - 2 * margin)
        centres[open_rows] = drawn
        away = np.abs(drawn[:, :, None] - drawn[:, None])  # (rows, objects, objects, 2)
        touching = away.max(axis=-1) < radii[open_rows][:, :, None] + radii[open_rows][:, None] + 1
        unclear = np.abs(away[..., 0] - away[..., 1]) < clear
        pair = there[open_rows][:, :, None] & there[open_rows][:, None] & ~np.eye(radii.shape[1], dtype=bool)
        open_rows = open_rows[((touching | unclear) & pair).any(axis=(1, 2))]
        if not len(open_rows):
            return centres
    raise ValueError(
        f"{radii.shape[1]} objects of radius up to {radii.max():.1f} find no place in a picture of {side} pixels; take "
        "fewer or smaller ones, or a larger side."
    )


def _drawn(kinds, centres, radii, there, side: int) -> np.ndarray:
    """Return the pictures without noise, float32."""
    pixels = np.arange(side, dtype=np.float32)
    pictures = np.full((len(kinds), side, side, 3), BACKGROUND, np.float32)
    palette = np.array(list(COLOURS.values()), np.float32)
    for k in range(kinds.shape[1]):
        x = pixels - centres[:, k, 0, None, None].astype(np.float32)  # (scenes, 1, side)
        y = pixels[:, None] - centres[:, k, 1, None, None].astype(np.float32)  # (scenes, side, 1)
        r = radii[:, k, None, None].astype(np.float32)
        colour, shape = np.divmod(kinds[:, k], len(SHAPES))
        # how far inside of the edge a pixel lies, by shape
        inside = np.choose(
            shape[:, None, None],
            np.broadcast_arrays(
                r - np.sqrt(x**2 + y**2),
                r - np.maximum(abs(x), abs(y)),
                np.minimum(r - y, (r + y) / np.sqrt(5) - 2 * abs(x) / np.sqrt(5)),
                np.maximum(np.minimum(r - abs(x), r / 3 - abs(y)), np.minimum(r - abs(y), r / 3 - abs(x))),
            ),
        )
        cover = np.clip(inside + 0.5, 0, 1) * there[:, k, None, None]
        pictures += cover[..., None] * (palette[colour][:, None, None] - pictures)
    return pictures


# --------------------------------------------------------------------------------------------------------- captions


def statements(scene: Scene) -> list[Statement]:
    """Return all that captions can truly say of a scene: one statement for each ordered pair of objects.

    Parameters
    ----------
    scene : Scene
        Two objects or more.
    """
    found = []
    for a, b in permutations(range(len(scene.kinds)), 2):
        x, y = scene.centres[a] - scene.centres[b]
        relation = ("left of" if x < 0 else "right of") if abs(x) > abs(y) else ("above" if y < 0 else "below")
        found.append(Statement(scene.kinds[a], relation, scene.kinds[b]))
    return found


def caption(statement: Statement, form: int) -> str:
    """Return a statement in words.

    Parameters
    ----------
    statement : Statement
        What to say.
    form : int
        Which of the four forms of the grammar, 0 to 3.

    Returns
    -------
    str
        Lower case, no punctuation, 7 to 10 words.

    Raises
    ------
    TypeError, ValueError
        For another form.
    """
    form = whole_number("form", form, least=0, most=len(_FORMS) - 1)
    return _FORMS[form].format(**statement._asdict(), side=_SIDE[statement.relation])


def references(scene: Scene, rng: np.random.Generator, number: int = 5) -> tuple[str, ...]:
    """Return captions of a scene as several people might write them: pair, order and form drawn for each.

    Parameters
    ----------
    scene : Scene
        What is in the picture.
    rng : numpy.random.Generator
        Where the random numbers come from.
    number : int
        How many captions; two may be the same.

    Returns
    -------
    tuple of str
        True captions.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range.
    """
    rng, number = generator("rng", rng), whole_number("number", number, least=1)
    true = statements(scene)
    drawn = zip(rng.integers(len(true), size=number), rng.integers(len(_FORMS), size=number))
    return tuple(caption(true[which], form) for which, form in drawn)


def parse(text: str) -> Statement | None:
    """Return what a caption says.

    Parameters
    ----------
    text : str
        A caption.

    Returns
    -------
    Statement or None
        None if it is no sentence of the grammar.

    Raises
    ------
    TypeError
        If the text is no string.
    """
    if not isinstance(text, str):
        raise TypeError(f"text is {type(text).__name__}; expected a caption (str).")
    for pattern in _PATTERNS:
        if match := pattern.fullmatch(text):
            said = match.groupdict()
            relation = said.get("relation") or next(name for name, side in _SIDE.items() if side == said["side"])
            return Statement(said["first"], relation, said["second"])
    return None


def _pattern(form: str) -> re.Pattern:
    return re.compile(
        form.format(
            first=f"(?P<first>{_NOUN})",
            second=f"(?P<second>{_NOUN})",
            relation=f"(?P<relation>{'|'.join(RELATIONS)})",
            side=f"(?P<side>{'|'.join(_SIDE.values())})",
        )
    )


_PATTERNS = [_pattern(form) for form in _FORMS]
