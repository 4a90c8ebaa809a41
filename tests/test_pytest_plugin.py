"""The pytest plugin: its fixtures, and that Pywikibot is after a test what it was before."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys

import pytest
import pywikibot
from pywikibot import config
from pywikibot.exceptions import OtherPageSaveError

from other_suite import OtherSuite
from pwb_oauth import Wiki
from pwb_oauth.identity import fetch_identity

SUMMARY = "A test edits"


@pytest.fixture
def suite(tmp_path) -> OtherSuite:
    """Somebody else's tests."""
    return OtherSuite(tmp_path)


def edit(site, text="edited"):
    """Edit a page, and give what the wiki keeps of it."""
    page = pywikibot.Page(site, "Edited by a test")
    page.text = text
    page.save(SUMMARY)
    return page


class TestOAuthSite:
    """``oauth_site`` and what it is made of."""

    @pytest.mark.parametrize("oauth_user", ["Alice", "BotOwner"])
    @pytest.mark.parametrize("oauth_version", ["1.0a", "2.0"])
    def test_each_version_and_user_edits_as_that_user(
        self, sandbox_wiki, oauth_site, oauth_credential, oauth_version, oauth_user
    ):
        """The wiki says who it was, and by which kind of consumer."""
        title = edit(oauth_site).title()
        assert sandbox_wiki.pages[title].revisions[-1].user == oauth_user
        assert sandbox_wiki.pages[title].revisions[-1].tags == ["OAuth CID: 1"]
        assert oauth_credential.oauth_version == oauth_version
        assert oauth_credential.username == oauth_user

    def test_nothing_said_alice_uses_oauth_2(self, oauth_credential):
        """What a test gets that does not care."""
        assert (oauth_credential.username, oauth_credential.oauth_version) == ("Alice", "2.0")

    def test_code_under_test_asks_for_no_site_it_gets_this_one(self, oauth_site):
        """A bot that calls ``pywikibot.Site()`` works on the sandbox wiki."""
        assert pywikibot.Site() is oauth_site

    def test_credential_without_pywikibot_the_wiki_knows_its_user(
        self, sandbox_wiki, oauth_credential
    ):
        """A tool that does not use Pywikibot can be tested with it."""
        identity = fetch_identity(
            Wiki.from_url(sandbox_wiki.api_url),
            oauth_credential.consumer,
            oauth_credential.access_token,
        )
        assert identity.username == "Alice"

    @pytest.mark.parametrize("oauth_version", ["1.0a", "2.0"])
    def test_hours_pass_on_the_wiki_the_next_edit_is_still_alices(
        self, sandbox_wiki, oauth_site, oauth_version, wiki_clock
    ):
        """An expired token is renewed; OAuth 1.0a goes by the wiki's clock."""
        edit(oauth_site, "before")
        refreshed = len([e for e in sandbox_wiki.log if e.path.endswith("/oauth2/access_token")])
        wiki_clock.advance(5 * 3600)
        title = edit(oauth_site, "after").title()
        assert sandbox_wiki.pages[title].revisions[-1].user == "Alice"
        again = len([e for e in sandbox_wiki.log if e.path.endswith("/oauth2/access_token")])
        assert again - refreshed == (1 if oauth_version == "2.0" else 0)

    def test_site_it_can_be_pickled(self, oauth_site):
        """As one with a family file can; Pywikibot's users do."""
        assert pickle.loads(pickle.dumps(oauth_site)) == oauth_site  # noqa: S301

    def test_sandbox_extra_is_missing_the_error_names_it(self, suite):
        """A test suite forgets it easily."""
        suite.write("conftest.py", "import sys\nsys.modules['werkzeug'] = None\n")
        suite.write("test_it.py", "def test_it(sandbox_wiki): pass\n")
        done = suite.run()
        assert "MissingExtraError: More packages are needed: pip install 'pwb-oauth[sandbox]'" in (
            done.stdout
        )


class TestAnonymousSite:
    """``anonymous_site``."""

    def test_alone_it_is_what_code_under_test_gets(self, anonymous_site):
        """A bot that nobody gave an account cannot edit."""
        assert pywikibot.Site() is anonymous_site
        assert "anon" in anonymous_site.userinfo
        with pytest.raises(OtherPageSaveError, match="username for sandbox:en is undefined"):
            edit(anonymous_site)

    @pytest.mark.parametrize(
        "order", [("oauth_site", "anonymous_site"), ("anonymous_site", "oauth_site")]
    )
    def test_beside_oauth_site_each_is_who_it_is(self, request, order):
        """In whatever order a test asks for them."""
        sites = {name: request.getfixturevalue(name) for name in order}
        assert "anon" in sites["anonymous_site"].userinfo
        assert sites["oauth_site"].userinfo["name"] == "Alice"
        assert pywikibot.Site() is sites["oauth_site"]
        with pytest.raises(OtherPageSaveError):
            edit(sites["anonymous_site"])


