"""Take the documents' pictures from a drawn report: ``python docs/screenshots.py runs/digits``."""

from __future__ import annotations

import io
import shutil
import sys
from pathlib import Path

from figures import IMAGES, copy, save
from PIL import Image
from playwright.sync_api import Browser, sync_playwright


def main(sweep: Path) -> None:
    """Write two screenshots and the figures of a sweep's report into ``docs/images``."""
    page = (sweep / "report" / "index.html").resolve().as_uri()
    IMAGES.mkdir(exist_ok=True)
    copy(sweep)
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "chrome"))))
    with sync_playwright() as runner:
        browser = runner.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        shoot(browser, page, "verdict-light.png", scheme="light", width=1300, height=900)
        shoot(browser, f"{page}#latent-map", "map-dark.png", scheme="dark", width=1300, height=860)
        browser.close()


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


if __name__ == "__main__":
    main(Path(sys.argv[1]))
