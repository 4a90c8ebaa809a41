"""Secrets on a command line, where none belongs, and which must not be repeated."""

from __future__ import annotations

import re

from pwb_oauth.errors import ConfigurationError

_LONGEST_NAME = 253
_MOST_COLONS = 2
_TOKEN = re.compile(
    r"(?<![0-9A-Za-z])[0-9A-Fa-f]{32,}(?![0-9A-Za-z])"  # a consumer's key, or a part of OAuth 1.0a
    r"|(?<![\w-])eyJ[\w-]*\.[\w-]+\.[\w-]*"  # a JWT
    r"|[A-Za-z0-9_+/=-]{64,}"  # longer than a label of a host name, and than a person's word
)
_HOST = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*://)?(?:[^/?#@]*@)?([^/?#]*)", re.DOTALL)


def looks_like_token(text: str) -> bool:
    """Whether a name looks like an access token, or like a part of one."""
    colons = 0 if text.startswith("[") else text.count(":")  # an IPv6 address has more
    return colons > _MOST_COLONS or len(text) > _LONGEST_NAME or bool(_TOKEN.search(text))


def says_token(text: str) -> bool:
    """Whether there is what looks like an access token among the words of a text."""
    return any(map(looks_like_token, re.split(r"[\s'\"]+", text)))


def refuse_token(text: str) -> None:
    """Refuse a name that is an access token by mistake.

    Raises:
        ConfigurationError: It looks like one. It is not repeated.
    """
    if looks_like_token(text):
        raise token_given()


def host_in(text: str) -> str:
    """What names the wiki in a URL or in another word for one; a page may be called anything."""
    found = _HOST.match(text)
    return found[1] if found else text


def token_given() -> ConfigurationError:
    """The error for an access token on a command line."""
    return ConfigurationError(
        "That looks like an access token, which does not belong on a command line: the shell's "
        "history has it now. Have it reset on the wiki, then give the new one to "
        "pwb-oauth login when it asks, or by standard input (--with-token)."
    )
