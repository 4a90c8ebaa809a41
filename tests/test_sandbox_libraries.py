"""Clients that others wrote complete their flows against the sandbox wiki, unchanged."""

from __future__ import annotations

import json

import mwclient
import mwoauth
import pytest
from authlib.integrations import requests_client as authlib
from requests_oauthlib import OAuth1Session, OAuth2Session

from pwb_oauth.testing import SandboxWiki
from sandbox_clients import CALLBACK, special

WHO = {"action": "query", "meta": "userinfo", "format": "json", "formatversion": "2"}
TOKEN = {"action": "query", "meta": "tokens", "format": "json", "formatversion": "2"}
AGENT = "Sandbox wiki test (https://example.org)"


@pytest.fixture(params=["1.43", "1.46", "wikimedia"])
def wiki(request, monkeypatch):
    """A wiki of each version. These libraries insist on TLS unless they are told not to."""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
    with SandboxWiki(version=request.param) as sandbox:
        yield sandbox


@pytest.fixture
def oauth1(wiki):
    return wiki.add_consumer(
        "1", oauth_version="1.0a", callback_url=CALLBACK, callback_is_prefix=True
    )


@pytest.fixture
def oauth2(wiki):
    return wiki.add_consumer("2", callback_url=CALLBACK)


@pytest.fixture
def public(wiki):
    return wiki.add_consumer("App", callback_url=CALLBACK, confidential=False)


def edit(wiki, session, title):
    """Edit a page by a session of requests; the account that the wiki credits."""
    token = session.get(wiki.api_url, params=TOKEN).json()["query"]["tokens"]["csrftoken"]
    fields = {"action": "edit", "title": title, "text": "é & ü", "token": token, "format": "json"}
    assert session.post(wiki.api_url, data=fields).json()["edit"]["result"] == "Success"
    return wiki.pages[title].latest.user


class TestMwoauth:
    """The library that Pywikibot uses."""

    def test_handshake_and_identity(self, wiki, oauth1):
        """Three legs, and the signed identity."""
        consumer = mwoauth.ConsumerToken(oauth1.key, oauth1.secret)
        handshaker = mwoauth.Handshaker(
            wiki.index_url, consumer, callback=CALLBACK, user_agent=AGENT
        )
        link, request_token = handshaker.initiate()
        answer = wiki.approve(link, "Bob")
        access_token = handshaker.complete(request_token, answer.partition("?")[2])
        identity = handshaker.identify(access_token)
        assert (identity["username"], identity["iss"]) == ("Bob", wiki.url)
        assert "editpage" in str(identity["grants"])

    def test_refusal_is_its_own_error(self, wiki, oauth1):
        """A wrong secret."""
        consumer = mwoauth.ConsumerToken(oauth1.key, "wrong")
        handshaker = mwoauth.Handshaker(
            wiki.index_url, consumer, callback=CALLBACK, user_agent=AGENT
        )
        with pytest.raises(mwoauth.OAuthException, match="Invalid signature"):
            handshaker.initiate()


class TestMwclient:
    """A bot framework beside Pywikibot."""

    @staticmethod
    def site(wiki, **options):
        host = wiki.url.removeprefix("http://")
        return mwclient.Site(host, scheme="http", clients_useragent=AGENT, **options)

    def test_oauth_signs_every_request(self, wiki):
        """An owner-only consumer of OAuth 1.0a."""
        own = wiki.add_consumer("own", oauth_version="1.0a", owner="BotOwner", owner_only=True)
        site = self.site(
            wiki,
            consumer_token=own.key,
            consumer_secret=own.secret,
            access_token=own.access_token,
            access_secret=own.access_secret,
        )
        site.pages["Made"].save("by mwclient", "a summary")
        latest = wiki.pages["Made"].latest
        assert (latest.user, latest.text) == ("BotOwner", "by mwclient")
        assert {entry.mechanism for entry in wiki.log} == {"oauth1"}

    def test_password_signs_in(self, wiki):
        """By ``clientlogin``, and then ``login`` with a bot password."""
        site = self.site(wiki)
        site.clientlogin(username="Alice", password=wiki.users["Alice"].password)
        site.pages["Made"].save("by hand")
        assert wiki.pages["Made"].latest.user == "Alice"
        given = wiki.add_bot_password("BotOwner", "mwclient")
        site = self.site(wiki)
        site.login(given.login_name, given.password)
        site.pages["Made"].save("by a bot")
        assert wiki.pages["Made"].latest.user == "BotOwner"
        assert [page.name for page in site.allpages(prefix="Mad")] == ["Made"]


