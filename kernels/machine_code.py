"""Reads what a compiled kernel costs out of its machine code.

Knows the text forms of NVIDIA's SASS and AMD's GCN assembly, and nothing of what the kernels do.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from triton import knobs

if TYPE_CHECKING:
    from collections.abc import Iterable

_SASS_INSTRUCTION = re.compile(
    r"^\s*/\*(?P<address>[0-9a-f]{4,})\*/\s+(?:@!?U?P\w+\s+)?(?P<operation>[A-Z][\w.]*)(?P<rest>.*?);"
)
_GCN_INSTRUCTION = re.compile(r"^\t(?P<operation>[a-z]\w+)(?:\s|$)")


class MachineCodeError(RuntimeError):
    """The machine code cannot be read, or does not allow the count that was asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineCode:
    """What one compiled kernel costs.

    ``load_bits`` and ``store_bits`` are the width that most of the global bytes move by;
    ``instructions`` is what one thread executes.
    """

    registers: int
    spill_bytes: int
    stack_bytes: int
    load_bits: int
    store_bits: int
    instructions: int


def read_cubin(cubin: bytes) -> MachineCode:
    """Return the cost of an NVIDIA kernel, from the disassembler that Triton ships.

    Raises
    ------
    MachineCodeError
        When the disassembler fails, or the code has a loop, whose instructions a static count
        would undercount.
    """
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "kernel.cubin"
        path.write_bytes(cubin)
        command = [knobs.nvidia.cuobjdump.path, "-sass", "-res-usage", str(path)]
        result = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if result.returncode:
        raise MachineCodeError(f"{command[0]} failed: {result.stderr.strip()}")
    return parse_sass(result.stdout)


def parse_sass(text: str) -> MachineCode:
    """Return the cost of a kernel from ``cuobjdump -sass -res-usage`` text."""
    usage = dict(re.findall(r"\b(REG|STACK):(\d+)", text))
    matches = [match for line in text.splitlines() if (match := _SASS_INSTRUCTION.match(line))]
    if not matches or "REG" not in usage:
        raise MachineCodeError("no kernel found in the disassembly")
    for match in matches:
        target = re.search(r"0x([0-9a-f]+)", match["rest"])
        jumps = match["operation"].startswith(("BRA", "JMP"))
        if jumps and target and int(target[1], 16) < int(match["address"], 16):
            raise MachineCodeError(f"a loop ends at {match['address']}: instructions not countable")
    # the code ends in a jump to itself, never executed, and padding
    operations = [match["operation"] for match in matches if match["operation"] != "NOP"]
    local_bytes = sum(_sass_bits(name) // 8 for name in operations if name.startswith("STL"))
    return MachineCode(
        registers=int(usage["REG"]),
        spill_bytes=local_bytes,
        stack_bytes=int(usage["STACK"]),
        load_bits=_main_width(_sass_bits(name) for name in operations if name.startswith("LDG")),
        store_bits=_main_width(_sass_bits(name) for name in operations if name.startswith("STG")),
        instructions=len(operations) - operations.count("BRA"),
    )


def parse_gcn(text: str) -> MachineCode:
    """Return the cost of an AMD kernel from its assembly text."""
    facts = dict(
        re.findall(r"\.(vgpr_count|vgpr_spill_count|private_segment_fixed_size):\s+(\d+)", text)
    )
    operations = [
        m["operation"] for line in text.splitlines() if (m := _GCN_INSTRUCTION.match(line))
    ]
    if not operations or len(facts) != 3:
        raise MachineCodeError("no kernel found in the assembly")
    memory = ("global_", "buffer_")
    return MachineCode(
        registers=int(facts["vgpr_count"]),
        spill_bytes=4 * int(facts["vgpr_spill_count"]),
        stack_bytes=int(facts["private_segment_fixed_size"]),
        load_bits=_main_width(
            _gcn_bits(name) for name in operations if name.startswith(memory) and "_load" in name
        ),
        store_bits=_main_width(
            _gcn_bits(name) for name in operations if name.startswith(memory) and "_store" in name
        ),
        instructions=len(operations),
    )


def _sass_bits(operation: str) -> int:
    """Return the bits a thread moves: the number in ``LDG.E.128``, 32 where there is none."""
    widths = [int(part) for part in operation.split(".") if part in {"64", "128", "256"}]
    narrow = [int(part[1:]) for part in operation.split(".") if part in {"U8", "S8", "U16", "S16"}]
    return (widths or narrow or [32])[0]


def _gcn_bits(operation: str) -> int:
    """Return the bits a thread moves: 32 a dword, counted by ``x2`` or ``x4``."""
    if (match := re.search(r"dword(?:x(\d))?$", operation)) is not None:
        return 32 * int(match[1] or 1)
    return 8 if "byte" in operation else 16


def _main_width(widths: Iterable[int]) -> int:
    """Return the width that carries the most bytes, zero where nothing moves."""
    bits_moved: Counter[int] = Counter()
    for width in widths:
        bits_moved[width] += width
    return bits_moved.most_common(1)[0][0] if bits_moved else 0
