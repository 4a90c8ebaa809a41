"""Signing in and out, and ``action=checktoken``.

Under OAuth nobody can sign in or out: the credential of each request says who it is.
"""

from __future__ import annotations

import hmac
import re
from typing import TYPE_CHECKING, Any

from pwb_oauth.testing.sandbox.api_call import timestamp
from pwb_oauth.testing.sandbox.api_errors import one_of, refuse
from pwb_oauth.testing.sandbox.titles import clean_user_name

if TYPE_CHECKING:
    from pwb_oauth.testing.sandbox.api_call import Call
    from pwb_oauth.testing.sandbox.model import User

_PROVIDERS = {
    "oauth1": "MediaWiki\\Extension\\OAuth\\SessionProvider",
    "oauth2": "MediaWiki\\Extension\\OAuth\\SessionProvider",
    "botpassword": "MediaWiki\\Session\\BotPasswordSessionProvider",
}
_WRONG = "Incorrect username or password entered. Please try again."
_DAYS_REMEMBERED = 180
_TIME_DIGITS = 8


def login(call: Call) -> dict[str, Any]:
    """Sign in with a bot password, or (deprecated) with the account's own."""
    given = call.parameters("login")
    provider = _PROVIDERS.get(call.context.caller.mechanism)
    if provider is not None:
        reason = f"Cannot log in when using {provider} sessions."
        return {"login": {"result": "Aborted", "reason": reason}}
    token = given["token"]
    if not token:
        return {"login": {"result": "NeedToken", "token": call.context.token("login")}}
    if not call.context.token_is_good("login", token):
        return {"login": {"result": "WrongToken"}}
    user = _sign_in(call, given["name"] or "", given["password"] or "")
    if user is None:
        return {"login": {"result": "Failed", "reason": _WRONG}}
    return {"login": {"result": "Success", "lguserid": user.id, "lgusername": user.name}}


def _sign_in(call: Call, name: str, password: str) -> User | None:
    bot_password = call.wiki.bot_passwords.get(name)
    # A bot password is told from an account's own by its looks, as in MediaWiki.
    if "@" in name and re.fullmatch(r"[0-9a-w]{32,}", password):
        if bot_password is None or not _same(bot_password.password, password):
            return None
        user = call.wiki.users.get(bot_password.user)
        if user is not None:
            call.context.log_in_bot_password(user, bot_password)
        return user
    user = _account(call, name, password)
    if user is not None:
        text = (
            'Main-account login via "action=login" is deprecated and may stop working without'
            ' warning. To continue login with "action=login", see [[Special:BotPasswords]]. To'
            ' safely continue using main-account login, see "action=clientlogin".'
        )
        call.warn("login", text, "deprecation")
        call.context.log_in(user)
    return user


def _account(call: Call, name: str, password: str) -> User | None:
    user = call.wiki.users.get(clean_user_name(name) or "")
    if user is None or user.password is None or user.locked:
        return None
    return user if _same(user.password, password) else None


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


def clientlogin(call: Call) -> dict[str, Any]:
    """Sign in with the account's own password.

    Raises:
        ApiError: The token is no good, or parameters are missing.
    """
    given = call.parameters("clientlogin")
    if given["returnurl"] is None and not given["continue"]:
        raise one_of(["loginreturnurl", "logincontinue"])
    if not call.context.token_is_good("login", given["token"]):
        raise refuse("badtoken", "Invalid CSRF token.")
    if call.context.caller.mechanism in _PROVIDERS:
        return _failed("⧼userlogin-cannot-login⧽", "userlogin-cannot-login")
    name, password = call.raw("username"), call.raw("password")
    if name is None or password is None:
        text = "No primary authentication providers can handle the request."
        return _failed(text, "authmanager-authn-no-primary")
    user = _account(call, name, password)
    remember = call.raw("rememberMe") is not None
    if user is None:
        return _failed(_WRONG, "wrongpassword")
    call.context.log_in(user, remember_days=_DAYS_REMEMBERED if remember else None)
    return {"clientlogin": {"status": "PASS", "username": user.name}}


def _failed(message: str, code: str) -> dict[str, Any]:
    answer = {"status": "FAIL", "message": message, "messagecode": code, "canpreservestate": False}
    return {"clientlogin": answer}


def logout(call: Call) -> dict[str, Any]:
    """Sign out.

    Raises:
        ApiError: The caller came with a credential that each request carries.
    """
    provider = _PROVIDERS.get(call.context.caller.mechanism)
    if provider is not None:
        text = f"Logging out is not possible when using {provider} sessions."
        raise refuse("cannotlogout", text)
    call.parameters("logout")
    call.context.log_out()
    return {}


def checktoken(call: Call) -> dict[str, Any]:
    """Say whether a token would be accepted.

    Raises:
        ApiError: A parameter is missing.
    """
    given = call.parameters("checktoken")
    token: str = given["token"]
    good = call.context.token_is_good(given["type"], token)
    answer: dict[str, Any] = {"result": "valid" if good else "invalid"}
    digits = token.removesuffix("+\\")[-_TIME_DIGITS:]
    if good and re.fullmatch(r"[0-9a-f]{8}", digits):
        generated = call.wiki.now.fromtimestamp(int(digits, 16), call.wiki.now.tzinfo)
        age, most = (call.wiki.now - generated).total_seconds(), given["maxtokenage"]
        if most is not None and age > most:
            answer["result"] = "expired"
        answer["generated"] = timestamp(generated)
    return {"checktoken": answer}
