"""Clips of a stick figure that walks, runs, waves, jumps or sits down.

What belongs here: the making of such clips from a model of joints, with their labels. What recognises the action is
taught in `19_action_recognition`.

The classes share their poses, so that a single frame tells little. Walk and run are one gait, drawn from the same
strides, at two tempos (real runners also lean and lift their knees: a photograph would then do). Jump and sit go
through the same crouch. A figure that waves keeps its legs in any pose of the other actions; of the others every
second keeps one arm raised, still, in a pose of the wave. Body, camera, tempo and phase are drawn for each clip.
"""

from typing import NamedTuple

import numpy as np

from utils.arguments import finite_number, generator, two_numbers, whole_number

NAMES = ("walk", "run", "wave", "jump", "sit")
"""The five actions in the order of the labels."""

JOINTS = ("head", "neck", "pelvis", "elbow 1", "hand 1", "elbow 2", "hand 2", "knee 1", "foot 1", "knee 2", "foot 2")
"""The joints in the order of `Figures.joints`; the figure is flat, so that neither side is nearer."""

BONES = ((1, 2), (1, 3), (3, 4), (1, 5), (5, 6), (2, 7), (7, 8), (2, 9), (9, 10))
"""Which joints are joined by a line, as indices into `JOINTS`. The head is a disc."""

TEMPO = {"walk": (0.6, 1.0), "run": (1.3, 1.9), "wave": (0.8, 1.8), "jump": (0.6, 1.0)}
"""Cycles a second, least and greatest; of a gait a cycle is two steps. Sitting down takes 0.5 to 1 second."""


class Figures(NamedTuple):
    """Clips of stick figures.

    Attributes
    ----------
    clips : numpy.ndarray
        Grey levels, uint8, (clips, frames, height, width).
    labels : numpy.ndarray
        The action of each clip, int64, (clips,): an index into `NAMES`. Where a clip changes from one action to another
        it is the first one.
    frame_labels : numpy.ndarray
        The action of each frame, int64, (clips, frames).
    joints : numpy.ndarray
        Where the joints are, float32, (clips, frames, joints, 2): x to the right and y downwards, in pixels from the
        middle of the pixel at the top left.
    """

    clips: np.ndarray
    labels: np.ndarray
    frame_labels: np.ndarray
    joints: np.ndarray


