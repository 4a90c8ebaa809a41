"""People at real browsers, on the review tool of the examples and the sandbox wiki's own pages."""

from __future__ import annotations

import pytest

from browser import needs_browser, person
from sandbox_api import signed_in
from web_examples import NO_SERVER, URLS, django_review

SIGN_IN = "Sign in with your wiki account"
PATROL = "Mark as patrolled"
PLACES = [
    None,
    *(URLS or [pytest.param("", marks=pytest.mark.skip(reason=NO_SERVER))]),
]

pytestmark = needs_browser


@pytest.fixture
def wiki(sandbox_wiki):
    """With two patrollers, and two edits to look at by somebody else."""
    for name in ("Ann", "Ben"):
        sandbox_wiki.add_user(name, groups=["patroller"])
    sandbox_wiki._state.recent_changes.clear()
    bob = signed_in(sandbox_wiki, "Bob")
    for title, text in (("Solar eclipse", "The Sun behind the Moon."), ("Comet", "A tail of ice.")):
        bob.write("edit", title=title, text=text, summary=f"About the {title.lower()}")
    return sandbox_wiki


@pytest.fixture
def tool(wiki, tmp_path, request):
    with django_review(wiki, tmp_path, getattr(request, "param", None)) as tool:
        yield tool


@pytest.fixture
def ann(tool):
    with person("Ann") as ann:
        ann.open(tool.url)
        yield ann


@pytest.fixture
def ben(tool):
    """Ben's browser runs no scripts."""
    with person("Ben", scripts=False) as ben:
        ben.open(tool.url)
        yield ben


def sign_in(somebody, tool):
    """From the tool's first page to its list, through the wiki's own pages."""
    somebody.press(SIGN_IN)
    somebody.log_in_to_wiki(tool.wiki)
    somebody.press("Allow")
    assert somebody.sees(f"Signed in as {somebody.name}"), somebody.text


def credited(wiki):
    """Whom the wiki's own log credits which patrol to."""
    return {event.title: event.user for event in wiki._state.log_events if event.type == "patrol"}


def user_sessions(tool):
    return len(tool.database.rows("SELECT row_id FROM pwb_oauth_sealedusersession"))


@pytest.mark.parametrize("tool", PLACES, indirect=True)
class TestTwoPeople:
    def test_at_the_same_time_each_acts_as_themselves(self, wiki, tool, ann, ben):
        """Both are on the way at once; the wiki's log names who pressed the button."""
        for somebody in (ann, ben):
            assert somebody.heading == "A second look at recent edits"
            somebody.press(SIGN_IN)
            somebody.log_in_to_wiki(wiki)
            assert somebody.sees(f"Hi {somebody.name},")
            assert somebody.sees("Patrol desk needs permission")
            assert somebody.sees("Patrol changes to pages")
        for somebody in (ben, ann):
            somebody.press("Allow")
            assert somebody.sees(f"Signed in as {somebody.name}")
        ann.press(PATROL, within="Comet")
        assert ann.sees("Comet is patrolled.")
        ben.press(PATROL, within="Solar eclipse")
        assert ben.sees("Nothing is left to do")
        assert ben.sees("Ben (you) patrolled Solar eclipse")
        assert ben.sees("Ann patrolled Comet")
        assert credited(wiki) == {"Comet": "Ann", "Solar eclipse": "Ben"}
        by = {entry.user for entry in wiki.log.select(action="patrol")}
        assert by == {"Ann", "Ben"}
        assert user_sessions(tool) == 2


class TestCancel:
    def test_nobody_is_signed_in_and_can_try_again(self, wiki, tool, ann):
        """OAuth 2.0's Cancel comes back with an error and without state."""
        ann.press(SIGN_IN)
        ann.log_in_to_wiki(wiki)
        ann.press("Cancel")
        assert ann.place == "/oauth/callback"
        assert "error=" in ann.driver.current_url
        assert ann.sees("not allowed"), ann.text
        assert "pwb_oauth" not in ann.cookies()
        assert user_sessions(tool) == 0
        ann.open(tool.url)
        ann.press(SIGN_IN)
        ann.press("Allow")
        assert ann.sees("Signed in as Ann")


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


@pytest.mark.parametrize("tool", PLACES, indirect=True)
class TestLogout:
    def test_neither_back_button_nor_old_cookies_open_anything(self, wiki, tool, ann):
        """What was on the screen is asked for anew, and buttons in an old tab do nothing."""
        sign_in(ann, tool)
        old_tab = ann.new_tab(tool.url)
        old = ann.cookies()
        assert {"pwb_oauth", "sessionid"} <= set(old)
        ann.press("Log out")
        assert ann.heading == "A second look at recent edits"
        assert user_sessions(tool) == 0
        assert not {"pwb_oauth", "sessionid"} & set(ann.cookies())
        ann.driver.back()
        assert not ann.sees("Signed in as"), ann.text
        assert not ann.sees("Solar eclipse")
        for cookie in old.values():
            ann.driver.add_cookie(cookie)
        ann.open(tool.url)
        assert ann.heading == "A second look at recent edits"
        ann.to_tab(old_tab)
        ann.press(PATROL, within="Comet")
        assert not ann.sees("Comet is patrolled.")
        assert credited(wiki) == {}
        wiki_tokens = [token for token in wiki._state.access_tokens.values() if token.user_id]
        assert not [token for token in wiki_tokens if not token.revoked]
