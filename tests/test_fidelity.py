"""The fidelity harness: following values, comparing replies, playing a case back."""

from __future__ import annotations

import json
import threading
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote, urlencode

import pytest

from pwb_oauth.testing.fidelity import replay as replay_module
from pwb_oauth.testing.fidelity.__main__ import main
from pwb_oauth.testing.fidelity.compare import differences
from pwb_oauth.testing.fidelity.difference import Difference
from pwb_oauth.testing.fidelity.follow import Follower
from pwb_oauth.testing.fidelity.forms import Shown, submitted
from pwb_oauth.testing.fidelity.outgoing import as_recorded, followed
from pwb_oauth.testing.fidelity.pages import Button, Field, Form, Page
from pwb_oauth.testing.fidelity.recording import (
    Action,
    Case,
    Exchange,
    RecordingError,
    Recordings,
    Reply,
)
from pwb_oauth.testing.fidelity.replay import replay
from pwb_oauth.testing.fidelity.signing import Secrets, header_parameters, signed
from recordings import FOLDER, needs_recordings

SERVER = "http://wiki.example:8090"
DATE = ("Date", "Sun, 22 Nov 2026 03:00:07 GMT")
JSON = ("Content-Type", "application/json; charset=utf-8")
FORM = ("Content-Type", "application/x-www-form-urlencoded")
HTML = ("Content-Type", "text/html; charset=UTF-8")
DESCRIPTION: dict[str, Any] = {
    "consumers": {
        "one": {
            "client_id": "key",
            "client_secret": "secret",
            "access_token": "owner",
            "access_secret": "owner-secret",
        }
    }
}
OLD, NEW = "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"


def exchange(**changes: Any) -> Exchange:
    """Make an exchange of a client that asked api.php something."""
    fields: dict[str, Any] = {
        "number": 0,
        "by": "client",
        "label": "ask",
        "jar": None,
        "parallel": None,
        "status_only": False,
        "method": "GET",
        "url": f"{SERVER}/w/api.php",
        "headers": (),
        "body": None,
        "parts": (),
        "signature_verifies": None,
        "reply": Reply(200, (DATE, JSON), "{}"),
        "volatile": frozenset({"header:Date"}),
    }
    return Exchange(**{**fields, **changes})


def answered(document: Any, *volatile: str, **changes: Any) -> Exchange:
    """Make an exchange whose reply is JSON."""
    reply = Reply(200, (DATE, JSON), json.dumps(document))
    return exchange(reply=reply, volatile=frozenset(volatile), **changes)


def live(document: Any) -> Reply:
    """Make a live JSON reply."""
    return Reply(200, (JSON,), json.dumps(document))


def places(found: list[Difference]) -> list[str]:
    """Say where replies differ."""
    return [difference.place for difference in found]


