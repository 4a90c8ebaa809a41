"""Both protocols over real sockets, against the sandbox wiki."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from pwb_oauth import authorization, oauth2, transport
from pwb_oauth.credential import (
    Consumer,
    Credential,
    OAuth1AccessToken,
    OAuth2AccessToken,
    PendingAuthorization,
)
from pwb_oauth.errors import (
    AuthorizationDeniedError,
    ConfigurationError,
    LoginRequiredError,
    StateMismatchError,
    TokenRequestError,
    TransportError,
)
from pwb_oauth.identity import fetch_identity
from pwb_oauth.testing import SandboxWiki
from pwb_oauth.wiki import Wiki

CALLBACK = "http://127.0.0.1:9/back"
TOKEN_PATH = "oauth2/access_token"
PROFILE_PATH = "oauth2/resource/profile"


def address(wiki: SandboxWiki) -> Wiki:
    """The wiki as a client knows it."""
    return Wiki.from_url(wiki.api_url)


def register(wiki: SandboxWiki, version: str, **settings) -> Consumer:
    """Register a consumer, and know of it what its owner is told."""
    callback = settings.pop("callback_url", CALLBACK)
    made = wiki.add_consumer(
        f"consumer {len(wiki.consumers)}",
        oauth_version=version,
        owner="Admin",
        callback_url=callback or "",
        **settings,
    )
    return Consumer(made.key, made.secret, version, callback_url=callback)


def begin(wiki: SandboxWiki, consumer: Consumer) -> PendingAuthorization:
    """Go to the wiki."""
    return authorization.begin_authorization(address(wiki), consumer)


def complete(wiki: SandboxWiki, pending: PendingAuthorization, response: str) -> Credential:
    """Come back from it."""
    return authorization.complete_authorization(address(wiki), pending, response)


def log_in(wiki: SandboxWiki, consumer: Consumer, user: str = "Alice") -> Credential:
    """Go there, press Allow, and come back."""
    pending = begin(wiki, consumer)
    return complete(wiki, pending, wiki.approve(pending.url, user))


def refresh(wiki: SandboxWiki, credential: Credential) -> Credential:
    """Renew a credential."""
    token = oauth2.refresh(
        address(wiki), credential.consumer, credential.access_token, username="Alice"
    )
    return credential.renewed(token)


def whose(wiki: SandboxWiki, credential: Credential) -> str:
    """Ask the wiki."""
    return fetch_identity(address(wiki), credential.consumer, credential.access_token).username


class TestThreeLegged:
    """A user presses Allow."""

    @pytest.mark.parametrize("version", ["1.0a", "2.0"])
    @pytest.mark.parametrize("user", ["Alice", "Bob"])
    def test_callback_the_credential_is_the_users(self, wiki, version, user):
        """The browser comes back to the address that was registered."""
        credential = log_in(wiki, register(wiki, version), user)
        assert credential.username == user
        assert credential.subject
        assert "editpage" in credential.grants
        assert whose(wiki, credential) == user

    def test_oauth1_callback_is_under_a_prefix_the_credential_is_the_users(self, wiki):
        """A consumer may name any address under the registered one."""
        consumer = register(wiki, "1.0a", callback_is_prefix=True)
        deeper = replace(consumer, callback_url=f"{CALLBACK}/deeper?x=1")
        assert log_in(wiki, deeper).username == "Alice"

    def test_oauth1_out_of_band_the_code_is_typed(self, wiki):
        """The wiki shows a code, which the user types."""
        pending = begin(wiki, register(wiki, "1.0a", callback_url=None))
        shown = parse_qs(urlsplit(wiki.approve(pending.url)).query)["oauth_verifier"][0]
        assert complete(wiki, pending, f" {shown}\n").username == "Alice"

    def test_oauth2_public_the_credential_is_the_users(self, wiki):
        """A consumer that keeps no secret proves itself by PKCE."""
        consumer = replace(register(wiki, "2.0", confidential=False), secret=None)
        assert log_in(wiki, consumer).username == "Alice"

    @pytest.mark.parametrize("version", ["1.43", "1.46", "wikimedia"])
    def test_oauth2_by_each_version_the_credential_is_renewed(self, version):
        """Logging in and refreshing, with the old token dead afterwards."""
        with SandboxWiki(version=version) as wiki:
            old = log_in(wiki, register(wiki, "2.0"))
            new = refresh(wiki, old)
            assert new.access_token.refresh_token != old.access_token.refresh_token
            assert whose(wiki, new) == "Alice"
            with pytest.raises(LoginRequiredError):
                whose(wiki, old)


class TestOwnerOnly:
    """A token that the wiki showed when the consumer was registered."""

    @pytest.mark.parametrize("version", ["1.0a", "2.0"])
    def test_token_is_taken_over_the_credential_is_the_owners(self, wiki, version):
        """The wiki is asked whose it is."""
        made = wiki.add_consumer("own", oauth_version=version, owner="BotOwner", owner_only=True)
        consumer = Consumer(made.key, made.secret, version, owner_only=True)
        if version == "1.0a":
            token = OAuth1AccessToken(made.access_token, made.access_secret)
        else:
            token = OAuth2AccessToken(made.access_token)
        credential = authorization.adopt(address(wiki), consumer, token)
        assert credential.username == "BotOwner"
        assert not credential.refreshable

    def test_oauth2_nothing_but_the_token_is_known_it_is_taken_over(self, wiki):
        """As from an environment variable."""
        made = wiki.add_consumer("own", owner="BotOwner", owner_only=True)
        token = OAuth2AccessToken(made.access_token)
        credential = authorization.adopt(address(wiki), Consumer(None, owner_only=True), token)
        assert credential.username == "BotOwner"

    def test_oauth1_one_of_the_four_values_is_wrong_raises(self, wiki):
        """Whichever of them."""
        made = wiki.add_consumer("own", oauth_version="1.0a", owner="BotOwner", owner_only=True)
        right = [made.key, made.secret, made.access_token, made.access_secret]
        for index in range(4):
            values = [*right[:index], "0" * 40, *right[index + 1 :]]
            consumer = Consumer(*values[:2], "1.0a", owner_only=True)
            with pytest.raises(LoginRequiredError, match="compare its four values"):
                authorization.adopt(address(wiki), consumer, OAuth1AccessToken(*values[2:]))


class TestRefused:
    """Nobody gets a credential."""

    def test_oauth2_cancel_raises(self, wiki):
        """The wiki sends the browser back with an error, and without state."""
        pending = begin(wiki, register(wiki, "2.0"))
        with pytest.raises(AuthorizationDeniedError):
            complete(wiki, pending, wiki.approve(pending.url, allow=False))

    def test_oauth1_cancel_there_is_nothing_to_come_back_with(self, wiki):
        """The wiki does not send the browser back at all; its own page is none of ours."""
        pending = begin(wiki, register(wiki, "1.0a"))
        with pytest.raises(StateMismatchError):
            complete(wiki, pending, wiki.approve(pending.url, allow=False))

    @pytest.mark.parametrize("version", ["1.0a", "2.0"])
    @pytest.mark.parametrize("state", ["proposed", "rejected", "disabled"])
    def test_consumer_is_not_approved_the_browser_does_not_come_back(self, wiki, version, state):
        """The wiki's own page says why."""
        pending = begin(wiki, register(wiki, version, state=state))
        assert not wiki.approve(pending.url).startswith(CALLBACK)

    @pytest.mark.parametrize("version", ["1.0a", "2.0"])
    def test_another_users_answer_raises(self, wiki, version):
        """An answer to another authorization, by the same consumer, is not taken."""
        consumer = register(wiki, version)
        ours, theirs = begin(wiki, consumer), begin(wiki, consumer)
        with pytest.raises(StateMismatchError):
            complete(wiki, ours, wiki.approve(theirs.url, "Bob"))

    @pytest.mark.parametrize("version", ["1.0a", "2.0"])
    def test_completed_twice_raises(self, wiki, version):
        """A verification code and an authorization code work once."""
        pending = begin(wiki, register(wiki, version))
        back = wiki.approve(pending.url)
        complete(wiki, pending, back)
        with pytest.raises(TokenRequestError) as caught:
            complete(wiki, pending, back)
        assert caught.value.error

    def test_oauth1_wrong_secret_raises(self, wiki):
        """At the first step."""
        with pytest.raises(TokenRequestError, match="Invalid signature"):
            begin(wiki, replace(register(wiki, "1.0a"), secret="0" * 40))

    def test_oauth1_unknown_key_raises(self, wiki):
        """At the first step."""
        with pytest.raises(TokenRequestError, match="Invalid consumer"):
            begin(wiki, replace(register(wiki, "1.0a"), key="0" * 32))

    def test_oauth1_callback_outside_the_prefix_raises(self, wiki):
        """At the first step, by the wiki's code for it."""
        consumer = register(wiki, "1.0a", callback_is_prefix=True)
        with pytest.raises(TokenRequestError) as caught:
            begin(wiki, replace(consumer, callback_url="http://127.0.0.1:10/"))
        assert caught.value.error == "mwoauth-callback-not-oob-or-prefix"

    def test_oauth1_clock_is_wrong_raises(self, wiki):
        """More than five minutes."""
        wiki.clock.advance(301)
        with pytest.raises(ConfigurationError, match="clock"):
            begin(wiki, register(wiki, "1.0a"))

    def test_oauth2_wrong_secret_raises(self, wiki):
        """When the code is exchanged."""
        pending = begin(wiki, replace(register(wiki, "2.0"), secret="0" * 40))
        back = wiki.approve(pending.url)
        with pytest.raises(TokenRequestError) as caught:
            complete(wiki, pending, back)
        assert caught.value.error == "invalid_client"

    def test_oauth2_disabled_meanwhile_raises(self, wiki):
        """Between the code and its exchange."""
        consumer = register(wiki, "2.0")
        pending = begin(wiki, consumer)
        back = wiki.approve(pending.url)
        wiki.set_consumer_state(consumer.key, "disabled")
        with pytest.raises(TokenRequestError, match="not approved, or was disabled"):
            complete(wiki, pending, back)

    def test_oauth2_verifier_is_not_ours_raises(self, wiki):
        """A stolen code is of no use without the verifier."""
        pending = begin(wiki, register(wiki, "2.0"))
        thief = replace(pending, secret="A" * 64)
        with pytest.raises(TokenRequestError) as caught:
            complete(wiki, thief, wiki.approve(pending.url))
        assert caught.value.error == "invalid_grant"

    @pytest.mark.parametrize("version", ["1.0a", "2.0"])
    def test_consumer_is_of_the_other_version_nobody_comes_back(self, wiki, version):
        """The wiki's own page says so."""
        other = "2.0" if version == "1.0a" else "1.0a"
        registered = register(wiki, other)
        consumer = Consumer(registered.key, registered.secret, version, callback_url=CALLBACK)
        pending = begin(wiki, consumer)
        assert not wiki.approve(pending.url).startswith(CALLBACK)


