"""Real videos as arrays of frames: a folder `class/clip.mp4` read, and clips written.

What belongs here: what passes between video files and arrays. Clips that are generated are `utils.motion`; the features
of frames, and their keeping on disk, are `utils.features`.
"""

import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
from PIL import Image

from utils.arguments import finite_number, two_numbers, whole_number

SUFFIXES = (".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".wmv", ".3gp")
"""The endings of files that are tried; FFmpeg would take even a text for a film, given the chance."""

ROUNDED = 0.002
"""By how many seconds the time of a frame may be off: some containers count in thousandths."""


class VideoError(ValueError):
    """One file that cannot be used; the message says why, without the file's name."""


class Videos(NamedTuple):
    """What a folder of videos holds.

    Attributes
    ----------
    clips : numpy.ndarray
        Grey levels, uint8, (clips, frames, height, width).
    labels : numpy.ndarray
        The class of each clip, int64, (clips,): an index into `names`.
    names : tuple of str
        The classes: the names of the sub-folders in alphabetical order, those included of which no file could be used.
    files : tuple of str
        Where each clip comes from: "class/clip.mp4".
    skipped : dict of str to str
        Files that were not used, and why.
    """

    clips: np.ndarray
    labels: np.ndarray
    names: tuple[str, ...]
    files: tuple[str, ...]
    skipped: dict[str, str]


def read_folder(
    folder: str | os.PathLike, *, num_frames: int = 24, size: tuple[int, int] = (32, 32), fps: float = 12.0
) -> Videos:
    """Read a folder of videos, `class/clip.mp4`, as clips of one length, size and tempo.

    A file that cannot be used is reported in `skipped`, and the others are read. Hidden files are passed over.

    Parameters
    ----------
    folder : str or path
        With one sub-folder a class, and the videos of the class in it.
    num_frames, size, fps
        As for `read_clip`.

    Returns
    -------
    Videos
        Clips, labels, names of the classes, files, and what was skipped.

    Raises
    ------
    FileNotFoundError, NotADirectoryError
        If there is no such folder.
    ValueError
        If it has no sub-folder, or no file in them that can be used; the message says why.
    TypeError
        If a number is of the wrong type.
    """
    num_frames, size, fps = _form(num_frames, size, fps)
    root = Path(folder)
    expected = "expected a folder with one sub-folder a class, and videos in each: walk/one.mp4, run/two.mp4."
    if not root.exists():
        raise FileNotFoundError(f"there is no folder {str(folder)!r}; {expected}")
    if not root.is_dir():
        raise NotADirectoryError(f"{str(folder)!r} is a file; {expected}")
    names = tuple(sorted(path.name for path in root.iterdir() if path.is_dir() and path.name[0] != "."))
    if not names:
        raise ValueError(f"{str(folder)!r} has no sub-folder; {expected}")
    clips, labels, files, skipped = [], [], [], {}
    for label, name in enumerate(names):
        for path in _files(root / name, f"{name}/", skipped):
            relative = f"{name}/{path.name}"
            try:
                clips.append(read_clip(path, num_frames=num_frames, size=size, fps=fps))
            except VideoError as error:
                skipped[relative] = str(error)
            else:
                labels.append(label)
                files.append(relative)
    if not clips:
        why = "".join(f"\n  {name}: {reason}" for name, reason in skipped.items()) or " its sub-folders are empty;"
        raise ValueError(f"{str(folder)!r} holds no video that can be used:{why}\n{expected}")
    return Videos(np.stack(clips), np.array(labels, np.int64), names, tuple(files), skipped)


def _files(folder: Path, name: str, skipped: dict[str, str]) -> list[Path]:
    """Return the files of one class in alphabetical order; a folder that cannot be opened is skipped."""
    try:
        return sorted(path for path in folder.iterdir() if path.name[0] != ".")
    except OSError as error:
        skipped[name] = f"cannot be opened: {error.strerror}"
        return []


def read_clip(
    path: str | os.PathLike, *, num_frames: int = 24, size: tuple[int, int] = (32, 32), fps: float = 12.0
) -> np.ndarray:
    """Read the beginning of one video, at a tempo and in a size of our own.

    Frames are picked by the time at which they are shown, so that a second is a second whatever the frame rate, and
    where it varies. The picture is turned upright, cut to the shape of `size` around its middle, and made smaller or
    larger by averaging.

    Parameters
    ----------
    path : str or path
        The file.
    num_frames : int
        How many frames; (num_frames - 1) / fps seconds are needed.
    size : (int, int)
        Height and width in pixels.
    fps : float
        Frames a second to return.

    Returns
    -------
    numpy.ndarray
        Grey levels, uint8, (frames, height, width).

    Raises
    ------
    VideoError
        If the file is empty, unreadable, not a video, without pictures, damaged within the time needed, or too short.
    TypeError, ValueError
        If a number is of the wrong type or out of range.
    """
    num_frames, (height, width), fps = _form(num_frames, size, fps)
    wanted = np.arange(num_frames) / fps  # seconds from the first frame
    clip = np.empty((num_frames, height, width), np.uint8)
    filled, shown, end, first = 0, None, 0.0, None
    for time, lasts, frame in _decoded(Path(path)):
        first = time if first is None else first
        time -= first
        # A frame is shown until the next one comes: the times wanted before this one show the last.
        while shown is not None and filled < num_frames and wanted[filled] < time - ROUNDED:
            clip[filled] = _fitted(shown, height, width)
            filled += 1
        if filled == num_frames:
            return clip
        shown, end = frame, time + lasts
    if shown is None:
        raise VideoError("no frame in it")
    while filled < num_frames and wanted[filled] < end - ROUNDED:
        clip[filled] = _fitted(shown, height, width)
        filled += 1
    if filled < num_frames:
        raise VideoError(f"too short: {end:.2f} s of {num_frames / fps:.2f} s")
    return clip


def _decoded(path: Path) -> Iterator[tuple[float, float, av.VideoFrame]]:
    """Give the time, the duration (both in seconds) and the picture of each frame, in the order of showing."""
    if path.suffix.lower() not in SUFFIXES:
        raise VideoError(f"not a video by its name: {path.suffix or 'no ending'}; expected {', '.join(SUFFIXES)}")
    try:
        if not path.is_file():
            raise VideoError("not a file")
        if not path.stat().st_size:
            raise VideoError("empty: 0 bytes")
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise VideoError("no video stream: it may hold sound alone, or be cut")
            stream = container.streams.video[0]
            usual = float(1 / stream.average_rate) if stream.average_rate else 0.04
            for count, frame in enumerate(container.decode(stream)):
                time = count * usual if frame.time is None else frame.time
                lasts = float(frame.duration * frame.time_base) if frame.duration and frame.time_base else usual
                yield time, lasts, frame
    except (av.error.FFmpegError, OSError) as error:  # FFmpegError is mostly, not always, an OSError
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise VideoError(f"cannot be read: {reason}") from error


def _fitted(frame: av.VideoFrame, height: int, width: int) -> np.ndarray:
    """Return a frame in grey, upright, cut around its middle and resized, (height, width)."""
    grey = np.rot90(frame.to_ndarray(format="gray"), round(frame.rotation / 90))
    tall, wide = grey.shape
    used = min(tall / height, wide / width)
    left, top = (wide - used * width) / 2, (tall - used * height) / 2
    box = (left, top, left + used * width, top + used * height)
    image = Image.fromarray(np.ascontiguousarray(grey))
    return np.asarray(image.resize((width, height), Image.Resampling.BOX, box=box))


def write_clip(path: str | os.PathLike, frames, fps: float = 12.0) -> None:
    """Write a clip as a video file, with little loss.

    Parameters
    ----------
    path : str or path
        Where; its ending says in which container (".mp4").
    frames : array_like
        Grey levels, uint8, (frames, height, width).
    fps : float
        Frames a second.

    Raises
    ------
    TypeError
        If the frames are not uint8, or `fps` is no number.
    ValueError
        For another shape.
    """
    frames, fps = np.asarray(frames), finite_number("fps", fps, least=0.1, most=1000)
    if frames.dtype != np.uint8:
        raise TypeError(f"frames is of type {frames.dtype}; expected grey levels from 0 to 255 as uint8.")
    if frames.ndim != 3 or not frames.size:
        raise ValueError(f"frames has shape {frames.shape}; expected (frames, height, width).")
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=Fraction(fps).limit_denominator(1001))
        stream.height, stream.width = frames.shape[1:]
        stream.pix_fmt = "yuv420p"
        stream.codec_context.flags |= av.codec.context.Flags.qscale
        stream.codec_context.global_quality = 2 * 118  # 1 is best, in FFmpeg's units of quality
        for grey in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(grey), format="gray")))
        container.mux(stream.encode())


def _form(num_frames, size, fps) -> tuple[int, tuple[int, int], float]:
    """Return the checked form of the clips to read."""
    height, width = two_numbers("size", size, "height and width, (32, 32)")
    sides = whole_number("height", height, least=1), whole_number("width", width, least=1)
    return whole_number("num_frames", num_frames, least=1), sides, finite_number("fps", fps, least=0.1, most=1000)
