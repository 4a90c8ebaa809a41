"""Sign visitors of a Flask application in with their wiki account, and act as them.

Example::

    from flask import Flask
    from pwb_oauth.web.flask import WikiOAuth

    wiki_oauth = WikiOAuth()

    def create_app():
        app = Flask(__name__)
        app.config.from_prefixed_env()
        wiki_oauth.init_app(app)
        return app

In a view, ``wiki_oauth.user_session`` is the visitor's user session, or None; to act as them::

    @bp.post("/thank")
    @wiki_oauth.login_required
    def thank():
        with wiki_oauth.flow.account(wiki_oauth.user_session) as account:
            site = account.site("en", "wikipedia")
            ...

In a template, ``{% include "pwb_oauth/logout_form.html" %}`` is a button that logs out, and
``url_for("pwb_oauth.login")`` the page with the button that signs in. The templates in
``pwb_oauth/`` give way to those of the same name in the application's own folder;
``pwb_oauth/base.html`` is around all pages.

Login and logout protect themselves from other sites' forms. Where Flask-WTF's ``CSRFProtect`` is at
work, ``csrf.exempt(app.blueprints["pwb_oauth"])`` lets their own protection do.
"""

from __future__ import annotations

from pwb_oauth.web.flask.extension import WikiOAuth
from pwb_oauth.web.flask.signals import signed_in, signed_out

__all__ = ["WikiOAuth", "signed_in", "signed_out"]
