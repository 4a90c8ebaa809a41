"""What others do to the visitors of a Django site, and what becomes of it."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.dispatch import receiver
from django.test import Client

from django_visitor import (
    CALLBACK,
    PUBLIC_CALLBACK,
    Visitor,
    database,
    rows,
    session_of,
    site,
    visitor,
)
from pwb_oauth.web.django import signals
from pwb_oauth.web.django.conf import flow

__all__ = ["database", "site", "visitor"]  # fixtures


class TestForgedRequests:
    """What another site makes a visitor's browser send."""

    @pytest.mark.parametrize("path", ["/oauth/login", "/oauth/logout"])
    @pytest.mark.parametrize("origin", ["https://evil.example", "null"])
    def test_post_from_another_site_is_refused(self, visitor, wiki, path, origin):
        """With a token that fits as well, which another host of the domain may have set."""
        visitor.log_in()
        asked = len(wiki.log)
        response = visitor.post(path, visitor.csrf(), HTTP_ORIGIN=origin)
        assert response.status_code == 403
        assert len(wiki.log) == asked
        assert visitor.who() == "Alice"

    @pytest.mark.parametrize("path", ["/oauth/login", "/oauth/logout"])
    def test_post_without_the_forms_token_is_refused(self, visitor, path):
        """Old browsers send no Origin."""
        visitor.log_in()
        assert visitor.client.post(path).status_code == 403
        assert visitor.post(path).status_code == 403
        assert visitor.who() == "Alice"

    def test_get_of_logout_does_nothing(self, visitor):
        """As an image on another site asks for it."""
        visitor.log_in()
        assert visitor.get("/oauth/logout").status_code == 405
        assert visitor.who() == "Alice"

    @pytest.mark.parametrize("method", ["post", "head", "put", "options"])
    def test_callback_is_for_get_alone(self, visitor, wiki, method):
        """A HEAD would use the code up."""
        url = wiki.approve(visitor.leave(), "Alice")
        parts = urlsplit(url)
        response = getattr(visitor.client, method)(f"{parts.path}?{parts.query}")
        assert response.status_code in (405, 403)
        visitor.come_back(url)
        assert visitor.who() == "Alice"

    def test_pages_cannot_be_framed(self, visitor):
        """So that nobody presses the button without seeing it."""
        assert visitor.get("/oauth/login").headers["X-Frame-Options"] == "DENY"

    def test_login_of_somebody_else_is_not_forced_on_a_visitor(self, visitor, wiki):
        """A callback that another browser began changes nothing for who is signed in."""
        visitor.log_in()
        mallory = Visitor(wiki)
        response = visitor.come_back(wiki.approve(mallory.leave(), "Bob"))
        assert response.status_code == 400
        assert visitor.who() == "Alice"


class TestBehindAProxy:
    """Visitors come by https, and Django sees http from 127.0.0.1."""

    @pytest.fixture
    def proxied(self, site, wiki):
        """A browser before the proxy."""
        site(PUBLIC_CALLBACK)
        visitor = Visitor(wiki)
        visitor.secure = False
        return visitor

    def test_visitor_logs_in_and_out(self, proxied):
        """Without a setting that says so."""
        assert proxied.log_in(next="/me").status_code == 303
        assert proxied.who() == "Alice"
        assert proxied.log_out().status_code == 303
        assert proxied.who() == "nobody"

    @pytest.mark.parametrize(
        "forged",
        [
            {"HTTP_HOST": "127.0.0.1"},
            {"HTTP_X_FORWARDED_HOST": "evil.example"},
            {"HTTP_X_FORWARDED_PROTO": "http"},
            {"HTTP_X_FORWARDED_PROTO": "gopher", "HTTP_FORWARDED": "host=evil.example"},
        ],
    )
    def test_forged_headers_change_no_address(self, proxied, forged):
        """The wiki is told the callback of the settings, and the cookies stay secure."""
        fields = proxied.csrf()
        response = proxied.post("/oauth/login", fields, **forged)
        sent = parse_qs(urlsplit(response.headers["Location"]).query)
        assert sent["redirect_uri"] == [PUBLIC_CALLBACK]
        pending = [each for name, each in response.cookies.items() if "pending" in name]
        assert all(each["secure"] for each in pending)
        assert pending

    def test_unknown_host_is_refused(self, proxied):
        """By Django's own ALLOWED_HOSTS."""
        assert proxied.get("/me", HTTP_HOST="evil.example").status_code == 400


