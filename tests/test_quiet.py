"""Signing leaves no trace in the logs, and other users of the libraries keep theirs."""

from __future__ import annotations

import logging
import threading

import pytest
import requests
from requests_oauthlib import OAuth1

from oauth_answers import SECRET, consumer1
from pwb_oauth.credential import OAuth1AccessToken
from pwb_oauth.errors import ConfigurationError
from pwb_oauth.quiet import unlogged
from pwb_oauth.signing import OAuth1Signer

ACCESS = OAuth1AccessToken("acce55key", "acce55secret")


def request() -> requests.Request:
    """A form that the libraries sign, since it encodes a letter that needs no encoding."""
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    return requests.Request("POST", "https://wiki.example/w/api.php", form, data="action=%71uery")


def sign() -> requests.PreparedRequest:
    """Sign it by our signer."""
    prepared = request().prepare()
    return OAuth1Signer(consumer1(), ACCESS)(prepared)


class TestUnlogged:
    """The root logger at DEBUG, as a careless script has it."""

    def test_we_sign_nothing_is_logged(self, caplog):
        """No token, base string or signature reaches a handler."""
        caplog.set_level(logging.DEBUG)
        signed = sign()
        assert "oauth_signature" in signed.headers["Authorization"]
        assert not caplog.records

    def test_somebody_else_signs_their_logs_stay(self, caplog):
        """The libraries are not ours to silence."""
        caplog.set_level(logging.DEBUG)
        sign()
        OAuth1("other", "other-secret")(request().prepare())
        loggers = {record.name for record in caplog.records}
        assert loggers == {"oauthlib.oauth1.rfc5849", "requests_oauthlib.oauth1_auth"}
        assert SECRET not in caplog.text

    def test_somebody_else_signs_at_the_same_time_their_logs_stay(self, caplog):
        """One thread's signing silences that thread alone."""
        caplog.set_level(logging.DEBUG)
        theirs = threading.Thread(target=lambda: OAuth1("other", "x")(request().prepare()))
        with unlogged():
            theirs.start()
            theirs.join()
            logging.getLogger("oauthlib.oauth1.rfc5849").debug("ours")
        assert "Signing: signature base string" in caplog.text
        assert "ours" not in caplog.messages

    def test_signing_fails_logs_are_back(self, caplog):
        """The silence ends with the signature, also by an error."""
        caplog.set_level(logging.DEBUG)
        prepared = requests.Request(
            "GET", "https://wiki.example/w/api.php", data={"a": "b"}
        ).prepare()
        with pytest.raises(ConfigurationError):
            OAuth1Signer(consumer1(), ACCESS)(prepared)
        logging.getLogger("oauthlib.oauth1.rfc5849").debug("afterwards")
        assert caplog.messages == ["afterwards"]

    def test_signed_often_the_filter_is_there_once(self):
        """A filter a request would slow every log down."""
        sign()
        sign()
        assert len(logging.getLogger("oauthlib.oauth1.rfc5849").filters) == 1
