"""People at real browsers, on the review tool of the examples and the sandbox wiki's own pages."""

from __future__ import annotations

from threading import Thread

import pytest
from django.core.wsgi import get_wsgi_application
from werkzeug.serving import make_server

from browser import needs_browser, person
from django_visitor import database, site
from pwb_oauth.testing import SandboxWiki
from sandbox_api import signed_in
from web_examples import NO_SERVER, URLS, django_review

__all__ = ["database", "site"]  # fixtures

SIGN_IN = "Sign in with your wiki account"
PATROL = "Mark as patrolled"
COMET = "A comet is a star with a tail.\n\nIt is made of ice and dust.\n\nIt comes back."
EDITS = {
    "Comet": COMET.replace("a star with a tail", "a body of ice with a tail") + "\n\nOften.",
    "Solar eclipse": "The Sun behind the Moon.",
}
SERVERS = URLS or [pytest.param("", marks=pytest.mark.skip(reason=NO_SERVER))]
on_sqlite = pytest.mark.parametrize("tool", [None], indirect=True, scope="module", ids=["sqlite"])
on_every_database = pytest.mark.parametrize(
    "tool",
    [None, *SERVERS],
    indirect=True,
    scope="module",
    ids=lambda url: url.partition(":")[0] if url else "sqlite" if url is None else "servers",
)

pytestmark = needs_browser


@pytest.fixture(scope="module")
def tool(tmp_path_factory, request):
    """One for all tests on a database: it takes a while to start."""
    with SandboxWiki() as wiki:
        for name in ("Ann", "Ben"):
            wiki.add_user(name, groups=["patroller"])
        server = getattr(request, "param", None)
        with django_review(wiki, tmp_path_factory.mktemp("tool"), server) as tool:
            yield tool


@pytest.fixture
def wiki(tool, monkeypatch):
    """With two edits to look at, by somebody else, and nobody signed in."""
    for name in ("recent_changes", "log_events", "acceptances"):
        monkeypatch.setattr(tool.wiki._state, name, [])
    monkeypatch.setattr(tool.wiki._state, "access_tokens", {})
    tool.wiki.log.clear()
    tool.database.execute("DELETE FROM pwb_oauth_sealedusersession")
    for title in EDITS:
        tool.wiki.pages.pop(title, None)
    tool.wiki.add_page("Comet", COMET)
    bob = signed_in(tool.wiki, "Bob")
    for title, text in EDITS.items():
        bob.write("edit", title=title, text=text, summary=f"About the {title.lower()}")
    return tool.wiki


@pytest.fixture(scope="module")
def browsers():
    """Two profiles; in Ben's no page may run scripts."""
    with person("Ann") as ann, person("Ben", scripts=False) as ben:
        yield {"Ann": ann, "Ben": ben}


@pytest.fixture
def ann(browsers, tool, wiki):
    browsers["Ann"].start_afresh(tool.url)
    return browsers["Ann"]


@pytest.fixture
def ben(browsers, tool, wiki):
    browsers["Ben"].start_afresh(tool.url)
    return browsers["Ben"]


def sign_in(somebody, tool):
    """From the tool's first page to its list, through the wiki's own pages."""
    somebody.press(SIGN_IN)
    somebody.log_in_to_wiki(tool.wiki)
    somebody.press("Allow")
    assert somebody.sees(f"Signed in as {somebody.name}"), somebody.text


def credited(wiki):
    """Whom the wiki's own log credits which patrol to."""
    return {event.title: event.user for event in wiki._state.log_events if event.type == "patrol"}


def tokens_of(tool):
    """The access tokens that the wiki gave the tool."""
    tokens = tool.wiki._state.access_tokens.values()
    return [token for token in tokens if token.consumer_key == tool.consumer.key]


def user_sessions(tool):
    return len(tool.database.execute("SELECT row_id FROM pwb_oauth_sealedusersession"))


