"""The way of a web tool's visitor: in, again, and out, against a real wiki."""

from __future__ import annotations

import inspect
import secrets
import threading
import time
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from pywikibot.exceptions import OtherPageSaveError

from pwb_oauth import clock, oauth2
from pwb_oauth.encryption import new_key
from pwb_oauth.errors import (
    ConfigurationError,
    DeadlineExceededError,
    IdentityError,
    LoginRequiredError,
    StoreUnavailableError,
    TokenRequestError,
    TransportError,
)
from pwb_oauth.web import flow as flow_module
from pwb_oauth.web.cookies import SessionCookie
from pwb_oauth.web.flow import WebFlow
from pwb_oauth.web.sealing import Seal
from web_tool import (  # noqa: F401
    Browser,
    Requests,
    WebTool,
    edit,
    given_credentials,
    is_dead,
    lines,
    web_tool,
    web_tool_of_each_version,
    who_wrote,
)

DAY = timedelta(days=1)


@pytest.fixture
def later(monkeypatch):
    """Moves this machine's clock."""
    now = clock.now

    def move(by: timedelta) -> None:
        monkeypatch.setattr(clock, "now", lambda: now() + by)

    return move


def told(caplog) -> list[tuple[str, str]]:
    """What the operator finds in the log, with how grave it is."""
    return [
        (record.levelname, record.getMessage())
        for record in caplog.records
        if record.name == "pwb_oauth.web"
    ]


