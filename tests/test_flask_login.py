"""Signing in and out of a web tool in Flask, over real sockets to a sandbox wiki."""

from __future__ import annotations

import logging
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import request, request_finished, session
from flask.sessions import SecureCookieSessionInterface

from flask_site import remember, wiki_oauth
from flask_visitor import ServerSessions, Visitor, visitor_of
from pwb_oauth.web.flask import signed_in, signed_out


@pytest.fixture
def visitor(wiki, tmp_path):
    return visitor_of(wiki, tmp_path)


class TestLogin:
    def test_page_is_opened_nothing_begins(self, visitor):
        """A GET shows one button, and no more happens."""
        page = visitor.get("/oauth/login?next=/protected")
        assert page.text.count("<button") == 1
        assert 'method="post"' in page.text
        assert 'value="/protected"' in page.text
        assert not visitor.pending

    def test_page_is_framed_by_nobody(self, visitor):
        """Another site would let visitors press the button unawares."""
        assert visitor.get("/oauth/login").headers["X-Frame-Options"] == "DENY"

    @pytest.mark.parametrize("version", ["2.0", "1.0a"])
    def test_button_is_pressed_visitor_is_signed_in(self, wiki, tmp_path, version):
        """The way there and back ends where it was to end."""
        visitor = visitor_of(wiki, tmp_path, PWB_OAUTH_OAUTH_VERSION=version)
        arrival = visitor.log_in("Bob", next="/protected?a=b")
        assert (arrival.status_code, arrival.location) == (303, "/protected?a=b")
        assert visitor.who() == "Bob"

    def test_two_people_each_is_themselves(self, wiki, tmp_path):
        """In one process, with one store."""
        alice = visitor_of(wiki, tmp_path)
        bob = Visitor(alice.app, wiki)
        alice.log_in("Alice")
        bob.log_in("Bob")
        assert (alice.who(), bob.who()) == ("Alice", "Bob")

    def test_from_two_tabs_both_arrive(self, visitor, wiki):
        """Each tab has left with a state of its own."""
        first, second = visitor.leave(next="/me?1"), visitor.leave(next="/me?2")
        assert visitor.come_back(wiki.approve(first)).location == "/me?1"
        assert visitor.come_back(wiki.approve(second)).location == "/me?2"
        assert visitor.who() == "Alice"

    def test_again_the_first_user_session_is_gone(self, visitor):
        """A browser has one user session at a time."""
        visitor.log_in("Alice")
        old = visitor.cookies
        visitor.log_in("Bob")
        assert visitor.who() == "Bob"
        thief = Visitor(visitor.app, visitor.wiki)
        for name, value in old.items():
            thief.set_cookie(name, value)
        assert thief.who() == "nobody"

    def test_session_holds_something_it_is_gone(self, visitor):
        """What somebody put there before is no part of the user session."""
        visitor.get("/remember/planted")
        visitor.log_in()
        assert visitor.get("/recall").text == "None"

    def test_session_is_kept_on_the_server_its_id_changes(self, visitor):
        """Whoever knew the old one does not get into the new one."""
        visitor.app.session_interface = ServerSessions()
        visitor.get("/remember/planted")
        planted = visitor.cookies["session"]
        visitor.log_in()
        assert visitor.who() == "Alice"
        assert visitor.cookies["session"] != planted
        attacker = Visitor(visitor.app, visitor.wiki)
        attacker.set_cookie("session", planted)
        assert attacker.get("/recall").text == "None"
        visitor.log_out()
        assert visitor.who() == "nobody"

    def test_cancel_is_explained(self, visitor, wiki):
        """With 403 and a way to try again."""
        page = visitor.come_back(wiki.approve(visitor.leave(), allow=False))
        assert page.status_code == 403
        assert "You did not allow" in page.text
        assert 'href="/oauth/login"' in page.text

    def test_signal_is_sent(self, visitor):
        """Others learn who came, while the request is under way."""
        came = []

        def note(app, user_session) -> None:
            came.append((app, user_session.username, wiki_oauth.user_session.username))

        with signed_in.connected_to(note):
            visitor.log_in()
        assert came == [(visitor.app, "Alice", "Alice")]


