"""The drop-in for Pywikibot's OAuth login manager."""

from __future__ import annotations

import webbrowser
from typing import TYPE_CHECKING, Any

import pywikibot
from pywikibot.login import OauthLoginManager as UpstreamLoginManager

from pwb_oauth import authorization, signing_in, sites
from pwb_oauth.credential import Consumer, Credential, OAuth1AccessToken
from pwb_oauth.errors import ConfigurationError, LoginRequiredError, UsernameMismatchError
from pwb_oauth.identity import fetch_identity
from pwb_oauth.tokens import TokenKey

if TYPE_CHECKING:
    from pywikibot.site import APISite

    from pwb_oauth.account import Account


class OAuthLoginManager(UpstreamLoginManager):  # type: ignore[misc]
    """Signs a site in and out with OAuth 1.0a or 2.0.

    It stands in for ``pywikibot.login.OauthLoginManager`` and differs from it in this: it raises
    where that returns False, stores what it obtains, prints no secret, and can log out.

    Args:
        password: The consumer secret, to obtain a new OAuth 1.0a access token as upstream does.
        site: The site; Pywikibot's default site if None.
        user: The consumer key where ``password`` is given, else the name of the account. None is
            the site's own user, or the only account stored for the wiki.
    """

    def __init__(
        self,
        password: str | None = None,
        site: APISite | None = None,
        user: str | None = None,
    ) -> None:
        """Read nothing yet."""
        # Upstream's constructor insists on usernames and opens the password file.
        self.site = site or pywikibot.Site()
        self.password = None
        self._consumer: Consumer | None = None
        self._access_token: OAuth1AccessToken | None = None
        if password is not None:
            self._consumer = Consumer(user, password, oauth_version="1.0a")
            user = None
        self.username = self.login_name = user or self.site.username()

    @property
    def credential(self) -> Credential | None:
        """The stored credential; None if there is none."""
        account = self._account()
        return account.credential if account else None

    @property
    def consumer_token(self) -> tuple[str | None, str | None] | None:
        """Consumer key and secret (OAuth 1.0a); None under OAuth 2.0 or without a credential."""
        consumer = self._consumer or self._stored_consumer()
        return (consumer.key, consumer.secret) if consumer else None

    @property
    def access_token(self) -> tuple[str, str] | None:
        """Access key and secret (OAuth 1.0a); None under OAuth 2.0 or without a credential.

        Setting it before :meth:`login` takes an access token over, such as that of an owner-only
        consumer, instead of asking the user.
        """
        token: Any = self._access_token
        credential = self.credential if token is None else None
        if credential and (self._consumer or credential.consumer).key == credential.consumer.key:
            token = credential.access_token
        return (token.key, token.secret) if isinstance(token, OAuth1AccessToken) else None

    @access_token.setter
    def access_token(self, token: tuple[str, str]) -> None:
        self._access_token = OAuth1AccessToken(*token)

    @property
    def identity(self) -> dict[str, Any] | None:
        """What the wiki says of the account that the access token belongs to; asks it each time.

        Returns:
            The claims, ``username`` among them; None without a credential.

        Raises:
            LoginRequiredError: The wiki does not accept the access token.
            IdentityError: The wiki does not name the account.
        """
        if self._consumer and self._access_token:
            wiki = sites.wiki_of(self.site).central
            return dict(fetch_identity(wiki, self._consumer, self._access_token).claims)
        account = self._account()
        return dict(account.identify().claims) if account else None

    def login(self, retry: bool = False, force: bool = False) -> bool:
        """Sign the site in, obtaining and storing a credential first where a consumer was given.

        Args:
            retry: Of no effect; upstream's parameter, which repeats failures without an end.
            force: Ask the user again although a credential is stored.

        Returns:
            True. A failure raises.

        Raises:
            LoginRequiredError: No credential is stored, or the wiki does not accept it.
            UsernameMismatchError: The access token belongs to another account than the site's user.
            AuthorizationError: The user or the wiki refused.
        """
        del retry
        if self._consumer is not None and (force or self._access_token or not self._account()):
            self._obtain(self._consumer, ask=force or not self._access_token)
        signing_in.sign_in(self.site, self._required_account())
        return True

    def logout(self) -> None:
        """Make the site anonymous. The stored credential stays, and :meth:`login` works again.

        To withdraw the grant itself, use ``Special:OAuthManageMyGrants`` on the wiki.
        """
        if not signing_in.is_signed_in(self.site):
            self._required_account()
        signing_in.sign_out(self.site)

    def _account(self) -> Account | None:
        return sites.accounts.find(sites.wiki_of(self.site), self.username)

    def _required_account(self) -> Account:
        account = self._account()
        if account is None:
            raise self._nobody()
        return account

    def _nobody(self) -> LoginRequiredError | ConfigurationError:
        return sites.accounts.describe_choice(sites.wiki_of(self.site), self.username)

    def _stored_consumer(self) -> Consumer | None:
        credential = self.credential
        oauth1 = credential is not None and credential.oauth_version == "1.0a"
        return credential.consumer if credential and oauth1 else None

    def _obtain(self, consumer: Consumer, *, ask: bool) -> None:
        """Get an access token, and store it once it is known to be the expected account's."""
        wiki = sites.wiki_of(self.site).central
        if self._access_token and not ask:
            credential = authorization.adopt(wiki, consumer, self._access_token)
        else:
            pending = authorization.begin_authorization(wiki, consumer)
            response = _ask_user(pending.url)
            credential = authorization.complete_authorization(wiki, pending, response)
            self._access_token = None
        key = TokenKey(wiki.name, credential.username)
        if self.username and TokenKey(wiki.name, self.username) != key:
            raise UsernameMismatchError(self.username, credential.username)
        sites.accounts.store.save(key, credential)
        self.username = self.login_name = key.username


def _ask_user(url: str) -> str:
    """Send the user to the wiki, and let them paste what comes back."""
    webbrowser.open(url)
    pywikibot.stdout(f"Allow the access in your browser. If it does not open, go to:\n{url}")
    answer: str = pywikibot.input("The address your browser ended on, or the code the page shows")
    return answer