class TestFollower:
    def test_token_in_nested_query_is_replaced_at_every_depth(self):
        """A token inside a query inside a query is found."""
        follower = Follower()
        follower.learn_pair("abc+def/0123456789", "new+token/987654321")
        inner = urlencode({"token": "abc+def/0123456789"})
        text = urlencode({"returntoquery": urlencode({"rest_url": inner}), "x": "a b"})
        expected = text.replace(
            quote(quote(quote("abc+def/0123456789", safe=""), safe=""), safe=""),
            quote(quote(quote("new+token/987654321", safe=""), safe=""), safe=""),
        )
        assert expected != text
        assert follower.encoded_pairs(text, frozenset()) == expected

    def test_pair_without_a_known_value_stays_byte_for_byte(self):
        """An unusual encoding is kept where nothing is replaced."""
        follower = Follower()
        follower.learn_pair(OLD, NEW)
        text = f"title=Special:O%41uth&a&b=&oauth_token={OLD}"
        assert follower.encoded_pairs(text, frozenset()) == text.replace(OLD, NEW)

    def test_short_value_is_replaced_only_where_announced(self):
        """A page number is no made-up value wherever the same digit stands."""
        follower = Follower()
        follower.learn_pair(6, 7)
        assert follower.encoded_pairs("rev=6&n=6", frozenset({"rev"})) == "rev=7&n=6"

    def test_timestamp_is_replaced_as_a_whole_value_only(self):
        """A timestamp inside other text stays."""
        follower = Follower()
        follower.learn_pair("2026-11-22T03:00:00Z", "2026-11-22T03:00:01Z")
        assert follower.text("at 2026-11-22T03:00:00Z") == "at 2026-11-22T03:00:00Z"
        assert follower.value("2026-11-22T03:00:00Z", announced=True) == "2026-11-22T03:00:01Z"

    def test_values_are_learnt_from_every_kind_of_place(self):
        """Cookies, Location, form fields, JSON and form-encoded bodies are read."""
        old = [f"{n}-recorded-value-{n}" for n in "abcd"]
        new = [f"{n}-live-value-of-it" for n in "abcd"]
        follower = Follower()
        for values, learn in ((old, None), (new, follower.learn)):
            headers = (
                ("Set-Cookie", f"s={values[0]}; path=/"),
                ("Location", f"/x?code={values[1]}"),
            )
            page = Page("t", "", [Form("", "post", [Field("wpToken", "hidden", values[2])])])
            reply = Reply(200, headers, f"oauth_token={values[3]}", page)
            if learn is None:
                names = (
                    "header:Set-Cookie:s",
                    "header:Location:code",
                    "html:forms/0:wpToken",
                    "body:oauth_token",
                    "request.url:x",
                )
                recorded = exchange(reply=reply, volatile=frozenset(names))
            else:
                learn(recorded, reply)
        assert [follower.text(value) for value in old] == new

    def test_longer_value_wins_over_one_that_it_contains(self):
        """A value that contains another is replaced as a whole."""
        follower = Follower()
        follower.learn_pair("contained-value", "x1")
        follower.learn_pair("contained-value-and-more", "x2")
        assert follower.text("contained-value-and-more contained-value") == "x2 x1"

    def test_json_body_is_replaced_inside_its_strings(self):
        """A CSRF token, escaped in JSON, is found."""
        follower = Follower()
        follower.learn_pair("0123456789abcdef+\\", "live0123456789+\\")
        body = json.dumps({"token": "0123456789abcdef+\\", "n": [1]})
        assert json.loads(follower.json_text(body)) == {"token": "live0123456789+\\", "n": [1]}
        assert follower.json_text('{"n" : 1}') == '{"n" : 1}'


def authorization(token: str, signature: str = "c2ln") -> tuple[str, str]:
    """Make an OAuth 1.0a header."""
    value = (
        f'OAuth oauth_nonce="n", oauth_timestamp="1", oauth_signature_method="HMAC-SHA1", '
        f'oauth_consumer_key="key", oauth_token="{token}", oauth_signature="{signature}"'
    )
    return "Authorization", value


