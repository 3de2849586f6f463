"""A page is drawn again when its numbers change, and not before."""

import os

import pandas as pd
import pytest

from reports import build
from reports.measurements import KERNEL_AUDIT, THROUGHPUT


def test_an_unchanged_sweep_keeps_its_page_and_a_changed_one_does_not(sweep_writer):
    sweep_writer.devices = ()  # nothing to draw: a page in no time
    sweep = sweep_writer.write()
    page = build(sweep)
    os.utime(page, (1, 1))
    assert build(sweep, only_if_changed=True) == page
    assert page.stat().st_mtime == 1

    results = pd.read_parquet(sweep / "results.parquet")
    results.assign(reason="another reason").to_parquet(sweep / "results.parquet")
    build(sweep, only_if_changed=True)
    assert page.stat().st_mtime > 1


@pytest.mark.parametrize("name", [KERNEL_AUDIT, THROUGHPUT])
def test_new_measurements_of_speed_draw_the_page_again(sweep_writer, name):
    sweep_writer.devices = ()
    sweep = sweep_writer.write()
    page = build(sweep)
    os.utime(page, (1, 1))
    pd.DataFrame({"engine": ["fused"], "reason": ["no GPU"]}).to_parquet(sweep / name)
    build(sweep, only_if_changed=True)
    assert page.stat().st_mtime > 1


def test_asking_outright_always_draws(sweep_writer):
    sweep_writer.devices = ()
    page = build(sweep_writer.write())
    os.utime(page, (1, 1))
    build(page.parent.parent)
    assert page.stat().st_mtime > 1
