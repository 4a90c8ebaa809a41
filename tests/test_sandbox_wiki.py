"""The sandbox wiki as its users see it: starting, setting up, watching, resetting, stopping."""

from __future__ import annotations

import doctest
import errno
import re
import socket
import subprocess
import sys
import threading
import time
from datetime import datetime, timedelta, timezone

import pytest
import requests
from requests_oauthlib import OAuth1

import pwb_oauth.testing
import pwb_oauth.testing.sandbox
from pwb_oauth.testing import SandboxWiki
from pwb_oauth.testing.sandbox.nonces import Nonces
from pwb_oauth.testing.sandbox.server import RequestLog
from sandbox_clients import CALLBACK, OAuth1Client, OAuth2Client, edit, who


class TestSandboxWiki:
    def test_start_takes_less_than_half_a_second(self):
        """A test suite can afford a wiki for each test."""
        times = []
        for _ in range(3):
            started = time.perf_counter()
            with SandboxWiki() as wiki:
                assert requests.get(wiki.url + "/wiki/Sandbox", timeout=10).ok
                times.append(time.perf_counter() - started)
        assert min(times) < 0.5

    def test_close_leaves_no_thread(self):
        """Neither the server's thread nor a request's is left over."""
        before = set(threading.enumerate())
        with SandboxWiki() as wiki:
            requests.get(wiki.api_url, timeout=10)
        assert set(threading.enumerate()) <= before

    def test_close_with_an_idle_client_ends_at_once(self):
        """A client that connects and says nothing does not hold the wiki up."""
        wiki = SandboxWiki()
        port = int(wiki.url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)):
            time.sleep(0.05)
            started = time.perf_counter()
            wiki.close()
        assert time.perf_counter() - started < 2

    def test_close_twice_is_harmless(self):
        """A fixture and a test may both close it."""
        wiki = SandboxWiki()
        wiki.close()
        wiki.close()

    def test_only_loopback_is_listened_on(self, wiki):
        """Nobody else on the network reaches the wiki."""
        assert wiki._server._server.server_address[0] == "127.0.0.1"

    def test_taken_port_is_an_os_error(self, capfd):
        """Werkzeug would end the whole program, and say so itself."""
        with (
            socket.create_server(("127.0.0.1", 0)) as other,
            pytest.raises(OSError, match="already in use") as caught,
        ):
            SandboxWiki(port=other.getsockname()[1])
        assert caught.value.errno == errno.EADDRINUSE
        assert capfd.readouterr() == ("", "")

    def test_named_port_can_be_taken_again_at_once(self):
        """By the next wiki, after the one before it was closed."""
        with SandboxWiki() as wiki:
            port = int(wiki.url.rpartition(":")[2])
            requests.get(wiki.api_url, timeout=10)
        with SandboxWiki(port=port) as again:
            assert again.url == wiki.url
            assert requests.get(again.api_url, timeout=10).ok

    def test_two_wikis_in_one_process_know_nothing_of_each_other(self, wiki):
        """Accounts, tokens and ports are each wiki's own."""
        with SandboxWiki() as other:
            consumer = wiki.add_consumer("Bot", owner="BotOwner", owner_only=True)
            assert other.url != wiki.url
            assert who(wiki, token=consumer.access_token) == "BotOwner"
            assert who(other, token=consumer.access_token) == "mwoauth-invalid-authorization"

    def test_default_users_have_their_groups_and_a_password(self, wiki):
        """Alice, Bob, a bot and an administrator are there."""
        groups = {user.name: user.groups for user in wiki.users.values()}
        assert groups == {"Admin": ["sysop"], "BotOwner": ["bot"], "Alice": [], "Bob": []}
        assert all(len(user.password) > 10 for user in wiki.users.values())

    def test_added_user_signs_in_with_the_given_password(self, wiki):
        """A user of the test's own can approve a consumer."""
        wiki.add_user("Carol", password="open sesame", groups=["bot"])
        consumer = wiki.add_consumer("Tool", callback_url=CALLBACK)
        token = OAuth2Client(wiki, consumer).obtain("Carol")["access_token"]
        assert who(wiki, token=token) == "Carol"

    def test_owner_only_consumers_come_with_a_working_token(self, wiki):
        """Both OAuth versions need no approval for an owner-only consumer."""
        one = wiki.add_consumer("1", oauth_version="1.0a", owner="Bob", owner_only=True)
        two = wiki.add_consumer("2", oauth_version="2.0", owner="Bob", owner_only=True)
        signer = OAuth1(one.key, one.secret, one.access_token, one.access_secret)
        assert who(wiki, auth=signer) == "Bob"
        assert who(wiki, token=two.access_token) == "Bob"

    def test_no_secret_shows_in_a_repr(self, wiki):
        """What a failing test prints holds no password, secret or token."""
        client = OAuth2Client(wiki, wiki.add_consumer("Tool", callback_url=CALLBACK))
        pair = client.obtain()
        bot = wiki.add_consumer("Bot", owner="BotOwner", owner_only=True)
        who(wiki, token=bot.access_token)
        state = wiki._state
        things = [wiki, bot, *wiki.users.values(), *wiki.log, state]
        things += [*state.codes.values(), *state.sessions.values()]
        things += [*state.refresh_tokens.values(), *state.acceptances]
        shown = repr(things)
        secrets = [bot.secret, bot.access_token, *state.codes, *state.sessions]
        secrets += [pair["access_token"], pair["refresh_token"]]
        secrets += [user.password for user in wiki.users.values()]
        secrets += [old.access_secret for old in state.acceptances]
        assert [secret for secret in secrets if secret in shown] == []

    def test_log_tells_who_asked_what_and_what_was_answered(self, wiki):
        """Time, method, path, action, user, mechanism, status and error of each request."""
        consumer = wiki.add_consumer("Bot", owner="BotOwner", owner_only=True)
        wiki.log.clear()
        who(wiki, token=consumer.access_token)
        who(wiki, token="garbage")
        good, bad = wiki.log
        assert (good.method, good.path, good.action) == ("GET", "/w/api.php", "query")
        assert (good.user, good.mechanism, good.status, good.error) == (
            "BotOwner",
            "oauth2",
            200,
            None,
        )
        assert (bad.user, bad.error) == (None, "mwoauth-invalid-authorization")
        assert good.headers["authorization"] == f"Bearer {consumer.access_token}"
        assert abs(good.time - wiki.clock.now) < timedelta(seconds=30)
        assert wiki.log.select(user="BotOwner") == [good]

    def test_log_keeps_the_last_thousand(self, wiki):
        """So that a wiki that runs for days does not fill the memory."""
        wiki.log.limit = 3
        for number in range(5):
            who(wiki, token=f"garbage {number}")
        kept = [entry.headers["Authorization"][-1] for entry in wiki.log]
        assert kept == ["2", "3", "4"]
        assert (len(wiki.log), wiki.log.dropped) == (3, 2)
        assert wiki.log[-1].error == "mwoauth-invalid-authorization"
        wiki.log.clear()
        assert (len(wiki.log), wiki.log.dropped) == (0, 0)
        assert RequestLog().limit == 1000

    def test_watcher_is_told_of_every_request(self, wiki):
        """Once each, when it is answered."""
        told = []
        wiki.log.watch(told.append)
        who(wiki, token="garbage")
        assert told == list(wiki.log)

    def test_log_without_a_limit_keeps_all(self, wiki):
        """For tests that count thousands."""
        wiki.log.limit = None
        (entry,) = self._logged(wiki)
        for _ in range(1500):
            wiki.log.append(entry)
        assert (len(wiki.log), wiki.log.dropped) == (1501, 0)

    @staticmethod
    def _logged(wiki):
        who(wiki, token="garbage")
        return list(wiki.log)

    def test_bot_password_signs_in_within_its_grants(self, wiki):
        """Its form is MediaWiki's; a made-up one fits too."""
        made = wiki.add_bot_password("Bob", "app", grants=["basic"])
        assert made.login_name == "Bob@app"
        assert re.fullmatch(r"[0-9a-w]{32,}", made.password)
        assert wiki.bot_passwords["Bob@app"] is made
        with requests.Session() as session:
            ask = {"action": "query", "meta": "tokens", "type": "login", "format": "json"}
            tokens = session.get(wiki.api_url, params=ask, timeout=10).json()["query"]["tokens"]
            fields = {
                "action": "login",
                "lgname": made.login_name,
                "lgpassword": made.password,
                "lgtoken": tokens["logintoken"],
                "format": "json",
            }
            reply = session.post(wiki.api_url, fields, timeout=10).json()
            assert reply["login"]["result"] == "Success"
            who_am_i = {"action": "query", "meta": "userinfo", "uiprop": "rights", "format": "json"}
            info = session.get(wiki.api_url, params=who_am_i, timeout=10).json()["query"][
                "userinfo"
            ]
        assert info["name"] == "Bob"
        assert "edit" not in info["rights"]

    def test_added_page_is_there_with_its_author(self, wiki):
        """Under its normalized title; once more is one more revision."""
        page = wiki.add_page("user:Bob/sub_page", "First.", user="Bob")
        assert (page.title, page.ns, page.latest.user) == ("User:Bob/sub page", 2, "Bob")
        wiki.add_page("User:Bob/sub page", "Second.")
        assert [each.user for each in page.revisions] == ["Bob", "Admin"]
        changes = {"action": "query", "list": "recentchanges", "rclimit": "2", "format": "json"}
        reply = requests.get(wiki.api_url, changes, timeout=10).json()
        assert [each["title"] for each in reply["query"]["recentchanges"]] == [page.title] * 2
        with pytest.raises(ValueError, match=r"\["):
            wiki.add_page("A[b", "")

    def test_added_page_waits_for_a_patroller(self, wiki):
        """Unless its author is trusted, as with an edit by a request."""
        wiki.add_page("By Bob", "First.", user="Bob")
        wiki.add_page("By Admin", "First.")
        latest = wiki._state.recent_changes[-2:]
        assert [(each.title, each.patrolled) for each in latest] == [("By Bob", 0), ("By Admin", 2)]

    def test_reset_brings_the_start_back(self, wiki):
        """Pages, consumers, clock and log are as freshly started."""
        consumer = wiki.add_consumer("Bot", owner="BotOwner", owner_only=True)
        edit(wiki, token=consumer.access_token)
        wiki.clock.advance(3600)
        password = wiki.users["Alice"].password
        wiki.reset()
        assert len(wiki.pages["Sandbox"].revisions) == 1
        assert not wiki.consumers
        assert len(wiki.log) == 0
        assert wiki.users["Alice"].password == password
        assert who(wiki, token=consumer.access_token) == "mwoauth-invalid-authorization"

    def test_edit_shows_up_in_pages_with_author_and_tag(self, wiki):
        """A test can read who edited what without asking over HTTP."""
        consumer = wiki.add_consumer("Tool", callback_url=CALLBACK)
        token = OAuth2Client(wiki, consumer).obtain("Bob")["access_token"]
        edit(wiki, token=token)
        latest = wiki.pages["Sandbox"].revisions[-1]
        assert (latest.user, latest.text) == ("Bob", "Edited.")
        assert latest.tags == [consumer.change_tag]

    def test_revoke_ends_all_tokens_of_a_user(self, wiki):
        """As if the user had been at Special:OAuthManageMyGrants."""
        one = wiki.add_consumer(
            "1", oauth_version="1.0a", callback_url=CALLBACK, callback_is_prefix=True
        )
        two = wiki.add_consumer("2", callback_url=CALLBACK)
        signer = OAuth1Client(wiki, one).obtain()
        pair = OAuth2Client(wiki, two).obtain()
        wiki.revoke("Alice", one)
        assert who(wiki, auth=signer) == "mwoauth-invalid-authorization"
        assert who(wiki, token=pair["access_token"]) == "Alice"
        wiki.revoke("Alice")
        assert who(wiki, token=pair["access_token"]) == "mwoauth-invalid-authorization"
        assert OAuth2Client(wiki, two).refresh(pair["refresh_token"]).status_code == 401

    def test_expire_tokens_ends_only_access_tokens_of_that_user(self, wiki):
        """The refresh token still works, and other users notice nothing."""
        client = OAuth2Client(wiki, wiki.add_consumer("Tool", callback_url=CALLBACK))
        alice, bob = client.obtain("Alice"), client.obtain("Bob")
        wiki.expire_tokens(user="Alice")
        assert who(wiki, token=alice["access_token"]) == "mwoauth-invalid-authorization"
        assert who(wiki, token=bob["access_token"]) == "Bob"
        renewed = client.refresh(alice["refresh_token"]).json()["access_token"]
        assert who(wiki, token=renewed) == "Alice"

    def test_disabled_consumer_is_refused_with_its_own_code(self, wiki):
        """A token of a consumer that was disabled later is not simply invalid."""
        consumer = wiki.add_consumer("Bot", owner="BotOwner", owner_only=True)
        wiki.disable(consumer)
        code = who(wiki, token=consumer.access_token)
        assert code == "mwoauth-invalid-authorization-not-approved"

    def test_consumer_of_another_wiki_is_refused(self, wiki):
        """A consumer may be registered for one wiki of a farm only."""
        consumer = wiki.add_consumer("Bot", owner="BotOwner", owner_only=True)
        consumer.wiki = "elsewhere"
        code = who(wiki, token=consumer.access_token)
        assert code == "mwoauth-invalid-authorization-wrong-wiki"

    def test_locked_user_is_refused(self, wiki):
        """A globally locked account cannot use OAuth."""
        consumer = wiki.add_consumer("Bot", owner="BotOwner", owner_only=True)
        wiki.lock("BotOwner")
        code = who(wiki, token=consumer.access_token)
        assert code == "mwoauth-invalid-authorization-blocked-user"

    def test_blocked_user_reads_but_does_not_edit(self, wiki):
        """A block on the wiki is not a lock."""
        consumer = wiki.add_consumer("Bot", owner="BotOwner", owner_only=True)
        wiki.block("BotOwner", reason="test")
        assert who(wiki, token=consumer.access_token) == "BotOwner"
        assert edit(wiki, token=consumer.access_token)["error"]["code"] == "blocked"

    def test_unexpected_error_is_a_plain_500_and_raised_at_the_end(self, monkeypatch):
        """A fault of the sandbox itself never passes for an answer of a wiki."""
        wiki = SandboxWiki()
        monkeypatch.setattr(wiki._state, "pages", None)
        reply = requests.get(wiki.url + "/wiki/Sandbox", timeout=10)
        assert reply.status_code == 500
        assert "Traceback" not in reply.text
        with pytest.raises(AttributeError):
            wiki.close()

    def test_failing_test_keeps_its_own_error(self, monkeypatch):
        """The error of the test is not hidden by one of the sandbox."""

        def fail():
            with SandboxWiki() as wiki:
                monkeypatch.setattr(wiki._state, "pages", None)
                requests.get(wiki.url + "/wiki/Sandbox", timeout=10)
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            fail()

    def test_unknown_path_is_not_found(self, wiki):
        """What is no part of a wiki is a 404."""
        assert requests.get(wiki.url + "/nowhere", timeout=10).status_code == 404

    def test_nothing_is_printed(self, wiki, capfd):
        """Neither requests nor errors nor broken clients reach stderr."""
        requests.get(wiki.api_url, timeout=10)
        port = int(wiki.url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(b"NONSENSE\r\n\r\n")
            connection.recv(100)
        assert capfd.readouterr() == ("", "")

    def test_example_in_the_docstring_works(self):
        """The first thing a newcomer copies runs."""
        assert doctest.testmod(pwb_oauth.testing.sandbox).attempted > 0
        assert doctest.testmod(pwb_oauth.testing.sandbox).failed == 0


class TestNonces:
    """What the wiki remembers of each OAuth 1.0a request."""

    def test_nonce_is_known_for_five_minutes_and_then_forgotten(self):
        """Nothing of it stays in memory."""
        nonces, now = Nonces(), datetime(2030, 1, 1, tzinfo=timezone.utc)
        assert nonces.burn("a", now)
        assert not nonces.burn("a", now + timedelta(seconds=299))
        assert nonces.burn("b", now + timedelta(seconds=299))
        assert nonces.burn("c", now + timedelta(seconds=301))
        assert sum(map(len, nonces._used.values())) == 2
        assert nonces.burn("a", now + timedelta(seconds=302))


class TestClock:
    def test_set_moves_the_date_header(self, wiki):
        """Replies carry the wiki's time."""
        wiki.clock.set(datetime(2030, 1, 2, 3, 4, 5, tzinfo=timezone.utc))
        reply = requests.get(wiki.api_url, timeout=10)
        assert reply.headers["Date"].startswith("Wed, 02 Jan 2030 03:04:")

    def test_set_to_naive_time_is_refused(self, wiki):
        """A time without a zone is a mistake."""
        with pytest.raises(ValueError, match="aware"):
            wiki.clock.set(datetime(2030, 1, 1))  # noqa: DTZ001 - that is the mistake

    def test_advance_past_the_lifetime_ends_a_token(self, wiki):
        """Lifetimes go by the wiki's clock."""
        client = OAuth2Client(wiki, wiki.add_consumer("Tool", callback_url=CALLBACK))
        token = client.obtain()["access_token"]
        wiki.clock.advance(3590)
        assert who(wiki, token=token) == "Alice"
        wiki.clock.advance(20)
        assert who(wiki, token=token) == "mwoauth-invalid-authorization"


class TestPublicNames:
    def test_testing_exports_its_names_lazily(self):
        """Importing the package loads neither werkzeug nor pytest."""
        program = (
            "import sys, pwb_oauth.testing as t\n"
            "assert not {'werkzeug', 'pytest', 'jwt'} & set(sys.modules)\n"
            "assert t.SandboxWiki.__name__ == 'SandboxWiki'\n"
        )
        subprocess.run([sys.executable, "-c", program], check=True, timeout=60)  # noqa: S603

    def test_unknown_name_is_an_attribute_error(self):
        """A typing error is told at once."""
        with pytest.raises(AttributeError, match="SandboxWikki"):
            pwb_oauth.testing.SandboxWikki  # noqa: B018