class TestSignIn:
    """``WebFlow.begin`` and ``WebFlow.finish``."""

    def test_visitor_comes_back_signed_in(self, any_tool):
        """The session says who, since when and what was approved; the row holds no secret."""
        browser = Browser(any_tool)
        arrival = browser.come_back(any_tool.wiki.approve(browser.leave("/after?x=1"), "Alice"))
        session = browser.open()
        assert arrival.next_url == "/after?x=1"
        assert session.username == "Alice"
        assert session.oauth_version == any_tool.settings.consumer.oauth_version
        assert "editpage" in session.grants
        assert session.wiki == any_tool.settings.wiki.central
        assert datetime.now(timezone.utc) - session.logged_in_at < timedelta(minutes=1)
        assert session.ends_at - session.logged_in_at == 14 * DAY
        (row,) = any_tool.rows()
        assert (row["row_id"], row["subject"]) == (session.row_id, session.subject)
        assert row["ended_at"] is None

    def test_cookies_are_the_sessions_alone(self, any_tool):
        """The attempt's is deleted."""
        browser = any_tool.visitor()
        assert list(browser.cookies) == ["pwb_oauth"]
        assert SessionCookie.parse(browser.cookies["pwb_oauth"]).row_id == browser.row_id

    def test_two_visitors_are_side_by_side(self, any_tool):
        """Two people, two browsers, one process."""
        alice, bob = any_tool.visitor("Alice"), any_tool.visitor("Bob")
        assert [alice.open().username, bob.open().username] == ["Alice", "Bob"]
        assert alice.open().subject != bob.open().subject

    def test_second_browser_has_a_row_of_its_own(self, any_tool):
        """Which the first one's cookie does not open."""
        one, two = any_tool.visitor(), any_tool.visitor()
        assert len(any_tool.rows()) == 2
        assert any_tool.flow.open(one.cookies, two.row_id) is None
        assert any_tool.flow.open(two.cookies, one.row_id) is None

    def test_open_is_one_read_and_no_request(self, any_tool, monkeypatch):
        """By the primary key; the wiki is not asked."""
        browser = any_tool.visitor()
        reads = []
        store = any_tool.store
        for name in ("add", "get", "locked", "touch", "end", "delete", "delete_all", "purge"):
            method = getattr(store, name)
            monkeypatch.setattr(
                store, name, lambda *a, _n=name, _m=method, **k: reads.append(_n) or _m(*a, **k)
            )
        requests = Requests(any_tool.wiki)
        assert browser.open() is not None
        assert reads == ["get"]
        assert len(requests) == 0

    @pytest.mark.parametrize("cookies", [{}, {"pwb_oauth": "garbage"}])
    def test_nobody_came_nothing_is_read(self, tool, monkeypatch, cookies):
        """Most requests to a site are from people who are not signed in."""
        monkeypatch.setattr(tool.store, "get", lambda row_id: pytest.fail("read"))
        assert tool.flow.open(cookies, None) is None
        assert tool.flow.open(cookies, "0" * 32) is None

    def test_wiki_does_not_say_the_sub_raises(self, tool, monkeypatch):
        """There is nothing to know the visitor by then."""
        complete = flow_module.authorization.complete_authorization
        monkeypatch.setattr(
            flow_module.authorization,
            "complete_authorization",
            lambda *args: replace(complete(*args), subject=None),
        )
        with pytest.raises(IdentityError, match="Sign in again"):
            tool.visitor()
        assert tool.rows() == []

    def test_name_of_255_bytes_with_quotes_acts(self, any_tool):
        """The longest that MediaWiki allows."""
        name = "Ü'\"&" + "é" * 125
        assert len(name.encode()) == 255
        any_tool.wiki.add_user(name)
        browser = any_tool.visitor(name)
        assert browser.open().username == name
        with any_tool.flow.account(browser.open()) as account:
            edit(account, "by a long name")
        assert who_wrote(any_tool.wiki, "by a long name") == name

    @pytest.mark.parametrize("name", ["<script>alert(1)</script>", "A/../../B", "{{x}}|y"])
    def test_name_with_markup_and_slashes_is_only_text(self, any_tool, name):
        """MediaWiki has none, but the page that greets somebody should not rely on it."""
        any_tool.wiki.add_user(name)
        assert any_tool.visitor(name).open().username == name

    @pytest.mark.parametrize("grants", [["mwoauth-authonly"], ["mwoauth-authonlyprivate"]])
    def test_identity_only_consumer_is_enough_to_know_who(self, bot, tmp_path, grants):
        """For a tool that only wants to know who the visitor is."""
        for version in ("2.0", "1.0a"):
            folder = tmp_path / version
            folder.mkdir()
            tool = WebTool(bot.wiki, folder, version, grants=grants)
            browser = tool.visitor("Bob")
            assert browser.open().username == "Bob"
            assert tool.flow.is_accepted(browser.open())
            browser.sign_out()
            assert tool.rows() == []