class TestCallback:
    def test_answer_is_kept_to_itself(self, visitor, wiki):
        """Neither a cache nor the next site gets the code, be it good or bad."""
        good = visitor.come_back(wiki.approve(visitor.leave()))
        bad = visitor.come_back("/oauth/callback?code=x&state=y")
        for page in (good, bad):
            assert "no-store" in page.headers["Cache-Control"]
            assert page.headers["Referrer-Policy"] == "no-referrer"
        assert bad.status_code == 400

    @pytest.mark.parametrize("method", ["HEAD", "POST", "PUT"])
    def test_other_method_leaves_the_code_unused(self, visitor, wiki, method):
        """A look ahead does not sign anybody in, and spoils nothing."""
        address = wiki.approve(visitor.leave())
        path = address.removeprefix(visitor.origin)
        looked = visitor.client.open(path, method=method, base_url=visitor.origin)
        assert looked.status_code == 405
        visitor.come_back(address)
        assert visitor.who() == "Alice"

    def test_replayed_visitor_stays_signed_in(self, visitor, wiki):
        """The same address again is refused, and changes nothing."""
        address = wiki.approve(visitor.leave())
        visitor.come_back(address)
        assert visitor.come_back(address).status_code == 400
        assert visitor.who() == "Alice"

    def test_error_is_made_up_no_alarm_is_raised(self, visitor, caplog):
        """Only the wiki's own answer says that the consumer is wrong, not an address."""
        left = parse_qs(urlsplit(visitor.leave()).query)
        page = visitor.come_back(f"/oauth/callback?error=invalid_client&state={left['state'][0]}")
        assert page.status_code == 400
        assert "does not send" in caplog.text
        assert max(record.levelno for record in caplog.records) <= logging.WARNING

    def test_failed_attempt_is_over(self, visitor, wiki):
        """Its cookie goes with the error page."""
        address = wiki.approve(visitor.leave())
        wiki.fail_next("503", path="oauth2/access_token", count=9)
        page = visitor.come_back(address)
        assert page.status_code == 503
        assert page.headers["Retry-After"]
        assert not visitor.pending

    def test_query_does_not_reach_the_log(self, visitor, wiki, caplog):
        """Whatever happens, the code is in none of our lines."""
        caplog.set_level(logging.DEBUG)
        address = wiki.approve(visitor.leave())
        wiki.fail_next("503", path="oauth2/access_token", count=9)
        visitor.come_back(address)
        code = address.partition("code=")[2].partition("&")[0]
        assert code
        assert caplog.text
        assert code not in caplog.text

    def test_query_is_hidden_from_what_reports_errors(self, visitor, wiki):
        """Debug pages and reports show the request as it is when something fails."""
        address = wiki.approve(visitor.leave())
        wiki.fail_next("503", path="oauth2/access_token", count=9)
        seen = []

        @request_finished.connect_via(visitor.app)
        def look(_app, **_more) -> None:
            seen.append(f"{request.environ}{request.url}{request.full_path}{request.args}")

        more = {"RAW_URI": address, "REQUEST_URI": address}
        path = address.removeprefix(visitor.origin)
        assert visitor.get(path, environ_overrides=more).status_code == 503
        code = address.partition("code=")[2].partition("&")[0]
        assert code
        assert code not in seen[-1]


