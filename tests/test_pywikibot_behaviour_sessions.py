"""How stock Pywikibot sends requests: session, credentials, method, headers, cookies, log."""

from __future__ import annotations

import logging
import pickle
import sys

import pytest
import requests
from oauthlib import oauth1
from pywikibot import config
from pywikibot.bot import VERBOSE
from pywikibot.comms import http
from pywikibot.comms.http import request as request_at_import
from pywikibot.comms.http import session as session_at_import
from pywikibot.exceptions import APIError, FatalServerError

from pywikibot_behaviour import (
    CSRF_TOKEN,
    DEFAULTS,
    FORM,
    Answer,
    error,
    noted_log,  # noqa: F401
    scripted_wiki,  # noqa: F401
)

SECRETS = ("consumer key", "consumer secret", "access token", "access secret")


@pytest.fixture
def site(wiki, stock_bot):
    """The site of Alice, who is logged in."""
    wiki.user = "Alice"
    return stock_bot.site("Alice")


@pytest.fixture
def gets_over_http(monkeypatch):
    """Let Pywikibot read by GET although the wiki has no https."""
    monkeypatch.setattr(config, "enable_GET_without_SSL", True)


class StandIn:
    """Stands in for a session, and remembers the arguments of each request."""

    def __init__(self):
        self.arguments = []
        self.session = requests.Session()

    def request(self, method, url, **options):
        self.arguments.append((method, url, options))
        return self.session.request(method, url, **options)


class Bearer(requests.auth.AuthBase):
    """An access token as a header."""

    def __call__(self, request):
        request.headers["Authorization"] = "Bearer token"
        return request


def ask(site, **parameters):
    """A request whose answer does not matter."""
    request = site._request(use_get=True, parameters={"action": "query", **parameters})
    return request.submit()


class TestSession:
    """``pywikibot.comms.http.session``, which may be replaced."""

    def test_replaced_session_gets_the_next_request(self, site, monkeypatch):
        """``http.session`` is looked up at each request, of sites that are older too."""
        ours = StandIn()
        monkeypatch.setattr(http, "session", ours)
        ask(site, meta="userinfo")
        assert len(ours.arguments) == 1

    def test_session_is_asked_by_its_request_method_alone(self, site, monkeypatch):
        """A session needs but ``request(method, url, headers=, auth=, timeout=, …)``."""
        ours = StandIn()
        monkeypatch.setattr(http, "session", ours)
        ask(site, meta="userinfo")
        [(method, url, options)] = ours.arguments
        assert (method, url) == ("POST", "http://wiki.test/w/api.php")
        assert set(options) == {"headers", "auth", "timeout", "data", "verify"}

    def test_name_imported_before_the_replacement_stays_stock(self, site, monkeypatch):
        """``from pywikibot.comms.http import session`` keeps the session that was there then."""
        ours = StandIn()
        monkeypatch.setattr(http, "session", ours)
        session_at_import.get(site.base_url("/w/api.php?action=query&meta=userinfo"))
        assert ours.arguments == []

    def test_function_imported_before_its_replacement_stays_stock(self, site, monkeypatch):
        """``from pywikibot.comms.http import request`` goes round a later hook on it."""
        monkeypatch.setattr(http, "request", lambda *args, **options: pytest.fail("not stock"))
        answer = request_at_import(site, "/w/api.php?action=query&meta=userinfo")
        assert answer.json()["query"]["userinfo"]["name"] == "Alice"

    def test_pywikibot_itself_imports_neither_name(self):
        """No module that ``import pywikibot`` loads has its own ``session`` or ``request``."""
        holders = {
            name
            for name, module in sys.modules.items()
            if name.partition(".")[0] == "pywikibot" and module is not http
            for value in vars(module).values()
            if value is http.session or value is http.request
        }
        assert holders == set()

    def test_api_requests_go_by_the_name_in_the_module(self, site, monkeypatch):
        """API requests look ``http.request`` up at each request, so that it can be hooked."""
        calls = []
        stock = http.request

        def ours(site, uri=None, headers=None, **options):
            calls.append(uri)
            return stock(site, uri, headers, **options)

        monkeypatch.setattr(http, "request", ours)
        ask(site, meta="userinfo")
        assert calls == ["/w/api.php"]

    def test_all_users_share_one_cookie_jar(self, wiki, stock_bot):
        """A cookie that the wiki set for one user's site is sent with another user's requests."""
        wiki.user = "Alice"
        alice = stock_bot.site("Alice")
        wiki.script("/w/set.php", Answer(headers={"Set-Cookie": "session=of-Alice"}))
        http.request(alice, "/w/set.php")
        stock_bot.site("Bob")
        assert wiki.received[-1].headers["Cookie"] == "session=of-Alice"


