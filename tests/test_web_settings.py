"""What a web tool is configured with."""

from __future__ import annotations

import pickle
from datetime import timedelta

import pytest

from pwb_oauth.encryption import new_key
from pwb_oauth.errors import ConfigurationError
from pwb_oauth.web.settings import WebSettings

KEY = new_key()
SECRET = "5ecret" * 6
GIVEN = {
    "PWB_OAUTH_CLIENT_ID": "c" * 32,
    "PWB_OAUTH_CLIENT_SECRET": SECRET,
    "PWB_OAUTH_CALLBACK_URL": "https://tool.example.org/oauth/callback",
    "PWB_OAUTH_ENCRYPTION_KEYS": KEY,
}


def read(**changes) -> WebSettings:
    """The settings with changes; None takes one away."""
    return WebSettings.read({**GIVEN, **changes}.get)


class TestRead:
    """``WebSettings.read``."""

    def test_four_settings_are_enough(self):
        """Wikimedia's wikis, OAuth 2.0, 30 days, 14 days idle."""
        settings = read()
        assert settings.wiki.central.name == "meta.wikimedia.org"
        assert settings.consumer.key == "c" * 32
        assert settings.consumer.secret == SECRET
        assert settings.consumer.oauth_version == "2.0"
        assert settings.consumer.callback_url == GIVEN["PWB_OAUTH_CALLBACK_URL"]
        assert not settings.consumer.owner_only
        assert settings.encryption_keys == KEY
        assert (settings.lifetime, settings.idle) == (timedelta(days=30), timedelta(days=14))

    def test_all_of_them_are_read(self):
        """Times as timedelta, as numbers, and as text."""
        settings = read(
            PWB_OAUTH_WIKI="http://127.0.0.1:8080/w/index.php",
            PWB_OAUTH_OAUTH_VERSION="1.0a",
            PWB_OAUTH_SESSION_LIFETIME=timedelta(hours=2),
            PWB_OAUTH_SESSION_IDLE="1800",
        )
        assert settings.wiki.name == "127.0.0.1:8080"
        assert settings.consumer.oauth_version == "1.0a"
        assert settings.lifetime == timedelta(hours=2)
        assert settings.idle == timedelta(minutes=30)
        assert read(PWB_OAUTH_SESSION_IDLE=60).idle == timedelta(minutes=1)

    def test_environment_stands_beside_the_frameworks_settings(self, monkeypatch):
        """Which go first; Toolforge keeps secrets in environment variables."""
        for name, value in GIVEN.items():
            monkeypatch.setenv(name, f" {value}\n")
        settings = WebSettings.read({"PWB_OAUTH_CLIENT_ID": "d" * 32}.get)
        assert settings.consumer.key == "d" * 32
        assert settings.consumer.secret == SECRET

    @pytest.mark.parametrize("name", GIVEN)
    @pytest.mark.parametrize("value", [None, "", " "])
    def test_missing_is_named(self, name, value):
        """Not set, or set to nothing."""
        with pytest.raises(ConfigurationError, match=name):
            read(**{name: value})

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("PWB_OAUTH_CLIENT_SECRET", b"bytes"),
            ("PWB_OAUTH_CLIENT_ID", 5),
            ("PWB_OAUTH_WIKI", ["x"]),
            pytest.param("PWB_OAUTH_ENCRYPTION_KEYS", f"{KEY} short", id="short-key"),
            ("PWB_OAUTH_ENCRYPTION_KEYS", [KEY]),
            ("PWB_OAUTH_SESSION_LIFETIME", "a month"),
            ("PWB_OAUTH_SESSION_LIFETIME", "nan"),
            ("PWB_OAUTH_SESSION_LIFETIME", "inf"),
            ("PWB_OAUTH_SESSION_LIFETIME", object()),
            ("PWB_OAUTH_SESSION_LIFETIME", 0),
            ("PWB_OAUTH_SESSION_IDLE", timedelta(days=-1)),
            ("PWB_OAUTH_CALLBACK_URL", "http://tool.example.org/oauth/callback"),
            ("PWB_OAUTH_CALLBACK_URL", "/oauth/callback"),
            ("PWB_OAUTH_CALLBACK_URL", "tool.example.org/oauth/callback"),
            ("PWB_OAUTH_CALLBACK_URL", "https:///oauth/callback"),
            ("PWB_OAUTH_CALLBACK_URL", "https://tool.example.org/callback?x=1"),
            ("PWB_OAUTH_CALLBACK_URL", "https://tool.example.org/callback#x"),
            ("PWB_OAUTH_CALLBACK_URL", "https://me:pw@tool.example.org/callback"),
            ("PWB_OAUTH_CALLBACK_URL", "https://[tool/callback"),
            ("PWB_OAUTH_CALLBACK_URL", "javascript:alert(1)"),
            ("PWB_OAUTH_OAUTH_VERSION", "3.0"),
            ("PWB_OAUTH_OAUTH_VERSION", 2.0),
            ("PWB_OAUTH_WIKI", "http://wiki.example.org"),
        ],
    )
    def test_unusable_raises_before_the_first_visitor_comes(self, name, value):
        """One kind of error, which shows neither a secret nor a key."""
        with pytest.raises(ConfigurationError) as caught:
            read(**{name: value})
        assert SECRET not in str(caught.value)
        assert KEY not in str(caught.value)
        assert caught.value.__cause__ is None
        if not name.endswith("WIKI"):
            assert name in str(caught.value) or "SESSION" in name

    @pytest.mark.parametrize("host", ["127.0.0.1:5000", "[::1]:5000", "localhost"])
    def test_loopback_may_be_http(self, host):
        """For trying it out."""
        url = f"http://{host}/callback"
        assert read(PWB_OAUTH_CALLBACK_URL=url).consumer.callback_url == url

    def test_no_secret_is_shown(self):
        """Debug pages print settings."""
        settings = read()
        assert SECRET not in repr(settings)
        assert KEY not in repr(settings)
        with pytest.raises(TypeError):
            pickle.dumps(settings)
