"""The page in a real browser: it works without network, and its table answers."""

from __future__ import annotations

import io
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from reports import build, build_comparison

pytestmark = pytest.mark.slow

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "chrome"))), None)


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no chromium on the path")
    with playwright.sync_playwright() as runner:
        browser = runner.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser, default_report):
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(default_report.as_uri())
    yield page
    context.close()


def column(page, name: str) -> list[str]:
    headings = page.locator("#run-table thead th").all_inner_texts()
    index = [heading.split()[0] for heading in headings].index(name) + 1
    return page.locator(
        f"#run-table tbody tr:not([hidden]) td:nth-child({index})"
    ).all_inner_texts()


HOSTILE = "<script>alert(1)</script> \"q\" 'a' & {{ 7*7 }} \N{TEST TUBE} $x^2$ " + "long" * 40
MEASURED = (
    "test_mse",
    "test_rate_nats",
    "test_distortion_nats",
    "active_units",
    "probe_linear_accuracy",
    "prior_coverage",
)
ODD = {
    "one-seed": {"latent_dims": (2, 16), "seeds": (0,)},
    "one-run": {"objectives": ("vae",), "kl_weights": (0.1,), "seeds": (0,), "skipped_devices": ()},
    "only-ae": {"latent_dims": (2, 16), "objectives": ("ae",)},
    "only-vae": {"latent_dims": (2, 16), "objectives": ("vae",)},
    "three-objectives": {"latent_dims": (2, 16), "objectives": ("ae", "vae", "iwae")},
    "weight-of-zero": {"latent_dims": (2, 16), "kl_weights": (0.0, 0.1, 1.0)},
    "two-devices": {"devices": ("cpu", "cuda"), "skipped_devices": ()},
    "only-failures": {
        "columns": {"status": "failed", "reason": "the loss was no longer finite at step 17"}
    },
    "only-skipped": {"devices": ()},
    "no-metrics": {"drop": MEASURED},
    "no-pictures": {"pictures": False},
    "no-labels": {"labels": False},
    "hostile": {
        "name": HOSTILE,
        "columns": dict.fromkeys(
            ("dataset", "architecture", "reason", "dtype", "executor"), HOSTILE
        ),
    },
    "many-rows": {
        "pictures": False,
        "latent_dims": tuple(range(2, 12)),
        "kl_weights": tuple(np.geomspace(0.001, 1, 20).round(4).tolist()),
        "seeds": tuple(range(5)),
        "skipped_devices": ("cuda",),
    },
}


@pytest.fixture(scope="module")
def odd_page(tmp_path_factory, sweep_writer_class):
    """Build the page of an oddity, once."""
    pages = {}

    def page_of(name):
        if name not in pages:
            directory = tmp_path_factory.mktemp(name)
            plain = sweep_writer_class(
                directory / "sweep", latent_dims=(2,), kl_weights=(0.1, 1.0), seeds=(0, 1)
            )
            if name == "comparison":
                first = replace(plain, pictures=False).write()
                second = replace(
                    plain, directory=directory / "b", pictures=False, name=HOSTILE, seeds=(1, 2)
                ).write()
                pages[name] = build_comparison(first, second, directory / "out")
            else:
                pages[name] = build(replace(plain, **ODD[name]).write())
        return pages[name]

    return page_of


