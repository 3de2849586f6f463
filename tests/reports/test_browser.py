"""The page in a real browser: it works without network, and its table answers."""

from __future__ import annotations

import shutil

import pandas as pd
import pytest

from reports import build

pytestmark = pytest.mark.slow

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "chrome"))), None)


@pytest.fixture(scope="module")
def browser():
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


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_loads_without_errors_requests_or_sideways_scrolling(
    browser, default_report, scheme, width
):
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True
    )
    page = context.new_page()
    messages: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(default_report.as_uri())
    assert messages == []
    assert [url for url in requests if not url.startswith("data:")] == [default_report.as_uri()]
    root = "document.documentElement"
    assert page.evaluate(f"{root}.scrollWidth <= {root}.clientWidth")
    assert page.evaluate("[...document.images].every(i => !i.src || i.naturalWidth > 0)")
    context.close()


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
