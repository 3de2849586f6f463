"""Folders of image files: written here, read back, damaged, and too large."""

import re
import struct
import zlib

import numpy as np
import pytest
import torch
from PIL import Image

from vae_core import DataError, load_dataset
from vae_core.data import image_files

GENERATOR = np.random.default_rng(0)


def write(path, *, size=(6, 4), colour=True, seed=None):
    """A PNG of random pixels (W, H); returns them as [H, W, 3] or [H, W]."""
    generator = GENERATOR if seed is None else np.random.default_rng(seed)
    shape = (size[1], size[0], 3) if colour else (size[1], size[0])
    pixels = generator.integers(0, 256, shape, dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return pixels


def load(root, **options):
    return load_dataset("images", root=root, **options)


def refusal(root, **options):
    with pytest.raises(DataError) as caught:
        load(root, **options)
    message = str(caught.value)
    assert "\n" not in message
    return message


def rows(images):
    return {image.permute(1, 2, 0).numpy().tobytes() for image in images}


def test_every_image_is_read_once_and_a_fifth_is_test(tmp_path):
    written = {write(tmp_path / f"{i}.png").tobytes() for i in range(10)}
    dataset = load(tmp_path)
    assert (dataset.name, dataset.levels) == ("images", 255)
    assert dataset.train_images.shape == (8, 3, 4, 6)
    assert dataset.test_images.shape == (2, 3, 4, 6)
    assert dataset.train_labels is None
    assert dataset.test_labels is None
    assert rows(dataset.train_images) | rows(dataset.test_images) == written
    assert load(tmp_path).content_hash == dataset.content_hash


def test_subfolders_are_classes_in_order_of_their_names(tmp_path):
    written = {
        name: {write(tmp_path / name / f"{i}.png").tobytes() for i in range(5)}
        for name in ("zebra", "ant")
    }
    dataset = load(tmp_path)
    for label, name in enumerate(["ant", "zebra"]):
        train = dataset.train_images[dataset.train_labels == label]
        test = dataset.test_images[dataset.test_labels == label]
        assert rows(train) | rows(test) == written[name]
        assert len(test) == 1


def test_folders_train_and_test_are_the_split(tmp_path):
    train = {write(tmp_path / "train" / f"{i}.png").tobytes() for i in range(3)}
    test = {write(tmp_path / "test" / f"{i}.png").tobytes() for i in range(2)}
    dataset = load(tmp_path)
    assert (rows(dataset.train_images), rows(dataset.test_images)) == (train, test)


def test_a_split_shares_its_class_numbers(tmp_path):
    write(tmp_path / "train" / "b" / "1.png")
    write(tmp_path / "train" / "c" / "1.png")
    write(tmp_path / "test" / "a" / "1.png")
    write(tmp_path / "test" / "c" / "1.png")
    dataset = load(tmp_path)
    assert dataset.train_labels.tolist() == [1, 2]
    assert dataset.test_labels.tolist() == [0, 2]


def test_classes_in_one_part_only_are_refused(tmp_path):
    write(tmp_path / "train" / "b" / "1.png")
    write(tmp_path / "test" / "1.png")
    assert "class folders are needed in both train and test, or in none" in refusal(tmp_path)


def test_grey_files_are_one_channel(tmp_path):
    pixels = [write(tmp_path / f"{i}.png", colour=False) for i in range(2)]
    dataset = load(tmp_path)
    assert dataset.image_shape == (1, 4, 6)
    found = {dataset.train_images[0].numpy().tobytes(), dataset.test_images[0].numpy().tobytes()}
    assert found == {part.tobytes() for part in pixels}


def test_grey_among_colour_is_colour(tmp_path):
    grey = write(tmp_path / "train" / "1.png", colour=False)
    write(tmp_path / "test" / "1.png")
    dataset = load(tmp_path)
    np.testing.assert_array_equal(dataset.train_images[0], np.stack([grey] * 3))


@pytest.mark.parametrize(("mode", "channels"), [("1", 1), ("LA", 1), ("P", 3), ("RGBA", 3)])
def test_modes_of_eight_bits_become_grey_or_rgb(tmp_path, mode, channels):
    colours = Image.fromarray(GENERATOR.integers(0, 256, (4, 4, 3), dtype=np.uint8))
    for i in range(2):
        colours.convert(mode).save(tmp_path / f"{i}.png")
    assert load(tmp_path).image_shape == (channels, 4, 4)


def test_sixteen_bits_are_refused(tmp_path):
    for i in range(2):
        Image.fromarray(np.full((4, 4), 40_000, np.uint16)).save(tmp_path / f"{i}.png")
    assert "is of mode 'I;16'; grey or RGB with 8 bits a channel is allowed" in refusal(tmp_path)


def test_different_sizes_need_one_to_be_given(tmp_path):
    write(tmp_path / "train" / "1.png", size=(6, 4))
    write(tmp_path / "test" / "1.png", size=(6, 5))
    message = refusal(tmp_path)
    assert re.search(r"test/1\.png: is 6×5 pixels and .*train/1\.png is 6×4; give data\.i", message)
    assert load(tmp_path, image_size=8).image_shape == (3, 8, 8)


def test_resizing_crops_the_middle_and_keeps_the_shape_of_things(tmp_path):
    """A wide image of thirds: the middle third is what is left."""
    thirds = np.repeat(np.array([0, 128, 255], np.uint8), 30)
    wide = np.tile(thirds, (30, 1))
    for part in ("train", "test"):
        (tmp_path / part).mkdir()
        Image.fromarray(wide).save(tmp_path / part / "1.png")
    found = load(tmp_path, image_size=10).train_images
    assert found.shape == (1, 1, 10, 10)
    assert (found[..., 2:8] == 128).all()


def test_only_what_is_asked_for_is_decoded(tmp_path, monkeypatch):
    for i in range(10):
        write(tmp_path / f"{i}.png")
    opened = []
    real = Image.open
    monkeypatch.setattr(
        image_files.Image, "open", lambda f, **k: opened.append(f.name) or real(f, **k)
    )
    dataset = load(tmp_path, train_size=3, test_size=1)
    assert (len(dataset.train_images), len(dataset.test_images)) == (3, 1)
    assert len(set(opened)) == 4


def test_other_and_hidden_files_are_left_alone(tmp_path):
    for i in range(2):
        write(tmp_path / f"{i}.png")
    (tmp_path / "README.md").write_text("not an image")
    (tmp_path / ".thumb.png").write_bytes(b"not an image")
    (tmp_path / ".git").mkdir()
    assert len(load(tmp_path).train_images) == 1


def test_a_link_is_refused(tmp_path):
    secret = tmp_path / "elsewhere.png"
    write(secret)
    root = tmp_path / "root"
    write(root / "1.png")
    (root / "2.png").symlink_to(secret)
    assert refusal(root).endswith("2.png: not a regular file; links and devices are not read")


def test_a_linked_folder_is_no_class(tmp_path):
    write(tmp_path / "elsewhere" / "1.png")
    root = tmp_path / "root"
    write(root / "class" / "1.png")
    write(root / "class" / "2.png")
    (root / "link").symlink_to(tmp_path / "elsewhere")
    assert load(root).train_labels.tolist() == [0]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ([], "holds no images (.png, .jpg"),
        (["1.png"], "holds 1 image; at least 2 are needed, one to train and one to test"),
        (["1.png", "a/1.png"], "holds images both directly and in a; one folder a class, or no"),
    ],
)
def test_a_folder_that_is_no_data_set_is_refused(tmp_path, files, message):
    for file in files:
        write(tmp_path / file)
    assert refusal(tmp_path).startswith(f"{tmp_path}: {message}")


