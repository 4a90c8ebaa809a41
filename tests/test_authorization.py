"""Obtaining a credential by either version of OAuth."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import responses

from oauth_answers import (
    ACCESS_TOKEN,
    IDENTIFY,
    INITIATE,
    NOW,
    PROFILE,
    TOKEN,
    WIKI,
    came_back,
    consumer1,
    consumer2,
    identify_jwt,
    pending,
)
from pwb_oauth import authorization, clock
from pwb_oauth.credential import Consumer, Credential, OAuth1AccessToken, OAuth2AccessToken
from pwb_oauth.errors import (
    ConfigurationError,
    IdentityError,
    LoginRequiredError,
    PendingExpiredError,
    StateMismatchError,
)
from pwb_oauth.wiki import Wiki

GIVEN = {"token_type": "Bearer", "expires_in": 60, "access_token": "a.b.c", "refresh_token": "r"}
ALICE = {"sub": "4", "username": "Alice", "grants": ["editpage", "basic"]}


@pytest.fixture(autouse=True)
def fixed_clock(monkeypatch):
    """Let it be noon."""
    monkeypatch.setattr(clock, "now", lambda: NOW)


def add_identify(wiki: Wiki = WIKI) -> None:
    """Let the wiki say that an OAuth 1.0a token is Alice's."""

    def answer(request):
        nonce = re.search('oauth_nonce="(.*?)"', request.headers["Authorization"])[1]
        return 200, {}, identify_jwt(nonce, iss=wiki.server)

    responses.add_callback("POST", wiki.server + IDENTIFY, answer)


class TestBeginAuthorization:
    """Sending the user to the wiki."""

    @responses.activate
    def test_oauth1_a_request_token_is_fetched(self):
        """The door leads to OAuth 1.0a."""
        responses.post(WIKI.server + INITIATE, body='{"key":"k","secret":"s"}')
        begun = authorization.begin_authorization(WIKI, consumer1())
        assert "title=Special%3AOAuth%2Fauthorize&oauth_token=k" in begun.url

    @responses.activate
    def test_oauth2_nothing_is_fetched(self):
        """The door leads to OAuth 2.0."""
        begun = authorization.begin_authorization(WIKI, consumer2())
        assert "/rest.php/oauth2/authorize?response_type=code" in begun.url
        assert not responses.calls

    @responses.activate
    @pytest.mark.parametrize("consumer", [consumer1(owner_only=True), consumer2(owner_only=True)])
    def test_owner_only_raises_and_nothing_is_sent(self, consumer):
        """The wiki would show its owner a form that cannot be sent."""
        with pytest.raises(ConfigurationError, match="Take that access token over"):
            authorization.begin_authorization(WIKI, consumer)
        assert not responses.calls