class TestFollowed:
    def follower(self) -> Follower:
        follower = Follower()
        follower.learn_pair(OLD, NEW)
        return follower

    def test_verifying_request_with_a_replaced_value_is_signed_anew(self):
        """The new signature is the one that the live secrets give."""
        secrets = Secrets(DESCRIPTION)
        secrets.tokens[NEW] = "live-secret"
        recorded = exchange(headers=(authorization(OLD),), signature_verifies=True)
        request = followed(recorded, self.follower(), secrets)
        parameters = header_parameters(request.header("Authorization"))
        assert parameters["oauth_token"] == NEW
        assert parameters["oauth_nonce"] == "n"
        assert request == signed(request, secrets, rightly=True)
        assert parameters["oauth_signature"] != "c2ln"

    def test_request_without_a_replaced_value_keeps_its_signature(self):
        """Nothing to follow: the request goes out as it was."""
        recorded = exchange(headers=(authorization("owner"),), signature_verifies=True)
        assert followed(recorded, self.follower(), Secrets(DESCRIPTION)) == as_recorded(recorded)

    def test_bad_signature_stays_bad_when_a_value_is_replaced(self):
        """A signature that does not verify is replaced by one with a wrong secret."""
        secrets = Secrets(DESCRIPTION)
        secrets.tokens[NEW] = "live-secret"
        recorded = exchange(headers=(authorization(OLD),), signature_verifies=False)
        request = followed(recorded, self.follower(), secrets)
        assert request != signed(request, secrets, rightly=True)
        assert header_parameters(request.header("Authorization"))["oauth_token"] == NEW

    def test_parameters_in_the_query_are_signed_there(self):
        """The signature is put into the query where the recording has it."""
        secrets = Secrets(DESCRIPTION)
        secrets.tokens[NEW] = "live-secret"
        query = (
            f"oauth_consumer_key=key&oauth_token={OLD}&oauth_nonce=n&oauth_timestamp=1"
            "&oauth_signature_method=HMAC-SHA1&oauth_signature=c2ln&z=1"
        )
        recorded = exchange(url=f"{SERVER}/w/api.php?{query}", signature_verifies=True)
        request = followed(recorded, self.follower(), secrets)
        assert request == signed(request, secrets, rightly=True)
        signature = parse_qs(request.url)["oauth_signature"]
        assert signature != ["c2ln"]
        assert len(signature) == 1

    def test_cookie_bearer_and_form_values_are_followed(self):
        """Header and body values come from the live wiki."""
        headers = (("Cookie", f"s={OLD}; u=1"), ("Authorization", f"Bearer {OLD}"), FORM)
        recorded = exchange(method="POST", headers=headers, body=f"a=1&token={OLD}%2B%5C")
        request = followed(recorded, self.follower(), Secrets(DESCRIPTION))
        assert request.header("Cookie") == f"s={NEW}; u=1"
        assert request.header("Authorization") == f"Bearer {NEW}"
        assert request.body == f"a=1&token={NEW}%2B%5C".encode()

    def test_multipart_is_built_anew_with_its_files(self):
        """Text parts are followed, a file's bytes are kept."""
        parts = (
            {
                "name": "token",
                "headers": [["Content-Disposition", 'form-data; name="token"']],
                "value": OLD,
            },
            {
                "name": "f",
                "headers": [["Content-Disposition", 'form-data; name="f"']],
                "base64": "AP8=",
            },
        )
        headers = (("Content-Type", "multipart/form-data; boundary=old"),)
        recorded = exchange(method="POST", headers=headers, parts=parts)
        request = followed(recorded, self.follower(), Secrets(DESCRIPTION))
        assert NEW.encode() in request.body
        assert b"\r\n\r\n\x00\xff\r\n" in request.body
        assert request.header("Content-Type").partition("=")[2].strip('"').encode() in request.body


class TestSecrets:
    @pytest.mark.parametrize(
        "body", ['{"key": "t", "secret": "s"}', "oauth_token=t&oauth_token_secret=s"]
    )
    def test_reply_of_the_token_endpoint_is_learnt(self, body):
        """JSON and form-encoded replies bring token and secret."""
        secrets = Secrets(DESCRIPTION)
        secrets.learn(Reply(200, (), body))
        assert secrets.tokens == {"owner": "owner-secret", "t": "s"}

    @pytest.mark.parametrize("body", [None, "", "Error: no", "[]", '{"key": 1, "secret": null}'])
    def test_reply_without_a_token_teaches_nothing(self, body):
        """An error is no token."""
        secrets = Secrets(DESCRIPTION)
        secrets.learn(Reply(200, (), body))
        assert secrets.tokens == {"owner": "owner-secret"}


