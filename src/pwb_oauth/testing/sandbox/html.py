"""The wiki's HTML: a page around some content, and the parts of its forms, all escaped."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from werkzeug.wrappers import Response

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pwb_oauth.testing.sandbox.model import WikiState

PRIVATE = "private, must-revalidate, max-age=0"
NO_CACHE = "no-cache, no-store, max-age=0, must-revalidate"
HTML = "text/html; charset=UTF-8"
_VARY = "Accept-Encoding, Cookie, Authorization"
_HELP = "https://www.mediawiki.org/wiki/Help:OAuth/Errors#"
_STYLE = (
    "body{font:1rem/1.6 sans-serif;color:#202122;background:#f8f9fa;margin:0}"
    "main{max-width:44rem;margin:0 auto;padding:1rem 2rem 2rem;background:#fff;"
    "border:solid #c8ccd1;border-width:0 1px 1px}"
    "h1{font:1.8rem/1.3 serif;border-bottom:1px solid #a2a9b1}"
    "label{display:block;margin:.6rem 0}input:not([type=checkbox]){display:block;font:inherit;"
    "padding:.3rem .5rem;width:20rem;max-width:100%;box-sizing:border-box}"
    "button{font:inherit;padding:.4rem 1rem;margin:.6rem .4rem .6rem 0}"
    "pre{white-space:pre-wrap}.error{color:#b32424}"
)


def page(
    wiki: WikiState, title: str, content: str, *, status: int = 200, cache: str = PRIVATE
) -> Response:
    """Make a page.

    Args:
        wiki: Its name goes into the title.
        title: Plain text.
        content: HTML, already escaped.
        status: HTTP status.
        cache: ``Cache-Control``.
    """
    api = f"{wiki.site.server.partition(':')[2]}{wiki.site.script_path}/api.php"
    body = (
        f"<!DOCTYPE html>\n<html lang='en'><head><meta charset='utf-8'>"
        # By which programs find the API. Source: OutputPage::getHeadLinksArray.
        f"<link rel='EditURI' type='application/rsd+xml' href='{escape(api)}?action=rsd'>"
        f"<meta name='viewport' content='width=device-width'><style>{_STYLE}</style>"
        f"<title>{escape(title)} - {escape(wiki.site.name)}</title></head>"
        f"<body><main><h1 id='firstHeading'>{escape(title)}</h1>"
        f"<div id='mw-content-text'>{content}</div></main></body></html>"
    )
    return Response(body, status, {"Content-Type": HTML, "Cache-Control": cache, "Vary": _VARY})


def error_page(
    wiki: WikiState, message: str, *, title: str = "Application Connection Error", status: int = 200
) -> Response:
    """Make a page that says what went wrong.

    Args:
        wiki: Whose page it is.
        message: HTML, already escaped.
        title: Plain text.
        status: HTTP status.
    """
    main_page = link("/wiki/Main_Page", "Main Page")
    content = f"<div class='error'>{message}</div><p id='mw-returnto'>Return to {main_page}.</p>"
    return page(wiki, title, content, status=status)


def redirect(location: str, *, cache: str = PRIVATE) -> Response:
    """Send the browser on, as index.php does.

    Args:
        location: The whole address.
        cache: ``Cache-Control``.
    """
    headers = {"Content-Type": HTML, "Location": location, "Cache-Control": cache, "Vary": _VARY}
    return Response("", 302, headers)


def bare_redirect(location: str) -> Response:
    """Send the browser on as Special:OAuth/approve does: without a word about caching."""
    return Response("", 302, {"Content-Type": HTML, "Location": location})


def help_link(number: str) -> str:
    """Link an error's number to its explanation."""
    return link(f"{_HELP}{number}", number)


def link(address: str, text: str) -> str:
    """Make a link from plain text."""
    return f'<a href="{escape(address)}">{escape(text)}</a>'


def with_query(address: str, **parameters: str) -> str:
    """Add parameters to an address that may have some already."""
    mark = "&" if "?" in address else "?"
    return f"{address}{mark}{urlencode(parameters)}"


def form(action: str, parts: Iterable[str], *, form_id: str = "") -> str:
    """Make a form that is sent by POST.

    Args:
        action: Where to.
        parts: HTML of its fields and buttons.
        form_id: The form's ``id``, empty for none.
    """
    named = f' id="{escape(form_id)}"' if form_id else ""
    return f'<form action="{escape(action)}" method="post"{named}>{" ".join(parts)}</form>'


def hidden(fields: Mapping[str, str]) -> str:
    """Make hidden fields."""
    return "".join(field("hidden", name, value) for name, value in fields.items())


def field(kind: str, name: str, value: str = "", label: str = "") -> str:
    """Make an input field, with its label around it."""
    made = f'<input type="{escape(kind)}" name="{escape(name)}" value="{escape(value)}">'
    return f"<label>{escape(label)} {made}</label>" if label else made


def checkbox(
    name: str, value: str, label: str, *, checked: bool = False, disabled: bool = False
) -> str:
    """Make a check box, with its label around it."""
    state = (" checked" if checked else "") + (" disabled" if disabled else "")
    return (
        f'<label><input type="checkbox" name="{escape(name)}" value="{escape(value)}"{state}>'
        f" {escape(label)}</label>"
    )


def button(name: str, text: str) -> str:
    """Make a button that sends the form."""
    shown = escape(text)
    return f'<button type="submit" name="{escape(name)}" value="{shown}">{shown}</button>'
