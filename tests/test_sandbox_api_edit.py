"""Changes to pages of the sandbox wiki: who may, whose they are, what is refused."""

from __future__ import annotations

import hashlib

import pytest

from pwb_oauth.testing.sandbox.model import Protection
from sandbox_api import FEW_GRANTS, Api, signed_in

BOT = "BotOwner"


@pytest.fixture
def api(wiki) -> Api:
    return signed_in(wiki, BOT)


def code_of(answer: dict) -> str:
    return answer["error"]["code"]


class TestEdit:
    def test_edit_is_by_the_token_s_user(self, wiki, api):
        """The revision's author is the account, and an owner-only consumer leaves no tag."""
        answer = api.write("edit", title="sandbox", text="new \r\ntext \n", summary="s", bot="1")
        latest = wiki.pages["Sandbox"].latest
        assert answer["edit"]["newrevid"] == latest.revid
        assert (latest.user, latest.comment, latest.tags) == (BOT, "s", [])
        assert latest.text == "new \ntext"

    def test_anonymous_edit_is_by_the_address(self, wiki):
        """Without a credential the author is the IP address, and a session starts."""
        anonymous = Api(wiki)
        reply = anonymous.reply(action="edit", title="Sandbox", text="x", token="+\\")
        assert reply.json()["edit"]["result"] == "Success"
        assert wiki.pages["Sandbox"].latest.user == "127.0.0.1"
        assert {cookie.name.rpartition("_")[2] for cookie in reply.cookies} == {"UseDC", "session"}

    def test_same_text_changes_nothing(self, wiki, api):
        """A null edit makes no revision and no recent change."""
        old = wiki.pages["Sandbox"].latest
        answer = api.write("edit", title="Sandbox", text=old.text)
        assert answer["edit"]["nochange"] is True
        assert wiki.pages["Sandbox"].latest is old

    @pytest.mark.parametrize(
        ("params", "code"),
        [
            ({"text": "x"}, "missingparam"),
            ({"title": "Sandbox"}, "missingparam"),
            ({"title": "A[B]", "text": "x"}, "invalidtitle"),
            ({"pageid": "999", "text": "x"}, "nosuchpageid"),
            ({"title": "Sandbox", "text": "x", "createonly": "1"}, "articleexists"),
            ({"title": "Nowhere", "text": "x", "nocreate": "1"}, "missingtitle"),
            ({"title": "Nowhere", "text": ""}, "emptypage"),
            ({"title": "Protected", "text": "x"}, "protectedpage"),
            ({"title": "MediaWiki:X", "text": "x"}, "protectednamespace-interface"),
            ({"title": "Sandbox", "text": "x", "md5": "0"}, "badmd5"),
            ({"title": "Sandbox", "text": "x", "section": "9"}, "nosuchsection"),
            ({"title": "Sandbox", "text": "x", "section": "x"}, "invalidsection"),
            ({"title": "Sandbox", "undo": "999"}, "nosuchrevid"),
            ({"title": "Sandbox", "text": "x", "tags": "mine"}, "badtags"),
        ],
    )
    def test_what_cannot_be_saved_is_refused(self, wiki, api, params, code):
        """Each refusal has MediaWiki's code, and nothing is saved."""
        before = sum(len(page.revisions) for page in wiki.pages.values())
        assert code_of(api.write("edit", **params)) == code
        assert sum(len(page.revisions) for page in wiki.pages.values()) == before

    def test_right_hash_is_accepted(self, wiki, api):
        """``md5`` guards the text on its way."""
        digest = hashlib.md5(b"guarded", usedforsecurity=False).hexdigest()
        api.write("edit", title="Sandbox", text="guarded", md5=digest)
        assert wiki.pages["Sandbox"].latest.text == "guarded"

    def test_parts_of_a_page_are_edited(self, wiki, api):
        """Sections, and texts before and after."""
        api.write("edit", title="S", text="top\n\n== A ==\na\n\n=== A1 ===\na1\n\n== B ==\nb")
        api.write("edit", title="S", section="1", text="== A ==\nnew")
        assert wiki.pages["S"].latest.text == "top\n\n== A ==\nnew\n\n== B ==\nb"
        api.write("edit", title="S", section="new", sectiontitle="C", text="c")
        assert wiki.pages["S"].latest.text.endswith("b\n\n== C ==\n\nc")
        api.write("edit", title="S", section="0", text="TOP")
        api.write("edit", title="S", appendtext="\nend", prependtext="start\n")
        assert wiki.pages["S"].latest.text.startswith("start\nTOP\n\n== A ==")
        assert wiki.pages["S"].latest.text.endswith("c\nend")

    def test_undo_brings_the_text_before_back(self, wiki, api):
        """The last revision can be undone, an older one that was built upon cannot."""
        old = wiki.pages["Sandbox"].latest.text
        first = api.write("edit", title="Sandbox", text="one")["edit"]["newrevid"]
        second = api.write("edit", title="Sandbox", text="two")["edit"]["newrevid"]
        assert code_of(api.write("edit", title="Sandbox", undo=first)) == "undofailure"
        api.write(
            "edit", title="Sandbox", undo=second, undoafter=wiki.pages["Sandbox"].revisions[0].revid
        )
        assert wiki.pages["Sandbox"].latest.text == old

    def test_somebody_else_s_newer_edit_is_a_conflict_one_s_own_is_not(self, wiki, api):
        """Nobody is in conflict with themselves."""
        base = f"{wiki.clock.now:%Y-%m-%dT%H:%M:%SZ}"
        wiki.clock.advance(5)
        api.write("edit", title="Sandbox", text="mine")
        assert "edit" in api.write("edit", title="Sandbox", text="mine 2", basetimestamp=base)
        Api(wiki).write("edit", title="Sandbox", text="theirs")
        answer = api.write("edit", title="Sandbox", text="mine 3", basetimestamp=base)
        assert code_of(answer) == "editconflict"
        assert wiki.pages["Sandbox"].latest.text == "theirs"

    def test_page_deleted_meanwhile_needs_recreate(self, wiki, api):
        """A page that was deleted after the edit began does not come back by accident."""
        start = f"{wiki.clock.now:%Y-%m-%dT%H:%M:%SZ}"
        wiki.clock.advance(5)
        signed_in(wiki, "Admin", ["basic", "delete"]).write("delete", title="Sandbox")
        wanted = {"title": "Sandbox", "text": "x", "starttimestamp": start}
        assert code_of(api.write("edit", **wanted)) == "pagedeleted"
        assert api.write("edit", **wanted, recreate="1")["edit"]["new"] is True

    def test_grants_limit_what_the_account_may(self, wiki):
        """Without the grant an edit is refused, however many rights the account has."""
        narrow = signed_in(wiki, "Admin", ["basic"])
        assert code_of(narrow.write("edit", title="Sandbox", text="x")) == "permissiondenied"
        no_create = signed_in(wiki, "Admin", ["basic", "editpage"])
        assert code_of(no_create.write("edit", title="Nowhere", text="x")) == "cantcreate"

    def test_administrator_edits_a_protected_page_only_with_the_grant(self, wiki):
        """Protection gives way to the right, and the right to the grant."""
        without = signed_in(wiki, "Admin", FEW_GRANTS)
        assert code_of(without.write("edit", title="Protected", text="x")) == "protectedpage"
        with_grant = signed_in(wiki, "Admin", ["basic", "editprotected"])
        assert "edit" in with_grant.write("edit", title="Protected", text="x")

    def test_blocked_account_is_told_so(self, wiki, api):
        """A blocked account's edit is refused with the block's data."""
        wiki.block(BOT, reason="tired")
        error = api.write("edit", title="Sandbox", text="x")["error"]
        assert (error["code"], error["blockinfo"]["blockreason"]) == ("blocked", "tired")

    def test_redirect_is_followed_on_request(self, wiki, api):
        """``redirect`` edits the target."""
        api.write("edit", title="R", text="#REDIRECT [[Sandbox]]")
        answer = api.write("edit", title="R", text="through", redirect="1")["edit"]
        assert answer["redirects"] == [{"from": "R", "to": "Sandbox"}]
        assert wiki.pages["Sandbox"].latest.text == "through"


