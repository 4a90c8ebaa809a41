"""``action=help``, and what api.php answers when nothing is asked of it: a page to read."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from werkzeug.wrappers import Response

from pwb_oauth.testing.sandbox.api_modules import Module, modules

if TYPE_CHECKING:
    from pwb_oauth.testing.sandbox.api_call import Call


def answer(call: Call) -> Response:
    """Write the page that lists the modules and their parameters."""
    main = modules()["main"]
    wanted = (call.raw("modules") or "main").split("|")
    chosen = [modules()[path] for path in wanted if path in modules()]
    body = "".join(map(_section, chosen))
    if main in chosen:
        body += "".join(f"<li>{escape(path)}</li>" for path in modules())
    title = f"MediaWiki API help - {escape(call.wiki.site.name)}"
    page = f"<!DOCTYPE html><html><head><title>{title}</title></head><body>{body}</body></html>"
    reply = Response(page, content_type="text/html; charset=utf-8")
    reply.headers["Cache-Control"] = "private, must-revalidate, max-age=0"
    reply.headers["Vary"] = "Accept-Encoding, Cookie, Authorization"
    return reply


def _section(module: Module) -> str:
    names = [f"<li>{escape(module.prefix + each.name)}</li>" for each in module.parameters]
    return f"<h2>{escape(module.path)}</h2><ul>{''.join(names)}</ul>"
