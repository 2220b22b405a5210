"""utils.features: what is written once and read again, and the pretrained networks without a network."""

import json
import urllib.error

import h5py
import keras
import numpy as np
import pytest
from keras.src.legacy.saving import legacy_h5_format

from utils import features

CLIPS = np.random.default_rng(0).integers(0, 256, (3, 4, 16, 16), dtype=np.uint8)


def extractor(scale=0.5):
    """A network whose features are known: the mean of each quarter, times a factor that is a weight."""
    frames = keras.Input((16, 16))
    quarters = keras.layers.AveragePooling2D(8)(keras.layers.Reshape((16, 16, 1))(frames))
    dense = keras.layers.Dense(4, use_bias=False)
    model = keras.Model(frames, dense(keras.layers.Flatten()(quarters)), name="quarters")
    dense.set_weights([scale * np.eye(4)])
    return model


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.delenv("COURSE_DATA_DIR", raising=False)


def expected(scale=0.5):
    return scale * CLIPS.reshape(3, 4, 2, 8, 2, 8).mean((3, 5)).reshape(3, 4, 4)


def test_computed_once_and_then_read(monkeypatch):
    first = features.write_once("train", CLIPS, extractor())
    assert first.computed and first.features.dtype == np.float32
    assert np.allclose(first.features, expected(), rtol=1e-4)
    monkeypatch.setattr(keras.Model, "predict", None)  # a second computation would fail
    again = features.write_once("train", CLIPS, extractor())  # a new model of the same layers and weights
    assert not again.computed and np.array_equal(again.features, first.features)
    assert sorted(path.name for path in again.folder.iterdir()) == ["about.json", "features.npy"]
    about = json.loads((again.folder / "about.json").read_text())
    assert about["clips"]["shape"] == [3, 4, 16, 16] and about["features"]["shape"] == [3, 4, 4]
    assert np.array_equal(np.load(again.folder / "features.npy", allow_pickle=False), first.features)


def test_other_clips_or_another_network_are_computed_again():
    features.write_once("train", CLIPS, extractor())
    other = CLIPS.copy()
    other[2, 3, 15, 15] ^= 255
    assert features.write_once("train", other, extractor()).computed
    assert features.write_once("train", other, extractor(0.25)).computed
    assert np.allclose(features.write_once("train", CLIPS, extractor(0.25)).features, expected(0.25), rtol=1e-4)


def test_the_same_weights_in_another_layer_are_another_network():
    def net(activation):
        frames = keras.Input((16, 16))
        return keras.Model(
            frames,
            keras.layers.Dense(2, activation, kernel_initializer="ones")(keras.layers.Flatten()(frames)),
            name="net",
        )

    features.write_once("train", CLIPS, net("linear"))
    assert features.write_once("train", CLIPS, net("sigmoid")).computed
    assert not features.write_once("train", CLIPS, net("sigmoid")).computed