class TestMove:
    def test_page_goes_with_talk_page_and_subpages(self, wiki, api):
        """Everything that belongs to a page moves, and redirects stay unless unwanted."""
        for title in ("Talk:Sandbox", "User:BotOwner", "User:BotOwner/Sub"):
            api.write("edit", title=title, text="x")
        moved = api.write("move", **{"from": "Sandbox", "to": "New", "movetalk": "1"})["move"]
        assert moved["talkto"] == "Talk:New"
        assert wiki.pages["Sandbox"].latest.text == "#REDIRECT [[New]]"
        names = {"from": "User:BotOwner", "to": "User:Other", "movesubpages": "1"}
        moved = api.write("move", **names, noredirect="1")["move"]
        assert moved["subpages"] == [{"from": "User:BotOwner/Sub", "to": "User:Other/Sub"}]
        assert "User:BotOwner/Sub" not in wiki.pages

    def test_move_back_over_the_redirect_is_possible(self, wiki, api):
        """A redirect without a history of its own gives way."""
        api.write("move", **{"from": "Sandbox", "to": "New"})
        assert "move" in api.write("move", **{"from": "New", "to": "Sandbox"})
        assert len(wiki.pages["Sandbox"].revisions) == 3

    @pytest.mark.parametrize(
        ("source", "target", "code"),
        [
            ("Nowhere", "X", "missingtitle"),
            ("Sandbox", "Main Page", "articleexists"),
            ("Sandbox", "sandbox", "selfmove"),
            ("Sandbox", "A[B", "invalidtitle"),
            ("Protected", "X", "protectedpage"),
        ],
    )
    def test_impossible_move_is_refused(self, api, source, target, code):
        """Each refusal has MediaWiki's code."""
        assert code_of(api.write("move", **{"from": source, "to": target})) == code

    def test_page_that_may_not_be_edited_may_not_be_moved(self, wiki, api):
        """Protection against edits alone is in the way, too."""
        wiki.pages["Sandbox"].protection["edit"] = Protection("sysop")
        answer = api.write("move", **{"from": "Sandbox", "to": "X"})
        assert code_of(answer) == "protectedpage"

    def test_without_the_grant_every_reason_is_named(self, wiki):
        """The header lists all codes, the reply the first."""
        narrow = signed_in(wiki, BOT, ["basic"])
        names = {"from": "Sandbox", "to": "X", "token": narrow.token()}
        reply = narrow.reply(action="move", **names)
        assert reply.headers["MediaWiki-API-Error"] == "cantmove, permissiondenied, cantcreate"
        assert code_of(reply.json()) == "cantmove"


