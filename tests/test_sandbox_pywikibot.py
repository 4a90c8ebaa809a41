"""Stock Pywikibot, in a process of its own, works on the sandbox wiki as on any other."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from sandbox_stock import BOT, StockPywikibot

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def stock(wiki, tmp_path: Path) -> StockPywikibot:
    return StockPywikibot(wiki, tmp_path / "pywikibot")


EDIT = """
said['before'] = site.userinfo['name']
site.login()
said['name'] = site.userinfo['name']
said['logged_in'] = site.logged_in()
page = pywikibot.Page(site, 'Sandbox')
page.text += '\\nby Pywikibot'
page.save('a summary')
said['author'] = page.latest_revision.user
try:
    site.logout()
except pywikibot.exceptions.APIError as error:
    said['logout'] = error.code
said['after'] = site.userinfo['name']
"""


class TestSignIn:
    def test_password_file_signs_in_edits_and_out(self, wiki, stock):
        """A password goes through clientlogin; the edit is the account's; logout ends it."""
        stock.with_account_password(BOT)
        said = stock.run(EDIT)
        assert said == {
            "before": "127.0.0.1",
            "name": BOT,
            "logged_in": True,
            "author": BOT,
            "after": "127.0.0.1",
        }
        assert [entry.mechanism for entry in wiki.log.select(action="edit")] == ["cookie"]

    def test_bot_password_signs_in_within_its_grants(self, wiki, stock):
        """A BotPassword edits, and lacks the rights that it was not granted."""
        password = wiki.add_bot_password(BOT, "pwb", grants=["basic", "editpage"]).password
        stock.with_password(BOT, f"({BOT!r}, BotPassword('pwb', {password!r}))")
        said = stock.run(
            "site.login()\n"
            "page = pywikibot.Page(site, 'Sandbox')\n"
            "page.text = 'by a bot password'\n"
            "page.save()\n"
            "said['rights'] = site.userinfo['rights']\n"
            "try:\n"
            "    page.move('Elsewhere', summary='no')\n"
            "except pywikibot.exceptions.Error as error:\n"
            "    said['move'] = type(error).__name__\n"
        )
        assert wiki.pages["Sandbox"].latest.user == BOT
        assert "edit" in said["rights"]
        assert "move" not in said["rights"]
        assert said["move"] == "UserRightsError"
        assert "Elsewhere" not in wiki.pages
        assert {entry.mechanism for entry in wiki.log.select(action="edit")} == {"botpassword"}

    def test_stock_oauth1_signs_every_request_and_cannot_log_out(self, wiki, stock):
        """Pywikibot's own OAuth 1.0a edits; the wiki refuses its logout."""
        stock.with_oauth1(BOT)
        said = stock.run(EDIT)
        assert said["name"] == said["author"] == said["after"] == BOT
        assert said["logout"] == "cannotlogout"
        assert {entry.mechanism for entry in wiki.log} == {"oauth1"}


