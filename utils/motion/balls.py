"""Clips of one moving ball, for the question which way it goes.

What belongs here: the making of such clips, their labels and the true path. What recognises the direction, with or
without a network, is taught in `18_moving_ball`.

The frame has joined edges: what leaves it on the right comes in again on the left, and what leaves at the top comes in
at the bottom. The *last* position is drawn evenly over the frame, and time then runs backwards. So at every time the
ball is anywhere with the same probability whichever way it goes: no single frame tells the direction.
"""

from typing import NamedTuple

import numpy as np

from utils.arguments import finite_number, generator, two_numbers, whole_number

NAMES = ("right", "up right", "up", "up left", "left", "down left", "down", "down right")
"""The eight directions, anticlockwise; of four, every second one."""

BACKGROUND, CONTRAST = 96, 64
"""Grey levels: of an empty pixel without noise, and by how much the ball is brighter."""


class Balls(NamedTuple):
    """Clips of moving balls.

    Attributes
    ----------
    clips : numpy.ndarray
        Grey levels, uint8, (clips, frames, height, width).
    labels : numpy.ndarray
        The direction, int64, (clips,): an index into `names(num_directions)`.
    centres : numpy.ndarray
        Where the middle of the ball is, float32, (clips, frames, 2): x to the right and y downwards, in pixels from the
        middle of the pixel at the top left.
    """

    clips: np.ndarray
    labels: np.ndarray
    centres: np.ndarray


def names(num_directions: int = 8) -> tuple[str, ...]:
    """Return the names of 4 or 8 directions in the order of the labels.

    Parameters
    ----------
    num_directions : {8, 4}
        How many directions there are.

    Raises
    ------
    TypeError, ValueError
        For any other number.
    """
    return NAMES[:: 8 // _directions(num_directions)]


def steps(num_directions: int = 8) -> np.ndarray:
    """Return what one pixel of way is along x (to the right) and y (downwards), (num_directions, 2).

    Parameters
    ----------
    num_directions : {8, 4}
        How many directions there are.

    Raises
    ------
    TypeError, ValueError
        For any other number.
    """
    angle = 2 * np.pi * np.arange(_directions(num_directions)) / num_directions
    return np.stack([np.cos(angle), -np.sin(angle)], axis=1)


def make(
    num_clips: int,
    rng: np.random.Generator,
    *,
    num_directions: int = 8,
    num_frames: int = 8,
    size: tuple[int, int] = (16, 16),
    speed: tuple[float, float] = (1.0, 2.0),
    radius: float = 2.0,
    noise: float = 0.0,
    joined_edges: bool = True,
) -> Balls:
    """Draw clips of one ball each, which goes one way at one speed; a few seconds for 10,000 clips.

    Parameters
    ----------
    num_clips : int
        How many.
    rng : numpy.random.Generator
        Where the random numbers come from: the same state gives the same clips. Directions, last positions and speeds
        are drawn before the noise, so that clips of another `noise` show the same paths.
    num_directions : {8, 4}
        All are equally probable.
    num_frames : int
        2 or more.
    size : (int, int)
        Height and width, in pixels.
    speed : (float, float)
        The least and the greatest speed, in pixels a frame; each clip has one, drawn evenly between them.
    radius : float
        Of the ball, in pixels; its edge is soft by half a pixel on either side.
    noise : float
        The standard deviation of the normal noise that is added to each pixel of each frame, as a share of `CONTRAST`.
        What falls below 0 or above 255 is cut there.
    joined_edges : bool
        False: the ball leaves the frame for good. Only the last position is even over the frame then.

    Returns
    -------
    Balls
        Clips, labels and centres.

    Raises
    ------
    TypeError
        If an argument is of the wrong type.
    ValueError
        If a number is out of range, or the ball does not fit into a frame with joined edges.
    """
    num_clips = whole_number("num_clips", num_clips, least=1)
    rng = generator("rng", rng)
    num_frames = whole_number("num_frames", num_frames, least=2)
    height, width = two_numbers("size", size, "height and width, (16, 16)")
    height, width = (whole_number("a side of size", side, least=4) for side in (height, width))
    low, high = two_numbers("speed", speed, "the least and the greatest, (1.0, 2.0)")
    low, high = (finite_number("a speed", value, least=0) for value in (low, high))
    if low > high:
        raise ValueError(f"speed is {speed}; expected the least speed first.")
    radius = finite_number("radius", radius, least=0.5)
    if joined_edges and 2 * radius + 1 > min(height, width):
        raise ValueError(
            f"radius is {radius}; a ball {2 * radius + 1:g} pixels wide does not fit into {height} x {width}."
        )
    noise = finite_number("noise", noise, least=0)

    labels = rng.integers(_directions(num_directions), size=num_clips)
    last = rng.random((num_clips, 1, 2)) * (width, height) - 0.5
    pace = rng.uniform(low, high, size=(num_clips, 1, 1))
    ago = np.arange(num_frames - 1, -1, -1)[:, None]  # frames until the last one
    centres = last - pace * steps(num_directions)[labels][:, None] * ago
    if joined_edges:
        centres = (centres + 0.5) % (width, height) - 0.5
    clips = np.empty((num_clips, num_frames, height, width), np.uint8)
    for first in range(0, num_clips, 1000):  # in parts: a float for each pixel of all clips would fill the memory
        part = slice(first, first + 1000)
        grey = BACKGROUND + CONTRAST * _discs(centres[part], height, width, radius, joined_edges)
        if noise:
            grey += noise * CONTRAST * rng.standard_normal(grey.shape, dtype=np.float32)
        clips[part] = np.clip(np.rint(grey), 0, 255)
    return Balls(clips, labels, centres.astype(np.float32))


def _discs(centres, height: int, width: int, radius: float, joined_edges: bool) -> np.ndarray:
    """Return what share of each pixel the ball covers, about: (clips, frames, height, width), float32."""
    squares = []
    for axis, side in ((1, height), (0, width)):
        away = np.abs(np.arange(side) - centres[..., axis, None])  # (clips, frames, side)
        squares.append((np.minimum(away, side - away) if joined_edges else away).astype(np.float32) ** 2)
    distance = np.sqrt(squares[0][..., :, None] + squares[1][..., None, :])
    return np.clip(np.float32(radius + 0.5) - distance, 0, 1)


def _directions(number) -> int:
    number = whole_number("num_directions", number)
    if number not in (4, 8):
        raise ValueError(f"num_directions is {number}; expected 8 or 4.")
    return number