class TestRefresh:
    """How the end of a refresh token is told from everything else."""

    @pytest.mark.parametrize("version", ["1.43", "1.46"])
    @pytest.mark.parametrize("end", ["revoked", "used", "expired", "disabled"])
    def test_refused_for_good_raises(self, version, end):
        """Log in again, by whatever code the version says so."""
        with SandboxWiki(version=version) as wiki:
            wiki.set_lifetimes(refresh=timedelta(minutes=1))
            consumer = register(wiki, "2.0")
            credential = log_in(wiki, consumer)
            if end == "revoked":
                wiki.revoke("Alice")
            elif end == "used":
                refresh(wiki, credential)
            elif end == "expired":
                wiki.clock.advance(61)
            else:
                wiki.set_consumer_state(consumer.key, "disabled")
            with pytest.raises(LoginRequiredError, match="no longer renews"):
                refresh(wiki, credential)

    @pytest.mark.parametrize("fault", ["503", "cut", "html", "half-json", "empty", "edge-401"])
    def test_wiki_fails_the_credential_is_as_good_as_before(self, wiki, fault):
        """It says TransportError, and the next attempt succeeds."""
        credential = log_in(wiki, register(wiki, "2.0"))
        wiki.fail_next(fault, path=TOKEN_PATH)
        with pytest.raises(TransportError):
            refresh(wiki, credential)
        assert whose(wiki, refresh(wiki, credential)) == "Alice"

    def test_wiki_hangs_raises(self, wiki, monkeypatch):
        """No request waits for ever."""
        credential = log_in(wiki, register(wiki, "2.0"))
        monkeypatch.setattr(transport, "READ_TIMEOUT", 0.2)
        wiki.fail_next("hang", path=TOKEN_PATH, seconds=1)
        with pytest.raises(TransportError, match=r"did not answer within 0\.2 seconds"):
            refresh(wiki, credential)

    def test_public_consumer_needs_its_secret_on_1_43_only(self):
        """Without it 1.43 refuses the consumer; 1.46 does not ask for it."""
        for version in ("1.43", "1.46"):
            with SandboxWiki(version=version) as wiki:
                consumer = register(wiki, "2.0", confidential=False)
                credential = replace(
                    log_in(wiki, consumer), consumer=replace(consumer, secret=None)
                )
                if version == "1.43":
                    with pytest.raises(TokenRequestError):
                        refresh(wiki, credential)
                else:
                    assert whose(wiki, refresh(wiki, credential)) == "Alice"


