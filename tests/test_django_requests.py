"""What a request of a Django site gets: the account, the headers, the wiki's tokens renewed."""

from __future__ import annotations

import asyncio
import secrets
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.db import connections
from django.test import AsyncClient, RequestFactory, override_settings

from django_visitor import NO_SERVER, URLS, Visitor, database, own_database, rows, site, visitor
from pwb_oauth import clock
from pwb_oauth.web.django import store as store_module
from pwb_oauth.web.flow import WebFlow

__all__ = ["database", "site", "visitor"]  # fixtures

ATOMIC = "ATOMIC_REQUESTS"


class TestHeaders:
    """What the response says to caches."""

    @pytest.mark.parametrize("path", ["/me", "/me-async", "/cached", "/protected"])
    @pytest.mark.parametrize("signed_in", [True, False])
    def test_page_that_asked_who_it_is_is_private(self, visitor, path, signed_in):
        """Whatever the view says, and whoever it is."""
        if signed_in:
            visitor.log_in()
        headers = visitor.get(path).headers
        assert "Cookie" in headers["Vary"]
        assert {"private", "no-store"} <= set(headers["Cache-Control"].split(", "))
        assert "public" not in headers["Cache-Control"]

    def test_stream_asks_too_late_it_fails(self, visitor):
        """What the caches were told cannot be taken back."""
        visitor.log_in()
        page = visitor.get("/late")
        assert "Cache-Control" not in page.headers
        with pytest.raises(RuntimeError, match="before the response begins"):
            page.getvalue()

    def test_stream_asked_before_it_is_private(self, visitor):
        """And may ask again while it goes out."""
        visitor.log_in()
        page = visitor.get("/late?early")
        assert "private" in page.headers["Cache-Control"]
        assert page.getvalue() == b"You are Alice."

    @pytest.mark.parametrize("early", [False, True])
    def test_asynchronous_stream_is_the_same(self, visitor, early):
        """By ``request.awiki_account``."""
        visitor.log_in()

        async def read():
            client = AsyncClient()
            client.cookies = visitor.client.cookies
            page = await client.get(f"/late-async{'?early' * early}")
            return [part async for part in page]

        if early:
            assert asyncio.run(read()) == [b"You are Alice."]
        else:
            with pytest.raises(RuntimeError, match="before the response begins"):
                asyncio.run(read())

    def test_vary_is_said_by_ours(self, visitor):
        """Whatever keeps Django's session."""
        from django_site.views import me
        from pwb_oauth.web.django.middleware import WikiAccountMiddleware

        request = RequestFactory().get("/me")
        request.session = {}
        response = WikiAccountMiddleware(me)(request)
        assert response.headers["Vary"] == "Cookie"

    @pytest.mark.parametrize("path", ["/oauth/login", "/oauth/logout"])
    def test_redirects_of_forms_are_not_kept(self, visitor, path):
        """They hold an address that is for one visitor."""
        response = visitor.post(path, visitor.csrf())
        assert response.status_code == 303
        assert "no-store" in response.headers["Cache-Control"]

    def test_page_that_did_not_ask_is_as_it_was(self, visitor):
        """And it costs no read of the database."""
        visitor.log_in()
        with Counted() as asked:
            headers = visitor.get("/").headers
        assert "Cache-Control" not in headers
        assert "Vary" not in headers
        assert asked == []

    def test_opening_a_row_is_one_read_by_its_key(self, visitor):
        """However often a view asks."""
        visitor.log_in()
        with Counted("pwb_oauth") as asked:
            visitor.get("/both")
        assert len(asked) == 1
        assert '"row_id" = ' in asked[0]
        assert " JOIN " not in asked[0]

    def test_djangos_own_cache_keeps_nobodys_page(self, visitor, wiki):
        """Not around a view either, which keeps what it returns before a middleware can object."""
        visitor.log_in()
        assert visitor.who("/kept") == "Alice"
        other = Visitor(wiki)
        assert other.who("/kept") == "nobody"
        other.log_in("Bob")
        assert other.who("/kept") == "Bob"
        assert visitor.who("/kept") == "Alice"

    def test_shared_cache_in_front_mixes_nobody_up(self, visitor, wiki):
        """It keeps what it may, for any visitor."""
        cache = SharedCache()
        other = Visitor(wiki)
        visitor.log_in()
        other.log_in("Bob")
        for path in ("/me", "/cached", "/kept", "/protected"):
            for _ in range(2):
                assert cache.get(visitor, path) == "You are Alice."
                assert cache.get(other, path) == "You are Bob."
        assert cache.get(visitor, "/") == "The same for everybody."
        assert list(cache.kept) == ["/"]