class TestPages:
    def test_history_comes_newest_first(self, wiki, stock):
        """Revisions, their texts, and a part of them."""
        stock.with_oauth1(BOT)
        said = stock.run(
            "page = pywikibot.Page(site, 'Sandbox')\n"
            "for number in range(3):\n"
            "    page.text = f'revision {number}'\n"
            "    page.save(f'edit {number}')\n"
            "page = pywikibot.Page(site, 'Sandbox')\n"
            "said['comments'] = [each.comment for each in page.revisions()]\n"
            "said['old'] = page.getOldVersion(page.oldest_revision.revid)\n"
            "said['limited'] = len(list(page.revisions(total=2)))\n"
        )
        assert said["comments"][:3] == ["edit 2", "edit 1", "edit 0"]
        assert said["old"] == wiki.pages["Sandbox"].revisions[0].text
        assert said["limited"] == 2

    def test_edit_that_somebody_overtook_is_a_conflict(self, wiki, stock):
        """A page that changed after it was read is not saved over."""
        stock.with_oauth1(BOT)
        said = stock.run(
            "import requests, time\n"
            "page = pywikibot.Page(site, 'Sandbox')\n"
            "page.text += ' mine'\n"
            "time.sleep(1.1)\n"
            "edit = {'action': 'edit', 'title': 'Sandbox', 'text': 'theirs', 'token': '+\\\\'}\n"
            f"requests.post({wiki.api_url!r}, edit, timeout=9)\n"
            "try:\n"
            "    page.save()\n"
            "except pywikibot.exceptions.EditConflictError:\n"
            "    said['conflict'] = True\n"
        )
        assert said == {"conflict": True}
        assert wiki.pages["Sandbox"].latest.text == "theirs"

    def test_move_leaves_a_redirect(self, wiki, stock):
        """A moved page keeps its history, and its old title redirects to it."""
        stock.with_oauth1(BOT)
        said = stock.run(
            "page = pywikibot.Page(site, 'Sandbox')\n"
            "page.move('Elsewhere', summary='tidy')\n"
            "old = pywikibot.Page(site, 'Sandbox')\n"
            "said['redirect'] = old.isRedirectPage()\n"
            "said['target'] = old.getRedirectTarget().title()\n"
            "try:\n"
            "    pywikibot.Page(site, 'Elsewhere').move('Protected', summary='no')\n"
            "except pywikibot.exceptions.ArticleExistsConflictError:\n"
            "    said['taken'] = True\n"
        )
        assert said == {"redirect": True, "target": "Elsewhere", "taken": True}
        assert wiki.pages["Elsewhere"].revisions[0].user == "Admin"

    def test_protected_page_is_locked(self, stock):
        """A page that only administrators may edit cannot be saved by a bot."""
        stock.with_oauth1(BOT)
        said = stock.run(
            "page = pywikibot.Page(site, 'Protected')\n"
            "page.text = 'x'\n"
            "try:\n"
            "    page.save()\n"
            "except pywikibot.exceptions.LockedPageError:\n"
            "    said['locked'] = True\n"
            "said['protection'] = page.protection()\n"
        )
        assert said["locked"]
        assert said["protection"]["edit"] == ["sysop", "infinity"]

    def test_watch_and_unwatch_change_the_watchlist(self, wiki, stock):
        """A watched page stands on the list with its talk page, until it is taken off."""
        stock.with_oauth1(BOT)
        said = stock.run(
            "page = pywikibot.Page(site, 'Sandbox')\n"
            "page.watch()\n"
            "said['watched'] = sorted(each.title() for each in site.watched_pages(force=True))\n"
            "page.watch(unwatch=True)\n"
            "said['after'] = [each.title() for each in site.watched_pages(force=True)]\n"
        )
        assert said == {"watched": ["Sandbox", "Talk:Sandbox"], "after": []}
        assert wiki.users[BOT].watchlist == set()

    def test_administrator_deletes_and_rolls_back(self, wiki, stock):
        """With an administrator's password, a page goes and an edit is taken back."""
        stock.with_account_password("Admin")
        said = stock.run(
            "import requests\n"
            "site.login()\n"
            f"url = {wiki.api_url!r}\n"
            "edit = {'action': 'edit', 'title': 'Sandbox', 'text': 'vandalism'}\n"
            "requests.post(url, {**edit, 'token': '+\\\\', 'format': 'json'}, timeout=9)\n"
            "page = pywikibot.Page(site, 'Sandbox')\n"
            "said['vandal'] = page.latest_revision.user\n"
            "site.rollbackpage(page)\n"
            "pywikibot.Page(site, 'Protected').delete('gone', prompt=False)\n"
            "said['exists'] = pywikibot.Page(site, 'Protected').exists()\n"
        )
        assert said == {"vandal": "127.0.0.1", "exists": False}
        assert wiki.pages["Sandbox"].latest.text == wiki.pages["Sandbox"].revisions[0].text


