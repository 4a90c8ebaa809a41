"""OAuth 1.0a: the two steps to an access token, and how a wiki refuses."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import responses
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oauth_answers import (
    CALLBACK,
    INITIATE,
    KEY,
    NONSENSE,
    NOW,
    RECORDED_WIKI,
    SECRET,
    TOKEN,
    WIKI,
    came_back,
    consumer1,
    dumps,
    pending,
    recorded_answer,
    recorded_consumer,
)
from pwb_oauth import clock, oauth1
from pwb_oauth.credential import OAuth1AccessToken, PendingAuthorization
from pwb_oauth.errors import (
    ConfigurationError,
    PwbOAuthError,
    StateMismatchError,
    TokenRequestError,
    TransportError,
)
from pwb_oauth.wiki import Wiki
from recordings import needs_recordings
from signatures import oauth_header, verifies


class TestBeginAuthorization:
    """Asking for a request token."""

    @responses.activate
    def test_success_the_browser_is_sent_to_authorize(self, monkeypatch):
        """The request is signed by the consumer alone, and the address names the request token."""
        monkeypatch.setattr(clock, "now", lambda: NOW)
        body = dumps({"key": "reqke7", "secret": "req5ecret", "oauth_callback_confirmed": "true"})
        responses.post(WIKI.server + INITIATE, body=body)
        begun = oauth1.begin_authorization(WIKI, consumer1())
        sent = responses.calls[0].request
        assert oauth_header(sent)["oauth_callback"] == CALLBACK
        assert "oauth_token" not in oauth_header(sent)
        assert verifies(sent, f"{SECRET}&")
        assert f"view%2F{KEY})" in sent.headers["User-Agent"]
        assert (begun.state, begun.secret, begun.began_at) == ("reqke7", "req5ecret", NOW)
        assert begun.url == WIKI.page_url(
            "Special:OAuth/authorize", oauth_token="reqke7", oauth_consumer_key=KEY
        )

    @responses.activate
    def test_wiki_of_a_farm_the_central_one_is_asked(self):
        """Consumers of Wikimedia wikis are registered on Meta-Wiki."""
        answer = responses.post(
            "https://meta.wikimedia.org" + INITIATE, body='{"key":"k","secret":"s"}'
        )
        begun = oauth1.begin_authorization(Wiki("https://de.wikipedia.org"), consumer1())
        assert answer.call_count == 1
        assert begun.url.startswith("https://meta.wikimedia.org/w/index.php?")

    @responses.activate
    def test_no_callback_oob_is_asked_for(self):
        """The wiki will then show a code to type."""
        responses.post(WIKI.server + INITIATE, body='{"key":"k","secret":"s"}')
        oauth1.begin_authorization(WIKI, consumer1(callback_url=None))
        assert oauth_header(responses.calls[0].request)["oauth_callback"] == "oob"

    @responses.activate
    def test_callback_is_fixed_oob_is_asked_for_then(self):
        """One registered without "is a prefix" must say oob, and is called back all the same."""
        refusal = {"error": "mwoauth-callback-not-oob", "message": 'must be set to "oob"'}
        responses.post(WIKI.server + INITIATE, body=dumps(refusal))
        responses.post(WIKI.server + INITIATE, body='{"key":"k","secret":"s"}')
        assert oauth1.begin_authorization(WIKI, consumer1()).state == "k"
        asked = [oauth_header(call.request)["oauth_callback"] for call in responses.calls]
        assert asked == [CALLBACK, "oob"]

    @responses.activate
    def test_text_answer_is_understood_too(self):
        """A wiki that does not heed format=json answers with a form."""
        form = "oauth_token=k&oauth_token_secret=s&oauth_callback_confirmed=true"
        responses.post(WIKI.server + INITIATE, body=form)
        assert oauth1.begin_authorization(WIKI, consumer1()).secret == "s"

    @needs_recordings
    @responses.activate
    @pytest.mark.parametrize("case", ["o1_initiate_ok", "o1_initiate_ok_json"])
    def test_recorded_success(self, case):
        """Both forms in which a real wiki gives a request token."""
        responses.post(RECORDED_WIKI.server + INITIATE, **recorded_answer(case))
        begun = oauth1.begin_authorization(RECORDED_WIKI, recorded_consumer("oauth1"))
        assert re.fullmatch("[0-9a-f]{32}", begun.state)
        assert re.fullmatch("[0-9a-f]{32}", begun.secret)

    @needs_recordings
    @responses.activate
    @pytest.mark.parametrize(
        ("case", "code", "said"),
        [
            ("o1_initiate_bad_callback", None, "oauth_callback must be set"),
            (
                "o1_initiate_bad_callback_json",
                "mwoauth-callback-not-oob-or-prefix",
                'set to "oob" (case-sensitive), or the configured callback must be a prefix',
            ),
            ("o1_initiate_bad_consumer", None, "Invalid consumer"),
            ("o1_initiate_bad_consumer_json", "mwoauth-oauth-exception", "Invalid consumer"),
            ("o1_initiate_bad_signature", None, "Invalid signature"),
            ("o1_initiate_bad_signature_json", "mwoauth-oauth-exception", "Invalid signature"),
            ("o1_initiate_callback_missing", None, "oauth_callback must be set"),
            ("o1_initiate_callback_not_oob", None, 'must be set to "oob"'),
            ("o1_initiate_nonce_reuse", None, "Nonce already used"),
            ("o1_initiate_plaintext", None, "method 'PLAINTEXT' not supported"),
        ],
    )
    def test_recorded_refusal_raises(self, case, code, said):
        """The wiki's code and words are kept, and what to do next is said."""
        responses.post(RECORDED_WIKI.server + INITIATE, **recorded_answer(case))
        with pytest.raises(TokenRequestError) as caught:
            oauth1.begin_authorization(RECORDED_WIKI, recorded_consumer("oauth1"))
        assert caught.value.error == code
        assert said in str(caught.value)
        assert "Compare the consumer's key, secret and callback URL" in str(caught.value)

    @responses.activate
    def test_clock_is_wrong_raises(self):
        """A wrong clock is no fault of the consumer."""
        message = "An error occurred in the OAuth protocol: Expired timestamp, yours 1, ours 601"
        body = dumps({"error": "mwoauth-oauth-exception", "message": message})
        responses.post(WIKI.server + INITIATE, body=body)
        with pytest.raises(ConfigurationError, match="Set this computer's clock right"):
            oauth1.begin_authorization(WIKI, consumer1())

    @responses.activate
    @pytest.mark.parametrize("body", [*NONSENSE, '{"key": 1, "secret": 2}', '{"key": "a b"}'])
    def test_nonsense_raises(self, body):
        """What is no answer of Special:OAuth is not taken for one."""
        responses.post(WIKI.server + INITIATE, body=body)
        with pytest.raises(TransportError, match="something else than OAuth") as caught:
            oauth1.begin_authorization(WIKI, consumer1())
        assert not body or body not in str(caught.value)

    def test_clear_text_raises_and_nothing_is_sent(self):
        """A signature is a secret's work; http is for loopback."""
        with responses.RequestsMock(), pytest.raises(ConfigurationError, match="not https"):
            oauth1.begin_authorization(Wiki("http://wiki.example"), consumer1())


