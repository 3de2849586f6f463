"""Work of the same kind as what is timed, written out with other packages alone.

Each is a reference: it stands beside a subject, and no change of ours can make it faster or slower.
"""

import hashlib
import io
import json
import sqlite3
from itertools import pairwise

import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

MODELS, BATCH, LATENT_DIM = 8, 128, 16
ENCODER = (64, 128, 128, 2 * LATENT_DIM)
DECODER = (LATENT_DIM, 128, 128, 64)

torch.set_num_threads(1)


def layers(widths):
    generator = torch.Generator().manual_seed(0)
    return [
        (
            (0.05 * torch.randn(MODELS, into, out, generator=generator)).requires_grad_(),
            torch.zeros(MODELS, 1, out, requires_grad=True),
        )
        for into, out in pairwise(widths)
    ]


def through(network, x):
    for index, (weight, bias) in enumerate(network):
        x = torch.baddbmm(bias, x, weight)
        if index < len(network) - 1:
            x = torch.relu(x)
    return x


@pytest.fixture
def plain_networks():
    """Encoder and decoder passes of stacked MLPs, without gradients."""
    encoder, decoder = layers(ENCODER), layers(DECODER)
    x, z = torch.rand(MODELS, BATCH, ENCODER[0]), torch.randn(MODELS, BATCH, LATENT_DIM)

    def encode():
        with torch.inference_mode():
            return through(encoder, x)

    def decode():
        with torch.inference_mode():
            return through(decoder, z)

    return {"encode": encode, "decode": decode}


@pytest.fixture
def plain_training_step():
    """One step of stacked Gaussian VAEs."""
    encoder, decoder = layers(ENCODER), layers(DECODER)
    x = torch.rand(MODELS, BATCH, ENCODER[0])
    parameters = [p for layer in (*encoder, *decoder) for p in layer]
    optimizer = torch.optim.Adam(parameters, lr=1e-3, fused=True)

    def step():
        mu, logvar = through(encoder, x).chunk(2, dim=-1)
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        rate = 0.5 * (mu.square() + logvar.exp() - 1 - logvar).sum(-1).mean(-1)
        error = (through(decoder, z) - x).square().sum(-1).mean(-1)
        optimizer.zero_grad(set_to_none=True)
        (error + 0.1 * rate).sum().backward()
        optimizer.step()

    return step


@pytest.fixture
def plain_integers():
    """Integer and float operations of PyTorch on the elements of one stacked latent."""
    words = torch.arange(MODELS * BATCH * LATENT_DIM) * 0x9E3779B9
    mu = torch.rand(MODELS, BATCH, LATENT_DIM, requires_grad=True)

    def mix():
        x = words
        for _ in range(10):
            x = (x * 0xCD9E8D57) & 0xFFFFFFFF
            x = x ^ (x >> 16)
        noise = torch.cos((x * 4.6566127342e-10).float()).view_as(mu)
        (mu + torch.exp(0.5 * mu) * noise).sum().backward()
        mu.grad = None

    return mix


@pytest.fixture
def plain_arrays():
    """Distances, sorting and exponentials of NumPy."""
    points = np.random.default_rng(0).standard_normal((300, 32))

    def work():
        square = (points**2).sum(1)
        distances = square[:, None] + square - 2 * points @ points.T
        np.partition(distances, 5, axis=1)
        return np.log(np.exp(-distances).sum(1))

    return work


@pytest.fixture
def plain_fit():
    """A small logistic regression and a small boosted ensemble of scikit-learn."""
    generator = np.random.default_rng(0)
    points = generator.standard_normal((200, 8))
    labels = (points[:, :3] + generator.standard_normal((200, 3))).argmax(1)

    def fit():
        LogisticRegression(max_iter=1000).fit(points, labels)
        GradientBoostingClassifier(n_estimators=20, random_state=0).fit(points, labels)

    return fit


@pytest.fixture
def plain_python():
    """Dictionaries to JSON to digests."""
    table = {f"key {index}": [index / 7, None, "text"] for index in range(20)}

    def work():
        for seed in range(50):
            text = json.dumps(table | {"seed": seed}, sort_keys=True)
            hashlib.sha256(text.encode()).hexdigest()

    return work


@pytest.fixture
def plain_rows():
    """Rows into SQLite in memory, and out again."""
    rows = [(index, *(index / 3 + column for column in range(40))) for index in range(200)]
    holes = ", ".join("?" * 41)

    def work():
        connection = sqlite3.connect(":memory:")
        connection.execute(f"CREATE TABLE t ({', '.join(f'c{i}' for i in range(41))})")
        connection.executemany(f"INSERT INTO t VALUES ({holes})", rows)  # noqa: S608
        connection.execute("SELECT * FROM t ORDER BY c7 DESC").fetchall()
        connection.close()

    return work


@pytest.fixture
def plain_pictures():
    """Figures of matplotlib, each laid out, drawn, reduced to a palette and packed as PNG."""
    x = np.linspace(0, 1, 50)

    def draw():
        for _ in range(4):
            figure = Figure(figsize=(9.6, 4), dpi=160, layout="constrained")
            for index, axes in enumerate(figure.subplots(1, 3)):
                axes.plot(x, x**index, label=str(index))
                axes.set_title(f"panel {index}")
                axes.legend()
            canvas = FigureCanvasAgg(figure)
            canvas.draw()
            picture = Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3])
            picture.quantize(256).save(io.BytesIO(), format="png")

    return draw