class TestLateAnswer:
    """A tab waits for a page while another one signs in."""

    @pytest.mark.parametrize("interface", [SecureCookieSessionInterface, ServerSessions])
    def test_comes_after_another_login_visitor_stays(self, visitor, interface):
        """The session, or its id, is not sent again as it was before."""
        visitor.app.session_interface = interface()
        visitor.log_in("Alice")
        late = visitor.get("/me")
        visitor.log_in("Bob")
        _receive(visitor, late)
        assert visitor.who() == "Bob"

    @pytest.mark.parametrize("signed_in_before", [True, False])
    def test_changed_the_session_no_row_is_left(self, visitor, signed_in_before):
        """The visitor is signed out, and so is whoever got hold of the cookie."""
        if signed_in_before:
            visitor.log_in()
        late = visitor.get("/remember/something")
        visitor.log_in()
        row_id = _row_id(visitor)
        _receive(visitor, late)
        assert visitor.who() == "nobody"
        with visitor.app.app_context():
            assert wiki_oauth.flow.store.get(row_id) is None

    def test_cookie_opens_nothing_row_stays(self, visitor):
        """A row id alone ends nobody's user session."""
        visitor.log_in()
        attacker = Visitor(visitor.app, visitor.wiki)
        attacker.set_cookie("pwb_oauth", f"v1.{_row_id(visitor)}.{'A' * 43}")
        assert attacker.who() == "nobody"
        assert visitor.who() == "Alice"

    @pytest.mark.parametrize("refreshed", [True, False])
    @pytest.mark.parametrize("interface", [SecureCookieSessionInterface, ServerSessions])
    def test_session_is_changed_it_is_kept(self, visitor, interface, refreshed):
        """Beyond the browser's end: what an application keeps for somebody who is signed in."""
        visitor.app.config["SESSION_REFRESH_EACH_REQUEST"] = refreshed
        visitor.app.session_interface = interface()
        visitor.log_in()
        visitor.get("/me")
        assert "Expires=" in visitor.get("/remember/mine").headers["Set-Cookie"]
        assert visitor.get("/recall").text == "mine"

    def test_session_is_the_applications_own_flask_refreshes_it(self, visitor):
        """As it always does, whatever else the browser sends."""

        def begin() -> str:
            session.permanent = True
            return remember("mine")

        visitor.app.add_url_rule("/begin", view_func=begin)
        visitor.set_cookie("pwb_oauth", "left over")
        visitor.get("/begin")
        assert "session=" in visitor.get("/recall").headers["Set-Cookie"]


class TestLogout:
    def test_button_is_pressed_all_access_is_gone(self, visitor, wiki):
        """The row and both cookies; the token is refused by the wiki."""
        visitor.log_in()
        old = visitor.cookies
        with visitor.app.app_context():
            flow = wiki_oauth.flow
        session = flow.open(old, _row_id(visitor))
        left = visitor.log_out()
        assert (left.status_code, left.location) == (303, "/")
        assert "pwb_oauth" not in visitor.cookies
        for name, value in old.items():
            visitor.set_cookie(name, value)
        assert visitor.who() == "nobody"
        assert flow.store.get(session.row_id) is None
        assert not flow.is_accepted(session)

    def test_signal_is_sent(self, visitor):
        """Others learn whose user session is gone."""
        visitor.log_in()
        row_id = _row_id(visitor)
        gone = []

        def note(app, row_id) -> None:
            gone.append((app, row_id))

        with signed_out.connected_to(note):
            visitor.log_out()
        assert gone == [(visitor.app, row_id)]

    def test_nobody_is_signed_in_nothing_breaks(self, visitor):
        """Twice, for example."""
        assert visitor.log_out().status_code == 303

    def test_session_holds_something_it_is_gone(self, visitor):
        """The next one at this browser finds nothing."""
        visitor.log_in()
        visitor.get("/remember/mine")
        visitor.log_out()
        assert visitor.get("/recall").text == "None"

    def test_by_get_is_refused(self, visitor):
        """An image on another site would do."""
        visitor.log_in()
        assert visitor.get("/oauth/logout").status_code == 405
        assert visitor.who() == "Alice"

    def test_application_clears_its_session_the_row_goes(self, visitor):
        """Whoever ends it, it is over."""
        visitor.log_in()
        with visitor.app.app_context():
            store = wiki_oauth.flow.store
        row_id = _row_id(visitor)
        gone = []

        def note(app, row_id) -> None:
            gone.append(row_id)

        with signed_out.connected_to(note):
            visitor.post("/side-door")
        assert store.get(row_id) is None
        assert gone == [row_id]
        assert visitor.who() == "nobody"

    @pytest.mark.parametrize("way", ["logout_everywhere", "purge"])
    def test_row_is_gone_framework_is_logged_out(self, visitor, way):
        """Nothing that was kept for the visitor stays, and others are told, once."""
        visitor.log_in()
        visitor.get("/remember/mine")
        row_id = _row_id(visitor)
        with visitor.app.app_context():
            _delete_rows(visitor, wiki_oauth.flow, way)
            assert wiki_oauth.flow.store.get(row_id) is None
        gone = []

        def note(app, row_id) -> None:
            gone.append(row_id)

        with signed_out.connected_to(note):
            assert visitor.who() == "nobody"
            assert visitor.who() == "nobody"
        assert gone == [row_id]
        assert visitor.get("/recall").text == "None"


