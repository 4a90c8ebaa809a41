"""OAuth 2.0: PKCE, state, the token endpoint, and every way that a wiki refuses."""

from __future__ import annotations

import base64
import hashlib
import math
from datetime import datetime, timedelta, timezone
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
import responses
from hypothesis import given, settings
from hypothesis import strategies as st
from oauthlib.oauth2 import WebApplicationClient

from oauth_answers import (
    ACCESS_TOKEN,
    CALLBACK,
    KEY,
    NONSENSE,
    NOW,
    RECORDED_WIKI,
    SECRET,
    WIKI,
    came_back,
    consumer2,
    dumps,
    form_of,
    pending,
    recorded,
    recorded_answer,
    recorded_consumer,
)
from pwb_oauth import clock, oauth2
from pwb_oauth.credential import OAuth2AccessToken
from pwb_oauth.errors import (
    AuthorizationDeniedError,
    ConfigurationError,
    LoginRequiredError,
    PwbOAuthError,
    StateMismatchError,
    TokenRequestError,
    TransportError,
)
from pwb_oauth.wiki import Wiki
from recordings import needs_recordings

URL = WIKI.server + ACCESS_TOKEN
RECORDED_URL = RECORDED_WIKI.server + ACCESS_TOKEN
CODE = "def50200c0de"
BACK = came_back(code=CODE, state="5tateOfPending")
OLD = OAuth2AccessToken("old.acce55.token", "oldRefre5h", NOW)
GOOD = {
    "token_type": "Bearer",
    "expires_in": 14400,
    "access_token": "eyJ.new.token",
    "refresh_token": "newRefre5h",
}


@pytest.fixture(autouse=True)
def fixed_clock(monkeypatch):
    """Let it be noon."""
    monkeypatch.setattr(clock, "now", lambda: NOW)


class TestBeginAuthorization:
    """The address that the browser goes to."""

    def begun(self, **consumer):
        begun = oauth2.begin_authorization(WIKI, consumer2(**consumer))
        return begun, dict(parse_qsl(urlsplit(begun.url).query, strict_parsing=True))

    def test_address_has_what_the_wiki_needs_and_no_secret(self):
        """PKCE and state are always sent."""
        begun, query = self.begun()
        assert begun.url.startswith("https://wiki.example/w/rest.php/oauth2/authorize?")
        challenge = hashlib.sha256(begun.secret.encode()).digest()
        assert query == {
            "response_type": "code",
            "client_id": KEY,
            "redirect_uri": CALLBACK,
            "state": begun.state,
            "code_challenge": base64.urlsafe_b64encode(challenge).decode().rstrip("="),
            "code_challenge_method": "S256",
        }
        assert begun.began_at == NOW
        assert SECRET not in begun.url

    def test_rfc_7636_appendix_b_the_challenge_is_its(self, monkeypatch):
        """The RFC's own verifier and challenge."""
        verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
        monkeypatch.setattr(
            WebApplicationClient, "create_code_verifier", lambda self, length: verifier
        )
        begun, query = self.begun()
        assert begun.secret == verifier
        assert query["code_challenge"] == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"

    def test_verifier_and_state_are_long_and_new_each_time(self):
        """At least 256 bits, of the characters that RFC 7636 section 4.1 allows."""
        first, second = self.begun()[0], self.begun()[0]
        assert first.state != second.state
        assert first.secret != second.secret
        assert 43 <= len(first.secret) <= 128
        assert len(first.state) >= 43
        assert not set(first.secret) - set(
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
        )

    def test_no_callback_none_is_sent(self):
        """The wiki then uses the registered one; in both steps or in neither."""
        assert "redirect_uri" not in self.begun(callback_url=None)[1]

    def test_scopes_are_separated_by_spaces(self):
        """The grants to ask for."""
        begun = oauth2.begin_authorization(WIKI, consumer2(), ("basic", "editpage"))
        assert parse_qs(urlsplit(begun.url).query)["scope"] == ["basic editpage"]

    def test_wiki_of_a_farm_the_central_one_is_asked(self):
        """Consumers of Wikimedia wikis are registered on Meta-Wiki."""
        begun = oauth2.begin_authorization(Wiki("https://de.wikipedia.org"), consumer2())
        assert begun.url.startswith("https://meta.wikimedia.org/w/rest.php/")

    def test_loopback_needs_no_https(self):
        """What oauthlib has for it would refuse this."""
        assert oauth2.begin_authorization(RECORDED_WIKI, consumer2()).url.startswith("http://127")

    def test_clear_text_raises(self):
        """A code must not come back to a person whose address bar is read on the way."""
        with pytest.raises(ConfigurationError, match="not https"):
            oauth2.begin_authorization(Wiki("http://wiki.example"), consumer2())

    def test_consumer_key_unknown_raises(self):
        """An owner-only access token may be all that is known."""
        with pytest.raises(ConfigurationError, match="key is not known"):
            self.begun(key=None, owner_only=True)