class TestCookies:
    """Their names and flags."""

    @pytest.mark.parametrize(
        ("callback", "prefix", "secure"),
        [(PUBLIC_CALLBACK, "__Host-", True), (CALLBACK, "", "")],
    )
    def test_names_and_flags(self, site, wiki, callback, prefix, secure):
        """On https, and on loopback."""
        site(callback)
        visitor = Visitor(wiki)
        visitor.log_in()
        cookie = visitor.client.cookies[f"{prefix}pwb_oauth"]
        assert (cookie["secure"], cookie["httponly"]) == (secure, True)
        assert (cookie["samesite"], cookie["path"], cookie["domain"]) == ("Lax", "/", "")
        assert cookie["max-age"] == 30 * 24 * 3600
        visitor.log_out()
        gone = visitor.client.cookies[f"{prefix}pwb_oauth"]
        assert (gone.value, gone["max-age"], gone["secure"]) == ("", 0, secure)

    def test_key_is_not_in_djangos_session(self, visitor):
        """Which lies in the same database as the row."""
        visitor.log_in()
        _, row_id, key = visitor.cookies["pwb_oauth"].split(".")
        assert session_of(visitor)["pwb_oauth_row"] == row_id
        assert key not in str(session_of(visitor))

    @pytest.mark.parametrize(
        "value", ["", "x", "v1", "v1..", "v2.{0}", "{0}x", "{0}.{0}", "\u00e9", "x" * 4096, "{1}"]
    )
    def test_cookie_that_cannot_be_used_means_signed_out(self, visitor, value):
        """Both go, and it is never a server error."""
        visitor.log_in()
        good = visitor.cookies["pwb_oauth"]
        visitor.set_cookie("pwb_oauth", value.format(good, good[:-9]))
        assert visitor.who() == "nobody"
        visitor.set_cookie("pwb_oauth", good)
        assert visitor.who() == "nobody"
        assert visitor.user() == "False "
        assert rows().count() == 0

    @pytest.mark.parametrize("last", ["good", "bad"])
    def test_cookie_is_sent_twice_it_is_no_error(self, visitor, last):
        """A neighbour may plant one beside it, which cannot be more than a nuisance."""
        visitor.log_in()
        cookies = visitor.cookies
        good, bad = f"pwb_oauth={cookies['pwb_oauth']}", "pwb_oauth=v1.0.0"
        pair = (good, bad) if last == "bad" else (bad, good)  # Django takes the last one
        header = "; ".join([*pair, f"sessionid={cookies['sessionid']}"])
        page = Client().get("/me", headers={"cookie": header, "host": "127.0.0.1"})
        assert page.status_code == 200
        assert page.content == (b"You are Alice." if last == "good" else b"You are nobody.")

    def test_cookie_without_djangos_session_opens_nothing(self, visitor, wiki):
        """A thief of the one has not the other."""
        visitor.log_in()
        thief = Visitor(wiki)
        thief.set_cookie("pwb_oauth", visitor.cookies["pwb_oauth"])
        assert (thief.who(), thief.user()) == ("nobody", "False ")
        assert visitor.who() == "Alice"

    def test_session_of_another_is_ended(self, visitor, wiki):
        """A's cookie with B's session: nobody."""
        visitor.log_in("Alice")
        other = Visitor(wiki)
        other.log_in("Bob")
        other.set_cookie("pwb_oauth", visitor.cookies["pwb_oauth"])
        assert other.user() == "False "
        assert other.who() == "nobody"
        assert visitor.who() == "Alice"

    def test_session_without_the_cookie_is_ended(self, visitor):
        """Django's user is logged out too, whatever asks first."""
        for path, nobody in (("/user", "False "), ("/user-async", "False ")):
            visitor.log_in()
            visitor.set_cookie("pwb_oauth", "")
            assert visitor.get(path).content.decode() == nobody
            assert rows().count() == 0


class TestRowIsGone:
    """Somebody else has deleted the row that a browser's cookie opened."""

    @pytest.mark.parametrize("way", ["logout_everywhere", "purge"])
    @pytest.mark.parametrize("path", ["/me", "/me-async", "/user", "/user-async", "/both"])
    def test_visitor_is_nobody_for_django_too(self, visitor, wiki, way, path):
        """Whatever asks first; others are told, once, and what Django's session held is gone."""
        visitor.log_in()
        visitor.get("/remember/mine")
        row_id = session_of(visitor)["pwb_oauth_row"]
        _delete_rows(wiki, way)
        assert rows().count() == 0
        gone = []

        @receiver(signals.signed_out)
        def note(row_id, **_said):
            gone.append(row_id)

        if path != "/both":  # which takes for granted that somebody is signed in
            assert visitor.get(path).status_code == 200
        assert (visitor.who(), visitor.user()) == ("nobody", "False ")
        assert visitor.get("/recall").content == b"None"
        assert gone == [row_id]
        assert not visitor.cookies.get("pwb_oauth")
        visitor.log_in()
        assert visitor.who() == "Alice"


def _delete_rows(wiki, way):
    if way == "purge":
        flow().purge(older_than=timedelta())
        return
    other = Visitor(wiki)
    other.log_in()
    cookies, row_id = other.cookies, session_of(other)["pwb_oauth_row"]
    assert flow().logout_everywhere(flow().open(cookies, row_id)) == 2


class TestFixation:
    """A session that somebody else knows, or planted."""

    def test_djangos_session_changes_its_id(self, visitor):
        """Who knew the old id knows nothing."""
        visitor.get("/remember/planted")
        planted = visitor.cookies["sessionid"]
        visitor.log_in()
        assert visitor.cookies["sessionid"] != planted
        thief = Client()
        thief.cookies["sessionid"] = planted
        assert thief.get("/user").content == b"False "

    def test_forms_token_changes_too(self, visitor):
        """So that what was planted before the login forges no form after it."""
        before = visitor.cookies.get("csrftoken") or visitor.csrf()
        visitor.log_in()
        assert visitor.cookies["csrftoken"] != before
