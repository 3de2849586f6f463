"""IDX files made by hand, damaged ones, and the real MNIST where it lies beside the repository."""

import gzip
import hashlib
import re
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vae_core import DataError, load_dataset
from vae_core.data import idx

MNIST = Path(__file__).parents[4] / "shared" / "data" / "mnist"
FILES = (idx.TRAIN_IMAGES, idx.TRAIN_LABELS, idx.TEST_IMAGES, idx.TEST_LABELS)


def idx_bytes(array: np.ndarray) -> bytes:
    header = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.astype(np.uint8).tobytes()


CUBE = np.arange(2 * 3 * 4).reshape(2, 3, 4)


def test_a_well_made_file_is_read():
    array = idx.read_idx(idx_bytes(CUBE), Path("f"))
    assert array.dtype == np.uint8
    np.testing.assert_array_equal(array, CUBE)


def test_sizes_are_big_endian():
    array = idx.read_idx(b"\x00\x00\x08\x01" + b"\x00\x00\x01\x02" + bytes(258), Path("f"))
    assert array.shape == (258,)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "f: not an IDX file of unsigned bytes (magic number 00 00 08)"),
        (b"\x00\x00\x08", "f: not an IDX file of unsigned bytes (magic number 00 00 08)"),
        (b"\x00\x00\x0d" + idx_bytes(CUBE)[3:], "f: not an IDX file of unsigned bytes"),
        (b"PK\x03\x04" + bytes(100), "f: not an IDX file of unsigned bytes"),
        (idx_bytes(CUBE)[:10], "f: the IDX header is cut short after 10 bytes"),
        (idx_bytes(CUBE)[:-1], "f: the IDX header promises 24 bytes, the file holds 23"),
        (idx_bytes(CUBE) + b"\x00", "f: the IDX header promises 24 bytes, the file holds 25"),
        (
            b"\x00\x00\x08\x03" + b"\xff" * 12,
            f"f: the IDX header promises {(2**32 - 1) ** 3} bytes, the file holds 0",
        ),
    ],
    ids=["empty", "three bytes", "floats", "zip", "header", "short", "long", "overflow"],
)
def test_anything_else_is_refused(content, message):
    with pytest.raises(DataError, match="^" + re.escape(message)):
        idx.read_idx(content, Path("f"))


@pytest.fixture
def contents() -> dict[str, bytes]:
    """Four small files of the right kinds."""
    images, labels = CUBE, np.array([3, 7])
    return {
        idx.TRAIN_IMAGES: idx_bytes(images),
        idx.TRAIN_LABELS: idx_bytes(labels),
        idx.TEST_IMAGES: idx_bytes(images[:1] + 100),
        idx.TEST_LABELS: idx_bytes(labels[1:]),
    }


def md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


@pytest.fixture
def mnist(tmp_path, monkeypatch, contents) -> Path:
    """A folder whose small files are what is published, one of them not packed."""
    sums = {name: md5(content) for name, content in contents.items()}
    monkeypatch.setattr(idx, "MNIST_MD5", sums)
    for name, content in contents.items():
        (tmp_path / f"{name}.gz").write_bytes(gzip.compress(content))
    (tmp_path / f"{idx.TEST_LABELS}.gz").unlink()
    (tmp_path / idx.TEST_LABELS).write_bytes(contents[idx.TEST_LABELS])
    return tmp_path


@pytest.fixture
def fashion(tmp_path, monkeypatch, contents) -> Path:
    packed = {name: gzip.compress(content) for name, content in contents.items()}
    sums = {name: md5(content) for name, content in packed.items()}
    monkeypatch.setattr(idx, "FASHION_MNIST_GZIP_MD5", sums)
    for name, content in packed.items():
        (tmp_path / f"{name}.gz").write_bytes(content)
    return tmp_path


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_packed_and_unpacked_files_become_a_data_set(request, name):
    root = request.getfixturevalue("mnist" if name == "mnist" else "fashion")
    dataset = load_dataset(name, root=root)
    assert (dataset.name, dataset.levels) == (name, 255)
    np.testing.assert_array_equal(dataset.train_images[:, 0], CUBE)
    np.testing.assert_array_equal(dataset.test_images[:, 0], CUBE[:1] + 100)
    assert dataset.train_labels.tolist() == [3, 7]
    assert dataset.test_labels.tolist() == [7]