class TestCompleteAuthorization:
    """Exchanging the authorization code."""

    @responses.activate
    def test_success_the_token_is_read(self):
        """The form holds the code, the verifier and the secret; the time counts from sending."""
        responses.post(URL, json=GOOD)
        token = oauth2.complete_authorization(WIKI, pending(consumer2()), BACK)
        sent = responses.calls[0].request
        assert form_of(sent.body) == {
            "grant_type": "authorization_code",
            "client_id": KEY,
            "client_secret": SECRET,
            "code": CODE,
            "code_verifier": "5ecretOfPending",
            "redirect_uri": CALLBACK,
        }
        assert sent.headers["Content-Type"] == "application/x-www-form-urlencoded"
        assert f"view%2F{KEY})" in sent.headers["User-Agent"]
        expires_at = datetime(2026, 11, 22, 16, tzinfo=timezone.utc)
        assert token == OAuth2AccessToken("eyJ.new.token", "newRefre5h", expires_at, NOW)

    @responses.activate
    def test_public_consumer_without_callback_neither_is_sent(self):
        """What the consumer does not have stays away."""
        responses.post(URL, json=GOOD)
        begun = pending(consumer2(secret=None, callback_url=None))
        oauth2.complete_authorization(WIKI, begun, BACK)
        sent = form_of(responses.calls[0].request.body)
        assert sent.keys() == {"grant_type", "client_id", "code", "code_verifier"}

    @responses.activate
    @pytest.mark.parametrize(
        "response", [BACK, f" {BACK}#x\n", f"code={CODE}&state=5tateOfPending"]
    )
    def test_address_or_query_both_will_do(self, response):
        """As a browser shows it, or as a web framework hands it over."""
        responses.post(URL, json=GOOD)
        assert oauth2.complete_authorization(WIKI, pending(consumer2()), response)

    @responses.activate
    @pytest.mark.parametrize(
        "response",
        [
            "",
            CODE,
            CALLBACK,
            came_back(code=CODE),
            came_back(code=CODE, state=""),
            came_back(code=CODE, state="other"),
            came_back(code=CODE, state="5tat\u00e9"),
            BACK + "&state=5tateOfPending",
            BACK + "&state=other",
            BACK + "&code=other",
            came_back(error="access_denied", state="other"),
            came_back(error="unauthorized_client", state=""),
            "state=\ud800&code=x",
        ],
    )
    def test_not_our_state_raises_and_nothing_is_sent(self, response):
        """Another person's code must not become this user's account."""
        with pytest.raises(StateMismatchError, match="begin again") as caught:
            oauth2.complete_authorization(WIKI, pending(consumer2()), response)
        assert not responses.calls
        assert CODE not in str(caught.value)

    @responses.activate
    @pytest.mark.parametrize("error", ["unauthorized_client", "access_denied"])
    @pytest.mark.parametrize("state", [{}, {"state": "5tateOfPending"}])
    def test_cancel_pressed_raises(self, error, state):
        """MediaWiki says unauthorized_client, without state."""
        with pytest.raises(AuthorizationDeniedError, match="press Allow"):
            oauth2.complete_authorization(
                WIKI, pending(consumer2()), came_back(error=error, **state)
            )
        assert not responses.calls

    @responses.activate
    def test_scope_refused_raises(self):
        """The wiki's hint names the grant that it does not know."""
        back = came_back(error="invalid_scope", hint="Check the `nosuchscope` scope")
        with pytest.raises(TokenRequestError, match="Check the `nosuchscope` scope") as caught:
            oauth2.complete_authorization(WIKI, pending(consumer2()), back)
        assert caught.value.error == "invalid_scope"

    @responses.activate
    @pytest.mark.parametrize(
        "error", ["invalid_client", "mwoauth-invalid-authorization-not-approved", ""]
    )
    def test_error_that_no_wiki_sends_back_raises_without_it(self, error):
        """Any visitor can make such an address up, and set an alarm off at the operators."""
        back = came_back(error=error, hint="Call me", state="5tateOfPending")
        with pytest.raises(TokenRequestError, match="does not send") as caught:
            oauth2.complete_authorization(WIKI, pending(consumer2()), back)
        assert caught.value.error is None
        assert "Call me" not in str(caught.value)
        assert not responses.calls

    @needs_recordings
    @pytest.mark.parametrize(
        ("case", "error"),
        [
            ("o2_authorize_denied", AuthorizationDeniedError),
            ("o2_authorize_scope_unknown", TokenRequestError),
            ("o2_authorize_ok", StateMismatchError),
        ],
    )
    def test_recorded_callback_raises(self, case, error):
        """Where a real wiki sent the browser; its state is not ours."""
        headers = {name.lower(): value for name, value in recorded(case)["response_headers"]}
        with pytest.raises(error):
            oauth2.complete_authorization(WIKI, pending(consumer2()), headers["location"])

    @responses.activate
    @pytest.mark.parametrize("code", [None, "", "a\nb", "é"])
    def test_no_code_raises_and_nothing_is_sent(self, code):
        """The right state without a usable code."""
        back = came_back(state="5tateOfPending", **({} if code is None else {"code": code}))
        with pytest.raises(TokenRequestError, match="without an authorization code"):
            oauth2.complete_authorization(WIKI, pending(consumer2()), back)
        assert not responses.calls

    @needs_recordings
    @responses.activate
    @pytest.mark.parametrize(
        "case",
        [
            "o2_token_ok",
            "o2_token_confidential_pkce_ok",
            "o2_token_no_redirect_uri",
            "o2_token_no_refresh_client",
            "o2_token_public_ok",
        ],
    )
    def test_recorded_success(self, case):
        """What a real wiki gives to each kind of consumer."""
        answer = recorded_answer(case)
        responses.post(RECORDED_URL, **answer)
        token = oauth2.complete_authorization(RECORDED_WIKI, pending(consumer2()), BACK)
        assert f'"access_token":"{token.value}"' in answer["body"]
        assert f'"refresh_token":"{token.refresh_token}"' in answer["body"]
        assert token.expires_at == NOW + timedelta(hours=1)

    @needs_recordings
    @responses.activate
    @pytest.mark.parametrize(
        ("case", "code", "said"),
        [
            ("o2_token_code_of_other_client", "invalid_request", "was not issued to this client"),
            ("o2_token_disabled_client", "access_denied", "not approved, or was disabled"),
            ("o2_token_garbage_code", "invalid_request", "Cannot decrypt the authorization code"),
            ("o2_token_missing_secret", "invalid_client", "Compare the consumer's key"),
            ("o2_token_public_missing_verifier", "invalid_request", "`code_verifier` parameter"),
            ("o2_token_public_wrong_verifier", "invalid_grant", "verify `code_verifier`"),
            ("o2_token_reused_code", "invalid_request", "Authorization code has been revoked"),
            ("o2_token_unknown_client", "invalid_client", "OAuth 2.0 consumer"),
            ("o2_token_wrong_redirect_uri", "invalid_client", "callback URL"),
            ("o2_token_wrong_secret", "invalid_client", "Client authentication failed"),
            ("o2_token_wrong_secret_basic_auth", "invalid_client", "Client authentication failed"),
        ],
    )
    def test_recorded_refusal_raises(self, case, code, said):
        """The wiki's code and words are kept, and what to do next is said."""
        responses.post(RECORDED_URL, **recorded_answer(case))
        with pytest.raises(TokenRequestError) as caught:
            oauth2.complete_authorization(RECORDED_WIKI, pending(consumer2()), BACK)
        assert caught.value.error == code
        assert said in str(caught.value)

    @responses.activate
    def test_code_refused_as_by_1_46_raises(self):
        """Newer versions say invalid_grant of a used code."""
        responses.post(URL, status=400, json={"error": "invalid_grant", "hint": "revoked"})
        with pytest.raises(TokenRequestError, match="a code works once") as caught:
            oauth2.complete_authorization(WIKI, pending(consumer2()), BACK)
        assert caught.value.error == "invalid_grant"

    @responses.activate
    @pytest.mark.parametrize("body", NONSENSE)
    @pytest.mark.parametrize("status", [200, 400, 401, 403, 404])
    def test_nonsense_raises(self, body, status):
        """What is no answer of a token endpoint is not taken for one."""
        responses.post(URL, body=body, status=status)
        with pytest.raises(TransportError, match=rf"something else than OAuth \(HTTP {status}\)"):
            oauth2.complete_authorization(WIKI, pending(consumer2()), BACK)

    @needs_recordings
    @responses.activate
    def test_recorded_rest_error_raises(self):
        """An error of the REST framework is no answer of the token endpoint."""
        responses.post(RECORDED_URL, **recorded_answer("o2_token_get"))
        with pytest.raises(TransportError, match="HTTP 405"):
            oauth2.complete_authorization(RECORDED_WIKI, pending(consumer2()), BACK)

    @responses.activate
    def test_rest_error_with_a_code_raises(self):
        """Such a code is not OAuth's."""
        error = {"error": "rest-read-denied", "httpCode": 403, "httpReason": "Forbidden"}
        responses.post(URL, status=403, json=error)
        with pytest.raises(TransportError, match="HTTP 403"):
            oauth2.complete_authorization(WIKI, pending(consumer2()), BACK)

    @responses.activate
    def test_wiki_of_a_farm_the_central_one_is_asked(self):
        """It made the code."""
        answer = responses.post("https://meta.wikimedia.org" + ACCESS_TOKEN, json=GOOD)
        oauth2.complete_authorization(Wiki("https://de.wikipedia.org"), pending(consumer2()), BACK)
        assert answer.call_count == 1

    @responses.activate
    @pytest.mark.parametrize(
        "change",
        [
            {"access_token": None},
            {"access_token": ""},
            {"access_token": 5},
            {"access_token": "a b"},
            {"access_token": "a\r\nX: y"},
            {"access_token": "é"},
            {"refresh_token": 5},
            {"refresh_token": ["a"]},
            {"refresh_token": "\ud800"},
            {"token_type": None},
            {"token_type": "mac"},
            {"expires_in": None},
            {"expires_in": 0},
            {"expires_in": -3600},
            {"expires_in": True},
            {"expires_in": "3600"},
            {"expires_in": math.inf},
            {"expires_in": math.nan},
            {"expires_in": 10**12},
            {"expires_in": 10**30},
        ],
    )
    def test_token_answer_is_damaged_raises(self, change):
        """A token that cannot be used, or of which it is not known when it ends, is not stored."""
        responses.post(URL, body=dumps({**GOOD, **change}))
        with pytest.raises(TransportError, match="something else"):
            oauth2.complete_authorization(WIKI, pending(consumer2()), BACK)

    @responses.activate
    def test_wiki_without_expiry_a_thousand_years_are_taken(self):
        """That is what MediaWiki makes of "infinity"."""
        responses.post(URL, json={**GOOD, "expires_in": 31_556_952_000})
        token = oauth2.complete_authorization(WIKI, pending(consumer2()), BACK)
        assert token.expires_at.year == 3026

    @responses.activate
    def test_wiki_repeats_our_secrets_they_are_left_out(self):
        """Whatever a wiki says, no secret comes into a message."""
        hint = f"{SECRET} {CODE} 5ecretOfPending"
        responses.post(URL, status=400, json={"error": CODE, "hint": hint})
        with pytest.raises(TokenRequestError, match='refused: "… … …"') as caught:
            oauth2.complete_authorization(WIKI, pending(consumer2()), BACK)
        assert caught.value.error is None


