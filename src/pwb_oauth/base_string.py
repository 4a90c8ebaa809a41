"""The string that an OAuth 1.0a signature is made of, without parsing what is signed.

oauthlib decodes query and form into pairs and encodes them again, character by character: seconds
for a large page. But text that is encoded canonically, as urllib and so Pywikibot encode it, *is*
what RFC 5849 wants sorted and encoded once more. That takes methods of ``bytes`` which pass over
the whole text, and no loop but over the pairs. Whatever is not canonical is left to oauthlib.

Source: RFC 5849 sections 3.4.1 and 3.6.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from binascii import a2b_qp
from codecs import charmap_decode
from itertools import chain
from string import ascii_letters, ascii_lowercase, digits
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from oauthlib.oauth1.rfc5849.signature import base_string_uri
from oauthlib.oauth1.rfc5849.utils import escape

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_UNRESERVED = f"{ascii_letters}{digits}-._~".encode()
_NOT_LOWER = bytes(set(range(256)) - set(ascii_lowercase.encode()))
# The same escapes behind another sign, decoded by one function of C; "&" separates as "=" does.
_AS_QUOTED_PRINTABLE = bytes.maketrans(b"%=", b"=&")
# What stands for "%25", "%3D" and "%26" until these are octets: UTF-8 writes it as three. All else
# is ASCII; the table has 256 places, since CPython is four times as fast then.
_SIGNS = {"%": "\u10a5", "=": "\u10fd", "&": "\u10a6"}
_UNDEFINED = "\ufffe"
_AS_CHARACTERS = "".join(_SIGNS.get(sign, sign) for sign in map(chr, range(128))).ljust(
    256, _UNDEFINED
)
_AS_ESCAPES = bytes.maketrans("".join(_SIGNS.values()).encode(), b"%25%3D%26")
# Octets. Encoded, a piece stays below what the C library asks the operating system for each time.
_PIECE = 32_768


def base_string(
    method: str, url: str, form: bytes, protocol: Iterable[tuple[str, str]]
) -> Iterator[bytes] | None:
    """The signature base string of a request, to the byte as oauthlib makes it.

    Args:
        method: The HTTP method.
        url: Where the request goes, with its query.
        form: Its body, if that is an URL-encoded form; else empty.
        protocol: The ``oauth_`` parameters of its header, as they are encoded there.

    Returns:
        Its parts; None where query or form are not canonical: oauthlib has to say then.
    """
    pairs = [(name.encode(), value.encode()) for name, value in protocol]
    for sent in (urlsplit(url).query.encode(), form):
        text = sent.replace(b"+", b"%20")
        if not _is_canonical(text):
            return None
        for pair in filter(None, text.split(b"&")):
            name, _, value = pair.partition(b"=")
            if b"=" in value or name.startswith(b"oauth_"):
                return None
            pairs.append((name, value))
    start = f"{escape(method.upper())}&{escape(base_string_uri(url))}&"
    normalized = b"&".join([b"=".join(pair) for pair in sorted(pairs)])
    return chain([start.encode()], _encoded_again(normalized))


def hmac_sha1(parts: Iterable[bytes], consumer_secret: str, token_secret: str) -> str:
    """The signature over a base string. Source: RFC 5849 section 3.4.2."""
    key = f"{escape(consumer_secret)}&{escape(token_secret)}"
    mac = hmac.new(key.encode(), digestmod="sha1")
    for part in parts:
        mac.update(part)
    return b64encode(mac.digest()).decode()


def _is_canonical(text: bytes) -> bool:
    """Whether pairs are UTF-8 in which just what has to be encoded is, by capital digits.

    It is if each ``%`` stands, with the two digits behind it, for an octet that is not unreserved,
    so that both texts have as many of these; and if decoding took no small letter away.
    """
    reserved = text.translate(None, _UNRESERVED)
    separators = reserved.translate(None, b"%")
    if separators.translate(None, b"&="):
        return False
    # Leaves a sign without digits as it is, or drops one at the end: the length tells.
    octets = a2b_qp(text.translate(_AS_QUOTED_PRINTABLE))
    escapes = len(reserved) - len(separators)
    return (
        len(octets) == len(text) - 2 * escapes
        and len(octets.translate(None, _UNRESERVED)) == len(reserved)
        and octets.translate(None, _NOT_LOWER) == text.translate(None, _NOT_LOWER)
        and _is_utf8(octets)
    )


def _is_utf8(octets: bytes) -> bool:
    try:
        octets.decode()
    except UnicodeDecodeError:
        return False
    return True


def _encoded_again(text: bytes) -> Iterator[bytes]:
    """Encode what is encoded once more, in pieces that need no new memory each time.

    A page is full of signs. ``replace()`` looks for each of them anew; this passes over them all.
    """
    for start in range(0, len(text), _PIECE):
        characters, _ = charmap_decode(text[start : start + _PIECE], "strict", _AS_CHARACTERS)
        yield characters.encode().translate(_AS_ESCAPES)
