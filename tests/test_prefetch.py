"""How many requests a site needs to its first saved edit, and what of the answers is shared."""

from __future__ import annotations

import gc
import pickle
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest
import pywikibot
from pywikibot import config
from pywikibot.data import api
from pywikibot.login import LoginStatus
from pywikibot.site._siteinfo import Siteinfo

from bot_actions import authors, in_threads
from pwb_oauth import prefetch
from pwb_oauth.errors import UsernameMismatchError

KINDS = ["2.0", "2.0 owner-only", "1.0a", "1.0a owner-only"]


@pytest.fixture(autouse=True)
def new_process(monkeypatch):
    """Nothing is known of any wiki."""
    monkeypatch.setattr(prefetch, "_wikis", {})


@pytest.fixture(params=["POST", "GET"])
def reading(request, monkeypatch):
    """How Pywikibot reads: over https by GET, else by POST unless it is told otherwise."""
    monkeypatch.setattr(config, "enable_GET_without_SSL", request.param == "GET")
    return request.param


def edit(bot, user="Alice", page=None, text="text"):
    """Save an existing page; the page, and how many requests that took."""
    before = len(bot.wiki.log)
    page = page or pywikibot.Page(bot.site(user), "Main Page")
    page.text = f"{text} of {user}"
    page.save(quiet=True)
    assert authors(bot.wiki, "Main Page")[-1] == user
    return page, len(bot.wiki.log) - before


def save(site, name):
    """Save a page of somebody's own."""
    page = pywikibot.Page(site, f"By {name}")
    page.text = "text"
    page.save(quiet=True)


def start_anew(monkeypatch):
    """As a new process does, with the same cache folder."""
    pywikibot._sites.clear()
    monkeypatch.setattr(prefetch, "_wikis", {})


class TestRequests:
    """To the first saved edit of an existing page."""

    @pytest.mark.parametrize("kind", KINDS)
    def test_with_an_empty_cache_folder_there_are_five(self, bot, reading, kind):
        """Stock needs eleven with OAuth 1.0a, and seventeen with a password."""
        bot.log_in(kind)
        _, count = edit(bot)
        assert count == 5
        methods = {entry.method for entry in bot.wiki.log if entry.action == "paraminfo"}
        assert methods == {reading}

    @pytest.mark.parametrize("kind", KINDS)
    def test_with_a_warm_one_there_are_four(self, bot, reading, kind, monkeypatch):
        """Stock needs five."""
        bot.log_in(kind)
        edit(bot)
        start_anew(monkeypatch)
        assert edit(bot, text="more")[1] == 4

    def test_the_cache_folder_serves_another_account(self, bot, reading, monkeypatch):
        """What it holds is the same for all accounts."""
        bot.log_in("2.0")
        bot.log_in("1.0a", "Bob")
        edit(bot)
        start_anew(monkeypatch)
        assert edit(bot, "Bob")[1] <= 5

    def test_a_second_account_needs_four(self, bot, reading):
        """Stock needs as many as for the first."""
        bot.log_in("2.0")
        bot.log_in("1.0a", "Bob")
        edit(bot)
        assert edit(bot, "Bob")[1] == 4

    def test_a_later_edit_needs_two(self, bot, reading):
        """As stock does."""
        bot.log_in("2.0")
        page, _ = edit(bot)
        assert edit(bot, page=page, text="more")[1] == 2
        assert edit(bot, page=page, text="most")[1] == 2

    def test_reads_go_by_get_where_pywikibot_may(self, bot, monkeypatch):
        """Special characters included, signed or not; what is long goes by POST."""
        monkeypatch.setattr(config, "enable_GET_without_SSL", True)
        monkeypatch.setattr(config, "maximum_GET_length", 700)
        titles = ["Ünï & cödé", "a+b", "100 %", "~*'()!", "漢字"]
        for kind, user in (("1.0a", "Alice"), ("2.0", "Bob")):
            bot.log_in(kind, user)
            site = bot.site(user)
            before = len(bot.wiki.log)
            assert [pywikibot.Page(site, title).exists() for title in titles] == [False] * 5
            pywikibot.Page(site, "ü" * 120).exists()
            read = [e for e in list(bot.wiki.log)[before:] if "titles" in e.params]
            assert [e.params["titles"] for e in read[:5]] == [
                pywikibot.Page(site, title).title() for title in titles
            ]
            assert [e.method for e in read] == ["GET"] * 5 + ["POST"]
            assert {(e.user, e.error) for e in read} == {(user, None)}