class TestRefresh:
    """Exchanging the refresh token."""

    def refresh(self, **consumer) -> OAuth2AccessToken:
        return oauth2.refresh(WIKI, consumer2(**consumer), OLD, username="Alice")

    @responses.activate
    def test_success_the_new_token_is_read(self):
        """The form holds the refresh token and the secret, and nothing else."""
        responses.post(URL, json=GOOD)
        token = self.refresh()
        sent = responses.calls[0].request
        assert form_of(sent.body) == {
            "grant_type": "refresh_token",
            "client_id": KEY,
            "client_secret": SECRET,
            "refresh_token": "oldRefre5h",
        }
        assert "title=User%3AAlice)" in sent.headers["User-Agent"]
        assert token == OAuth2AccessToken(
            "eyJ.new.token", "newRefre5h", NOW + timedelta(hours=4), NOW
        )

    @responses.activate
    def test_consumer_without_secret_none_is_sent(self):
        """From 1.46 a public consumer needs none."""
        responses.post(URL, json=GOOD)
        self.refresh(secret=None)
        assert "client_secret" not in form_of(responses.calls[0].request.body)

    @responses.activate
    @pytest.mark.parametrize("answer", [{}, {"refresh_token": None}, {"refresh_token": ""}])
    def test_no_new_refresh_token_the_old_one_is_kept(self, answer):
        """RFC 6749 section 6: it may stay as it was."""
        given = {name: value for name, value in GOOD.items() if name != "refresh_token"}
        responses.post(URL, json={**given, **answer})
        assert self.refresh().refresh_token == "oldRefre5h"

    @responses.activate
    def test_wiki_of_a_farm_the_central_one_is_asked(self):
        """It issued the token."""
        answer = responses.post("https://meta.wikimedia.org" + ACCESS_TOKEN, json=GOOD)
        oauth2.refresh(Wiki("https://de.wikipedia.org"), consumer2(), OLD, username="Alice")
        assert answer.call_count == 1

    @responses.activate
    def test_no_refresh_token_raises_and_nothing_is_sent(self):
        """An owner-only access token has none."""
        with pytest.raises(LoginRequiredError, match="cannot be renewed"):
            oauth2.refresh(WIKI, consumer2(), OAuth2AccessToken("a"), username="Alice")
        assert not responses.calls

    @needs_recordings
    @responses.activate
    @pytest.mark.parametrize(
        "case",
        ["o2_refresh_ok", "o2_refresh_public_with_secret", "o2_refresh_after_access_expired"],
    )
    def test_recorded_success(self, case):
        """What a real wiki gives for a refresh token."""
        answer = recorded_answer(case)
        responses.post(URL, **answer)
        token = self.refresh()
        assert f'"refresh_token":"{token.refresh_token}"' in answer["body"]
        assert token.refresh_token != OLD.refresh_token

    @needs_recordings
    @responses.activate
    @pytest.mark.parametrize(
        ("case", "said"),
        [
            ("o2_refresh_after_revoke", "Token has been revoked"),
            ("o2_refresh_concurrent", "Token has been revoked"),
            ("o2_refresh_disabled_client", "is not usable by user with ID 5"),
            ("o2_refresh_expired", "Token has expired"),
            ("o2_refresh_other_client", "Token is not linked to client"),
        ],
    )
    def test_recorded_refusal_for_good_raises(self, case, said):
        """Log in again: the refresh token will never be of use."""
        responses.post(URL, **recorded_answer(case))
        with pytest.raises(LoginRequiredError, match=rf"Alice \(.*{said}.*\)\. Log in again"):
            self.refresh()

    @responses.activate
    @pytest.mark.parametrize(
        ("status", "error"),
        [
            (400, "invalid_grant"),
            (401, "invalid_grant"),
            (400, "unauthorized_client"),
            (400, "unsupported_grant_type"),
        ],
    )
    def test_refusal_for_good_as_by_newer_versions_raises(self, status, error):
        """The RFC's codes, which 1.46 and later use."""
        responses.post(URL, status=status, json={"error": error})
        with pytest.raises(LoginRequiredError, match=rf"\({error}\)"):
            self.refresh()

    @needs_recordings
    @responses.activate
    @pytest.mark.parametrize(
        ("case", "step"),
        [
            ("o2_refresh_wrong_secret", None),
            ("o2_refresh_public_ok", None),
            ("o2_token_no_refresh_client", 9),
        ],
    )
    def test_recorded_consumer_refused_raises(self, case, step):
        """A wrong secret, a missing one, and a consumer that may not refresh look alike."""
        responses.post(URL, **recorded_answer(case, step))
        with pytest.raises(TokenRequestError, match="does not let this consumer refresh") as caught:
            self.refresh()
        assert caught.value.error == "invalid_client"

    @responses.activate
    @pytest.mark.parametrize(
        ("status", "answer"),
        [
            (400, {"error": "invalid_request"}),
            (403, {"error": "access_denied"}),
            (400, {"error": "invalid_scope"}),
            (401, {"httpCode": 401, "httpReason": "Jwt is expired"}),
            (403, {"error": "rest-read-denied", "httpCode": 403, "httpReason": "Forbidden"}),
            (200, {"error": "invalid_grant"}),
            (201, GOOD),
            (200, {**GOOD, "expires_in": -1}),
            (429, {"error": "invalid_grant"}),
            (500, {"error": "invalid_grant"}),
            (503, {"error": "temporarily_unavailable"}),
            (302, GOOD),
        ],
    )
    def test_unclear_answer_raises_transport_error(self, status, answer):
        """The refresh token may still be good, so nobody is told to log in."""
        responses.post(URL, status=status, json=answer)
        with pytest.raises(TransportError):
            self.refresh()

    @responses.activate
    @pytest.mark.parametrize("body", NONSENSE)
    def test_nonsense_raises_transport_error(self, body):
        """Neither does HTML, nothing or half a JSON mean that the refresh token is bad."""
        responses.post(URL, body=body)
        with pytest.raises(TransportError, match="Try again later"):
            self.refresh()

    @needs_recordings
    @responses.activate
    def test_recorded_consumer_is_of_the_right_shape(self):
        """A public consumer of the recorded wiki, secret and all, sends what was recorded."""
        responses.post(RECORDED_URL, json=GOOD)
        exchange = recorded("o2_refresh_public_with_secret")
        sent = form_of(exchange["request_body"])
        token = OAuth2AccessToken("a", sent["refresh_token"])
        consumer = recorded_consumer("oauth2_public")
        oauth2.refresh(RECORDED_WIKI, consumer, token, username="Alice")
        assert form_of(responses.calls[0].request.body) == sent