class TestDifferences:
    def test_equal_replies_have_none(self):
        """The same reply passes."""
        assert differences(answered({"a": [1, {"b": None}]}), live({"a": [1, {"b": None}]})) == []

    @pytest.mark.parametrize(
        ("recorded", "here", "place"),
        [
            ({"a": 1}, {"a": 2}, "body:/a"),
            ({"a": 1}, {"a": True}, "body:/a"),
            ({"a": 1}, {"a": "1"}, "body:/a"),
            ({"a": 1}, {"a": 1.0}, "body:/a"),
            ({"a": 1}, {}, "body:/a"),
            ({}, {"a": None}, "body:/a"),
            ({"a": []}, {"a": {}}, "body:/a"),
            ({"a": [1, 2]}, {"a": [2, 1]}, "body:/a/0"),
            ({"a": [1]}, {"a": [1, 1]}, "body:/a"),
            ({"a/b": {"~": 1}}, {"a/b": {"~": 2}}, "body:/a~1b/~0"),
        ],
    )
    def test_other_name_type_or_value_is_found(self, recorded, here, place):
        """JSON is compared down to the type of every value."""
        assert places(differences(answered(recorded), live(here)))[0] == place

    def test_volatile_value_is_compared_by_type_only(self):
        """A made-up value may be another, but no other type and not empty."""
        recorded = answered({"token": "abc"}, "body:/token")
        assert differences(recorded, live({"token": "xyz"})) == []
        assert places(differences(recorded, live({"token": 1}))) == ["body:/token"]
        assert places(differences(recorded, live({"token": ""}))) == ["body:/token"]

    def test_template_keeps_the_fixed_words(self):
        """Of a volatile sentence the fixed words are compared."""
        recorded = answered(
            {"info": "Nonce used: 1"}, "body:/info", template={"body:/info": "Nonce used: {…}"}
        )
        assert differences(recorded, live({"info": "Nonce used: 77"})) == []
        assert places(differences(recorded, live({"info": "Used"}))) == ["body:/info"]

    def test_lifetime_may_be_one_second_less(self):
        """``expires_in`` is counted from before the reply was made."""
        recorded = answered({"expires_in": 3600})
        assert differences(recorded, live({"expires_in": 3599})) == []
        assert differences(recorded, live({"expires_in": 3601}))
        assert differences(recorded, live({"expires_in": 3598}))

    @pytest.mark.parametrize(
        ("name", "there", "here"),
        [
            ("MediaWiki-API-Error", "badtoken", "other"),
            ("WWW-Authenticate", "Bearer", None),
            ("Access-Control-Allow-Origin", None, "*"),
            ("Cache-Control", "private, max-age=0", "private"),
            ("Content-Type", "application/json; charset=utf-8", "application/json"),
            ("Retry-After", "5", "6"),
            ("Allow", "GET", "POST"),
        ],
    )
    def test_other_header_is_found(self, name, there, here):
        """The headers that a client acts upon are compared, missing ones too."""
        replies = [
            Reply(200, () if value is None else ((name, value),), "x") for value in (there, here)
        ]
        assert places(differences(exchange(reply=replies[0]), replies[1])) == [name]

    def test_spelling_of_lists_and_media_types_makes_no_difference(self):
        """Order of directives, case of a charset and names of headers are folded."""
        recorded = exchange(
            reply=Reply(
                200,
                (("Cache-Control", "private, max-age=0"), ("Content-type", "text/a;charset=UTF-8")),
                "x",
            )
        )
        here = Reply(
            200,
            (("cache-control", "max-age=0,private"), ("Content-Type", "text/a; charset=utf-8")),
            "x",
        )
        assert differences(recorded, here) == []

    @pytest.mark.parametrize(
        "cookie",
        [
            None,
            "t=1; path=/; HttpOnly",
            "s=other; path=/; HttpOnly",
            "s=1; path=/w; HttpOnly",
            "s=1; path=/",
        ],
    )
    def test_other_cookie_is_found(self, cookie):
        """Cookies are compared by name, attributes and value."""
        recorded = exchange(reply=Reply(200, (("Set-Cookie", "s=1; path=/; HttpOnly"),), "x"))
        assert differences(recorded, Reply(200, (("Set-Cookie", cookie),) if cookie else (), "x"))

    def test_volatile_cookie_may_have_another_value_and_date(self):
        """A session id and a date are made anew."""
        volatile = frozenset({"header:Set-Cookie:s", "header:Set-Cookie:s:expires"})
        recorded = exchange(
            reply=Reply(200, (("Set-Cookie", "s=1; expires=Mon; path=/"),), "x"), volatile=volatile
        )
        here = Reply(200, (("Set-Cookie", "s=2; expires=Tue; Path=/"),), "x")
        assert differences(recorded, here) == []
        without = Reply(200, (("Set-Cookie", "s=2; path=/"),), "x")
        assert places(differences(recorded, without)) == ["header:Set-Cookie:s attributes"]

    @pytest.mark.parametrize(
        ("here", "place"),
        [
            ("/x?code=2&state=s", None),
            ("/x?code=&state=s", "Location:code"),
            ("/x?code=2", "Location:state"),
            ("/x?code=2&state=s&more=1", "Location:more"),
            ("/y?code=2&state=s", "Location"),
            (None, "Location"),
        ],
    )
    def test_location_is_compared_without_volatile_parameters(self, here, place):
        """A browser's hop must lead to the same place with the same parameters."""
        recorded = exchange(
            by="browser:Alice",
            reply=Reply(302, (("Location", "/x?code=1&state=s"), ("Set-Cookie", "s=1")), ""),
            volatile=frozenset({"header:Location:code"}),
        )
        found = differences(recorded, Reply(302, (("Location", here),) if here else (), "other"))
        assert places(found) == ([place] if place else [])

    def test_status_only_compares_nothing_else(self):
        """A case that is to be compared loosely passes by its status."""
        recorded = answered({"a": 1}, status_only=True)
        assert differences(recorded, Reply(200, (), "x")) == []
        assert places(differences(recorded, Reply(400, (), "x"))) == ["status"]

    def test_form_encoded_reply_is_compared_by_pair(self):
        """Names and the values that are not volatile must be the same."""
        reply = Reply(200, (), "oauth_token=a&oauth_callback_confirmed=true")
        recorded = exchange(reply=reply, volatile=frozenset({"body:oauth_token"}))
        ok = Reply(200, (), "oauth_token=b&oauth_callback_confirmed=true")
        assert differences(recorded, ok) == []
        assert differences(recorded, Reply(200, (), "oauth_token=b"))
        assert differences(recorded, Reply(200, (), "oauth_token=b&oauth_callback_confirmed=1"))

    def test_text_is_compared_byte_for_byte(self):
        """A plain error sentence must be the same."""
        recorded = exchange(reply=Reply(200, (), "Error: a"))
        assert places(differences(recorded, Reply(200, (), "Error: b"))) == ["body"]

    def test_jwt_is_compared_by_header_and_claims(self):
        """Claims outside ``volatile`` must be the same."""
        jwt = {
            "at": "body:*",
            "header": {"alg": "HS256"},
            "claims": {"sub": "4", "iat": 1},
            "volatile": ["/claims/iat"],
        }
        recorded = exchange(reply=Reply(200, (), "x"), volatile=frozenset({"body:*"}), jwts=(jwt,))
        # {"alg":"HS256"} . {"sub":"4","iat":2} and {"sub":4,"iat":2}
        good = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0IiwiaWF0IjoyfQ.c2ln"
        bad = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOjQsImlhdCI6Mn0.c2ln"
        assert differences(recorded, Reply(200, (), good)) == []
        assert places(differences(recorded, Reply(200, (), bad))) == ["body:*:/claims/sub"]
        assert places(differences(recorded, Reply(200, (), "no token"))) == ["body:*:/"]


