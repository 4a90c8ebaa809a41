"""``pwb`` and the scripts that come with Pywikibot, unchanged, on the sandbox wiki."""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING

import pytest

from sandbox_stock import BOT, StockPywikibot

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def stock(wiki, tmp_path: Path) -> StockPywikibot:
    return StockPywikibot(wiki, tmp_path / "pywikibot")


def picture(folder, size=100):
    """A file that is a PNG of 2 by 3 pixels, by its first bytes."""
    header = struct.pack(">II5B", 2, 3, 8, 2, 0, 0, 0)
    path = folder / "picture.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + header + bytes(size))
    return str(path)


class TestLogin:
    """``pwb login``."""

    def test_password_file_signs_in_and_logout_ends_it(self, wiki, stock):
        """The cookies are kept for the next script, until ``-logout``."""
        stock.with_account_password(BOT)
        assert f"Logged in on sandbox:en as {BOT}." in stock.pwb("login")
        wiki.log.clear()
        assert stock.run("said['name'] = site.user()") == {"name": BOT}
        assert not wiki.log.select(action="clientlogin")
        assert "Logged out of sandbox:en." in stock.pwb("login", "-logout")
        assert stock.run("said['name'] = site.user()") == {"name": None}

    def test_password_is_typed_at_a_terminal(self, wiki, stock):
        """As on a real wiki, whose form is read by ``clientlogin``."""
        stock.configure(BOT)
        terminal = stock.pwb_at_terminal("login")
        terminal.expect("Password for user")
        terminal.sendline(wiki.users[BOT].password)
        terminal.expect(f"Logged in on sandbox:en as {BOT}")
        terminal.close()
        (entry,) = wiki.log.select(action="clientlogin")
        assert (entry.user, entry.error) == (BOT, None)

    def test_wrong_password_signs_nobody_in(self, wiki, stock):
        """Pywikibot says so, and asks again."""
        stock.configure(BOT)
        terminal = stock.pwb_at_terminal("login")
        terminal.expect("Password for user")
        terminal.sendline("wrong")
        terminal.expect("Incorrect username or password entered")
        terminal.close()
        assert not wiki.log.select(user=BOT)

    def test_oauth_dance_yields_the_line_for_the_configuration(self, wiki, stock):
        """``pwb login -oauth``, whose line then signs in."""
        consumer = wiki.add_consumer(
            "Stock", oauth_version="1.0a", callback_url="http://127.0.0.1:9/back"
        )
        stock.configure(BOT)
        # The identity that it checks must not come from the future.
        wiki.clock.reset()
        terminal = stock.pwb_at_terminal("login", "-oauth")
        terminal.expect("OAuth consumer key")
        terminal.sendline(consumer.key)
        terminal.expect("OAuth consumer secret")
        terminal.sendline(consumer.secret)
        terminal.expect(r"http://127\.0\.0\.1\S+oauth_token=\S+")
        answer = wiki.approve(terminal.match[0], BOT)
        terminal.expect("Response query string")
        terminal.sendline(answer.partition("?")[2])
        terminal.expect(r"authenticate\[.+\] = \(.+\)")
        line = re.sub(r"\x1b\[[0-9;]*m", "", terminal.match[0])
        terminal.close()
        with stock.config.open("a") as config:
            config.write(f"{line}\n")
        wiki.log.clear()
        assert stock.run("site.login()\nsaid['name'] = site.user()") == {"name": BOT}
        assert {entry.mechanism for entry in wiki.log} == {"oauth1"}


class TestScripts:
    """A replace, a category and an upload, each as somebody runs it."""

    @pytest.fixture(params=["password", "bot password", "OAuth 1.0a"])
    def signed_in(self, request, wiki, stock):
        """Configured to sign in by each of the ways that stock Pywikibot has."""
        if request.param == "password":
            stock.with_account_password(BOT)
        elif request.param == "OAuth 1.0a":
            stock.with_oauth1(BOT)
        else:
            grants = ["basic", "editpage", "createeditmovepage", "uploadfile"]
            password = wiki.add_bot_password(BOT, "scripts", grants=grants).password
            stock.with_password(BOT, f"({BOT!r}, BotPassword('scripts', {password!r}))")
        return stock

    def test_replace_changes_the_pages_that_match(self, wiki, signed_in):
        """And leaves the others alone."""
        wiki.add_page("One", "old and old")
        wiki.add_page("Two", "new")
        signed_in.pwb("replace", "-always", "-page:One", "-page:Two", "old", "new", "-summary:s")
        latest = wiki.pages["One"].latest
        assert (latest.text, latest.user, latest.comment) == ("new and new", BOT, "s")
        assert len(wiki.pages["Two"].revisions) == 1

    def test_category_moves_the_members_of_one(self, wiki, signed_in):
        """The pages name the new one, and the old one's page is moved."""
        wiki.add_page("Category:Old", "What is old.")
        wiki.add_page("One", "[[Category:Old]]")
        signed_in.pwb("category", "move", "-from:Old", "-to:New", "-batch", "-pagesonly")
        assert wiki.pages["One"].latest.text == "[[Category:New]]"
        assert wiki.pages["One"].latest.user == BOT

    def test_category_adds_a_page_to_one(self, wiki, signed_in):
        """``category add``."""
        wiki.add_page("One", "text")
        signed_in.pwb("category", "add", "-to:New", "-page:One", typed="y\n")
        assert "[[Category:New]]" in wiki.pages["One"].latest.text

    @pytest.mark.parametrize("options", [[], ["-chunked:1200"]])
    def test_upload_makes_a_file(self, wiki, signed_in, tmp_path, options):
        """At once, or in chunks."""
        path = picture(tmp_path, 3000)
        signed_in.pwb("upload", path, "-filename:X.png", "-always", "-ignorewarn", *options, "text")
        assert wiki.pages["File:X.png"].latest.user == BOT
        assert len(wiki._state.files["X.png"][-1].content) > 3000

    def test_upload_of_what_is_there_warns(self, wiki, stock, tmp_path):
        """``-abortonwarn`` leaves the file as it was."""
        stock.with_oauth1(BOT)
        stock.pwb("upload", picture(tmp_path), "-filename:X.png", "-always", "-ignorewarn", "t")
        said = stock.pwb(
            "upload", picture(tmp_path, 200), "-filename:X.png", "-always", "-abortonwarn", "t"
        )
        assert "exists" in said
        assert len(wiki._state.files["X.png"]) == 1
