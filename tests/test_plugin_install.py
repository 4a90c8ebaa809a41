"""``install()`` and ``uninstall()``, and what each hook is worth."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys

import pytest
import pywikibot
from pywikibot import config
from pywikibot.comms import http
from pywikibot.data.api import Request
from pywikibot.site import APISite

import pwb_oauth
from bot_actions import authors, save
from pwb_oauth import plugin
from pwb_oauth.errors import ConfigurationError, UnsupportedPywikibotError
from web_tool import edit, web_tool  # noqa: F401

PLACES = (
    (http, "request"),
    (http, "session"),
    (APISite, "login"),
    (APISite, "logout"),
    (APISite, "is_oauth_token_available"),
    (Request, "_use_get"),
    (Request, "_bad_token"),
)


def standing():
    """What stands at each place that is hooked."""
    return [inspect.getattr_static(owner, name) for owner, name in PLACES]


def save_as_alice(bot):
    site = bot.site("Alice")
    save(site, "Hers")
    assert authors(bot.wiki, "Hers")[-1] == "Alice"
    assert bot.wiki.log.select(action="edit")[-1].mechanism == "oauth2"


def sign_in_without_a_password(bot):
    site = bot.site("Alice")
    site.logout()
    site.login()
    assert site.logged_in()


def sign_out(bot):
    site = bot.site("Alice")
    site.logout()
    assert "anon" in site.userinfo


def tell_of_the_token(bot):
    assert bot.site("Alice").is_oauth_token_available()


def read_by_get(bot):
    assert bot.site("Alice").userinfo["name"] == "Alice"
    assert bot.wiki.log[-1].method == "GET"


def save_in_spite_of_bad_tokens(bot):
    site = bot.site("Alice")
    bot.wiki.fail_next("badtoken", count=3, action="edit")
    save(site, "Hers", "in spite")


WORTH = dict(
    zip(
        PLACES,
        (
            save_as_alice,
            save_as_alice,
            sign_in_without_a_password,
            sign_out,
            tell_of_the_token,
            read_by_get,
            save_in_spite_of_bad_tokens,
        ),
        strict=True,
    )
)


VISITORS_PLACES = ((pywikibot, "Site"), (pywikibot, "async_request"), (pywikibot.bot, "ui"))


def be_the_visitor_on_further_sites(account, site):
    assert site.getSite(site.code) is site


def save_at_once(account, site):
    edit(account, "at once", asynchronous=True)
    assert pywikibot.page_put_queue.empty()
    assert not pywikibot._putthread.is_alive()


def ask_nobody(account, site):
    with pytest.raises(ConfigurationError):
        pywikibot.input_choice("Which?", [("A", "a"), ("B", "b")])


class TestEachHookForVisitors:
    """What only the sites of a web tool's visitors need."""

    @pytest.mark.parametrize(
        ("place", "proof"),
        [
            (VISITORS_PLACES[0], be_the_visitor_on_further_sites),
            (VISITORS_PLACES[1], save_at_once),
            (VISITORS_PLACES[2], ask_nobody),
        ],
    )
    def test_hook_taken_out_is_noticed(self, tool, monkeypatch, place, proof):
        """The same steps work with it and fail without it."""
        monkeypatch.setattr(pywikibot, "input", lambda *args, **options: pytest.fail("a prompt"))
        session = tool.visitor("Alice").open()
        with tool.flow.account(session) as account:
            proof(account, account.site("en", "sandbox"))
        with tool.flow.account(session) as account, monkeypatch.context() as patch:
            patch.setattr(*place, plugin._hooks.replaced[place][0])
            with pytest.raises(BaseException):  # noqa: B017, PT011  # pytest.fail is no Exception
                proof(account, account.site("en", "sandbox"))

    def test_every_hook_is_in_the_table(self, bot):
        """They are set once, when the first visitor acts."""
        plugin.install_for_visitors()
        plugin.install_for_visitors()
        assert set(plugin._hooks.replaced) == {*PLACES, *VISITORS_PLACES}

    def test_uninstall_puts_them_back(self, stock_bot):
        """And a second visitor sets them again."""
        before = [inspect.getattr_static(*place) for place in VISITORS_PLACES]
        for _ in range(2):
            plugin.install_for_visitors()
            assert pywikibot.Site is not before[0]
            pwb_oauth.uninstall()
            after = [inspect.getattr_static(*place) for place in VISITORS_PLACES]
            assert all(now is then for now, then in zip(after, before, strict=True))

    @pytest.mark.parametrize("name", ["Site", "async_request"])
    def test_changed_pywikibot_is_refused_and_left_as_it_is(self, stock_bot, monkeypatch, name):
        """Before anybody acts as anybody."""
        monkeypatch.setattr(pywikibot, name, lambda changed: None)
        places = (*PLACES, *VISITORS_PLACES)
        before = [inspect.getattr_static(*place) for place in places]
        with pytest.raises(UnsupportedPywikibotError, match=f"{name}.*Nothing was changed"):
            plugin.install_for_visitors()
        after = [inspect.getattr_static(*place) for place in places]
        assert all(now is then for now, then in zip(after, before, strict=True))

    def test_sites_of_scripts_are_as_before(self, bot):
        """By every way to call it."""
        plugin.install_for_visitors()
        bot.log_in("2.0 owner-only")
        site = bot.site("Alice")
        assert type(site) is APISite
        assert pywikibot.Site("en", "sandbox", "Alice") is site
        assert pywikibot.Site(code="en", fam="sandbox", user="Alice") is site
        save_as_alice(bot)