class TestLoading:
    """What a run pays that does not use the plugin."""

    def test_unused_plugin_it_has_loaded_nothing(self, suite):
        """Nothing but itself: the run is not slowed down by more than a few milliseconds."""
        suite.write(
            "test_it.py",
            "import sys\n"
            "def test_it():\n"
            "    print(sorted(n for n in sys.modules if n.startswith('pwb_oauth')))\n"
            "    heavy = {'pywikibot', 'werkzeug', 'requests', 'keyring', 'cryptography', 'jwt',\n"
            "             'wrapt', 'click', 'rich', 'oauthlib', 'platformdirs', 'filelock'}\n"
            "    assert not heavy & set(sys.modules)\n",
        )
        done = suite.run("-rP", "-p", "no:platformdirs")
        assert done.returncode == 0, done.stdout
        loaded = ["pwb_oauth", "pwb_oauth._version", "pwb_oauth.errors", "pwb_oauth.testing"]
        assert str([*loaded, "pwb_oauth.testing.plugin"]) in done.stdout

    def test_no_site_is_asked_for_pywikibot_stays_unloaded(self, suite):
        """The tests of a Django or Flask tool need not have it configured."""
        suite.write(
            "test_it.py",
            "import sys\n"
            "def test_it(sandbox_wiki, oauth_credential, wiki_clock):\n"
            "    assert 'pywikibot' not in sys.modules\n",
        )
        assert suite.run().returncode == 0

    def test_plugin_it_is_found_without_being_named(self, suite):
        """By its entry point."""
        done = suite.run("--fixtures", "--markers")
        assert "@pytest.mark.live_wiki: asks a real wiki" in done.stdout


OWN_CONFIG = """
family = 'wiktionary'
mylang = 'de'
put_throttle = 77
simulate = True
usernames['wiktionary']['de'] = 'Developer'
authenticate['*.wiktionary.org'] = ('a', 'b', 'c', 'd')
"""
COOKIE = """
from pywikibot.comms import http
from requests.cookies import create_cookie

def add_cookie(name):
    http.session.cookies.set_cookie(create_cookie(name, 'value', domain='127.0.0.1'))

add_cookie('developer')
"""
STATE = """
import os
import pywikibot
from pywikibot import bot, config, family, i18n, throttle
from pywikibot.comms import http
from pywikibot.data.api import CachedRequest, Request
from pywikibot.site import APISite, _apisite

WHERE = {
    pywikibot: ['_sites', '_putthread', 'page_put_queue', '_page_put_queue_busy'],
    http: ['cookie_jar', 'session', 'request'],
    http.session: ['cookies'],
    family.Family: ['_families'],
    throttle: ['pid'],
    bot: ['global_args', '_user_override'],
    i18n: ['_messages_package_name', '_messages_available'],
    APISite: ['login', 'logout', 'is_oauth_token_available'],
    Request: ['submit', '_use_get', '_bad_token'],
    _apisite: ['_mw_msg_cache'],
    CachedRequest: ['_get_cache_dir'],
    config: [name for name in vars(config) if name[0] != '_' and name != 'environ'],
}

def state():
    held = {
        f'{getattr(owner, "__name__", owner)}.{name}': vars(owner)[name]
        for owner, names in WHERE.items()
        for name in names
    }
    values = {name: repr(value) for name, value in held.items()}
    identities = {f'id of {name}': id(value) for name, value in held.items()}
    environ = {name: os.environ[name] for name in os.environ if name[:7] != 'PYTEST_'}
    return {**values, **identities, **environ}

before = state()

def changed():
    now = state()
    return {name: (before.get(name), now.get(name))
            for name in {**before, **now} if before.get(name) != now.get(name)}
"""