PAGE = """<html><head><title>OAuth - Wiki</title><style>p {}</style></head><body>
<form id="searchform" action="/s"><input name="search"></form>
<div id="mw-content-text"><p>Hi &amp; welcome. <b>More</b>.</p>
<form action="/wiki/Special:X?returnto=Y" method="POST">
<input type="hidden" name="wpEditToken" value="+\\">
<input name="wpName"><input type=checkbox name="wpKeep" value=1>
<input type=checkbox name="on" checked>
<select name="level"><option value="a">A<option value="b" selected>B</select>
<textarea name="why">
some &lt;text</textarea>
<button type="submit" name="accept" value="Allow">Allow</button><input type="submit" value="Go">
</form></div><footer>About</footer></body></html>"""


class TestPage:
    def test_html_is_read_as_a_person_sees_it(self):
        """Title, text of the content and forms are read, the skin is left out."""
        page = Page.from_html(PAGE)
        assert page.title == "OAuth - Wiki"
        assert page.text.startswith("Hi & welcome. More .") or page.text.startswith("Hi & welcome.")
        assert "About" not in page.text
        (form,) = page.forms
        assert (form.action, form.method) == ("/wiki/Special:X?returnto=Y", "post")
        assert form.fields == [
            Field("wpEditToken", "hidden", "+\\"),
            Field("wpName", "text", ""),
            Field("wpKeep", "checkbox", "1", checked=False),
            Field("on", "checkbox", "on", checked=True),
            Field("level", "select", "b", None, ("a", "b")),
            Field("why", "textarea", "some <text"),
        ]
        assert form.buttons == [Button("accept", "Allow"), Button("", "Go")]

    def test_page_without_marked_content_is_read_whole(self):
        """The whole text counts where nothing says what the content is."""
        assert Page.from_html("<title>T</title><p>All</p><footer>of it").text == "All of it"


