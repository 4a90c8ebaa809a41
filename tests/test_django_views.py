"""Signing in, acting and signing out on a Django site, with the sandbox wiki."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Thread
from urllib.parse import urlencode

import pytest
import requests
from django.dispatch import receiver

from django_visitor import FIELD, User, Visitor, database, rows, settings_for, site, visitor
from pwb_oauth import clock
from pwb_oauth.errors import StoreUnavailableError
from pwb_oauth.web.django import signals
from pwb_oauth.web.django.store import DjangoSealedStore
from pwb_oauth.wiki import Wiki
from web_tool import given_credentials, is_dead

__all__ = ["database", "site", "visitor"]  # fixtures

WRONG = {
    "CLIENT_ID": "0" * 32,
    "CLIENT_SECRET": "f" * 40,
    "CALLBACK_URL": "http://127.0.0.1:9/oauth/wrong",
}
SITES_OWN = ("", "/", "/oauth/login", "/oauth/logout", "/oauth/callback", "/oauth/login?next=/me")
ELSEWHERE = (
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "/\t/evil.example",
    "%2f%2fevil.example",
    "/%2f%2fevil.example/%2e%2e",
    "/\r\nLocation: https://evil.example",
    "https:evil.example",
    "https://evil.example/",
    "user@evil.example",
    "javascript:alert(1)",
)


class TestLogin:
    """From the button to the wiki and back."""

    @pytest.mark.parametrize("version", ["2.0", "1.0a"])
    def test_visitor_logs_in_and_out(self, site, wiki, version):
        """The whole way, and nothing is left of it."""
        site(PWB_OAUTH_OAUTH_VERSION=version)
        visitor = Visitor(wiki)
        assert visitor.who() == "nobody"
        response = visitor.log_in(next="/recall?a=1")
        assert (response.status_code, response.headers["Location"]) == (303, "/recall?a=1")
        assert visitor.who() == visitor.who("/me-async") == "Alice"
        assert visitor.user().startswith("True wiki-")
        assert visitor.get("/user-async").content.decode() == visitor.user()
        assert rows().count() == 1
        response = visitor.log_out()
        assert (response.status_code, response.headers["Location"]) == (303, "/")
        assert visitor.who() == "nobody"
        assert visitor.user() == "False "
        assert rows().count() == 0

    def test_old_cookies_open_nothing_after_logout(self, visitor):
        """Neither ours nor Django's nor both; and no row is left that they could open."""
        visitor.log_in()
        before = visitor.cookies
        visitor.log_out()
        for name, value in before.items():
            visitor.set_cookie(name, value)
        assert visitor.who() == "nobody"
        assert visitor.user() == "False "

    def test_pages_for_a_visitor_are_not_shown_again_by_the_back_button(self, visitor):
        """No browser keeps them."""
        visitor.log_in()
        for path in ("/me", "/me-async"):
            assert "no-store" in visitor.get(path).headers["Cache-Control"]

    def test_second_login_ends_the_first(self, visitor):
        """One row a browser; and Django's session has another id, also for the same user."""
        visitor.log_in()
        first = dict(visitor.cookies)
        (row,) = rows()
        visitor.log_in()
        assert [each.pk for each in rows()] != [row.pk]
        assert rows().count() == 1
        assert visitor.cookies["sessionid"] != first["sessionid"]
        visitor.log_in("Bob")
        assert visitor.who() == "Bob"
        assert rows().count() == 1

    def test_two_browsers_are_two_user_sessions(self, visitor, wiki):
        """A logout in one leaves the other one alone."""
        visitor.log_in()
        other = Visitor(wiki)
        other.log_in("Alice")
        assert visitor.user() == other.user()
        visitor.log_out()
        assert (visitor.who(), other.who()) == ("nobody", "Alice")

    def test_get_of_login_shows_one_button_and_changes_nothing(self, visitor, wiki):
        """Which carries where to go afterwards, escaped."""
        asked = len(wiki.log)
        page = visitor.get("/oauth/login?next=/a%22%3E%3Cb%3E%26").content.decode()
        assert page.count("<button") == page.count("<form") == 1
        assert 'method="post"' in page
        assert 'value="/a&quot;&gt;&lt;b&gt;&amp;"' in page
        assert len(wiki.log) == asked
        assert not [name for name in visitor.cookies if "pending" in name]

    def test_site_that_asks_everybody_to_log_in_lets_them(self, visitor):
        """By Django's LoginRequiredMiddleware."""
        from django.conf import settings
        from django.test import override_settings

        everybody = "django.contrib.auth.middleware.LoginRequiredMiddleware"
        with override_settings(MIDDLEWARE=[*settings.MIDDLEWARE, everybody]):
            assert visitor.get("/me").status_code == 302
            visitor.log_in()
            assert visitor.who() == "Alice"
            assert visitor.log_out().status_code == 303

    def test_signals_are_sent(self, visitor):
        """Each once, with who it is."""
        heard = []

        @receiver([signals.signed_in, signals.signed_out])
        def hear(signal, **said):
            heard.append((signal, said))

        visitor.log_in()
        visitor.log_out()
        (first, came), (second, went) = heard
        assert (first, second) == (signals.signed_in, signals.signed_out)
        assert came["user_session"].username == "Alice"
        assert came["user"].wiki_user.display_name == "Alice"
        assert went["row_id"] == came["user_session"].row_id


