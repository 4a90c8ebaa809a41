"""Tests of consumers, access tokens and credentials."""

from __future__ import annotations

import copy
import json
import logging
import pickle
import traceback
from dataclasses import FrozenInstanceError, replace
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from pwb_oauth.credential import (
    Consumer,
    Credential,
    OAuth1AccessToken,
    OAuth2AccessToken,
    PendingAuthorization,
    parse_owner_only,
)
from pwb_oauth.errors import ConfigurationError, TokenStoreError

MOMENT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=timezone.utc)
HOUR = timedelta(hours=1)
OAUTH1 = Credential(
    Consumer("consumer-key", "secret-consumer", "1.0a", owner_only=True),
    OAuth1AccessToken("access-key", "secret-access"),
    "Ñandú",
    MOMENT,
)
OAUTH2 = Credential(
    Consumer("client-id", "secret-client", callback_url="http://127.0.0.1:8080/callback"),
    OAuth2AccessToken("secret-value", "secret-refresh", MOMENT + HOUR, MOMENT),
    "Example user",
    MOMENT,
    subject="4321",
    grants=("basic", "editpage"),
)
PENDING = PendingAuthorization(
    OAUTH2.consumer, "https://example.org/authorize", "secret-state", "secret-verifier", MOMENT
)
SECRETS = [
    OAUTH1.consumer,
    OAUTH1.access_token,
    OAUTH1,
    OAUTH2.consumer,
    OAUTH2.access_token,
    OAUTH2,
    PENDING,
]


class TestSecret:
    """What holds a secret shows none."""

    @pytest.mark.parametrize("value", SECRETS, ids=lambda value: type(value).__name__)
    def test_no_form_of_printing_shows_a_secret(self, value, caplog):
        """Not str, repr, format, a log or a traceback with its local variables."""
        caplog.set_level(logging.DEBUG)
        logging.getLogger("any").debug("%s %r", value, [value])
        with pytest.raises(KeyError) as raised:
            {}[value]
        report = "".join(
            traceback.TracebackException.from_exception(raised.value, capture_locals=True).format()
        )
        shown = f"{value} {value!r} {value!s} {[value]} { ({'a': value}) } {caplog.text} {report}"
        assert "secret-" not in shown

    @pytest.mark.parametrize("value", SECRETS, ids=lambda value: type(value).__name__)
    @pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
    def test_pickling_is_refused(self, value, protocol):
        """Pickles end in files."""
        with pytest.raises(TypeError, match="cannot be pickled"):
            pickle.dumps([value], protocol)

    @pytest.mark.parametrize("value", SECRETS, ids=lambda value: type(value).__name__)
    def test_copies_are_the_value_itself(self, value):
        """It cannot change, so that what holds one can be copied."""
        assert copy.copy(value) is value
        assert copy.deepcopy([value])[0] is value

    @pytest.mark.parametrize("value", SECRETS, ids=lambda value: type(value).__name__)
    def test_value_cannot_be_changed(self, value):
        """Threads share it."""
        name = next(iter(vars(value)))
        with pytest.raises(FrozenInstanceError):
            setattr(value, name, "other")


class TestConsumer:
    """An application as it is registered."""

    @pytest.mark.parametrize(
        "arguments",
        [
            {"key": "k", "oauth_version": "1.0a"},
            {"key": None, "secret": "s", "oauth_version": "1.0a", "owner_only": True},
            {"key": None},
            {"key": ""},
            {"key": "k", "oauth_version": "1.0"},
            {"key": "k", "oauth_version": "2"},
        ],
    )
    def test_consumer_that_could_sign_nothing_is_refused(self, arguments):
        """At once, not at the first request."""
        with pytest.raises(ConfigurationError):
            Consumer(**arguments)

    def test_owner_only_consumer_needs_no_key(self):
        """The access token alone is enough for OAuth 2.0."""
        assert Consumer(None, owner_only=True).oauth_version == "2.0"


