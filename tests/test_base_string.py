"""Signature base strings: to the byte those of oauthlib, without parsing what is signed."""

from __future__ import annotations

import sys
from datetime import timedelta
from types import SimpleNamespace
from urllib.parse import urlencode, urlsplit

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from oauthlib.oauth1.rfc5849 import signature

from pwb_oauth.base_string import base_string, hmac_sha1

API = "https://wiki.example/w/api.php"
PROTOCOL = [
    ("oauth_consumer_key", "9djdj82h48djs9d2"),
    ("oauth_token", "kkk9d7dh3k39sjv7"),
    ("oauth_signature_method", "HMAC-SHA1"),
    ("oauth_timestamp", "137131201"),
    ("oauth_nonce", "7d8f3e4a"),
]
# Names that sort otherwise once they are encoded, and one that is the beginning of others.
NAMES = st.sampled_from(["a", "a-", "a.", "a1", "a ", "a!", "a~", "aa", "A", "aé", "", "titles[]"])
PAIRS = st.lists(st.tuples(NAMES | st.text(), st.text()), max_size=6)
# Right and wrong, in any order.
ESCAPES = (
    "20 2B 26 3D 25 2A 7E 41 7a 00 0A c3%a9 C3%A9 C3%a9 C3 A9 FF E4%B8%AD E4%B8 F0%9F%98%80 "
    "ED%A0%80 C0%80 F4%90%80%80 G0 4"
)
SNIPPETS = st.sampled_from(
    [
        *"aZ0~-._+*!'(/:;,é?#%&=",
        *(f"%{digits}" for digits in ESCAPES.split()),
        *("oauth_", "oauth_token=a", "&oauth_signature=b", "%%", "&&", "=="),
    ]
)
TEXTS = st.lists(SNIPPETS, max_size=12).map("".join)


def quickly(method: str, url: str, form: str) -> str | None:
    """What our function makes."""
    parts = base_string(method, url, form.encode(), PROTOCOL)
    return None if parts is None else b"".join(parts).decode()


def by_oauthlib(method: str, url: str, form: str) -> str | None:
    """What oauthlib makes; None where it does not understand the query or the form."""
    header = "OAuth " + ", ".join(f'{name}="{value}"' for name, value in PROTOCOL)
    if signature.extract_params(form) is None:
        return None
    try:
        collected = signature.collect_parameters(
            urlsplit(url).query, form, {"Authorization": header}
        )
    except ValueError:
        return None
    address = signature.base_string_uri(url)
    return signature.signature_base_string(
        method, address, signature.normalize_parameters(collected)
    )


