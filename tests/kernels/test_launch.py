import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from kernels.launch import TILE_ELEMENTS, _as_runs, sample_shape, tiling


@given(rows=st.integers(1, 10**7), latent_dim=st.integers(1, 20_000))
def test_tiles_cover_a_row_with_little_waste(rows, latent_dim):
    tiles = tiling(rows, latent_dim)
    shift = (0, 3, 2, 3)[latent_dim % 4]
    width = 1 << tiles.widest
    assert tiles.lanes >= latent_dim + shift
    assert tiles.lanes % 4 == 0
    assert tiles.lanes <= max(8, 1.125 * (latent_dim + shift) + 4)
    assert tiles.tile_rows * width <= TILE_ELEMENTS
    assert tiles.whole_tiles == (rows % tiles.tile_rows == 0)
    # a ragged row length needs tiles that start at a Philox block
    assert (tiles.tile_rows * latent_dim) % 4 == 0


@pytest.mark.parametrize(
    ("latent_dim", "lanes", "widest", "tile_rows"),
    [(16, 16, 4, 256), (20, 20, 4, 256), (200, 200, 7, 32), (1024, 1024, 10, 4), (3, 8, 3, 512)],
)
def test_tiling_of_a_large_batch(latent_dim, lanes, widest, tile_rows):
    tiles = tiling(1 << 20, latent_dim)
    assert (tiles.lanes, tiles.widest, tiles.tile_rows) == (lanes, widest, tile_rows)


def test_a_small_batch_gets_a_small_tile():
    assert tiling(128, 16).tile_rows == 128
    assert tiling(1, 16).tile_rows == 1


def test_a_chunked_encoder_output_is_read_in_place():
    mu, logvar = torch.empty(3, 5, 8).chunk(2, dim=-1)
    for view in (mu, logvar):
        runs, run_rows = _as_runs(view)
        assert runs.data_ptr() == view.data_ptr()
        assert (runs.stride(), run_rows) == ((40, 8, 1), 5)


def test_a_single_run_of_a_larger_tensor_is_read_in_place():
    view = torch.empty(7, 5, 4)[2:3]
    assert _as_runs(view)[0].data_ptr() == view.data_ptr()


@pytest.mark.parametrize(
    "view",
    [
        torch.empty(3, 4, 5).transpose(1, 2),
        torch.empty(3, 5, 8)[..., ::2],
        torch.empty(1, 4).expand(3, 5, 4),
        torch.empty(5, 3, 4).transpose(0, 1),
    ],
    ids=["columns apart", "every second column", "expanded", "runs inside rows"],
)
def test_other_layouts_become_contiguous_or_are_read_right(view):
    runs, run_rows = _as_runs(view)
    assert runs.stride(-1) == 1
    assert runs.stride(-2) >= view.shape[-1]
    assert runs.stride(0) == run_rows * runs.stride(-2)
    assert runs.shape == view.shape


def test_sample_shape():
    assert sample_shape(torch.Size([2, 3, 4]), None) == (2, 3, 4)
    assert sample_shape(torch.Size([2, 3, 4]), 5) == (2, 5, 3, 4)