class TestNext:
    """Where a visitor goes afterwards."""

    @pytest.mark.parametrize("where", [*ELSEWHERE[:4], SITES_OWN[-1]])
    def test_login_does_not_lead_elsewhere(self, visitor, where):
        """End to end, nor back to these pages."""
        response = visitor.log_in(next=where)
        assert (response.status_code, response.headers["Location"]) == (303, "/")

    def test_no_form_leads_elsewhere(self, visitor):
        """Neither that of the logout, nor does that of the login carry it on."""
        fields = visitor.csrf()
        for where in (*ELSEWHERE, *SITES_OWN):
            response = visitor.post("/oauth/logout", {**fields, "next": where})
            assert (response.status_code, response.headers["Location"]) == (303, "/"), where
            page = visitor.get(f"/oauth/login?{urlencode({'next': where})}").content.decode()
            assert 'name="next" value="/"' in page, where

    def test_logout_goes_where_the_form_says(self, visitor):
        """To a page of this site."""
        visitor.log_in()
        response = visitor.post("/oauth/logout", {**visitor.csrf(), "next": "/me"})
        assert response.headers["Location"] == "/me"


class TestProblems:
    """What a visitor reads when it does not work."""

    def test_cancel_is_explained(self, visitor, wiki):
        """And who was signed in stays so."""
        visitor.log_in()
        response = visitor.come_back(wiki.approve(visitor.leave(), "Alice", allow=False))
        page = response.content.decode()
        assert response.status_code == 403
        assert "You are not signed in" in page
        assert 'href="/oauth/login' in page
        assert "<form" not in page
        assert visitor.who() == "Alice"

    def test_callback_tells_nobody_its_address(self, visitor, wiki):
        """Neither caches nor the next page, whether it worked or not."""
        url = wiki.approve(visitor.leave(), "Alice")
        for status in (303, 400):
            response = visitor.come_back(url)
            assert response.status_code == status
            assert response.headers["Referrer-Policy"] == "no-referrer"
            assert "no-store" in response.headers["Cache-Control"]

    def test_wiki_down_is_explained(self, visitor, wiki):
        """With a time after which to try again; the attempt is over."""
        url = wiki.approve(visitor.leave(), "Alice")
        wiki.fail_next("503", path="oauth2/access_token")
        response = visitor.come_back(url)
        assert response.status_code == 503
        assert int(response.headers["Retry-After"]) > 0
        assert not [name for name in visitor.cookies if "pending" in name]
        assert visitor.who() == "nobody"

    @pytest.mark.parametrize("version", ["2.0", "1.0a"])
    def test_consumer_disabled_on_the_way_is_explained(self, site, wiki, caplog, version):
        """Signing in again would not help, and is not offered; the operators are told."""
        settings = site(PWB_OAUTH_OAUTH_VERSION=version)
        visitor = Visitor(wiki)
        url = wiki.approve(visitor.leave(), "Alice")
        wiki.disable(wiki.consumers[settings["PWB_OAUTH_CLIENT_ID"]])
        response = visitor.come_back(url)
        page = response.content.decode()
        assert response.status_code == 503
        assert "Signing in does not work at the moment" in page
        assert "/oauth/login" not in page
        (record,) = [each for each in caplog.records if each.name == "pwb_oauth.web"]
        assert record.levelname == "ERROR"
        assert "not approved or was disabled" in record.getMessage()
        assert rows().count() == 0
        assert not [name for name in visitor.cookies if "pending" in name]

    def test_visitor_comes_back_too_late_is_explained(self, visitor, wiki, caplog, monkeypatch):
        """With a way to try again; the attempt is over."""
        caplog.set_level(logging.INFO, "pwb_oauth.web")
        url = wiki.approve(visitor.leave(), "Alice")
        now = clock.now()
        monkeypatch.setattr(clock, "now", lambda: now + timedelta(minutes=10, seconds=1))
        response = visitor.come_back(url)
        page = response.content.decode()
        assert response.status_code == 400
        assert "more than ten minutes ago" in page
        assert 'href="/oauth/login' in page
        (record,) = [each for each in caplog.records if each.name == "pwb_oauth.web"]
        assert record.levelname == "INFO"
        assert "came back too late" in record.getMessage()
        assert not [name for name in visitor.cookies if "pending" in name]
        assert visitor.who() == "nobody"

    @pytest.mark.parametrize("table", ["pwb_oauth_sealedusersession", "django_session"])
    def test_database_down_is_explained(self, visitor, wiki, table, caplog):
        """In every page that asks who it is; the operator reads what to do."""
        visitor.log_in()
        url = wiki.approve(visitor.leave(), "Alice")
        with Missing(table):
            for path in (
                "/me",
                "/me-async",
                "/protected",
                "/protected-async",
                "/user",
                "/user-async",
            ):
                response = visitor.get(path)
                assert response.status_code == 503, path
                assert "database" in response.content.decode()
            assert visitor.come_back(url).status_code in (503, 500)
        assert "manage.py migrate" in caplog.text
        assert visitor.who() == "Alice"

    @pytest.mark.parametrize("table", ["django_session", "auth_user"])
    def test_database_down_at_the_callback_sign_in_is_taken_back(
        self, visitor, wiki, table, caplog, monkeypatch
    ):
        """Where only that of the user sessions is up: no row and no token stays."""
        url = wiki.approve(visitor.leave(), "Alice")
        given = given_credentials(monkeypatch)
        with Missing(table):
            response = visitor.come_back(url)
        assert (response.status_code, response.headers["Retry-After"]) == (503, "30")
        assert "cannot reach its database" in response.content.decode()
        assert "manage.py migrate" in caplog.text
        assert rows().count() == 0
        assert is_dead(Wiki.from_url(wiki.api_url), given[-1])
        assert not [name for name in visitor.cookies if "oauth" in name or name == "sessionid"]
        assert (visitor.who(), visitor.user()) == ("nobody", "False ")
        visitor.log_in()
        assert visitor.who() == "Alice"

    @pytest.mark.parametrize("table", ["pwb_oauth_sealedusersession", "django_session"])
    def test_database_down_at_the_logout_visitor_stays_signed_in(self, visitor, table):
        """Since the row is still there, so is the cookie, and nothing else is said."""
        visitor.log_in()
        fields, before = visitor.csrf(), visitor.cookies
        with Missing(table):
            response = visitor.post("/oauth/logout", fields)
        assert (response.status_code, response.headers["Retry-After"]) == (503, "30")
        assert "pwb_oauth" not in response.cookies
        assert visitor.cookies == before
        assert visitor.who() == "Alice"
        assert visitor.log_out().status_code == 303
        assert rows().count() == 0

    def test_database_down_in_the_middle_of_the_logout_row_is_gone(self, visitor, monkeypatch):
        """Django's own session is left, which signs nobody in by itself."""
        from django.contrib.sessions.backends.db import SessionStore
        from django.db import OperationalError

        def fail(_session):
            raise OperationalError("gone away")

        visitor.log_in()
        with monkeypatch.context() as patch:
            patch.setattr(SessionStore, "flush", fail)
            assert visitor.log_out().status_code == 503
        assert rows().count() == 0
        assert not visitor.cookies.get("pwb_oauth")
        assert (visitor.who(), visitor.user()) == ("nobody", "False ")

    @pytest.mark.parametrize("wrong", ["CLIENT_ID", "CLIENT_SECRET", "CALLBACK_URL"])
    def test_consumer_is_wrong_operators_are_told(self, site, wiki, caplog, wrong):
        """Where the wiki says so before anybody leaves (OAuth 1.0a)."""
        site(**{"PWB_OAUTH_OAUTH_VERSION": "1.0a", f"PWB_OAUTH_{wrong}": WRONG[wrong]})
        for consumer in wiki.consumers.values():
            consumer.callback_is_prefix = True  # else the wiki uses the registered one
        visitor = Visitor(wiki)
        response = visitor.post("/oauth/login", visitor.csrf())
        assert response.status_code == 500
        assert "not set up correctly" in response.content.decode()
        assert "twice" not in response.content.decode()
        (record,) = [each for each in caplog.records if each.name == "pwb_oauth.web"]
        assert record.levelname == "ERROR"
        assert "Compare the consumer's key, secret and callback URL" in record.getMessage()
        assert f"PWB_OAUTH_{wrong}" in record.getMessage()
        assert WRONG["CLIENT_SECRET"] not in caplog.text

    @pytest.mark.parametrize("path", ["/user", "/user-async"])
    def test_database_down_page_of_the_sites_own_greets_nobody(self, visitor, tmp_path, path):
        """It asks no database who the visitor is."""
        from django.conf import settings
        from django.test import override_settings

        (tmp_path / "pwb_oauth").mkdir()
        (tmp_path / "pwb_oauth" / "problem.html").write_text(
            "{{ problem.status }} {{ user }} {{ user.is_authenticated }} {{ perms.auth.add_user }}"
        )
        (engine,) = settings.TEMPLATES
        own = override_settings(TEMPLATES=[{**engine, "DIRS": [tmp_path]}])
        visitor.log_in()
        with own, Missing("django_session"):
            response = visitor.get(path)
        assert response.status_code == 503
        assert response.content.decode() == "503 AnonymousUser False False"
        assert visitor.user().startswith("True wiki-")

    def test_first_session_cannot_be_ended_second_is_taken_back(self, visitor, wiki, monkeypatch):
        """No row and no token of a sign-in that failed stays; the first one goes on."""
        visitor.log_in()
        given = given_credentials(monkeypatch)
        (first,) = rows()
        delete = DjangoSealedStore.delete
        taken_back = []

        def delete_others(store, row_id):
            if row_id == first.pk:
                raise StoreUnavailableError("down")
            taken_back.append(row_id)
            return delete(store, row_id)

        monkeypatch.setattr(DjangoSealedStore, "delete", delete_others)
        assert visitor.log_in("Bob").status_code == 503
        assert [row.pk for row in rows()] == [first.pk]
        assert len(taken_back) == 1
        assert is_dead(Wiki.from_url(wiki.api_url), given[-1])
        assert not [name for name in visitor.cookies if "pending" in name]
        assert visitor.who() == "Alice"

    def test_key_removed_means_signed_out(self, visitor, settings_override, caplog):
        """And nothing else; the operator reads of it once."""
        from pwb_oauth.encryption import new_key

        visitor.log_in()
        with settings_override(PWB_OAUTH_ENCRYPTION_KEYS=new_key()):
            assert visitor.who() == visitor.who() == "nobody"
        assert caplog.text.count("need the encryption key with the id") == 1

    def test_wrong_settings_are_explained(self, visitor, settings_override):
        """Without their values."""
        with settings_override(PWB_OAUTH_ENCRYPTION_KEYS="no-key-at-all"):
            response = visitor.post("/oauth/login", visitor.csrf())
            assert response.status_code == 500
            assert "not set up correctly" in response.content.decode()
            assert "no-key-at-all" not in response.content.decode()