class TestBaseString:
    """``base_string()``."""

    def test_rfc_5849_section_3_4_1_it_is_the_rfcs(self):
        """The RFC's example."""
        url = "http://EXAMPLE.COM:80/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b"
        assert quickly("post", url, "c2&a3=2+q") == (
            "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%25"
            "3D%25253D%26c%2540%3D%26c2%3D%26oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7"
            "d8f3e4a%26oauth_signature_method%3DHMAC-SHA1%26oauth_timestamp%3D137131201%26oauth_toke"
            "n%3Dkkk9d7dh3k39sjv7"
        )

    @given(
        method=st.sampled_from(["GET", "POST", "delete", "M SEARCH"]),
        server=st.sampled_from(
            [
                "http://a.b",
                "http://A.b:80",
                "https://a.b:80",
                "https://a.b:443",
                "http://[::1]:8080",
            ]
        ),
        path=st.sampled_from(["", "/", "/w/api.php", "/w/rest.php/a%20b;x=1", "/ü"]),
        query=PAIRS,
        form=PAIRS,
    )
    @example("GET", "http://a.b", "", [], [])
    @settings(max_examples=300, deadline=timedelta(seconds=2))
    def test_what_urllib_encodes_is_never_left_to_oauthlib(self, method, server, path, query, form):
        """Methods, ports, paths, repeated and empty parameters, and any text."""
        sent = f"{server}{path}?{urlencode(query)}", urlencode(form)
        foreign = any(name.startswith("oauth_") for name, _ in query + form)
        expected = None if foreign else by_oauthlib(method, *sent)
        assert quickly(method, *sent) == expected

    @given(query=TEXTS, form=TEXTS)
    @settings(max_examples=1500, deadline=timedelta(seconds=2))
    def test_anything_else_is_oauthlibs_or_left_to_it(self, query, form):
        """Every kind of encoding, right and wrong."""
        made = quickly("POST", f"{API}?{query}", form)
        assert made in (None, by_oauthlib("POST", f"{API}?{query}", form))

    @pytest.mark.parametrize(
        "form",
        [
            "a=%7E",  # need not be encoded
            "a=%41%2a",
            "a=%c3%a9",  # small digits
            "a=%C3%A",  # too few
            "a=%",
            "a=%%41",
            "a=%G0",
            "a=%FF",  # no UTF-8
            "a=%ED%A0%80",
            "a=é",  # not encoded
            "a=*",
            "a=b=c",
            "a=1;b=2",
            "oauth_token=x",
            "b=1&oauth_signature=x",
        ],
    )
    def test_form_that_is_not_canonical_is_left_to_oauthlib(self, form):
        """Its own way through such text is not ours to know."""
        assert quickly("POST", API, form) is None
        assert quickly("POST", f"{API}?{form}", "") is None

    def test_words_about_oauth_in_a_page_change_nothing(self):
        """Only names of parameters count."""
        form = urlencode({"text": "oauth_token=1&oauth_signature=2", "x": "oauth_"})
        assert quickly("POST", API, form) == by_oauthlib("POST", API, form)
        assert quickly("POST", API, form) is not None

    @pytest.mark.parametrize("shift", range(6))
    def test_text_of_several_pieces_is_oauthlibs(self, shift):
        """Wherever a piece ends: before, after or within an escape."""
        form = urlencode({"text": "-" * shift + "ж = & 中%\n" * 2_000, "title": "a"})
        assert quickly("POST", API, form) == by_oauthlib("POST", API, form)

    @pytest.mark.parametrize("text", ["Википедия, ", "维基百科 ", "plain ASCII & more\n"])
    def test_long_text_takes_a_few_calls_for_each_piece_of_it(self, text):
        """No work of Python's grows with the text but the number of pieces: it is linear."""
        once, twice, thrice = (self.calls(text * size) for size in (50_000, 100_000, 150_000))
        length = len(urlencode({"text": text * 50_000}))
        assert abs((thrice - twice) - (twice - once)) <= 8  # the last piece may be a short one
        assert twice - once < length / 2_000

    @staticmethod
    def calls(text):
        """How many functions are called, of C and of Python, to make a base string."""
        form = urlencode({"action": "edit", "text": text}).encode()
        called = []
        sys.setprofile(lambda _frame, event, _argument: called.append(event))
        try:
            for part in base_string("POST", API, form, PROTOCOL):
                len(part)
        finally:
            sys.setprofile(None)
        return sum(event in ("call", "c_call") for event in called)


class TestHmacSha1:
    """``hmac_sha1()``."""

    @given(
        text=st.text(),
        consumer_secret=st.text(min_size=1),
        token_secret=st.text(),
        cut=st.integers(),
    )
    @settings(deadline=timedelta(seconds=2))
    def test_signature_is_oauthlibs(self, text, consumer_secret, token_secret, cut):
        """Over the same string, however it is cut, with secrets of any characters."""
        client = SimpleNamespace(client_secret=consumer_secret, resource_owner_secret=token_secret)
        expected = signature.sign_hmac_sha1_with_client(text, client)
        octets = text.encode()
        parts = octets[:cut], octets[cut:]
        assert hmac_sha1(parts, consumer_secret, token_secret) == expected