def test_a_folder_that_is_not_there_is_named(tmp_path):
    root = tmp_path / "nowhere"
    assert refusal(root) == f"{root}: no such folder; images needs one that holds image files"
    with pytest.raises(DataError, match=r"^data\.root: not given; images needs the folder that"):
        load_dataset("images")


def test_more_images_than_there_are_are_refused(tmp_path):
    for i in range(10):
        write(tmp_path / f"{i}.png")
    message = "data.train_size: 9 is not allowed; images has 8 train images, so 1 to 8 is"
    assert refusal(tmp_path, train_size=9) == message


def test_what_is_no_image_is_refused(tmp_path):
    write(tmp_path / "0.png")
    (tmp_path / "1.png").write_bytes(b"<html>404</html>")
    assert "1.png: not an image that can be read (PNG, JPEG, " in refusal(tmp_path)


def test_a_format_that_runs_programs_is_not_opened(tmp_path):
    write(tmp_path / "0.png")
    (tmp_path / "1.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 4 4\n")
    assert "1.png: not an image that can be read" in refusal(tmp_path)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".gif", ".bmp", ".tif", ".webp", ".ppm"])
def test_a_damaged_image_is_one_line(tmp_path, suffix):
    """Bytes changed and cut off at random: read or refused, and nothing else."""
    smooth = Image.fromarray(np.tile(np.arange(0, 240, 10, dtype=np.uint8), (24, 1))).convert("RGB")
    smooth.save(tmp_path / f"0{suffix}")
    whole = (tmp_path / f"0{suffix}").read_bytes()
    generator = np.random.default_rng(0)
    refused = []
    for _ in range(60):
        damaged = bytearray(whole)
        for at in generator.integers(0, len(damaged), 3):
            damaged[at] = generator.integers(256)
        cut = generator.integers(1, len(damaged)) if generator.random() < 0.3 else len(damaged)
        (tmp_path / f"1{suffix}").write_bytes(bytes(damaged[:cut]))
        try:
            load(tmp_path, image_size=8)
        except DataError as error:
            refused.append(str(error))
    assert refused
    assert all(f"1{suffix}: " in message and "\n" not in message for message in refused)


def bomb(width, height):
    """A PNG that promises a huge image in a few bytes."""

    def chunk(kind, content):
        body = kind + content
        return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    start, end = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header), chunk(b"IEND", b"")
    return start + chunk(b"IDAT", zlib.compress(bytes(100))) + end


@pytest.mark.parametrize(
    ("width", "height", "message"),
    [
        (10_000, 8_000, "is 10000×8000 pixels; at most 50000000 in all are allowed"),
        (60_000, 60_000, "is too large: Image size (3600000000 pixels) exceeds limit"),
    ],
)
def test_an_image_of_too_many_pixels_is_not_decoded(tmp_path, width, height, message):
    write(tmp_path / "0.png")
    (tmp_path / "1.png").write_bytes(bomb(width, height))
    assert message in refusal(tmp_path, image_size=8)


def test_more_pixels_than_fit_in_memory_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(image_files, "MAX_BYTES", 100)
    for i in range(2):
        write(tmp_path / f"{i}.png")
    assert refusal(tmp_path) == (
        "data: 2 images of 6×4 pixels need 144 bytes and 100 are allowed; give a smaller "
        "data.image_size or data.train_size"
    )
    assert load(tmp_path, image_size=4).train_images.dtype == torch.uint8
