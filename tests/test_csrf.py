"""CSRF tokens that the wiki calls bad, met by Pywikibot's own requests."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from pywikibot.exceptions import APIError

from bot_actions import authors, in_threads, save
from pwb_oauth import csrf, oauth2, sites
from pwb_oauth.errors import LoginRequiredError
from pwb_oauth.wiki import Wiki


@pytest.fixture(autouse=True)
def no_pause(monkeypatch):
    """Let the pauses pass at once."""
    monkeypatch.setattr(csrf.time, "sleep", lambda seconds: None)


@pytest.fixture
def site(bot):
    bot.log_in("2.0")
    site = bot.site("Alice")
    site.login()
    assert site.tokens["csrf"]
    bot.wiki.log.clear()
    return site


def request(site, **parameters):
    """A request whose token the wiki will call bad."""
    return site.simple_request(**{"action": "edit", "token": "stale+\\", **parameters})


def token_queries(wiki):
    """The types of token that were asked for, request by request."""
    asked = [entry for entry in wiki.log if "tokens" in entry.params.get("meta", "").split("|")]
    return [entry.params["type"] for entry in asked]


class TestRenew:
    """A new token for a request whose own was refused."""

    @pytest.mark.parametrize(
        ("action", "kind"),
        [
            ("edit", "csrf"),
            ("move", "csrf"),
            ("patrol", "patrol"),
            ("rollback", "rollback"),
            ("userrights", "userrights"),
            ("watch", "watch"),
        ],
    )
    def test_action_wants_its_type_it_gets_that(self, bot, site, action, kind):
        """The type is the action's, not that of the token that was last asked for."""
        refused = request(site, action=action)
        site.tokens._tokens[kind] = "stale+\\"
        assert csrf.renew(refused, sites.account_of(site))
        assert token_queries(bot.wiki) == [kind]
        assert refused._params["token"] == [site.tokens[kind]] != ["stale+\\"]

    def test_another_thread_was_faster_its_token_is_taken(self, bot, site):
        """The wallet holds another token than the one that was refused."""
        refused = request(site)
        assert csrf.renew(refused, sites.account_of(site))
        assert refused._params["token"] == [site.tokens["csrf"]]
        assert token_queries(bot.wiki) == []

    def test_type_never_asked_for_it_is_fetched(self, bot, site):
        """There is nothing in the wallet to take."""
        site.tokens._tokens.pop("patrol", None)
        assert csrf.renew(request(site, action="patrol"), sites.account_of(site))
        assert token_queries(bot.wiki) == ["patrol"]

    def test_other_tokens_are_left_where_they_are(self, site):
        """Emptying the wallet would fail the threads that are reading it."""
        wallet = site.tokens._tokens
        wallet.update(csrf="stale+\\", patrol="kept+\\")
        csrf.renew(request(site), sites.account_of(site))
        assert site.tokens._tokens is wallet
        assert wallet["patrol"] == "kept+\\"

    def test_pywikibot_may_meet_the_same_error_again(self, site):
        """It gives up at the second equal one in a row, unless it is told to forget the first."""
        refused = request(site)
        refused.last_error = {"code": "badtoken", "info": "Invalid CSRF token."}
        csrf.renew(refused, sites.account_of(site))
        assert refused.last_error == {"code": None, "info": None}

    def test_sixty_times_in_vain_it_gives_up(self, site):
        """The error goes to the script then."""
        refused, account = request(site), sites.account_of(site)
        assert [csrf.renew(refused, account) for _ in range(61)] == [True] * 60 + [False]

    def test_pauses_they_grow_from_nothing_to_half_a_second(self, site, monkeypatch):
        """The first try is at once; two machines fall out of step by chance."""
        pauses = []
        monkeypatch.setattr(csrf.time, "sleep", pauses.append)
        monkeypatch.setattr(csrf.random, "random", lambda: 1.0)
        refused = request(site)
        for _ in range(12):
            csrf.renew(refused, sites.account_of(site))
        assert pauses[0] == 0
        assert pauses == sorted(pauses)
        assert pauses[1] > 0
        assert sum(pauses) < 6

    def test_request_without_a_token_it_is_left_alone(self, bot, site):
        """No wiki calls a token bad that was not sent, so the answer is nonsense: say so."""
        bot.wiki.fail_next("badtoken", count=5, action="query")
        with pytest.raises(APIError, match="badtoken"):
            site.simple_request(action="query", meta="userinfo").submit()

    def test_logged_out_meanwhile_it_says_so(self, site):
        """The wiki has no token for nobody, and a KeyError would end Pywikibot's thread."""
        refused, account = request(site), sites.account_of(site)
        site.logout()
        with pytest.raises(LoginRequiredError, match="was logged out while"):
            csrf.renew(refused, account)
        assert refused._params["token"] == ["stale+\\"]

    def test_asking_for_tokens_is_answered_so_it_ends(self, bot, site):
        """The question is asked under a lock, and must not wait for that lock itself."""
        site.tokens._tokens["csrf"] = "stale+\\"
        bot.wiki.fail_next("badtoken", count=5, action="query")
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(csrf.renew, request(site), sites.account_of(site))
            with pytest.raises(APIError, match="badtoken"):
                asked.result(timeout=5)


class TestTogether:
    """Edits that meet a stale token are saved, once."""

    def test_after_a_refresh_the_edit_is_saved_once(self, bot, site):
        """The old access token's CSRF token is void."""
        bot.wiki.expire_tokens()
        save(site, "Page", "text")
        assert authors(bot.wiki, "Page") == ["Alice"]

    def test_many_threads_one_asks_for_all(self, bot, site):
        """Each edit is saved once, and the wiki is asked for far fewer tokens than edits."""
        stale = site.tokens["csrf"]
        bot.wiki.expire_tokens()
        site.simple_request(action="query", meta="userinfo").submit()
        bot.wiki.log.clear()
        site.tokens._tokens["csrf"] = stale

        def edit(number):
            site.simple_request(
                action="edit", title=f"Page {number}", text="x", token=stale
            ).submit()

        assert in_threads(8, edit) == []
        assert [authors(bot.wiki, f"Page {number}") for number in range(8)] == [["Alice"]] * 8
        assert token_queries(bot.wiki) == ["csrf"]

    def test_second_live_token_of_the_same_user_no_edit_fails(self, bot, site):
        """Two machines that logged in separately void each other's CSRF tokens by a mere read."""
        credential = sites.account_of(site).credential
        wiki = Wiki.from_url(bot.wiki.api_url)
        theirs = oauth2.refresh(
            wiki, credential.consumer, credential.access_token, username="Alice"
        )
        # As if the other machine had got it by logging in itself, which ends no other token.
        for issued in bot.wiki._state.access_tokens.values():
            issued.revoked = False
        for number in range(4):
            requests.get(
                bot.wiki.api_url,
                params={"action": "query", "meta": "tokens", "format": "json"},
                headers={"Authorization": f"Bearer {theirs.value}"},
                timeout=10,
            )
            save(site, "Shared", f"text {number}")
        assert authors(bot.wiki, "Shared") == ["Alice"] * 4
        refused = bot.wiki.log.select(action="edit", error="badtoken")
        assert len(refused) == 4