class TestRequestsOauthlib:
    """Its two sessions, and nothing around them."""

    def test_oauth1_session(self, wiki, oauth1):
        """Three legs, and an edit."""
        session = OAuth1Session(oauth1.key, oauth1.secret, callback_uri=CALLBACK)
        session.fetch_request_token(special(wiki, "initiate"))
        link = session.authorization_url(
            special(wiki, "authenticate"), oauth_consumer_key=oauth1.key
        )
        session.parse_authorization_response(wiki.approve(link, "Bob"))
        session.fetch_access_token(special(wiki, "token"))
        assert edit(wiki, session, "Made") == "Bob"

    def test_oauth2_session(self, wiki, oauth2):
        """A code, an edit, and a refresh by itself once the wiki's token has expired."""
        kept = []
        endpoint = f"{wiki.rest_url}/oauth2/access_token"
        secrets = {"client_id": oauth2.key, "client_secret": oauth2.secret}
        session = OAuth2Session(
            oauth2.key,
            auto_refresh_url=endpoint,
            auto_refresh_kwargs=secrets,
            token_updater=kept.append,
            pkce="S256",
        )
        link, _ = session.authorization_url(f"{wiki.rest_url}/oauth2/authorize")
        answer = wiki.approve(link, "Bob")
        token = session.fetch_token(
            endpoint,
            authorization_response=answer,
            client_secret=oauth2.secret,
            include_client_id=True,
        )
        assert edit(wiki, session, "Made") == "Bob"
        session.token = {**token, "expires_at": 1}
        assert edit(wiki, session, "Made again") == "Bob"
        assert kept[0]["refresh_token"] != token["refresh_token"]


class TestAuthlib:
    """Its two sessions, and nothing around them."""

    def test_oauth1_session(self, wiki, oauth1):
        """Three legs, and an edit."""
        session = authlib.OAuth1Session(oauth1.key, oauth1.secret, redirect_uri=CALLBACK)
        session.fetch_request_token(special(wiki, "initiate"))
        link = session.create_authorization_url(special(wiki, "authenticate"))
        session.parse_authorization_response(
            wiki.approve(f"{link}&oauth_consumer_key={oauth1.key}", "Bob")
        )
        session.fetch_access_token(special(wiki, "token"))
        assert edit(wiki, session, "Made") == "Bob"

    @pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
    def test_oauth2_session(self, wiki, oauth2, method):
        """The secret by HTTP Basic, as is its custom, or in the body."""
        session = authlib.OAuth2Session(
            oauth2.key,
            oauth2.secret,
            redirect_uri=CALLBACK,
            token_endpoint_auth_method=method,
            token_endpoint=f"{wiki.rest_url}/oauth2/access_token",
        )
        link, _ = session.create_authorization_url(f"{wiki.rest_url}/oauth2/authorize")
        token = session.fetch_token(authorization_response=wiki.approve(link, "Bob"))
        assert edit(wiki, session, "Made") == "Bob"
        renewed = session.refresh_token(refresh_token=token["refresh_token"])
        assert renewed["access_token"] != token["access_token"]
        assert session.get(wiki.api_url, params=WHO).json()["query"]["userinfo"]["name"] == "Bob"

    def test_public_client_with_pkce(self, wiki, public):
        """No secret but the verifier's."""
        session = authlib.OAuth2Session(
            public.key,
            redirect_uri=CALLBACK,
            code_challenge_method="S256",
            token_endpoint_auth_method="none",
        )
        verifier = "v" * 64
        link, _ = session.create_authorization_url(
            f"{wiki.rest_url}/oauth2/authorize", code_verifier=verifier
        )
        session.fetch_token(
            f"{wiki.rest_url}/oauth2/access_token",
            authorization_response=wiki.approve(link, "Bob"),
            code_verifier=verifier,
        )
        assert edit(wiki, session, "Made") == "Bob"
        assert json.loads(session.get(wiki.api_url, params=WHO).text)["query"]
