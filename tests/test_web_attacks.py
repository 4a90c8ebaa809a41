"""What attackers do to the sign-in of a web tool, and accidents that look the same.

Each of these goes red when the defence that its docstring speaks of is taken out.
"""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from pwb_oauth import clock
from pwb_oauth.errors import (
    AuthorizationDeniedError,
    PendingExpiredError,
    StateMismatchError,
    TokenRequestError,
)
from pwb_oauth.testing import SandboxWiki
from pwb_oauth.wiki import Wiki
from web_tool import (  # noqa: F401
    CALLBACK,
    Browser,
    Requests,
    WebTool,
    web_tool,
    web_tool_of_each_version,
)


def came_with(url: str) -> dict[str, str]:
    """The parameters of an address."""
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def callback(**parameters: str) -> str:
    """An address at which a browser comes back."""
    return f"{CALLBACK}?{urlencode(parameters)}"


def token_requests(requests: Requests) -> list[str]:
    """Where a code or a verifier was sent."""
    return [each.path for each in requests if "access_token" in each.path or "token" in each.path]


@pytest.fixture
def alice(tool) -> Browser:
    """The victim's browser, which has left for the wiki."""
    return Browser(tool)


@pytest.fixture
def mallory(tool) -> Browser:
    """The attacker's."""
    return Browser(tool)


class TestForgedCallback:
    """A callback that this browser did not leave for: nobody is signed in by it."""

    def test_without_state_raises_and_the_wiki_is_not_asked(self, tool, alice):
        """The state check; a code alone says nothing of who wanted it."""
        came = came_with(tool.wiki.approve(alice.leave(), "Alice"))
        requests = Requests(tool.wiki)
        for forged in (callback(code=came["code"]), callback(code=came["code"], state="")):
            with pytest.raises(StateMismatchError):
                alice.come_back(forged)
        assert len(requests) == 0
        assert tool.rows() == []

    def test_anothers_state_raises_and_the_wiki_is_not_asked(self, any_tool):
        """The state check: Mallory makes Alice's browser open Mallory's callback (login CSRF)."""
        alice, mallory = Browser(any_tool), Browser(any_tool)
        alice.leave()
        back = any_tool.wiki.approve(mallory.leave(), "Bob")
        requests = Requests(any_tool.wiki)
        with pytest.raises(StateMismatchError):
            alice.come_back(back)
        assert len(requests) == 0
        assert alice.open() is None

    def test_code_of_another_login_under_the_victims_state_raises(self, tool, alice, mallory):
        """PKCE: the code was made for another verifier, even where the state has leaked."""
        state = came_with(alice.leave())["state"]
        code = came_with(tool.wiki.approve(mallory.leave(), "Bob"))["code"]
        with pytest.raises(TokenRequestError):
            alice.come_back(callback(code=code, state=state))
        assert tool.rows() == []

    def test_oauth1_verifier_of_another_login_raises(self, bot, tmp_path):
        """The verifier belongs to its request token."""
        tool = WebTool(bot.wiki, tmp_path, "1.0a")
        alice, mallory = Browser(tool), Browser(tool)
        ours = came_with(tool.wiki.approve(alice.leave(), "Alice"))["oauth_token"]
        theirs = came_with(tool.wiki.approve(mallory.leave(), "Bob"))["oauth_verifier"]
        with pytest.raises(TokenRequestError):
            alice.come_back(callback(oauth_token=ours, oauth_verifier=theirs))
        assert tool.rows() == []

    def test_code_made_without_a_challenge_raises(self, tool, alice):
        """The state check: MediaWiki 1.43 would take such a code with any verifier."""
        address = urlsplit(alice.leave())
        asked = came_with(address.geturl())
        del asked["code_challenge"], asked["code_challenge_method"]
        asked["state"] = "chosen by Mallory"
        forged = address._replace(query=urlencode(asked)).geturl()
        back = tool.wiki.approve(forged, "Bob")
        assert came_with(back)["code"]
        requests = Requests(tool.wiki)
        with pytest.raises(StateMismatchError):
            alice.come_back(back)
        assert len(requests) == 0

    def test_forced_by_approval_pass_raises(self, tool, alice):
        """The state check: the wiki gives a code in silence to a page that somebody else opened."""
        alice.sign_in("Alice")
        alice.sign_out()
        asked = came_with(alice.leave()) | {"approval_pass": "1", "state": "chosen by Mallory"}
        del asked["code_challenge"], asked["code_challenge_method"]
        forged = f"{tool.wiki.rest_url}/oauth2/authorize?{urlencode(asked)}"
        back = tool.wiki.approve(forged, "Alice")
        assert came_with(back)["code"]
        with pytest.raises(StateMismatchError):
            alice.come_back(back)
        assert alice.open() is None
        assert tool.rows() == []

    @pytest.mark.parametrize(
        ("error", "expected"),
        [
            ("unauthorized_client", AuthorizationDeniedError),
            ("access_denied", AuthorizationDeniedError),
            ("invalid_scope", TokenRequestError),
            ("server_error", TokenRequestError),
            ("<script>", TokenRequestError),
        ],
    )
    def test_error_without_state_signs_nobody_in_or_out(self, tool, error, expected):
        """Anybody can send a browser there: attempts and user sessions stay as they are."""
        alice = tool.visitor("Alice")
        alice.leave()
        before = dict(alice.cookies)
        with pytest.raises(expected) as caught:
            alice.come_back(callback(error=error))
        assert "<" not in str(caught.value)
        assert alice.cookies == before
        assert alice.open().username == "Alice"

    def test_cancel_is_told_from_everything_else(self, tool, alice):
        """What MediaWiki really sends, without state; the next attempt works."""
        back = tool.wiki.approve(alice.leave(), "Alice", allow=False)
        with pytest.raises(AuthorizationDeniedError):
            alice.come_back(back)
        assert alice.sign_in("Alice").username == "Alice"

    @pytest.mark.parametrize("twice", ["code", "state"])
    def test_parameter_twice_raises(self, tool, alice, twice):
        """Which of them counts, others may read otherwise than we do."""
        back = tool.wiki.approve(alice.leave(), "Alice")
        with pytest.raises(StateMismatchError):
            alice.come_back(f"{back}&{twice}=another")
        assert alice.come_back(back).session.username == "Alice"

    @pytest.mark.parametrize(
        "url",
        [
            "",
            "?",
            CALLBACK,
            f"{CALLBACK}?state",
            f"{CALLBACK}?state=%ff%00",
            f"{CALLBACK}?state=\ud800",
            f"{CALLBACK}?state={'x' * 4000}",
            f"{CALLBACK}?oauth_token=x&oauth_verifier=y",
            "//[",
            "é" * 50,
        ],
    )
    def test_reached_without_having_left_raises(self, alice, url):
        """Whatever the address holds."""
        with pytest.raises(StateMismatchError):
            alice.come_back(url)


