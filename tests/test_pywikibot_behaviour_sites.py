"""Stock Pywikibot's configuration, sites, login managers and caches."""

from __future__ import annotations

import inspect
import pickle
import runpy
import warnings
from pathlib import Path

import mwoauth
import pytest
import pywikibot
from pywikibot import config, login
from pywikibot.comms import http
from pywikibot.data.api import Request
from pywikibot.exceptions import NoUsernameError
from pywikibot.login import LoginStatus
from pywikibot.scripts import login as login_script
from pywikibot.site import APISite

from pywikibot_behaviour import (
    CSRF_TOKEN,
    DEFAULTS,
    scripted_wiki,  # noqa: F401
)

TOKENS = {"action": "query", "meta": "tokens", "type": "csrf"}


@pytest.fixture
def alice(wiki, stock_bot):
    """The site of Alice, who is logged in."""
    return site_of("Alice", wiki, stock_bot)


def site_of(user, wiki, stock_bot):
    """A user's site, logged in."""
    wiki.user = user
    return stock_bot.site(user)


class TestUserConfig:
    """What ``user-config.py`` may hold."""

    @pytest.fixture
    def run_config(self, tmp_path, monkeypatch):
        """Run Pywikibot's configuration once more, beside the one in use."""
        monkeypatch.setenv("PYWIKIBOT_DIR", str(tmp_path))
        monkeypatch.delenv("PYWIKIBOT_NO_USER_CONFIG", raising=False)
        monkeypatch.setattr("sys.argv", ["pytest"])

        def run(line):
            file = tmp_path / "user-config.py"
            file.write_text(f"family = 'wikipedia'\nmylang = 'test'\n{line}\n")
            file.chmod(0o600)
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                settings = runpy.run_path(config.__file__, run_name="another_config")
            text = " ".join(str(warning.message) for warning in caught)
            return settings, " ".join(text.split())

        return run

    @pytest.mark.parametrize(
        "line", ["import decimal", "from math import pi as decimal", "decimal = 1"]
    )
    def test_new_name_is_warned_about(self, run_config, line):
        """Each name that ``user-config.py`` binds and Pywikibot doesn't know brings a warning."""
        _, warned = run_config(line)
        assert '"decimal" is defined in your user-config.py but unknown' in warned

    @pytest.mark.parametrize(
        "line", ["__import__('json').loads('1')", "_json = 1", "mylang = 'en'"]
    )
    def test_line_that_binds_no_new_name_is_not_warned_about(self, run_config, line):
        """An expression, a name that begins with ``_``, and a known setting bring no warning."""
        _, warned = run_config(line)
        assert warned == ""

    def test_defaults_are_those_the_tests_assume(self, run_config):
        """Waits, the length of GETs and the queue are what ``DEFAULTS`` says."""
        settings, _ = run_config("")
        assert {name: settings[name] for name in DEFAULTS} == DEFAULTS


