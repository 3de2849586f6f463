"""Write the pictures of ``shapes.npz`` as files, a folder a class: ``pictures/disc/0000.png``."""

from pathlib import Path

import numpy as np
from PIL import Image

with np.load("shapes.npz") as archive:
    images, labels = archive["images"], archive["labels"]
for index, (image, label) in enumerate(zip(images, labels, strict=True)):
    folder = Path("pictures", ("disc", "bar")[label])
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(folder / f"{index:04}.png")
