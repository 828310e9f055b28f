"""Chromium without a window, for tests of pages."""

import shutil
from contextlib import contextmanager

import pytest
from playwright.sync_api import expect, sync_playwright

PATIENCE = 20_000
"""Milliseconds that a page may take, on a machine that is busy with other tests."""


@contextmanager
def chromium(*options):
    """Start chromium with more ``options``; the test is skipped where there is none."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("chromium not found; install it, e.g. apt install chromium")
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", *options]
        )
        yield browser
        browser.close()
