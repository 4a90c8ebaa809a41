"""What the sandbox wiki does when it is told to fail."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from requests_oauthlib import OAuth1

from pwb_oauth.testing import SandboxWiki
from sandbox_clients import ask, bearer, who


class TestFailNext:
    def test_503_says_when_to_come_back(self, wiki):
        """Once; the next request is answered as usual."""
        wiki.fail_next("503", seconds=7)
        reply = ask(wiki, action="query")
        assert (reply.status_code, reply.headers["Retry-After"]) == (503, "7")
        assert ask(wiki, action="query").status_code == 200

    def test_cut_ends_the_connection_without_an_answer(self, wiki):
        """The log has the request, with status 0."""
        wiki.fail_next("cut")
        with pytest.raises(requests.ConnectionError):
            ask(wiki, action="query")
        assert wiki.log[-1].status == 0

    def test_lost_does_what_was_asked_and_then_ends_the_connection(self, wiki):
        """The edit is there, its answer is not."""
        consumer = wiki.add_consumer("Bot", owner="BotOwner", owner_only=True)
        asked = ask(wiki, token=consumer.access_token, action="query", meta="tokens").json()
        token = asked["query"]["tokens"]["csrftoken"]
        form = {"action": "edit", "title": "Lost", "text": "found", "token": token}
        wiki.fail_next("lost", action="edit")
        with pytest.raises(requests.ConnectionError):
            requests.post(wiki.api_url, form, headers=bearer(consumer.access_token), timeout=10)
        assert wiki.pages["Lost"].revisions[-1].text == "found"
        assert (wiki.log[-1].user, wiki.log[-1].status) == ("BotOwner", 0)

    @pytest.mark.parametrize(
        ("kind", "status", "header", "value"),
        [
            ("401", 401, "WWW-Authenticate", 'error="invalid_token"'),
            ("429", 429, "Retry-After", "7"),
            ("jwt", 200, "MediaWiki-API-Error", "mwoauth-invalid-authorization-jwt"),
            ("redirect", 302, "Location", "http://elsewhere.invalid/"),
        ],
    )
    def test_refusal_is_named_in_a_header(self, wiki, kind, status, header, value):
        """Each as the wiki, or what stands before it, answers."""
        wiki.fail_next(kind, seconds=7)
        reply = requests.get(wiki.api_url, allow_redirects=False, timeout=10)
        assert reply.status_code == status
        assert value in reply.headers[header]

    def test_hang_answers_late_and_blocks_nobody_else(self, wiki):
        """Another request overtakes the one that hangs."""
        wiki.fail_next("hang", seconds=1.5, action="query")
        with ThreadPoolExecutor(1) as pool:
            slow = pool.submit(ask, wiki, action="query", meta="userinfo")
            time.sleep(0.1)
            assert requests.get(wiki.url + "/wiki/Sandbox", timeout=10).ok
            assert not slow.done()
            assert slow.result().json()["query"]["userinfo"]["anon"]

    def test_close_lets_a_hanging_request_go(self):
        """A wiki with a request that would hang for a minute closes at once."""
        wiki = SandboxWiki()
        wiki.fail_next("hang", seconds=60)
        with ThreadPoolExecutor(1) as pool:
            slow = pool.submit(ask, wiki, action="query")
            time.sleep(0.1)
            started = time.perf_counter()
            wiki.close()
            with pytest.raises(requests.ConnectionError):
                slow.result()
        assert time.perf_counter() - started < 2

    def test_answer_takes_its_time(self, wiki):
        """It is whole in the end, and was executed at once."""
        wiki.fail_next("trickle", seconds=0.3)
        began = time.perf_counter()
        reply = ask(wiki, action="query", meta="userinfo")
        assert time.perf_counter() - began > 0.25
        assert reply.json()["query"]["userinfo"]["anon"]
        assert wiki.log[-1].status == 200

    def test_close_lets_an_answer_that_takes_its_time_go(self):
        """It would take a minute."""
        wiki = SandboxWiki()
        wiki.fail_next("trickle", seconds=60)
        with ThreadPoolExecutor(1) as pool:
            slow = pool.submit(ask, wiki, action="query", meta="siteinfo")
            time.sleep(0.1)
            started = time.perf_counter()
            wiki.close()
            with pytest.raises(requests.RequestException):
                slow.result()
        assert time.perf_counter() - started < 2

    def test_html_comes_instead_of_json(self, wiki):
        """As from a broken proxy."""
        wiki.fail_next("html")
        reply = ask(wiki, action="query")
        assert reply.status_code == 200
        assert reply.text.startswith("<!DOCTYPE html>")

    @pytest.mark.parametrize("kind", ["half-json", "empty"])
    def test_body_that_is_no_json_claims_to_be(self, wiki, kind):
        """A success by its status and type, but not to be read."""
        wiki.fail_next(kind)
        reply = ask(wiki, action="query")
        assert reply.headers["Content-Type"].startswith("application/json")
        with pytest.raises(requests.JSONDecodeError):
            reply.json()

    def test_edge_401_looks_like_wikimedias(self, wiki):
        """JSON without "error", which Pywikibot takes for a success."""
        wiki.fail_next("edge-401")
        reply = ask(wiki, action="query")
        assert reply.status_code == 401
        assert reply.json() == {"httpCode": 401, "httpReason": "Jwt is expired"}

    @pytest.mark.parametrize("kind", ["maxlag", "badtoken"])
    def test_api_errors_come_with_status_200_and_the_header(self, wiki, kind):
        """As any error of api.php."""
        wiki.fail_next(kind)
        reply = ask(wiki, action="query")
        assert (reply.status_code, reply.headers["MediaWiki-API-Error"]) == (200, kind)
        assert reply.json()["error"]["code"] == kind
        assert wiki.log[-1].error == kind

    def test_count_and_filters_choose_the_requests(self, wiki):
        """Only the third matching request is answered; others never fail."""
        consumer = wiki.add_consumer("Bot", owner="BotOwner", owner_only=True)
        wiki.fail_next("503", count=2, path="/api.php", action="query", user="BotOwner")
        assert requests.get(wiki.url + "/wiki/Sandbox", timeout=10).ok
        assert who(wiki) == "127.0.0.1"
        statuses = [
            ask(wiki, token=consumer.access_token, action="query").status_code for _ in range(3)
        ]
        assert statuses == [503, 503, 200]

    def test_fault_of_anybody_leaves_the_nonce_alone(self, wiki):
        """A request that never reached the wiki did not burn its nonce."""
        bot = wiki.add_consumer("B", oauth_version="1.0a", owner="BotOwner", owner_only=True)
        auth = OAuth1(bot.key, bot.secret, bot.access_token, bot.access_secret, nonce="n1")
        wiki.fail_next("503")
        assert ask(wiki, auth=auth, action="query").status_code == 503
        assert who(wiki, auth=auth) == "BotOwner"

    def test_unknown_kind_is_a_value_error(self, wiki):
        """A typing error does not make a test pass."""
        with pytest.raises(ValueError, match="half-json"):
            wiki.fail_next("404")
