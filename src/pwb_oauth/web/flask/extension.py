"""The extension that an application initializes."""

from __future__ import annotations

import os
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec
from urllib.parse import unquote, urlsplit

from flask import current_app, redirect

from pwb_oauth.errors import ConfigurationError
from pwb_oauth.web import access_log
from pwb_oauth.web.flask import (
    addresses,
    commands,
    csrf,
    error_pages,
    request_state,
    startup,
    views,
)
from pwb_oauth.web.flow import WebFlow
from pwb_oauth.web.settings import WebSettings
from pwb_oauth.web.sql import SqlSealedStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask
    from markupsafe import Markup

    from pwb_oauth.web.user_session import UserSession

_P = ParamSpec("_P")
_DATABASE = "PWB_OAUTH_DATABASE_URL"
_SEE_OTHER = 303


class WikiOAuth:
    """Lets visitors log in with their wiki account; one object serves any number of applications.

    Settings are read from ``app.config`` and, where that has none, from the environment:
    those of :class:`pwb_oauth.web.settings.WebSettings`, and ``PWB_OAUTH_DATABASE_URL``, as
    SQLAlchemy writes it. The callback lies where ``PWB_OAUTH_CALLBACK_URL`` says, the pages login
    and logout beside it; under an ``APPLICATION_ROOT`` that is taken off.
    """

    def __init__(self, app: Flask | None = None) -> None:
        """Set an application up, if there is one already."""
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Set an application up.

        Raises:
            ConfigurationError: A setting is missing, malformed or dangerous.
        """
        settings = WebSettings.read(app.config.get)
        startup.require_safe(app, settings)
        store = SqlSealedStore(_database_url(app))
        app.extensions[request_state.EXTENSION] = WebFlow(settings, store)
        app.register_blueprint(views.blueprint(_callback_path(app, settings)))
        error_pages.register(app)
        app.context_processor(lambda: {"wiki_oauth": self})
        app.after_request(request_state.finish_response)
        app.cli.add_command(commands.group)
        access_log.hide_queries(str(settings.consumer.callback_url))

    @property
    def flow(self) -> WebFlow:
        """What acts for visitors, without a framework: ``flow.account(user_session)``."""
        return request_state.flow()

    @property
    def user_session(self) -> UserSession | None:
        """Who the visitor of the current request is; None if nobody is signed in.

        The database is asked when a request first asks here. The response then is for this visitor
        only, and no cache keeps it.

        Raises:
            TokenStoreError: The database cannot be used.
        """
        return request_state.user_session()

    @property
    def csrf_field(self) -> Markup:
        """A hidden field for forms, which login and logout ask for."""
        return csrf.field()

    def require_own_form(self) -> None:
        """Refuse a form without :attr:`csrf_field`, or from another site, with 403.

        Login and logout do so by themselves. Call it in views of your own that change something,
        unless something else in the application protects them.
        """
        csrf.require_own_form()

    def login_required(self, view: Callable[_P, Any]) -> Callable[_P, Any]:
        """Let only visitors who are signed in reach a view; others are asked to sign in first."""

        @wraps(view)
        def checked(*args: _P.args, **kwargs: _P.kwargs) -> Any:
            if request_state.user_session() is None:
                return redirect(addresses.login_url(), _SEE_OTHER)
            return current_app.ensure_sync(view)(*args, **kwargs)

        return checked


def _database_url(app: Flask) -> str:
    url = app.config.get(_DATABASE) or os.environ.get(_DATABASE)
    if not url:
        raise ConfigurationError(
            f"{_DATABASE} is not set. Set it to where the user sessions are to be kept, such as "
            "sqlite:////path/of/visitors.sqlite, or ToolsDB's mariadb+pymysql://… on Toolforge."
        )
    return str(url)


def _callback_path(app: Flask, settings: WebSettings) -> str:
    """The path of the callback URL below the application's root.

    Raises:
        ConfigurationError: It lies elsewhere.
    """
    root = str(app.config["APPLICATION_ROOT"]).rstrip("/")
    path = unquote(urlsplit(str(settings.consumer.callback_url)).path)
    if not path.startswith(f"{root}/"):
        raise ConfigurationError(
            f"PWB_OAUTH_CALLBACK_URL does not lie under APPLICATION_ROOT, {root!r}. Change the one "
            "that is wrong."
        )
    return path.removeprefix(root)