class TestAPISite:
    """``pywikibot.site.APISite``."""

    def test_sites_of_two_users_are_equal_and_hash_alike(self, wiki, stock_bot):
        """Two users' sites on one wiki are two objects, but one key of a dictionary."""
        alice = site_of("Alice", wiki, stock_bot)
        bob = site_of("Bob", wiki, stock_bot)
        assert alice is not bob
        assert (alice == bob, hash(alice) == hash(bob)) == (True, True)
        assert {alice: "Alice's secret"}[bob] == "Alice's secret"
        assert (alice.username(), bob.username()) == ("Alice", "Bob")

    def test_constructor_logs_in_by_cookie_only(self, wiki, stock_bot, monkeypatch):
        """The constructor calls ``login(cookie_only=True)``, and nothing else of it."""
        calls = []
        monkeypatch.setattr(
            APISite, "login", lambda self, *args, **opts: calls.append((args, opts))
        )
        stock_bot.site("Alice")
        assert calls == [((), {"cookie_only": True})]

    def test_login_of_the_expected_user_ends_as_user(self, alice):
        """When userinfo names the site's user, ``login`` ends with the status AS_USER."""
        assert alice._loginstatus == LoginStatus.AS_USER

    def test_userinfo_is_asked_while_login_is_in_progress(self, wiki, stock_bot, monkeypatch):
        """``login`` asks for userinfo with the status IN_PROGRESS."""
        seen = []
        stock = http.request

        def ours(site, *args, **options):
            seen.append(site._loginstatus)
            return stock(site, *args, **options)

        monkeypatch.setattr(http, "request", ours)
        site_of("Alice", wiki, stock_bot)
        assert seen == [LoginStatus.IN_PROGRESS]

    def test_status_stays_in_progress_when_the_login_raises(self, wiki, alice):
        """An error out of ``login`` leaves the status IN_PROGRESS."""
        wiki.script("query", ConnectionError("broken"))
        del alice.userinfo
        with pytest.raises(ConnectionError):
            alice.login()
        assert alice._loginstatus == LoginStatus.IN_PROGRESS

    def test_pickle_drops_tokens_and_keeps_other_attributes(self, stock_bot, monkeypatch):
        """A pickled site loses its tokens, but keeps what else was put on it."""
        monkeypatch.setattr(APISite, "login", lambda *args, **options: None)
        site = pywikibot.Site("test", "wikipedia", user="Alice")
        site._userinfo = {"id": 7, "name": "Alice"}
        site.tokens._tokens["csrf"] = CSRF_TOKEN
        site.attribute_of_ours = "our secret"
        pickled = pickle.dumps(site)
        assert CSRF_TOKEN.encode() not in pickled
        again = pickle.loads(pickled)  # noqa: S301  # made two lines above
        assert (again.attribute_of_ours, again.user()) == ("our secret", "Alice")

    @pytest.mark.parametrize(
        ("uri", "url"),
        [
            ("/w/api.php", "http://wiki.test/w/api.php"),
            ("//evil.test/w/api.php", "http://evil.test/w/api.php"),
            ("https://evil.test/w/api.php", "https://evil.test/w/api.php"),
        ],
    )
    def test_base_url_leaves_the_host_for_one_in_the_path(self, alice, uri, url):
        """``base_url`` joins as a browser does: ``//evil.test/…`` leaves the wiki's host."""
        assert alice.base_url(uri) == url


class TestSignatures:
    """What the hooks rely on being called like."""

    @pytest.mark.parametrize(
        ("function", "signature"),
        [
            (http.request, "(site, uri=None, headers=None, **kwargs)"),
            (APISite.login, "(self, autocreate=False, user=None, *, cookie_only=False)"),
            (APISite.logout, "(self)"),
            (APISite.is_oauth_token_available, "(self)"),
            (Request._use_get, "(self)"),
            (Request._bad_token, "(self, code)"),
        ],
        ids=lambda value: getattr(value, "__qualname__", ""),
    )
    def test_hooked_function_has_the_signature_of_11_9(self, function, signature):
        """Names, order, kinds and defaults of the parameters are those of Pywikibot 11.9."""
        plain = [
            parameter.replace(annotation=inspect.Parameter.empty)
            for parameter in inspect.signature(function).parameters.values()
        ]
        assert str(inspect.Signature(plain)) == signature


class TestLoginManager:
    """``pywikibot.login.LoginManager``."""

    def test_without_usernames_raises(self, alice):
        """The constructor raises where ``usernames`` names nobody for the wiki."""
        with pytest.raises(NoUsernameError):
            login.LoginManager(site=alice)

    def test_password_file_is_read_by_the_constructor(self, alice, stock_bot, monkeypatch):
        """The constructor reads the password file, before anyone asked to log in."""
        file = stock_bot.folder / "user-password.py"
        file.write_text("('Alice', 'secret')\n")
        file.chmod(0o600)
        monkeypatch.setattr(config, "password_file", "user-password.py")
        assert login.LoginManager(site=alice, user="Alice").password == "secret"

    def test_missing_password_file_raises(self, alice, monkeypatch):
        """The constructor raises if the password file is not there."""
        monkeypatch.setattr(config, "password_file", "user-password.py")
        with pytest.raises(FileNotFoundError):
            login.LoginManager(site=alice, user="Alice")


