"""What the hooks on Pywikibot's ``Request`` do."""

from __future__ import annotations

import threading
import time

import pytest
import pywikibot
from pywikibot import config
from pywikibot.data.api import CachedRequest, Request
from pywikibot.exceptions import APIError

from bot_actions import (
    RENEWABLE,
    authors,
    edits,
    in_threads,
    noted_waits,  # noqa: F401
    save,
)
from pwb_oauth import csrf
from pwb_oauth.errors import LoginRequiredError

OWNER_ONLY = ("1.0a owner-only", "2.0 owner-only")


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch):
    """Pauses between two tries are for other machines; here there is none."""
    monkeypatch.setattr(csrf, "_LONGEST_PAUSE", 0.001)


def question(site, text):
    """A read whose answer repeats what was asked."""
    return Request(site, parameters={"action": "query", "meta": "userinfo", "requestid": text})


@pytest.mark.parametrize("kind", OWNER_ONLY)
class TestUseGet:
    """``Request._use_get``."""

    @pytest.fixture
    def site(self, bot, kind, monkeypatch):
        """Alice's site, where GET is allowed without TLS."""
        monkeypatch.setattr(config, "enable_GET_without_SSL", True)
        bot.log_in(kind)
        return bot.site("Alice")

    @pytest.mark.parametrize("text", ["plain", "ä ~*!'()+&=%2F;:@/?#|\\\"", "%", "日本"])
    def test_read_goes_by_get_with_any_character(self, bot, site, text):
        """Signed as the wiki reads it, or it would be refused."""
        answer = question(site, text).submit()
        assert answer["requestid"] == text
        entry = bot.wiki.log[-1]
        assert (entry.method, entry.user, entry.error) == ("GET", "Alice", None)

    def test_read_of_the_greatest_length_goes_by_get_and_a_longer_one_by_post(self, bot, site):
        """``config.maximum_GET_length`` counts as in stock."""
        request = question(site, "x")
        request._add_defaults()
        room = config.maximum_GET_length - len(request._http_param_string())
        for extra, method in ((room, "GET"), (room + 1, "POST")):
            question(site, "x" * (1 + extra)).submit()
            assert (bot.wiki.log[-1].method, bot.wiki.log[-1].user) == (method, "Alice")

    def test_read_of_a_module_that_wants_post_goes_by_post(self, bot, site):
        """Pywikibot asks action=paraminfo, as in stock."""
        count = len(bot.wiki.log)
        page = save(site)
        written = [entry for entry in list(bot.wiki.log)[count:] if entry.action == "edit"]
        assert [entry.method for entry in written] == ["POST"]
        assert page.latest_revision.user == "Alice"

    def test_read_goes_by_post_without_tls_unless_allowed(self, bot, site, monkeypatch):
        """``config.enable_GET_without_SSL`` counts as in stock."""
        monkeypatch.setattr(config, "enable_GET_without_SSL", False)
        question(site, "x").submit()
        assert bot.wiki.log[-1].method == "POST"

    def test_request_says_itself_that_it_wants_post(self, bot, site):
        """``use_get=False``, as in stock."""
        Request(site, use_get=False, parameters={"action": "query", "meta": "userinfo"}).submit()
        assert bot.wiki.log[-1].method == "POST"


class TestUseGetOfStock:
    """``Request._use_get`` where no credential is stored."""

    def test_stock_oauth_reads_by_post(self, bot, monkeypatch):
        """Its workaround (T108182) is for its own signer."""
        monkeypatch.setattr(config, "enable_GET_without_SSL", True)
        consumer = bot.wiki.add_consumer(
            "stock", oauth_version="1.0a", owner="Alice", owner_only=True
        )
        four = (consumer.key, consumer.secret, consumer.access_token, consumer.access_secret)
        monkeypatch.setitem(config.authenticate, bot.host, four)
        site = bot.site("Alice")
        question(site, "x").submit()
        entry = bot.wiki.log[-1]
        assert (entry.method, entry.user, entry.mechanism) == ("POST", "Alice", "oauth1")


