"""CSRF tokens fetched anew when the wiki calls one bad.

They belong to the access token: stale after a refresh, and two live access tokens of one user and
consumer void each other's by a mere read. Pywikibot gives up at the second ``badtoken`` in a row,
which such a bot meets often.
"""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

from pwb_oauth import signing_in

if TYPE_CHECKING:
    from pywikibot.data.api import Request

    from pwb_oauth.account import Account

_TRIES = 60
_FIRST_PAUSE = 0.02
_LONGEST_PAUSE = 0.5
_COUNT = "_pwb_oauth_badtokens"

# The actions whose parameter "token" is of another type than csrf, each of its own name.
# Source: MediaWiki's action=paraminfo.
_OWN_TYPE = frozenset({"patrol", "rollback", "userrights", "watch"})


def renew(request: Request, account: Account) -> bool:
    """Give a request a new CSRF token of the type that it needs.

    One thread at a time asks for tokens of an account; the others take what it got. From the second
    try on there is a pause at random, longer and longer, so that two machines do not void each
    other's in step. A machine that reads without a pause still leaves the other one no more than
    every second or fifth try, so that there are many: for about a quarter of a minute.

    Returns:
        Whether to send the request again; False once that was done sixty times, and for a request
        without a token.

    Raises:
        LoginRequiredError: The site was logged out meanwhile.
    """
    params = request._params  # noqa: SLF001
    tries = getattr(request, _COUNT, 0)
    if tries >= _TRIES or "token" not in params:
        return False
    setattr(request, _COUNT, tries + 1)
    pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * (2**tries - 1))
    time.sleep(pause * random.random())  # noqa: S311  # no secret
    kind = request.action if request.action in _OWN_TYPE else "csrf"
    # The wallet's own dictionary is changed in place: emptying it would fail the other threads.
    wallet = request.site.tokens._tokens  # noqa: SLF001
    refused = list(params["token"])
    with account.token_lock:
        if [wallet.get(kind)] == refused or kind not in wallet:
            wallet.update(request.site.get_tokens([kind]))
        if kind not in wallet:  # the wiki has no token for nobody
            signing_in.require_signed_in(request.site)
            return False
        request["token"] = wallet[kind]
    # Pywikibot takes the same error twice in a row for a final one.
    request.last_error = dict.fromkeys(["code", "info"])
    return True
