"""Who a token belongs to: the profile of OAuth 2.0, the signed statement of OAuth 1.0a."""

from __future__ import annotations

import re
import time
from datetime import timedelta

import jwt
import pytest
import responses
from hypothesis import given, settings
from hypothesis import strategies as st

from oauth_answers import (
    IDENTIFY,
    KEY,
    NONSENSE,
    PROFILE,
    RECORDED_WIKI,
    SECRET,
    WIKI,
    consumer1,
    consumer2,
    dumps,
    identify_jwt,
    recorded,
    recorded_answer,
    recorded_consumer,
)
from pwb_oauth.credential import OAuth1AccessToken, OAuth2AccessToken
from pwb_oauth.errors import (
    ConfigurationError,
    IdentityError,
    LoginRequiredError,
    PwbOAuthError,
    TransportError,
)
from pwb_oauth.identity import Identity, fetch_identity
from pwb_oauth.wiki import Wiki
from recordings import needs_recordings

URL = WIKI.server + PROFILE
BEARER = OAuth2AccessToken("acce55.token.jwt")
ACCESS = OAuth1AccessToken("acce55key", "acce55secret")
ALICE = {"sub": "4", "username": "Alice", "blocked": False, "grants": ["basic"], "rights": ["read"]}


def fetch2(wiki: Wiki = WIKI, **kwargs) -> Identity:
    """Ask by OAuth 2.0."""
    return fetch_identity(wiki, consumer2(), BEARER, **kwargs)


def identify(wiki: Wiki = WIKI, consumer=None, **changes) -> Identity:
    """Ask by OAuth 1.0a a wiki that makes its answer with these changes."""

    def answer(request):
        nonce = re.search('oauth_nonce="(.*?)"', request.headers["Authorization"])[1]
        return 200, {}, identify_jwt(**{"nonce": nonce, **changes})

    with responses.RequestsMock() as mock:
        mock.add_callback("POST", wiki.server + IDENTIFY, answer, content_type="application/json")
        return fetch_identity(wiki, consumer or consumer1(), ACCESS)


class TestIdentity:
    """What is known of a user."""

    def test_claims_are_not_printed(self):
        """They may hold an e-mail address and a real name."""
        identity = Identity("Alice", "4", (), (), blocked=False, claims={"email": "a@b.example"})
        assert "a@b.example" not in repr(identity)
        assert hash(identity)


