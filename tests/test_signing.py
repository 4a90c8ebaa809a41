"""OAuth 1.0a: signing requests, with the signatures that requests-oauthlib makes."""

from __future__ import annotations

import copy
import pickle
from datetime import timedelta
from urllib.parse import urlencode

import oauthlib.oauth1.rfc5849 as oauthlib_oauth1
import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st
from oauthlib.oauth1.rfc5849 import signature as oauthlib_signature
from requests_oauthlib import OAuth1

from oauth_answers import KEY, NOW, SECRET, consumer1
from pwb_oauth import clock
from pwb_oauth.credential import Consumer, OAuth1AccessToken
from pwb_oauth.errors import ConfigurationError
from pwb_oauth.signing import OAuth1Signer, SigningClient
from signatures import oauth_header, verifies

ACCESS = OAuth1AccessToken("acce55key", "acce55secret")
API = "https://wiki.example/w/api.php"
FORM = "application/x-www-form-urlencoded"
BODIES = st.sampled_from(
    [
        None,
        "",
        "a=b&c=d+e&c=%C3%A9&f",
        b"a=b",
        "a=%7Eb",
        "a=*",
        "a=%c3%a9",
        "a=%FF",
        "a=b=c",
        "oauth_nonce=x",
        "oauth_signature=x&a=b",
        "\u00e9",
        b"\xff",
        "{}",
        "no form!",
    ]
)
TYPES = st.sampled_from([None, FORM, FORM.encode(), f"{FORM}; charset=utf-8", "application/json"])


class Fixed(SigningClient):
    """Our signer, with a nonce and a time that do not change."""

    def get_oauth_params(self, request):
        fixed = {"oauth_nonce": "n0nce", "oauth_timestamp": "137131201"}
        made = super().get_oauth_params(request)
        return [(name, fixed.get(name, value)) for name, value in made]


class FixedSigner(OAuth1Signer):
    """It makes the same signature each time."""

    client_class = Fixed


def signed_by_stock(
    request: requests.PreparedRequest, **protocol
) -> requests.PreparedRequest | None:
    """What requests-oauthlib makes of a request; None if it refuses."""
    stock = OAuth1(
        KEY, SECRET, "acce55key", "acce55secret", nonce="n0nce", timestamp="137131201", **protocol
    )
    try:
        return stock(request)
    except ValueError:
        return None


def signed_by_us(request: requests.PreparedRequest, **protocol) -> requests.PreparedRequest | None:
    """What our signer makes of it; None if it refuses."""
    try:
        return FixedSigner(consumer1(), ACCESS, **protocol)(request)
    except ConfigurationError:
        return None


def as_text(request: requests.PreparedRequest | None):
    """All of a request, with text for octets; stock changes the one into the other."""
    if request is None:
        return None
    texts = [request.body or "", *request.headers.values()]
    texts = [text.decode("latin-1") if isinstance(text, bytes) else text for text in texts]
    return request.method, request.url, [name.lower() for name in request.headers], texts


class TestAsStock:
    """Signing any request as Pywikibot's own OAuth does."""

    @given(
        method=st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE"]),
        url=st.sampled_from(
            [API, "http://127.0.0.1:8090/w/api.php", "https://x.y:443/a%20b?c=d#e"]
        ),
        params=st.dictionaries(st.text(), st.text() | st.lists(st.text()), max_size=4),
        body=BODIES | st.dictionaries(st.text(), st.text()).map(urlencode),
        content_type=TYPES,
        headers=st.sampled_from([{}, {"Host": "other.example"}, {"Authorization": "Basic eDp5"}]),
        callback=st.sampled_from([None, "oob", "https://tool.example/back?a=b&c=ü"]),
    )
    @settings(max_examples=600, deadline=timedelta(seconds=2))
    def test_any_request_is_signed_or_refused_as_by_stock(
        self, method, url, params, body, content_type, headers, callback
    ):
        """Forms and other bodies, with and without Content-Type, canonical and not."""
        if content_type is not None and body:
            headers = {**headers, "Content-Type": content_type}
        request = requests.Request(method, url, params=params, headers=headers, data=body).prepare()
        expected = signed_by_stock(request.copy(), callback_uri=callback)
        made = signed_by_us(request, callback=callback)
        assert as_text(made) == as_text(expected)

    @pytest.mark.parametrize("body", ["a=%7E", "oauth_x=1", "a=b=c"])
    def test_form_that_is_not_canonical_is_signed_by_oauthlib(self, monkeypatch, body):
        """It alone knows what it makes of such a form."""
        monkeypatch.setattr(oauthlib_signature, "collect_parameters", self.asked)
        with pytest.raises(AssertionError, match="oauthlib was asked"):
            self.sign(body)

    @pytest.mark.parametrize("body", [{"text": "Ü ~*+ 100 %"}, "a=b+c&a=&d", b"a=%C3%9C", None])
    def test_canonical_request_is_not_parsed(self, monkeypatch, body):
        """What Pywikibot sends never goes through oauthlib's parser."""
        monkeypatch.setattr(oauthlib_signature, "collect_parameters", self.asked)
        monkeypatch.setattr(oauthlib_oauth1, "Request", self.asked)
        assert "oauth_signature" in oauth_header(self.sign(body))

    @staticmethod
    def asked(*_args, **_kwargs):
        raise AssertionError("oauthlib was asked")

    @staticmethod
    def sign(body):
        headers = {"Content-Type": FORM} if body else {}
        request = requests.Request("POST", f"{API}?x=a+b", headers=headers, data=body)
        return OAuth1Signer(consumer1(), ACCESS)(request.prepare())


