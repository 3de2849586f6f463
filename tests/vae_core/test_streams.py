"""Noise for different purposes must come from different streams."""

from vae_core import streams


def test_every_purpose_has_a_stream_of_its_own():
    values = [value for name, value in vars(streams).items() if name.isupper()]
    assert sorted(values) == list(range(8))
