"""What ``manage.py`` says about a site: the system checks and the commands."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from django.conf import settings as site_settings
from django.core import checks
from django.core.management import CommandError, call_command
from django.db import connections
from django.test import override_settings

from django_site.routing import Router
from django_visitor import CALLBACK, PUBLIC_CALLBACK, Visitor, database, rows, site, visitor
from pwb_oauth.encryption import new_key
from pwb_oauth.testing import SandboxWiki

__all__ = ["database", "site", "visitor"]  # fixtures

OURS = "pwb_oauth.web.django.middleware.WikiAccountMiddleware"
SESSIONS = "django.contrib.sessions.middleware.SessionMiddleware"


def found(**settings):
    """The ids of what is wrong with the site, and what it says."""
    with override_settings(**settings):
        messages = checks.run_checks(tags=[checks.Tags.security])
    ours = [each for each in messages if str(each.id).startswith("pwb_oauth.")]
    return {each.id.removeprefix("pwb_oauth.") for each in ours}, " ".join(map(str, ours))


def without(*names):
    return [name for name in site_settings.MIDDLEWARE if name not in names]


class TestSystemChecks:
    """Each fault is named, and no other."""

    def test_good_settings_have_no_fault(self, site):
        """On https and on loopback."""
        site(PUBLIC_CALLBACK)
        assert found() == (set(), "")
        site(CALLBACK)
        assert found() == (set(), "")

    @pytest.mark.parametrize(
        ("settings", "expected"),
        [
            ({"PWB_OAUTH_CLIENT_ID": None}, "E001"),
            ({"PWB_OAUTH_CLIENT_SECRET": None}, "E001"),
            ({"PWB_OAUTH_CALLBACK_URL": None}, "E001"),
            ({"PWB_OAUTH_CALLBACK_URL": "http://tool.example/oauth/callback"}, "E001"),
            ({"PWB_OAUTH_CALLBACK_URL": "/oauth/callback"}, "E001"),
            ({"PWB_OAUTH_ENCRYPTION_KEYS": None}, "E001"),
            ({"PWB_OAUTH_ENCRYPTION_KEYS": "short"}, "E001"),
            ({"MIDDLEWARE": without(OURS)}, "E002"),
            ({"MIDDLEWARE": [OURS, *without(OURS)]}, "E003"),
            ({"MIDDLEWARE": without(SESSIONS)}, "E003"),
            ({"AUTHENTICATION_BACKENDS": ["django.contrib.auth.backends.ModelBackend"]}, "E004"),
            ({"PWB_OAUTH_CALLBACK_URL": "https://tool.example/callback"}, "E005"),
            ({"PWB_OAUTH_CALLBACK_URL": "https://tool.example/oauth/login"}, "E005"),
            ({"DEBUG": True}, "E006"),
            ({"SESSION_COOKIE_SAMESITE": "Strict"}, "E008"),
            ({"SESSION_COOKIE_PATH": "/elsewhere"}, "E009"),
            ({"SESSION_COOKIE_SECURE": False}, "W001"),
            ({"SESSION_COOKIE_HTTPONLY": False}, "W003"),
            ({"SESSION_COOKIE_DOMAIN": ".example"}, "W004"),
        ],
    )
    def test_fault_is_named_alone(self, site, settings, expected):
        """With what to do, and without a value that is secret."""
        site(PUBLIC_CALLBACK)
        ids, said = found(**settings)
        assert ids == {expected}
        assert site_settings.PWB_OAUTH_CLIENT_SECRET not in said
        assert site_settings.PWB_OAUTH_ENCRYPTION_KEYS not in said
        assert (*settings,)[0].removesuffix("_SECURE") in said

    @pytest.mark.parametrize("setting", ["SECRET_KEY", "SECRET_KEY_FALLBACKS"])
    def test_key_equal_to_djangos_is_named(self, site, setting):
        """The current one or an older one; bytes too."""
        key = new_key()
        site(PWB_OAUTH_ENCRYPTION_KEYS=f"{new_key()} {key}")
        for value in (key, key.encode()):
            ids, said = found(**{setting: value if setting == "SECRET_KEY" else [value]})
            assert ids == {"E007"}
            assert key not in said

    def test_debug_on_this_machine_is_no_fault(self, site):
        """As everybody develops."""
        site(CALLBACK)
        assert found(DEBUG=True)[0] == set()

    def test_secure_cookies_on_http_are_named(self, site):
        """Some browsers never send them back then."""
        site(CALLBACK)
        assert found(SESSION_COOKIE_SECURE=True)[0] == {"W002"}

    def test_script_prefix_is_taken_off(self, site):
        """As a proxy does."""
        from django.urls import set_script_prefix

        site("https://tool.example/tool/oauth/callback")
        assert found()[0] == {"E005"}
        set_script_prefix("/tool/")
        try:
            assert found()[0] == set()
        finally:
            set_script_prefix("/")

    def test_policy_that_stops_the_login_is_named(self, site, wiki):
        """Django 6 and later send it."""
        site(CALLBACK)
        policy = {"form-action": ["'self'"]}
        assert found(SECURE_CSP=policy)[0] == {"W006"}
        assert found(SECURE_CSP={"form-action": ["'self'", wiki.url]})[0] == set()
        assert found(SECURE_CSP={"default-src": ["'self'"]})[0] == set()

    def test_sqlite_that_requests_hold_is_named(self, site, monkeypatch):
        """Unless user sessions have a file of their own."""
        site(CALLBACK)
        monkeypatch.setitem(connections["default"].settings_dict, "ATOMIC_REQUESTS", True)
        assert found()[0] == set()
        monkeypatch.setattr(Router, "own_file", False)
        ids, said = found()
        assert ids == {"W005"}
        assert "UserSessionRouter" in said

    def test_migrations_are_complete(self, database):
        """For both models."""
        call_command("makemigrations", "pwb_oauth", check=True, dry_run=True, verbosity=0)


class TestPurge:
    """``purge_wiki_accounts``."""

    @pytest.mark.parametrize(
        ("options", "left"),
        [((), 1), (("--idle", "0"), 0), (("--older-than", "0"), 0), (("--idle", "1"), 1)],
    )
    def test_it_deletes_what_is_over(self, visitor, options, left):
        """By the settings, or by what it is told."""
        visitor.log_in()
        out = io.StringIO()
        call_command("purge_wiki_accounts", *options, stdout=out)
        assert out.getvalue() == f"Deleted: {1 - left}\n"
        assert rows().count() == left

    def test_settings_decide(self, visitor):
        """Where nothing else is said."""
        visitor.log_in()
        with override_settings(PWB_OAUTH_SESSION_IDLE=timedelta(microseconds=1)):
            call_command("purge_wiki_accounts", stdout=io.StringIO())
        assert rows().count() == 0

    def test_wrong_settings_are_an_error(self, site):
        """With one line, no traceback."""
        site(PWB_OAUTH_ENCRYPTION_KEYS="short")
        with pytest.raises(CommandError, match="malformed"):
            call_command("purge_wiki_accounts")


class TestCheckWikiOAuth:
    """``check_wiki_oauth``."""

    @pytest.fixture(params=["1.43", "1.46", "wikimedia"])
    def version(self, request):
        return request.param

    @pytest.fixture
    def wiki(self, version):
        with SandboxWiki(version=version) as wiki:
            yield wiki

    def ask(self, **settings):
        out = io.StringIO()
        with override_settings(**settings):
            call_command("check_wiki_oauth", stdout=out)
        return out.getvalue()

    def test_good_consumer_is_known(self, site, wiki, version):
        """What cannot be seen is said."""
        site()
        said = self.ask()
        assert "knows the consumer" in said
        assert "approved" in said
        assert "Special:OAuthListConsumers/view/" in said or "OAuthListConsumers%2Fview" in said
        assert ("and PWB_OAUTH_CALLBACK_URL is the registered" in said) is (version == "1.43")

    @pytest.mark.parametrize("setting", ["PWB_OAUTH_CLIENT_ID", "PWB_OAUTH_CLIENT_SECRET"])
    def test_wrong_id_or_secret_is_found(self, site, wiki, setting):
        """On every version."""
        settings = site()
        with pytest.raises(CommandError, match="does not accept PWB_OAUTH_CLIENT_ID") as raised:
            self.ask(**{setting: "0" * 32})
        assert settings["PWB_OAUTH_CLIENT_SECRET"] not in str(raised.value)

    def test_wrong_callback_is_found_where_the_wiki_looks_at_it(self, site, wiki, version):
        """Newer ones look at the code first; that is said."""
        site()
        wrong = {"PWB_OAUTH_CALLBACK_URL": f"{CALLBACK}/else"}
        if version == "1.43":
            with pytest.raises(CommandError, match="is not the callback URL"):
                self.ask(**wrong)
        else:
            assert "does not say whether" in self.ask(**wrong)

    def test_wiki_that_does_not_answer_is_an_error(self, site, wiki):
        """With one line."""
        site()
        wiki.fail_next("503", count=3)
        with pytest.raises(CommandError, match="503"):
            self.ask()

    @pytest.mark.parametrize("wrong", [None, "PWB_OAUTH_CLIENT_SECRET"])
    def test_oauth1_consumer_is_asked_too(self, site, wiki, wrong):
        """By its own protocol."""
        site(PWB_OAUTH_OAUTH_VERSION="1.0a")
        if wrong is None:
            assert "knows the consumer" in self.ask()
        else:
            with pytest.raises(CommandError, match=r"OAuth 1\.0a"):
                self.ask(**{wrong: "0" * 32})

    def test_nobodys_access_is_touched(self, site, wiki):
        """Nor is anything stored."""
        site()
        visitor = Visitor(wiki)
        visitor.log_in()
        self.ask()
        assert visitor.who() == "Alice"
        assert rows().count() == 1