class TestStolenAndChanged:
    """Whoever has some of it has nothing."""

    def test_cookie_without_a_row_is_signed_out(self, any_tool):
        """The row was deleted, or the cookie was made up."""
        browser = any_tool.visitor()
        any_tool.flow.forget(browser.row_id)
        assert browser.open() is None
        made_up = SessionCookie.new()
        cookies = {"pwb_oauth": made_up.text}
        assert any_tool.flow.open(cookies, made_up.row_id) is None

    def test_row_without_a_cookie_is_signed_out(self, tool):
        """A stolen session of the framework alone."""
        browser = tool.visitor()
        assert tool.flow.open({}, browser.row_id) is None

    def test_cookie_without_the_frameworks_session_is_signed_out(self, tool):
        """A stolen cookie of ours alone."""
        browser = tool.visitor()
        assert tool.flow.open(browser.cookies, None) is None
        assert tool.flow.open(browser.cookies, "") is None
        assert tool.flow.open(browser.cookies, "\ud800é") is None

    def test_anothers_cookie_with_ones_own_session_is_signed_out(self, tool):
        """The row's id of both must agree."""
        alice, mallory = tool.visitor("Alice"), tool.visitor("Bob")
        mallory.cookies = dict(alice.cookies)
        assert mallory.open() is None

    @pytest.mark.parametrize(
        "changed",
        [
            lambda text: text[:-1],
            lambda text: text[1:],
            lambda text: f"{text}; pwb_oauth={text}",
            lambda text: text + text,
            lambda text: text.swapcase(),
            lambda text: text[:40] + "x" * 4096,
            lambda text: "x" * 4096,
            lambda text: text.replace("v1", "v9"),
            lambda text: "\x00",
            lambda text: "é",
        ],
    )
    def test_unusable_cookie_is_signed_out(self, tool, changed):
        """Garbage, truncated, doubled, 4 KB: never an error."""
        browser = tool.visitor()
        browser.cookies["pwb_oauth"] = changed(browser.cookies["pwb_oauth"])
        assert browser.open() is None

    def test_key_of_another_browser_under_this_ones_id_is_signed_out(self, tool):
        """The row id is no secret; it is in logs and backups."""
        alice, mallory = tool.visitor("Alice"), tool.visitor("Bob")
        theirs = SessionCookie.parse(mallory.cookies["pwb_oauth"])
        forged = {"pwb_oauth": SessionCookie(alice.row_id, theirs.key).text}
        assert tool.flow.open(forged, alice.row_id) is None

    def test_stolen_table_with_the_applications_key_opens_nothing(self, tool):
        """What the thief lacks is in the browsers."""
        tool.visitor("Alice")
        (row,) = tool.rows()
        thief = Seal(tool.settings)
        stored = tool.store.get(row["row_id"])
        for guess in (b"\0" * 32, secrets.token_bytes(32)):
            assert thief.unseal(stored, guess) is None
        for secret in ("Alice", tool.settings.consumer.secret):
            assert all(secret not in str(value) for value in row.values())

    def test_two_rows_swapped_open_nothing(self, tool):
        """Sealed text belongs to its row."""
        alice, bob = tool.visitor("Alice"), tool.visitor("Bob")
        rows = {row["row_id"]: row for row in tool.rows()}
        columns = ("sealed", "key_id", "wiki", "subject")
        for one, other in ((alice, bob), (bob, alice)):
            tool.tamper(one.row_id, **{name: rows[other.row_id][name] for name in columns})
        assert alice.open() is bob.open() is None

    @pytest.mark.parametrize("column", [{"subject": "8765"}, {"wiki": "test.wikipedia.org"}])
    def test_changed_user_columns_open_nothing(self, tool, column):
        """They are sealed in, so that the table cannot say who somebody is."""
        alice = tool.visitor("Alice")
        tool.tamper(alice.row_id, **column)
        assert alice.open() is None

    def test_changed_times_prolong_nothing(self, tool, later):
        """The time of the login is sealed too."""
        alice = tool.visitor("Alice")
        tool.tamper(
            alice.row_id, logged_in_at="2099-01-01 00:00:00", last_used_at="2099-01-01 00:00:00"
        )
        later(30 * DAY - timedelta(minutes=1))
        assert alice.open().username == "Alice"
        later(30 * DAY)
        assert alice.open() is None

    @pytest.mark.parametrize("reopened", [False, True])
    def test_older_sealed_text_put_back_is_of_no_use(self, tool, reopened):
        """The wiki has ended its tokens; nobody else is signed in by it, and nothing fails."""
        alice = tool.visitor("Alice")
        (before,) = tool.rows()
        tool.wiki.expire_tokens()
        with tool.flow.account(alice.open()) as account:
            edit(account, "refreshed")
        assert tool.rows()[0]["sealed"] != before["sealed"]
        tool.tamper(alice.row_id, sealed=before["sealed"])
        with pytest.raises(LoginRequiredError), tool.flow.account(alice.open()) as account:
            edit(account, "with the old one")
        assert "with the old one" not in lines(tool.wiki)
        assert tool.rows()[0]["ended_at"] is not None
        if reopened:
            tool.tamper(alice.row_id, ended_at=None)
            with pytest.raises(LoginRequiredError), tool.flow.account(alice.open()) as account:
                edit(account, "with the old one")
        else:
            assert alice.open() is None