class TestDelete:
    def test_only_who_may_deletes(self, wiki, api):
        """A bot may not, an administrator with the grant may."""
        assert code_of(api.write("delete", title="Sandbox")) == "permissiondenied"
        admin = signed_in(wiki, "Admin", ["basic", "delete"])
        answer = admin.write("delete", title="Sandbox")["delete"]
        assert answer["reason"].startswith('content was: "')
        assert "Sandbox" not in wiki.pages
        assert code_of(admin.write("delete", title="Sandbox")) == "missingtitle"


class TestRollback:
    def test_last_user_s_edits_are_taken_back(self, wiki):
        """All edits of the last user go, unless there is nobody before or somebody after."""
        old = wiki.pages["Sandbox"].latest
        for text in ("one", "two"):
            Api(wiki).write("edit", title="Sandbox", text=text)
        admin = signed_in(wiki, "Admin", ["basic", "editpage", "rollback"])
        token = admin.token("rollback")
        wrong = admin("rollback", title="Sandbox", user="Alice", token=token)
        assert code_of(wrong) == "alreadyrolled"
        done = admin("rollback", title="Sandbox", user="127.0.0.1", token=token)["rollback"]
        assert done["last_revid"] == old.revid
        assert wiki.pages["Sandbox"].latest.text == old.text
        bot = signed_in(wiki, BOT)
        refused = bot("rollback", title="Sandbox", user="Admin", token=bot.token("rollback"))
        assert code_of(refused) == "permissiondenied"
        only = admin("rollback", title="Main Page", user="Admin", token=token)
        assert code_of(only) == "onlyauthor"


