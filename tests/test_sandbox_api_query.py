"""What the sandbox wiki's ``action=query`` finds, and how it comes in parts."""

from __future__ import annotations

import pytest

from sandbox_api import Api, signed_in

BOT = "BotOwner"


@pytest.fixture
def api(wiki) -> Api:
    return Api(wiki)


@pytest.fixture
def bot_api(wiki) -> Api:
    return signed_in(wiki, BOT)


def in_parts(api: Api, **params) -> list[dict]:
    """Every part of a query, following ``continue``."""
    parts, more = [], {}
    while True:
        answer = api("query", **{**params, **more})
        parts.append(answer)
        if "continue" not in answer:
            return parts
        assert len(parts) < 20
        more = answer["continue"]


class TestTitles:
    @pytest.mark.parametrize(
        ("typed", "found"),
        [
            ("sandbox", "Sandbox"),
            ("_Sandbox__#part", "Sandbox"),
            ("project:OAuth_tests", "SandboxWiki:OAuth tests"),
            (":user talk: alice", "User talk:Alice"),
            ("image:x.png", "File:X.png"),
        ],
    )
    def test_typed_title_is_normalized(self, api, typed, found):
        """Spaces, case, namespace aliases and fragments come out in one form."""
        query = api("query", titles=typed)["query"]
        assert query["normalized"] == [{"fromencoded": False, "from": typed, "to": found}]
        assert query["pages"][0]["title"] == found

    @pytest.mark.parametrize("typed", ["A[B]", "A%41", "User:", "x" * 256])
    def test_impossible_title_is_invalid(self, api, typed):
        """A title that cannot be is shown with the reason."""
        page = api("query", titles=typed)["query"]["pages"][0]
        assert page["invalid"] is True
        assert page["invalidreason"].startswith("The requested page title")

    def test_redirects_are_followed_on_request(self, bot_api):
        """The target stands in the place of the redirect."""
        bot_api.write("edit", title="R", text="#REDIRECT [[sandbox]]")
        plain = bot_api("query", titles="R", prop="info")["query"]
        assert plain["pages"][0]["redirect"] is True
        followed = bot_api("query", titles="R", redirects="1")["query"]
        assert followed["redirects"] == [{"from": "R", "to": "Sandbox"}]
        assert followed["pages"][0]["title"] == "Sandbox"

    def test_numbers_find_pages_and_revisions(self, wiki, api):
        """Unknown numbers are named as such."""
        page = wiki.pages["Sandbox"]
        found = api("query", pageids=f"{page.id}|999")["query"]["pages"]
        assert found == [
            {"pageid": page.id, "ns": 0, "title": "Sandbox"},
            {"pageid": 999, "missing": True},
        ]
        revid = page.latest.revid
        query = api("query", revids=f"{revid}|999", prop="revisions")["query"]
        assert query["pages"][0]["revisions"][0]["revid"] == revid
        assert query["badrevids"] == {"999": {"revid": 999, "missing": True}}


class TestInfo:
    def test_rights_of_the_caller_decide_testactions(self, wiki, bot_api):
        """What this request may do to the page, not what the account may."""
        answer = bot_api("query", prop="info", titles="Protected", intestactions="edit|read")
        assert answer["query"]["pages"][0]["actions"] == {"edit": False, "read": True}

    def test_extras_are_added(self, wiki, bot_api):
        """Protection, talk page, URLs and the watchlist."""
        bot_api.write("edit", title="Talk:Protected", text="talk")
        page = bot_api("query", prop="info", titles="Protected", inprop="protection|talkid|url")[
            "query"
        ]["pages"][0]
        assert page["talkid"] == wiki.pages["Talk:Protected"].id
        assert page["fullurl"] == f"{wiki.url}/wiki/Protected"
        assert {"type": "edit", "level": "sysop", "expiry": "infinity"} in page["protection"]
        assert page["restrictiontypes"] == ["edit", "move"]