class TestPrefetch:
    """What is kept of the answers, and for whom."""

    def test_nothing_of_a_user_is_written_to_disk(self, bot):
        """Neither a token nor a name."""
        bot.log_in("2.0")
        page, _ = edit(bot)
        files = list((bot.folder / "apicache").iterdir())
        assert len(files) >= 3
        for file in files:
            held = repr(pickle.loads(file.read_bytes())[1])  # noqa: S301  # our own
            for token in page.site.tokens._tokens.values():
                assert token not in held
        of_site = [pickle.loads(file.read_bytes()) for file in files]  # noqa: S301
        answers = [answer["query"] for _, answer, _ in of_site if "query" in answer]
        assert sorted(key for answer in answers for key in answer) == [
            "extensions",
            "general",
            "namespacealiases",
            "namespaces",
        ]

    def test_user_and_tokens_are_each_accounts_own(self, bot):
        """What is shared are the wiki's modules and properties."""
        bot.log_in("2.0")
        bot.log_in("2.0", "Bob")
        hers = edit(bot)[0].site
        his = edit(bot, "Bob")[0].site
        assert (hers.userinfo["name"], his.userinfo["name"]) == ("Alice", "Bob")
        assert hers.tokens["csrf"] != his.tokens["csrf"]
        assert hers._siteinfo._cache is his._siteinfo._cache
        assert hers._paraminfo._paraminfo is his._paraminfo._paraminfo
        assert (hers._paraminfo.site, his._paraminfo.site) == (hers, his)

    def test_siteinfo_is_as_pywikibot_reads_it(self, bot, stock_values):
        """From the wiki, from the cache folder and from the other account."""
        for user in ("Alice", "Bob"):
            bot.log_in("2.0", user)
        assert values(bot.site("Alice")) == stock_values
        assert values(bot.site("Bob")) == stock_values

    def test_siteinfo_from_the_cache_folder_is_as_pywikibot_reads_it(
        self, bot, stock_values, monkeypatch
    ):
        """It is kept as the wiki sent it."""
        bot.log_in("2.0")
        bot.site("Alice")
        start_anew(monkeypatch)
        before = len(bot.wiki.log)
        assert values(bot.site("Alice")) == stock_values
        asked = [entry.params.get("siprop") for entry in list(bot.wiki.log)[before:]]
        assert asked == [None]

    def test_token_of_another_account_leaves_nothing(self, bot):
        """Neither its tokens nor its name."""
        bot.store.save(bot.key("Alice"), bot.credential("2.0 owner-only", "Bob"))
        site = bot.site("Alice")
        with pytest.raises(UsernameMismatchError):
            site.login()
        assert site.tokens._tokens == {}
        assert site._loginstatus is LoginStatus.NOT_LOGGED_IN

    @pytest.mark.parametrize(
        ("owner", "name", "changed"),
        [
            (api.CachedRequest, "_load_cache", lambda self, more: None),
            (api.CachedRequest, "_write_cache", lambda self: None),
            (api.ParamInfo, "__init__", None),
            (Siteinfo, "_post_process", staticmethod(lambda prop: None)),
        ],
    )
    def test_changed_pywikibot_asks_as_it_always_did(self, bot, monkeypatch, owner, name, changed):
        """A private part that is not as expected is not touched."""
        if changed is None:
            real = owner.__init__
            changed = lambda self, site, modules=None, more=None: real(self, site, modules)  # noqa: E731
        called = []
        monkeypatch.setattr(prefetch, "_ask", lambda *_: called.append(1))
        bot.log_in("2.0")
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, changed)
            site = bot.site("Alice")
        assert not called
        assert site.userinfo["name"] == "Alice"
        assert site.logged_in()

    @pytest.mark.parametrize(
        ("place", "name"),
        [("_siteinfo", "_cache"), ("_tokens", "_tokens"), ("_paraminfo", "_modules")],
    )
    def test_renamed_attribute_is_seen(self, bot, place, name):
        """It asks nothing then."""
        site = bot.site("Alice")
        delattr(getattr(site, place), name)
        before = len(bot.wiki.log)
        prefetch.prefetch(site, "https://w.example.org/w/api.php")
        assert len(bot.wiki.log) == before

    def test_wiki_without_tokens_and_properties_signs_in(self, bot, monkeypatch):
        """Pywikibot asks for them when it needs them."""
        bot.log_in("2.0")
        real = prefetch._ask

        def ask(site, properties):
            return {"userinfo": real(site, properties)["userinfo"]}

        monkeypatch.setattr(prefetch, "_ask", ask)
        edit(bot)


