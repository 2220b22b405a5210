"""utils.motion.stick_figures: the drawing, the body, what tells the actions apart and what does not."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from utils.motion import stick_figures
from utils.motion.stick_figures import BONES, JOINTS, NAMES


def rng(seed=0):
    return np.random.default_rng(seed)


def lengths(joints):
    """Lengths of the bones, (clips, frames, bones)."""
    return np.stack([np.linalg.norm(joints[..., a, :] - joints[..., b, :], axis=-1) for a, b in BONES], axis=-1)


def turning(joints, a, b, c):
    """The angle at joint b between a and c, (clips, frames), in degrees."""
    a, b, c = (joints[..., JOINTS.index(name), :] for name in (a, b, c))
    one, other = a - b, c - b
    cosine = (one * other).sum(-1) / np.linalg.norm(one, axis=-1) / np.linalg.norm(other, axis=-1)
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))


def of(made, name):
    return made.labels == NAMES.index(name)


def test_shapes_and_types():
    made = stick_figures.make(7, rng(), num_frames=9, size=(40, 36))
    assert made.clips.shape == (7, 9, 40, 36) and made.clips.dtype == np.uint8
    assert made.labels.shape == (7,) and made.frame_labels.shape == (7, 9)
    assert made.joints.shape == (7, 9, len(JOINTS), 2) and made.joints.dtype == np.float32
    assert (made.frame_labels == made.labels[:, None]).all()


def test_the_same_seed_gives_the_same_clips():
    for changes in (False, True):
        one, other, third = (stick_figures.make(5, rng(seed), changes=changes) for seed in (1, 1, 2))
        assert all(np.array_equal(a, b) for a, b in zip(one, other))
        assert not np.array_equal(one.clips, third.clips)


def test_a_frame_is_drawn_bone_by_bone_and_pixel_by_pixel():
    """Coverage by the distance of each pixel to each bone, in plain loops."""
    made = stick_figures.make(2, rng(3), num_frames=4, noise=0)
    for clip, path in zip(made.clips, made.joints):
        frame, joints = clip[1].astype(float), path[1].astype(float)
        distance = np.empty(frame.shape)
        for row in range(32):
            for column in range(32):
                p, away = np.array([column, row], float), []
                for a, b in BONES:
                    along = joints[b] - joints[a]
                    share = np.clip((p - joints[a]) @ along / (along @ along), 0, 1)
                    away.append(np.linalg.norm(p - joints[a] - share * along))
                distance[row, column] = min(away)
        ground = np.median(frame)
        head = np.linalg.norm(np.indices((32, 32))[::-1] - joints[0][:, None, None], axis=0)
        body = (head > 5) & (distance < 2)
        strength = np.abs(frame - ground)
        ink = strength[body & (distance < 0.2)].min()
        assert ink > 50  # what lies on a bone is drawn, in full
        assert (strength[(distance > 2) & (head > 5)] <= 1).all()
        partly = body & (distance > 0.7) & (distance < 1.2)
        order = np.corrcoef(distance[partly], strength[partly])[0, 1]
        assert order < -0.9  # and fades with the distance


def test_bodies_keep_their_bones_and_differ():
    made = stick_figures.make(60, rng(4))
    found = lengths(made.joints)
    assert np.allclose(found, found[:, :1], rtol=1e-3)  # a figure neither grows nor shrinks within a clip
    assert np.allclose(found[..., 1:3], found[..., 3:5], rtol=1e-3)  # both arms are alike
    assert (found[:, 0].std(axis=0) / found[:, 0].mean(axis=0) > 0.05).all()


def test_knees_bend_backwards_and_figures_face_both_ways():
    made = stick_figures.make(300, rng(5))
    joints = made.joints.astype(float)
    sides = []
    for knee, foot in (("knee 1", "foot 1"), ("knee 2", "foot 2")):
        thigh = joints[:, :, JOINTS.index(knee)] - joints[:, :, JOINTS.index("pelvis")]
        shin = joints[:, :, JOINTS.index(foot)] - joints[:, :, JOINTS.index(knee)]
        bend = thigh[..., 0] * shin[..., 1] - thigh[..., 1] * shin[..., 0]
        bend /= np.linalg.norm(thigh, axis=-1) * np.linalg.norm(shin, axis=-1)
        sides.append(np.where(np.abs(bend) > 0.2, np.sign(bend), 0))  # but for knees that are nearly straight
    sides = np.stack(sides, axis=-1).reshape(300, -1)
    facing = np.sign(sides.sum(axis=1))
    assert (sides * facing[:, None] >= 0).all()
    assert 0.4 < (facing[facing != 0] > 0).mean() < 0.6


def test_figures_stay_in_the_picture_on_the_whole():
    joints = stick_figures.make(400, rng(6)).joints
    assert ((joints > -0.5) & (joints < 31.5)).mean() > 0.98


def test_all_actions_are_as_frequent_and_can_be_chosen():
    counts = np.bincount(stick_figures.make(1000, rng(7), num_frames=4).labels, minlength=5)
    assert (np.abs(counts - 200) < 60).all()
    assert set(stick_figures.make(50, rng(), actions=("run", "sit")).labels) == {1, 4}


def cycles(signal, fps=12):
    """The strongest frequency of each row, in cycles a second."""
    signal = signal - signal.mean(axis=1, keepdims=True)
    power = np.abs(np.fft.rfft(signal, n=1024, axis=1))
    return np.fft.rfftfreq(1024, 1 / fps)[power.argmax(axis=1)]


def test_tempo_tells_walk_from_run_and_the_strides_do_not():
    made = stick_figures.make(500, rng(8), num_frames=60)
    apart = (made.joints[:, :, 8] - made.joints[:, :, 10])[..., 0]  # of the feet
    tempo = cycles(apart)
    walk, run = of(made, "walk"), of(made, "run")
    assert (tempo[walk] < 1.15).all() and (tempo[run] > 1.15).all()
    reach = np.abs(apart).max(axis=1) / lengths(made.joints)[:, 0, 5:7].sum(axis=1)
    assert abs(np.median(reach[walk]) - np.median(reach[run])) < 0.1


def test_only_a_jump_leaves_the_ground_and_only_a_wave_moves_a_forearm():
    made = stick_figures.make(500, rng(9), num_frames=36)
    bend = np.stack([turning(made.joints, "neck", f"elbow {k}", f"hand {k}") for k in (1, 2)], axis=-1)
    swing = np.ptp(bend, axis=1).max(axis=-1)
    assert np.median(swing[of(made, "wave")]) > 40 and np.median(swing[~of(made, "wave")]) < 20
    feet = made.joints[:, :, [7, 8, 9, 10], 1].max(axis=2)
    feet = np.ptp(np.apply_along_axis(lambda x: np.convolve(x, np.ones(4) / 4, "valid"), 1, feet), axis=1)
    assert np.median(feet[of(made, "jump")]) > 2.5 and np.median(feet[~of(made, "jump")]) < 2.5


def test_who_sits_down_does_so_once():
    made = stick_figures.make(300, rng(10), actions=("sit",))
    hip = turning(made.joints, "neck", "pelvis", "knee 1")
    assert (hip[:, :2].mean(axis=1) - hip[:, -2:].mean(axis=1) > 30).mean() > 0.95
    rises = np.diff(np.apply_along_axis(lambda x: np.convolve(x, np.ones(3) / 3, "valid"), 1, hip), axis=1)
    assert (rises.max(axis=1) < 12).all()


def test_changes_lie_in_the_middle_half_and_lead_to_another_action():
    made = stick_figures.make(400, rng(11), num_frames=32, changes=True)
    steps = np.diff(made.frame_labels, axis=1) != 0
    assert (steps.sum(axis=1) == 1).all()
    change = steps.argmax(axis=1) + 1
    assert change.min() == 8 and change.max() == 24
    assert np.array_equal(made.frame_labels[:, 0], made.labels)
    pairs = np.zeros((5, 5))
    np.add.at(pairs, (made.labels, made.frame_labels[:, -1]), 1)
    assert (np.diag(pairs) == 0).all() and (pairs[~np.eye(5, dtype=bool)] > 5).all()
    two = stick_figures.make(60, rng(12), changes=True, actions=("sit", "walk"))
    assert set(np.unique(two.frame_labels)) == {0, 4}


def test_after_a_change_the_second_action_takes_place():
    made = stick_figures.make(200, rng(13), num_frames=72, changes=True, actions=("walk", "run"))
    apart = (made.joints[:, :, 8] - made.joints[:, :, 10])[..., 0]
    change = (np.diff(made.frame_labels, axis=1) != 0).argmax(axis=1) + 1
    walks_first = made.labels == 0
    for part, rows in (("first", slice(0, 18)), ("last", slice(-18, None))):
        tempo = cycles(apart[:, rows])
        walks = walks_first if part == "first" else ~walks_first
        assert np.median(tempo[walks]) < 1.15 < np.median(tempo[~walks])
    assert change.min() >= 18


def test_joints_of_single_frames_do_not_give_the_class_away():
    """Even with the joints themselves, and a classifier for pairs of them, a frame is mostly not enough."""
    made, other = (stick_figures.make(800, rng(seed), num_frames=4, fps=2) for seed in (14, 15))

    def numbers(some):
        joints = (some.joints - some.joints[:, :, 2:3]) / lengths(some.joints)[:, :, 0][..., None, None]
        return joints.reshape(-1, 22), some.frame_labels.ravel()

    accuracy = LogisticRegression(max_iter=300).fit(*numbers(made)).score(*numbers(other))
    assert accuracy < 0.6


def test_noise_is_as_asked():
    for noise in (0, 20):
        clips = stick_figures.make(20, rng(16), noise=noise).clips.astype(float)
        corner = clips[:, :, :3, :3]  # where there is no figure
        spread = corner.std(axis=(1, 2, 3))
        assert np.median(spread) == pytest.approx(noise, abs=1)


@pytest.mark.parametrize(
    "wrong, error, words",
    [
        ({"num_clips": 0}, ValueError, "num_clips"),
        ({"num_frames": 3}, ValueError, "num_frames"),
        ({"size": 32}, TypeError, "size"),
        ({"size": (8, 32)}, ValueError, "size"),
        ({"fps": 0}, ValueError, "fps"),
        ({"noise": -1}, ValueError, "noise"),
        ({"rng": 42}, TypeError, "default_rng"),
        ({"actions": ("fly",)}, ValueError, "walk, run"),
        ({"actions": "walk"}, TypeError, "tuple"),
        ({"actions": ()}, ValueError, "at least 1"),
        ({"actions": ("walk", "walk"), "changes": True}, ValueError, "at least 2"),
    ],
)
def test_bad_arguments(wrong, error, words):
    with pytest.raises(error, match=words):
        stick_figures.make(**({"num_clips": 2, "rng": rng()} | wrong))
