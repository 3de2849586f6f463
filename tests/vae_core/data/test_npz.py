"""NumPy archives: well made, of another kind, and hostile."""

import io
import zipfile

import numpy as np
import pytest
import torch
from numpy.lib import format as npy

from vae_core import DataError, load_dataset
from vae_core.data import npz

BYTES = np.random.default_rng(0).integers(0, 256, (10, 4, 5), dtype=np.uint8)
BYTES[0, 0, :2] = 0, 255
LABELS = np.arange(10) % 2


@pytest.fixture
def archive(tmp_path):
    def save(**arrays):
        path = tmp_path / "data.npz"
        np.savez(path, **arrays)
        return path

    return save


def load(path, **options):
    return load_dataset("npz", root=path, **options)


def refusal(path):
    with pytest.raises(DataError) as caught:
        load(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message.removeprefix(f"{path}: ")


def member(array, *, shape=None, descr=None):
    """Bytes of a .npy file that may promise another shape or type than it holds."""
    file = io.BytesIO()
    npy.write_array_header_1_0(
        file,
        {"descr": descr or array.dtype.str, "fortran_order": False, "shape": shape or array.shape},
    )
    return file.getvalue() + array.tobytes()


def test_a_split_is_taken_as_it_is(archive):
    dataset = load(
        archive(
            train_images=BYTES, train_labels=LABELS, test_images=BYTES[:3], test_labels=LABELS[:3]
        )
    )
    assert (dataset.name, dataset.levels) == ("npz", 255)
    np.testing.assert_array_equal(dataset.train_images[:, 0], BYTES)
    np.testing.assert_array_equal(dataset.test_images[:, 0], BYTES[:3])
    assert dataset.train_labels.tolist() == LABELS.tolist()
    assert dataset.test_labels.dtype == torch.int64


@pytest.mark.parametrize("names", [("images", "labels"), ("train_images", "train_labels")])
def test_without_a_test_part_a_fixed_stratified_fifth_is_one(archive, names):
    dataset = load(archive(**dict(zip(names, (BYTES, LABELS), strict=True))))
    assert sorted(dataset.test_labels.tolist()) == [0, 1]
    both = torch.cat([dataset.train_images, dataset.test_images])
    assert {x.numpy().tobytes() for x in both} == {x.tobytes() for x in BYTES}


def test_labels_may_be_absent_and_the_file_may_be_alone_in_its_folder(archive):
    path = archive(images=BYTES)
    dataset = load(path.parent, train_size=4)
    assert dataset.train_labels is None
    assert len(dataset.train_images) == 4
    np.savez(path.parent / "second.npz", images=BYTES)
    assert refusal(path.parent).startswith("holds 2 .npz files; one regular file is needed")


@pytest.mark.parametrize(
    ("shape", "image_shape"),
    [
        ((10, 4, 5), (1, 4, 5)),
        ((10, 4, 5, 1), (1, 4, 5)),
        ((10, 4, 5, 3), (3, 4, 5)),
        ((10, 3, 4, 5), (3, 4, 5)),
        ((10, 3, 3, 3), (3, 3, 3)),
    ],
)
def test_channels_may_stand_last_or_first(archive, shape, image_shape):
    images = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    dataset = load(archive(train_images=images, test_images=images))
    assert dataset.image_shape == image_shape
    if len(shape) == 4 and shape[3] == image_shape[0]:
        np.testing.assert_array_equal(dataset.train_images.permute(0, 2, 3, 1), images)


@pytest.mark.parametrize(
    ("images", "levels", "top"),
    [
        (BYTES, 255, 1.0),
        (BYTES // 255, 1, 1.0),
        (BYTES > 200, 1, 1.0),
        ((BYTES / 510).astype(np.float16), 1, 0.5),
        (BYTES / 255, 1, 1.0),
    ],
    ids=["bytes", "binary bytes", "bool", "float16", "float64"],
)
def test_every_kind_of_value_is_read_between_0_and_1(archive, images, levels, top):
    dataset = load(archive(train_images=images, test_images=images))
    assert dataset.levels == levels
    pixels = dataset.pixels(dataset.train_images)
    assert pixels.dtype == torch.float32
    assert pixels.max().item() == pytest.approx(top, abs=1e-3)


def test_labels_may_be_a_column(archive):
    labels = LABELS[:, None].astype(np.uint8)
    dataset = load(archive(images=BYTES, labels=labels))
    assert dataset.train_labels.shape == (8,)


FLOATS = BYTES / 255


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x_train": BYTES}, "has neither train_images nor images; found x_train"),
        ({"images": np.where(FLOATS > 0.9, np.nan, FLOATS)}, "images: holds NaN or infinite"),
        ({"images": FLOATS * 2}, "images: holds values from 0 to 2; 0 to 1 is allowed"),
        ({"images": BYTES.astype(np.int64)}, "images: has dtype int64; bool, uint8 or floats are"),
        ({"images": BYTES.reshape(10, 20)}, "images: has shape (10, 20); [N, H, W], [N, H, W, C]"),
        ({"images": np.zeros((10, 4, 5, 2))}, "images: has shape (10, 4, 5, 2); [N, H, W]"),
        ({"images": BYTES[:0]}, "images: has shape (0, 1, 4, 5): there are no images"),
        ({"images": BYTES[:1]}, "holds 1 image; at least 2 are needed"),
        ({"images": BYTES, "labels": LABELS[:9]}, "labels: has shape (9,); [10], one an image, is"),
        ({"images": BYTES, "labels": LABELS / 2}, "labels: has dtype float64; integers are needed"),
        (
            {"train_images": BYTES, "test_images": BYTES[:, :3]},
            "train_images and test_images differ: ['uint8'], [(1, 3, 5), (1, 4, 5)] (C, H, W)",
        ),
        (
            {"train_images": BYTES, "test_images": FLOATS},
            "train_images and test_images differ: ['float32', 'uint8'], [(1, 4, 5)] (C, H, W)",
        ),
        (
            {"train_images": BYTES, "train_labels": LABELS, "test_images": BYTES},
            "labels are needed for both parts, or for none",
        ),
        (
            {"train_images": BYTES, "train_labels": LABELS, "test_labels": LABELS},
            "has test_labels and no test_images",
        ),
    ],
)  # fmt: skip
def test_what_is_no_data_set_is_refused(archive, arrays, message):
    assert refusal(archive(**arrays)).startswith(message)