class TestOAuth2AccessToken:
    """A bearer token."""

    @pytest.mark.parametrize(
        "value", ["", "a b", "a\nb", "ä", "Bearer x", "x\r\nX-Evil: 1", "=", "a=b"]
    )
    def test_value_that_is_no_header_is_refused_unseen(self, value):
        """The error does not repeat it."""
        with pytest.raises(ConfigurationError) as refused:
            OAuth2AccessToken(value)
        assert not value or value not in str(refused.value)

    @pytest.mark.parametrize("value", ["a", "eyJ0.eyJ1.c2ln-_", "a+/~==", "0" * 5000])
    def test_value_of_the_rfc_is_accepted(self, value):
        """RFC 6750's b64token."""
        assert OAuth2AccessToken(value).value == value

    @pytest.mark.parametrize(
        ("lifetime", "margin"),
        [(14400, 60), (3600, 60), (600, 60), (300, 30), (20, 2), (0, 0)],
    )
    def test_renewal_comes_before_the_end(self, lifetime, margin):
        """60 seconds before, a tenth of the lifetime for tokens that live below 10 minutes."""
        ends = MOMENT + timedelta(seconds=lifetime)
        token = OAuth2AccessToken("v", None, ends, MOMENT)
        assert token.renew_at == ends - timedelta(seconds=margin)

    def test_renewal_of_a_token_of_unknown_age_is_a_minute_before(self):
        """As if it lived long."""
        assert OAuth2AccessToken("v", None, MOMENT).renew_at == MOMENT - timedelta(minutes=1)

    def test_token_without_an_end_is_never_renewed(self):
        """Owner-only tokens have no end that is known."""
        assert OAuth2AccessToken("v", issued_at=MOMENT).renew_at is None


class TestCredential:
    """A consumer, an access token, whose it is."""

    @pytest.mark.parametrize(
        ("consumer", "token"),
        [(OAUTH1.consumer, OAUTH2.access_token), (OAUTH2.consumer, OAUTH1.access_token)],
    )
    def test_token_of_the_other_version_is_refused(self, consumer, token):
        """A signature is no bearer token."""
        with pytest.raises(ConfigurationError, match="AccessToken"):
            Credential(consumer, token, "U", MOMENT)

    def test_version_end_and_refresh_are_the_tokens(self):
        """What a caller asks of a credential."""
        assert (OAUTH1.oauth_version, OAUTH1.expires_at, OAUTH1.refreshable) == (
            "1.0a",
            None,
            False,
        )
        assert (OAUTH2.oauth_version, OAUTH2.expires_at) == ("2.0", MOMENT + HOUR)
        assert OAUTH2.refreshable
        assert not replace(OAUTH2, access_token=OAuth2AccessToken("v")).refreshable

    def test_renewed_changes_nothing_but_the_token(self):
        """Whose it is and since when stays."""
        token = OAuth2AccessToken("new")
        assert OAUTH2.renewed(token) == replace(OAUTH2, access_token=token)


LEAST = Credential(Consumer(None, owner_only=True), OAuth2AccessToken("v"), "U", MOMENT)
STORED = json.loads(OAUTH2.to_json())
DAMAGE = [
    {"consumer": None},
    {"consumer": {}},
    {"consumer": {**STORED["consumer"], "key": 5}},
    {"consumer": {**STORED["consumer"], "owner_only": "yes"}},
    {"consumer": {**STORED["consumer"], "more": "x"}},
    {"consumer": {**STORED["consumer"], "oauth_version": "1.0a"}},
    {"access_token": None},
    {"access_token": {}},
    {"access_token": {"value": 5}},
    {"access_token": {"value": "not a token"}},
    {"access_token": {"value": "v", "expires_at": "tomorrow"}},
    {"access_token": {"value": "v", "expires_at": "2026-01-02T03:04:05"}},
    {"access_token": {"value": "v", "expires_at": 5}},
    {"username": None},
    {"username": ["U"]},
    {"subject": 5},
    {"grants": [5]},
    {"grants": None},
    {"logged_in_at": None},
    {"logged_in_at": "2026-01-02T03:04:05"},
]


