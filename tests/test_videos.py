"""utils.videos: small clips that are encoded here with PyAV, good ones and bad ones, and what is read of them."""

import struct
from fractions import Fraction

import av
import numpy as np
import pytest

from utils import videos


def ramp(num_frames=24, height=32, width=32, step=8):
    """Frame k has the grey level 20 + k * step everywhere: what is read tells which frame it was."""
    return np.broadcast_to(np.uint8(20 + step * np.arange(num_frames))[:, None, None], (num_frames, height, width))


def encode(path, frames, times=None, rate=12, codec="mpeg4"):
    """Write frames at given times (seconds) by PyAV alone."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = Fraction(1, 600)
        for k, grey in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(grey), format="gray")
            frame.time_base = Fraction(1, 600)
            frame.pts = round(600 * (k / rate if times is None else times[k]))
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def sound(path):
    """A file with sound and no picture."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44100, layout="mono")
        for k in range(20):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
            frame.rate, frame.pts = 44100, 1024 * k
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def means(clip):
    return clip.mean((1, 2))


def test_what_is_written_is_read(tmp_path):
    rng = np.random.default_rng(0)
    clip = np.kron(rng.integers(0, 256, (24, 8, 8)), np.ones((4, 4))).astype(np.uint8)
    videos.write_clip(tmp_path / "a.mp4", clip)
    read = videos.read_clip(tmp_path / "a.mp4")
    assert read.dtype == np.uint8 and read.shape == clip.shape
    assert np.abs(read.astype(float) - clip).mean() < 6
    with av.open(str(tmp_path / "a.mp4")) as container:  # by PyAV alone
        assert [frame.time for frame in container.decode(video=0)] == pytest.approx(np.arange(24) / 12, abs=1e-3)


@pytest.mark.parametrize("suffix", [".mp4", ".avi", ".mkv", ".mov"])
def test_containers(tmp_path, suffix):
    videos.write_clip(tmp_path / f"a{suffix}", ramp())
    assert means(videos.read_clip(tmp_path / f"a{suffix}")) == pytest.approx(20 + 8 * np.arange(24), abs=3)


