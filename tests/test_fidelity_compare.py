"""The fidelity harness: pages, forms, and in what two replies differ."""

from __future__ import annotations

from typing import Any

import pytest

from fidelity_helpers import (
    DATE,
    FORM,
    HTML,
    SERVER,
    answered,
    exchange,
    live,
    places,
)
from pwb_oauth.testing.fidelity.compare import differences
from pwb_oauth.testing.fidelity.difference import Difference
from pwb_oauth.testing.fidelity.forms import Shown, submitted
from pwb_oauth.testing.fidelity.outgoing import as_recorded
from pwb_oauth.testing.fidelity.pages import Button, Field, Form, Page
from pwb_oauth.testing.fidelity.recording import (
    Exchange,
    Reply,
)


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
