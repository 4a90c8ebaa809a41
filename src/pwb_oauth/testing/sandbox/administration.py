"""What an administrator of the sandbox wiki does, without a request: what a test sets up."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Literal

from pwb_oauth.testing.sandbox import grants as grants_of
from pwb_oauth.testing.sandbox import grants_page, history, registration, sessions, titles
from pwb_oauth.testing.sandbox.model import (
    Block,
    BotPassword,
    Consumer,
    ConsumerState,
    Page,
    User,
    WikiState,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

DEFAULT_GRANTS = ("basic", "highvolume", "editpage", "createeditmovepage")


class Administration:
    """Registers accounts and consumers, writes pages, takes things back, at any time."""

    _state: WikiState

    def add_user(
        self,
        name: str,
        *,
        password: str | None = None,
        groups: Sequence[str] = (),
        email: str = "",
        real_name: str = "",
    ) -> User:
        """Register an account, or replace the one that has the name.

        Args:
            name: With a capital first letter.
            password: None makes one up.
            groups: Besides those that everyone is in.
            email: Counts as confirmed.
            real_name: Shown to consumers with the grant for it.
        """
        with self._state.lock:
            now = self._state.now
            old = self._state.users.get(name)
            user = User(
                old.id if old else self._state.next_id("user"),
                name,
                password or secrets.token_urlsafe(12),
                list(groups),
                now,
                real_name,
                email,
                now if email else None,
            )
            self._state.users[name] = user
        return user

    def add_consumer(
        self,
        name: str,
        *,
        oauth_version: Literal["1.0a", "2.0"] = "2.0",
        owner: str = "Alice",
        owner_only: bool = False,
        confidential: bool = True,
        callback_url: str = "",
        callback_is_prefix: bool = False,
        grants: Sequence[str] = DEFAULT_GRANTS,
        state: ConsumerState = "approved",
        grant_types: Sequence[str] | None = None,
        key: str | None = None,
        secret: str | None = None,
    ) -> Consumer:
        """Register a consumer.

        Args:
            name: What users see.
            oauth_version: ``"1.0a"`` or ``"2.0"``.
            owner: Who registers it.
            owner_only: Only for its owner; it comes with ``access_token`` (and ``access_secret``).
            confidential: OAuth 2.0: False is a public client, which must use PKCE.
            callback_url: Empty for the wiki's own page that shows the verifier.
            callback_is_prefix: OAuth 1.0a: requests may name any address that begins so.
            grants: What it may ask for.
            state: ``"proposed"``, ``"approved"``, ``"rejected"`` or ``"disabled"``.
            grant_types: OAuth 2.0's; None for what such a client usually has.
            key: None makes one up.
            secret: Likewise.
        """
        with self._state.lock:
            return registration.new_consumer(
                self._state,
                name=name,
                owner=self._state.users[owner],
                oauth_version=oauth_version,
                callback_url=callback_url,
                callback_is_prefix=callback_is_prefix,
                owner_only=owner_only,
                confidential=confidential,
                grants=grants_of.full_names(grants),
                grant_types=list(grant_types) if grant_types is not None else None,
                state=state,
                key=key,
                secret=secret,
            )

    def add_bot_password(
        self,
        user: str,
        app_id: str,
        *,
        password: str | None = None,
        grants: Sequence[str] = DEFAULT_GRANTS,
    ) -> BotPassword:
        """Give an account a bot password; its login name is ``USER@APP_ID``.

        Args:
            user: Whose.
            app_id: What it is for.
            password: None makes one up. Pywikibot and MediaWiki know it by its form: at least 32
                characters from 0 to 9 and from a to w.
            grants: What a session with it may do.
        """
        with self._state.lock:
            bot_password = BotPassword(
                self._state.users[user].name,
                app_id,
                password or sessions.random_id(),
                grants_of.full_names(grants),
            )
            self._state.bot_passwords[bot_password.login_name] = bot_password
        return bot_password

    def add_page(self, title: str, text: str, *, user: str = "Admin") -> Page:
        """Write a page, or a further revision of one.

        Args:
            title: With its namespace.
            text: What it says.
            user: Its author.

        Raises:
            ValueError: It cannot be a title.
        """
        with self._state.lock:
            full = titles.parse_title(self._state, title).full
            return history.set_page_up(self._state, full, text, self._state.users[user])

    def expire_tokens(self, user: str | None = None) -> None:
        """End OAuth 2.0 access tokens now, not refresh tokens.

        Args:
            user: Only those of this account.
        """
        with self._state.lock:
            for token in self._state.access_tokens.values():
                owner = self._state.user_by_id(token.user_id)
                if user is None or (owner is not None and owner.name == user):
                    token.expires_at = min(token.expires_at, self._state.now)

    def revoke(self, user: str, consumer: Consumer | None = None) -> None:
        """Take back what a user allowed, as at Special:OAuthManageMyGrants.

        Args:
            user: Whose approval.
            consumer: Only for this one.
        """
        with self._state.lock:
            user_id = self._state.users[user].id
            for accepted in list(self._state.acceptances):
                wanted = consumer is None or accepted.consumer_key == consumer.key
                if accepted.user_id == user_id and wanted:
                    grants_page.revoke(self._state, accepted)

    def set_consumer_state(self, key: str, state: ConsumerState) -> None:
        """Approve, reject or disable a consumer, as an administrator does."""
        with self._state.lock:
            self._state.consumers[key].state = state

    def disable(self, consumer: Consumer) -> None:
        """Disable a consumer, as an administrator does."""
        self.set_consumer_state(consumer.key, "disabled")

    def set_lifetimes(
        self, *, access: timedelta | None = None, refresh: timedelta | None = None
    ) -> None:
        """Say how long OAuth 2.0 tokens live that are issued from here on."""
        with self._state.lock:
            lifetimes = self._state.lifetimes
            lifetimes.access = access or lifetimes.access
            lifetimes.refresh = refresh or lifetimes.refresh

    def block(self, user: str, *, reason: str = "", by: str = "Admin") -> None:
        """Block an account from editing, for good."""
        with self._state.lock:
            number = self._state.next_id("block")
            self._state.users[user].block = Block(number, by, reason, self._state.now)

    def lock(self, user: str) -> None:
        """Lock an account everywhere, as a steward does: its OAuth requests are refused."""
        with self._state.lock:
            self._state.users[user].locked = True
