"""index.php and the article path: signing in, reading a page, and the way to the special pages."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from pwb_oauth.testing.sandbox import (
    consent,
    grants_page,
    html,
    oauth1,
    registration,
    sessions,
)
from pwb_oauth.testing.sandbox.exchange import text_reply, title_of

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from pwb_oauth.testing.sandbox.exchange import Context

_REASON = (
    "This feature is available only to registered users. You need to login into your {name} "
    "account to authorize applications to access it."
)
_WRONG_PASSWORD = "Incorrect username or password entered. Please try again."
_CONSENT_PAGES = ("authorize", "authenticate", "approve")


def handle(context: Context) -> Response:
    """Answer any request to index.php or to the article path."""
    title = title_of(context.request)
    page, _, subpage = title.partition("/")
    page = _WRITTEN.get(page.casefold(), page)
    if page == "Special:OAuth" and subpage in oauth1.ENDPOINTS:
        return oauth1.handle(context, subpage)
    if sessions.carries_oauth(context.request):
        return _not_for_oauth(context)
    special = _SPECIAL_PAGES.get(page)
    if special is not None:
        return special(context, subpage)
    return _view(context, title or "Main Page")


def _not_for_oauth(context: Context) -> Response:
    context.caller = sessions.Caller()
    reply = html.error_page(
        context.wiki, "OAuth can only be used with the API", title="Error", status=400
    )
    reply.headers["Cache-Control"] = html.NO_CACHE
    return reply


def _special_oauth(context: Context, subpage: str) -> Response:
    if subpage in _CONSENT_PAGES:
        return consent.handle(context, subpage)
    if subpage == "rest redirect":
        path = context.request.query.get("rest_url", "")
        # One slash only: two would name another host.
        if not path.startswith(f"{context.wiki.site.script_path}/rest.php/"):
            return html.error_page(context.wiki, "Invalid redirect")
        return html.redirect(context.wiki.site.server + path)
    if subpage == "verified":
        verifier = escape(context.request.query.get("oauth_verifier", ""))
        text = f"<p>Your verification code is</p><p><code>{verifier}</code></p>"
        return html.page(context.wiki, "OAuth", text)
    return html.error_page(context.wiki, "Invalid action", title="Error")


def _log_in(context: Context, _: str) -> Response:
    if context.request.method != "POST":
        return _login_form(context)
    form, user = context.request.form, None
    if not context.token_is_good("login", form.get("wpLoginToken", "")):
        return _login_form(context, "Session failure. Please try again.")
    name = form.get("wpName", "").replace("_", " ").strip()
    user = context.wiki.users.get(name[:1].upper() + name[1:])
    if user is None or user.password is None or user.password != form.get("wpPassword"):
        return _login_form(context, _WRONG_PASSWORD)
    context.log_in(user, remember_days=180 if form.get("wpRemember") else None)
    return html.redirect(_after_login(context), cache=html.NO_CACHE)


def _after_login(context: Context) -> str:
    site, query = context.wiki.site, context.request.query
    target = query.get("returnto", "")
    if not target:
        return f"{site.server}/wiki/Main_Page"
    title = quote(target.replace(" ", "_"), safe=":/")
    rest = query.get("returntoquery", "")
    address = f"{site.server}{site.script_path}/index.php?title={title}"
    return f"{address}&{rest}" if rest else address


def _login_form(context: Context, problem: str = "") -> Response:
    query = context.request.query
    back = [(name, query[name]) for name in ("returnto", "returntoquery") if name in query]
    action = "/wiki/Special:UserLogin"
    if back:
        path = f"{context.wiki.site.script_path}/index.php"
        action = f"{path}?title=Special:UserLogin&{urlencode(back)}"
    hidden = {
        "title": "Special:UserLogin",
        "wpEditToken": context.token("csrf"),
        "authAction": "login",
        "force": "",
        "wpLoginToken": context.token("login"),
    }
    parts = [
        html.field("text", "wpName", label="Username"),
        html.field("password", "wpPassword", label="Password"),
        html.checkbox("wpRemember", "1", "Keep me logged in"),
        html.hidden(hidden),
        html.button("wploginattempt", "Log in"),
    ]
    reason = _REASON.format(name=context.wiki.site.name) if "warning" in query else ""
    content = f"<p>{escape(reason)}</p><p class='error'>{escape(problem)}</p>"
    content += html.form(action, parts)
    return html.page(context.wiki, "Log in", content, cache=html.NO_CACHE)


def _view(context: Context, title: str) -> Response:
    if "read" not in context.rights:
        return html.error_page(context.wiki, "You may not read this page.", title="Error")
    page = context.wiki.pages.get(title[:1].upper() + title[1:])
    if page is None:
        text = "<p>There is currently no text in this page.</p>"
        return html.page(context.wiki, title, text, status=404)
    if context.request.params.get("action") == "raw":
        return text_reply(page.latest.text, "text/x-wiki; charset=UTF-8")
    return html.page(context.wiki, page.title, f"<pre>{escape(page.latest.text)}</pre>")


_SPECIAL_PAGES = {
    "Special:UserLogin": _log_in,
    "Special:OAuth": _special_oauth,
    "Special:OAuthManageMyGrants": grants_page.handle,
    "Special:OAuthConsumerRegistration": registration.handle,
}
# MediaWiki finds a special page however it is capitalised; python-social-auth relies on it.
_WRITTEN = {page.casefold(): page for page in _SPECIAL_PAGES}