@pytest.mark.parametrize("kind", [*OWNER_ONLY, "2.0"])
class TestBadToken:
    """``Request._bad_token``."""

    @pytest.fixture
    def site(self, bot, kind):
        """Alice's site."""
        bot.log_in(kind)
        return bot.site("Alice")

    @pytest.mark.parametrize("times", [1, 2, 5])
    def test_several_bad_tokens_in_a_row_save_once(self, bot, site, waits, times):
        """Pywikibot itself gives up at the second."""
        bot.wiki.fail_next("badtoken", count=times, action="edit")
        save(site, "Page")
        assert authors(bot.wiki, "Page") == ["Alice"]
        assert len(edits(bot.wiki)) == times + 1
        assert waits == []

    def test_token_that_is_never_good_ends_in_pywikibots_error(self, bot, site, monkeypatch):
        """After sixty tries."""
        monkeypatch.setattr(csrf.time, "sleep", lambda seconds: None)
        bot.wiki.fail_next("badtoken", count=100, action="edit")
        with pytest.raises(APIError, match="badtoken"):
            site.simple_request(action="edit", title="Page", text="x", token="bad").submit()
        assert len(edits(bot.wiki)) == 61

    def test_other_errors_are_pywikibots(self, bot, site):
        """The hook looks at ``badtoken`` alone."""
        with pytest.raises(APIError, match="badvalue"):
            site.simple_request(action="no-such-action").submit()

    def test_threads_fetch_one_after_another(self, bot, site, monkeypatch):
        """Two that fetched at the same time would void each other's tokens."""
        inside, most = [], []
        real = type(site).get_tokens

        def get_tokens(self, types):
            inside.append(threading.get_ident())
            most.append(len(inside))
            time.sleep(0.01)
            inside.pop()
            return real(self, types)

        assert site.tokens["csrf"]  # the first read is Pywikibot's own
        monkeypatch.setattr(type(site), "get_tokens", get_tokens)
        bot.wiki.fail_next("badtoken", count=12, action="edit")
        assert in_threads(6, lambda number: save(site, f"Page {number}")) == []
        assert max(most) == 1
        for number in range(6):
            assert authors(bot.wiki, f"Page {number}") == ["Alice"]

    def test_bad_token_of_a_site_that_was_logged_out_is_said_so(self, bot, site, monkeypatch):
        """There is no account to fetch another token for."""
        request = site.simple_request(action="edit", title="Page", text="x", token="bad")
        monkeypatch.setattr(csrf, "renew", lambda *_: pytest.fail("it was fetched"))
        site.logout()
        with pytest.raises(LoginRequiredError, match="was logged out while"):
            request._bad_token("badtoken")
        assert authors(bot.wiki, "Page") == []

    def test_edit_on_its_way_during_a_logout_is_not_made_anonymously(self, bot, site):
        """Pywikibot's assertuser stops it, and Pywikibot signs in again."""
        request = site.simple_request(
            action="edit", title="Page", text="x", token=site.tokens["csrf"]
        )
        site.logout()
        request.submit()
        assert authors(bot.wiki, "Page") == ["Alice"]


def test_token_of_the_type_that_the_action_needs_is_fetched(bot):
    """``action=watch`` takes a watch token."""
    bot.log_in("2.0", grants=["basic", "viewmywatchlist", "editmywatchlist"])
    bot.wiki.fail_next("badtoken", count=2, action="watch")
    pywikibot.Page(bot.site("Alice"), "Sandbox").watch()
    asked = [entry.params["type"] for entry in bot.wiki.log if "type" in entry.params]
    assert asked[-2:] == ["watch", "watch"]


@pytest.mark.parametrize("kind", RENEWABLE)
def test_edits_survive_a_refresh_that_voids_their_tokens(bot, kind):
    """A CSRF token belongs to the access token."""
    bot.log_in(kind)
    site = bot.site("Alice")
    for number in range(3):
        save(site, f"Page {number}")
        bot.wiki.expire_tokens("Alice")
    assert [authors(bot.wiki, f"Page {number}") for number in range(3)] == [["Alice"]] * 3


class TestCachedRequest:
    """``pywikibot.data.api.CachedRequest``."""

    @pytest.mark.parametrize("kind", [*OWNER_ONLY, "2.0"])
    def test_no_token_reaches_the_cache(self, bot, kind):
        """Neither an access token nor a CSRF token is in a file, or in a file's name."""
        credential = bot.log_in(kind)
        site = bot.site("Alice")
        save(site)
        site.login()
        token = credential.access_token
        secrets = {site.tokens["csrf"], credential.consumer.secret}
        secrets |= {getattr(token, name, None) for name in ("value", "refresh_token", "secret")}
        files = list((bot.folder / "apicache").iterdir())
        assert files
        for file in files:
            content = file.read_bytes() + file.name.encode()
            assert not [secret for secret in secrets if secret and secret.encode() in content]

    def test_users_do_not_share_what_is_cached(self, bot):
        """Pywikibot keys its files by the user who is logged in."""
        bot.log_in("2.0 owner-only")
        bot.log_in("2.0 owner-only", "Admin")
        names = []
        for user in ("Alice", "Admin"):
            site = bot.site(user)
            request = CachedRequest(1, site, parameters={"action": "query", "meta": "siteinfo"})
            request.submit()
            names.append(request._create_file_name())
        assert names[0] != names[1]