@pytest.fixture
def settings_override():
    from django.test import override_settings

    return override_settings


class Missing:
    """A table is not there for a while."""

    def __init__(self, table):
        from django.db import connections

        alias = "pwb_oauth" if table.startswith("pwb") else "default"
        self.connection = connections[alias]
        self.table = table

    def __enter__(self):
        self._run(f"ALTER TABLE {self.table} RENAME TO elsewhere")

    def __exit__(self, *_):
        self._run(f"ALTER TABLE elsewhere RENAME TO {self.table}")

    def _run(self, statement):
        with self.connection.cursor() as cursor:
            cursor.execute(statement)


class TestServed:
    """The site as ``runserver`` serves it, over real sockets."""

    def test_visitors_take_turns_in_threads(self, database, wiki, caplog):
        """Each as themselves; the server's log holds no code."""
        from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
        from django.core.wsgi import get_wsgi_application
        from django.test import override_settings

        caplog.set_level(logging.INFO, "django.server")
        server = ThreadedWSGIServer(("127.0.0.1", 0), WSGIRequestHandler)
        origin = f"http://127.0.0.1:{server.server_port}"
        with override_settings(**settings_for(wiki, f"{origin}/oauth/callback")):
            server.set_app(get_wsgi_application())
            thread = Thread(target=server.serve_forever)
            thread.start()
            try:
                with ThreadPoolExecutor(4) as people:
                    names = ["Alice", "Bob"] * 2
                    assert list(people.map(lambda name: _visit(wiki, origin, name), names)) == names
            finally:
                server.shutdown()
                thread.join()
                server.server_close()
        assert caplog.text.count("/oauth/callback?… HTTP/1.1") == 4
        assert "code=" not in caplog.text
        # Two browsers of each, at the same time.
        assert User.objects.count() == 2


def _visit(wiki, origin, name):
    with requests.Session() as browser:
        browser.trust_env = False
        page = browser.get(f"{origin}/oauth/login", timeout=30).text
        fields = {"csrfmiddlewaretoken": FIELD.search(page)[1], "next": "/me"}
        left = browser.post(
            f"{origin}/oauth/login",
            fields,
            headers={"Origin": origin},
            allow_redirects=False,
            timeout=30,
        )
        back = wiki.approve(left.headers["Location"], name)
        seen = browser.get(back, timeout=30)
        assert seen.url == f"{origin}/me"
        return seen.text.removeprefix("You are ").removesuffix(".")
