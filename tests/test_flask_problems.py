"""What a visitor reads, and an operator finds in the log, when something goes wrong in Flask."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest
from flask import Flask

from flask_site import create_app
from flask_visitor import Visitor, settings_for, visitor_of
from pwb_oauth import clock
from pwb_oauth.encryption import new_key
from pwb_oauth.errors import (
    LoginRequiredError,
    PwbOAuthError,
    StoreUnavailableError,
    TransportError,
)
from pwb_oauth.web.flask import WikiOAuth
from pwb_oauth.web.flow import WebFlow
from pwb_oauth.wiki import Wiki
from web_tool import given_credentials, is_dead


@pytest.fixture
def visitor(bot, wiki, tmp_path):
    visitor = visitor_of(wiki, tmp_path)
    visitor.log_in()
    return visitor


class TestEditing:
    """A visitor edits, and cannot."""

    def test_wiki_is_down_visitor_may_try_again(self, visitor, wiki, caplog):
        """And stays signed in."""
        field = visitor.csrf()
        wiki.fail_next("503", action="edit", count=9)
        page = visitor.post("/edit", {**field, "title": "A", "text": "x"})
        assert (page.status_code, page.headers["Retry-After"]) == (503, "30")
        assert "The wiki cannot be reached" in page.text
        assert "The wiki cannot be reached" in caplog.text
        assert visitor.who() == "Alice"

    @pytest.mark.parametrize("fault", ["hang", "trickle"])
    def test_wiki_hangs_visitor_reads_so_at_the_deadline(
        self, visitor, wiki, caplog, monkeypatch, fault
    ):
        """And may try again; the visitor stays signed in."""
        field = visitor.csrf()
        monkeypatch.setitem(WebFlow.account.__wrapped__.__kwdefaults__, "seconds", 1.0)
        wiki.fail_next(fault, count=50, seconds=30)
        page = visitor.post("/edit", {**field, "title": "A", "text": "x"})
        wiki._faults.close()
        assert (page.status_code, page.headers["Retry-After"]) == (503, "30")
        assert "The wiki takes too long" in page.text
        assert "Look on the wiki whether" in page.text
        (record,) = [each for each in caplog.records if each.name == "pwb_oauth.web"]
        assert record.levelname == "WARNING"
        assert "took longer than a web request may" in record.getMessage()
        assert visitor.who() == "Alice"

    def test_account_is_blocked_visitor_reads_so(self, visitor, wiki):
        """It is not the tool's doing."""
        wiki.block("Alice")
        page = visitor.post("/edit", {**visitor.csrf(), "title": "A", "text": "x"})
        assert page.status_code == 403
        assert "is blocked" in page.text
        assert visitor.who() == "Alice"

    def test_consumer_is_disabled_operators_are_told(self, visitor, wiki, caplog):
        """Signing in again would not help, and is not offered."""
        wiki.set_consumer_state(visitor.app.config["PWB_OAUTH_CLIENT_ID"], "disabled")
        page = visitor.post("/edit", {**visitor.csrf(), "title": "A", "text": "x"})
        assert page.status_code == 503
        assert "Signing in does not work at the moment" in page.text
        assert 'href="/oauth/login"' not in page.text
        assert "not approved or was disabled" in caplog.text

    def test_grant_is_withdrawn_error_page_knows(self, visitor, wiki, tmp_path):
        """It greets nobody, whatever was known before."""
        greet_on_error_pages(visitor, tmp_path)
        form = {**visitor.csrf(), "title": "A", "text": "x"}
        wiki.revoke("Alice")
        assert visitor.post("/edit", form).text == "Please sign in again nobody"

    def test_wiki_is_down_error_page_knows_the_visitor(self, visitor, wiki, tmp_path):
        """Who is signed in as before."""
        greet_on_error_pages(visitor, tmp_path)
        form = {**visitor.csrf(), "title": "A", "text": "x"}
        wiki.fail_next("503", action="edit", count=9)
        assert visitor.post("/edit", form).text == "The wiki cannot be reached Alice"


class TestLeaving:
    """A visitor presses the button, and the wiki does not know the consumer."""

    @pytest.mark.parametrize(
        ("wrong", "value"),
        [
            ("CLIENT_ID", "0" * 32),
            ("CLIENT_SECRET", "f" * 40),
            ("CALLBACK_URL", "http://127.0.0.1:9/oauth/wrong"),
        ],
    )
    def test_consumer_is_wrong_operators_are_told(self, wiki, tmp_path, caplog, wrong, value):
        """Where the wiki says so before anybody leaves (OAuth 1.0a)."""
        more = {"PWB_OAUTH_OAUTH_VERSION": "1.0a", f"PWB_OAUTH_{wrong}": value}
        visitor = visitor_of(wiki, tmp_path, **more)
        for consumer in wiki.consumers.values():
            consumer.callback_is_prefix = True  # else the wiki uses the registered one
        page = visitor.post("/oauth/login", visitor.csrf())
        assert page.status_code == 500
        assert "not set up correctly" in page.text
        assert "twice" not in page.text
        (record,) = caplog.records
        assert record.levelname == "ERROR"
        assert "Compare the consumer's key, secret and callback URL" in record.getMessage()
        assert f"PWB_OAUTH_{wrong}" in record.getMessage()
        assert value not in caplog.text or wrong != "CLIENT_SECRET"


