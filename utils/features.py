"""Features of frames: computed once by a frozen network, kept on disk, read again while nothing has changed.

What belongs here: the keeping, and the pretrained networks that compute features. The small network of the course's
own, and what is trained on features, is taught in `19_action_recognition`.
"""

import hashlib
import json
import os
import socket
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np

from utils import settings
from utils.arguments import two_numbers, whole_number
from utils.datasets import cache

ARRAY, ABOUT = "features.npy", "about.json"

KERAS_WEIGHTS = "https://storage.googleapis.com/tensorflow/keras-applications/"
BACKBONES = {
    "MobileNetV2": ("mobilenet_v2/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_{side}_no_top.h5", None),
    "MobileNetV3Small": (
        "mobilenet_v3/weights_mobilenet_v3_small_224_1.0_float_no_top_v2.h5",
        "d3e8ec802a04aa4fc771ee12a9a9b836",
    ),
}
"""Networks of `keras.applications`: the file of weights below `KERAS_WEIGHTS`, and its MD5 as Keras knows it."""

SIDES = (96, 128, 160, 192, 224)
"""The sides, in pixels, for which there are weights of MobileNetV2."""

SECONDS = 30.0  # how long to wait for an answer


class Kept(NamedTuple):
    """Features as they lie on disk.

    Attributes
    ----------
    features : numpy.ndarray
        float32, (clips, frames, features).
    about : dict
        What they are made of, as in the file beside them.
    folder : pathlib.Path
        Where both files lie.
    computed : bool
        Whether they were computed now; False if they were read.
    """

    features: np.ndarray
    about: dict
    folder: Path
    computed: bool


class WeightsUnavailable(RuntimeError):
    """The weights of a pretrained network are not on disk and could not be fetched; the message says what to do."""


def write_once(name: str, clips, extractor: keras.Model, *, batch_size: int = 512) -> Kept:
    """Return the features of every frame: from disk if they are there, else computed and written.

    In the course's cache a folder of this name holds `features.npy` and `about.json`, which says of which clips, by
    which network and of what shape they are. They are read only if all of it agrees, and if the array is the one that
    was written, byte for byte; else they are computed again. The folder gets its name when both files are complete, so
    that nobody reads half of it.

    Parameters
    ----------
    name : str
        Letters, digits, "_" and "-".
    clips : array_like
        uint8, (clips, frames, height, width).
    extractor : keras.Model
        From frames (batch, height, width) to features (batch, features).
    batch_size : int
        Frames at a time.

    Returns
    -------
    Kept
        The features, and what is known of them.

    Raises
    ------
    TypeError
        If the clips are not uint8.
    ValueError
        For another shape, or a name that is no plain file name.
    OSError
        If the cache cannot be written.
    """
    clips = np.asarray(clips)
    batch_size = whole_number("batch_size", batch_size, least=1)
    if not isinstance(name, str) or not name.replace("_", "").replace("-", "").isalnum():
        raise ValueError(f"name is {name!r}; expected letters, digits, '_' and '-'.")
    if clips.dtype != np.uint8:
        raise TypeError(f"clips is of type {clips.dtype}; expected grey levels from 0 to 255 as uint8.")
    if clips.ndim != 4 or not clips.size:
        raise ValueError(f"clips has shape {clips.shape}; expected (clips, frames, height, width).")
    about = {
        "clips": {"shape": list(clips.shape), "sha256": _digest(clips)},
        "extractor": {"name": extractor.name, "sha256": _fingerprint(extractor)},
    }
    computed = []

    def fill(folder: Path) -> None:
        frames = clips.reshape(-1, *clips.shape[2:])
        features = extractor.predict(frames, batch_size=batch_size, verbose=0).astype("float32")
        features = features.reshape(*clips.shape[:2], -1)
        np.save(folder / ARRAY, features, allow_pickle=False)
        whole = about | {"features": {"shape": list(features.shape), "sha256": _digest(features)}}
        (folder / ABOUT).write_text(json.dumps(whole, indent=2) + "\n", encoding="utf-8")
        computed.append(True)

    def read(folder: Path) -> tuple[np.ndarray, dict]:
        whole = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        if {key: whole[key] for key in about} != about:
            raise ValueError("the features are of other clips, or of another network")
        features = np.load(folder / ARRAY, allow_pickle=False)
        if {"shape": list(features.shape), "sha256": _digest(features)} != whole["features"]:
            raise ValueError("the features are not those that were written")
        return features, whole

    folder = f"features-{name}"
    features, whole = cache.keep(folder, fill, read)
    return Kept(features, whole, cache.place(folder), bool(computed))


def _digest(array: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(array)).hexdigest()