def test_a_missing_file_is_named_with_the_way_to_get_it(mnist):
    (mnist / f"{idx.TRAIN_IMAGES}.gz").unlink()
    message = (
        f"{mnist / idx.TRAIN_IMAGES}: no such file; data.root must hold the four original IDX "
        "files (as .gz or unpacked); `python -m bench datasets` says where they come from"
    )
    with pytest.raises(DataError, match="^" + re.escape(message)):
        load_dataset("mnist", root=mnist)


def test_fashion_mnist_needs_the_packed_file(fashion, contents):
    (fashion / f"{idx.TRAIN_IMAGES}.gz").unlink()
    (fashion / idx.TRAIN_IMAGES).write_bytes(contents[idx.TRAIN_IMAGES])
    with pytest.raises(DataError, match=r"ubyte\.gz: no such file; .*packed as published"):
        load_dataset("fashion-mnist", root=fashion)


def test_a_folder_that_is_not_there_is_a_missing_file(tmp_path):
    with pytest.raises(DataError, match="nowhere/train-images-idx3-ubyte: no such file"):
        load_dataset("mnist", root=tmp_path / "nowhere")


def test_other_content_than_the_published_is_refused(mnist, contents):
    changed = contents[idx.TRAIN_LABELS][:-1] + b"\x09"
    path = mnist / f"{idx.TRAIN_LABELS}.gz"
    path.write_bytes(gzip.compress(changed))
    message = (
        f"{path}: the file is damaged or another one: MD5 of the unpacked content is "
        f"{md5(changed)}, published is {md5(contents[idx.TRAIN_LABELS])}"
    )
    with pytest.raises(DataError, match="^" + re.escape(message)):
        load_dataset("mnist", root=mnist)


def test_a_repacked_fashion_file_is_refused(fashion, contents):
    path = fashion / f"{idx.TEST_LABELS}.gz"
    path.write_bytes(gzip.compress(contents[idx.TEST_LABELS], compresslevel=0))
    with pytest.raises(DataError, match=r"damaged or another one: MD5 of the \.gz file is"):
        load_dataset("fashion-mnist", root=fashion)


def test_a_gzip_file_that_was_cut_is_refused(mnist):
    path = mnist / f"{idx.TRAIN_IMAGES}.gz"
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(DataError, match=re.escape(f"{path}: the gzip file is cut short")):
        load_dataset("mnist", root=mnist)


def test_what_is_no_gzip_file_is_refused(mnist):
    path = mnist / f"{idx.TRAIN_IMAGES}.gz"
    path.write_bytes(b"<html>404</html>")
    with pytest.raises(DataError, match=re.escape(f"{path}: not a readable gzip file: ")):
        load_dataset("mnist", root=mnist)


def test_a_file_that_unpacks_to_far_too_much_is_refused(mnist):
    path = mnist / f"{idx.TRAIN_IMAGES}.gz"
    path.write_bytes(gzip.compress(bytes(idx.LARGEST_FILE + 1), compresslevel=1))
    with pytest.raises(DataError, match="unpacks to more than 48000000 bytes"):
        load_dataset("mnist", root=mnist)


def test_a_file_that_cannot_be_opened_is_named(mnist, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(DataError, match=r"ubyte\.gz: cannot be read: Permission denied"):
        load_dataset("mnist", root=mnist)


@pytest.mark.skipif(not MNIST.is_dir(), reason=f"the MNIST files are not in {MNIST}")
def test_the_real_mnist_loads_whole():
    dataset = load_dataset("mnist", root=MNIST)
    assert dataset.train_images.shape == (60_000, 1, 28, 28)
    assert dataset.test_images.shape == (10_000, 1, 28, 28)
    train, test = np.bincount(dataset.train_labels), np.bincount(dataset.test_labels)
    assert train.tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert test.tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    published_mean = 0.1307
    assert dataset.train_images.numpy().mean() / 255 == pytest.approx(published_mean, abs=5e-5)


def test_the_four_files_of_both_sets_have_sums():
    assert set(idx.MNIST_MD5) == set(idx.FASHION_MNIST_GZIP_MD5) == set(FILES)


@given(st.binary(max_size=64) | st.binary(max_size=64).map(lambda rest: b"\0\0\x08" + rest))
def test_any_bytes_are_an_array_or_refused_on_one_line(content):
    try:
        array = idx.read_idx(content, Path("some-file"))
    except DataError as error:
        refusal = str(error)
    else:
        refusal = None
        assert array.tobytes() == content[4 + 4 * content[3] :]
    assert refusal is None or refusal.startswith("some-file: ")
