"""Opening a browser only where the person sees it."""

from __future__ import annotations

import webbrowser

import pytest

from pwb_oauth.cli import browser

URL = "https://wiki.example/"
NAMES = ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY", "SSH_CONNECTION")


@pytest.fixture
def opened(monkeypatch):
    """The addresses that a browser was sent to."""
    addresses = []
    monkeypatch.setattr(webbrowser, "open", lambda url: not addresses.append(url))
    return addresses


class TestOpenInBrowser:
    """The person's own browser, or none."""

    @pytest.mark.parametrize(
        ("platform", "variables", "opens"),
        [
            ("linux", {"DISPLAY": ":0"}, True),
            ("linux", {"WAYLAND_DISPLAY": "wayland-0"}, True),
            ("linux", {"DISPLAY": "localhost:10.0", "SSH_CONNECTION": "a 1 b 22"}, True),
            ("linux", {"BROWSER": "firefox"}, True),
            ("linux", {}, False),
            ("linux", {"SSH_CONNECTION": "a 1 b 22"}, False),
            ("darwin", {}, True),
            ("darwin", {"SSH_CONNECTION": "a 1 b 22"}, False),
            ("win32", {}, True),
            ("win32", {"SSH_CONNECTION": "a 1 b 22"}, False),
        ],
    )
    def test_it_opens_where_there_is_a_screen(
        self, monkeypatch, opened, platform, variables, opens
    ):
        """Elsewhere it would fill the terminal, or open on another desk."""
        for name in NAMES:
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(browser.sys, "platform", platform)
        assert browser.open_in_browser(URL) is opens
        assert opened == ([URL] if opens else [])

    def test_none_is_installed_it_says_so(self, monkeypatch):
        """Whatever way webbrowser says it."""
        monkeypatch.setenv("BROWSER", "x")

        def fail(url):
            raise webbrowser.Error

        for answer in (lambda url: False, fail):
            monkeypatch.setattr(webbrowser, "open", answer)
            assert browser.open_in_browser(URL) is False
