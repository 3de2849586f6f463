"""The comparison on disk: a page to read and the numbers of every round behind it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from bench.peers.rounds import Measurement
from bench.peers.table import Clock, Row, markdown
from bench.peers.task import Task
from bench.results.files import replaced, writing

CLOCKS = {
    "cpu": "processor time, which other programs on the machine do not enter",
    "wall": "the clock on the wall",
}


def write_report(
    out: Path,
    *,
    task: Task,
    measurements: Sequence[Measurement],
    table: Sequence[Row],
    clock: Clock,
    environment: Mapping[str, str | float | None],
) -> list[Path]:
    """Write ``peers-<threads>-thread.md`` (``peers-cuda.md`` for a GPU) and ``.json`` into ``out``;
    returns their paths.

    Raises
    ------
    SweepDirectoryError
        If the folder cannot be written.
    """
    threads = f"{environment['threads']}-thread"
    name = f"peers-{threads if task.device == 'cpu' else task.device}"
    content = {
        "environment": dict(environment),
        "task": asdict(task) | {"steps": task.steps},
        "clock": clock,
        "table": [asdict(row) for row in table],
        "measurements": [asdict(measured) for measured in measurements],
    }
    texts = {
        out / f"{name}.md": _page(task, table, clock, environment),
        out / f"{name}.json": json.dumps(content, indent=1) + "\n",
    }
    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
        for path, text in texts.items():
            with replaced(path) as beside:
                beside.write_text(text, encoding="utf-8")
    return list(texts)


def _page(
    task: Task, table: Sequence[Row], clock: Clock, environment: Mapping[str, str | float | None]
) -> str:
    widths = "-".join(map(str, task.hidden))
    machine = ", ".join(f"{key} {value}" for key, value in environment.items() if value is not None)
    return f"""# The same training elsewhere

Digits ({task.train_size} training images), Gaussian VAE, MLP 64-{widths}-{task.latent_dim} and \
back, batch {task.batch_size}, Adam at {task.learning_rate:g}, {task.epochs} epochs = {task.steps} \
steps, float32, {"a GPU" if task.device == "cuda" else "CPU"}.
Loss: {task.recon_weight:g}·squared error + {task.kl_weight:g}·KL; the ELBO is that of its decoder \
variance, {task.decoder_variance:g}.
Every peer starts from the same weights, has {environment["threads"]} thread(s) on as many cores, \
and runs in a process of its own; rounds are interleaved, the first (compilation) is left out.
Times are median [smallest–largest] of {environment["rounds"]} rounds. Ratios are taken within a \
round, by {CLOCKS[clock]}.
Test MSE and ELBO: mean ± standard deviation over seeds ({environment["rounds"]} where one model \
trains at a time).

{markdown(table)}

Command: `{environment["command"]}`

Machine and versions: {machine}
"""