class TestOAuth1Signer:
    """Signing requests."""

    def signed(self, method: str = "GET", **kwargs) -> requests.PreparedRequest:
        signer = OAuth1Signer(consumer1(), ACCESS)
        return signer(requests.Request(method, API, **kwargs).prepare())

    def test_rfc_5849_section_3_4_1_the_signature_is_its(self, monkeypatch):
        """The RFC's own example; the signature is that of erratum 2550."""
        monkeypatch.setattr(oauthlib_oauth1, "generate_nonce", lambda: "7d8f3e4a")
        monkeypatch.setattr(clock, "now", lambda: NOW.fromtimestamp(137131201, NOW.tzinfo))

        class AsInTheRfc(SigningClient):
            """The example has no oauth_version, which is optional."""

            def get_oauth_params(self, request):
                return [p for p in super().get_oauth_params(request) if p[0] != "oauth_version"]

        class Signer(OAuth1Signer):
            client_class = AsInTheRfc

        consumer = Consumer("9djdj82h48djs9d2", "j49sk3j29djd", "1.0a")
        signer = Signer(consumer, OAuth1AccessToken("kkk9d7dh3k39sjv7", "dh893hdasih9"))
        request = requests.Request(
            "POST",
            "http://example.com/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b",
            data="c2&a3=2+q",
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )
        header = oauth_header(signer(request.prepare()))
        assert header["oauth_signature"] == "r6/TJjbCOr97/+UU0NsvSne7s5g="

    def test_query_and_form_both_are_signed(self):
        """An independent check of the signature, with characters that need escaping."""
        fields = {"title": "A&B=Ü", "text": "100 % ~*'()\n"}
        signed = self.signed("POST", params={"x": "a b+c"}, data=fields)
        assert verifies(signed, f"{SECRET}&acce55secret", signed.body)
        assert not verifies(signed, f"{SECRET}&other", signed.body)
        assert oauth_header(signed)["oauth_token"] == "acce55key"

    def test_multipart_body_is_not_signed_and_stays_as_it_is(self):
        """MediaWiki leaves multipart bodies out of the base string."""
        prepared = requests.Request("POST", API, files={"file": b"\x00\xff"}).prepare()
        body = prepared.body
        signed = OAuth1Signer(consumer1(), ACCESS)(prepared)
        assert verifies(signed, f"{SECRET}&acce55secret")
        assert signed.body == body
        assert signed.headers["Content-Type"].startswith("multipart/form-data; boundary=")

    def test_json_body_is_not_signed(self):
        """Neither is JSON, which rest.php takes."""
        signed = self.signed("PUT", json={"source": "x"})
        assert verifies(signed, f"{SECRET}&acce55secret")

    @pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
    def test_form_content_type_without_body_is_dropped(self, method):
        """Pywikibot puts one on every GET, and oauthlib will not sign that."""
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        signed = self.signed(method, headers=form, params={"a": "b"})
        assert "Content-Type" not in signed.headers
        assert verifies(signed, f"{SECRET}&acce55secret")

    def test_signed_twice_nonces_differ(self):
        """A wiki burns a nonce even by a refused request."""
        first, second = (oauth_header(self.signed())["oauth_nonce"] for _ in range(2))
        assert first != second

    @pytest.mark.parametrize("offset", [0, -3600, 90])
    def test_timestamp_is_our_clocks_plus_the_offset(self, monkeypatch, offset):
        """Seconds since 1970, moved by as much as this machine's clock is wrong."""
        monkeypatch.setattr(clock, "now", lambda: NOW)
        signer = OAuth1Signer(consumer1(), ACCESS, timestamp_offset=offset)
        header = oauth_header(signer(requests.Request("GET", API).prepare()))
        assert header["oauth_timestamp"] == str(int(NOW.timestamp()) + offset)

    def test_header_is_text(self):
        """Other headers are text too, and joining text to bytes fails."""
        assert isinstance(self.signed().headers["Authorization"], str)

    @pytest.mark.parametrize(
        ("method", "kwargs"),
        [
            ("GET", {"data": {"wpSecret": "5ecret"}}),
            (
                "POST",
                {
                    "data": "5ecret body",
                    "headers": {"Content-Type": "application/x-www-form-urlencoded"},
                },
            ),
        ],
    )
    def test_request_cannot_be_signed_raises_without_showing_it(self, method, kwargs):
        """What oauthlib says of it holds the body."""
        with pytest.raises(ConfigurationError, match="cannot sign") as caught:
            self.signed(method, **kwargs)
        assert "5ecret" not in str(caught.value)
        assert caught.value.__context__ is None

    def test_secrets_are_in_no_form_of_printing_it(self):
        """Neither repr nor str shows one; pickling is refused; a copy is itself."""
        signer = OAuth1Signer(consumer1(), ACCESS, verifier="ver1f1er")
        for shown in (repr(signer), str(signer), f"{signer}"):
            assert shown == f"OAuth1Signer({KEY!r})"
        with pytest.raises(TypeError, match="holds a secret"):
            pickle.dumps(signer)
        assert copy.copy(signer) is signer
