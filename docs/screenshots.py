"""Take the README's pictures from a drawn report: ``python docs/screenshots.py runs/digits``."""

from __future__ import annotations

import io
import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

IMAGES = Path(__file__).parent / "images"
FIGURE = "decoded-samples"
COLOURS = 256


def main(sweep: Path) -> None:
    """Write two screenshots and one figure of a sweep's report into ``docs/images``."""
    report = sweep / "report"
    page = (report / "index.html").resolve().as_uri()
    IMAGES.mkdir(exist_ok=True)
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "chrome"))))
    with sync_playwright() as runner:
        browser = runner.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        shoot(browser, page, "verdict-light.png", scheme="light", width=1300, height=900)
        shoot(browser, f"{page}#latent-map", "map-dark.png", scheme="dark", width=1300, height=860)
        browser.close()
    save(Image.open(report / "figures" / f"{FIGURE}.png"), f"{FIGURE}.png")


def shoot(browser: Browser, page: str, name: str, *, scheme: str, width: int, height: int) -> None:
    """Photograph what a window of this size shows of a page."""
    window = browser.new_page(
        viewport={"width": width, "height": height},
        color_scheme="dark" if scheme == "dark" else "light",
        reduced_motion="reduce",
    )
    window.goto(page)
    window.evaluate("document.activeElement && document.activeElement.blur()")
    save(Image.open(io.BytesIO(window.screenshot())), name)
    window.close()


def save(picture: Image.Image, name: str) -> None:
    """Write a small PNG: few colours, no difference that a README shows."""
    reduced = picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    reduced.save(IMAGES / name, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
