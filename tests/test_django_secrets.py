"""No secret of a visitor reaches a debug page, an error mail, a log or a copy of the database."""

from __future__ import annotations

import io
import logging
import sys
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf import settings
from django.core import mail
from django.core.management import call_command
from django.test import override_settings
from django.utils.log import AdminEmailHandler

from django_visitor import PUBLIC_CALLBACK, Visitor, database, rows, session_of, site, visitor
from pwb_oauth import authorization
from pwb_oauth.web.access_log import CallbackQueryFilter, hide_queries
from pwb_oauth.web.django.conf import flow
from served import run, variables_for

__all__ = ["database", "site", "visitor"]  # fixtures


class Secrets:
    """All that must not be seen of a visitor and of the site."""

    def __init__(self, wiki, visitor):
        self.wiki = wiki
        self.visitor = visitor
        self.known = {
            settings.PWB_OAUTH_CLIENT_SECRET,
            settings.PWB_OAUTH_ENCRYPTION_KEYS,
            settings.SECRET_KEY,
        }

    def left(self, url):
        """The visitor comes back with this."""
        query = parse_qs(urlsplit(url).query)
        self.known |= {query[name][0] for name in ("code", "state")}

    def all(self):
        tokens = [*self.wiki._state.access_tokens.values()]
        # Django's own reports show its csrftoken.
        cookies = {name: value for name, value in self.visitor.cookies.items() if name[0] != "c"}
        values = {*self.known, *cookies.values()}
        cookie = self.visitor.cookies.get("pwb_oauth")
        if cookie:
            values.add(cookie.rpartition(".")[2])
            row_id = cookie.split(".")[1]
            session = flow().open({"pwb_oauth": cookie}, row_id)
            if session is not None:
                token = session.credential.access_token
                values |= {token.value, token.refresh_token}
        assert tokens or cookie is None
        return {value for value in values if len(value) > 8}

    def assert_not_in(self, text):
        assert len(text) > 500
        assert not [value for value in self.all() if value in text or value[:40] in text]


@pytest.fixture
def hidden(visitor, wiki):
    return Secrets(wiki, visitor)


@pytest.fixture
def mails():
    """What administrators are sent, with the whole debug page."""
    handler = AdminEmailHandler(include_html=True)
    handler.setLevel(logging.ERROR)
    logger = logging.getLogger("django.request")
    logger.addHandler(handler)
    with override_settings(**_mailer()):
        mail.outbox = []
        yield lambda: "\n".join(
            f"{each.subject}\n{each.body}\n{each.alternatives}" for each in mail.outbox
        )
    logger.removeHandler(handler)


def _mailer():
    import django

    backend = "django.core.mail.backends.locmem.EmailBackend"
    if django.VERSION >= (6, 1):
        return {"ADMINS": ["root@example.org"], "MAILERS": {"default": {"BACKEND": backend}}}
    return {"ADMINS": [("Root", "root@example.org")], "EMAIL_BACKEND": backend}


class TestReports:
    """Debug pages and error mails."""

    @pytest.mark.parametrize("debug", [True, False])
    def test_callback_that_crashes(self, hidden, visitor, wiki, mails, monkeypatch, debug):
        """In the middle of the sign-in, with the code, the tokens and the key at hand."""

        def crash(_wiki, consumer, token):
            shown = (consumer.secret, token.value, token.refresh_token)
            hidden.known |= {*shown}
            assert shown
            raise RuntimeError("a bug")

        monkeypatch.setattr(authorization, "adopt", crash)
        url = wiki.approve(visitor.leave(), "Alice")
        hidden.left(url)
        with override_settings(DEBUG=debug):
            response = visitor.come_back(url)
        assert response.status_code == 500
        if debug:
            assert "a bug" in response.content.decode()
            hidden.assert_not_in(response.content.decode())
        assert "a bug" in mails()
        hidden.assert_not_in(mails())

    @pytest.mark.parametrize("debug", [True, False])
    def test_middleware_that_crashes(self, hidden, visitor, wiki, mails, debug):
        """Before the callback has looked at its address."""
        url = wiki.approve(visitor.leave(), "Alice")
        hidden.left(url)
        more = [*settings.MIDDLEWARE, "django_site.views.broken_middleware"]
        with override_settings(DEBUG=debug, MIDDLEWARE=more):
            response = Visitor(wiki).come_back(url)
        assert response.status_code == 500
        assert "a bug in a middleware" in mails()
        hidden.assert_not_in(mails())
        if debug:
            hidden.assert_not_in(response.content.decode())

    @pytest.mark.parametrize("debug", [True, False])
    @pytest.mark.parametrize("path", ["/broken", "/broken-wiki"])
    def test_view_that_crashes(self, hidden, visitor, mails, path, debug):
        """Also while it sends a request with the visitor's token."""
        visitor.log_in()
        with override_settings(DEBUG=debug):
            response = visitor.get(path)
        assert response.status_code == 500
        if debug:
            hidden.assert_not_in(response.content.decode())
        hidden.assert_not_in(mails())

    def test_variables_of_the_sites_own_views_are_shown(self, visitor):
        """Nothing is hidden that is none of ours."""
        with override_settings(DEBUG=True):
            page = visitor.get("/broken").content.decode()
        assert "of the site itself" in page


