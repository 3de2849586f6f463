"""The layers' kernels as compiled for a GPU, without one: nothing spills, memory moves in fours,
and no matrix instruction is asynchronous, for Triton overwrites what one still reads.
"""

import re
import subprocess
from dataclasses import replace
from itertools import product

import pytest

from kernels.backend import TRITON_INTERPRETED
from kernels.mlp_launch import TILES

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(TRITON_INTERPRETED, reason="an interpreter compiles nothing"),
]

CUT = [replace(TILES[0], columns=16), replace(TILES[0], rows=16), replace(TILES[2], columns=16)]
"""As results narrower or shorter than a tile cut it."""

CONSTANTS = {
    "affine": {"BIAS": True, "RELU": True},
    "input_gradient": {"RELU": True},
    "weight_gradient": {"BIAS": True},
}


def compiled(name, tile, architecture, tmp_path):
    import triton
    from triton import knobs
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    from kernels import triton_linear

    kernel = getattr(triton_linear, f"{name}_kernel")
    constants = CONSTANTS[name] | {
        "IN": 128, "OUT": 128, "ROWS_WHOLE": True, "SPLIT": True,
        "TILE_ROWS": tile.rows, "TILE_COLUMNS": tile.columns, "TILE_INNER": tile.inner,
    }  # fmt: skip
    signature, aligned = {}, {}
    for position, argument in enumerate(kernel.arg_names):
        is_pointer = argument.endswith("_ptr")
        signature[argument] = (
            "constexpr" if argument in constants else "*fp32" if is_pointer else "i32"
        )
        if argument not in constants and argument != "rows":
            aligned[(position,)] = [["tt.divisibility", 16]]
    code = triton.compile(
        ASTSource(kernel, signature, constants, aligned),
        target=GPUTarget("cuda", architecture, 32),
        options={"num_warps": tile.warps, "num_stages": tile.stages},
    )
    path = tmp_path / "kernel.cubin"
    path.write_bytes(code.asm["cubin"])
    command = [knobs.nvidia.cuobjdump.path, "-sass", "-res-usage", str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize(
    ("tile", "architecture"), [*product(TILES, [80, 90, 100]), *product(CUT, [90])], ids=str
)
@pytest.mark.parametrize("name", CONSTANTS)
def test_compiled_layers(name, tile, architecture, tmp_path):
    text = compiled(name, tile, architecture, tmp_path)
    assert re.search(r"STACK:0\b", text)
    operations = re.findall(r"/\*[0-9a-f]{4,}\*/\s+(?:@!?U?P\w+\s+)?([A-Z][\w.]*)", text)
    products = {operation for operation in operations if "MMA" in operation}
    assert products == {"HMMA.1688.F32.TF32"}
    copies = {operation for operation in operations if operation.startswith("LDGSTS")}
    assert copies == {"LDGSTS.E.BYPASS.128"}
    assert not any(operation.startswith(("STL", "LDL")) for operation in operations)