class TestPatrol:
    def test_one_s_own_change_needs_autopatrol(self, wiki):
        """Who may patrol but is not trusted with their own edits is told so."""
        wiki.add_user("Pat", groups=["patroller"])
        pat = signed_in(wiki, "Pat", ["patrol", "editpage", "basic"])
        token = pat.token("patrol")
        revid = Api(wiki).write("edit", title="Sandbox", text="x")["edit"]["newrevid"]
        assert pat("patrol", revid=revid, token=token)["patrol"]["title"] == "Sandbox"
        assert code_of(pat("patrol", rcid="999", token=token)) == "nosuchrcid"
        assert code_of(pat("patrol", token=token)) == "missingparam"
        own = pat.write("edit", title="Sandbox", text="mine")["edit"]["newrevid"]
        assert "patrol" in pat("patrol", revid=own, token=token)
        wiki._state.groups["patroller"] = ["patrol"]
        assert code_of(pat("patrol", revid=own, token=token)) == "noautopatrol"

    def test_without_the_right_nothing_is_marked(self, api):
        """A bot is no patroller."""
        answer = api("patrol", rcid="1", token=api.token("patrol"))
        assert code_of(answer) == "permissiondenied"

    def test_blocked_account_marks_nothing(self, wiki):
        """Patrolling is a write like any other."""
        wiki.add_user("Pat", groups=["patroller"])
        pat = signed_in(wiki, "Pat", ["patrol", "basic"])
        wiki.block("Pat")
        assert code_of(pat("patrol", rcid="1", token=pat.token("patrol"))) == "blocked"
        assert wiki._state.recent_changes[0].patrolled == 0


class TestWatch:
    def test_preferences_put_edited_pages_on_the_watchlist(self, wiki):
        """An account that is no bot watches what it edits, if the grant lets it."""
        alice = signed_in(wiki, "Alice", [*FEW_GRANTS, "editmywatchlist"])
        assert alice.write("edit", title="Sandbox", text="x")["edit"]["watched"] is True
        assert wiki.users["Alice"].watchlist == {"Sandbox"}
        alice.write("edit", title="Sandbox", text="y", watchlist="unwatch")
        assert wiki.users["Alice"].watchlist == set()
        without = signed_in(wiki, "Alice")
        assert without.write("edit", title="Sandbox", text="z")["edit"]["watched"] is True
        assert wiki.users["Alice"].watchlist == set()

    def test_anonymous_and_grantless_callers_have_no_watchlist(self, wiki, api):
        """Both are told why."""
        anonymous = Api(wiki)
        assert code_of(anonymous("watch", titles="Sandbox", token="+\\")) == "notloggedin"
        refused = api("watch", titles="Sandbox", token=api.token("watch"))
        assert code_of(refused) == "permissiondenied"


class TestPurge:
    def test_pages_are_touched(self, wiki, api):
        """Purging is shown in ``touched``, missing pages are named."""
        wiki.clock.advance(60)
        answer = api("purge", titles="Sandbox|Nowhere")["purge"]
        assert {"ns": 0, "title": "Nowhere", "missing": True} in answer
        assert {"ns": 0, "title": "Sandbox", "purged": True} in answer
        page = wiki.pages["Sandbox"]
        assert page.touched > page.latest.timestamp