class TestGenerators:
    def test_pages_categories_links_and_users_are_listed(self, stock):
        """What scripts go through: all pages, a category, links in both directions, users."""
        stock.with_oauth1(BOT)
        said = stock.run(
            "page = pywikibot.Page(site, 'Sandbox')\n"
            "page.text = '[[Main Page]] {{T}} [[Category:C]]'\n"
            "page.save()\n"
            "page = pywikibot.Page(site, 'Sandbox')\n"
            "titles = lambda pages: [each.title() for each in pages]\n"
            "said['all'] = titles(site.allpages(start='P', total=2))\n"
            "loaded = pagegenerators.PreloadingGenerator(site.allpages(), groupsize=2)\n"
            "said['texts'] = {each.title(): each.text for each in loaded}\n"
            "said['categories'] = titles(page.categories())\n"
            "said['templates'] = titles(page.templates())\n"
            "category = pywikibot.Category(site, 'Category:C')\n"
            "said['members'] = titles(category.articles())\n"
            "said['size'] = category.categoryinfo['size']\n"
            "said['links'] = titles(page.linkedPages())\n"
            "said['backlinks'] = titles(pywikibot.Page(site, 'Main Page').backlinks())\n"
            "said['users'] = [each['name'] for each in site.allusers(total=1)]\n"
            f"mine = pywikibot.User(site, {BOT!r}).contributions()\n"
            "said['contributions'] = [each[0].title() for each in mine]\n"
        )
        texts = said.pop("texts")
        assert texts["Sandbox"] == "[[Main Page]] {{T}} [[Category:C]]"
        assert said == {
            "all": ["Protected", "Sandbox"],
            "categories": ["Category:C"],
            "templates": ["Template:T"],
            "members": ["Sandbox"],
            "size": 1,
            "links": ["Main Page"],
            "backlinks": ["Sandbox"],
            "users": ["Admin"],
            "contributions": ["Sandbox"],
        }

    def test_recent_changes_are_patrolled(self, wiki, stock):
        """A patroller sees what nobody has looked at, and marks it."""
        wiki.add_user("Pat", groups=["patroller"])
        stock.with_oauth1("Pat")
        said = stock.run(
            "changes = list(site.recentchanges(patrolled=False, total=1))\n"
            "said['title'] = changes[0]['title']\n"
            "said['marked'] = [each['rcid'] for each in site.patrol(rcid=changes[0]['rcid'])]\n"
            "left = [each['rcid'] for each in site.recentchanges(patrolled=False)]\n"
            "said['left'] = changes[0]['rcid'] in left\n"
            "for entry in site.logevents('patrol'):\n"
            "    said['entry'] = [entry.user(), entry.page().title(), entry.current_id]\n"
        )
        assert len(said["marked"]) == 1
        assert not said["left"]
        page = wiki.pages[said["title"]]
        assert said["entry"] == ["Pat", page.title, page.latest.revid]
        event = wiki.log.select(action="patrol")
        assert [entry.user for entry in event] == ["Pat"]


class TestUpload:
    def test_file_in_chunks_arrives_whole(self, wiki, stock, tmp_path):
        """A file sent in chunks has the hash of the original."""
        header = struct.pack(">II5B", 2, 3, 8, 2, 0, 0, 0)
        png = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + header + bytes(3000)
        (tmp_path / "x.png").write_bytes(png)
        stock.with_oauth1(BOT)
        said = stock.run(
            "import hashlib, pathlib\n"
            f"path = pathlib.Path({str(tmp_path / 'x.png')!r})\n"
            "page = pywikibot.FilePage(site, 'File:X.png')\n"
            "page.upload(str(path), comment='c', text='t', chunk_size=1200)\n"
            "info = pywikibot.FilePage(site, 'File:X.png').latest_file_info\n"
            "said['same'] = info.sha1 == hashlib.sha1(path.read_bytes()).hexdigest()\n"
            "said['size'] = [info.width, info.height]\n"
        )
        assert said == {"same": True, "size": [2, 3]}
        assert wiki.pages["File:X.png"].latest.user == BOT
