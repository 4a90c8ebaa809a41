"""The review tool of the examples, as a program that runs, and its own parts."""

from __future__ import annotations

import sys
from dataclasses import astuple, replace
from secrets import token_hex

import pytest

from pwb_oauth.testing import SandboxWiki
from pwb_oauth.testing.sandbox import api_patrol
from sandbox_api import Api, signed_in
from web_examples import EXAMPLES, django_review
from web_visitor import Visitor

SIGN_IN = "Sign in with your wiki account"
PATROL = "Mark as patrolled"
MARKUP = "<script>alert(1)</script>"
EVIL_NAME = "<img src=x onerror=alert(1)>"


@pytest.fixture
def differences(monkeypatch):
    """The example's module of that name."""
    monkeypatch.syspath_prepend(str(EXAMPLES / "django_review"))
    from review import differences

    yield differences
    for name in [name for name in sys.modules if name.partition(".")[0] == "review"]:
        del sys.modules[name]


@pytest.fixture(scope="module")
def tool(tmp_path_factory):
    """One for all tests: it takes a while to start."""
    with SandboxWiki() as wiki:
        wiki.add_user("Ann", groups=["patroller"])
        with django_review(wiki, tmp_path_factory.mktemp("tool")) as tool:
            yield tool


@pytest.fixture
def wiki(tool, monkeypatch):
    """The tool's wiki, on which nothing has happened yet."""
    state = tool.wiki._state
    for name in ("recent_changes", "log_events"):
        monkeypatch.setattr(state, name, [])
    monkeypatch.setattr(state, "groups", dict(state.groups))
    tool.wiki.log.clear()
    return tool.wiki


@pytest.fixture
def edit(wiki):
    """Writes a page as Bob, and gives the revision's number."""
    bob = signed_in(wiki, "Bob")
    return lambda **what: bob.write("edit", **what)["edit"]["newrevid"]


@pytest.fixture
def visitor(tool, wiki):
    with Visitor("Ann", tool) as visitor:
        yield visitor


class TestDifference:
    def test_only_what_changed_is_shown(self, differences):
        """A changed line is a removed and an added one, with a line around, and gaps between."""
        old = "\n".join("abcdefghij")
        found = differences.compare(old, old.replace("b", "B").replace("i\n", ""))
        assert [astuple(line) for line in found.lines] == [
            ("same", "a"),
            ("removed", "b"),
            ("added", "B"),
            ("same", "c"),
            ("gap", ""),
            ("same", "h"),
            ("removed", "i"),
            ("same", "j"),
        ]
        assert found.left_out == 0

    def test_new_page_is_all_added(self, differences):
        """Nothing was there before."""
        found = differences.compare("", "x\n@@ y")
        assert [astuple(line) for line in found.lines] == [("added", "x"), ("added", "@@ y")]

    def test_long_difference_says_what_is_left_out(self, differences):
        """The page stays short, however much was written."""
        found = differences.compare("", "x\n" * (differences.MOST_LINES + 7))
        assert (len(found.lines), found.left_out) == (differences.MOST_LINES, 7)

    @pytest.mark.parametrize(("old", "new"), [(None, "x"), ("x", None), ("", "x" * 100_001)])
    def test_unknown_and_huge_texts_are_not_compared(self, differences, old, new):
        """The wiki shows them instead."""
        assert differences.compare(old, new) is None


