"""What a browser keeps between leaving for the wiki and coming back."""

from __future__ import annotations

import pickle
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from pwb_oauth.credential import Consumer, PendingAuthorization
from pwb_oauth.encryption import new_key
from pwb_oauth.errors import StateMismatchError
from pwb_oauth.web.cookies import CookieNames
from pwb_oauth.web.next_url import MAX_LENGTH, safe_next_url
from pwb_oauth.web.pending import MAX_PENDING, Attempt, PendingCookies
from pwb_oauth.web.settings import WebSettings
from pwb_oauth.wiki import Wiki

CALLBACK = "https://tool.example.org/oauth/callback"
CONSUMER = Consumer("c" * 32, "5ecret" * 6, callback_url=CALLBACK)
SETTINGS = WebSettings(Wiki("https://meta.wikimedia.org"), CONSUMER, new_key())
NAMES = CookieNames(CALLBACK)
BEGAN = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=timezone.utc)
VERIFIER = "ver1fier" * 10


def attempt(number: int = 0, next_url: str = "/after") -> Attempt:
    """One that was begun so many seconds later."""
    state = f"{number:043d}"
    address = f"https://meta.wikimedia.org/w/rest.php/oauth2/authorize?state={state}"
    began_at = BEGAN + timedelta(seconds=number)
    return Attempt(PendingAuthorization(CONSUMER, address, state, VERIFIER, began_at), next_url)


def kept(pending: PendingCookies, *attempts: Attempt) -> dict[str, str]:
    """What a browser has after these."""
    jar: dict[str, str] = {}
    for each in attempts:
        for cookie in pending.keep(each, jar):
            jar.pop(cookie.name, None)
            if cookie.max_age:
                jar[cookie.name] = cookie.value
    return jar


@pytest.fixture
def pending() -> PendingCookies:
    """Those of a web tool."""
    return PendingCookies(SETTINGS, NAMES)


class TestFind:
    """What the wiki answers."""

    def test_attempt_comes_back(self, pending):
        """With the protocol's secret, its time, and where to go."""
        left = attempt()
        found = pending.find(left.pending.state, kept(pending, left))
        assert found.pending == replace(left.pending, url=found.pending.url)
        assert found.pending.url.startswith("https://meta.wikimedia.org/")
        assert found.next_url == "/after"

    def test_cookie_is_for_ten_minutes_and_over_https(self, pending):
        """And is named after the state, without telling it."""
        (cookie,) = pending.keep(attempt(), {})
        assert (cookie.max_age, cookie.secure) == (600, True)
        assert cookie.name.startswith("__Host-pwb_oauth_pending_")
        assert VERIFIER not in cookie.value
        assert attempt().pending.state not in cookie.value + cookie.name

    def test_unknown_state_raises(self, pending):
        """This browser did not leave with it."""
        with pytest.raises(StateMismatchError):
            pending.find("another", kept(pending, attempt()))

    @pytest.mark.parametrize(
        "changed",
        [
            lambda value: "",
            lambda value: value[:-1],
            lambda value: value[1:],
            lambda value: value + "A",
            lambda value: value + value,
            lambda value: value.replace("v1.", "v2."),
            lambda value: value.replace(".", ""),
            lambda value: "v1." + "0" * 8 + value[11:],
            lambda value: value[:20] + ("A" if value[20] != "A" else "B") + value[21:],
            lambda value: "x" * 4096,
            lambda value: "v1.é.ü",
            lambda value: "v1.\ud800.\ud800",
        ],
    )
    def test_damaged_cookie_raises(self, pending, changed):
        """No other error comes of it."""
        left = attempt()
        ((name, value),) = kept(pending, left).items()
        with pytest.raises(StateMismatchError):
            pending.find(left.pending.state, {name: changed(value)})

    def test_cookie_of_another_attempt_raises(self, pending):
        """It was put under this one's name."""
        one, other = attempt(1), attempt(2)
        jar = kept(pending, one, other)
        swapped = {NAMES.pending(one.pending.state): jar[NAMES.pending(other.pending.state)]}
        with pytest.raises(StateMismatchError):
            pending.find(one.pending.state, swapped)

    @pytest.mark.parametrize(
        "changes",
        [
            {"encryption_keys": new_key()},
            {"consumer": replace(CONSUMER, key="d" * 32)},
            {"consumer": replace(CONSUMER, oauth_version="1.0a")},
        ],
    )
    def test_another_tools_cookie_raises(self, pending, changes):
        """Another key, another consumer."""
        left = attempt()
        other = PendingCookies(replace(SETTINGS, **changes), NAMES)
        with pytest.raises(StateMismatchError):
            other.find(left.pending.state, kept(pending, left))

    def test_older_key_still_opens_it(self, pending):
        """While the operator changes keys."""
        left = attempt()
        keys = f"{new_key()} {SETTINGS.encryption_keys}"
        other = PendingCookies(replace(SETTINGS, encryption_keys=keys), NAMES)
        assert other.find(left.pending.state, kept(pending, left)).next_url == "/after"


class TestKeep:
    """How many attempts a browser has under way."""

    def test_fifty_attempts_five_are_kept(self, pending):
        """The latest; a browser has room for some 180 cookies, and a server for 8 KB of them."""
        jar = kept(pending, *map(attempt, range(50)))
        assert len(jar) == MAX_PENDING == 5
        latest = {NAMES.pending(attempt(number).pending.state) for number in range(45, 50)}
        assert set(jar) == latest

    def test_unreadable_ones_give_way_first(self, pending):
        """Those that an attacker, or an earlier version, has left."""
        jar = kept(pending, *map(attempt, range(4)))
        jar |= {"__Host-pwb_oauth_pending_0": "x", "__Host-pwb_oauth_pending_1": ""}
        deleted = [cookie for cookie in pending.keep(attempt(9), jar) if not cookie.max_age]
        assert {cookie.name for cookie in deleted} == {
            "__Host-pwb_oauth_pending_0",
            "__Host-pwb_oauth_pending_1",
        }

    def test_other_cookies_are_left_alone(self, pending):
        """The user session's, and the application's."""
        others = {NAMES.session: "x", "sessionid": "y", "csrftoken": "z"}
        jar = {**others, **kept(pending, *map(attempt, range(5)))}
        names = {cookie.name for cookie in pending.keep(attempt(9), jar)}
        assert not names & set(others)

    @pytest.mark.parametrize("character", ["a", "ü", "😀"])
    def test_cookie_is_small_enough_whatever_the_next_page(self, pending, character):
        """Browsers keep 4,096 bytes of each, servers read 8 KB or more of all."""
        longest = f"/{character * (MAX_LENGTH // len(character.encode()) - 1)}"
        left = attempt(next_url=longest)
        assert safe_next_url(longest) == longest
        assert safe_next_url(longest + 2 * character) == "/"
        (cookie,) = pending.keep(left, {})
        assert len(cookie.name) + len(cookie.value) < 4096 / 2
        assert pending.find(left.pending.state, {cookie.name: cookie.value}) is not None


class TestAttempt:
    """A visitor on the way."""

    def test_secret_is_in_no_repr_and_no_pickle(self):
        """Debug pages show locals."""
        assert VERIFIER not in repr(attempt())
        with pytest.raises(TypeError):
            pickle.dumps(attempt())