class TestLogs:
    """The access logs of the usual servers."""

    QUERY = "?code=the%20code&state=the-state"

    @pytest.mark.parametrize(
        "args",
        [
            ('"%s" %s %s', ("GET /oauth/callback{} HTTP/1.1", "302", "0")),
            ('%s - "%s %s HTTP/%s" %d', ("127.0.0.1:1", "GET", "/oauth/callback{}", "1.1", 302)),
            ('GET /oauth/callback{} "-"', ()),
            ("%(r)s %(q)s %(f)s", ({"r": "GET /x/oauth/callback/{}", "q": "{q}", "f": "{}"},)),
        ],
    )
    def test_callbacks_query_is_dropped(self, caplog, args):
        """Whatever form the server's record has."""
        hide_queries(PUBLIC_CALLBACK)
        message, values = args
        logger = logging.getLogger("uvicorn.access")
        logger.setLevel(logging.INFO)
        filled = [self._filled(value) for value in values]
        with caplog.at_level(logging.INFO, "uvicorn.access"):
            logger.info(self._filled(message), *filled)
        assert "the%20code" not in caplog.text.replace("{}", "")
        assert "the-state" not in caplog.text
        assert "callback" in caplog.text

    def _filled(self, value):
        if isinstance(value, dict):
            return {
                name: text.replace("{q}", self.QUERY[1:]).replace(
                    "{}", self.QUERY if name == "r" else "-"
                )
                for name, text in value.items()
            }
        return value.replace("{}", self.QUERY) if isinstance(value, str) else value

    def test_other_addresses_stay_as_they_are(self):
        """A page of the site may have a state of its own."""
        record = logging.makeLogRecord({"msg": "%s", "args": ("GET /items?state=open",)})
        assert CallbackQueryFilter(PUBLIC_CALLBACK).filter(record)
        assert record.getMessage() == "GET /items?state=open"

    def test_callback_leaves_nothing_in_any_log(self, hidden, visitor, wiki, caplog):
        """Of Django, of ours, of the libraries, at their most talkative; if it fails, too."""
        url = wiki.approve(visitor.leave(), "Alice")
        hidden.left(url)
        caplog.set_level(logging.DEBUG)
        visitor.come_back(url)
        visitor.come_back(url)
        visitor.who()
        assert "django.request" in caplog.text
        hidden.assert_not_in(f"{caplog.text}{'.' * 500}")


class TestCopies:
    """What leaves the database."""

    @pytest.mark.parametrize("options", [{}, {"use_base_manager": True}])
    def test_dumpdata_holds_no_token(self, hidden, visitor, options):
        """Nor what is sealed."""
        visitor.log_in()
        (row,) = rows()
        out = io.StringIO()
        for alias in ("default", "pwb_oauth"):
            call_command(
                "dumpdata", database=alias, exclude=["sessions"], stdout=out, indent=1, **options
            )
        text = out.getvalue() + "." * 500
        assert row.pk in text
        assert row.sealed not in text
        assert 'sealed":' not in text
        hidden.assert_not_in(text)

    def test_models_show_nothing(self, visitor):
        """When they are printed."""
        visitor.log_in()
        (row,) = rows()
        shown = f"{row} {row!r} {session_of(visitor)}"
        assert row.sealed not in shown
        assert row.pk not in f"{row}"

    def test_models_are_not_in_the_admin_site(self, tmp_path):
        """Nobody looks at them there, and no module of the app would put them there."""
        seen = run([sys.executable, "-c", REGISTERED], _variables(tmp_path), tmp_path)
        assert seen.split() == ["auth.Group", "auth.User"]
        assert find_spec("pwb_oauth.web.django.admin") is None


REGISTERED = """
import django
from django_site import settings

settings.INSTALLED_APPS += ["django.contrib.messages", "django.contrib.admin"]
django.setup()  # admin's own configuration looks for each app's admin.py

from django.contrib import admin

print(*sorted(model._meta.label for model in admin.site._registry))
"""


def _variables(folder):
    return variables_for(
        folder,
        PYTHONPATH=str(Path(__file__).parent),
        DJANGO_SETTINGS_MODULE="django_site.settings",
        DJANGO_SITE_FOLDER=str(folder),
    )
