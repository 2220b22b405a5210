"""utils.motion.balls: clips of one moving ball, and what their labels and single frames say."""

import numpy as np
import pytest
from scipy import ndimage, stats

from utils.motion import balls


def rng(seed=0):
    return np.random.default_rng(seed)


def test_a_slow_ball_is_drawn_at_its_centre_pixel_by_pixel():
    """Each pixel from its own distance, the shortest over the joined edges, in plain loops."""
    made = balls.make(3, rng(1), size=(7, 9), radius=2, num_frames=3)
    for clip, path in zip(made.clips, made.centres):
        for frame, (x, y) in zip(clip, path):
            for row in range(7):
                for column in range(9):
                    images = [(column - x + i * 9, row - y + j * 7) for i in (-1, 0, 1) for j in (-1, 0, 1)]
                    distance = min(np.hypot(*image) for image in images)
                    wanted = 96 + 64 * min(max(2.5 - distance, 0), 1)
                    assert frame[row, column] == pytest.approx(wanted, abs=0.51)


def test_the_ball_goes_the_way_of_its_label():
    """By names: x grows to the right, y downwards; seen in the pixels, not in the centres that come with them."""
    made = balls.make(400, rng(2), size=(40, 40), joined_edges=False, num_frames=3)
    signs = {"right": (1, 0), "up right": (1, -1), "up": (0, -1), "up left": (-1, -1)}
    signs |= {"left": (-1, 0), "down left": (-1, 1), "down": (0, 1), "down right": (1, 1)}
    assert set(signs) == set(balls.names())
    inside = ((made.centres > 4) & (made.centres < 35)).all((1, 2))
    seen = set()
    for clip, label in zip(made.clips[inside], made.labels[inside]):
        (y0, x0), (y1, x1) = (ndimage.center_of_mass(frame - 96.0) for frame in clip[[0, 2]])
        moved = [0 if abs(step) < 0.3 else int(np.sign(step)) for step in (x1 - x0, y1 - y0)]
        assert tuple(moved) == signs[balls.names()[label]]
        seen.add(label)
    assert seen == set(range(8))


def test_four_directions_are_every_second_of_eight():
    assert balls.names(4) == ("right", "up", "left", "down")
    assert np.allclose(balls.steps(4), [(1, 0), (0, -1), (-1, 0), (0, 1)])
    assert np.allclose(np.hypot(*balls.steps(8).T), 1)
    assert set(balls.make(100, rng(), num_directions=4).labels) == {0, 1, 2, 3}


def test_each_clip_has_one_speed_within_the_range_and_goes_straight():
    made = balls.make(500, rng(3), speed=(0.5, 3), joined_edges=False, num_frames=5)
    steps = np.diff(made.centres, axis=1)
    assert np.allclose(steps, steps[:, :1], atol=1e-5)
    speeds = np.hypot(*steps[:, 0].T)
    assert 0.5 <= speeds.min() < 0.6 and 2.9 < speeds.max() <= 3.00001
    fixed = np.diff(balls.make(9, rng(4), speed=(2, 2), joined_edges=False).centres, axis=1)
    assert np.allclose(np.hypot(fixed[..., 0], fixed[..., 1]), 2, atol=1e-5)


def test_over_joined_edges_the_path_is_the_open_one_modulo_the_frame():
    joined = balls.make(200, rng(5), size=(12, 20), num_frames=20)
    opened = balls.make(200, rng(5), size=(12, 20), num_frames=20, joined_edges=False)
    gap = (joined.centres - opened.centres) / (20, 12)
    assert np.allclose(gap, np.rint(gap), atol=1e-4) and np.abs(gap).max() > 0.5, "some cross an edge"
    assert joined.centres.min() >= -0.5 and (joined.centres < (19.5001, 11.5001)).all()
    light = (joined.clips - 96.0).sum((2, 3))
    assert light.min() > 0.95 * light.max(), "all of the ball is in every frame"


def test_no_single_frame_tells_the_direction_with_joined_edges():
    """Position by quadrant against direction in each frame: chi-squared finds nothing; with open edges it does."""

    def p_value(made, t):
        x, y = (made.centres[:, t] > 7.5).T
        return stats.chi2_contingency(np.histogram2d(made.labels, 2 * x + y, bins=(8, 4))[0]).pvalue

    joined, opened = (balls.make(8000, rng(6), joined_edges=edges) for edges in (True, False))
    assert min(p_value(joined, t) for t in range(8)) > 0.001
    assert p_value(opened, 0) < 1e-50 and p_value(opened, 7) > 0.001, "only the last is drawn evenly"
    counts = np.bincount(joined.labels)
    assert stats.chisquare(counts).pvalue > 0.001


def test_noise_has_its_spread_and_leaves_the_paths_alone():
    clean, noisy = (balls.make(1200, rng(7), noise=noise, num_frames=2) for noise in (0, 0.25))
    assert np.array_equal(clean.labels, noisy.labels) and np.array_equal(clean.centres, noisy.centres)
    added = noisy.clips.astype(float) - clean.clips
    assert added.std() == pytest.approx(16, rel=0.02) and abs(added.mean()) < 0.1
    assert abs(np.corrcoef(added[:, 0].ravel(), added[:, 1].ravel())[0, 1]) < 0.01
    loud = balls.make(5, rng(8), noise=4).clips
    assert loud.dtype == np.uint8 and loud.min() == 0 and loud.max() == 255


def test_the_same_seed_gives_the_same_clips_and_another_seed_others():
    first, again, other = (balls.make(1500, rng(seed), noise=0.1, num_frames=2) for seed in (9, 9, 10))
    assert all(np.array_equal(a, b) for a, b in zip(first, again))
    assert not np.array_equal(first.clips, other.clips)
    assert first.clips.shape == (1500, 2, 16, 16) and first.centres.shape == (1500, 2, 2)
    assert (first.clips.dtype, first.labels.dtype, first.centres.dtype) == (np.uint8, np.int64, np.float32)


@pytest.mark.parametrize(
    "options, error, message",
    [
        ({"num_clips": 0}, ValueError, "num_clips is 0; expected a whole number, 1 or more"),
        ({"rng": 3}, TypeError, "rng=np.random.default_rng"),
        ({"num_directions": 5}, ValueError, "num_directions is 5; expected 8 or 4"),
        ({"num_frames": 1}, ValueError, "num_frames is 1; expected a whole number, 2 or more"),
        ({"size": 16}, TypeError, "size is 16; expected two numbers: height and width"),
        ({"size": (16, 3)}, ValueError, "a side of size is 3"),
        ({"speed": 2.0}, TypeError, "speed is 2.0; expected two numbers"),
        ({"speed": (2, 1)}, ValueError, "the least speed first"),
        ({"speed": (-1, 1)}, ValueError, "a speed is -1; expected a finite number, 0 or more"),
        ({"radius": 9}, ValueError, "a ball 19 pixels wide does not fit into 16 x 16"),
        ({"radius": np.nan}, ValueError, "radius is nan"),
        ({"noise": -0.1}, ValueError, "noise is -0.1; expected a finite number, 0 or more"),
    ],
)
def test_what_makes_no_clips_is_refused(options, error, message):
    with pytest.raises(error, match=message):
        balls.make(**{"num_clips": 2, "rng": rng(), **options})
