"""Leading a person to a credential: an owner-only consumer's token, or an authorization."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING

import click

from pwb_oauth import authorization, grants
from pwb_oauth.answers import json_object, nonsense
from pwb_oauth.cli import callback, registration, terminal
from pwb_oauth.cli.browser import open_in_browser
from pwb_oauth.credential import Consumer, parse_owner_only
from pwb_oauth.errors import ConfigurationError, StateMismatchError, TokenRequestError
from pwb_oauth.transport import send, user_agent

if TYPE_CHECKING:
    from collections.abc import Callable

    from pwb_oauth.credential import Credential, OAuthVersion
    from pwb_oauth.wiki import Wiki

_SECRET = "(nothing is shown)"  # noqa: S105  # what stands behind a question


@dataclass
class Registered:
    """A registered consumer, as a person names it, and its secret once they were asked.

    Attributes:
        key: Its key.
        oauth_version: ``1.0a`` or ``2.0``.
        callback_url: As it is registered; None if the person did not say.
        in_browser: Whether to open the browser for the person.
    """

    key: str
    oauth_version: OAuthVersion
    callback_url: str | None
    in_browser: bool
    _secret: str | None = field(default=None, init=False, repr=False)

    @classmethod
    def of_options(
        cls, key: str | None, oauth: OAuthVersion | None, callback_url: str | None, no_browser: bool
    ) -> Registered | None:
        """What :func:`pwb_oauth.cli.options.consumer_options` brought; None if no key.

        Raises:
            UsageError: There is no key, but something that goes with one.
        """
        if key is not None:
            return cls(key, oauth or "2.0", callback_url, not no_browser)
        if oauth or callback_url or no_browser:
            raise click.UsageError("--oauth, --callback and --no-browser go with --consumer.")
        return None

    @property
    def listens_at(self) -> str:
        """Where the browser is expected."""
        return self.callback_url or callback.DEFAULT_URL

    def consumer(self) -> Consumer:
        """The consumer itself. Its secret is asked for the first time.

        Without a word about its callback URL an OAuth 1.0a consumer asks out of band: the wiki then
        sends the browser to the address that was registered, if there is one, or shows a code.
        """
        if self._secret is None:
            self._secret = _ask_consumer_secret(self.oauth_version)
        known = self.callback_url if self.oauth_version == "1.0a" else self.listens_at
        return Consumer(self.key, self._secret or None, self.oauth_version, callback_url=known)

    def forget_secret(self) -> None:
        """Ask for the secret again next time: the person may have mistyped it."""
        self._secret = None


def take_over(wiki: Wiki, *, with_token: bool) -> Credential:
    """Ask for the access token of an owner-only consumer, and the wiki whose it is.

    Args:
        wiki: Any wiki of the farm.
        with_token: Whether the token comes by standard input, so that there is nothing to explain.

    Raises:
        ConfigurationError: Nobody can be asked, or what was given is no access token.
        LoginRequiredError: The wiki does not accept the token.
        TransportError: The wiki could not be asked.
    """
    if not with_token:
        _explain_owner_only(wiki)
    return authorization.adopt(wiki, *parse_owner_only(_ask_access_token()))


def authorize(
    wiki: Wiki,
    registered: Registered,
    accept: Callable[[Credential], Credential],
) -> Credential:
    """Lead a person to the wiki and back.

    Args:
        wiki: Any wiki of the farm.
        registered: The consumer; its secret is asked for, unless it was before and served.
        accept: Refuses a credential by an error, so that the browser shows that it failed.

    Raises:
        PwbOAuthError: What :mod:`pwb_oauth.authorization` and ``accept`` raise.
        ConfigurationError: Nobody listens, and no address was given.
    """
    try:
        return _authorize(wiki, registered, accept)
    except TokenRequestError:
        registered.forget_secret()
        raise


def _authorize(
    wiki: Wiki, registered: Registered, accept: Callable[[Credential], Credential]
) -> Credential:
    _require_oauth(wiki, registered.oauth_version)
    consumer = registered.consumer()
    with callback.CallbackListener(registered.listens_at) as listener:
        pending = authorization.begin_authorization(wiki, consumer)
        opened = registered.in_browser and open_in_browser(pending.url)
        _explain_authorization(pending.url, registered, opened=opened)
        if listener.problem:
            terminal.say(f"{listener.problem}, so that the browser will not find its way back.")
        return _wait(
            listener,
            lambda address: accept(authorization.complete_authorization(wiki, pending, address)),
            _address_question(consumer, listening=listener.problem is None),
        )


def _wait(
    listener: callback.CallbackListener, complete: Callable[[str], Credential], question: str
) -> Credential:
    """Wait for the browser, and for whoever types the address that it ended on."""
    with ExitStack() as stack:
        try:
            if sys.platform == "win32" and listener.problem:  # only sockets can be waited for
                return complete(terminal.ask_secret(question))
            typed, say = _typed(stack, question)
            return listener.wait(complete, *typed, say=say)
        except EOFError:
            raise ConfigurationError(
                "Give the address that the browser ended on as the second line of standard input, "
                "behind the consumer secret."
            ) from None


def _explain_owner_only(wiki: Wiki) -> None:
    if not terminal.is_interactive():
        raise ConfigurationError(
            "There is no terminal to ask for the access token at. Give it by standard input: "
            "pwb-oauth login --with-token < FILE"
        )
    _require_oauth(wiki, "2.0")
    ticks = " and ".join(map(grants.describe, grants.PURPOSES["editing"]))
    terminal.say(
        "The bot needs an access token of its own. As the account that the bot is to use:\n"
        f"1. Open this form: {registration.form_url(wiki, '2.0', None)}\n"
        f"2. Tick {ticks}, what else the bot does, and the box at the end. Submit it.\n"
        "3. Copy the access token that the wiki shows, and paste it here. (For OAuth 1.0a paste "
        "its four\n   values, joined by colons.) Another form: pwb-oauth register --help\n"
    )


def _require_oauth(wiki: Wiki, oauth_version: OAuthVersion) -> None:
    """See that the wiki is there and has the extension, before a person is asked for a secret.

    Raises:
        TransportError: It is not, or has not.
    """
    central = wiki.central
    agent = user_agent(central)
    if oauth_version == "1.0a":
        # Not rest.php, which a wiki may keep from the web: OAuth 1.0a does without.
        query = {"title": "Special:OAuth/initiate", "format": "json"}
        response = send("POST", central.index_url, user_agent=agent, params=query)
        is_there = json_object(response) is not None
    else:
        response = send("GET", f"{central.rest_url}/oauth2/resource/profile", user_agent=agent)
        # Nobody is told whose token it is who shows none.
        is_there = response.status_code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
    if not is_there:
        raise nonsense(central, response)


def _ask_access_token() -> str:
    """What was typed, or the first line of standard input that is not empty."""
    with suppress(EOFError):
        while not (text := terminal.ask_secret(f"Access token {_SECRET}")):
            if terminal.has_keyboard():
                break
        return text
    return ""


def _ask_consumer_secret(oauth_version: OAuthVersion) -> str:
    may_lack = oauth_version == "2.0"
    if_none = "; Enter if it has none" if may_lack else ""
    try:
        secret = terminal.ask_secret(f"Consumer secret {_SECRET[:-1]}{if_none})")
    except EOFError:
        raise ConfigurationError(
            "Standard input ended before the consumer secret. Give it there as the first line: an "
            "empty one, if the consumer has none."
        ) from None
    if not secret and not may_lack:
        raise ConfigurationError(
            "An OAuth 1.0a consumer needs a key and a secret, and the secret was empty. Give the "
            "one that the wiki showed when the consumer was registered, or have it reset there."
        )
    return secret


def _explain_authorization(url: str, registered: Registered, *, opened: bool) -> None:
    where = "If your browser did not open, open" if opened else "Open"
    terminal.say(
        "Allow the access in your browser, signed in as the account that the bot is to use.\n"
        f"{where} this address:\n\n  {url}\n\n"
        "If the wiki shows an error there, compare the consumer's key, and whether its callback "
        f"URL is {registered.listens_at}: if it is another one, press Ctrl-C and give it by "
        "--callback."
    )


def _address_question(consumer: Consumer, *, listening: bool) -> str:
    what = "the address that the browser ended on"
    if consumer.oauth_version == "1.0a" and consumer.callback_url is None:
        what = f"the code that the wiki shows, or {what}"
    return f"{'Waiting for the browser. Or paste' if listening else 'Paste'} {what} {_SECRET}"


def _typed(stack: ExitStack, question: str) -> tuple[list[callback.Source], Callable[[str], None]]:
    """Where a person, or a program, may type the address; and how they are told something."""
    if sys.stdin is None or sys.platform == "win32":
        return [], terminal.say
    if not terminal.is_interactive():
        return [_PipedAddress(sys.stdin.fileno())], terminal.say
    line = stack.enter_context(terminal.hidden_line(question))
    return [_TypedAddress(line)], line.ask_again


class _TypedAddress:
    """A line at the terminal, and another one if that was wrong."""

    def __init__(self, line: terminal.HiddenLine) -> None:
        self._line = line
        self.fileno = line.fileno

    def take(self, offer: Callable[[str], bool]) -> None:
        address = self._line.read()
        if address is not None:
            try:
                offer(address)
            except StateMismatchError as error:
                self._line.ask_again(str(error))


class _PipedAddress:
    """Lines of standard input that is no terminal, of which one is right."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._text = b""
        self._problem: StateMismatchError | None = None

    def fileno(self) -> int:
        return self._descriptor

    def take(self, offer: Callable[[str], bool]) -> None:
        data = os.read(self._descriptor, 4096)
        *lines, self._text = (self._text + (data or b"\n")).split(b"\n")
        for line in filter(None, map(bytes.strip, lines)):
            if self._fits(line.decode("utf-8", "replace"), offer):
                return
        if not data:
            raise self._problem or EOFError

    def _fits(self, address: str, offer: Callable[[str], bool]) -> bool:
        """Offer an address, and say whether it belongs to what was begun, for good or ill."""
        try:
            offer(address)
        except StateMismatchError as error:
            self._problem = error
            return False
        return True
