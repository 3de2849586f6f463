import math

import pytest
import torch
from scipy import stats

from kernels import philox_normal, philox_uint32


def by_hand(seed, step, stream, element):
    """Return one normal in float64, from the words and the published formulas."""
    block = element // 4
    counter = torch.tensor([block % 2**32, block >> 32, step % 2**32, stream % 2**32])
    words = philox_uint32(seed, counter).tolist()
    folded = [word if word < 2**31 else 2**32 - 1 - word for word in words]
    first = element % 4 // 2 * 2
    u, v = (value * 4.6566127342e-10 for value in folded[first : first + 2])
    radius = math.sqrt(-2 * math.log(max(1e-7, u)))
    angle = 2 * math.pi * v
    return radius * (math.cos(angle) if element % 2 == 0 else math.sin(angle))


@pytest.mark.parametrize(
    ("seed", "step", "stream"), [(0, 0, 0), (-3, 17, 5), (2**63 + 9, -1, 2**31)]
)
def test_normals_are_box_muller_of_the_words(seed, step, stream):
    normals = philox_normal((37,), seed, step, stream)
    expected = [by_hand(seed, step, stream, element) for element in range(37)]
    torch.testing.assert_close(normals.double(), torch.tensor(expected, dtype=torch.float64),
                               rtol=1e-6, atol=3e-6)  # fmt: skip


def test_a_run_has_the_same_noise_alone_and_stacked():
    seeds = torch.tensor([3, 1, 3, -7])
    stacked = philox_normal((4, 5, 7), seeds, 2, 1)
    for index, seed in enumerate(seeds.tolist()):
        assert torch.equal(stacked[index], philox_normal((5, 7), seed, 2, 1))


@pytest.mark.parametrize("count", [1, 2, 3, 5, 1023, 40_000, 300_001])
def test_an_element_does_not_depend_on_how_many_are_drawn(count):
    assert torch.equal(
        philox_normal((count,), 11, 4, 0), philox_normal((300_004,), 11, 4, 0)[:count]
    )


def test_steps_in_any_order_equal_a_draw_of_that_step_alone():
    seeds = torch.tensor([5, 6])
    drawn = {
        step: philox_normal((2, 9), seeds, step, 0) for step in (0, 1, 2, 70_000, 3, 2**32 - 1)
    }
    for step, normals in drawn.items():
        steps = torch.tensor([step, step])
        assert torch.equal(philox_normal((2, 9), seeds, steps, 0), normals)


def test_a_result_may_be_written_to():
    first = philox_normal((8,), 1, 0, 0)
    kept = first.clone()
    first.zero_()
    assert torch.equal(philox_normal((8,), 1, 0, 0), kept)


def test_step_and_stream_count_modulo_two_to_the_32():
    assert torch.equal(philox_normal((8,), 1, -1, 0), philox_normal((8,), 1, 2**32 - 1, 0))
    assert torch.equal(philox_normal((8,), 1, 0, -1), philox_normal((8,), 1, 0, 2**32 - 1))


@pytest.mark.parametrize("changed", [(1, 0, 0), (0, 1, 0), (0, 0, 1), (1 << 32, 0, 0)])
def test_seed_step_and_stream_each_give_other_noise(changed):
    assert not torch.isclose(philox_normal((64,), *changed), philox_normal((64,), 0, 0, 0)).any()


def test_a_step_tensor_equals_the_int():
    assert torch.equal(philox_normal((8,), 1, torch.tensor(9), 0), philox_normal((8,), 1, 9, 0))


def test_dtype_converts_float32_values():
    exact = philox_normal((100,), 1, 0, 0)
    assert torch.equal(philox_normal((100,), 1, 0, 0, dtype=torch.bfloat16), exact.bfloat16())
    assert torch.equal(philox_normal((100,), 1, 0, 0, dtype=torch.float64), exact.double())


