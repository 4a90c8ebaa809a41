"""Reading what wikis answer and browsers bring back."""

from __future__ import annotations

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from pwb_oauth.answers import (
    MAX_SENTENCE,
    error_code,
    json_object,
    returned_parameters,
    same,
    sentence,
)
from pwb_oauth.errors import StateMismatchError


def answer(body: bytes) -> requests.Response:
    """An answer with that body."""
    response = requests.Response()
    response._content = body
    return response


class TestJsonObject:
    """Taking an answer for an object."""

    def test_object_it_is_returned(self):
        """Whatever its content type."""
        assert json_object(answer(b'{"a": [1]}')) == {"a": [1]}

    @pytest.mark.parametrize(
        "body", [b"", b"<html>", b'{"a"', b"[]", b"null", b"\xff\xfe", b"[" * 100_000]
    )
    def test_anything_else_none_is_returned(self, body):
        """HTML, nothing, half an object, and what would exhaust the stack."""
        assert json_object(answer(body)) is None


class TestSentence:
    """Making a wiki's words fit for a message."""

    def test_html_escaped_once_or_twice_it_is_gone(self):
        """MediaWiki escapes what holds HTML already."""
        said = (
            "&quot;Back&quot;.\n\n&lt;i class=&quot;x&quot;&gt;See <a href='y'>E004</a>&lt;/i&gt;"
        )
        assert sentence(said, ()) == '"Back". See E004'

    def test_full_stop_it_is_gone(self):
        """The message goes on after the wiki's words."""
        assert sentence("Invalid. Try again. ", ()) == "Invalid. Try again"

    def test_long_it_is_cut(self):
        """A message is not a page."""
        said = sentence("x" * 1000, ())
        assert len(said) == MAX_SENTENCE == 300
        assert said.endswith("…")

    def test_secret_torn_apart_it_is_left_out(self):
        """Tags, escapes and control characters do not hide a secret from us."""
        secrets = ("secret42", None, "")
        assert sentence("a s<i>ec</i>r\x00e&#116;42 b", secrets) == "a … b"

    def test_shorter_than_a_secret_it_is_left_in(self):
        """A wiki gives none so short; whoever types one would find words with holes."""
        said = "An error occurred"
        assert sentence(said, ("a", "r", "c", "error o")) == said

    def test_terminal_escape_it_is_gone(self):
        """Messages are written to terminals."""
        assert sentence("\x1b[31mred\x07\u202e", ()) == "[31mred"

    @pytest.mark.parametrize("said", [None, 5, ["a"], {"a": "b"}])
    def test_no_text_nothing_was_said(self, said):
        """JSON can hold anything."""
        assert sentence(said, ()) == ""

    @given(st.text(), st.text(min_size=8))
    def test_any_text_the_secret_is_not_in_it(self, said, secret):
        """At any place, and cut where it may."""
        assert secret not in sentence(said + secret + said, (secret,))


class TestErrorCode:
    """Keeping the code of an error."""

    def test_code_it_is_kept(self):
        """As OAuth and MediaWiki write them."""
        assert error_code("mwoauthdatastore-request-token-not-found", ("s",) * 0)
        assert error_code("invalid_client", ("secret42", "client")) == "invalid_client"

    @pytest.mark.parametrize("code", [None, 5, "", "two words", "<b>", "x" * 101, "my-secret42"])
    def test_no_code_or_a_secret_in_it_none_is_kept(self, code):
        """An attribute may be printed too."""
        assert error_code(code, ("secret42",)) is None


class TestReturnedParameters:
    """Reading the address that a browser came back to."""

    @pytest.mark.parametrize(
        "response", ["https://a.example/b?x=1&y=a%20b", "x=1&y=a+b", " ?x=1&y=a%20b#z\n"]
    )
    def test_address_or_query_the_parameters_are_read(self, response):
        """Decoded as a form."""
        assert returned_parameters(response) == {"x": "1", "y": "a b"}

    def test_parameter_twice_raises(self):
        """Which of them would be meant?"""
        with pytest.raises(StateMismatchError):
            returned_parameters("x=1&x=1")

    @given(st.text())
    def test_any_text_a_mapping_or_our_error(self, text):
        """Whatever is pasted."""
        try:
            assert isinstance(returned_parameters(text), dict)
        except StateMismatchError as error:
            assert str(error)  # noqa: PT017


class TestSame:
    """Comparing secrets."""

    def test_texts_are_compared_also_those_that_are_not_ascii(self):
        """hmac.compare_digest would refuse such text."""
        assert same("é\ud800", "é\ud800")
        assert not same("é", "e")
        assert not same("a", "")
