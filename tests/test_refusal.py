"""How wikis say that they do not accept an access token: by hand, and in the recordings."""

from __future__ import annotations

import json

import pytest
import requests

import recordings
from pwb_oauth.refusal import Refusal, refusal_of

API = "https://wiki.example/w/api.php"
REST = "https://wiki.example/w/rest.php/v1/page/A"
INVALID = "mwoauth-invalid-authorization"


def answer(status=200, code=None, text="{}", url=API, **headers):
    """An answer of a wiki."""
    response = requests.Response()
    response.status_code, response.url, response._content = status, url, text.encode()
    response.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
    if code:
        response.headers["MediaWiki-API-Error"] = code
    return response


class TestRefusalOf:
    """One answer, and why its request was refused."""

    @pytest.mark.parametrize(
        ("code", "text", "refusal"),
        [
            (INVALID, "Invalid access token", Refusal.TOKEN),
            (INVALID, "", Refusal.TOKEN),
            (f"{INVALID}-jwt", "", Refusal.TOKEN),
            (INVALID, "Nonce already used: abc", Refusal.NONCE),
            (INVALID, "Expired timestamp, yours 1, ours 2", Refusal.CLOCK),
            (INVALID, "Invalid signature", Refusal.SIGNATURE),
            (f"{INVALID}-not-approved", "", Refusal.CONSUMER),
            (f"{INVALID}-wrong-wiki", "", Refusal.ACCOUNT),
            (f"{INVALID}-invalid-user", "", Refusal.ACCOUNT),
            (f"{INVALID}-blocked-user", "", Refusal.ACCOUNT),
            (f"{INVALID}-of-the-future", "", Refusal.ACCOUNT),
        ],
    )
    def test_code_in_the_header_it_decides(self, code, text, refusal):
        """With HTTP 200, and whatever the body looks like."""
        assert refusal_of(answer(code=code, text=f"<xml>{text}</xml>")) is refusal

    @pytest.mark.parametrize("url", [API, REST])
    def test_unauthorized_the_token_is_refused(self, url):
        """Wikimedia's edge says so with a body that Pywikibot would take for a success."""
        body = '{"httpCode":401,"httpReason":"Jwt is expired"}'
        challenge = {"WWW_Authenticate": 'Bearer realm="OAuth", error="invalid_token"'}
        assert refusal_of(answer(401, text=body, url=url, **challenge)) is Refusal.TOKEN

    @pytest.mark.parametrize("status", [401, 403])
    def test_rest_forbids_it_is_doubtful(self, status):
        """It is given for bad tokens, for missing rights and for the other OAuth version alike."""
        assert refusal_of(answer(status, url=REST)) is Refusal.DOUBTFUL

    def test_api_is_asked_for_a_page_with_such_a_name_it_is_none(self):
        """The path counts, not the query."""
        assert refusal_of(answer(403, url=f"{API}?titles=/rest.php/v1")) is None

    @pytest.mark.parametrize(
        ("status", "code"),
        [
            (200, None),
            (200, "badtoken"),
            (200, "permissiondenied"),
            (200, "assertuserfailed"),
            (200, "readapidenied"),
            (200, "mwoauth-other"),
            (403, None),
            (429, None),
            (503, None),
        ],
    )
    def test_another_answer_it_is_none(self, status, code):
        """The wiki accepted the token, or did not get as far."""
        assert refusal_of(answer(status, code)) is None

    def test_words_without_the_code_they_mean_nothing(self):
        """A page's text may hold any words."""
        assert refusal_of(answer(text="Nonce already used. Expired timestamp.")) is None


@recordings.needs_recordings
class TestRecordings:
    """What a real wiki answered to requests with an access token."""

    WORDS = (
        ("Nonce already used", Refusal.NONCE),
        ("Expired timestamp", Refusal.CLOCK),
        ("Invalid signature", Refusal.SIGNATURE),
        ("", Refusal.TOKEN),
    )

    def test_every_answer_of_api_is_read_as_the_wiki_meant_it(self):
        """Refused are those with the OAuth error, and no other."""
        found = set()
        for exchange in self.exchanges("/w/api.php"):
            said = exchange.get("response_body") or ""
            refusal = refusal_of(self.response(exchange))
            expected = None
            if INVALID in said:
                expected = next(why for words, why in self.WORDS if words in said)
            assert refusal is expected, (exchange["label"], said)
            found.add(refusal)
        assert found >= {None, *(why for _, why in self.WORDS)}

    def test_rest_denies_reading_it_is_doubtful(self):
        """Each recorded rest-read-denied."""
        denied = [
            exchange
            for exchange in self.exchanges("/w/rest.php/v1/")
            if "rest-read-denied" in (exchange.get("response_body") or "")
        ]
        assert denied
        assert {refusal_of(self.response(exchange)) for exchange in denied} == {Refusal.DOUBTFUL}

    @staticmethod
    def exchanges(path):
        """The recorded requests with OAuth's Authorization header to that path."""
        for file in sorted(recordings.FOLDER.glob("[!_]*.json")):
            for step in json.loads(file.read_bytes())["steps"]:
                if step["do"] != "request" or path not in step["url"]:
                    continue
                sent = {name.lower(): value for name, value in step["request_headers"]}
                if sent.get("authorization", "").startswith(("OAuth ", "Bearer ")):
                    yield step

    @staticmethod
    def response(exchange):
        headers = dict(exchange["response_headers"])
        made = answer(exchange["status"], text=exchange.get("response_body") or "")
        made.headers.update(headers)
        made.url = exchange["url"]
        return made
