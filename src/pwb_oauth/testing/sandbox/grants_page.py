"""Special:OAuthManageMyGrants: what a user has allowed, narrowing it, and taking it back."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from pwb_oauth.testing.sandbox import html

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from pwb_oauth.testing.sandbox.exchange import Context
    from pwb_oauth.testing.sandbox.model import Acceptance, Consumer, WikiState

_TITLE = "Manage connected applications"
_INTRODUCTION = (
    "This page lists any applications that can use your account. For any such application, the "
    "scope of its access is limited by the permissions that you granted to the application when "
    "you authorized it to act on your behalf."
)
_EXPLANATIONS = {
    "revoke": "Use the form below to revoke access for an application to act on your behalf.",
    "update": (
        "Use the form below to modify the permissions granted to an application to act on your "
        "behalf."
    ),
}
_BUTTONS = {"revoke": ("renounce", "Deauthorize"), "update": ("update", "Update grants")}
_SPECIAL = "Special:OAuthManageMyGrants"


def handle(context: Context, subpage: str) -> Response:
    """Show the list or one form, or do what the form says.

    Args:
        context: The browser's request.
        subpage: Empty for the list, ``revoke/11`` or ``update/11`` for the approval number 11.
    """
    if context.user is None:
        return _to_login(context, subpage)
    action, _, number = subpage.partition("/")
    if action not in _BUTTONS:
        return _list(context)
    accepted = _own(context, number)
    if accepted is None:
        return html.error_page(context.wiki, "No such grant.", title=_TITLE)
    consumer = context.wiki.consumers[accepted.consumer_key]
    if context.request.method == "POST":
        return _submit(context, action, accepted, consumer)
    return _form(context, action, accepted, consumer)


def revoke(wiki: WikiState, accepted: Acceptance) -> None:
    """Take an approval back: its access and refresh tokens end at once."""
    wiki.acceptances.remove(accepted)
    _end_tokens(wiki, accepted)


def _end_tokens(wiki: WikiState, accepted: Acceptance) -> None:
    whose = (accepted.consumer_key, accepted.user_id)
    for token in wiki.access_tokens.values():
        token.revoked |= (token.consumer_key, token.user_id) == whose
    for refresh_token in wiki.refresh_tokens.values():
        refresh_token.revoked |= (refresh_token.consumer_key, refresh_token.user_id) == whose


def _to_login(context: Context, subpage: str) -> Response:
    title = f"{_SPECIAL}/{subpage}" if subpage else _SPECIAL
    site = context.wiki.site
    address = f"{site.server}{site.script_path}/index.php?title=Special:UserLogin"
    return html.redirect(f"{address}&{urlencode({'returnto': title})}")


def _own(context: Context, number: str) -> Acceptance | None:
    for accepted in context.wiki.acceptances:
        if (str(accepted.id), accepted.user_id) == (number, context.user_id):
            return accepted
    return None


def _list(context: Context) -> Response:
    own = [old for old in context.wiki.acceptances if old.user_id == context.user_id]
    items = "".join(_item(context.wiki.consumers[old.consumer_key], old.id) for old in own)
    return html.page(context.wiki, _TITLE, f"<p>{_INTRODUCTION}</p><ul>{items}</ul>")


def _item(consumer: Consumer, number: int) -> str:
    manage = html.link(f"/wiki/{_SPECIAL}/update/{number}", "manage access")
    take_back = html.link(f"/wiki/{_SPECIAL}/revoke/{number}", "revoke access")
    return (
        f"<li>{escape(consumer.name)} [{escape(consumer.version)}] ({manage} | {take_back}) "
        f"Publisher: {escape(consumer.owner)} Allowed on project: All projects</li>"
    )


def _form(
    context: Context, action: str, accepted: Acceptance, consumer: Consumer, problem: str = ""
) -> Response:
    place = f"{_SPECIAL}/{action}/{accepted.id}"
    hidden = {
        "title": place,
        "wpEditToken": context.token("csrf"),
        "wpacceptanceId": str(accepted.id),
    }
    parts = [
        "Applicable grants allowed:",
        *(_check_box(context.wiki, action, accepted, grant) for grant in consumer.grants),
        html.checkbox("wpignorewarnings", "1", "Ignore warnings"),
        html.hidden(hidden),
        html.button(*_BUTTONS[action]),
    ]
    about = (
        f"<p>Application name: {escape(consumer.name)} [{escape(consumer.version)}]</p>"
        f"<p>Publisher: {escape(consumer.owner)}</p>"
        f"<p>Application description: {escape(consumer.description)}</p>"
    )
    content = f"<p>{_EXPLANATIONS[action]}</p><p class='error'>{escape(problem)}</p>{about}"
    return html.page(context.wiki, _TITLE, content + html.form(f"/wiki/{place}", parts))


def _check_box(wiki: WikiState, action: str, accepted: Acceptance, grant: str) -> str:
    hidden = grant in wiki.description["hidden_grants"]
    return html.checkbox(
        "wpgrants[]",
        f"grant-{grant}",
        wiki.description["grant_descriptions"].get(grant, grant),
        checked=grant in accepted.grants,
        disabled=action == "revoke" or hidden,
    )


def _submit(context: Context, action: str, accepted: Acceptance, consumer: Consumer) -> Response:
    if not context.token_is_good("csrf", context.request.form.get("wpEditToken", "")):
        lost = "Sorry! We could not process your submission due to a loss of session data."
        return _form(context, action, accepted, consumer, lost)
    context.note_write()
    if action == "revoke":
        revoke(context.wiki, accepted)
        text = "The application's access to your account has been revoked."
        return html.page(context.wiki, _TITLE, f"<p>{text}</p>")
    _narrow(context, accepted, consumer)
    text = "Your preferences for this application have been updated."
    return html.page(context.wiki, _TITLE, f"<p>{text}</p>")


def _narrow(context: Context, accepted: Acceptance, consumer: Consumer) -> None:
    boxes = {value for name, value in context.request.form_pairs if name == "wpgrants[]"}
    always = context.wiki.description["hidden_grants"]
    accepted.grants = [
        grant for grant in consumer.grants if f"grant-{grant}" in boxes or grant in always
    ]
    _end_tokens(context.wiki, accepted)