class TestUsedAndExpired:
    """An attempt works once, and for ten minutes."""

    def test_replayed_callback_raises(self, any_tool):
        """The attempt's cookie is gone: from the history, or by the back button."""
        alice = Browser(any_tool)
        back = any_tool.wiki.approve(alice.leave(), "Alice")
        alice.come_back(back)
        with pytest.raises(StateMismatchError):
            alice.come_back(back)
        assert len(any_tool.rows()) == 1
        assert alice.open().username == "Alice"

    def test_replayed_callback_with_the_cookie_of_then_raises(self, any_tool):
        """The wiki takes no code twice."""
        alice = Browser(any_tool)
        back = any_tool.wiki.approve(alice.leave(), "Alice")
        then = dict(alice.cookies)
        alice.come_back(back)
        thief = Browser(any_tool)
        thief.cookies = then
        with pytest.raises(TokenRequestError):
            thief.come_back(back)
        assert len(any_tool.rows()) == 1

    def test_after_a_failure_the_attempt_is_over(self, tool, alice):
        """Its cookie is deleted, and the next attempt works."""
        back = tool.wiki.approve(alice.leave(), "Alice")
        tool.wiki.fail_next("503", path="oauth2/access_token")
        with pytest.raises(Exception, match="503"):
            alice.come_back(back)
        assert alice.cookies == {}
        assert alice.sign_in("Alice").username == "Alice"

    def test_after_ten_minutes_raises_and_the_wiki_is_not_asked(self, any_tool, monkeypatch):
        """The time stands in the encrypted cookie, whatever the browser says of its age."""
        alice = Browser(any_tool)
        back = any_tool.wiki.approve(alice.leave(), "Alice")
        requests = Requests(any_tool.wiki)
        late = clock.now() + timedelta(minutes=10, seconds=1)
        monkeypatch.setattr(clock, "now", lambda: late)
        with pytest.raises(PendingExpiredError):
            alice.come_back(back)
        assert len(requests) == 0


