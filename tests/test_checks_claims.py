"""What an access token says of itself."""

from __future__ import annotations

from dataclasses import replace

import jwt
import pytest

from bots import Bot
from pwb_oauth.checks.claims import consumer_key
from pwb_oauth.credential import Consumer, OAuth2AccessToken

KEY = "e56eda5615c027a2793467d9c6bd92cb"


@pytest.fixture
def bare(wiki, tmp_path):
    """Of an owner-only consumer, nothing but its access token."""
    credential = Bot(wiki, tmp_path).credential("2.0 owner-only")
    return replace(credential, consumer=Consumer(None, owner_only=True))


class TestConsumerKey:
    """``consumer_key``."""

    @pytest.mark.parametrize("kind", ["1.0a", "1.0a owner-only", "2.0", "2.0 owner-only"])
    def test_consumer_is_known_it_is_its_key(self, wiki, tmp_path, kind):
        """Whatever the credential is."""
        credential = Bot(wiki, tmp_path).credential(kind)
        assert consumer_key(credential) == credential.consumer.key

    def test_nothing_but_the_access_token_is_known_it_names_the_consumer(self, wiki, bare):
        """As a wiki gives it to whoever has registered an owner-only consumer."""
        (key,) = wiki.consumers
        assert consumer_key(bare) == key

    def test_registered_key_goes_before_what_the_token_says(self, bare):
        """Nobody has verified the token."""
        known = replace(bare, consumer=Consumer("0" * 32, owner_only=True))
        assert consumer_key(known) == "0" * 32

    @pytest.mark.parametrize(
        ("claims", "key"),
        [
            ({"aud": KEY, "exp": 0}, KEY),
            ({"aud": f"{KEY}0"}, None),
            ({"aud": "\x1b[31m"}, None),
            ({"aud": [KEY, KEY]}, None),
            ({"aud": 1}, None),
            ({}, None),
        ],
        ids=repr,
    )
    def test_token_says_something_else_it_is_not_known(self, bare, claims, key):
        """Neither shown nor an error; that the token has ended is no matter."""
        value = jwt.encode(claims, "x" * 32, "HS256")
        assert consumer_key(replace(bare, access_token=OAuth2AccessToken(value))) == key

    @pytest.mark.parametrize(
        "value", ["opaque", "a.b.c", "eyJ0.W10.c2ln", "eyJ0.MQ.c2ln", "x" * 999]
    )
    def test_token_is_no_jwt_it_is_not_known(self, bare, value):
        """To us it is opaque."""
        token = OAuth2AccessToken(value)
        assert consumer_key(replace(bare, access_token=token)) is None