class TestRevisions:
    def test_history_comes_in_parts(self, bot_api):
        """``rvcontinue`` leads through the whole history, each revision once."""
        for number in range(3):
            bot_api.write("edit", title="Sandbox", text=f"text {number}", summary=str(number))
        parts = in_parts(bot_api, prop="revisions", titles="Sandbox", rvlimit="2", rvprop="comment")
        comments = [
            revision["comment"]
            for part in parts
            for revision in part["query"]["pages"][0]["revisions"]
        ]
        assert comments[:3] == ["2", "1", "0"]
        assert len(comments) == 4
        assert "batchcomplete" not in parts[0]
        assert parts[-1]["batchcomplete"] is True

    def test_history_of_two_pages_is_refused(self, api):
        """A limit is for one page."""
        code = api.error("query", prop="revisions", titles="Sandbox|Main Page", rvlimit="1")
        assert code == "invalidparammix"

    def test_old_format_is_warned_about(self, api):
        """Without ``rvslots`` the text stands beside the rest."""
        answer = api("query", prop="revisions", titles="Sandbox", rvprop="content")
        revision = answer["query"]["pages"][0]["revisions"][0]
        assert revision["contentformat"] == "text/x-wiki"
        assert "legacy format" in answer["warnings"]["revisions"]["warnings"]

    def test_summary_is_parsed(self, bot_api):
        """Links in a summary become HTML, and nothing else does."""
        bot_api.write("edit", title="Sandbox", text="x", summary="<b> [[Sandbox]] [[No|page]]")
        answer = bot_api("query", prop="revisions", titles="Sandbox", rvprop="parsedcomment")
        assert answer["query"]["pages"][0]["revisions"][0]["parsedcomment"] == (
            '&lt;b&gt; <a href="/wiki/Sandbox" title="Sandbox">Sandbox</a>'
            ' <a href="/w/index.php?title=No&amp;action=edit&amp;redlink=1" class="new"'
            ' title="No (page does not exist)">page</a>'
        )


class TestLists:
    def test_allpages_comes_in_parts_as_list_and_as_generator(self, wiki, api):
        """Both ways give every page of the namespace once, in order."""
        expected = sorted(page.title for page in wiki.pages.values() if page.ns == 0)
        parts = in_parts(api, list="allpages", aplimit="1")
        assert [part["query"]["allpages"][0]["title"] for part in parts] == expected
        assert parts[0]["continue"]["continue"] == "-||"
        parts = in_parts(api, generator="allpages", gaplimit="1", prop="info")
        assert [part["query"]["pages"][0]["title"] for part in parts] == expected
        assert parts[0]["continue"]["continue"] == "gapcontinue||"
        assert all("lastrevid" in part["query"]["pages"][0] for part in parts)

    def test_generator_and_property_both_come_in_parts(self, bot_api):
        """The property is finished for a batch before the generator goes on."""
        for name in ("P1", "P2"):
            bot_api.write("edit", title=name, text="[[Sandbox]] [[Main Page]]")
        parts = in_parts(
            bot_api,
            generator="allpages",
            gaplimit="1",
            gapprefix="P",
            prop="links|info",
            pllimit="1",
        )
        found = [
            (page["title"], link["title"])
            for part in parts
            for page in part["query"]["pages"]
            for link in page.get("links", [])
        ]
        assert found == [
            ("P1", "Main Page"),
            ("P1", "Sandbox"),
            ("P2", "Main Page"),
            ("P2", "Sandbox"),
        ]
        described = ["lastrevid" in part["query"]["pages"][0] for part in parts]
        assert described == [True, False, True, False, True]  # the last is Protected

    def test_category_lists_its_members_by_kind(self, bot_api):
        """Subcategories and pages are told apart, and counted."""
        bot_api.write("edit", title="In it", text="[[Category:C]] [[:Category:D]]")
        bot_api.write("edit", title="Category:Sub", text="[[category:c]]")
        members = bot_api("query", list="categorymembers", cmtitle="Category:C", cmtype="page")
        assert [each["title"] for each in members["query"]["categorymembers"]] == ["In it"]
        info = bot_api("query", prop="categoryinfo", titles="Category:C")["query"]["pages"][0]
        assert (info["categoryinfo"]["pages"], info["categoryinfo"]["subcats"]) == (1, 1)
        both = bot_api("query", prop="categories", titles="In it|Category:Sub")["query"]["pages"]
        assert all(page["categories"] == [{"ns": 14, "title": "Category:C"}] for page in both)

    def test_recent_changes_hide_patrol_flags_from_most(self, api):
        """Who may not patrol may not ask what is patrolled."""
        assert api.error("query", list="recentchanges", rcshow="!patrolled") == "permissiondenied"

    def test_recent_changes_are_filtered(self, wiki, bot_api):
        """By user, kind and flags."""
        bot_api.write("edit", title="New one", text="x", bot="1", minor="1", summary="mine")
        shown = bot_api("query", list="recentchanges", rcuser=BOT, rcprop="title|flags|comment")
        assert shown["query"]["recentchanges"] == [
            {
                "type": "new",
                "ns": 0,
                "title": "New one",
                "bot": True,
                "new": True,
                "minor": True,
                "comment": "mine",
            }
        ]
        hidden = bot_api("query", list="recentchanges", rcuser=BOT, rcshow="!bot")
        assert hidden["query"]["recentchanges"] == []

    def test_users_are_described(self, wiki, api):
        """Known, unknown and impossible names."""
        users = api("query", list="users", ususers="botOwner|Nobody|A<b", usprop="groups")["query"][
            "users"
        ]
        assert users[0]["groups"] == ["bot", "*", "user", "autoconfirmed"]
        assert users[1] == {"name": "Nobody", "missing": True}
        assert users[2] == {"name": "A<b", "invalid": True}


