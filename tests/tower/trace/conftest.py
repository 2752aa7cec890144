"""A browser, and pages in it that note what they ask of the network and what they complain of."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from playwright.sync_api import Browser, Dialog, Error, Page, sync_playwright

from netkit.tower.trace import page
from netkit.tower.trace.model import Comparison
from tests.conftest import lacking

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)

#: Milliseconds until a wait for the page counts as failed.
PATIENCE = 30_000


@dataclass(frozen=True)
class Opened:
    """A page in the browser, and what it did beside being shown."""

    page: Page
    address: str
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def dismiss(self, dialog: Dialog) -> None:
        self.complaints.append(dialog.message)
        dialog.dismiss()

    def ask(self, question: str, argument: Any = None) -> Any:
        return self.page.evaluate(question, argument)

    def texts(self, selector: str) -> list[str]:
        return self.page.locator(selector).all_text_contents()


Open: TypeAlias = Callable[..., Opened]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One for a module: while it runs, no other may be started, nor may an async test run."""
    found = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if found is None:
        lacking("chromium", f"none of {', '.join(CHROMIUM)} is installed")
    with sync_playwright() as playwright:
        try:
            started = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        except Error as why:
            lacking("chromium", f"{found} does not start: {why.message.splitlines()[0]}")
        yield started
        started.close()


@pytest.fixture(scope="module")
def show(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Open]:
    """Write the page of a comparison to a file, and open it: with a clock that stands still, or without scripts."""
    contexts = [
        browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light", java_script_enabled=scripts)
        for scripts in (False, True)
    ]

    def shown(comparison: Comparison, *, clock: bool = False, scripts: bool = True) -> Opened:
        path: Path = tmp_path_factory.mktemp("page") / "trace.html"
        path.write_text(page.write(comparison), encoding="utf-8")
        opened = Opened(contexts[scripts].new_page(), path.as_uri())
        opened.page.set_default_timeout(PATIENCE)
        opened.page.on("request", lambda request: opened.requests.append(request.url))
        opened.page.on("console", lambda message: opened.complaints.append(message.text))
        opened.page.on("pageerror", lambda error: opened.complaints.append(str(error)))
        opened.page.on("dialog", lambda dialog: opened.dismiss(dialog))
        if clock:
            opened.page.clock.install()
        opened.page.goto(opened.address)
        return opened

    yield shown
    for context in contexts:
        context.close()