class TestCompleteAuthorization:
    """Making a credential of what came back."""

    @responses.activate
    def test_oauth1_the_credential_is_the_users(self):
        """The token is exchanged, and the wiki asked whose it is."""
        responses.post(WIKI.server + TOKEN, body='{"key":"k","secret":"s"}')
        add_identify()
        back = came_back(oauth_token="5tateOfPending", oauth_verifier="abc")
        assert authorization.complete_authorization(WIKI, pending(consumer1()), back) == Credential(
            consumer=consumer1(),
            access_token=OAuth1AccessToken("k", "s"),
            username="Alice",
            logged_in_at=NOW,
            subject="4",
            grants=("basic", "editpage", "highvolume"),
        )

    @responses.activate
    def test_oauth2_the_credential_is_the_users(self):
        """The code is exchanged, and the wiki asked whose the token is."""
        responses.post(WIKI.server + ACCESS_TOKEN, json=GIVEN)
        responses.get(WIKI.server + PROFILE, json=ALICE)
        back = came_back(code="c", state="5tateOfPending")
        assert authorization.complete_authorization(WIKI, pending(consumer2()), back) == Credential(
            consumer=consumer2(),
            access_token=OAuth2AccessToken("a.b.c", "r", NOW + timedelta(seconds=60), NOW),
            username="Alice",
            logged_in_at=NOW,
            subject="4",
            grants=("basic", "editpage"),
        )
        assert responses.calls[1].request.headers["Authorization"] == "Bearer a.b.c"

    @responses.activate
    @pytest.mark.parametrize("consumer", [consumer1(), consumer2()])
    def test_begun_more_than_ten_minutes_ago_raises_and_nothing_is_sent(
        self, consumer, monkeypatch
    ):
        """The wiki has forgotten it by then."""
        begun = pending(consumer)
        back = came_back(
            code="c", state="5tateOfPending", oauth_token="5tateOfPending", oauth_verifier="abc"
        )
        monkeypatch.setattr(clock, "now", lambda: NOW + timedelta(minutes=10, seconds=1))
        with pytest.raises(PendingExpiredError, match="Begin again"):
            authorization.complete_authorization(WIKI, begun, back)
        assert not responses.calls

    @responses.activate
    def test_begun_ten_minutes_ago_it_is_completed(self, monkeypatch):
        """So long the wiki remembers."""
        responses.post(WIKI.server + ACCESS_TOKEN, json=GIVEN)
        responses.get(WIKI.server + PROFILE, json=ALICE)
        monkeypatch.setattr(clock, "now", lambda: NOW + timedelta(minutes=10))
        back = came_back(code="c", state="5tateOfPending")
        assert authorization.complete_authorization(WIKI, pending(consumer2()), back)

    @responses.activate
    @pytest.mark.parametrize("consumer", [consumer1(), consumer2()])
    @pytest.mark.parametrize(
        "url", ["https://evil.example", "https://wiki.example/~mallory/w/api.php"]
    )
    def test_begun_on_another_wiki_raises_and_nothing_is_sent(self, consumer, url):
        """A wiki gets neither the code nor the consumer secret that are for another one."""
        back = came_back(
            code="c", state="5tateOfPending", oauth_token="5tateOfPending", oauth_verifier="abc"
        )
        with pytest.raises(StateMismatchError):
            authorization.complete_authorization(Wiki.from_url(url), pending(consumer), back)
        assert not responses.calls

    @responses.activate
    def test_begun_on_another_wiki_of_the_farm_it_is_completed(self):
        """The central wiki gives the token either way."""
        begun = authorization.begin_authorization(Wiki.from_url("de.wikipedia.org"), consumer2())
        responses.post("https://meta.wikimedia.org" + ACCESS_TOKEN, json=GIVEN)
        responses.get("https://meta.wikimedia.org" + PROFILE, json=ALICE)
        back = came_back(code="c", state=begun.state)
        wiki = Wiki.from_url("en.wikipedia.org")
        assert authorization.complete_authorization(wiki, begun, back).username == "Alice"

    @responses.activate
    @pytest.mark.parametrize("consumer", [consumer1(), consumer2()])
    def test_came_back_from_elsewhere_raises(self, consumer):
        """Errors of either version pass through the door."""
        back = came_back(code="c", state="x", oauth_token="x", oauth_verifier="abc")
        with pytest.raises(StateMismatchError):
            authorization.complete_authorization(WIKI, pending(consumer), back)

    @responses.activate
    def test_user_is_hidden_raises(self):
        """A token of which nobody knows whose it is makes no credential."""
        responses.post(WIKI.server + ACCESS_TOKEN, json=GIVEN)
        responses.get(WIKI.server + PROFILE, json={"sub": "4", "blocked": True})
        back = came_back(code="c", state="5tateOfPending")
        with pytest.raises(IdentityError, match="hidden"):
            authorization.complete_authorization(WIKI, pending(consumer2()), back)


class TestAdopt:
    """Taking over an access token."""

    @responses.activate
    def test_oauth2_owner_only_the_credential_is_the_owners(self):
        """The token is all that is known."""
        responses.get("https://meta.wikimedia.org" + PROFILE, json=ALICE)
        consumer = Consumer(None, owner_only=True)
        token = OAuth2AccessToken("a.b.c")
        credential = authorization.adopt(Wiki("https://de.wikipedia.org"), consumer, token)
        assert (credential.username, credential.subject) == ("Alice", "4")
        assert credential.access_token is token
        assert credential.expires_at is None
        assert credential.logged_in_at == NOW

    @responses.activate
    def test_oauth1_owner_only_the_credential_is_the_owners(self):
        """The four values that the wiki showed."""
        add_identify()
        consumer = consumer1(owner_only=True, callback_url=None)
        credential = authorization.adopt(WIKI, consumer, OAuth1AccessToken("k", "s"))
        assert credential.username == "Alice"

    @responses.activate
    def test_token_is_refused_raises(self):
        """It was revoked, or copied in part."""
        responses.get(WIKI.server + PROFILE, status=401, json={"error": "access_denied"})
        with pytest.raises(LoginRequiredError):
            authorization.adopt(WIKI, consumer2(owner_only=True), OAuth2AccessToken("a"))

    def test_token_of_the_other_version_raises(self):
        """Before anything is sent."""
        with responses.RequestsMock(), pytest.raises(ConfigurationError):
            authorization.adopt(WIKI, consumer1(), OAuth2AccessToken("a"))
