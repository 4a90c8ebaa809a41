"""One request to an OAuth endpoint: what it carries, and every way that it can fail."""

from __future__ import annotations

import re
import traceback
from typing import TYPE_CHECKING

import pytest
import requests
import responses

from pwb_oauth.errors import ConfigurationError, TransportError
from pwb_oauth.transport import CONNECT_TIMEOUT, READ_TIMEOUT, send, user_agent
from pwb_oauth.wiki import Wiki

if TYPE_CHECKING:
    from pathlib import Path

URL = "https://wiki.example/w/rest.php/oauth2/access_token"
META = Wiki("https://meta.wikimedia.org")


class TestUserAgent:
    """The text by which a request says whose it is."""

    def test_username_known_its_user_page_is_the_contact(self):
        """The account's user page on the wiki is in the brackets."""
        assert re.fullmatch(
            r"pwb-oauth/\S+ \(https://meta\.wikimedia\.org/w/index\.php\?title=User%3AAlice\) "
            r"requests/\d\S+",
            user_agent(META, username="Alice"),
        )

    def test_username_not_ascii_it_is_quoted(self):
        """A header cannot hold other characters."""
        text = user_agent(META, username="Žofie (bot)\r\nX: y")
        assert text.isascii()
        assert text.isprintable()
        assert "User%3A%C5%BDofie" in text

    def test_username_unknown_the_consumers_page_is_the_contact(self):
        """That page names the consumer's owner."""
        assert "title=Special%3AOAuthListConsumers%2Fview%2Fabc)" in user_agent(
            META, consumer_key="abc"
        )

    def test_nothing_known_there_is_an_address_all_the_same(self):
        """An owner-only access token may be all there is, before the wiki said whose it is."""
        assert "(https://meta.wikimedia.org/w/index.php?title=Special" in user_agent(META)


