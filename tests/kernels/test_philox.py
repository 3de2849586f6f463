import pytest
import torch

from kernels import philox_uint32
from kernels.philox import box_muller

# Random123 1.14, tests/kat_vectors, philox4x32 10: (key, counter, output)
KNOWN_ANSWERS = [
    (
        (0x00000000, 0x00000000),
        (0x00000000, 0x00000000, 0x00000000, 0x00000000),
        (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8),
    ),
    (
        (0xFFFFFFFF, 0xFFFFFFFF),
        (0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF),
        (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD),
    ),
    (
        (0xA4093822, 0x299F31D0),
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


@pytest.mark.parametrize(("key", "counter", "expected"), KNOWN_ANSWERS)
def test_known_answers_of_random123(key, counter, expected):
    seed = key[0] | key[1] << 32
    assert tuple(philox_uint32(seed, torch.tensor(counter)).tolist()) == expected


def test_a_seed_tensor_is_a_key_for_every_counter():
    seeds = torch.tensor(
        [[(k[0] | k[1] << 32) - (1 << 64) * (k[1] >> 31)] for k, *_ in KNOWN_ANSWERS]
    )
    counters = torch.tensor([[counter] for _, counter, _ in KNOWN_ANSWERS])
    expected = torch.tensor([[output] for *_, output in KNOWN_ANSWERS])
    assert torch.equal(philox_uint32(seeds, counters), expected)


def test_counter_words_above_32_bits_are_ignored():
    counter = torch.tensor([1, 2, 3, 4])
    assert torch.equal(philox_uint32(5, counter + (7 << 32)), philox_uint32(5, counter))


def test_words_are_drawn_where_the_counter_lies_whatever_the_default_device():
    counter = torch.arange(8).view(2, 4)
    expected = philox_uint32(5, counter)
    with torch.device("meta"):
        assert torch.equal(philox_uint32(5, counter), expected)


def test_words_broadcast_seed_against_counter():
    words = philox_uint32(torch.arange(3)[:, None], torch.zeros(2, 4, dtype=torch.int64))
    assert words.shape == (3, 2, 4)
    assert torch.equal(words[2, 1], philox_uint32(2, torch.zeros(4, dtype=torch.int64)))


@pytest.mark.parametrize(
    ("seed", "counter", "error", "message"),
    [
        (0, torch.zeros(4), TypeError, "counter must be an int64 tensor .* got a torch.float32"),
        (0, torch.zeros(3, dtype=torch.int64), ValueError, r"counter must have shape \[..., 4\]"),
        (0, torch.tensor(0), ValueError, r"counter must have shape \[..., 4\], got \[\]"),
        (1.5, torch.zeros(4, dtype=torch.int64), TypeError, "seed must be an int or an int64"),
        (True, torch.zeros(4, dtype=torch.int64), TypeError, "seed must be an int or an int64"),
        (torch.zeros(3, dtype=torch.int64), torch.zeros(2, 4, dtype=torch.int64), ValueError,
         r"seed must broadcast against counter\[..., 0\] \[2\], got \[3\]"),
    ],
)  # fmt: skip
def test_bad_arguments_of_philox_uint32(seed, counter, error, message):
    with pytest.raises(error, match=message):
        philox_uint32(seed, counter)


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [range(0, 2**31, 2**7), range(2**22), range(2**31 - 2**20, 2**31)],
    ids=["all 2**24 steps of the mantissa", "the smallest", "the largest"],
)
def test_every_uniform_gives_a_finite_normal(words):
    words = torch.arange(words.start, words.stop, words.step).expand(2, -1)
    normals = torch.empty(words.shape[1], 4)
    box_muller(words, words.flip(1), out=normals)
    assert torch.isfinite(normals).all()
    assert float(normals.abs().max()) <= 5.68
