"""What people try against a web tool in Flask."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from flask_visitor import PUBLIC_CALLBACK, Visitor, visitor_of

EVIL = "https://evil.example"
OTHER_SITE = [
    {"Origin": EVIL},
    {"Origin": EVIL, "Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "none"},
    {"Origin": "null"},
    {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
    {"Origin": "http://127.0.0.1:8", "Sec-Fetch-Site": "same-site"},
]
FORGED = {
    "Host": "evil.example",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Proto": "http",
    "Forwarded": "host=evil.example;proto=http",
    "X-Forwarded-Prefix": "/evil",
}
OWN_SITE = [
    {},
    {"Origin": "http://127.0.0.1:9"},
    {"Origin": "http://127.0.0.1:9", "Sec-Fetch-Site": "same-origin"},
    {"Origin": "null", "Sec-Fetch-Site": "same-origin"},
]


@pytest.fixture
def visitor(wiki, tmp_path):
    return visitor_of(wiki, tmp_path)


class TestForgedForms:
    @pytest.mark.parametrize("headers", OTHER_SITE, ids=str)
    def test_from_another_site_nothing_happens(self, visitor, headers):
        """Even with the right token: neither login nor logout."""
        visitor.log_in()
        for path in ("/oauth/login", "/oauth/logout", "/edit"):
            refused = visitor.post(path, visitor.csrf(), headers=headers)
            assert refused.status_code == 403
            assert "has to be sent from a page of http://127.0.0.1:9" in refused.text
        assert not visitor.pending
        assert visitor.who() == "Alice"

    @pytest.mark.parametrize("headers", OWN_SITE, ids=str)
    def test_from_this_site_it_is_done(self, visitor, headers):
        """Whatever the browser says of where a form came from, if it says anything."""
        visitor.log_in()
        assert visitor.post("/oauth/login", visitor.csrf(), headers=headers).status_code == 303
        assert visitor.post("/oauth/logout", visitor.csrf(), headers=headers).status_code == 303
        assert visitor.who() == "nobody"

    @pytest.mark.parametrize("field", [{}, {"pwb_oauth_csrf": ""}, {"pwb_oauth_csrf": "ä" * 43}])
    def test_without_the_token_nothing_happens(self, visitor, field):
        """Even from this site."""
        visitor.log_in()
        visitor.csrf()
        for path in ("/oauth/login", "/oauth/logout", "/edit"):
            refused = visitor.post(path, field)
            assert refused.status_code == 403
            assert "reload the page" in refused.text
        assert not visitor.pending
        assert visitor.who() == "Alice"

    def test_browser_has_no_session_nothing_happens(self, visitor):
        """An empty token does not match a missing one."""
        assert visitor.post("/oauth/login", {"pwb_oauth_csrf": ""}).status_code == 403
        assert visitor.post("/oauth/login").status_code == 403

    def test_with_another_visitors_token_nothing_happens(self, visitor):
        """Everybody has one of their own."""
        attacker = Visitor(visitor.app, visitor.wiki)
        visitor.csrf()
        assert visitor.post("/oauth/login", attacker.csrf()).status_code == 403

    def test_token_was_planted_it_is_of_no_use_afterwards(self, visitor):
        """A session that somebody else made ends where the visitor signs in."""
        attacker = Visitor(visitor.app, visitor.wiki)
        token = attacker.csrf()
        visitor.set_cookie("session", attacker.cookies["session"])
        visitor.log_in()
        assert visitor.post("/oauth/logout", token).status_code == 403
        assert attacker.who() == "nobody"
        assert visitor.who() == "Alice"


class TestForcedCallback:
    def test_code_of_an_attacker_visitor_stays_who_they_are(self, visitor, wiki):
        """Nobody is signed in as somebody else by a link."""
        attacker = Visitor(visitor.app, wiki)
        address = wiki.approve(attacker.leave(), "Bob")
        assert visitor.come_back(address).status_code == 400
        assert visitor.who() == "nobody"
        visitor.log_in()
        assert visitor.come_back(address).status_code == 400
        assert visitor.who() == "Alice"

    @pytest.mark.parametrize(
        "query", ["", "?code=x", "?error=access_denied", "?state=x", "?code=a&code=b&state=c"]
    )
    def test_nobody_left_it_is_explained(self, visitor, query):
        """With a client's error, and without a change."""
        visitor.log_in()
        assert visitor.get(f"/oauth/callback{query}").status_code in (400, 403)
        assert visitor.who() == "Alice"


class TestForgedHost:
    def test_nothing_is_built_from_it(self, wiki, tmp_path):
        """Neither where the wiki sends the browser, nor any other address, nor a cookie."""
        visitor = visitor_of(wiki, tmp_path, PUBLIC_CALLBACK)
        asked = visitor.get("/protected", headers=FORGED)
        assert asked.location == "/oauth/login?next=/protected"
        field = visitor.csrf()
        origin = {"Origin": "https://tool.example.org", "Cookie": visitor.cookie_header}
        jarless = visitor.app.test_client(use_cookies=False)
        away = jarless.post("/oauth/login", data=field, headers={**origin, **FORGED})
        asked_for = parse_qs(urlsplit(away.location).query)["redirect_uri"]
        assert asked_for == [PUBLIC_CALLBACK]
        pending, _, value = away.headers["Set-Cookie"].partition(";")[0].partition("=")
        visitor.set_cookie(pending, value)
        path = wiki.approve(away.location).removeprefix("https://tool.example.org")
        back = jarless.get(path, headers={"Cookie": visitor.cookie_header, **FORGED})
        assert (back.status_code, back.location) == (303, "/")
        for page in (asked, away, back):
            assert "evil" not in f"{page.headers}{page.text}"

    def test_origin_agrees_with_it_form_is_refused(self, wiki, tmp_path):
        """The registered address counts, not the one that was asked."""
        visitor = visitor_of(wiki, tmp_path, PUBLIC_CALLBACK)
        headers = {"Origin": "https://evil.example", **FORGED}
        assert visitor.post("/oauth/login", visitor.csrf(), headers=headers).status_code == 403


class TestNext:
    @pytest.mark.parametrize(
        "target",
        [
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\/evil.example",
            "/\t/evil.example",
            "\t//evil.example",
            "/%2f%2fevil.example",
            "%2f%2fevil.example",
            "/%5cevil.example",
            "/a\r\nSet-Cookie: a=b",
            "/a%0d%0aSet-Cookie: a=b",
            "https:evil.example",
            "https://evil.example",
            "http://127.0.0.1:9@evil.example/",
            "user@evil.example",
            "javascript:alert(1)",
            "/oauth/login",
            "/oauth/logout",
            "/oauth/callback?code=x",
            "relative",
            "",
        ],
    )
    def test_leads_elsewhere_visitor_stays_here(self, visitor, target):
        """By the link to the login page, and by its form."""
        page = visitor.get("/oauth/login", query_string={"next": target})
        assert page.status_code == 200
        arrival = visitor.log_in(next=target)
        assert (arrival.status_code, arrival.location) == (303, "/")
        assert "Set-Cookie: a=b" not in str(arrival.headers)

    def test_holds_markup_it_is_text(self, visitor):
        """In the hidden field of the login page."""
        page = visitor.get("/oauth/login", query_string={"next": '/"><script>alert(1)</script>'})
        assert "<script>" not in page.text