class TestIdentity:
    """Asking whose a token is."""

    @pytest.mark.parametrize("version", ["1.0a", "2.0"])
    def test_revoked_raises(self, wiki, version):
        """Log in again."""
        credential = log_in(wiki, register(wiki, version))
        wiki.revoke("Alice")
        with pytest.raises(LoginRequiredError):
            whose(wiki, credential)

    def test_expired_raises(self, wiki):
        """The wiki itself says so."""
        credential = log_in(wiki, register(wiki, "2.0"))
        wiki.expire_tokens("Alice")
        with pytest.raises(LoginRequiredError):
            whose(wiki, credential)

    def test_edge_says_expired_raises(self, wiki):
        """Or Wikimedia's edge in its place."""
        credential = log_in(wiki, register(wiki, "2.0"))
        wiki.fail_next("edge-401", path=PROFILE_PATH)
        with pytest.raises(LoginRequiredError):
            whose(wiki, credential)

    @pytest.mark.parametrize("fault", ["503", "cut", "html", "half-json", "empty"])
    def test_wiki_fails_raises_transport_error(self, wiki, fault):
        """That says nothing of the token."""
        credential = log_in(wiki, register(wiki, "2.0"))
        wiki.fail_next(fault, path=PROFILE_PATH)
        with pytest.raises(TransportError):
            whose(wiki, credential)
        assert whose(wiki, credential) == "Alice"