class TestReview:
    def test_what_others_wrote_stays_text(self, edit, visitor):
        """Markup in texts, comments and titles is shown, never obeyed."""
        edit(title="A & \"B\" 'C'", text="<script>alert(1)</script>", summary="</q><img src=x>")
        visitor.sign_in(SIGN_IN)
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in visitor.text
        assert "&lt;/q&gt;&lt;img src=x&gt;" in visitor.text
        assert "A &amp; &quot;B&quot; &#x27;C&#x27;" in visitor.text
        assert "<script" not in visitor.text
        assert "<img" not in visitor.text

    def test_page_is_made_of_four_requests_however_long_it_is(self, wiki, edit, visitor):
        """Once the process knows the wiki: who is signed in, edits, texts, and the patrol log."""
        for number in range(8):
            edit(title=f"Page {number}", text="x")
        visitor.sign_in(SIGN_IN)
        before = len(wiki.log)
        assert visitor.open().ok
        asked = [entry.action for entry in list(wiki.log)[before:]]
        assert len(asked) <= 4, asked

    def test_patrol_is_the_visitor_s(self, wiki, edit, visitor):
        """The wiki's log credits who pressed the button, and the tool says so."""
        revid = edit(title="Comet", text=token_hex())
        visitor.sign_in(SIGN_IN)
        assert "1 edit on" in visitor.text
        visitor.press(PATROL, f"/patrol/{revid}")
        assert "Comet is patrolled." in visitor.text
        assert "Nothing is left to do" in visitor.text
        [event] = wiki._state.log_events
        assert (event.type, event.user, event.title) == ("patrol", "Ann", "Comet")

    def test_log_entries_are_no_edits(self, wiki, edit, visitor):
        """Recent changes hold what has no text to compare, too."""
        edit(title="Comet", text=token_hex())
        [change] = wiki._state.recent_changes
        wiki._state.recent_changes.append(replace(change, rcid=99, type="log", title="Logged"))
        visitor.sign_in(SIGN_IN)
        assert "Comet" in visitor.text
        assert "Logged" not in visitor.text

    def test_second_patrol_changes_nothing(self, wiki, edit, visitor):
        """Somebody else was faster: the log keeps naming them."""
        revid = edit(title="Comet", text=token_hex())
        visitor.sign_in(SIGN_IN)
        wiki.add_user("Pat", groups=["patroller"])
        pat = signed_in(wiki, "Pat", ["basic", "patrol"])
        pat("patrol", revid=revid, token=pat.token("patrol"))
        visitor.press(PATROL, f"/patrol/{revid}")
        assert [event.user for event in wiki._state.log_events] == ["Pat"]

    def test_refusal_of_the_wiki_is_told(self, wiki, edit, visitor):
        """Its reason is on the page, and the list goes on."""
        revid = edit(title="Comet", text=token_hex())
        visitor.sign_in(SIGN_IN)
        wiki._state.recent_changes = []
        visitor.press(PATROL, f"/patrol/{revid}")
        assert visitor.reply.ok
        assert "The wiki did not accept it" in visitor.text
        assert wiki._state.log_events == []

    def test_wiki_s_reason_has_markup_it_is_text(self, wiki, edit, visitor, monkeypatch):
        """Administrators of a wiki can change its texts, and so can who breaks in."""
        revid = edit(title="Comet", text=token_hex())
        visitor.sign_in(SIGN_IN)
        wiki._state.recent_changes = []
        refuse = api_patrol.refuse
        monkeypatch.setattr(api_patrol, "refuse", lambda *_: refuse("hookaborted", MARKUP))
        visitor.press(PATROL, f"/patrol/{revid}")
        assert (
            "The wiki did not accept it: &lt;script&gt;alert(1)&lt;/script&gt;</p>" in visitor.text
        )
        assert "<script" not in visitor.text

    def test_name_has_markup_it_is_text(self, wiki, edit, tool):
        """MediaWiki has no such names; a wiki that was broken into may answer with any."""
        # Without autopatrol, so that an own edit is listed.
        wiki._state.groups["patroller"] = ["patrol"]
        wiki.add_user(EVIL_NAME, groups=["patroller"])
        revid = edit(title="Comet", text=token_hex())
        evil = signed_in(wiki, EVIL_NAME, ["basic", "editpage", "createeditmovepage", "patrol"])
        evil("patrol", revid=revid, token=evil.token("patrol"))
        evil.write("edit", title="Mine", text=token_hex())
        with Visitor(EVIL_NAME, tool) as visitor:
            visitor.sign_in(SIGN_IN)
        name = "<bdi>&lt;img src=x onerror=alert(1)&gt;</bdi>"
        assert f"Signed in as <strong>{name}" in visitor.text
        assert f"by {name}" in visitor.text
        assert f"<strong>{name}</strong> (you)" in visitor.text
        assert "<img" not in visitor.text

    def test_blocked_account_is_told(self, wiki, edit, visitor, monkeypatch):
        """By pwb_oauth's own page, as for any tool."""
        revid = edit(title="Comet", text=token_hex())
        visitor.sign_in(SIGN_IN)
        monkeypatch.setattr(wiki.users["Ann"], "block", None)
        wiki.block("Ann")
        visitor.press(PATROL, f"/patrol/{revid}")
        assert visitor.reply.status_code == 403
        assert "Your account may not do this" in visitor.text

    def test_account_without_the_right_is_told(self, wiki, edit, tool):
        """The list would be of no use to it."""
        edit(title="Comet", text=token_hex())
        with Visitor("Alice", tool) as alice:
            alice.sign_in(SIGN_IN)
            before = len(wiki.log)
            alice.open()
            assert "may not patrol" in alice.text
            assert "Comet" not in alice.text
            # Who is signed in, and the patrol log.
            assert len(wiki.log) - before == 2

    def test_own_edit_has_no_button(self, wiki, visitor):
        """Who was not trusted with their own edits when they made it cannot patrol it."""
        wiki._state.groups["patroller"] = ["patrol"]
        ann = signed_in(wiki, "Ann")
        ann.write("edit", title="Mine", text="x")
        visitor.sign_in(SIGN_IN)
        assert "This edit is yours" in visitor.text
        assert PATROL not in visitor.text

    def test_patrolling_needs_a_form_and_a_signed_in_visitor(self, wiki, edit, tool, visitor):
        """A link does nothing; without a token of the page's nothing is sent on."""
        revid = edit(title="Comet", text=token_hex())
        assert visitor.open(f"/patrol/{revid}").status_code == 405
        assert visitor.session.post(f"{tool.url}/patrol/{revid}", timeout=30).status_code == 403
        visitor.open()
        token = {"X-CSRFToken": visitor.session.cookies["csrftoken"]}
        reply = visitor.session.post(f"{tool.url}/patrol/{revid}", headers=token, timeout=30)
        assert "<h1>Sign in</h1>" in reply.text
        visitor.sign_in(SIGN_IN)
        assert visitor.session.post(f"{tool.url}/patrol/{revid}", timeout=30).status_code == 403
        assert wiki.log.select(action="patrol") == []

    def test_pages_are_kept_by_nobody(self, tool, visitor):
        """Neither the list nor what a signed-out visitor sees."""
        for reply in (visitor.open(), visitor.sign_in(SIGN_IN).reply):
            assert "no-store" in reply.headers["Cache-Control"]

    def test_style_is_served(self, visitor):
        """One file, from this site."""
        assert "/static/review/style.css" in visitor.open().text
        assert visitor.open("/static/review/style.css").headers["Content-Type"] == "text/css"

    def test_anonymous_edit_is_named_by_its_address(self, wiki, visitor):
        """An edit without an account has an address for a name."""
        Api(wiki).write("edit", title="Comet", text=token_hex())
        assert "by <bdi>127.0.0.1</bdi>" in visitor.sign_in(SIGN_IN).text

    def test_log_of_the_server_holds_no_secret(self, tool, visitor):
        """The access log has each address, but of the callback's only the path."""
        visitor.sign_in(SIGN_IN)
        log = tool.log.read_text()
        assert "GET /oauth/callback" in log
        assert "code=" not in log
        secrets = [tool.consumer.secret, *visitor.session.cookies.values()]
        assert [secret for secret in secrets if secret in log] == []