class TestCredentialJson:
    """The form in which a store keeps it."""

    @pytest.mark.parametrize("credential", [OAUTH1, OAUTH2, LEAST], ids=["1.0a", "2.0", "least"])
    def test_reading_gives_what_was_written(self, credential):
        """Every field, to the microsecond."""
        assert Credential.from_json(credential.to_json()) == credential

    def test_public_consumer_without_a_secret_is_kept(self):
        """A client id is all that some consumers have."""
        public = replace(OAUTH2, consumer=Consumer("client-id"))
        assert Credential.from_json(public.to_json()) == public

    @settings(deadline=None)
    @given(
        username=some.text(min_size=1),
        subject=some.none() | some.text(),
        grants=some.lists(some.text()).map(tuple),
        secret=some.none() | some.text(),
        when=some.datetimes(
            min_value=datetime(2, 1, 1),  # noqa: DTZ001  # hypothesis adds the zone
            timezones=some.just(timezone(timedelta(hours=5, minutes=45))),
        ),
    )
    def test_any_text_and_time_is_kept(self, username, subject, grants, secret, when):
        """Whatever letters there are, and in whatever zone the time was given."""
        credential = Credential(
            Consumer("k", secret),
            OAuth2AccessToken("v", secret, when),
            username,
            when,
            subject,
            grants,
        )
        text = credential.to_json()
        assert text.isascii()
        assert Credential.from_json(text) == credential

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "secret-",
            "[]",
            "null",
            "5",
            '"secret-"',
            OAUTH2.to_json()[:-5],
            *(json.dumps({**STORED, **damage}) for damage in DAMAGE),
            *(
                json.dumps({name: value for name, value in STORED.items() if name != left_out})
                for left_out in STORED
                if left_out != "format"
            ),
        ],
    )
    def test_damaged_text_is_refused_without_showing_it(self, text):
        """It was left as it is, and the error has no cause that would hold it."""
        with pytest.raises(TokenStoreError, match="log in again") as refused:
            Credential.from_json(text)
        assert "secret-" not in str(refused.value)
        assert refused.value.__cause__ is None
        assert refused.value.__context__ is None

    @pytest.mark.parametrize("number", [0, 2, "1", None])
    def test_other_format_is_refused_with_its_own_words(self, number):
        """A newer version wrote it; logging in again would be the wrong advice."""
        with pytest.raises(TokenStoreError, match="upgrade"):
            Credential.from_json(json.dumps({**STORED, "format": number}))

    def test_format_is_the_first_version(self):
        """What is written here is read by this version, and by later ones."""
        assert STORED["format"] == 1


class TestPendingAuthorization:
    """What is kept until the browser is back."""

    def test_address_shows_no_state(self):
        """The address holds the state (OAuth 2.0) or the request token (1.0a)."""
        pending = replace(PENDING, url="https://example.org/authorize?state=secret-state")
        assert "secret-" not in repr(pending)


class TestParseOwnerOnly:
    """What the wiki shows to who has registered an owner-only consumer."""

    def test_one_part_is_a_bearer_token(self):
        """OAuth 2.0; blanks around it come from pasting."""
        consumer, token = parse_owner_only(" eyJ.a.b \n")
        assert consumer == Consumer(None, oauth_version="2.0", owner_only=True)
        assert token == OAuth2AccessToken("eyJ.a.b")

    def test_four_parts_are_oauth1(self):
        """In the order in which the wiki lists them."""
        consumer, token = parse_owner_only("k:ks:t:ts")
        assert consumer == Consumer("k", "ks", "1.0a", owner_only=True)
        assert token == OAuth1AccessToken("t", "ts")

    @pytest.mark.parametrize(
        "text",
        [
            *("", "  ", "a:b", "a:b:c", "a:b:c:", "a:b:c:d:e", ":::", "a b", "ä"),
            *("hunter2password", "a.b", "a.b.c.d", "a..c", "a.b.c=", "a.b+.c"),
            *(f"a.b.{'c' * 65_536}", f"a:b:c:{'d' * 65_536}"),
        ],
        ids=lambda text: text[:10],
    )
    def test_anything_else_is_refused_unseen(self, text):
        """A password, say, which would be sent; the error says what is wanted, and no more."""
        with pytest.raises(ConfigurationError, match="joined by colons") as refused:
            parse_owner_only(text)
        assert "hunter2" not in str(refused.value)
        assert refused.value.__context__ is None
