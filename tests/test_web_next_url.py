"""Where a visitor goes after signing in: never to another site."""

from __future__ import annotations

from urllib.parse import quote, unquote, urljoin, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pwb_oauth.web.next_url import MAX_LENGTH, safe_next_url

SITE = "https://tool.example.org/oauth/callback"
BAD = [
    "//evil.example",
    "///evil.example",
    "////evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "\\/evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "/\r/evil.example",
    "\t//evil.example",
    " //evil.example",
    "/%09/evil.example",
    "/%5cevil.example",
    "/%5Cevil.example",
    "%2f%2fevil.example",
    "/%2fevil.example",
    "/%2Fevil.example",
    "/%252fevil.example",
    "/%25252fevil.example",
    "/after\r\nSet-Cookie: x=1",
    "/after%0d%0aSet-Cookie:%20x=1",
    "/after%0aLocation:%20//evil.example",
    "https:evil.example",
    "https:/evil.example",
    "https://evil.example",
    "https:///evil.example",
    "HTTPS://evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "user@evil.example",
    "//user@evil.example",
    "@evil.example",
    "evil.example",
    "after",
    "?x=//evil.example",
    "#x",
    "/\x00/evil.example",
    "/after\x7f",
    "/after\u2028",
    "/\ud800",
    "/with space",
    "http://[::1",
    "/" * 2 + "[",
    f"/{'a' * MAX_LENGTH}",
    "",
    None,
]
GOOD = [
    "/",
    "/after",
    "/a/b/",
    "/a//b",
    "/a?b=c&d=e",
    "/a?next=https://elsewhere.example/",
    "/a?next=//elsewhere.example/%2f%2f",
    "/a#b",
    "/a@b",
    "/a:b",
    "/Bücher",
    "/B%C3%BCcher",
    "/100%25",
    "/a%20b",
]


def place(url: str) -> tuple[str, str]:
    """Where a browser ends that is on the site and is sent to a URL, as it reads them."""
    read = url.strip("".join(map(chr, range(33)))).replace("\\", "/")
    for left_out in "\t\r\n":
        read = read.replace(left_out, "")
    return urlsplit(urljoin(SITE, read))[:2]


class TestSafeNextUrl:
    """``safe_next_url``."""

    @pytest.mark.parametrize("text", BAD)
    def test_not_a_path_of_this_site_is_the_home_page(self, text):
        """Every form of an open redirect."""
        assert safe_next_url(text) == "/"

    @pytest.mark.parametrize("text", GOOD)
    def test_path_of_this_site_is_kept(self, text):
        """With its query and what is below the page."""
        assert safe_next_url(text) == text

    @pytest.mark.parametrize("text", ["/logout", "/logout?x=1", "/logout#x", "/%6cogout"])
    def test_own_pages_are_the_home_page(self, text):
        """Nobody who signs in is signed out by it, or sent in a circle."""
        assert safe_next_url(text, {"/login", "/logout"}) == "/"
        assert safe_next_url("/logout/x", {"/login", "/logout"}) == "/logout/x"

    @given(
        st.text()
        | st.text("/\\%2f5c09@:. \t\r\nhtpsevil?#a", max_size=30)
        | st.text("/\\%2F5C@:a", max_size=12).map(lambda text: f"/{text}")
    )
    @example("/%2e%2e//evil.example")
    @example("/..//evil.example")
    @example("/.//evil.example")
    @example("/a/..//evil.example")
    def test_whatever_is_asked_the_browser_stays_here(self, text):
        """As it is, and decoded once and twice more on the way."""
        url = safe_next_url(text)
        for _ in range(3):
            assert place(url) == ("https", "tool.example.org")
            assert not set(url.partition("?")[0]) & set("\r\n\t\\")
            url = unquote(url.partition("?")[0])

    @given(st.lists(st.text("abcü -_~.:@!$&'()*+,;=", min_size=1).filter(lambda t: t.strip("."))))
    def test_ordinary_paths_are_kept(self, parts):
        """As a framework writes them."""
        path = "/" + "/".join(quote(part) for part in parts)
        assert safe_next_url(path) == (path if len(path.encode()) <= MAX_LENGTH else "/")