@on_every_database
class TestTwoPeople:
    def test_at_the_same_time_each_acts_as_themselves(self, wiki, tool, ann, ben):
        """Both are on the way at once; the wiki's log names who pressed the button."""
        for somebody in (ann, ben):
            assert somebody.heading == "A second look at recent edits"
            somebody.look("django-welcome")
            somebody.press(SIGN_IN)
            somebody.look("wiki-log-in")
            somebody.log_in_to_wiki(wiki)
            assert somebody.sees(f"Hi {somebody.name},")
            assert somebody.sees("Patrol desk needs permission")
            assert somebody.sees("Patrol changes to pages")
            somebody.look("wiki-consent")
        for somebody in (ben, ann):
            somebody.press("Allow")
            assert somebody.sees(f"Signed in as {somebody.name}")
            somebody.look("django-edits")
        ann.press(PATROL, within="Comet")
        assert ann.sees("Comet is patrolled.")
        ann.look("django-patrolled")
        ben.press(PATROL, within="Solar eclipse")
        assert ben.sees("Nothing is left to do")
        assert ben.sees("Ben (you) patrolled Solar eclipse")
        assert ben.sees("Ann patrolled Comet")
        ben.look("django-nothing-left")
        assert credited(wiki) == {"Comet": "Ann", "Solar eclipse": "Ben"}
        by = {entry.user for entry in wiki.log.select(action="patrol")}
        assert by == {"Ann", "Ben"}
        assert user_sessions(tool) == 2


@on_every_database
class TestCancel:
    def test_nobody_is_signed_in_and_can_try_again(self, wiki, tool, ann):
        """OAuth 2.0's Cancel comes back with an error and without state."""
        ann.press(SIGN_IN)
        ann.log_in_to_wiki(wiki)
        ann.press("Cancel")
        assert ann.place == "/oauth/callback"
        assert "error=" in ann.driver.current_url
        assert ann.heading == "You are not signed in"
        assert ann.sees("You did not allow the access")
        ann.look("django-cancelled")
        assert "pwb_oauth" not in ann.cookies()
        assert user_sessions(tool) == 0
        ann.open(tool.url)
        ann.press(SIGN_IN)
        ann.press("Allow")
        assert ann.sees("Signed in as Ann")


@on_every_database
class TestTwoTabs:
    def test_both_tabs_come_back_signed_in(self, wiki, tool, ann):
        """Two logins that overlap in one browser: the later one counts, in both tabs."""
        ann.press(SIGN_IN)
        ann.log_in_to_wiki(wiki)
        first = ann.new_tab(tool.url)
        ann.press(SIGN_IN)
        second = ann.driver.current_window_handle
        ann.press("Allow")
        assert ann.sees("Signed in as Ann")
        ann.to_tab(first)
        ann.press("Allow")
        assert ann.sees("Signed in as Ann")
        assert user_sessions(tool) == 1
        ann.press(PATROL, within="Comet")
        assert ann.sees("Comet is patrolled.")
        ann.to_tab(second)
        ann.open(tool.url)
        ann.press(PATROL, within="Solar eclipse")
        assert ann.sees("Solar eclipse is patrolled.")
        assert credited(wiki) == {"Comet": "Ann", "Solar eclipse": "Ann"}


@on_every_database
class TestLogout:
    def test_neither_back_button_nor_old_cookies_open_anything(self, wiki, tool, ann):
        """What was on the screen is asked for anew, and buttons in an old tab do nothing."""
        sign_in(ann, tool)
        ann.press("Comet")
        assert ann.driver.current_url.startswith(wiki.url)
        reading_on_the_wiki = ann.new_tab(tool.url)
        left_open = ann.new_tab(tool.url)
        old, given_out = ann.cookies(), tokens_of(tool)
        assert {"pwb_oauth", "sessionid"} <= set(old)
        ann.press("Log out")
        assert ann.heading == "A second look at recent edits"
        ann.look("django-logged-out")
        assert user_sessions(tool) == 0
        assert not {"pwb_oauth", "sessionid"} & set(ann.cookies())
        assert [token.revoked for token in given_out] == [True]
        ann.driver.back()
        assert ann.heading == "A second look at recent edits"
        ann.to_tab(reading_on_the_wiki)
        ann.driver.back()
        assert ann.heading == "A second look at recent edits"
        for cookie in old.values():
            ann.driver.add_cookie(cookie)
        ann.open(tool.url)
        assert ann.heading == "A second look at recent edits"
        ann.to_tab(left_open)
        ann.press(PATROL, within="Comet")
        assert ann.heading == "Sign in"
        assert credited(wiki) == {}