class SharedCache:
    """A cache that keeps all that it is not forbidden to, by RFC 9111 section 3."""

    def __init__(self):
        self.kept = {}

    def get(self, visitor, path):
        if path not in self.kept:
            response = visitor.get(path)
            text = response.content.decode()
            control = response.headers.get("Cache-Control", "")
            if "private" in control or "no-store" in control or "Vary" in response.headers:
                return text
            self.kept[path] = text
        return self.kept[path]


class TestLoginRequired:
    """The decorator."""

    @pytest.mark.parametrize("path", ["/protected", "/protected-async"])
    def test_nobody_is_sent_to_the_login_and_back(self, visitor, path):
        """With the whole address of the page, and no host."""
        response = visitor.get(f"{path}?a=b&c=%26")
        assert response.status_code == 302
        target = response.headers["Location"]
        assert target.startswith("/oauth/login?next=%2Fprotected")
        visitor.log_in(next=f"{path}?a=b&c=%26")
        assert visitor.who(path) == "Alice"

    def test_what_a_form_was_sent_to_is_not_come_back_to(self, visitor):
        """A link cannot send a form again."""
        response = visitor.post("/edit", {"title": "T", "text": "x"})
        assert response.headers["Location"] == "/oauth/login"


class TestActing:
    """Views that do something on the wiki."""

    @pytest.mark.parametrize("path", ["/edit", "/edit-async"])
    def test_edit_is_the_visitors(self, bot, visitor, wiki, path):
        """Each visitor's own, in turn."""
        other = Visitor(wiki)
        visitor.log_in()
        other.log_in("Bob")
        for who, name in ((visitor, "Alice"), (other, "Bob"), (visitor, "Alice")):
            text = secrets.token_hex()
            assert who.post(path, {"title": "Sandbox", "text": text}).content == b"Saved."
            last = wiki.pages["Sandbox"].revisions[-1]
            assert (last.text, last.user) == (text, name)

    def test_withdrawn_grant_is_explained_and_ends_it(self, bot, visitor, wiki):
        """With a link to sign in again."""
        visitor.log_in()
        wiki.revoke("Alice")
        response = visitor.post("/edit", {"title": "Sandbox", "text": "x"})
        assert response.status_code == 403
        assert "sign in again" in response.content.decode()
        assert 'href="/oauth/login"' in response.content.decode()
        assert visitor.who() == "nobody"
        assert visitor.user() == "False "

    def test_wiki_down_is_explained(self, bot, visitor, wiki):
        """And the visitor stays signed in."""
        visitor.log_in()
        wiki.fail_next("503", count=9, path="/api.php")
        response = visitor.post("/edit", {"title": "Sandbox", "text": "x"})
        assert response.status_code == 503
        assert "Try again" in response.content.decode() or "try again" in response.content.decode()
        assert visitor.who() == "Alice"

    @pytest.mark.parametrize("path", ["/edit", "/edit-async"])
    @pytest.mark.parametrize("fault", ["hang", "trickle"])
    def test_wiki_hangs_visitor_reads_so_at_the_deadline(
        self, bot, visitor, wiki, caplog, monkeypatch, path, fault
    ):
        """And may try again; the visitor stays signed in."""
        visitor.log_in()
        monkeypatch.setitem(WebFlow.account.__wrapped__.__kwdefaults__, "seconds", 1.0)
        wiki.fail_next(fault, count=50, seconds=30)
        response = visitor.post(path, {"title": "Sandbox", "text": "x"})
        wiki._faults.close()
        assert (response.status_code, response.headers["Retry-After"]) == (503, "30")
        assert "The wiki takes too long" in response.content.decode()
        assert "Look on the wiki whether" in response.content.decode()
        (record,) = [each for each in caplog.records if each.name == "pwb_oauth.web"]
        assert record.levelname == "WARNING"
        assert "took longer than a web request may" in record.getMessage()
        assert visitor.who() == "Alice"


