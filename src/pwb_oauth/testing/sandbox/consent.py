"""Where a user allows an application to act for them: authorize, authenticate and approve."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from pwb_oauth.testing.sandbox import html, oauth1
from pwb_oauth.testing.sandbox.model import Acceptance, Consumer
from pwb_oauth.testing.sandbox.oauth1_signature import OAuth1Error

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from pwb_oauth.testing.sandbox.exchange import Context
    from pwb_oauth.testing.sandbox.model import User, WikiState
    from pwb_oauth.testing.sandbox.tokens import RequestToken

IDENTITY_GRANTS = ("mwoauth-authonly", "mwoauth-authonlyprivate")
_GROUP_HEADINGS = {
    "high-volume": "Perform high volume activity",
    "administration": "Perform administrative actions",
    "page-interaction": "Interact with pages",
    "customization": "Customization and preferences",
    "file-interaction": "Interact with media",
    "watchlist-interaction": "Interact with your watchlist",
    "other": "Miscellaneous activity",
    "email": "Send email",
    "private-information": "Access private data about you",
}
_LOST_SESSION = "Sorry! We could not process your submission due to a loss of session data."


@dataclass(frozen=True)
class _Request:
    """What an application asks a user for, whichever OAuth it speaks.

    ``fields`` are the form's own, ``here`` is the special page, and ``wanted`` the grants.
    """

    here: str
    consumer: Consumer
    wanted: list[str]
    fields: dict[str, str]


class _ConsentRefused(Exception):  # noqa: N818 - becomes a page, is no failure of the sandbox
    """There is nothing to ask the user; ``message`` is the HTML that says why."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def handle(context: Context, subpage: str) -> Response:
    """Show the form, or take the user's answer.

    Args:
        context: The browser's request.
        subpage: ``authorize``, ``authenticate`` (both OAuth 1.0a) or ``approve`` (OAuth 2.0).
    """
    if context.user is None:
        return _to_login(context, subpage)
    try:
        if subpage == "approve":
            return _approve(context, context.user)
        return _authorize(context, context.user, subpage)
    except _ConsentRefused as refused:
        return html.error_page(context.wiki, refused.message)


def _to_login(context: Context, subpage: str) -> Response:
    query = {name: value for name, value in context.request.query.items() if name != "title"}
    parameters = {
        "returnto": f"Special:OAuth/{subpage}",
        "returntoquery": urlencode(query),
        "warning": "mwoauth-named-account-required-reason",
    }
    site = context.wiki.site
    address = f"{site.server}{site.script_path}/index.php?title=Special:UserLogin"
    return html.redirect(f"{address}&{urlencode(parameters)}")


def _authorize(context: Context, user: User, subpage: str) -> Response:
    params = context.request.params
    token_key = params.get("oauth_token") or params.get("requestToken", "")
    key = params.get("oauth_consumer_key") or params.get("consumerKey", "")
    if not key and token_key in context.wiki.request_tokens:
        # python-social-auth names no consumer.
        key = context.wiki.request_tokens[token_key].consumer_key
    consumer = _usable_consumer(context, user, key, "1.0a")
    try:
        token = oauth1.live_request_token(context.wiki, consumer, token_key)
    except OAuth1Error as error:
        raise _ConsentRefused(escape(error.text)) from None
    fields = {"oauth_version": "1", "consumerKey": key, "requestToken": token_key}
    request = _Request(subpage, consumer, consumer.grants, fields)
    if context.request.method == "POST":
        return _answer_oauth1(context, user, request, token)
    if subpage == "authenticate" and _needs_no_question(context.wiki, user, request):
        return _send_verifier(user, consumer, token)
    return _form_page(context, user, request)


def _answer_oauth1(
    context: Context, user: User, request: _Request, token: RequestToken
) -> Response:
    form = context.request.form
    if "cancel" in form:
        return _cancelled_page(context, request.consumer)
    problem = _problem(context, request.consumer)
    if problem:
        return _form_page(context, user, request, problem)
    if accept(context.wiki, user, request.consumer, request.wanted):
        context.note_write()
    return _send_verifier(user, request.consumer, token)


def _send_verifier(user: User, consumer: Consumer, token: RequestToken) -> Response:
    token.user_id, token.verifier = user.id, secrets.token_hex(16)
    callback_url = token.callback_url
    if callback_url == "oob":
        callback_url = consumer.callback_url
    return html.redirect(
        html.with_query(callback_url, oauth_verifier=token.verifier, oauth_token=token.key)
    )


def _approve(context: Context, user: User) -> Response:
    params = context.request.params
    consumer = _usable_consumer(context, user, params.get("client_id", ""), "2.0")
    wanted = params.get("scope", "").split()
    names = ("client_id", "scope", "returnto", "returntoquery")
    fields = {"oauth_version": "2"} | {name: params.get(name, "") for name in names}
    request = _Request("approve", consumer, wanted, fields)
    if not fields["returnto"].startswith(f"{context.wiki.site.script_path}/rest.php/"):
        raise _ConsentRefused("Invalid redirect")
    if context.request.method != "POST":
        if _needs_no_question(context.wiki, user, request):
            return _back_to_rest(context, request, "approval_pass")
        return _form_page(context, user, request)
    if "cancel" in context.request.form:
        return _back_to_rest(context, request, "approval_cancel")
    problem = _problem(context, consumer)
    if problem:
        return _form_page(context, user, request, problem)
    accept(context.wiki, user, consumer, wanted)
    return _back_to_rest(context, request, "approval_pass")