class TestSend:
    """Sending one request."""

    @responses.activate
    def test_success_the_answer_is_returned(self):
        """A 200 is an answer, and the request carried what it was given."""
        responses.post(URL, body="yes")
        answer = send("POST", URL, user_agent="me", headers={"A": "b"}, params={"c": "d"}, data="e")
        sent = responses.calls[0].request
        assert answer.text == "yes"
        assert (sent.headers["User-Agent"], sent.headers["A"], sent.body) == ("me", "b", "e")
        assert sent.url == f"{URL}?c=d"

    @responses.activate
    @pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 415])
    def test_client_error_the_answer_is_returned(self, status):
        """What a 4xx means is for the caller to say."""
        responses.post(URL, status=status)
        assert send("POST", URL, user_agent="me").status_code == status

    @responses.activate
    def test_timeouts_are_set(self):
        """No request waits for ever."""
        responses.get(URL)
        send("GET", URL, user_agent="me")
        timeouts = responses.calls[0].request.req_kwargs["timeout"]
        assert timeouts == (CONNECT_TIMEOUT, READ_TIMEOUT) == (10, 30)

    @responses.activate
    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_redirect_it_is_not_followed(self, status):
        """A secret must not travel to wherever an answer points."""
        elsewhere = responses.get("https://evil.example/")
        responses.post(URL, status=status, headers={"Location": "https://evil.example/"})
        with pytest.raises(TransportError, match=rf"wiki\.example .*redirect \(HTTP {status}\)"):
            send("POST", URL, user_agent="me")
        assert elsewhere.call_count == 0

    @responses.activate
    @pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
    def test_server_failure_raises(self, status):
        """Trying again later may help, and the message says so."""
        responses.post(URL, status=status, body="5ecret", headers={"Retry-After": "17"})
        with pytest.raises(TransportError) as caught:
            send("POST", URL, user_agent="me")
        assert str(caught.value) == (
            f"wiki.example answered with HTTP {status}. Try again in 17 seconds."
        )

    @responses.activate
    @pytest.mark.parametrize(
        ("seconds", "told"), [("0", "0 seconds"), ("1", "1 second"), ("9" * 5000, "9 seconds")]
    )
    def test_retry_after_is_told_in_words(self, seconds, told):
        """However many."""
        responses.post(URL, status=503, headers={"Retry-After": seconds})
        with pytest.raises(TransportError, match=rf"Try again in 9*{told}\.$"):
            send("POST", URL, user_agent="me")

    @responses.activate
    @pytest.mark.parametrize("text", ["Wed, 21 Oct 2026 07:28:00 GMT", "-1", "\u00b2", ""])
    def test_retry_after_is_no_number_of_seconds_it_is_left_out(self, text):
        """Whatever a header holds does not get into the message."""
        responses.post(URL, status=503, headers={"Retry-After": text})
        with pytest.raises(TransportError, match=r"HTTP 503\. Try again later\."):
            send("POST", URL, user_agent="me")

    @responses.activate
    @pytest.mark.parametrize(
        ("error", "said"),
        [
            (requests.ReadTimeout, "did not answer within 30 seconds"),
            (requests.ConnectTimeout, "did not answer"),
            (requests.exceptions.SSLError, "certificate"),
            (requests.exceptions.ProxyError, "proxy"),
            (requests.ConnectionError, "cannot be reached"),
            (requests.exceptions.ChunkedEncodingError, "broke off"),
            (requests.exceptions.ContentDecodingError, "broke off"),
            (requests.exceptions.InvalidHeader, "cannot be reached"),
        ],
    )
    def test_no_answer_raises_without_the_cause(self, error, said):
        """The text of requests' errors, with URL and all, is nowhere to be seen."""
        responses.post(URL, body=error("https://me:5ecret@proxy.example/?q=5ecret"))
        with pytest.raises(TransportError, match=said) as caught:
            send("POST", URL + "?q=5ecret", user_agent="me", data="5ecret")
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None
        shown = "".join(traceback.format_exception(None, caught.value, None))
        assert "5ecret" not in shown
        assert "wiki.example" in shown

    def test_clear_text_raises_and_nothing_is_sent(self):
        """Secrets do not travel over a network in clear text."""
        with responses.RequestsMock(), pytest.raises(ConfigurationError, match="not https"):
            send("POST", URL.replace("https", "http"), user_agent="me")

    @responses.activate
    @pytest.mark.parametrize("host", ["127.0.0.1:8090", "[::1]:8090", "localhost"])
    def test_loopback_needs_no_https(self, host):
        """What never leaves the machine may be http."""
        responses.get(f"http://{host}/w/api.php")
        assert send("GET", f"http://{host}/w/api.php", user_agent="me").ok

    @responses.activate
    def test_cookie_in_an_answer_is_never_sent_back(self):
        """Each request stands alone."""
        responses.post(URL, headers={"Set-Cookie": "session=abc; Path=/"})
        send("POST", URL, user_agent="me")
        send("POST", URL, user_agent="me")
        assert "Cookie" not in responses.calls[1].request.headers

    @responses.activate
    def test_netrc_has_a_password_it_is_not_sent(self, tmp_path: Path, monkeypatch):
        """By itself requests would put it in the place of our own authorization."""
        netrc = tmp_path / "netrc"
        netrc.write_text("machine wiki.example login me password 5ecret\n")
        netrc.chmod(0o600)
        monkeypatch.setenv("NETRC", str(netrc))
        assert requests.utils.get_netrc_auth(URL) == ("me", "5ecret")
        responses.post(URL)
        send("POST", URL, user_agent="me", headers={"Authorization": "Bearer mine"})
        send("POST", URL, user_agent="me")
        assert responses.calls[0].request.headers["Authorization"] == "Bearer mine"
        assert "Authorization" not in responses.calls[1].request.headers

    @responses.activate
    @pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
    def test_proxy_in_the_environment_never_sees_clear_text(self, variable, monkeypatch):
        """What is for this machine would pass another one."""
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv(variable, "http://proxy.example:3128")
        responses.post("http://127.0.0.1:8090/w/api.php")
        send("POST", "http://127.0.0.1:8090/w/api.php", user_agent="me", data="5ecret")
        assert not responses.calls[0].request.req_kwargs["proxies"]

    @responses.activate
    def test_proxy_in_the_environment_is_used(self, monkeypatch):
        """Switching .netrc off must not switch proxies off."""
        monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
        responses.post(URL)
        send("POST", URL, user_agent="me")
        assert responses.calls[0].request.req_kwargs["proxies"]["https"] == (
            "http://proxy.example:3128"
        )