class TestEachHook:
    """What it is there for does not happen without it."""

    @pytest.mark.parametrize(("place", "proof"), WORTH.items(), ids=[name for _, name in PLACES])
    def test_hook_taken_out_is_noticed(self, bot, monkeypatch, place, proof):
        """The same steps work with all hooks and fail without this one."""
        monkeypatch.setattr(config, "enable_GET_without_SSL", True)
        monkeypatch.setattr(pywikibot, "input", lambda *args, **options: pytest.fail("a prompt"))
        bot.log_in("2.0 owner-only")
        proof(bot)
        with monkeypatch.context() as patch:
            patch.setattr(*place, plugin._hooks.replaced[place][0])
            with pytest.raises(BaseException):  # noqa: B017, PT011  # pytest.fail is no Exception
                proof(bot)

    def test_every_hook_is_in_the_table(self, bot):
        """None is set that the table, and so this test, does not name."""
        assert set(plugin._hooks.replaced) == set(PLACES)


class TestInstall:
    """``pwb_oauth.install``."""

    def test_second_call_changes_nothing(self, bot):
        """It may stand in user-config.py and in the script."""
        before = standing()
        pwb_oauth.install()
        assert all(now is then for now, then in zip(standing(), before, strict=True))

    def test_install_opens_no_store_and_sends_nothing(self, stock_bot, monkeypatch):
        """A keyring that is locked does not bother those who do not use it."""
        monkeypatch.setenv("PWB_OAUTH_STORE", "nonsense:")
        pwb_oauth.install()
        assert len(stock_bot.wiki.log) == 0

    @pytest.mark.parametrize(
        ("owner", "name", "changed"),
        [
            (http, "request", lambda site, uri=None, **kwargs: None),
            (APISite, "login", lambda self, user=None: None),
            (APISite, "logout", lambda self, everywhere: None),
            (APISite, "is_oauth_token_available", lambda self, kind: None),
            (Request, "_use_get", lambda self, mode: None),
            (Request, "_bad_token", lambda self, code, info: None),
            (Request, "_bad_token", None),
        ],
    )
    def test_changed_pywikibot_is_refused_and_left_as_it_is(
        self, stock_bot, monkeypatch, owner, name, changed
    ):
        """The error names what changed, and the version that was tested."""
        if changed is None:
            monkeypatch.delattr(owner, name)
        else:
            monkeypatch.setattr(owner, name, changed)
        places = [inspect.getattr_static(*place, None) for place in PLACES]
        message = rf"{name}.* Pywikibot {plugin.TESTED_PYWIKIBOT}: .*Nothing was changed"
        with pytest.raises(UnsupportedPywikibotError, match=message):
            pwb_oauth.install()
        after = [inspect.getattr_static(*place, None) for place in PLACES]
        assert all(now is then for now, then in zip(after, places, strict=True))

    def test_install_works_once_pywikibot_is_as_expected_again(self, stock_bot, monkeypatch):
        """A refusal leaves nothing behind."""
        with monkeypatch.context() as patch:
            patch.setattr(Request, "_use_get", lambda self, mode: None)
            with pytest.raises(UnsupportedPywikibotError):
                pwb_oauth.install()
        pwb_oauth.install()
        stock_bot.log_in("2.0 owner-only")
        assert stock_bot.site("Alice").logged_in()