def _fingerprint(model: keras.Model) -> str:
    """Return what tells two networks apart: the hash of the settings of the layers and of all weights."""
    found = hashlib.sha256()
    for layer in model._flatten_layers(include_self=False, recursive=True):
        kept = {key: value for key, value in layer.get_config().items() if key != "name" and _is_plain(value)}
        found.update(f"{type(layer).__name__} {json.dumps(kept, sort_keys=True)}\n".encode())
    for weight in model.get_weights():
        found.update(np.ascontiguousarray(weight))
    return found.hexdigest()


def _is_plain(value) -> bool:
    """Whether a setting is a number, a text or a row of them: others hold names, which count up from run to run."""
    return isinstance(value, str | int | float) or (isinstance(value, list | tuple) and all(map(_is_plain, value)))


def backbone(name: str, size: tuple[int, int], *, side: int = 96, weights: str | None = "imagenet") -> keras.Model:
    """Return a network of `keras.applications`, trained on photographs, from grey frames to features.

    Its weights are looked for in the folders of COURSE_DATA_DIR, the course's cache and Keras's own, then fetched.

    Parameters
    ----------
    name : {"MobileNetV2", "MobileNetV3Small"}
        Which.
    size : (int, int)
        Height and width of the frames; they are stretched to `side` by `side` pixels.
    side : {96, 128, 160, 192, 224}
        What the network sees.
    weights : {"imagenet", None}
        None for random weights, which need no file.

    Returns
    -------
    keras.Model
        From (batch, height, width), grey levels from 0 to 255, to (batch, features), frozen.

    Raises
    ------
    TypeError
        If a number is of the wrong type.
    ValueError
        For another name, side or kind of weights.
    WeightsUnavailable
        If the weights are not on disk and cannot be fetched (in the quick profile they never are), or are damaged; it
        names the file and says where to put it.
    """
    if name not in BACKBONES:
        raise ValueError(f"there is no backbone {name!r}; there are {', '.join(BACKBONES)}.")
    if weights not in ("imagenet", None):
        raise ValueError(f"weights is {weights!r}; expected 'imagenet' or None.")
    side = whole_number("side", side)
    if side not in SIDES:
        raise ValueError(f"side is {side}; expected one of {', '.join(map(str, SIDES))}.")
    sides = two_numbers("size", size, "height and width, (32, 32)")
    height, width = (whole_number("a side of size", pixels, least=1) for pixels in sides)
    options = {"input_shape": (side, side, 3), "include_top": False, "pooling": "avg"}
    path = None if weights is None else _weights(name, side)
    try:
        network = getattr(keras.applications, name)(weights=path and str(path), **options)
    except (OSError, ValueError, KeyError) as error:
        if path is None:
            raise
        raise WeightsUnavailable(_advice(name, side, f"{path} is damaged: {error}. Delete it.")) from error
    network.trainable = False
    layers = keras.layers
    frames = keras.Input((height, width))
    colours = layers.Concatenate()([layers.Reshape((height, width, 1))(frames)] * 3)
    large = layers.Resizing(side, side)(colours)
    if name == "MobileNetV2":  # the other one does this itself
        large = layers.Rescaling(1 / 127.5, offset=-1.0)(large)
    return keras.Model(frames, network(large, training=False), name=f"{name}_{side}")


def _weights(name: str, side: int) -> Path:
    """Return the file of weights: one on disk, else fetched into the cache."""
    address, md5 = BACKBONES[name]
    url = KERAS_WEIGHTS + address.format(side=side)
    file = url.rsplit("/", 1)[1]
    kept = settings.cache_dir() / "models"
    keras_home = Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser()
    for folder in (*settings.data_dirs(), kept, keras_home / "models"):
        if (folder / file).is_file():
            return folder / file
    if settings.profile() == "quick":
        raise WeightsUnavailable(_advice(name, side, "The quick profile fetches nothing."))
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(SECONDS)  # Keras sets none: without an answer it would wait for ever
    try:
        found = keras.utils.get_file(file, url, file_hash=md5, cache_dir=settings.cache_dir(), cache_subdir="models")
    except Exception as error:  # Keras raises no narrower one for a failed download
        raise WeightsUnavailable(_advice(name, side, f"Fetching failed: {error}")) from error
    finally:
        socket.setdefaulttimeout(before)
    return Path(found)


def _advice(name: str, side: int, reason: str) -> str:
    url = KERAS_WEIGHTS + BACKBONES[name][0].format(side=side)
    folders = os.pathsep.join(map(str, settings.data_dirs())) or "not set"
    return (
        f"The weights of {name} are not to be had. {reason}\nWhat you can do:\n"
        f"  - Get {url} some other way, for example in a browser,\n"
        f"    and put {url.rsplit('/', 1)[1]} into a folder of COURSE_DATA_DIR (now {folders})\n"
        f"    or into {settings.cache_dir() / 'models'}.\n"
        "  - Use the small network of the course, which needs no file."
    )