class TestFetchIdentityByProfile:
    """OAuth 2.0."""

    @responses.activate
    def test_success_the_identity_is_returned(self):
        """The request carries the token, and the answer is read."""
        claims = {
            **ALICE,
            "grants": ["editpage", "basic"],
            "rights": ["read", "edit"],
            "email": "a",
        }
        responses.get(URL, json=claims)
        identity = fetch2()
        sent = responses.calls[0].request
        assert sent.headers["Authorization"] == "Bearer acce55.token.jwt"
        assert f"view%2F{KEY})" in sent.headers["User-Agent"]
        assert identity == Identity(
            "Alice", "4", ("basic", "editpage"), ("read", "edit"), blocked=False, claims=claims
        )

    @responses.activate
    def test_username_is_expected_the_user_agent_names_it(self):
        """Of an owner-only access token nothing else may be known."""
        responses.get(URL, json=ALICE)
        fetch2(username="Alice")
        assert "User%3AAlice)" in responses.calls[0].request.headers["User-Agent"]

    @responses.activate
    def test_wiki_of_a_farm_the_central_one_is_asked(self):
        """The local wiki may know the user by another id."""
        answer = responses.get("https://meta.wikimedia.org" + PROFILE, json=ALICE)
        fetch2(Wiki("https://de.wikipedia.org"))
        assert answer.call_count == 1

    @responses.activate
    def test_grants_come_as_an_object_they_are_read(self):
        """PHP writes a list so when a number is left out."""
        responses.get(URL, json={**ALICE, "grants": {"0": "basic", "2": "editpage"}})
        assert fetch2().grants == ("basic", "editpage")

    @responses.activate
    def test_subject_is_a_number_it_becomes_text(self):
        """Older versions send a number."""
        responses.get(URL, json={**ALICE, "sub": 4})
        assert fetch2().subject == "4"

    @responses.activate
    def test_user_is_blocked_it_is_said(self):
        """Whether edits will fail."""
        responses.get(URL, json={**ALICE, "blocked": True})
        assert fetch2().blocked

    @needs_recordings
    @responses.activate
    @pytest.mark.parametrize(
        ("case", "step", "grants"),
        [
            ("o2_profile_ok", None, "basic createeditmovepage editpage highvolume patrol"),
            ("o2_profile_authonlyprivate", None, "mwoauth-authonlyprivate"),
        ],
    )
    def test_recorded_success(self, case, step, grants):
        """What a real wiki says."""
        responses.get(RECORDED_WIKI.server + PROFILE, **recorded_answer(case, step))
        identity = fetch2(RECORDED_WIKI)
        assert (identity.username, identity.subject) == ("Alice", "4")
        assert identity.grants == tuple(grants.split())

    @needs_recordings
    @responses.activate
    def test_recorded_client_credentials_raises(self):
        """Such a token edits as an anonymous user: it is nobody's login."""
        case = "o2_client_credentials_ok"
        responses.get(RECORDED_WIKI.server + PROFILE, **recorded_answer(case, 2))
        assert "127.0.0.1" in recorded(case, 2)["response_body"]
        with pytest.raises(IdentityError, match="nobody's account"):
            fetch2(RECORDED_WIKI)

    @needs_recordings
    @responses.activate
    @pytest.mark.parametrize("case", ["o2_profile_bad_token", "o2_profile_no_token"])
    def test_recorded_refusal_raises(self, case):
        """The wiki's hint tells what is wrong."""
        responses.get(RECORDED_WIKI.server + PROFILE, **recorded_answer(case))
        with pytest.raises(LoginRequiredError, match=r"must have two dots\. Log in again"):
            fetch2(RECORDED_WIKI)

    @responses.activate
    def test_edge_refuses_raises(self):
        """Wikimedia's edge looks at the token before the wiki does (T419034)."""
        challenge = {"WWW-Authenticate": 'Bearer realm="wiki", error="invalid_token"'}
        answer = {"httpCode": 401, "httpReason": "Jwt is expired"}
        responses.get(URL, status=401, json=answer, headers=challenge)
        with pytest.raises(LoginRequiredError, match="expired, or revoked"):
            fetch2()

    @responses.activate
    @pytest.mark.parametrize(
        ("status", "answer"),
        [
            (401, {"httpCode": 401}),
            (403, {"error": "rest-read-denied", "httpCode": 403}),
            (403, {"error": "access_denied"}),
            (404, {"httpCode": 404}),
            (503, {"error": "access_denied"}),
            (302, ALICE),
        ],
    )
    def test_unclear_answer_raises_transport_error(self, status, answer):
        """The token may still be good."""
        responses.get(URL, status=status, json=answer)
        with pytest.raises(TransportError):
            fetch2()

    @responses.activate
    @pytest.mark.parametrize("body", [body for body in NONSENSE if body != "{}"])
    @pytest.mark.parametrize("status", [200, 401])
    def test_nonsense_raises_transport_error(self, body, status):
        """What is no profile is not taken for one."""
        responses.get(URL, body=body, status=status)
        with pytest.raises(TransportError, match="something else than OAuth"):
            fetch2()

    @responses.activate
    @pytest.mark.parametrize(
        ("claims", "said"),
        [
            ({}, "does not name the user"),
            ({"sub": "4", "blocked": True}, "does not name the user"),
            ({**ALICE, "username": ""}, "does not name the user"),
            ({**ALICE, "username": None}, "does not name the user"),
            ({**ALICE, "username": 5}, "does not name the user"),
            ({**ALICE, "username": "\ud800"}, "does not name the user"),
            ({**ALICE, "sub": None}, "nobody"),
            ({**ALICE, "sub": ""}, "nobody"),
            ({**ALICE, "sub": "0"}, "nobody"),
            ({**ALICE, "sub": 0}, "nobody"),
            ({**ALICE, "sub": True}, "nobody"),
            ({**ALICE, "sub": [4]}, "nobody"),
            ({**ALICE, "grants": "basic"}, "malformed"),
            ({**ALICE, "grants": [1]}, "malformed"),
            ({**ALICE, "grants": None}, "malformed"),
            ({**ALICE, "rights": {"0": None}}, "malformed"),
        ],
    )
    def test_user_is_hidden_or_claims_malformed_raises(self, claims, said):
        """A hidden user has no name, and no name is invented."""
        responses.get(URL, body=dumps(claims))
        with pytest.raises(IdentityError, match=said):
            fetch2()

    @responses.activate
    def test_wiki_repeats_our_token_it_is_left_out(self):
        """Whatever a wiki says, no secret comes into a message."""
        hint = f"{BEARER.value} {SECRET}"
        responses.get(URL, status=401, json={"error": "access_denied", "hint": hint})
        with pytest.raises(LoginRequiredError, match=r"access token: … …\. Log in"):
            fetch2()

    @given(
        body=st.binary()
        | st.dictionaries(
            st.sampled_from([*ALICE, "error", "hint"]),
            st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text()),
        ).map(lambda change: dumps({**ALICE, **change})),
        status=st.sampled_from([200, 401]),
    )
    @settings(max_examples=150, deadline=timedelta(seconds=2))
    def test_any_answer_an_identity_or_one_of_our_errors(self, body, status):
        """Nothing that a wiki answers brings another exception."""
        with responses.RequestsMock() as mock:
            mock.get(URL, body=body, status=status)
            try:
                identity = fetch2()
            except PwbOAuthError as error:
                assert BEARER.value not in str(error)  # noqa: PT017
            else:
                assert identity.username
                assert identity.subject not in ("", "0")


