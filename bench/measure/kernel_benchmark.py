"""How fast the fused kernel is and how far from the memory limit: ``python -m bench kernels``.

On a GPU every provider is timed over a grid of shapes, dtypes and passes. Without one nothing is
timed: the kernels are audited and checked under Triton's interpreter instead, and the output says
so.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import torch
from torch._functorch import config as functorch_config

from bench.measure.kernel_timing import TENSORS_TOUCHED, KernelTiming, Shape, time_shape
from bench.results.files import replaced, writing
from bench.results.provenance import collect_environment
from kernels import audit
from kernels.check import main as check_kernels

SIZES = (
    (128, 16),
    (4_096, 16),
    (1 << 16, 16),
    (1 << 18, 2),
    (1 << 20, 20),
    (1 << 16, 1024),
    (1 << 19, 128),
    (1 << 22, 16),
)
"""Rows and latent dimension; the last three have 2**26 elements, where memory is the limit."""
QUICK_SIZES = ((128, 16), (1 << 19, 128))
DTYPES = (torch.float32, torch.bfloat16)
REPEATS = 30
QUICK_REPEATS = 10
BASELINES = ("eager", "compile", "compile-cudagraphs")

H200_ARCH = "sm_90"
H200_SLOTS_PER_S = 132 * 4 * 32 * 1.98e9
"""Instruction slots of one element that are issued a second: multiprocessors, schedulers, lanes,
Hz."""
H200_COPY_BYTES_PER_S = 4.3e12
"""Measured copy bandwidth; ``docs/kernel.md`` has the source of both."""


def run(
    out_dir: Path,
    *,
    sizes: Sequence[tuple[int, int]] = SIZES,
    repeats: int = REPEATS,
    command: str = "python -m bench kernels",
    say: Callable[[str], object] = print,
) -> int:
    """Measure, or without a GPU audit and check; return 0, or 1 when something is wrong.

    Writes ``kernel_benchmark.parquet`` (without a GPU ``kernel_audit.parquet``) and
    ``kernel_environment.json``.

    Parameters
    ----------
    out_dir
        Folder, created if missing.
    sizes
        Rows and latent dimension of the inputs.
    repeats
        Timed repeats of every row.
    command
        What the environment file records as the command.
    say
        Receives each line meant for the reader.
    """
    out_dir.mkdir(parents=True, exist_ok=True)
    started = datetime.now(UTC)
    if torch.cuda.is_available():
        status = check_kernels(["--device", "cuda"])
        table = _timed(sizes, repeats, say)
        path = out_dir / "kernel_benchmark.parquet"
    else:
        say("No CUDA device: no timing was taken. The kernels are compiled and checked instead.")
        table, status = _audited(say)
        path = out_dir / "kernel_audit.parquet"
    seconds = (datetime.now(UTC) - started).total_seconds()
    environment = collect_environment(command=command, started_at=started, wall_seconds=seconds)
    with writing(out_dir):
        with replaced(path) as beside:
            table.to_parquet(beside, index=False)
        with replaced(out_dir / "kernel_environment.json") as beside:
            beside.write_text(json.dumps(environment, indent=2) + "\n", encoding="utf-8")
    say(f"{len(table)} rows in {path}")
    return status


def compared(timings: Sequence[KernelTiming]) -> pd.DataFrame:
    """Return the timings with their share of the measured copy and their speed-ups.

    ``copy_share`` is the time of a copy that moves the floor bytes over the row's own time: one
    where the memory limit is reached. ``speedup_over_*`` is a baseline's time over the row's own.
    """
    table = pd.DataFrame([timing.row() for timing in timings])
    case = ["rows", "latent_dim", "dtype", "phase"]

    def milliseconds_of(provider: str) -> pd.Series:
        chosen = table[table["provider"] == provider].set_index(case)["median_ms"]
        return table[case].join(chosen, on=case)["median_ms"]

    table["copy_share"] = milliseconds_of("copy") / table["median_ms"]
    for baseline in BASELINES:
        column = f"speedup_over_{baseline.replace('-', '_')}"
        table[column] = milliseconds_of(baseline) / table["median_ms"]
    return table


def audited(findings: Sequence[audit.Finding]) -> pd.DataFrame:
    """Return the findings with what each may cost, null where nothing is known.

    ``slot_budget`` is what ``kernels.audit`` enforces. ``memory_bound_slots`` is the model of an
    H200: the instruction slots an element that are issued while memory moves its floor bytes.
    """
    rows = []
    for finding in findings:
        limit = memory_bound_slots(finding.phase, finding.dtype)
        rows.append(
            {
                **finding.as_dict(),
                "slot_budget": audit.SLOT_BUDGETS.get((finding.arch, finding.phase)),
                "memory_bound_slots": limit if finding.arch == H200_ARCH else None,
            }
        )
    return pd.DataFrame(rows).astype({"slot_budget": float, "memory_bound_slots": float})


def memory_bound_slots(phase: str, dtype: str) -> float:
    """Return the instruction slots an element beyond which an H200 waits for arithmetic."""
    itemsize: int = getattr(torch, dtype).itemsize
    return H200_SLOTS_PER_S / H200_COPY_BYTES_PER_S * TENSORS_TOUCHED[phase] * itemsize


def _timed(
    sizes: Sequence[tuple[int, int]], repeats: int, say: Callable[[str], object]
) -> pd.DataFrame:
    say(f"{torch.cuda.get_device_name()}: median of {repeats} repeats")
    # backward alone runs again over one forward, which donated buffers would not survive
    functorch_config.donated_buffer = False
    timings = []
    for rows, latent_dim in sizes:
        for dtype in DTYPES:
            for timing in time_shape(Shape(rows, latent_dim, dtype), repeats):
                timings.append(timing)
                row = timing.row()
                say(
                    f"{rows:>8} x {latent_dim:<5}{row['dtype']:9} {timing.phase:9}"
                    f"{timing.provider:20}{row['median_ms']:9.4f} ms "
                    f"{row['floor_gb_per_s']:8.1f} GB/s of floor bytes"
                    f"{row['issue_ms']:8.3f} ms to issue"
                )
    return compared(timings)


def _audited(say: Callable[[str], object]) -> tuple[pd.DataFrame, int]:
    findings = []
    for finding in audit.audit_all(list(audit.TARGETS), os.cpu_count() or 1):
        findings.append(finding)
        say(
            f"{finding.arch:7} {finding.phase:9} {finding.dtype:9} D={finding.latent_dim:<5}"
            f"{finding.slots_per_element:6.1f} slots per element, {finding.registers} registers"
        )
    broken = audit.broken_budgets(findings)
    for line in broken:
        say(f"budget broken: {line}")
    check = subprocess.run(
        [sys.executable, "-m", "kernels.check", "--device", "cpu"],
        env=os.environ | {"TRITON_INTERPRET": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    say((check.stdout + check.stderr).rstrip())
    return audited(findings), int(bool(broken) or check.returncode != 0)