class TestKeys:
    """The application's keys."""

    def test_rotated_then_removed_ends_its_sessions_and_nothing_else(self, any_tool):
        """What was sealed or refreshed since then stays."""
        old = any_tool.settings.encryption_keys
        alice = any_tool.visitor("Alice")
        new = new_key()
        any_tool.start(encryption_keys=f"{new} {old}")
        bob = any_tool.visitor("Bob")
        assert [alice.open().username, bob.open().username] == ["Alice", "Bob"]
        any_tool.start(encryption_keys=new)
        assert alice.open() is None
        assert bob.open().username == "Bob"
        assert len(any_tool.rows()) == 2
        any_tool.start(encryption_keys=f"{new} {old}")
        assert alice.open().username == "Alice"

    def test_removed_is_told_to_the_operator_once_an_hour(self, tool, later, caplog):
        """By its id, and with what to do; not for each of the visitors whom it signs out."""
        visitors = [tool.visitor("Alice"), tool.visitor("Bob")]
        row_ids = [each.row_id for each in visitors]
        missing = tool.rows()[0]["key_id"]
        new = new_key()
        tool.start(encryption_keys=new)
        for hour in range(2):
            later(timedelta(hours=hour))
            assert [each.open() for each in visitors * 2] == [None] * 4
            said = told(caplog)
            assert len(said) == hour + 1
        assert {level for level, _ in said} == {"WARNING"}
        assert f"the encryption key with the id {missing}" in said[0][1]
        assert "put it back" in said[0][1]
        assert tool.flow._seal.key_ids[0] in said[0][1]
        secret = [*row_ids, new, tool.rows()[0]["sealed"]]
        assert not [each for each in secret if each in caplog.text]

    def test_removed_is_told_of_a_job_too(self, tool, caplog):
        """Its worker may be the one that has other keys."""
        handle = tool.flow.handle(tool.visitor().open(), "task")
        row_key = tool.settings.encryption_keys
        tool.start(encryption_keys=f"{new_key()} {row_key}")
        tool.tamper(tool.rows()[0]["row_id"], key_id="01234567")
        with pytest.raises(LoginRequiredError), tool.flow.job(handle, "task"):
            pass
        assert "the id 01234567" in caplog.text

    @pytest.mark.parametrize("key_id", ["", "garbage!", "0123456\n", "0123456789abcdef"])
    def test_id_is_none_nothing_is_told(self, tool, caplog, key_id):
        """Somebody wrote it into the table, and would write it into the log."""
        browser = tool.visitor()
        tool.tamper(browser.row_id, key_id=key_id)
        assert browser.open() is None
        assert told(caplog) == []

    def test_others_are_there_nothing_is_told(self, tool, caplog):
        """Neither of a visitor who stays nor of a cookie that opens nothing."""
        browser, gone = tool.visitor(), tool.visitor()
        tool.start(encryption_keys=f"{new_key()} {tool.settings.encryption_keys}")
        tool.flow.forget(gone.row_id)
        forged = SessionCookie(browser.row_id, secrets.token_bytes(32)).text
        assert browser.open() is not None
        assert gone.open() is None
        assert tool.flow.open({"pwb_oauth": forged}, browser.row_id) is None
        assert tool.flow.open({"pwb_oauth": "garbage"}, browser.row_id) is None
        assert told(caplog) == []

    def test_refresh_seals_under_the_newest_key(self, tool):
        """So that sessions that are used outlive the key."""
        old = tool.settings.encryption_keys
        alice = tool.visitor("Alice")
        new = new_key()
        tool.start(encryption_keys=f"{new} {old}")
        tool.wiki.expire_tokens()
        with tool.flow.account(alice.open()) as account:
            edit(account, "refreshed")
        tool.start(encryption_keys=new)
        assert alice.open().username == "Alice"


