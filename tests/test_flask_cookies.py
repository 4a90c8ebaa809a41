"""The cookies of a web tool in Flask, and what caches and pages make of who a visitor is."""

from __future__ import annotations

import pytest

from flask_visitor import PUBLIC_CALLBACK, ServerSessions, Visitor, visitor_of


@pytest.fixture
def visitor(wiki, tmp_path):
    return visitor_of(wiki, tmp_path)


class TestCookies:
    @pytest.mark.parametrize("through_proxy", [False, True])
    def test_on_https_they_are_secure(self, wiki, tmp_path, through_proxy):
        """Also where the proxy talks http to the application."""
        visitor = visitor_of(wiki, tmp_path, PUBLIC_CALLBACK)
        if through_proxy:
            visitor.inside = "http://tool.example.org"
        set_cookies = _set_cookies(visitor)
        assert {name.rpartition("_")[0] for name in set_cookies if "pending" in name} == {
            "__Host-pwb_oauth_pending"
        }
        assert "__Host-pwb_oauth" in set_cookies
        for name, attributes in set_cookies.items():
            assert {"secure", "httponly", "path=/"} <= attributes
            assert not any(attribute.startswith("domain") for attribute in attributes)
            assert "samesite=lax" in attributes or name == "session"

    def test_on_loopback_they_are_plain(self, visitor):
        """A browser would not send others."""
        set_cookies = _set_cookies(visitor)
        assert "pwb_oauth" in set_cookies
        for name, attributes in set_cookies.items():
            assert "secure" not in attributes
            assert "httponly" in attributes
            assert not name.startswith("__Host-")

    def test_both_outlive_the_browsers_end(self, visitor):
        """The settings say how long a visitor stays signed in, not the browser."""
        set_cookies = _set_cookies(visitor)
        for name in ("pwb_oauth", "session"):
            assert any(attribute.startswith("expires=") for attribute in set_cookies[name])

    @pytest.mark.parametrize(
        "value",
        [
            "",
            "v1",
            "v1..",
            "garbage",
            "v2.{row}.{key}",
            "v1.{row}",
            "v1.{row}.",
            "v1.{row}.{short}",
            "v1.{row}.{other}",
            "v1.{zeros}.{key}",
            "v1.{row}.{key}x",
            "v1.{row}.{key}=",
            "v1.{row}.{key}.{key}",
            "v1.{row}.{key}v1.{row}.{key}",
            "v1.{row}." + "A" * 4000,
            "x" * 4000,
            "ä€😀",
            "%00%ff",
            '"v1.\\000',
        ],
    )
    def test_is_damaged_visitor_is_signed_out(self, visitor, value):
        """Never an error page, and everything works again afterwards."""
        visitor.log_in()
        row, key = visitor.cookies["pwb_oauth"].split(".")[1:]
        damaged = value.format(
            row=row, key=key, short=key[:-1], other=key[:10] + "-_-" + key[13:], zeros="0" * 32
        )
        visitor.set_cookie("pwb_oauth", damaged)
        assert visitor.who() == "nobody"
        assert visitor.get("/protected").status_code == 303
        assert visitor.log_out().status_code == 303
        visitor.log_in()
        assert visitor.who() == "Alice"

    @pytest.mark.parametrize("name", ["session", "pending"])
    @pytest.mark.parametrize("value", ["", "garbage", "v1.12345678.abc", "x" * 4000, "ä€😀"])
    def test_others_are_damaged_it_is_no_error(self, visitor, wiki, name, value):
        """Nor for the other cookies."""
        address = wiki.approve(visitor.leave())
        if name == "pending":
            (name,) = visitor.pending
        visitor.set_cookie(name, value)
        assert visitor.come_back(address).status_code in (303, 400)
        visitor.log_in()
        assert visitor.who() == "Alice"

    @pytest.mark.parametrize("first", ["good", "bad"])
    def test_is_sent_twice_it_is_no_error(self, visitor, first):
        """A neighbour may plant one beside it, which cannot be more than a nuisance."""
        visitor.log_in()
        cookies = visitor.cookies
        good, bad = f"pwb_oauth={cookies['pwb_oauth']}", "pwb_oauth=v1.0.0"
        pair = (good, bad) if first == "good" else (bad, good)
        header = "; ".join([*pair, f"session={cookies['session']}"])
        fresh = visitor.app.test_client(use_cookies=False)
        page = fresh.get("/me", headers={"Cookie": header})
        assert page.status_code == 200
        assert page.text == ("You are Alice." if first == "good" else "You are nobody.")

    @pytest.mark.parametrize("mine", ["pwb_oauth", "session"])
    def test_one_of_mine_and_one_of_yours_is_nobody(self, visitor, mine):
        """A's cookie with B's session, and the other way round."""
        bob = Visitor(visitor.app, visitor.wiki)
        visitor.log_in("Alice")
        bob.log_in("Bob")
        visitor.set_cookie(mine, bob.cookies[mine])
        assert visitor.who() == "nobody"

    @pytest.mark.parametrize("kept", ["pwb_oauth", "session"])
    def test_one_alone_is_nobody(self, visitor, kept):
        """A row without a cookie, and a cookie without a row."""
        visitor.log_in()
        thief = Visitor(visitor.app, visitor.wiki)
        thief.set_cookie(kept, visitor.cookies[kept])
        assert thief.who() == "nobody"


