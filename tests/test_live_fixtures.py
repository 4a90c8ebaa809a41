"""The live fixtures, with a sandbox wiki in the place of a real one."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from other_suite import USERS, LiveSuite
from pwb_oauth.testing import SandboxWiki, live
from pwb_oauth.testing.live_environment import VARIABLES

OUR_LIVE_TESTS = Path(__file__).with_name("test_live_wiki.py")


@pytest.fixture
def suite(tmp_path, wiki) -> LiveSuite:
    """Live tests, and a wiki that they take for a real one."""
    return LiveSuite(tmp_path, wiki)


class TestOurLiveTests:
    """``test_live_wiki.py`` itself."""

    @pytest.mark.parametrize("version", ["1.43", "wikimedia"])
    def test_secrets_are_set_all_pass_for_both_protocols(self, tmp_path, version):
        """The edits are made by the tokens' own users, and put back."""
        with SandboxWiki(version=version) as wiki:
            suite = LiveSuite(tmp_path, wiki)
            suite.write(OUR_LIVE_TESTS.name, OUR_LIVE_TESTS.read_text())
            done = suite.run("-v")
            assert done.returncode == 0, done.stdout
            assert "4 passed" in done.stdout
            for oauth_version, user in USERS.items():
                page = wiki.pages[f"User:{user}/pwb oauth test {oauth_version}"]
                assert [revision.user for revision in page.revisions] == [user, user]
                assert "A test of pwb_oauth wrote this" in page.revisions[0].text
                assert page.revisions[1].text == ""
            assert len(suite.titles()) == 2
        assert not suite.shown(done.stdout + done.stderr)

    def test_no_secret_is_set_all_are_skipped_by_name(self, suite):
        """Neither a wiki nor Pywikibot is asked for anything."""
        for name in VARIABLES.values():
            del suite.variables[name]
        suite.write(OUR_LIVE_TESTS.name, OUR_LIVE_TESTS.read_text())
        done = suite.run("-v")
        assert "4 skipped" in done.stdout
        assert "signs_in_and_out[1.0a] SKIPPED (PYWIKIBOT_TEST_OAUTH is not set)" in done.stdout
        assert "signs_in_and_out[2.0] SKIPPED (PWB_OAUTH_TEST_TOKEN is not set)" in done.stdout
        assert not suite.wiki.log

    def test_writing_is_not_allowed_the_write_tests_are_skipped_by_name(self, suite):
        """The others run."""
        del suite.variables["PWB_OAUTH_TEST_WRITE"]
        suite.write(OUR_LIVE_TESTS.name, OUR_LIVE_TESTS.read_text())
        done = suite.run("-v")
        assert "2 passed, 2 skipped" in done.stdout
        assert "[2.0] SKIPPED (PWB_OAUTH_TEST_WRITE=1 is not set)" in done.stdout
        assert not suite.titles()


class TestSelection:
    """Which tests are live, and which run."""

    def test_marker_selects_what_uses_the_fixture_or_says_so(self, suite):
        """``-m 'not live_wiki'`` leaves a suite that needs no network."""
        suite.write(
            "test_it.py",
            "import pytest\n"
            "def test_offline(): pass\n"
            "def test_site(live_site): pass\n"
            "@pytest.mark.live_wiki\n"
            "def test_marked(): pass\n",
        )
        assert "1 passed, 3 deselected" in suite.run("-m", "not live_wiki").stdout
        assert "3 passed, 1 deselected" in suite.run("-m", "live_wiki").stdout

    def test_one_secret_is_enough_for_what_is_only_marked(self, suite):
        """The reason names both otherwise."""
        suite.write("test_it.py", "import pytest\n@pytest.mark.live_wiki\ndef test_it(): pass\n")
        del suite.variables["PWB_OAUTH_TEST_TOKEN"]
        assert "1 passed" in suite.run().stdout
        del suite.variables["PYWIKIBOT_TEST_OAUTH"]
        reason = "PYWIKIBOT_TEST_OAUTH or PWB_OAUTH_TEST_TOKEN is not set"
        assert f"SKIPPED [1] test_it.py:2: {reason}" in suite.run("-rs").stdout

    def test_one_version_is_asked_for_the_other_is_not_there(self, suite):
        """As with every fixture that has parameters."""
        suite.write(
            "test_it.py",
            "import pytest\n"
            "@pytest.mark.parametrize('live_site', ['2.0'], indirect=True)\n"
            "def test_it(live_site):\n"
            "    assert live_site.username() == 'BotOwner'\n",
        )
        assert "1 passed" in suite.run().stdout


