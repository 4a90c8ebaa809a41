"""Errors of the library on their way through Pywikibot."""

from __future__ import annotations

import pickle
from queue import Queue

import keyring
import pytest
import pywikibot
import requests
from pywikibot import config
from pywikibot.exceptions import FatalServerError, OtherPageSaveError

from bot_actions import authors, noted_waits, own_put_thread, save  # noqa: F401
from pwb_oauth import csrf, errors, sites
from pwb_oauth.accounts import Accounts
from pwb_oauth.errors import (
    LoginRequiredError,
    PwbOAuthError,
    StoreUnavailableError,
    TransportError,
)
from pwb_oauth.fatal import as_fatal
from pwb_oauth.stores.keyring import KeyringTokenStore
from test_keyring_store import StrictKeyring


def example(cls):
    """An error of that class."""
    arguments = {
        errors.MissingExtraError: ("sql",),
        errors.TokenRequestError: ("The wiki refused.", "invalid_client"),
        errors.UsernameMismatchError: ("Alice", "Bob"),
    }
    return cls(*arguments.get(cls, ("What happened. What to do.",)))


ALL_ERRORS = [getattr(errors, name) for name in errors.__all__]


class TestAsFatal:
    """Errors on their way from the session through Pywikibot."""

    @pytest.fixture
    def failing(self, bot, monkeypatch):
        """A function that lets every request of Alice's site fail with an error."""
        bot.log_in("1.0a owner-only")
        site = bot.site("Alice")

        def fail(error):
            def request(self, method, url, **options):
                raise error

            monkeypatch.setattr("pwb_oauth.account.Account.request", request)
            return site

        return fail

    @pytest.mark.parametrize("cls", [cls for cls in ALL_ERRORS if cls is not TransportError])
    def test_error_is_at_the_same_time_a_fatal_server_error(self, failing, waits, cls):
        """So Pywikibot lets it through, at once, as it is."""
        original = example(cls)
        site = failing(original)
        with pytest.raises(cls) as caught:
            site.simple_request(action="query", meta="siteinfo").submit()
        error = caught.value
        assert isinstance(error, FatalServerError)
        assert (type(error).__name__, str(error)) == (cls.__name__, str(original))
        assert error.__cause__ is None
        for name, value in vars(original).items():
            assert getattr(error, name) == value
        assert waits == []

    @pytest.mark.parametrize("cls", [cls for cls in ALL_ERRORS if cls is not TransportError])
    def test_error_is_pickled_as_a_plain_one(self, failing, cls):
        """Another process need not have Pywikibot, nor our hooks."""
        site = failing(example(cls))
        with pytest.raises(cls) as caught:
            site.simple_request(action="query", meta="siteinfo").submit()
        copy = pickle.loads(pickle.dumps(caught.value))  # noqa: S301  # our own
        assert type(copy) is cls
        assert str(copy) == str(example(cls))

    def test_transport_error_is_retried_by_pywikibot(self, failing, waits):
        """It may be gone a moment later."""
        site = failing(TransportError("The wiki could not be asked. Try again."))
        with pytest.raises(pywikibot.exceptions.ApiTimeoutError):
            site.simple_request(action="query", meta="siteinfo").submit()
        assert len(waits) == config.max_retries

    def test_transport_error_while_signing_in_ends_at_once(self, failing, waits):
        """Who starts a bot wants to know."""
        site = failing(TransportError("The wiki could not be asked. Try again."))
        site.logout()
        with pytest.raises(TransportError):
            site.login()
        assert waits == []

    def test_save_wraps_it_and_names_it_as_the_reason(self, bot, failing):
        """``OtherPageSaveError.reason``."""
        page = save(bot.site("Alice"))
        failing(LoginRequiredError("Gone. Log in."))
        page.text = "more"
        with pytest.raises(OtherPageSaveError) as caught:
            page.save()
        assert isinstance(caught.value.reason, LoginRequiredError)

    def test_asynchronous_save_gives_it_to_its_callback_and_the_thread_lives_on(
        self, bot, put_thread
    ):
        """A later asynchronous save is done."""
        bot.log_in("1.0a")
        site = bot.site("Alice")
        pages = [save(site, f"Page {number}") for number in range(2)]
        bot.wiki.revoke("Alice")
        given: Queue = Queue()
        for page in pages:
            page.text = "more"
            page.save(asynchronous=True, callback=lambda page, error: given.put(error))
        for error in (given.get(timeout=10), given.get(timeout=10)):
            assert isinstance(error, LoginRequiredError)
        bot.log_in("1.0a")
        pages[0].save(asynchronous=True, callback=lambda page, error: given.put(error))
        assert given.get(timeout=10) is None
        assert put_thread.is_alive()
        assert len(authors(bot.wiki, "Page 0")) == 2

    def test_logout_while_an_asynchronous_save_meets_a_bad_token_the_thread_lives_on(
        self, bot, put_thread, monkeypatch
    ):
        """Its callback is told, and a later save is done."""
        bot.log_in("2.0")
        site = bot.site("Alice")
        page = save(site)
        real = csrf.renew

        def log_out_meanwhile(request, account):
            site.logout()
            return real(request, account)

        given: Queue = Queue()
        bot.wiki.fail_next("badtoken", action="edit")
        with monkeypatch.context() as patch:
            patch.setattr(csrf, "renew", log_out_meanwhile)
            page.text = "more"
            page.save(asynchronous=True, callback=lambda page, error: given.put(error))
            error = given.get(timeout=10)
        assert isinstance(error, LoginRequiredError)
        assert "was logged out while this request was under way" in str(error)
        site.login()
        page.text = "most"
        page.save(asynchronous=True, callback=lambda page, error: given.put(error))
        assert given.get(timeout=10) is None
        assert put_thread.is_alive()
        assert authors(bot.wiki, "Test") == ["Alice"] * 2

    @pytest.mark.parametrize("cls", [RuntimeError, NameError, ValueError])
    def test_keyring_that_raises_anything_is_said_at_once_and_the_thread_lives_on(
        self, bot, put_thread, waits, monkeypatch, cls
    ):
        """Pywikibot would ask it again for hours, or its thread would die of it."""
        backend = StrictKeyring()
        monkeypatch.setattr(keyring.core, "_keyring_backend", backend)
        bot.store = KeyringTokenStore()
        monkeypatch.setattr(sites, "accounts", Accounts(bot.store))
        bot.log_in("2.0 owner-only")
        page = save(bot.site("Alice"))
        monkeypatch.setattr(sites, "accounts", Accounts(bot.store))
        backend.hooks["get"] = lambda: (_ for _ in ()).throw(cls("a fault"))
        given: Queue = Queue()
        page.text = "more"
        page.save(asynchronous=True, callback=lambda page, error: given.put(error))
        error = given.get(timeout=10)
        assert isinstance(getattr(error, "reason", error), StoreUnavailableError)
        assert put_thread.is_alive()
        assert waits == []

    def test_every_own_error_can_cross(self):
        """None has a layout that does not go with Pywikibot's class."""
        for cls in ALL_ERRORS:
            fatal = as_fatal(example(cls))
            assert isinstance(fatal, cls)
            assert isinstance(fatal, FatalServerError)
            assert issubclass(cls, PwbOAuthError)

    def test_errors_of_others_are_left_as_they_are(self, bot, monkeypatch):
        """A wiki that is not there is Pywikibot's affair."""
        bot.log_in("1.0a owner-only")
        site = bot.site("Alice")

        def request(self, method, url, **options):
            raise requests.exceptions.SSLError("certificate verify failed")

        monkeypatch.setattr("pwb_oauth.account.Account.request", request)
        with pytest.raises(FatalServerError) as caught:
            site.simple_request(action="query", meta="siteinfo").submit()
        assert type(caught.value) is FatalServerError
