"""What an access token says of itself, for people to read. Nobody has verified it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import jwt

from pwb_oauth.credential import OAuth2AccessToken

if TYPE_CHECKING:
    from pwb_oauth.credential import Credential

_KEY = re.compile(r"[0-9a-f]{32}")


def consumer_key(credential: Credential) -> str | None:
    """The key of the consumer, by what was registered or, failing that, by the access token.

    To whoever has registered an owner-only OAuth 2.0 consumer the access token alone is enough. It
    names the consumer in ``aud``. Source: MediaWiki 1.43, whose access tokens are JWTs.

    Returns:
        The key; None if it is not known. For display alone: the wiki may change what it puts there.
    """
    token = credential.access_token
    if credential.consumer.key is not None or not isinstance(token, OAuth2AccessToken):
        return credential.consumer.key
    try:
        claims = jwt.decode(token.value, options={"verify_signature": False})
    except jwt.PyJWTError:
        return None
    audience = claims.get("aud")
    return audience if isinstance(audience, str) and _KEY.fullmatch(audience) else None
