"""People at browsers: Debian's Chromium, without a window, each with a profile of its own."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pwb_oauth.testing import SandboxWiki

PROGRAMS = ("chromium", "chromedriver")
MISSING = [name for name in PROGRAMS if not shutil.which(name)]
needs_browser = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")
PICTURES = os.environ.get("PWB_OAUTH_TEST_SCREENSHOTS")
"""Where screenshots are kept; unset, none is made."""

_SECONDS = 30
_ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",  # which root needs
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--window-size=1000,900",
    # Nothing but this machine is ever reached.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
    "--proxy-server=direct://",
)
# WCAG 2.1, contrast: what a person reads, against what is painted behind it.
_LOW_CONTRAST = """
const shade = (text) => {
  const [r, g, b, a = 1] = text.match(/[\\d.]+/g).map(Number);
  const part = (c) => (c / 255 <= .03928 ? c / 255 / 12.92 : ((c / 255 + .055) / 1.055) ** 2.4);
  return {light: .2126 * part(r) + .7152 * part(g) + .0722 * part(b), alpha: a};
};
const behind = (element) => {
  for (let at = element; at; at = at.parentElement) {
    const found = shade(getComputedStyle(at).backgroundColor);
    if (found.alpha === 1) return found.light;
  }
  return 1;
};
return [...document.body.querySelectorAll('*')].filter((element) => {
  const says = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
  if (!says || !element.checkVisibility()) return false;
  const [ink, paper] = [shade(getComputedStyle(element).color).light, behind(element)];
  return (Math.max(ink, paper) + .05) / (Math.min(ink, paper) + .05) < 4.5;
}).map((element) => element.outerHTML.slice(0, 120));
"""
_FAULTS = """
const faults = [], all = (what) => [...document.querySelectorAll(what)];
if (!document.documentElement.lang) faults.push('no language');
if (!document.title.trim()) faults.push('no title');
if (all('h1').length !== 1) faults.push(`${all('h1').length} first headings`);
if (all('main').length !== 1) faults.push('no main part');
let last = 0;
for (const heading of all('h1, h2, h3, h4')) {
  const level = Number(heading.tagName[1]);
  if (level > last + 1) faults.push(`a heading of level ${level} after ${last}`);
  last = level;
}
for (const field of all('input:not([type=hidden]), select, textarea'))
  if (!field.labels.length && !field.ariaLabel) faults.push(`no label: ${field.name}`);
for (const button of all('button, a'))
  if (!button.textContent.trim()) faults.push('a button or link without a name');
