"""A Pywikibot that one test has for itself."""

from __future__ import annotations

from contextlib import contextmanager
from inspect import getattr_static

import pytest
from pywikibot.site import APISite

from pwb_oauth import plugin
from pwb_oauth.testing import isolation


@pytest.fixture
def bare(stock_bot):
    """A Pywikibot without hooks, however this test leaves it."""


@contextmanager
def a_test(folder, *, hooks):
    """What a test's fixtures do, pytest's own last."""
    folder.mkdir()
    with pytest.MonkeyPatch.context() as patch, isolation.own_pywikibot(folder, patch, hooks=hooks):
        yield patch


def hooked():
    """Which object stands where the hooks are, by place; a wrapper is equal to what it wraps."""
    return {
        (owner, name): id(getattr_static(owner, name))
        for owner, names in isolation._HOOKED
        for name in names
    }


@pytest.mark.usefixtures("bare")
class TestHooks:
    """``own_pywikibot(hooks=...)``."""

    def test_places_are_those_that_are_hooked(self):
        """All of them, those for a web tool's visitors included."""
        plugin.install_for_visitors()
        assert set(plugin._hooks.replaced) == set(hooked())

    @pytest.mark.parametrize("hooks", [False, True])
    @pytest.mark.parametrize("installed", [False, True])
    def test_are_as_before_although_the_test_replaced_what_is_hooked(
        self, tmp_path, installed, hooks
    ):
        """A replacement that is taken out when the fixtures have ended takes nothing with it."""
        if installed:
            plugin.install_for_visitors()
        before = hooked(), plugin._hooks.installed, plugin._hooks.replaced
        with a_test(tmp_path / "of the test", hooks=hooks) as patch:
            assert plugin._hooks.installed is hooks
            patch.setattr(APISite, "login", lambda _site: None)
            plugin.uninstall()
        assert (hooked(), plugin._hooks.installed, plugin._hooks.replaced) == before
        plugin.uninstall()
        plugin.install()
        plugin.uninstall()

    def test_are_out_where_they_are_not_wanted(self, tmp_path):
        """And in again afterwards."""
        stock = getattr_static(APISite, "login")
        plugin.install()
        with a_test(tmp_path / "of the test", hooks=False):
            assert getattr_static(APISite, "login") is stock
        assert getattr_static(APISite, "login") is not stock