class TestComingBack:
    """A visitor comes back from the wiki, and something has happened meanwhile."""

    @pytest.mark.parametrize("version", ["2.0", "1.0a"])
    def test_consumer_was_disabled_operators_are_told(self, wiki, tmp_path, caplog, version):
        """Signing in again would not help, and is not offered."""
        visitor = visitor_of(wiki, tmp_path, PWB_OAUTH_OAUTH_VERSION=version)
        address = wiki.approve(visitor.leave())
        wiki.disable(wiki.consumers[visitor.app.config["PWB_OAUTH_CLIENT_ID"]])
        page = visitor.come_back(address)
        assert page.status_code == 503
        assert "Signing in does not work at the moment" in page.text
        assert "/oauth/login" not in page.text
        (record,) = [each for each in caplog.records if each.name == "pwb_oauth.web"]
        assert record.levelname == "ERROR"
        assert "not approved or was disabled" in record.getMessage()
        assert not visitor.pending
        assert visitor.who() == "nobody"

    def test_ten_minutes_have_passed_visitor_reads_so(self, wiki, tmp_path, caplog, monkeypatch):
        """With a way to try again; the attempt is over."""
        caplog.set_level(logging.INFO, "pwb_oauth.web")
        visitor = visitor_of(wiki, tmp_path)
        address = wiki.approve(visitor.leave())
        now = clock.now()
        monkeypatch.setattr(clock, "now", lambda: now + timedelta(minutes=10, seconds=1))
        page = visitor.come_back(address)
        assert page.status_code == 400
        assert "more than ten minutes ago" in page.text
        assert 'href="/oauth/login' in page.text
        (record,) = [each for each in caplog.records if each.name == "pwb_oauth.web"]
        assert record.levelname == "INFO"
        assert "came back too late" in record.getMessage()
        assert not visitor.pending
        assert visitor.who() == "nobody"


class TestStaying:
    """A visitor was signed in, and is not any more."""

    def test_key_was_removed_visitor_is_signed_out(self, visitor, wiki, caplog):
        """And signs in again; the operator reads of it once."""
        settings = {**visitor.app.config, "PWB_OAUTH_ENCRYPTION_KEYS": new_key()}
        later = Visitor(create_app(**settings), wiki)
        for name, value in visitor.cookies.items():
            later.set_cookie(name, value)
        assert later.who() == later.who() == "nobody"
        assert caplog.text.count("need the encryption key with the id") == 1
        later.log_in()
        assert later.who() == "Alice"

    def test_key_was_added_visitor_stays(self, visitor, wiki):
        """The old one is still there."""
        keys = f"{new_key()} {visitor.app.config['PWB_OAUTH_ENCRYPTION_KEYS']}"
        settings = {**visitor.app.config, "PWB_OAUTH_ENCRYPTION_KEYS": keys}
        later = Visitor(create_app(**settings), wiki)
        for name, value in visitor.cookies.items():
            later.set_cookie(name, value)
        assert later.who() == "Alice"

    def test_too_much_time_passed_visitor_is_signed_out(self, visitor, monkeypatch, caplog):
        """The cookie may live longer, its row does not; the log says so once."""
        caplog.set_level(logging.INFO, "pwb_oauth.web")
        now = clock.now()
        monkeypatch.setattr(clock, "now", lambda: now + timedelta(days=31))
        assert visitor.who() == visitor.who() == "nobody"
        assert "pwb_oauth" in visitor.cookies
        assert caplog.text.count("PWB_OAUTH_SESSION_IDLE") == 1