class TestManyAttempts:
    """Tabs that leave and never come back."""

    def test_fifty_attempts_the_last_five_work(self, tool, alice):
        """In any order; the browser keeps no more than five cookies of them."""
        urls = [alice.leave(f"/{number}") for number in range(50)]
        assert len(alice.cookies) == 5
        backs = [tool.wiki.approve(url, "Alice") for url in (urls[44], *urls[:44:-1])]
        with pytest.raises(StateMismatchError):
            alice.come_back(backs.pop(0))
        assert [alice.come_back(back).next_url for back in backs] == [
            f"/{number}" for number in range(49, 44, -1)
        ]

    def test_two_tabs_each_goes_on_where_it_was(self, any_tool):
        """In the other order than they left."""
        alice = Browser(any_tool)
        one, two = alice.leave("/one"), alice.leave("/two")
        assert alice.come_back(any_tool.wiki.approve(two, "Alice")).next_url == "/two"
        assert alice.come_back(any_tool.wiki.approve(one, "Alice")).next_url == "/one"


class TestOpenRedirect:
    """``next`` on the whole way."""

    @pytest.mark.parametrize(
        "next_url",
        ["//evil.example", "/\\evil.example", "https:evil.example", "/%2f%2fevil.example", "\t//x"],
    )
    def test_visitor_ends_on_this_site(self, tool, alice, next_url):
        """The check is made before it is put away."""
        back = tool.wiki.approve(alice.leave(next_url), "Alice")
        assert alice.come_back(back).next_url == "/"

    def test_altered_on_the_way_it_is_not_taken(self, tool, alice):
        """It travels in the encrypted cookie, not by the wiki."""
        url = alice.leave("/after")
        assert "after" not in url
        assert not any("after" in value for value in alice.cookies.values())
        back = tool.wiki.approve(url, "Alice")
        assert alice.come_back(f"{back}&next=//evil.example").next_url == "/after"


class TestAnotherWiki:
    """What comes from, or belongs to, another wiki."""

    def test_callback_of_another_wiki_raises_and_neither_is_asked(self, tool, alice):
        """The state check: a code of a wiki that the attacker runs is not exchanged."""
        alice.leave()
        with SandboxWiki() as other:
            consumer = other.add_consumer("same", owner="Admin", callback_url=CALLBACK)
            asked = {
                "response_type": "code",
                "client_id": consumer.key,
                "state": "of the other wiki",
                "redirect_uri": CALLBACK,
            }
            back = other.approve(f"{other.rest_url}/oauth2/authorize?{urlencode(asked)}", "Alice")
            ours, theirs = Requests(tool.wiki), Requests(other)
            with pytest.raises(StateMismatchError):
                alice.come_back(back)
            assert len(ours) == len(theirs) == 0

    def test_attempt_that_was_begun_for_another_wiki_raises(self, any_tool):
        """The wiki stands in the cookie: the new one gets neither code nor secret of the old."""
        alice = Browser(any_tool)
        back = any_tool.wiki.approve(alice.leave(), "Alice")
        with SandboxWiki() as other:
            any_tool.start(wiki=Wiki.from_url(other.api_url))
            requests = Requests(other)
            with pytest.raises(StateMismatchError):
                alice.come_back(back)
            assert len(requests) == 0

    def test_same_sub_on_a_second_wiki_is_another_user(self, bot, tmp_path):
        """Wiki and sub are one name; the rows of the one open nothing for the other."""
        first = WebTool(bot.wiki, tmp_path)
        alice = first.visitor("Alice")
        with SandboxWiki() as other:
            folder = tmp_path / "second"
            folder.mkdir()
            second = WebTool(other, folder, key=first.consumer.key, secret=first.consumer.secret)
            second.database = first.database
            second.start(second.settings, encryption_keys=first.settings.encryption_keys)
            theirs = second.visitor("Alice")
            one, two = alice.open(), theirs.open()
            assert one.subject == two.subject
            assert one.wiki != two.wiki
            assert second.flow.open(alice.cookies, alice.row_id) is None
            assert first.flow.open(theirs.cookies, theirs.row_id) is None
            assert second.flow.logout_everywhere(two) == 1
            assert alice.open().username == "Alice"