class TestIsolation:
    """What one test does to Pywikibot, no other sees."""

    def test_users_own_configuration_it_is_put_aside_and_back(self, suite):
        """Nothing of a developer's user-config.py decides a test, and nothing of it is lost."""
        suite.variables["PYWIKIBOT_DIR"] = str(suite.folder)
        suite.write("user-config.py", OWN_CONFIG)
        suite.write("conftest.py", COOKIE + STATE)
        suite.write(
            "test_it.py",
            "import conftest, os, pywikibot\n"
            "from pywikibot import config, i18n\n"
            "from pywikibot.comms import http\n"
            "from pywikibot.site import _apisite\n"
            "def test_first(monkeypatch, oauth_site):\n"
            "    assert (config.family, config.mylang) == ('sandbox', 'en')\n"
            "    assert config.put_throttle == 0 and config.simulate is False\n"
            "    assert dict(config.usernames) == {'sandbox': {'en': 'Alice'}}\n"
            "    assert not config.authenticate\n"
            "    assert not list(http.session.cookies)\n"
            "    assert config.base_dir == os.environ['PYWIKIBOT_DIR'] != os.getcwd()\n"
            "    monkeypatch.setattr(config, 'max_retries', 99)\n"
            "    conftest.add_cookie('test')\n"
            "    _apisite._mw_msg_cache['en']['message'] = 'text'\n"
            "    config.simulate = 5\n"
            "    config.usernames['x']['y'] = 'z'\n"
            "    pywikibot._sites['x'] = None\n"
            "    i18n.set_messages_package('other')\n"
            "    pywikibot.family.Family._families['x'] = None\n"
            "    pywikibot.bot.global_args = ['x']\n"
            "def test_second(oauth_site):\n"
            "    assert config.max_retries != 99 and config.simulate is False\n"
            "    assert 'x' not in config.usernames and 'x' not in pywikibot._sites\n"
            "    assert not list(http.cookie_jar) and not _apisite._mw_msg_cache\n"
            "def test_third():\n"
            "    assert not conftest.changed()\n"
            "    assert (config.family, config.put_throttle) == ('wiktionary', 77)\n",
        )
        done = suite.run()
        assert done.returncode == 0, done.stdout

    def test_hooks_of_user_config_they_stay(self, suite):
        """A user-config.py with the one line still means it after the test."""
        suite.variables["PYWIKIBOT_DIR"] = str(suite.folder)
        suite.write("user-config.py", "__import__('pwb_oauth').install()\n")
        suite.write("conftest.py", STATE)
        suite.write(
            "test_it.py",
            "import conftest\n"
            "from pywikibot.comms import http\n"
            "def test_first(oauth_site): pass\n"
            "def test_second():\n"
            "    assert type(http.session).__name__ == 'AccountSession'\n"
            "    assert not conftest.changed()\n",
        )
        done = suite.run()
        assert done.returncode == 0, done.stdout

    def test_nobody_has_a_configuration_test_modules_can_import_pywikibot(self, suite):
        """As on a fresh machine, with a Pywikibot that is no site-package."""
        suite.write(
            "test_it.py",
            "import os, pywikibot\n"
            "def test_it(oauth_site):\n"
            "    assert pywikibot.Site().username() == 'Alice'\n"
            "def test_other():\n"
            "    assert os.environ['PYWIKIBOT_NO_USER_CONFIG'] == '2'\n"
            "    assert 'PYWIKIBOT_DIR' not in os.environ\n",
        )
        done = suite.run()
        assert done.returncode == 0, done.stdout

    def test_user_decided_about_no_user_config_it_stays_so(self, suite):
        """Their word counts."""
        suite.variables["PYWIKIBOT_NO_USER_CONFIG"] = "1"
        suite.write(
            "test_it.py",
            "import os\n"
            "def test_it(oauth_site):\n"
            "    assert os.environ['PYWIKIBOT_NO_USER_CONFIG'] == '1'\n",
        )
        done = suite.run()
        assert done.returncode == 0, done.stdout

    def test_save_under_way_it_ends_with_its_test(self, suite):
        """The next test has a thread for asynchronous saves of its own, even if one died."""
        suite.write(
            "test_it.py",
            "import pytest, pywikibot\n"
            "done = []\n"
            "@pytest.fixture\n"
            "def watched(sandbox_wiki):\n"
            "    yield\n"
            "    done.append(sorted(t for t in sandbox_wiki.pages if t.startswith('Async')))\n"
            "@pytest.mark.parametrize('n', [1, 2])\n"
            "def test_save(watched, oauth_site, n):\n"
            "    page = pywikibot.Page(oauth_site, f'Async {n}')\n"
            "    page.text = 'x'\n"
            "    page.save('s', asynchronous=True)\n"
            "@pytest.mark.filterwarnings('ignore::pytest.PytestUnhandledThreadExceptionWarning')\n"
            "def test_deadly(oauth_site):\n"
            "    pywikibot.async_request(lambda: 1 / 0)\n"
            "    pywikibot._putthread.join(5)\n"
            "def test_after(watched, oauth_site):\n"
            "    test_save(None, oauth_site, 3)\n"
            "def test_all():\n"
            "    assert done == [['Async 1'], ['Async 2'], ['Async 3']]\n",
        )
        done = suite.run()
        assert done.returncode == 0, done.stdout

    def test_code_under_test_opens_a_store_it_is_never_the_keyring(self, oauth_site):
        """Nor that of the environment that the tests run in."""
        assert os.environ["PWB_OAUTH_STORE"] == "memory:"

    def test_process_that_the_test_starts_finds_an_empty_configuration(self, oauth_site):
        """A bot that is run as a program cannot reach a wiki of the developer's."""
        code = "from pywikibot import config; print(config.base_dir, dict(config.usernames))"
        done = subprocess.run(  # noqa: S603  # our own code
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True
        )
        assert done.stdout.split() == [config.base_dir, "{}"]

    def test_many_workers_each_is_on_its_own(self, suite):
        """Under pytest-xdist."""
        suite.write(
            "test_it.py",
            "import pytest, pywikibot\n"
            "@pytest.mark.parametrize('oauth_version', ['1.0a', '2.0'])\n"
            "@pytest.mark.parametrize('n', range(4))\n"
            "def test_it(sandbox_wiki, oauth_site, n):\n"
            "    page = pywikibot.Page(oauth_site, f'Page {n}')\n"
            "    assert not page.exists()\n"
            "    page.text = str(n)\n"
            "    page.save('s', asynchronous=n % 2)\n",
        )
        done = suite.run("-n", "2")
        assert "8 passed" in done.stdout, done.stdout
