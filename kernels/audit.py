"""Compiles every kernel ahead of time, without a GPU, and holds its cost against budgets.

``python -m kernels.audit`` prints a table, ``--json`` one object a line; the exit status is 1 when
a budget is broken. What is compiled is what ``kernels.launch`` launches for a large batch whose
last tile is ragged: the costliest case. Knows the kernels' arguments, and no tensors.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from kernels.backend import TRITON_INTERPRETED
from kernels.launch import NUM_WARPS, kernel, tiling
from kernels.machine_code import MachineCode, parse_gcn, read_cubin

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

TARGETS = {
    "sm_80": GPUTarget("cuda", 80, 32),
    "sm_90": GPUTarget("cuda", 90, 32),
    "sm_100": GPUTarget("cuda", 100, 32),
    "gfx942": GPUTarget("hip", "gfx942", 64),
}
PHASES = ("forward", "backward")
DTYPES = {"float32": "fp32", "bfloat16": "bf16", "float16": "fp16"}
LATENT_DIMS = (16, 128, 200, 1024)
SLOT_BUDGETS = {("sm_90", "forward"): 40.0, ("sm_90", "backward"): 42.0}
"""Instruction slots per element; ``docs/kernel.md`` derives where memory becomes the limit."""

_ROWS = 1_000_003
_POINTER_TYPES = {
    "kl_ptr": "fp32",
    "column_kl_ptr": "fp32",
    "noise_ptr": "fp32",
    "dkl_ptr": "fp32",
    "dcolumn_kl_ptr": "fp32",
    "seed_ptr": "i64",
    "step_ptr": "i64",
}
_ALIGNED = [["tt.divisibility", 16]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The cost of one kernel on one architecture."""

    arch: str
    phase: str
    dtype: str
    latent_dim: int
    registers: int
    spill_bytes: int
    stack_bytes: int
    load_bits: int
    store_bits: int
    slots_per_element: float

    def as_dict(self) -> dict[str, object]:
        """Return the fields under the names of the JSON output."""
        return {"pass" if name == "phase" else name: value for name, value in asdict(self).items()}


def audit(arch: str, phase: str, dtype: str, latent_dim: int) -> Finding:
    """Compile one kernel for one architecture and return its cost.

    Raises
    ------
    RuntimeError
        When Triton runs as an interpreter, which compiles nothing.
    """
    if TRITON_INTERPRETED:
        raise RuntimeError("the audit compiles kernels: run it without TRITON_INTERPRET=1")
    target = TARGETS[arch]
    tiles = tiling(_ROWS, latent_dim)
    constants = {
        "MU_ROW_STRIDE": latent_dim,
        "LOGVAR_ROW_STRIDE": latent_dim,
        "D": latent_dim,
        "SAMPLES": 1,
        "PER_DIMENSION": False,
        "Z_GRADIENT": True,
        "KL_GRADIENT": True,
        "COLUMN_GRADIENT": False,
        "STORED_NOISE": False,
        "FAST": target.backend == "cuda",
        **tiles.constants(),
    }
    source = _source(kernel(phase), constants, DTYPES[dtype])
    compiled = triton.compile(source, target=target, options={"num_warps": NUM_WARPS})
    code = _read(compiled.asm)
    threads = NUM_WARPS * target.warp_size
    slots = code.instructions * threads / (tiles.tile_rows * latent_dim)
    cost = {name: value for name, value in asdict(code).items() if name != "instructions"}
    return Finding(
        arch=arch,
        phase=phase,
        dtype=dtype,
        latent_dim=latent_dim,
        slots_per_element=round(slots, 1),
        **cost,
    )


def audit_all(archs: Sequence[str], jobs: int) -> Iterator[Finding]:
    """Compile every kernel for ``archs`` in ``jobs`` processes; yield each as it is ready."""
    cases = list(product(archs, PHASES, DTYPES, LATENT_DIMS))
    if jobs == 1:
        yield from (audit(*case) for case in cases)
        return
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(audit, *zip(*cases, strict=True))


def broken_budgets(findings: Iterable[Finding]) -> list[str]:
    """Return one line for every budget that a finding breaks.

    On NVIDIA nothing may spill or use the stack, and memory moves 128 bits at a time wherever a
    row starts on such a boundary. AMD has no budget: its polynomials are the compiler's.
    """
    broken = []
    for finding in findings:
        if TARGETS[finding.arch].backend != "cuda":
            continue
        name = f"{finding.arch} {finding.phase} {finding.dtype} D={finding.latent_dim}"
        if finding.spill_bytes or finding.stack_bytes:
            broken.append(
                f"{name}: {finding.spill_bytes} bytes spilled, {finding.stack_bytes} on the stack; "
                f"allowed are none"
            )
        row_bytes = finding.latent_dim * (4 if finding.dtype == "float32" else 2)
        narrowest = min(finding.load_bits, finding.store_bits)
        if row_bytes % 16 == 0 and narrowest < 128:
            broken.append(f"{name}: memory moves {narrowest} bits at a time; allowed are 128")
        budget = SLOT_BUDGETS.get((finding.arch, finding.phase))
        if budget is not None and finding.slots_per_element > budget:
            broken.append(
                f"{name}: {finding.slots_per_element} slots per element; allowed are {budget:g}"
            )
    return broken


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the audit; return 1 when a budget is broken."""
    parser = argparse.ArgumentParser(prog="python -m kernels.audit", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")
    parser.add_argument("--arch", choices=list(TARGETS), nargs="+", default=list(TARGETS))
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    options = parser.parse_args(arguments)
    if options.jobs < 1:
        parser.error(f"--jobs: {options.jobs} is not allowed; 1 or more are")
    findings = []
    for finding in audit_all(options.arch, options.jobs):
        findings.append(finding)
        if options.json:
            sys.stdout.write(json.dumps(finding.as_dict()) + "\n")
            sys.stdout.flush()
    if not options.json:
        sys.stdout.write("\n".join(_table([f.as_dict() for f in findings])) + "\n")
    broken = broken_budgets(findings)
    sys.stderr.writelines(f"budget broken: {line}\n" for line in broken)
    return 1 if broken else 0


def _source(function: Any, constants: dict[str, object], dtype: str) -> ASTSource:
    """Return ``function`` with the types and alignments of a launch on fresh tensors."""
    signature: dict[str, str] = {}
    used: dict[str, object] = {}
    aligned = {}
    for position, name in enumerate(function.arg_names):
        if name in constants:
            signature[name], used[name] = "constexpr", constants[name]
        elif name.endswith("_ptr"):
            signature[name] = f"*{_POINTER_TYPES.get(name, dtype)}"
            aligned[(position,)] = _ALIGNED
        else:
            signature[name] = "i32"
    return ASTSource(function, signature, used, aligned)


def _read(asm: dict[str, Any]) -> MachineCode:
    return read_cubin(asm["cubin"]) if "cubin" in asm else parse_gcn(asm["amdgcn"])


def _table(rows: Sequence[dict[str, object]]) -> list[str]:
    header = list(rows[0])
    cells = [header, *[[str(value) for value in row.values()] for row in rows]]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return ["  ".join(map(str.rjust, line, widths)).rstrip() for line in cells]


if __name__ == "__main__":
    sys.exit(main())