def test_objects_are_never_unpickled(tmp_path):
    path = tmp_path / "data.npz"

    class Trap:
        def __reduce__(self):
            return (pytest.fail, ("was unpickled",))

    np.savez(path, allow_pickle=True, images=np.array([Trap(), Trap()], dtype=object))
    assert refusal(path) == "images: holds Python objects, which are never unpickled"


def hostile(tmp_path, content, **options):
    path = tmp_path / "data.npz"
    with zipfile.ZipFile(path, "w", **options) as archive:
        archive.writestr("images.npy", content)
    return path


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (member(BYTES, shape=(10, 4, 6)), "images: the header promises 240 bytes, the archive ho"),
        (member(BYTES, shape=(2**40, 4, 5)), "images: needs 21990232555520 bytes; at most 429496"),
        (member(BYTES, shape=(-10, -4, 5)), "images: the header promises the shape (-10, -4, 5)"),
        (b"\x93NUMPY\x03\x00" + member(BYTES)[8:], "images: .npy version (3, 0) is not allowed"),
        (b"not an array", "images: not a readable .npy array: "),
        (b"\x93NUMPY\x01\x00\x10\x00{'descr': open()", "images: not a readable .npy array: "),
    ],
    ids=["short", "huge", "negative", "version", "text", "code"],
)
def test_a_header_that_lies_is_refused_before_anything_is_read(tmp_path, content, message):
    assert refusal(hostile(tmp_path, content)).startswith(message)


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(npz, "MAX_BYTES", 10_000)
    zeros = member(np.zeros((1000, 10, 10), np.uint8))
    path = hostile(tmp_path, zeros, compression=zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 1000
    assert refusal(path) == "images: needs 100000 bytes; at most 10000 are allowed"


def test_another_compression_is_refused(tmp_path):
    path = hostile(tmp_path, member(BYTES), compression=zipfile.ZIP_LZMA)
    assert refusal(path).startswith("images: is encrypted or packed in a way that numpy.savez")


def test_what_is_no_archive_is_refused(tmp_path):
    path = tmp_path / "data.npz"
    path.write_bytes(b"<html>404</html>")
    assert refusal(path) == "cannot be read as a .npz file: File is not a zip file"
    assert refusal(tmp_path / "nowhere.npz").startswith("no such file; npz needs a .npz file")
    with pytest.raises(DataError, match=r"^data\.root: not given; npz needs the path of a \.npz"):
        load_dataset("npz")


def test_a_damaged_archive_is_one_line(archive):
    path = archive(images=BYTES, labels=LABELS)
    whole = path.read_bytes()
    generator = np.random.default_rng(0)
    refused = []
    for _ in range(200):
        damaged = bytearray(whole)
        for at in generator.integers(0, len(damaged), 2):
            damaged[at] = generator.integers(256)
        path.write_bytes(bytes(damaged))
        try:
            load(path)
        except DataError as error:
            refused.append(str(error))
    assert len(refused) > 50
    assert not any("\n" in message for message in refused)