class TestWriting:
    """What a live test may change."""

    def test_other_pages_than_the_users_own_nothing_is_sent(self, suite):
        """Nor are other actions, nor a page of somebody with a longer name."""
        suite.write(
            "test_it.py",
            "import pytest, pywikibot\n"
            "from pwb_oauth.errors import ConfigurationError\n"
            "from pywikibot.exceptions import OtherPageSaveError\n"
            "TITLES = ['Sandbox', 'User:Admin', 'User:BotOwner2/x', 'User talk:BotOwner']\n"
            "@pytest.mark.parametrize('title', TITLES)\n"
            "@pytest.mark.parametrize('live_site', ['2.0'], indirect=True)\n"
            "def test_page(live_site, title):\n"
            "    page = pywikibot.Page(live_site, title)\n"
            "    page.text = 'x'\n"
            "    with pytest.raises(OtherPageSaveError, match='own user space alone') as caught:\n"
            "        page.save('s')\n"
            "    assert isinstance(caught.value.reason, ConfigurationError)\n"
            "def test_action(live_site):\n"
            "    token = live_site.tokens['csrf']\n"
            "    for action in ('options', 'move', 'unknown'):\n"
            "        with pytest.raises(ConfigurationError, match=f'{action} was not sent'):\n"
            "            live_site.simple_request(action=action, token=token).submit()\n",
        )
        done = suite.run()
        assert "6 passed" in done.stdout, done.stdout
        assert not suite.titles()
        assert {entry.action for entry in suite.wiki.log} <= {None, "query", "paraminfo"}

    def test_writing_is_not_allowed_the_own_page_is_refused_as_well(self, suite):
        """A test that writes without ``live_page`` fails, and says what is not set."""
        suite.variables["PWB_OAUTH_TEST_WRITE"] = "yes"
        suite.write(
            "test_it.py",
            "import pywikibot\n"
            "def test_it(live_site):\n"
            "    page = pywikibot.Page(live_site, f'User:{live_site.username()}/x')\n"
            "    page.text = 'x'\n"
            "    page.save('s')\n",
        )
        done = suite.run()
        assert "2 failed" in done.stdout
        assert "action=edit was not sent. PWB_OAUTH_TEST_WRITE=1 is not set." in done.stdout
        assert not suite.titles()

    def test_page_was_there_its_text_comes_back_even_after_a_failure_and_a_logout(self, suite):
        """What a person wrote is not lost."""
        suite.write(
            "test_it.py",
            "import pytest, pywikibot\n"
            "one = pytest.mark.parametrize('live_site', ['1.0a'], indirect=True)\n"
            "@one\n"
            "def test_first(live_site):\n"
            "    page = pywikibot.Page(live_site, 'User:Alice/pwb_oauth test 1.0a')\n"
            "    page.text = 'written by hand'\n"
            "    page.save('s')\n"
            "@one\n"
            "def test_second(live_site, live_page):\n"
            "    assert live_page.text == 'written by hand'\n"
            "    live_page.text = 'written by a test'\n"
            "    live_page.save('s')\n"
            "    live_site.logout()\n"
            "    assert 0\n"
            "@one\n"
            "def test_third(live_page):\n"
            "    assert live_page.text == 'written by hand'\n",
        )
        assert "1 failed, 2 passed" in suite.run().stdout
        (title,) = suite.titles()
        texts = [revision.text for revision in suite.wiki.pages[title].revisions]
        assert texts == ["written by hand", "written by a test", "written by hand"]

    @pytest.mark.parametrize(
        ("host", "reason"),
        [
            ("test.wikipedia.org", None),
            ("test-commons.wikimedia.org", None),
            ("en.wikipedia.beta.wmcloud.org", None),
            ("127.0.0.1", None),
            ("en.wikipedia.org", "en.wikipedia.org is no test wiki by its name"),
            ("latest.example.org", "latest.example.org is no test wiki by its name"),
            ("alphabeta.example.org", "alphabeta.example.org is no test wiki by its name"),
        ],
    )
    def test_each_host_writing_is_for_test_wikis(self, monkeypatch, host, reason):
        """A wiki with readers is no place for tests."""
        monkeypatch.setenv("PWB_OAUTH_TEST_WRITE", "1")
        site = SimpleNamespace(base_url=lambda _path: f"https://{host}")
        found = live.why_read_only(site)
        assert found is None if reason is None else str(found).startswith(reason)


class TestWiki:
    """Which wiki is asked."""

    def test_nothing_said_it_is_a_test_wiki(self, monkeypatch):
        """Wikimedia's own."""
        from pwb_oauth.testing import live_environment

        monkeypatch.delenv("PWB_OAUTH_TEST_WIKI", raising=False)
        assert live_environment.wiki() == "test.wikipedia.org"

    def test_address_is_no_wikis_the_variable_is_named(self, suite):
        """A person reads it in CI's log."""
        suite.variables["PWB_OAUTH_TEST_WIKI"] = "http://wiki.example.org/w/api.php"
        suite.write("test_it.py", "def test_it(live_site): pass\n")
        done = suite.run()
        assert "http://wiki.example.org is not https" in done.stdout