@pytest.fixture
def stock_values(bot):
    """What Pywikibot itself makes of the wiki's answer."""
    found = values(bot.site("Alice"))
    pywikibot._sites.clear()
    for file in (bot.folder / "apicache").iterdir():
        file.unlink()
    return found


def values(site):
    names = ("general", "namespaces", "namespacealiases", "extensions", "magiclinks", "sitename")
    found = {name: site.siteinfo[name] for name in names}
    del found["general"]["time"]
    return found


class TestTogether:
    """Several threads that know nothing of a wiki yet."""

    def test_they_ask_once(self, bot):
        """Six accounts; the site, and each of its modules."""
        names = [f"Bot {number}" for number in range(6)]
        for name in names:
            bot.wiki.add_user(name)
            bot.log_in("2.0 owner-only", name)

        def work(number):
            save(pywikibot.Site("en", "sandbox", user=names[number]), names[number])

        assert in_threads(len(names), work) == []
        queries = [entry.params.get("siprop") for entry in bot.wiki.log.select(action="query")]
        assert len([each for each in queries if each]) == 1
        modules = [entry.params["modules"] for entry in bot.wiki.log.select(action="paraminfo")]
        assert len(modules) == len(set(modules)) <= 2

    def test_thread_that_is_kept_waiting_asks_as_well(self, bot, monkeypatch):
        """Another one may hang."""
        monkeypatch.setattr(prefetch, "_PATIENCE", 0.01)
        bot.log_in("2.0 owner-only", "Alice")
        site = pywikibot.Site("en", "sandbox", user="Alice")
        held, let_go = threading.Event(), threading.Event()
        wiki = prefetch._wikis.setdefault(f"{bot.wiki.url}/w/api.php", prefetch._Wiki())

        def hang():
            with wiki.properties_lock, wiki.modules_lock:
                held.set()
                let_go.wait(30)

        with ThreadPoolExecutor(1) as pool:
            pool.submit(hang)
            held.wait(10)
            save(site, "Alice")
            let_go.set()
        assert "query+info" in wiki.modules["_paraminfo"]

    def test_pickled_site_has_pywikibots_own(self, bot):
        """Locks cannot be pickled, and nobody is left to share with."""
        bot.log_in("2.0 owner-only", "Alice")
        site = edit(bot, "Alice")[0].site
        copied = pickle.loads(pickle.dumps(site))  # noqa: S301
        assert type(copied._paraminfo) is api.ParamInfo
        assert "query+info" in copied._paraminfo._paraminfo


class TestLetGo:
    """``prefetch.let_go``."""

    def test_what_is_known_of_a_wiki_stays_without_the_site(self, bot):
        """The next account asks for none of it, and the site can go."""
        bot.log_in("2.0 owner-only", "Alice")
        page, _ = edit(bot, "Alice")
        first = page.site
        prefetch.let_go(first)
        (wiki,) = prefetch._wikis.values()
        assert "query+info" in wiki.modules["_paraminfo"]
        assert "site" not in wiki.modules
        gone = weakref.ref(first)
        del first, page
        pywikibot._sites.clear()
        gc.collect()
        assert gone() is None
        bot.log_in("2.0 owner-only", "Bob")
        page, requests = edit(bot, "Bob")
        assert requests <= 4
        assert page.site.namespaces is wiki.namespaces
        assert page.site.namespaces[0].id == 0

    def test_another_site_keeps_what_it_has(self, bot):
        """What is shared is not taken from those who are at work."""
        bot.log_in("2.0 owner-only", "Alice")
        bot.log_in("2.0 owner-only", "Bob")
        first = edit(bot, "Alice")[0].site
        second = bot.site("Bob")
        second.login()
        prefetch.let_go(second)
        assert second._paraminfo.site is second
        assert first._paraminfo.site is first
        prefetch.let_go(first)
        assert edit(bot, "Bob", pywikibot.Page(second, "Main Page"))[0].exists()

    def test_site_that_was_never_signed_in_is_nothing(self, bot):
        """A block in which nothing was asked."""
        prefetch.let_go(bot.site("Alice"))
        assert prefetch._wikis == {}
