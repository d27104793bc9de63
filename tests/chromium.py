"""Chromium, for the tests and pictures of pages."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright


class ChromiumMissingError(Exception):
    """The browser is not installed; no Python package brings it."""

    def __init__(self) -> None:
        super().__init__("chromium is missing; install it (Debian: apt install chromium)")


@contextmanager
def chromium() -> Iterator[Browser]:
    """The installed browser, without a window.

    Raises:
        ChromiumMissingError: If there is none.
    """
    if (path := shutil.which("chromium")) is None:
        raise ChromiumMissingError
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()