for (const script of all('script')) faults.push(`a script: ${script.outerHTML}`);
return faults;
"""


class Person:
    """Somebody at a browser.

    Args:
        name: Their account on the wiki.
        folder: Becomes the browser's profile and home.
        scripts: False turns JavaScript off in the pages that are visited.
    """

    def __init__(self, name: str, folder: Path, *, scripts: bool = True) -> None:
        self.name = name
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium") or ""
        for argument in (*_ARGUMENTS, f"--user-data-dir={folder / 'profile'}"):
            options.add_argument(argument)
        if not scripts:
            settings = {"profile.managed_default_content_settings.javascript": 2}
            options.add_experimental_option("prefs", settings)
        service = webdriver.ChromeService(
            shutil.which("chromedriver"), env={**os.environ, "HOME": str(folder)}
        )
        self.driver = webdriver.Chrome(options, service)
        self.driver.set_page_load_timeout(_SECONDS)
        self.processes = [service.process.pid, self.driver.capabilities["goog:processID"]]

    def start_afresh(self, url: str) -> None:
        """Forget every cookie, close every tab but one, and go to an address."""
        self.driver.execute_cdp_cmd("Network.clearBrowserCookies", {})
        for handle in self.driver.window_handles[1:]:
            self.driver.switch_to.window(handle)
            self.driver.close()
        self.driver.switch_to.window(self.driver.window_handles[0])
        self.open(url)

    def open(self, url: str) -> None:
        """Go to an address, as typed or by a bookmark."""
        self.driver.get(url)

    def press(self, text: str, within: str = "") -> None:
        """Press the button, or follow the link, that says so, and see the page that comes."""
        path = f'//*[self::button or self::a][normalize-space()="{text}"]'
        if within:
            path = f'//article[.//h2[normalize-space()="{within}"]]{path}'
        before = self._loaded()
        self.driver.find_element(By.XPATH, path).click()
        # While one page follows the other the driver may find either, or complain.
        wait = WebDriverWait(self.driver, _SECONDS, 0.05, [WebDriverException])
        wait.until(lambda _: self._loaded() not in (None, before))

    def _loaded(self) -> float | None:
        """When the page that is open began to load; None before it is complete."""
        script = "return document.readyState === 'complete' ? performance.timeOrigin : null"
        found: float | None = self.driver.execute_script(script)
        return found

    def fill(self, **fields: str) -> None:
        """Type into fields, choose from lists, and name files."""
        for name, text in fields.items():
            self.driver.find_element(By.NAME, name).send_keys(text)

    def choose(self, value: str) -> None:
        """Choose one of several."""
        self.driver.find_element(By.CSS_SELECTOR, f'input[value="{value}"]').click()

    def sees(self, text: str) -> bool:
        """Whether a text is on the page."""
        return text in self.text

    @property
    def text(self) -> str:
        """All that is to be read on the page."""
        return self.driver.find_element(By.TAG_NAME, "body").text

    @property
    def heading(self) -> str:
        """The page's first heading."""
        return self.driver.find_element(By.TAG_NAME, "h1").text

    @property
    def place(self) -> str:
        """The path on which the browser is."""
        return urlsplit(self.driver.current_url).path

    def cookies(self) -> dict[str, dict[str, Any]]:
        """The cookies of the site that is open, by name."""
        return {cookie["name"]: cookie for cookie in self.driver.get_cookies()}

    def log_in_to_wiki(self, wiki: SandboxWiki) -> None:
        """Fill in the wiki's own form, which is open."""
        self.fill(wpName=self.name, wpPassword=wiki.users[self.name].password)
        self.press("Log in")

    def new_tab(self, url: str) -> str:
        """Open a further tab, and give the one that was open."""
        before = self.driver.current_window_handle
        self.driver.switch_to.new_window("tab")
        self.open(url)
        return before

    def to_tab(self, handle: str) -> None:
        """Go to another tab."""
        self.driver.switch_to.window(handle)

    def look(self, name: str) -> None:
        """See that nothing keeps anybody from using the page, and keep a picture of it.

        Args:
            name: What the picture is called, if pictures are asked for.
        """
        assert self._faults() == []
        if PICTURES is None:
            return
        self.driver.set_window_size(1000, 600)
        height = self.driver.execute_script("return document.documentElement.scrollHeight")
        self.driver.set_window_size(1000, min(height + 150, 3000))
        Path(PICTURES).mkdir(parents=True, exist_ok=True)
        self.driver.save_screenshot(str(Path(PICTURES) / f"{name}.png"))

    def _faults(self) -> list[str]:
        found = list(self.driver.execute_script(_FAULTS))
        for scheme in ("dark", "light"):
            wanted = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
            self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", wanted)
            found += [f"{scheme}: {each}" for each in self.driver.execute_script(_LOW_CONTRAST)]
        return found

    def leave(self) -> None:
        """Close the browser; no process of it is left."""
        self.driver.quit()
        for process in self.processes:
            with pytest.raises(ProcessLookupError):
                os.kill(process, 0)


@contextmanager
def person(name: str, *, scripts: bool = True) -> Iterator[Person]:
    """Somebody at a browser, whose profile goes with them."""
    with tempfile.TemporaryDirectory(prefix="pwb-oauth-browser-", ignore_cleanup_errors=True) as at:
        somebody = Person(name, Path(at), scripts=scripts)
        try:
            yield somebody
        finally:
            somebody.leave()