def shown_by(page: Page, **changes: Any) -> Exchange:
    """Make an exchange of a browser that got a page."""
    fields: dict[str, Any] = {"by": "browser:Alice", "jar": "a"}
    status = changes.pop("status", 200)
    return exchange(reply=Reply(status, (DATE, HTML), None, page), **{**fields, **changes})


def with_form(*fields: Field, action: str = "/f", button: str = "Go") -> Page:
    """Make a page with a form."""
    return Page("T", "text", [Form(action, "post", list(fields), [Button("go", button)])])


class TestPageDifferences:
    TOKEN = Field("token", "hidden", "recorded")

    @pytest.mark.parametrize(
        ("here", "place"),
        [
            (Page("U", "text", []), "page title"),
            (Page("T", "text", []), "number of forms"),
            (with_form(), "html:forms/0:token"),
            (with_form(Field("token", "text", "x")), "html:forms/0:token"),
            (with_form(Field("token", "hidden", "")), "html:forms/0:token"),
            (with_form(TOKEN, Field("more", "hidden", "")), "html:forms/0:more"),
            (with_form(TOKEN, action="/g"), "html:forms/0 action"),
            (with_form(TOKEN, action="/f?x=1"), "html:forms/0 action"),
            (with_form(TOKEN, button="Other"), "html:forms/0 buttons"),
        ],
    )
    def test_other_page_is_found(self, here, place):
        """Title, forms, their fields and buttons must be the same."""
        recorded = shown_by(with_form(self.TOKEN), volatile=frozenset({"html:forms/0:token"}))
        assert place in places(differences(recorded, Reply(200, (), None, here)))

    def test_volatile_field_and_words_beside_a_form_may_be_others(self):
        """A token in a form is made anew."""
        recorded = shown_by(with_form(self.TOKEN), volatile=frozenset({"html:forms/0:token"}))
        here = with_form(Field("token", "hidden", "live"))
        here.text = "other words"
        assert differences(recorded, Reply(200, (), None, here)) == []

    def test_error_page_is_compared_by_all_its_text(self):
        """Both sentences of an error page count."""
        recorded = shown_by(Page("Error", "No. Code 12.", []), status=400)
        assert places(
            differences(recorded, Reply(400, (), None, Page("Error", "No. Code 13.", [])))
        ) == ["page text"]

    def test_other_page_without_a_form_is_compared_by_its_first_sentence(self):
        """What follows the first sentence is decoration."""
        recorded = shown_by(Page("T", "Saved. Go back.", []))
        assert differences(recorded, Reply(200, (), None, Page("T", "Saved.", []))) == []
        assert differences(recorded, Reply(200, (), None, Page("T", "Lost. Go back.", [])))


