"""People at real browsers, on the Flask examples and the sandbox wiki's own pages."""

from __future__ import annotations

import struct

import pytest

from browser import needs_browser, person
from pwb_oauth.testing import SandboxWiki
from web_examples import NO_SERVER, URLS, background_job, flask_upload, flask_whoami

SIGN_IN = "Sign in with your wiki account"
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + struct.pack(">II5B", 2, 3, 8, 2, 0, 0, 0)
SERVERS = URLS or [pytest.param("", marks=pytest.mark.skip(reason=NO_SERVER))]

pytestmark = needs_browser


@pytest.fixture(scope="module")
def wiki():
    with SandboxWiki() as wiki:
        for name in ("Ann", "Ben"):
            wiki.add_user(name)
        yield wiki


@pytest.fixture(scope="module")
def browsers():
    """Two profiles; in Ben's no page may run scripts."""
    with person("Ann") as ann, person("Ben", scripts=False) as ben:
        yield {"Ann": ann, "Ben": ben}


def sign_in(somebody, tool, name):
    """From the tool's first page back to it, through the wiki's own pages."""
    somebody.start_afresh(tool.url)
    somebody.look(f"{name}-signed-out")
    somebody.press("Sign in")
    somebody.look(f"{name}-sign-in")
    somebody.press(SIGN_IN)
    somebody.log_in_to_wiki(tool.wiki)
    somebody.press("Allow")
    assert somebody.sees(f"Signed in as {somebody.name}")


class TestWhoami:
    @pytest.fixture
    def tool(self, wiki, tmp_path):
        with flask_whoami(wiki, tmp_path) as tool:
            yield tool

    def test_each_account_has_one_vote(self, tool, browsers):
        """The tool knows who is who, and edits nothing."""
        for somebody, choice in (
            (browsers["Ann"], "My watchlist"),
            (browsers["Ben"], "A random page"),
        ):
            sign_in(somebody, tool, "flask-whoami")
            somebody.choose(choice)
            somebody.press("Vote")
            assert somebody.sees(f"{choice} (your vote) 1")
            somebody.look("flask-whoami-voted")
        somebody.choose("My watchlist")
        somebody.press("Change my vote")
        assert somebody.sees("My watchlist (your vote) 2")
        somebody.press("Log out")
        assert somebody.sees("Sign in to vote")
        somebody.look("flask-whoami-logged-out")
        assert tool.wiki.log.select(action="edit") == []

    def test_what_goes_wrong_is_a_page_that_says_what_to_do(self, tool, browsers):
        """Cancel, and an address that somebody sent."""
        ben = browsers["Ben"]
        ben.start_afresh(f"{tool.url}/oauth/login")
        ben.press(SIGN_IN)
        ben.log_in_to_wiki(tool.wiki)
        ben.press("Cancel")
        assert ben.heading == "You are not signed in"
        ben.look("flask-cancelled")
        ben.open(f"{tool.consumer.callback_url}?code=x&state=y")
        assert ben.heading == "This sign-in was not begun here"
        ben.look("flask-astray")
        ben.press("Sign in")
        assert ben.place == "/oauth/login"


@pytest.mark.parametrize(
    "server",
    [None, *SERVERS],
    ids=lambda url: url.partition(":")[0] if url else "sqlite" if url is None else "servers",
)
class TestUpload:
    @pytest.fixture
    def tool(self, wiki, tmp_path, server):
        with flask_upload(wiki, tmp_path, server) as tool:
            yield tool

    def test_visitor_publishes_and_takes_all_access_away(self, wiki, tool, browsers, tmp_path):
        """After the logout neither the back button, an old tab nor the old cookies do anything."""
        ann = browsers["Ann"]
        sign_in(ann, tool, "flask-upload")
        picture = tmp_path / "picture.png"
        picture.write_bytes(PNG + tool.url.encode())
        title = f"Bridge {tool.url.rpartition(':')[2]}"
        ann.fill(
            file=str(picture), title=title, description="A bridge.", licence="Creative Commons Zero"
        )
        ann.look("flask-upload-filled")
        ann.press("Publish as Ann")
        assert ann.sees(f"Published: {title}.png"), ann.text
        ann.look("flask-upload-published")
        assert wiki.pages[f"File:{title}.png"].latest.user == "Ann"
        ann.press(f"{title}.png")
        reading_on_the_wiki = ann.new_tab(tool.url)
        left_open, old = ann.new_tab(tool.url), ann.cookies()
        ann.press("Log out")
        ann.look("flask-upload-logged-out")
        assert tool.database.execute("SELECT * FROM pwb_oauth_sealed") == []
        for tab in (ann.driver.current_window_handle, reading_on_the_wiki):
            ann.to_tab(tab)
            ann.driver.back()
            assert ann.sees("Sign in with your wiki account to publish"), ann.text
        for cookie in old.values():
            ann.driver.add_cookie(cookie)
        ann.open(tool.url)
        assert ann.sees("Sign in with your wiki account to publish")
        ann.to_tab(left_open)
        ann.fill(
            file=str(picture), title="Late", description="Late.", licence="Creative Commons Zero"
        )
        ann.press("Publish as Ann")
        assert ann.heading == "Sign in"
        assert "File:Late.png" not in wiki.pages


class TestUploadProblems:
    @pytest.fixture
    def tool(self, wiki, tmp_path):
        with flask_upload(wiki, tmp_path) as tool:
            yield tool

    def test_file_is_refused_the_page_says_why(self, tool, browsers, tmp_path):
        """By the wiki, with what was typed; and by the tool, which does not even read it."""
        ben = browsers["Ben"]
        sign_in(ben, tool, "flask-upload")
        file = tmp_path / "picture.png"
        fields = {"title": "A bridge", "description": "A bridge.", "licence": "Creative Commons"}
        file.write_text("no picture")
        ben.fill(file=str(file), **fields)
        ben.press("Publish as Ben")
        assert ben.sees("The wiki refused the file"), ben.text
        ben.look("flask-upload-refused")
        file.write_bytes(PNG + bytes(20_000_000))
        ben.fill(file=str(file))
        ben.press("Publish as Ben")
        assert ben.heading == "This file is too large"
        ben.look("flask-upload-too-large")


class TestBackgroundJob:
    @pytest.fixture
    def tool(self, wiki, tmp_path):
        with background_job(wiki, tmp_path) as tool:
            yield tool

    def test_visitor_asks_and_sees_how_far_it_is(self, tool, browsers):
        """The worker comes later."""
        ben = browsers["Ben"]
        sign_in(ben, tool, "background-job")
        ben.look("background-job-signed-in")
        ben.fill(names="Ann\nBob")
        ben.press("Thank them")
        assert ben.sees("0 of 2 thanked, waiting")
        ben.look("background-job-waiting")
        ben.press("Log out")
        assert ben.sees("This tool leaves a thank-you")
