"""Moving an account from a secret in a file to a stored credential.

In this order, so that whoever is killed at any point has lost nothing and can begin again: store,
ask the wiki with what was read back, and only then take the old secret out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pwb_oauth import authorization
from pwb_oauth.errors import LoginRequiredError, PwbOAuthError, UsernameMismatchError
from pwb_oauth.migration import authenticate, cookies, passwords, rewriting, trial
from pwb_oauth.migration.finding import Finding, Kind, Use
from pwb_oauth.migration.proof import serves
from pwb_oauth.migration.uses import ConfiguredUses
from pwb_oauth.tokens import TokenKey

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pwb_oauth.credential import Credential
    from pwb_oauth.tokens import TokenStore
    from pwb_oauth.wiki import Wiki

    LogIn = Callable[[Wiki, TokenKey], None]


class Mover:
    """Moves one secret after the other.

    Attributes:
        store: Where credentials go.
    """

    def __init__(self, store: TokenStore, log_in: LogIn | None = None) -> None:
        """Remember where to.

        Args:
            store: Where credentials go.
            log_in: Leads a person through logging an account in, and stores its credential; None
                where nobody can be asked.
        """
        self.store = store
        self._log_in = log_in
        self._proven: set[tuple[TokenKey, Wiki]] = set()

    def replace(self, finding: Finding) -> tuple[TokenKey, ...]:
        """See to it that stored credentials can do what a secret does, and prove that they can.

        Returns:
            Whose they are.

        Raises:
            LoginRequiredError: Somebody has to log in.
            PwbOAuthError: It failed.
        """
        uses = self._take_over(finding)
        return tuple(dict.fromkeys(self._prove(use) for use in uses))

    def _take_over(self, finding: Finding) -> list[Use]:
        """Store an OAuth tuple for each wiki that accepts it.

        Returns:
            What the secret is of use for, with the user that the wiki named.

        Raises:
            UsernameMismatchError: It belongs to nobody that ``usernames`` names.
        """
        if finding.token is None:
            return list(finding.uses)
        found: list[Use] = []
        centrals = dict.fromkeys(use.wiki.central for use in finding.uses)
        for central in centrals:
            uses = [use for use in finding.uses if use.wiki.central == central]
            try:
                credential = authorization.adopt(central, *finding.token)
            except LoginRequiredError:
                found += uses  # revoked, or another wiki's
            else:
                found += self._store_unless_served(uses, credential)
        return found

    def _store_unless_served(self, uses: Sequence[Use], credential: Credential) -> list[Use]:
        key = TokenKey(uses[0].wiki.central.name, credential.username)
        mine = [use for use in uses if use.key in (None, key)]
        if not mine:
            raise UsernameMismatchError(str(uses[0].username), credential.username)
        if not all(self._is_served(key, use.wiki) for use in mine):
            self.store.save(key, credential)
        return [Use(use.wiki, credential.username) for use in mine]

    def _prove(self, use: Use) -> TokenKey:
        if use.key is None:
            raise LoginRequiredError(
                f"{use.wiki.host} does not accept it. Log in: pwb-oauth login {use.wiki.name}"
            )
        if not self._is_served(use.key, use.wiki) and self._log_in is not None:
            self._log_in(use.wiki, use.key)
        if not self._is_served(use.key, use.wiki):
            raise LoginRequiredError(f"Log in first: {use.key.login_command}")
        return use.key

    def _is_served(self, key: TokenKey, wiki: Wiki) -> bool:
        if (key, wiki) not in self._proven and serves(self.store, key, wiki):
            self._proven.add((key, wiki))
        return (key, wiki) in self._proven


def take_out(finding: Finding) -> None:
    """Rewrite a file without a secret that has been replaced.

    Raises:
        PwbOAuthError: It cannot be taken out, and the file is as it was.
    """

    def change(data: bytes) -> bytes | None:
        if finding.kind is Kind.OAUTH1:
            new = authenticate.without(finding.path, data, finding)
            if not trial.runs(finding.path, new):
                raise PwbOAuthError(
                    f"Pywikibot would not run {finding.path} any more. Take it out yourself."
                )
            return new
        if finding.kind is Kind.COOKIES:
            return cookies.without(finding.path, finding, ConfiguredUses())
        return passwords.without(data, finding)

    rewriting.rewrite(finding.path, change)
