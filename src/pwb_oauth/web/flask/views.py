"""Login, callback and logout."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from flask import (
    Blueprint,
    abort,
    after_this_request,
    redirect,
    render_template,
    request,
)

from pwb_oauth.errors import ConfigurationError, PwbOAuthError
from pwb_oauth.web.flask import addresses, csrf, request_state

if TYPE_CHECKING:
    from flask import Response
    from werkzeug.wrappers import Response as AnyResponse

_SEE_OTHER = 303


def login() -> AnyResponse | str:
    """Show one button; when it was pressed, leave for the wiki."""
    if request.method == "POST":
        csrf.require_own_form()
        departure = request_state.flow().begin(
            addresses.next_url(request.form.get("next")), request.cookies
        )
        request_state.set_cookies(departure.cookies)
        return redirect(departure.url, _SEE_OTHER)
    after_this_request(_show_whole)
    return render_template("pwb_oauth/login.html", next=request.args.get("next", ""))


def callback() -> AnyResponse:
    """Come back from the wiki.

    What goes wrong leaves somebody who is signed in already as they were.
    """
    after_this_request(_keep_to_itself)
    if request.method != "GET":  # a HEAD must not use the code up
        abort(405)
    flow, url = request_state.flow(), addresses.take_callback()
    before = request_state.user_session()
    try:
        arrival = flow.finish(url, request.cookies)
        with ExitStack() as undo:
            undo.callback(flow.take_back, arrival)
            flow.logout(before)
            undo.pop_all()
    except PwbOAuthError:
        request_state.set_cookies(flow.failed_cookies(url, request.cookies))
        raise
    request_state.log_in(arrival.session)
    csrf.token()  # Several tabs that open at once would each make one, and the last one would win.
    request_state.set_cookies(arrival.cookies)
    return redirect(arrival.next_url, _SEE_OTHER)


def logout() -> AnyResponse:
    """Take all access with the visitor who leaves."""
    csrf.require_own_form()
    cookies = request_state.flow().logout(request_state.user_session())
    request_state.set_cookies(cookies)
    request_state.log_out()
    return redirect(addresses.next_url(request.form.get("next")), _SEE_OTHER)


def blueprint(callback_path: str) -> Blueprint:
    """The three pages, with the callback at its registered place and the others beside it.

    Args:
        callback_path: The path of the callback URL, below the application's root.

    Raises:
        ConfigurationError: The path leaves no place for the others.
    """
    folder, _, name = callback_path.rpartition("/")
    if name in ("", "login", "logout") or set("<>") & set(callback_path):
        raise ConfigurationError(
            f"PWB_OAUTH_CALLBACK_URL cannot end in {callback_path!r}: the pages login and logout "
            "lie beside it. Register a callback URL such as https://…/oauth/callback."
        )
    pages = Blueprint("pwb_oauth", __name__, url_prefix=folder, template_folder="templates")
    pages.add_url_rule("/login", view_func=login, methods=["GET", "POST"])
    pages.add_url_rule(f"/{name}", "callback", view_func=callback, methods=["GET"])
    pages.add_url_rule("/logout", view_func=logout, methods=["POST"])
    return pages


def _show_whole(response: Response) -> Response:
    """Let no other site show the button inside a page of its own."""
    response.headers["X-Frame-Options"] = "DENY"
    return response


def _keep_to_itself(response: Response) -> Response:
    """Keep the code in the callback's address out of caches, and out of the next page's logs."""
    response.cache_control.no_store = True
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
