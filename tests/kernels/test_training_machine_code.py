"""The kernels of a training step as compiled for a GPU, without one: nothing spills, memory moves
in fours, and no matrix instruction is asynchronous, for Triton overwrites what one still reads.
"""

import importlib
import re
import subprocess
from dataclasses import replace
from itertools import product

import pytest

from kernels.backend import TRITON_INTERPRETED
from kernels.losses import KINDS, tile
from kernels.mlp_launch import TILES

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(TRITON_INTERPRETED, reason="an interpreter compiles nothing"),
]

CUT = [replace(TILES[0], columns=16), replace(TILES[0], rows=16), replace(TILES[2], columns=16)]
"""As results narrower or shorter than a tile cut it."""

LAYERS = {
    "affine": {"BIAS": True, "RELU": True},
    "input_gradient": {"RELU": True},
    "weight_gradient": {"BIAS": True},
}
TYPES = {"table_ptr": "*u8", "order_ptr": "*i64", "of_run_ptr": "*i64", "step_ptr": "*i64"}
ANY_SIZE = {"rows", "samples", "batch", "runs", "order_size", "batches"}
"""Arguments that a launch does not promise to be multiples of 16."""


def operations_of(module, name, constants, tmp_path, *, architecture=90, **options):
    """Machine instructions of a kernel, after a look at its stack."""
    import triton
    from triton import knobs
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    kernel = getattr(importlib.import_module(f"kernels.{module}"), f"{name}_kernel")
    signature, aligned = {}, {}
    for position, argument in enumerate(kernel.arg_names):
        is_pointer = argument.endswith("_ptr")
        plain = TYPES.get(argument, "*fp32") if is_pointer else "i32"
        signature[argument] = "constexpr" if argument in constants else plain
        if argument not in constants and argument not in ANY_SIZE:
            aligned[(position,)] = [["tt.divisibility", 16]]
    code = triton.compile(
        ASTSource(kernel, signature, constants, aligned),
        target=GPUTarget("cuda", architecture, 32),
        options=options,
    )
    path = tmp_path / "kernel.cubin"
    path.write_bytes(code.asm["cubin"])
    command = [knobs.nvidia.cuobjdump.path, "-sass", "-res-usage", str(path)]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert re.search(r"STACK:0\b", text)
    found = re.findall(r"/\*[0-9a-f]{4,}\*/\s+(?:@!?U?P\w+\s+)?([A-Z][\w.]*)", text)
    assert not any(operation.startswith(("STL", "LDL")) for operation in found)
    return found


@pytest.mark.parametrize(
    ("cut", "architecture"), [*product(TILES, [80, 90, 100]), *product(CUT, [90])], ids=str
)
@pytest.mark.parametrize("name", LAYERS)
def test_layers_multiply_on_the_matrix_unit_as_far_as_it_is_safe(name, cut, architecture, tmp_path):
    constants = LAYERS[name] | {
        "IN": 128, "OUT": 128, "ROWS_WHOLE": True, "SPLIT": True,
        "TILE_ROWS": cut.rows, "TILE_COLUMNS": cut.columns, "TILE_INNER": cut.inner,
    }  # fmt: skip
    operations = operations_of(
        "triton_linear", name, constants, tmp_path,
        architecture=architecture, num_warps=cut.warps, num_stages=cut.stages,
    )  # fmt: skip
    assert {o for o in operations if "MMA" in o} == {"HMMA.1688.F32.TF32"}
    assert {o for o in operations if o.startswith("LDGSTS")} == {"LDGSTS.E.BYPASS.128"}


@pytest.mark.parametrize("pixels", [64, 784, 3 * 32 * 32])
@pytest.mark.parametrize("kind", KINDS)
def test_images_are_read_and_their_gradients_written_in_fours(kind, pixels, tmp_path):
    rows, columns = tile(pixels)
    constants = {"KIND": kind, "PIXELS": pixels, "TILE_ROWS": rows, "TILE_COLUMNS": columns}
    forward = operations_of("triton_losses", "error", constants, tmp_path)
    assert {o for o in forward if o.startswith("LDG")} == {"LDG.E.128"}
    backward = operations_of("triton_losses", "error_gradient", constants, tmp_path)
    # but for the gradient of an image's error, which is one number
    assert {o for o in backward if o.startswith("LDG")} == {"LDG.E.128", "LDG.E"}
    assert {o for o in backward if o.startswith("STG")} == {"STG.E.128"}


def test_a_batch_is_written_in_fours(tmp_path):
    constants = {"BATCH": 128, "LEVELS": 16, "WIDTH": 64, "TILE_ROWS": 32, "TILE_COLUMNS": 64}
    operations = operations_of("triton_gather", "gather", constants, tmp_path)
    assert {o for o in operations if o.startswith("STG")} == {"STG.E.128"}