def _back_to_rest(context: Context, request: _Request, answer: str) -> Response:
    path, query = request.fields["returnto"], request.fields["returntoquery"]
    return html.bare_redirect(f"{context.wiki.site.server}{path}?{query}&{answer}=1")


def _usable_consumer(context: Context, user: User, key: str, oauth_version: str) -> Consumer:
    consumer = context.wiki.consumers.get(key)
    contact = (
        "Sorry, something went wrong. "
        "You'll need to contact the application author for help with this."
    )
    if consumer is None:
        raise _ConsentRefused(f"{contact} Invalid consumer key, {html.help_link('E006')}")
    if consumer.oauth_version != oauth_version:
        raise _ConsentRefused(f"{contact} Wrong OAuth version, {html.help_link('E012')}")
    if not consumer.is_usable_by(user):
        raise _ConsentRefused(
            f'"{escape(consumer.name)}" is not approved as a Connected App. '
            "Contact the application author for help. Connected OAuth app not approved."
        )
    return consumer


def _problem(context: Context, consumer: Consumer) -> str:
    if not context.token_is_good("csrf", context.request.form.get("wpEditToken", "")):
        return _LOST_SESSION
    if consumer.owner_only:
        page = f"Special:OAuthConsumerRegistration/update/{consumer.key}"
        return (
            f'"{escape(consumer.name)}" is an owner-only Connected App. To fetch the access token,'
            f" see {html.link(f'/wiki/{page}', page)}. "
            f"Consumer is owner-only, {html.help_link('E010')}"
        )
    return ""


def _needs_no_question(wiki: WikiState, user: User, request: _Request) -> bool:
    accepted = wiki.acceptance(user.id, request.consumer.key)
    return accepted is not None and all(
        grant in IDENTITY_GRANTS and grant in accepted.grants for grant in request.wanted
    )


def accept(wiki: WikiState, user: User, consumer: Consumer, wanted: list[str]) -> bool:
    """Note a user's approval; the access token of an earlier one stays.

    Returns:
        Whether anything changed.
    """
    accepted = wiki.acceptance(user.id, consumer.key)
    if accepted is not None:
        changed = accepted.grants != wanted
        accepted.grants = list(wanted)
        return changed
    wiki.acceptances.append(
        Acceptance(
            id=wiki.next_id("acceptance"),
            user_id=user.id,
            consumer_key=consumer.key,
            grants=list(wanted),
            accepted_at=wiki.now,
            access_token=secrets.token_hex(16),
            access_secret=secrets.token_hex(20),
        )
    )
    return True


def _form_page(context: Context, user: User, request: _Request, problem: str = "") -> Response:
    wiki, consumer = context.wiki, request.consumer
    accepted = wiki.acceptance(user.id, consumer.key)
    fields = {
        "title": f"Special:OAuth/{request.here}",
        "wpEditToken": context.token("csrf"),
        "display": "",
        "wpaction": "accept",
        "wpconfirmUpdate": "1" if accepted else "0",
        **request.fields,
    }
    parts = [
        html.hidden(fields),
        html.checkbox("wpignorewarnings", "1", "Ignore warnings"),
        html.button("accept", "Allow"),
        html.button("cancel", "Cancel"),
    ]
    action = f"/wiki/Special:OAuth/{quote(request.here)}"
    form = html.form(action, parts, form_id="mw-mwoauth-authorize-form")
    question = f"<p>Hi {escape(user.name)},</p><p>{_question(wiki, request)}</p>"
    privacy = html.link("/wiki/Project:Privacy_policy", "Privacy policy")
    return html.page(
        wiki, "OAuth", f"{question}<div class='error'>{problem}</div>{form}<p>{privacy}</p>"
    )


def _question(wiki: WikiState, request: _Request) -> str:
    start = (
        f"In order to complete your request, {escape(request.consumer.name)} needs permission to "
    )
    end = " No changes will be made with your account."
    listed = _listed_grants(wiki, request.wanted)
    if "mwoauth-authonlyprivate" in request.wanted:
        return (
            f"{start}access information about you, including your real name and email address, "
            f"on all projects of this site.{end}"
        )
    if not listed:
        return f"{start}access information on all projects of this site on your behalf.{end}"
    return (
        f"{start}perform the following actions on your behalf on all projects of this site:{listed}"
    )


def _listed_grants(wiki: WikiState, wanted: list[str]) -> str:
    descriptions = wiki.description["grant_descriptions"]
    parts = []
    for group, members in wiki.description["grant_groups"].items():
        texts = [f"<span>{escape(descriptions[name])}</span>" for name in members if name in wanted]
        if group != "hidden" and texts:
            heading = escape(_GROUP_HEADINGS.get(group, group))
            parts.append(f"<div><b>{heading}</b> {'; '.join(texts)}</div>")
    return "".join(parts)


def _cancelled_page(context: Context, consumer: Consumer) -> Response:
    name = f'"{escape(consumer.name)}"'
    main_page = html.link("/wiki/Main_Page", "Main Page")
    return html.page(
        context.wiki,
        "OAuth",
        f"<p>You have chosen not to allow {name} to access your account. {name} will not work "
        f"unless you allow it access. You can go back to {name} or manage your connected apps.</p>"
        f"<p>Return to {main_page}.</p>",
    )