def assert_clean(browser, index, scheme, width):
    """Load without a console message, a request or sideways scrolling, in the scheme asked for."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True
    )
    page = context.new_page()
    messages: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(index.as_uri())
    assert messages == []
    assert [url for url in requests if not url.startswith("data:")] == [index.as_uri()]
    root = "document.documentElement"
    assert page.evaluate(f"{root}.scrollWidth <= {root}.clientWidth")
    assert page.evaluate("[...document.images].every(i => !i.src || i.naturalWidth > 0)")
    screenshot = Image.open(io.BytesIO(page.screenshot())).convert("L")
    is_dark = np.median(np.asarray(screenshot)) < 128
    assert is_dark == (scheme == "dark")
    context.close()


def violations(browser, index, scheme, width):
    """Rules of axe that the page breaks; its policy lets no foreign script in, so it is lifted."""
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe is not installed"
    )
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True
    )
    page = context.new_page()
    page.goto(index.as_uri())
    found = axe.Axe().run(page).response["violations"]
    context.close()
    return [(rule["id"], [node["html"][:200] for node in rule["nodes"][:3]]) for rule in found]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_default_page_is_clean(browser, default_report, scheme, width):
    assert_clean(browser, default_report, scheme, width)
    assert violations(browser, default_report, scheme, width) == []


SAYS = {
    "one-seed": "one seed, so noise cannot be told from effect",
    "two-devices": "device at cpu",
    "no-metrics": "coverage was not measured",
}


@pytest.mark.parametrize("name", [*ODD, "comparison"])
def test_odd_pages_are_honest_and_clean(request, odd_page, name):
    text = odd_page(name).read_text()
    assert SAYS.get(name, "") in text
    assert "nan" not in text.split('<section id="runs"')[0].lower().replace("base64", "").split()
    browser = request.getfixturevalue("browser")  # without one, the rest is skipped
    for scheme, width in (("light", 1280), ("dark", 390)):
        assert_clean(browser, odd_page(name), scheme, width)
    # where contrast is lowest and room shortest; the default page is tried in every way
    assert violations(browser, odd_page(name), "dark", 390) == []


def test_many_runs_are_one_row_a_configuration_and_can_be_searched(browser, odd_page):
    page = browser.new_page()
    page.goto(odd_page("many-rows").as_uri())
    assert page.locator("#shown").inner_text() == "420 of 420 rows"
    page.locator("#search").fill("vae 7")
    assert page.locator("#shown").inner_text() == "40 of 420 rows"
    assert set(column(page, "latent")) == {"7"}
    page.close()


def test_differences_of_two_sweeps_can_be_filtered_and_sorted(browser, odd_page):
    page = browser.new_page()
    page.goto(odd_page("comparison").as_uri())
    page.locator("#status").select_option("equal")
    page.locator("#search").fill("vae precision")
    assert set(column(page, "outcome")) == {"equal"}
    assert set(column(page, "metric")) == {"precision"}
    page.locator("#search").fill("coverage")
    page.get_by_role("button", name="KL weight").click()
    weights = [float(text) for text in column(page, "KL") if text != "–"]
    assert weights == sorted(weights)
    page.close()


def test_filters_by_words_and_status(page):
    assert page.locator("#shown").inner_text() == "210 of 210 rows"
    page.locator("#status").select_option("ok")
    page.locator("#search").fill("vae 16 0.1")
    assert page.locator("#shown").inner_text() == "3 of 210 rows"
    assert set(column(page, "latent")) == {"16"}
    page.locator("#search").fill("no such run")
    assert page.locator("#shown").inner_text() == "0 of 210 rows"


def test_sorts_by_number_both_ways_and_keeps_missing_values_last(page):
    heading = page.get_by_role("button", name="rate, nats")
    for order, ascending in (("ascending", True), ("descending", False)):
        heading.click()
        assert heading.locator("xpath=..").get_attribute("aria-sort") == order
        texts = column(page, "rate,")
        numbers = [float(text) for text in texts if text != "–"]
        assert len(numbers) == 90
        assert numbers == sorted(numbers, reverse=not ascending)
        assert texts[90:] == ["–"] * 120


def test_details_show_the_spec_and_the_pictures_of_a_run(page):
    page.locator('button[data-run="vae-16-0.1-0-cpu"]').click()
    dialog = page.locator("#details")
    assert dialog.is_visible()
    assert "kl_weight = [0.1]" in dialog.locator("pre").inner_text()
    assert page.evaluate("document.getElementById('details-picture').naturalWidth") > 100
    page.keyboard.press("Escape")
    assert not dialog.is_visible()


def test_details_of_a_skipped_run_show_no_picture_of_another(page):
    page.locator('button[data-run="vae-16-0.1-0-cpu"]').click()
    page.locator("#close").click()
    page.locator('button[data-run="vae-16-0.1-0-cuda"]').click()
    assert page.locator("#details").is_visible()
    assert not page.locator("#details-picture").is_visible()


def test_a_page_of_measured_speed_alone_loads_without_errors(browser, tmp_path):
    audit = {"arch": "sm_90", "pass": "forward", "dtype": "float32", "latent_dim": 16}
    table = pd.DataFrame([audit | {"slots_per_element": 35.0}])
    table.to_parquet(tmp_path / "kernel_audit.parquet")
    page = browser.new_page(viewport={"width": 390, "height": 900})
    messages: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.goto(build(tmp_path).as_uri())
    assert messages == []
    assert page.locator("figure").count() == 1
    assert page.locator(".picture").get_attribute("tabindex") == "0"
    page.close()