class TestAnyAnswer:
    """Whatever a wiki answers or a person pastes: a token, or one of our errors."""

    values = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(SECRET),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [*GOOD, "error", "error_description", "hint", "message", "httpCode"]
                ),
                inner,
            )
        ),
        max_leaves=8,
    )
    answers = (
        st.binary()
        | values.map(dumps)
        | st.dictionaries(st.sampled_from(list(GOOD)), values).map(
            lambda change: dumps({**GOOD, **change})
        )
    )

    @given(body=answers, status=st.sampled_from([200, 200, 400, 401, 403]))
    @settings(max_examples=200, deadline=timedelta(seconds=2))
    def test_any_token_answer(self, body, status):
        """By either way to a token."""
        with responses.RequestsMock() as mock:
            mock.post(URL, body=body, status=status)
            self.check(lambda: oauth2.complete_authorization(WIKI, pending(consumer2()), BACK))
            self.check(lambda: oauth2.refresh(WIKI, consumer2(), OLD, username="Alice"))

    @given(
        response=st.text()
        | st.text().map(lambda text: f"state=5tateOfPending&code={text}")
        | st.text().map(lambda text: f"{CALLBACK}?error={text}&hint={SECRET}")
    )
    @settings(max_examples=200, deadline=timedelta(seconds=2))
    def test_any_response(self, response):
        """Also what is pasted."""
        with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
            mock.post(URL, status=400, json={"error": "invalid_grant", "hint": SECRET})
            self.check(lambda: oauth2.complete_authorization(WIKI, pending(consumer2()), response))

    def check(self, exchange) -> None:
        """Allow for a token or one of our errors, and for no secret in it."""
        try:
            token = exchange()
        except PwbOAuthError as error:
            shown = f"{error} {error!r}"
            hidden = (SECRET, "5ecretOfPending", CODE, OLD.value, OLD.refresh_token, "eyJ.new")
            assert not [secret for secret in hidden if secret in shown]
        else:
            assert token.expires_at > NOW
