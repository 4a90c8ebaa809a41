"""Requests of any library that act as a web tool's visitor, on a real wiki."""

from __future__ import annotations

import pickle

import mwclient
import pytest
import requests

from pwb_oauth.errors import (
    ConfigurationError,
    DeadlineExceededError,
    LoginRequiredError,
    TransportError,
)
from web_tool import (  # noqa: F401
    TITLE,
    Requests,
    WebTool,
    web_tool,
    web_tool_of_each_version,
    who_wrote,
)

WHO = {"action": "query", "meta": "userinfo", "format": "json"}


def an_edit(tool: WebTool, session: requests.Session) -> dict[str, str]:
    """What to post to put the line ``raw`` at the end of a page."""
    asked = {"action": "query", "meta": "tokens", "format": "json"}
    tokens = session.get(tool.wiki.api_url, params=asked).json()["query"]["tokens"]
    edit = {"action": "edit", "title": TITLE, "appendtext": "\nraw", "format": "json"}
    return {**edit, "token": tokens["csrftoken"]}


class TestRequestsSession:
    """``WikiAccount.requests_session``."""

    def test_asks_and_writes_as_the_visitor(self, any_tool):
        """As mwapi does: one session, one address, parameters."""
        with any_tool.flow.account(any_tool.visitor("Bob").open()) as account:
            session = account.requests_session()
            session.headers["User-Agent"] = "my tool"
            wiki_requests = Requests(any_tool.wiki)
            answer = session.get(any_tool.wiki.api_url, params=WHO).json()
            assert answer["query"]["userinfo"]["name"] == "Bob"
            answer = session.post(any_tool.wiki.api_url, data=an_edit(any_tool, session)).json()
            assert answer["edit"]["result"] == "Success"
            assert {each.headers["User-Agent"] for each in wiki_requests if each.action} == {
                "my tool"
            }
        assert who_wrote(any_tool.wiki, "raw") == "Bob"

    def test_write_says_whose_it_is(self, tool):
        """A form is refused as anybody else's; what the caller says and a read stay as they are."""
        with tool.flow.account(tool.visitor("Bob").open()) as account:
            session = account.requests_session()
            form = an_edit(tool, session)
            wiki_requests = Requests(tool.wiki)
            for data in (form, list(form.items())):
                answer = session.post(tool.wiki.api_url, data=data).json()
                assert answer["edit"]["result"] == "Success"
            session.post(tool.wiki.api_url, data=WHO)
            answer = session.post(tool.wiki.api_url, data={**form, "assertuser": "Alice"}).json()
            assert answer["error"]["code"] == "assertnameduserfailed"
            posts = [each for each in wiki_requests if each.method == "POST"]
            said = [each.params.get("assertuser") for each in posts]
        assert said == ["Bob", "Bob", None, "Alice"]
        assert "assertuser" not in form

    def test_renamed_visitor_writes_by_the_new_name(self, tool):
        """The user's id stays, and the wiki is asked for the name first."""
        browser = tool.visitor("Alice")
        users = tool.wiki._state.users
        users["Alicia"] = users.pop("Alice")
        users["Alicia"].name = "Alicia"
        with tool.flow.account(browser.open()) as account:
            session = account.requests_session()
            answer = session.post(tool.wiki.api_url, data=an_edit(tool, session)).json()
            assert answer["edit"]["result"] == "Success"
            assert account.username == "Alicia"

    def test_mwclient_edits_as_the_visitor(self, any_tool):
        """``pool=`` takes the session."""
        host = any_tool.wiki.url.removeprefix("http://")
        with any_tool.flow.account(any_tool.visitor("Alice").open()) as account:
            site = mwclient.Site(
                host, path="/w/", scheme="http", pool=account.requests_session(), force_login=False
            )
            page = site.pages[TITLE]
            page.edit(page.text() + "\nby mwclient", "test")
        assert who_wrote(any_tool.wiki, "by mwclient") == "Alice"

    @pytest.mark.parametrize(
        "place",
        [
            "http://127.0.0.1:1/w/api.php",
            "http://localhost:{port}/w/api.php",
            "https://meta.wikimedia.org/w/api.php",
            "http://user@127.0.0.1:{port}/w/api.php",
            "{wiki}/w/index.php?title=Main_Page",
            "{wiki}/other/api.php",
            "{wiki}/w/api.php/../index.php",
            "{wiki}/w/api.php%2f..%2findex.php",
            "{wiki}@evil.example/w/api.php",
            "http://evil.example/w/api.php",
            "//evil.example/w/api.php",
            "ftp://127.0.0.1/w/api.php",
            "file:///etc/passwd",
            "",
        ],
    )
    def test_goes_nowhere_else(self, tool, place):
        """Neither to another host, nor to another page of the wiki."""
        url = place.format(wiki=tool.wiki.url, port=tool.wiki.url.rpartition(":")[2])
        with tool.flow.account(tool.visitor("Alice").open()) as account:
            wiki_requests = Requests(tool.wiki)
            with pytest.raises(ConfigurationError):
                account.requests_session().get(url)
            assert len(wiki_requests) == 0

    def test_follows_no_redirect(self, tool):
        """Also where the caller asks for it."""
        with tool.flow.account(tool.visitor("Alice").open()) as account:
            tool.wiki.fail_next("redirect")
            with pytest.raises(ConfigurationError, match="does not follow"):
                account.requests_session().get(tool.wiki.api_url, params=WHO, allow_redirects=True)

    def test_other_authentication_is_not_possible(self, tool, tmp_path, monkeypatch):
        """Neither given, nor set on it, nor from .netrc."""
        netrc = tmp_path / "netrc"
        netrc.write_text("machine 127.0.0.1 login Bob password x\n")
        monkeypatch.setenv("NETRC", str(netrc))
        with tool.flow.account(tool.visitor("Alice").open()) as account:
            session = account.requests_session()
            session.auth = ("Bob", "x")
            session.headers["Authorization"] = "Bearer x"
            for options in ({}, {"auth": ("Bob", "x")}):
                answer = session.get(tool.wiki.api_url, params=WHO, **options).json()
                assert answer["query"]["userinfo"]["name"] == "Alice"

    def test_prepared_elsewhere_is_refused(self, tool):
        """It would go out as nobody's."""
        with tool.flow.account(tool.visitor("Alice").open()) as account:
            session = account.requests_session()
            prepared = requests.Request("GET", tool.wiki.api_url, params=WHO).prepare()
            with pytest.raises(ConfigurationError):
                session.send(prepared)

    def test_is_of_no_use_after_the_block(self, any_tool):
        """Nor are libraries that keep it."""
        with any_tool.flow.account(any_tool.visitor("Alice").open()) as account:
            session = account.requests_session()
        wiki_requests = Requests(any_tool.wiki)
        for use in (
            lambda: session.get(any_tool.wiki.api_url, params=WHO),
            lambda: session.post(any_tool.wiki.api_url, data=WHO),
            account.identify,
            lambda: account.site("en", "sandbox"),
            lambda: account.requests_session().get(any_tool.wiki.api_url),
        ):
            with pytest.raises(LoginRequiredError, match="block"):
                use()
        assert len(wiki_requests) == 0

    def test_cannot_be_pickled(self, tool):
        """Nor can the account."""
        with tool.flow.account(tool.visitor("Alice").open()) as account:
            for thing in (account.requests_session(), account):
                with pytest.raises(TypeError):
                    pickle.dumps(thing)

    def test_cookies_of_two_visitors_do_not_mix(self, any_tool):
        """Each session has those of its own access token."""
        alice, bob = any_tool.visitor("Alice"), any_tool.visitor("Bob")
        with (
            any_tool.flow.account(alice.open()) as one,
            any_tool.flow.account(bob.open()) as other,
        ):
            sessions = [account.requests_session() for account in (one, other)]
            for session in sessions:
                response = session.post(any_tool.wiki.api_url, data=an_edit(any_tool, session))
                assert response.json()["edit"]["result"] == "Success"
                assert "Set-Cookie" not in response.headers
                assert not response.request.headers.get("Authorization")
                assert not response.cookies
            assert not any(session.cookies for session in sessions)

    @pytest.mark.parametrize(
        ("fault", "error"),
        [
            ("cut", TransportError),
            ("hang", DeadlineExceededError),
            ("trickle", DeadlineExceededError),
        ],
    )
    def test_wiki_does_not_answer_raises_ours(self, tool, fault, error):
        """Which no library takes for a reason to wait for minutes."""
        with tool.flow.account(tool.visitor("Alice").open(), seconds=1) as account:
            tool.wiki.fail_next(fault, count=9, seconds=3)
            with pytest.raises(error) as caught:
                account.requests_session().get(tool.wiki.api_url, params=WHO)
            tool.wiki._faults.close()
        assert caught.value.__context__ is None