class TestLifetime:
    """``WebSettings.lifetime`` and ``idle``, enforced from the row."""

    def test_unused_for_fourteen_days_is_signed_out(self, tool, later):
        """Whatever the browser keeps."""
        alice = tool.visitor("Alice")
        later(14 * DAY - timedelta(minutes=1))
        kept = alice.open()
        assert kept is not None
        later(28 * DAY - timedelta(minutes=2))
        assert alice.open() is not None  # the use before was noted
        later(30 * DAY)
        assert alice.open() is None

    def test_unused_is_unused(self, tool, later):
        """Without that use in between."""
        alice = tool.visitor("Alice")
        later(14 * DAY)
        assert alice.open() is None
        assert len(tool.rows()) == 1  # purge deletes it

    @pytest.mark.parametrize(
        ("settings", "after", "reason"),
        [
            ({}, 14 * DAY, "was not used for 14 days, 0:00:00 (PWB_OAUTH_SESSION_IDLE)"),
            ({"idle": 99 * DAY}, 30 * DAY, "has lasted for 30 days, 0:00:00 (PWB_OAUTH_SESSION_L"),
        ],
    )
    def test_over_is_told_to_the_operator(self, tool, later, caplog, settings, after, reason):
        """By which setting; not of who was signed out already."""
        caplog.set_level("INFO", "pwb_oauth.web")
        tool.start(**settings)
        browser = tool.visitor()
        later(after)
        assert browser.open() is None
        ((level, message),) = told(caplog)
        assert level == "INFO"
        assert reason in message
        assert browser.row_id not in caplog.text
        assert tool.flow.open(browser.cookies, browser.row_id, tell=False) is None
        assert len(told(caplog)) == 1

    def test_use_is_noted_once_an_hour(self, tool, later, monkeypatch):
        """Opening is a read."""
        alice = tool.visitor("Alice")
        noted = []
        touch = tool.store.touch
        monkeypatch.setattr(
            tool.store, "touch", lambda row_id, at: noted.append(at) or touch(row_id, at)
        )
        for minutes in (1, 59, 61, 62, 119, 122):
            later(timedelta(minutes=minutes))
            assert alice.open() is not None
        assert len(noted) == 2

    def test_short_idle_time_is_kept_to(self, tool, later):
        """Where it is shorter than the hour after which a use is noted."""
        tool.start(idle=timedelta(minutes=10))
        alice = tool.visitor("Alice")
        for minutes in range(0, 40, 4):
            later(timedelta(minutes=minutes))
            assert alice.open() is not None
        later(timedelta(minutes=36 + 11))
        assert alice.open() is None

    def test_purge_deletes_what_is_over(self, tool, later):
        """And nothing else."""
        old = tool.visitor("Alice")
        later(20 * DAY)
        new = tool.visitor("Bob")
        assert tool.flow.purge() == 1
        assert old.open() is None
        assert new.open() is not None
        assert tool.flow.purge(idle=timedelta(days=99), older_than=timedelta(days=99)) == 0
        later(20 * DAY + timedelta(seconds=1))
        assert tool.flow.purge(older_than=timedelta()) == 1