class TestUninstall:
    """``pwb_oauth.uninstall``."""

    def test_uninstall_puts_everything_back(self, stock_bot):
        """Each place holds the very object that it held."""
        before = standing()
        pwb_oauth.install()
        assert not any(now is then for now, then in zip(standing(), before, strict=True))
        pwb_oauth.uninstall()
        assert all(now is then for now, then in zip(standing(), before, strict=True))

    def test_uninstall_without_install_does_nothing(self, stock_bot):
        """Twice is once."""
        before = standing()
        pwb_oauth.uninstall()
        pwb_oauth.uninstall()
        assert all(now is then for now, then in zip(standing(), before, strict=True))

    def test_sites_of_later_are_stock(self, bot):
        """The credential is not looked at any more."""
        bot.log_in("2.0 owner-only")
        pwb_oauth.uninstall()
        site = bot.site("Alice")
        assert not site.logged_in()
        assert not site.is_oauth_token_available()
        assert {entry.mechanism for entry in bot.wiki.log.select(action="query")} == {"none"}

    def test_install_again_works(self, bot):
        """As often as one likes."""
        bot.log_in("2.0 owner-only")
        for _ in range(2):
            pwb_oauth.uninstall()
            pwb_oauth.install()
        save_as_alice(bot)

    def test_what_others_wrapped_since_stays_and_ours_inside_does_nothing(self, bot):
        """A wrapper in the middle cannot be taken out."""
        bot.log_in("2.0 owner-only")
        ours, original = http.request, plugin._hooks.replaced[http, "request"][0]

        def theirs(site, uri=None, headers=None, **kwargs):
            return ours(site, uri, headers, **kwargs)

        http.request = theirs
        try:
            pwb_oauth.uninstall()
            assert http.request is theirs
            assert not bot.site("Alice").logged_in()
        finally:
            http.request = original


CONFIG = "__import__('pwb_oauth').install()\n"
SCRIPT = """
import sys
import pywikibot
if 'late' in sys.argv:
    import pwb_oauth
    pwb_oauth.install()
    pwb_oauth.install()
site = pywikibot.Site('en', 'sandbox')
assert site.userinfo['name'] == 'Alice', site.userinfo
page = pywikibot.Page(site, 'Page')
page.text = 'saved by a script'
page.save()
"""
EARLY = "import pwb_oauth\npwb_oauth.install()\nassert 'pywikibot' not in sys.modules\n"


class TestInstallInAProcessOfItsOwn:
    """``pwb_oauth.install``, from where users call it."""

    @pytest.mark.parametrize("where", ["user-config.py", "before", "after"])
    def test_unchanged_script_signs_in_without_any_warning(self, wiki, tmp_path, where):
        """From user-config.py, or in the script before or after ``import pywikibot``."""
        consumer = wiki.add_consumer("own", owner="Alice", owner_only=True)
        config_file = wiki.write_pywikibot_config(tmp_path / "bot", "Alice")
        if where == "user-config.py":
            with config_file.open("a") as file:
                file.write(CONFIG)
        script = f"import sys\n{EARLY if where == 'before' else ''}{SCRIPT}"
        environment = {
            **os.environ,
            "PYWIKIBOT_DIR": str(tmp_path / "bot"),
            "PWB_OAUTH_STORE": "env:",
            "PWB_OAUTH_WIKI": wiki.url,
            "PWB_OAUTH_USERNAME": "Alice",
            "PWB_OAUTH_TOKEN": consumer.access_token,
        }
        arguments = ["late"] if where == "after" else []
        done = subprocess.run(  # noqa: S603  # the interpreter of these tests
            [sys.executable, "-W", "error", "-c", script, *arguments],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert "warning" not in (done.stdout + done.stderr).lower()
        assert authors(wiki, "Page") == ["Alice"]