class TestLogevents:
    @pytest.fixture
    def pat(self, wiki):
        """A patroller, who has patrolled the first three pages' changes."""
        wiki.add_user("Pat", groups=["patroller"])
        pat = signed_in(wiki, "Pat", ["basic", "patrol"])
        for rcid in ("1", "2", "3"):
            pat("patrol", rcid=rcid, token=pat.token("patrol"))
            wiki.clock.advance(60)
        return pat

    def test_patrol_is_credited_to_who_did_it(self, wiki, pat):
        """An entry has MediaWiki's shape, in its order."""
        page = wiki.pages["Sandbox"]
        pat("patrol", rcid="2", token=pat.token("patrol"))  # a second time is no second entry
        found = pat("query", list="logevents", letype="patrol", letitle="sandbox")["query"]
        [entry] = found["logevents"]
        order = "logid ns title pageid logpage params type action user timestamp comment"
        assert " ".join(entry) == order
        del entry["logid"], entry["timestamp"]
        assert entry == {
            "ns": 0,
            "title": "Sandbox",
            "pageid": page.id,
            "logpage": page.id,
            "params": {"curid": page.latest.revid, "previd": 0, "auto": False},
            "type": "patrol",
            "action": "patrol",
            "user": "Pat",
            "comment": "",
        }

    def test_newest_first_in_parts(self, pat):
        """``continue`` goes on where the last part ended, in either direction."""
        titles = [
            entry["title"]
            for part in in_parts(pat, list="logevents", lelimit="2")
            for entry in part["query"]["logevents"]
        ]
        assert titles == ["Protected", "Sandbox", "Main Page"]
        oldest = pat("query", list="logevents", lelimit="1", ledir="newer")["query"]["logevents"]
        assert [entry["title"] for entry in oldest] == ["Main Page"]

    @pytest.mark.parametrize(
        ("wanted", "titles"),
        [
            ({"leuser": "Pat", "leprefix": "S"}, ["Sandbox"]),
            ({"leuser": "Alice"}, []),
            ({"letype": "move"}, []),
            (
                {"leaction": "patrol/patrol", "letype": "move"},
                ["Protected", "Sandbox", "Main Page"],
            ),
            ({"leaction": "move/move"}, []),
            ({"lenamespace": "1"}, []),
            ({"letag": "none"}, []),
        ],
    )
    def test_events_are_filtered(self, pat, wanted, titles):
        """By log, action, user, page and tag."""
        found = pat("query", list="logevents", **wanted)["query"]["logevents"]
        assert [entry["title"] for entry in found] == titles

    def test_since_and_until_bound_the_list(self, wiki, pat):
        """``lestart`` and ``leend`` change their sides with the direction."""
        middle = f"{wiki._state.log_events[1].timestamp:%Y-%m-%dT%H:%M:%SZ}"
        for bounds, titles in (
            ({"lestart": middle}, ["Sandbox", "Main Page"]),
            ({"leend": middle}, ["Protected", "Sandbox"]),
            ({"lestart": middle, "ledir": "newer"}, ["Sandbox", "Protected"]),
        ):
            found = pat("query", list="logevents", **bounds)["query"]["logevents"]
            assert [entry["title"] for entry in found] == titles

    def test_wrong_questions_are_refused(self, pat):
        """Two places at once, and a title that cannot be one."""
        both = pat.error("query", list="logevents", letitle="A", leprefix="B")
        assert both == "invalidparammix"
        assert pat.error("query", list="logevents", letitle="A<b") == "invalidtitle"


