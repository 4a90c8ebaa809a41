"""The secrets of live tests show nowhere, whatever fails."""

from __future__ import annotations

import pytest

from other_suite import LiveSuite
from pwb_oauth.testing.live_environment import VARIABLES


@pytest.fixture
def suite(tmp_path, wiki) -> LiveSuite:
    """Live tests, and a wiki that they take for a real one."""
    return LiveSuite(tmp_path, wiki)


LEAKING = """
import logging, os, warnings
import pytest

def sign(authorization, parts):
    header = f'OAuth {authorization}'
    derived = '-'.join(['known', 'to', 'a', 'variable'])
    try:
        raise KeyError('inner')
    except KeyError as error:
        raise RuntimeError('deep down') from error

def test_deep(live_site, request):
    sign(os.environ['PWB_OAUTH_TEST_TOKEN'], os.environ['PYWIKIBOT_TEST_OAUTH'].split(':'))

def test_compared(live_site):
    assert os.environ['PWB_OAUTH_TEST_TOKEN'] == os.environ['PYWIKIBOT_TEST_OAUTH']

def test_in_pieces(live_site):
    assert [os.environ['PWB_OAUTH_TEST_TOKEN'][:30]] == 0

def test_said(live_site):
    print('out', os.environ['PYWIKIBOT_TEST_OAUTH'])
    logging.warning('log %s', os.environ['PWB_OAUTH_TEST_TOKEN'])
    pytest.fail(os.environ['PWB_OAUTH_TEST_TOKEN'])

def test_printed_and_passed(live_site):
    print('Bearer ' + os.environ['PWB_OAUTH_TEST_TOKEN'])

@pytest.fixture
def broken(live_site):
    sign(os.environ['PWB_OAUTH_TEST_TOKEN'], 0)

def test_fixture(broken): pass

@pytest.mark.live_wiki
def test_without_site():
    sign(os.environ['PWB_OAUTH_TEST_TOKEN'], 0)

def test_wire(live_site, monkeypatch):
    from requests.adapters import HTTPAdapter
    def send(adapter, request, **options):
        headers = dict(request.headers)
        raise ConnectionError('the wire is cut')
    monkeypatch.setattr(HTTPAdapter, 'send', send)
    live_site.simple_request(action='query', meta='siteinfo').submit()
"""


class TestSecrets:
    """They show nowhere, whatever fails."""

    @pytest.mark.parametrize(
        "options",
        [["-vv", "--showlocals", "-rA"], ["--full-trace", "--tb=long"], ["-n", "1", "-l"]],
        ids=" ".join,
    )
    def test_live_tests_fail_no_piece_of_a_secret_shows(self, suite, options):
        """Not in tracebacks, comparisons, captured output or the report for CI."""
        suite.write("test_it.py", LEAKING)
        done = suite.run(*options, "--junitxml=report.xml")
        assert "failed" in done.stdout
        assert "deep down" in done.stdout
        assert "the wire is cut" in done.stdout
        assert "***" in done.stdout
        assert "known-to-a-variable" not in done.stdout
        report = (suite.folder / "report.xml").read_text()
        assert not suite.shown(done.stdout + done.stderr + report)

    @pytest.mark.parametrize("secret", ["two {0}", "a{0}:b{0}:c{0}:d{0}", "e{0}"])
    def test_secret_is_no_good_it_does_not_show_either(self, suite, secret):
        """The wiki, or the library before it, says what is wrong."""
        for name in VARIABLES.values():
            suite.variables[name] = secret.format("0123456789abcdef")
        suite.write("test_it.py", "def test_it(live_site): pass\n")
        done = suite.run("-vv", "--showlocals")
        assert "2 errors" in done.stdout
        for name in VARIABLES.values():
            assert f"{name}: " in done.stdout
        assert not suite.shown(done.stdout + done.stderr)

    def test_secret_is_of_the_other_version_it_is_not_used(self, suite):
        """Else a test would prove something of the wrong protocol."""
        one, two = VARIABLES.values()
        suite.variables |= {one: suite.variables[two], two: suite.variables[one]}
        suite.write("test_it.py", "def test_it(live_site): pass\n")
        done = suite.run()
        assert "2 errors" in done.stdout
        assert f"{one}: That is no access token of OAuth 1.0a." in done.stdout
        assert f"{two}: That is no access token of OAuth 2.0." in done.stdout
        assert not suite.wiki.log
