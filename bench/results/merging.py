"""Several sweep directories joined into one, run by run.

The runs of a specification may be computed in parts, on machines that share nothing. Directories
go together if their specifications differ in what is swept alone (and in a name and a place of the
data, which change no result); the axes of the joined one hold the values of all.
"""

import json
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from bench.plan.errors import SpecError
from bench.plan.loading import load_spec
from bench.plan.spec import SweepAxes, SweepSpec
from bench.results.directory import SPEC, STORE, SweepDirectory, first_difference, holder, store_of
from bench.results.errors import SweepDirectoryError
from bench.results.exports import export
from bench.results.store import Store, StoredRun

__all__ = ["Merged", "merge"]

BATCH_RUNS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """How many runs of each directory were taken, and how many the joined one has by status."""

    taken: dict[Path, int]
    counts: dict[str, dict[str, int]]


def merge(sources: Sequence[Path], out: Path) -> Merged:
    """Join sweep directories; what is there in several is taken from the first that finished it.

    Parameters
    ----------
    sources
        Sweep directories in which nothing is running.
    out
        Made if it is not there; one that holds the same joined sweep is added to.

    Raises
    ------
    SweepDirectoryError
        If one is no sweep directory, is in use, or belongs to another sweep.
    StoreError
        If a store cannot be read or holds runs on other data.
    """
    specs = {source: _spec(source, out) for source in sources}
    taken = {}
    with (
        SweepDirectory(out, _joined(specs)) as directory,
        Store(directory.store_path) as store,
    ):
        for source in sources:
            with Store(source / STORE, read_only=True) as other:
                taken[source] = _add(source, other, directory, store)
        export(store, out)
        directory.write_environment(_environment(sources))
        return Merged(taken=taken, counts=store.counts())


def _spec(source: Path, out: Path) -> SweepSpec:
    store_of(source)
    if source.resolve() == out.resolve():
        raise SweepDirectoryError(f"{source}: is what comes out; --out must name another")
    if (name := holder(source)) is not None:
        raise SweepDirectoryError(f"{source}: in use by {name}; wait for it to end")
    try:
        return load_spec(source / SPEC)
    except SpecError as error:
        raise SweepDirectoryError(str(error)) from None


def _joined(specs: dict[Path, SweepSpec]) -> SweepSpec:
    (first, spec), *others = specs.items()
    for source, other in others:
        same = other.model_copy(
            update={
                "name": spec.name,
                "sweep": spec.sweep,
                "data": other.data.model_copy(update={"root": spec.data.root}),
            }
        )
        difference = first_difference(spec.as_table(), same.as_table())
        if difference is not None:
            key, there, here = difference
            raise SweepDirectoryError(
                f"{source}: is another sweep than {first}: {key} is {there} there and {here} here"
            )
    axes = {
        name: _values(getattr(each.sweep, name) for each in specs.values())
        for name in SweepAxes.model_fields
    }
    return SweepSpec.model_validate({**spec.as_table(), "sweep": axes})


def _values(axes: Iterable[tuple[Any, ...]]) -> list[Any]:
    """The values of all, each once; numbers in their order, names in that of the first."""
    values = list(dict.fromkeys(value for axis in axes for value in axis))
    return values if any(isinstance(value, str) for value in values) else sorted(values)


def _add(source: Path, other: Store, directory: SweepDirectory, store: Store) -> int:
    taken, done = 0, store.statuses()
    for batch in _batches(other.stored()):
        for data_hash in {str(run.value("data_hash")) for run in batch}:
            store.check_data(data_hash)
        for run in batch:
            run_id = str(run.value("run_id"))
            artifact = source / "artifacts" / run_id
            if run.value("status") == "ok" and done.get(run_id) != "ok" and artifact.is_dir():
                with directory.new_artifact(run_id) as folder:
                    for file in artifact.iterdir():
                        shutil.copyfile(file, folder / file.name)
        taken += store.restore(batch)
    timed = {(r.objective, r.latent_dim, r.device) for r in store.throughput()}
    store.add_throughput(
        r for r in other.throughput() if (r.objective, r.latent_dim, r.device) not in timed
    )
    return taken


def _batches(runs: Iterator[StoredRun]) -> Iterator[list[StoredRun]]:
    while batch := list(islice(runs, BATCH_RUNS)):
        yield batch


def _environment(sources: Sequence[Path]) -> dict[str, str | float | None]:
    """The first that there is, which the others need not share, and the names of all."""
    written = [path for s in sources if (path := s / "environment.json").is_file()]
    first = json.loads(written[0].read_text(encoding="utf-8")) if written else {}
    return {**first, "merged_from": ", ".join(map(str, sources))}