class TestUserinfo:
    def test_rights_are_those_of_the_grants(self, wiki):
        """A narrow consumer sees few rights, and no e-mail address."""
        api = signed_in(wiki, BOT, ["basic"])
        info = api("query", meta="userinfo", uiprop="rights|email|groups")["query"]["userinfo"]
        assert "edit" not in info["rights"]
        assert "email" not in info
        assert "bot" in info["groups"]

    def test_block_is_shown(self, wiki):
        """A blocked account sees by whom and why."""
        api = signed_in(wiki, "Alice")
        wiki.block("Alice", reason="tired")
        info = api("query", meta="userinfo", uiprop="blockinfo")["query"]["userinfo"]
        assert (info["blockedby"], info["blockreason"]) == ("Admin", "tired")


class TestSiteinfo:
    def test_numbers_follow_what_happens(self, wiki, bot_api):
        """A new page counts as page, edit and, with a link in it, article."""
        before = bot_api("query", meta="siteinfo", siprop="statistics")["query"]["statistics"]
        bot_api.write("edit", title="Article", text="[[Sandbox]]")
        after = bot_api("query", meta="siteinfo", siprop="statistics")["query"]["statistics"]
        grown = {name for name in before if after[name] == before[name] + 1}
        assert grown == {"pages", "edits", "articles"}

    def test_general_tells_where_the_wiki_is(self, wiki, api):
        """Server, paths and version are this wiki's."""
        general = api("query", meta="siteinfo")["query"]["general"]
        assert general["server"] == wiki.url
        assert general["generator"] == "MediaWiki 1.43.9"

    def test_every_property_is_there(self, api):
        """``siprop=*`` has all that the table names, in version 1 too."""
        new = api("query", meta="siteinfo", siprop="*")["query"]
        old = api("query", meta="siteinfo", siprop="*", formatversion="1")["query"]
        assert new.keys() == old.keys()
        assert old["namespaces"]["1"]["*"] == new["namespaces"]["1"]["name"] == "Talk"


class TestMessages:
    def test_message_has_its_text_or_is_missing(self, wiki):
        """Pywikibot's scripts join lists with the wiki's own comma."""
        answer = Api(wiki)("query", meta="allmessages", ammessages="comma-separator|May|nosuch")
        assert answer["query"]["allmessages"] == [
            {"name": "comma-separator", "normalizedname": "comma-separator", "content": ", "},
            {"name": "May", "normalizedname": "may", "content": "May"},
            {"name": "nosuch", "normalizedname": "nosuch", "missing": True},
        ]

    def test_page_in_the_namespace_mediawiki_changes_a_message(self, wiki):
        """As an administrator does it."""
        wiki.add_page("MediaWiki:Comma-separator", "、")
        answer = Api(wiki)("query", meta="allmessages", ammessages="comma-separator")
        assert answer["query"]["allmessages"][0]["content"] == "、"

    def test_without_names_all_are_told(self, wiki):
        """There are few."""
        names = [
            each["name"] for each in Api(wiki)("query", meta="allmessages")["query"]["allmessages"]
        ]
        assert {"comma-separator", "january", "jan", "may_long"} <= set(names)