class TestViewThatFails:
    """After a refresh: what the wiki has taken back does not come back."""

    @pytest.fixture(params=["own file", "mariadb", "postgresql"])
    def alias(self, request, site, monkeypatch):
        """The database that requests have a transaction in."""
        if request.param == "own file":
            yield "default"
        elif not URLS:
            pytest.skip(NO_SERVER)
        else:
            with own_database(request.param, monkeypatch):
                yield request.param

    @pytest.mark.parametrize("way", ["ATOMIC_REQUESTS", "atomic()"])
    def test_refreshed_tokens_are_kept(self, bot, alias, site, wiki, monkeypatch, way):
        """What the view itself wrote is rolled back."""
        site()
        visitor = Visitor(wiki)
        visitor.log_in()
        (before,) = rows()
        wiki.expire_tokens()
        path = f"/edit-in-block-and-fail?using={alias}"
        if way == "ATOMIC_REQUESTS":
            monkeypatch.setitem(connections[alias].settings_dict, ATOMIC, True)
            monkeypatch.setitem(connections.settings[alias], ATOMIC, True)
            path = "/edit-and-fail"
        text = secrets.token_hex()
        assert visitor.post(path, {"title": "Sandbox", "text": text}).status_code == 500
        assert wiki.pages["Sandbox"].revisions[-1].text == text
        (after,) = rows()
        assert after.sealed != before.sealed
        assert visitor.get("/recall").content == b"None"
        refreshed = _refreshes(wiki)
        assert visitor.post("/edit", {"title": "Sandbox", "text": "again"}).content == b"Saved."
        assert _refreshes(wiki) == refreshed


class TestAsgi:
    """The same site under ASGI, where the whole chain is asynchronous."""

    def test_visitor_logs_in_and_out(self, visitor, wiki):
        """Every page of the way, and both kinds of views."""

        async def go():
            client = AsyncClient(enforce_csrf_checks=True)

            async def get(path):
                return await client.get(path)

            async def post(path, **fields):
                page = (await get("/oauth/login")).content.decode()
                token = page.partition('csrfmiddlewaretoken" value="')[2].partition('"')[0]
                fields["csrfmiddlewaretoken"] = token
                headers = {"origin": visitor.origin}
                return await client.post(path, fields, headers=headers)

            left = await post("/oauth/login", next="/me-async")
            url = await asyncio.to_thread(wiki.approve, left.headers["Location"], "Alice")
            parts = urlsplit(url)
            back = await get(f"{parts.path}?{parts.query}")
            assert back.headers["Location"] == "/me-async"
            seen = [await get(path) for path in ("/me", "/me-async", "/protected-async")]
            users = [await get(path) for path in ("/user", "/user-async")]
            await post("/oauth/logout")
            after = [await get(path) for path in ("/me", "/me-async", "/user", "/user-async")]
            return seen, users, after

        with override_settings(LOGGING_CONFIG=None):
            seen, users, after = asyncio.run(go())
        assert {response.content for response in seen} == {b"You are Alice."}
        for response in seen:
            assert "private" in response.headers["Cache-Control"]
        assert {response.content[:10] for response in users} == {b"True wiki-"}
        assert [each.content for each in after] == [b"You are nobody."] * 2 + [b"False "] * 2
        assert rows().count() == 0


class TestLifetimes:
    """A user session ends by its row's times."""

    def test_unused_one_ends_and_django_signs_out(self, visitor, monkeypatch):
        """After 14 days, although Django's own session may live longer."""
        visitor.log_in()
        now = clock.now()
        monkeypatch.setattr(clock, "now", lambda: now + timedelta(days=14, seconds=1))
        assert visitor.who() == "nobody"
        assert visitor.user() == "False "

    def test_use_is_noted(self, visitor, monkeypatch):
        """So that who comes daily stays."""
        visitor.log_in()
        now = clock.now()
        for day in range(1, 29):
            monkeypatch.setattr(clock, "now", lambda day=day: now + timedelta(days=day))
            assert visitor.who() == "Alice", day
        monkeypatch.setattr(clock, "now", lambda: now + timedelta(days=30, seconds=1))
        assert visitor.who() == "nobody"

    def test_without_time_zones_times_are_kept(self, visitor, monkeypatch):
        """A site may have ``USE_TZ`` off."""
        with override_settings(USE_TZ=False, TIME_ZONE="Asia/Tokyo"):
            visitor.log_in()
            row = store_module.DjangoSealedStore().get(rows().get().pk)
            assert abs(row.logged_in_at - clock.now()) < timedelta(minutes=1)
            assert visitor.who() == "Alice"


def _refreshes(wiki):
    return sum(1 for entry in wiki.log if entry.path.endswith("oauth2/access_token"))


class Counted:
    """What a database is asked in a block."""

    def __init__(self, *aliases):
        self.aliases = aliases or ("default", "pwb_oauth")
        self.asked = []

    def __enter__(self):
        def note(execute, sql, params, many, context):
            self.asked.append(sql)
            return execute(sql, params, many, context)

        self.wrappers = [connections[alias].execute_wrapper(note) for alias in self.aliases]
        for wrapper in self.wrappers:
            wrapper.__enter__()
        return self.asked

    def __exit__(self, *error):
        for wrapper in self.wrappers:
            wrapper.__exit__(*error)