class TestSignOut:
    """``WebFlow.logout`` and what else ends a user session."""

    def test_row_and_tokens_are_gone(self, tool):
        """On this side and on the wiki's."""
        alice = tool.visitor("Alice")
        session = alice.open()
        then = dict(alice.cookies)
        alice.sign_out()
        assert tool.rows() == []
        assert alice.cookies == {}
        assert tool.flow.open(then, session.row_id) is None
        assert is_dead(tool.settings.wiki, session.credential)

    def test_oauth1_row_is_gone(self, bot, tmp_path):
        """Its tokens live until the user withdraws the grant; nobody has them."""
        tool = WebTool(bot.wiki, tmp_path, "1.0a")
        alice = tool.visitor("Alice")
        alice.sign_out()
        assert tool.rows() == []

    def test_nobody_is_signed_in_the_cookie_goes(self, tool):
        """That of a session that is over."""
        (cookie,) = tool.flow.logout(None)
        assert (cookie.name, cookie.value, cookie.max_age) == ("pwb_oauth", "", 0)

    @pytest.mark.parametrize("fault", ["503", "cut", "html", "hang", "trickle"])
    def test_wiki_is_down_the_row_is_gone_all_the_same(self, tool, fault, monkeypatch):
        """The visitor does not wait for the wiki for long."""
        monkeypatch.setattr(flow_module, "_FAREWELL", 0.3)
        alice = tool.visitor("Alice")
        tool.wiki.fail_next(fault, path="oauth2/access_token", seconds=8)
        began = time.monotonic()
        alice.sign_out()
        assert time.monotonic() - began < 5
        assert tool.rows() == []

    def test_tokens_end_after_a_refresh_in_another_tab(self, tool):
        """The session that logs out was opened before."""
        alice = tool.visitor("Alice")
        stale = alice.open()
        tool.wiki.expire_tokens()
        with tool.flow.account(alice.open()) as account:
            edit(account, "refreshed")
        latest = alice.open().credential
        assert not is_dead(tool.settings.wiki, latest)
        tool.flow.logout(stale)
        assert is_dead(tool.settings.wiki, latest)

    @pytest.mark.parametrize("way", ["logout", "logout_everywhere"])
    def test_refresh_at_the_last_moment_leaves_no_token(self, tool, monkeypatch, way):
        """Another tab's turn comes just before the row is deleted."""
        alice = tool.visitor("Alice")
        session = alice.open()
        delete = tool.store.delete
        refreshed = []

        def refresh_and_delete(row_id):
            monkeypatch.setattr(tool.store, "delete", delete)
            tool.wiki.expire_tokens()
            with tool.flow.account(alice.open()) as account:
                edit(account, "refreshed")
            refreshed.append(alice.open().credential)
            return delete(row_id)

        monkeypatch.setattr(tool.store, "delete", refresh_and_delete)
        getattr(tool.flow, way)(session)
        (latest,) = refreshed
        assert tool.rows() == []
        assert is_dead(tool.settings.wiki, latest)

    @pytest.mark.parametrize("who", ["tab", "job"])
    def test_during_a_refresh_no_row_comes_back_and_no_token_stays(self, tool, monkeypatch, who):
        """The other tab, or a job, holds the row while the wiki thinks."""
        alice = tool.visitor("Alice")
        handle = tool.flow.handle(alice.open(), "task")
        tool.wiki.expire_tokens()
        asked = threading.Event()
        refresh = oauth2.refresh
        monkeypatch.setattr(
            oauth2, "refresh", lambda *args, **kwargs: asked.set() or refresh(*args, **kwargs)
        )
        tool.wiki.fail_next("hang", path="oauth2/access_token", seconds=1)
        ended = []

        def refresh_and_edit() -> None:
            is_tab = who == "tab"
            block = tool.flow.account(alice.open()) if is_tab else tool.flow.job(handle, "task")
            with block as account:
                with pytest.raises((LoginRequiredError, OtherPageSaveError)) as caught:
                    edit(account, "in the other tab")
                assert isinstance(getattr(caught.value, "reason", caught.value), LoginRequiredError)
                ended.append(account._account.credential)

        other = threading.Thread(target=refresh_and_edit)
        other.start()
        assert asked.wait(10)
        alice.sign_out()
        other.join(20)
        assert tool.rows() == []
        (latest,) = ended
        assert "in the other tab" not in lines(tool.wiki)
        assert is_dead(tool.settings.wiki, latest)

    def test_everywhere_ends_the_tokens_of_this_browser(self, tool):
        """Those of the others cannot be read."""
        one, two = tool.visitor(), tool.visitor()
        session, other = one.open(), two.open()
        assert tool.flow.logout_everywhere(session) == 2
        assert is_dead(tool.settings.wiki, session.credential)
        assert not is_dead(tool.settings.wiki, other.credential)

    def test_everywhere_ends_every_browser(self, any_tool):
        """And nobody else's."""
        one, two, bob = any_tool.visitor(), any_tool.visitor(), any_tool.visitor("Bob")
        assert any_tool.flow.logout_everywhere(one.open()) == 2
        assert one.open() is two.open() is None
        assert bob.open().username == "Bob"

    def test_framework_has_ended_its_session_the_row_goes(self, any_tool):
        """Whatever its reason; a second time is no error."""
        browser = any_tool.visitor()
        any_tool.flow.forget(browser.row_id)
        any_tool.flow.forget(browser.row_id)
        assert any_tool.rows() == []

    def test_twice_is_no_error(self, any_tool):
        """Two tabs."""
        browser = any_tool.visitor()
        session = browser.open()
        browser.sign_out()
        assert any_tool.flow.logout(session)