class TestSharedCache:
    def test_visitors_share_nothing_but_what_is_everybodys(self, visitor):
        """A cache in front keeps what it may, for those who send the same."""
        bob = Visitor(visitor.app, visitor.wiki)
        visitor.log_in("Alice")
        bob.log_in("Bob")
        nobody = Visitor(visitor.app, visitor.wiki)
        cache = SharedCache()
        for person, name in ((visitor, "Alice"), (bob, "Bob"), (nobody, "nobody")):
            assert cache.get(person, "/cached") == f"You are {name}."
            assert cache.get(person, "/form") != cache.get(visitor, "/form") or person is visitor
        assert not cache.kept

    def test_page_that_asks_nobody_stays_public(self, visitor):
        """Only what depends on the visitor is marked."""
        page = Visitor(visitor.app, visitor.wiki).get("/")
        assert "Cache-Control" not in page.headers
        assert "Vary" not in page.headers

    @pytest.mark.parametrize("sessions", ["Flask's", "others"])
    def test_page_says_what_it_depends_on(self, visitor, sessions):
        """Signed in or not, whoever keeps the sessions."""
        if sessions == "others":
            visitor.app.session_interface = ServerSessions()
        for _ in range(2):
            page = visitor.get("/cached")
            assert page.headers["Cache-Control"] == "max-age=600, private, no-store"
            assert "Cookie" in page.headers["Vary"]
            visitor.log_in()

    def test_stream_asks_too_late_it_fails(self, visitor):
        """What the caches were told cannot be taken back."""
        visitor.log_in()
        with pytest.raises(RuntimeError, match="before the response begins"):
            visitor.get("/late")


class TestMarkup:
    def test_user_name_is_text(self, wiki, tmp_path):
        """With everything that a wiki's user name may have in it."""
        name = 'O\'Neil "x" & Söhne/💥' + "ä" * 100
        wiki.add_user(name)
        visitor = visitor_of(wiki, tmp_path)
        visitor.log_in(name)
        assert "&#34;x&#34; &amp; S" in visitor.who()


class SharedCache:
    """A cache that two visitors share; it keeps what RFC 9111 lets it keep, by Vary."""

    def __init__(self) -> None:
        self.kept = {}

    def get(self, visitor: Visitor, path: str) -> str:
        for (known, cookie), text in self.kept.items():
            if known == path and cookie in (None, str(visitor.cookies)):
                return text
        page = visitor.get(path)
        control = page.cache_control
        if not control.private and not control.no_store and (control.public or control.max_age):
            by_cookie = "Cookie" in page.headers.get("Vary", "")
            self.kept[path, str(visitor.cookies) if by_cookie else None] = page.text
        return page.text


def _set_cookies(visitor: Visitor) -> dict[str, set[str]]:
    """The attributes of all cookies of a login, by name."""
    form = visitor.get("/form")
    away = visitor.post("/oauth/login", visitor.csrf())
    back = visitor.come_back(visitor.wiki.approve(away.location))
    lines = [line for page in (form, away, back) for line in page.headers.getlist("Set-Cookie")]
    return {
        line.partition("=")[0]: {part.strip().lower() for part in line.split(";")[1:]}
        for line in lines
    }
