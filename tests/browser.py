"""Debian's Chromium for tests of pages: a page that is ready, and everything that it complained of or asked for."""

import shutil
from contextlib import contextmanager

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update"]

READS = "getImageData"  # what Chromium warns of is what tests do, not pages


@contextmanager
def browsing():
    """A browser; the test skips where there is none."""
    if not CHROMIUM:
        pytest.skip("no Chromium here: apt-get install chromium")
    playwright = pytest.importorskip("playwright.sync_api", reason="no Playwright here: pip install playwright")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        yield browser
        browser.close()


def opened(browser, path, wide=1200, high=900, **context):
    """A page that has drawn itself. `page.complaints` are its errors and warnings, `page.asked` the addresses that it asked for."""
    page = browser.new_context(viewport={"width": wide, "height": high}, reduced_motion="reduce", **context).new_page()
    page.complaints, page.asked = [], []
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on("console", lambda told: page.complaints.append(told.text) if READS not in told.text else None)
    page.on("dialog", lambda shown: page.complaints.append(shown.message))
    page.on("request", lambda request: page.asked.append(request.url))
    page.goto(path.resolve().as_uri())
    page.wait_for_selector('html[data-ready="1"]')
    return page


def settle(page):
    """Wait until what was asked for has been drawn."""
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