class TestFetchIdentityByIdentify:
    """OAuth 1.0a."""

    def test_success_the_identity_is_returned(self):
        """The signed statement is read; grants come as an object."""
        identity = identify()
        assert (identity.username, identity.subject, identity.blocked) == ("Alice", "4", False)
        assert identity.grants == ("basic", "editpage", "highvolume")
        assert identity.rights == ("read", "edit")
        assert identity.claims["aud"] == KEY

    def test_wiki_of_a_farm_the_central_one_is_asked(self):
        """And its name is expected as the issuer."""
        meta = Wiki("https://meta.wikimedia.org")
        assert identify(meta, iss="https://meta.wikimedia.org").username == "Alice"
        with pytest.raises(IdentityError, match="Another wiki"):
            identify(meta, iss="https://de.wikipedia.org")

    def test_subject_is_a_number_it_becomes_text(self):
        """PyJWT would refuse it by itself."""
        assert identify(sub=4).subject == "4"

    @pytest.mark.parametrize("sub", ["", "0", None])
    def test_subject_is_nobody_raises(self, sub):
        """As for the profile."""
        with pytest.raises(IdentityError, match="nobody"):
            identify(sub=sub)

    def test_user_is_hidden_raises(self):
        """A hidden user has no name."""
        with pytest.raises(IdentityError, match="hidden"):
            identify(username=None, blocked=True)

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"secret": "0" * 40}, "was not made by the wiki"),
            ({"aud": "f" * 32}, "was not made by the wiki"),
            ({"aud": None}, "was not made by the wiki"),
            ({"exp": None}, "was not made by the wiki"),
            ({"iat": None}, "was not made by the wiki"),
            ({"iat": "x"}, "was not made by the wiki"),
            ({"exp": "x"}, "was not made by the wiki"),
            ({"exp": float("inf")}, "was not made by the wiki"),
            ({"iss": None}, "was not made by the wiki"),
            ({"nonce": None}, "was not made by the wiki"),
            ({"iss": "https://evil.example"}, "Another wiki"),
            ({"iss": "https://wiki.example:444"}, "Another wiki"),
            ({"iss": "wiki.example.evil"}, "Another wiki"),
            ({"iss": ""}, "Another wiki"),
            ({"iss": "https://[::1"}, "Another wiki"),
            ({"nonce": "other"}, "replayed"),
            ({"nonce": ""}, "replayed"),
            ({"nonce": "\ud800"}, "replayed"),
        ],
    )
    def test_statement_cannot_be_trusted_raises(self, changes, said):
        """Signature, audience, issuer and nonce are checked, and each must be there."""
        with pytest.raises(IdentityError, match=said) as caught:
            identify(**changes)
        assert caught.value.__context__ is None

    @pytest.mark.parametrize("iat", [31, 3600])
    def test_statement_is_from_the_future_raises(self, iat):
        """More than 30 seconds ahead."""
        with pytest.raises(IdentityError, match="Set this computer's clock"):
            identify(iat=int(time.time()) + iat + 1)

    def test_statement_has_expired_raises(self):
        """More than 30 seconds ago."""
        with pytest.raises(IdentityError, match="Set this computer's clock"):
            identify(exp=int(time.time()) - 31)

    def test_clocks_differ_by_less_the_identity_is_returned(self):
        """Half a minute is forgiven, either way."""
        moment = int(time.time())
        assert identify(iat=moment + 28, exp=moment + 128)
        assert identify(iat=moment - 128, exp=moment - 28)

    @pytest.mark.parametrize("algorithm", ["none", "HS512"])
    def test_statement_is_signed_otherwise_raises(self, algorithm):
        """Only the algorithm that the wiki uses is accepted."""

        def answer(request):
            nonce = re.search('oauth_nonce="(.*?)"', request.headers["Authorization"])[1]
            claims = jwt.decode(identify_jwt(nonce), options={"verify_signature": False})
            key = None if algorithm == "none" else SECRET * 2
            return 200, {}, jwt.encode(claims, key, algorithm)

        with responses.RequestsMock() as mock:
            mock.add_callback("POST", WIKI.server + IDENTIFY, answer)
            with pytest.raises(IdentityError, match="was not made by the wiki"):
                fetch_identity(WIKI, consumer1(), ACCESS)

    @needs_recordings
    @pytest.mark.parametrize(
        ("case", "consumer", "username"),
        [
            ("o1_identify_ok", "oauth1", "Alice"),
            ("o1_identify_authonly", "oauth1_authonly", "Alice"),
            ("o1_identify_owner_only", "oauth1_owner_only", "BotOwner"),
        ],
    )
    def test_recorded_success(self, case, consumer, username):
        """A real wiki's claims, signed anew for the time and the nonce of now."""
        consumer = recorded_consumer(consumer)
        recorded_claims = recorded(case)["jwt"][0]["claims"]
        changes = {n: v for n, v in recorded_claims.items() if n not in ("iat", "exp", "nonce")}
        identity = identify(RECORDED_WIKI, consumer, secret=consumer.secret, **changes)
        assert identity.username == username
        assert set(identity.grants) == set(
            recorded_claims["grants"].values()
            if isinstance(recorded_claims["grants"], dict)
            else recorded_claims["grants"]
        )

    @needs_recordings
    @responses.activate
    def test_recorded_statement_is_old_raises(self):
        """The very answer of a real wiki, whose signature is good, lived for 100 seconds."""
        responses.post(RECORDED_WIKI.server + IDENTIFY, **recorded_answer("o1_identify_ok"))
        with pytest.raises(IdentityError, match="Set this computer's clock"):
            fetch_identity(RECORDED_WIKI, recorded_consumer("oauth1"), ACCESS)

    @needs_recordings
    @responses.activate
    @pytest.mark.parametrize(
        ("case", "said"),
        [
            ("o1_identify_bad_signature", "Invalid signature"),
            ("o1_identify_bad_token", "No approved grant was found"),
            ("o1_identify_revoked", "No approved grant was found"),
        ],
    )
    def test_recorded_refusal_raises(self, case, said):
        """The wiki's words are kept."""
        responses.post(RECORDED_WIKI.server + IDENTIFY, **recorded_answer(case))
        with pytest.raises(LoginRequiredError, match=rf'{said}.*"\. Log in again'):
            fetch_identity(RECORDED_WIKI, recorded_consumer("oauth1"), ACCESS)

    @responses.activate
    @pytest.mark.parametrize("body", [*NONSENSE, "a.b", "<a>.b.c</a><p>…"])
    def test_nonsense_raises_transport_error(self, body):
        """What is no statement is not taken for one."""
        responses.post(WIKI.server + IDENTIFY, body=body.encode())
        with pytest.raises((TransportError, IdentityError)) as caught:
            fetch_identity(WIKI, consumer1(), ACCESS)
        assert "<a>" not in str(caught.value)


class TestFetchIdentityOfTheOtherVersion:
    """A token and a consumer that do not belong together."""

    @pytest.mark.parametrize(("consumer", "token"), [(consumer1(), BEARER), (consumer2(), ACCESS)])
    def test_versions_differ_raises_and_nothing_is_sent(self, consumer, token):
        """A bearer token is never sent as an OAuth 1.0a one, nor the other way round."""
        with responses.RequestsMock(), pytest.raises(ConfigurationError, match="other OAuth"):
            fetch_identity(WIKI, consumer, token)