class TestAuth:
    """The argument ``auth`` of ``http.request``, and ``config.authenticate``."""

    @pytest.fixture(autouse=True)
    def authenticate(self, site, monkeypatch):
        monkeypatch.setitem(config.authenticate, "wiki.test", ("user", "password"))

    def test_given_auth_is_handed_to_the_session(self, site, monkeypatch):
        """``auth=`` wins over ``config.authenticate`` and reaches the session as it is."""
        ours = StandIn()
        monkeypatch.setattr(http, "session", ours)
        auth = Bearer()
        http.request(site, "/w/api.php?action=query&meta=userinfo", auth=auth)
        assert ours.arguments[0][2]["auth"] is auth

    def test_no_auth_takes_what_is_configured(self, wiki, site):
        """Without ``auth=`` the entry of ``config.authenticate`` for the host is used."""
        http.request(site, "/w/api.php?action=query&meta=userinfo")
        assert wiki.received[-1].headers["Authorization"].startswith("Basic ")

    def test_auth_none_sends_no_credential(self, wiki, site):
        """``auth=None`` turns ``config.authenticate`` off."""
        http.request(site, "/w/api.php?action=query&meta=userinfo", auth=None)
        assert "Authorization" not in wiki.received[-1].headers

    def test_site_with_oauth_disabled_sends_no_credential(self, wiki, site):
        """``site._oauth_disabled`` has the effect of ``auth=None``."""
        site._oauth_disabled = True
        http.request(site, "/w/api.php?action=query&meta=userinfo")
        assert "Authorization" not in wiki.received[-1].headers

    def test_four_parts_sign_every_path_of_the_host(self, wiki, site, monkeypatch):
        """Four configured parts sign by OAuth 1.0a, ``index.php`` included."""
        monkeypatch.setitem(config.authenticate, "wiki.test", SECRETS)
        wiki.script("/w/index.php", Answer())
        http.request(site, "/w/index.php")
        assert wiki.received[-1].headers["Authorization"].startswith("OAuth ")


class TestMethod:
    """Which requests go by GET, which by POST."""

    def test_reading_over_http_is_posted(self, wiki, site, monkeypatch):
        """Over http nothing goes by GET, even if it is asked for."""
        monkeypatch.setattr(config, "enable_GET_without_SSL", DEFAULTS["enable_GET_without_SSL"])
        ask(site, meta="userinfo")
        assert wiki.received[-1].method == "POST"

    def test_reading_over_http_goes_by_get_where_it_is_enabled(self, wiki, site, gets_over_http):
        """``enable_GET_without_SSL`` allows GET over http."""
        ask(site, meta="userinfo")
        assert wiki.received[-1].method == "GET"

    def test_reading_over_https_goes_by_get(self, wiki, site, monkeypatch):
        """Over https GET needs no permission."""
        monkeypatch.setattr(type(site.family), "protocol", lambda self, code: "https")
        ask(site, meta="userinfo")
        assert wiki.received[-1].method == "GET"

    @pytest.mark.parametrize(("excess", "method"), [(0, "GET"), (1, "POST")])
    def test_longer_than_the_maximum_is_posted(
        self, wiki, site, monkeypatch, gets_over_http, excess, method
    ):
        """GET is used up to ``maximum_GET_length`` characters of parameters, and no further."""
        maximum = DEFAULTS["maximum_GET_length"]
        monkeypatch.setattr(config, "maximum_GET_length", maximum)
        wiki.script("help", {"help": {}})
        request = site._request(use_get=True, parameters={"action": "help", "modules": "x"})
        request._add_defaults()
        request["modules"] = "x" * (1 + excess + maximum - len(request._http_param_string()))
        request.submit()
        assert wiki.received[-1].method == method

    def test_available_oauth_token_makes_every_read_a_post(
        self, wiki, site, monkeypatch, gets_over_http
    ):
        """If ``is_oauth_token_available()`` is True nothing goes by GET, https or not."""
        monkeypatch.setattr(site, "is_oauth_token_available", lambda: True)
        ask(site, meta="userinfo")
        assert wiki.received[-1].method == "POST"

    @pytest.mark.parametrize(
        ("configured", "available"),
        [(SECRETS, True), (("user", "password"), False), (None, False)],
    )
    def test_token_is_available_if_four_parts_are_configured(
        self, site, monkeypatch, configured, available
    ):
        """``is_oauth_token_available()`` tells whether ``config.authenticate`` has four parts."""
        if configured:
            monkeypatch.setitem(config.authenticate, "wiki.test", configured)
        assert site.is_oauth_token_available() is available
        site._oauth_disabled = True
        assert site.is_oauth_token_available() is False