def test_another_frame_rate_gives_the_same_seconds(tmp_path):
    """60 frames a second and 6: a frame wanted at t is the one shown at t."""
    encode(tmp_path / "fast.mp4", ramp(120, step=2), rate=60)
    wanted = 20 + 2 * np.floor(np.arange(24) / 12 * 60 + 1e-6)
    assert means(videos.read_clip(tmp_path / "fast.mp4")) == pytest.approx(wanted, abs=3)
    encode(tmp_path / "slow.mp4", ramp(12, step=16), rate=6)
    assert means(videos.read_clip(tmp_path / "slow.mp4")) == pytest.approx(20 + 16 * (np.arange(24) // 2), abs=3)


def test_variable_frame_rate(tmp_path):
    """A picture that stays for a second stays for a second, though it is one frame."""
    times = [0, 0.25, 1.25, 1.5, 1.75, 2.0, 2.25]
    encode(tmp_path / "v.mp4", ramp(7, step=30), times)
    read = means(videos.read_clip(tmp_path / "v.mp4", num_frames=9, fps=4))
    shown = np.searchsorted(times, np.arange(9) / 4 + 1e-6, side="right") - 1
    assert read == pytest.approx(20 + 30 * shown, abs=4)


@pytest.mark.parametrize("height, width", [(33, 47), (17, 64), (101, 35)])
def test_odd_sizes(tmp_path, height, width):
    videos.write_clip(tmp_path / "odd.mp4", ramp(24, height, width))
    read = videos.read_clip(tmp_path / "odd.mp4", size=(24, 20))
    assert read.shape == (24, 24, 20) and means(read) == pytest.approx(20 + 8 * np.arange(24), abs=3)


def test_the_middle_is_kept_and_averaged(tmp_path):
    frames = np.full((24, 32, 96), 30, np.uint8)
    frames[:, :, 32:64] = 120
    frames[:, :16, 32:64] = 220
    videos.write_clip(tmp_path / "wide.mp4", frames)
    read = videos.read_clip(tmp_path / "wide.mp4", size=(4, 4)).astype(float)
    assert np.allclose(read[:, :2], 220, atol=6) and np.allclose(read[:, 2:], 120, atol=6)
    one = videos.read_clip(tmp_path / "wide.mp4", size=(1, 1)).astype(float)
    assert np.allclose(one, 170, atol=6)


def test_a_film_held_upright_is_turned(tmp_path):
    """A telephone stores the film lying and notes a rotation (here in the bytes of the track's header)."""
    frames = np.full((24, 32, 32), 30, np.uint8)
    frames[:, :, :16] = 220  # bright on the left as stored
    videos.write_clip(tmp_path / "lying.mp4", frames)
    stored = bytearray((tmp_path / "lying.mp4").read_bytes())
    at = stored.index(b"tkhd") + 44
    one = 1 << 16
    assert struct.unpack(">9i", stored[at : at + 36]) == (one, 0, 0, 0, one, 0, 0, 0, 1 << 30)
    turned = (0, one, 0, -one, 0, 0, 32 * one, 0, 1 << 30)  # a quarter clockwise: left becomes top
    stored[at : at + 36] = struct.pack(">9i", *turned)
    (tmp_path / "upright.mp4").write_bytes(stored)
    read = videos.read_clip(tmp_path / "upright.mp4", size=(2, 2)).astype(float)
    assert np.allclose(read[:, 0], 220, atol=8) and np.allclose(read[:, 1], 30, atol=8)


def test_only_the_time_needed_is_decoded(tmp_path, monkeypatch):
    videos.write_clip(tmp_path / "long.mp4", ramp(200, step=1))
    decoded, seen = videos._decoded, []

    def counted(path):
        for frame in decoded(path):
            seen.append(frame)
            yield frame

    monkeypatch.setattr(videos, "_decoded", counted)
    videos.read_clip(tmp_path / "long.mp4", num_frames=5)
    assert len(seen) == 6


def bad_files(folder):
    """One file of each kind that cannot be used, and a word of the reason."""
    videos.write_clip(folder / "short.mp4", ramp(10))
    videos.write_clip(folder / "whole.mp4", ramp())
    whole = (folder / "whole.mp4").read_bytes()
    (folder / "whole.mp4").unlink()
    (folder / "truncated.mp4").write_bytes(whole[: len(whole) // 2])
    (folder / "zero.mp4").write_bytes(b"")
    (folder / "text.mp4").write_text("This is no film.\n" * 50)
    (folder / "notes.txt").write_text("who is in which clip\n")
    (folder / "noise.avi").write_bytes(np.random.default_rng(0).bytes(5000))
    (folder / "folder.mp4").mkdir()
    sound(folder / "sound.mp4")
    return {
        "short.mp4": "too short: 0.83 s of 2.00 s",
        "truncated.mp4": "",  # what FFmpeg says depends on where the cut is
        "zero.mp4": "empty",
        "text.mp4": "",  # FFmpeg may take text and noise for anything, a song too
        "notes.txt": "not a video by its name: .txt",
        "noise.avi": "",
        "folder.mp4": "not a file",
        "sound.mp4": "no video stream",
    }


def test_a_folder_with_good_and_bad_files(tmp_path):
    for name, step in (("run", 2), ("walk", 4)):
        (tmp_path / name).mkdir()
        for k in range(2):
            videos.write_clip(tmp_path / name / f"{k}.mp4", ramp(30, step=step))
    reasons = bad_files(tmp_path / "walk")
    (tmp_path / "walk" / ".hidden").write_text("x")
    (tmp_path / "readme.md").write_text("x")
    (tmp_path / "wave").mkdir()
    read = videos.read_folder(tmp_path)
    assert read.names == ("run", "walk", "wave")
    assert read.files == ("run/0.mp4", "run/1.mp4", "walk/0.mp4", "walk/1.mp4")
    assert read.labels.tolist() == [0, 0, 1, 1] and read.labels.dtype == np.int64
    assert read.clips.shape == (4, 24, 32, 32) and read.clips.dtype == np.uint8
    assert means(read.clips[2]) == pytest.approx(20 + 4 * np.arange(24), abs=3)
    assert set(read.skipped) == {f"walk/{name}" for name in reasons}
    for name, reason in reasons.items():
        assert len(read.skipped[f"walk/{name}"]) > 4 and reason in read.skipped[f"walk/{name}"]
        with pytest.raises(videos.VideoError, match=reason.split(":")[0] or None):
            videos.read_clip(tmp_path / "walk" / name)


def test_a_file_cut_after_its_beginning_is_used_or_reported(tmp_path):
    """In AVI the frames come in order, so half a file may hold enough of them."""
    noisy = ramp(48, 64, 64, step=4) + np.random.default_rng(0).integers(0, 20, (48, 64, 64), dtype=np.uint8)
    videos.write_clip(tmp_path / "a.avi", noisy)
    whole = (tmp_path / "a.avi").read_bytes()
    (tmp_path / "a.avi").write_bytes(whole[: len(whole) // 2])
    read = videos.read_clip(tmp_path / "a.avi", num_frames=8)
    assert means(read) == pytest.approx(noisy[:8].mean((1, 2)), abs=3)
    with pytest.raises(videos.VideoError):
        videos.read_clip(tmp_path / "a.avi", num_frames=48)


def test_every_cut_of_a_file_is_read_rightly_or_reported(tmp_path):
    videos.write_clip(tmp_path / "a.mkv", ramp())
    whole = (tmp_path / "a.mkv").read_bytes()
    lengths, failed = range(0, len(whole), len(whole) // 25), 0
    for length in lengths:
        (tmp_path / "cut.mkv").write_bytes(whole[:length])
        try:
            read = videos.read_clip(tmp_path / "cut.mkv")
        except videos.VideoError:
            failed += 1
        else:
            assert means(read) == pytest.approx(20 + 8 * np.arange(24), abs=3)
    assert failed > len(lengths) / 2


def test_folders_that_hold_nothing(tmp_path):
    with pytest.raises(FileNotFoundError, match="one sub-folder a class"):
        videos.read_folder(tmp_path / "none")
    with pytest.raises(ValueError, match="no sub-folder"):
        videos.read_folder(tmp_path)
    (tmp_path / "walk").mkdir()
    with pytest.raises(ValueError, match="sub-folders are empty"):
        videos.read_folder(tmp_path)
    (tmp_path / "walk" / "a.mp4").write_bytes(b"")
    with pytest.raises(ValueError, match=r"walk/a.mp4: empty"):
        videos.read_folder(tmp_path)
    with pytest.raises(NotADirectoryError, match="is a file"):
        videos.read_folder(tmp_path / "walk" / "a.mp4")


def test_bad_arguments(tmp_path):
    with pytest.raises(TypeError, match="size"):
        videos.read_clip(tmp_path / "a.mp4", size=32)
    with pytest.raises(ValueError, match="num_frames"):
        videos.read_folder(tmp_path, num_frames=0)
    with pytest.raises(ValueError, match="fps"):
        videos.read_clip(tmp_path / "a.mp4", fps=0)
    with pytest.raises(TypeError, match="uint8"):
        videos.write_clip(tmp_path / "a.mp4", np.zeros((3, 16, 16)))
    with pytest.raises(ValueError, match="shape"):
        videos.write_clip(tmp_path / "a.mp4", np.zeros((16, 16), np.uint8))