class TestOauthLoginManager:
    """``pywikibot.login.OauthLoginManager``."""

    @pytest.fixture
    def manager(self, alice):
        config.usernames["sandbox"]["en"] = "Alice"
        return login.OauthLoginManager("consumer secret", alice, "consumer key")

    def test_name_has_a_small_a(self):
        """Upstream spells the class with a small a, and has no other."""
        assert hasattr(login, "OauthLoginManager")
        assert not hasattr(login, "OAuthLoginManager")

    def test_user_is_the_consumer_key(self, manager):
        """``user`` is the consumer's key, ``password`` its secret; the name is configured."""
        assert manager.consumer_token == ("consumer key", "consumer secret")
        assert manager.username == "Alice"

    def test_without_usernames_raises(self, alice):
        """It needs ``usernames`` as every login manager does."""
        with pytest.raises(NoUsernameError):
            login.OauthLoginManager("consumer secret", alice, "consumer key")

    def test_failed_login_returns_false(self, manager, monkeypatch):
        """An error of the handshake is printed, and ``login`` returns False."""

        def refuse(handshaker):
            raise mwoauth.OAuthException("refused")

        monkeypatch.setattr(mwoauth.Handshaker, "initiate", refuse)
        assert manager.login() is False
        assert manager.access_token is None

    def test_identity_without_a_token_is_none(self, manager):
        """Without an access token ``identity`` is None."""
        assert manager.identity is None

    def test_identity_is_a_dict_and_tokens_are_tuples(self, manager, monkeypatch):
        """With a token ``identity`` is the dict of its claims, ``access_token`` a tuple."""
        monkeypatch.setattr(mwoauth, "identify", lambda *args, **options: {"username": "Alice"})
        manager.access_token = ("access token", "access secret")
        assert manager.identity == {"username": "Alice"}
        assert manager.access_token == ("access token", "access secret")

    def test_login_script_prints_all_four_secrets(self, alice, manager, monkeypatch):
        """The script ``login -oauth`` prints consumer key, secret, access token and its secret."""
        said = []
        inputs = iter(["consumer key", "consumer secret"])
        monkeypatch.setattr(mwoauth, "identify", lambda *args, **options: {"username": "Alice"})
        monkeypatch.setattr(login_script, "OauthLoginManager", lambda *args: manager)
        monkeypatch.setattr(pywikibot, "input", lambda *args, **options: next(inputs))
        monkeypatch.setattr(pywikibot, "info", said.append)
        manager.access_token = ("access token", "access secret")
        login_script._oauth_login(alice)
        four = "('consumer key', 'consumer secret', 'access token', 'access secret')"
        assert four in said[-1]


class TestCachedRequest:
    """``pywikibot.data.api.CachedRequest``."""

    def test_file_is_named_by_user(self, wiki, stock_bot):
        """Each user who is logged in has a file of their own for the same request."""
        names = {
            site_of(user, wiki, stock_bot)._request(expiry=1, parameters=TOKENS)._create_file_name()
            for user in ("Alice", "Bob")
        }
        assert len(names) == 2

    def test_user_is_the_one_of_userinfo(self, wiki, alice):
        """The user in that name is the one whom userinfo names, not whom the site expects."""
        request = alice._request(expiry=1, parameters=TOKENS)
        assert "User(User:Alice)" in request._uniquedescriptionstr()
        alice._userinfo = {**alice.userinfo, "name": "Mallory"}
        assert "User(User:Mallory)" in request._uniquedescriptionstr()

    def test_all_who_are_not_logged_in_share_a_file(self, wiki, stock_bot):
        """Users whose login failed, or is in progress, share one file."""
        names = {
            site_of(None, wiki, stock_bot)._request(expiry=1, parameters=TOKENS)._create_file_name()
        }
        alice = site_of("Alice", wiki, stock_bot)
        for status in (LoginStatus.NOT_LOGGED_IN, LoginStatus.IN_PROGRESS):
            alice._loginstatus = status
            names.add(alice._request(expiry=1, parameters=TOKENS)._create_file_name())
        assert len(names) == 1

    def test_tokens_that_are_cached_are_written_to_disk(self, alice, stock_bot):
        """A cached request that fetches CSRF tokens leaves them in a file of ``apicache``."""
        request = alice._request(expiry=1, parameters=TOKENS)
        request.submit()
        file = Path(stock_bot.folder, "apicache", request._create_file_name())
        assert CSRF_TOKEN.encode() in file.read_bytes()

    def test_tokens_of_a_site_are_not_cached(self, alice, stock_bot):
        """Pywikibot itself does not cache the request that fetches tokens."""
        assert alice.get_tokens(["csrf"]) == {"csrf": CSRF_TOKEN}
        assert list(Path(stock_bot.folder, "apicache").iterdir()) == []
