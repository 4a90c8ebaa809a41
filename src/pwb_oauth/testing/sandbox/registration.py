"""Special:OAuthConsumerRegistration: a form filled in from its address, and what comes of it."""

from __future__ import annotations

import secrets
from html import escape
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlencode

from pwb_oauth.testing.sandbox import html, jwts
from pwb_oauth.testing.sandbox.consent import accept
from pwb_oauth.testing.sandbox.model import Consumer, ConsumerState

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from pwb_oauth.testing.sandbox.exchange import Context
    from pwb_oauth.testing.sandbox.model import User, WikiState

_TITLE = "OAuth consumer registration"
_SPECIAL = "Special:OAuthConsumerRegistration"
_VERSIONS: dict[str, Literal["1.0a", "2.0"]] = {
    "propose/oauth1a": "1.0a",
    "propose/oauth2": "2.0",
}
_GRANT_TYPES = ("authorization_code", "refresh_token", "client_credentials")
_TEXTS = {
    "wpname": "Application name:",
    "wpversion": "Consumer version:",
    "wpdescription": "Application description:",
    "wpcallbackUrl": "OAuth callback URL:",
    "wpwiki": "Applicable project:",
}


def handle(context: Context, subpage: str) -> Response:
    """Show the form for a proposal, or register what it says.

    Args:
        context: The browser's request.
        subpage: ``propose/oauth1a`` or ``propose/oauth2``.
    """
    if context.user is None:
        return _to_login(context, subpage)
    oauth_version = _VERSIONS.get(subpage)
    if oauth_version is None:
        links = " ".join(html.link(f"/wiki/{_SPECIAL}/{name}", name) for name in _VERSIONS)
        return html.page(context.wiki, _TITLE, f"<p>{links}</p>")
    if context.request.method != "POST":
        return _form(context, subpage, oauth_version)
    if not context.token_is_good("csrf", context.request.form.get("wpEditToken", "")):
        return _form(context, subpage, oauth_version)
    return _register(context, context.user, oauth_version)


def _to_login(context: Context, subpage: str) -> Response:
    query = {name: value for name, value in context.request.query.items() if name != "title"}
    back = {"returnto": f"{_SPECIAL}/{subpage}", "returntoquery": urlencode(query)}
    site = context.wiki.site
    address = f"{site.server}{site.script_path}/index.php?title=Special:UserLogin"
    return html.redirect(f"{address}&{urlencode(back)}")


def _form(context: Context, subpage: str, oauth_version: str) -> Response:
    query = context.request.query
    texts = [html.field("text", name, query.get(name, ""), _TEXTS[name]) for name in _TEXTS]
    owner_only = html.checkbox(
        "wpownerOnly",
        "1",
        "This consumer is for use only by me.",
        checked=query.get("wpownerOnly") == "1",
    )
    particular = _oauth2_fields if oauth_version == "2.0" else _oauth1_fields
    grants = [
        html.checkbox("wpgrants[]", f"grant-{name}", text)
        for name, text in context.wiki.description["grant_descriptions"].items()
    ]
    hidden = {"title": f"{_SPECIAL}/{subpage}", "wpEditToken": context.token("csrf")}
    parts = [
        *texts,
        owner_only,
        *particular(context),
        "Applicable grants:",
        *grants,
        html.hidden(hidden),
        html.button("propose", "Propose consumer"),
    ]
    return html.page(context.wiki, _TITLE, html.form(f"/wiki/{_SPECIAL}/{subpage}", parts))


def _oauth1_fields(context: Context) -> list[str]:
    checked = context.request.query.get("wpcallbackIsPrefix") == "1"
    text = "Allow consumer to specify a callback in requests"
    return [html.checkbox("wpcallbackIsPrefix", "1", text, checked=checked)]


def _oauth2_fields(context: Context) -> list[str]:
    query = context.request.query
    confidential = query.get("wpoauth2IsConfidential", "1") == "1"
    wanted = _repeated(context, "wpoauth2GrantTypes[]") or list(_GRANT_TYPES[:2])
    types = [
        html.checkbox("wpoauth2GrantTypes[]", name, name, checked=name in wanted)
        for name in _GRANT_TYPES
    ]
    return [
        html.checkbox(
            "wpoauth2IsConfidential", "1", "Client is confidential", checked=confidential
        ),
        *types,
    ]