class TestSubmitted:
    def test_hidden_fields_come_from_the_live_form_and_typed_ones_from_the_recording(self):
        """The sandbox's form is sent, filled in as the person did."""
        recorded_page = with_form(Field("token", "hidden", "old"), Field("wpName", "text", ""))
        live_page = with_form(
            Field("token", "hidden", "new"),
            Field("wpName", "text", ""),
            Field("extra", "hidden", "e"),
            action="/live?a=1",
        )
        press = exchange(
            by="browser:Alice",
            method="POST",
            url=f"{SERVER}/f",
            headers=(FORM,),
            body="token=old&wpName=Alice&unknown=1&go=Go",
        )
        shown = Shown(f"{SERVER}/page", recorded_page, live_page)
        request = submitted(press, as_recorded(press), shown)
        assert request.url == f"{SERVER}/live?a=1"
        assert request.body == b"token=new&wpName=Alice&go=Go&extra=e"

    def test_post_that_is_no_form_of_the_page_stays(self):
        """A request to another address does not come from the form."""
        press = exchange(by="browser:Alice", method="POST", url=f"{SERVER}/other", body="a=1")
        request = as_recorded(press)
        assert submitted(press, request, Shown(f"{SERVER}/p", with_form(), with_form())) == request


class TestDifference:
    def test_long_values_are_cut_around_where_they_differ(self):
        """The line shows what differs, not the common beginning."""
        text = str(Difference("body", "x" * 500 + "A" + "y" * 500, "x" * 500 + "B" + "y" * 500))
        assert "A" in text
        assert "B" in text
        assert len(text) < 300


class _Clock:
    def __init__(self) -> None:
        self.now = datetime(2000, 1, 1, tzinfo=timezone.utc)
        self.moments: list[datetime] = []

    def set(self, moment: datetime) -> None:
        self.now = moment
        self.moments.append(moment)


class _FakeWiki:
    """Gives out tokens one after another and takes each one once."""

    def __init__(self, description: dict[str, Any]) -> None:
        self.clock = _Clock()
        self.errors: list[Exception] = []
        self.given: set[str] = set()
        self.lock = threading.Lock()
        wiki = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.answer(*wiki.reply(self.path))

            def log_message(self, *args: Any) -> None:
                pass

            def answer(self, status: int, body: str) -> None:
                self.send_response_only(status)
                self.send_header(*JSON)
                self.end_headers()
                self.wfile.write(body.encode())

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *args: object) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def reply(self, path: str) -> tuple[int, str]:
        with self.lock:
            if path == "/token":
                self.given.add(f"live-token-number-{len(self.given)}")
                return 200, json.dumps({"token": max(self.given)})
            token = path.partition("=")[2]
            if token in self.given:
                self.given.remove(token)
                return 200, "{}"
            return 401, '{"error": "no"}'


def fake_case(*uses: int) -> Case:
    """Make a case that fetches a token and uses it as often, at once, as statuses are given."""
    give = answered({"token": "recorded-token-1"}, "body:/token", url=f"{SERVER}/token")
    bodies = {200: {}, 401: {"error": "no"}}
    use = [
        exchange(
            number=n,
            label="use",
            parallel="p",
            url=f"{SERVER}/use?token=recorded-token-1",
            reply=Reply(status, (DATE, JSON), json.dumps(bodies[status])),
        )
        for n, status in enumerate(uses, 1)
    ]
    return Case("made-up", (give, *use))