class TestContentType:
    """The header ``Content-Type`` of a GET."""

    def test_get_says_form_without_having_a_body(self, wiki, site, gets_over_http):
        """An API request by GET has the Content-Type of a form, and no body."""
        ask(site, meta="userinfo")
        assert wiki.received[-1].method == "GET"
        assert wiki.received[-1].headers["Content-Type"] == FORM

    @pytest.mark.parametrize("body", [None, "", "a=b"])
    def test_oauthlib_refuses_to_sign_it(self, body):
        """Oauthlib raises a ValueError for a GET with the Content-Type of a form."""
        client = oauth1.Client(*SECRETS)
        with pytest.raises(ValueError, match=r"formencoded|GET/HEAD"):
            client.sign("http://wiki.test/?a=b", "GET", body, {"Content-Type": FORM})

    def test_signed_get_is_a_fatal_server_error(self, site, monkeypatch):
        """So Pywikibot cannot send a signed GET: the ValueError ends as a FatalServerError."""
        monkeypatch.setitem(config.authenticate, "wiki.test", SECRETS)
        with pytest.raises(FatalServerError):
            http.request(
                site, "/w/api.php?action=query&meta=userinfo", headers={"Content-Type": FORM}
            )

    def test_get_without_the_header_is_signed(self, wiki, site, monkeypatch):
        """Without that header the same GET is signed."""
        monkeypatch.setitem(config.authenticate, "wiki.test", SECRETS)
        http.request(site, "/w/api.php?action=query&meta=userinfo")
        assert wiki.received[-1].method == "GET"
        assert "oauth_signature" in wiki.received[-1].headers["Authorization"]


class TestRedirect:
    """What requests does on a redirect, which Pywikibot leaves to it."""

    def test_authorization_and_cookies_follow_within_a_host(self, wiki, site):
        """A redirect within the host is followed with the Authorization and the cookies."""
        wiki.script(
            "/w/old.php",
            Answer(302, headers={"Location": "/w/new.php", "Set-Cookie": "session=1; Path=/"}),
        )
        wiki.script("/w/new.php", Answer())
        http.request(site, "/w/old.php", auth=Bearer())
        assert wiki.received[-1].path == "/w/new.php"
        assert wiki.received[-1].headers["Authorization"] == "Bearer token"
        assert wiki.received[-1].headers["Cookie"] == "session=1"

    def test_post_becomes_a_get_without_its_body(self, wiki, site):
        """A redirected edit is sent as a GET without its parameters, still with the token."""
        wiki.script("edit", Answer(302, headers={"Location": "/w/new.php"}))
        wiki.script("/w/new.php", Answer())
        http.request(site, "/w/api.php", method="POST", data={"action": "edit"}, auth=Bearer())
        assert (wiki.received[-1].method, wiki.received[-1].params) == ("GET", {})
        assert wiki.received[-1].headers["Authorization"] == "Bearer token"


class TestLog:
    """What of requests and answers Pywikibot logs."""

    def edit(self, wiki, site, answer):
        wiki.script("edit", answer)
        request = site.simple_request(action="edit", title="Page", text="", token=CSRF_TOKEN)
        try:
            request.submit()
        except APIError as raised:
            return raised
        return None

    def test_set_cookie_is_logged_with_an_api_error(self, wiki, site, journal):
        """For an API error all response headers are logged at level VERBOSE, Set-Cookie too."""
        refused = Answer.of(error("readonlytext"), **{"Set-Cookie": "session=secret"})
        self.edit(wiki, site, refused)
        assert "session=secret" in journal(VERBOSE)

    def test_set_cookie_is_not_logged_with_a_success(self, wiki, site, journal):
        """Without an error no response header is logged, not even at level DEBUG."""
        self.edit(wiki, site, Answer.of({"edit": {}}, **{"Set-Cookie": "session=secret"}))
        assert "session=secret" not in journal(logging.DEBUG)

    def test_csrf_token_is_logged_with_an_api_error(self, wiki, site, journal):
        """For an API error the parameters are logged at level VERBOSE, the CSRF token too."""
        self.edit(wiki, site, error("permissiondenied"))
        assert "'0123456789abcdef+" in journal(VERBOSE)

    def test_csrf_token_is_logged_with_each_request(self, wiki, site, journal):
        """At level DEBUG the body of every request is logged, the CSRF token too."""
        self.edit(wiki, site, {"edit": {}})
        assert "token=0123456789abcdef" in journal(logging.DEBUG)
        assert "token=0123456789abcdef" not in journal(VERBOSE)

    def test_csrf_token_is_not_in_the_error(self, wiki, site):
        """An API error holds what the wiki answered, not the parameters with the token."""
        raised = self.edit(wiki, site, error("permissiondenied"))
        assert b"0123456789abcdef" not in pickle.dumps(vars(raised))