def _repeated(context: Context, name: str) -> list[str]:
    pairs = context.request.form_pairs or context.request.query_pairs
    return [value for given, value in pairs if given == name]


def _register(context: Context, owner: User, oauth_version: Literal["1.0a", "2.0"]) -> Response:
    wiki, form = context.wiki, context.request.form
    owner_only = form.get("wpownerOnly") == "1"
    grants = [name.removeprefix("grant-") for name in _repeated(context, "wpgrants[]")]
    consumer = new_consumer(
        wiki,
        name=form.get("wpname", ""),
        owner=owner,
        oauth_version=oauth_version,
        callback_url=form.get("wpcallbackUrl", ""),
        callback_is_prefix=form.get("wpcallbackIsPrefix") == "1",
        owner_only=owner_only,
        confidential=form.get("wpoauth2IsConfidential") == "1" or oauth_version == "1.0a",
        grants=["basic", *(name for name in grants if name != "basic")],
        grant_types=_repeated(context, "wpoauth2GrantTypes[]") or None,
        state="approved" if owner_only else "proposed",
    )
    consumer.description = form.get("wpdescription", "")
    consumer.version = form.get("wpversion", "") or consumer.version
    context.note_write()
    return html.page(wiki, _TITLE, _outcome(consumer))


def _outcome(consumer: Consumer) -> str:
    secrets_shown = {
        "Consumer key": consumer.key,
        "Consumer secret": consumer.secret,
        "Access token": consumer.access_token,
        "Access secret": consumer.access_secret,
    }
    lines = "".join(
        f"<li>{name}: <code>{escape(value)}</code></li>"
        for name, value in secrets_shown.items()
        if value
    )
    return f"<p>Your OAuth consumer request has been received.</p><ul>{lines}</ul>"


def new_consumer(
    wiki: WikiState,
    *,
    name: str,
    owner: User,
    oauth_version: Literal["1.0a", "2.0"],
    callback_url: str,
    callback_is_prefix: bool,
    owner_only: bool,
    confidential: bool,
    grants: list[str],
    grant_types: list[str] | None,
    state: ConsumerState,
    key: str | None = None,
    secret: str | None = None,
) -> Consumer:
    """Register a consumer; an owner-only one comes with its access token.

    Args:
        wiki: Where.
        name: What users see.
        owner: Who registers it.
        oauth_version: ``1.0a`` or ``2.0``.
        callback_url: Empty for the wiki's own page that shows the verifier.
        callback_is_prefix: OAuth 1.0a: requests may say a longer address.
        owner_only: Only for its owner.
        confidential: OAuth 2.0: it can keep a secret.
        grants: ``basic`` among them.
        grant_types: OAuth 2.0's; None for what such a client usually has.
        state: ``approved``, ``proposed``, ….
        key: None makes one up.
        secret: Likewise.
    """
    consumer = Consumer(
        id=wiki.next_id("consumer"),
        key=key or secrets.token_hex(16),
        secret=secret or secrets.token_hex(20),
        name=name,
        owner=owner.name,
        oauth_version=oauth_version,
        callback_url=callback_url or f"{wiki.site.server}/wiki/Special:OAuth/verified",
        callback_is_prefix=callback_is_prefix,
        owner_only=owner_only,
        grants=grants,
        state=state,
        registered_at=wiki.now,
        confidential=confidential,
        grant_types=_grant_types(oauth_version, grant_types, owner_only=owner_only),
    )
    wiki.consumers[consumer.key] = consumer
    if owner_only:
        _give_owner_a_token(wiki, consumer, owner)
    return consumer


def _grant_types(oauth_version: str, wanted: list[str] | None, *, owner_only: bool) -> list[str]:
    if oauth_version != "2.0":
        return []
    usual = ["client_credentials"] if owner_only else list(_GRANT_TYPES[:2])
    return wanted or usual


def _give_owner_a_token(wiki: WikiState, consumer: Consumer, owner: User) -> None:
    accept(wiki, owner, consumer, consumer.grants)
    accepted = wiki.acceptances[-1]
    if consumer.oauth_version == "1.0a":
        consumer.access_token = accepted.access_token
        consumer.access_secret = accepted.access_secret
    else:
        consumer.access_token, _ = jwts.issue_owner_only(wiki, consumer, owner, accepted.id)