@on_sqlite
class TestProblems:
    """What goes wrong becomes a page that says what to do."""

    def test_access_withdrawn_between_two_clicks(self, wiki, tool, ann):
        """On the wiki's own page; the visitor can sign in anew."""
        sign_in(ann, tool)
        wiki.revoke("Ann")
        ann.press(PATROL, within="Comet")
        assert ann.heading == "Please sign in again"
        ann.look("django-withdrawn")
        ann.press("Sign in")
        ann.look("django-sign-in-again")
        ann.press(SIGN_IN)
        ann.press("Allow")
        ann.press(PATROL, within="Comet")
        assert credited(wiki) == {"Comet": "Ann"}

    def test_wiki_that_is_down(self, wiki, tool, ann):
        """The list is there again as soon as the wiki is."""
        sign_in(ann, tool)
        wiki.fail_next("503", action="patrol", count=2)
        ann.press(PATROL, within="Comet")
        assert ann.heading == "The wiki cannot be reached"
        ann.look("django-wiki-down")
        ann.press("Back to the list")
        assert ann.heading == "Edits to review"

    def test_callback_without_having_left(self, tool, ann):
        """An address that somebody sent, or a bookmark."""
        ann.open(f"{tool.consumer.callback_url}?code=x&state=y")
        assert ann.heading == "This sign-in was not begun here"
        ann.look("django-astray")

    def test_blocked_account(self, wiki, tool, ann, monkeypatch):
        """The wiki's word for it is not shown as a failure of the tool."""
        sign_in(ann, tool)
        monkeypatch.setattr(wiki.users["Ann"], "block", None)
        wiki.block("Ann", reason="A test")
        ann.press(PATROL, within="Comet")
        assert ann.heading == "Your account may not do this"
        ann.look("django-blocked")
        assert credited(wiki) == {}

    def test_consumer_that_was_disabled(self, wiki, tool, ann):
        """Nobody can sign in, nobody has to try, and everybody can leave."""
        sign_in(ann, tool)
        wiki.disable(tool.consumer)
        try:
            ann.open(tool.url)
            assert ann.heading == "Signing in does not work at the moment"
            ann.look("django-disabled")
            ann.press("Log out")
            assert user_sessions(tool) == 0
        finally:
            wiki.set_consumer_state(tool.consumer.key, "approved")

    def test_account_that_may_not_patrol(self, wiki, tool, ann):
        """The list would be of no use."""
        ann.name = "Alice"
        try:
            sign_in(ann, tool)
        finally:
            ann.name = "Ann"
        assert ann.sees("Your account may not patrol")
        ann.look("django-no-right")


class TestOAuth1:
    @pytest.fixture
    def tool(self, tmp_path):
        """The same tool with a consumer of the older protocol."""
        with SandboxWiki() as wiki:
            wiki.add_user("Ann", groups=["patroller"])
            with django_review(wiki, tmp_path, oauth_version="1.0a") as tool:
                yield tool

    def test_cancel_stays_on_the_wiki_and_the_next_try_works(self, wiki, tool, ann):
        """The wiki says by itself that the access was not allowed."""
        ann.press(SIGN_IN)
        ann.log_in_to_wiki(wiki)
        ann.press("Cancel")
        assert ann.driver.current_url.startswith(wiki.url)
        assert ann.sees("You have chosen not to allow")
        ann.look("wiki-cancelled-oauth1")
        ann.open(tool.url)
        ann.press(SIGN_IN)
        ann.press("Allow")
        ann.press(PATROL, within="Comet")
        assert credited(wiki) == {"Comet": "Ann"}


class TestPlainPages:
    """Those of a tool without templates of its own."""

    @pytest.fixture
    def wiki(self):
        with SandboxWiki() as wiki:
            yield wiki

    @pytest.fixture
    def callback(self, site):
        server = make_server("127.0.0.1", 0, get_wsgi_application(), threaded=True)
        callback = f"http://localhost:{server.port}/oauth/callback"
        site(callback)
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield callback
        server.shutdown()
        thread.join()
        server.server_close()

    def test_what_goes_wrong_leads_to_the_sign_in(self, callback, browsers):
        """From an address that somebody sent to the wiki."""
        ben = browsers["Ben"]
        ben.start_afresh(f"{callback}?code=x&state=y")
        assert ben.heading == "This sign-in was not begun here"
        ben.look("django-plain-astray")
        ben.press("Sign in")
        assert ben.heading == "Sign in"
        ben.look("django-plain-sign-in")
        ben.press(SIGN_IN)
        assert ben.heading == "Log in"