class TestLoginRequired:
    @pytest.mark.parametrize(
        "path", ["/protected", "/protected-async", "/protected/%C3%A4%20b%25%23"]
    )
    def test_visitor_is_sent_to_the_button_and_back(self, visitor, path):
        """Also for a view that is a coroutine."""
        asked = visitor.get(f"{path}?q=%C3%A4%20b")
        assert asked.status_code == 303
        page = visitor.get(asked.location)
        target = page.text.partition('name="next" value="')[2].partition('"')[0]
        assert visitor.log_in(next=target).location == target
        assert visitor.get(target).text.endswith("You are Alice.")

    def test_form_is_not_sent_again(self, visitor):
        """Its content would be lost, and a GET of its address means nothing."""
        assert visitor.post("/edit").location == "/oauth/login"


class TestActing:
    def test_edit_is_the_visitors(self, bot, wiki, tmp_path):
        """Two visitors write, and the wiki credits each."""
        alice = visitor_of(wiki, tmp_path)
        bob = Visitor(alice.app, wiki)
        for name, person in (("Alice", alice), ("Bob", bob)):
            person.log_in(name)
            said = person.post("/edit", {**person.csrf(), "title": f"By {name}", "text": "x"})
            assert said.text == "Saved."
        assert wiki.pages["By Alice"].latest.user == "Alice"
        assert wiki.pages["By Bob"].latest.user == "Bob"

    def test_grant_is_withdrawn_visitor_reads_so(self, bot, wiki, tmp_path):
        """The page says to sign in again, and nobody is signed in any more."""
        visitor = visitor_of(wiki, tmp_path)
        visitor.log_in()
        wiki.revoke("Alice", wiki.consumers[visitor.app.config["PWB_OAUTH_CLIENT_ID"]])
        page = visitor.post("/edit", {**visitor.csrf(), "title": "A", "text": "x"})
        assert page.status_code == 403
        assert "Please sign in again" in page.text
        assert visitor.who() == "nobody"
        assert "A" not in wiki.pages


def _row_id(visitor) -> str:
    return visitor.cookies["pwb_oauth"].split(".")[1]


def _delete_rows(visitor, flow, way) -> None:
    """Do what ends the user sessions of other browsers."""
    if way == "purge":
        flow.purge(older_than=timedelta())
        return
    other = Visitor(visitor.app, visitor.wiki)
    other.log_in()
    assert flow.logout_everywhere(flow.open(other.cookies, _row_id(other))) == 2


def _receive(visitor, late) -> None:
    """Let the browser take the cookies of an answer once more, as if it only came now."""
    for header in late.headers.getlist("Set-Cookie"):
        name, _, value = header.partition(";")[0].partition("=")
        visitor.set_cookie(name, value)