class TestTraffic:
    """What goes over the wire, and what is written down of it."""

    @pytest.mark.parametrize("version", ["1.0a", "2.0"])
    def test_each_request_says_whose_it_is(self, wiki, version):
        """Token requests too carry contact information."""
        log_in(wiki, register(wiki, version))
        ours = [e for e in wiki.log if e.headers.get("User-Agent") != "A person's browser"]
        assert len(ours) >= 2
        for entry in ours:
            assert entry.headers["User-Agent"].startswith("pwb-oauth/")
            assert "Special%3AOAuthListConsumers%2Fview%2F" in entry.headers["User-Agent"]

    @pytest.mark.parametrize("version", ["1.0a", "2.0"])
    def test_root_logger_at_debug_no_secret_is_logged(self, wiki, version, caplog):
        """From the first step to the identity and a refresh."""
        caplog.set_level(logging.DEBUG)
        consumer = register(wiki, version)
        pending = begin(wiki, consumer)
        logging.disable(logging.CRITICAL)  # the browser's requests, which are not ours
        back = wiki.approve(pending.url)
        logging.disable(logging.NOTSET)
        credential = complete(wiki, pending, back)
        token = credential.access_token
        secrets = {consumer.secret, pending.secret, pending.state, *parse_qs(back).get("code", ())}
        if version == "1.0a":
            secrets |= {token.key, token.secret}
        else:
            renewed = refresh(wiki, credential).access_token
            secrets |= {token.value, token.refresh_token, renewed.value, renewed.refresh_token}
        assert caplog.records
        assert not [s for s in secrets if s in caplog.text]