class TestCompleteAuthorization:
    """Exchanging the verification code."""

    @responses.activate
    @pytest.mark.parametrize(
        "response",
        [
            f"{CALLBACK}?oauth_verifier=abc123&oauth_token=5tateOfPending",
            f"  {CALLBACK}?x=1&y=a%20b&oauth_verifier=abc123&oauth_token=5tateOfPending#top\n",
            "oauth_verifier=abc123&oauth_token=5tateOfPending",
            "?oauth_verifier=abc123&oauth_token=5tateOfPending",
        ],
    )
    def test_address_the_code_is_exchanged(self, response):
        """The whole address or its query, signed with the request token."""
        responses.post(WIKI.server + TOKEN, body='{"key":"k","secret":"s"}')
        token = oauth1.complete_authorization(WIKI, pending(consumer1()), response)
        sent = responses.calls[0].request
        assert token == OAuth1AccessToken("k", "s")
        assert oauth_header(sent)["oauth_verifier"] == "abc123"
        assert oauth_header(sent)["oauth_token"] == "5tateOfPending"
        assert verifies(sent, f"{SECRET}&5ecretOfPending")

    @responses.activate
    def test_wiki_of_a_farm_the_central_one_is_asked(self):
        """It made the request token."""
        meta = responses.post("https://meta.wikimedia.org" + TOKEN, body='{"key":"k","secret":"s"}')
        back = came_back(oauth_token="5tateOfPending", oauth_verifier="abc123")
        oauth1.complete_authorization(Wiki("https://de.wikipedia.org"), pending(consumer1()), back)
        assert meta.call_count == 1

    @responses.activate
    def test_out_of_band_the_code_alone_will_do(self):
        """The page that the wiki shows has nothing but the code."""
        responses.post(WIKI.server + TOKEN, body='{"key":"k","secret":"s"}')
        begun = pending(consumer1(callback_url=None))
        oauth1.complete_authorization(WIKI, begun, " abc123\n")
        assert oauth_header(responses.calls[0].request)["oauth_verifier"] == "abc123"

    @responses.activate
    @pytest.mark.parametrize(
        "response",
        [
            "abc123",
            "",
            "oauth_verifier=abc123",
            came_back(oauth_verifier="abc123", oauth_token="other"),
            came_back(oauth_verifier="abc123", oauth_token="5tat\u00e9"),
            came_back(oauth_verifier="abc123", oauth_token="5tateOfPending")
            + "&oauth_token=5tateOfPending",
            came_back(oauth_verifier="abc123", oauth_token="5tateOfPending")
            + "&oauth_verifier=def",
            "oauth_token=\ud800",
        ],
    )
    def test_not_our_authorization_raises_and_nothing_is_sent(self, response):
        """Only the address that names our request token, once, is ours."""
        with pytest.raises(StateMismatchError, match="does not belong") as caught:
            oauth1.complete_authorization(WIKI, pending(consumer1()), response)
        assert not responses.calls
        assert "abc123" not in str(caught.value)

    @responses.activate
    @pytest.mark.parametrize("verifier", ["", "a b", "é", "x" * 129])
    def test_no_code_raises_and_nothing_is_sent(self, verifier):
        """The right address without a usable code."""
        response = came_back(oauth_token="5tateOfPending", oauth_verifier=verifier)
        with pytest.raises(TokenRequestError, match="without a verification code"):
            oauth1.complete_authorization(WIKI, pending(consumer1()), response)
        assert not responses.calls

    @needs_recordings
    @responses.activate
    @pytest.mark.parametrize("case", ["o1_token_ok", "o1_token_json"])
    def test_recorded_success(self, case):
        """Both forms in which a real wiki gives an access token."""
        responses.post(RECORDED_WIKI.server + TOKEN, **recorded_answer(case))
        token = oauth1.complete_authorization(
            RECORDED_WIKI,
            pending(recorded_consumer("oauth1")),
            came_back(oauth_token="5tateOfPending", oauth_verifier="0f" * 16),
        )
        assert re.fullmatch("[0-9a-f]{32}", token.key)
        assert re.fullmatch("[0-9a-f]{40}", token.secret)

    @needs_recordings
    @responses.activate
    @pytest.mark.parametrize(
        ("case", "code", "said"),
        [
            ("o1_token_bad_signature", None, "Invalid signature"),
            ("o1_token_before_authorization", None, "No token was found matching your request"),
            ("o1_authorize_deny", None, "No token was found matching your request"),
            ("o1_token_missing_verifier", None, "The verification code provided was not valid"),
            ("o1_token_wrong_verifier", None, "The verification code provided was not valid"),
            ("o1_token_unknown_request_token", None, "OAuth token not found, E004"),
            (
                "o1_token_reused_request_token_json",
                "mwoauthdatastore-request-token-already-used",
                "This request has already been completed",
            ),
        ],
    )
    def test_recorded_refusal_raises(self, case, code, said):
        """The wiki's words without its HTML, on one line."""
        responses.post(RECORDED_WIKI.server + TOKEN, **recorded_answer(case))
        begun = pending(recorded_consumer("oauth1"))
        with pytest.raises(TokenRequestError) as caught:
            oauth1.complete_authorization(
                RECORDED_WIKI,
                begun,
                came_back(oauth_token="5tateOfPending", oauth_verifier="0f" * 16),
            )
        assert caught.value.error == code
        assert said in str(caught.value)
        assert not re.search("[<>\n]|&[a-z]+;", str(caught.value))
        assert "begin again" in str(caught.value)

    @responses.activate
    def test_wiki_repeats_our_secrets_they_are_left_out(self):
        """Whatever a wiki says, neither its words nor its code bring a secret into a message."""
        words = f"{SECRET} <b>5ecretOf</b>Pending ver1f1er 5tateOfPending \x1b[31m" + "long " * 200
        responses.post(WIKI.server + TOKEN, body=dumps({"error": "ver1f1er", "message": words}))
        begun = pending(consumer1(callback_url=None))
        with pytest.raises(TokenRequestError) as caught:
            oauth1.complete_authorization(WIKI, begun, "ver1f1er")
        message = str(caught.value)
        assert '"… … … … [31mlong' in message
        assert message.isprintable()
        assert len(message) < 500
        assert caught.value.error is None

    @given(
        body=st.text()
        | st.binary()
        | st.recursive(
            st.none() | st.booleans() | st.floats() | st.text(),
            lambda inner: (
                st.lists(inner)
                | st.dictionaries(st.sampled_from(["key", "secret", "error", "message"]), inner)
            ),
        ).map(dumps),
        prefix=st.sampled_from(["", "Error: ", "oauth_token=a&oauth_token_secret="]),
    )
    @settings(
        max_examples=150,
        deadline=timedelta(seconds=2),
        suppress_health_check=[HealthCheck.too_slow],
    )
    def test_any_answer_a_token_or_one_of_our_errors(self, body, prefix):
        """Nothing that a wiki answers brings another exception, or a secret into a message."""
        text = body if isinstance(body, bytes) else body.encode("utf-8", "surrogatepass")
        with responses.RequestsMock() as mock:
            mock.post(WIKI.server + TOKEN, body=prefix.encode() + text)
            self.complete("ver1f1er")

    @given(
        response=st.text()
        | st.text().map(lambda text: f"oauth_token=5tateOfPending&oauth_verifier={text}")
    )
    @settings(max_examples=150, deadline=timedelta(seconds=2))
    def test_any_response_a_token_or_one_of_our_errors(self, response):
        """Nothing that is pasted brings another exception, or a secret into a message."""
        with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
            mock.post(WIKI.server + TOKEN, body=dumps({"error": "x", "message": SECRET}))
            self.complete(response)

    def complete(self, response: str) -> None:
        """Complete an authorization, and allow only for our errors."""
        begun: PendingAuthorization = pending(consumer1(callback_url=None))
        try:
            token = oauth1.complete_authorization(WIKI, begun, response)
        except PwbOAuthError as error:
            assert SECRET not in str(error)  # noqa: PT017
            assert begun.secret not in str(error)  # noqa: PT017
        else:
            assert token.key
            assert token.secret