class TestReplay:
    @pytest.fixture(autouse=True)
    def fake_wiki(self, monkeypatch):
        """Play against a server of a few lines."""
        monkeypatch.setattr(replay_module, "SandboxWiki", _FakeWiki)

    def test_value_is_followed_and_parallel_replies_are_compared_as_a_set(self):
        """One of three requests sent at once succeeds, whichever it is."""
        result = replay(fake_case(401, 200, 401), DESCRIPTION)
        assert result.reasons == []
        assert result.passed

    def test_other_set_of_replies_fails_with_reasons(self):
        """Two successes were recorded, the wiki gives one."""
        result = replay(fake_case(200, 200), DESCRIPTION)
        assert not result.passed
        assert "step 2 (use): status: recorded 200, got 401" in result.reasons

    def test_case_ends_where_there_is_no_reply(self, monkeypatch):
        """A cut connection is a difference and ends the case."""
        monkeypatch.setattr(_FakeWiki, "reply", lambda self, path: 1 / 0)
        monkeypatch.setattr(ThreadingHTTPServer, "handle_error", lambda *args: None)
        result = replay(fake_case(200), DESCRIPTION)
        assert len(result.played) == 1
        assert "step 0 (ask): reply" in result.reasons[0]


class TestRecordings:
    def write(self, folder, name: str, content: Any) -> None:
        (folder / f"{name}.json").write_text(json.dumps(content), "utf-8")

    def test_steps_are_read_and_grouped(self, tmp_path):
        """Actions stand alone, exchanges of one parallel group together."""
        step = {
            "do": "request",
            "by": "client",
            "label": "l",
            "method": "GET",
            "url": f"{SERVER}/",
            "request_headers": [],
            "status": 200,
            "response_headers": [list(DATE)],
            "volatile": [],
        }
        parallel = step | {"parallel": "p1"}
        self.write(tmp_path, "_wiki", DESCRIPTION)
        steps = [step, {"do": "wait", "seconds": 1}, parallel, parallel, step, step]
        self.write(tmp_path, "a", {"steps": steps, "compare": "status"})
        recordings = Recordings(tmp_path)
        assert recordings.names() == ["a"]
        groups = list(recordings.case("a").groups())
        assert [1 if isinstance(g, Action) else [e.number for e in g] for g in groups] == [
            [0],
            1,
            [2, 3],
            [4],
            [5],
        ]
        assert groups[0][0].status_only
        assert groups[0][0].moment == datetime(2026, 11, 22, 3, 0, 7, tzinfo=timezone.utc)

    @pytest.mark.parametrize("content", ["{", "[]", '{"steps": [{"do": "request"}]}'])
    def test_file_that_is_no_recording_is_an_error(self, tmp_path, content):
        """A broken file is named."""
        self.write(tmp_path, "_wiki", DESCRIPTION)
        (tmp_path / "a.json").write_text(content, "utf-8")
        with pytest.raises(RecordingError, match="a"):
            Recordings(tmp_path).case("a")

    def test_folder_without_a_wiki_ends_the_command_with_2(self, tmp_path, capsys):
        """What is no folder of recordings is said in one line."""
        assert main([str(tmp_path)]) == 2
        assert "_wiki.json" in capsys.readouterr().err


@needs_recordings
class TestFolder:
    def test_every_recorded_reply_is_like_itself(self):
        """Comparing finds nothing where there is nothing to find."""
        recordings = Recordings(FOLDER)
        compared = 0
        for name in recordings.names():
            for step in recordings.case(name).steps:
                if isinstance(step, Exchange):
                    assert differences(step, step.reply) == []
                    compared += 1
        assert compared > 1000

    def test_command_reports_every_case(self, capsys):
        """The harness plays the whole folder and tells what became of each case."""
        assert main([str(FOLDER), "--json"]) == 0
        report = json.loads(capsys.readouterr().out)
        assert [c["case"] for c in report["cases"]] == Recordings(FOLDER).names()
        assert report["of"] == len(report["cases"])
        assert report["passed"] == sum(c["passed"] for c in report["cases"])
        assert all(c["passed"] or c["reasons"] for c in report["cases"])