@pytest.mark.parametrize("harm", ["cut", "bit", "no about", "cut about", "other shape", "pickle", "empty"])
def test_a_damaged_file_is_never_read(harm):
    kept = features.write_once("train", CLIPS, extractor())
    array, about = kept.folder / "features.npy", kept.folder / "about.json"
    stored = bytearray(array.read_bytes())
    if harm == "cut":
        array.write_bytes(stored[: len(stored) // 2])
    elif harm == "bit":
        stored[-1] ^= 1
        array.write_bytes(stored)
    elif harm == "no about":
        about.unlink()
    elif harm == "cut about":
        about.write_text(about.read_text()[:40])
    elif harm == "other shape":
        np.save(array, kept.features[:2])
    elif harm == "pickle":
        np.save(array, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    elif harm == "empty":
        array.write_bytes(b"")
    again = features.write_once("train", CLIPS, extractor())
    assert again.computed and np.array_equal(again.features, kept.features)


def test_what_was_interrupted_leaves_nothing_to_read(monkeypatch):
    save = np.save

    def dies(path, array, **options):
        save(path, array[:1], **options)
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "save", dies)
    with pytest.raises(KeyboardInterrupt):
        features.write_once("train", CLIPS, extractor())
    monkeypatch.setattr(np, "save", save)
    kept = features.write_once("train", CLIPS, extractor())
    assert kept.computed and kept.features.shape == (3, 4, 4)
    assert [path.name for path in kept.folder.parent.iterdir()] == ["features-train"]  # no parts are left


def test_bad_arguments():
    with pytest.raises(ValueError, match="name"):
        features.write_once("../train", CLIPS, extractor())
    with pytest.raises(TypeError, match="uint8"):
        features.write_once("train", CLIPS / 255, extractor())
    with pytest.raises(ValueError, match="shape"):
        features.write_once("train", CLIPS[0], extractor())
    with pytest.raises(ValueError, match="MobileNetV2"):
        features.backbone("ResNet", (32, 32))
    with pytest.raises(ValueError, match="96"):
        features.backbone("MobileNetV2", (32, 32), side=100)
    with pytest.raises(ValueError, match="imagenet"):
        features.backbone("MobileNetV2", (32, 32), weights="mine")


@pytest.mark.parametrize("name, width", [("MobileNetV2", 1280), ("MobileNetV3Small", 576)])
def test_a_backbone_sees_the_frames_as_keras_prepares_them(name, width):
    """Random weights; the same network fed by hand, with Keras's own preparation."""
    model = features.backbone(name, (24, 16), weights=None)
    assert model.output_shape == (None, width) and not model.trainable_weights
    frames = CLIPS[0, :, :, :].repeat(2, axis=1)[:, :24].astype("float32")
    module = keras.applications.mobilenet_v2 if name == "MobileNetV2" else keras.applications.mobilenet_v3
    large = keras.ops.image.resize(np.repeat(frames[..., None], 3, axis=-1), (96, 96))
    inner = next(layer for layer in model.layers if isinstance(layer, keras.Model))
    prepared = module.preprocess_input(keras.ops.convert_to_numpy(large))
    wanted = keras.ops.convert_to_numpy(inner(prepared, training=False))
    assert np.allclose(keras.ops.convert_to_numpy(model(frames)), wanted, atol=1e-4)
    assert np.std(wanted) > 0


def no_network(*given, **options):
    raise urllib.error.URLError("no route to host")


@pytest.mark.parametrize("name", features.BACKBONES)
def test_without_a_network_the_file_and_its_place_are_named(monkeypatch, tmp_path, name):
    monkeypatch.setenv("COURSE_PROFILE", "full")
    asked = []
    monkeypatch.setattr("keras.src.utils.file_utils.urlretrieve", lambda url, *given: asked.append(url) or no_network())
    with pytest.raises(features.WeightsUnavailable) as caught:
        features.backbone(name, (32, 32))
    told = str(caught.value)
    assert asked[0] in told and asked[0].rsplit("/", 1)[1] in told and str(tmp_path / "cache" / "models") in told
    ours = list(asked)
    with pytest.raises(Exception, match="fetch failure"):  # Keras itself asks for the same file
        getattr(keras.applications, name)(input_shape=(96, 96, 3), include_top=False)
    assert asked == 2 * ours


def test_quick_does_not_even_try(monkeypatch):
    monkeypatch.setenv("COURSE_PROFILE", "quick")
    monkeypatch.setattr(keras.utils, "get_file", no_network)
    with pytest.raises(features.WeightsUnavailable, match="fetches nothing"):
        features.backbone("MobileNetV3Small", (32, 32))


def test_weights_in_a_data_folder_are_used(monkeypatch, tmp_path):
    """Random weights, stored in the old form of Keras's own files."""
    monkeypatch.setenv("COURSE_PROFILE", "full")
    monkeypatch.setattr(keras.utils, "get_file", no_network)
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path))
    options = {"input_shape": (96, 96, 3), "include_top": False, "pooling": "avg", "weights": None}
    keras.utils.set_random_seed(3)
    stored = keras.applications.MobileNetV3Small(**options)
    with h5py.File(tmp_path / features.BACKBONES["MobileNetV3Small"][0].rsplit("/", 1)[1], "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, stored)
    model = features.backbone("MobileNetV3Small", (16, 16))
    inner = next(layer for layer in model.layers if isinstance(layer, keras.Model))
    assert all(np.array_equal(a, b) for a, b in zip(inner.get_weights(), stored.get_weights(), strict=True))


def test_damaged_weights_are_named(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_PROFILE", "full")
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path))
    (tmp_path / features.BACKBONES["MobileNetV3Small"][0].rsplit("/", 1)[1]).write_bytes(b"half a file")
    with pytest.raises(features.WeightsUnavailable, match=r"float_no_top_v2\.h5 is damaged"):
        features.backbone("MobileNetV3Small", (32, 32))