class TestIsAccepted:
    """``WebFlow.is_accepted``."""

    def test_good_token_is_accepted(self, any_tool):
        """The wiki is asked."""
        browser = any_tool.visitor()
        requests = Requests(any_tool.wiki)
        assert any_tool.flow.is_accepted(browser.open())
        assert {each.user for each in requests} == {"Alice"}

    def test_expired_token_is_refreshed(self, tool):
        """That is no end."""
        browser = tool.visitor()
        tool.wiki.expire_tokens()
        assert tool.flow.is_accepted(browser.open())
        assert browser.open() is not None

    def test_withdrawn_grant_ends_the_session(self, any_tool):
        """``ended_at`` is set; purge deletes the row."""
        browser = any_tool.visitor()
        any_tool.wiki.revoke("Alice")
        assert not any_tool.flow.is_accepted(browser.open())
        assert any_tool.rows()[0]["ended_at"] is not None
        assert browser.open() is None
        assert any_tool.flow.purge() == 1

    @pytest.mark.parametrize("fault", ["503", "cut", "html", "empty"])
    def test_wiki_cannot_be_asked_raises_and_leaves_the_row(self, any_tool, fault):
        """That says nothing of the token."""
        browser = any_tool.visitor()
        any_tool.wiki.fail_next(fault, count=3)
        with pytest.raises(TransportError):
            any_tool.flow.is_accepted(browser.open())
        assert browser.open() is not None

    def test_consumer_is_disabled_leaves_the_row(self, any_tool):
        """It may be enabled again, which the visitors should not notice."""
        browser = any_tool.visitor()
        any_tool.wiki.disable(any_tool.consumer)
        assert not any_tool.flow.is_accepted(browser.open())
        assert any_tool.rows()[0]["ended_at"] is None
        any_tool.wiki.set_consumer_state(any_tool.consumer.key, "approved")
        assert any_tool.flow.is_accepted(browser.open())


