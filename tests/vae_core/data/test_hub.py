"""Images of the package ``datasets``: a stand-in where it is not installed, itself where it is."""

import io
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from vae_core import DataError, load_dataset

PIXELS = np.random.default_rng(0).integers(0, 256, (10, 4, 4, 3), dtype=np.uint8)
LABELS = [0, 1] * 5


def png(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "png")
    return file.getvalue()


ROWS = [{"bytes": png(pixels), "path": "/etc/hostname"} for pixels in PIXELS]


class StandIn:
    """What is used of a ``datasets.Dataset``."""

    def __init__(self, **columns):
        self.columns = {name: values for name, (values, _) in columns.items()}
        self.features = {name: kind for name, (_, kind) in columns.items()}

    def cast_column(self, name, kind):
        assert kind.decode is False
        return self.columns

    def __getitem__(self, name):
        return self.columns[name]


@pytest.fixture
def package(monkeypatch):
    """A module that loads what ``loaded`` holds."""
    module = ModuleType("datasets")
    module.Image = type("Image", (SimpleNamespace,), {})
    module.ClassLabel = type("ClassLabel", (SimpleNamespace,), {})
    module.loaded = None
    module.load_dataset = lambda root: module.loaded
    monkeypatch.setitem(sys.modules, "datasets", module)
    return module


def split_of(package, rows=ROWS, labels=LABELS):
    return StandIn(
        name=(["x"] * len(rows), SimpleNamespace()),
        picture=(rows, package.Image()),
        kind=(labels, package.ClassLabel()),
    )


def load(root=Path("someone/something"), **options):
    return load_dataset("hf", root=root, **options)


def pictures(images):
    return sorted(image.permute(1, 2, 0).numpy().tobytes() for image in images)


def check_whole(dataset):
    assert dataset.name == "hf"
    assert dataset.train_images.shape == (8, 3, 4, 4)
    assert sorted(dataset.test_labels.tolist()) == [0, 1]
    both = pictures([*dataset.train_images, *dataset.test_images])
    assert both == sorted(pixels.tobytes() for pixels in PIXELS)


def test_without_the_package_it_is_said_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    message = (
        r"^data\.name: hf needs the package datasets, which is not installed; "
        r"pip install 'vaebench\[hf\]' brings it$"
    )
    with pytest.raises(DataError, match=message):
        load()


def test_without_a_name_or_folder_one_is_asked_for():
    with pytest.raises(DataError, match=r"^data\.root: not given; hf needs the folder of a data s"):
        load(None)


def test_one_split_is_cut_into_two(package):
    package.loaded = split_of(package)
    check_whole(load())
    package.loaded = {"train": split_of(package)}
    check_whole(load())


@pytest.mark.parametrize("name", ["test", "validation"])
def test_the_splits_that_are_there_are_used(package, name):
    package.loaded = {"train": split_of(package), name: split_of(package, ROWS[:3], [1, 0, 1])}
    dataset = load(image_size=2)
    assert dataset.train_images.shape == (10, 3, 2, 2)
    assert dataset.test_labels.tolist() == [1, 0, 1]


def test_labels_may_be_absent(package):
    package.loaded = StandIn(image=(ROWS, package.Image()))
    assert load().train_labels is None


@pytest.mark.parametrize(
    ("splits", "message"),
    [
        (lambda p: {"all": split_of(p)}, "someone/something: has no train split; found all"),
        (
            lambda p: StandIn(text=(["x"], SimpleNamespace())),
            "someone/something: has no image column; found text",
        ),
        (
            lambda p: {"train": split_of(p), "test": StandIn(picture=(ROWS, p.Image()))},
            "someone/something: test: has no column kind, which train has",
        ),
        (
            lambda p: split_of(p, [{"bytes": None, "path": "/etc/hostname"}], [0]),
            "someone/something: train[0]: the image is not embedded; save the data set with",
        ),
        (
            lambda p: split_of(p, [ROWS[0], {"bytes": b"x", "path": None}], [0, 1]),
            "someone/something: train[1]: not an image that can be read",
        ),
        (
            lambda p: {"train": split_of(p), "test": split_of(p, ROWS[:3], [0, 1, -1])},
            "someone/something: test[2]: has no label; all images need one, or none",
        ),
        (
            lambda p: split_of(p, ROWS[:2], [None, 1]),
            "someone/something: train[0]: has no label; all images need one, or none",
        ),
    ],
    ids=[
        *("no train", "no image", "no label", "not embedded", "no picture"),
        *("withheld label", "missing label"),
    ],
)
def test_what_is_no_image_data_set_is_refused(package, splits, message):
    package.loaded = splits(package)
    with pytest.raises(DataError) as caught:
        load()
    assert str(caught.value).startswith(message)


def test_whatever_the_package_raises_is_one_refusal(package):
    def fail(root):
        raise ConnectionError(f"no way to {root}")

    package.load_dataset = fail
    message = r"^a/b: cannot be loaded by the package datasets: ConnectionError: no way to a/b$"
    with pytest.raises(DataError, match=message):
        load(Path("a/b"))


@pytest.mark.filterwarnings("default")
def test_a_saved_data_set_is_read(tmp_path):
    real = pytest.importorskip("datasets", reason="the optional package datasets is not installed")
    features = real.Features(
        {"picture": real.Image(), "kind": real.ClassLabel(names=["even", "odd"])}
    )
    images = [Image.fromarray(pixels) for pixels in PIXELS]
    saved = real.Dataset.from_dict({"picture": images, "kind": LABELS}, features=features)
    saved.save_to_disk(str(tmp_path / "one"))
    check_whole(load(tmp_path / "one"))
    real.DatasetDict({"train": saved}).save_to_disk(str(tmp_path / "splits"))
    check_whole(load(tmp_path / "splits"))