def test_empty_shapes():
    assert philox_normal((0,), 1, 0, 0).shape == (0,)
    assert philox_normal((2, 0, 3), torch.tensor([1, 2]), 0, 0).shape == (2, 0, 3)
    assert philox_normal((0, 4), torch.zeros(0, dtype=torch.int64), 0, 0).shape == (0, 4)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (((4,), 1.0, 0, 0), TypeError, "seed must be an int or an int64 tensor, got float"),
        (((4,), torch.tensor([1, 2]), 0, 0), ValueError, r"leading axes of shape \[4\], got \[2\]"),
        (((4,), 1, torch.tensor([1, 2]), 0), ValueError, r"step must be 0-d or shaped like seed"),
        (((4,), 1, "0", 0), TypeError, "step must be an int or an int64 tensor, got str '0'"),
        (((4,), 1, 0, 0.5), TypeError, "stream must be an int, got float 0.5"),
    ],
)
def test_bad_arguments_of_philox_normal(arguments, error, message):
    with pytest.raises(error, match=message):
        philox_normal(*arguments)


def test_an_integer_dtype_is_refused():
    with pytest.raises(TypeError, match="dtype must be a floating dtype"):
        philox_normal((4,), 1, 0, 0, dtype=torch.int64)


def test_vmap_over_seeds_and_steps():
    seeds, steps = torch.tensor([4, 5, 6]), torch.tensor([7, 8, 9])
    expected = torch.stack(
        [philox_normal((6,), int(s), int(t), 0) for s, t in zip(seeds, steps, strict=True)]
    )
    mapped = torch.func.vmap(lambda seed, step: philox_normal((6,), seed, step, 0))(seeds, steps)
    assert torch.equal(mapped, expected)
    by_seed = torch.func.vmap(lambda seed: philox_normal((6,), seed, torch.tensor(7), 0))(seeds)
    assert torch.equal(by_seed, philox_normal((3, 6), seeds, 7, 0))
    by_step = torch.func.vmap(lambda step: philox_normal((6,), 4, step, 0))(steps)
    assert torch.equal(by_step[1], philox_normal((6,), 4, 8, 0))


def test_opcheck():
    seeds = torch.tensor([1, 2, 1])
    for step in (torch.tensor(5), torch.tensor([5, 6, 7])):
        results = torch.library.opcheck(torch.ops.vaebench.philox_normal, (seeds, step, 0, 11))
        assert set(results.values()) == {"SUCCESS"}


@pytest.fixture(scope="module")
def ten_million():
    return philox_normal((10_000_000,), 2024, 3, 0).double()


def test_moments_of_ten_million_draws(ten_million):
    n = ten_million.numel()
    for order, expected in ((1, 0), (2, 1), (3, 0), (4, 3), (6, 15)):
        # var(x**k) = E x**2k - (E x**k)**2, with E x**2k = (2k - 1)!!
        deviation = math.sqrt((math.prod(range(1, 2 * order, 2)) - expected**2) / n)
        assert abs(float(ten_million.pow(order).mean()) - expected) < 4.5 * deviation


def test_tails_of_ten_million_draws(ten_million):
    n = ten_million.numel()
    for threshold in (2.0, 3.0, 4.0, 5.0):
        expected = n * 2 * stats.norm.sf(threshold)
        assert abs(int((ten_million.abs() > threshold).sum()) - expected) < 4.5 * math.sqrt(
            expected
        )


def test_kolmogorov_smirnov_on_ten_million_draws(ten_million):
    assert stats.kstest(ten_million.numpy(), "norm").pvalue > 1e-3


@pytest.mark.parametrize("lag", [1, 2, 3, 4])
def test_neighbouring_draws_are_uncorrelated(ten_million, lag):
    a, b = ten_million[:-lag], ten_million[lag:]
    assert abs(float((a * b).mean())) < 4.5 / math.sqrt(a.numel())
    assert abs(float((a.square() * b.square()).mean()) - 1) < 4.5 * math.sqrt(8 / a.numel())