class TestWikiOrDatabaseDown:
    """What fails on the way."""

    def test_web_request_has_ten_seconds_for_the_wiki(self):
        """Unless a view says otherwise; both frameworks' tests shorten it."""
        seconds = inspect.signature(WebFlow.account).parameters["seconds"]
        assert seconds.default == flow_module.DEADLINE == 10.0

    @pytest.mark.parametrize("fault", ["hang", "trickle"])
    def test_wiki_is_slow_raises_at_the_deadline(self, tool, monkeypatch, fault):
        """While the code is exchanged."""
        monkeypatch.setattr(flow_module, "DEADLINE", 0.3)
        browser = Browser(tool)
        back = tool.wiki.approve(browser.leave(), "Alice")
        tool.wiki.fail_next(fault, seconds=1)
        with pytest.raises(TransportError, match="did not answer within"):
            browser.come_back(back)
        assert tool.rows() == []

    def test_time_is_over_raises(self, tool, monkeypatch):
        """Before the wiki is asked."""
        browser = Browser(tool)
        back = tool.wiki.approve(browser.leave(), "Alice")
        monkeypatch.setattr(flow_module, "DEADLINE", 0)
        with pytest.raises(DeadlineExceededError):
            browser.come_back(back)

    def test_database_is_down_raises_one_kind_of_error(self, any_tool):
        """Wherever it is needed; it says what the operator can do."""
        browser = any_tool.visitor()
        session = browser.open()
        any_tool.database.unlink()
        any_tool.database.mkdir()
        for failing in (
            browser.open,
            lambda: any_tool.flow.logout(session),
            lambda: any_tool.flow.logout_everywhere(session),
            lambda: any_tool.flow.forget(session.row_id),
            any_tool.flow.purge,
            lambda: any_tool.visitor("Bob"),
        ):
            with pytest.raises(StoreUnavailableError):
                failing()

    def test_database_is_down_at_the_callback_no_token_stays(self, tool, monkeypatch):
        """Nobody will ever have those that the wiki has just given."""
        given = given_credentials(monkeypatch)
        browser = Browser(tool)
        back = tool.wiki.approve(browser.leave(), "Alice")
        tool.database.unlink()
        tool.database.mkdir()
        with pytest.raises(StoreUnavailableError):
            browser.come_back(back)
        (credential,) = given
        assert is_dead(tool.settings.wiki, credential)

    @pytest.mark.parametrize("down", [False, True])
    def test_sign_in_is_taken_back_no_token_stays(self, tool, down):
        """Also where the database is down; then the row stays, which nobody can open."""
        browser = Browser(tool)
        arrival = browser.come_back(tool.wiki.approve(browser.leave(), "Alice"))
        if down:
            tool.database.unlink()
            tool.database.mkdir()
        tool.flow.take_back(arrival)
        assert down or tool.rows() == []
        assert is_dead(tool.settings.wiki, arrival.session.credential)

    def test_wrong_secret_raises_with_the_wikis_code(self, bot, tmp_path):
        """What the operator finds in the log."""
        tool = WebTool(bot.wiki, tmp_path)
        tool.start(consumer=replace(tool.settings.consumer, secret="0" * 40))
        with pytest.raises(TokenRequestError) as caught:
            tool.visitor()
        assert caught.value.error == "invalid_client"

    def test_wrong_secret_with_oauth1_raises_before_anybody_leaves(self, bot, tmp_path):
        """A mistake of the operator's, which names the settings."""
        tool = WebTool(bot.wiki, tmp_path, "1.0a")
        tool.start(consumer=replace(tool.settings.consumer, secret="0" * 40))
        with pytest.raises(ConfigurationError, match=r"mwoauth-oauth-exception.*_CLIENT_SECRET"):
            Browser(tool).leave()


class TestSecrets:
    """What could be printed by accident."""

    def test_none_is_in_a_repr_or_a_pickle(self, any_tool):
        """Of what a view has in its hands."""
        import pickle

        browser = Browser(any_tool)
        departure = any_tool.flow.begin("/", browser.cookies)
        browser.set(departure.cookies)
        arrival = browser.come_back(any_tool.wiki.approve(departure.url, "Alice"))
        session = arrival.session
        token = session.credential.access_token
        secret = {
            any_tool.settings.consumer.secret,
            any_tool.settings.encryption_keys,
            browser.cookies["pwb_oauth"],
            SessionCookie.parse(browser.cookies["pwb_oauth"]).text[-43:],
            getattr(token, "value", None) or token.secret,
            repr(session.key)[2:-1],
        }
        with any_tool.flow.account(session) as account:
            things = (departure, arrival, session, account, any_tool.settings, any_tool.store)
            for thing in things:
                assert not [each for each in secret if each in f"{thing!r} {thing}"], type(thing)
            for thing in (departure, arrival, session, any_tool.settings):
                with pytest.raises(TypeError):
                    pickle.dumps(thing)
