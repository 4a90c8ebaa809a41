"""The cookies of a web tool: what they are called, and what is in them."""

from __future__ import annotations

import pickle
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pwb_oauth.web.cookies import Cookie, CookieNames, SessionCookie

HTTPS = "https://tool.example.org/oauth/callback"
LOOPBACK = "http://127.0.0.1:5000/oauth/callback"
ROW_ID = "0123456789abcdef" * 2
KEY = bytes(range(32))
TEXT = f"v1.{ROW_ID}.AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"


class TestSessionCookie:
    """What opens a user session."""

    def test_text_is_what_it_was_in_the_first_version(self):
        """Browsers keep it for a month."""
        assert SessionCookie(ROW_ID, KEY).text == TEXT
        assert SessionCookie.parse(TEXT) == SessionCookie(ROW_ID, KEY)

    def test_new_ones_are_random(self):
        """The row's id and the key, of which 32 bytes are the key."""
        made = [SessionCookie.new() for _ in range(50)]
        assert len({cookie.row_id for cookie in made}) == len({cookie.key for cookie in made}) == 50
        assert {(len(cookie.row_id), len(cookie.key)) for cookie in made} == {(32, 32)}
        assert all(SessionCookie.parse(cookie.text) == cookie for cookie in made)

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "v1",
            "v1..",
            TEXT[:-1],
            f"{TEXT}A",
            f"{TEXT}=",
            f"{TEXT}\n",
            f" {TEXT}",
            TEXT + TEXT,
            f"{TEXT}; {TEXT}",
            TEXT.upper(),
            TEXT.replace("v1", "v2"),
            TEXT.replace(ROW_ID, ROW_ID.upper()),
            TEXT.replace(ROW_ID, ROW_ID[:-1]),
            TEXT.replace("0123", "\uff10\uff11\uff12\uff13"),
            TEXT.replace("0123", "../."),
            f"{TEXT[:-1]}9",  # the same bytes written otherwise
            f"{TEXT[:-1]}+",
            "garbage",
            "\ud800",
            "é" * 40,
            "x" * 4096,
            f"v1.{ROW_ID}." + "A" * 4096,
            "\x00",
        ],
    )
    def test_anything_else_is_none(self, text):
        """Garbage, truncated, doubled, 4 KB."""
        assert SessionCookie.parse(text) is None

    @given(st.text(max_size=100) | st.from_regex(r"v1\.[0-9a-f]{32}\.[A-Za-z0-9_-]{43}"))
    def test_what_is_read_is_written_in_one_way(self, text):
        """So that a cookie cannot be varied into another that opens the same."""
        cookie = SessionCookie.parse(text)
        assert cookie is None or cookie.text == text

    def test_key_is_in_no_repr_and_no_pickle(self):
        """It is the browser's alone."""
        cookie = SessionCookie(ROW_ID, KEY)
        assert "AAECAwQF" not in repr(cookie)
        assert repr(KEY)[2:-1] not in repr(cookie)
        with pytest.raises(TypeError):
            pickle.dumps(cookie)

    def test_value_of_a_cookie_is_in_no_repr(self):
        """Frameworks log what they set."""
        assert TEXT not in repr(Cookie("pwb_oauth", TEXT, 60, secure=True))


class TestCookieNames:
    """What the cookies are called."""

    def test_https_a_cookie_is_bound_to_the_host(self):
        """``__Host-`` keeps a neighbour's subdomain from setting it."""
        names = CookieNames(HTTPS)
        assert names.session == "__Host-pwb_oauth"
        assert names.pending("state").startswith("__Host-pwb_oauth_pending_")
        assert names.secure
        assert names.deleted(names.session) == Cookie("__Host-pwb_oauth", "", 0, secure=True)

    def test_loopback_has_no_prefix(self):
        """Browsers take ``__Host-`` over https alone."""
        names = CookieNames(LOOPBACK)
        assert names.session == "pwb_oauth"
        assert names.pending("state").startswith("pwb_oauth_pending_")
        assert not names.secure
        assert names.deleted(names.session) == Cookie("pwb_oauth", "", 0, secure=False)

    @given(st.text(min_size=20))
    def test_name_of_an_attempt_is_a_cookies_name_and_tells_no_state(self, state):
        """Whatever a wiki or an attacker sends back as ``state``."""
        name = CookieNames(HTTPS).pending(state)
        assert set(name) <= set(string.ascii_letters + string.digits + "_-")
        assert len(name) < 60
        assert state not in name

    def test_attempts_have_names_of_their_own(self):
        """So that tabs do not get in each other's way."""
        names = CookieNames(LOOPBACK)
        assert len({names.pending(str(number)) for number in range(1000)}) == 1000

    def test_only_attempts_are_attempts(self):
        """Not the user session's, nor another application's."""
        names = CookieNames(LOOPBACK)
        ours = [names.pending("a"), names.pending("b")]
        others = [names.session, "sessionid", "__Host-pwb_oauth_pending_x", "x_pwb_oauth_pending_"]
        assert names.all_pending([*others, *ours]) == ours
