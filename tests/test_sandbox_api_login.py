"""Signing in to the sandbox wiki with passwords, and out."""

from __future__ import annotations

import pytest

from pwb_oauth.testing import SandboxWiki
from pwb_oauth.testing.sandbox.defaults import default_description
from sandbox_api import Api, signed_in

BOT = "BotOwner"
RETURN = "https://example.org/"


@pytest.fixture
def api(wiki) -> Api:
    return Api(wiki)


def client_login(api: Api, name: str, password: str, **params) -> dict:
    return api(
        "clientlogin",
        username=name,
        password=password,
        loginreturnurl=RETURN,
        logintoken=api.token("login"),
        **params,
    )["clientlogin"]


def who(api: Api) -> str:
    return api("query", meta="userinfo")["query"]["userinfo"]["name"]


class TestClientlogin:
    def test_right_password_starts_a_session(self, wiki, api):
        """From then on the cookies say who it is, until logout."""
        assert client_login(api, "alice", wiki.users["Alice"].password) == {
            "status": "PASS",
            "username": "Alice",
        }
        assert who(api) == "Alice"
        assert api.write("logout") == {}
        assert who(api) == "127.0.0.1"

    def test_remember_me_adds_a_lasting_cookie(self, wiki, api):
        """``rememberMe`` keeps the browser signed in for 180 days."""
        client_login(api, "Alice", wiki.users["Alice"].password, rememberMe="1")
        lasting = {cookie.name for cookie in api.session.cookies if cookie.expires}
        assert any(name.endswith("Token") for name in lasting)

    @pytest.mark.parametrize("name", ["Alice", "Nobody", "A<b"])
    def test_wrong_password_and_unknown_name_look_alike(self, api, name):
        """The answer does not tell which names exist."""
        answer = client_login(api, name, "wrong")
        assert (answer["status"], answer["messagecode"]) == ("FAIL", "wrongpassword")
        assert who(api) == "127.0.0.1"

    def test_login_without_its_token_is_refused(self, wiki, api):
        """The token must be that of this session."""
        params = {"loginreturnurl": RETURN, "username": "Alice", "password": "x"}
        assert api.error("clientlogin", **params) == "missingparam"
        foreign = Api(wiki).token("login")
        assert api.error("clientlogin", **params, logintoken=foreign) == "badtoken"
        assert api.error("clientlogin", logintoken=api.token("login")) == "missingparam"

    def test_nobody_signs_in_or_out_under_oauth(self, wiki):
        """The credential of the request says who it is, and that stays so."""
        oauth = signed_in(wiki, BOT)
        assert client_login(oauth, "Alice", wiki.users["Alice"].password)["status"] == "FAIL"
        assert oauth("login", lgname="Alice")["login"]["result"] == "Aborted"
        assert oauth.error("logout", token=oauth.token()) == "cannotlogout"
        assert who(oauth) == BOT


class TestLogin:
    def test_token_is_asked_for_first(self, wiki, api):
        """Without a token the answer gives one, a wrong one is refused."""
        answer = api("login", lgname="Alice")["login"]
        assert answer["result"] == "NeedToken"
        wrong = api("login", lgname="Alice", lgpassword="x", lgtoken="x+\\")["login"]
        assert wrong["result"] == "WrongToken"

    def test_account_password_works_with_a_warning(self, wiki, api):
        """The old way still signs in, and says that it is old."""
        password = wiki.users["Alice"].password
        answer = api("login", lgname="Alice", lgpassword=password, lgtoken=api.token("login"))
        assert answer["login"]["result"] == "Success"
        assert "deprecated" in answer["warnings"]["login"]["warnings"]
        assert who(api) == "Alice"

    @pytest.mark.parametrize(
        ("name", "password"),
        [("BotOwner@pwb", "0" * 32), ("BotOwner@pwb", "short"), ("Alice", "wrong")],
    )
    def test_wrong_password_fails(self, api, name, password):
        """A wrong password, bot's or account's, gives Failed."""
        answer = api("login", lgname=name, lgpassword=password, lgtoken=api.token("login"))
        assert answer["login"]["result"] == "Failed"

    def test_bot_password_starts_a_session_of_its_own(self):
        """Only the right one does, and its grants limit the session."""
        description = default_description("MediaWiki 1.43.9")
        password = "0123456789abcdefghijklmnopqrstuv"
        description["bot_passwords"] = [
            {"user": BOT, "app_id": "pwb", "password": password, "grants": ["basic"]}
        ]
        with SandboxWiki(description) as wiki:
            api = Api(wiki)
            for tried, result in ((password[::-1], "Failed"), (password, "Success")):
                token = api.token("login")
                answer = api("login", lgname=f"{BOT}@pwb", lgpassword=tried, lgtoken=token)
                assert answer["login"]["result"] == result
            assert who(api) == BOT
            assert api.write("edit", title="X", text="x")["error"]["code"] == "permissiondenied"
            assert api.error("logout", token=api.token()) == "cannotlogout"


class TestChecktoken:
    def test_token_is_judged_by_session_kind_and_age(self, wiki, api):
        """Valid, invalid and expired are told apart."""
        oauth = signed_in(wiki, BOT)
        token = oauth.token()
        assert oauth("checktoken", type="csrf", token=token)["checktoken"]["result"] == "valid"
        assert api("checktoken", type="csrf", token=token)["checktoken"] == {"result": "invalid"}
        wiki.clock.advance(100)
        old = oauth("checktoken", type="csrf", token=token, maxtokenage="50")["checktoken"]
        assert old["result"] == "expired"