class TestDatabase:
    """The database is down."""

    @pytest.fixture
    def cut_off(self, visitor, wiki, tmp_path):
        """A visitor who is signed in at a site whose database is gone."""
        settings = {
            **visitor.app.config,
            "PWB_OAUTH_DATABASE_URL": f"sqlite:///{tmp_path / 'missing' / 'visitors.sqlite'}",
        }
        later = Visitor(create_app(**settings), wiki)
        for name, value in visitor.cookies.items():
            later.set_cookie(name, value)
        return later

    @pytest.mark.parametrize("path", ["/me", "/protected"])
    def test_page_asks_who_it_is_visitor_may_try_again(self, cut_off, path, caplog):
        """With a line in the log that names the cause."""
        page = cut_off.get(path)
        assert (page.status_code, page.headers["Retry-After"]) == (503, "30")
        assert "cannot reach its database" in page.text
        assert [record.levelname for record in caplog.records] == ["ERROR"]

    def test_page_asks_nobody_it_is_as_always(self, cut_off):
        """Most of the site goes on."""
        assert cut_off.get("/").status_code == 200

    def test_visitor_logs_out_they_may_try_again(self, cut_off):
        """Since the row is still there, nothing else is said."""
        assert cut_off.log_out().status_code == 503
        assert "pwb_oauth" in cut_off.cookies

    def test_application_logs_out_the_page_is_as_always(self, cut_off, caplog):
        """The visitor is signed out; the operator learns that a row is left."""
        assert cut_off.post("/side-door").text == "Gone."
        assert "was ended but not deleted" in caplog.text
        assert "session" not in cut_off.cookies

    def test_visitor_comes_back_from_the_wiki_they_may_try_again(self, cut_off, wiki):
        """Not signed in."""
        page = cut_off.come_back(wiki.approve(cut_off.leave()))
        assert page.status_code == 503

    def test_first_session_cannot_be_ended_second_is_taken_back(self, visitor, wiki, monkeypatch):
        """No row and no token of a sign-in that failed stays; the first one goes on."""
        store = visitor.app.extensions["pwb_oauth"].store
        given = given_credentials(monkeypatch)
        delete = store.delete
        first = visitor.cookies["pwb_oauth"].split(".")[1]
        deleted = []

        def delete_others(row_id):
            if row_id == first:
                raise StoreUnavailableError("down")
            deleted.append(delete(row_id))

        monkeypatch.setattr(store, "delete", delete_others)
        assert visitor.log_in("Bob").status_code == 503
        (row,) = deleted
        assert store.get(row.row_id) is None
        assert is_dead(Wiki.from_url(wiki.api_url), given[-1])
        assert not visitor.pending
        assert visitor.who() == "Alice"

    def test_error_page_asks_who_it_is_it_is_shown_all_the_same(self, cut_off, tmp_path):
        """An application's own design may greet the visitor on every page."""
        greet_on_error_pages(cut_off, tmp_path)
        page = cut_off.get("/me")
        assert page.status_code == 503
        assert page.text.endswith("database nobody")


class TestOtherErrors:
    """What is not ours stays as it was."""

    def test_nobody_handles_it_flask_does(self, wiki, tmp_path):
        """404 and 500 are Flask's."""
        visitor = visitor_with(wiki, tmp_path, error=RuntimeError("broken"))
        visitor.app.testing = False
        assert visitor.get("/missing").status_code == 404
        page = visitor.get("/fail")
        assert page.status_code == 500
        assert "Internal Server Error" in page.text

    def test_application_handles_it_that_counts(self, wiki, tmp_path):
        """Whether it said so before or after us; ours are still ours."""
        for first in (True, False):
            visitor = visitor_with(
                wiki, tmp_path, error=RuntimeError("broken"), handles=Exception, first=first
            )
            assert visitor.get("/fail").text == "handled"
            assert visitor.get("/oauth/callback").status_code == 400

    def test_application_handles_ours_that_counts(self, wiki, tmp_path):
        """It knows its visitors."""
        visitor = visitor_with(
            wiki, tmp_path, error=TransportError("x"), handles=PwbOAuthError, first=False
        )
        assert visitor.get("/fail").text == "handled"

    def test_pywikibot_has_wrapped_ours_it_is_explained(self, bot, wiki, tmp_path):
        """As its save() does."""
        import pywikibot
        from pywikibot.exceptions import OtherPageSaveError

        error = OtherPageSaveError(pywikibot.Page(bot.site(), "A"), TransportError("x"))
        page = visitor_with(wiki, tmp_path, error=error).get("/fail")
        assert page.status_code == 503
        assert "The wiki cannot be reached" in page.text

    @pytest.mark.parametrize("kind", [TransportError, StoreUnavailableError])
    def test_error_page_is_kept_by_no_cache(self, wiki, tmp_path, kind):
        """Even if the view asked nobody's name."""
        page = visitor_with(wiki, tmp_path, error=kind("x")).get("/fail")
        assert page.status_code == 503
        assert "no-store" in page.headers["Cache-Control"]

    def test_visitor_has_to_sign_in_again_they_are_led_back(self, wiki, tmp_path):
        """To the page that failed."""
        page = visitor_with(wiki, tmp_path, error=LoginRequiredError("x")).get("/fail?a=b")
        assert page.status_code == 403
        assert 'href="/oauth/login?next=/fail?a%3Db"' in page.text


def greet_on_error_pages(visitor, folder) -> None:
    """Let the site have a page of its own for errors, which says who the visitor is."""
    (folder / "pwb_oauth").mkdir()
    (folder / "pwb_oauth" / "problem.html").write_text(
        "{{ problem.title }} {{ wiki_oauth.user_session.username or 'nobody' }}"
    )
    visitor.app.jinja_loader.searchpath.append(str(folder))


def visitor_with(wiki, folder, *, error, handles=None, first=True) -> Visitor:
    """A visitor of a site with a view that fails, and perhaps a handler of its own."""
    app = Flask("failing")
    app.config.update(settings_for(wiki, folder))

    def fail() -> None:
        raise error

    def handle(_error) -> str:
        return "handled"

    app.add_url_rule("/fail", view_func=fail)
    if handles and first:
        app.register_error_handler(handles, handle)
    WikiOAuth(app)
    if handles and not first:
        app.register_error_handler(handles, handle)
    return Visitor(app, wiki)