def make(
    num_clips: int,
    rng: np.random.Generator,
    *,
    num_frames: int = 24,
    size: tuple[int, int] = (32, 32),
    fps: float = 12.0,
    noise: float = 12.0,
    changes: bool = False,
    actions: tuple[str, ...] = NAMES,
) -> Figures:
    """Draw clips of one figure each; about ten seconds for 100,000 frames.

    Parameters
    ----------
    num_clips : int
        How many.
    rng : numpy.random.Generator
        Where the random numbers come from: the same state gives the same clips.
    num_frames : int
        Frames a clip, 4 or more.
    size : (int, int)
        Height and width of a frame in pixels, 16 or more each.
    fps : float
        Frames a second, 2 or more.
    noise : float
        Standard deviation of the noise of each pixel, in grey levels.
    changes : bool
        Whether each clip changes from one action to another, at a random frame in its middle half; for a quarter of a
        second the pose goes over from the one to the other.
    actions : tuple of str
        Which of `NAMES` to draw from, with equal probability; the labels stay indices into `NAMES`. For `changes` at
        least two.

    Returns
    -------
    Figures
        Clips, their labels, the label of each frame, and the joints.

    Raises
    ------
    TypeError
        If an argument is of the wrong type.
    ValueError
        If a number is out of range, or an action is unknown.
    """
    num_clips = whole_number("num_clips", num_clips, least=1)
    rng = generator("rng", rng)
    num_frames = whole_number("num_frames", num_frames, least=4)
    height, width = two_numbers("size", size, "height and width, (32, 32)")
    height, width = (whole_number("a side of size", side, least=16) for side in (height, width))
    fps = finite_number("fps", fps, least=2)
    noise = finite_number("noise", noise, least=0)
    chosen = _chosen(actions, changes)

    first = rng.choice(chosen, size=num_clips)
    change = np.full(num_clips, num_frames)
    labels = np.repeat(first[:, None], num_frames, axis=1)
    frame = np.arange(num_frames)
    body = _bodies(num_clips, rng)
    pose, lift = _act(first, np.zeros(num_clips), change, num_frames, fps, rng)
    if changes:
        change = rng.integers(num_frames // 4, num_frames - num_frames // 4 + 1, size=num_clips)
        apart = rng.integers(1, len(chosen), size=num_clips)  # another action than the first
        second = np.asarray(chosen)[(np.searchsorted(chosen, first) + apart) % len(chosen)]
        labels = np.where(frame < change[:, None], labels, second[:, None])
        after, lift_after = _act(second, change, np.full(num_clips, num_frames), num_frames, fps, rng)
        share = np.clip((frame - change[:, None] + 1) / (1 + 0.25 * fps), 0, 1)  # from 0 to 1 in a quarter second
        pose += share[..., None] * (after - pose)
        lift += share * (lift_after - lift)
    pose = pose + np.deg2rad(2.5) * rng.standard_normal(pose.shape)  # nobody holds quite still
    joints = _camera(_joints(pose, lift, body), num_frames, fps, height, width, rng)

    clips = np.empty((num_clips, num_frames, height, width), np.uint8)
    ground = rng.uniform(50, 150, size=num_clips)
    contrast = rng.uniform(60, 100, size=num_clips) * np.where(rng.random(num_clips) < 0.5, 1, -1)
    contrast = np.where(ground + contrast < 0, -contrast, contrast)
    thick = body["thick"] * height / 32
    for k in range(num_clips):  # a clip at a time fits into the processor's cache
        grey = _drawn(joints[k], thick[k], body["head"][k], height, width)
        grey *= np.float32(contrast[k])
        grey += np.float32(ground[k])
        if noise:
            grey += np.float32(noise) * rng.standard_normal(grey.shape, dtype=np.float32)
        clips[k] = np.clip(np.rint(grey), 0, 255)
    return Figures(clips, first.astype(np.int64), labels.astype(np.int64), joints.astype(np.float32))


def _chosen(actions, changes: bool) -> list[int]:
    """Return the indices of the actions, in rising order."""
    if isinstance(actions, str) or not all(isinstance(name, str) for name in actions):
        raise TypeError(f"actions is {actions!r}; expected names in a tuple, such as ('walk', 'run').")
    unknown = [name for name in actions if name not in NAMES]
    if unknown:
        raise ValueError(f"there is no action {unknown[0]!r}; there are {', '.join(NAMES)}.")
    least = 2 if changes else 1
    if len(set(actions)) < least:
        raise ValueError(f"actions is {tuple(actions)!r}; expected at least {least} different ones.")
    return sorted({NAMES.index(name) for name in actions})


def _bodies(n: int, rng) -> dict[str, np.ndarray]:
    """Return the lengths of a body, the figure standing upright being 1 high, (clips,) each."""
    legs, arms, head = rng.uniform(0.44, 0.54, n), rng.uniform(0.34, 0.44, n), rng.uniform(0.075, 0.1, n)
    split = rng.uniform(0.45, 0.55, (2, n))
    return {
        "thigh": legs * split[0],
        "shin": legs * (1 - split[0]),
        "trunk": 1 - legs - 2.2 * head,
        "upper arm": arms * split[1],
        "forearm": arms * (1 - split[1]),
        "head": head,
        "thick": rng.uniform(0.5, 0.9, n),
    }


# --------------------------------------------------------------------------------------------------------- actions
# A pose is nine angles in radians: lean of the trunk; thigh, knee, thigh, knee; upper arm, elbow, upper arm, elbow.
# 0 is a straight body with limbs down, forward is positive, and a knee bends backwards.


def _act(action, start, stop, num_frames: int, fps: float, rng) -> tuple[np.ndarray, np.ndarray]:
    """Return the poses (clips, frames, 9) and how far the figure is off the ground (clips, frames).

    `start` and `stop` (clips,) are the frames within which an action takes place; only sitting down depends on them.
    """
    n = len(action)
    time = np.arange(num_frames) / fps  # (frames,)

    def draw(low, high):
        return rng.uniform(low, high, (n, 1))

    tempo = np.concatenate([rng.uniform(*TEMPO.get(name, (1, 1)), (n, 1)) for name in NAMES], axis=1)
    phase = draw(0, 2 * np.pi) + 2 * np.pi * tempo[np.arange(n), action][:, None] * time  # (clips, frames)
    is_a = {name: (action == k)[:, None] for k, name in enumerate(NAMES)}
    wave = is_a["wave"]

    # Down and up: sitting goes down once, jumping again and again. A wave stays where it is.
    seconds, middle = draw(0.5, 1.0), draw(0.25, 0.6)
    when = (start[:, None] + middle * (stop - start)[:, None]) / fps
    sitting = _smooth((time - when) / seconds + 0.5)
    bent, deep = np.sin(phase), draw(0.6, 1.0)
    jumping = np.clip(bent, 0, None) ** 0.7
    still = draw(0.0, 1.0)
    depth = deep * np.select([is_a["sit"], is_a["jump"], wave], [sitting, jumping, still], 0.0)
    lift = np.where(is_a["jump"], draw(0.12, 0.3) * np.clip(-bent, 0, None), 0.0)

    # Legs. The stride is drawn alike for all; a wave keeps one moment of it, or none.
    step = np.where(wave, phase[:, :1], phase)
    strides = is_a["walk"] | is_a["run"] | (wave & (draw(0, 1) < 0.5))
    depth = np.where(strides, 0.0, depth)
    stride, flex, apart = draw(0.35, 0.8), draw(0.4, 1.3), draw(-0.12, 0.12)
    fold = draw(1.5, 1.9)
    pose = np.zeros((n, num_frames, 9))
    for side, shift in ((1, 0.0), (3, np.pi)):
        swing = np.where(strides, stride * np.sin(step + shift), apart * np.cos(shift))
        knee = np.where(strides, flex * np.clip(np.cos(step + shift), 0, None), 0.0)
        pose[..., side] = swing + 1.45 * depth
        pose[..., side + 1] = 0.08 + knee + fold * depth
    pose[..., 0] = draw(-0.08, 0.15) + draw(0.1, 0.4) * depth

    # Arms. They swing with the legs or hang; one may be raised, and in a wave its forearm moves.
    raised = wave | (draw(0, 1) < 0.5)
    which = rng.integers(2, size=(n, 1))
    up, centre, width = draw(1.9, 2.9), draw(-0.2, 0.7), draw(0.45, 0.9)
    forearm = centre + width * np.sin(np.where(wave, phase, phase[:, :1]))
    reach, along = draw(0.25, 0.8), draw(-0.6, 1.2)
    for k, (side, shift) in enumerate(((5, np.pi), (7, 0.0))):
        hang, elbow = draw(-0.3, 0.5), draw(0.1, 1.3)
        upper = np.where(strides, reach * np.sin(step + shift), hang + along * depth)
        held = raised & (which == k)
        pose[..., side] = np.where(held, up, upper)
        pose[..., side + 1] = np.where(held, forearm, elbow)
    return pose, lift


def _smooth(x):
    """Return 0 below 0, 1 above 1, and a smooth step between."""
    x = np.clip(x, 0, 1)
    return x * x * (3 - 2 * x)


# ----------------------------------------------------------------------------------------------------------- pictures


def _joints(pose, lift, body) -> np.ndarray:
    """Return the joints (clips, frames, joints, 2), y upwards, the ground at 0, in heights of the figure."""
    length = {name: value[:, None] for name, value in body.items()}

    def limb(at, angle, name):
        return at + length[name][..., None] * np.stack([np.sin(angle), -np.cos(angle)], axis=-1)

    pelvis = np.zeros((*pose.shape[:2], 2))
    upwards = np.stack([np.sin(pose[..., 0]), np.cos(pose[..., 0])], axis=-1)
    neck = pelvis + length["trunk"][..., None] * upwards
    head = neck + 1.2 * length["head"][..., None] * upwards
    found = [head, neck, pelvis]
    for side in (5, 7):
        elbow = limb(neck, pose[..., side], "upper arm")
        found += [elbow, limb(elbow, pose[..., side] + pose[..., side + 1], "forearm")]
    for side in (1, 3):
        knee = limb(pelvis, pose[..., side], "thigh")
        found += [knee, limb(knee, pose[..., side] - pose[..., side + 1], "shin")]
    joints = np.stack(found, axis=2)
    lowest = joints[:, :, [7, 8, 9, 10], 1].min(axis=2)  # a knee or a foot stands on the ground
    joints[..., 1] += (lift - lowest)[..., None]
    return joints


def _camera(joints, num_frames: int, fps: float, height: int, width: int, rng) -> np.ndarray:
    """Return the joints in pixels: the figure turned left or right, near or far, somewhere, seen from a held camera."""
    n = len(joints)
    scale = rng.uniform(0.55, 0.72, n) * min(height, width)
    facing = np.where(rng.random(n) < 0.5, 1, -1)
    place = rng.uniform(-0.08, 0.08, (n, 1, 2)) * (width, height)
    drift = rng.uniform(-0.03, 0.03, (n, 1, 2)) * (width, height)  # a second
    place = place + drift * ((np.arange(num_frames) - num_frames / 2) / fps)[:, None]
    place = place + 0.025 * min(height, width) * rng.standard_normal((n, num_frames, 2))  # an unsteady hand
    x = (width - 1) / 2 + place[..., 0, None] + (scale * facing)[:, None, None] * joints[..., 0]
    y = (height - 1) / 2 + place[..., 1, None] - scale[:, None, None] * (joints[..., 1] - 0.55)
    return np.stack([x, y], axis=-1)


def _drawn(joints, thick: float, head: float, height: int, width: int) -> np.ndarray:
    """Return what share of each pixel the figure covers, about: (frames, height, width), float32."""
    joints = joints.astype(np.float32)
    x, y = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)[:, None]
    nearest = np.full((len(joints), height, width), 1e6, np.float32)  # squared distance to a bone
    for one, other in BONES:
        a, d = joints[:, one], joints[:, other] - joints[:, one]
        across, down = x - a[:, 0, None, None], y - a[:, 1, None, None]  # (frames, 1, width), (frames, height, 1)
        d = d / np.sqrt((d**2).sum(axis=1, keepdims=True) + 1e-6), np.sqrt((d**2).sum(axis=1) + 1e-6)
        (ux, uy), reach = d[0].T[:, :, None, None], d[1][:, None, None]
        along = across * ux + down * uy
        np.clip(along, 0, reach, out=along)
        away = across**2 + down**2 - (2 * (across * ux + down * uy) - along) * along
        np.minimum(nearest, away, out=nearest)
    covered = np.clip(np.float32(thick + 0.5) - np.sqrt(np.clip(nearest, 0, None)), 0, 1)
    across, down = x - joints[:, 0, 0, None, None], y - joints[:, 0, 1, None, None]
    radius = np.float32(head) * np.linalg.norm(joints[:, 0] - joints[:, 1], axis=1)[:, None, None] / (1.2 * head)
    return np.maximum(covered, np.clip(radius + np.float32(0.5) - np.sqrt(across**2 + down**2), 0, 1))
